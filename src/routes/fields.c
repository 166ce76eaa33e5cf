/* Reading bodies by tables.
 *
 * The loop at the bottom walks the members a client sent and asks the tables
 * for each; then it asks for what is required.  A reader that finds a fault
 * notes it and returns, the loop goes on: a client should learn of all its
 * mistakes at once, not of one a call.
 *
 * Two rules are the same everywhere and therefore live here: null is as good
 * as nothing (clients write all members of a class, set or not), and a count
 * must be written as one (1e3 or 4.0 is a number that came out of a
 * computation, and rounding it would be guessing). */
#include "routes/fields.h"

#include "base/sentence.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- faults ---- */

void fault_add(struct reading *r, const char *field, const char *constraint,
               const char *fmt, ...)
{
    va_list args;
    if (r->n_faults == FAULTS_MAX)
        return;
    struct fault *f = &r->fault[r->n_faults++];
    *f = (struct fault){ .has_value = false };
    snprintf(f->field, sizeof f->field, "%s", field);
    snprintf(f->constraint, sizeof f->constraint, "%s", constraint);
    va_start(args, fmt);
    sentence_format(f->message, sizeof f->message, fmt, args);
    va_end(args);
}

void fault_value(struct reading *r, double value)
{
    struct fault *f = &r->fault[r->n_faults - 1];
    f->has_value = true;
    f->value = value;
}

/* ---- numbers ---- */

static bool is_number(const struct json *v)
{
    return v->kind == JSON_INT || v->kind == JSON_FLOAT;
}

/* The bounds as the contract writes them; a bound next to zero stands for "not
 * zero itself". */
static void put_range(char *out, size_t size, const struct field *f,
                      bool whole)
{
    bool above = f->least > 0 && f->least < 1e-3;
    if (whole)
        snprintf(out, size, "range(%.0f..=%.0f)", f->least, f->most);
    else
        snprintf(out, size, "range(%.1f%s..=%.1f)", f->least,
                 above ? "<" : "", f->most);
}

static void out_of_range(struct reading *r, const struct field *f,
                         double value, bool whole)
{
    char range[48];
    bool low = value < f->least;
    put_range(range, sizeof range, f, whole);
    if (low && f->least > 0 && f->least < 1e-3)
        fault_add(r, f->name, range, "%s must be above 0", f->name);
    else if (low)
        fault_add(r, f->name, range, "%s must be at least %.15g", f->name,
                  f->least);
    else
        fault_add(r, f->name, range, "%s must be at most %.15g (got %.15g)",
                  f->name, f->most, value);
    fault_value(r, value);
}

/* Not 1e3, not 1.0: what a client calls a count it must write as one. */
static bool whole(struct reading *r, const struct field *f,
                  const struct json *v)
{
    if (v->kind == JSON_INT)
        return true;
    if (!is_number(v)) {
        fault_add(r, f->name, "integer", "%s must be a whole number, not %s",
                  f->name, json_kind_name(v->kind));
        return false;
    }
    fault_add(r, f->name, "integer", "%s must be a whole number of up to 64 "
              "bits", f->name);
    fault_value(r, v->number);
    return false;
}

static bool in_range(struct reading *r, const struct field *f,
                     const struct json *v, bool is_whole)
{
    if (v->number >= f->least && v->number <= f->most)
        return true;
    out_of_range(r, f, v->number, is_whole);
    return false;
}

void field_u32(struct reading *r, const struct field *f, const struct json *v)
{
    if (whole(r, f, v) && in_range(r, f, v, true))
        *(uint32_t *)field_at(r, f) = (uint32_t)v->integer.magnitude;
}

void field_u64(struct reading *r, const struct field *f, const struct json *v)
{
    struct given_u64 *to = field_at(r, f);
    if (!whole(r, f, v))
        return;
    if (v->integer.negative && v->integer.magnitude > 0) {
        fault_add(r, f->name, "range(0..=18446744073709551615)",
                  "%s must be at least 0 (got %.15g)", f->name, v->number);
        fault_value(r, v->number);
        return;
    }
    *to = (struct given_u64){ true, v->integer.magnitude };
}

/* The sampler's own list has the last word; the ranges of the rows lie within
 * its ranges. */
static void sample(struct reading *r, const struct field *f, double value)
{
    struct err_info why;
    enum err e = sampling_set(r->sampling, (enum sampling_field)f->at, value,
                              &why);
    if (e != ERR_OK)
        fault_add(r, f->name, "validation_failed", "%s", why.text);
}

void field_sample_f32(struct reading *r, const struct field *f,
                      const struct json *v)
{
    if (!is_number(v))
        fault_add(r, f->name, "number", "%s must be a number, not %s", f->name,
                  json_kind_name(v->kind));
    else if (!isfinite(v->number))
        fault_add(r, f->name, "number", "%s is too large", f->name);
    else if (in_range(r, f, v, false))
        sample(r, f, v->number);
}

void field_sample_u32(struct reading *r, const struct field *f,
                      const struct json *v)
{
    if (whole(r, f, v) && in_range(r, f, v, true))
        sample(r, f, v->number);
}

/* ---- the rest ---- */

static bool is_kind(struct reading *r, const struct field *f,
                    const struct json *v, enum json_kind kind)
{
    if (v->kind != kind)
        fault_add(r, f->name, kind == JSON_BOOL ? "boolean" : "string",
                  "%s must be %s, not %s", f->name,
                  kind == JSON_BOOL ? "true or false" : json_kind_name(kind),
                  json_kind_name(v->kind));
    return v->kind == kind;
}

void field_bool(struct reading *r, const struct field *f, const struct json *v)
{
    if (is_kind(r, f, v, JSON_BOOL))
        *(bool *)field_at(r, f) = v->boolean;
}

/* The constraint of a length, when only the one end is wrong. */
static void bad_length(struct reading *r, const char *name, double len,
                       double least, double most)
{
    char text[48];
    if (len < least && least == 1) {
        fault_add(r, name, "non_empty", "%s must not be empty", name);
        return;
    }
    snprintf(text, sizeof text, "max_length(%.0f)", most);
    fault_add(r, name, text, "%s must be at most %.0f bytes long", name, most);
}

void field_text(struct reading *r, const struct field *f, const struct json *v)
{
    if (!is_kind(r, f, v, JSON_STRING))
        return;
    double len = (double)v->string.len;
    if (len < f->least || (f->most > 0 && len > f->most))
        bad_length(r, f->name, len, f->least, f->most);
    else
        *(struct slice *)field_at(r, f) = v->string;
}

void field_json(struct reading *r, const struct field *f, const struct json *v)
{
    *(const struct json **)field_at(r, f) = v;
}

static bool good_text(struct reading *r, const struct field *f,
                      const struct json *v, size_t i)
{
    char name[FAULT_FIELD];
    snprintf(name, sizeof name, "%s[%zu]", f->name, i);
    if (v->kind != JSON_STRING)
        fault_add(r, name, "string", "%s must be a string, not %s", name,
                  json_kind_name(v->kind));
    else if (v->string.len < 1 || v->string.len > FIELD_STOP_LEN)
        bad_length(r, name, (double)v->string.len, 1, FIELD_STOP_LEN);
    else
        return true;
    return false;
}

void field_texts(struct reading *r, const struct field *f,
                 const struct json *v)
{
    struct texts *to = field_at(r, f);
    const struct json *one = v->kind == JSON_ARRAY ? v->first : v;
    size_t n = v->kind == JSON_ARRAY ? v->n : 1;
    char most[48];
    if (v->kind != JSON_ARRAY && v->kind != JSON_STRING) {
        fault_add(r, f->name, "strings", "%s must be a string or an array of "
                  "strings, not %s", f->name, json_kind_name(v->kind));
        return;
    }
    if ((double)n > f->most) {
        snprintf(most, sizeof most, "max_count(%.0f)", f->most);
        fault_add(r, f->name, most, "%s must be at most %.0f strings (got %zu)",
                  f->name, f->most, n);
        return;
    }
    to->at = arena_zero(r->arena, n + 1, sizeof *to->at);
    if (to->at == NULL) {
        r->no_memory = true;
        return;
    }
    for (size_t i = 0; i < n; i++, one = one->next)
        if (good_text(r, f, one, i))
            to->at[to->n++] = one->string;
}

void field_ignored(struct reading *r, const struct field *f,
                   const struct json *v)
{
    (void)r, (void)f, (void)v;
}

static bool asks_nothing(const struct json *v)
{
    switch (v->kind) {
    case JSON_BOOL:   return !v->boolean;
    case JSON_INT:
    case JSON_FLOAT:  return v->number == 0;
    case JSON_STRING: return v->string.len == 0;
    default:          return v->n == 0;
    }
}

void field_neutral(struct reading *r, const struct field *f,
                   const struct json *v)
{
    if (!asks_nothing(v))
        fault_add(r, f->name, "not_offered", "%s is not offered by this server",
                  f->name);
}

/* ---- the loop ---- */

static const struct field *find(const struct fields *tables, size_t n_tables,
                                struct slice name)
{
    for (size_t t = 0; t < n_tables; t++)
        for (size_t i = 0; i < tables[t].n; i++)
            if (slice_is(name, tables[t].at[i].name))
                return &tables[t].at[i];
    return NULL;
}

/* Only names that may stand in a header as they are. */
static bool is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
            return false;
    }
    return name.len > 0 && name.len <= FAULT_FIELD;
}

static void note_ignored(struct reading *r, struct slice name)
{
    size_t len = strlen(r->ignored);
    if (is_plain(name) && len + name.len + 3 < sizeof r->ignored)
        snprintf(r->ignored + len, sizeof r->ignored - len, "%s%.*s",
                 len > 0 ? ", " : "", (int)name.len, name.at);
}

static void ask_required(struct reading *r, const struct fields *table,
                         const struct json *object)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct field *f = &table->at[i];
        const struct json *v = f->required ? json_get(object, f->name) : NULL;
        if (f->required && (v == NULL || v->kind == JSON_NULL))
            fault_add(r, f->name, "required", "%s is required", f->name);
    }
}

enum err fields_read(struct reading *r, const struct fields *tables,
                     size_t n_tables, const struct json *object,
                     struct err_info *why)
{
    for (const struct json *v = object->first; v != NULL; v = v->next) {
        const struct field *f = find(tables, n_tables, v->key);
        if (f == NULL)
            note_ignored(r, v->key);
        else if (v->kind != JSON_NULL)
            f->read(r, f, v);
    }
    for (size_t t = 0; t < n_tables; t++)
        ask_required(r, &tables[t], object);
    if (r->no_memory)
        return fail_nomem(why);
    return r->n_faults == 0 ? ERR_OK
                            : fail(why, ERR_REQUEST, "%s", r->fault[0].message);
}
