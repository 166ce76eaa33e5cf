"""Bytes that no good client sends: each gets a right 4xx or the door, and the
next request is answered.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import main  # noqa: E402
from serve_case import ServeCase, read_all, read_until  # noqa: E402

HEAD = b"Host: localhost\r\n"
GET = b"GET /health HTTP/1.1\r\n" + HEAD
POST = (b"POST /v1/infer HTTP/1.1\r\n" + HEAD
        + b"Content-Type: application/json\r\n")
BODY = b'{"prompt":"x","max_tokens":1}'


def status(reply):
    return int(reply.split(b" ", 2)[1]) if reply else None


class Hostile(ServeCase):
    def tearDown(self):
        reply = self.server.raw(GET + b"Connection: close\r\n\r\n")
        self.assertEqual(status(reply), 200)

    def refused(self, data, expected=400):
        reply = self.server.raw(data)
        self.assertEqual(status(reply), expected, (data[:80], reply))
        self.assertIn(b"Connection: close\r\n", reply)
        self.assertEqual(reply.count(b"HTTP/1.1"), 1, "answered more than once")

    def test_framing(self):
        smuggled = b"0\r\n\r\nGET /info HTTP/1.1\r\n" + HEAD + b"\r\n"
        for fields in (
                b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                b"Content-Length: 5\r\nContent-Length: 5\r\n",
                b"Content-Length: 5, 5\r\n", b"Content-Length: -1\r\n",
                b"Content-Length: 1e3\r\n", b"Content-Length: 0x10\r\n",
                b"Transfer-Encoding: gzip\r\n",
                b"Transfer-Encoding: chunked, gzip\r\n",
                b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                b"Transfer-Encoding : chunked\r\n", HEAD,
                b"X: a\r\n b\r\n", b"X : a\r\n", b"X: a\nY: b\r\n",
                b"X\x00: a\r\n", b"X: a\rb\r\n"):
            with self.subTest(fields=fields):
                self.refused(POST + fields + b"\r\n" + smuggled)

    def test_request_lines(self):
        rest = b"\r\n" + HEAD + b"\r\n"
        for line, code in ((b"GET /", 400), (b"GET / HTTP/1.1 x", 400),
                           (b"GET  / HTTP/1.1", 400), (b"/", 400),
                           (b"GET / HTTP/3.0", 505), (b"\x16\x03\x01", 400),
                           (b"CONNECT a:1 HTTP/1.1", 400),
                           (b"GET /" + b"a" * 9000 + b" HTTP/1.1", 414)):
            with self.subTest(line=line[:20]):
                self.refused(line + rest, code)
        self.refused(b"GET / HTTP/1.1\r\n\r\n")
        self.refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)

    def test_endless_headers(self):
        with self.server.connect() as s:
            s.sendall(GET)
            reply = b""
            try:
                for _ in range(4000):
                    s.sendall(b"A: " + b"b" * 500 + b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
            reply = read_all(s)
        self.assertIn(status(reply), (431, None))
        self.refused(GET + b"A: b\r\n" * 101 + b"\r\n", 431)

    def test_endless_chunks(self):
        with self.server.connect() as s:
            s.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
            reply = b""
            try:
                for _ in range(400):
                    s.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
            reply = read_all(s)
        self.assertIn(status(reply), (413, None))
        self.refused(POST + b"Transfer-Encoding: chunked\r\n\r\n"
                     b"fffffffffffffff\r\n", 413)
        for body in (b"x\r\n", b"5\r\nhello0\r\n", b"-5\r\n", b"5\nhello\r\n",
                     b"1234567890123456\r\n"):
            self.refused(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)

    def test_chunked_body(self):
        body = b"".join(b"%x;a=b\r\n%c\r\n" % (1, c) for c in BODY)
        reply = self.server.raw(
            POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            + body + b"0\r\nX: y\r\n\r\n")
        self.assertEqual(status(reply), 200)

    def test_too_large_is_told_before_the_body(self):
        reply = self.server.raw(POST + b"Content-Length: 99999999\r\n\r\n")
        self.assertEqual(status(reply), 413)

    def test_expect(self):
        with self.server.connect() as s:
            s.sendall(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n"
                      b"Connection: close\r\n\r\n" % len(BODY))
            self.assertEqual(read_until(s, b"\r\n\r\n"),
                             b"HTTP/1.1 100 Continue\r\n\r\n")
            s.sendall(BODY)
            self.assertEqual(status(read_all(s)), 200)
        self.refused(POST + b"Expect: cake\r\nContent-Length: 2\r\n\r\n{}", 417)
        refused = self.server.raw(POST + b"Expect: 100-continue\r\n"
                                  b"Content-Length: 99999999\r\n\r\n")
        self.assertEqual(status(refused), 413)

    def test_pipelining_keeps_the_order(self):
        n = 50
        asks = b"".join(GET + b"X-Request-Id: r%d\r\n\r\n" % i
                        for i in range(n))
        job = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
        reply = self.server.raw(asks + job + GET + b"Connection: close\r\n\r\n")
        self.assertEqual(reply.count(b"HTTP/1.1 200 OK"), n + 2)
        places = [reply.index(b"X-Request-Id: r%d\r\n" % i) for i in range(n)]
        self.assertEqual(places, sorted(places))
        self.assertLess(places[-1], reply.index(b"tokens_generated"))

    def test_byte_by_byte(self):
        with self.server.connect() as s:
            data = (POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n"
                    % len(BODY) + BODY)
            for i in range(len(data)):
                s.sendall(data[i:i + 1])
            self.assertEqual(status(read_all(s)), 200)

    def test_old_clients(self):
        reply = self.server.raw(b"GET /health HTTP/1.0\r\n\r\n")
        self.assertEqual(status(reply), 200)
        self.assertIn(b"Connection: close\r\n", reply)
        reply = self.server.raw(
            b"POST /execute HTTP/1.0\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
        self.assertNotIn(b"chunked", reply)
        self.assertTrue(reply.endswith(b"data: [DONE]\n\n"))

    def test_half_requests_lock_nobody_out(self):
        half = [self.server.connect() for _ in range(200)]
        for s in half:
            s.sendall(GET)
        start = time.time()
        self.assertEqual(self.server.get("/health").status, 200)
        self.assertLess(time.time() - start, 2)
        for s in half:
            s.close()

    def test_integers_out_of_range(self):
        for field in ("max_tokens", "top_k", "repeat_last_n", "seed"):
            for value in ("-1", "2147483648", "9007199254740993",
                          "18446744073709551616", "1e308", "1.5", '"1"', "[]",
                          "true"):
                body = b'{"prompt":"x","max_tokens":1,"%s":%s}' % (
                    field.encode(), value.encode())
                if field == "max_tokens":
                    body = body.replace(b'"max_tokens":1,', b"")
                reply = self.server.request("POST", "/v1/infer", body)
                good = (field == "seed" and value in (
                    "2147483648", "9007199254740993")
                    or field in ("top_k", "repeat_last_n")
                    and value == "2147483648")
                self.assertEqual(reply.status, 200 if good else 400,
                                 (field, value, reply.body))

    def test_depth_and_garbage(self):
        for body in ("[" * 100000, '{"a":' * 100000, "nul", "{'a':1}", "\0",
                     '{"a":1}x', "\ufeff{}", "", '{"a":NaN}', '{"a":01}'):
            reply = self.server.post("/v1/infer", body.encode())
            self.assertEqual(reply.status, 400, (body[:20], reply.body))

    def test_foreign_pages(self):
        for fields in (b"Host: evil.example\r\n", b"Host: localhost.evil\r\n",
                       b"Host: 127.0.0.1.evil\r\n", b"Host:\r\n",
                       HEAD + b"Origin: http://evil.example\r\n",
                       HEAD + b"Origin: null\r\n"):
            reply = self.server.raw(b"GET /health HTTP/1.1\r\n"
                                    b"Connection: close\r\n" + fields + b"\r\n")
            self.assertEqual(status(reply), 403, fields)
        for fields in (b"Host: LOCALHOST:1\r\n", b"Host: [::1]:80\r\n",
                       b"Host: 127.0.0.1\r\nOrigin: http://localhost:3000\r\n"):
            reply = self.server.raw(b"GET /health HTTP/1.1\r\n"
                                    b"Connection: close\r\n" + fields + b"\r\n")
            self.assertEqual(status(reply), 200, fields)

    def test_foreign_targets(self):
        # The target's own host counts, whatever the field says.
        for target, code in ((b"http://evil.example/health", 403),
                             (b"http://localhost/health", 200),
                             (b"HTTP://127.0.0.1:80/health", 200),
                             (b"http:///health", 400)):
            reply = self.server.raw(b"GET " + target + b" HTTP/1.1\r\n" + HEAD
                                    + b"Connection: close\r\n\r\n")
            self.assertEqual(status(reply), code, target)

    def test_head(self):
        for path in (b"/health", b"/v1/models", b"/metrics", b"/nope"):
            ask = b" " + path + b" HTTP/1.1\r\n" + HEAD
            close = b"Connection: close\r\n\r\n"
            get = self.server.raw(b"GET" + ask + close)
            # Two of them: a body behind the first would end the framing.
            head = self.server.raw((b"HEAD" + ask + b"\r\n") * 2 + b"HEAD"
                                   + ask + close)
            self.assertEqual(head.count(b"HTTP/1.1"), 3)
            self.assertEqual(status(head), status(get))
            self.assertTrue(head.endswith(b"\r\n\r\n"))
            self.assertGreater(int(head.split(b"Content-Length: ")[1]
                                   .split(b"\r")[0]), 0)
        self.refused(b"HEAD /v1/jobs/job-1/stream HTTP/1.1\r\n" + HEAD
                     + b"Connection: close\r\n\r\n", 405)

    def test_compressed_bodies(self):
        for coding, code in ((b"gzip", 415), (b"br, identity", 415),
                             (b"identity", 200), (b"Identity", 200)):
            reply = self.server.raw(
                POST + b"Content-Encoding: " + coding + b"\r\nConnection: "
                b"close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
            self.assertEqual(status(reply), code, coding)

    def test_framing_errors_look_like_others(self):
        reply = self.server.raw(b"GET / HTTP/1.1\r\n\r\n")
        self.assertTrue(reply.startswith(b"HTTP/1.1 400 Bad Request\r\nDate: "))
        self.assertIn(b"\r\nX-Request-Id: ", reply)
        reply = self.server.raw(b"POST /v1/completions HTTP/1.1\r\n\r\n")
        self.assertIn(b'{"error":{"message"', reply)

    def test_vanishing_clients_leave_nothing(self):
        def files():
            return len(os.listdir(f"/proc/{self.server.proc.pid}/fd"))

        body = b'{"prompt":"x","max_tokens":2000,"temperature":1}'
        before = files()
        for i in range(40):
            s = self.server.connect()
            s.sendall(b"POST /execute HTTP/1.1\r\n" + HEAD
                      + b"Content-Type: application/json\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(body)
                      + body[:len(body) - (i % 3)])
            if i % 2:
                s.recv(100) if i % 3 == 0 else None
            s.close()
        end = time.time() + 10
        while (self.server.metric("worker_active_jobs") > 0
               or self.server.metric("worker_queue_depth") > 0
               or files() > before):
            self.assertLess(time.time(), end, files())
            time.sleep(0.02)
        self.assertEqual(self.server.metric('worker_kv_blocks{state="jobs"}'),
                         0)


if __name__ == "__main__":
    main()
