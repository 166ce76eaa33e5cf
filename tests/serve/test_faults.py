"""A worker that breaks from the inside (see route_fault.c): its clients are told,
its health says so, and it can still be stopped.
"""
import errno
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import main  # noqa: E402
from serve_case import ProcessCase, read_all, read_until  # noqa: E402

SHORT = {"prompt": "x", "max_tokens": 4, "temperature": 0}


class Faults(ProcessCase):
    def plant(self, server, fault):
        reply = server.post("/test/fault", {"fault": fault})
        self.assertEqual(reply.status, 204, reply.body)

    def open_stream(self, server, body):
        text = json.dumps(body)
        s = server.connect()
        self.addCleanup(s.close)
        s.sendall(("POST /execute HTTP/1.1\r\nHost: localhost\r\n"
                   "Connection: close\r\nContent-Type: application/json\r\n"
                   f"Content-Length: {len(text)}\r\n\r\n{text}").encode())
        read_until(s, b'"token"')
        return s

    def until_unhealthy(self, server):
        start = time.time()
        while server.get("/health").status == 200:
            self.assertLess(time.time() - start, 2, "healthy after 2 s")
            time.sleep(0.02)
        health = server.get("/health").json
        self.assertEqual(health["status"], "unhealthy")
        self.assertEqual(server.get("/v1/ready").json["state"], "error")
        refused = server.post("/v1/jobs", SHORT)
        self.assertEqual(refused.status, 503)
        self.assertEqual(refused.json["code"], "WORKER_UNHEALTHY")

    def test_engine_thread_killed(self):
        for fault in ("engine_dies", "engine_hangs"):
            with self.subTest(fault):
                server = self.start("serve", self.gguf)
                stream = self.open_stream(server, server.endless())
                self.plant(server, fault)
                self.until_unhealthy(server)
                server.proc.send_signal(signal.SIGTERM)
                rest = read_all(stream)
                self.assertIn(b'"type":"error"', rest)
                self.assertIn(b"data: [DONE]\n\n", rest)
                status = server.proc.wait(15)
                self.assertEqual(status, 0 if fault == "engine_dies" else 1)

    def test_streams_of_a_lost_engine_end(self):
        server = self.start("serve", self.gguf)
        stream = self.open_stream(server, server.endless())
        self.plant(server, "engine_hangs")
        start = time.time()
        rest = read_all(stream)
        self.assertLess(time.time() - start, 10)
        self.assertIn(b'"code":"INFERENCE_FAILED"', rest)
        self.assertTrue(rest.rstrip().endswith(b"0"))

    def test_stopped_for_a_while_is_no_fault(self):
        server = self.start("serve", self.gguf)
        server.proc.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        server.proc.send_signal(signal.SIGCONT)
        time.sleep(0.7)
        self.assertEqual(server.get("/health").status, 200)
        self.assertEqual(server.post("/v1/infer", SHORT).status, 200)
        self.assertEqual(server.stop(), 0)

    def test_numbers_that_are_none(self):
        server = self.start("serve", self.gguf)
        stream = self.open_stream(server, server.endless())
        self.plant(server, "nan")
        rest = read_all(stream)
        self.assertIn(b'"code":"NON_FINITE_LOGITS"', rest)
        for _ in range(5):
            self.assertEqual(server.post("/v1/infer", SHORT).status, 500)
        self.assertEqual(server.get("/health").status, 503)
        self.plant(server, "none")
        self.assertEqual(server.post("/v1/infer", SHORT).status, 200)
        self.assertEqual(server.get("/health").status, 200)
        self.assertEqual(server.stop(), 0)

    def test_sandbox(self):
        server = self.start("serve", self.gguf)
        if server.get("/info").json["sandbox"] != "full":
            self.skipTest("this kernel or build has no sandbox")
        for _ in range(2):
            got = server.post("/test/fault", {"fault": "probe"}).json
            for call in ("open", "execve", "connect"):
                self.assertIn(got[call], (errno.EACCES, errno.EPERM), call)
        self.assertEqual(server.post("/v1/infer", SHORT).status, 200)
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    main()
