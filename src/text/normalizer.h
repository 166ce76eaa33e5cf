/* Normalizers of tokenizer.json, and the precompiled character map of
 * SentencePiece: text in, text out, before any splitting. */
#ifndef OSMIA_TEXT_NORMALIZER_H
#define OSMIA_TEXT_NORMALIZER_H

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"

struct normalizer;

/* Build from the "normalizer" value (NULL or null: the identity).  ERR_UNKNOWN
 * names a type or option that is not supported.  Strings are copied. */
enum err normalizer_open(struct normalizer **out, const struct json *spec,
                         struct err_info *why);
/* From a precompiled charsmap (tokenizer.ggml.precompiled_charsmap), applied by
 * longest prefix; blob must stay valid. */
enum err normalizer_open_charsmap(struct normalizer **out, struct slice blob,
                                  struct err_info *why);
void     normalizer_close(struct normalizer *n);      /* NULL: nothing */
bool     normalizer_is_identity(const struct normalizer *n);

/* Append the normal form of `text` (valid UTF-8).  *at_start is cleared when
 * what the text began with is gone: Metaspace asks.  NULL: nobody does. */
enum err normalizer_apply(const struct normalizer *n, struct slice text,
                          struct strbuf *out, bool *at_start,
                          struct err_info *why);

#endif
