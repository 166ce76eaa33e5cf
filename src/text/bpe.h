/* Byte pair encoding by a list of merges, as huggingface/tokenizers does it
 * (models/bpe). */
#ifndef OSMIA_TEXT_BPE_H
#define OSMIA_TEXT_BPE_H

#include "text/byte_ids.h"
#include "text/merge.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

enum { BPE_MAX_MERGES = 1 << 24 };

/* One merge; its rank is its place in the list. */
struct bpe_merge {
    int32_t left, right, made;
};

enum { BPE_NO_UNK = -1, BPE_UNK_MISSING = -2 };

struct bpe {
    const struct vocab *vocab;
    struct bpe_merge   *merges;
    size_t              n_merges, cap;
    uint32_t           *slots;      /* 0: free; else hash bits | rank + 1 */
    size_t              n_slots;
    struct byte_ids    mapped;     /* tokens that are one mapped byte */
    struct byte_ids    fallback;   /* tokens <0x00> .. <0xFF> */
    int32_t             unk;        /* or BPE_NO_UNK, BPE_UNK_MISSING: named,
                                       but not in the vocabulary */
    bool                byte_fallback, fuse_unk, ignore_merges;
    bool                first_wins; /* of two equal merges */
    struct slice        prefix, suffix;     /* of later / of last characters */
    struct bpe_batch   *batch;      /* while merges are added */
};

/* `vocab` is indexed and outlives b.  The options are set by the caller. */
void bpe_init(struct bpe *b, const struct vocab *vocab);
void bpe_drop(struct bpe *b);

/* Add the next merge.  The texts must stay until bpe_flush or bpe_finish:
 * merges are looked up in batches.  ERR_FORMAT: left, right or what they make
 * together is no token. */
enum err bpe_add_merge(struct bpe *b, struct slice left, struct slice right,
                       struct err_info *why);
enum err bpe_flush(struct bpe *b, struct err_info *why);
/* After the last merge. */
enum err bpe_finish(struct bpe *b, struct err_info *why);

/* Append the ids of one piece.  `raw_bytes`: the piece is bytes not yet mapped
 * to characters, as the vocabulary has them. */
struct bpe_call {
    struct merge_work work;
    struct strbuf     mapped;
    struct tok_ids   *out;
};
enum err bpe_encode(const struct bpe *b, struct slice piece, bool raw_bytes,
                    struct bpe_call *call, struct err_info *why);

#endif
