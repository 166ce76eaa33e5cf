/* How the model wants to be sampled, and which ids end a reply or never occur:
 * generation_config.json and config.json, or general.sampling.* in GGUF.
 *
 * A value out of range is an error, not ignored: whoever wrote it meant
 * something, and a silent default would answer in another voice.  Ids are not
 * compared with the vocabulary, which is not known here. */
#include "format/opening.h"

#include <assert.h>
#include <math.h>

enum { MAX_IDS = 4096 };

#define AT(field) offsetof(struct generation_defaults, field)

/* One number: its two spellings, its place, what it may be. */
struct want {
    struct key_name name;
    size_t          at;         /* of a struct given */
    double          min, max;
};

static const struct want wants[] = {
    { { "temperature", "general.sampling.temp" },
      AT(temperature), 0, INFINITY },
    { { "top_k", "general.sampling.top_k" }, AT(top_k), -1, 2147483647 },
    { { "top_p", "general.sampling.top_p" }, AT(top_p), 0, 1 },
    { { "min_p", "general.sampling.min_p" }, AT(min_p), 0, 1 },
    { { "repetition_penalty", "general.sampling.penalty_repeat" },
      AT(repetition_penalty), 1e-6, 1e6 },
    { { "max_new_tokens", NULL }, AT(max_new_tokens), 1, 2147483647 },
};

/* Where the sampling keys are: GGUF has one place for everything. */
static const struct keys *sampling_keys(const struct opening *o)
{
    return o->c.naming == NAMING_GGUF ? &o->c.keys : &o->generation;
}

static enum err read_numbers(struct opening *o)
{
    const struct keys *k = sampling_keys(o);
    struct generation_defaults *g = &o->c.generation;

    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        struct given *out = (struct given *)((char *)g + wants[i].at);
        enum err e = keys_float(&out->value, k, wants[i].name, wants[i].min,
                                wants[i].max, o->why);
        if (e != ERR_OK)
            return e;
        out->set = keys_has(k, wants[i].name);
    }
    if (g->top_k.value < 0)         /* -1 is another way to say "off" */
        g->top_k.value = 0;
    return ERR_OK;
}

/* GGUF has no such key: there a temperature says as much. */
static enum err read_do_sample(struct opening *o)
{
    static const struct key_name name = { "do_sample", NULL };
    const struct keys *k = sampling_keys(o);
    bool yes = false;
    enum err e = keys_bool(&yes, k, name, o->why);

    o->c.generation.do_sample = (struct given){ keys_has(k, name), yes };
    return e;
}

/* ---- lists of ids ---- */

struct ids {
    int64_t *at;
    size_t   n;
};

static size_t count_ids(const struct keys *k, struct key_name name)
{
    if (keys_kind(k, name) == KEY_ARRAY)
        return keys_len(k, name);
    return keys_has(k, name) ? 1 : 0;
}

static bool has_id(const struct ids *list, int64_t id)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->at[i] == id)
            return true;
    return false;
}

/* Append the ids of a key, a number or a list; each id once. */
static enum err add_ids(struct opening *o, const struct keys *k,
                        struct key_name name, struct ids *list)
{
    size_t n = count_ids(k, name);
    struct key_name at = name;

    for (size_t i = 0; i < n; i++) {
        int64_t id = -1;
        enum err e = keys_int_at(&id, k, at, i, o->why);

        if (e != ERR_OK)
            return e;
        assert(list->at != NULL);       /* count_ids made the room */
        if (!has_id(list, id))
            list->at[list->n++] = id;
    }
    return ERR_OK;
}

/* The ids of one name in two files.  Each list is compared with itself and
 * walked by index, hence the limit. */
static enum err join_ids(struct opening *o, struct key_name name,
                         struct ids *list)
{
    const struct keys *k[2] = { &o->generation, &o->c.keys };
    size_t n = 0;
    enum err e = ERR_OK;

    if (o->c.naming == NAMING_GGUF)
        k[0] = k[1];
    for (size_t i = 0; i < 2; i++) {
        size_t more = count_ids(k[i], name);
        if (more > MAX_IDS)
            return keys_fail(k[i], name, ERR_LIMIT, o->why, "has %zu entries, "
                             "the limit is %d", more, MAX_IDS);
        n += more;
    }
    list->at = arena_take(&o->arena, n, sizeof *list->at);
    if (list->at == NULL && n > 0)
        return fail_nomem(o->why);
    for (size_t i = 0; e == ERR_OK && i < 2; i++)
        e = add_ids(o, k[i], name, list);
    return e;
}

enum err opening_generation(struct opening *o)
{
    static const struct key_name eos = { "eos_token_id", NULL };
    static const struct key_name suppress = {
        "suppress_tokens", "tokenizer.ggml.suppress_tokens" };
    struct ids ends = { 0 }, never = { 0 };
    enum err e;

    if ((e = read_numbers(o)) != ERR_OK
        || (e = read_do_sample(o)) != ERR_OK
        || (e = join_ids(o, eos, &ends)) != ERR_OK
        || (e = join_ids(o, suppress, &never)) != ERR_OK)
        return e;
    o->c.tok.eos_ids = ends.at;
    o->c.tok.n_eos_ids = ends.n;
    o->c.tok.suppress_ids = never.at;
    o->c.tok.n_suppress_ids = never.n;
    return ERR_OK;
}
