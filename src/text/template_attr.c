/* Attributes, items and slices, as the sandbox lets templates see them: `.x`
 * asks for an attribute, then for an item; `['x']` the other way round.
 *
 * What is not there is undefined.  Methods that would change their object are
 * there, but undefined, too, and their use is the sandbox's error.  Names with
 * underscores are no special case: no table has one, and a dict may. */
#include "text/template_run.h"

#include "base/checked.h"

static struct val missing_attr(struct val v, struct val name)
{
    return (struct val){ .kind = VAL_UNDEF, .flag = UNDEF_ATTRIBUTE,
                         .of = v.kind,
                         .str = name.kind == VAL_STR ? name.str : NULL };
}

struct val undef_hint(struct run *r, const char *hint)
{
    struct val v = str_share(r, slice_of(hint));
    if (val_failed(v))
        return v;
    return (struct val){ .kind = VAL_UNDEF, .flag = UNDEF_HINT, .str = v.str };
}

static struct table methods_of(struct val v)
{
    switch ((enum val_kind)v.kind) {
    case VAL_STR:   return table_str_methods();
    case VAL_LIST:  return table_list_methods();
    case VAL_TUPLE: return table_tuple_methods();
    case VAL_DICT:  return table_dict_methods();
    default:        return table_other_methods();
    }
}

/* A row of table_other_methods is for one kind: "INT:real". */
static const struct builtin *find_method(struct val v, struct slice name)
{
    static const struct { enum val_kind kind; char prefix; } kinds[] = {
        { VAL_LOOP, 'l' }, { VAL_CYCLER, 'c' }, { VAL_JOINER, 'j' },
        { VAL_MACRO, 'm' }, { VAL_INT, 'i' }, { VAL_BOOL, 'i' },
        { VAL_FLOAT, 'f' }, { VAL_RANGE, 'r' }, { VAL_FUNCTION, 'd' },
        { VAL_VIEW, 'v' },
    };
    struct table t = methods_of(v);
    if (v.kind >= VAL_STR && v.kind <= VAL_DICT)
        return table_find(t, name);
    char prefix = '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == v.kind)
            prefix = kinds[i].prefix;
    for (size_t i = 0; i < t.n; i++)
        if (t.rows[i].name[0] == prefix && slice_is(name, t.rows[i].name + 2))
            return &t.rows[i];
    return NULL;
}

/* Rows with params "@" are properties, rows with "!" change their object. */
static struct val method_value(struct run *r, struct val v,
                               const struct builtin *row, struct val name)
{
    if (row->params[0] == '!')
        return (struct val){ .kind = VAL_UNDEF, .flag = UNDEF_UNSAFE,
                             .of = v.kind, .str = name.str };
    if (row->params[0] == '@') {
        struct call c = { .self = v, .row = row };
        return row->run(r, &c);
    }
    struct method *m = run_take(r, 1, sizeof *m);
    if (m == NULL)
        return val_of_kind(VAL_FAIL);
    *m = (struct method){ v, row };
    return (struct val){ .kind = VAL_METHOD, .method = m };
}

/* The attribute alone; MISSING when there is none. */
static struct val attribute(struct run *r, struct val v, struct val name)
{
    struct slice text = val_slice(name);
    if (v.kind == VAL_NAMESPACE) {
        const struct entry *e = dict_find_str(v.dict, text);
        return e != NULL ? e->value : val_missing();
    }
    if (v.kind == VAL_TUPLE && v.flag == VAL_GROUP) {
        if (slice_is(text, "grouper"))
            return v.list->at[0];
        if (slice_is(text, "list"))
            return v.list->at[1];
    }
    const struct builtin *row = find_method(v, text);
    return row != NULL ? method_value(r, v, row, name) : val_missing();
}

bool to_index(struct run *r, struct val v, int64_t *out)
{
    if (val_is_whole(v)) {
        *out = val_whole(v);
        return true;
    }
    if (v.kind == VAL_UNDEF)
        run_undefined(r, v);
    else
        run_error(r, "'%s' object cannot be interpreted as an integer",
                  val_type_name(v));
    return false;
}

static struct val char_at(struct run *r, struct val v, int64_t i)
{
    struct slice s = val_slice(v);
    if (v.str->chars == s.len)
        return str_like(str_part(r, v, (size_t)i, (size_t)i + 1), v);
    if (!run_bytes(r, s.len))
        return val_of_kind(VAL_FAIL);
    size_t from = text_offset(s, (size_t)i);
    size_t to = from + text_offset(slice_from(s, from), 1);
    return str_like(str_part(r, v, from, to), v);
}

/* The item alone; MISSING when there is none or v has no items. */
static struct val item(struct run *r, struct val v, struct val key)
{
    struct val found;
    if (v.kind == VAL_DICT) {
        if (key.kind == VAL_LIST || key.kind == VAL_DICT)
            return val_missing();
        return dict_get(r, v.dict, key, &found) ? found
                                                : val_of_kind(VAL_FAIL);
    }
    if (!val_is_whole(key)
        || (v.kind != VAL_STR && v.kind != VAL_LIST && v.kind != VAL_TUPLE
            && v.kind != VAL_RANGE))
        return val_missing();
    int64_t i = val_whole(key), n = val_len(r, v);
    if (i < 0)
        i += n;
    if (i < 0 || i >= n)
        return val_missing();
    if (v.kind == VAL_STR)
        return char_at(r, v, i);
    if (v.kind == VAL_RANGE)
        return val_int(v.range->start + i * v.range->step);
    return v.list->at[i];
}

struct val get_attr(struct run *r, struct val v, struct val name)
{
    if (v.kind == VAL_UNDEF)
        return run_undefined(r, v);
    struct val found = attribute(r, v, name);
    if (found.kind == VAL_MISSING)
        found = item(r, v, name);
    return found.kind == VAL_MISSING ? missing_attr(v, name) : found;
}

struct val get_item(struct run *r, struct val v, struct val key)
{
    if (v.kind == VAL_UNDEF)
        return run_undefined(r, v);
    struct val found = item(r, v, key);
    if (found.kind == VAL_MISSING && key.kind == VAL_STR)
        found = attribute(r, v, key);
    return found.kind == VAL_MISSING ? missing_attr(v, key) : found;
}

/* ---- slices ---- */

/* One of start and stop: Python's clamping. */
static bool clamp(struct run *r, struct val v, int64_t n, int64_t step,
                  int64_t absent, int64_t *out)
{
    *out = absent;
    if (v.kind == VAL_NONE)
        return true;
    if (!val_is_whole(v)) {
        run_error(r, "slice indices must be integers or None or have an"
                     " __index__ method");
        return false;
    }
    int64_t i = val_whole(v), least = step < 0 ? -1 : 0;
    int64_t most = step < 0 ? n - 1 : n;
    if (i < 0)
        i = i < -n ? least : i + n;
    *out = i < least ? least : i > most ? most : i;
    return true;
}

/* A slice worked out: `n` items from `start` on, `step` apart. */
struct span {
    int64_t start, stop, step, n;
};

static bool bounds(struct run *r, const struct val part[3], int64_t n,
                   struct span *out)
{
    int64_t *start = &out->start, *stop = &out->stop, *step = &out->step;
    *step = 1;
    if (part[2].kind != VAL_NONE) {
        if (!val_is_whole(part[2])) {
            run_error(r, "slice indices must be integers or None or have an"
                         " __index__ method");
            return false;
        }
        *step = val_whole(part[2]);
    }
    if (*step == 0) {
        run_error(r, "slice step cannot be zero");
        return false;
    }
    if (*step < -INT64_MAX)
        *step = -INT64_MAX;
    if (!clamp(r, part[0], n, *step, *step < 0 ? n - 1 : 0, start)
        || !clamp(r, part[1], n, *step, *step < 0 ? -1 : n, stop))
        return false;
    out->n = 0;
    if (*step > 0 && *start < *stop)
        out->n = (*stop - *start - 1) / *step + 1;
    else if (*step < 0 && *stop < *start)
        out->n = (*start - *stop - 1) / -*step + 1;
    return true;
}

static struct val slice_list(struct run *r, struct val v, struct span s)
{
    struct val out = list_new(r, (enum val_kind)v.kind, (size_t)s.n);
    if (val_failed(out) || !run_steps(r, (size_t)s.n / 4 + 1))
        return val_of_kind(VAL_FAIL);
    for (int64_t i = 0; i < s.n; i++)
        out.list->at[i] = v.list->at[s.start + i * s.step];
    out.list->n = (size_t)s.n;
    return out;
}

/* Byte offset of every code point, and the end: for strings beyond ASCII. */
static size_t *char_offsets(struct run *r, struct val v)
{
    struct slice s = val_slice(v);
    size_t *at = run_take(r, v.str->chars + 1, sizeof *at), n = 0;
    if (at == NULL || !run_bytes(r, 8 * s.len))
        return NULL;
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.at[i] & 0xC0) != 0x80)
            at[n++] = i;
    at[n] = s.len;
    return at;
}

/* Neighbouring characters share the string's bytes. */
static struct val slice_run(struct run *r, struct val v, struct span span)
{
    struct slice s = val_slice(v);
    size_t start = (size_t)span.start, n = (size_t)span.n;
    if (v.str->chars == s.len)
        return str_part(r, v, start, start + n);
    if (!run_bytes(r, s.len))
        return val_of_kind(VAL_FAIL);
    size_t from = text_offset(s, start);
    return str_part(r, v, from, from + text_offset(slice_from(s, from), n));
}

static struct val slice_str(struct run *r, struct val v, struct span span)
{
    struct slice s = val_slice(v);
    bool ascii = v.str->chars == s.len;
    if (span.n == 0)
        return str_share(r, SLICE(""));
    if (span.step == 1)
        return slice_run(r, v, span);
    const size_t *at = ascii ? NULL : char_offsets(r, v);
    if (!ascii && at == NULL)
        return val_of_kind(VAL_FAIL);
    struct build b;
    build_begin(&b, r);
    for (int64_t i = 0; i < span.n && r->err == ERR_OK; i++) {
        size_t c = (size_t)(span.start + i * span.step);
        size_t from = ascii ? c : at[c], to = ascii ? c + 1 : at[c + 1];
        build_put(&b, (struct slice){ s.at + from, to - from });
    }
    return build_end(&b);
}

static struct val slice_range(struct run *r, struct val v, struct span s)
{
    const struct range *of = v.range;
    struct range *out = run_take(r, 1, sizeof *out);
    if (out == NULL)
        return val_of_kind(VAL_FAIL);
    *out = (struct range){ of->start + s.start * of->step,
                           of->start + s.stop * of->step,
                           0, s.n };
    if (!checked_mul_i64(&out->step, s.step, of->step))
        return run_error(r, "integers beyond 64 bits are not supported");
    return (struct val){ .kind = VAL_RANGE, .range = out };
}

struct val get_slice(struct run *r, struct val v, const struct val part[3])
{
    struct span span;
    if (v.kind == VAL_UNDEF)
        return run_undefined(r, v);
    if (v.kind != VAL_STR && v.kind != VAL_LIST && v.kind != VAL_TUPLE
        && v.kind != VAL_RANGE)
        return run_error(r, "'%s' object cannot be sliced", val_type_name(v));
    if (!bounds(r, part, val_len(r, v), &span))
        return val_of_kind(VAL_FAIL);
    if (v.kind == VAL_STR)
        return str_like(slice_str(r, v, span), v);
    if (v.kind == VAL_RANGE)
        return slice_range(r, v, span);
    return slice_list(r, v, span);
}
