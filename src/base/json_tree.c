/* Documents as trees, for everything that is small: configurations, requests,
 * chat messages.  Built over json_next without recursion; open containers are a
 * stack of fixed size.
 *
 *   1. A tree lives in the caller's arena, and so does not need a destructor;
 *      the arena's limit is the tree's.
 *   2. No object has a key twice.  Readers differ in which one they take, and
 *      whoever checks a request must not see another value than whoever runs
 *      it.
 *   3. Members keep their order: chat templates print objects. */
#include "base/json.h"
#include <assert.h>
#include <stdlib.h>

/* An open container and the link where its next child goes. */
struct level {
    struct json  *container;
    struct json **link;
};

struct builder {
    struct json_reader reader;
    struct arena      *arena;
    struct strbuf      scratch;          /* for escapes */
    struct level       levels[JSON_DEPTH_MAX + 1];   /* 0: the root's */
    unsigned           depth;
};

/* Objects up to this size are compared key by key: no memory, and faster. */
enum { FEW_KEYS = 8 };

/* ---- no key twice ---- */

static enum err fail_twice(const struct builder *b, const struct json *member,
                           struct err_info *why)
{
    size_t line, column;
    const struct json_reader *r = &b->reader;

    json_place(r, r->start + member->offset, &line, &column);
    return fail(why, ERR_FORMAT, "line %zu, column %zu (byte %zu): the key "
                "\"%.*s\" stands twice in one object", line, column,
                member->offset, (int)(member->key.len < 100 ? member->key.len
                                                            : 100),
                member->key.at);
}

static const struct json *find_twice_few(const struct json *object)
{
    for (const struct json *m = object->first; m != NULL; m = m->next) {
        for (const struct json *n = object->first; n != m; n = n->next) {
            if (slice_eq(n->key, m->key))
                return m;
        }
    }
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    const struct json *x = *(const struct json *const *)a;
    const struct json *y = *(const struct json *const *)b;
    int c = slice_cmp(x->key, y->key);

    return c != 0 ? c : (x->offset > y->offset) - (x->offset < y->offset);
}

/* The first member whose key stood before.  Sorted, not hashed: keys come from
 * strangers, who could choose them so that a table degrades into a list, and a
 * body of two megabytes would take its square. */
static enum err find_twice_many(const struct json *object,
                                const struct json **twice)
{
    const struct json **all = calloc(object->n, sizeof *all);
    size_t n = 0;

    if (all == NULL)
        return ERR_NOMEM;
    for (const struct json *m = object->first; m != NULL; m = m->next)
        all[n++] = m;
    qsort(all, n, sizeof *all, by_key);
    *twice = NULL;
    for (size_t i = 1; i < n; i++)
        if (slice_eq(all[i]->key, all[i - 1]->key)
            && (*twice == NULL || all[i]->offset < (*twice)->offset))
            *twice = all[i];
    free(all);
    return ERR_OK;
}

static enum err check_keys(const struct builder *b, const struct json *object,
                           struct err_info *why)
{
    const struct json *twice = NULL;

    if (object->n <= FEW_KEYS)
        twice = find_twice_few(object);
    else if (find_twice_many(object, &twice) != ERR_OK)
        return fail_nomem(why);
    return twice == NULL ? ERR_OK : fail_twice(b, twice, why);
}

/* ---- building ---- */

static bool keep_string(struct builder *b, struct slice written, bool escaped,
                        struct slice *out)
{
    if (escaped) {
        strbuf_clear(&b->scratch);
        json_unescape(&b->scratch, written);
        if (b->scratch.failed)
            return false;
        written = strbuf_slice(&b->scratch);
    }
    *out = arena_copy(b->arena, written);
    return out->at != NULL;
}

static struct json *new_node(struct builder *b, const struct json_token *t)
{
    struct json *v = arena_zero(b->arena, 1, sizeof *v);

    if (v == NULL)
        return NULL;
    v->kind = t->kind;
    v->boolean = t->boolean;
    v->integer = t->integer;
    v->number = t->number;
    v->offset = (size_t)((t->has_key ? t->key.at : t->text.at)
                         - b->reader.start);
    if (t->has_key && !keep_string(b, t->key, t->key_escaped, &v->key))
        return NULL;
    if (t->kind == JSON_STRING
        && !keep_string(b, t->text, t->text_escaped, &v->string))
        return NULL;
    return v;
}

/* Hang v under the innermost open container, or at the root. */
static void attach(struct builder *b, struct json *v)
{
    struct level *l = &b->levels[b->depth];

    *l->link = v;
    l->link = &v->next;
    if (l->container != NULL)
        l->container->n++;
    if (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) {
        b->depth++;
        b->levels[b->depth] = (struct level){ v, &v->first };
    }
}

static enum err build(struct builder *b, struct err_info *why)
{
    for (;;) {
        struct json_token t;
        enum err e = json_next(&b->reader, &t, why);
        if (e != ERR_OK)
            return e;
        if (t.kind == JSON_END && b->depth == 0)
            return ERR_OK;
        if (t.kind == JSON_END) {
            const struct json *closed = b->levels[b->depth--].container;
            if (closed->kind == JSON_OBJECT
                && (e = check_keys(b, closed, why)) != ERR_OK)
                return e;
            continue;
        }
        struct json *v = new_node(b, &t);
        if (v == NULL)
            return fail_nomem(why);
        attach(b, v);
    }
}

enum err json_parse(struct json **out, struct arena *arena, struct slice text,
                    unsigned max_depth, struct err_info *why)
{
    struct json *root = NULL;
    struct builder b = { .arena = arena };

    json_reader_init(&b.reader, text, max_depth);
    b.levels[0] = (struct level){ NULL, &root };
    enum err e = build(&b, why);
    strbuf_drop(&b.scratch);
    *out = e == ERR_OK ? root : NULL;
    return e;
}

/* ---- looking up ---- */

static const struct json *member(const struct json *v, struct slice key)
{
    if (!json_is(v, JSON_OBJECT))
        return NULL;
    for (const struct json *m = v->first; m != NULL; m = m->next) {
        if (slice_eq(m->key, key))
            return m;
    }
    return NULL;
}

const struct json *json_get(const struct json *v, const char *key)
{
    return member(v, slice_of(key));
}

const struct json *json_path(const struct json *v, const char *path)
{
    for (;;) {
        size_t len = strcspn(path, ".");
        v = member(v, (struct slice){ path, len });
        if (path[len] == '\0')
            return v;
        path += len + 1;
    }
}

const struct json *json_at(const struct json *v, size_t i)
{
    if (!json_is(v, JSON_ARRAY) || i >= v->n)
        return NULL;
    const struct json *element = v->first;
    while (i-- > 0)
        element = element->next;
    return element;
}

const char *json_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",       [JSON_BOOL] = "true or false",
        [JSON_INT] = "an integer",  [JSON_FLOAT] = "a number",
        [JSON_STRING] = "a string", [JSON_ARRAY] = "an array",
        [JSON_OBJECT] = "an object", [JSON_END] = "the end",
    };
    assert((unsigned)kind <= JSON_END);
    return names[kind];
}

/* ---- copies ---- */

struct json *json_copy_node(struct arena *arena, const struct json *of)
{
    struct json *copy = arena_take(arena, 1, sizeof *copy);
    if (copy != NULL) {
        *copy = *of;
        copy->next = NULL;
    }
    return copy;
}

struct json *json_copy_level(struct arena *arena, const struct json *of)
{
    struct json *copy = json_copy_node(arena, of);
    if (copy == NULL)
        return NULL;
    struct json **tail = &copy->first;
    for (const struct json *c = of->first; c != NULL; c = c->next) {
        if ((*tail = json_copy_node(arena, c)) == NULL)
            return NULL;
        tail = &(*tail)->next;
    }
    *tail = NULL;
    return copy;
}
