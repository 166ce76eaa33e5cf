/* Lists, tuples and dicts: making and filling; truth, length, hashes.
 *
 * Growing doubles, and the old room stays in the arena: at most as much again
 * is lost.  A number that is whole hashes like the integer, as 1, 1.0 and true
 * are one key. */
#include "text/template_run.h"

#include <math.h>

const char *val_type_name(struct val v)
{
    static const char *const names[] = {
#define X(id, text) text,
        VAL_LIST(X)
#undef X
    };
    static const char *const views[] = { "dict_items", "dict_keys",
                                         "dict_values" };
    return v.kind == VAL_VIEW && v.dict != NULL ? views[v.flag]
                                                : names[v.kind];
}

struct val list_new(struct run *r, enum val_kind kind, size_t cap)
{
    struct list *l = run_take(r, 1, sizeof *l);
    if (l == NULL)
        return val_of_kind(VAL_FAIL);
    *l = (struct list){ .cap = cap };
    if (cap > 0 && (l->at = run_take(r, cap, sizeof *l->at)) == NULL)
        return val_of_kind(VAL_FAIL);
    return (struct val){ .kind = (uint8_t)kind, .list = l };
}

bool list_push(struct run *r, struct list *l, struct val v)
{
    if (l->n == l->cap) {
        size_t cap = l->cap == 0 ? 4 : 2 * l->cap;
        struct val *at = run_take(r, cap, sizeof *at);
        if (at == NULL)
            return false;
        if (l->n > 0)
            memcpy(at, l->at, l->n * sizeof *at);
        l->at = at;
        l->cap = cap;
    }
    l->at[l->n++] = v;
    return true;
}

struct val tuple_of(struct run *r, size_t n, const struct val *items)
{
    struct val out = list_new(r, VAL_TUPLE, n);
    if (val_failed(out))
        return out;
    if (n > 0)
        memcpy(out.list->at, items, n * sizeof *items);
    out.list->n = n;
    return out;
}

struct val dict_new(struct run *r)
{
    struct dict *d = run_take(r, 1, sizeof *d);
    if (d == NULL)
        return val_of_kind(VAL_FAIL);
    *d = (struct dict){ 0 };
    return (struct val){ .kind = VAL_DICT, .dict = d };
}

/* ---- hashes ---- */

static uint64_t mix(uint64_t h)
{
    h ^= h >> 31;
    h *= 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static uint64_t hash_number(struct val v)
{
    if (val_is_whole(v))
        return mix((uint64_t)val_whole(v));
    if (v.number >= -9.2e18 && v.number <= 9.2e18
        && v.number == floor(v.number))
        return mix((uint64_t)(int64_t)v.number);     /* 1.0 is 1 */
    uint64_t bits;
    memcpy(&bits, &v.number, sizeof bits);
    return mix(bits ^ 0x5555);
}

bool val_hash(struct run *r, struct val v, uint64_t *hash)
{
    *hash = v.kind;
    switch ((enum val_kind)v.kind) {
    case VAL_STR:
        *hash = hash_str(val_slice(v));
        return run_bytes(r, v.str->len);
    case VAL_BOOL:
    case VAL_INT:
    case VAL_FLOAT:
        *hash = hash_number(v);
        return true;
    case VAL_LIST:
    case VAL_DICT:
        run_error(r, "unhashable type: '%s'", val_type_name(v));
        return false;
    case VAL_TUPLE:
        if (!run_deeper(r) || !run_steps(r, v.list->n))
            return false;
        for (size_t i = 0; i < v.list->n; i++) {
            uint64_t part;
            if (!val_hash(r, v.list->at[i], &part))
                return false;
            *hash = mix(*hash * 31 + part);
        }
        r->depth--;
        return true;
    case VAL_BIG:
        *hash = mix(v.big);
        return true;
    case VAL_NONE:
    case VAL_UNDEF:
        return true;
    default:
        *hash = mix((uint64_t)(uintptr_t)v.list);
        return true;
    }
}

static bool key_is(void *run, struct val a, struct val b)
{
    bool equal = false;
    return val_equal(run, a, b, &equal) && equal;
}

bool dict_set(struct run *r, struct dict *d, struct val key, struct val v)
{
    uint64_t hash;
    if (!val_hash(r, key, &hash))
        return false;
    struct entry *e = dict_find(d, key, hash, key_is, r);
    if (e != NULL)
        e->value = v;
    else if (r->err == ERR_OK && !dict_add(&r->arena, d, key, hash, v))
        run_no_room(r, dict_grow_size(d));
    return r->err == ERR_OK && run_steps(r, 1);
}

bool dict_get(struct run *r, const struct dict *d, struct val key,
              struct val *found)
{
    uint64_t hash;
    *found = val_missing();
    if (!val_hash(r, key, &hash))
        return false;
    const struct entry *e = dict_find(d, key, hash, key_is, r);
    if (e != NULL)
        *found = e->value;
    return r->err == ERR_OK;
}

/* ---- truth and length ---- */

bool val_true(struct val v)
{
    switch ((enum val_kind)v.kind) {
    case VAL_UNDEF:
    case VAL_NONE:      return false;
    case VAL_BOOL:      return v.boolean;
    case VAL_INT:       return v.integer != 0;
    case VAL_FLOAT:     return v.number != 0;
    case VAL_STR:       return v.str->len > 0;
    case VAL_LIST:
    case VAL_TUPLE:     return v.list->n > 0;
    case VAL_DICT:
    case VAL_VIEW:      return v.dict->n > 0;
    case VAL_RANGE:     return v.range->n > 0;
    default:            return true;
    }
}

/* A loop knows its length when its source does; else the rest of the source is
 * read ahead. */
static int64_t loop_len(struct run *r, struct loop *l)
{
    if (l->length >= 0)
        return l->length;
    l->length = val_len(r, l->src);
    if (l->length != -1)
        return l->length;
    struct val rest = list_new(r, VAL_LIST, 0), item;
    int more = val_failed(rest) ? -1 : 1;
    while (more > 0 && (more = iter_next(r, l->it, &item)) > 0)
        if (!list_push(r, rest.list, item))
            return -2;
    if (more < 0 || (l->it = iter_open(r, rest)) == NULL)
        return -2;
    l->length = (int64_t)rest.list->n + l->index0 + 1
              + (l->after.kind != VAL_MISSING);
    return l->length;
}

int64_t val_len(struct run *r, struct val v)
{
    switch ((enum val_kind)v.kind) {
    case VAL_UNDEF: return 0;
    case VAL_STR:   return (int64_t)v.str->chars;
    case VAL_LIST:
    case VAL_TUPLE: return (int64_t)v.list->n;
    case VAL_DICT:
    case VAL_VIEW:  return v.dict->n;
    case VAL_RANGE: return v.range->n;
    case VAL_LOOP:  return loop_len(r, v.loop);
    default:        return -1;
    }
}

struct val dict_from_keys(struct run *r, struct val keys, struct val v)
{
    struct val out = dict_new(r), item;
    struct iter *it = val_failed(out) ? NULL : iter_open(r, keys);
    int more = it == NULL ? -1 : 1;

    if (v.kind == VAL_MISSING)
        v = val_none();
    while (more > 0 && (more = iter_next(r, it, &item)) > 0)
        if (!dict_set(r, out.dict, item, v))
            return val_of_kind(VAL_FAIL);
    return more < 0 ? val_of_kind(VAL_FAIL) : out;
}
