/* The two directions of a vocabulary.
 *
 *   1. Entry i says where the text of id i is: an offset into `source`, or into
 *      `own` when VOCAB_OWN is set.  Offsets, not pointers: `own` moves while
 *      it grows, and four bytes are enough.
 *   2. `slots` is an open-addressing table of at most three quarters load.  It
 *      holds every entry that has a token and is not ADDED, as of the last
 *      vocab_index.
 *   3. The table is built once, when the number of tokens is known: growing it
 *      would mean to hash everything twice, and to touch fresh pages twice,
 *      which costs more than the hashing.
 *
 * Immutable once the tokenizer is open; until then one thread owns it. */
#include "text/vocab.h"
#include "base/checked.h"
#include "base/json.h"
#include "base/prefetch.h"
#include <assert.h>
#include <stdlib.h>

/* Slot: ten bits of the hash over twenty-two of id + 1.  The hash bits keep
 * nearly all wrong candidates from costing a look at the text. */
enum { SLOT_ID_BITS = 22, SLOT_ID = (1 << SLOT_ID_BITS) - 1 };

static uint32_t slot_print(unsigned long long hash)
{
    return (uint32_t)(hash >> 54) << SLOT_ID_BITS;
}

void vocab_init(struct vocab *v, struct slice source)
{
    assert(source.len < (size_t)1 << 31);
    *v = (struct vocab){ .source = source };
}

void vocab_drop(struct vocab *v)
{
    strbuf_drop(&v->own);
    free(v->at);
    free(v->slots);
    *v = (struct vocab){ .n = 0 };
}

struct slice vocab_text(const struct vocab *v, int64_t id)
{
    if (!vocab_has(v, id))
        return (struct slice){ "", 0 };
    const struct vocab_entry *e = &v->at[id];
    const char *base = e->marks & VOCAB_OWN ? v->own.at : v->source.at;
    return (struct slice){ base + e->at, e->marks & VOCAB_LEN };
}

/* ---- filling ---- */

/* Entries up to n; those between exist but have no token. */
static bool make_room(struct vocab *v, size_t n)
{
    size_t size, cap = v->cap == 0 ? 1024 : v->cap;

    while (cap < n)
        cap *= 2;
    if (cap != v->cap) {
        if (!checked_size(&size, cap, sizeof *v->at))
            return false;
        struct vocab_entry *at = realloc(v->at, size);
        if (at == NULL)
            return false;
        v->at = at;
        v->cap = cap;
    }
    /* Only up to what is used: pages behind it stay untouched. */
    for (; v->n < n; v->n++)
        v->at[v->n] = (struct vocab_entry){ 0, 0 };
    return true;
}

/* The checks that both ways to put a text share.  Afterwards at[id] exists and
 * is free. */
static enum err claim(struct vocab *v, uint64_t id, struct slice text,
                      struct err_info *why)
{
    if (id >= VOCAB_MAX_IDS)
        return fail(why, ERR_FORMAT, "token id %llu is too large (at most %d)",
                    (unsigned long long)id, VOCAB_MAX_IDS - 1);
    if (text.len > VOCAB_MAX_TEXT)
        return fail(why, ERR_FORMAT, "token %llu is %zu bytes long (at most "
                    "%d)", (unsigned long long)id, text.len, VOCAB_MAX_TEXT);
    if (id >= v->n && !make_room(v, (size_t)id + 1))
        return fail_nomem(why);
    if (v->at[id].marks & VOCAB_HAS)
        return fail(why, ERR_FORMAT, "token id %llu is given twice",
                    (unsigned long long)id);
    return ERR_OK;
}

static void note_token(struct vocab *v, size_t len)
{
    v->n_tokens++;
    if (len > v->longest)
        v->longest = len;
}

enum err vocab_put(struct vocab *v, uint64_t id, struct slice text,
                   bool escaped, struct err_info *why)
{
    enum err e = claim(v, id, text, why);
    if (e != ERR_OK)
        return e;
    size_t at = (size_t)(text.at - v->source.at), len = text.len;
    unsigned marks = VOCAB_HAS;

    if (escaped) {
        at = v->own.len;
        json_unescape(&v->own, text);
        if (v->own.failed)
            return fail_nomem(why);
        len = v->own.len - at;
        marks |= VOCAB_OWN;
    }
    v->at[id] = (struct vocab_entry){ (uint32_t)at, marks | (uint32_t)len };
    note_token(v, len);
    return ERR_OK;
}

enum err vocab_put_copy(struct vocab *v, uint64_t id, struct slice text,
                        unsigned marks, struct err_info *why)
{
    enum err e = claim(v, id, text, why);
    if (e != ERR_OK)
        return e;
    size_t at = v->own.len;
    if (at + text.len > UINT32_MAX)
        return fail(why, ERR_FORMAT, "the tokens' texts are too large");
    strbuf_put(&v->own, text);
    if (v->own.failed)
        return fail_nomem(why);
    v->at[id] = (struct vocab_entry){
        (uint32_t)at, marks | VOCAB_HAS | VOCAB_OWN | (uint32_t)text.len
    };
    if (!(marks & VOCAB_ADDED))
        note_token(v, text.len);
    return ERR_OK;
}

/* ---- finding ---- */

/* The slot that has the text, or the free one where it belongs. */
static uint32_t *find_slot(const struct vocab *v, struct slice text,
                           unsigned long long hash)
{
    size_t mask = v->n_slots - 1;
    uint32_t print = slot_print(hash);

    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t s = v->slots[i];
        if (s == 0)
            return &v->slots[i];
        if ((s & ~(uint32_t)SLOT_ID) == print
            && slice_eq(vocab_text(v, (int64_t)(s & SLOT_ID) - 1), text))
            return &v->slots[i];
    }
}

int32_t vocab_find(const struct vocab *v, struct slice text)
{
    if (v->n_slots == 0 || text.len > v->longest)
        return -1;
    return (int32_t)(*find_slot(v, text, slice_hash(text)) & SLOT_ID) - 1;
}

/* Four passes, each of which only asks for the memory that the next one reads:
 * slot, entry, text.  One look-up waits for three misses in a row; sixty-four
 * looked up like this wait for hardly more than the same three. */
void vocab_find_many(const struct vocab *v, const struct slice *texts, size_t n,
                     int32_t *ids)
{
    unsigned long long hash[VOCAB_MANY];
    size_t mask = v->n_slots - 1;

    for (size_t i = 0; i < n; i++) {
        hash[i] = slice_hash(texts[i]);
        prefetch(&v->slots[hash[i] & mask]);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t s = v->slots[hash[i] & mask] & SLOT_ID;
        if (s != 0)
            prefetch(&v->at[s - 1]);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t s = v->slots[hash[i] & mask] & SLOT_ID;
        if (s != 0)
            prefetch(vocab_text(v, (int64_t)s - 1).at);
    }
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)(*find_slot(v, texts[i], hash[i]) & SLOT_ID) - 1;
}

int32_t vocab_find_near(const struct vocab *v, struct slice text,
                        int32_t guess)
{
    if (vocab_has(v, guess) && slice_eq(vocab_text(v, guess), text)
        && !vocab_marked(v, guess, VOCAB_ADDED))
        return guess;
    return vocab_find(v, text);
}

/* The reference would let the later one win; but then one of the two ids could
 * never come out of an encoder, and no real file has such a pair. */
static enum err refuse_twin(const struct vocab *v, uint32_t slot, size_t id,
                            struct err_info *why)
{
    struct strbuf shown = { .limit = 200 };

    strbuf_put_visible(&shown, vocab_text(v, (int64_t)id));
    fail(why, ERR_FORMAT, "tokens %d and %zu have the same text \"%s\"",
         (int)(slot & SLOT_ID) - 1, id,
         strbuf_cstr(&shown) != NULL ? strbuf_cstr(&shown) : "...");
    strbuf_drop(&shown);
    return ERR_FORMAT;
}

enum err vocab_index(struct vocab *v, enum vocab_twins twins,
                     struct err_info *why)
{
    size_t n_slots = 16;

    while (n_slots / 4 * 3 < v->n_tokens + 1)
        n_slots *= 2;
    free(v->slots);
    v->slots = calloc(n_slots, sizeof *v->slots);
    v->n_slots = v->slots == NULL ? 0 : n_slots;
    if (v->slots == NULL)
        return fail_nomem(why);
    for (size_t id = 0; id < v->n; id++) {
        if (!(v->at[id].marks & VOCAB_HAS) || (v->at[id].marks & VOCAB_ADDED))
            continue;
        struct slice text = vocab_text(v, (int64_t)id);
        unsigned long long hash = slice_hash(text);
        uint32_t *slot = find_slot(v, text, hash);
        if (*slot != 0 && twins == VOCAB_NO_TWINS)
            return refuse_twin(v, *slot, id, why);
        *slot = slot_print(hash) | (uint32_t)(id + 1);
    }
    return ERR_OK;
}
