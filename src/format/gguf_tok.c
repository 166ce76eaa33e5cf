/* The tokenizer and the chat templates in GGUF metadata, as a tok_source.
 *
 * Arrays are not copied: a tok_source points into the mapping.  It carries one
 * length, the number of tokens; therefore every array with an entry for each
 * token is compared with it here, where its own length is still known.  What
 * the values mean (ids out of range, merges of unknown tokens, the name of the
 * pre-tokenizer) is the tokenizer's business. */
#include "format/opening.h"

#include "base/limits.h"

static struct key_name gguf_key(const char *name)
{
    return (struct key_name){ NULL, name };
}

static const struct gguf_value *value(struct opening *o, const char *name)
{
    return gguf_find(&o->gguf.meta, slice_of(name));
}

/* Three states: the defaults depend on the kind of tokenizer. */
static enum err get_flag(struct opening *o, const char *name,
                         enum tok_flag *out)
{
    bool yes = false;
    enum err e = keys_bool(&yes, &o->c.keys, gguf_key(name), o->why);

    *out = !keys_has(&o->c.keys, gguf_key(name)) ? TOK_UNSET
         : yes ? TOK_YES : TOK_NO;
    return e;
}

static enum err get_flags(struct opening *o)
{
    struct tok_source *t = &o->c.tok;
    const struct { const char *name; enum tok_flag *out; } flags[] = {
        { "tokenizer.ggml.add_bos_token", &t->add_bos },
        { "tokenizer.ggml.add_eos_token", &t->add_eos },
        { "tokenizer.ggml.add_sep_token", &t->add_sep },
        { "tokenizer.ggml.add_space_prefix", &t->add_space_prefix },
        { "tokenizer.ggml.remove_extra_whitespaces",
          &t->remove_extra_whitespaces },
    };
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < sizeof flags / sizeof flags[0]; i++)
        e = get_flag(o, flags[i].name, flags[i].out);
    return e;
}

/* "seperator" is how the key is spelled in the files.  prefix, suffix and
 * middle are the old names of the fim_ ids; the new ones stand behind them and
 * win. */
static enum err get_roles(struct opening *o)
{
    static const struct { enum tok_role role; const char *name; } names[] = {
        { TOK_ROLE_BOS, "tokenizer.ggml.bos_token_id" },
        { TOK_ROLE_EOS, "tokenizer.ggml.eos_token_id" },
        { TOK_ROLE_EOT, "tokenizer.ggml.eot_token_id" },
        { TOK_ROLE_EOM, "tokenizer.ggml.eom_token_id" },
        { TOK_ROLE_UNK, "tokenizer.ggml.unknown_token_id" },
        { TOK_ROLE_PAD, "tokenizer.ggml.padding_token_id" },
        { TOK_ROLE_SEP, "tokenizer.ggml.seperator_token_id" },
        { TOK_ROLE_CLS, "tokenizer.ggml.cls_token_id" },
        { TOK_ROLE_MASK, "tokenizer.ggml.mask_token_id" },
        { TOK_ROLE_FIM_PRE, "tokenizer.ggml.prefix_token_id" },
        { TOK_ROLE_FIM_SUF, "tokenizer.ggml.suffix_token_id" },
        { TOK_ROLE_FIM_MID, "tokenizer.ggml.middle_token_id" },
        { TOK_ROLE_FIM_PRE, "tokenizer.ggml.fim_pre_token_id" },
        { TOK_ROLE_FIM_SUF, "tokenizer.ggml.fim_suf_token_id" },
        { TOK_ROLE_FIM_MID, "tokenizer.ggml.fim_mid_token_id" },
        { TOK_ROLE_FIM_PAD, "tokenizer.ggml.fim_pad_token_id" },
        { TOK_ROLE_FIM_REP, "tokenizer.ggml.fim_rep_token_id" },
        { TOK_ROLE_FIM_SEP, "tokenizer.ggml.fim_sep_token_id" },
    };
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < sizeof names / sizeof names[0]; i++)
        e = keys_int(&o->c.tok.role[names[i].role], &o->c.keys,
                     gguf_key(names[i].name), o->why);
    return e;
}

/* ---- arrays ---- */

static enum err get_strings(struct opening *o, const char *name,
                            struct str_list *out)
{
    const struct gguf_value *v = value(o, name);

    if (v == NULL)
        return ERR_OK;
    if (!v->is_array || v->type != GGUF_STRING)
        return keys_fail(&o->c.keys, gguf_key(name), ERR_FORMAT, o->why,
                         "is %s%s, expected an array of strings",
                         v->is_array ? "an array of " : "",
                         gguf_type_name(v->type));
    *out = (struct str_list){ v->bytes, (size_t)v->n };
    return ERR_OK;
}

/* A number for each token.  *out stays NULL when the key is not there. */
static enum err get_per_token(struct opening *o, const char *name,
                              const struct gguf_value **out)
{
    const struct gguf_value *v = value(o, name);

    *out = v;
    if (v == NULL)
        return ERR_OK;
    if (!v->is_array)
        return keys_fail(&o->c.keys, gguf_key(name), ERR_FORMAT, o->why,
                         "is of type %s, expected an array",
                         gguf_type_name(v->type));
    if (v->n != o->c.tok.tokens.n)
        return keys_fail(&o->c.keys, gguf_key(name), ERR_FORMAT, o->why,
                         "has %zu entries, expected one for each of the %zu "
                         "tokens", (size_t)v->n, o->c.tok.tokens.n);
    return ERR_OK;
}

/* Some writers store scores as integers. */
static enum err get_scores(struct opening *o)
{
    static const char name[] = "tokenizer.ggml.scores";
    const struct gguf_value *v;
    float *scores;
    double number;
    enum err e = get_per_token(o, name, &v);

    if (e != ERR_OK || v == NULL)
        return e;
    if (v->type == GGUF_F32) {
        o->c.tok.scores = (const uint8_t *)v->bytes.at;
        return ERR_OK;
    }
    if (v->type != GGUF_I32)
        return keys_fail(&o->c.keys, gguf_key(name), ERR_FORMAT, o->why,
                         "is an array of %s, expected f32 or i32",
                         gguf_type_name(v->type));
    scores = arena_take(&o->arena, (size_t)v->n, sizeof *scores);
    if (scores == NULL)
        return v->n == 0 ? ERR_OK : fail_nomem(o->why);
    for (uint64_t i = 0; i < v->n; i++) {
        gguf_number(v, i, &number);
        scores[i] = (float)number;
    }
    o->c.tok.scores = (const uint8_t *)scores;
    return ERR_OK;
}

/* i32 by the book; one writer has u32, and the values are the same bits. */
static enum err get_types(struct opening *o)
{
    static const char name[] = "tokenizer.ggml.token_type";
    const struct gguf_value *v;
    enum err e = get_per_token(o, name, &v);

    if (e != ERR_OK || v == NULL)
        return e;
    if (v->type != GGUF_I32 && v->type != GGUF_U32)
        return keys_fail(&o->c.keys, gguf_key(name), ERR_FORMAT, o->why,
                         "is an array of %s, expected i32",
                         gguf_type_name(v->type));
    o->c.tok.types = (const uint8_t *)v->bytes.at;
    return ERR_OK;
}

/* SentencePiece's normaliser, a blob; its reader checks what is in it. */
static enum err get_charsmap(struct opening *o)
{
    static const char name[] = "tokenizer.ggml.precompiled_charsmap";
    const struct gguf_value *v = value(o, name);

    if (v == NULL)
        return ERR_OK;
    if (!v->is_array || (v->type != GGUF_U8 && v->type != GGUF_I8))
        return keys_fail(&o->c.keys, gguf_key(name), ERR_FORMAT, o->why,
                         "is %s%s, expected an array of u8",
                         v->is_array ? "an array of " : "",
                         gguf_type_name(v->type));
    o->c.tok.charsmap = v->bytes;
    return ERR_OK;
}

/* Tokens first: the other arrays are measured against them. */
static enum err get_vocabulary(struct opening *o)
{
    static const char tokens[] = "tokenizer.ggml.tokens";
    static const char merges[] = "tokenizer.ggml.merges";
    struct tok_source *t = &o->c.tok;
    enum err e;

    if ((e = get_strings(o, tokens, &t->tokens)) != ERR_OK
        || (e = get_strings(o, merges, &t->merges)) != ERR_OK)
        return e;
    t->has_merges = value(o, merges) != NULL;
    if (t->tokens.n > LIMIT_VOCAB)
        return keys_fail(&o->c.keys, gguf_key(tokens), ERR_LIMIT, o->why,
                         "has %zu entries, the limit is %d", t->tokens.n,
                         LIMIT_VOCAB);
    if (value(o, tokens) == NULL && !slice_is(t->model, "none")
        && !slice_is(t->model, "no_vocab"))
        return keys_fail(&o->c.keys, gguf_key(tokens), ERR_FORMAT, o->why,
                         "is missing");
    if ((e = get_scores(o)) != ERR_OK || (e = get_types(o)) != ERR_OK)
        return e;
    return get_charsmap(o);
}

/* ---- templates ---- */

static enum err add_template(struct opening *o, const struct gguf_value *v,
                             struct named_text *out)
{
    static const struct slice stem = { "tokenizer.chat_template", 23 };

    if (v->is_array || v->type != GGUF_STRING)
        return fail(o->why, ERR_FORMAT, "%s: %s is no string",
                    o->c.keys.path, show(v->key).text);
    if (v->bytes.len > LIMIT_TEMPLATE_FILE)
        return fail(o->why, ERR_LIMIT, "%s: %s has %zu bytes, the limit is %d",
                    o->c.keys.path, show(v->key).text, v->bytes.len,
                    LIMIT_TEMPLATE_FILE);
    out->text = v->bytes;
    out->name = v->key.len == stem.len ? SLICE("default")
                                       : slice_from(v->key, stem.len + 1);
    return ERR_OK;
}

/* "tokenizer.chat_template" and all "tokenizer.chat_template.NAME". */
static bool is_template(struct slice key)
{
    return slice_is(key, "tokenizer.chat_template")
        || (slice_starts(key, SLICE("tokenizer.chat_template."))
            && key.len > sizeof "tokenizer.chat_template." - 1);
}

static enum err get_templates(struct opening *o)
{
    const struct gguf_meta *m = &o->gguf.meta;
    struct named_text *list;
    size_t n = 0, k = 0;
    enum err e;

    for (size_t i = 0; i < m->n; i++)
        n += is_template(m->values[i].key);
    list = arena_take(&o->arena, n, sizeof *list);
    if (list == NULL && n > 0)
        return fail_nomem(o->why);
    for (size_t i = 0; i < m->n; i++)
        if (is_template(m->values[i].key)
            && (e = add_template(o, &m->values[i], &list[k++])) != ERR_OK)
            return e;
    o->c.tok.templates = list;
    o->c.tok.n_templates = n;
    return ERR_OK;
}

enum err opening_gguf_tok(struct opening *o)
{
    struct tok_source *t = &o->c.tok;
    const struct keys *k = &o->c.keys;
    const struct { const char *name; struct slice *out; } texts[] = {
        { "general.architecture", &t->arch },
        { "general.name", &t->name },
        { "tokenizer.ggml.model", &t->model },
        { "tokenizer.ggml.pre", &t->pre },
        { "tokenizer.huggingface.json", &t->tokenizer_json },
    };
    enum err e;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if ((e = keys_string(texts[i].out, k, gguf_key(texts[i].name),
                             o->why)) != ERR_OK)
            return e;
    if ((t->model.len > 0 && (e = get_vocabulary(o)) != ERR_OK)
        || (e = get_roles(o)) != ERR_OK
        || (e = get_flags(o)) != ERR_OK)
        return e;
    return get_templates(o);
}
