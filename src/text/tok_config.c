/* What the files beside tokenizer.json say: which token has which role, tokens
 * that tokenizer.json does not know.
 *
 * Not what `add_bos_token` and `add_eos_token` say: the post-processor of
 * tokenizer.json alone decides what is added, whatever class the configuration
 * names (transformers 5.23, every class; earlier versions rebuilt it). */
#include "text/tok_parts.h"
#include <stdlib.h>

/* Keys that name one special token, as transformers has them. */
static const struct {
    const char   *key;
    enum tok_role role;
} named[] = {
    { "bos_token", TOK_ROLE_BOS }, { "eos_token", TOK_ROLE_EOS },
    { "unk_token", TOK_ROLE_UNK }, { "sep_token", TOK_ROLE_SEP },
    { "pad_token", TOK_ROLE_PAD }, { "cls_token", TOK_ROLE_CLS },
    { "mask_token", TOK_ROLE_MASK },
};

enum { N_NAMED = sizeof named / sizeof named[0] };

/* A flag of a token's object; `otherwise` when it is not said. */
static bool flag_of(const struct json *v, const char *key, bool otherwise)
{
    const struct json *flag = json_get(v, key);
    return json_is(flag, JSON_BOOL) ? flag->boolean : otherwise;
}

/* A token written as a string or as an object with "content" and flags. */
static bool read_token(struct added_token *out, const struct json *v,
                       bool special)
{
    const struct json *content = json_is(v, JSON_OBJECT)
                               ? json_get(v, "content") : v;

    if (!json_is(content, JSON_STRING) || content->string.len == 0)
        return false;
    special = flag_of(v, "special", special);
    *out = (struct added_token){
        .content = content->string,
        .single_word = flag_of(v, "single_word", false),
        .lstrip = flag_of(v, "lstrip", false),
        .rstrip = flag_of(v, "rstrip", false),
        .normalized = flag_of(v, "normalized", !special),
        .special = special,
    };
    return true;
}

/* Add a token unless there is one with its text; then only mark it special. */
static enum err add_missing(struct tokenizer *t, struct added_token token,
                            struct err_info *why)
{
    const struct added_token *old = added_by_text(&t->added, token.content);

    if (old != NULL) {
        struct added_token same = *old;
        same.special |= token.special;
        return tok_add(t, same, -1, why);
    }
    token.content = arena_copy(&t->arena, token.content);
    return token.content.at == NULL ? fail_nomem(why)
                                    : tok_add(t, token, -1, why);
}

/* "added_tokens_decoder": {id: token}, by ascending id. */
struct by_id {
    uint64_t           id;
    const struct json *token;
};

static int compare_ids(const void *a, const void *b)
{
    const struct by_id *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* The number that a key is; UINT32_MAX, which is no id, for anything else. */
static uint64_t key_number(struct slice key)
{
    uint64_t n = 0;

    for (size_t i = 0; i < key.len && n < UINT32_MAX; i++)
        n = key.at[i] >= '0' && key.at[i] <= '9'
          ? 10 * n + (uint64_t)(key.at[i] - '0') : UINT32_MAX;
    return n;
}

static enum err add_decoder_tokens(struct tokenizer *t,
                                   const struct json *table,
                                   struct err_info *why)
{
    struct added_token token;
    enum err e = ERR_OK;
    size_t n = 0;

    if (!json_is(table, JSON_OBJECT) || table->n == 0)
        return ERR_OK;
    struct by_id *list = malloc(table->n * sizeof *list);
    if (list == NULL)
        return fail_nomem(why);
    for (const struct json *v = table->first; v != NULL; v = v->next)
        list[n++] = (struct by_id){ key_number(v->key), v };
    qsort(list, n, sizeof *list, compare_ids);
    for (size_t i = 0; i < n && e == ERR_OK; i++)
        if (read_token(&token, list[i].token, false))
            e = add_missing(t, token, why);
    free(list);
    return e;
}

/* added_tokens.json of old: {text: id}. */
static enum err add_old_tokens(struct tokenizer *t, const struct json *table,
                               struct err_info *why)
{
    enum err e = ERR_OK;
    size_t n = 0;

    if (!json_is(table, JSON_OBJECT) || table->n == 0)
        return ERR_OK;
    struct by_id *list = malloc(table->n * sizeof *list);
    if (list == NULL)
        return fail_nomem(why);
    for (const struct json *v = table->first; v != NULL; v = v->next)
        if (json_is(v, JSON_INT) && !v->integer.negative)
            list[n++] = (struct by_id){ v->integer.magnitude, v };
    qsort(list, n, sizeof *list, compare_ids);
    for (size_t i = 0; i < n && e == ERR_OK; i++)
        e = add_missing(t, (struct added_token){
                               .content = list[i].token->key,
                               .normalized = true }, why);
    free(list);
    return e;
}

/* Lists of further special tokens.  The newer key may also hold an object from
 * names to tokens. */
static enum err add_extra(struct tokenizer *t, const struct json *config,
                          const char *key, struct err_info *why)
{
    const struct json *list = json_get(config, key);
    struct added_token token;
    enum err e = ERR_OK;

    if (!json_is(list, JSON_ARRAY) && !json_is(list, JSON_OBJECT))
        return ERR_OK;
    for (list = list->first; list != NULL && e == ERR_OK; list = list->next)
        if (read_token(&token, list, true)) {
            token.special = true;
            e = add_missing(t, token, why);
        }
    return e;
}

/* Tokens with a role.  The vocabulary may have them as ordinary tokens: from
 * here on they are special, as transformers makes them. */
static enum err add_named(struct tokenizer *t, const struct json *config,
                          struct err_info *why)
{
    struct added_token token;
    enum err e = ERR_OK;

    for (size_t i = 0; i < N_NAMED && e == ERR_OK; i++) {
        if (!read_token(&token, json_get(config, named[i].key), true))
            continue;
        token.special = true;
        e = add_missing(t, token, why);
        if (e != ERR_OK)
            break;
        t->role[named[i].role] = added_by_text(&t->added, token.content)->id;
    }
    return e;
}

/* ---- the files ---- */

static enum err apply_config(struct tokenizer *t, const struct json *config,
                             struct err_info *why)
{
    enum err e = add_decoder_tokens(t, json_get(config, "added_tokens_decoder"),
                                    why);
    if (e == ERR_OK)
        e = add_named(t, config, why);
    if (e == ERR_OK)
        e = add_extra(t, config, "additional_special_tokens", why);
    if (e == ERR_OK)
        e = add_extra(t, config, "extra_special_tokens", why);
    return e;
}

static enum err apply_file(struct tokenizer *t, struct slice text,
                           const char *name,
                           enum err (*apply)(struct tokenizer *,
                                             const struct json *,
                                             struct err_info *),
                           struct err_info *why)
{
    struct arena arena = { .chunks = NULL };
    struct json *tree;

    if (text.len == 0)
        return ERR_OK;
    enum err e = json_parse(&tree, &arena, text, JSON_DEPTH, why);
    if (e == ERR_OK && tree->kind != JSON_OBJECT)
        e = fail(why, ERR_FORMAT, "expected one object");
    if (e == ERR_OK)
        e = apply(t, tree, why);
    arena_drop(&arena);
    return e == ERR_OK ? e : fail_within(why, "%s", name);
}

enum err tok_config_apply(struct tokenizer *t, const struct tok_source *src,
                          struct err_info *why)
{
    enum err e = ERR_OK;

    /* added_tokens.json repeats what newer files say better. */
    if (src->tokenizer_json.len == 0)
        e = apply_file(t, src->added_tokens_json, "added_tokens.json",
                       add_old_tokens, why);
    if (e == ERR_OK)
        e = apply_file(t, src->special_tokens_map_json,
                       "special_tokens_map.json", apply_config, why);
    return e != ERR_OK ? e : apply_file(t, src->tokenizer_config_json,
                                        "tokenizer_config.json", apply_config,
                                        why);
}
