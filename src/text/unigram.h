/* Unigram language model: the cut of a text with the best sum of scores.
 *
 * Kudo, "Subword Regularization", 2018, section 3.2; details (doubles, the
 * score of unknown characters, fusing) as in huggingface/tokenizers. */
#ifndef OSMIA_TEXT_UNIGRAM_H
#define OSMIA_TEXT_UNIGRAM_H

#include "text/byte_ids.h"
#include "text/tokenizer.h"
#include "text/trie.h"

struct unigram {
    const struct vocab *vocab;
    double             *score;          /* by id */
    size_t              n_scores, cap;
    struct trie         trie;
    struct byte_ids     fallback;
    double              unk_score;
    int64_t             unk;            /* -1: none */
    bool                byte_fallback;
};

/* Zero-initialised is empty.  First the scores, in the order of ids. */
enum err unigram_push_score(struct unigram *u, double score,
                            struct err_info *why);
/* Then the rest; u->unk and u->byte_fallback are set; `vocab` is indexed.
 * usable (NULL: all) tells which tokens may be used. */
enum err unigram_finish(struct unigram *u, const struct vocab *vocab,
                        bool (*usable)(const void *arg, size_t id),
                        const void *arg, struct err_info *why);
void unigram_drop(struct unigram *u);

/* Best paths of one piece; memory is kept between pieces. */
struct unigram_work {
    struct unigram_node *at;
    size_t               cap;
    struct tok_ids       path;          /* backwards */
};
void unigram_work_drop(struct unigram_work *w);

/* Append the ids of one piece (valid UTF-8).  Cost: bytes x longest token. */
enum err unigram_encode(const struct unigram *u, struct slice piece,
                        struct unigram_work *work, struct tok_ids *out,
                        struct err_info *why);

#endif
