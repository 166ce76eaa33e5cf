/* Merges are kept in the order of their ranks (twelve bytes each), and found
 * through a table of four-byte slots that repeat eight bits of the hash: most
 * pairs have no merge, and for these one look at one cache line is enough.
 *
 * A word becomes symbols (one per character, or per byte when the vocabulary is
 * byte-level), the symbols are merged (text/merge.h), what is left is the
 * result. */
#include "text/bpe.h"
#include "base/checked.h"
#include "base/utf8.h"
#include "text/bytemap.h"
#include <stdlib.h>

enum { SLOT_RANK_BITS = 24, SLOT_RANK = (1 << SLOT_RANK_BITS) - 1 };

/* Merges that wait to be looked up together: left and right in turn. */
struct bpe_batch {
    struct slice  text[VOCAB_MANY];
    size_t        n;
    struct strbuf joined;
    int32_t       last_made;
};

void bpe_init(struct bpe *b, const struct vocab *vocab)
{
    *b = (struct bpe){ .vocab = vocab, .unk = BPE_NO_UNK };
    bytes_find(&b->mapped, vocab, BYTES_MAPPED);
    bytes_find(&b->fallback, vocab, BYTES_HEX);
}

static void drop_batch(struct bpe *b)
{
    if (b->batch != NULL)
        strbuf_drop(&b->batch->joined);
    free(b->batch);
    b->batch = NULL;
}

void bpe_drop(struct bpe *b)
{
    free(b->merges);
    free(b->slots);
    drop_batch(b);
    *b = (struct bpe){ .n_merges = 0 };
}

/* ---- the merges ---- */

/* Two multiplications spread the pair's 44 bits; ids are dense and small, so a
 * weaker mix would leave whole stretches of the table empty. */
static uint64_t pair_hash(int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    key *= 0x9E3779B97F4A7C15u;
    return (key ^ key >> 32) * 0xD6E8FEB86659FD93u;
}

static uint32_t slot_print(uint64_t hash)
{
    return (uint32_t)(hash & 0xFF) << SLOT_RANK_BITS;
}

/* The slot of a pair, or the free one where it belongs. */
static uint32_t *find_slot(const struct bpe *b, int32_t left, int32_t right)
{
    uint64_t hash = pair_hash(left, right);
    uint32_t print = slot_print(hash);
    size_t mask = b->n_slots - 1;

    for (size_t i = hash >> 32 & mask;; i = (i + 1) & mask) {
        uint32_t s = b->slots[i];
        if (s == 0)
            return &b->slots[i];
        if ((s & ~(uint32_t)SLOT_RANK) != print)
            continue;
        const struct bpe_merge *m = &b->merges[(s & SLOT_RANK) - 1];
        if (m->left == left && m->right == right)
            return &b->slots[i];
    }
}

static enum err refuse_merge(struct slice left, struct slice right,
                             const char *which, struct slice text,
                             size_t nth, struct err_info *why)
{
    struct strbuf shown = { .limit = 600 };

    strbuf_put_visible(&shown, left);
    strbuf_putc(&shown, ' ');
    strbuf_put_visible(&shown, right);
    strbuf_puts(&shown, "\": ");
    strbuf_puts(&shown, which);
    strbuf_puts(&shown, " \"");
    strbuf_put_visible(&shown, text);
    const char *sentence = strbuf_cstr(&shown);
    fail(why, ERR_FORMAT, "merge %zu \"%s\" is not in the vocabulary", nth,
         sentence != NULL ? sentence : "...\"");
    strbuf_drop(&shown);
    return ERR_FORMAT;
}

static bool make_room(struct bpe *b, size_t n)
{
    size_t size, cap = b->cap == 0 ? 1024 : b->cap;

    while (cap < n)
        cap *= 2;
    if (cap == b->cap)
        return true;
    if (!checked_size(&size, cap, sizeof *b->merges))
        return false;
    struct bpe_merge *merges = realloc(b->merges, size);
    if (merges == NULL)
        return false;
    b->merges = merges;
    b->cap = cap;
    return true;
}

/* The token that a merge makes: left and right joined, without the prefix that
 * a right part has for not being the first. */
static int32_t find_made(struct bpe *b, struct slice left, struct slice right)
{
    struct bpe_batch *batch = b->batch;

    if (b->prefix.len > 0 && slice_starts(right, b->prefix))
        right = slice_from(right, b->prefix.len);
    strbuf_clear(&batch->joined);
    strbuf_put(&batch->joined, left);
    strbuf_put(&batch->joined, right);
    struct slice both = strbuf_slice(&batch->joined);

    /* Merges mostly come in the order of the tokens they make, and all ways to
     * make one token next to each other. */
    int32_t id = batch->last_made;
    if (!vocab_has(b->vocab, id) || !slice_eq(vocab_text(b->vocab, id), both))
        id = vocab_find_near(b->vocab, both, batch->last_made + 1);
    if (id >= 0)
        batch->last_made = id;
    return id;
}

/* A merge of texts that are no tokens can never happen; the reference refuses
 * such files, and a file with one was cut or mixed up. */
static enum err check_merge(const struct bpe *b, const struct bpe_merge *m,
                            const struct slice *text, struct err_info *why)
{
    if (m->left < 0)
        return refuse_merge(text[0], text[1], "its left part", text[0],
                            b->n_merges, why);
    if (m->right < 0)
        return refuse_merge(text[0], text[1], "its right part", text[1],
                            b->n_merges, why);
    if (m->made < 0)
        return refuse_merge(text[0], text[1], "its result",
                            strbuf_slice(&b->batch->joined), b->n_merges, why);
    return ERR_OK;
}

enum err bpe_flush(struct bpe *b, struct err_info *why)
{
    struct bpe_batch *batch = b->batch;
    int32_t ids[VOCAB_MANY];

    if (batch == NULL || batch->n == 0)
        return ERR_OK;
    if (!make_room(b, b->n_merges + batch->n / 2))
        return fail_nomem(why);
    vocab_find_many(b->vocab, batch->text, batch->n, ids);
    for (size_t i = 0; i < batch->n; i += 2) {
        struct bpe_merge m = { ids[i], ids[i + 1], -1 };
        m.made = find_made(b, batch->text[i], batch->text[i + 1]);
        if (batch->joined.failed)
            return fail_nomem(why);
        enum err e = check_merge(b, &m, &batch->text[i], why);
        if (e != ERR_OK)
            return e;
        b->merges[b->n_merges++] = m;
    }
    batch->n = 0;
    return ERR_OK;
}

enum err bpe_add_merge(struct bpe *b, struct slice left, struct slice right,
                       struct err_info *why)
{
    if (b->n_merges >= BPE_MAX_MERGES - VOCAB_MANY)
        return fail(why, ERR_LIMIT, "more than %d merges",
                    BPE_MAX_MERGES - VOCAB_MANY);
    if (b->batch == NULL) {
        b->batch = calloc(1, sizeof *b->batch);
        if (b->batch == NULL)
            return fail_nomem(why);
        b->batch->last_made = -1;
    }
    b->batch->text[b->batch->n++] = left;
    b->batch->text[b->batch->n++] = right;
    return b->batch->n < VOCAB_MANY ? ERR_OK : bpe_flush(b, why);
}

enum err bpe_finish(struct bpe *b, struct err_info *why)
{
    size_t n_slots = 16;
    enum err e = bpe_flush(b, why);

    if (e != ERR_OK)
        return e;
    drop_batch(b);
    while (n_slots / 4 * 3 < b->n_merges + 1)
        n_slots *= 2;
    b->slots = calloc(n_slots, sizeof *b->slots);
    if (b->slots == NULL)
        return fail_nomem(why);
    b->n_slots = n_slots;
    for (size_t i = 0; i < b->n_merges; i++) {
        const struct bpe_merge *m = &b->merges[i];
        uint32_t *slot = find_slot(b, m->left, m->right);
        if (*slot == 0 || !b->first_wins)
            *slot = slot_print(pair_hash(m->left, m->right))
                  | (uint32_t)(i + 1);
    }
    return ERR_OK;
}

/* ---- the rule ---- */

static uint32_t rank_by_list(const struct merge_rule *r,
                             const struct symbol *left,
                             const struct symbol *right, struct slice joined)
{
    const struct bpe *b = r->model;
    uint32_t s = *find_slot(b, left->id, right->id);

    (void)joined;
    return s == 0 ? (uint32_t)MERGE_NONE : (s & SLOT_RANK) - 1;
}

static int32_t made_by_list(const struct merge_rule *r, uint32_t rank,
                            struct slice joined)
{
    const struct bpe *b = r->model;
    (void)joined;
    return b->merges[rank].made;
}

/* ---- from a piece to symbols ---- */

/* What is unknown so far and waits for a neighbour to be fused with. */
struct unknown {
    bool waits;
    size_t at;
};

static bool flush_unknown(const struct bpe *b, struct unknown *u,
                          struct bpe_call *call)
{
    bool ok = !u->waits || merge_push(&call->work, b->unk, u->at);
    u->waits = false;
    return ok;
}

/* A character that is no token: its bytes, or the unknown token, or nothing.
 * As in the reference, bytes overtake an unknown token that still waits. */
static enum err push_unknown(const struct bpe *b, struct slice text, size_t at,
                             struct unknown *u, struct bpe_call *call,
                             struct err_info *why)
{
    if (b->byte_fallback && bytes_cover(&b->fallback, text)) {
        for (size_t i = 0; i < text.len; i++)
            if (!merge_push(&call->work, b->fallback.id[(uint8_t)text.at[i]],
                            at + i))
                return fail_nomem(why);
        return ERR_OK;
    }
    if (b->unk == BPE_NO_UNK)
        return ERR_OK;
    if (b->unk == BPE_UNK_MISSING)
        return fail(why, ERR_FORMAT, "the text has a character that is not in "
                    "the vocabulary, and neither is unk_token");
    if (u->waits && !b->fuse_unk && !flush_unknown(b, u, call))
        return fail_nomem(why);
    if (!u->waits)
        *u = (struct unknown){ .waits = true, .at = at };
    return ERR_OK;
}

/* The character's text in the vocabulary: prefix unless it is the first, suffix
 * when it is the last. */
static struct slice dress(const struct bpe *b, struct slice c, bool first,
                          bool last, struct strbuf *room)
{
    bool prefix = !first && b->prefix.len > 0;
    bool suffix = last && b->suffix.len > 0;

    if (!prefix && !suffix)
        return c;
    strbuf_clear(room);
    if (prefix)
        strbuf_put(room, b->prefix);
    strbuf_put(room, c);
    if (suffix)
        strbuf_put(room, b->suffix);
    return strbuf_slice(room);
}

/* One symbol for each character (Unicode scalar).  What the vocabulary does not
 * have is bytes, the unknown token or nothing: push_unknown decides. */
static enum err push_characters(const struct bpe *b, struct slice piece,
                                struct bpe_call *call, struct err_info *why)
{
    struct strbuf room = { .at = NULL };
    struct unknown unknown = { .waits = false };
    enum err e = ERR_OK;
    uint32_t cp;

    for (size_t i = 0, len; i < piece.len && e == ERR_OK; i += len) {
        len = utf8_decode(slice_from(piece, i), &cp, NULL);
        struct slice c = { piece.at + i, len };
        c = dress(b, c, i == 0, i + len == piece.len, &room);
        int32_t id = vocab_find(b->vocab, c);
        if (id < 0)
            e = push_unknown(b, c, i, &unknown, call, why);
        else if (!flush_unknown(b, &unknown, call)
                 || !merge_push(&call->work, id, i))
            e = fail_nomem(why);
    }
    if (e == ERR_OK && (!flush_unknown(b, &unknown, call) || room.failed))
        e = fail_nomem(why);
    strbuf_drop(&room);
    return e;
}

/* The same for raw bytes, when each has its token: no text is looked up. */
static bool push_bytes(const struct bpe *b, struct slice piece,
                       struct bpe_call *call)
{
    for (size_t i = 0; i < piece.len; i++)
        if (!merge_push(&call->work, b->mapped.id[(uint8_t)piece.at[i]], i))
            return false;
    return true;
}

/* ---- the whole ---- */

/* Prefixes and suffixes belong to characters: they need the mapped text. */
static bool plain_bytes(const struct bpe *b, bool raw_bytes)
{
    return raw_bytes && b->mapped.all && b->prefix.len == 0
        && b->suffix.len == 0;
}

static enum err emit(struct bpe_call *call, struct err_info *why)
{
    const struct symbol *s = call->work.at;

    for (uint32_t i = 0; i != MERGE_NONE; i = s[i].next)
        if (!tok_ids_push(call->out, s[i].id))
            return fail_nomem(why);
    return ERR_OK;
}

enum err bpe_encode(const struct bpe *b, struct slice piece, bool raw_bytes,
                    struct bpe_call *call, struct err_info *why)
{
    bool bytes = plain_bytes(b, raw_bytes);
    enum err e = ERR_OK;

    if (raw_bytes && (b->ignore_merges || !bytes)) {
        strbuf_clear(&call->mapped);
        bytemap_put(&call->mapped, piece);
        if (call->mapped.failed)
            return fail_nomem(why);
    }
    struct slice text = raw_bytes && !bytes ? strbuf_slice(&call->mapped)
                                            : piece;
    if (b->ignore_merges) {
        int32_t whole = vocab_find(b->vocab, raw_bytes
                                   ? strbuf_slice(&call->mapped) : piece);
        if (whole >= 0)
            return tok_ids_push(call->out, whole) ? ERR_OK : fail_nomem(why);
    }
    call->work.n = 0;
    if (!bytes)
        e = push_characters(b, text, call, why);
    else if (!push_bytes(b, piece, call))
        e = fail_nomem(why);
    if (e != ERR_OK || call->work.n == 0)
        return e;
    struct merge_rule rule = { b, text, rank_by_list, made_by_list };
    return merge_run(&call->work, &rule) ? emit(call, why) : fail_nomem(why);
}
