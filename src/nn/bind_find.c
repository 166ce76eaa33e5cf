/* Where the tensor of a row of a table is in a file: under which name, by itself
 * or as a part of a fused one (qkv, gate and up).  What files call their tensors
 * is data here; nothing above knows. */
#include "nn/bind_private.h"

#include <stdio.h>
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
    bool        alone;               /* GGUF: a part stored by itself has the
                                        same name */
} fused[] = {
    { "attn_qkv", "self_attn.qkv_proj",
      { { "attn_q", DIM_Q }, { "attn_k", DIM_KV }, { "attn_v", DIM_KV } },
      false },
    { "ffn_up", "mlp.gate_up_proj",
      { { "ffn_gate", DIM_FFN }, { "ffn_up", DIM_FFN } }, true },
    { "attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa",
      { { "attn_kv_a_mqa", DIM_LATENT }, { "attn_k_pe", DIM_LATENT_ROPE } },
      false },
};

/* Where the wanted rows begin, and how many all parts have; false: `w` is none
 * of them. */
static bool is_part(uint64_t *from, uint64_t *all, const struct fused *u,
                    const struct want *w, const struct config *c)
{
    bool is = false;

    *from = *all = 0;
    for (size_t k = 0; k < 3 && u->part[k].gguf != NULL; k++) {
        if (strcmp(u->part[k].gguf, w->gguf) == 0) {
            is = true;
            *from = *all;
        }
        *all += config_dim(c, u->part[k].rows);
    }
    return is;
}

/* The part of a fused tensor that is wanted, if there is one.  One with other
 * rows than its parts' is what is wrong with the file, unless that tensor can
 * be something else: then the wanted one is missing. */
static void find_fused(struct found *f, const struct binder *b,
                       const struct want *w, int64_t layer, const char *suffix)
{
    for (size_t i = 0; i < sizeof fused / sizeof fused[0]; i++) {
        const struct fused       *u = &fused[i];
        const struct tensor_info *t;
        char     name[BIND_NAME_SIZE];
        uint64_t from, all;
        if (!is_part(&from, &all, u, w, b->config))
            continue;
        bind_spell(name, b->checkpoint->naming, u->gguf, u->hf, layer, suffix);
        if ((t = bind_tensor(b->checkpoint, name)) == NULL)
            continue;
        bool fits = t->n_dims > 0 && t->dims[0] == all;
        bool ours = !(u->alone && b->checkpoint->naming == NAMING_GGUF)
                 && (f->t == NULL || f->t == t);
        if (!fits && !ours)
            continue;
        f->t = t;
        f->from = from;
        f->all_rows = all;
        memcpy(f->name, name, sizeof name);
        return;
    }
}

void bind_find(struct found *f, const struct binder *b, const struct want *w,
               int64_t layer, const char *suffix)
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

/* A bare name may end in ".bias", though: some GGUF writers have it so. */
void bind_find_vector(struct found *f, const struct binder *b,
                      const struct want *w, int64_t layer)
{
    if (!(w->flags & WANT_BARE)) {
        bind_find(f, b, w, layer, ".weight");
        return;
    }
    bind_find(f, b, w, layer, ".bias");
    if (f->t == NULL)
        bind_find(f, b, w, layer, "");
}

enum err bind_missing(const struct binder *b, const struct found *f,
                      struct err_info *why)
{
    return fail(why, ERR_FORMAT, "%s: tensor %s is missing",
                b->checkpoint->path, f->name);
}
