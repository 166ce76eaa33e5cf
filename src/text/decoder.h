/* From tokens back to text: the decoders of tokenizer.json as steps that lists
 * of token texts pass through, all at once or a few at a time.
 *
 * huggingface/tokenizers, decoders/. */
#ifndef OSMIA_TEXT_DECODER_H
#define OSMIA_TEXT_DECODER_H

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"

struct decoder;

/* Build from the "decoder" value (NULL or null: tokens are joined by spaces).
 * ERR_UNKNOWN names a type that is not supported. */
enum err decoder_open(struct decoder **out, const struct json *spec,
                      struct err_info *why);
void     decoder_close(struct decoder *d);        /* NULL: nothing */
/* True when it maps characters to bytes (ByteLevel). */
bool     decoder_is_byte_level(const struct decoder *d);

/* One decoding: what each step remembers between calls.  A decoder itself is
 * immutable; any number of runs may use it. */
struct decoder_run;

enum {
    DECODE_CONTINUES = 1,   /* other text stands before: no token is first */
    DECODE_EARLY     = 2    /* let characters out as soon as they are whole,
                               though a later byte may spoil their run */
};

struct decoder_run *decoder_start(const struct decoder *d, unsigned flags);
void decoder_run_close(struct decoder_run *r);    /* NULL: nothing */

/* Append the text of the next token, as far as it is certain. */
enum err decoder_push(struct decoder_run *r, struct slice token,
                      struct strbuf *out, struct err_info *why);
/* The last token was pushed: append what was held back. */
enum err decoder_end(struct decoder_run *r, struct strbuf *out,
                     struct err_info *why);

#endif
