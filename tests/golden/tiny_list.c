#include "support/check.h"

#include "golden/tiny_private.h"

#include "kernels/dispatch.h"
#include "weights/weight.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the counter ---- */

static uint64_t fnv1a(const char *text)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 0x100000001B3u;
    return h;
}

/* Where the counter of a tensor begins. */
static uint64_t start_of(uint64_t seed, const char *name)
{
    return fnv1a(name) + seed * 0x9E3779B97F4A7C15u;
}

static uint64_t raw(uint64_t start, uint64_t i)
{
    uint64_t z = start + (i + 1) * 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static bool ends(const char *text, const char *tail)
{
    size_t n = strlen(text), m = strlen(tail);
    return n >= m && strcmp(text + n - m, tail) == 0;
}

/* How a tensor's values are drawn: base + spread * (-1 .. 1).  Vectors (cols 0)
 * that are no bias are norms. */
struct draw {
    uint64_t start;
    double   base, spread;
};

static struct draw draw_of(uint64_t seed, const char *name, uint64_t cols)
{
    struct draw d = { start_of(seed, name), 0.0, 1.0 };

    if (ends(name, ".bias") || ends(name, "_bias")) {
        d.spread = 0.2;
    } else if (cols == 0) {
        d.base = 1.0;
        d.spread = 0.3;
    } else if (strcmp(name, "model.embed_tokens.weight") != 0) {
        d.spread = 2.2 / sqrt((double)cols);
    }
    return d;
}

static float value(const struct draw *d, uint64_t i)
{
    double u = (double)(raw(d->start, i) >> 40) / 8388608.0 - 1.0;
    return (float)(d->base + d->spread * u);
}

/* FP8 files hold codes and scales from the counter: no NaN among them, and of the
 * size that other matrices have. */
static uint8_t fp8_code(uint64_t start, uint64_t i)
{
    uint8_t code = (uint8_t)(raw(start, i) >> 40);
    return (code & 0x7F) == 0x7F ? (uint8_t)(code - 1) : code;
}

static float fp8_scale(uint64_t start, uint64_t i, uint64_t cols)
{
    double u = (double)(raw(start, i) >> 40) / 8388608.0 - 1.0;
    return (float)((1.0 + 0.5 * u) * 0.0125 / sqrt((double)cols));
}

void tiny_tokens(const struct tiny *t, int32_t *token, size_t n)
{
    uint64_t start = start_of(t->seed, "tokens");

    for (size_t i = 0; i < n; i++)
        token[i] = (int32_t)(raw(start, i) % t->vocab);
}

/* ---- names and types ---- */

/* "plain" is a Llama, "gemma3/plain" says its folder. */
void tiny_golden_path(char path[128], const char *name, const char *suffix)
{
    snprintf(path, 128, "tests/golden/%s%s%s",
             strchr(name, '/') == NULL ? "llama/" : "", name, suffix);
}

void tiny_expert_name(char name[96], const char *hf, uint64_t e)
{
    const char *star = strchr(hf, '*');

    if (star == NULL)
        snprintf(name, 96, "%s", hf);
    else
        snprintf(name, 96, "%.*s%u%s", (int)(star - hf), hf, (unsigned)e,
                 star + 1);
}

bool tiny_is_fp8(const struct tensor *one)
{
    return one->cols != 0 && one->scales == 0
        && strstr(one->hf, ".layers.") != NULL
        && strstr(one->hf, "mlp.gate.") == NULL;
}

enum dtype_id tiny_type(const struct tensor *one, const struct tiny_form *form)
{
    if (one->cols == 0 || one->scales != 0
        || (form->type == DTYPE_F8_E4M3 && !tiny_is_fp8(one)))
        return DTYPE_F32;
    return form->type;
}

/* ---- the tensors ---- */

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

const char *tiny_line(const char *line, const struct tiny_form *form)
{
    static const struct {
        const char *word;
        bool        gguf, old;
    } only[] = { { "hf ", false, false }, { "old ", true, true },
                 { "new ", true, false } };

    for (size_t i = 0; i < 3; i++)
        if (strncmp(line, only[i].word, strlen(only[i].word)) == 0)
            return form->gguf == only[i].gguf
                   && (!form->gguf || form->old_gguf == only[i].old)
                 ? line + strlen(only[i].word) : "";
    return line;
}

static void add_value(struct list *l, const char *name, float value)
{
    struct tensor *last = &l->at[l->n - 1];

    if (strcmp(last->gguf, name) != 0) {
        struct tensor one = { .given = true };
        snprintf(one.gguf, sizeof one.gguf, "%s", name);
        add_tensor(l, one);
        last = &l->at[l->n - 1];
    }
    assert_true(last->rows < VALUES_MAX);
    last->value[last->rows++] = value;
}

static void read_line(struct list *l, const char *line, bool gguf)
{
    struct tensor      one = { .rows = 0 };
    unsigned long long n[6];
    unsigned           permute = 0;
    float              value;

    if (sscanf(line, "tensor %95s %63s %llu %llu %f %u", one.hf, one.gguf,
               &n[0], &n[1], &one.add, &permute) >= 5) {
        one.rows = n[0];
        one.cols = n[1];
        one.permute_heads = permute;
        add_tensor(l, one);
    } else if (sscanf(line, "stack %95s %63s %llu %llu %llu", one.hf,
                      one.gguf, &n[0], &n[1], &n[2]) == 5) {
        one.n_stacked = n[0];
        one.rows = n[1];
        one.cols = n[2];
        add_tensor(l, one);
    } else if (sscanf(line, "heads %95s %63s %llu %llu %llu %llu %llu %llu",
                      one.hf, one.gguf, &n[0], &n[1], &n[2], &n[3], &n[4],
                      &n[5]) == 8) {
        one.n_stacked = n[0];
        one.part_rows = n[1];
        one.part_from = n[2];
        one.turned = n[5] != 0;
        one.rows = one.turned ? n[4] : n[3];
        one.cols = one.turned ? n[3] : n[4];
        add_tensor(l, one);
    } else if (gguf && sscanf(line, "value %63s %f", one.gguf, &value) == 2) {
        add_value(l, one.gguf, value);
    }
}

/* The tensors of NAME.list (tools/golden/families.py). */
static void read_list(struct list *l, const struct tiny *t,
                      const struct tiny_form *form)
{
    char  path[128], line[256];
    FILE *f;

    tiny_golden_path(path, t->name, ".list");
    assert_non_null(f = fopen(path, "r"));
    while (fgets(line, sizeof line, f) != NULL)
        read_line(l, tiny_line(line, form), form->gguf);
    fclose(f);
}

/* "blk.0.ffn_gate_exps.weight" is "blk.0.ffn_gate.5.weight" of one expert. */
static void name_apart(struct tensor *one, const char *all, uint64_t e)
{
    const char *cut = strstr(all, "_exps");

    snprintf(one->gguf, sizeof one->gguf, "%.*s.%u%s", (int)(cut - all), all,
             (unsigned)e, cut + strlen("_exps"));
}

/* Experts that are one tensor in GGUF are many otherwise. */
static void unstack(struct list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct tensor all = l->at[i];
        const char   *star = strchr(all.hf, '*');
        if (star == NULL)
            continue;
        l->at[i] = l->at[--l->n];
        for (uint64_t e = 0; e < all.n_stacked; e++) {
            struct tensor one = all;
            tiny_expert_name(one.hf, all.hf, e);
            if (strstr(all.gguf, "_exps") != NULL)
                name_apart(&one, all.gguf, e);
            one.n_stacked = 0;
            add_tensor(l, one);
        }
        i--;
    }
}

/* Gate and up of a layer become one tensor under new names, down gets one. */
static void fuse(struct list *l)
{
    size_t   to = 0;
    unsigned block = 0;

    for (size_t i = 0; i < l->n; i++) {
        struct tensor one = l->at[i];
        sscanf(one.gguf, "blk.%u.", &block);
        if (strstr(one.gguf, "ffn_gate_exps") != NULL) {
            /* Behind it, as families.py lists them. */
            assert_non_null(strstr(l->at[i + 1].gguf, "ffn_up_exps"));
            memcpy(one.second, l->at[++i].hf, sizeof one.second);
            one.rows *= 2;
            snprintf(one.gguf, sizeof one.gguf,
                     "blk.%u.ffn_gate_up_exps.weight", block);
            snprintf(one.as, sizeof one.as,
                     "model.layers.%u.mlp.experts.gate_up_proj", block);
        } else if (strstr(one.gguf, "ffn_down_exps") != NULL) {
            snprintf(one.as, sizeof one.as,
                     "model.layers.%u.mlp.experts.down_proj", block);
        } else if (strstr(one.gguf, "ffn_gate_inp.") != NULL) {
            snprintf(one.as, sizeof one.as, "model.layers.%u.mlp.gate.weight",
                     block);
        }
        l->at[to++] = one;
    }
    l->n = to;
}

/* FP8: a matrix of a layer has scales beside it; the router has none. */
static void add_scales(struct list *l)
{
    for (size_t i = 0, n = l->n; i < n; i++) {
        struct tensor one = l->at[i];
        if (!tiny_is_fp8(&one))
            continue;
        one.scales = one.cols;
        one.rows = (one.rows + FP8_BLOCK - 1) / FP8_BLOCK;
        one.cols = (one.cols + FP8_BLOCK - 1) / FP8_BLOCK;
        snprintf(one.hf + strlen(one.hf), 12, "_scale_inv");
        add_tensor(l, one);
    }
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

static bool is_called(const struct tensor *one, const char *name)
{
    return name != NULL
        && (strcmp(one->hf, name) == 0 || strcmp(one->as, name) == 0);
}

void tiny_list(struct list *l, const struct tiny *t,
               const struct tiny_form *form)
{
    l->n = 0;
    if (strchr(t->name, '/') != NULL)
        read_list(l, t, form);
    else
        list_llama(l, t);
    if (form->experts == EXPERTS_FUSED)
        fuse(l);
    else if (!form->gguf || form->experts == EXPERTS_APART)
        unstack(l);
    if (form->type == DTYPE_F8_E4M3)
        add_scales(l);
    for (size_t i = 0; i < l->n; i++) {
        if (is_called(&l->at[i], form->wrong_shape))
            l->at[i].rows++;
        if (is_called(&l->at[i], form->short_stack))
            l->at[i].n_stacked--;
        if (is_called(&l->at[i], form->leave_out))
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

/* Number `i` of the HF tensor that element [row][c] is. */
static uint64_t source(const struct tensor *one, bool gguf, uint64_t row,
                       uint64_t c)
{
    uint64_t cols = one->cols == 0 ? 1 : one->cols;
    uint64_t part = row / one->rows, in = row % one->rows;

    if (one->part_rows == 0)
        return source_row(one, in, gguf) * cols + c;
    row = part * one->part_rows + one->part_from;
    return one->turned ? (row + c) * one->rows + in : (row + in) * cols + c;
}

/* The values of one row, before they are rounded. */
static void draw_row(float *x, const struct tiny *t, const struct tensor *one,
                     bool gguf, uint64_t row)
{
    char        name[96];
    uint64_t    cols = one->cols == 0 ? 1 : one->cols;
    uint64_t    half = one->second[0] == '\0' ? one->rows : one->rows / 2;
    bool        second = row % one->rows >= half;
    struct draw d;

    tiny_expert_name(name, second ? one->second : one->hf, row / one->rows);
    d = draw_of(t->seed, name, one->turned ? one->rows : one->cols);
    for (uint64_t c = 0; c < cols; c++) {
        uint64_t i = source(one, gguf, row, c) - (second ? half * cols : 0);
        if (one->given)
            x[c] = one->value[row];
        else if (one->scales > 0)
            x[c] = fp8_scale(d.start, i, one->scales);
        else
            x[c] = value(&d, i) + (gguf ? one->add : 0.0f);
    }
}

/* One row of a tensor, as it is stored; the bytes it takes. */
static size_t put_row(uint8_t *to, const struct tiny *t,
                      const struct tensor *one, const struct tiny_form *form,
                      uint64_t row)
{
    uint64_t cols = one->cols == 0 ? 1 : one->cols, size;
    enum dtype_id type = tiny_type(one, form);
    float  x[1024];

    if (type == DTYPE_F8_E4M3) {
        uint64_t start = start_of(t->seed, one->hf);
        for (uint64_t c = 0; c < cols; c++)
            to[c] = fp8_code(start, row * cols + c);
        return (size_t)cols;
    }
    draw_row(x, t, one, form->gguf, row);
    if (form->huge && row == 0 && strcmp(one->hf, form->huge) == 0)
        x[0] = form->huge_value;
    round_row(x, one, form);
    format_of(type)->quantize(to, x, (size_t)cols);
    assert_true(dtype_size(dtype_get(type), cols, &size));
    return (size_t)size;
}

size_t tiny_put_tensor(uint8_t *to, const struct tiny *t,
                       const struct tensor *one, const struct tiny_form *form)
{
    uint64_t times = one->n_stacked == 0 ? 1 : one->n_stacked;
    size_t   n = 0;

    for (uint64_t r = 0; r < one->rows * times; r++)
        n += put_row(to + n, t, one, form, r);
    return n;
}
