/* The key-value cache of every running sequence.
 *
 * One reserved slab cut into equal blocks of KV_BLOCK absolute positions.  A
 * model declares cache groups (pairs of K and V, or latents, with widths and a
 * window); a sequence has one list of blocks for each group.  Sequences with a
 * common prefix share full blocks, counted.
 *
 *   1. A block is on the free list or has a count above zero, never both.
 *   2. A block counted more than once is full and never written again.
 *   3. Only the last block of a sequence may be partly filled.
 *   4. Memory is populated in steps of 256 positions ahead of use, by
 *      kv_reserve, never in the hot path.
 *   5. A window group's blocks that no query can see any more are given back
 *      when another sequence or position needs room, not before.
 *
 * Owner: the thread that owns the sessions.  Nobody else calls these. */
#ifndef OSMIA_NN_KV_H
#define OSMIA_NN_KV_H

#include "base/err.h"
#include "kernels/kv_view.h"     /* KV_BLOCK, kv_form, kv_type, kv_view */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One kind of cache; the layers that use it name it. */
struct kv_group {
    enum kv_form form;
    uint32_t     n_layers;           /* that use this group */
    uint32_t     n_head_kv;          /* PAIR */
    uint32_t     k_width, v_width;   /* PAIR: per head; LATENT: the latent, the
                                        rotated part of the key */
    uint32_t     window;             /* keys a query sees; 0: all */
};

struct kv;

struct kv_options {
    enum kv_type type;
    size_t       n_positions;   /* capacity of all sequences together */
    size_t       max_seqs;
};

enum err kv_open(struct kv **out, const struct kv_group *groups,
                 size_t n_groups, const struct kv_options *o,
                 struct err_info *why);
void     kv_close(struct kv *kv);

/* Bytes that one position costs over all groups, and a whole cache. */
size_t   kv_bytes_per_position(const struct kv_group *groups, size_t n_groups,
                               enum kv_type type);

/* A new empty sequence (its number), or -1 when all max_seqs are in use.
 * `declared_len`: the most positions it will ever hold, which fixes the regime
 * of RoPE kinds that depend on the length; 0: the model's context. */
int      kv_seq_open(struct kv *kv, uint32_t declared_len);
void     kv_seq_close(struct kv *kv, int seq);   /* gives its blocks back */
uint32_t kv_seq_len(const struct kv *kv, int seq);
uint32_t kv_seq_declared(const struct kv *kv, int seq);

/* The shortest length this sequence can be truncated to or forked at: below it
 * blocks that a window group gave back would be missed.  0 without windows. */
uint32_t kv_seq_floor(const struct kv *kv, int seq);

/* Make room for n more positions in this sequence, populated.  On FULL nothing
 * changed, so the caller may free something and ask again.  Never allocates
 * from the heap. */
enum err kv_reserve(struct kv *kv, int seq, size_t n, struct err_info *why);
/* Forget everything from position `len` on; kv_seq_floor <= len. */
void     kv_truncate(struct kv *kv, int seq, uint32_t len);
/* `to` (empty) starts with the first `len` positions of `from`: full blocks are
 * shared, a partial last one is copied. */
enum err kv_fork(struct kv *kv, int from, int to, uint32_t len,
                 struct err_info *why);

/* Blocks: in all, in use now (for accounting and tests). */
size_t   kv_blocks(const struct kv *kv);
size_t   kv_blocks_used(const struct kv *kv);
enum kv_type kv_type_of(const struct kv *kv);

/* NULL: no such type.  For flags and messages: "f16", "q8_0". */
const char *kv_type_name(enum kv_type type);
/* KV_N_TYPES when there is no type of this name. */
enum kv_type kv_type_by_name(const char *name);

/* ---- for model_forward ---- */

/* Positions that kv_reserve made room for, those in use included. */
uint32_t kv_room(const struct kv *kv, int seq);
/* The sequence now holds n more positions (written by the caller). */
void     kv_advance(struct kv *kv, int seq, uint32_t n);
struct kv_view  kv_view(const struct kv *kv, int seq, size_t group);
/* The `index`-th layer of a group. */
struct kv_layer kv_layer(const struct kv *kv, size_t group, uint32_t index);
bool     kv_seq_is_open(const struct kv *kv, int seq);

#endif
