/* Keys: one set of functions over config.json and GGUF metadata. */
#include "open_check.h"

#include "support/make_gguf.h"

#include <math.h>

#define KEY(hf, gguf) ((struct key_name){ hf, gguf })

static const char config[] =
    "{\"model_type\":\"wrap\",\"hidden_size\":64,\"heads\":[4,2],"
    "\"tie_word_embeddings\":true,\"eps\":1e-5,\"whole\":40.0,\"half\":0.5,"
    "\"nothing\":null,\"act\":\"s\\u0069lu\",\"deep\":{\"a\":{\"b\":7}},"
    "\"big\":18446744073709551615,\"huge\":1e999,\"minus\":-3,"
    "\"mixed\":[1,null,\"x\"],\"kinds\":[\"full\",\"sliding\"],"
    "\"outside\":1,\"masked\":5,"
    "\"text_config\":{\"model_type\":\"llama\",\"hidden_size\":32,"
    "\"masked\":null,\"tie_word_embeddings\":false,\"only_text\":2}}";

struct both {
    struct scratch     s;
    struct checkpoint *hf, *gguf;
};

static void put_gguf(struct scratch *s)
{
    struct make m = { 0 };

    make_gguf_head(&m, 0, 8);
    make_key_string(&m, "general.architecture", "arch");
    make_key_u32(&m, "arch.hidden", 32);
    make_key(&m, "arch.heads", 9);
    make_u32(&m, 5);
    make_u64(&m, 2);
    make_u32(&m, 4);
    make_u32(&m, (uint32_t)-2);
    make_key_f32(&m, "arch.eps", 0.25f);
    make_key_f32(&m, "arch.nan", NAN);
    make_key_bool(&m, "arch.yes", 1);
    make_key(&m, "arch.long", 11);
    make_u64(&m, (uint64_t)-5);
    make_key_strings(&m, "arch.words", "w", 20);
    scratch_put(s, "m.gguf", strbuf_slice(&m.b));
    make_drop(&m);
}

static int both_open(void **state)
{
    static struct both b;
    struct checkpoint_options o = { .no_weights = true };

    scratch_open(&b.s);
    scratch_text(&b.s, "hf/config.json", config);
    put_gguf(&b.s);
    b.hf = opens(scratch_path(&b.s, "hf"), &o);
    b.gguf = opens(scratch_path(&b.s, "m.gguf"), &o);
    *state = &b;
    return 0;
}

static int both_close(void **state)
{
    struct both *b = *state;

    checkpoint_close(b->hf);
    checkpoint_close(b->gguf);
    scratch_close(&b->s);
    return 0;
}

static const struct uint_range ANY = { 0, UINT32_MAX };

static void one_name_two_spellings(void **state)
{
    const struct both *b = *state;
    struct key_name hidden = KEY("hidden_size", "A.hidden");
    uint32_t v = 0;

    assert_int_equal(keys_uint(&v, &b->hf->keys, hidden, ANY, NULL), ERR_OK);
    assert_int_equal(v, 32);
    v = 0;
    assert_int_equal(keys_uint(&v, &b->gguf->keys, hidden, ANY, NULL), ERR_OK);
    assert_int_equal(v, 32);
    assert_string_equal(key_spelling(&b->gguf->keys, hidden).text,
                        "arch.hidden");
    assert_string_equal(key_spelling(&b->hf->keys, hidden).text,
                        "hidden_size");
    assert_false(keys_has(&b->gguf->keys, KEY("hidden_size", NULL)));
}

/* What text_config says hides the top level, null included; only the tie is
 * decided outside. */
static void text_config_is_merged(void **state)
{
    const struct keys *k = &((struct both *)*state)->hf->keys;
    uint32_t v = 9;
    bool tie = false;

    assert_int_equal(keys_uint(&v, k, KEY("outside", NULL), ANY, NULL), ERR_OK);
    assert_int_equal(v, 1);
    assert_int_equal(keys_uint(&v, k, KEY("only_text", NULL), ANY, NULL),
                     ERR_OK);
    assert_int_equal(v, 2);
    assert_int_equal(keys_uint(&v, k, KEY("masked", NULL), ANY, NULL), ERR_OK);
    assert_int_equal(v, 2);             /* null: left alone */
    assert_int_equal(keys_bool(&tie, k, KEY("tie_word_embeddings", NULL), NULL),
                     ERR_OK);
    assert_true(tie);
    assert_int_equal(keys_uint(&v, k, KEY("deep.a.b", NULL), ANY, NULL),
                     ERR_OK);
    assert_int_equal(v, 7);
    assert_false(keys_has(k, KEY("deep.x.b", NULL)));
    assert_int_equal(keys_kind(k, KEY("deep.a", NULL)), KEY_OBJECT);
}

static void integers(void **state)
{
    const struct both *b = *state;
    uint32_t v = 0;
    int64_t i = 0;

    assert_int_equal(keys_uint(&v, &b->hf->keys, KEY("whole", NULL), ANY, NULL),
                     ERR_OK);
    assert_int_equal(v, 40);
    assert_int_equal(keys_int(&i, &b->hf->keys, KEY("minus", NULL), NULL),
                     ERR_OK);
    assert_int_equal(i, -3);
    assert_int_equal(keys_int(&i, &b->gguf->keys, KEY(NULL, "A.long"), NULL),
                     ERR_OK);
    assert_int_equal(i, -5);
}

static void numbers(void **state)
{
    const struct both *b = *state;
    double d = 0;

    assert_int_equal(keys_float(&d, &b->hf->keys, KEY("eps", NULL), 0, 1, NULL),
                     ERR_OK);
    assert_true(d == 1e-5);
    assert_int_equal(keys_float(&d, &b->hf->keys, KEY("hidden_size", NULL), 0,
                                INFINITY, NULL), ERR_OK);
    assert_true(d == 32);
    assert_int_equal(keys_float(&d, &b->gguf->keys, KEY(NULL, "A.eps"), 0, 1,
                                NULL), ERR_OK);
    assert_true(d == 0.25);
}

static void elements(void **state)
{
    const struct both *b = *state;
    struct key_name heads = KEY("heads", "A.heads");
    struct slice text = { 0 };
    uint32_t v = 0;
    int64_t i = 0;

    assert_int_equal(keys_len(&b->hf->keys, heads), 2);
    assert_int_equal(keys_len(&b->gguf->keys, heads), 2);
    assert_int_equal(keys_uint_at(&v, &b->hf->keys, heads, 1, ANY, NULL),
                     ERR_OK);
    assert_int_equal(v, 2);
    assert_int_equal(keys_int_at(&i, &b->gguf->keys, heads, 1, NULL), ERR_OK);
    assert_int_equal(i, -2);
    /* A scalar holds for every element. */
    assert_int_equal(keys_uint_at(&v, &b->hf->keys, KEY("hidden_size", NULL),
                                  77, ANY, NULL), ERR_OK);
    assert_int_equal(v, 32);
    assert_int_equal(keys_string_at(&text, &b->hf->keys, KEY("kinds", NULL), 1,
                                    NULL), ERR_OK);
    assert_true(slice_is(text, "sliding"));
    assert_int_equal(keys_string_at(&text, &b->gguf->keys, KEY(NULL, "A.words"),
                                    19, NULL), ERR_OK);
    assert_true(slice_is(text, "w19"));
    assert_int_equal(keys_string(&text, &b->hf->keys, KEY("act", NULL), NULL),
                     ERR_OK);
    assert_true(slice_is(text, "silu"));
}

static void absent_is_left_alone(void **state)
{
    const struct both *b = *state;
    struct key_name no = KEY("nothing", "A.nothing");
    struct err_info why = { 0 };
    uint32_t v = 42;
    double d = 42;

    for (int i = 0; i < 2; i++) {
        const struct keys *k = i == 0 ? &b->hf->keys : &b->gguf->keys;
        assert_int_equal(keys_uint(&v, k, no, ANY, NULL), ERR_OK);
        assert_int_equal(keys_float(&d, k, no, 0, 1, NULL), ERR_OK);
        assert_true(v == 42 && d == 42);
        assert_int_equal(keys_require(k, no, &why), ERR_FORMAT);
        assert_non_null(strstr(why.text, "nothing is missing"));
        assert_int_equal(keys_len(k, no), 0);
    }
    assert_non_null(strstr(why.text, "m.gguf: arch.nothing"));
}

/* ---- sentences ---- */

/* The last call failed, with these words. */
static void told(enum err e, const struct err_info *why, const char *says)
{
    assert_int_equal(e, ERR_FORMAT);
    if (strstr(why->text, says) == NULL)
        fail_msg("expected ...%s..., got %s", says, why->text);
}

static void misfits_are_told(void **state)
{
    const struct both *b = *state;
    const struct keys *hf = &b->hf->keys, *gguf = &b->gguf->keys;
    const struct uint_range small = { 1, 16 };
    struct err_info why = { 0 };
    uint32_t v = 7, end = 0;
    double d = 7;
    bool t = false;
    struct slice s;
    int64_t i = 0;

    told(keys_uint(&v, hf, KEY("hidden_size", NULL), small, &why),
         &why, "config.json: hidden_size is 32, expected an integer from 1 "
         "to 16");
    /* Both ends of a range belong to it. */
    assert_int_equal(keys_uint(&end, hf, KEY("hidden_size", NULL),
                               (struct uint_range){ 32, 32 }, &why), ERR_OK);
    told(keys_uint(&v, hf, KEY("half", NULL), ANY, &why),
         &why, "half is 0.5, expected an integer");
    told(keys_uint(&v, hf, KEY("minus", NULL), ANY, &why),
         &why, "minus is -3, expected an integer from 0 to 4294967295");
    told(keys_uint(&v, hf, KEY("act", NULL), ANY, &why),
         &why, "act is \"silu\", expected an integer");
    told(keys_uint(&v, hf, KEY("heads", NULL), ANY, &why),
         &why, "heads is an array, expected an integer");
    told(keys_uint(&v, hf, KEY("tie_word_embeddings", NULL), ANY, &why),
         &why, "is true, expected an integer");
    told(keys_int(&i, hf, KEY("big", NULL), &why),
         &why, "big is 18446744073709551615, expected an integer of 64 bits");
    told(keys_float(&d, hf, KEY("huge", NULL), -INFINITY, INFINITY, &why),
         &why, "huge is inf, expected a finite");
    told(keys_float(&d, gguf, KEY(NULL, "A.nan"), 0, 1, &why),
         &why, "m.gguf: arch.nan is nan, expected a number from 0 to 1");
    told(keys_float(&d, gguf, KEY(NULL, "A.eps"), 1, INFINITY, &why),
         &why, "eps is 0.25, expected a finite number from 1");
    told(keys_uint(&v, gguf, KEY(NULL, "A.eps"), ANY, &why),
         &why, "arch.eps is 0.25, expected an integer");
    told(keys_uint(&v, gguf, KEY(NULL, "A.yes"), ANY, &why),
         &why, "arch.yes is true, expected an integer");
    told(keys_bool(&t, hf, KEY("outside", NULL), &why),
         &why, "outside is 1, expected true or false");
    told(keys_string(&s, hf, KEY("deep", NULL), &why),
         &why, "deep is an object, expected a string");
    told(keys_uint_at(&v, hf, KEY("heads", NULL), 2, ANY, &why),
         &why, "heads has 2 entries, entry 2 is wanted");
    told(keys_uint_at(&v, hf, KEY("mixed", NULL), 1, ANY, &why),
         &why, "mixed has a null as entry 1");
    told(keys_uint_at(&v, hf, KEY("mixed", NULL), 2, ANY, &why),
         &why, "mixed has \"x\" as entry 2, expected an integer");
    told(keys_uint_at(&v, gguf, KEY(NULL, "A.heads"), 1, ANY, &why),
         &why, "arch.heads has -2 as entry 1, expected");
    assert_true(v == 7 && d == 7);
}

static void shows_all(void **state)
{
    const struct both *b = *state;
    struct strbuf value = { 0 };
    struct slice name;
    size_t n = 0;

    while (keys_show(&b->gguf->keys, n, &name, &value))
        n++;
    assert_int_equal(n, 8);
    assert_string_equal(strbuf_cstr(&value), "\"arch\"322 x i32: [4, -2]0.25nan"
                        "true-520 x string: [\"w0\", \"w1\", \"w2\", \"w3\", "
                        "\"w4\", \"w5\", ...]");
    strbuf_clear(&value);
    for (n = 0; keys_show(&b->hf->keys, n, &name, &value); n++)
        strbuf_putc(&value, ' ');
    assert_int_equal(n, 18);
    assert_non_null(strstr(strbuf_cstr(&value), "{\"a\": {\"b\": 7}} "));
    assert_non_null(strstr(strbuf_cstr(&value), "40 0.5 null \"silu\""));
    strbuf_drop(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_name_two_spellings),
        cmocka_unit_test(text_config_is_merged),
        cmocka_unit_test(integers),
        cmocka_unit_test(numbers),
        cmocka_unit_test(elements),
        cmocka_unit_test(absent_is_left_alone),
        cmocka_unit_test(misfits_are_told),
        cmocka_unit_test(shows_all),
    };
    return cmocka_run_group_tests(tests, both_open, both_close);
}
