"""The worker contract's list of acceptance, with httpx as its client: what an
orchestrator does with a worker, from the five flags to SIGTERM.  A number is a
line of that list; lines that need no client of their own are tests of the same
number in tests/routes and tests/serve.

    test_acceptance.py OSMIA

Skipped where the `httpx` package is not installed; ./test sees to that.
"""
import json
import os
import signal
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import tiny_model  # noqa: E402
from cli_case import main  # noqa: E402
from serve_case import ProcessCase  # noqa: E402

try:
    import httpx
except ImportError:
    httpx = None

FLAT = {"prompt": "Hello", "max_tokens": 4, "temperature": 0}


def read_lines(client, url):
    """The orchestrator's reader: strip the prefix, stop at [DONE]."""
    got = []
    with client.stream("GET", url) as reply:
        assert reply.status_code == 200, reply.status_code
        for line in reply.iter_lines():
            if not line.startswith("data: "):
                continue
            if line == "data: [DONE]":
                return got
            got.append(json.loads(line[len("data: "):]))
    raise AssertionError("no [DONE]")


@unittest.skipUnless(httpx, "the httpx package is not installed")
class Acceptance(ProcessCase):
    def client(self, server):
        c = httpx.Client(base_url=f"http://{server.host}:{server.port}",
                         timeout=30)
        self.addCleanup(c.close)
        return c

    def serve(self, *args, model=None):
        self.server = self.start("serve", model or self.gguf, *args)
        return self.client(self.server)

    def job(self, client, body):
        reply = client.post("/v1/inference", json=body)
        self.assertEqual(reply.status_code, 200, reply.text)
        return reply.json()

    def events(self, client, body):
        """Of one job, in the right order whatever became of it."""
        got = read_lines(client, self.job(client, body)["sse_url"])
        kinds = [e["type"] for e in got]
        self.assertEqual(kinds[0], "started")
        self.assertIn(kinds[-1], ("end", "error"))
        self.assertEqual(sum(k in ("end", "error") for k in kinds), 1)
        return got

    def text(self, client, body):
        return "".join(e["t"] for e in self.events(client, body)
                       if e["type"] == "token")

    def test_01_five_flags_flat_body_line_parser(self):
        s = self.start("--worker-id", "worker-cpu-1", "--model", self.gguf,
                       "--device", "0", "--queen-url", "http://127.0.0.1:1")
        c = self.client(s)
        while c.get("/health").status_code != 200:      # as a manager polls
            time.sleep(0.02)
        ends = [self.events(c, {"prompt": "Hi", "max_tokens": 6,
                                "temperature": 0.7, "top_p": 0.9,
                                "top_k": 40})[-1] for _ in range(20)]
        self.assertEqual({e["type"] for e in ends}, {"end"})
        # The tiny model ends by itself now and then.
        self.assertEqual(max(e["tokens_out"] for e in ends), 6)

    def test_04_pieces_join_to_the_whole_text(self):
        c = self.serve()
        for prompt in ("What is it?", "\U0001F41D\U0001F33B", "\u4f60\u597d",
                       "e\u0301\u0301", "a\r\nb\r\n", "x"):
            for n in range(1, 30, 3):
                body = {"prompt": prompt, "max_tokens": n, "temperature": 1,
                        "seed": n}
                whole = c.post("/v1/infer", json=body).json()["text"]
                self.assertEqual(self.text(c, body), whole, body)

    def test_05_one_terminal_event(self):
        c = self.serve()
        endless = self.server.endless()
        word = c.post("/v1/infer", json={**endless, "max_tokens": 40}
                      ).json()["text"][10:14]
        rows = [({**FLAT, "max_tokens": 1}, "MAX_TOKENS"),
                ({**endless, "max_tokens": 40, "stop": [word]},
                 "STOP_SEQUENCE")]
        for body, reason in rows:
            end = self.events(c, body)[-1]
            self.assertEqual((end["type"], end["stop_reason"]),
                             ("end", reason))
        self.assertEqual(self.events(c, endless | {
            "max_tokens": 2040, "prompt": "x" * 4})[-1]["type"], "end")
        job = self.job(c, endless)
        c.post("/cancel", json={"job_id": job["job_id"]})
        self.assertEqual(read_lines(c, job["sse_url"])[-1]["code"],
                         "CANCELLED")
        late = self.serve("--inference-timeout-sec", "1")
        job = self.job(late, endless)
        time.sleep(1.1)
        self.assertIn(read_lines(late, job["sse_url"])[-1]["type"],
                      ("end", "error"))      # fast machines are through
        # More than the context holds is refused, and never a broken stream.
        reply = c.post("/v1/inference", json={**FLAT, "prompt": "x" * 2047,
                                              "max_tokens": 2})
        self.assertEqual(reply.status_code, 400)
        self.assertEqual(reply.json()["errors"][0]["constraint"],
                         "context_length(2048)")

    def test_06_alternating_prompts(self):
        c = self.serve()
        bodies = [{"prompt": p, "max_tokens": 12, "temperature": 0}
                  for p in ("One prompt", "Another, longer one")]
        fresh = []
        for body in bodies:
            other = self.client(self.start("serve", self.gguf,
                                           "--threads", "1"))
            fresh.append(self.text(other, body))
        self.assertNotEqual(*fresh)
        for i in range(100):
            self.assertEqual(self.text(c, bodies[i % 2]), fresh[i % 2], i)

    def recomputed(self, ids, n):
        """Greedy ids, each from a process that runs the whole prefix."""
        ids = list(ids)
        for _ in range(n):
            row, = self.lines("logits", self.gguf, requests=[
                {"tokens": ids, "from": len(ids) - 1, "top": 1}])
            ids.append(row["logits"][0][0][0])
        return ids[-n:]

    def test_07_greedy_equals_a_full_recomputation(self):
        c = self.serve()
        prompt = "A worker bee"
        ids = c.post("/tokenize", json={"content": prompt}).json()["tokens"]
        want = self.recomputed(ids, 10)
        whole = c.post("/detokenize", json={"tokens": ids + want}
                       ).json()["content"]
        got = self.text(c, {"prompt": prompt, "max_tokens": 10,
                            "temperature": 0})
        self.assertEqual(prompt + got, whole)
        wrong = want[:-1] + [ord("A") + (want[-1] == ord("A"))]
        whole = c.post("/detokenize", json={"tokens": ids + wrong}
                       ).json()["content"]
        self.assertNotEqual(prompt + got, whole)

    def stops_at(self, model):
        end = self.events(self.serve(model=model),
                          {"prompt": "ab", "max_tokens": 30,
                           "temperature": 0})[-1]
        return end["stop_reason"], end["tokens_out"]

    def test_08_every_end_token_stops(self):
        ids = list(b"ab")        # the tiny vocabulary is bytes
        greedy = self.recomputed(ids, 12)
        self.assertEqual(self.stops_at(self.dir), ("MAX_TOKENS", 30))
        for k in (3, 7):
            end = greedy[k]
            want = ("EOS", greedy.index(end))
            model = tiny_model.write_directory(self.path(f"eos-{k}"))
            path = os.path.join(model, "config.json")
            with open(path, encoding="utf-8") as f:
                config = json.load(f)
            # Several, the last of which is the one that comes.
            config["eos_token_id"] = [258, end]
            with open(path, "w", encoding="utf-8") as f:
                json.dump(config, f)
            self.assertEqual(self.stops_at(model), want)
            # A GGUF file; no token of its vocabulary is called </s>.
            model = tiny_model.write_gguf(self.path(f"eos-{k}.gguf"), end)
            self.assertEqual(self.stops_at(model), want)

    def test_13_sigterm_then_two_seconds(self):
        c = self.serve("--max-tokens-out", "100000")
        job = self.job(c, self.server.endless())
        got = []
        reader = threading.Thread(
            target=lambda: got.extend(read_lines(c, job["sse_url"])))
        reader.start()
        while c.get("/v1/ready").json()["state"] != "busy":
            time.sleep(0.01)
        asked = time.monotonic()
        self.server.proc.send_signal(signal.SIGTERM)
        self.server.wait_log("server_shutdown")
        new = httpx.post(f"{c.base_url}/v1/inference", json=FLAT)
        self.assertEqual(new.status_code, 503)
        self.assertIn("Retry-After", new.headers)
        self.assertEqual(self.server.proc.wait(2), 0)
        self.assertLess(time.monotonic() - asked, 2)    # before the SIGKILL
        reader.join(5)
        self.assertIn(got[-1]["type"], ("end", "error"))
        self.assertEqual(sum(e["type"] in ("end", "error") for e in got), 1)

    def test_14_refusals_name_what_was_found(self):
        model = tiny_model.write_directory(self.path("unknown"))
        path = os.path.join(model, "config.json")
        with open(path, encoding="utf-8") as f:
            config = json.load(f)
        config |= {"model_type": "notion", "architectures": ["NotionForLM"]}
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)
        p = self.run_osmia("serve", model, "--port", "0", timeout=10)
        self.assertEqual(p.returncode, 1)
        self.assertIn(b"notion", p.stderr)
        for known in (b"llama", b"gemma3", b"deepseek"):
            self.assertIn(known, p.stderr)


if __name__ == "__main__":
    main()
