/* Pre-tokenizers: cut a text into the pieces that the model (BPE, Unigram)
 * works on one by one. */
#ifndef OSMIA_TEXT_PRETOKENIZER_H
#define OSMIA_TEXT_PRETOKENIZER_H

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"

struct pretokenizer;

/* Pieces of one text, in order, as ranges of `bytes`. */
struct piece { size_t at, len; };
struct pieces {
    struct strbuf bytes;
    struct piece *at;
    size_t        n, cap;
};
void pieces_drop(struct pieces *p);          /* zero-initialised is empty */
void pieces_clear(struct pieces *p);         /* keeps the memory */

/* Build from the "pre_tokenizer" value (NULL or null: one piece, the text). */
enum err pretokenizer_open(struct pretokenizer **out, const struct json *spec,
                           struct err_info *why);
/* Build what a name of tokenizer.ggml.pre stands for.  ERR_UNKNOWN: no such
 * name.  The facts that hang on the name come with it. */
struct pre_facts {
    bool ignore_merges, adds_bos;
    bool byte_level;         /* false: U+2581 spaces and raw characters */
    bool nfc;                /* the family's tokenizer.json normalises to NFC */
};
enum err pretokenizer_open_named(struct pretokenizer **out,
                                 struct pre_facts *facts, struct slice name,
                                 struct err_info *why);
/* Every name that pretokenizer_open_named takes, in a NULL-terminated list. */
const char *const *pretokenizer_names(void);
void pretokenizer_close(struct pretokenizer *p);      /* NULL: nothing */

/* True when the last thing it does is the ByteLevel mapping; then pieces come
 * *unmapped*: raw bytes, and the caller's vocabulary must be raw, too.
 * (Mapping every byte to a character only to map it back costs time.) */
bool pretokenizer_is_byte_level(const struct pretokenizer *p);

/* Replace the contents of `out` by the pieces of `text` (valid UTF-8).
 * at_start: the text begins where the whole input begins (prepend_scheme
 * "first").  Linear in the text. */
enum err pretokenizer_apply(const struct pretokenizer *p, struct slice text,
                            bool at_start, struct pieces *out,
                            struct err_info *why);

#endif
