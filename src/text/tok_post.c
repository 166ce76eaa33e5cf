/* "post_processor": which ids are put around those of the text. */
#include "text/tok_parts.h"

static enum err wrong(struct err_info *why, const char *what)
{
    return fail(why, ERR_FORMAT, "post_processor: %s", what);
}

static enum err push_id(struct tok_ids *out, const struct json *id,
                        struct err_info *why)
{
    if (!json_is(id, JSON_INT) || id->integer.negative
        || id->integer.magnitude >= VOCAB_MAX_IDS)
        return wrong(why, "a special token's id is no number in range");
    return tok_ids_push(out, (int32_t)id->integer.magnitude)
         ? ERR_OK : fail_nomem(why);
}

/* [token, id] of BertProcessing and RobertaProcessing. */
static enum err push_pair(struct tok_ids *out, const struct json *spec,
                          const char *key, struct err_info *why)
{
    return push_id(out, json_at(json_get(spec, key), 1), why);
}

/* All ids that a name of a template stands for. */
static enum err push_named(struct tok_ids *out, const struct json *spec,
                           const struct json *item, struct err_info *why)
{
    const struct json *name = json_get(item, "id");
    const struct json *table = json_get(spec, "special_tokens");
    enum err e = ERR_OK;

    if (!json_is(name, JSON_STRING) || !json_is(table, JSON_OBJECT))
        return wrong(why, "a template's special token has no name, or there "
                     "are no \"special_tokens\"");
    for (const struct json *v = table->first; v != NULL; v = v->next) {
        if (!slice_eq(v->key, name->string))
            continue;
        const struct json *ids = json_get(v, "ids");
        if (!json_is(ids, JSON_ARRAY))
            return wrong(why, "a special token has no \"ids\"");
        for (ids = ids->first; ids != NULL && e == ERR_OK; ids = ids->next)
            e = push_id(out, ids, why);
        return e;
    }
    return wrong(why, "a template names a special token that is not in "
                 "\"special_tokens\"");
}

/* Special tokens before and behind the one sequence "A".  Templates for pairs
 * of texts are not looked at: nobody asks for them here. */
static enum err read_template(struct tok_ids *before, struct tok_ids *after,
                              const struct json *spec, struct err_info *why)
{
    const struct json *single = json_get(spec, "single");
    struct tok_ids *out = before;
    enum err e = ERR_OK;

    if (!json_is(single, JSON_ARRAY))
        return wrong(why, "TemplateProcessing: \"single\" must be an array");
    for (const struct json *i = single->first; i != NULL && e == ERR_OK;
         i = i->next) {
        const struct json *special = json_get(i, "SpecialToken");
        const struct json *text = json_path(i, "Sequence.id");
        if (special != NULL)
            e = push_named(out, spec, special, why);
        else if (!json_is(text, JSON_STRING) || !slice_is(text->string, "A")
                 || out == after)
            return fail(why, ERR_UNKNOWN, "post_processor: a template other "
                        "than special tokens around one \"A\" is not "
                        "supported");
        else
            out = after;
    }
    if (e == ERR_OK && out == before)
        return wrong(why, "TemplateProcessing: \"single\" has no sequence "
                     "\"A\"");
    return e;
}

/* Put `inner` in front of or behind what is in `outer`. */
static bool join(struct tok_ids *left, const struct tok_ids *right)
{
    for (size_t i = 0; i < right->n; i++)
        if (!tok_ids_push(left, right->at[i]))
            return false;
    return true;
}

/* Wrap what earlier processors gave into one more pair. */
static enum err wrap(struct tokenizer *t, struct tok_ids *before,
                     const struct tok_ids *after, struct err_info *why)
{
    bool adds = before->n + after->n > 0;

    if (adds && t->is_parted)
        return fail(why, ERR_UNKNOWN, "post_processor: a processor that adds "
                    "tokens behind a TemplateProcessing is not supported");
    if (!join(before, &t->before) || !join(&t->after, after))
        return fail_nomem(why);
    struct tok_ids swap = t->before;
    t->before = *before;
    *before = swap;
    return ERR_OK;
}

static enum err read_one(struct tok_ids *before, struct tok_ids *after,
                         const struct json *spec, struct slice type,
                         struct err_info *why)
{
    if (slice_is(type, "ByteLevel"))
        return ERR_OK;
    if (slice_is(type, "TemplateProcessing"))
        return read_template(before, after, spec, why);
    if (slice_is(type, "BertProcessing")
        || slice_is(type, "RobertaProcessing")) {
        enum err e = push_pair(before, spec, "cls", why);
        return e != ERR_OK ? e : push_pair(after, spec, "sep", why);
    }
    return fail(why, ERR_UNKNOWN, "post_processor: type \"%.*s\" is not "
                "supported", (int)(type.len > 100 ? 100 : type.len), type.at);
}

/* Sequences nest at most as deep as the JSON reader allows. */
enum err tok_post_read(struct tokenizer *t, const struct json *spec,
                       struct err_info *why)
{
    const struct json *type = json_get(spec, "type");
    struct tok_ids before = { .n = 0 }, after = { .n = 0 };
    enum err e = ERR_OK;

    if (spec == NULL || spec->kind == JSON_NULL)
        return ERR_OK;
    if (!json_is(type, JSON_STRING))
        return wrong(why, "\"type\" is missing");
    if (slice_is(type->string, "Sequence")) {
        const struct json *list = json_get(spec, "processors");
        if (!json_is(list, JSON_ARRAY))
            return wrong(why, "\"processors\" must be an array");
        for (list = list->first; list != NULL && e == ERR_OK; list = list->next)
            e = tok_post_read(t, list, why);
        return e;
    }
    e = read_one(&before, &after, spec, type->string, why);
    if (e == ERR_OK)
        e = wrap(t, &before, &after, why);
    /* To the reference each token of a template is a text of its own from there
     * on, which a further processor would wrap for itself. */
    if (e == ERR_OK && slice_is(type->string, "TemplateProcessing"))
        t->is_parted |= t->before.n + t->after.n > 0;
    tok_ids_drop(&before);
    tok_ids_drop(&after);
    return e;
}
