#!/usr/bin/env python3
"""What transformers takes for the keys that a config.json leaves out.

    defaults.py > tests/golden/defaults.json

Rows of a config.json with hardly any keys, and what the class of that
model_type then says of every field that our configuration has, too.
"""
import json

from transformers import AutoConfig

SIZES = dict(hidden_size=3072, intermediate_size=64, num_hidden_layers=32,
             num_attention_heads=32)
ROWS = [
    {"model_type": "llama"}, {"model_type": "mistral"},
    {"model_type": "mistral", "sliding_window": None},
    {"model_type": "mixtral"}, {"model_type": "qwen2"},
    {"model_type": "qwen2", "use_sliding_window": True},
    {"model_type": "qwen2", "use_sliding_window": True, "sliding_window": None},
    {"model_type": "qwen3"}, {"model_type": "qwen3", "use_sliding_window": True},
    {"model_type": "qwen2_moe"},
    {"model_type": "qwen2_moe", "use_sliding_window": True},
    {"model_type": "qwen3_moe"},
    {"model_type": "qwen3_moe", "use_sliding_window": True},
    {"model_type": "gemma"}, {"model_type": "gemma2"},
    {"model_type": "gemma2", "sliding_window": None},
    {"model_type": "gemma3_text"}, {"model_type": "phi3"}, {"model_type": "phi"},
    {"model_type": "olmo2"}, {"model_type": "stablelm"},
]


def kinds(c):
    """Of every layer: (is it of the sliding kind?, its rope parameters)."""
    types = getattr(c, "layer_types", None)
    if types is None:
        all_slide = c.model_type in (
            "mistral", "mixtral", "phi3", "qwen3_moe")
        types = ["sliding_attention" if all_slide else "full_attention"
                 ] * c.num_hidden_layers
    rope = c.rope_parameters
    return [(t == "sliding_attention", rope.get(t, rope)) for t in types]


def experts(c):
    names = ("num_local_experts", "num_experts", "num_experts_per_tok",
             "moe_intermediate_size", "shared_expert_intermediate_size",
             "norm_topk_prob", "decoder_sparse_step", "mlp_only_layers")
    return {n: getattr(c, n) for n in names if hasattr(c, n)}


def expected(c):
    head_dim = getattr(c, "head_dim", None)
    head_dim = head_dim or c.hidden_size // c.num_attention_heads
    layers = kinds(c)
    window = getattr(c, "sliding_window", None) or 0
    part = getattr(c, "partial_rotary_factor", None)
    part = part or layers[0][1].get("partial_rotary_factor", 1.0)
    scalar = getattr(c, "query_pre_attn_scalar", None) or head_dim
    return {
        "n_head_kv": c.num_key_value_heads or c.num_attention_heads,
        "head_dim": head_dim, "rotated": int(head_dim * part),
        "vocab_size": c.vocab_size, "context": c.max_position_embeddings,
        "eps": getattr(c, "rms_norm_eps", None) or c.layer_norm_eps,
        "windows": [window if slides else 0 for slides, _ in layers],
        "thetas": [int(r["rope_theta"]) for _, r in layers],
        "attention_bias": bool(getattr(c, "attention_bias", False)
                               or getattr(c, "qkv_bias", False)
                               or getattr(c, "use_qkv_bias", False)
                               or c.model_type == "qwen2"),
        "mlp_bias": bool(getattr(c, "mlp_bias", False)),
        "activation": getattr(c, "hidden_activation", None) or c.hidden_act,
        "attn_cap": getattr(c, "attn_logit_softcapping", None) or 0,
        "logit_cap": getattr(c, "final_logit_softcapping", None) or 0,
        "scale": scalar ** -0.5, "tied": c.tie_word_embeddings,
        "experts": experts(c),
    }


def main():
    rows = []
    for extra in ROWS:
        config = {**SIZES, **extra}
        kwargs = {k: v for k, v in config.items() if k != "model_type"}
        c = AutoConfig.for_model(config["model_type"], **kwargs)
        rows.append(json.dumps({"config": config, "want": expected(c)},
                               separators=(",", ":")))
    print("[" + ",\n".join(rows) + "]")


main()
