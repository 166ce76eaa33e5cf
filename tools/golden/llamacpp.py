#!/usr/bin/env python3
"""Models as llama.cpp's own quantiser writes them, for tests/golden/.

The weights come from the counter (generator.py), go into a GGUF file of f32 as
the converter would write it, and through llama-quantize.  The reference's
results are those of transformers on what is in the quantised file.
usage: llamacpp.py LLAMA_QUANTIZE OUT_DIR [NAME...]
"""
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np
import torch
import transformers as hf

sys.path.insert(0, os.path.dirname(__file__))
import generator
from llama import LENGTHS, write

SEED = 11
COMMON = dict(hidden_size=256, intermediate_size=256, num_hidden_layers=1,
              num_attention_heads=4, num_key_value_heads=2, vocab_size=160,
              max_position_embeddings=512, rms_norm_eps=1e-5)
KEYS = {"block_count": "num_hidden_layers",
        "context_length": "max_position_embeddings",
        "embedding_length": "hidden_size",
        "feed_forward_length": "intermediate_size",
        "attention.head_count": "num_attention_heads",
        "attention.head_count_kv": "num_key_value_heads"}
EXPERT_KEYS = {
    "expert_count": "num_experts", "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
    "expert_shared_feed_forward_length": "shared_expert_intermediate_size"}
HEAD_KEYS = {"attention.key_length": "head_dim",
             "attention.value_length": "head_dim"}
# architecture of GGUF: quantisation, class, its configuration, further keys
MODELS = {
    "qwen2moe": ("q4_k_m", hf.Qwen2MoeConfig, dict(
        num_experts=4, num_experts_per_tok=2, moe_intermediate_size=256,
        shared_expert_intermediate_size=256), EXPERT_KEYS),
    "llama": ("q6_k", hf.LlamaConfig, {}, {}),
    "qwen3": ("q4_0", hf.Qwen3Config, dict(head_dim=64), HEAD_KEYS),
}
# The converter turns rows of these for the other pairing of the rotation.
TURNED = {"llama": {"attn_q": "num_attention_heads",
                    "attn_k": "num_key_value_heads"}}


def turn(v, config, arch, name, back=False):
    heads = TURNED.get(arch, {}).get(name.split(".")[-2])
    if heads is None:
        return v
    n = getattr(config, heads)
    shape = (n, -1, 2, v.shape[-1]) if back else (n, 2, -1, v.shape[-1])
    return np.ascontiguousarray(
        v.reshape(shape).swapaxes(1, 2).reshape(v.shape))


def parts(key, names):
    """The GGUF tensors of a parameter of transformers."""
    if key.endswith("experts.gate_up_proj"):
        block = key.split(".")[2]
        return [f"blk.{block}.ffn_{k}_exps.weight" for k in ("gate", "up")]
    name = names.get_name(key, try_suffixes=(".weight", ".bias"))
    return [name if name.endswith((".weight", ".bias")) else name + ".weight"]


def write_f32(path, model, arch, names):
    c = model.config
    w = gguf.GGUFWriter(path, arch)
    for key, attribute in (KEYS | MODELS[arch][3]).items():
        w.add_uint32(f"{arch}.{key}", getattr(c, attribute))
    w.add_float32(f"{arch}.attention.layer_norm_rms_epsilon", c.rms_norm_eps)
    w.add_float32(f"{arch}.rope.freq_base", c.rope_parameters["rope_theta"])
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("qwen2")
    w.add_token_list(["a", "b", "ab"] + [f"<{i}>" for i in range(3, 160)])
    w.add_token_types([1] * 160)
    w.add_token_merges(["a b"])
    for key, old in model.state_dict().items():
        v = generator.tensor(SEED, key, tuple(old.shape))
        v = v[0] if key.endswith("shared_expert_gate.weight") else v
        to = parts(key, names)
        for name, part in zip(to, np.split(v, len(to), 1 if len(to) > 1 else 0)):
            w.add_tensor(name, np.ascontiguousarray(turn(part, c, arch, name)))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def read_back(path, model, arch, names):
    have = {}
    for t in gguf.GGUFReader(path).tensors:
        plain = t.tensor_type == gguf.GGMLQuantizationType.F32
        v = t.data if plain else gguf.dequantize(t.data, t.tensor_type)
        v = v.reshape([int(n) for n in t.shape[::-1]])
        have[t.name] = turn(v, model.config, arch, t.name, back=True)
    state = {}
    for key, old in model.state_dict().items():
        v = [have[name] for name in parts(key, names)]
        v = v[0] if len(v) == 1 else np.concatenate(v, 1)
        state[key] = torch.from_numpy(v.astype(np.float32).reshape(old.shape))
    model.load_state_dict(state)


def make(arch, quantise, to):
    kind, cls, extra, _ = MODELS[arch]
    config = cls(**COMMON, **extra)
    config._attn_implementation = "eager"
    model = hf.AutoModelForCausalLM.from_config(
        config, attn_implementation="eager").eval()
    by_name = {v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(by_name[arch], config.num_hidden_layers)
    out = f"{to}/{arch}-{kind}"
    with tempfile.TemporaryDirectory() as tmp:
        write_f32(f"{tmp}/f32.gguf", model, arch, names)
        subprocess.run([quantise, f"{tmp}/f32.gguf", out + ".gguf", kind],
                       check=True, capture_output=True)
    read_back(out + ".gguf", model, arch, names)
    write(out + ".bin", config, model,
          generator.tokens(SEED, LENGTHS[-1], config.vocab_size))


def main():
    quantise, to = sys.argv[1:3]
    os.makedirs(to, exist_ok=True)
    for arch in sys.argv[3:] or MODELS:
        make(arch, quantise, to)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
