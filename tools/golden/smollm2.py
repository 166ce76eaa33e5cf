#!/usr/bin/env python3
"""Reference replies of SmolLM2-135M-Instruct, made by transformers.

    smollm2.py MODEL.gguf > tests/e2e/data/smollm2.json

The GGUF file's weights are de-quantised to f32 and run by the reference
library on the CPU, greedily.  Each case holds the prompt's ids, the reply's
ids and, for each reply token, the distance of the two best logits: where it
is tiny, another correct implementation may go the other way.
"""
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


def main():
    folder, name = os.path.split(os.path.abspath(sys.argv[1]))
    tok = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=name, dtype=torch.float32).eval()
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


if __name__ == "__main__":
    main()
