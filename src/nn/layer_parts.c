#include "nn/layer_parts.h"

#include <stddef.h>

#define AT(field) offsetof(struct attention, field)

static const struct want attention_rows[] = {
    { "attn_q", "self_attn.q_proj", AT(q), DIM_Q, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_ATTN, NULL },
    { "attn_k", "self_attn.k_proj", AT(k), DIM_KV, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_ATTN, NULL },
    { "attn_v", "self_attn.v_proj", AT(v), DIM_KV, DIM_HIDDEN,
      SPLIT_ROWS, WANT_BIAS_ATTN, NULL },
    { "attn_output", "self_attn.o_proj", AT(o), DIM_HIDDEN, DIM_Q,
      SPLIT_COLS, WANT_BIAS_OUT | WANT_FINE, NULL },
};

#undef AT
#define AT(field) offsetof(struct mlp, field)

static const struct want mlp_rows[] = {
    { "ffn_gate", "mlp.gate_proj", AT(gate), DIM_FFN, DIM_HIDDEN,
      SPLIT_ROWS, WANT_DENSE | WANT_BIAS_MLP, NULL },
    { "ffn_up", "mlp.up_proj", AT(up), DIM_FFN, DIM_HIDDEN,
      SPLIT_ROWS, WANT_DENSE | WANT_BIAS_MLP, NULL },
    { "ffn_down", "mlp.down_proj", AT(down), DIM_HIDDEN, DIM_FFN,
      SPLIT_COLS, WANT_DENSE | WANT_BIAS_MLP | WANT_FINE, NULL },
};

#undef AT

const struct want_table attention_wants = {
    attention_rows, sizeof attention_rows / sizeof attention_rows[0]
};
const struct want_table mlp_wants = {
    mlp_rows, sizeof mlp_rows / sizeof mlp_rows[0]
};
