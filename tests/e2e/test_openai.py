"""`osmia serve` as its users see it: the official `openai` client, and many
streams at once.

    test_openai.py OSMIA

The client's tests are skipped where the `openai` package is not installed,
those of the real model where that is not there.  OSMIA_TEST_STREAMS: how many
streams at once (32 on the tiny model, 8 on the real one).
"""
import os
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from cli_case import CliCase, main  # noqa: E402
from serve_case import ServeCase, Server  # noqa: E402

try:
    import openai
except ImportError:
    openai = None

MODEL = os.environ.get("OSMIA_TEST_MODEL") or os.path.join(
    HERE, "..", "..", "models", "SmolLM2-135M-Instruct-Q4_1.gguf")
HELLO = [{"role": "user", "content": "hello"}]


@unittest.skipUnless(openai, "the openai package is not installed")
class OfficialClient(ServeCase):
    args = ("--model-name", "tiny")

    def setUp(self):
        self.client = openai.OpenAI(
            api_key="none", max_retries=0,
            base_url=f"http://{self.server.host}:{self.server.port}/v1")
        self.chat = self.client.chat.completions.create
        self.addCleanup(self.client.close)

    def test_models(self):
        self.assertEqual([m.id for m in self.client.models.list()], ["tiny"])
        self.assertEqual(self.client.models.retrieve("tiny").id, "tiny")
        with self.assertRaises(openai.NotFoundError) as e:
            self.client.models.retrieve("other")
        self.assertEqual(e.exception.code, "model_not_found")

    def test_chat(self):
        got = self.chat(model="tiny", messages=HELLO, max_tokens=5, seed=1,
                        logprobs=True, top_logprobs=2, n=2,
                        extra_body={"ignore_eos": True, "min_p": 0.01})
        self.assertEqual(len(got.choices), 2)
        self.assertEqual(got.usage.completion_tokens, 10)
        self.assertGreaterEqual(
            got.usage.prompt_tokens_details.cached_tokens, 0)
        for c in got.choices:
            self.assertEqual(c.finish_reason, "length")
            self.assertEqual(len(c.logprobs.content), 5)
            self.assertEqual(len(c.logprobs.content[0].top_logprobs), 2)

    def test_stream(self):
        whole = self.chat(model="tiny", messages=HELLO, max_tokens=9, seed=2,
                          extra_body={"ignore_eos": True})
        text, usage, reasons = "", None, []
        for chunk in self.chat(model="tiny", messages=HELLO, max_tokens=9,
                               seed=2, stream=True,
                               stream_options={"include_usage": True},
                               extra_body={"ignore_eos": True}):
            usage = chunk.usage or usage
            for c in chunk.choices:
                text += c.delta.content or ""
                reasons.append(c.finish_reason)
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(usage.completion_tokens, 9)
        self.assertEqual([r for r in reasons if r], ["length"])

    def test_completions(self):
        got = self.client.completions.create(
            model="tiny", prompt=["ab", "cd"], max_tokens=4, temperature=0,
            logprobs=1, extra_body={"ignore_eos": True})
        self.assertEqual([c.index for c in got.choices], [0, 1])
        self.assertEqual(len(got.choices[0].logprobs.tokens), 4)

    def test_errors(self):
        with self.assertRaises(openai.BadRequestError) as e:
            self.chat(model="tiny", messages=HELLO, temperature=9)
        self.assertEqual(e.exception.param, "temperature")
        with self.assertRaises(openai.BadRequestError) as e:
            self.chat(model="tiny", messages=[{"role": "user",
                                               "content": "x" * 5000}])
        self.assertEqual(e.exception.code, "context_length_exceeded")
        with self.assertRaises(openai.NotFoundError):
            self.chat(model="gpt-4", messages=HELLO)
        with self.assertRaises(openai.BadRequestError) as e:
            self.chat(model="tiny", messages=HELLO, tools=[
                {"type": "function", "function": {"name": "f"}}])
        self.assertEqual(e.exception.param, "tools")

    def test_a_client_that_leaves(self):
        stream = self.chat(model="tiny", messages=HELLO, stream=True,
                           extra_body={"ignore_eos": True})
        next(iter(stream))
        stream.close()
        end = time.time() + 5
        while self.server.metric("worker_active_jobs") > 0:
            self.assertLess(time.time(), end, "the job goes on")
            time.sleep(0.01)


# ---- many streams at once ----

def request(i):
    """Prompts of many lengths, some of which begin alike; every way to draw."""
    start = "Once upon a time there was a bee. " * (i % 5)
    return {"prompt": f"{start}canary-{i * 7919 % 1000} tells a story",
            "max_tokens": 10 + i % 17, "seed": i, "ignore_eos": True,
            "temperature": (0, 0.7, 1.3)[i % 3],
            "top_k": (0, 40)[i % 2], "top_p": (1, 0.9)[i // 2 % 2],
            "repetition_penalty": (1, 1.2)[i // 4 % 2]}


def stream_text(server, body):
    events = server.post("/v1/completions", {**body, "stream": True},
                         timeout=300).events
    assert events[-1] == "[DONE]", events[-1]
    return "".join(e["choices"][0]["text"] for e in events[:-1])


def leave_soon(server, body, delay):
    """A client that goes away without a word."""
    import json
    data = json.dumps({**body, "stream": True, "max_tokens": 200})
    with server.connect() as s:
        s.sendall((f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                   f"Content-Type: application/json\r\n"
                   f"Content-Length: {len(data)}\r\n\r\n{data}").encode())
        time.sleep(delay)


class Sameness(CliCase):
    def together(self, model, n):
        got = [None] * n
        server = Server(self.osmia, ["serve", model, "--max-jobs", "8",
                                     "--max-queue", "100"])

        def run(i):
            got[i] = stream_text(server, request(i))
        threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
        threads += [threading.Thread(target=leave_soon, args=(
            server, request(i), i * 0.02)) for i in range(n // 4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(server.metric("worker_queue_depth"), 0)
        server.kill()
        return got

    def alone(self, model, n):
        server = Server(self.osmia, ["serve", model, "--max-jobs", "1",
                                     "--threads", "1"])
        got = [stream_text(server, request(i)) for i in reversed(range(n))]
        server.kill()
        return got[::-1]

    def expect_same(self, model, n):
        n = int(os.environ.get("OSMIA_TEST_STREAMS", n))
        together, alone = self.together(model, n), self.alone(model, n)
        for i in range(n):
            self.assertEqual(together[i], alone[i], request(i))
        self.assertGreater(len(set(alone)), n // 2)
        for i in range(n):
            canary = f"canary-{i * 7919 % 1000}"
            for k in range(n):
                self.assertFalse(k != i and canary in together[k])

    def test_tiny(self):
        self.expect_same(self.gguf, 32)

    @unittest.skipUnless(os.path.exists(MODEL), "no real model")
    def test_real(self):
        self.expect_same(MODEL, 8)


if __name__ == "__main__":
    main()
