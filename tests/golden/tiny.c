#include "support/check.h"

#include "golden/tiny_private.h"

#include "base/file.h"
#include "base/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the configuration ---- */

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

    tiny_golden_path(path, name, ".json");
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

static const char *type_name(enum dtype_id type)
{
    switch (type) {
    case DTYPE_F16:     return "F16";
    case DTYPE_BF16:    return "BF16";
    case DTYPE_F8_E4M3: return "F8_E4M3";
    default:            return "F32";
    }
}

static void write_safetensors(struct bytes *b, const struct tiny *t,
                              const struct list *l, const struct tiny_form *form)
{
    char  *header = malloc(1 << 16);
    size_t n = 0, at = 0, data;

    n += (size_t)sprintf(header, "{");
    for (size_t i = 0; i < l->n; i++) {
        const struct tensor *one = &l->at[i];
        enum dtype_id type = tiny_type(one, form);
        uint64_t      size;
        assert_true(dtype_size(dtype_get(type), one->cols == 0 ? 1 : one->cols,
                               &size));
        size *= one->rows * (one->n_stacked == 0 ? 1 : one->n_stacked);
        n += (size_t)sprintf(header + n, "%s\"%s\":{\"dtype\":\"%s\","
                             "\"shape\":[", i == 0 ? "" : ",",
                             one->as[0] != '\0' ? one->as : one->hf,
                             type_name(type));
        if (one->n_stacked > 0)
            n += (size_t)sprintf(header + n, "%llu,",
                                 (unsigned long long)one->n_stacked);
        n += (size_t)sprintf(header + n, "%llu",
                             (unsigned long long)one->rows);
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
        data = tiny_put_tensor(b->at + b->n, t, &l->at[i], form);
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

static void key_bool(struct bytes *b, const char *key, bool v)
{
    uint8_t byte = v;
    put_string(b, key);
    put_u32(b, 7);
    put(b, &byte, 1);
}

static void key_string(struct bytes *b, const char *key, const char *v)
{
    put_string(b, key);
    put_u32(b, 8);
    put_string(b, v);
}

/* The keys of NAME.list, their count before them. */
static void put_listed_keys(struct bytes *b, const struct tiny *t,
                            const struct tiny_form *form)
{
    size_t   at = b->n;
    uint64_t n = 0;
    char     path[128], line[256], kind[8], key[96], text[64];
    FILE    *f;

    put_u64(b, 0);
    tiny_golden_path(path, t->name, ".list");
    assert_non_null(f = fopen(path, "r"));
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(tiny_line(line, form), "%7s %95s %63s", kind, key, text)
            != 3)
            continue;
        n++;
        if (form->replace_key != NULL && strcmp(form->replace_key, key) == 0)
            snprintf(text, sizeof text, "%s", form->replace_by);
        if (strcmp(kind, "u32") == 0)
            key_u32(b, key, (uint32_t)strtoul(text, NULL, 10));
        else if (strcmp(kind, "f32") == 0)
            key_f32(b, key, strtod(text, NULL));
        else if (strcmp(kind, "bool") == 0)
            key_bool(b, key, text[0] == '1');
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

/* Converters make a vector of a matrix of one row. */
static void put_info(struct bytes *b, const struct tensor *one,
                     const struct tiny_form *form, uint64_t at)
{
    bool flat = one->part_rows > 0 && form->flat_heads;
    bool stacked = one->n_stacked > 0 && !flat;
    bool has_rows = one->cols == 0 || one->rows > 1;
    enum dtype_id type = tiny_type(one, form);

    put_string(b, one->gguf);
    put_u32(b, 0u + has_rows + (one->cols > 0) + stacked);
    if (one->cols != 0)
        put_u64(b, one->cols);
    if (has_rows)
        put_u64(b, flat ? one->rows * one->n_stacked : one->rows);
    if (stacked)
        put_u64(b, one->n_stacked);
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
        put_listed_keys(b, t, form);
    else
        put_keys(b, t);
    for (size_t i = 0; i < l->n; i++) {
        const struct tensor *one = &l->at[i];
        enum dtype_id type = tiny_type(one, form);
        uint64_t      row, cols = one->cols == 0 ? 1 : one->cols;
        uint64_t      times = one->n_stacked == 0 ? 1 : one->n_stacked;
        assert_true(dtype_size(dtype_get(type), cols, &row));
        put_info(b, one, form, at);
        at += pad32((size_t)(row * one->rows * times));
    }
    if (freqs)
        put_info(b, &(struct tensor){ .gguf = "rope_freqs.weight",
                                      .rows = t->n_divisors }, form, at);
    b->n = pad32(b->n);
    for (size_t i = 0; i < l->n; i++) {
        data = tiny_put_tensor(b->at + b->n, t, &l->at[i], form);
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

    tiny_golden_path(path, t->name, form->old_config ? "-old.json" : ".json");
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
    tiny_list(l, t, form);
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
