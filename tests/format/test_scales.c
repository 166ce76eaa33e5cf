/* FP8 weights and their scales; foreign quantisation refused by its name. */
#include "open_check.h"

#include "support/make_gguf.h"

#define FP8_128 "{\"quantization_config\":{\"quant_method\":\"fp8\","         \
                "\"weight_block_size\":[128,128]}}"
#define FP8_ONE "{\"quantization_config\":{\"quant_method\":\"fp8\","         \
                "\"weight_block_size\":null}}"
#define CT "{\"quantization_config\":{\"quant_method\":"                      \
           "\"compressed-tensors\",\"format\":\"float-quantized\"}}"

/* A 300 x 200 FP8 weight "w.weight" beside a tensor of scales. */
struct model {
    const char *config, *scale_name, *scale_dtype, *scale_shape;
    size_t      scale_size;
};

static const char *put_model(struct scratch *s, const struct model *m)
{
    struct make bytes = { 0 };
    char header[512];

    snprintf(header, sizeof header, "{\"w.weight\":{\"dtype\":\"F8_E4M3\","
             "\"shape\":[300,200],\"data_offsets\":[0,60000]},\"%s\":{"
             "\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[60000,%zu]}}",
             m->scale_name, m->scale_dtype, m->scale_shape,
             60000 + m->scale_size);
    make_safetensors(&bytes, header, 60000 + m->scale_size);
    scratch_put(s, "model.safetensors", strbuf_slice(&bytes.b));
    make_drop(&bytes);
    scratch_text(s, "config.json", m->config);
    return s->dir;
}

static struct tensor_scale scale_of(struct scratch *s, const struct model *m)
{
    struct checkpoint *c = opens(put_model(s, m), NULL);
    const struct tensor_info *t = checkpoint_tensor(c, SLICE("w.weight"));
    struct tensor_scale scale = t->scale;

    assert_ptr_equal(scale.values,
                     checkpoint_tensor(c, slice_of(m->scale_name)));
    assert_null(scale.values->scale.values);
    checkpoint_close(c);
    return scale;
}

static int empty(void **state)
{
    static struct scratch s;

    scratch_open(&s);
    *state = &s;
    return 0;
}

static int close_scratch(void **state)
{
    scratch_close(*state);
    return 0;
}

/* 300 / 128 and 200 / 128 leave partial blocks at both edges. */
static void blocks(void **state)
{
    struct tensor_scale s = scale_of(*state, &(struct model){
        FP8_128, "w.weight_scale_inv", "F32", "[3,2]", 24 });

    assert_int_equal(s.block_rows, 128);
    assert_int_equal(s.block_cols, 128);
    assert_int_equal(s.n_rows, 3);
    assert_int_equal(s.n_cols, 2);
    s = scale_of(*state, &(struct model){
        "{\"quantization_config\":{\"quant_method\":\"fp8\","
        "\"weight_block_size\":[128,64]}}",
        "w.weight_scale_inv", "F32", "[3,4]", 48 });
    assert_int_equal(s.n_cols, 4);
    scale_of(*state, &(struct model){ FP8_128, "w.weight_scale_inv", "F8_E8M0",
                                      "[3,2]", 6 });
}

static void whole_tensor(void **state)
{
    struct tensor_scale s = scale_of(*state, &(struct model){
        FP8_ONE, "w.weight_scale_inv", "F32", "[]", 4 });

    assert_int_equal(s.block_rows, 300);
    assert_int_equal(s.block_cols, 200);
    s = scale_of(*state, &(struct model){ CT, "w.weight_scale", "BF16", "[1]",
                                          2 });
    assert_int_equal(s.block_rows, 300);
    assert_int_equal(s.n_rows * s.n_cols, 1);
}

static void each_row(void **state)
{
    struct tensor_scale s = scale_of(*state, &(struct model){
        CT, "w.weight_scale", "BF16", "[300,1]", 600 });

    assert_int_equal(s.block_rows, 1);
    assert_int_equal(s.block_cols, 200);
    assert_int_equal(s.n_rows, 300);
    scale_of(*state, &(struct model){ CT, "w.weight_scale", "F16", "[300]",
                                      600 });
}

static void refuses_misfits(void **state)
{
    static const struct { struct model m; enum err code; const char *says; }
    bad[] = {
        { { "{}", "w.weight_scale_inv", "F32", "[3,2]", 24 }, ERR_FORMAT,
          "quantization_config is missing, although tensor w.weight is f8_e4m3"
        },
        { { FP8_128, "other", "F32", "[3,2]", 24 }, ERR_FORMAT,
          "tensor w.weight is f8_e4m3, but its scales (w.weight_scale_inv or" },
        { { FP8_128, "w.weight_scale_inv", "F32", "[2,3]", 24 }, ERR_FORMAT,
          "its 6 values do not fit the weight (300 x 200) in blocks of 128" },
        { { FP8_128, "w.weight_scale_inv", "F32", "[2,2]", 16 }, ERR_FORMAT,
          "its 4 values do not fit" },
        { { FP8_128, "w.weight_scale_inv", "F32", "[6]", 24 }, ERR_FORMAT,
          "its 6 values do not fit" },
        { { FP8_128, "w.weight_scale_inv", "F32", "[1]", 4 }, ERR_FORMAT,
          "its 1 values do not fit" },
        { { FP8_ONE, "w.weight_scale_inv", "F32", "[3,2]", 24 }, ERR_FORMAT,
          "in blocks of 0 x 0" },
        { { CT, "w.weight_scale", "F32", "[200]", 800 }, ERR_FORMAT,
          "its 200 values do not fit" },
        { { FP8_128, "w.weight_scale_inv", "I32", "[3,2]", 24 }, ERR_UNKNOWN,
          "scales of type i32 are not supported" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses(put_model(*state, &bad[i].m), bad[i].code, bad[i].says);
}

static void refuses_foreign_schemes(void **state)
{
    static const struct { const char *config; enum err code; const char *says; }
    bad[] = {
        { "{\"quantization_config\":{\"quant_method\":\"awq\"}}", ERR_UNKNOWN,
          "quant_method is awq, which is not supported" },
        { "{\"quantization_config\":{\"quant_method\":\"mxfp4\"}}", ERR_UNKNOWN,
          "quant_method is mxfp4" },
        { "{\"quantization_config\":{\"quant_method\":\"bitsandbytes\"}}",
          ERR_UNKNOWN, "quant_method is bitsandbytes" },
        { "{\"quantization_config\":{\"quant_method\":\"compressed-tensors\"}}",
          ERR_UNKNOWN, "quantization_config.format is missing" },
        { "{\"quantization_config\":{\"quant_method\":\"compressed-tensors\","
          "\"format\":\"pack-quantized\"}}", ERR_UNKNOWN,
          "quantization_config.format is pack-quantized" },
        { "{\"quantization_config\":{\"quant_method\":4}}", ERR_FORMAT,
          "quant_method is 4, expected a string" },
        { "{\"quantization_config\":{\"quant_method\":\"fp8\","
          "\"weight_block_size\":[128]}}", ERR_FORMAT,
          "weight_block_size is no array of two integers" },
        { "{\"quantization_config\":{\"quant_method\":\"fp8\","
          "\"weight_block_size\":[0,128]}}", ERR_FORMAT,
          "weight_block_size has 0 as entry 0, expected an integer from 1" },
    };
    struct model m = { NULL, "w.weight_scale_inv", "F32", "[3,2]", 24 };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        m.config = bad[i].config;
        refuses(put_model(*state, &m), bad[i].code, bad[i].says);
    }
    /* Its tokenizer works all the same. */
    checkpoint_close(opens(put_model(*state, &m),
                           &(struct checkpoint_options){ .no_weights = true }));
}

/* In GGUF: one factor for each expert of an NVFP4 stack. */
static void nvfp4(void **state)
{
    struct scratch *s = *state;
    struct checkpoint *c;
    const struct tensor_info *t;
    struct make m = { 0 };

    make_gguf_head(&m, 2, 1);
    make_key_string(&m, "general.architecture", "llama");
    make_tensor(&m, &(struct make_tensor){ "up.weight", 3, 40, { 64, 3, 2 },
                                           0 });
    make_mark(&m, "scale");
    make_tensor(&m, &(struct make_tensor){ "up.scale", 1, 0, { 2 }, 224 });
    make_align(&m, 32);
    make_zeros(&m, 224 + 8);
    c = opens(scratch_put(s, "m.gguf", strbuf_slice(&m.b)), NULL);
    t = checkpoint_tensor(c, SLICE("up.weight"));
    assert_ptr_equal(t->scale.values, checkpoint_tensor(c, SLICE("up.scale")));
    assert_int_equal(t->scale.block_rows, 3);
    assert_int_equal(t->scale.n_rows, 2);
    checkpoint_close(c);
    m.b.at[make_find(&m, "scale") + 8 + 8 + 4] = 4;
    make_zeros(&m, 8);
    refuses(scratch_put(s, "m.gguf", strbuf_slice(&m.b)), ERR_FORMAT,
            "tensor up.scale: its 4 values of type f32 do not fit");
    make_drop(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, empty, close_scratch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(blocks),
        TEST(whole_tensor),
        TEST(each_row),
        TEST(refuses_misfits),
        TEST(refuses_foreign_schemes),
        TEST(nvfp4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
