#include "support/check.h"

#include "support/tiny_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HIDDEN = 64, FFN = 96, LAYERS = 2, HEADS = 4, KV_HEADS = 2, HEAD = 16,
       TYPE_BYTE = 6, TYPE_CONTROL = 3, TYPE_NORMAL = 1, TYPE_UNKNOWN = 2 };

static const char plain_template[] =
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}";

/* ---- the vocabulary ---- */

static const char *const pieces[] = {
    "\u2581", "e", "t", "a", "o", "n", "i", "s", "r", "h", "l", "d", "u", "c",
    "m", "f", "p", "g", "w", "y", "b", "v", "k", "\u2581t", "\u2581a", "he",
    "\u2581the", "in", "er", "on", "\u2581s", "re", "\u2581w", "an", "nd",
    "\u2581and", "ou", "es", "\u2581o", "or", "\u2581c", "en", "ing",
    "\u2581b", "it", "\u2581f", "\u2581of", "\u2581to", "is", "ed",
    "\u2581in", ".", ",", "!", "?", "\u00e9", "\u4f60", "\U0001F600",
};

static const char *token_text(char room[16], size_t id)
{
    static const char *const special[] = { "<unk>", "<s>", "</s>" };
    if (id < 3)
        return special[id];
    if (id < 259) {
        snprintf(room, 16, "<0x%02X>", (unsigned)(id - 3));
        return room;
    }
    if (id - 259 < sizeof pieces / sizeof *pieces)
        return pieces[id - 259];
    snprintf(room, 16, "\u2581x%zu", id);
    return room;
}

static void put_vocabulary(struct make *m)
{
    char room[16];
    make_key_string(m, "tokenizer.ggml.model", "llama");
    make_key(m, "tokenizer.ggml.tokens", 9);
    make_u32(m, 8);
    make_u64(m, TINY_TOKENS);
    for (size_t i = 0; i < TINY_TOKENS; i++)
        make_string(m, token_text(room, i));
    make_key(m, "tokenizer.ggml.scores", 9);
    make_u32(m, 6);
    make_u64(m, TINY_TOKENS);
    for (size_t i = 0; i < TINY_TOKENS; i++)
        make_f32(m, i < 259 ? 0 : -(float)(i - 259));
    make_key(m, "tokenizer.ggml.token_type", 9);
    make_u32(m, 5);
    make_u64(m, TINY_TOKENS);
    for (size_t i = 0; i < TINY_TOKENS; i++)
        make_u32(m, i == 0 ? TYPE_UNKNOWN : i < 3 ? TYPE_CONTROL
                    : i < 259 ? TYPE_BYTE : TYPE_NORMAL);
    make_key_u32(m, "tokenizer.ggml.bos_token_id", TINY_BOS);
    make_key_u32(m, "tokenizer.ggml.eos_token_id", TINY_EOS);
    make_key_u32(m, "tokenizer.ggml.unknown_token_id", 0);
}

/* ---- keys ---- */

static void put_size(struct make *m, const char *arch, const char *name,
                     uint32_t v)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", arch, name);
    make_key_u32(m, key, v);
}

static size_t put_keys(struct make *m, const struct tiny_options *o)
{
    const char *arch = o->architecture ? o->architecture : "llama";
    const char *template = o->template ? o->template : plain_template;
    char key[128];
    size_t n = 16;
    make_key_string(m, "general.architecture", arch);
    put_size(m, arch, "block_count", LAYERS);
    put_size(m, arch, "context_length", o->ctx > 0 ? o->ctx : 512);
    put_size(m, arch, "embedding_length", HIDDEN);
    put_size(m, arch, "feed_forward_length", FFN);
    put_size(m, arch, "attention.head_count", HEADS);
    put_size(m, arch, "attention.head_count_kv", KV_HEADS);
    put_size(m, arch, "rope.dimension_count", HEAD);
    snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", arch);
    make_key_f32(m, key, 1e-5f);
    put_vocabulary(m);                                  /* seven */
    if (template[0] != '\0') {
        make_key_string(m, "tokenizer.chat_template", template);
        n++;
    }
    if (o->temperature > 0) {
        make_key_f32(m, "general.sampling.temp", o->temperature);
        n++;
    }
    return n;
}

/* ---- tensors ---- */

struct shape {
    char     name[48];
    uint32_t cols, rows;      /* rows 0: a vector of ones */
};

static size_t list_shapes(struct shape *s)
{
    static const struct { const char *name; uint32_t cols, rows; } layer[] = {
        { "attn_norm", HIDDEN, 0 }, { "attn_q", HIDDEN, HEADS * HEAD },
        { "attn_k", HIDDEN, KV_HEADS * HEAD },
        { "attn_v", HIDDEN, KV_HEADS * HEAD },
        { "attn_output", HEADS * HEAD, HIDDEN }, { "ffn_norm", HIDDEN, 0 },
        { "ffn_gate", HIDDEN, FFN }, { "ffn_up", HIDDEN, FFN },
        { "ffn_down", FFN, HIDDEN },
    };
    size_t n = 0;
    s[n++] = (struct shape){ "token_embd.weight", HIDDEN, TINY_ROWS };
    s[n++] = (struct shape){ "output_norm.weight", HIDDEN, 0 };
    for (unsigned il = 0; il < LAYERS; il++)
        for (size_t i = 0; i < sizeof layer / sizeof *layer; i++, n++) {
            s[n] = (struct shape){ "", layer[i].cols, layer[i].rows };
            snprintf(s[n].name, sizeof s[n].name, "blk.%u.%s.weight", il,
                     layer[i].name);
        }
    return n;
}

static uint64_t elements(const struct shape *s)
{
    return (uint64_t)s->cols * (s->rows > 0 ? s->rows : 1);
}

static uint64_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Blocks of 32 elements: what stands before the quants, f16 values as they are
 * in the file, and the bytes of quants.  All elements lie in +-0.25. */
static const struct block {
    uint32_t gguf_id;
    unsigned n_head, n_quants;
    uint16_t head[2];
} blocks[] = {
    [TINY_Q8_0] = { 8, 1, 32, { 0x1800 } },             /* 2^-9 */
    [TINY_Q4_0] = { 2, 1, 16, { 0x2800 } },             /* 2^-5 */
    [TINY_Q4_1] = { 3, 2, 16, { 0x2800, 0xB400 } },     /* 2^-5, -0.25 */
};

static uint64_t tensor_size(const struct shape *s, enum tiny_type type)
{
    const struct block *b = &blocks[type];
    if (s->rows == 0 || type == TINY_F32)
        return elements(s) * sizeof(float);
    return elements(s) / 32 * (b->n_head * 2 + b->n_quants);
}

static void put_blocks(struct make *m, const struct shape *s,
                       const struct block *b, uint64_t *state)
{
    for (uint64_t i = 0; i < elements(s) / 32; i++) {
        for (unsigned j = 0; j < b->n_head * 2; j++)
            make_u8(m, (uint8_t)(b->head[j / 2] >> (j % 2 * 8)));
        for (unsigned j = 0; j < b->n_quants; j++)
            make_u8(m, (uint8_t)draw(state));
    }
}

static void put_values(struct make *m, const struct shape *s,
                       enum tiny_type type, uint64_t *state)
{
    float scale = s->rows == TINY_ROWS ? 1 : 1.7f / sqrtf((float)s->cols);
    if (s->rows > 0 && type != TINY_F32) {
        put_blocks(m, s, &blocks[type], state);
        return;
    }
    for (uint64_t i = 0; i < elements(s); i++) {
        float v = (float)(draw(state) & 0xFFFFFF) / (1 << 23) - 1;
        make_f32(m, s->rows == 0 ? 1 : v * scale);
    }
}

void tiny_make(struct make *m, const struct tiny_options *o)
{
    struct shape shapes[2 + LAYERS * 9];
    size_t n = o->no_weights ? 0 : list_shapes(shapes);
    uint64_t offset = 0, state = o->seed + 1;
    make_gguf_head(m, n, 0);
    make_patch(m, "n_keys", put_keys(m, o), 8);
    for (size_t i = 0; i < n; i++) {
        bool vector = shapes[i].rows == 0;
        make_tensor(m, &(struct make_tensor){ shapes[i].name, vector ? 1 : 2,
                    vector ? 0 : blocks[o->type].gguf_id,
                    { shapes[i].cols, shapes[i].rows }, offset });
        offset += (tensor_size(&shapes[i], o->type) + 31) / 32 * 32;
    }
    for (size_t i = 0; i < n; i++) {
        make_align(m, 32);
        put_values(m, &shapes[i], o->type, &state);
    }
    make_align(m, 32);
}

const char *tiny_put(struct scratch *s, const struct tiny_options *o)
{
    struct make m = { 0 };
    tiny_make(&m, o);
    const char *path = scratch_put(s, "tiny.gguf", strbuf_slice(&m.b));
    make_drop(&m);
    return path;
}
