/* Keys of both formats through one type.
 *
 *   key_name --find--> value --element i--> cell --get_KIND--> caller's type
 *
 * A cell is one scalar with its kind, whatever file it came from; the getters
 * know cells only, so that each check and each sentence exists once. */
#include "format/keys.h"

#include "format/gguf.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* One value or one element of an array, wherever it came from. */
struct cell {
    enum key_kind   kind;
    bool            boolean;
    bool            is_int;     /* `integer` holds it exactly */
    struct json_int integer;
    double          number;
    struct slice    string;
};

/* A key, or an element of it. */
struct place {
    const struct keys *k;
    struct key_name    name;
    size_t             i;       /* WHOLE: not an element */
};

static const size_t WHOLE = SIZE_MAX;

/* ---- finding ---- */

struct shown key_spelling(const struct keys *k, struct key_name name)
{
    struct shown out;
    const char *key = k->naming == NAMING_HF ? name.hf : name.gguf;

    if (key == NULL)
        key = "";
    if (k->naming == NAMING_GGUF && key[0] == 'A' && key[1] == '.')
        snprintf(out.text, sizeof out.text, "%.40s%s", show(k->arch).text,
                 key + 1);
    else
        snprintf(out.text, sizeof out.text, "%s", key);
    return out;
}

/* text_config counts as merged over the top level: what it has, even as null,
 * hides what stands outside. */
static const struct json *find_json(const struct keys *k, const char *path)
{
    char first[64];
    size_t len = path == NULL ? 0 : strcspn(path, ".");

    if (len == 0 || len >= sizeof first)
        return NULL;
    memcpy(first, path, len);
    first[len] = '\0';
    if (json_get(k->text, first) == NULL
        || (strcmp(first, "tie_word_embeddings") == 0
            && json_get(k->top, first) != NULL))
        return json_path(k->top, path);
    return json_path(k->text, path);
}

bool keys_is_null(const struct keys *k, struct key_name name)
{
    return k->naming == NAMING_HF && json_is(find_json(k, name.hf), JSON_NULL);
}

static const struct gguf_value *find_gguf(const struct keys *k,
                                          struct key_name name)
{
    char key[128];
    int len;

    if (name.gguf == NULL || k->arch.len > sizeof key)
        return NULL;
    if (name.gguf[0] == 'A' && name.gguf[1] == '.')
        len = snprintf(key, sizeof key, "%.*s%s", (int)k->arch.len, k->arch.at,
                       name.gguf + 1);
    else
        len = snprintf(key, sizeof key, "%s", name.gguf);
    if (len < 0 || (size_t)len >= sizeof key)
        return NULL;
    return gguf_find(k->meta, (struct slice){ key, (size_t)len });
}

/* null counts as absent: writers put it where they have nothing to say. */
static enum key_kind kind_of_json(enum json_kind kind)
{
    switch (kind) {
    case JSON_BOOL:   return KEY_BOOL;
    case JSON_INT:    return KEY_INT;
    case JSON_FLOAT:  return KEY_FLOAT;
    case JSON_STRING: return KEY_STRING;
    case JSON_ARRAY:  return KEY_ARRAY;
    case JSON_OBJECT: return KEY_OBJECT;
    default:          return KEY_ABSENT;
    }
}

static struct cell cell_of_json(const struct json *v)
{
    struct cell c = { .kind = KEY_ABSENT };

    if (v == NULL)
        return c;
    c = (struct cell){ .kind = kind_of_json(v->kind), .boolean = v->boolean,
                       .is_int = v->kind == JSON_INT, .integer = v->integer,
                       .number = v->number, .string = v->string };
    /* Writers in Python produce 40.0 where 40 is meant. */
    if (v->kind == JSON_FLOAT && fabs(v->number) <= 9007199254740992.0
        && v->number == floor(v->number)) {
        c.is_int = true;
        c.integer = (struct json_int){ v->number < 0,
                                       (uint64_t)fabs(v->number) };
    }
    return c;
}

/* gguf_number takes integers, too, so that keys_float accepts them. */
static struct cell cell_of_gguf(const struct gguf_value *v, size_t i)
{
    struct cell c = { .kind = KEY_INT };

    if (gguf_string(v, i, &c.string))
        c.kind = KEY_STRING;
    else if (gguf_bool(v, i, &c.boolean))
        c.kind = KEY_BOOL;
    else if (gguf_number(v, i, &c.number)
             && !(c.is_int = gguf_int(v, i, &c.integer)))
        c.kind = KEY_FLOAT;
    return c;
}

/* The whole value, without its elements when it is an array. */
static struct cell find(const struct keys *k, struct key_name name, size_t *n)
{
    const struct gguf_value *v;
    const struct json *j;

    *n = 0;
    if (k->naming == NAMING_HF) {
        j = find_json(k, name.hf);
        if (json_is(j, JSON_ARRAY))
            *n = j->n;
        return cell_of_json(j);
    }
    v = find_gguf(k, name);
    if (v == NULL)
        return (struct cell){ .kind = KEY_ABSENT };
    if (!v->is_array)
        return cell_of_gguf(v, 0);
    *n = (size_t)v->n;
    return (struct cell){ .kind = KEY_ARRAY };
}

enum key_kind keys_kind(const struct keys *k, struct key_name name)
{
    size_t n;

    return find(k, name, &n).kind;
}

size_t keys_len(const struct keys *k, struct key_name name)
{
    size_t n;

    find(k, name, &n);
    return n;
}

/* The scalar that a place means.  A scalar where an array might be stands for
 * all its elements: hidden sizes and head counts are written either way.  An
 * array where a scalar is wanted stays a cell of kind KEY_ARRAY, which no
 * getter takes. */
static enum err fetch(struct cell *c, const struct place *p,
                      struct err_info *why)
{
    size_t n;

    *c = find(p->k, p->name, &n);
    if (c->kind != KEY_ARRAY || p->i == WHOLE)
        return ERR_OK;
    if (p->i >= n)
        return keys_fail(p->k, p->name, ERR_FORMAT, why, "has %zu entries, "
                         "entry %zu is wanted", n, p->i);
    if (p->k->naming == NAMING_GGUF)
        *c = cell_of_gguf(find_gguf(p->k, p->name), p->i);
    else
        *c = cell_of_json(json_at(find_json(p->k, p->name.hf), p->i));
    if (c->kind == KEY_ABSENT)
        return keys_fail(p->k, p->name, ERR_FORMAT, why, "has a null as entry "
                         "%zu", p->i);
    return ERR_OK;
}

/* ---- complaining ---- */

enum err keys_fail(const struct keys *k, struct key_name name, enum err code,
                   struct err_info *why, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fail(why, code, "%s: %s %s", k->path, key_spelling(k, name).text,
                text);
}

/* A value as it may stand in a sentence. */
static struct shown show_cell(const struct cell *c)
{
    struct shown out;

    switch (c->kind) {
    case KEY_BOOL:
        snprintf(out.text, sizeof out.text, c->boolean ? "true" : "false");
        break;
    case KEY_INT:
        snprintf(out.text, sizeof out.text, "%s%" PRIu64,
                 c->integer.negative ? "-" : "", c->integer.magnitude);
        break;
    case KEY_FLOAT:
        snprintf(out.text, sizeof out.text, "%.9g", c->number);
        break;
    case KEY_STRING:
        snprintf(out.text, sizeof out.text, "\"%.100s\"", show(c->string).text);
        break;
    default:
        snprintf(out.text, sizeof out.text, "%s",
                 c->kind == KEY_ARRAY ? "an array" : "an object");
    }
    return out;
}

/* "KEY is VALUE, expected ..." */
static enum err misfit(const struct place *p, const struct cell *c,
                       const char *expected, struct err_info *why)
{
    if (p->i == WHOLE || keys_kind(p->k, p->name) != KEY_ARRAY)
        return keys_fail(p->k, p->name, ERR_FORMAT, why, "is %s, expected %s",
                         show_cell(c).text, expected);
    return keys_fail(p->k, p->name, ERR_FORMAT, why, "has %s as entry %zu, "
                     "expected %s", show_cell(c).text, p->i, expected);
}

enum err keys_require(const struct keys *k, struct key_name name,
                      struct err_info *why)
{
    if (keys_has(k, name))
        return ERR_OK;
    return keys_fail(k, name, ERR_FORMAT, why, "is missing");
}

/* ---- the getters ----
 *
 * Each: absent leaves *out alone; a cell that fits goes to *out; anything else
 * is a misfit.  Out of range and of the wrong kind are one sentence, because
 * what to do about them is the same. */

static enum err get_uint(uint32_t *out, const struct place *p,
                         struct uint_range range, struct err_info *why)
{
    struct cell c;
    char expected[80];
    enum err e = fetch(&c, p, why);

    if (e != ERR_OK || c.kind == KEY_ABSENT)
        return e;
    if (c.is_int && c.integer.magnitude >= range.min
        && c.integer.magnitude <= range.max
        && !(c.integer.negative && c.integer.magnitude > 0)) {
        *out = (uint32_t)c.integer.magnitude;
        return ERR_OK;
    }
    snprintf(expected, sizeof expected, "an integer from %" PRIu32 " to %"
             PRIu32, range.min, range.max);
    return misfit(p, &c, expected, why);
}

static enum err get_int(int64_t *out, const struct place *p,
                        struct err_info *why)
{
    struct cell c;
    enum err e = fetch(&c, p, why);

    if (e != ERR_OK || c.kind == KEY_ABSENT)
        return e;
    if (!c.is_int || c.integer.magnitude > INT64_MAX)
        return misfit(p, &c, "an integer of 64 bits", why);
    *out = c.integer.negative ? -(int64_t)c.integer.magnitude
                              : (int64_t)c.integer.magnitude;
    return ERR_OK;
}

static enum err get_float(double *out, const struct place *p, double min,
                          double max, struct err_info *why)
{
    struct cell c;
    char expected[80] = "a finite number";
    enum err e = fetch(&c, p, why);

    if (e != ERR_OK || c.kind == KEY_ABSENT)
        return e;
    if ((c.kind == KEY_INT || c.kind == KEY_FLOAT) && isfinite(c.number)
        && c.number >= min && c.number <= max) {
        *out = c.number;
        return ERR_OK;
    }
    if (isfinite(min) && isfinite(max))
        snprintf(expected, sizeof expected, "a number from %g to %g", min, max);
    else if (isfinite(min))
        snprintf(expected, sizeof expected, "a finite number from %g on", min);
    return misfit(p, &c, expected, why);
}

static enum err get_bool(bool *out, const struct place *p,
                         struct err_info *why)
{
    struct cell c;
    enum err e = fetch(&c, p, why);

    if (e != ERR_OK || c.kind == KEY_ABSENT)
        return e;
    if (c.kind != KEY_BOOL)
        return misfit(p, &c, "true or false", why);
    *out = c.boolean;
    return ERR_OK;
}

static enum err get_string(struct slice *out, const struct place *p,
                           struct err_info *why)
{
    struct cell c;
    enum err e = fetch(&c, p, why);

    if (e != ERR_OK || c.kind == KEY_ABSENT)
        return e;
    if (c.kind != KEY_STRING)
        return misfit(p, &c, "a string", why);
    *out = c.string;
    return ERR_OK;
}

enum err keys_uint(uint32_t *out, const struct keys *k, struct key_name name,
                   struct uint_range range, struct err_info *why)
{
    return get_uint(out, &(struct place){ k, name, WHOLE }, range, why);
}

enum err keys_uint_at(uint32_t *out, const struct keys *k, struct key_name name,
                      size_t i, struct uint_range range, struct err_info *why)
{
    return get_uint(out, &(struct place){ k, name, i }, range, why);
}

enum err keys_int(int64_t *out, const struct keys *k, struct key_name name,
                  struct err_info *why)
{
    return get_int(out, &(struct place){ k, name, WHOLE }, why);
}

enum err keys_int_at(int64_t *out, const struct keys *k, struct key_name name,
                     size_t i, struct err_info *why)
{
    return get_int(out, &(struct place){ k, name, i }, why);
}

enum err keys_float(double *out, const struct keys *k, struct key_name name,
                    double min, double max, struct err_info *why)
{
    return get_float(out, &(struct place){ k, name, WHOLE }, min, max, why);
}

enum err keys_float_at(double *out, const struct keys *k, struct key_name name,
                       size_t i, struct err_info *why)
{
    return get_float(out, &(struct place){ k, name, i }, -INFINITY, INFINITY,
                     why);
}

enum err keys_bool(bool *out, const struct keys *k, struct key_name name,
                   struct err_info *why)
{
    return get_bool(out, &(struct place){ k, name, WHOLE }, why);
}

enum err keys_bool_at(bool *out, const struct keys *k, struct key_name name,
                      size_t i, struct err_info *why)
{
    return get_bool(out, &(struct place){ k, name, i }, why);
}

enum err keys_string(struct slice *out, const struct keys *k,
                     struct key_name name, struct err_info *why)
{
    return get_string(out, &(struct place){ k, name, WHOLE }, why);
}

enum err keys_string_at(struct slice *out, const struct keys *k,
                        struct key_name name, size_t i, struct err_info *why)
{
    return get_string(out, &(struct place){ k, name, i }, why);
}
