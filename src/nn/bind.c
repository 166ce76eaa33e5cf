/* One loop finds, checks and loads what an architecture wants.
 *
 * For each row: spell the name for this kind of file, look it up; if it is not
 * there or has other rows, see whether it is part of a fused tensor (qkv, gate
 * and up) or of a stack of experts; check the shape against the configuration;
 * hand the rows to the device, which packs or converts them.  What a file
 * calls its tensors is data here (spell, fused); nothing above knows. */
#include "nn/bind_private.h"

#include "base/file.h"
#include "base/notice.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

void bind_spell(char name[BIND_NAME_SIZE], enum naming naming, const char *gguf,
                const char *hf, int64_t layer, const char *suffix)
{
    const char *stem = naming == NAMING_GGUF ? gguf : hf;

    if (stem == NULL)                /* this kind of file has no such tensor */
        snprintf(name, BIND_NAME_SIZE, "%s", "");
    else if (layer < 0)
        snprintf(name, BIND_NAME_SIZE, "%s%s", stem, suffix);
    else if (naming == NAMING_GGUF)
        snprintf(name, BIND_NAME_SIZE, "blk.%lld.%s%s", (long long)layer, stem,
                 suffix);
    else
        snprintf(name, BIND_NAME_SIZE, "model.layers.%lld.%s%s", (long long)layer,
                 stem, suffix);
}

bool bind_number(char name[BIND_NAME_SIZE], const char *stem, uint32_t i)
{
    const char *star = stem == NULL ? NULL : strchr(stem, '*');

    if (star != NULL)
        snprintf(name, BIND_NAME_SIZE, "%.*s%u%s", (int)(star - stem), stem, i,
                 star + 1);
    return star != NULL;
}

const struct tensor_info *bind_tensor(const struct checkpoint *c,
                                      const char *name)
{
    return checkpoint_tensor(c, slice_of(name));
}

uint64_t bind_rows(const struct checkpoint *c, const struct want *w)
{
    char name[BIND_NAME_SIZE];
    const struct tensor_info *t;

    bind_spell(name, c->naming, w->gguf, w->hf, -1, ".weight");
    t = bind_tensor(c, name);
    return t == NULL || t->n_dims != 2 ? 0 : t->dims[0];
}

bool bind_has_vector(const struct checkpoint *c, const struct want *w,
                     int64_t layer)
{
    static const char *const suffix[] = { ".weight", ".bias", "" };
    char name[BIND_NAME_SIZE];
    bool has = false;

    for (size_t i = 0; i < 3 && !has; i++) {
        bind_spell(name, c->naming, w->gguf, w->hf, layer, suffix[i]);
        has = bind_tensor(c, name) != NULL;
    }
    return has;
}

/* ---- fused tensors ---- */

/* Several wanted matrices stored as one, their rows one after the other. */
static const struct fused {
    const char *gguf, *hf;
    struct {
        const char *gguf;            /* of the wanted row */
        enum dim    rows;
    } part[3];
} fused[] = {
    { "attn_qkv", "self_attn.qkv_proj",
      { { "attn_q", DIM_Q }, { "attn_k", DIM_KV }, { "attn_v", DIM_KV } } },
    { "ffn_up", "mlp.gate_up_proj",
      { { "ffn_gate", DIM_FFN }, { "ffn_up", DIM_FFN } } },
    { "attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa",
      { { "attn_kv_a_mqa", DIM_LATENT }, { "attn_k_pe", DIM_LATENT_ROPE } } },
};

/* The part of a fused tensor that is wanted, if there is such a tensor and it
 * has the rows of all parts. */
static void find_fused(struct found *f, const struct binder *b,
                       const struct want *w, int64_t layer, const char *suffix)
{
    for (size_t i = 0; i < sizeof fused / sizeof fused[0]; i++) {
        uint64_t from = 0, all = 0;
        bool     member = false;
        char     name[BIND_NAME_SIZE];
        const struct tensor_info *t;
        for (size_t k = 0; k < 3 && fused[i].part[k].gguf != NULL; k++) {
            if (strcmp(fused[i].part[k].gguf, w->gguf) == 0) {
                member = true;
                from = all;
            }
            all += config_dim(b->config, fused[i].part[k].rows);
        }
        bind_spell(name, b->checkpoint->naming, fused[i].gguf, fused[i].hf,
                   layer, suffix);
        if (!member || (t = bind_tensor(b->checkpoint, name)) == NULL
            || t->n_dims == 0 || t->dims[0] != all)
            continue;
        f->t = t;
        f->from = from;
        f->all_rows = all;
        memcpy(f->name, name, sizeof name);
        return;
    }
}

static void find_wanted(struct found *f, const struct binder *b,
                        const struct want *w, int64_t layer,
                        const char *suffix)
{
    bind_spell(f->name, b->checkpoint->naming, w->gguf, w->hf, layer, suffix);
    f->t = bind_tensor(b->checkpoint, f->name);
    f->from = f->n_stacked = 0;
    f->transposed = false;
    f->rows = f->all_rows = config_dim(b->config, w->rows);
    if (f->t == NULL && w->hf_also != NULL) {
        char also[BIND_NAME_SIZE];
        bind_spell(also, b->checkpoint->naming, NULL, w->hf_also, layer, suffix);
        f->t = bind_tensor(b->checkpoint, also);
        if (f->t != NULL)
            memcpy(f->name, also, sizeof also);
    }
    /* GGUF phi3 calls gate and up together ffn_up: the name alone is not
     * enough. */
    if (w->gguf != NULL
        && (f->t == NULL || (f->t->n_dims > 0 && f->t->dims[0] != f->rows)))
        find_fused(f, b, w, layer, suffix);
}

/* ---- checks ---- */

static void show_shape(char *text, size_t size, const struct tensor_info *t)
{
    size_t len = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < t->n_dims && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, "%s%llu",
                                i == 0 ? "" : ", ",
                                (unsigned long long)t->dims[i]);
}

static enum err wrong_shape(const struct binder *b, const struct found *f,
                            uint64_t cols, struct err_info *why)
{
    char have[128], expected[64];
    struct tensor_info t = { .n_dims = cols == 0 ? 1 : 2,
                             .dims = { f->all_rows, cols } };

    if (f->n_stacked > 0)
        t = (struct tensor_info){ .n_dims = 3, .dims = { f->n_stacked,
                                                         f->all_rows, cols } };
    show_shape(have, sizeof have, f->t);
    show_shape(expected, sizeof expected, &t);
    return fail(why, ERR_FORMAT, "%s: tensor %s has shape [%s]: the "
                "configuration asks for [%s]", b->checkpoint->path, f->name,
                have, expected);
}

/* cols 0: a vector.  Writers give vectors of one column, too. */
static enum err check_shape(const struct binder *b, const struct found *f,
                            uint64_t cols, struct err_info *why)
{
    const struct tensor_info *t = f->t;
    bool fits = cols == 0
              ? t->n_elements == f->all_rows && t->n_dims <= 2
              : t->n_dims == 2 && t->dims[0] == f->all_rows
                && t->dims[1] == cols;

    /* A matrix of one row is a vector to those who write GGUF. */
    if (cols != 0 && f->all_rows == 1 && t->n_dims == 1)
        fits = t->dims[0] == cols;

    if (f->n_stacked > 0)
        fits = t->n_dims == 3 && t->dims[0] == f->n_stacked
            && t->dims[1] == f->all_rows && t->dims[2] == cols;
    return fits ? ERR_OK : wrong_shape(b, f, cols, why);
}

enum err bind_missing(const struct binder *b, const struct found *f,
                      struct err_info *why)
{
    return fail(why, ERR_FORMAT, "%s: tensor %s is missing",
                b->checkpoint->path, f->name);
}

static enum err make_source(struct tensor_source *s, const struct binder *b,
                            const struct found *f, uint64_t cols,
                            struct err_info *why)
{
    const struct tensor_info  *t = f->t;
    const struct tensor_scale *scale = &t->scale;
    uint64_t                   n = cols == 0 ? 1 : cols;
    uint64_t                   row_size = 0;

    if (!dtype_size(t->dtype, n, &row_size) && (cols != 0 || f->from != 0))
        return fail(why, ERR_FORMAT, "%s: tensor %s: rows of %llu elements "
                    "are no whole number of %s blocks", b->checkpoint->path,
                    f->name, (unsigned long long)n, t->dtype->name);
    *s = (struct tensor_source){
        .name = f->name, .dtype = t->dtype, .n_rows = f->rows, .n_cols = n,
        .data = t->data + (f->from == 0 ? 0 : f->from * row_size),
        .place = t->file_offset + f->from * row_size,
    };
    if (cols == 0) {                 /* one row, so that blocks fit */
        s->n_rows = 1;
        s->n_cols = f->rows;
    }
    if (scale->values == NULL)
        return ERR_OK;
    /* Rows that begin inside a block of scales must not leave it. */
    if (f->from % scale->block_rows != 0
        && f->from / scale->block_rows
           != (f->from + f->rows - 1) / scale->block_rows)
        return fail(why, ERR_UNKNOWN, "%s: tensor %s: its scales do not begin "
                    "where its parts do", b->checkpoint->path, f->name);
    s->scale_dtype = scale->values->dtype;
    s->scale_block_rows = scale->block_rows;
    s->scale_block_cols = scale->block_cols;
    s->scale_n_cols = scale->n_cols;
    s->scale_n_rows = scale->n_rows - f->from / scale->block_rows;
    dtype_size(s->scale_dtype, scale->n_cols, &row_size);
    s->scale_data = scale->values->data
                  + f->from / scale->block_rows * row_size;
    return ERR_OK;
}

/* ---- conversion ---- */

/* Formats of 256 elements on widths that do not divide: llama.cpp's choices. */
static const struct {
    enum dtype_id wanted, instead;
} fallbacks[] = {
    { DTYPE_Q2_K, DTYPE_Q4_0 }, { DTYPE_Q3_K, DTYPE_Q4_0 },
    { DTYPE_Q4_K, DTYPE_Q5_0 }, { DTYPE_Q5_K, DTYPE_Q5_1 },
    { DTYPE_Q6_K, DTYPE_Q8_0 },
};

static const struct dtype *fitting(const struct dtype *t, uint64_t cols)
{
    for (size_t i = 0; i < sizeof fallbacks / sizeof fallbacks[0]; i++)
        if (fallbacks[i].wanted == t->id && cols % t->block_len != 0)
            t = dtype_get(fallbacks[i].instead);
    return cols % t->block_len != 0 ? dtype_get(DTYPE_F16) : t;
}

static struct matrix_options options_of(struct binder *b, const struct want *w,
                                        const struct tensor_source *s)
{
    struct matrix_options o = {
        .use = MATRIX_MUL | ((w->flags & WANT_LOOKUP) ? MATRIX_LOOKUP : 0u)
             | ((w->flags & WANT_FINE) ? MATRIX_FINE : 0u),
        .exact = b->exact,
    };

    if (w->flags & WANT_LOOKUP_ONLY)
        o.use = MATRIX_LOOKUP;
    else if (w->flags & WANT_F32)
        o.convert_to = dtype_get(DTYPE_F32);
    else if (b->convert_to != NULL) {
        o.convert_to = fitting(b->convert_to, s->n_cols);
        if (o.convert_to == s->dtype)
            o.convert_to = NULL;
        else
            b->n_requantised += s->dtype->block_len > 1;
    }
    return o;
}

static const enum dtype_id targets[] = {
    DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_Q8_0, DTYPE_Q6_K, DTYPE_Q5_K,
    DTYPE_Q4_K, DTYPE_Q5_1, DTYPE_Q5_0, DTYPE_Q4_1, DTYPE_Q4_0,
};

enum err bind_target(const struct dtype **out, const char *name,
                     struct err_info *why)
{
    char   list[128] = "";
    size_t len = 0;

    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        const struct dtype *t = dtype_get(targets[i]);
        if (strcmp(t->name, name) == 0) {
            *out = t;
            return ERR_OK;
        }
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s",
                                i == 0 ? "" : ", ", t->name);
    }
    return fail(why, ERR_REQUEST, "weights cannot be converted to \"%.40s\": "
                "expected as-is or one of %s", name, list);
}

/* ---- binding ---- */

static bool bias_needed(const struct binder *b, const struct want *w)
{
    return (w->flags & WANT_BIAS)
        || ((w->flags & WANT_BIAS_ATTN) && b->config->attention_bias)
        || ((w->flags & WANT_BIAS_OUT) && b->config->output_bias)
        || ((w->flags & WANT_BIAS_MLP) && b->config->mlp_bias)
        || ((w->flags & WANT_BIAS_CENTRED) && b->config->norm_centre);
}

/* A bias in a Hugging Face file that its configuration denies is not read: the
 * reference has no parameter for it. */
static bool may_have_bias(const struct binder *b, const struct want *w)
{
    unsigned by_key = b->checkpoint->naming == NAMING_GGUF
                    ? WANT_BIAS_ATTN | WANT_BIAS_OUT | WANT_BIAS_MLP : 0;

    return bias_needed(b, w) || (w->flags & (WANT_BIAS_IF_THERE | by_key));
}

enum err bind_open_vector(struct binder *b, struct vector **out,
                          const struct found *f, float add,
                          struct err_info *why)
{
    struct tensor_source s;
    enum err e;

    if ((e = check_shape(b, f, 0, why)) != ERR_OK
        || (e = make_source(&s, b, f, 0, why)) != ERR_OK)
        return e;
    e = b->device->ops->vector_open(b->device, out, &s, add, why);
    return e == ERR_OK || e == ERR_NOMEM
         ? e : fail_within(why, "%s: tensor", b->checkpoint->path);
}

/* What is found, checked, as the matrix that is wanted. */
static enum err matrix_source(struct tensor_source *s, const struct binder *b,
                              const struct found *f, const struct want *w,
                              struct err_info *why)
{
    uint64_t cols = config_dim(b->config, f->transposed ? w->rows : w->cols);
    enum err e;

    if ((e = check_shape(b, f, cols, why)) != ERR_OK
        || (e = make_source(s, b, f, cols, why)) != ERR_OK || !f->transposed)
        return e;
    s->transposed = true;
    s->n_cols = s->n_rows;
    s->n_rows = cols;
    return ERR_OK;
}

enum err bind_open_matrix(struct binder *b, struct matrix **out,
                          const struct found *f, const struct want *w,
                          struct err_info *why)
{
    const struct tensor_info *t = f->t;
    uint64_t                  size = 0;
    struct matrix_options     o;
    struct tensor_source      s;
    enum err e;

    if ((e = matrix_source(&s, b, f, w, why)) != ERR_OK)
        return e;
    o = options_of(b, w, &s);
    e = b->device->ops->matrix_open(b->device, out, &s, &o, b->progress, why);
    if (e != ERR_OK)
        return e == ERR_NOMEM || e == ERR_CANCELLED
             ? e : fail_within(why, "%s: tensor", b->checkpoint->path);
    if (!b->exact && dtype_size(t->dtype, s.n_rows * s.n_cols, &size))
        file_release(t->file, t->file_offset + (uint64_t)(s.data - t->data),
                     size);
    return ERR_OK;
}

/* A bare name may end in ".bias", though: some GGUF writers have it so. */
static void find_vector(struct found *f, const struct binder *b,
                        const struct want *w, int64_t layer)
{
    if (!(w->flags & WANT_BARE)) {
        find_wanted(f, b, w, layer, ".weight");
        return;
    }
    find_wanted(f, b, w, layer, ".bias");
    if (f->t == NULL)
        find_wanted(f, b, w, layer, "");
}

static enum err bind_weight_vector(struct binder *b, struct vector **out,
                                   const struct want *w, int64_t layer,
                                   struct err_info *why)
{
    bool  plus_one = (w->flags & WANT_NORM) && b->config->norm_plus_one;
    float add = plus_one ? 1.0f : 0.0f;
    struct found f;

    if (bind_is_pieces(b, w))
        return bind_open_pieces(b, out, w, layer, add, why);
    find_vector(&f, b, w, layer);
    if (f.t == NULL)
        return (w->flags & WANT_OPTIONAL) ? ERR_OK : bind_missing(b, &f, why);
    return bind_open_vector(b, out, &f, add, why);
}

static enum err bind_bias(struct binder *b, struct vector **out,
                          const struct want *w, int64_t layer,
                          struct err_info *why)
{
    struct found f;

    if (!may_have_bias(b, w))
        return ERR_OK;
    find_wanted(&f, b, w, layer, ".bias");
    if (f.t == NULL)
        return bias_needed(b, w) ? bind_missing(b, &f, why) : ERR_OK;
    return bind_open_vector(b, out, &f, 0.0f, why);
}

/* Some rows are only for layers with experts, some only for those without, and
 * some for no layer of this configuration. */
static bool is_of_layer(const struct binder *b, const struct want *w,
                        int64_t layer)
{
    bool sparse = layer >= 0 && config_is_sparse(b->config, (uint32_t)layer);
    bool exists = config_dim(b->config, w->rows) > 0
               && config_dim(b->config, w->cols) > 0;
    unsigned without = (sparse ? WANT_DENSE : WANT_SPARSE)
                     | (b->config->parallel ? WANT_SERIAL : 0u)
                     | (b->config->qk_norm ? 0u : WANT_QK_NORM);

    return exists && !(w->flags & without);
}

static enum err bind_row(struct binder *b, void *at, const struct want *w,
                         int64_t layer, struct err_info *why)
{
    struct linear  *linear = at;
    struct affine  *affine = at;
    struct found    f;
    enum err        e;

    if (!is_of_layer(b, w, layer))
        return ERR_OK;
    if (w->flags & WANT_STACK)
        return bind_open_stack(b, at, w, layer, why);
    if (w->cols == DIM_NONE) {
        e = bind_weight_vector(b, &affine->weight, w, layer, why);
        return e != ERR_OK ? e : bind_bias(b, &affine->bias, w, layer, why);
    }
    find_wanted(&f, b, w, layer, ".weight");
    if (f.t == NULL)
        return (w->flags & WANT_OPTIONAL) ? ERR_OK : bind_missing(b, &f, why);
    e = bind_open_matrix(b, &linear->weight, &f, w, why);
    return e != ERR_OK ? e : bind_bias(b, &linear->bias, w, layer, why);
}

enum err bind_open(struct binder *b, void *base, struct want_table wants,
                   int64_t layer, struct err_info *why)
{
    for (size_t i = 0; i < wants.n; i++) {
        enum err e = bind_row(b, (char *)base + wants.at[i].at, &wants.at[i],
                              layer, why);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static void close_stack(struct device *d, struct stack *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        d->ops->matrix_close(d, s->at[i]);
    free(s->at);
}

void bind_close(struct device *d, void *base, struct want_table wants)
{
    for (size_t i = 0; i < wants.n; i++) {
        void          *at = (char *)base + wants.at[i].at;
        struct linear *linear = at;
        struct affine *affine = at;
        if (wants.at[i].flags & WANT_STACK) {
            close_stack(d, at);
        } else if (wants.at[i].cols == DIM_NONE) {
            d->ops->vector_close(d, affine->weight);
            d->ops->vector_close(d, affine->bias);
        } else {
            d->ops->matrix_close(d, linear->weight);
            d->ops->vector_close(d, linear->bias);
        }
    }
}

/* ---- counting ---- */

size_t bind_bytes(const struct device *d, const void *base,
                  struct want_table wants)
{
    size_t n = 0;

    for (size_t i = 0; i < wants.n; i++) {
        const void          *at = (const char *)base + wants.at[i].at;
        const struct linear *linear = at;
        const struct stack  *stack = at;
        if (wants.at[i].flags & WANT_STACK)
            for (uint32_t e = 0; e < stack->n; e++)
                n += d->ops->matrix_bytes(stack->at[e]);
        else if (wants.at[i].cols != DIM_NONE && linear->weight != NULL)
            n += d->ops->matrix_bytes(linear->weight);
    }
    return n;
}

enum err bind_plan_matrix(struct binder *b, uint64_t *bytes,
                          const struct found *f, const struct want *w,
                          struct err_info *why)
{
    struct tensor_source  s;
    struct matrix_options o;
    size_t   size = 0;
    enum err e;

    if ((e = matrix_source(&s, b, f, w, why)) != ERR_OK)
        return e;
    o = options_of(b, w, &s);
    e = b->device->ops->matrix_plan(b->device, &size, &s, &o, why);
    *bytes += size;
    return e == ERR_OK ? e : fail_within(why, "%s: tensor",
                                         b->checkpoint->path);
}

enum err bind_plan_vector(struct binder *b, uint64_t *bytes,
                          const struct found *f, struct err_info *why)
{
    enum err e = check_shape(b, f, 0, why);

    *bytes += f->rows * sizeof(float);
    return e;
}

static enum err plan_row(struct binder *b, uint64_t *bytes,
                         const struct want *w, int64_t layer,
                         struct err_info *why)
{
    struct found f;

    if (!is_of_layer(b, w, layer))
        return ERR_OK;
    if (w->flags & WANT_STACK)
        return bind_plan_stack(b, bytes, w, layer, why);
    if (bind_is_pieces(b, w))
        return bind_plan_pieces(b, bytes, w, layer, why);
    if (w->cols == DIM_NONE)
        find_vector(&f, b, w, layer);
    else
        find_wanted(&f, b, w, layer, ".weight");
    if (f.t == NULL)
        return (w->flags & WANT_OPTIONAL) ? ERR_OK : bind_missing(b, &f, why);
    return w->cols == DIM_NONE ? bind_plan_vector(b, bytes, &f, why)
                               : bind_plan_matrix(b, bytes, &f, w, why);
}

enum err bind_plan(struct binder *b, uint64_t *bytes, struct want_table wants,
                   int64_t layer, struct err_info *why)
{
    for (size_t i = 0; i < wants.n; i++) {
        enum err e = plan_row(b, bytes, &wants.at[i], layer, why);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}
