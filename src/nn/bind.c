/* One loop finds, checks and loads what an architecture wants.
 *
 * For each row: find its tensor (bind_find.c) or the many it stands for
 * (bind_stack.c, bind_heads.c, bind_pieces.c); check the shape against the
 * configuration (bind_check.c); hand the rows to the device, which packs or
 * converts them. */
#include "nn/bind_private.h"

#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

    if ((e = bind_check(b, f, 0, why)) != ERR_OK
        || (e = bind_source(&s, b, f, 0, why)) != ERR_OK)
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

    if ((e = bind_check(b, f, cols, why)) != ERR_OK
        || (e = bind_source(s, b, f, cols, why)) != ERR_OK || !f->transposed)
        return e;
    s->transposed = true;
    s->n_cols = s->n_rows;
    s->n_rows = cols;
    return ERR_OK;
}

/* The pages of a piece of a tensor that has been packed. */
static void release(const void *arg, const uint8_t *from, size_t size)
{
    const struct tensor_info *t = arg;
    file_release(t->file, t->file_offset + (uint64_t)(from - t->data), size);
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
    s.packed = release;
    s.packed_arg = t;
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

static enum err bind_weight_vector(struct binder *b, struct vector **out,
                                   const struct want *w, int64_t layer,
                                   struct err_info *why)
{
    bool  plus_one = (w->flags & WANT_NORM) && b->config->norm_plus_one;
    float add = plus_one ? 1.0f : 0.0f;
    struct found f;

    if (bind_is_pieces(b, w))
        return bind_open_pieces(b, out, w, layer, add, why);
    bind_find_vector(&f, b, w, layer);
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
    bind_find(&f, b, w, layer, ".bias");
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
    bind_find(&f, b, w, layer, ".weight");
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
    enum err e = bind_check(b, f, 0, why);

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
        bind_find_vector(&f, b, w, layer);
    else
        bind_find(&f, b, w, layer, ".weight");
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
