/* A tokenizer: text to ids and back, equal to the reference library's
 * (huggingface/tokenizers) on every string.
 *
 * Immutable after tok_open: any number of threads may encode and decode at the
 * same time.  Slices in the tok_source must outlive the tokenizer. */
#ifndef OSMIA_TEXT_TOKENIZER_H
#define OSMIA_TEXT_TOKENIZER_H

#include "base/err.h"
#include "base/notice.h"
#include "base/strbuf.h"
#include "text/tok_source.h"

struct tokenizer;
struct decoder_run;

/* Build from a source.  ERR_FORMAT: broken; ERR_UNKNOWN: a component (named in
 * the sentence) that is not supported.  Notices: ids of roles that are no
 * tokens, and the like. */
enum err tok_open(struct tokenizer **out, const struct tok_source *src,
                  const struct notices *notices, struct err_info *why);
void     tok_close(struct tokenizer *t);

/* ---- facts ---- */

/* Ids are 0 .. tok_size - 1 (some may have no token: see tok_has). */
size_t tok_size(const struct tokenizer *t);
bool   tok_has(const struct tokenizer *t, int32_t id);
/* "bpe", "spm", "unigram": the algorithm, for people. */
const char *tok_kind(const struct tokenizer *t);
/* Id of a role, or -1. */
int32_t tok_role_id(const struct tokenizer *t, enum tok_role role);
/* Ids that end a generation, ascending, unique. */
const int32_t *tok_eos(const struct tokenizer *t, size_t *n);
bool    tok_is_eos(const struct tokenizer *t, int32_t id);
/* What TOK_ADD_SPECIAL puts in front / behind. */
bool    tok_adds_bos(const struct tokenizer *t);
bool    tok_adds_eos(const struct tokenizer *t);
/* Control token: hidden in decoded text when special tokens are skipped. */
bool    tok_is_special(const struct tokenizer *t, int32_t id);
/* Ids that must never be sampled although they have a token. */
const int32_t *tok_suppressed(const struct tokenizer *t, size_t *n);
/* The token's own text as the vocabulary writes it (bytes still mapped,
 * U+2581 for spaces); added tokens as they are.  Empty for ids without one. */
struct slice tok_text(const struct tokenizer *t, int32_t id);
/* Exact look-up by that text; -1 when there is none. */
int32_t tok_find(const struct tokenizer *t, struct slice text);

/* ---- encoding ---- */

enum {
    TOK_ADD_SPECIAL   = 1,  /* BOS / EOS as the tokenizer adds them by itself */
    TOK_PARSE_SPECIAL = 2   /* special tokens written in the text become ids */
};

struct tok_ids {
    int32_t *at;
    size_t   n, cap;
};

void tok_ids_drop(struct tok_ids *ids);      /* zero-initialised is empty */
bool tok_ids_push(struct tok_ids *ids, int32_t id);   /* false: no memory */

/* Append the ids of `text` (any bytes; what is no UTF-8 counts as U+FFFD).
 * Time is linear in the text but for a logarithm. */
enum err tok_encode(const struct tokenizer *t, struct slice text,
                    unsigned flags, struct tok_ids *out, struct err_info *why);

/* ---- decoding ---- */

enum { TOK_SKIP_SPECIAL = 1 };

/* Append the text of n ids: exactly what the reference's decode gives.  Output
 * is UTF-8 (bytes that are not become U+FFFD).  ERR_REQUEST names an id that
 * is out of range or has no token. */
enum err tok_decode(const struct tokenizer *t, const int32_t *ids, size_t n,
                    unsigned flags, struct strbuf *out, struct err_info *why);

/* The text of one id alone as a piece in the middle of a text (leading space
 * kept, bytes possibly incomplete UTF-8); for logprobs and --pieces. */
void tok_piece(const struct tokenizer *t, int32_t id, struct strbuf *out);

/* Streaming: push ids one by one, get whole characters only.  The pieces,
 * joined, equal what tok_decode gives for all of them (but for the differences
 * of invalid byte runs).  With `continues` the text follows other text (a
 * completion behind its prompt): a leading space is kept.  Out of memory shows
 * at the first push. */
struct tok_stream {
    const struct tokenizer *tok;
    unsigned                flags;
    struct decoder_run     *run;
};

void tok_stream_init(struct tok_stream *s, const struct tokenizer *t,
                     unsigned flags, bool continues);
enum err tok_stream_push(struct tok_stream *s, int32_t id, struct strbuf *out,
                         struct err_info *why);
void tok_stream_end(struct tok_stream *s, struct strbuf *out);  /* flush */
void tok_stream_drop(struct tok_stream *s);

#endif
