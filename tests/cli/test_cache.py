"""OSMIA_CACHE: the second start maps what the first has packed."""
import os
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import CliCase, main  # noqa: E402
from serve_case import Server  # noqa: E402

GREEDY = ["hello", "--max-tokens", "8", "--temperature", "0", "--verbose"]


class Cache(CliCase):
    def setUp(self):
        self.cache = self.path(self.id())
        self.env = {"OSMIA_CACHE": self.cache}
        self.plain = self.ok("run", self.gguf, *GREEDY)

    def files(self):
        folder = os.path.join(self.cache, "packed")
        return sorted(os.path.join(folder, n) for n in os.listdir(folder))

    def answer(self, *more, env=None):
        p = self.run_osmia("run", self.gguf, *GREEDY, *more,
                           env={**self.env, **(env or {})})
        self.assertEqual(p.returncode, 0, p.stderr.decode())
        return p.stdout.decode(), p.stderr.decode()

    def test_off_by_default(self):
        self.ok("run", self.gguf, *GREEDY, env={"OSMIA_CACHE": ""})
        self.assertFalse(os.path.exists(self.cache))

    def test_one_file_for_its_user_alone(self):
        self.assertEqual(self.answer()[0], self.plain)
        [file] = self.files()
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        for folder in (self.cache, os.path.dirname(file)):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700)
        before = os.stat(file)
        self.assertEqual(self.answer()[0], self.plain)
        self.assertEqual([file], self.files())
        self.assertEqual(before.st_ino, os.stat(file).st_ino)

    def test_of_each_way_to_pack_one(self):
        for args, env in (([], {}), (["--weights", "q8_0"], {}),
                          ([], {"OSMIA_ISA": "scalar"})):
            with_cache = [self.answer(*args, env=env)[0] for _ in range(2)]
            without = self.ok("run", self.gguf, *GREEDY, *args, env=env)
            self.assertEqual(with_cache, [without, without])
        self.assertEqual(len(self.files()), 3)

    def test_another_model_at_the_same_path(self):
        self.answer()
        with open(self.gguf, "rb") as f:
            data = bytearray(f.read())
        was, before = bytes(data), os.stat(self.gguf)
        for i in range(len(data) // 2, len(data) // 2 + 4096):
            data[i] ^= 1
        self.addCleanup(lambda: self.put(was))
        self.put(data)
        os.utime(self.gguf, ns=(before.st_atime_ns, before.st_mtime_ns))
        got, _ = self.answer()
        self.assertEqual(got, self.ok("run", self.gguf, *GREEDY))
        self.assertEqual(len(self.files()), 2)

    def put(self, data):
        with open(self.gguf, "r+b") as f:      # the same inode and size
            f.write(data)

    def test_damage_is_told_and_mended(self):
        self.answer()
        [file] = self.files()
        with open(file, "rb") as f:
            whole = f.read()
        for bad in (b"", whole[:-1], b"x" + whole[1:], whole + b"x",
                    whole[:5000] + b"???" + whole[5003:]):
            with open(file, "wb") as f:
                f.write(bad)
            text, said = self.answer()
            self.assertEqual(text, self.plain)
            self.assertIn(file + ": ", said)
            self.assertIn("it is made anew", said)
            text, said = self.answer()
            self.assertEqual(text, self.plain)
            self.assertNotIn("anew", said)

    def test_two_at_once(self):
        env = dict(os.environ, **self.env)
        ps = [subprocess.Popen([self.osmia, "run", self.gguf, *GREEDY], env=env,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL) for _ in range(6)]
        for p in ps:
            self.assertEqual(p.communicate()[0].decode(), self.plain)
        self.assertEqual(len(self.files()), 1)
        self.assertEqual(self.answer()[0], self.plain)

    def test_what_cannot_be_written_is_told(self):
        with open(self.cache, "w") as f:
            f.write("a file")
        text, said = self.answer()
        self.assertEqual(text, self.plain)
        self.assertIn("cache of packed weights is not used", said)

    def test_bound(self):
        text, said = self.answer(env={"OSMIA_CACHE_MB": "0"})
        self.assertEqual(text, self.plain)
        self.assertIn("may hold", said)
        self.assertEqual(self.files(), [])
        for n in range(3):
            self.answer("--weights", ["q8_0", "q4_0", "f16"][n],
                        env={"OSMIA_CACHE_MB": "2"})
            self.assertLessEqual(sum(os.path.getsize(f) for f in self.files()),
                                 2 << 20)
        p = self.run_osmia("run", self.gguf, *GREEDY,
                           env={**self.env, "OSMIA_CACHE_MB": "2GB"})
        self.assertEqual(p.returncode, 2, p.stderr)
        self.assertIn(b"OSMIA_CACHE_MB", p.stderr)

    def test_serve_in_its_sandbox(self):
        body = {"prompt": "hello", "max_tokens": 8, "temperature": 0}
        answers = []
        for n in range(3):
            s = Server(self.osmia, ["serve", self.gguf], self.env)
            try:
                if n == 1:                 # gone while it is mapped
                    os.unlink(self.files()[0])
                answers.append(s.post("/v1/infer", body).json["text"])
                self.assertEqual(s.stop(), 0)
                self.assertNotIn("packed", s.log())
            finally:
                s.kill()
            self.assertEqual(len(self.files()), 0 if n == 1 else 1)
        self.assertEqual(len(set(answers)), 1)


if __name__ == "__main__":
    main()
