/* The matrices between latents and the heads of attention.  Hugging Face files
 * and older GGUF ones keep a head's keys and values together, [nope + value,
 * rank]; newer GGUF files apart, the keys turned, [rank, nope], which is how
 * they are applied to a query. */
#include "nn/bind_private.h"

#include <string.h>

/* A tensor of all heads, each with the rows that are wanted: [head, rows, cols],
 * or with the first two as one. */
static bool find_apart(struct found *f, const struct binder *b,
                       const struct place *p)
{
    uint64_t n_head = b->config->n_head;

    bind_spell(f->name, b->checkpoint->naming, p->want->gguf, NULL, p->layer,
               ".weight");
    f->t = bind_tensor(b->checkpoint, f->name);
    f->rows = f->all_rows = config_dim(b->config, p->want->rows);
    f->from = f->rows * p->i;
    if (f->t != NULL && f->t->n_dims == 2)
        f->all_rows *= n_head;
    else
        f->n_stacked = n_head;
    return f->t != NULL;
}

static bool find_together(struct found *f, const struct binder *b,
                          const struct place *p)
{
    uint64_t nope = config_dim(b->config, DIM_NOPE);
    uint64_t value = config_dim(b->config, DIM_VALUE);
    bool     is_key = strcmp(p->want->gguf, "attn_k_b") == 0;

    bind_spell(f->name, b->checkpoint->naming, "attn_kv_b", p->want->hf,
               p->layer, ".weight");
    f->t = bind_tensor(b->checkpoint, f->name);
    f->n_stacked = 0;
    f->all_rows = b->config->n_head * (nope + value);
    f->from = (nope + value) * p->i + (is_key ? 0 : nope);
    f->rows = is_key ? nope : value;
    f->transposed = is_key;
    return f->t != NULL;
}

enum err bind_find_head(struct found *f, const struct binder *b,
                        const struct place *p, struct err_info *why)
{
    if (find_apart(f, b, p) || find_together(f, b, p))
        return ERR_OK;
    /* Missed under the name that newer files use. */
    if (b->checkpoint->naming == NAMING_GGUF)
        find_apart(f, b, p);
    return bind_missing(b, f, why);
}
