/* Any text as one of the JSON files beside the weights; its first letter says
 * which: c, g, t or j, the rest is the file. */
#include "fuzz.h"

#include "fuzz_folder.h"

#define FP8 "{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[4,4],"                   \
            "\"data_offsets\":[0,16]},\"w_scale\":{\"dtype\":\"F32\","         \
            "\"shape\":[4,1],\"data_offsets\":[16,32]},\"w_scale_inv\":{"      \
            "\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[32,48]}}"
#define PLAIN "{\"quantization_config\":{\"quant_method\":\"fp8\","            \
              "\"weight_block_size\":[2,2]}}"

static const char *file_of(uint8_t letter)
{
    switch (letter) {
    case 'g': return "generation_config.json";
    case 't': return "tokenizer_config.json";
    case 'j': return "chat_template.json";
    default:  return "config.json";
    }
}

/* Every getter at a key: right or wrong, none may fall over. */
static void try_key(const struct keys *k, struct key_name name, size_t i)
{
    struct slice text;
    uint32_t u = 3;
    int64_t whole;
    double d = 0.5;
    bool yes;

    if (keys_uint(&u, k, name, (struct uint_range){ 3, 9 }, NULL) == ERR_OK)
        assert(u >= 3 && u <= 9);
    if (keys_float(&d, k, name, 0, 1, NULL) == ERR_OK)
        assert(d >= 0 && d <= 1);
    keys_int_at(&whole, k, name, i, NULL);
    keys_float_at(&d, k, name, i, NULL);
    keys_bool_at(&yes, k, name, i, NULL);
    keys_string_at(&text, k, name, i, NULL);
}

static void try_keys(void)
{
    static const char *const names[] = { "a", "b", "a.b", "b.a", "a.a.a", "w",
                                         "tie_word_embeddings", "" };
    struct checkpoint_options o = { .no_weights = true };
    struct strbuf value = { 0 };
    struct checkpoint *c;
    struct slice name;

    if (checkpoint_open(&c, folder.dir, &o, NULL) != ERR_OK)
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        try_key(&c->keys, (struct key_name){ names[i], NULL }, i);
    for (size_t i = 0; keys_show(&c->keys, i, &name, &value); i++)
        strbuf_clear(&value);
    strbuf_drop(&value);
    checkpoint_close(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *name;

    if (folder_open())
        folder_weights("model.safetensors", FP8, 48);
    if (size == 0)
        return 0;
    scratch_text(&folder, "config.json", PLAIN);
    name = file_of(data[0]);
    scratch_put(&folder, name, (struct slice){ (const char *)data + 1,
                                               size - 1 });
    folder_try();
    try_keys();
    scratch_remove(&folder, name);
    return 0;
}
