/* Every allocation of normalizers and pre-tokenizers fails once. */
#include "support/check.h"

#include "support/alloc_fail.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"

static const char pre_spec[] =
    "{\"type\":\"Sequence\",\"pretokenizers\":["
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":"
    "\"(?i:[a-f&&[^bd]]+x{1,2}+)|\\\\b\\\\p{Greek}|[[:punct:]]$\"},"
    "\"behavior\":\"Isolated\",\"invert\":false},"
    "{\"type\":\"Split\",\"pattern\":{\"String\":\"q\"},"
    "\"behavior\":\"MergedWithNext\",\"invert\":true},"
    "{\"type\":\"Digits\",\"individual_digits\":true},"
    "{\"type\":\"Metaspace\",\"replacement\":\"_\"},"
    "{\"type\":\"UnicodeScripts\"},{\"type\":\"FixedLength\",\"length\":2},"
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
    "\"trim_offsets\":false},{\"type\":\"WhitespaceSplit\"}]}";

static const char norm_spec[] =
    "{\"type\":\"Sequence\",\"normalizers\":["
    "{\"type\":\"NFKC\"},{\"type\":\"Lowercase\"},"
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a{2}?|[[:digit:]]x\"},"
    "\"content\":\"yy\"},{\"type\":\"Prepend\",\"prepend\":\"p\"},"
    "{\"type\":\"NFD\"},{\"type\":\"StripAccents\"},"
    "{\"type\":\"ByteLevel\"}]}";

static const struct slice sample =
    { "Ace xx \xCE\xB1! \xEF\xAC\x81 a\xCC\xA3\xCC\x82 12q3 \xE4\xB8\xAD", 29 };

static enum err pieces_of(const struct json *spec)
{
    struct pretokenizer *p;
    struct pieces out = { 0 };
    struct err_info why;
    enum err e = pretokenizer_open(&p, spec, &why);
    if (e != ERR_OK)
        return e;
    e = pretokenizer_apply(p, sample, true, &out, &why);
    pieces_drop(&out);
    pretokenizer_close(p);
    return e;
}

static enum err text_of(const struct json *spec)
{
    struct normalizer *n;
    struct strbuf out = { 0 };
    struct err_info why;
    enum err e = normalizer_open(&n, spec, &why);
    if (e != ERR_OK)
        return e;
    e = normalizer_apply(n, sample, &out, NULL, &why);
    strbuf_drop(&out);
    normalizer_close(n);
    return e;
}

static enum err named(void *arg)
{
    struct pretokenizer *p;
    struct pre_facts facts;
    struct err_info why;
    enum err e = pretokenizer_open_named(&p, &facts, slice_of(arg), &why);
    if (e == ERR_OK)
        pretokenizer_close(p);
    return e;
}

static enum err run_pre(void *arg)
{
    return pieces_of(arg);
}

static enum err run_norm(void *arg)
{
    return text_of(arg);
}

static void allocations(void **state)
{
    struct arena arena = { 0 };
    struct json *pre, *norm;
    char name[] = "chameleon";
    (void)state;
    assert_int_equal(json_parse(&pre, &arena, slice_of(pre_spec), JSON_DEPTH,
                                NULL), ERR_OK);
    assert_int_equal(json_parse(&norm, &arena, slice_of(norm_spec),
                                JSON_DEPTH, NULL), ERR_OK);
    assert_true(alloc_fail_each(run_pre, pre) > 40);
    assert_true(alloc_fail_each(run_norm, norm) > 20);
    assert_true(alloc_fail_each(named, name) > 20);
    arena_drop(&arena);
}

/* Every name opens and loses no byte. */
static void names(void **state)
{
    (void)state;
    for (const char *const *name = pretokenizer_names(); *name; name++) {
        struct pretokenizer *p;
        struct pieces out = { 0 };
        struct pre_facts facts;
        struct err_info why;
        size_t total = 0;
        if (pretokenizer_open_named(&p, &facts, slice_of(*name), &why)
            != ERR_OK)
            fail_msg("%s: %s", *name, why.text);
        assert_int_equal(pretokenizer_is_byte_level(p), facts.byte_level);
        assert_int_equal(pretokenizer_apply(p, sample, true, &out, &why),
                         ERR_OK);
        for (size_t i = 0; i < out.n; i++) {
            assert_int_equal(out.at[i].at, total);
            total += out.at[i].len;
        }
        assert_int_equal(total, out.bytes.len);
        pieces_drop(&out);
        pretokenizer_close(p);
    }
    struct pretokenizer *p;
    struct pre_facts facts;
    struct err_info why;
    assert_int_equal(pretokenizer_open_named(&p, &facts, SLICE("nope"), &why),
                     ERR_UNKNOWN);
    assert_non_null(strstr(why.text, "nope"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations), cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
