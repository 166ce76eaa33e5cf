/* Vectors that Hugging Face files keep in pieces, one for each head: they are put
 * together, and are from then on what GGUF files have. */
#include "nn/bind_private.h"

#include <stdlib.h>
#include <string.h>

bool bind_is_pieces(const struct binder *b, const struct want *w)
{
    return b->checkpoint->naming == NAMING_HF && w->cols == DIM_NONE
        && w->hf != NULL && strchr(w->hf, '*') != NULL;
}

static enum err find_piece(struct found *f, const struct binder *b,
                           const struct place *p, struct err_info *why)
{
    char with_number[BIND_NAME_SIZE];

    memset(f, 0, sizeof *f);
    bind_number(with_number, p->want->hf, p->i);
    bind_spell(f->name, NAMING_HF, NULL, with_number, p->layer, ".weight");
    f->t = bind_tensor(b->checkpoint, f->name);
    f->rows = f->all_rows = b->config->head_dim;
    return f->t != NULL ? ERR_OK : bind_missing(b, f, why);
}

static uint32_t count(const struct binder *b, const struct want *w)
{
    return (uint32_t)(config_dim(b->config, w->rows) / b->config->head_dim);
}

/* Through the device and back: it knows the formats, and pieces need not be of
 * the same one. */
static enum err copy_piece(float *to, struct binder *b, const struct place *p,
                           float add, struct err_info *why)
{
    struct vector *v;
    struct found   f;
    enum err       e;

    if ((e = find_piece(&f, b, p, why)) != ERR_OK
        || (e = bind_open_vector(b, &v, &f, add, why)) != ERR_OK)
        return e;
    memcpy(to, b->device->ops->vector_values(v), f.rows * sizeof *to);
    b->device->ops->vector_close(b->device, v);
    return ERR_OK;
}

enum err bind_open_pieces(struct binder *b, struct vector **out,
                          const struct want *w, int64_t layer, float add,
                          struct err_info *why)
{
    uint32_t n = count(b, w), width = b->config->head_dim;
    float   *all = calloc(n, width * sizeof *all);
    enum err e = all != NULL ? ERR_OK : fail_nomem(why);
    struct tensor_source s = {
        .name = w->gguf, .dtype = dtype_get(DTYPE_F32),
        .data = (const uint8_t *)all, .n_rows = n, .n_cols = width,
    };

    for (uint32_t i = 0; e == ERR_OK && i < n; i++)
        e = copy_piece(all + (size_t)i * width, b,
                       &(struct place){ w, layer, i }, add, why);
    if (e == ERR_OK)
        e = b->device->ops->vector_open(b->device, out, &s, 0.0f, why);
    free(all);
    return e;
}

enum err bind_plan_pieces(struct binder *b, uint64_t *bytes,
                          const struct want *w, int64_t layer,
                          struct err_info *why)
{
    struct found f;
    enum err     e;

    for (uint32_t i = 0; i < count(b, w); i++)
        if ((e = find_piece(&f, b, &(struct place){ w, layer, i }, why))
            || (e = bind_plan_vector(b, bytes, &f, why)) != ERR_OK)
            return e;
    return ERR_OK;
}
