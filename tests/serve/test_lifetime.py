"""The life of a worker: heartbeats, limits of time, a model that changes, the
end.
"""
import http.server
import json
import os
import shutil
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import main  # noqa: E402
from serve_case import ProcessCase, read_all, read_until  # noqa: E402

LONG = {"prompt": "x", "max_tokens": 2000, "temperature": 1}


class Recorder:
    """Somebody to send heartbeats to; `manner` says how it answers."""

    def __init__(self, manner="good"):
        self.got = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                outer.got.append((self.path, body))
                if manner == "hangs":
                    time.sleep(3)
                if manner == "redirects":
                    self.send_response(307)
                    self.send_header("Location", "/elsewhere")
                else:
                    self.send_response(200)
                self.end_headers()
                try:
                    self.wfile.write(b"x" * 10_000_000 if manner == "floods"
                                     else b'{"status":"ok","message":null}')
                except OSError:
                    pass

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def wait(self, n, timeout=10):
        end = time.time() + timeout
        while len(self.got) < n and time.time() < end:
            time.sleep(0.01)
        return self.got


class Lifetime(ProcessCase):
    def test_11_heartbeats(self):
        queen = Recorder()
        s = self.start("--worker-id", "w", "--model", self.gguf,
                       "--model-ref", "hf:x.gguf", "--queen-url", queen.url,
                       "--callback-url", queen.url + "/ready")
        queen.wait(3)
        s.stop()
        beats = [b for p, b in queen.wait(5) if p == "/v1/worker-heartbeat"]
        self.assertEqual([b["worker"]["status"] for b in beats],
                         ["starting", "ready", "stopping", "stopped"])
        self.assertEqual(beats[0]["worker"], {
            "id": "w", "model_id": "hf:x.gguf", "device": "cpu:0",
            "port": s.port, "status": "starting",
            "implementation": "llm-worker-rbee", "version": "0.1.0"})
        self.assertRegex(beats[0]["timestamp"], r"^\d{4}-.*\.\d{3}Z$")
        call, = [b for p, b in queen.got if p == "/ready"]
        self.assertEqual(call, {
            "worker_id": "w", "url": f"http://127.0.0.1:{s.port}",
            "model_ref": "hf:x.gguf", "backend": "cpu", "device": 0})

    def test_11_bad_queens_do_not_matter(self):
        for manner in ("hangs", "redirects", "floods", "gone"):
            queen = Recorder(manner)
            url = "http://127.0.0.1:1" if manner == "gone" else queen.url
            s = self.start("--model", self.gguf, "--queen-url", url)
            if manner != "gone":
                queen.wait(1)
            self.assertEqual(s.post("/v1/infer", {
                "prompt": "x", "max_tokens": 2}).status, 200)
            start = time.time()
            self.assertEqual(s.stop(), 0)
            self.assertLess(time.time() - start, 2, manner)
            self.assertNotIn("/elsewhere", [p for p, _ in queen.got])

    def test_13_sigterm_during_a_stream(self):
        s = self.start("serve", self.gguf, "--drain-sec", "0.4")
        with s.connect() as stream:
            body = json.dumps(s.endless())
            ask = ("POST /execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                   f"application/json\r\nContent-Length: {len(body)}\r\n\r\n")
            stream.sendall((ask + body).encode())
            got = read_until(stream, b'"token"')
            asked = time.time()
            s.proc.send_signal(signal.SIGTERM)
            s.wait_log("server_shutdown")
            self.assertEqual(s.get("/health").status, 200)
            reply = s.post("/execute", LONG)
            self.assertEqual(reply.status, 503)
            self.assertEqual(reply.json["code"], "WORKER_UNHEALTHY")
            self.assertEqual(reply.headers["Retry-After"], "1")
            got += read_all(stream)
        self.assertEqual(s.proc.wait(5), 0)
        # A manager kills two seconds after it asked, and 1.5 are for draining.
        self.assertLess(time.time() - asked, 0.4 + 0.5)
        self.assertEqual(got.count(b'"type":"end"')
                         + got.count(b'"type":"error"'), 1)
        self.assertIn(b"data: [DONE]", got)

    def test_13_second_sigterm_is_at_once(self):
        s = self.start("serve", self.gguf, "--drain-sec", "60")
        with s.connect() as idle:
            idle.sendall(b"GET /health HTTP/1.1\r\n")
            s.post("/v1/jobs", s.endless())
            s.proc.send_signal(signal.SIGTERM)
            s.wait_log("server_shutdown")
            start = time.time()
            self.assertEqual(s.stop(), 0)
            self.assertLess(time.time() - start, 1)

    def test_shutdown_route(self):
        for path in ("/shutdown", "/v1/shutdown"):
            s = self.start("serve", self.gguf)
            reply = s.post(path)
            self.assertEqual(reply.status, 202)
            self.assertEqual(reply.json, {"status": "shutting_down",
                                          "timeout_seconds": 30})
            self.assertEqual(s.proc.wait(5), 0)

    def test_second_shutdown_is_refused(self):
        s = self.start("serve", self.gguf)
        job = s.post("/v1/jobs", s.endless()).json
        with s.connect() as stream:
            stream.sendall(f"GET {job['sse_url']} HTTP/1.1\r\nHost: localhost"
                           "\r\n\r\n".encode())
            read_until(stream, b'"token"')
            self.assertEqual(s.post("/shutdown").status, 202)
            again = s.post("/v1/shutdown")
            self.assertEqual(again.status, 503)
            self.assertEqual(again.json["code"], "WORKER_UNHEALTHY")
            self.assertEqual(s.get("/info").json["status"], "stopping")
            s.post("/cancel", {"job_id": job["job_id"]})
            read_until(stream, b"[DONE]")
        self.assertEqual(s.proc.wait(5), 0)

    def test_ctrl_c_drains_too(self):
        s = self.start("serve", self.gguf)
        self.assertEqual(s.stop(signal.SIGINT), 0)

    def test_service_manager_is_told(self):
        path = self.path("notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(10)
            s = self.start("serve", self.gguf, env={"NOTIFY_SOCKET": path})
            self.assertEqual(manager.recv(100), b"READY=1")
            s.stop()
            self.assertEqual(manager.recv(100), b"STOPPING=1")

    def test_full_queue(self):
        s = self.start("serve", self.gguf, "--max-jobs", "1", "--max-queue",
                       "1")
        body = s.endless()
        codes = [s.post("/v1/jobs", body).status for _ in range(4)]
        self.assertEqual(codes[:2], [200, 200])
        self.assertEqual(codes[-1], 429)
        reply = s.post("/v1/jobs", body)
        self.assertEqual(reply.json["code"], "QUEUE_FULL")
        self.assertTrue(reply.json["retriable"])
        self.assertEqual(reply.headers["Retry-After"], "1")

    def test_records_expire(self):
        s = self.start("serve", self.gguf, "--job-ttl-sec", "1",
                       "--stream-grace-sec", "1")
        lost = s.post("/v1/jobs", LONG).json
        done = s.post("/v1/jobs", LONG | {"max_tokens": 1}).json
        s.get(done["sse_url"])
        end = time.time() + 6
        while s.get(done["sse_url"]).status != 410:
            self.assertLess(time.time(), end)
            time.sleep(0.1)
        self.assertEqual(s.get(done["sse_url"]).json["code"], "JOB_EXPIRED")
        while s.get("/v1/ready").json["state"] != "idle":
            self.assertLess(time.time(), end)
            time.sleep(0.1)
        self.assertIn(s.get(lost["sse_url"]).status, (200, 410))

    def test_model_that_computes_nonsense_is_not_served(self):
        path = shutil.copy(self.gguf, self.path("nan.gguf"))
        with open(path, "r+b") as f:
            f.seek(-8192, os.SEEK_END)     # in the output matrix, the last one
            f.write(struct.pack("<f", float("nan")) * 1024)
        p = self.run_osmia("serve", path, "--port", "0", timeout=20)
        self.assertEqual(p.returncode, 1)
        self.assertIn(b"model_load_failed", p.stderr)
        self.assertIn(b"not a number", p.stderr)

    def unhealthy(self, s):
        health = s.get("/health")
        self.assertEqual(health.status, 503)
        self.assertEqual(health.json["status"], "unhealthy")
        reply = s.post("/v1/infer", {"prompt": "x"})
        self.assertEqual(reply.status, 503)
        self.assertEqual(reply.json["code"], "WORKER_UNHEALTHY")
        self.assertEqual(s.stop(), 0)

    def test_model_file_cut_while_mapped(self):
        path = shutil.copy(self.gguf, self.path("cut.gguf"))
        s = self.start("serve", path)
        body = json.dumps(s.endless())
        with s.connect() as stream:
            stream.sendall(
                ("POST /execute HTTP/1.1\r\nHost: localhost\r\n"
                 "Connection: close\r\nContent-Type: application/json\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
            got = read_until(stream, b'"token"')
            os.truncate(path, 4096)
            got += read_all(stream)
        self.assertIn(b'"code":"MODEL_FILE_CHANGED"', got)
        self.assertTrue(got.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"))
        self.unhealthy(s)

    def test_model_file_written_to(self):
        path = shutil.copy(self.gguf, self.path("written.gguf"))
        s = self.start("serve", path)
        with open(path, "r+b") as f:
            f.write(b"GGUF")
        end = time.time() + 5
        while s.get("/health").status == 200 and time.time() < end:
            time.sleep(0.05)
        self.unhealthy(s)

    def test_timeout(self):
        s = self.start("serve", self.gguf, "--inference-timeout-sec", "1",
                       "--max-tokens-out", "100000")
        job = s.post("/v1/jobs", s.endless()).json
        time.sleep(1.1)
        events = s.get(job["sse_url"]).events
        self.assertEqual(events[0]["type"], "started")
        self.assertEqual(events[-2]["code"], "TIMEOUT")
        self.assertEqual(events[-1], "[DONE]")


if __name__ == "__main__":
    main()
