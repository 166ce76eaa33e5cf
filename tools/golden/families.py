#!/usr/bin/env python3
"""Golden results of tiny models of the other families, for tests/golden/.

As llama.py, and beside each config.json NAME.list says how the model is stored
as GGUF, one item a line:
    u32|f32|string KEY VALUE
    tensor HF-NAME GGUF-NAME ROWS COLS ADD [H]   (COLS 0: a vector)
    stack HF-NAME GGUF-NAME N ROWS COLS          (* in HF-NAME: 0 .. N - 1;
                                                  COLS 0: vectors)
    heads HF-NAME GGUF-NAME H PART FROM TAKE COLS TURNED
where ADD is what a GGUF file adds to each element (Gemma's norms) and H heads
have their rows permuted there.  A stack is many tensors in one kind of file
and one in the other.  heads: of each of H parts of PART rows of a tensor, TAKE
rows from FROM on, TURNED or not.  Lines that begin with "hf", "old" or "new"
are for Hugging Face files, older and newer GGUF files alone.
NAME-old.json: the same as files before transformers 5 said it.
usage: families.py OUT_DIR GGML_QUANTS_SO [FAMILY ...]   (as llama.py)
"""
import json
import os
import sys

import gguf
import numpy as np
import torch
import transformers as hf

sys.path.insert(0, os.path.dirname(__file__))
import deepseek_v1
import generator
from llama import LENGTHS, rounded, write

SMALL = dict(hidden_size=64, intermediate_size=160, num_hidden_layers=4,
             num_attention_heads=4, num_key_value_heads=2, vocab_size=160,
             max_position_embeddings=512, rms_norm_eps=1e-5)
GEMMA = dict(SMALL, head_dim=24)
LAYER_NORM = dict(hidden_size=96, intermediate_size=160, num_hidden_layers=4,
                  num_attention_heads=4, num_key_value_heads=2, vocab_size=160,
                  max_position_embeddings=512, layer_norm_eps=1e-4)
LONG = dict(rope_type="longrope", rope_theta=1e4,
            short_factor=[1.0 + 0.1 * i for i in range(6)],
            long_factor=[2.0 + 1.5 * i for i in range(6)])

EXPERTS = dict(n_routed_experts=8, num_experts_per_tok=3,
               moe_intermediate_size=48, first_k_dense_replace=1)
LATENT = dict(hidden_size=64, intermediate_size=160, num_hidden_layers=3,
              num_attention_heads=4, num_key_value_heads=4, vocab_size=160,
              max_position_embeddings=512, rms_norm_eps=1e-5, q_lora_rank=24,
              kv_lora_rank=40, qk_nope_head_dim=16, qk_rope_head_dim=8,
              v_head_dim=12)
YARN = dict(rope_type="yarn", rope_theta=1e4, factor=8.0, beta_fast=32.0,
            beta_slow=1.0, original_max_position_embeddings=64)

SPARSE = dict(SMALL, num_experts_per_tok=3, moe_intermediate_size=48)


def merged(*parts, **own):
    return {k: v for part in (*parts, own) for k, v in part.items()}


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
    "olmo2/plain": (hf.Olmo2Config, dict(
        SMALL, rope_theta=5e5, attention_bias=True)),
    "phi3/plain": (hf.Phi3Config, dict(
        SMALL, sliding_window=32, pad_token_id=0)),
    "phi3/long": (hf.Phi3Config, dict(
        SMALL, rope_parameters=dict(LONG, partial_rotary_factor=0.75),
        original_max_position_embeddings=64, tie_word_embeddings=True,
        pad_token_id=0)),
    "deepseek2/lite": (hf.DeepseekV2Config, merged(
        LATENT, EXPERTS, q_lora_rank=None, routed_scaling_factor=1.5,
        n_shared_experts=2, n_group=4, topk_group=1)),
    "deepseek2/v2": (hf.DeepseekV2Config, merged(
        LATENT, EXPERTS, topk_method="group_limited_greedy", n_group=4,
        topk_group=2, routed_scaling_factor=2.0, n_shared_experts=2,
        rope_parameters=dict(YARN, mscale=0.707, mscale_all_dim=0.707))),
    "deepseek2/v3": (hf.DeepseekV3Config, merged(
        LATENT, EXPERTS, n_group=4, topk_group=2, routed_scaling_factor=2.5,
        n_shared_experts=1, num_nextn_predict_layers=1,
        rope_parameters=dict(YARN, mscale=1.0, mscale_all_dim=1.0))),
    "deepseek2/biased": (hf.DeepseekV3Config, merged(
        LATENT, EXPERTS, n_group=1, topk_group=1, norm_topk_prob=False,
        attention_bias=True, rope_interleave=False, n_shared_experts=1,
        rms_norm_eps=1e-2,
        rope_parameters=dict(YARN, mscale=1.0, mscale_all_dim=0.5))),
    "deepseek2/mlp": (hf.DeepseekV2Config, merged(
        LATENT, EXPERTS, q_lora_rank=None, mlp_bias=True, n_shared_experts=1,
        rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=1e4,
                             mscale=1.0, mscale_all_dim=1.0))),
    "deepseek2/wide": (hf.DeepseekV2Config, merged(
        LATENT, EXPERTS, hidden_size=256, intermediate_size=256,
        num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        qk_nope_head_dim=256, qk_rope_head_dim=16, v_head_dim=128,
        kv_lora_rank=256, q_lora_rank=256, first_k_dense_replace=2)),
    # Parts begin inside blocks of scales.
    "deepseek2/fp8": (hf.DeepseekV3Config, merged(
        LATENT, EXPERTS, hidden_size=128, moe_intermediate_size=48,
        num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        qk_nope_head_dim=96, qk_rope_head_dim=16, v_head_dim=32,
        kv_lora_rank=160, q_lora_rank=144, n_group=2, topk_group=1,
        num_experts_per_tok=2, n_shared_experts=1)),
    "deepseek/plain": (deepseek_v1.DeepseekConfig, merged(
        SMALL, EXPERTS, num_hidden_layers=3, n_shared_experts=2,
        norm_topk_prob=False, moe_layer_freq=1)),
    "mixtral/plain": (hf.MixtralConfig, dict(
        SMALL, num_local_experts=6, num_experts_per_tok=2, head_dim=24)),
    "mixtral/window": (hf.MixtralConfig, dict(
        SMALL, num_local_experts=4, num_experts_per_tok=3, sliding_window=32,
        tie_word_embeddings=True, rope_theta=1e4)),
    "qwen2_moe/plain": (hf.Qwen2MoeConfig, dict(
        SPARSE, num_experts=6, shared_expert_intermediate_size=80)),
    "qwen2_moe/sparse": (hf.Qwen2MoeConfig, dict(
        SPARSE, num_experts=5, shared_expert_intermediate_size=40,
        norm_topk_prob=True, mlp_only_layers=[2], qkv_bias=False,
        use_sliding_window=True, sliding_window=20, max_window_layers=2)),
    "qwen3_moe/plain": (hf.Qwen3MoeConfig, dict(
        SPARSE, num_experts=8, norm_topk_prob=True, head_dim=24)),
    "qwen3_moe/sparse": (hf.Qwen3MoeConfig, dict(
        SPARSE, num_experts=7, decoder_sparse_step=2, attention_bias=True,
        use_sliding_window=True, sliding_window=32, head_dim=24,
        tie_word_embeddings=True)),
    "qwen3_moe/wide": (hf.Qwen3MoeConfig, dict(
        SPARSE, hidden_size=256, moe_intermediate_size=256,
        num_hidden_layers=2, num_experts=4, num_experts_per_tok=2,
        norm_topk_prob=True, head_dim=64)),
    "phi2/plain": (hf.PhiConfig, dict(
        hidden_size=64, intermediate_size=256, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=2, vocab_size=160,
        max_position_embeddings=512, layer_norm_eps=1e-5,
        partial_rotary_factor=0.4)),
    "phi2/normed": (hf.PhiConfig, dict(
        hidden_size=96, intermediate_size=112, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2, vocab_size=160,
        max_position_embeddings=512, layer_norm_eps=1e-3, qk_layernorm=True,
        partial_rotary_factor=0.5, tie_word_embeddings=True)),
    # Of 4.8 and 16.8 elements the reference rotates 4 and 16.
    "stablelm/plain": (hf.StableLmConfig, dict(
        LAYER_NORM, use_qkv_bias=True, partial_rotary_factor=0.2)),
    "stablelm/parallel": (hf.StableLmConfig, dict(
        LAYER_NORM, qk_layernorm=True, use_parallel_residual=True,
        partial_rotary_factor=0.7, tie_word_embeddings=True)),
}
OLD_STYLE = ("qwen2/window", "gemma2/plain", "gemma3/plain", "phi3/long",
             "phi2/plain", "mixtral/window", "qwen3_moe/plain",
             "stablelm/parallel")
# What GGUF cannot say of a variant.
HF_ONLY = ("qwen2/window", "qwen3/window", "deepseek2/biased", "deepseek2/fp8",
           "deepseek2/mlp", "phi2/normed",
           "mixtral/window", "qwen2_moe/sparse", "qwen3_moe/sparse")
# What GGUF calls them.
ARCHS = {"mixtral": "llama", "qwen2_moe": "qwen2moe", "qwen3_moe": "qwen3moe"}
# Quantised, too; turned: the heads' keys in the way newer GGUF files have them.
TYPES = {"deepseek2/wide": ("q8_0", "q4_k", "turned-q8_0", "turned-q4_k"),
         "qwen3_moe/wide": ("q8_0", "q4_0", "q4_k")}
# Scales that GGUF does not store are those of query_pre_attn_scalar = head_dim.


# Mixtral's files have names that its class has given up.
MIXTRAL = {"gate_proj": "w1", "up_proj": "w3", "down_proj": "w2"}


def stored(name, key, shape):
    """The tensors that files keep in place of one parameter: names, shapes."""
    mixtral = name.startswith("mixtral")
    if mixtral:
        key = key.replace(".mlp.", ".block_sparse_moe.")
    if key.endswith(".experts.gate_up_proj"):
        parts, half = ("gate_proj", "up_proj"), (shape[1] // 2, shape[2])
    elif key.endswith(".experts.down_proj"):
        parts, half = ("down_proj",), shape[1:]
    else:
        return [(key, shape)]
    stem = key.rsplit(".", 1)[0]
    if mixtral:
        parts = [MIXTRAL[part] for part in parts]
    return [(f"{stem}.{e}.{part}.weight", half) for e in range(shape[0])
            for part in parts]


def rounded_heads(c, values, kind):
    """kv_b, where the blocks of a key lie along its nope elements."""
    nope, rank = c.qk_nope_head_dim, c.kv_lora_rank
    heads = values.reshape(c.num_attention_heads, -1, rank)
    keys = np.ascontiguousarray(heads[:, :nope].swapaxes(1, 2))
    keys = rounded(keys.reshape(-1, nope), kind).reshape(-1, rank, nope)
    rest = rounded(np.ascontiguousarray(heads[:, nope:]).reshape(-1, rank),
                   kind).reshape(len(heads), -1, rank)
    return np.concatenate([keys.swapaxes(1, 2), rest], 1).reshape(-1, rank)


def values_of(config, name, kind, key, shape):
    if (name.endswith("fp8") and ".layers." in key and len(shape) == 2
            and "mlp.gate." not in key):
        return generator.fp8(seed_of(name), key, shape)
    values = generator.tensor(seed_of(name), key, shape)
    if kind == "f32" or len(shape) != 2:
        return values
    if kind.startswith("turned-") and "kv_b_proj" in key:
        return rounded_heads(config, values, kind.removeprefix("turned-"))
    return rounded(values, kind.removeprefix("turned-"))


def model_of(config):
    if isinstance(config, deepseek_v1.DeepseekConfig):
        return deepseek_v1.DeepseekForCausalLM(config)
    return hf.AutoModelForCausalLM.from_config(config,
                                               attn_implementation="eager")


def build(name, kind="f32"):
    cls, extra = VARIANTS[name]
    config = cls(**extra)
    config._attn_implementation = "eager"
    model = model_of(config).eval()
    state, files = {}, {}
    for key, old in model.state_dict().items():
        if key.startswith("lm_head.w") and config.tie_word_embeddings:
            continue
        parts = stored(name, key, tuple(old.shape))
        values = [values_of(config, name, kind, *part) for part in parts]
        files.update(zip((part[0] for part in parts), values))
        whole = (values[0] if len(parts) == 1
                 else np.concatenate(values).reshape(old.shape))
        state[key] = torch.from_numpy(np.ascontiguousarray(whole))
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, missing
    model.tie_weights()
    return config, model, files


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
    if "num_local_experts" in d and d["model_type"] == "qwen3_moe":
        d["num_experts"] = d.pop("num_local_experts")
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


def arch_of(name):
    folder = name.split("/")[0]
    return ARCHS.get(folder, folder)


def gguf_keys(name, c):
    """The keys that llama.cpp's converter writes."""
    arch = arch_of(name)
    rope = c.rope_parameters
    heads = getattr(c, "num_key_value_heads", c.num_attention_heads)
    eps = (("layer_norm_epsilon", c.layer_norm_eps)
           if hasattr(c, "layer_norm_eps")
           else ("layer_norm_rms_epsilon", c.rms_norm_eps))
    yield "string", "general.architecture", arch
    if name.split("/")[0] in ARCHS:
        yield from expert_keys(arch, c)
    if arch.startswith("deepseek"):
        yield from deepseek_keys(arch, c)
    ahead = getattr(c, "num_nextn_predict_layers", 0)
    for key, value in (("block_count", c.num_hidden_layers + ahead),
                       ("context_length", c.max_position_embeddings),
                       ("embedding_length", c.hidden_size),
                       ("feed_forward_length", c.intermediate_size),
                       ("attention.head_count", c.num_attention_heads)):
        yield "u32", f"{arch}.{key}", value
    if arch != "deepseek2":
        yield "u32", f"{arch}.attention.head_count_kv", heads
    yield "f32", f"{arch}.attention.{eps[0]}", eps[1]
    if getattr(c, "head_dim", None) and arch != "deepseek2":
        yield "u32", f"{arch}.attention.key_length", c.head_dim
        yield "u32", f"{arch}.attention.value_length", c.head_dim
    full = rope.get("full_attention", rope)
    if arch.startswith("phi") or arch == "stablelm":
        d = c.hidden_size // c.num_attention_heads
        part = rope.get("partial_rotary_factor", 1.0)
        yield "u32", f"{arch}.rope.dimension_count", int(d * part)
    if arch == "stablelm":
        # Of files whose config.json did not say; only the tensors do.
        yield "bool", f"{arch}.use_parallel_residual", 1
    if arch not in ("phi2", "gemma", "gemma2", "stablelm"):
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


def expert_keys(arch, c):
    for key, attribute in (
            ("expert_count", "num_local_experts"),
            ("expert_count", "num_experts"),
            ("expert_used_count", "num_experts_per_tok"),
            ("expert_feed_forward_length", "moe_intermediate_size"),
            ("expert_shared_feed_forward_length",
             "shared_expert_intermediate_size")):
        # The class of Qwen3-MoE answers to both names of the count.
        if attribute in c.to_dict():
            yield "u32", f"{arch}.{key}", getattr(c, attribute)


def permuted(arch, key, c):
    heads = {"q_proj": c.num_attention_heads, "k_proj": c.num_key_value_heads}
    part = key.split(".")[-2]
    return f" {heads[part]}" if arch in ("deepseek", "llama") and part in heads else ""


def deepseek_keys(arch, c):
    """What is said of experts and latents; heads differently by old and new."""
    v1, v3 = arch == "deepseek", c.model_type == "deepseek_v3"
    for key, value in (
            ("leading_dense_block_count", c.first_k_dense_replace),
            ("expert_count", c.n_routed_experts),
            ("expert_used_count", c.num_experts_per_tok),
            ("expert_shared_count", c.n_shared_experts),
            ("expert_feed_forward_length", c.moe_intermediate_size),
            ("expert_gating_func", 2 if v3 else 1)):
        yield "u32", f"{arch}.{key}", value
    yield ("f32", f"{arch}.expert_weights_scale",
           getattr(c, "routed_scaling_factor", 1.0))
    if v1:
        return
    if v3 and c.norm_topk_prob:
        yield "bool", f"{arch}.expert_weights_norm", 1
    if v3 or c.topk_method != "greedy":
        yield "u32", f"{arch}.expert_group_count", c.n_group
        yield "u32", f"{arch}.expert_group_used_count", c.topk_group
    if c.q_lora_rank:
        yield "u32", f"{arch}.attention.q_lora_rank", c.q_lora_rank
    rank, rope = c.kv_lora_rank, c.qk_rope_head_dim
    query = c.qk_nope_head_dim + rope
    yield "u32", f"{arch}.attention.kv_lora_rank", rank
    yield "u32", f"{arch}.rope.dimension_count", rope
    for when, heads, k, v in (("old", c.num_attention_heads, query,
                               c.v_head_dim), ("new", 1, rank + rope, rank)):
        yield f"{when} u32", f"{arch}.attention.head_count_kv", heads
        yield f"{when} u32", f"{arch}.attention.key_length", k
        yield f"{when} u32", f"{arch}.attention.value_length", v
    yield "new u32", f"{arch}.attention.key_length_mla", query
    yield "new u32", f"{arch}.attention.value_length_mla", c.v_head_dim
    if c.rope_parameters.get("mscale_all_dim"):
        yield ("f32", f"{arch}.rope.scaling.yarn_log_multiplier",
               0.1 * c.rope_parameters["mscale_all_dim"])
    if getattr(c, "num_nextn_predict_layers", 0):
        yield ("u32", f"{arch}.nextn_predict_layers",
               c.num_nextn_predict_layers)


def kv_b_lines(key, c):
    """The one tensor of keys and values by head, and what became of it."""
    block = key.split(".")[2]
    heads, rank = c.num_attention_heads, c.kv_lora_rank
    nope, value = c.qk_nope_head_dim, c.v_head_dim
    shape = f"{heads * (nope + value)} {rank} 0"
    yield f"hf tensor {key} - {shape}"
    yield f"old tensor {key} blk.{block}.attn_kv_b.weight {shape}"
    for part, at, take, turned in (("k", 0, nope, 1), ("v", nope, value, 0)):
        yield (f"new heads {key} blk.{block}.attn_{part}_b.weight {heads} "
               f"{nope + value} {at} {take} {rank} {turned}")


def n_experts(c):
    for attribute in ("n_routed_experts", "num_local_experts", "num_experts"):
        if hasattr(c, attribute):
            return getattr(c, attribute)


def expert_line(key, c, shape):
    """All experts on one line, at the first of them."""
    stem, number, part, tail = key.rsplit(".", 3)
    usual = {v: k for k, v in MIXTRAL.items()}.get(part, part)
    block, kind = key.split(".")[2], usual.removesuffix("_proj")
    if number != "0":
        return
    yield (f"stack {stem}.*.{part}.{tail} blk.{block}.ffn_{kind}_exps.weight "
           f"{n_experts(c)} {shape[0]} {shape[1]}")


def head_line(key, c, shape):
    """The norms of all heads on one line, at the first of them."""
    stem, number, tail = key.rsplit(".", 2)
    block, part = key.split(".")[2], stem.split(".")[4][0]
    heads = c.num_attention_heads if part == "q" else c.num_key_value_heads
    if number == "0":
        yield (f"stack {stem}.*.{tail} blk.{block}.attn_{part}_norm.{tail} "
               f"{heads} {shape[0]} 0")


def apart(key, c, shape):
    """Lines of what the kinds of files keep differently; None: of the rest."""
    if ".experts." in key:
        return expert_line(key, c, shape)
    if "kv_b_proj" in key:
        return kv_b_lines(key, c)
    return head_line(key, c, shape) if ".norms." in key else None


def write_list(path, name, config, state):
    arch = arch_of(name)
    number = {v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch]
    names = gguf.get_tensor_name_map(number, config.num_hidden_layers)
    with open(path, "w") as f:
        if name not in HF_ONLY:
            for kind, key, value in gguf_keys(name, config):
                f.write(f"{kind} {key} {value}\n")
        for key, values in state.items():
            lines = apart(key, config, values.shape)
            if lines is not None:
                f.writelines(line + "\n" for line in lines)
                continue
            plus = arch.startswith("gemma") and key.endswith("norm.weight")
            # The converter adds ".bias" to this name before it looks it up.
            whole = key.replace("e_score_correction_bias",
                                "e_score_correction.bias")
            other = names.get_name(whole, try_suffixes=(".weight", ".bias"))
            rows, cols = (list(values.shape) + [0])[:2]
            heads = permuted(arch, key, config)
            f.write(f"tensor {key} {other} {rows} {cols} {int(plus)}{heads}\n")
        if getattr(config, "num_nextn_predict_layers", 0):
            n = config.num_hidden_layers    # one tensor of a layer not used
            f.write(f"tensor model.layers.{n}.eh_proj.weight "
                    f"blk.{n}.nextn.eh_proj.weight 64 128 0\n")
        params = config.rope_parameters
        if params.get("rope_type") == "longrope":
            for which in ("long", "short"):
                for value in params[which + "_factor"]:
                    f.write(f"value rope_factors_{which}.weight {value}\n")


def main():
    to, wanted = sys.argv[1], sys.argv[3:]
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
        if name.endswith("fp8"):
            d["quantization_config"] = dict(
                quant_method="fp8", fmt="e4m3", activation_scheme="dynamic",
                weight_block_size=[128, 128])
        with open(f"{to}/{name}.json", "w") as f:
            json.dump(d, f, indent=1)
        if name in OLD_STYLE:
            with open(f"{to}/{name}-old.json", "w") as f:
                json.dump(old_style(name, d), f, indent=1)
        write_list(f"{to}/{name}.list", name, config, state)
        for kind in TYPES.get(name, ()):
            write(f"{to}/{name}-{kind}.bin", config, build(name, kind)[1], ids)


if __name__ == "__main__":
    main()
