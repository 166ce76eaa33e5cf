/* The merge loop of text/merge.h with scores in the place of a list of merges.
 *
 * A pair may be merged when its joined text is a token; the score of that token
 * says when.  So one look into the vocabulary answers both questions, and there
 * is no table of pairs at all.  A symbol need not be a token at first: two
 * unknown characters may make a known one, and only what is unknown at the end
 * falls apart into bytes. */
#include "text/spm.h"
#include "base/utf8.h"
#include <stdlib.h>

/* A float's bits as an unsigned number in the opposite order: the highest score
 * gets the lowest rank.  NaN never merges. */
static uint32_t rank_of_score(float score)
{
    uint32_t bits;

    score += 0.0f;          /* -0 and 0 are equal */
    if (score != score)
        return MERGE_NONE;
    memcpy(&bits, &score, sizeof bits);
    uint32_t ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    uint32_t rank = ~ascending;
    return rank == MERGE_NONE ? MERGE_NONE - 1u : rank;
}

enum err spm_init(struct spm *s, const struct vocab *vocab,
                  struct spm_scores scores, struct err_info *why)
{
    float score;

    *s = (struct spm){ .vocab = vocab, .unk = -1 };
    bytes_find(&s->bytes, vocab, BYTES_HEX_OR_RAW);
    s->rank = malloc((vocab->n + 1) * sizeof *s->rank);
    if (s->rank == NULL)
        return fail_nomem(why);
    for (size_t id = 0; id < vocab->n; id++)
        s->rank[id] = scores.of(scores.arg, id, &score)
                    ? rank_of_score(score) : (uint32_t)MERGE_NONE;
    return ERR_OK;
}

void spm_drop(struct spm *s)
{
    free(s->rank);
    s->rank = NULL;
}

static uint32_t rank_pair(const struct merge_rule *r, const struct symbol *left,
                          const struct symbol *right, struct slice joined)
{
    const struct spm *s = r->model;
    int32_t id = vocab_find(s->vocab, joined);

    (void)left;
    (void)right;
    return id < 0 ? (uint32_t)MERGE_NONE : s->rank[id];
}

/* The rank does not tell the token: scores may be equal. */
static int32_t made(const struct merge_rule *r, uint32_t rank,
                    struct slice joined)
{
    const struct spm *s = r->model;
    (void)rank;
    return vocab_find(s->vocab, joined);
}

/* What is left of a word and no token: its bytes. */
static bool emit_bytes(const struct spm *s, struct slice text,
                       struct tok_ids *out)
{
    for (size_t i = 0; i < text.len; i++) {
        int32_t id = s->bytes.id[(uint8_t)text.at[i]];
        if (id < 0)
            id = s->unk;
        if (id >= 0 && !tok_ids_push(out, id))
            return false;
    }
    return true;
}

static bool emit(const struct spm *s, struct slice piece,
                 const struct merge_work *w, struct tok_ids *out)
{
    for (uint32_t i = 0; i != MERGE_NONE; i = w->at[i].next) {
        const struct symbol *y = &w->at[i];
        size_t end = y->next == MERGE_NONE ? piece.len : w->at[y->next].at;
        struct slice text = { piece.at + y->at, end - y->at };
        if (!(y->id >= 0 ? tok_ids_push(out, y->id) : emit_bytes(s, text, out)))
            return false;
    }
    return true;
}

enum err spm_encode(const struct spm *s, struct slice piece,
                    struct merge_work *work, struct tok_ids *out,
                    struct err_info *why)
{
    struct merge_rule rule = { s, piece, rank_pair, made };
    uint32_t cp;

    work->n = 0;
    for (size_t i = 0, len; i < piece.len; i += len) {
        len = utf8_decode(slice_from(piece, i), &cp, NULL);
        struct slice c = { piece.at + i, len };
        if (!merge_push(work, vocab_find(s->vocab, c), i))
            return fail_nomem(why);
    }
    if (work->n == 0)
        return ERR_OK;
    return merge_run(work, &rule) && emit(s, piece, work, out)
         ? ERR_OK : fail_nomem(why);
}
