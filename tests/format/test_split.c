/* GGUF models in several files. */
#include "open_check.h"

#include "support/make_gguf.h"

/* File `no` of `count` with one tensor "tNO", or "tTWIN" when twin >= 0. */
struct part {
    uint32_t no, count, total;
    int      twin;
};

static void put_part(struct scratch *s, const char *name, struct part p)
{
    struct make m = { 0 };
    char tensor[16];

    snprintf(tensor, sizeof tensor, "t%d", p.twin >= 0 ? p.twin : (int)p.no);
    make_gguf_head(&m, 1, 4);
    make_key_string(&m, "general.architecture", "llama");
    make_key_u32(&m, "split.no", p.no);
    make_key_u32(&m, "split.count", p.count);
    make_key_u32(&m, "split.tensors.count", p.total);
    make_tensor(&m, &(struct make_tensor){ tensor, 1, 0, { 8 }, 0 });
    make_align(&m, 32);
    make_zeros(&m, 32);
    scratch_put(s, name, strbuf_slice(&m.b));
    make_drop(&m);
}

#define FIRST "m-00001-of-00003.gguf"

static int three_parts(void **state)
{
    static struct scratch s;

    scratch_open(&s);
    put_part(&s, FIRST, (struct part){ 0, 3, 3, -1 });
    put_part(&s, "m-00002-of-00003.gguf", (struct part){ 1, 3, 3, -1 });
    put_part(&s, "m-00003-of-00003.gguf", (struct part){ 2, 3, 3, -1 });
    *state = &s;
    return 0;
}

static int close_scratch(void **state)
{
    scratch_close(*state);
    return 0;
}

static void opens_all(void **state)
{
    struct scratch *s = *state;
    struct checkpoint *c = opens(scratch_path(s, FIRST), NULL);
    const struct tensor_info *t = checkpoint_tensor(c, SLICE("t2"));

    assert_int_equal(c->n_tensors, 3);
    assert_int_equal(c->n_files, 3);
    assert_non_null(t);
    assert_ptr_equal(t->file, c->files[2]);
    assert_ptr_equal(t->data, t->file->at + t->file_offset);
    checkpoint_close(c);
    /* A directory with one split model is that model. */
    c = opens(s->dir, NULL);
    assert_int_equal(c->n_tensors, 3);
    checkpoint_close(c);
}

static void tokenizer_needs_the_first_only(void **state)
{
    struct checkpoint_options o = { .no_weights = true };
    struct scratch *s = *state;

    scratch_remove(s, "m-00002-of-00003.gguf");
    checkpoint_close(opens(scratch_path(s, FIRST), &o));
    refuses(scratch_path(s, FIRST), ERR_IO, "the download is incomplete");
}

static void refuses_a_later_part(void **state)
{
    refuses(scratch_path(*state, "m-00002-of-00003.gguf"), ERR_FORMAT,
            "is file 2 of 3 of a split model; give the first one");
}

static void refuses_broken_sets(void **state)
{
    struct scratch *s = *state;

    put_part(s, "m-00002-of-00003.gguf", (struct part){ 2, 3, 3, -1 });
    refuses(scratch_path(s, FIRST), ERR_FORMAT,
            "split.no is 2, its name says 1");
    put_part(s, "m-00002-of-00003.gguf", (struct part){ 1, 4, 3, -1 });
    refuses(scratch_path(s, FIRST), ERR_FORMAT,
            "split.count is 4, the first file says 3");
    put_part(s, "m-00002-of-00003.gguf", (struct part){ 1, 3, 3, 0 });
    refuses(scratch_path(s, FIRST), ERR_FORMAT, "the tensor t0 is there twice");
    put_part(s, "m-00002-of-00003.gguf", (struct part){ 1, 3, 3, -1 });
    put_part(s, FIRST, (struct part){ 0, 3, 4, -1 });
    refuses(scratch_path(s, FIRST), ERR_FORMAT,
            "split.tensors.count is 4, the 3 files hold 3");
    put_part(s, FIRST, (struct part){ 0, 70000, 3, -1 });
    refuses(scratch_path(s, FIRST), ERR_FORMAT,
            "split.count is 70000, expected an integer from 0 to 65535");
    put_part(s, "other.gguf", (struct part){ 0, 3, 3, -1 });
    refuses(scratch_path(s, "other.gguf"), ERR_FORMAT,
            "has to end in -00001-of-00003.gguf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_all, three_parts, close_scratch),
        cmocka_unit_test_setup_teardown(tokenizer_needs_the_first_only,
                                        three_parts, close_scratch),
        cmocka_unit_test_setup_teardown(refuses_a_later_part, three_parts,
                                        close_scratch),
        cmocka_unit_test_setup_teardown(refuses_broken_sets, three_parts,
                                        close_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
