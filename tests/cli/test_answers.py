"""run, logits, perplexity, inspect on a tiny model."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import CliCase, main  # noqa: E402

GREEDY = ["--temperature", "0", "--ignore-eos"]


class Answers(CliCase):
    def test_both_formats_agree(self):
        request = [{"tokens": [72, 105, 32, 98], "from": 0}]
        a = self.lines("logits", self.dir, "--exact", requests=request)[0]
        b = self.lines("logits", self.gguf, "--exact", requests=request)[0]
        self.assertEqual(len(a["logits"]), 4)
        self.assertEqual(len(a["logits"][0]), 259)
        # q and k rows are stored in another order, so sums differ in the
        # last bits only.
        self.assertLess(max(abs(x - y) for r, s in zip(a["logits"], b["logits"])
                            for x, y in zip(r, s)), 1e-5)

    def test_logits_chunks_and_threads_are_equal(self):
        ids = [(i * 7) % 256 for i in range(100)]
        rows = [self.lines("logits", self.dir, "--threads", t, requests=[
            {"tokens": ids, "from": 0, "chunk": c} for c in (0, 1, 7, 64)])
            for t in ("1", "2", "3")]
        for per_thread in rows:
            for answer in per_thread:
                self.assertEqual(answer, rows[0][0])

    def test_logits_top(self):
        got = self.lines("logits", self.dir, status=1, requests=[
            {"tokens": [72], "top": 3}, {"tokens": []}, {"tokens": [259]},
            {"tokens": [1], "from": 1}, {"tokens": [1]}])
        top = got[0]["logits"][0]
        self.assertEqual(len(top), 3)
        self.assertTrue(top[0][1] >= top[1][1] >= top[2][1])
        self.assertTrue(all("error" in g for g in got[1:4]))
        self.assertEqual(len(got[4]["logits"][0]), 259)

    def test_run_is_repeatable(self):
        args = ["run", self.dir, "--raw", "hello", "-n", "12", "--ignore-eos",
                "--temperature", "1", "--seed"]
        self.assertEqual(self.ok(*args, "7"), self.ok(*args, "7"))
        self.assertNotEqual(self.ok(*args, "7"), self.ok(*args, "8"))

    def test_run_json(self):
        got = json.loads(self.ok("run", self.dir, "hello", "--json", "-n", "5",
                                 "--logprobs", "2", *GREEDY))
        self.assertEqual(got["finish_reason"], "length")
        self.assertEqual(got["completion_tokens"], 5)
        self.assertEqual(len(got["tokens"]), 5)
        self.assertEqual([len(p["top"]) for p in got["logprobs"]], [2] * 5)
        for token, p in zip(got["tokens"], got["logprobs"]):
            self.assertEqual(p["top"][0], [token, p["logprob"]])
        self.assertEqual(sorted(got["timings"]), [
            "decode_ms", "first_token_ms", "load_ms", "prefill_ms"])

    def test_prompt_and_pipe_are_joined(self):
        both = self.ok("run", self.dir, "a", "-n", "6", *GREEDY, text="b\n")
        one = self.ok("run", self.dir, "a\n\nb", "-n", "6", *GREEDY)
        self.assertEqual(both, one)

    def test_stop_does_not_leak(self):
        args = ["run", self.dir, "--raw", "hello", "-n", "24", *GREEDY]
        whole = self.ok(*args)
        stop = whole[4:6]
        self.assertEqual(self.ok(*args, "--stop", stop),
                         whole[:whole.index(stop)] + "\n")

    def test_lines_equal_single_runs(self):
        prompts = [f"prompt number {i} " * (i + 1) for i in range(20)]
        requests = [{"prompt": p, "max_tokens": 8 + i, "ignore_eos": True}
                    for i, p in enumerate(prompts)]
        requests.insert(3, {"prompt": 5})
        requests.insert(9, "RAW not json")
        got = self.lines("run", self.dir, "--jsonl", status=1,
                         requests=requests)
        self.assertIn("error", got.pop(9))
        self.assertIn("error", got.pop(3))
        for i in (0, 7, 19):
            alone = json.loads(self.ok("run", self.dir, prompts[i], "--json",
                                       "-n", str(8 + i), *GREEDY))
            for key in ("tokens", "text", "prompt_tokens"):
                self.assertEqual(alone[key], got[i][key])

    def test_lines_of_tokens_and_messages(self):
        got = self.lines("run", self.dir, "--jsonl", status=1, requests=[
            {"tokens": [1, 2, 3], "max_tokens": 2, "ignore_eos": True},
            {"messages": [{"role": "user", "content": "x"}], "max_tokens": 2},
            {"tokens": [1], "temperature": -1}, {"tokens": [1], "bogus": 2},
            {"tokens": [1], "prompt": "x"}, [1], {"tokens": [-4]}])
        self.assertEqual(got[0]["completion_tokens"], 2)
        self.assertEqual(got[0]["prompt_tokens"], 3)
        self.assertTrue(all("error" in g for g in got[2:]), got[2:])

    def test_context_is_honest(self):
        got = self.lines(
            "run", self.dir, "--jsonl", "--ctx", "40", status=1, requests=[
                {"tokens": [5] * 38, "max_tokens": 100, "ignore_eos": True},
                {"tokens": [5] * 41}])
        self.assertEqual(got[0]["finish_reason"], "length")
        self.assertIn("40", got[1]["error"])

    def test_perplexity(self):
        path = self.path("text")
        with open(path, "w", encoding="utf-8") as f:
            f.write("the bee flies over the field " * 40)
        text = self.ok("perplexity", self.dir, path, "--ctx", "128")
        self.assertGreater(float(text.split()[1]), 1)
        self.assertEqual(self.run_osmia("perplexity", self.dir).returncode, 2)

    def test_inspect(self):
        for model, kind in ((self.dir, "safetensors"), (self.gguf, "gguf")):
            got = json.loads(self.ok("inspect", model, "--json"))
            self.assertEqual(got["format"], kind)
            self.assertEqual(
                [got[k] for k in ("layers", "hidden_size", "heads", "kv_heads",
                                  "head_dim", "vocab_size", "context_length")],
                [2, 32, 4, 2, 8, 259, 2048])
            self.assertIsNone(got["experts"])
            self.assertEqual(got["tokenizer"]["eos"][-1], 258)
            self.assertTrue(got["chat_template"])
            self.assertIn("f32", got["weights"])
            self.assertGreater(got["memory"]["weights_bytes"], 0)
            self.assertIn("llama", self.ok("inspect", model).lower())
            self.assertEqual(
                len(self.ok("inspect", model, "--tensors").splitlines()), 21)

    def test_inspect_of_what_would_not_load(self):
        broken = self.path("broken")
        os.makedirs(broken)
        for name in ("tokenizer.json", "model.safetensors"):
            os.symlink(os.path.join(self.dir, name),
                       os.path.join(broken, name))
        with open(os.path.join(self.dir, "config.json"), encoding="utf-8") as f:
            config = json.load(f)
        for key, value in (("hidden_act", "relu6"), ("num_hidden_layers", 3),
                           ("model_type", "mystery"), ("hidden_size", 0)):
            changed = dict(config, **{key: value})
            if key == "model_type":
                changed["architectures"] = ["Mystery"]
            with open(os.path.join(broken, "config.json"), "w",
                      encoding="utf-8") as f:
                json.dump(changed, f)
            p = self.run_osmia("inspect", broken)
            self.assertEqual(p.returncode, 1, key)
            self.assertEqual(p.stderr.count(b"\n"), 1, p.stderr)


if __name__ == "__main__":
    main()
