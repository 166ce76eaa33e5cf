/* Id -> text and text -> id.
 *
 * Texts stay where the file has them: an entry is eight bytes (offset, length
 * and marks), a hash slot four (id and ten bits of the hash), so that 262,144
 * tokens cost 4 MB and no copy.  Only texts that the file writes with escapes,
 * or that we change, lie in memory of our own. */
#ifndef OSMIA_TEXT_VOCAB_H
#define OSMIA_TEXT_VOCAB_H

#include "base/err.h"
#include "base/strbuf.h"
#include <stdint.h>

enum {
    VOCAB_MAX_IDS  = (1 << 22) - 1,
    VOCAB_MAX_TEXT = 64 << 10           /* bytes of one token */
};

/* Marks of an entry; the low bits hold the length. */
enum vocab_mark {
    VOCAB_LEN     = 0x00FFFFFF,
    VOCAB_SPECIAL = 1 << 24,            /* hidden by TOK_SKIP_SPECIAL */
    VOCAB_ADDED   = 1 << 25,            /* an added token: not the model's */
    VOCAB_OWN     = 1 << 26,            /* text lies in `own` */
    VOCAB_HAS     = 1 << 27,            /* the id has a token */
    VOCAB_SHOWN   = 1 << 28             /* decodes to another text */
};

struct vocab_entry {
    uint32_t at, marks;
};

struct vocab {
    struct slice        source;         /* where most texts are */
    struct strbuf       own;
    struct vocab_entry *at;             /* entries 0 .. n - 1 */
    size_t              n, cap;
    size_t              n_tokens;       /* entries that came by vocab_put */
    size_t              longest;        /* bytes of the longest of these */
    uint32_t           *slots;          /* 0: free; else hash bits | id + 1 */
    size_t              n_slots;        /* a power of two */
};

/* `source` (below 2 GiB) outlives the vocabulary. Zero-initialised is valid. */
void vocab_init(struct vocab *v, struct slice source);
void vocab_drop(struct vocab *v);

/* Give `id` the text, which is a part of `source`; `escaped`: it is JSON with
 * escapes to resolve.  ERR_FORMAT: an id out of range or given twice, a text
 * that is too long. */
enum err vocab_put(struct vocab *v, uint64_t id, struct slice text,
                   bool escaped, struct err_info *why);
/* The same with a text that lies anywhere; it is copied.  `marks` (ADDED,
 * SPECIAL) go to the entry; an ADDED one is not found by vocab_find. */
enum err vocab_put_copy(struct vocab *v, uint64_t id, struct slice text,
                        unsigned marks, struct err_info *why);

/* Build the index over what was put so far.  When two ids have the same text:
 * ERR_FORMAT names them, or the later one is found. */
enum vocab_twins { VOCAB_NO_TWINS, VOCAB_LAST_TWIN };
enum err vocab_index(struct vocab *v, enum vocab_twins twins,
                     struct err_info *why);

static inline bool vocab_has(const struct vocab *v, int64_t id)
{
    return id >= 0 && (uint64_t)id < v->n && (v->at[id].marks & VOCAB_HAS);
}

static inline bool vocab_marked(const struct vocab *v, int32_t id,
                                enum vocab_mark mark)
{
    return (v->at[id].marks & mark) != 0;
}

/* Text of an id; empty when it has none. */
struct slice vocab_text(const struct vocab *v, int64_t id);
/* Id of a text, by vocab_index; -1: none. */
int32_t vocab_find(const struct vocab *v, struct slice text);
/* Ids of n <= VOCAB_MANY texts.  Faster than one by one: the looks into memory
 * that misses the caches overlap. */
enum { VOCAB_MANY = 64 };
void vocab_find_many(const struct vocab *v, const struct slice *texts, size_t n,
                     int32_t *ids);
/* Like vocab_find, but look first whether `guess` has this text: lists that
 * follow the order of ids are walked without touching the index. */
int32_t vocab_find_near(const struct vocab *v, struct slice text,
                        int32_t guess);

#endif
