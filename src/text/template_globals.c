/* Global functions, and what loops, cyclers, joiners, macros, ranges and
 * numbers show as attributes.
 *
 * The reference's own additions are among them: raise_exception (the way a
 * template refuses a conversation) and strftime_now.  lipsum, which only makes
 * filler text, is refused by name. */
#include "text/template_run.h"

#include <math.h>

enum { RANGE_MAX = 100000 };     /* the sandbox's own limit */

/* ---- functions ---- */

/* The sandbox refuses ranges above its limit; lengths are worked out in doubles
 * first, as the ends may be 2^64 apart. */
static struct val g_range(struct run *r, const struct call *c)
{
    int64_t part[3] = { 0, 0, 1 };
    size_t n = c->args->n;
    if (n == 0 || n > 3 || c->args->n_kw > 0)
        return run_error(r, "range expected 1 to 3 arguments, got %zu", n);
    for (size_t i = 0; i < n; i++)
        if (!to_index(r, c->args->at[i], &part[n == 1 ? 1 : i]))
            return val_of_kind(VAL_FAIL);
    if (part[2] == 0)
        return run_error(r, "range() arg 3 must not be zero");
    struct range *out = run_take(r, 1, sizeof *out);
    if (out == NULL)
        return val_of_kind(VAL_FAIL);
    *out = (struct range){ part[0], part[1], part[2], 0 };
    double span = (double)part[1] - (double)part[0];
    if (span / (double)part[2] > RANGE_MAX + 1.0)
        return run_error(r, "Range too big. The sandbox blocks ranges larger"
                            " than MAX_RANGE (%d).", RANGE_MAX);
    int64_t step = part[2] < 0 ? -part[2] : part[2];
    int64_t width = part[2] < 0 ? part[0] - part[1] : part[1] - part[0];
    out->n = span / (double)part[2] <= 0 ? 0 : (width - 1) / step + 1;
    if (out->n > RANGE_MAX)
        return run_error(r, "Range too big. The sandbox blocks ranges larger"
                            " than MAX_RANGE (%d).", RANGE_MAX);
    return (struct val){ .kind = VAL_RANGE, .range = out };
}

/* Pairs of an iterable of pairs. */
static bool add_pairs(struct run *r, struct dict *d, struct val pairs)
{
    struct iter *it = iter_open(r, pairs);
    struct val item;
    int more = it == NULL ? -1 : 1;
    while (more > 0 && (more = iter_next(r, it, &item)) > 0) {
        struct val pair = val_to_list(r, item);
        if (val_failed(pair))
            return false;
        if (pair.list->n != 2) {
            run_error(r, "dictionary update sequence element has length %zu; 2"
                         " is required", pair.list->n);
            return false;
        }
        if (!dict_set(r, d, pair.list->at[0], pair.list->at[1]))
            return false;
    }
    return more >= 0;
}

/* dict(mapping or pairs, key=value ...) */
static struct val make_dict(struct run *r, const struct args *args)
{
    struct val out = dict_new(r);
    if (val_failed(out))
        return out;
    if (args->n > 1)
        return run_error(r, "dict expected at most 1 argument, got %zu",
                         args->n);
    struct val from = args->n == 1 ? args->at[0] : val_missing();
    bool ok = true;
    if (from.kind == VAL_DICT)
        for (uint32_t i = 0; ok && i < from.dict->n; i++)
            ok = dict_set(r, out.dict, from.dict->at[i].key,
                          from.dict->at[i].value);
    else if (from.kind == VAL_UNDEF)
        ok = !val_failed(run_undefined(r, from));
    else if (from.kind != VAL_MISSING)
        ok = add_pairs(r, out.dict, from);
    for (size_t i = 0; ok && i < args->n_kw; i++)
        ok = dict_set(r, out.dict, args->kw[i].name, args->kw[i].value);
    return ok ? out : val_of_kind(VAL_FAIL);
}

static struct val g_dict(struct run *r, const struct call *c)
{
    return make_dict(r, c->args);
}

static struct val g_namespace(struct run *r, const struct call *c)
{
    struct val out = make_dict(r, c->args);
    if (val_failed(out))
        return out;
    for (uint32_t i = 0; i < out.dict->n; i++) {
        struct val key = out.dict->at[i].key;
        if (key.kind == VAL_STR && slice_starts(val_slice(key), SLICE("_")))
            return run_error(r, "attributes that begin with an underscore"
                                " cannot be stored");
    }
    out.kind = VAL_NAMESPACE;
    return out;
}

static struct val g_cycler(struct run *r, const struct call *c)
{
    struct cycler *out = run_take(r, 1, sizeof *out);
    struct val items = tuple_of(r, c->args->n, c->args->at);
    if (out == NULL || val_failed(items))
        return val_of_kind(VAL_FAIL);
    if (c->args->n == 0 || c->args->n_kw > 0)
        return run_error(r, "at least one item has to be provided");
    *out = (struct cycler){ .items = items.list };
    return (struct val){ .kind = VAL_CYCLER, .cycler = out };
}

static struct val g_joiner(struct run *r, const struct call *c)
{
    struct joiner *out = run_take(r, 1, sizeof *out);
    struct val sep = c->arg[0];
    if (sep.kind == VAL_MISSING)
        sep = str_share(r, SLICE(", "));
    if (out == NULL || val_failed(sep))
        return val_of_kind(VAL_FAIL);
    *out = (struct joiner){ .sep = sep };
    return (struct val){ .kind = VAL_JOINER, .joiner = out };
}

static struct val g_raise(struct run *r, const struct call *c)
{
    struct val text = val_to_str(r, c->arg[0]);
    if (val_failed(text))
        return text;
    size_t len = text.str->len < 900 ? text.str->len : 900;
    return run_error(r, "%.*s", (int)len, text.str->at);
}

static struct val g_strftime(struct run *r, const struct call *c)
{
    if (c->arg[0].kind == VAL_UNDEF)
        return run_undefined(r, c->arg[0]);
    if (c->arg[0].kind != VAL_STR)
        return run_error(r, "strftime() argument 1 must be str, not %s",
                         val_type_name(c->arg[0]));
    return strftime_text(r, val_slice(c->arg[0]));
}

static struct val g_lipsum(struct run *r, const struct call *c)
{
    (void)c;
    return run_error(r, "lipsum() is not supported");
}

struct table table_globals(void)
{
    static const struct builtin rows[] = {
        { "range", g_range, "*" },          { "dict", g_dict, "*" },
        { "namespace", g_namespace, "*" },  { "cycler", g_cycler, "*" },
        { "joiner", g_joiner, "sep?" },     { "lipsum", g_lipsum, "*" },
        { "raise_exception", g_raise, "message" },
        { "strftime_now", g_strftime, "format" },
    };
    return (struct table){ rows, sizeof rows / sizeof *rows };
}

/* ---- loops ---- */

static struct val l_index(struct run *r, const struct call *c)
{
    (void)r;
    return val_int(c->self.loop->index0 + 1);
}

static struct val l_index0(struct run *r, const struct call *c)
{
    (void)r;
    return val_int(c->self.loop->index0);
}

static struct val l_first(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.loop->index0 == 0);
}

static struct val l_last(struct run *r, const struct call *c)
{
    int more = loop_peek(r, c->self.loop);
    return more < 0 ? val_of_kind(VAL_FAIL) : val_bool(more == 0);
}

static struct val from_end(struct run *r, const struct call *c, int64_t off)
{
    int64_t n = val_len(r, c->self);
    return n < 0 ? val_of_kind(VAL_FAIL)
                 : val_int(n - c->self.loop->index0 + off);
}

static struct val l_length(struct run *r, const struct call *c)
{
    int64_t n = val_len(r, c->self);
    return n < 0 ? val_of_kind(VAL_FAIL) : val_int(n);
}

static struct val l_revindex(struct run *r, const struct call *c)
{
    return from_end(r, c, 0);
}

static struct val l_revindex0(struct run *r, const struct call *c)
{
    return from_end(r, c, -1);
}

static struct val l_previtem(struct run *r, const struct call *c)
{
    if (c->self.loop->index0 == 0)
        return undef_hint(r, "there is no previous item");
    return c->self.loop->before;
}

static struct val l_nextitem(struct run *r, const struct call *c)
{
    int more = loop_peek(r, c->self.loop);
    if (more < 0)
        return val_of_kind(VAL_FAIL);
    return more > 0 ? c->self.loop->after
                    : undef_hint(r, "there is no next item");
}

static struct val l_depth(struct run *r, const struct call *c)
{
    (void)r;
    return val_int((int64_t)c->self.loop->depth0 + 1);
}

static struct val l_depth0(struct run *r, const struct call *c)
{
    (void)r;
    return val_int(c->self.loop->depth0);
}

static struct val l_cycle(struct run *r, const struct call *c)
{
    if (c->args->n == 0 || c->args->n_kw > 0)
        return run_error(r, "no items for cycling given");
    return c->args->at[(size_t)c->self.loop->index0 % c->args->n];
}

/* True when the arguments differ from those of the call before. */
static struct val l_changed(struct run *r, const struct call *c)
{
    struct loop *l = c->self.loop;
    struct val now = tuple_of(r, c->args->n, c->args->at);
    bool same = false;
    if (val_failed(now)
        || (l->changed.kind == VAL_TUPLE
            && !val_equal(r, l->changed, now, &same)))
        return val_of_kind(VAL_FAIL);
    l->changed = now;
    return val_bool(!same);
}

/* ---- cyclers, joiners, macros ---- */

static struct val c_current(struct run *r, const struct call *c)
{
    (void)r;
    return c->self.cycler->items->at[c->self.cycler->at];
}

static struct val c_next(struct run *r, const struct call *c)
{
    struct cycler *cycler = c->self.cycler;
    struct val v = c_current(r, c);
    cycler->at = (cycler->at + 1) % cycler->items->n;
    return v;
}

static struct val c_reset(struct run *r, const struct call *c)
{
    (void)r;
    c->self.cycler->at = 0;
    return val_none();
}

static struct val j_sep(struct run *r, const struct call *c)
{
    (void)r;
    return c->self.joiner->sep;
}

static struct val j_used(struct run *r, const struct call *c)
{
    (void)r;
    return val_bool(c->self.joiner->used);
}

static struct val m_name(struct run *r, const struct call *c)
{
    (void)r;
    return c->self.macro->name;
}

static struct val m_arguments(struct run *r, const struct call *c)
{
    struct val out = list_new(r, VAL_TUPLE, 4);
    for (const struct node *p = c->self.macro->node->list;
         p != NULL && !val_failed(out); p = p->next)
        if (!list_push(r, out.list, p->value))
            return val_of_kind(VAL_FAIL);
    return out;
}

static struct val macro_flag(const struct call *c, unsigned flag)
{
    return val_bool((c->self.macro->node->flags & flag) != 0);
}

static struct val m_catch_kwargs(struct run *r, const struct call *c)
{
    (void)r;
    return macro_flag(c, NODE_KWARGS);
}

static struct val m_catch_varargs(struct run *r, const struct call *c)
{
    (void)r;
    return macro_flag(c, NODE_VARARGS);
}

static struct val m_caller(struct run *r, const struct call *c)
{
    (void)r;
    return macro_flag(c, NODE_CALLER);
}

/* ---- ranges and numbers ---- */

static struct val r_start(struct run *r, const struct call *c)
{
    (void)r;
    return val_int(c->self.range->start);
}

static struct val r_stop(struct run *r, const struct call *c)
{
    (void)r;
    return val_int(c->self.range->stop);
}

static struct val r_step(struct run *r, const struct call *c)
{
    (void)r;
    return val_int(c->self.range->step);
}

static struct val r_count(struct run *r, const struct call *c)
{
    bool found;
    return val_contains(r, c->self, c->arg[0], &found)
        ? val_int(found) : val_of_kind(VAL_FAIL);
}

static struct val r_index(struct run *r, const struct call *c)
{
    struct val all = val_to_list(r, c->self);
    for (size_t i = 0; !val_failed(all) && i < all.list->n; i++) {
        bool equal;
        if (!val_equal(r, all.list->at[i], c->arg[0], &equal))
            return val_of_kind(VAL_FAIL);
        if (equal)
            return val_int((int64_t)i);
    }
    return val_failed(all) ? all : run_error(r, "value is not in range");
}

static struct val i_real(struct run *r, const struct call *c)
{
    return val_unary(r, OP_ADD, c->self);
}

static struct val i_imag(struct run *r, const struct call *c)
{
    (void)r;
    return c->self.kind == VAL_FLOAT ? val_float(0) : val_int(0);
}

static struct val i_denominator(struct run *r, const struct call *c)
{
    (void)r, (void)c;
    return val_int(1);
}

static struct val i_bit_length(struct run *r, const struct call *c)
{
    int64_t v = val_whole(c->self), n = 0;
    (void)r;
    for (uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v; u > 0; u >>= 1)
        n++;
    return val_int(n);
}

static struct val f_is_integer(struct run *r, const struct call *c)
{
    double d = c->self.number;
    (void)r;
    return val_bool(isfinite(d) && d == floor(d));
}

/* dict.fromkeys(keys, value) */
static struct val d_fromkeys(struct run *r, const struct call *c)
{
    if (c->self.function->run != g_dict)
        return run_error(r, "no such attribute");
    return dict_from_keys(r, c->arg[0], c->arg[1]);
}

struct table table_other_methods(void)
{
    static const struct builtin rows[] = {
        { "l:index", l_index, "@" },        { "l:index0", l_index0, "@" },
        { "l:first", l_first, "@" },        { "l:last", l_last, "@" },
        { "l:length", l_length, "@" },      { "l:revindex", l_revindex, "@" },
        { "l:revindex0", l_revindex0, "@" }, { "l:depth", l_depth, "@" },
        { "l:depth0", l_depth0, "@" },      { "l:previtem", l_previtem, "@" },
        { "l:nextitem", l_nextitem, "@" },  { "l:cycle", l_cycle, "*" },
        { "l:changed", l_changed, "*" },
        { "c:current", c_current, "@" },    { "c:next", c_next, "" },
        { "c:reset", c_reset, "" },         { "j:sep", j_sep, "@" },
        { "j:used", j_used, "@" },          { "m:name", m_name, "@" },
        { "m:arguments", m_arguments, "@" },
        { "m:catch_kwargs", m_catch_kwargs, "@" },
        { "m:catch_varargs", m_catch_varargs, "@" },
        { "m:caller", m_caller, "@" },
        { "r:start", r_start, "@" },        { "r:stop", r_stop, "@" },
        { "r:step", r_step, "@" },          { "r:count", r_count, "value /" },
        { "r:index", r_index, "value /" },
        { "i:real", i_real, "@" },          { "i:imag", i_imag, "@" },
        { "i:numerator", i_real, "@" },
        { "i:denominator", i_denominator, "@" },
        { "i:bit_length", i_bit_length, "" },
        { "i:conjugate", i_real, "" },
        { "f:real", i_real, "@" },          { "f:imag", i_imag, "@" },
        { "f:is_integer", f_is_integer, "" }, { "f:conjugate", i_real, "" },
        { "d:fromkeys", d_fromkeys, "iterable value? /" },
    };
    return (struct table){ rows, sizeof rows / sizeof *rows };
}
