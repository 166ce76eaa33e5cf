"""Many clients that each want little, and together too much: bodies that never
come to their end, connections that say nothing, jobs that nobody streams,
replies that nobody reads.
"""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import main  # noqa: E402
from serve_case import ProcessCase, Server, is_sanitized  # noqa: E402

JOB = {"prompt": "x", "max_tokens": 1500, "temperature": 0}
MIB = 1 << 20


class Crowding(ProcessCase):
    def resident(self, server):
        with open(f"/proc/{server.proc.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def grown(self, server, before, most):
        """Memory that is more than before; sanitizers keep theirs."""
        if not is_sanitized(self.osmia):
            self.assertLess(self.resident(server) - before, most)

    def answers(self, server):
        start = time.monotonic()
        reply = server.post("/v1/infer", {"prompt": "x", "max_tokens": 1})
        self.assertEqual(reply.status, 200)
        self.assertLess(time.monotonic() - start, 5)

    def test_bodies_that_do_not_end(self):
        size = 200_000
        s = self.start("serve", self.gguf, "--max-body-bytes", str(size))
        self.answers(s)
        before = self.resident(s)
        half = [s.connect() for _ in range(300)]
        for c in half:
            c.sendall(b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\n"
                      b"Content-Type: application/json\r\n"
                      b"Content-Length: %d\r\n\r\n" % size)
            try:
                c.sendall(b" " * (size - 1))
            except OSError:
                pass                          # it was told to go already
        self.answers(s)
        self.grown(s, before, 32 * MIB)      # they are 57 MiB
        told = 0
        for c in half:
            c.settimeout(0.01)
            try:
                told += b" 408 " in c.recv(100)
            except OSError:
                pass
            c.close()
        self.assertGreater(told, 200)        # the oldest; not the last ones
        self.assertLess(told, 300)

    def test_more_connections_than_files(self):
        s = Server("prlimit", ["--nofile=320:320", self.osmia, "serve",
                               self.gguf])
        self.addCleanup(s.kill)
        silent = []
        for _ in range(600):
            silent.append(s.connect())
            silent[-1].sendall(b"GET /health")
        self.answers(s)
        for c in silent:
            c.close()

    def test_jobs_that_nobody_streams(self):
        s = self.start("serve", self.gguf)
        self.answers(s)
        before = self.resident(s)
        for _ in range(1500):
            job = s.post("/v1/jobs", JOB)
            if job.status == 200:
                path = f"/v1/jobs/{job.json['job_id']}"
                self.assertEqual(s.request("DELETE", path).status, 202)
        events = s.get(path + "/stream").events
        self.assertEqual([e["type"] for e in events[:-1]],
                         ["started", "error"])
        self.grown(s, before, 16 * MIB)

    def test_finished_jobs_that_nobody_streams(self):
        s = self.start("serve", self.gguf)
        made = []
        while len(made) < 1100:
            job = s.post("/v1/jobs", JOB | {"max_tokens": 1})
            if job.status == 200:
                made.append(job.json["sse_url"])
        self.assertEqual(s.get(made[0]).status, 410)
        self.assertEqual(s.get(made[-1]).events[-2]["type"], "end")

    def test_long_replies_are_fast(self):
        s = self.start("serve", self.gguf)
        start = time.monotonic()
        reply = s.post("/detokenize", {"tokens": [65] * 500_000})
        self.assertEqual(len(reply.json["content"]), 500_000)
        reply = s.post("/tokenize", {"content": "x" * 500_000,
                                     "with_pieces": True})
        self.assertGreater(len(reply.body), 10 * MIB)
        if not is_sanitized(self.osmia):
            self.assertLess(time.monotonic() - start, 5)

    def test_replies_that_nobody_reads(self):
        s = self.start("serve", self.gguf)
        self.answers(s)
        before = self.resident(s)
        asks = b"GET /v1/capabilities HTTP/1.1\r\nHost: localhost\r\n\r\n" * 300
        deaf = []
        for _ in range(20):
            c = socket.socket()
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.connect((s.host, s.port))
            c.settimeout(0.2)
            deaf.append(c)
            try:
                for _ in range(100):
                    c.sendall(asks)
            except OSError:
                pass
        self.answers(s)
        self.grown(s, before, 24 * MIB)
        for c in deaf:
            c.close()


if __name__ == "__main__":
    main()
