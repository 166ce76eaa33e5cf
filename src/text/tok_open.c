/* Building a tokenizer: what all sources have in common. */
#include "text/tok_parts.h"
#include <stdlib.h>

const char *tok_role_name(enum tok_role role)
{
    static const char *const names[] = {
#define X(id, text) text,
        TOK_ROLE_LIST(X)
#undef X
    };
    return names[role];
}

/* ---- ids ---- */

void tok_set_role(struct tokenizer *t, enum tok_role role, int64_t id)
{
    t->role[role] = -1;
    if (id < 0)
        return;
    if (vocab_has(&t->vocab, id))
        t->role[role] = (int32_t)id;
    else
        notice(t->notices, "the %s token's id %lld is no token (there are %zu) "
               "and ignored", tok_role_name(role), (long long)id,
               t->vocab.n);
}

enum err tok_list_id(struct tokenizer *t, struct tok_ids *list, int64_t id,
                     const char *what, struct err_info *why)
{
    size_t i = 0;

    if (!vocab_has(&t->vocab, id)) {
        notice(t->notices, "%s: id %lld is no token (there are %zu) and "
               "ignored", what, (long long)id, t->vocab.n);
        return ERR_OK;
    }
    while (i < list->n && list->at[i] < id)
        i++;
    if (i < list->n && list->at[i] == id)
        return ERR_OK;
    if (!tok_ids_push(list, 0))
        return fail_nomem(why);
    memmove(&list->at[i + 1], &list->at[i],
            (list->n - 1 - i) * sizeof *list->at);
    list->at[i] = (int32_t)id;
    return ERR_OK;
}

/* ---- added tokens ---- */

/* The reference's rule: behind the last added token, but not below the number
 * of tokens that the model has (holes in the vocabulary are not looked for). */
static int64_t next_id(const struct tokenizer *t)
{
    int64_t n = (int64_t)t->n_model;
    return t->top_added >= n ? t->top_added + 1 : n;
}

/* An id for a new added token: the vocabulary's, if the text is there. */
static enum err give_id(struct tokenizer *t, struct added_token *token,
                        struct err_info *why)
{
    int64_t id = vocab_find(&t->vocab, token->content);
    enum err e = ERR_OK;

    if (id < 0) {
        id = next_id(t);
        e = vocab_put_copy(&t->vocab, (uint64_t)id, token->content, VOCAB_ADDED,
                           why);
    }
    if (e != ERR_OK)
        return e;
    token->id = (int32_t)id;
    if (id > t->top_added)
        t->top_added = id;
    return added_push(&t->added, *token, why);
}

enum err tok_add(struct tokenizer *t, struct added_token token, int64_t wanted,
                 struct err_info *why)
{
    if (token.content.len == 0)
        return ERR_OK;
    struct added_token *old = added_by_text(&t->added, token.content);
    if (old != NULL) {
        token.id = old->id;
        token.special |= old->special;
        *old = token;
    } else {
        enum err e = give_id(t, &token, why);
        if (e != ERR_OK)
            return e;
    }
    if (wanted >= 0 && wanted != token.id && !t->told_ids)
        notice(t->notices, "an added token has id %lld in the file, but gets "
               "%d as in the reference library", (long long)wanted,
               (int)token.id);
    t->told_ids |= wanted >= 0 && wanted != token.id;
    if (token.special)
        t->vocab.at[token.id].marks |= VOCAB_SPECIAL;
    return ERR_OK;
}

/* ---- components ---- */

/* Parse a component's JSON into *spec; NULL when there is none. */
static enum err parse_spec(const struct json **spec, struct arena *arena,
                           struct slice text, const char *name,
                           struct err_info *why)
{
    struct json *tree = NULL;

    *spec = NULL;
    if (text.len == 0)
        return ERR_OK;
    enum err e = json_parse(&tree, arena, text, JSON_DEPTH, why);
    *spec = tree;
    return e == ERR_OK ? e : fail_within(why, "%s", name);
}

enum err tok_specs_open(struct tokenizer *t, const struct tok_specs *specs,
                        struct err_info *why)
{
    struct arena arena = { .chunks = NULL };
    const struct json *spec;
    enum err e = parse_spec(&spec, &arena, specs->normalizer, "normalizer",
                            why);

    if (e == ERR_OK)
        e = normalizer_open(&t->normalizer, spec, why);
    if (e == ERR_OK)
        e = parse_spec(&spec, &arena, specs->pre_tokenizer, "pre_tokenizer",
                       why);
    if (e == ERR_OK && !specs->keep_pre)
        e = pretokenizer_open(&t->pre, spec, why);
    if (e == ERR_OK)
        e = parse_spec(&spec, &arena, specs->post_processor, "post_processor",
                       why);
    if (e == ERR_OK)
        e = tok_post_read(t, spec, why);
    if (e == ERR_OK)
        e = parse_spec(&spec, &arena, specs->decoder, "decoder", why);
    if (e == ERR_OK)
        e = decoder_open(&t->decoder, spec, why);
    arena_drop(&arena);
    return e;
}

/* ---- the whole ---- */

/* tokenizer.json first, then the older files; a GGUF vocabulary only when there
 * is neither. */
static enum err open_source(struct tokenizer *t, const struct tok_source *src,
                            struct err_info *why)
{
    enum err e;

    if (src->tokenizer_json.len == 0 && src->vocab_json.len == 0) {
        if (src->model.len == 0)
            return fail(why, ERR_FORMAT, "there is no tokenizer: neither "
                        "tokenizer.json nor vocab.json and merges.txt, and no "
                        "tokenizer.ggml.model");
        return tok_gguf_open(t, src, why);
    }
    e = src->tokenizer_json.len > 0 ? tok_json_open(t, src, why)
                                    : tok_files_open(t, src, why);
    return e != ERR_OK ? e : tok_config_apply(t, src, why);
}

/* Lists that come from outside of the tokenizer's own files. */
static enum err add_ids(struct tokenizer *t, const struct tok_source *src,
                        struct err_info *why)
{
    enum err e = ERR_OK;

    for (size_t i = 0; i < src->n_eos_ids && e == ERR_OK; i++)
        e = tok_list_id(t, &t->eos, src->eos_ids[i], "eos_token_id", why);
    for (size_t i = 0; i < src->n_suppress_ids && e == ERR_OK; i++)
        e = tok_list_id(t, &t->suppressed, src->suppress_ids[i],
                        "suppress_tokens", why);
    if (e == ERR_OK && t->role[TOK_ROLE_EOS] >= 0)
        e = tok_list_id(t, &t->eos, t->role[TOK_ROLE_EOS], "eos", why);
    return e;
}

/* The reference decodes a normalized added token to its normal form, and hides
 * it only when that is the text of a special token. */
static void mark_shown(struct tokenizer *t)
{
    for (size_t i = 0; i < t->added.n; i++) {
        const struct added_token *a = &t->added.at[i];
        if (!slice_eq(a->shown, a->content))
            t->vocab.at[a->id].marks |= VOCAB_SHOWN;
    }
}

/* Ids that a post-processor adds reach the model: they must be tokens. */
static enum err check_wrap(const struct tokenizer *t,
                           const struct tok_ids *ids, struct err_info *why)
{
    for (size_t i = 0; i < ids->n; i++)
        if (!vocab_has(&t->vocab, ids->at[i]))
            return fail(why, ERR_FORMAT, "post_processor: it adds id %d, which "
                        "is no token", (int)ids->at[i]);
    return ERR_OK;
}

enum err tok_open(struct tokenizer **out, const struct tok_source *src,
                  const struct notices *notices, struct err_info *why)
{
    struct tokenizer *t = calloc(1, sizeof *t);

    *out = NULL;
    if (t == NULL)
        return fail_nomem(why);
    t->notices = notices;
    t->top_added = -1;
    for (size_t i = 0; i < TOK_N_ROLES; i++)
        t->role[i] = -1;
    enum err e = open_source(t, src, why);
    if (e == ERR_OK)
        e = added_index(&t->added, t->normalizer, why);
    if (e == ERR_OK)
        e = add_ids(t, src, why);
    if (e == ERR_OK)
        e = check_wrap(t, &t->before, why);
    if (e == ERR_OK)
        e = check_wrap(t, &t->after, why);
    if (e != ERR_OK) {
        tok_close(t);
        return e;
    }
    mark_shown(t);
    t->raw_bytes = pretokenizer_is_byte_level(t->pre);
    t->byte_pieces = decoder_is_byte_level(t->decoder);
    t->notices = NULL;
    *out = t;
    return ERR_OK;
}

void tok_close(struct tokenizer *t)
{
    if (t == NULL)
        return;
    bpe_drop(&t->bpe);
    spm_drop(&t->spm);
    unigram_drop(&t->unigram);
    added_drop(&t->added);
    vocab_drop(&t->vocab);
    normalizer_close(t->normalizer);
    pretokenizer_close(t->pre);
    decoder_close(t->decoder);
    tok_ids_drop(&t->before);
    tok_ids_drop(&t->after);
    tok_ids_drop(&t->eos);
    tok_ids_drop(&t->suppressed);
    arena_drop(&t->arena);
    free(t);
}
