"""The OpenAI routes on a tiny model, with Python's standard library alone.

    test_openai_routes.py OSMIA
"""
import json
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import CliCase, main  # noqa: E402
from serve_case import ServeCase, Server  # noqa: E402

TOKENS = ("first-token-of-16-and-more", "second-token-of-16-and-more")
HELLO = [{"role": "user", "content": "hello"}]


class Chat(ServeCase):
    args = ("--max-jobs", "4", "--model-name", "tiny")

    def chat(self, **more):
        return self.server.post("/v1/chat/completions", {
            "messages": HELLO, "max_tokens": 8, "ignore_eos": True,
            "temperature": 0, **more})

    def text(self, prompt="ab", **more):
        return self.server.post("/v1/completions", {
            "prompt": prompt, "max_tokens": 8, "ignore_eos": True,
            "temperature": 0, **more})

    def ok(self, reply):
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json

    def refused(self, reply, param, status=400, code=None):
        self.assertEqual(reply.status, status, reply.body)
        error = reply.json["error"]
        self.assertEqual(set(error) - {"n_prompt_tokens", "n_ctx"},
                         {"message", "type", "param", "code"})
        self.assertEqual(error["param"], param)
        self.assertEqual(error["code"], code)
        self.assertTrue(error["message"])
        return error

    # ---- models ----

    def test_models(self):
        listed = self.ok(self.server.get("/v1/models"))
        self.assertEqual(listed["object"], "list")
        [model] = listed["data"]
        self.assertEqual(model["id"], "tiny")
        self.assertEqual(model["object"], "model")
        self.assertEqual(self.ok(self.server.get("/v1/models/tiny"))["id"],
                         "tiny")
        self.refused(self.server.get("/v1/models/other"), "model", 404,
                     "model_not_found")

    def test_another_model(self):
        self.refused(self.chat(model="gpt-4"), "model", 404, "model_not_found")
        self.ok(self.chat(model="tiny"))
        self.ok(self.chat(model=None))

    # ---- whole replies ----

    def test_a_chat(self):
        got = self.ok(self.chat())
        self.assertTrue(got["id"].startswith("chatcmpl-"))
        self.assertEqual(got["object"], "chat.completion")
        self.assertEqual(got["model"], "tiny")
        [choice] = got["choices"]
        self.assertEqual(choice["index"], 0)
        self.assertEqual(choice["finish_reason"], "length")
        self.assertIsNone(choice["logprobs"])
        self.assertEqual(choice["message"]["role"], "assistant")
        self.assertIsNone(choice["message"]["refusal"])
        usage = got["usage"]
        self.assertEqual(usage["completion_tokens"], 8)
        self.assertEqual(usage["total_tokens"], usage["prompt_tokens"] + 8)
        self.assertEqual(usage["completion_tokens_details"],
                         {"reasoning_tokens": 0})

    def test_the_next_turn_is_cached(self):
        first = self.ok(self.chat(seed=5, temperature=1))
        again = self.ok(self.chat(seed=5, temperature=1))
        self.assertEqual(first["choices"], again["choices"])
        cached = again["usage"]["prompt_tokens_details"]["cached_tokens"]
        self.assertGreaterEqual(cached, again["usage"]["prompt_tokens"] - 1)

    def test_choices_differ_and_repeat(self):
        one = self.ok(self.chat(n=4, seed=1, temperature=1))
        two = self.ok(self.chat(n=4, seed=1, temperature=1))
        texts = [c["message"]["content"] for c in one["choices"]]
        self.assertEqual([c["index"] for c in one["choices"]], [0, 1, 2, 3])
        self.assertGreater(len(set(texts)), 1)
        self.assertEqual(texts,
                         [c["message"]["content"] for c in two["choices"]])
        self.assertEqual(one["usage"]["completion_tokens"], 32)

    def test_prompts_of_all_kinds(self):
        ids = self.ok(self.server.post("/tokenize", {
            "content": "ab", "add_special": True}))["tokens"]
        one = self.ok(self.text("ab"))["choices"][0]["text"]
        got = self.ok(self.text(["ab", ids, "xyz"], n=2))
        texts = [c["text"] for c in got["choices"]]
        self.assertEqual(len(texts), 6)
        self.assertEqual(texts[:4], [one] * 4)
        self.assertEqual(texts[4], texts[5])
        self.assertEqual(self.ok(self.text(ids))["choices"][0]["text"], one)

    def test_logprobs(self):
        chat = self.ok(self.chat(logprobs=True, top_logprobs=3))
        entries = chat["choices"][0]["logprobs"]["content"]
        self.assertEqual(len(entries), 8)
        for e in entries:
            self.assertEqual(len(e["top_logprobs"]), 3)
            best = e["top_logprobs"][0]
            self.assertEqual((e["bytes"], e["logprob"]),
                             (best["bytes"], best["logprob"]))
        self.assertIsNone(self.ok(self.chat())["choices"][0]["logprobs"])
        text = self.ok(self.text(logprobs=2))["choices"][0]["logprobs"]
        self.assertEqual(len(text["tokens"]), 8)
        self.assertEqual(len(text["token_logprobs"]), 8)
        self.assertEqual([len(t) for t in text["top_logprobs"]], [2] * 8)
        self.assertEqual(text["text_offset"][0], 0)

    def test_stop_and_bias(self):
        whole = self.ok(self.text(max_tokens=20))["choices"][0]["text"]
        stop = whole[7:9]
        cut = self.ok(self.text(max_tokens=20, stop=[stop]))["choices"][0]
        self.assertEqual(cut["text"], whole[:whole.index(stop)])
        self.assertEqual(cut["finish_reason"], "stop")
        forced = self.ok(self.text(logit_bias={"70": 100}))["choices"][0]
        piece = self.ok(self.server.post("/detokenize", {"tokens": [70] * 8}))
        self.assertEqual(forced["text"], piece["content"])

    # ---- streams ----

    def stream(self, reply):
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.headers["content-type"], "text/event-stream")
        events = reply.events
        self.assertEqual(events[-1], "[DONE]")
        self.assertEqual(events.count("[DONE]"), 1)
        return events[:-1]

    def test_a_stream_says_what_the_whole_says(self):
        whole = self.ok(self.chat(n=2, temperature=1, seed=9))
        events = self.stream(self.chat(
            n=2, temperature=1, seed=9, stream=True,
            stream_options={"include_usage": True}))
        self.assertEqual(len({(e["id"], e["created"]) for e in events}), 1)
        *chunks, last = events
        self.assertEqual(last["choices"], [])
        self.assertEqual(last["usage"]["completion_tokens"], 16)
        texts, roles, reasons = ["", ""], [0, 0], [None, None]
        for e in chunks:
            self.assertIsNone(e["usage"])
            [c] = e["choices"]
            self.assertIsNone(reasons[c["index"]])
            roles[c["index"]] += "role" in c["delta"]
            texts[c["index"]] += c["delta"].get("content", "")
            reasons[c["index"]] = c["finish_reason"]
        self.assertEqual(texts, [c["message"]["content"]
                                 for c in whole["choices"]])
        self.assertEqual(roles, [1, 1])
        self.assertEqual(reasons, ["length", "length"])

    def test_a_stream_of_a_completion(self):
        whole = self.ok(self.text(logprobs=1))["choices"][0]
        events = self.stream(self.text(stream=True, logprobs=1))
        self.assertEqual("".join(e["choices"][0]["text"] for e in events),
                         whole["text"])
        tokens = [t for e in events if e["choices"][0]["logprobs"]
                  for t in e["choices"][0]["logprobs"]["tokens"]]
        self.assertEqual(tokens, whole["logprobs"]["tokens"])
        self.assertNotIn("usage", events[0])

    # ---- refusals ----

    def test_context(self):
        error = self.refused(self.text("a" * 3000), "prompt",
                             code="context_length_exceeded")
        self.assertGreaterEqual(error["n_prompt_tokens"], 3000)
        self.assertGreater(error["n_ctx"], 0)
        self.refused(self.chat(max_tokens=error["n_ctx"]), "max_tokens",
                     code="context_length_exceeded")

    def test_bad_fields(self):
        for field, value in (("n", 9), ("n", 0), ("max_tokens", 0),
                             ("temperature", 2.5), ("top_p", "1"),
                             ("seed", -1), ("stop", 5), ("stream", 1),
                             ("tools", [{"type": "function"}]),
                             ("response_format", {"type": "json_object"}),
                             ("logit_bias", {"99999999": 1})):
            with self.subTest(f"{field}={value}"):
                self.refused(self.chat(**{field: value}), field)
        self.refused(self.server.post("/v1/chat/completions", {}), "messages")
        self.refused(self.server.post("/v1/completions", {}), "prompt")
        self.refused(self.chat(messages=[{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "x"}}]}]),
            "messages[0].content[0].type")

    def test_whole_number_fields(self):
        values = (-1, 2**31, 2**53 + 1, 2**64, 1e308, 1.5, "1", [], True)
        for field in ("n", "max_tokens", "max_completion_tokens",
                      "top_logprobs", "top_k", "repeat_last_n", "seed"):
            for value in values:
                taken = field in ("top_k", "repeat_last_n", "seed") \
                    and value == 2**31 and value is not True \
                    or field == "seed" and value == 2**53 + 1
                with self.subTest(f"{field}={value}"):
                    reply = self.chat(**{"max_tokens": 2, field: value})
                    self.assertEqual(reply.status, 200 if taken else 400)
            with self.subTest(f"{field}=null"):
                self.assertEqual(self.chat(**{field: None}).status, 200)

    def test_messages_as_clients_write_them_back(self):
        nulls = {"refusal": None, "annotations": None, "audio": None,
                 "function_call": None, "tool_calls": None}
        call = {"id": "1", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}
        for answer in ({"role": "assistant", "content": "hi", **nulls},
                       {"role": "assistant", "content": None,
                        "tool_calls": [call]}):
            self.ok(self.chat(messages=HELLO + [answer] + HELLO))
        self.refused(self.chat(messages=HELLO + [
            {"role": "assistant", "content": None}]), "messages[1].content")

    def test_drawn_token_is_among_the_logprobs(self):
        for n in (0, 1):
            lp = self.ok(self.text(logprobs=n, temperature=2, seed=3))[
                "choices"][0]["logprobs"]
            for token, value, top in zip(lp["tokens"], lp["token_logprobs"],
                                         lp["top_logprobs"]):
                self.assertEqual(top[token], value)
                self.assertLessEqual(len(top), n + 1)
        self.assertIsNone(self.ok(self.text(logprobs=False))[
            "choices"][0]["logprobs"])

    def test_best_of_all_is_no_choice(self):
        self.ok(self.text(n=2, best_of=2))
        self.refused(self.text(n=1, best_of=2), "best_of")
        self.refused(self.text(best_of=0), "best_of")

    def test_ids_with_a_slash(self):
        for path in ("/v1/models/%74iny", "/v1/models/tiny?x=1"):
            self.assertEqual(self.ok(self.server.get(path))["id"], "tiny")
        for path in ("/v1/models/a/b", "/v1/models/a%2Fb"):
            self.refused(self.server.get(path), "model", 404,
                         "model_not_found")

    def test_neutral_and_unknown_fields(self):
        reply = self.chat(tools=[], tool_choice="auto", store=True, user="u",
                          response_format={"type": "text"}, frobnicate=1)
        self.ok(reply)
        self.assertEqual(reply.headers["x-ignored-fields"], "frobnicate")

    def test_json_that_is_none(self):
        for body in ("{", "[]", "5", '{"n": 1, "n": 1}', "[" * 70 + "]" * 70,
                     '{"messages": "\\ud800"}', b'{"messages": "\xff"}'):
            with self.subTest(body):
                reply = self.server.post("/v1/chat/completions", body)
                self.assertEqual(reply.status, 400, reply.body)
                self.assertEqual(reply.json["error"]["type"],
                                 "invalid_request_error")
        self.ok(self.chat())

    # ---- text and ids ----

    def test_tokenize_and_back(self):
        got = self.ok(self.server.post("/tokenize", {"content": "häß\n"}))
        self.assertEqual(got["count"], len(got["tokens"]))
        back = self.ok(self.server.post("/detokenize",
                                        {"tokens": got["tokens"]}))
        self.assertEqual(back["content"], "häß\n")
        pieces = self.ok(self.server.post("/tokenize", {
            "prompt": "ab", "with_pieces": True}))["tokens"]
        self.assertEqual("".join(p["piece"] for p in pieces), "ab")
        for route, body in (("/tokenize", {}), ("/tokenize", {"content": 5}),
                            ("/tokenize", {"content": "a", "prompt": "a"}),
                            ("/detokenize", {}),
                            ("/detokenize", {"tokens": [-1]}),
                            ("/detokenize", {"tokens": [10**6]}),
                            ("/detokenize", {"tokens": "1"}),
                            ("/apply-template", {"messages": []})):
            with self.subTest(f"{route} {body}"):
                self.assertEqual(self.server.post(route, body).status, 400)

    def test_apply_template(self):
        got = self.ok(self.server.post("/apply-template", {"messages": [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "a"},
                                         {"type": "text", "text": "b"}]}]}))
        self.assertEqual(got["prompt"],
                         "<|im_start|>system\nbe brief<|im_end|>\n"
                         "<|im_start|>user\na\nb<|im_end|>\n"
                         "<|im_start|>assistant\n")

    # ---- afterwards ----

    def test_nothing_is_left(self):
        events = self.stream(self.chat(stream=True, n=4))
        self.assertTrue(events)
        self.assertEqual(self.server.metric("worker_active_jobs"), 0)
        self.assertEqual(self.server.metric("worker_queue_depth"), 0)


class Thoughts(ServeCase):
    """A template that knows <think>, and opens it: the answer begins inside."""
    @classmethod
    def setUpClass(cls):
        CliCase.setUpClass.__func__(cls)
        cls.add_marks()

    @classmethod
    def add_marks(cls):
        path = os.path.join(cls.dir, "tokenizer_config.json")
        with open(path, encoding="utf-8") as f:
            config = json.load(f)
        config["chat_template"] += (
            "{% if add_generation_prompt %}{{ '<think>' }}{% endif %}"
            "{% if add_generation_prompt and enable_thinking is false %}"
            "{{ '</think>' }}{% endif %}")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f)
        cls.server = Server(cls.osmia, ["serve", cls.dir])

    def ask(self, **more):
        reply = self.server.post("/v1/chat/completions", {
            "messages": HELLO, "max_tokens": 8, "ignore_eos": True,
            "temperature": 0, **more})
        self.assertEqual(reply.status, 200, reply.body)
        return reply

    def test_a_thought_is_told_apart(self):
        got = self.ask().json
        message = got["choices"][0]["message"]
        self.assertEqual(message["content"], "")
        self.assertTrue(message["reasoning_content"])
        self.assertEqual(got["usage"]["completion_tokens_details"],
                         {"reasoning_tokens": 8})
        deltas = [e["choices"][0]["delta"]
                  for e in self.ask(stream=True).events[:-1]]
        self.assertEqual("".join(d.get("reasoning_content", "")
                                 for d in deltas),
                         message["reasoning_content"])
        self.assertEqual("".join(d.get("content", "") for d in deltas), "")

    def test_a_template_argument_ends_it(self):
        got = self.ask(chat_template_kwargs={"enable_thinking": False}).json
        message = got["choices"][0]["message"]
        self.assertTrue(message["content"])
        self.assertEqual(message["reasoning_content"], "")
        self.assertEqual(got["usage"]["completion_tokens_details"],
                         {"reasoning_tokens": 0})


class SpecialMarks(Thoughts):
    """The same where the closing mark is a special token, which texts hide."""
    @classmethod
    def setUpClass(cls):
        CliCase.setUpClass.__func__(cls)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            path = os.path.join(cls.dir, name)
            with open(path, encoding="utf-8") as f:
                text = f.read().replace("<|endoftext|>", "</think>")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        cls.add_marks()

    def test_the_special_mark_ends_it(self):
        body = {"logit_bias": {"70": 100, "256": 99.5}, "temperature": 1,
                "max_tokens": 12}
        for seed in range(20):
            message = self.ask(seed=seed, **body).json["choices"][0]["message"]
            if message["reasoning_content"] and message["content"]:
                break
        piece = self.server.post("/detokenize", {"tokens": [70]}).json[
            "content"]
        self.assertEqual(set(message["reasoning_content"]), set(piece))
        self.assertTrue(message["content"].startswith(piece)
                        or message["content"].startswith("</think>"))
        deltas = [e["choices"][0]["delta"] for e in
                  self.ask(seed=seed, stream=True, **body).events[:-1]]
        for name in ("reasoning_content", "content"):
            self.assertEqual("".join(d.get(name, "") for d in deltas),
                             message[name])


class FullHouse(ServeCase):
    """One place and one seat to wait on."""
    args = ("--max-jobs", "1", "--max-queue", "1")

    def unread(self):
        """A stream that nobody reads; its job stands still soon."""
        body = json.dumps({"prompt": "a", "max_tokens": 400, "stream": True,
                           "ignore_eos": True, "logprobs": 20})
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect((self.server.host, self.server.port))
        s.sendall((f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
                   f"Content-Type: application/json\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        return s

    def ask(self):
        return self.server.post("/v1/completions",
                                {"prompt": "b", "max_tokens": 3})

    def until_jobs(self, n):
        end = time.time() + 30
        while self.server.metric("worker_active_jobs") \
                + self.server.metric("worker_queue_depth") != n:
            self.assertLess(time.time(), end, f"never {n} jobs")
            time.sleep(0.01)

    def test_a_full_queue_is_told(self):
        with self.unread():
            self.until_jobs(1)
            with self.unread():
                self.until_jobs(2)
                full = self.ask()
        self.assertEqual(full.status, 429, full.body)
        self.assertEqual(full.json["error"]["type"], "rate_limit_error")
        self.assertGreaterEqual(int(full.headers["retry-after"]), 1)
        self.until_jobs(0)
        self.assertEqual(self.ask().status, 200)
        self.assertEqual(self.server.metric("worker_queue_depth"), 0)


class Principals(ServeCase):
    """Nobody finds out by the cache what others have asked."""
    @classmethod
    def setUpClass(cls):
        CliCase.setUpClass.__func__(cls)
        path = os.path.join(cls.folder.name, "tokens")
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(t + "\n" for t in TOKENS))
        os.chmod(path, 0o600)
        cls.server = Server(cls.osmia, ["serve", cls.gguf, "--host",
                                        "127.0.0.1", "--api-token-file", path])

    def cached(self, token):
        reply = self.server.post("/v1/completions", {
            "prompt": "the same long prompt of both of them", "max_tokens": 1},
            headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json["usage"]["prompt_tokens_details"]["cached_tokens"]

    def test_the_cache_does_not_cross(self):
        self.assertEqual(self.cached(TOKENS[0]), 0)
        self.assertEqual(self.cached(TOKENS[1]), 0)
        self.assertGreater(self.cached(TOKENS[0]), 20)
        self.assertGreater(self.cached(TOKENS[1]), 20)

    def test_without_a_token(self):
        for path in ("/v1/models", "/v1/chat/completions", "/tokenize"):
            self.assertIn(self.server.get(path).status, (401, 405))


if __name__ == "__main__":
    main()
