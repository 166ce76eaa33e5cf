#!/usr/bin/env python3
"""Golden results of tiny models of the other families, for tests/golden/.

As llama.py, and beside each config.json NAME.list says how the model is stored
as GGUF, one item a line:
    u32|f32|string KEY VALUE
    tensor HF-NAME GGUF-NAME ROWS COLS ADD       (COLS 0: a vector)
where ADD is what a GGUF file adds to each element (Gemma's norms).
NAME-old.json: the same as files before transformers 5 said it.
usage: families.py OUT_DIR [FAMILY ...]
"""
import json
import os
import sys

import gguf
import numpy as np
import torch
import transformers as hf

sys.path.insert(0, os.path.dirname(__file__))
import generator
from llama import LENGTHS, write

SMALL = dict(hidden_size=64, intermediate_size=160, num_hidden_layers=4,
             num_attention_heads=4, num_key_value_heads=2, vocab_size=160,
             max_position_embeddings=512, rms_norm_eps=1e-5)
GEMMA = dict(SMALL, head_dim=24)
LONG = dict(rope_type="longrope", rope_theta=1e4,
            short_factor=[1.0 + 0.1 * i for i in range(6)],
            long_factor=[2.0 + 1.5 * i for i in range(6)])

VARIANTS = {
    "qwen2/window": (hf.Qwen2Config, dict(
        SMALL, use_sliding_window=True, sliding_window=32,
        max_window_layers=2, rope_theta=1e6)),
    "qwen2/plain": (hf.Qwen2Config, dict(
        SMALL, tie_word_embeddings=True, rope_scaling=dict(
            rope_type="yarn", factor=4.0,
            original_max_position_embeddings=128))),
    "qwen3/plain": (hf.Qwen3Config, dict(SMALL, head_dim=24, rope_theta=1e6)),
    "qwen3/window": (hf.Qwen3Config, dict(
        SMALL, head_dim=24, attention_bias=True, use_sliding_window=True,
        sliding_window=20, max_window_layers=1)),
    "gemma3/plain": (hf.Gemma3TextConfig, dict(
        GEMMA, sliding_window=32, sliding_window_pattern=3,
        query_pre_attn_scalar=24, final_logit_softcapping=4.0,
        rope_parameters=dict(
            full_attention=dict(rope_type="linear", factor=8.0,
                                rope_theta=1e6),
            sliding_attention=dict(rope_type="default", rope_theta=1e4)))),
    "gemma2/plain": (hf.Gemma2Config, dict(
        GEMMA, sliding_window=32, query_pre_attn_scalar=24,
        attn_logit_softcapping=2.0, final_logit_softcapping=4.0)),
    "gemma/plain": (hf.GemmaConfig, dict(GEMMA, num_key_value_heads=1,
                                         hidden_act="gelu")),
    "phi3/plain": (hf.Phi3Config, dict(
        SMALL, sliding_window=32, pad_token_id=0)),
    "phi3/long": (hf.Phi3Config, dict(
        SMALL, rope_parameters=dict(LONG, partial_rotary_factor=0.75),
        original_max_position_embeddings=64, tie_word_embeddings=True,
        pad_token_id=0)),
    "phi2/plain": (hf.PhiConfig, dict(
        hidden_size=64, intermediate_size=256, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=2, vocab_size=160,
        max_position_embeddings=512, layer_norm_eps=1e-5,
        partial_rotary_factor=0.4)),
}
OLD_STYLE = ("qwen2/window", "gemma2/plain", "gemma3/plain", "phi3/long",
             "phi2/plain")
# What GGUF cannot say of a variant.
HF_ONLY = ("qwen2/window", "qwen3/window")
# Scales that GGUF does not store are those of query_pre_attn_scalar = head_dim.


def build(name):
    cls, extra = VARIANTS[name]
    config = cls(**extra)
    config._attn_implementation = "eager"
    model = hf.AutoModelForCausalLM.from_config(
        config, attn_implementation="eager").eval()
    state = {}
    for key, old in model.state_dict().items():
        if key.startswith("lm_head.w") and config.tie_word_embeddings:
            continue
        values = generator.tensor(seed_of(name), key, tuple(old.shape))
        state[key] = torch.from_numpy(np.ascontiguousarray(values))
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, missing
    model.tie_weights()
    return config, model, state


def old_style(name, d):
    """config.json as versions before 5 and the models' own files had it."""
    d = dict(d)
    params = d.pop("rope_parameters")
    d.pop("layer_types", None)
    full = dict(params.get("full_attention", params))
    d["rope_theta"] = full.pop("rope_theta")
    if "sliding_attention" in params:
        d["rope_local_base_freq"] = params["sliding_attention"]["rope_theta"]
        d["sliding_window_pattern"] = 3
    if "partial_rotary_factor" in full:
        d["partial_rotary_factor"] = full.pop("partial_rotary_factor")
    kind = full.pop("rope_type")
    if kind == "longrope":       # the first Phi-3 files say yarn
        d["original_max_position_embeddings"] = full.pop(
            "original_max_position_embeddings")
        full.pop("factor", None)
        full.pop("attention_factor", None)
        kind = "yarn"
    d["rope_scaling"] = None if kind == "default" else dict(full, type=kind)
    return d


def seed_of(name):
    return sum(name.encode())


def gguf_keys(name, c):
    """The keys that llama.cpp's converter writes."""
    arch = name.split("/")[0]
    rope = c.rope_parameters
    heads = getattr(c, "num_key_value_heads", c.num_attention_heads)
    eps = ("layer_norm_epsilon", c.layer_norm_eps) if arch == "phi2" else (
        "layer_norm_rms_epsilon", c.rms_norm_eps)
    yield "string", "general.architecture", arch
    for key, value in (("block_count", c.num_hidden_layers),
                       ("context_length", c.max_position_embeddings),
                       ("embedding_length", c.hidden_size),
                       ("feed_forward_length", c.intermediate_size),
                       ("attention.head_count", c.num_attention_heads),
                       ("attention.head_count_kv", heads)):
        yield "u32", f"{arch}.{key}", value
    yield "f32", f"{arch}.attention.{eps[0]}", eps[1]
    if getattr(c, "head_dim", None):
        yield "u32", f"{arch}.attention.key_length", c.head_dim
        yield "u32", f"{arch}.attention.value_length", c.head_dim
    full = rope.get("full_attention", rope)
    if arch.startswith("phi"):
        d = c.hidden_size // c.num_attention_heads
        part = rope.get("partial_rotary_factor", 1.0)
        yield "u32", f"{arch}.rope.dimension_count", int(d * part)
    if arch not in ("phi2", "gemma", "gemma2"):
        yield "f32", f"{arch}.rope.freq_base", full["rope_theta"]
    if full["rope_type"] in ("yarn", "linear"):
        yield "string", f"{arch}.rope.scaling.type", full["rope_type"]
        yield "f32", f"{arch}.rope.scaling.factor", full["factor"]
    if full["rope_type"] in ("yarn", "longrope"):
        original = full["original_max_position_embeddings"]
        yield "u32", f"{arch}.rope.scaling.original_context_length", original
    if full["rope_type"] == "longrope":
        s = c.max_position_embeddings / original
        yield ("f32", f"{arch}.rope.scaling.attn_factor",
               (1 + np.log(s) / np.log(original)) ** 0.5)
    if arch in ("gemma2", "gemma3", "phi3"):
        yield "u32", f"{arch}.attention.sliding_window", c.sliding_window or 0
    if arch == "gemma3":
        yield "u32", f"{arch}.attention.sliding_window_pattern", 3
        yield ("f32", f"{arch}.rope.freq_base_swa",
               rope["sliding_attention"]["rope_theta"])
    for cap in ("attn_logit_softcapping", "final_logit_softcapping"):
        if getattr(c, cap, None) is not None:
            yield "f32", f"{arch}.{cap}", getattr(c, cap)


def write_list(path, name, config, state):
    arch = name.split("/")[0]
    number = {v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch]
    names = gguf.get_tensor_name_map(number, config.num_hidden_layers)
    with open(path, "w") as f:
        if name not in HF_ONLY:
            for kind, key, value in gguf_keys(name, config):
                f.write(f"{kind} {key} {value}\n")
        for key, values in state.items():
            plus = arch.startswith("gemma") and key.endswith("norm.weight")
            other = names.get_name(key, try_suffixes=(".weight", ".bias"))
            rows, cols = (list(values.shape) + [0])[:2]
            f.write(f"tensor {key} {other} {rows} {cols} {int(plus)}\n")
        params = config.rope_parameters
        if params.get("rope_type") == "longrope":
            for which in ("long", "short"):
                for value in params[which + "_factor"]:
                    f.write(f"value rope_factors_{which}.weight {value}\n")


def main():
    to, wanted = sys.argv[1], sys.argv[2:]
    torch.set_num_threads(1)
    for name in VARIANTS:
        if wanted and name.split("/")[0] not in wanted:
            continue
        os.makedirs(os.path.dirname(f"{to}/{name}"), exist_ok=True)
        config, model, state = build(name)
        ids = generator.tokens(seed_of(name), LENGTHS[-1], config.vocab_size)
        write(f"{to}/{name}.bin", config, model, ids)
        d = config.to_dict()
        for key in ("_name_or_path", "transformers_version"):
            d.pop(key, None)
        with open(f"{to}/{name}.json", "w") as f:
            json.dump(d, f, indent=1)
        if name in OLD_STYLE:
            with open(f"{to}/{name}-old.json", "w") as f:
                json.dump(old_style(name, d), f, indent=1)
        write_list(f"{to}/{name}.list", name, config, state)


if __name__ == "__main__":
    main()
