"""The real small model, SmolLM2-135M-Instruct as GGUF Q4_1, through the program.

    test_real.py OSMIA

Reference replies stand in data/smollm2.json (tools/golden/smollm2.py made them
with transformers on the de-quantised weights).  Skipped where the model is not
there; ./demo fetches it.  The same model as safetensors directories of f32 and
bf16 is tested where docs/testing.md was followed.
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import CliCase, main  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "..", "models")
MODEL = os.path.join(MODELS, "SmolLM2-135M-Instruct-Q4_1.gguf")
# The same weights, written by transformers; with the reference's replies.
DIRECTORIES = {"smollm2-f32": "smollm2.json",
               "smollm2-bf16": "smollm2-bf16.json"}
SKIP = 77
# Where the reference's two best logits lie closer than this, another correct
# implementation may take the other one.
TIE = 0.02


def first_tie(gaps):
    """Index of the first near-tie; len(gaps) if there is none."""
    return next((i for i, g in enumerate(gaps) if g < TIE), len(gaps))


def agrees(got, case):
    """Equal up to the first near-tie?"""
    n = first_tie(case["gaps"])
    return got[:n] == case["reply"][:n]


def read_cases(name):
    with open(os.path.join(HERE, "data", name), encoding="utf-8") as f:
        return json.load(f)


class Real(CliCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cases = read_cases("smollm2.json")

    def test_paris(self):
        text = self.ok("run", MODEL, "What is the capital of France?",
                       "--temperature", "0")
        self.assertIn("Paris", text)

    def expect_reference(self, model, cases):
        """Greedy replies of 64 tokens; -> how many are equal to the end."""
        requests = [{"messages": [{"role": "user", "content": c["user"]}],
                     "max_tokens": len(c["reply"]), "ignore_eos": True}
                    for c in cases]
        got = self.lines("run", model, "--jsonl", "--exact", requests=requests,
                         timeout=200)
        whole = 0
        for answer, case in zip(got, cases):
            self.assertEqual(answer["prompt_tokens"], len(case["prompt"]))
            self.assertTrue(agrees(answer["tokens"], case), case["user"])
            whole += answer["tokens"] == case["reply"]
        return whole

    def test_prompts_and_replies_equal_the_reference(self):
        self.assertGreaterEqual(self.expect_reference(MODEL, self.cases), 10)

    def test_safetensors_directories(self):
        for name, file in DIRECTORIES.items():
            model = os.path.join(MODELS, name)
            if not os.path.exists(model):
                continue
            with self.subTest(name):
                cases = read_cases(file)
                self.assertGreaterEqual(self.expect_reference(model, cases),
                                        len(cases) - 2)
                text = self.ok("run", model, "What is the capital of France?",
                               "--temperature", "0")
                self.assertIn("Paris", text)

    def test_the_comparison_can_fail(self):
        case = self.cases[0]
        self.assertTrue(agrees(case["reply"], case))
        wrong = [case["reply"][0] + 1, *case["reply"][1:]]
        self.assertFalse(agrees(wrong, case))

    def test_default_path_is_near_the_exact_one(self):
        """Mean KL divergence of the default path from the exact one over the
        reference replies.  llama.cpp's own, on this file and these tokens, is
        3.26e-3."""
        import math
        requests = [{"tokens": c["prompt"] + c["reply"][:-1],
                     "from": len(c["prompt"]) - 1, "top": 400}
                    for c in self.cases[:10]]
        rows = [self.lines("logits", MODEL, *flags, requests=requests,
                           timeout=200) for flags in ([], ["--exact"])]
        total, n = 0.0, 0
        for default, exact in zip(*rows):
            for d, e in zip(default["logits"], exact["logits"]):
                d = dict(d)
                # The 400 likeliest ids carry all but a trace of the mass.
                floor = min(d.values())
                total += sum(math.exp(p) * (p - d.get(i, floor))
                             for i, p in e)
                n += 1
        self.assertEqual(n, 640)
        self.assertLess(total / n, 1.05 * 3.26e-3)
        self.assertGreater(total / n, 0)

    def test_inspect(self):
        got = json.loads(self.ok("inspect", MODEL, "--json"))
        self.assertEqual(
            [got[k] for k in ("architecture", "format", "parameters", "layers",
                              "hidden_size", "heads", "kv_heads", "head_dim",
                              "vocab_size", "context_length")],
            ["llama", "gguf", 134515008, 30, 576, 9, 3, 64, 49152, 8192])
        self.assertEqual(got["tokenizer"]["size"], 49152)
        self.assertFalse(got["tokenizer"]["adds_bos"])
        self.assertIn(2, got["tokenizer"]["eos"])
        self.assertIn("q4_1", got["weights"])


if __name__ == "__main__":
    if not os.path.exists(MODEL):
        print("no", MODEL)
        sys.exit(SKIP)
    main()
