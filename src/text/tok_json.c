/* tokenizer.json, and its two forerunners vocab.json + merges.txt. */
#include "text/tok_parts.h"

/* ---- "added_tokens" ---- */

/* The flag that a key stands for; NULL: none. */
static bool *added_flag(struct added_token *a, struct slice key)
{
    return slice_is(key, "single_word") ? &a->single_word
         : slice_is(key, "lstrip")      ? &a->lstrip
         : slice_is(key, "rstrip")      ? &a->rstrip
         : slice_is(key, "normalized")  ? &a->normalized
         : slice_is(key, "special")     ? &a->special : NULL;
}

static enum err keep_content(struct tokenizer *t, const struct json_token *k,
                             struct added_token *a, struct err_info *why)
{
    struct strbuf room = { .at = NULL };

    if (k->kind != JSON_STRING)
        return fail(why, ERR_FORMAT, "added_tokens: \"content\" must be a "
                    "string");
    json_unescape(&room, k->text);
    a->content = arena_copy(&t->arena, strbuf_slice(&room));
    bool failed = room.failed || a->content.at == NULL;
    strbuf_drop(&room);
    return failed ? fail_nomem(why) : ERR_OK;
}

/* One entry; its opening bracket was read. */
static enum err read_added(struct tokenizer *t, struct json_reader *r,
                           struct err_info *why)
{
    struct added_token a = { .normalized = false };
    struct json_token k;
    int64_t id = -1;
    enum err e;

    while ((e = json_next(r, &k, why)) == ERR_OK && k.kind != JSON_END) {
        bool *flag = added_flag(&a, k.key);
        if (slice_is(k.key, "content"))
            e = keep_content(t, &k, &a, why);
        else if (flag != NULL && k.kind != JSON_BOOL)
            e = fail(why, ERR_FORMAT, "added_tokens: \"%.*s\" must be true or "
                     "false", (int)k.key.len, k.key.at);
        else if (flag != NULL)
            *flag = k.boolean;
        else if (slice_is(k.key, "id") && k.kind == JSON_INT
                 && !k.integer.negative && k.integer.magnitude < INT32_MAX)
            id = (int64_t)k.integer.magnitude;
        else
            e = json_skip(r, &k, NULL, why);
        if (e != ERR_OK)
            return e;
    }
    if (e == ERR_OK && a.content.at == NULL)
        e = fail(why, ERR_FORMAT, "added_tokens: an entry has no \"content\"");
    return e != ERR_OK ? e : tok_add(t, a, id, why);
}

/* Walked with the reader, not as a tree: Gemma has 6,414 entries. */
static enum err read_all_added(struct tokenizer *t, struct slice text,
                               struct err_info *why)
{
    struct json_reader r;
    struct json_token k;
    enum err e;

    if (text.len == 0 || slice_is(text, "null"))
        return ERR_OK;
    json_reader_init(&r, text, JSON_DEPTH);
    e = json_next(&r, &k, why);
    if (e != ERR_OK)
        return e;
    if (k.kind != JSON_ARRAY)
        return fail(why, ERR_FORMAT, "\"added_tokens\" must be an array");
    while ((e = json_next(&r, &k, why)) == ERR_OK && k.kind != JSON_END) {
        e = k.kind == JSON_OBJECT ? read_added(t, &r, why)
          : fail(why, ERR_FORMAT, "added_tokens: every entry must be an "
                 "object");
        if (e != ERR_OK)
            return e;
    }
    return e;
}

/* ---- the top level ---- */

/* Members that are read when the whole file is known. */
struct top {
    struct slice     version, added;
    struct tok_specs specs;
    bool             has_model;
};

/* Where a member waits; NULL: it is the model, or of no interest. */
static struct slice *later(struct top *top, struct slice key)
{
    return slice_is(key, "version")        ? &top->version
         : slice_is(key, "added_tokens")   ? &top->added
         : slice_is(key, "normalizer")     ? &top->specs.normalizer
         : slice_is(key, "pre_tokenizer")  ? &top->specs.pre_tokenizer
         : slice_is(key, "post_processor") ? &top->specs.post_processor
         : slice_is(key, "decoder")        ? &top->specs.decoder : NULL;
}

static enum err read_member(struct tokenizer *t, struct json_reader *r,
                            const struct json_token *k, struct top *top,
                            struct err_info *why)
{
    struct slice *out = later(top, k->key);
    bool model = slice_is(k->key, "model");

    if (model ? top->has_model : out != NULL && out->len > 0)
        return fail(why, ERR_FORMAT, "\"%.*s\" is given twice",
                    (int)k->key.len, k->key.at);
    if (!model)
        return json_skip(r, k, out, why);
    if (k->kind != JSON_OBJECT)
        return fail(why, ERR_FORMAT, "\"model\" must be an object");
    top->has_model = true;
    return tok_model_read(t, r, why);
}

/* One pass over the file.  The model is read on the way, the rest put off:
 * added tokens need the vocabulary, whichever comes first. */
static enum err read_top(struct tokenizer *t, struct slice text,
                         struct top *top, struct err_info *why)
{
    struct json_reader r;
    struct json_token k;
    enum err e;

    json_reader_init(&r, text, JSON_DEPTH);
    e = json_next(&r, &k, why);
    if (e != ERR_OK)
        return e;
    if (k.kind != JSON_OBJECT)
        return fail(why, ERR_FORMAT, "expected one object");
    while ((e = json_next(&r, &k, why)) == ERR_OK && k.kind != JSON_END)
        if ((e = read_member(t, &r, &k, top, why)) != ERR_OK)
            return e;
    return e != ERR_OK ? e : json_next(&r, &k, why);
}

enum { MAX_FILE = 256 << 20 };

enum err tok_json_open(struct tokenizer *t, const struct tok_source *src,
                       struct err_info *why)
{
    struct slice text = src->tokenizer_json;
    struct top top = { .has_model = false };

    if (text.len > MAX_FILE)
        return fail(why, ERR_LIMIT, "tokenizer.json: larger than %d MiB",
                    MAX_FILE >> 20);
    vocab_init(&t->vocab, text);
    enum err e = read_top(t, text, &top, why);
    if (e == ERR_OK && !top.has_model)
        e = fail(why, ERR_FORMAT, "\"model\" is missing");
    if (e == ERR_OK && top.version.len > 0 && !slice_is(top.version, "\"1.0\""))
        e = fail(why, ERR_UNKNOWN, "\"version\" is %.*s, only \"1.0\" is "
                 "supported", (int)(top.version.len > 40 ? 40
                                    : top.version.len), top.version.at);
    if (e == ERR_OK)
        e = read_all_added(t, top.added, why);
    if (e == ERR_OK)
        e = tok_specs_open(t, &top.specs, why);
    return e == ERR_OK ? e : fail_within(why, "tokenizer.json");
}
