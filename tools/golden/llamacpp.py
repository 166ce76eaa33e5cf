#!/usr/bin/env python3
"""A model with experts as llama.cpp's own quantiser writes it, for tests/golden/.

The weights come from the counter (generator.py), go into a GGUF file of f32 as
the converter would write it, and through llama-quantize.  The reference's
results are those of transformers on what is in the quantised file.
usage: llamacpp.py LLAMA_QUANTIZE OUT_DIR
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

SEED, KIND = 11, "q4_k_m"
CONFIG = dict(hidden_size=256, intermediate_size=256, num_hidden_layers=1,
              num_attention_heads=4, num_key_value_heads=2, vocab_size=160,
              max_position_embeddings=512, rms_norm_eps=1e-5, num_experts=4,
              num_experts_per_tok=2, moe_intermediate_size=256,
              shared_expert_intermediate_size=256)
KEYS = dict(block_count="num_hidden_layers",
            context_length="max_position_embeddings",
            embedding_length="hidden_size",
            feed_forward_length="intermediate_size",
            expert_count="num_experts", expert_used_count="num_experts_per_tok",
            expert_feed_forward_length="moe_intermediate_size",
            expert_shared_feed_forward_length="shared_expert_intermediate_size")
KEYS |= {"attention.head_count": "num_attention_heads",
         "attention.head_count_kv": "num_key_value_heads"}


def parts(key, names):
    """The GGUF tensors of a parameter of transformers."""
    if key.endswith("experts.gate_up_proj"):
        block = key.split(".")[2]
        return [f"blk.{block}.ffn_{k}_exps.weight" for k in ("gate", "up")]
    name = names.get_name(key, try_suffixes=(".weight", ".bias"))
    return [name if name.endswith((".weight", ".bias")) else name + ".weight"]


def write_f32(path, model, names):
    c = model.config
    w = gguf.GGUFWriter(path, "qwen2moe")
    for key, attribute in KEYS.items():
        w.add_uint32("qwen2moe." + key, getattr(c, attribute))
    w.add_float32("qwen2moe.attention.layer_norm_rms_epsilon", c.rms_norm_eps)
    w.add_float32("qwen2moe.rope.freq_base", c.rope_parameters["rope_theta"])
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
            w.add_tensor(name, np.ascontiguousarray(part))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def read_back(path, model, names):
    have = {}
    for t in gguf.GGUFReader(path).tensors:
        plain = t.tensor_type == gguf.GGMLQuantizationType.F32
        v = t.data if plain else gguf.dequantize(t.data, t.tensor_type)
        have[t.name] = v.reshape([int(n) for n in t.shape[::-1]])
    state = {}
    for key, old in model.state_dict().items():
        v = [have[name] for name in parts(key, names)]
        v = v[0] if len(v) == 1 else np.concatenate(v, 1)
        state[key] = torch.from_numpy(v.astype(np.float32).reshape(old.shape))
    model.load_state_dict(state)


def main():
    quantise, to = sys.argv[1:]
    config = hf.Qwen2MoeConfig(**CONFIG)
    config._attn_implementation = "eager"
    model = hf.AutoModelForCausalLM.from_config(
        config, attn_implementation="eager").eval()
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2MOE, 1)
    os.makedirs(to, exist_ok=True)
    out = f"{to}/qwen2moe-{KIND}"
    with tempfile.TemporaryDirectory() as tmp:
        write_f32(f"{tmp}/f32.gguf", model, names)
        subprocess.run([quantise, f"{tmp}/f32.gguf", out + ".gguf", KIND],
                       check=True, capture_output=True)
    read_back(out + ".gguf", model, names)
    write(out + ".bin", config, model,
          generator.tokens(SEED, LENGTHS[-1], config.vocab_size))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
