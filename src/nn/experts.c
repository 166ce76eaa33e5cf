#include "nn/experts.h"

#include <stddef.h>

#define AT(field) offsetof(struct mixture, field)

/* The first row is looked for by mixture_has_correction. */
static const struct want wants[] = {
    { "exp_probs_b", "mlp.gate.e_score_correction_bias", AT(correction),
      DIM_ROUTER_BIAS, DIM_NONE, SPLIT_NONE, WANT_SPARSE | WANT_BARE, NULL },
    { "ffn_gate_inp", "mlp.gate", AT(router), DIM_EXPERTS, DIM_HIDDEN,
      SPLIT_NONE, WANT_SPARSE | WANT_F32, "block_sparse_moe.gate" },
    { "ffn_gate_exps", "mlp.experts.*.gate_proj", AT(gate), DIM_EXPERT,
      DIM_HIDDEN, SPLIT_EXPERTS, WANT_SPARSE | WANT_STACK,
      "block_sparse_moe.experts.*.w1" },
    { "ffn_up_exps", "mlp.experts.*.up_proj", AT(up), DIM_EXPERT,
      DIM_HIDDEN, SPLIT_EXPERTS, WANT_SPARSE | WANT_STACK,
      "block_sparse_moe.experts.*.w3" },
    { "ffn_down_exps", "mlp.experts.*.down_proj", AT(down), DIM_HIDDEN,
      DIM_EXPERT, SPLIT_EXPERTS, WANT_SPARSE | WANT_STACK | WANT_FINE,
      "block_sparse_moe.experts.*.w2" },
    { "ffn_gate_shexp", "mlp.shared_experts.gate_proj", AT(shared_gate),
      DIM_SHARED, DIM_HIDDEN, SPLIT_ROWS, WANT_SPARSE | WANT_BIAS_MLP,
      "mlp.shared_expert.gate_proj" },
    { "ffn_up_shexp", "mlp.shared_experts.up_proj", AT(shared_up),
      DIM_SHARED, DIM_HIDDEN, SPLIT_ROWS, WANT_SPARSE | WANT_BIAS_MLP,
      "mlp.shared_expert.up_proj" },
    { "ffn_down_shexp", "mlp.shared_experts.down_proj", AT(shared_down),
      DIM_HIDDEN, DIM_SHARED, SPLIT_COLS,
      WANT_SPARSE | WANT_BIAS_MLP | WANT_FINE,
      "mlp.shared_expert.down_proj" },
    { "ffn_gate_inp_shexp", "mlp.shared_expert_gate", AT(shared_router),
      DIM_SHARED_ROUTER, DIM_HIDDEN, SPLIT_NONE, WANT_SPARSE | WANT_F32,
      NULL },
};

#undef AT

const struct want_table mixture_wants = {
    wants, sizeof wants / sizeof wants[0]
};

bool mixture_has_correction(const struct checkpoint *c, uint32_t layer)
{
    return bind_has_vector(c, &wants[0], layer);
}

static void chosen(struct step *s, const struct buf *in,
                   const struct mixture *m)
{
    struct experts_op op = {
        .out = s->x, .in = in, .logits = s->router,
        .correction = m->correction.weight, .router = s->config->router,
        .gate = m->gate.at, .up = m->up.at, .down = m->down.at,
        .activation = s->config->activation,
    };

    project(s, s->router, in, &m->router);          /* [n, n_expert]         */
    s->ops->experts(s->stream, s->n, &op);
}

/* The weight goes to the inner values: fewer of them, and what follows is a
 * product that is added to the residual stream like any other. */
static void shared(struct step *s, const struct buf *in,
                   const struct mixture *m)
{
    struct gate_set set = {
        .in = in, .activation = s->config->activation,
        .gate = { s->shared_g, m->shared_gate.weight, m->shared_gate.bias },
        .up = { s->shared_u, m->shared_up.weight, m->shared_up.bias },
    };

    s->ops->gate(s->stream, s->n, &set);            /* [n, shared]           */
    if (m->shared_router.weight != NULL) {
        project(s, s->shared_r, in, &m->shared_router);          /* [n, 1]   */
        s->ops->weigh(s->stream, s->shared_g, s->shared_r, s->n);
    }
    project_add(s, s->x, s->shared_g, &m->shared_down);
}

void experts(struct step *s, const struct buf *in, const struct mixture *m)
{
    chosen(s, in, m);
    if (m->shared_gate.weight != NULL)
        shared(s, in, m);
}
