/* Parts of reading a vocabulary from GGUF: private to tok_gguf*.c. */
#ifndef OSMIA_TEXT_TOK_GGUF_H
#define OSMIA_TEXT_TOK_GGUF_H

#include "text/tok_parts.h"

#define MARK "\xE2\x96\x81"             /* U+2581, which stands for a space */

/* Ids of roles that hold when no key says; -1: none. */
struct gguf_ids {
    int bos, eos, unk, pad, sep;
};

/* Type of a token; anything strange is TOK_TYPE_UNDEFINED. */
enum tok_type gguf_type(const struct tok_source *src, size_t id);

/* Roles from keys, defaults, and the texts of tokens. */
void gguf_set_roles(struct tokenizer *t, const struct tok_source *src,
                    const struct gguf_ids *otherwise);
/* The added tokens, and the ids that end a generation. */
enum err gguf_add_special(struct tokenizer *t, const struct tok_source *src,
                          struct err_info *why);

#endif
