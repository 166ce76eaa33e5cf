#include "support/check.h"

#include "golden/tiny.h"

#include "base/file.h"
#include "base/json.h"
#include "kernels/dispatch.h"
#include "weights/weight.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the counter ---- */

static uint64_t fnv1a(const char *text)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 0x100000001B3u;
    return h;
}

static uint64_t raw(uint64_t seed, const char *name, uint64_t i)
{
    uint64_t z = fnv1a(name) + seed * 0x9E3779B97F4A7C15u;

    z += (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static bool ends(const char *text, const char *tail)
{
    size_t n = strlen(text), m = strlen(tail);
    return n >= m && strcmp(text + n - m, tail) == 0;
}

static float value(uint64_t seed, const char *name, uint64_t i, uint64_t cols)
{
    double u = (double)(raw(seed, name, i) >> 40) / 8388608.0 - 1.0;

    if (ends(name, "norm.weight"))
        return (float)(1.0 + 0.3 * u);
    if (ends(name, ".bias"))
        return (float)(0.2 * u);
    if (strcmp(name, "model.embed_tokens.weight") == 0)
        return (float)u;
    return (float)(u * (2.2 / sqrt((double)cols)));
}

void tiny_tokens(const struct tiny *t, int32_t *token, size_t n)
{
    for (size_t i = 0; i < n; i++)
        token[i] = (int32_t)(raw(t->seed, "tokens", i) % t->vocab);
}

/* ---- the configuration ---- */

/* "plain" is a Llama, "gemma3/plain" says its folder. */
static void golden_path(char path[128], const char *name, const char *suffix)
{
    snprintf(path, 128, "tests/golden/%s%s%s",
             strchr(name, '/') == NULL ? "llama/" : "", name, suffix);
}

static uint32_t number(const struct json *v, const char *key, uint32_t otherwise)
{
    const struct json *n = json_path(v, key);
    return json_is(n, JSON_INT) ? (uint32_t)n->integer.magnitude : otherwise;
}

static double real(const struct json *v, const char *key, double otherwise)
{
    const struct json *n = json_path(v, key);
    return n == NULL ? otherwise : n->number;
}

static bool truth(const struct json *v, const char *key)
{
    const struct json *n = json_get(v, key);
    return json_is(n, JSON_BOOL) && n->boolean;
}

void tiny_read(struct tiny *t, const char *name)
{
    struct arena arena = { 0 };
    struct json *v;
    struct file  f;
    char         path[128];

    golden_path(path, name, ".json");
    assert_int_equal(file_open(&f, path, NULL), ERR_OK);
    assert_int_equal(json_parse(&v, &arena, file_slice(&f), 16, NULL), ERR_OK);
    *t = (struct tiny){
        .name = name,
        .hidden = number(v, "hidden_size", 0),
        .ffn = number(v, "intermediate_size", 0),
        .n_layer = number(v, "num_hidden_layers", 0),
        .n_head = number(v, "num_attention_heads", 0),
        .n_kv = number(v, "num_key_value_heads", 0),
        .head_dim = number(v, "head_dim", 0),
        .vocab = number(v, "vocab_size", 0),
        .context = number(v, "max_position_embeddings", 0),
        .attention_bias = truth(v, "attention_bias"),
        .mlp_bias = truth(v, "mlp_bias"),
        .tied = truth(v, "tie_word_embeddings"),
        .eps = real(v, "rms_norm_eps", 0),
        .theta = real(v, "rope_parameters.rope_theta", 0),
        .rope_factor = real(v, "rope_parameters.factor", 1),
        .rope_original = number(v, "rope_parameters."
                                "original_max_position_embeddings", 0),
    };
    const struct json *type = json_path(v, "rope_parameters.rope_type");
    if (type != NULL)
        snprintf(t->rope_type, sizeof t->rope_type, "%.*s",
                 (int)type->string.len, type->string.at);
    for (const char *c = name; *c; c++)
        t->seed += (uint8_t)*c;
    arena_drop(&arena);
    file_close(&f);
}

/* ---- the tensors ---- */

enum { TENSORS_MAX = 128, VALUES_MAX = 16 };

struct tensor {
    char     hf[96], gguf[64];
    uint64_t rows, cols;           /* cols 0: a vector */
    uint32_t permute_heads;        /* q, k in GGUF; 0: rows as they are */
    float    add;                  /* to each element in GGUF */
    bool     given;                /* GGUF alone has it, with these values */
    float    value[VALUES_MAX];
};

struct list {
    struct tensor at[TENSORS_MAX];
    size_t        n;
};

static void add_tensor(struct list *l, struct tensor t)
{
    assert_true(l->n < TENSORS_MAX);
    l->at[l->n++] = t;
}

static void add_linear(struct list *l, struct tensor t, bool bias)
{
    struct tensor b = t;

    snprintf(t.hf + strlen(t.hf), 8, ".weight");
    snprintf(t.gguf + strlen(t.gguf), 8, ".weight");
    add_tensor(l, t);
    if (!bias)
        return;
    snprintf(b.hf + strlen(b.hf), 8, ".bias");
    snprintf(b.gguf + strlen(b.gguf), 8, ".bias");
    b.cols = 0;
    add_tensor(l, b);
}

static void add_layer(struct list *l, const struct tiny *t, uint32_t i)
{
    uint64_t q = (uint64_t)t->n_head * t->head_dim;
    uint64_t kv = (uint64_t)t->n_kv * t->head_dim;
    const struct {
        const char *hf, *gguf;
        uint64_t    rows, cols;
        bool        bias;
        uint32_t    permute_heads;
    } rows[] = {
        { "input_layernorm", "attn_norm", t->hidden, 0, false, 0 },
        { "self_attn.q_proj", "attn_q", q, t->hidden, t->attention_bias,
          t->n_head },
        { "self_attn.k_proj", "attn_k", kv, t->hidden, t->attention_bias,
          t->n_kv },
        { "self_attn.v_proj", "attn_v", kv, t->hidden, t->attention_bias, 0 },
        { "self_attn.o_proj", "attn_output", t->hidden, q, t->attention_bias,
          0 },
        { "post_attention_layernorm", "ffn_norm", t->hidden, 0, false, 0 },
        { "mlp.gate_proj", "ffn_gate", t->ffn, t->hidden, t->mlp_bias, 0 },
        { "mlp.up_proj", "ffn_up", t->ffn, t->hidden, t->mlp_bias, 0 },
        { "mlp.down_proj", "ffn_down", t->hidden, t->ffn, t->mlp_bias, 0 },
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct tensor one = { .rows = rows[r].rows, .cols = rows[r].cols,
                              .permute_heads = rows[r].permute_heads };
        snprintf(one.hf, 80, "model.layers.%u.%s", i, rows[r].hf);
        snprintf(one.gguf, 48, "blk.%u.%s", i, rows[r].gguf);
        add_linear(l, one, rows[r].bias);
    }
}

/* The tensors of NAME.list (tools/golden/families.py). */
static void read_list(struct list *l, const struct tiny *t, bool gguf)
{
    char  path[128], line[256];
    FILE *f;

    golden_path(path, t->name, ".list");
    assert_non_null(f = fopen(path, "r"));
    while (fgets(line, sizeof line, f) != NULL) {
        struct tensor      one = { .rows = 0 };
        unsigned long long rows, cols;
        if (sscanf(line, "tensor %95s %63s %llu %llu %f", one.hf, one.gguf,
                   &rows, &cols, &one.add) == 5) {
            one.rows = rows;
            one.cols = cols;
            add_tensor(l, one);
        } else if (gguf && sscanf(line, "value %63s %f", one.gguf,
                                  &one.value[0]) == 2) {
            struct tensor *last = &l->at[l->n - 1];
            one.given = true;
            if (strcmp(last->gguf, one.gguf) != 0)
                add_tensor(l, one);
            last = &l->at[l->n - 1];
            assert_true(last->rows < VALUES_MAX);
            last->value[last->rows++] = one.value[0];
        }
    }
    fclose(f);
}

static void list_llama(struct list *l, const struct tiny *t)
{
    add_tensor(l, (struct tensor){ .hf = "model.embed_tokens.weight",
               .gguf = "token_embd.weight", .rows = t->vocab,
               .cols = t->hidden });
    for (uint32_t i = 0; i < t->n_layer; i++)
        add_layer(l, t, i);
    add_tensor(l, (struct tensor){ .hf = "model.norm.weight",
               .gguf = "output_norm.weight", .rows = t->hidden });
    if (!t->tied)
        add_tensor(l, (struct tensor){ .hf = "lm_head.weight",
                   .gguf = "output.weight", .rows = t->vocab,
                   .cols = t->hidden });
}

static void make_list(struct list *l, const struct tiny *t,
                      const struct tiny_form *form)
{
    l->n = 0;
    if (strchr(t->name, '/') != NULL)
        read_list(l, t, form->gguf);
    else
        list_llama(l, t);
    for (size_t i = 0; i < l->n; i++) {
        if (form->wrong_shape && strcmp(l->at[i].hf, form->wrong_shape) == 0)
            l->at[i].rows++;
        if (form->leave_out && strcmp(l->at[i].hf, form->leave_out) == 0)
            l->at[i--] = l->at[--l->n];
    }
}

static const struct weight_format *format_of(enum dtype_id type)
{
    const struct weight_format *f = weight_find(isa_at(0)->weights, type);
    assert_non_null(f);
    return f;
}

/* HF row j * (d / 2) + i of a head is GGUF row 2 * i + j. */
static uint64_t source_row(const struct tensor *t, uint64_t row, bool gguf)
{
    uint64_t d, in;

    if (t->permute_heads == 0 || !gguf)
        return row;
    d = t->rows / t->permute_heads;
    in = row % d;
    return row - in + in % 2 * (d / 2) + in / 2;
}

/* What the form says of rounding, done to one row. */
static void round_row(float *x, const struct tensor *one,
                      const struct tiny_form *form)
{
    enum dtype_id type = form->rounded;
    uint8_t       rounded[4096];

    if (one->cols == 0
        || (form->unrounded && strcmp(one->hf, form->unrounded) == 0))
        return;
    if (one->cols % dtype_get(type)->block_len != 0)
        type = form->rounded_odd;
    if (type == DTYPE_F32)
        return;
    format_of(type)->quantize(rounded, x, (size_t)one->cols);
    format_of(type)->expand(x, rounded, (size_t)one->cols);
}

/* One row of a tensor, as it is stored; the bytes it takes. */
static size_t put_row(uint8_t *to, const struct tiny *t,
                      const struct tensor *one, const struct tiny_form *form,
                      uint64_t row)
{
    uint64_t cols = one->cols == 0 ? 1 : one->cols;
    uint64_t from = source_row(one, row, form->gguf), size;
    enum dtype_id type = one->cols == 0 ? DTYPE_F32 : form->type;
    float  x[1024];

    for (uint64_t c = 0; c < cols; c++)
        x[c] = one->given ? one->value[row]
             : value(t->seed, one->hf, from * cols + c, cols)
               + (form->gguf ? one->add : 0.0f);
    if (form->huge && row == 0 && strcmp(one->hf, form->huge) == 0)
        x[0] = form->huge_value;
    round_row(x, one, form);
    format_of(type)->quantize(to, x, (size_t)cols);
    assert_true(dtype_size(dtype_get(type), cols, &size));
    return (size_t)size;
}

static size_t put_tensor(uint8_t *to, const struct tiny *t,
                         const struct tensor *one, const struct tiny_form *form)
{
    size_t n = 0;
    for (uint64_t r = 0; r < one->rows; r++)
        n += put_row(to + n, t, one, form, r);
    return n;
}

/* ---- files ---- */

struct bytes {
    uint8_t *at;
    size_t   n;
};

enum { FILE_MAX = 16 << 20 };

static void put(struct bytes *b, const void *at, size_t n)
{
    assert_true(b->n + n <= FILE_MAX);
    memcpy(b->at + b->n, at, n);
    b->n += n;
}

static void put_u32(struct bytes *b, uint32_t v)
{
    put(b, &v, 4);
}

static void put_u64(struct bytes *b, uint64_t v)
{
    put(b, &v, 8);
}

static void put_string(struct bytes *b, const char *text)
{
    put_u64(b, strlen(text));
    put(b, text, strlen(text));
}

static void save(const struct bytes *b, const char *path)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->at, 1, b->n, f), b->n);
    fclose(f);
}

static void write_safetensors(struct bytes *b, const struct tiny *t,
                              const struct list *l, const struct tiny_form *form)
{
    static const char *const names[] = { [DTYPE_F32] = "F32",
                                         [DTYPE_F16] = "F16" };
    char  *header = malloc(1 << 16);
    size_t n = 0, at = 0, data;

    n += (size_t)sprintf(header, "{");
    for (size_t i = 0; i < l->n; i++) {
        const struct tensor *one = &l->at[i];
        const char *type = one->cols == 0 || form->type == DTYPE_F32
                         ? names[DTYPE_F32]
                         : form->type == DTYPE_BF16 ? "BF16" : "F16";
        uint64_t size = one->rows * (one->cols == 0 ? 1 : one->cols)
                      * (strcmp(type, "F32") == 0 ? 4 : 2);
        n += (size_t)sprintf(header + n, "%s\"%s\":{\"dtype\":\"%s\","
                             "\"shape\":[%llu", i == 0 ? "" : ",", one->hf,
                             type, (unsigned long long)one->rows);
        if (one->cols != 0)
            n += (size_t)sprintf(header + n, ",%llu",
                                 (unsigned long long)one->cols);
        n += (size_t)sprintf(header + n, "],\"data_offsets\":[%zu,%zu]}", at,
                             at + (size_t)size);
        at += (size_t)size;
    }
    n += (size_t)sprintf(header + n, "}");
    while (n % 8 != 0)
        header[n++] = ' ';
    put_u64(b, n);
    put(b, header, n);
    for (size_t i = 0; i < l->n; i++) {
        data = put_tensor(b->at + b->n, t, &l->at[i], form);
        b->n += data;
        assert_true(b->n < FILE_MAX);
    }
    free(header);
}

static void key_u32(struct bytes *b, const char *key, uint32_t v)
{
    put_string(b, key);
    put_u32(b, 4);
    put_u32(b, v);
}

static void key_f32(struct bytes *b, const char *key, double v)
{
    float f = (float)v;
    put_string(b, key);
    put_u32(b, 6);
    put(b, &f, 4);
}

static void key_string(struct bytes *b, const char *key, const char *v)
{
    put_string(b, key);
    put_u32(b, 8);
    put_string(b, v);
}

/* The keys of NAME.list, their count before them. */
static void put_listed_keys(struct bytes *b, const struct tiny *t)
{
    size_t   at = b->n;
    uint64_t n = 0;
    char     path[128], line[256], kind[8], key[96], text[64];
    FILE    *f;

    put_u64(b, 0);
    golden_path(path, t->name, ".list");
    assert_non_null(f = fopen(path, "r"));
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%7s %95s %63s", kind, key, text) != 3)
            continue;
        n++;
        if (strcmp(kind, "u32") == 0)
            key_u32(b, key, (uint32_t)strtoul(text, NULL, 10));
        else if (strcmp(kind, "f32") == 0)
            key_f32(b, key, strtod(text, NULL));
        else if (strcmp(kind, "string") == 0)
            key_string(b, key, text);
        else
            n--;
    }
    assert_true(n > 0);
    memcpy(b->at + at, &n, sizeof n);
    fclose(f);
}

static void put_keys(struct bytes *b, const struct tiny *t)
{
    bool linear = strcmp(t->rope_type, "linear") == 0;
    bool yarn = strcmp(t->rope_type, "yarn") == 0;

    put_u64(b, (uint64_t)12 + (linear ? 2 : yarn ? 3 : 0));
    key_string(b, "general.architecture", "llama");
    key_u32(b, "llama.block_count", t->n_layer);
    key_u32(b, "llama.context_length", t->context);
    key_u32(b, "llama.embedding_length", t->hidden);
    key_u32(b, "llama.feed_forward_length", t->ffn);
    key_u32(b, "llama.attention.head_count", t->n_head);
    key_u32(b, "llama.attention.head_count_kv", t->n_kv);
    key_u32(b, "llama.attention.key_length", t->head_dim);
    key_u32(b, "llama.attention.value_length", t->head_dim);
    key_u32(b, "llama.rope.dimension_count", t->head_dim);
    key_f32(b, "llama.attention.layer_norm_rms_epsilon", t->eps);
    key_f32(b, "llama.rope.freq_base", t->theta);
    if (linear || yarn) {
        key_string(b, "llama.rope.scaling.type", t->rope_type);
        key_f32(b, "llama.rope.scaling.factor", t->rope_factor);
    }
    if (yarn)
        key_u32(b, "llama.rope.scaling.original_context_length",
                t->rope_original);
}

static size_t pad32(size_t n)
{
    return (n + 31) / 32 * 32;
}

static void put_info(struct bytes *b, const char *name, uint64_t rows,
                     uint64_t cols, enum dtype_id type, uint64_t at)
{
    put_string(b, name);
    put_u32(b, cols == 0 ? 1 : 2);
    if (cols != 0)
        put_u64(b, cols);
    put_u64(b, rows);
    put_u32(b, (uint32_t)dtype_get(type)->gguf_id);
    put_u64(b, at);
}

static void write_gguf(struct bytes *b, const struct tiny *t,
                       const struct list *l, const struct tiny_form *form)
{
    bool   freqs = t->n_divisors > 0;
    size_t at = 0, data;

    put(b, "GGUF", 4);
    put_u32(b, 3);
    put_u64(b, l->n + freqs);
    if (strchr(t->name, '/') != NULL)
        put_listed_keys(b, t);
    else
        put_keys(b, t);
    for (size_t i = 0; i < l->n; i++) {
        const struct tensor *one = &l->at[i];
        enum dtype_id type = one->cols == 0 ? DTYPE_F32 : form->type;
        uint64_t      row, cols = one->cols == 0 ? 1 : one->cols;
        assert_true(dtype_size(dtype_get(type), cols, &row));
        put_info(b, one->gguf, one->rows, one->cols, type, at);
        at += pad32((size_t)(row * one->rows));
    }
    if (freqs)
        put_info(b, "rope_freqs.weight", t->n_divisors, 0, DTYPE_F32, at);
    b->n = pad32(b->n);
    for (size_t i = 0; i < l->n; i++) {
        data = put_tensor(b->at + b->n, t, &l->at[i], form);
        b->n = pad32(b->n + data);
    }
    if (freqs)
        put(b, t->divisors, t->n_divisors * sizeof *t->divisors);
    b->n = pad32(b->n);
}

/* The committed config.json, one value perhaps replaced. */
static void write_config(struct bytes *b, const struct tiny *t,
                         const struct tiny_form *form)
{
    char        path[128], key[64];
    struct file f;

    golden_path(path, t->name, form->old_config ? "-old.json" : ".json");
    assert_int_equal(file_open(&f, path, NULL), ERR_OK);
    struct slice s = file_slice(&f);
    if (form->replace_key == NULL) {
        put(b, s.at, s.len);
    } else {
        snprintf(key, sizeof key, "\"%s\": ", form->replace_key);
        size_t at = slice_find(s, slice_of(key), 0) + strlen(key), end = at;
        assert_true(at < s.len);
        if (s.at[at] == '[')
            end = slice_find(s, slice_of("]"), at) + 1;
        while (s.at[end] != ',' && s.at[end] != '\n')
            end++;
        put(b, s.at, at);
        put(b, form->replace_by, strlen(form->replace_by));
        put(b, s.at + end, s.len - end);
    }
    file_close(&f);
}

struct tiny_path tiny_write(const struct tiny *t, const struct tiny_form *form)
{
    struct tiny_path p = { .dir = "/tmp/osmia-tiny-XXXXXX" };
    struct bytes     b = { calloc(1, FILE_MAX), 0 };
    struct list     *l = malloc(sizeof *l);
    char             path[128];

    assert_non_null(mkdtemp(p.dir));
    assert_non_null(b.at);
    make_list(l, t, form);
    if (form->gguf) {
        snprintf(p.open, sizeof p.open, "%s/model.gguf", p.dir);
        write_gguf(&b, t, l, form);
        save(&b, p.open);
    } else {
        snprintf(p.open, sizeof p.open, "%s", p.dir);
        snprintf(path, sizeof path, "%s/model.safetensors", p.dir);
        write_safetensors(&b, t, l, form);
        save(&b, path);
        b.n = 0;
        write_config(&b, t, form);
        snprintf(path, sizeof path, "%s/config.json", p.dir);
        save(&b, path);
    }
    free(b.at);
    free(l);
    return p;
}

void tiny_remove(const struct tiny_path *p)
{
    static const char *const files[] = { "model.gguf", "model.safetensors",
                                         "config.json" };
    char path[128];

    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", p->dir, files[i]);
        unlink(path);
    }
    rmdir(p->dir);
}
