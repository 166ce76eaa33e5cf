/* Beginning and end of a run; errors and budgets.
 *
 * The first error of a run is kept and everything else unwinds; whatever fails
 * afterwards because of it must not overwrite the sentence.  All values lie in
 * one arena with a limit, so ending a run is freeing that, on every way out. */
#include "text/template_run.h"

#include "base/checked.h"
#include "base/limits.h"
#include "text/template.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- errors ---- */

static struct val record(struct run *r, enum err code, const char *text)
{
    if (r->err == ERR_OK) {
        r->err = code;
        if (r->at != NULL)
            fail(r->why, code, "line %u, column %u: %s", r->at->line,
                 r->at->column, text);
        else
            fail(r->why, code, "%s", text);
    }
    return val_of_kind(VAL_FAIL);
}

struct val run_fail(struct run *r, enum err code, const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return record(r, code, text);
}

struct val run_error(struct run *r, const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return record(r, ERR_REQUEST, text);
}

bool run_refuse(struct run *r, const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    record(r, ERR_REQUEST, text);
    return false;
}

struct val run_undefined(struct run *r, struct val v)
{
    struct slice name = v.str != NULL ? val_slice(val_str(v.str)) : SLICE("?");
    const char *of = val_type_name(val_of_kind((enum val_kind)v.of));
    int len = (int)(name.len < 200 ? name.len : 200);
    switch ((enum undef_why)v.flag) {
    case UNDEF_NAME:
        return run_error(r, "'%.*s' is undefined", len, name.at);
    case UNDEF_ATTRIBUTE:
        return run_error(r, "'%s object' has no attribute '%.*s'", of, len,
                         name.at);
    case UNDEF_UNSAFE:
        return run_error(r, "access to attribute '%.*s' of '%s' object is"
                            " unsafe.", len, name.at, of);
    default:
        return run_error(r, "%.*s", len, name.at);
    }
}

/* ---- budgets ---- */

bool run_steps(struct run *r, size_t n)
{
    if (r->steps_left < 0 || (size_t)r->steps_left < n) {
        run_fail(r, ERR_LIMIT, "the template needs more than %d steps",
                 LIMIT_TEMPLATE_STEPS);
        return false;
    }
    r->steps_left -= (long)n;
    return true;
}

bool run_bytes(struct run *r, size_t n)
{
    return run_steps(r, n / 64 + 1);
}

void *run_take(struct run *r, size_t n, size_t size)
{
    void *p = arena_take(&r->arena, n, size);
    if (p != NULL)
        return p;
    size_t wanted;
    if (!checked_size(&wanted, n, size) || wanted > SIZE_MAX - 16)
        wanted = SIZE_MAX - 16;
    run_no_room(r, wanted + 16);
    return NULL;
}

struct val run_no_room(struct run *r, size_t wanted)
{
    if (wanted > RUN_MEMORY - r->arena.total)
        return run_fail(r, ERR_LIMIT, "the template's values need more than %d"
                        " MiB", RUN_MEMORY >> 20);
    return run_fail(r, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
}

bool run_deeper(struct run *r)
{
    if (r->depth >= RUN_DEPTH) {
        run_fail(r, ERR_LIMIT, "evaluation is nested deeper than %d",
                 RUN_DEPTH);
        return false;
    }
    r->depth++;
    return true;
}

bool run_write(struct run *r, struct slice s)
{
    size_t have = r->out->len - r->out_base;
    if (s.len > LIMIT_TEMPLATE_OUTPUT - have) {
        run_fail(r, ERR_LIMIT, "the template writes more than %d MiB",
                 LIMIT_TEMPLATE_OUTPUT >> 20);
        return false;
    }
    strbuf_put(r->out, s);
    if (r->out->failed) {
        run_fail(r, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
        return false;
    }
    return run_bytes(r, s.len);
}

/* Text written since `mark` as a value.  It is copied: the output goes on
 * behind the mark. */
struct val capture(struct run *r, size_t mark)
{
    struct slice s = SLICE("");
    if (r->out->len > mark)
        s = slice_from(strbuf_slice(r->out), mark);
    struct val v = str_new(r, s);
    r->out->len = mark;
    if (r->autoescape && !val_failed(v))
        v.flag = VAL_MARKUP;
    return v;
}

/* ---- variables ---- */

static struct val from_json(struct run *r, const struct json *j);

static struct val from_array(struct run *r, const struct json *j)
{
    struct val out = list_new(r, VAL_LIST, j->n);
    for (const struct json *c = j->first; c != NULL && !val_failed(out);
         c = c->next) {
        struct val v = from_json(r, c);
        if (val_failed(v) || !list_push(r, out.list, v))
            return val_of_kind(VAL_FAIL);
    }
    return out;
}

static struct val from_object(struct run *r, const struct json *j)
{
    struct val out = dict_new(r);
    for (const struct json *c = j->first; c != NULL && !val_failed(out);
         c = c->next) {
        struct val key = str_share(r, c->key), v = from_json(r, c);
        if (val_failed(key) || val_failed(v) || !dict_set(r, out.dict, key, v))
            return val_of_kind(VAL_FAIL);
    }
    return out;
}

static struct val from_int(const struct json *j)
{
    uint64_t m = j->integer.magnitude;
    if (m <= (uint64_t)INT64_MAX)
        return val_int(j->integer.negative ? -(int64_t)m : (int64_t)m);
    if (j->integer.negative)
        return m == (uint64_t)INT64_MAX + 1 ? val_int(INT64_MIN)
                                            : val_float(j->number);
    return (struct val){ .kind = VAL_BIG, .big = m };
}

/* Recursion is bounded by the JSON reader's depth. */
static struct val from_json(struct run *r, const struct json *j)
{
    if (j == NULL)
        return val_none();
    switch (j->kind) {
    case JSON_BOOL:   return val_bool(j->boolean);
    case JSON_INT:    return from_int(j);
    case JSON_FLOAT:  return val_float(j->number);
    case JSON_STRING: return str_share(r, j->string);
    case JSON_ARRAY:  return from_array(r, j);
    case JSON_OBJECT: return from_object(r, j);
    default:          return val_none();
    }
}

/* What names are looked up in that the template does not set: the global
 * functions, then the caller's variables over them. */
static bool make_context(struct run *r, const struct template_var *vars,
                         size_t n_vars)
{
    struct table globals = table_globals();
    struct val context = dict_new(r);
    if (val_failed(context))
        return false;
    r->context = context.dict;
    for (size_t i = 0; i < globals.n; i++) {
        struct val name = str_share(r, slice_of(globals.rows[i].name));
        struct val v = { .kind = VAL_FUNCTION, .function = &globals.rows[i] };
        if (val_failed(name) || !dict_set(r, r->context, name, v))
            return false;
    }
    for (size_t i = 0; i < n_vars; i++) {
        struct val name = str_share(r, slice_of(vars[i].name));
        struct val v = from_json(r, vars[i].value);
        if (val_failed(name) || val_failed(v)
            || !dict_set(r, r->context, name, v))
            return false;
    }
    /* `self`: blocks by name; none can be had through it. */
    struct val self = str_share(r, SLICE("self"));
    return !val_failed(self)
        && dict_set(r, r->context, self, val_of_kind(VAL_SELF));
}

/* ---- the two entries ---- */

enum err template_compile(struct template **out, struct slice source,
                          struct err_info *why)
{
    struct template *t = calloc(1, sizeof *t);
    *out = NULL;
    if (t == NULL)
        return fail_nomem(why);
    enum err e = source.len > LIMIT_TEMPLATE_FILE
        ? fail(why, ERR_LIMIT, "the template has %zu bytes, at most %d are"
               " read", source.len, LIMIT_TEMPLATE_FILE)
        : parse_template(t, source, why);
    if (e == ERR_OK)
        e = scope_resolve(t, why);
    if (e == ERR_OK)
        *out = t;
    else
        template_close(t);
    return e;
}

void template_close(struct template *t)
{
    if (t == NULL)
        return;
    arena_drop(&t->arena);
    free(t);
}

enum err template_render(const struct template *t,
                         const struct template_var *vars, size_t n_vars,
                         struct strbuf *out, struct err_info *why)
{
    struct err_info local;
    struct run r = {
        .t = t, .out = out, .out_base = out->len,
        .arena = { .limit = RUN_MEMORY },
        .steps_left = LIMIT_TEMPLATE_STEPS, .why = why != NULL ? why : &local,
    };
    if (make_context(&r, vars, n_vars)
        && frame_push(&r, NULL, t->scope.n_slots) != NULL
        && scope_enter(&r, &t->scope))
        exec_list(&r, t->body);
    arena_drop(&r.arena);
    if (r.err != ERR_OK)
        out->len = r.out_base;
    return r.err;
}
