/* Frequencies against the numbers that the reference gives, and how they are
 * read from config.json. */
#include "support/check.h"

#include "base/json.h"
#include "nn/rope.h"
#include <math.h>

static bool near(double a, double b, double share)
{
    return fabs(a - b) <= share * fabs(b);
}

static void expect_divisors(const struct rope_spec *r, uint32_t from,
                            const double *want, uint32_t n, double last)
{
    float scaled[128], plain[128];
    struct rope_spec p = *r;

    p.kind = ROPE_DEFAULT;
    rope_frequencies(scaled, r, 0);
    rope_frequencies(plain, &p, 0);
    for (uint32_t i = 0; i < r->width / 2; i++) {
        double w = i < from ? 1 : i < from + n ? want[i - from] : last;
        assert_true(near((double)plain[i] / (double)scaled[i], w, 2e-6));
    }
}

static void llama3(void **state)
{
    static const double w8b[] = { 1.207484, 1.553415, 2.026313, 2.694530,
                                  3.684253, 5.257327 };
    static const double w1b[] = { 1.651329, 3.292262, 9.666729 };
    struct rope_spec r = { .kind = ROPE_LLAMA3, .width = 128, .theta = 5e5,
                           .factor = 8, .low_freq = 1, .high_freq = 4,
                           .original_len = 8192 };

    (void)state;
    expect_divisors(&r, 29, w8b, 6, 8);
    r.width = 64;
    r.factor = 32;
    expect_divisors(&r, 15, w1b, 3, 32);
    assert_true(rope_amplitude(&r) == 1.0f);
}

static void yarn(void **state)
{
    struct rope_spec r = { .kind = ROPE_YARN, .width = 64, .theta = 1e4,
                           .factor = 40, .beta_fast = 32, .beta_slow = 1,
                           .truncate = true, .original_len = 4096 };
    struct rope_spec p = r;
    float f[32], g[32];

    (void)state;
    p.kind = ROPE_DEFAULT;
    rope_frequencies(f, &r, 0);
    rope_frequencies(g, &p, 0);
    for (int i = 0; i < 32; i++) {      /* kept to 10, stretched from 23 on */
        double ramp = fmin(fmax((i - 10) / 13.0, 0), 1);
        assert_true(near(f[i], g[i] * (1 - ramp) + g[i] / 40.0 * ramp, 1e-6));
    }
    assert_true(near(rope_amplitude(&r), 1.368888, 1e-6));
    r.factor = 4;
    assert_true(near(rope_amplitude(&r), 1.138629, 1e-6));
    r.mscale = r.mscale_all_dim = 0.707;
    assert_true(rope_amplitude(&r) == 1.0f);
    r.attention_factor = 1.5;
    assert_true(rope_amplitude(&r) == 1.5f);
}

/* A ramp that ends between the last pair (15) and the last element (31) of what
 * is rotated: from pair 12 to 19. */
static void yarn_ramps_past_the_last_pair(void **state)
{
    struct rope_spec r = { .kind = ROPE_YARN, .width = 32, .theta = 1e4,
                           .factor = 4, .beta_fast = 32, .beta_slow = 1,
                           .truncate = true, .original_len = 262144 };
    struct rope_spec p = r;
    float f[16], g[16];

    (void)state;
    p.kind = ROPE_DEFAULT;
    rope_frequencies(f, &r, 0);
    rope_frequencies(g, &p, 0);
    assert_true(f[12] == g[12]);
    for (int i = 13; i < 16; i++) {
        double ramp = (i - 12) / 7.0;
        assert_true(near(f[i], g[i] * (1 - ramp) + g[i] / 4.0 * ramp, 1e-6));
    }
}

/* The angle is an f32, as in the reference: here that is 0.004 away. */
static void angles_are_f32(void **state)
{
    float freq = 0.1f, cs[2];
    float angle = 1234567.0f * freq;

    (void)state;
    rope_rotation(cs, &freq, 1, 1234567, 1.0f);
    assert_true(cs[0] == (float)cos((double)angle));
    assert_true(cs[1] == (float)sin((double)angle));
    assert_false(near(cs[0], cos(1234567.0 * (double)freq), 1e-5));
}

/* ---- reading ---- */

/* A config.json with 8192 positions, whole heads of 8. */
static struct rope_spec read_config(const char *text, enum err want)
{
    struct arena     arena = { 0 };
    struct keys      k = { .naming = NAMING_HF, .path = "config.json" };
    struct rope_spec r = { .width = 8, .theta = 1e4, .context_len = 8192 };
    struct err_info  why;
    struct json     *top;

    assert_int_equal(json_parse(&top, &arena, slice_of(text), 8, NULL), ERR_OK);
    k.top = top;
    assert_int_equal(rope_read(&r, &k, NULL, &arena, &why), want);
    arena_drop(&arena);
    return r;
}

static void spellings(void **state)
{
    struct rope_spec r;

    (void)state;
    r = read_config("{}", ERR_OK);
    assert_int_equal(r.kind, ROPE_DEFAULT);
    assert_true(r.theta == 1e4);
    r = read_config("{\"rope_theta\":5e5,\"rope_scaling\":null}", ERR_OK);
    assert_true(r.theta == 5e5);
    /* Inside the dict wins, and rope_parameters over rope_scaling. */
    r = read_config("{\"rope_theta\":5e5,\"rope_scaling\":{\"type\":"
                    "\"dynamic\",\"factor\":2},\"rope_parameters\":{"
                    "\"rope_theta\":1e6,\"rope_type\":\"linear\","
                    "\"factor\":3}}", ERR_OK);
    assert_true(r.theta == 1e6 && r.kind == ROPE_LINEAR && r.factor == 3);
    /* Both spellings of the kind. */
    r = read_config("{\"rope_scaling\":{\"type\":\"dynamic\","
                    "\"rope_type\":\"linear\",\"factor\":2}}", ERR_OK);
    assert_int_equal(r.kind, ROPE_LINEAR);
    r = read_config("{\"rope_scaling\":{\"type\":\"dynamic\","
                    "\"factor\":2}}", ERR_OK);
    assert_int_equal(r.kind, ROPE_DYNAMIC);
}

/* Before YaRN or longrope: the context, what the dict says, what the top says. */
static void original_lengths(void **state)
{
    struct rope_spec r;

    (void)state;
    r = read_config("{\"rope_scaling\":{\"rope_type\":\"yarn\"}}", ERR_OK);
    assert_int_equal(r.original_len, 8192);
    assert_true(r.factor == 1);
    r = read_config("{\"rope_scaling\":{\"rope_type\":\"yarn\","
                    "\"original_max_position_embeddings\":2048}}", ERR_OK);
    assert_int_equal(r.original_len, 2048);
    assert_true(r.factor == 4);
    r = read_config("{\"original_max_position_embeddings\":4096,"
                    "\"rope_scaling\":{\"rope_type\":\"yarn\","
                    "\"original_max_position_embeddings\":2048}}", ERR_OK);
    assert_int_equal(r.original_len, 4096);
}

/* The distilled Qwen3 of R1 undoes YaRN's amplitude by a key of its own. */
static void amplitude_undone(void **state)
{
    struct rope_spec r = read_config(
        "{\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4,"
        "\"original_max_position_embeddings\":32768,"
        "\"attn_factor\":0.8782488562869419}}", ERR_OK);

    (void)state;
    assert_true(near(rope_amplitude(&r), 1.0, 1e-6));
    r.attn_factor = 0;
    assert_true(near(rope_amplitude(&r), 1.138629, 1e-6));
}

/* Gains of DeepSeek's are read for every kind. */
static void gains(void **state)
{
    struct rope_spec r = read_config(
        "{\"rope_scaling\":{\"type\":\"linear\",\"factor\":40,"
        "\"mscale\":1,\"mscale_all_dim\":0.707}}", ERR_OK);

    (void)state;
    assert_true(r.mscale == 1 && r.mscale_all_dim == 0.707);
    assert_true(rope_amplitude(&r) == 1.0f);
    double mu = rope_gain(r.factor, r.mscale_all_dim);
    assert_true(near(mu * mu, 1.589626, 1e-6));
    mu = rope_gain(r.factor, 1);
    assert_true(near(mu * mu, 1.873854, 1e-6));
    assert_true(rope_gain(1, 5) == 1 && rope_gain(0.5, 5) == 1);
}

static void refusals(void **state)
{
    static const struct {
        const char *text;
        enum err    want;
    } rows[] = {
        { "{\"rope_scaling\":{\"rope_type\":\"wave\"}}", ERR_UNKNOWN },
        { "{\"rope_scaling\":{\"rope_type\":\"linear\"}}", ERR_FORMAT },
        { "{\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":0}}",
          ERR_FORMAT },
        { "{\"rope_theta\":1}", ERR_FORMAT },
        { "{\"rope_theta\":\"x\"}", ERR_FORMAT },
        { "{\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,"
          "\"low_freq_factor\":4,\"high_freq_factor\":4}}", ERR_FORMAT },
        { "{\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8}}",
          ERR_FORMAT },
        { "{\"rope_scaling\":{\"rope_type\":\"longrope\","
          "\"short_factor\":[1,1],\"long_factor\":[1,1,1,1]}}",
          ERR_FORMAT },
        { "{\"rope_scaling\":{\"rope_type\":\"longrope\","
          "\"short_factor\":[1,1,1,0],\"long_factor\":[1,1,1,1]}}",
          ERR_FORMAT },
        { "{\"rope_scaling\":{\"rope_type\":\"yarn\",\"beta_fast\":0}}",
          ERR_FORMAT },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        read_config(rows[i].text, rows[i].want);
}

static void by_length(void **state)
{
    static const float low[2] = { 1, 2 }, high[2] = { 4, 8 };
    struct rope_spec r = { .kind = ROPE_LONGROPE, .width = 4, .theta = 1e4,
                           .factor = 32, .original_len = 4096,
                           .context_len = 131072, .short_factor = low,
                           .long_factor = high };
    float f[2], g[2];

    (void)state;
    rope_frequencies(f, &r, 4096);
    rope_frequencies(g, &r, 4097);
    assert_true(f[0] == 1.0f && near(f[1], 0.005, 1e-6));
    assert_true(g[0] == 0.25f && near(g[1], 0.00125, 1e-6));
    assert_true(near(rope_amplitude(&r), 1.190238, 1e-6));
    rope_frequencies(f, &r, 0);         /* the context is beyond */
    assert_true(f[0] == g[0]);

    r = (struct rope_spec){ .kind = ROPE_DYNAMIC, .width = 4, .theta = 1e4,
                            .factor = 2, .context_len = 100 };
    rope_frequencies(f, &r, 100);
    assert_true(near(f[1], 0.01, 1e-6));
    rope_frequencies(f, &r, 200);       /* theta * 3^2 */
    assert_true(near(f[1], 0.01 / 3, 1e-6));
    assert_true(rope_by_length(&r));
}

static void rotations_and_divisors(void **state)
{
    static const float divisor[2] = { 1, 4 };
    struct rope_spec r = { .kind = ROPE_LINEAR, .width = 4, .theta = 1e4,
                           .factor = 2, .divisor = divisor };
    float f[2], cs[4];

    (void)state;
    rope_frequencies(f, &r, 0);
    assert_true(f[0] == 0.5f && near(f[1], 0.01 / 8, 1e-6));
    rope_rotation(cs, f, 2, 3, 2);
    assert_true(near(cs[0], 2 * cos(1.5), 1e-6));
    assert_true(near(cs[2], 2 * sin(1.5), 1e-6));
    assert_true(near(cs[3], 2 * sin(3 * (double)f[1]), 1e-6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llama3),
        cmocka_unit_test(yarn),
        cmocka_unit_test(yarn_ramps_past_the_last_pair),
        cmocka_unit_test(angles_are_f32),
        cmocka_unit_test(spellings),
        cmocka_unit_test(original_lengths),
        cmocka_unit_test(amplitude_undone),
        cmocka_unit_test(gains),
        cmocka_unit_test(refusals),
        cmocka_unit_test(by_length),
        cmocka_unit_test(rotations_and_divisors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
