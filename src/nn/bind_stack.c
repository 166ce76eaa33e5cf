/* The matrices of experts, however a file keeps them: one tensor for all, gate
 * and up in one, or one for each. */
#include "nn/bind_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* Ways that files keep the wanted stack `gguf` beside those that its row
 * names. */
static const struct other {
    const char *gguf;
    const char *each;               /* old GGUF: an expert */
    const char *all;                /* Hugging Face: all of them */
    const char *fused_gguf, *fused_hf;    /* gate, then up, of each expert */
    unsigned    part;               /* of the fused one */
} others[] = {
    { "ffn_gate_exps", "ffn_gate.*", NULL,
      "ffn_gate_up_exps", "mlp.experts.gate_up_proj", 0 },
    { "ffn_up_exps", "ffn_up.*", NULL,
      "ffn_gate_up_exps", "mlp.experts.gate_up_proj", 1 },
    { "ffn_down_exps", "ffn_down.*", "mlp.experts.down_proj",
      NULL, NULL, 0 },
};

static const struct other *others_of(const struct want *w)
{
    static const struct other none = { .gguf = "" };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(others[i].gguf, w->gguf) == 0)
            return &others[i];
    return &none;
}

/* ---- looking ---- */

/* One tensor for each expert: the * of `stem` is the expert's number. */
static bool find_each(struct found *f, const struct binder *b,
                      const struct place *p, const char *stem)
{
    char with_number[BIND_NAME_SIZE];

    if (!bind_number(with_number, stem, p->i))
        return false;
    bind_spell(f->name, b->checkpoint->naming, with_number, with_number,
               p->layer, ".weight");
    f->t = bind_tensor(b->checkpoint, f->name);
    f->all_rows = f->rows;
    f->from = f->n_stacked = 0;
    return f->t != NULL;
}

/* One tensor for all, in which an expert has `n_parts` times the wanted rows. */
static bool find_all(struct found *f, const struct binder *b,
                     const struct place *p, const char *stem, unsigned n_parts)
{
    enum naming naming = b->checkpoint->naming;

    if (stem == NULL)
        return false;
    bind_spell(f->name, naming, stem, stem, p->layer,
               naming == NAMING_GGUF ? ".weight" : "");
    f->t = bind_tensor(b->checkpoint, f->name);
    f->n_stacked = b->config->router.n_expert;
    f->all_rows = f->rows * n_parts;
    f->from = f->all_rows * p->i;
    return f->t != NULL;
}

static enum err find_expert(struct found *f, const struct binder *b,
                            const struct place *p, struct err_info *why)
{
    const struct want  *w = p->want;
    const struct other *o = others_of(w);
    bool                gguf = b->checkpoint->naming == NAMING_GGUF;

    f->rows = config_dim(b->config, w->rows);
    if (gguf ? find_all(f, b, p, w->gguf, 1) || find_each(f, b, p, o->each)
             : find_each(f, b, p, w->hf) || find_each(f, b, p, w->hf_also)
               || find_all(f, b, p, o->all, 1))
        return ERR_OK;
    if (find_all(f, b, p, gguf ? o->fused_gguf : o->fused_hf, 2)) {
        f->from += f->rows * o->part;
        return ERR_OK;
    }
    /* Missed under the name that the file has for others, or most files have. */
    struct place first = { w, p->layer, 0 };
    if (gguf)
        find_all(f, b, p, w->gguf, 1);
    else
        find_each(f, b, p, find_each(f, b, &first, w->hf_also) ? w->hf_also
                                                               : w->hf);
    return bind_missing(b, f, why);
}

/* ---- binding ---- */

static uint32_t count(const struct binder *b, const struct want *w)
{
    return w->flags & WANT_HEADS ? b->config->n_head
                                 : b->config->router.n_expert;
}

static enum err find_one(struct found *f, const struct binder *b,
                         const struct place *p, struct err_info *why)
{
    memset(f, 0, sizeof *f);
    return p->want->flags & WANT_HEADS ? bind_find_head(f, b, p, why)
                                       : find_expert(f, b, p, why);
}

enum err bind_open_stack(struct binder *b, struct stack *out,
                         const struct want *w, int64_t layer,
                         struct err_info *why)
{
    uint32_t     n = count(b, w);
    struct found f;

    if ((out->at = calloc(n, sizeof *out->at)) == NULL)
        return fail_nomem(why);
    out->n = n;
    for (uint32_t i = 0; i < n; i++) {
        struct place p = { w, layer, i };
        enum err     e = find_one(&f, b, &p, why);
        if (e != ERR_OK
            || (e = bind_open_matrix(b, &out->at[i], &f, w, why)) != ERR_OK)
            return e;
    }
    return ERR_OK;
}

enum err bind_plan_stack(struct binder *b, uint64_t *bytes,
                         const struct want *w, int64_t layer,
                         struct err_info *why)
{
    struct found f;

    for (uint32_t i = 0; i < count(b, w); i++) {
        struct place p = { w, layer, i };
        enum err     e = find_one(&f, b, &p, why);
        if (e != ERR_OK
            || (e = bind_plan_matrix(b, bytes, &f, w, why)) != ERR_OK)
            return e;
    }
    return ERR_OK;
}
