/* Viterbi's algorithm over bytes: node i holds the best way to cut the first i
 * bytes.  Nodes are visited from left to right; at each the tokens that begin
 * there extend its path.  Paths are only ever entered at character starts,
 * since every token is whole UTF-8.
 *
 *   1. Scores are doubles and are added in the order of the text: the reference
 *      does so, and two cuts that differ in the last bit are told apart by it.
 *   2. A later path replaces an earlier one only when it is strictly better. */
#include "text/unigram.h"
#include "base/checked.h"
#include "base/utf8.h"
#include <math.h>
#include <stdlib.h>

/* What an unknown character costs beyond the worst token. */
static const double UNKNOWN_PENALTY = 10.0;

/* The best path that ends behind a byte. */
struct unigram_node {
    double   score;
    uint32_t start;         /* of its last token */
    int32_t  id;            /* of its last token; UNREACHED: no path */
};

enum { UNREACHED = -2 };

/* ---- the model ---- */

enum err unigram_push_score(struct unigram *u, double score,
                            struct err_info *why)
{
    size_t size, cap = u->cap == 0 ? 1024 : 2 * u->cap;

    if (u->n_scores == u->cap) {
        double *more = checked_size(&size, cap, sizeof *more)
                     ? realloc(u->score, size) : NULL;
        if (more == NULL)
            return fail_nomem(why);
        u->score = more;
        u->cap = cap;
    }
    u->score[u->n_scores++] = score;
    return ERR_OK;
}

enum err unigram_finish(struct unigram *u, const struct vocab *vocab,
                        bool (*usable)(const void *arg, size_t id),
                        const void *arg, struct err_info *why)
{
    double least = INFINITY;

    u->vocab = vocab;
    bytes_find(&u->fallback, vocab, BYTES_HEX);
    for (size_t id = 0; id < u->n_scores; id++) {
        if (usable != NULL && !usable(arg, id))
            continue;
        if (u->score[id] < least)
            least = u->score[id];
        /* Of two equal texts the vocabulary's index knows which one counts. */
        struct slice text = vocab_text(vocab, (int64_t)id);
        enum err e = vocab_find(vocab, text) != (int32_t)id ? ERR_OK
                   : trie_add(&u->trie, text, (int32_t)id, why);
        if (e != ERR_OK)
            return e;
    }
    u->unk_score = least - UNKNOWN_PENALTY;
    return ERR_OK;
}

void unigram_drop(struct unigram *u)
{
    free(u->score);
    trie_drop(&u->trie);
    *u = (struct unigram){ .n_scores = 0 };
}

void unigram_work_drop(struct unigram_work *w)
{
    free(w->at);
    tok_ids_drop(&w->path);
    *w = (struct unigram_work){ .cap = 0 };
}

/* ---- the best path ---- */

/* Nodes 0 .. n - 1, none of them reached. */
static bool make_room(struct unigram_work *w, size_t n)
{
    size_t size;

    if (w->cap < n) {
        struct unigram_node *at = checked_size(&size, n, sizeof *at)
                                ? realloc(w->at, size) : NULL;
        if (at == NULL)
            return false;
        w->at = at;
        w->cap = n;
    }
    for (size_t i = 0; i < n; i++)
        w->at[i] = (struct unigram_node){ .id = UNREACHED };
    return true;
}

/* Strictly better only: of equal paths the one found first stays. */
static void offer(struct unigram_node *node, size_t start, double score,
                  int32_t id)
{
    if (node->id == UNREACHED || score > node->score)
        *node = (struct unigram_node){ score, (uint32_t)start, id };
}

/* Extend the path that ends at `start` by every token that begins there, and
 * by an unknown one when no token is just the one character. */
static void extend(const struct unigram *u, struct slice piece, size_t start,
                   size_t char_len, struct unigram_node *at)
{
    double score = at[start].score;
    bool has_single = false;
    uint32_t node = 0;

    for (size_t i = start; i < piece.len; i++) {
        node = trie_step(&u->trie, node, (uint8_t)piece.at[i]);
        if (node == 0)
            break;
        int32_t id = u->trie.value[node];
        if (id == TRIE_NOTHING)
            continue;
        offer(&at[i + 1], start, u->score[id] + score, id);
        has_single |= i + 1 - start == char_len;
    }
    if (!has_single)
        offer(&at[start + char_len], start, u->unk_score + score,
              (int32_t)u->unk);
}

/* ---- from the path to ids ---- */

/* The text of an unknown stretch.  It may be a token after all: unknown
 * characters side by side are fused, and the vocabulary may have their text. */
static bool push_text(const struct unigram *u, struct slice text,
                      struct tok_ids *out)
{
    int32_t id = vocab_find(u->vocab, text);

    if (id >= 0)
        return tok_ids_push(out, id);
    if (!u->byte_fallback || !bytes_cover(&u->fallback, text))
        return tok_ids_push(out, (int32_t)u->unk);
    for (size_t i = 0; i < text.len; i++)
        if (!tok_ids_push(out, u->fallback.id[(uint8_t)text.at[i]]))
            return false;
    return true;
}

/* Walk the path from its end, noting where tokens end; then emit forwards.
 * Neighbouring unknown tokens are one. */
static bool emit(const struct unigram *u, struct slice piece,
                 struct unigram_work *w, struct tok_ids *out)
{
    size_t end = piece.len, start = 0;

    w->path.n = 0;
    while (end > 0) {
        if (!tok_ids_push(&w->path, (int32_t)end))
            return false;
        bool unknown = w->at[end].id == u->unk;
        end = w->at[end].start;
        while (unknown && end > 0 && w->at[end].id == u->unk)
            end = w->at[end].start;
    }
    for (size_t i = w->path.n; i-- > 0; start = end) {
        end = (size_t)w->path.at[i];
        int32_t id = w->at[end].id;
        struct slice text = { piece.at + start, end - start };
        if (!(id == u->unk ? push_text(u, text, out) : tok_ids_push(out, id)))
            return false;
    }
    return true;
}

enum err unigram_encode(const struct unigram *u, struct slice piece,
                        struct unigram_work *work, struct tok_ids *out,
                        struct err_info *why)
{
    uint32_t cp;

    if (!make_room(work, piece.len + 1))
        return fail_nomem(why);
    work->at[0] = (struct unigram_node){ .id = 0 };
    for (size_t i = 0, len; i < piece.len; i += len) {
        len = utf8_decode(slice_from(piece, i), &cp, NULL);
        extend(u, piece, i, len, work->at);
        if (u->unk < 0 && work->at[i + len].id == -1)
            return fail(why, ERR_FORMAT, "the text has a character that is not "
                        "in the vocabulary, which has no unknown token");
    }
    return emit(u, piece, work, out) ? ERR_OK : fail_nomem(why);
}
