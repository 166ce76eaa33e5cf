/* SentencePiece's byte pair encoding: merges are not listed, every token may be
 * the result of one, and the token with the highest score comes first.
 *
 * Kudo, Richardson, "SentencePiece: A simple and language independent subword
 * tokenizer and detokenizer", 2018; the procedure is that of GGUF's "llama". */
#ifndef OSMIA_TEXT_SPM_H
#define OSMIA_TEXT_SPM_H

#include "text/byte_ids.h"
#include "text/merge.h"
#include "text/tokenizer.h"

struct spm {
    const struct vocab *vocab;
    uint32_t           *rank;       /* by id; MERGE_NONE: never made */
    struct byte_ids     bytes;
    int32_t             unk;        /* -1: none */
};

/* The score of a token; false: merging never makes it (control tokens and the
 * like). */
struct spm_scores {
    bool (*of)(const void *arg, size_t id, float *score);
    const void *arg;
};

/* `vocab` is indexed and outlives s. */
enum err spm_init(struct spm *s, const struct vocab *vocab,
                  struct spm_scores scores, struct err_info *why);
void spm_drop(struct spm *s);

/* Append the ids of a piece whose spaces are U+2581 already. */
enum err spm_encode(const struct spm *s, struct slice piece,
                    struct merge_work *work, struct tok_ids *out,
                    struct err_info *why);

#endif
