/* Text to ids.
 *
 *   text --> added tokens (raw) --> normalizer --> added tokens (normalised)
 *        --> pre-tokenizer --> model, piece by piece
 *
 * Every arrow may cut the text; order is kept.  What the steps need as memory
 * lives in one struct for the time of a call, so that a tokenizer itself is
 * never written to. */
#include "base/utf8.h"
#include "text/bytemap.h"
#include "text/tok_parts.h"

struct encoding {
    const struct tokenizer *t;
    unsigned                flags;
    struct tok_ids         *out;
    struct err_info        *why;
    struct strbuf           normal, scratch;
    struct pieces           pieces;
    struct bpe_call         bpe;
    struct unigram_work     unigram;
};

static void encoding_drop(struct encoding *e)
{
    strbuf_drop(&e->normal);
    strbuf_drop(&e->scratch);
    pieces_drop(&e->pieces);
    merge_work_drop(&e->bpe.work);
    strbuf_drop(&e->bpe.mapped);
    unigram_work_drop(&e->unigram);
}

static enum err encode_piece(struct encoding *e, struct slice piece)
{
    const struct tokenizer *t = e->t;

    switch (t->model) {
    case TOK_MODEL_BPE:
        return bpe_encode(&t->bpe, piece, t->raw_bytes, &e->bpe, e->why);
    case TOK_MODEL_SPM:
        return spm_encode(&t->spm, piece, &e->bpe.work, e->out, e->why);
    case TOK_MODEL_UNIGRAM:
        return unigram_encode(&t->unigram, piece, &e->unigram, e->out, e->why);
    default:
        return word_piece_encode(&t->word_piece, piece, &e->scratch, e->out,
                                 e->why);
    }
}

/* The models but BPE take mapped text when the pre-tokenizer is byte-level. */
static enum err encode_mapped(struct encoding *e, struct slice piece)
{
    if (!e->t->raw_bytes || e->t->model == TOK_MODEL_BPE)
        return encode_piece(e, piece);
    strbuf_clear(&e->bpe.mapped);
    bytemap_put(&e->bpe.mapped, piece);
    return e->bpe.mapped.failed ? fail_nomem(e->why)
                                : encode_piece(e, strbuf_slice(&e->bpe.mapped));
}

/* Normalised text without added tokens. */
static enum err encode_plain(struct encoding *e, struct slice text,
                             bool at_start)
{
    enum err err = pretokenizer_apply(e->t->pre, text, at_start, &e->pieces,
                                      e->why);

    for (size_t i = 0; i < e->pieces.n && err == ERR_OK; i++) {
        struct piece p = e->pieces.at[i];
        err = encode_mapped(e, (struct slice){ e->pieces.bytes.at + p.at,
                                               p.len });
    }
    return err;
}

static enum err push_token(struct encoding *e, const struct added_part *part)
{
    /* White space that an earlier token took along may leave nothing. */
    if (part->len == 0 || tok_ids_push(e->out, part->token->id))
        return ERR_OK;
    return fail_nomem(e->why);
}

/* Begin to cut a text at its added tokens.  Special tokens that are not to be
 * parsed stay in the search: they hide what they cover, as in the reference. */
static void scan(struct encoding *e, struct added_scan *s,
                 const struct trie *trie, struct slice text)
{
    added_scan_init(s, &e->t->added, trie, text,
                    !(e->flags & TOK_PARSE_SPECIAL));
}

/* Text between raw added tokens. */
static enum err encode_between(struct encoding *e, struct slice text,
                               bool at_start)
{
    struct added_scan s;
    struct added_part part;
    enum err err = ERR_OK;

    if (!normalizer_is_identity(e->t->normalizer)) {
        strbuf_clear(&e->normal);
        err = normalizer_apply(e->t->normalizer, text, &e->normal, &at_start,
                               e->why);
        if (err == ERR_OK && e->normal.failed)
            err = fail_nomem(e->why);
        text = strbuf_slice(&e->normal);
    }
    scan(e, &s, &e->t->added.normal, text);
    while (err == ERR_OK && added_scan_next(&s, &part)) {
        if (part.token != NULL)
            err = push_token(e, &part);
        else
            err = encode_plain(e, (struct slice){ text.at + part.at, part.len },
                               at_start && part.at == 0);
    }
    return err;
}

/* The text as it came. */
static enum err encode_text(struct encoding *e, struct slice text)
{
    struct added_scan s;
    struct added_part part;
    enum err err = ERR_OK;

    scan(e, &s, &e->t->added.raw, text);
    while (err == ERR_OK && added_scan_next(&s, &part)) {
        if (part.token != NULL)
            err = push_token(e, &part);
        else
            err = encode_between(e, (struct slice){ text.at + part.at,
                                                    part.len }, part.at == 0);
    }
    return err;
}

/* Ids around the text, when they are asked for. */
static enum err push_all(struct encoding *e, const struct tok_ids *ids)
{
    for (size_t i = 0; e->flags & TOK_ADD_SPECIAL && i < ids->n; i++)
        if (!tok_ids_push(e->out, ids->at[i]))
            return fail_nomem(e->why);
    return ERR_OK;
}

enum err tok_encode(const struct tokenizer *t, struct slice text,
                    unsigned flags, struct tok_ids *out, struct err_info *why)
{
    struct encoding e = { .t = t, .flags = flags, .out = out, .why = why,
                          .bpe.out = out };
    struct strbuf clean = { .at = NULL };

    if (text.len >= INT32_MAX)
        return fail(why, ERR_LIMIT, "a text of %zu bytes is too long",
                    text.len);
    if (utf8_valid_prefix(text) != text.len) {
        utf8_put_lossy(&clean, text);
        text = strbuf_slice(&clean);
    }
    enum err err = clean.failed ? fail_nomem(why) : push_all(&e, &t->before);
    if (err == ERR_OK)
        err = encode_text(&e, text);
    if (err == ERR_OK)
        err = push_all(&e, &t->after);
    strbuf_drop(&clean);
    encoding_drop(&e);
    return err;
}
