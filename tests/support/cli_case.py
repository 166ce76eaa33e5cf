"""What the tests of the command line share: the program, tiny models, and a
summary line that is counted.

A test file calls main() with the path of the program as first argument.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import tiny_model


class CliCase(unittest.TestCase):
    osmia = ""
    folder = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="osmia-test-")
        cls.dir = tiny_model.write_directory(
            os.path.join(cls.folder.name, "tiny"))
        cls.gguf = tiny_model.write_gguf(
            os.path.join(cls.folder.name, "tiny.gguf"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_osmia(self, *args, text=None, env=None, timeout=200):
        """Run to the end; -> CompletedProcess with bytes."""
        return subprocess.run(
            [self.osmia, *args], capture_output=True, timeout=timeout,
            input=text.encode() if isinstance(text, str) else text or b"",
            env=dict(os.environ, **(env or {})))

    def ok(self, *args, **more):
        p = self.run_osmia(*args, **more)
        self.assertEqual(p.returncode, 0, p.stderr.decode())
        return p.stdout.decode()

    def lines(self, *args, requests, status=0, **more):
        """The line protocol: JSON values in, JSON values out."""
        text = "".join((r if isinstance(r, str) and r.startswith("RAW ")
                        else "RAW " + json.dumps(r))[4:] + "\n"
                       for r in requests)
        p = self.run_osmia(*args, text=text, **more)
        self.assertEqual(p.returncode, status, p.stderr.decode())
        return [json.loads(line) for line in p.stdout.decode().splitlines()]


def main():
    CliCase.osmia = os.path.abspath(sys.argv.pop(1))
    result = unittest.main(exit=False, verbosity=1).result
    bad = len(result.failures) + len(result.errors)
    # A class that is skipped as a whole is no test that ran.
    skipped = sum(isinstance(t, unittest.TestCase) for t, _ in result.skipped)
    for test, why in result.skipped:
        print(f"skipped {test.id()}: {why}")
    print(f"[  PASSED  ] {result.testsRun - bad - skipped} test(s).")
    if bad:
        print(f"[  FAILED  ] {bad} test(s)")
    sys.exit(1 if bad else 0)
