"""The process: how it is started, who may ask, what it says."""
import json
import os
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import main  # noqa: E402
from serve_case import ProcessCase, Server  # noqa: E402

TOKEN = "a-token-of-good-length"
OTHER = "another-token-of-length"
MISSING = b'{"error":{"code":"MISSING_API_KEY","message":"Missing API key"}}'
WRONG = (b'{"error":{"code":"INVALID_API_KEY",'
         b'"message":"Invalid or missing API key"}}')
LONG = {"prompt": "x", "max_tokens": 2000, "temperature": 1}


class Process(ProcessCase):
    def refused(self, *args, env=None, status=2):
        p = self.run_osmia(*args, env=env, timeout=10)
        self.assertEqual(p.returncode, status, p.stderr)
        self.assertEqual(p.stdout, b"")
        self.assertEqual(p.stderr.count(b"\n"), 1, p.stderr)
        return p.stderr.decode()

    def test_start_forms(self):
        link = self.path("llm-worker-rbee")
        cpu = self.path("llm-worker-rbee-cpu")
        for path in (link, cpu):
            if not os.path.lexists(path):
                os.symlink(self.osmia, path)
        flags = ["--worker-id", "w-1", "--model", self.gguf, "--device", "0",
                 "--queen-url", "http://127.0.0.1:9"]
        for program, args in ((self.osmia, flags),
                              (self.osmia, ["serve", *flags]),
                              (self.osmia, ["--device=0", "--model", self.gguf,
                                            "--worker-id=w-1"]),
                              (link, flags), (cpu, ["serve", *flags]),
                              (link, [self.gguf, "--worker-id", "w-1"])):
            s = Server(program, args)
            try:
                self.assertEqual(s.get("/info").json["id"], "w-1")
                with open(f"/proc/{s.proc.pid}/cmdline", "rb") as f:
                    line = f.read().split(b"\0")
                if "--model" in args:
                    self.assertEqual(line[line.index(b"--model") + 1],
                                     self.gguf.encode())
                self.assertEqual(s.stop(), 0)
            finally:
                s.kill()

    def test_usage(self):
        for args in (["--model", self.gguf, "--worker-id", "a b"],
                     ["--model", self.gguf, "--worker-id", ""],
                     ["--model", self.gguf, "--worker-id", "x" * 257],
                     ["--model", self.gguf, "--model", self.gguf],
                     ["--model", self.gguf, "--port", "1", "--port", "2"],
                     ["--model", self.gguf, "--queen-url", "http://a",
                      "--hive-url", "http://b"],
                     ["--model", self.gguf, "--queen-url", "localhost:1"],
                     ["--model", self.gguf, "--backend", "cuda"],
                     ["--model", self.gguf, "--device", "1"],
                     ["--model", self.gguf, "--port", "65536"],
                     ["--model", self.gguf, "--host", "0.0.0.0"],
                     ["--model", self.gguf, "--seed", "1"],
                     ["--model", self.gguf, "--nonsense"],
                     ["--worker-id", "x"], ["--model"],
                     ["--model", self.gguf, "extra"]):
            p = self.run_osmia(*args, timeout=10)
            self.assertEqual(p.returncode, 2, (args, p.stderr))
            self.assertEqual(p.stdout, b"")
            self.assertTrue(p.stderr.startswith(b"osmia: "), p.stderr)

    def test_models_that_are_none(self):
        self.refused("serve", self.path("none.gguf"), status=1)
        broken = self.path("broken.gguf")
        with open(broken, "wb") as f:
            f.write(b"GGUF garbage")
        self.refused("serve", broken, status=1)

    def test_build_info_needs_nothing_else(self):
        text = self.ok("--build-info")
        for word in ("osmia 0.", "compiler: ", "build: "):
            self.assertIn(word, text)

    def test_busy_port_is_named(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            text = self.refused("serve", self.gguf, "--port", str(port),
                                status=1)
        self.assertIn(str(port), text)
        self.assertIn("in use", text)

    def test_addresses(self):
        for host in ("::1", "127.0.0.1", "localhost"):
            s = self.start("serve", self.gguf, "--host", host)
            self.assertGreater(s.port, 1023)
            self.assertEqual(s.get("/health").status, 200)
            self.assertEqual(s.get("/info").json["port"], s.port)
            self.assertEqual(s.stop(), 0)
        for host in ("example.org", "1.2.3", "", "::2"):
            p = self.run_osmia("serve", self.gguf, "--host", host, timeout=10)
            self.assertIn(p.returncode, (1, 2), host)
            self.assertEqual(p.stderr.count(b"\n"), 1, p.stderr)

    def test_what_a_person_reads_first(self):
        s = self.start("serve", self.gguf, "--max-jobs", "3")
        log = s.log()
        url = f"http://127.0.0.1:{s.port}"
        self.assertIn(f"osmia: {url} serves tiny.gguf\n", log)
        self.assertIn(f"base URL {url}/v1, model \"tiny.gguf\"", log)
        self.assertIn("a context of 2048 tokens, up to 3 jobs at once", log)
        if not shutil.which("curl"):
            return
        line = next(x for x in log.splitlines() if x.startswith("  curl "))
        p = subprocess.run(["sh", "-c", line.replace("curl", "curl -fs", 1)
                            .replace('"Hello"}]', '"Hello"}],"max_tokens":3')],
                           capture_output=True, timeout=20)
        self.assertEqual(json.loads(p.stdout)["usage"]["completion_tokens"], 3,
                         p.stderr)

    def test_10_token_rows(self):
        env = {"LLORCH_API_TOKEN": TOKEN}
        args = ["serve", self.gguf]
        s = self.start(*args, "--local-mode", env={"LLORCH_API_TOKEN": ""})
        self.assertEqual(s.get("/info").status, 200)
        self.refused(*args, "--local-mode", env=env)
        self.refused(*args, env={"LLORCH_API_TOKEN": ""})
        self.refused(*args, env={"LLORCH_API_TOKEN": "short"})
        text = self.refused(*args, env={"LLORCH_API_TOKEN": "bad token " * 3})
        self.assertNotIn("bad token", text)
        s = self.start(*args)
        self.assertIn("no API token", s.log())
        self.assertEqual(s.host, "127.0.0.1")

    def test_10_401_bodies(self):
        s = self.start("serve", self.gguf, "--host", "127.0.0.1",
                       env={"LLORCH_API_TOKEN": TOKEN})
        rows = [(None, MISSING), ("", MISSING), ("Basic abc", MISSING),
                (TOKEN, MISSING), ("bearer " + TOKEN, MISSING),
                ("Bearer ", MISSING), ("Bearer  ", MISSING),
                ("Bearer " + "x" * 8190, MISSING),
                ("Bearer a\tb", MISSING), ("Bearer wrong", WRONG),
                ("Bearer " + TOKEN[:-1], WRONG), ("Bearer " + TOKEN + "x", WRONG),
                ("Bearer " + TOKEN, None), ("Bearer   " + TOKEN, None)]
        for value, body in rows:
            headers = {} if value is None else {"Authorization": value}
            for method, path in (("GET", "/info"), ("GET", "/metrics"),
                                 ("GET", "/v1/capabilities"),
                                 ("POST", "/v1/inference"),
                                 ("GET", "/v1/jobs/job-1/stream"),
                                 ("DELETE", "/v1/jobs/job-1"),
                                 ("POST", "/cancel"), ("POST", "/execute")):
                reply = s.request(method, path, headers=headers)
                if body is None:
                    self.assertNotEqual(reply.status, 401)
                    continue
                self.assertEqual(reply.status, 401, (value, path))
                self.assertEqual(reply.body, body)
                self.assertEqual(reply.headers["WWW-Authenticate"], "Bearer")
        for path in ("/health", "/v1/ready"):
            self.assertEqual(s.get(path).status, 200)
        self.assertEqual(s.get("/v1/loading/progress").status, 503)
        self.assertNotIn(TOKEN, s.log())

    def test_token_leaves_no_trace(self):
        s = self.start("serve", self.gguf, "--host", "127.0.0.1",
                       env={"LLORCH_API_TOKEN": TOKEN})
        for name in ("environ", "cmdline"):
            try:
                with open(f"/proc/{s.proc.pid}/{name}", "rb") as f:
                    self.assertNotIn(TOKEN.encode(), f.read())
            except PermissionError:
                pass

    def test_token_file_and_principals(self):
        path = self.path("tokens")
        with open(path, "w") as f:
            f.write(f"{TOKEN}\n\n{OTHER}\r\n")
        os.chmod(path, 0o644)
        self.refused("serve", self.gguf, "--api-token-file", path)
        os.chmod(path, 0o600)
        s = self.start("serve", self.gguf, "--host", "127.0.0.1",
                       "--api-token-file", path)
        mine = {"Authorization": "Bearer " + TOKEN}
        theirs = {"Authorization": "Bearer " + OTHER}
        job = s.post("/v1/jobs", LONG, headers=mine).json
        for reply in (s.get(job["sse_url"], headers=theirs),
                      s.post("/cancel", {"job_id": job["job_id"]},
                             headers=theirs)):
            self.assertEqual(reply.status, 404)
            self.assertEqual(reply.json["code"], "JOB_NOT_FOUND")
        self.assertEqual(s.post("/cancel", {"job_id": job["job_id"]},
                                headers=mine).status, 202)
        with open(path, "w") as f:
            f.write("\n \n")
        self.refused("serve", self.gguf, "--api-token-file", path)

    def test_cross_origin(self):
        s = self.start("serve", self.gguf, "--host", "127.0.0.1",
                       "--allow-origin", "http://good.example",
                       env={"LLORCH_API_TOKEN": TOKEN})
        ask = {"Origin": "http://good.example"}
        reply = s.get("/health", headers=ask)
        self.assertEqual(reply.headers["Access-Control-Allow-Origin"],
                         "http://good.example")
        reply = s.get("/health", headers={"Origin": "http://bad.example"})
        self.assertEqual(reply.status, 200)
        self.assertIsNone(reply.headers["Access-Control-Allow-Origin"])
        reply = s.request("OPTIONS", "/v1/jobs", headers=ask)
        self.assertEqual(reply.status, 204)
        self.assertIn("POST", reply.headers["Access-Control-Allow-Methods"])
        wanted = "authorization,content-type,x-stainless-os"
        reply = s.request("OPTIONS", "/v1/chat/completions", headers={
            **ask, "Access-Control-Request-Headers": wanted})
        self.assertEqual(reply.headers["Access-Control-Allow-Headers"], wanted)
        reply = s.request("OPTIONS", "/v1/jobs",
                          headers={"Origin": "http://bad.example"})
        self.assertEqual(reply.status, 405)

    def test_json_log(self):
        for args, env in ((["--log-json"], {}),
                          ([], {"LLORCH_LOG_FORMAT": "json"})):
            p = subprocess.Popen([self.osmia, "serve", self.gguf, "--port", "0",
                                  *args], stderr=subprocess.PIPE,
                                 env={**os.environ, **env})
            lines = []
            # Nothing but JSON, from the first line on.
            while not lines or lines[-1]["action"] != "model_load_success":
                lines.append(json.loads(p.stderr.readline()))
            p.terminate()
            rest = p.communicate(timeout=10)[1]
            lines += [json.loads(x) for x in rest.splitlines()]
            self.assertEqual(lines[-1]["action"], "server_shutdown")
            self.assertTrue(all(x["level"] in ("info", "warn", "error")
                                for x in lines))


if __name__ == "__main__":
    main()
