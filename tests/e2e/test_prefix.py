"""The next turn of a conversation runs what is new in it, and nothing else.

    test_prefix.py OSMIA

On the real models in models/: SmolLM2 (./demo fetches it) and, where somebody
has put it there, Gemma 3, whose layers mostly see a window only.
OSMIA_TEST_LONG=1: ten turns instead of four, and the full bound on time.
"""
import os
import random
import statistics
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from cli_case import main  # noqa: E402
from serve_case import ProcessCase, is_sanitized  # noqa: E402

MODELS = os.path.join(HERE, "..", "..", "models")
SMOLLM2 = os.path.join(MODELS, "SmolLM2-135M-Instruct-Q4_1.gguf")
GEMMA3 = os.path.join(MODELS, "gemma-3-270m-it-Q4_K_M.gguf")
GEMMA3_WINDOW = 512
LONG = os.environ.get("OSMIA_TEST_LONG")


def user(text):
    return {"role": "user", "content": text}


def common(a, b):
    """Length of what both begin with."""
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return n


class Conversation(ProcessCase):
    def setUp(self):
        if is_sanitized(self.osmia):
            self.skipTest("a real model under a sanitizer takes too long")

    def ask(self, server, messages, n=20):
        """-> (answer, its usage with the prompt's own numbers, seconds)"""
        start = time.perf_counter()
        got = server.post("/v1/chat/completions", {
            "messages": messages, "max_tokens": n, "temperature": 0},
            timeout=300).json
        seconds = time.perf_counter() - start
        usage = got["usage"]
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        return got["choices"][0]["message"]["content"], (
            usage["prompt_tokens"], cached), seconds

    def ids(self, server, messages):
        text = server.post("/apply-template", {"messages": messages}
                           ).json["prompt"]
        return server.post("/tokenize", {
            "content": text, "parse_special": True}).json["tokens"]

    def cold(self, server, n):
        """Seconds to the first token of n tokens that nobody has run."""
        took = []
        for _ in range(5):
            ids = [random.randrange(1000, 40000) for _ in range(n)]
            start = time.perf_counter()
            server.post("/v1/completions", {"prompt": ids, "max_tokens": 1})
            took.append(time.perf_counter() - start)
        return statistics.median(took)

    @unittest.skipUnless(os.path.exists(SMOLLM2), "no real model")
    def test_turns_run_new_tokens_only(self):
        server = self.start("serve", SMOLLM2)
        messages, before = [], []
        for i in range(10 if LONG else 4):
            messages.append(user(f"Tell me fact {i} about bees."))
            ids = self.ids(server, messages)
            # Its first token; then the answer, which finds all of it.
            _, (n, cached), seconds = self.ask(server, messages, 1)
            answer, _, _ = self.ask(server, messages)
            shared = common(before, ids)
            self.assertEqual(n, len(ids))
            self.assertGreaterEqual(cached, 0.95 * shared)
            before = ids
            messages.append({"role": "assistant", "content": answer})
        cold = self.cold(server, n - cached)
        if LONG:
            print(f"turn 10: {n} tokens, {cached} of them cached, "
                  f"{seconds * 1e3:.1f} ms; cold run of the others "
                  f"{cold * 1e3:.1f} ms", flush=True)
        self.assertLessEqual(seconds, (1.3 if LONG else 4) * cold + 0.02 * (
            1 if LONG else 4))
        fresh = self.start("serve", SMOLLM2)         # has nothing cached
        again, (_, none), _ = self.ask(fresh, messages[:-1])
        self.assertEqual(none, 0)
        self.assertEqual(again, answer)

    def run_ids(self, server, ids):
        """-> (text, how many of the ids ran)"""
        got = server.post("/v1/completions", {
            "prompt": ids, "max_tokens": 20, "temperature": 0},
            timeout=300).json
        usage = got["usage"]
        self.assertEqual(usage["prompt_tokens"], len(ids))
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        return got["choices"][0]["text"], len(ids) - cached

    @unittest.skipUnless(os.path.exists(GEMMA3), "no Gemma 3")
    def test_another_last_turn_runs_a_window_at_most(self):
        server = self.start("serve", GEMMA3, "--ctx", "4096")

        def turns(n, last):
            """The file has no template: as the family's reads."""
            form = "<start_of_turn>{}\n{}<end_of_turn>\n"
            text = "".join(
                form.format("user", f"And flower {i}? " * 9)
                + form.format("model", f"Flower {i} does, too. " * 9)
                for i in range(n))
            text += form.format("user", last) + "<start_of_turn>model\n"
            return server.post("/tokenize", {
                "content": text, "add_special": True, "parse_special": True,
            }).json["tokens"]

        ids = turns(17, "Tell me about bees, please. " * 4)
        other = turns(17, "What about wasps, then?")
        self.assertGreater(len(other), 1900)
        new = len(other) - common(ids, other)
        self.run_ids(server, ids)
        text, ran = self.run_ids(server, other)
        if LONG:
            print(f"Gemma 3: {len(other)} tokens, {new} of them new, {ran} run",
                  flush=True)
        self.assertLessEqual(ran, new + GEMMA3_WINDOW)
        fresh = self.start("serve", GEMMA3, "--ctx", "4096")
        self.assertEqual(self.run_ids(fresh, other), (text, len(other)))

    def test_common(self):
        self.assertEqual(common([1, 2, 3], [1, 2, 4, 5]), 2)
        self.assertEqual(common([], [1]), 0)
        self.assertEqual(common([1, 2], [1, 2]), 2)


if __name__ == "__main__":
    main()
