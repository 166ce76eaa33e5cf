"""bench/compare.py: its arithmetic, its order, what it says when an engine
fails; the engines are scripts that print what they are told to."""
import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
COMPARE = os.path.join(HERE, "..", "..", "bench", "compare.py")

# Counts its runs in a file and prints the n-th of its texts.
ENGINE = """#!{python}
import json, os, sys
here = {path!r}
log = os.path.join(os.path.dirname(here), "log")
with open(log, "a") as f:
    f.write(os.path.basename(here) + " " + " ".join(sys.argv[1:]) + "\\n")
n = open(log).read().split("\\n")[:-1]
n = sum(line.startswith(os.path.basename(here) + " ") for line in n)
texts = json.load(open(here + ".json"))
print(texts[(n - 1) % len(texts)])
"""


def bench(prefill, decode, share=0.5):
    def row(test, tokens, tok_s):
        return {"test": test, "tokens": tokens, "batch": 1, "context": 0,
                "tok_s": tok_s, "share_of_limit": share}
    return json.dumps({
        "machine": {"isa": "x", "read_gb_s": prefill, "int8_gops": 8,
                    "bf16_gflops": None, "f32_gflops": 2},
        "results": [row("prefill", 512, prefill), row("decode", 64, decode)]})


def llama(prefill, decode):
    return json.dumps([
        {"n_prompt": 512, "n_gen": 0, "n_depth": 0, "avg_ts": prefill},
        {"n_prompt": 0, "n_gen": 64, "n_depth": 0, "avg_ts": decode}])


class Compare(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="osmia-test-")
        self.addCleanup(self.folder.cleanup)
        self.osmia = self.engine("osmia", [bench(100, 30), bench(300, 50),
                                           bench(200, 40)])

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def engine(self, name, texts):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(ENGINE.format(python=sys.executable, path=path))
        with open(path + ".json", "w", encoding="utf-8") as f:
            json.dump(texts, f)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def compare(self, *args, model="a model.gguf"):
        return subprocess.run(
            [sys.executable, COMPARE, model, "--osmia", self.osmia, "--threads",
             "2", "--json", self.path("out"), *args], capture_output=True,
            text=True, timeout=60)

    def test_medians_ratios_order(self):
        peer = self.engine("peer", [llama(50, 10), llama(40, 20),
                                    llama(1000, 16)])
        p = self.compare("--pairs", "3", "--peer",
                         f"lc=A=1 {peer} -m {{model}} -t {{threads}} {{{{x}}}}")
        self.assertEqual(p.returncode, 0, p.stderr)
        with open(self.path("out"), encoding="utf-8") as f:
            got = json.load(f)
        self.assertEqual(got["tests"]["prefill 512"]["osmia"],
                         {"median": 200, "min": 100, "max": 300, "n": 3})
        self.assertEqual(got["tests"]["prefill 512"]["lc"]["median"], 50)
        self.assertEqual(got["tests"]["decode"]["lc"]["median"], 16)
        self.assertEqual(got["tests"]["decode"]["share"]["median"], 0.5)
        self.assertEqual(got["machine"]["read_gb_s"], 200)
        self.assertIsNone(got["machine"]["bf16_gflops"])
        lines = p.stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].endswith("ratio 4.00"), lines)
        self.assertTrue(lines[1].endswith("ratio 2.50"), lines)
        with open(self.path("log"), encoding="utf-8") as f:
            log = f.read().splitlines()
        self.assertEqual([line.split()[0] for line in log],
                         ["osmia", "peer"] * 3)
        self.assertEqual(log[1], "peer -m a model.gguf -t 2 {x}")

    def fails(self, said, *args, status=1):
        p = self.compare(*args)
        self.assertEqual(p.returncode, status, p.stderr)
        self.assertIn(said, p.stderr)
        self.assertNotIn("Traceback", p.stderr)

    def test_what_fails_is_named(self):
        self.fails("lc: /no/such/program: No such file",
                   "--peer", "lc=/no/such/program {model}")
        self.fails("lc: false ended with 1", "--peer", "lc=false")
        self.fails("lc: sh ended with 3: no room | really", "--peer",
                   "lc=sh -c 'echo no room >&2; echo really >&2; exit 3'")
        self.fails("lc: it printed no result", "--peer", "lc=echo hello")
        self.fails("none of the forms", "--peer", "lc=echo '[{{}}]'")
        self.fails("none of the forms", "--peer", "lc=echo '[1'")
        self.fails("is no template", "--peer", "lc=echo {nothing}")
        self.fails("command is empty", "--peer", "lc=A=1")

    def test_wrong_command_lines(self):
        for args in (["--peer", "lc"], ["--peer", "=x"], ["--pairs", "0"],
                     ["--peer", "osmia=x"]):
            self.fails("usage:", *args, status=2)


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    bad = len(result.failures) + len(result.errors)
    print(f"[  PASSED  ] {result.testsRun - bad} test(s).")
    if bad:
        print(f"[  FAILED  ] {bad} test(s)")
    sys.exit(1 if bad else 0)
