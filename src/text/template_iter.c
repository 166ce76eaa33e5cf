/* Walking over values.
 *
 * An iterator is an object with a function `next`: containers have one each,
 * the stages of filters bring their own.  Those of filters can be walked once,
 * like Python's generators: iter_open hands the same one out again, used up. */
#include "text/template_run.h"

static int next_nothing(struct run *r, struct iter *it, struct val *item)
{
    (void)r, (void)it, (void)item;
    return 0;
}

static int next_list(struct run *r, struct iter *it, struct val *item)
{
    (void)r;
    if (it->i >= it->src.list->n)
        return 0;
    *item = it->src.list->at[it->i++];
    return 1;
}

static int next_char(struct run *r, struct iter *it, struct val *item)
{
    size_t from = it->i;
    if (from >= it->src.str->len)
        return 0;
    struct slice rest = slice_from(val_slice(it->src), from);
    size_t n = 1;
    while (n < rest.len && ((unsigned char)rest.at[n] & 0xC0) == 0x80)
        n++;
    it->i += n;
    /* Characters of Markup are plain strings: iteration is str's own. */
    *item = str_part(r, it->src, from, it->i);
    return val_failed(*item) ? -1 : 1;
}

/* Keys of a dict; keys, values or pairs of a view. */
static int next_entry(struct run *r, struct iter *it, struct val *item)
{
    const struct dict *d = it->src.dict;
    if (it->i >= d->n)
        return 0;
    const struct entry *e = &d->at[it->i++];
    bool items = it->src.kind == VAL_VIEW && it->src.flag == VIEW_ITEMS;
    if (items)
        *item = tuple_of(r, 2, (struct val[]){ e->key, e->value });
    else if (it->src.kind == VAL_VIEW && it->src.flag == VIEW_VALUES)
        *item = e->value;
    else
        *item = e->key;
    return val_failed(*item) ? -1 : 1;
}

static int next_in_range(struct run *r, struct iter *it, struct val *item)
{
    const struct range *range = it->src.range;
    (void)r;
    if ((int64_t)it->i >= range->n)
        return 0;
    *item = val_int(range->start + (int64_t)it->i++ * range->step);
    return 1;
}

static const struct {
    enum val_kind kind;
    int         (*next)(struct run *, struct iter *, struct val *);
} walks[] = {
    { VAL_LIST, next_list },   { VAL_TUPLE, next_list },
    { VAL_STR, next_char },    { VAL_DICT, next_entry },
    { VAL_VIEW, next_entry },  { VAL_RANGE, next_in_range },
    { VAL_UNDEF, next_nothing },
};

bool val_iterable(struct val v)
{
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++)
        if (walks[i].kind == v.kind)
            return true;
    return v.kind == VAL_ITER;
}

struct val iter_new(struct run *r, const char *type,
                    int (*next)(struct run *, struct iter *, struct val *),
                    struct val src, void *more)
{
    struct iter *it = run_take(r, 1, sizeof *it);
    if (it == NULL)
        return val_of_kind(VAL_FAIL);
    *it = (struct iter){ .next = next, .src = src, .type = type, .more = more };
    return (struct val){ .kind = VAL_ITER, .iter = it };
}

struct iter *iter_open(struct run *r, struct val v)
{
    if (v.kind == VAL_ITER)
        return v.iter;
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++)
        if (walks[i].kind == v.kind) {
            struct val it = iter_new(r, NULL, walks[i].next, v, NULL);
            return val_failed(it) ? NULL : it.iter;
        }
    run_error(r, "'%s' object is not iterable", val_type_name(v));
    return NULL;
}

struct val val_to_list(struct run *r, struct val v)
{
    struct iter *it = iter_open(r, v);
    int64_t n = it == NULL ? 0 : val_len(r, v);
    if (it == NULL)
        return val_of_kind(VAL_FAIL);
    struct val out = list_new(r, VAL_LIST, n > 0 ? (size_t)n : 0), item;
    int more = val_failed(out) ? -1 : 1;
    while (more > 0 && (more = iter_next(r, it, &item)) > 0)
        if (!list_push(r, out.list, item))
            return val_of_kind(VAL_FAIL);
    return more < 0 ? val_of_kind(VAL_FAIL) : out;
}
