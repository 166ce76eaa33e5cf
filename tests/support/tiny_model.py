"""A tiny random Llama with a byte-level tokenizer, as a Hugging Face directory
or as a GGUF file; Python's standard library only.

The weights come from a fixed generator, so that every run of the tests sees
the same model.  It talks nonsense, fast.
"""
import json
import os
import struct

LAYERS, HIDDEN, HEADS, KV_HEADS, FFN = 2, 32, 4, 2, 64
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + "
    "m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def byte_letters():
    """The visible character that stands for each byte (GPT-2's map)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, n = {}, 0
    for b in range(256):
        if b in plain:
            letters[b] = chr(b)
        else:
            letters[b] = chr(256 + n)
            n += 1
    return [letters[b] for b in range(256)]


def numbers(seed, n, scale):
    """n floats in (-scale, scale) from a linear congruential generator."""
    x, out = seed * 2654435761 % 2**32 + 1, []
    for _ in range(n):
        x = (x * 1664525 + 1013904223) % 2**32
        out.append((x / 2**31 - 1) * scale)
    return out


def tensors(vocab):
    """(HF name, GGUF name, shape, values) of every tensor."""
    d = HIDDEN // HEADS
    rows = [("model.embed_tokens.weight", "token_embd.weight", [vocab, HIDDEN])]
    for i in range(LAYERS):
        hf, gg = f"model.layers.{i}.", f"blk.{i}."
        rows += [
            (hf + "input_layernorm.weight", gg + "attn_norm.weight", [HIDDEN]),
            (hf + "self_attn.q_proj.weight", gg + "attn_q.weight", [HEADS * d, HIDDEN]),
            (hf + "self_attn.k_proj.weight", gg + "attn_k.weight", [KV_HEADS * d, HIDDEN]),
            (hf + "self_attn.v_proj.weight", gg + "attn_v.weight", [KV_HEADS * d, HIDDEN]),
            (hf + "self_attn.o_proj.weight", gg + "attn_output.weight", [HIDDEN, HEADS * d]),
            (hf + "post_attention_layernorm.weight", gg + "ffn_norm.weight", [HIDDEN]),
            (hf + "mlp.gate_proj.weight", gg + "ffn_gate.weight", [FFN, HIDDEN]),
            (hf + "mlp.up_proj.weight", gg + "ffn_up.weight", [FFN, HIDDEN]),
            (hf + "mlp.down_proj.weight", gg + "ffn_down.weight", [HIDDEN, FFN]),
        ]
    rows += [("model.norm.weight", "output_norm.weight", [HIDDEN]),
             ("lm_head.weight", "output.weight", [vocab, HIDDEN])]
    for seed, (hf, gg, shape) in enumerate(rows):
        n = 1
        for s in shape:
            n *= s
        values = numbers(seed + 1, n, 0.3)
        if len(shape) == 1:
            values = [1 + v for v in values]
        yield hf, gg, shape, values


def vocabulary():
    return byte_letters() + SPECIALS


def write_directory(path):
    """A Hugging Face directory; returns path."""
    os.makedirs(path, exist_ok=True)
    vocab = vocabulary()
    header, data, at = {}, [], 0
    for name, _, shape, values in tensors(len(vocab)):
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [at, at + len(raw)]}
        data.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(path, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data))
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama",
        "vocab_size": len(vocab), "hidden_size": HIDDEN,
        "intermediate_size": FFN, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "hidden_act": "silu", "eos_token_id": 258,
        "tie_word_embeddings": False,
    }
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": 256 + i, "content": s, "single_word": False,
             "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for i, s in enumerate(SPECIALS)],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False,
                          "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True,
                    "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "vocab": {t: i for i, t in enumerate(vocab)},
                  "merges": []},
    }
    files = {
        "config.json": config, "tokenizer.json": tokenizer,
        "tokenizer_config.json": {
            "eos_token": "<|im_end|>", "chat_template": TEMPLATE,
            "tokenizer_class": "PreTrainedTokenizerFast"},
    }
    for name, value in files.items():
        with open(os.path.join(path, name), "w", encoding="utf-8") as f:
            json.dump(value, f)
    return path


def permuted(values, shape, heads):
    """Rows of q and k as GGUF files of this architecture have them."""
    width, d = shape[1], shape[0] // heads
    out = []
    for h in range(heads):
        for i in range(d // 2):
            for j in range(2):
                row = h * d + j * (d // 2) + i
                out += values[row * width:(row + 1) * width]
    return out


def write_gguf(path, eos=258):
    """The same model as one GGUF file; returns path."""
    vocab = vocabulary()

    def text(s):
        raw = s.encode()
        return struct.pack("<Q", len(raw)) + raw

    def value(v):
        if isinstance(v, bool):
            return struct.pack("<I?", 7, v)
        if isinstance(v, int):
            return struct.pack("<II", 4, v)
        if isinstance(v, float):
            return struct.pack("<If", 6, v)
        if isinstance(v, str):
            return struct.pack("<I", 8) + text(v)
        kind = 8 if not v or isinstance(v[0], str) else 5
        body = b"".join(text(x) if kind == 8 else struct.pack("<i", x)
                        for x in v)
        return struct.pack("<IIQ", 9, kind, len(v)) + body

    keys = {
        "general.architecture": "llama", "general.name": "tiny",
        "llama.block_count": LAYERS, "llama.context_length": 2048,
        "llama.embedding_length": HIDDEN, "llama.feed_forward_length": FFN,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KV_HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.freq_base": 10000.0,
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": vocab,
        "tokenizer.ggml.token_type": [1] * 256 + [3] * len(SPECIALS),
        "tokenizer.ggml.merges": [],
        "tokenizer.ggml.eos_token_id": eos,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": TEMPLATE,
    }
    infos, data, at = b"", [], 0
    rows = list(tensors(len(vocab)))
    for _, name, shape, values in rows:
        if ".attn_q." in name:
            values = permuted(values, shape, HEADS)
        if ".attn_k." in name:
            values = permuted(values, shape, KV_HEADS)
        raw = struct.pack(f"<{len(values)}f", *values)
        infos += text(name) + struct.pack("<I", len(shape))
        infos += b"".join(struct.pack("<Q", s) for s in reversed(shape))
        infos += struct.pack("<IQ", 0, at)
        raw += b"\0" * (-len(raw) % 32)
        data.append(raw)
        at += len(raw)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(rows), len(keys))
    for k, v in keys.items():
        head += text(k) + value(v)
    head += infos
    head += b"\0" * (-len(head) % 32)
    with open(path, "wb") as f:
        f.write(head + b"".join(data))
    return path
