"""The worker contract, line by line: forms, limits, streams, jobs, errors.  A
number in a name is a line of its list of acceptance (see
tests/e2e/test_acceptance.py).
"""
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import main  # noqa: E402
from serve_case import ServeCase, read_until  # noqa: E402

FLAT = {"prompt": "Hello", "max_tokens": 4, "temperature": 0}
OPERATION = {"operation": "infer", "hive_id": "hive-1", "model": "hf:a/b.gguf",
             "prompt": "Hello", "max_tokens": 4, "temperature": 0}


class Contract(ServeCase):
    def job(self, body, path="/v1/inference"):
        reply = self.server.post(path, body)
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(set(reply.json), {"job_id", "sse_url"})
        self.assertRegex(reply.json["job_id"],
                         r"^job-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-")
        self.assertEqual(reply.json["sse_url"],
                         f"/v1/jobs/{reply.json['job_id']}/stream")
        return reply.json

    def stream(self, body, path="/v1/inference"):
        reply = self.server.get(self.job(body, path)["sse_url"])
        self.assertEqual(reply.status, 200)
        return reply

    def whole(self, events):
        """Order of a good stream; -> its text and its `end`."""
        self.assertEqual(events[-1], "[DONE]")
        types = [e["type"] for e in events[:-1]]
        self.assertEqual(types[0], "started")
        self.assertEqual(types[-1], "end")
        self.assertEqual(sum(t in ("end", "error") for t in types), 1)
        tokens = [e for e in events[:-1] if e["type"] == "token"]
        self.assertEqual([t["i"] for t in tokens], list(range(len(tokens))))
        return "".join(t["t"] for t in tokens), events[-2]

    def refused(self, body, *fields, path="/v1/inference"):
        reply = self.server.post(path, body)
        self.assertEqual(reply.status, 400, reply.body)
        errors = reply.json["errors"]
        self.assertEqual([e["field"] for e in errors], list(fields))
        return errors

    def test_01_queens_flat_body_and_line_parser(self):
        reply = self.stream({"prompt": "Hi", "max_tokens": 3,
                             "temperature": 0.7, "top_p": 0.9, "top_k": 40})
        self.assertEqual(reply.headers["Content-Type"], "text/event-stream")
        self.assertEqual(reply.headers["Cache-Control"], "no-store")
        self.assertEqual(reply.headers["X-Accel-Buffering"], "no")
        got = []
        for line in reply.body.decode().splitlines():
            if line.startswith("data: "):
                got.append(line[len("data: "):])
        self.assertEqual(got[-1], "[DONE]")
        _, end = self.whole(reply.events)
        self.assertEqual(end["tokens_out"], 3)
        self.assertEqual(end["stop_reason"], "MAX_TOKENS")
        self.assertIsInstance(end["decode_time_ms"], int)

    def test_started_names_job_model_and_time(self):
        job = self.job(FLAT)
        first = self.server.get(job["sse_url"]).events[0]
        self.assertEqual(first["job_id"], job["job_id"])
        self.assertEqual(first["model"], "tiny.gguf")
        self.assertRegex(first["started_at"],
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_narration(self):
        events = self.stream(FLAT).events
        told = [e for e in events[:-1] if e["type"] == "narration"]
        self.assertEqual([e["action"] for e in told],
                         ["inference_start", "inference_complete"])
        for e in told:
            self.assertEqual(e["actor"], "\U0001F41D llm-worker-rbee")
            self.assertEqual(e["job_id"], events[0]["job_id"])
            self.assertLessEqual(len(e["human"]), 100)
            self.assertIn(e["correlation_id"], self.server.log())

    def test_02_operation_form_on_both_urls(self):
        for path in ("/v1/jobs", "/v1/inference"):
            job = self.job(OPERATION, path)
            events = self.server.get(job["sse_url"]).events
            self.whole(events)
            job = self.job(OPERATION, path)
            url = f"/v1/inference/{job['job_id']}/stream"
            self.whole(self.server.get(url).events)

    def test_02_operation_form_names_what_is_missing(self):
        for field in ("hive_id", "model", "prompt", "max_tokens",
                      "temperature"):
            body = {k: v for k, v in OPERATION.items() if k != field}
            self.refused(body, field)
        self.refused({"prompt": "x", "temperature": 0}, "max_tokens")
        self.refused({"max_tokens": 3}, "prompt")

    def test_other_operations(self):
        error, = self.refused({**OPERATION, "operation": "train"}, "operation")
        self.assertIn("unsupported operation for worker", error["message"])

    def test_03_limits(self):
        rows = [
            ("prompt", ["", "x" * 32769, 5, None], []),
            ("max_tokens", [0, 2049, -1, 1.5, 1e3, "4", 2**64, True, None], [1]),
            ("temperature", [-0.01, 2.01, "1", [], 1e308 * 10], [0.0, 2.0, 2]),
            ("top_p", [-0.01, 1.01, {}], [0.0, 1.0, None]),
            ("top_k", [-1, 2**32, 2.5, "a"], [0, 2**32 - 1]),
            ("min_p", [-0.01, 1.01], [0, 1]),
            ("repetition_penalty", [0.0, 2.01, -1], [0.01, 2.0]),
            ("repeat_last_n", [-1, 1.5], [0, 1, 5000]),
            ("seed", [-1, 1.5, 2**64, "x"], [0, 2**64 - 1, 2**53 + 1, None]),
            ("stop", ["a", [""], ["x" * 101], list("abcde"), [5], {}],
             [[], ["x"], ["x" * 100], list("abcd"), None]),
        ]
        for field, bad, good in rows:
            for value in bad:
                with self.subTest(field=field, value=str(value)[:20]):
                    text = json.dumps({**FLAT, field: value})
                    text = text.replace("Infinity", "1e400")
                    reply = self.server.post("/v1/inference", text)
                    self.assertEqual(reply.status, 400, reply.body)
                    self.assertEqual(reply.json["errors"][0]["field"], field)
            for value in good:
                with self.subTest(field=field, value=str(value)[:20]):
                    reply = self.server.post("/v1/infer",
                                             {**FLAT, "max_tokens": 1,
                                              field: value})
                    self.assertEqual(reply.status, 200, reply.body)

    def test_longest_prompt_that_fits(self):
        text = {"prompt": "\u00e9" * 32768, "max_tokens": 1, "temperature": 0}
        error, = self.refused(text, "prompt")
        self.assertEqual(error["constraint"], "context_length(2048)")
        self.refused({**FLAT, "prompt": "x" * 2000, "max_tokens": 49}, "prompt")
        self.assertEqual(self.server.post(
            "/v1/infer", {**FLAT, "prompt": "x" * 2047,
                          "max_tokens": 1}).status, 200)
        cut = self.server.post("/v1/infer", {
            **FLAT, "prompt": "x" * 2040, "max_tokens": 100,
            "truncate": True})
        self.assertEqual(cut.status, 200)
        self.assertEqual(cut.json["tokens_generated"], 8)

    def test_03_two_bad_fields_two_entries(self):
        top_k, temperature = self.refused(
            {**FLAT, "top_k": -3, "temperature": 9}, "temperature", "top_k")
        self.assertEqual(top_k, {
            "field": "temperature", "constraint": "range(0.0..=2.0)",
            "message": "temperature must be at most 2 (got 9)", "value": "9"})
        self.assertEqual(temperature["message"], "top_k must be at least 0")
        penalty, = self.refused({**FLAT, "repetition_penalty": 0},
                                "repetition_penalty")
        self.assertEqual(penalty["constraint"], "range(0.0<..=2.0)")

    def test_prompt_and_stop_are_not_echoed(self):
        secret = "s3cret" * 6000
        for body in ({**FLAT, "prompt": secret}, {**FLAT, "stop": [secret]},
                     {**FLAT, "seed": "s3cret"}):
            reply = self.server.post("/v1/inference", body)
            self.assertEqual(reply.status, 400)
            self.assertNotIn(b"s3cret", reply.body)
        reply = self.server.post("/v1/inference", '{"s3cret":1,"s3cret":2}')
        self.assertEqual(reply.status, 400)
        self.assertNotIn(b"s3cret", reply.body)
        self.assertNotIn("s3cret", self.server.log())

    def test_04_pieces_join_to_the_whole_text(self):
        for prompt in ("What?", "\U0001F41D", "\u4f60\u597d",
                       "e\u0301", "a\r\nb", "x"):
            body = {**FLAT, "prompt": prompt, "max_tokens": 40,
                    "temperature": 1, "seed": 7}
            text, end = self.whole(self.stream(body).events)
            whole = self.server.post("/v1/infer", body).json
            self.assertEqual(text, whole["text"])
            self.assertEqual(whole["tokens_generated"], end["tokens_out"])

    def test_05_stop_string(self):
        body = {**FLAT, "max_tokens": 60, "temperature": 1, "seed": 3}
        for seed in range(50):
            body["seed"] = seed
            text = self.server.post("/v1/infer", body).json["text"]
            if len(text) > 30:
                break
        stop = text[20:23]
        got, end = self.whole(self.stream({**body, "stop": [stop]}).events)
        self.assertEqual(got, text[:text.index(stop)])
        self.assertEqual(end["stop_reason"], "STOP_SEQUENCE")
        self.assertEqual(end["stop_sequence_matched"], stop)

    def endless(self):
        return self.job(self.server.endless())

    def check_cancelled(self, events):
        self.assertEqual(events[0]["type"], "started")
        self.assertEqual(events[-2]["type"], "error")
        self.assertEqual(events[-2]["code"], "CANCELLED")
        self.assertEqual(events[-1], "[DONE]")

    def test_05_cancel_and_delete_end_the_stream(self):
        def cancel(job):
            return self.server.post("/cancel", {"job_id": job["job_id"]})

        def cancel_v1(job):
            return self.server.post("/v1/cancel", {"job_id": job["job_id"]})

        def delete(job):
            return self.server.request("DELETE", f"/v1/jobs/{job['job_id']}")

        for way in (cancel, cancel_v1, delete):
            job = self.endless()
            for _ in range(2):
                reply = way(job)
                self.assertEqual(reply.status, 202)
                self.assertEqual(reply.json, {"job_id": job["job_id"],
                                              "status": "cancelling"})
            self.check_cancelled(self.server.get(job["sse_url"]).events)

    def test_05_cancel_while_streaming(self):
        job = self.endless()
        with self.server.connect() as s:
            s.sendall(f"GET {job['sse_url']} HTTP/1.1\r\nHost: localhost\r\n"
                      "\r\n".encode())
            read_until(s, b'"token"')
            self.server.post("/cancel", {"job_id": job["job_id"]})
            rest = read_until(s, b"[DONE]")
        self.assertIn(b'"code":"CANCELLED"', rest)

    def test_unknown_jobs(self):
        for reply in (self.server.get("/v1/jobs/job-1/stream"),
                      self.server.request("DELETE", "/v1/jobs/job-1"),
                      self.server.post("/cancel", {"job_id": "job-1"})):
            self.assertEqual(reply.status, 404)
            self.assertEqual(reply.json["code"], "JOB_NOT_FOUND")
        self.refused({"job_id": 5}, "job_id", path="/cancel")

    def test_second_stream(self):
        job = self.job(FLAT)
        self.server.get(job["sse_url"])
        reply = self.server.get(job["sse_url"])
        self.assertEqual(reply.status, 409)
        self.assertEqual(reply.json["code"], "STREAM_ALREADY_TAKEN")

    def test_06_prompts_do_not_touch_each_other(self):
        bodies = [{**FLAT, "prompt": p, "max_tokens": 12} for p in "AB"]
        first = [self.server.post("/v1/infer", b).json["text"] for b in bodies]
        self.assertNotEqual(*first)
        for _ in range(20):
            for body, text in zip(bodies, first):
                got = self.server.post("/v1/infer", body).json["text"]
                self.assertEqual(got, text)

    def test_09_seeds(self):
        body = {**FLAT, "temperature": 1, "max_tokens": 20}
        texts = [self.server.post("/v1/infer", {**body, "seed": s})
                 .json["text"] for s in (1, 1, 2)]
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])

    def test_execute_streams_in_one_call(self):
        for body in (OPERATION, {"prompt": "x"}):
            reply = self.server.post("/execute", body)
            self.assertEqual(reply.status, 200)
            _, end = self.whole(reply.events)
            self.assertLessEqual(end["tokens_out"], 256)

    def test_infer(self):
        reply = self.server.post("/v1/infer", {"prompt": "x", "max_tokens": 5})
        self.assertEqual(set(reply.json),
                         {"text", "tokens_generated", "duration_ms"})
        streamed = self.server.post("/v1/infer", {
            "prompt": "x", "max_tokens": 5, "stream": True})
        self.whole(streamed.events)

    def test_client_that_goes_away_frees_its_job(self):
        for stage in (b"HTTP/1.1 200", b'"token"'):
            job = self.endless()
            s = self.server.connect()
            s.sendall(f"GET {job['sse_url']} HTTP/1.1\r\nHost: localhost\r\n"
                      "\r\n".encode())
            read_until(s, stage)
            s.close()
            self.idle()

    def idle(self):
        end = time.time() + 5
        while (self.server.metric("worker_active_jobs")
               + self.server.metric("worker_queue_depth") > 0):
            self.assertLess(time.time(), end)
            time.sleep(0.01)
        self.assertEqual(self.server.metric('worker_kv_blocks{state="jobs"}'),
                         0)

    def test_many_at_once_get_what_they_get_alone(self):
        bodies = [{**FLAT, "prompt": f"canary{i:02}", "max_tokens": 30,
                   "temperature": 1, "seed": i} for i in range(12)]
        alone = [self.server.post("/v1/infer", b).json["text"] for b in bodies]
        got = [None] * len(bodies)

        def ask(i):
            got[i] = "".join(
                e["t"] for e in self.server.post("/execute", bodies[i]).events
                if e != "[DONE]" and e["type"] == "token")

        threads = [threading.Thread(target=ask, args=(i,))
                   for i in range(len(bodies))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(got, alone)

    # 10
    def test_error_shapes(self):
        rows = [
            ("GET", "/nope", None, 404, "NOT_FOUND"),
            ("PUT", "/v1/jobs", None, 405, "METHOD_NOT_ALLOWED"),
            ("POST", "/v1/inference", "{", 400, "INVALID_REQUEST"),
            ("POST", "/v1/inference", "[]", 400, "INVALID_REQUEST"),
            ("POST", "/v1/inference", b'{"prompt":"\xff"}', 400,
             "INVALID_REQUEST"),
            ("POST", "/v1/inference", '{"a":1,"a":2}', 400, "INVALID_REQUEST"),
            ("POST", "/v1/inference", '{"a":' + "[" * 100000, 400,
             "INVALID_REQUEST"),
            ("POST", "/v1/inference", " " * (2 << 20) + "{}", 413,
             "PAYLOAD_TOO_LARGE"),
            ("GET", "/v1/loading/progress", None, 503, "WORKER_UNHEALTHY"),
        ]
        for method, path, body, status, code in rows:
            reply = self.server.request(method, path, body)
            self.assertEqual(reply.status, status, (path, reply.body))
            self.assertEqual(set(reply.json), {"code", "message", "retriable"})
            self.assertEqual(reply.json["code"], code)
        reply = self.server.request("PUT", "/v1/jobs")
        self.assertEqual(reply.headers["Allow"], "POST")
        for kind in ("text/plain", "application/jsonx", ""):
            reply = self.server.post("/v1/jobs", "{}",
                                     headers={"Content-Type": kind})
            self.assertEqual(reply.status, 415)
            self.assertEqual(reply.json["code"], "UNSUPPORTED_MEDIA_TYPE")

    def test_health_ready_info_capabilities(self):
        health = self.server.get("/health")
        self.assertEqual(health.status, 200)
        self.assertEqual(health.json["status"], "healthy")
        self.assertEqual(health.json["context_length"], 2048)
        self.assertEqual(health.json["tokenizer_kind"], "gguf-bpe")
        text = self.server.get("/health", headers={"Accept": "text/plain"})
        self.assertEqual(text.body, b"ok")
        self.assertEqual(self.server.get("/v1/ready").json,
                         {"ready": True, "state": "idle",
                          "model_loaded": True})
        info = self.server.get("/info").json
        self.assertEqual(info["id"], f"osmia-{self.server.port}")
        self.assertEqual(info["model_id"], "tiny.gguf")
        self.assertEqual(info["device"], "cpu:0")
        self.assertEqual(info["port"], self.server.port)
        self.assertEqual(info["status"], "ready")
        able = self.server.get("/v1/capabilities").json
        self.assertEqual(able["max_context_length"], 2048)
        self.assertFalse(able["is_quantized"])

    def test_request_ids(self):
        for name in ("X-Request-Id", "X-Correlation-Id"):
            reply = self.server.get("/health", headers={name: "abc_1-2"})
            self.assertEqual(reply.headers["X-Request-Id"], "abc_1-2")
            self.assertEqual(reply.headers["X-Correlation-Id"], "abc_1-2")
        for odd in ("a b", "x" * 65, "\u00e9", ""):
            reply = self.server.get("/health", headers={"X-Request-Id": odd})
            self.assertRegex(reply.headers["X-Request-Id"], r"^[0-9a-f-]{36}$")
        self.assertIn("abc_1-2", self.server.log())

    def test_unknown_fields_are_named(self):
        reply = self.server.post("/v1/infer", {**FLAT, "foo": 1, "job_id": 2})
        self.assertEqual(reply.headers["X-Ignored-Fields"], "foo")

    def test_metrics(self):
        text = self.server.get("/metrics").body.decode()
        for name in (
                "vram_bytes", "requests_total", "tokens_generated_total",
                "inference_duration_ms", "uptime_seconds", "active_jobs",
                "queue_depth", "resident_bytes", "requests_rejected_total",
                "time_to_first_token_ms", "inter_token_ms", "batch_size",
                "step_ms", "kv_blocks", "prefix_cache_hit_tokens_total",
                "cancelled_total", "open_connections", "build_info"):
            self.assertIn(f"# TYPE worker_{name} ", text)
            self.assertIn(f"# HELP worker_{name} ", text)

    def test_tokens_of_cancelled_answers_count(self):
        before = self.server.metric("worker_tokens_generated_total")
        job = self.endless()
        with self.server.connect() as s:
            s.sendall(f"GET {job['sse_url']} HTTP/1.1\r\nHost: localhost\r\n"
                      "\r\n".encode())
            read_until(s, b'"token"')
        self.idle()
        self.assertGreater(self.server.metric("worker_tokens_generated_total"),
                           before)


if __name__ == "__main__":
    main()
