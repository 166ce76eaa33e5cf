#!/usr/bin/env python3
"""Golden results of tiny Llama models by transformers, for tests/golden/.

For every variant NAME.json is its config.json as transformers writes it
(NAME-old.json: as versions before 5 did), and
NAME[-TYPE].bin little-endian:
    u32 magic, n_divisors; f32 divisors of the rope frequencies (llama3)
    for each prompt length 1, 20, 200 and each position:
        f32 least logit, largest logit, SAMPLES logits
    for the longest prompt, positions HIDDEN_AT, each layer:
        f32 HIDDEN_SAMPLES elements of the residual stream after the layer
usage: llama.py OUT_DIR GGML_QUANTS_SO      (weights.py says what that is)
"""
import ctypes
import json
import os
import struct
import sys

import numpy as np
import torch
from transformers import (LlamaConfig, LlamaForCausalLM, MistralConfig,
                          MistralForCausalLM)

sys.path.insert(0, os.path.dirname(__file__))
import generator

MAGIC, SAMPLES, HIDDEN_SAMPLES = 0x444C4F47, 6, 16
LENGTHS, HIDDEN_AT = (1, 20, 200), (0, 77, 199)

SMALL = dict(hidden_size=64, intermediate_size=160, num_hidden_layers=3,
             num_attention_heads=4, num_key_value_heads=2, vocab_size=160,
             max_position_embeddings=512, rms_norm_eps=1e-5, rope_theta=10000.0,
             tie_word_embeddings=False)
VARIANTS = {
    "plain": (LlamaConfig, {}),
    "biased": (LlamaConfig, dict(attention_bias=True, mlp_bias=True,
                                 tie_word_embeddings=True, head_dim=24)),
    "llama3": (LlamaConfig, dict(rope_scaling=dict(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0,
        high_freq_factor=4.0, original_max_position_embeddings=64),
        head_dim=32)),
    "linear": (LlamaConfig, dict(rope_scaling=dict(rope_type="linear",
                                                   factor=4.0))),
    "dynamic": (LlamaConfig, dict(rope_scaling=dict(rope_type="dynamic",
                                                    factor=3.0),
                                  max_position_embeddings=64)),
    "yarn": (LlamaConfig, dict(rope_scaling=dict(
        rope_type="yarn", factor=8.0, original_max_position_embeddings=64),
        head_dim=32)),
    "window": (MistralConfig, dict(sliding_window=32, head_dim=16)),
    "wide": (LlamaConfig, dict(hidden_size=256, intermediate_size=256,
                               num_hidden_layers=2, num_attention_heads=4,
                               num_key_value_heads=1)),
}
OLD_STYLE = ("llama3", "yarn")     # written as before transformers 5, too
TYPES = {"wide": ("f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1",
                  "q4_k", "q5_k", "q6_k")}


def k_quantised(values, kind):
    """The package gguf has no quantiser of K formats: ggml's own."""
    import gguf
    t = gguf.GGMLQuantizationType[kind.upper()]
    name = f"quantize_row_{kind.replace('k', 'K')}_ref"
    block, size = gguf.GGML_QUANT_SIZES[t]
    x = np.ascontiguousarray(values, np.float32)
    out = np.zeros(x.size // block * size, np.uint8)
    getattr(ctypes.CDLL(sys.argv[2], ctypes.RTLD_GLOBAL | 1), name)(
        x.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(x.size))
    rows = out.reshape(x.shape[0], -1)
    return gguf.dequantize(rows, t)


def rounded(values, kind):
    if kind.endswith("_k"):
        return k_quantised(values, kind)
    if kind == "f16":
        return values.astype(np.float16).astype(np.float32)
    if kind == "bf16":
        return torch.from_numpy(values).to(torch.bfloat16).float().numpy()
    import gguf
    t = gguf.GGMLQuantizationType[kind.upper()]
    return gguf.dequantize(gguf.quantize(values, t), t)


def build(name, kind):
    cls, extra = VARIANTS[name]
    config = cls(**{**SMALL, **extra})
    config._attn_implementation = "eager"
    model_cls = MistralForCausalLM if cls is MistralConfig else LlamaForCausalLM
    model = model_cls(config).eval()
    state = {}
    for key, old in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = generator.tensor(seed_of(name), key, tuple(old.shape))
        if kind != "f32" and values.ndim == 2:
            values = rounded(values, kind)
        state[key] = torch.from_numpy(np.ascontiguousarray(values))
    model.load_state_dict(state, strict=False)
    model.tie_weights()
    return config, model


def seed_of(name):
    return sum(name.encode())


def run(model, ids):
    hidden = []
    hooks = [layer.register_forward_hook(
        lambda m, i, o: hidden.append((o[0] if isinstance(o, tuple) else o)[0]))
        for layer in model.model.layers]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double().numpy()
    for h in hooks:
        h.remove()
    return logits, [h.reshape(len(ids), -1).numpy() for h in hidden]


def divisors(config, model):
    """What the GGUF converter stores as rope_freqs."""
    params = config.rope_parameters
    if params.get("rope_type") != "llama3":
        return []
    d = config.head_dim
    plain = params["rope_theta"] ** -(np.arange(0, d, 2) / d)
    return list(plain / model.model.rotary_emb.inv_freq.double().numpy())


def write(path, config, model, ids):
    out = bytearray()
    div = divisors(config, model)
    out += struct.pack("<II", MAGIC, len(div)) + struct.pack(f"<{len(div)}f", *div)
    for n in LENGTHS:
        logits, hidden = run(model, ids[:n])
        for pos, row in enumerate(logits):
            at = [(pos * 7 + j * 29) % len(row) for j in range(SAMPLES)]
            out += struct.pack(f"<{SAMPLES + 2}f", row.min(), row.max(), *row[at])
    for pos in HIDDEN_AT:
        for h in hidden:
            w = h.shape[1]
            at = [(pos + j * w // HIDDEN_SAMPLES) % w
                  for j in range(HIDDEN_SAMPLES)]
            out += struct.pack(f"<{HIDDEN_SAMPLES}f", *h[pos][at])
    with open(path, "wb") as f:
        f.write(out)


def main():
    to = sys.argv[1]
    torch.set_num_threads(1)
    for name in VARIANTS:
        for kind in ("f32",) + TYPES.get(name, ()):
            config, model = build(name, kind)
            ids = generator.tokens(seed_of(name), LENGTHS[-1], config.vocab_size)
            suffix = "" if kind == "f32" else "-" + kind
            write(f"{to}/{name}{suffix}.bin", config, model, ids)
        d = config.to_dict()
        for key in ("_name_or_path", "transformers_version"):
            d.pop(key, None)
        with open(f"{to}/{name}.json", "w") as f:
            json.dump(d, f, indent=1)
        if name in OLD_STYLE:
            params = d.pop("rope_parameters")
            d["rope_theta"] = params.pop("rope_theta")
            params["type"] = params.pop("rope_type")
            d["rope_scaling"] = params
            with open(f"{to}/{name}-old.json", "w") as f:
                json.dump(d, f, indent=1)


if __name__ == "__main__":
    main()
