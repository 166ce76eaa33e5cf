/* What a model is made of, in numbers.  An architecture's `configure` fills it
 * from the checkpoint's keys; binding, cache and work memory follow from it.
 *
 * There is no field that says which architecture it is: what differs between
 * architectures is said by the fields or done by their `block`. */
#ifndef OSMIA_NN_CONFIG_H
#define OSMIA_NN_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/notice.h"
#include "format/keys.h"
#include "kernels/kernel_table.h"
#include "nn/rope.h"

/* Layers with the same window and the same rotation are one kind; each kind has
 * its own cache group of the same number. */
enum { LAYER_KINDS_MAX = 4 };
struct layer_kind {
    uint32_t         window;         /* 0: full attention */
    bool             no_rope;
    struct rope_spec rope;
};

/* Multi-head latent attention: a layer keeps one latent of a token, from which
 * the keys and values of all heads follow, and a rotated part of the key that
 * they share. */
struct latent_config {
    uint32_t q_rank;                 /* 0: queries come straight from the input */
    uint32_t rank;                   /* of the latent; 0: no such attention */
    uint32_t nope, rope;             /* a head's query: plain, rotated part */
    uint32_t value;                  /* a head's result */
    float    norm_eps;               /* of the latents' norms */
};

struct config {
    /* sizes */
    uint32_t n_layer, hidden_size, ffn_size, vocab_size;
    uint32_t n_head, n_head_kv, head_dim;
    uint32_t context_length;         /* trained positions */

    /* norms */
    float    norm_eps;
    bool     norm_centre;            /* LayerNorm */
    bool     norm_plus_one;          /* files hold w where 1 + w is meant */

    /* attention */
    float             attn_scale;    /* scores = attn_scale * (q . k) */
    float             attn_softcap;  /* 0: none */
    enum rope_pairing pairing;
    struct layer_kind kind[LAYER_KINDS_MAX];
    size_t            n_kinds;
    const uint8_t    *layer_kind;    /* [n_layer]; NULL: all are kind 0 */
    bool              attention_bias; /* of q, k, v, */
    bool              output_bias;    /*   of o, */
    bool              mlp_bias;       /*   of the MLP: must be in the file */
    bool              qk_norm;       /* q and k are normed, in families where
                                        that depends; see WANT_QK_NORM */
    struct latent_config latent;

    /* MLP */
    enum activation   activation;
    bool              parallel;      /* beside attention, of the same input, in
                                        families where that depends; see
                                        WANT_SERIAL */

    /* experts, in the layers that are not dense */
    struct router  router;           /* n_expert 0: all layers are dense */
    uint32_t       expert_size;      /* width inside one */
    uint32_t       n_shared;         /* of experts that every token goes */
    uint32_t       shared_size;      /*   through, and their width together */
    const uint8_t *layer_dense;      /* [n_layer] truths; NULL: none is */
    bool           router_bias;      /* experts are chosen with a correction */
    bool           shared_router;    /* shared ones have a router of their own */

    /* ends */
    float embed_scale;               /* 1: none */
    float logit_scale;               /* 1: none */
    float logit_softcap;             /* 0: none */
    bool  head_bias;                 /* logits have a bias */

    struct arena arena;              /* of arrays above */
};

static inline const struct layer_kind *config_kind(const struct config *c,
                                                   uint32_t layer)
{
    return &c->kind[c->layer_kind == NULL ? 0 : c->layer_kind[layer]];
}

/* Whether a layer has experts in place of one MLP. */
static inline bool config_is_sparse(const struct config *c, uint32_t layer)
{
    return c->router.n_expert > 0
        && (c->layer_dense == NULL || !c->layer_dense[layer]);
}

/* What a layer of a kind keeps of a position. */
static inline struct kv_layer config_kv_layer(const struct config *c)
{
    if (c->latent.rank > 0)
        return (struct kv_layer){ .form = KV_LATENT, .n_head_kv = 1,
                                  .k_width = c->latent.rank,
                                  .v_width = c->latent.rope };
    return (struct kv_layer){ .form = KV_PAIR, .n_head_kv = c->n_head_kv,
                              .k_width = c->head_dim, .v_width = c->head_dim };
}

/* Where `configure` reads from. */
struct checkpoint;
struct config_source {
    const struct keys    *keys;
    const struct checkpoint *checkpoint;     /* for what only tensors say */
    const struct notices *notices;
};

/* Defaults that differ between classes, for config_read_common. */
struct config_defaults {
    uint32_t n_head;                 /* 0: the key must be there */
    uint32_t n_head_kv;              /* 0: as many as n_head */
    uint32_t head_dim;               /* 0: hidden_size / n_head */
    uint32_t context_length;
    double   norm_eps, rope_theta;
    double   rotary_part;            /* share of a head that is rotated; 0: all
                                        of it, whatever the file says */
    bool     layer_norm;             /* not RMSNorm; its epsilon has a key of
                                        its own */
    const struct latent_config *latent;      /* NULL: keys and values are kept */
};

/* Sizes (layers that predict further tokens ahead do not count: they are not
 * run, with a notice), norm epsilon, head counts, head width and attention scale (1 / sqrt of
 * the head width), one full kind: the keys that nearly all architectures spell
 * the same way.  Errors name the key. */
enum err config_read_common(struct config *c, const struct config_source *src,
                            const struct config_defaults *d,
                            struct err_info *why);

/* Which layers are of the sliding kind, unless the file lists them: those from
 * `first` on and before `end` (0: the last), but every `period`-th of all is
 * full (0: none is). */
struct layer_rule {
    struct layer_kind sliding;
    uint32_t          first, end, period;
};

/* Kind 0 is the full layers' and read before; adds rule->sliding as kind 1 and
 * says of every layer which it is: by layer_types (config.json) or
 * sliding_window_pattern (GGUF: a period, or a truth for every layer), else by
 * the rule.  When all layers are of one kind there is only that; a window of 0
 * makes all of them full. */
enum err config_split_layers(struct config *c, const struct config_source *src,
                             const struct layer_rule *rule,
                             struct err_info *why);

/* The same for families whose window counts only where use_sliding_window is
 * true: many files hold a window that no layer has.  The window of `rule` is not
 * looked at.  GGUF has no such keys. */
enum err config_split_if_used(struct config *c, const struct config_source *src,
                              const struct layer_rule *rule,
                              struct err_info *why);

/* A cap of scores or logits into *out, which holds the default; null in
 * config.json means none (0). */
enum err config_read_softcap(float *out, const struct config_source *src,
                             struct key_name name, struct err_info *why);
/* ERR_UNKNOWN when the key is there and is another word than that. */
enum err config_expect(const struct config_source *src, struct key_name name,
                       const char *word, struct err_info *why);
/* attn_scale = 1 / sqrt(query_pre_attn_scalar).  GGUF has no such key: the
 * largest model of a family alone scales by hidden_size / n_head, and only its
 * count of layers tells it. */
enum err config_read_query_scale(struct config *c,
                                 const struct config_source *src,
                                 uint32_t layers_of_27b, struct err_info *why);
/* attention_bias, which speaks of q, k, v and o; absent: none has one. */
enum err config_read_attention_bias(struct config *c,
                                    const struct config_source *src,
                                    struct err_info *why);
/* ERR_UNKNOWN when the key is there and true. */
enum err config_refuse_true(const struct config_source *src,
                            struct key_name name, struct err_info *why);

/* hidden_activation, else hidden_act, refusing what is not implemented. */
enum err config_read_activation(struct config *c,
                                const struct config_source *src,
                                const char *otherwise, struct err_info *why);

/* Sizes that tensors are declared in. */
enum dim {
    DIM_NONE,            /* no such dimension: the tensor is a vector */
    DIM_HIDDEN, DIM_FFN, DIM_VOCAB,
    DIM_Q,               /* n_head * head_dim */
    DIM_KV,              /* n_head_kv * head_dim */
    DIM_HEAD,            /* head_dim */
    DIM_O,               /* n_head * the width of a head's result */
    DIM_Q_RANK,          /* latent.q_rank */
    DIM_Q_DIRECT,        /* DIM_Q, or 0 where there is a q_rank */
    DIM_LATENT,          /* latent.rank */
    DIM_LATENT_ROPE,     /* latent.rope */
    DIM_NOPE,            /* latent.nope */
    DIM_VALUE,           /* latent.value */
    DIM_ROUTER_BIAS,     /* how many experts, or 0: no correction */
    DIM_EXPERTS,         /* how many */
    DIM_EXPERT,          /* expert_size */
    DIM_SHARED,          /* shared_size */
    DIM_SHARED_ROUTER,   /* 1, or 0: the shared experts have none */
    DIM_HEAD_BIAS,       /* vocab_size, or 0: the head has no bias */
    DIM_ROPE             /* half the rotated elements of a head */
};
uint64_t config_dim(const struct config *c, enum dim d);

void config_close(struct config *c);

#endif
