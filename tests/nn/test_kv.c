/* Cache blocks: counted, shared, copied, given back. */
#include "support/check.h"

#include "nn/kv.h"
#include <string.h>

static const struct kv_group plain = {
    .form = KV_PAIR, .n_layers = 2, .n_head_kv = 2, .k_width = 8, .v_width = 8,
};

static struct kv *open_kv(const struct kv_group *g, size_t n_groups, size_t n,
                          size_t max_seqs)
{
    struct kv_options o = { .type = KV_F32, .n_positions = n,
                            .max_seqs = max_seqs };
    struct kv *kv;
    assert_int_equal(kv_open(&kv, g, n_groups, &o, NULL), ERR_OK);
    return kv;
}

static enum err grow(struct kv *kv, int seq, size_t n)
{
    struct err_info why;
    enum err e = kv_reserve(kv, seq, n, &why);
    if (e == ERR_OK)
        kv_advance(kv, seq, (uint32_t)n);
    return e;
}

/* One byte stands for everything at a position. */
static uint8_t *byte_at(struct kv *kv, int seq, uint32_t pos)
{
    struct kv_view  v = kv_view(kv, seq, 0);
    struct kv_layer l = kv_layer(kv, 0, 1);
    return kv_head_at(&v, &l, 1, pos) + pos % KV_BLOCK;
}

static void sequences_open_and_close(void **state)
{
    struct kv *kv = open_kv(&plain, 1, 128, 2);

    (void)state;
    int a = kv_seq_open(kv, 100), b = kv_seq_open(kv, 0);
    assert_true(a >= 0 && b >= 0 && a != b);
    assert_int_equal(kv_seq_open(kv, 0), -1);
    assert_int_equal(kv_seq_declared(kv, a), 100);
    assert_int_equal(grow(kv, a, 33), ERR_OK);
    assert_int_equal(kv_blocks_used(kv), 2);
    kv_seq_close(kv, a);
    assert_int_equal(kv_blocks_used(kv), 0);
    assert_false(kv_seq_is_open(kv, a));
    assert_false(kv_seq_is_open(kv, 99) || kv_seq_is_open(kv, -1));
    assert_int_equal(kv_seq_open(kv, 0), a);
    assert_int_equal(kv_seq_len(kv, a), 0);
    kv_close(kv);
}

static void full_changes_nothing(void **state)
{
    struct kv *kv = open_kv(&plain, 1, 96, 2);
    int        a = kv_seq_open(kv, 0), b = kv_seq_open(kv, 0);

    (void)state;
    assert_int_equal(kv_blocks(kv), 3);
    assert_int_equal(grow(kv, a, 64), ERR_OK);
    assert_int_equal(grow(kv, b, 33), ERR_FULL);
    assert_int_equal(kv_blocks_used(kv), 2);
    assert_int_equal(kv_seq_len(kv, b), 0);
    assert_int_equal(grow(kv, b, 32), ERR_OK);
    assert_int_equal(grow(kv, a, 1), ERR_FULL);
    kv_truncate(kv, a, 32);
    assert_int_equal(grow(kv, b, 32), ERR_OK);
    assert_int_equal(kv_reserve(kv, a, SIZE_MAX, NULL), ERR_LIMIT);
    kv_close(kv);
}

static void forks_share_full_blocks(void **state)
{
    struct kv *kv = open_kv(&plain, 1, 320, 3);
    int        a = kv_seq_open(kv, 0), b = kv_seq_open(kv, 0);

    (void)state;
    assert_int_equal(grow(kv, a, 80), ERR_OK);
    for (uint32_t p = 0; p < 80; p++)
        *byte_at(kv, a, p) = (uint8_t)(p + 1);
    assert_int_equal(kv_fork(kv, a, b, 70, NULL), ERR_OK);
    assert_int_equal(kv_blocks_used(kv), 4);     /* 2 shared, 1 each */
    assert_int_equal(kv_seq_len(kv, b), 70);
    for (uint32_t p = 0; p < 70; p++)
        assert_int_equal(*byte_at(kv, b, p), p + 1);
    assert_ptr_equal(byte_at(kv, a, 5), byte_at(kv, b, 5));
    assert_ptr_not_equal(byte_at(kv, a, 65), byte_at(kv, b, 65));

    /* Back into a shared block: appending there must copy it first. */
    kv_truncate(kv, b, 40);
    assert_int_equal(kv_room(kv, b), 40);
    assert_int_equal(kv_reserve(kv, b, 1, NULL), ERR_OK);
    assert_ptr_not_equal(byte_at(kv, a, 40), byte_at(kv, b, 40));
    *byte_at(kv, b, 40) = 200;
    kv_advance(kv, b, 1);
    assert_int_equal(*byte_at(kv, a, 40), 41);
    assert_int_equal(*byte_at(kv, b, 39), 40);

    kv_seq_close(kv, a);
    assert_int_equal(*byte_at(kv, b, 3), 4);
    kv_seq_close(kv, b);
    assert_int_equal(kv_blocks_used(kv), 0);
    kv_close(kv);
}

static void windows_give_back_when_needed(void **state)
{
    struct kv_group g = plain;
    struct kv      *kv;

    (void)state;
    g.window = 40;
    kv = open_kv(&g, 1, 128, 2);
    int a = kv_seq_open(kv, 0), b = kv_seq_open(kv, 0);
    assert_int_equal(grow(kv, a, 128), ERR_OK);
    assert_int_equal(kv_blocks_used(kv), 4);     /* not before */
    assert_int_equal(kv_seq_floor(kv, a), 0);
    assert_int_equal(grow(kv, b, 33), ERR_OK);   /* takes what a cannot see */
    /* Position 64 is the first there, so the query at 103 is the first whose
     * window of 40 is whole. */
    assert_int_equal(kv_seq_floor(kv, a), 64 + 40 - 1);
    struct kv_view v = kv_view(kv, a, 0);
    assert_int_equal(v.first, (128 - 40 + 1) / KV_BLOCK);
    kv_truncate(kv, b, 0);
    assert_int_equal(kv_fork(kv, a, b, 10, NULL), ERR_REQUEST);
    kv_close(kv);
}

static void forking_needs_an_empty_target(void **state)
{
    struct kv *kv = open_kv(&plain, 1, 64, 2);
    int        a = kv_seq_open(kv, 0), b = kv_seq_open(kv, 0);

    (void)state;
    assert_int_equal(grow(kv, a, 64), ERR_OK);
    assert_int_equal(kv_fork(kv, a, b, 40, NULL), ERR_FULL);   /* no copy */
    assert_int_equal(kv_seq_len(kv, b), 0);
    assert_int_equal(kv_fork(kv, a, b, 64, NULL), ERR_OK);     /* all shared */
    assert_int_equal(kv_blocks_used(kv), 2);
    kv_close(kv);
}

static void sizes_and_names(void **state)
{
    struct kv_group g[2] = { plain, plain };
    struct kv_options o = { .type = KV_F16, .n_positions = SIZE_MAX / 2,
                            .max_seqs = 1 };
    struct kv *kv;

    (void)state;
    g[1].n_layers = 1;
    /* 3 layers of 2 heads of (8 + 8) elements */
    assert_int_equal(kv_bytes_per_position(g, 2, KV_F32), 3 * 2 * 16 * 4);
    assert_int_equal(kv_bytes_per_position(g, 2, KV_F16), 3 * 2 * 16 * 2);
    assert_int_equal(kv_bytes_per_position(g, 2, KV_Q8_0), 3 * 2 * 2 * 34);
    assert_int_equal(kv_open(&kv, g, 2, &o, NULL), ERR_LIMIT);
    assert_null(kv);
    o.n_positions = 64;
    o.max_seqs = 0;
    assert_int_equal(kv_open(&kv, g, 2, &o, NULL), ERR_REQUEST);
    for (int t = 0; t < KV_N_TYPES; t++)
        assert_int_equal(kv_type_by_name(kv_type_name((enum kv_type)t)), t);
    assert_int_equal(kv_type_by_name("q3"), KV_N_TYPES);
    assert_null(kv_type_name(KV_N_TYPES));
}

/* A latent costs its own width and that of the rotated part, which q8_0 leaves
 * in f16; one head whatever the group says. */
static void latents(void **state)
{
    struct kv_group g = { .form = KV_LATENT, .n_layers = 3, .n_head_kv = 7,
                          .k_width = 64, .v_width = 16 };
    struct kv      *kv = open_kv(&g, 1, 64, 2);
    int             a = kv_seq_open(kv, 0), b = kv_seq_open(kv, 0);

    (void)state;
    assert_int_equal(kv_bytes_per_position(&g, 1, KV_F32), 3 * 80 * 4);
    assert_int_equal(kv_bytes_per_position(&g, 1, KV_BF16), 3 * 80 * 2);
    assert_int_equal(kv_bytes_per_position(&g, 1, KV_Q8_0),
                     3 * (2 * 34 + 16 * 2));
    struct kv_layer l = kv_layer(kv, 0, 2);
    assert_int_equal(l.form, KV_LATENT);
    assert_int_equal(l.n_head_kv, 1);
    assert_int_equal(l.offset, 2 * 32 * 80 * 4);
    assert_int_equal(grow(kv, a, 40), ERR_OK);
    assert_int_equal(kv_fork(kv, a, b, 32, NULL), ERR_OK);
    struct kv_view va = kv_view(kv, a, 0), vb = kv_view(kv, b, 0);
    assert_ptr_equal(kv_head_at(&va, &l, 0, 5), kv_head_at(&vb, &l, 0, 5));
    kv_close(kv);
}

/* Random use: every block is either free or counted, nothing is lost. */
static void random_use(void **state)
{
    struct kv_group g[2] = { plain, plain };
    struct kv      *kv;
    int             seq[4] = { -1, -1, -1, -1 };
    uint32_t        x = 1;

    (void)state;
    g[1].window = 50;
    kv = open_kv(g, 2, 640, 4);
    for (int i = 0; i < 20000; i++) {
        x = x * 1664525 + 1013904223;
        int a = (int)(x >> 30), b = (int)(x >> 28 & 3);
        unsigned n = x >> 20 & 63;
        if (seq[a] < 0) {
            seq[a] = kv_seq_open(kv, 0);
            assert_true(seq[a] >= 0);
        } else if (x >> 16 & 1) {
            grow(kv, seq[a], n);
        } else if ((x >> 14 & 3) == 0) {
            kv_seq_close(kv, seq[a]);
            seq[a] = -1;
        } else if (a != b && seq[b] >= 0 && kv_seq_len(kv, seq[b]) == 0) {
            uint32_t len = kv_seq_len(kv, seq[a]) * n / 64;
            kv_fork(kv, seq[a], seq[b], len, NULL);
        } else if (kv_seq_len(kv, seq[a]) > n
                   && kv_seq_len(kv, seq[a]) - n >= kv_seq_floor(kv, seq[a])) {
            kv_truncate(kv, seq[a], kv_seq_len(kv, seq[a]) - n);
        }
        assert_true(kv_blocks_used(kv) <= kv_blocks(kv));
    }
    for (int i = 0; i < 4; i++)
        if (seq[i] >= 0)
            kv_seq_close(kv, seq[i]);
    assert_int_equal(kv_blocks_used(kv), 0);
    kv_close(kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_open_and_close),
        cmocka_unit_test(full_changes_nothing),
        cmocka_unit_test(forks_share_full_blocks),
        cmocka_unit_test(windows_give_back_when_needed),
        cmocka_unit_test(forking_needs_an_empty_target),
        cmocka_unit_test(sizes_and_names),
        cmocka_unit_test(latents),
        cmocka_unit_test(random_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
