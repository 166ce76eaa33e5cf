#!/usr/bin/env python3
"""Reference replies of SmolLM2-135M-Instruct, made by transformers.

    smollm2.py MODEL.gguf > tests/e2e/data/smollm2.json
    smollm2.py DIRECTORY > tests/e2e/data/smollm2-bf16.json
    smollm2.py MODEL.gguf --save DIRECTORY f32|bf16

The weights are de-quantised to f32 and run by the reference library on the
CPU, greedily.  Each case holds the prompt's ids, the reply's ids and, for each
reply token, the distance of the two best logits: where it is tiny, another
correct implementation may go the other way.

--save writes the model as a safetensors directory, for the same tests.
"""
import argparse
import json
import os
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "What is the capital of France?",
    "Write a short poem about bees.",
    "Explain gravity to a child in two sentences.",
    "List three prime numbers.",
    "Translate 'good morning' into Spanish.",
    "What is 12 plus 30?",
    "Who wrote Romeo and Juliet?",
    "Give me a recipe for pancakes.",
    "Why is the sky blue?",
    "Name the planets of the solar system in order.",
    "Write a C function that returns the larger of two integers.",
    "Summarise the plot of Cinderella in one paragraph.",
]
TOKENS = 64


def reply(model, ids):
    """Greedy continuation: (ids, distances between the two best logits)."""
    out, gaps, past = [], [], None
    step = torch.tensor([ids])
    for _ in range(TOKENS):
        with torch.no_grad():
            r = model(step, past_key_values=past, use_cache=True)
        past = r.past_key_values
        best = torch.topk(r.logits[0, -1].float(), 2)
        out.append(int(best.indices[0]))
        gaps.append(round(float(best.values[0] - best.values[1]), 4))
        step = best.indices[:1].reshape(1, 1)
    return out, gaps


def load(path, dtype):
    """-> (tokenizer, model), from a GGUF file or a directory."""
    where = {"pretrained_model_name_or_path": path}
    if not os.path.isdir(path):
        folder, name = os.path.split(os.path.abspath(path))
        where = {"pretrained_model_name_or_path": folder, "gguf_file": name}
    return (AutoTokenizer.from_pretrained(**where),
            AutoModelForCausalLM.from_pretrained(**where, dtype=dtype).eval())


def print_cases(tok, model):
    system = ("You are a helpful AI assistant named SmolLM, "
              "trained by Hugging Face")
    cases = []
    for text in PROMPTS:
        prompt = (f"<|im_start|>system\n{system}<|im_end|>\n"
                  f"<|im_start|>user\n{text}<|im_end|>\n"
                  f"<|im_start|>assistant\n")
        ids = tok(prompt, add_special_tokens=False)["input_ids"]
        out, gaps = reply(model, ids)
        cases.append({"user": text, "prompt": ids, "reply": out, "gaps": gaps})
        print(repr(tok.decode(out)), file=sys.stderr)
    rows = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    print("[" + rows + "]")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("model")
    args.add_argument("--save", nargs=2, metavar=("DIRECTORY", "TYPE"))
    args = args.parse_args()
    types = {"f32": torch.float32, "bf16": torch.bfloat16}
    tok, model = load(args.model,
                      types[args.save[1]] if args.save else torch.float32)
    if args.save:
        # Read from GGUF, a model counts as quantised and refuses to be saved.
        del model.config.quantization_config
        plain = AutoModelForCausalLM.from_config(model.config,
                                                 dtype=model.dtype)
        plain.load_state_dict(model.state_dict())
        plain.save_pretrained(args.save[0])
        tok.save_pretrained(args.save[0])
    else:
        print_cases(tok, model)


if __name__ == "__main__":
    main()
