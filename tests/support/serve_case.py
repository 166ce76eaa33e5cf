"""What the tests of `osmia serve` share: the server, requests, streams, raw
sockets; Python's standard library only.
"""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

from cli_case import CliCase

JSON = {"Content-Type": "application/json"}


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def events(self):
        """Data of a stream of events; "[DONE]" as a string, else JSON."""
        out = []
        for block in self.body.decode().split("\n\n"):
            if block.startswith("data: "):
                data = block[len("data: "):]
                out.append(data if data == "[DONE]" else json.loads(data))
        return out


class Server:
    """A running `osmia serve`; its log is in self.log()."""

    def __init__(self, osmia, args, env=None, wait=True):
        # Appending: the program shares the place where we read.
        self.file = tempfile.TemporaryFile("a+b")
        env = {**os.environ, **(env or {})}
        self.proc = subprocess.Popen([osmia, *args, "--port", "0"], env=env,
                                     stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL,
                                     stderr=self.file)
        found = self.wait_log(r"http://(\S+):(\d+) serves")
        self.host, self.port = found[1].strip("[]"), int(found[2])
        if wait:
            self.wait_log("model_load_success")

    def log(self):
        self.file.seek(0)
        return self.file.read().decode()

    def wait_log(self, pattern, timeout=20):
        end = time.time() + timeout
        while True:
            found = re.search(pattern, self.log())
            if found:
                return found
            if time.time() > end or self.proc.poll() is not None:
                raise AssertionError(f"no {pattern!r} in: {self.log()}")
            time.sleep(0.01)

    def request(self, method, path, body=None, headers=None, timeout=20):
        c = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        more = JSON if body is not None else {}
        c.request(method, path, body, {**more, **(headers or {})})
        reply = Reply(c.getresponse())
        c.close()
        return reply

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def connect(self, timeout=20):
        return socket.create_connection((self.host, self.port), timeout)

    def raw(self, data, timeout=20):
        """Send bytes; all that comes until the server closes."""
        with self.connect(timeout) as s:
            s.sendall(data)
            return read_all(s)

    def endless(self):
        """A body whose answer does not end before its 2,000 tokens."""
        for prompt in "abcdefghijklmnopqrstuvwxyz":
            body = {"prompt": prompt, "max_tokens": 300, "temperature": 0}
            if self.post("/v1/infer", body).json["tokens_generated"] == 300:
                return body | {"max_tokens": 2000}
        raise AssertionError("every answer ends")

    def metric(self, name):
        text = self.get("/metrics").body.decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
        return float(found[1])

    def stop(self, sig=signal.SIGTERM, timeout=10):
        if self.proc.poll() is None:
            self.proc.send_signal(sig)
        status = self.proc.wait(timeout)
        return status

    def kill(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        self.file.close()


def is_sanitized(program):
    """Built with a sanitizer?  Then memory and times say little."""
    with open(program, "rb") as f:
        data = f.read()
    return b"__tsan_init" in data or b"__asan_init" in data


def read_all(s):
    out = b""
    while True:
        try:
            piece = s.recv(65536)
        except ConnectionResetError:
            return out
        if not piece:
            return out
        out += piece


def read_until(s, what):
    out = b""
    while what not in out:
        piece = s.recv(65536)
        if not piece:
            raise AssertionError(f"closed before {what!r}: {out!r}")
        out += piece
    return out


class ProcessCase(CliCase):
    """A class whose tests start servers of their own."""

    def start(self, *args, env=None, wait=True):
        s = Server(self.osmia, args, env, wait)
        self.addCleanup(s.kill)
        return s


class ServeCase(CliCase):
    """A class whose tests share one server (cls.args)."""
    args = ()
    env = {}
    model = None            # another one than the tiny GGUF

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(cls.osmia, ["serve", cls.model or cls.gguf,
                                         *cls.args], cls.env)

    @classmethod
    def tearDownClass(cls):
        # A sanitizer has its say at a clean end only.
        status, log = cls.server.stop(), cls.server.log()
        cls.server.kill()
        super().tearDownClass()
        if status != 0:
            raise AssertionError(f"the server ended with {status}: {log}")
