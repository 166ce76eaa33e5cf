"""What every verb promises: exit statuses, where output goes, help, errors."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import CliCase, main  # noqa: E402

VERBS = ["run", "chat", "inspect", "tokenize", "detokenize", "render",
         "logits", "perplexity", "models"]
ENDLESS = ["--raw", "x", "-n", "2000", "--ignore-eos"]


class Manners(CliCase):
    def refused(self, *args, **more):
        """Exit 2, one line of error, one of usage; -> the error."""
        p = self.run_osmia(*args, **more)
        self.assertEqual(p.returncode, 2)
        self.assertEqual(p.stdout, b"")
        lines = p.stderr.decode().splitlines()
        self.assertEqual(len(lines), 2, lines)
        self.assertTrue(lines[0].startswith("osmia: "))
        self.assertTrue(lines[1].startswith("usage: "))
        return lines[0]

    def failed(self, *args, **more):
        """Exit 1 with one line of error; -> the line."""
        p = self.run_osmia(*args, **more)
        self.assertEqual(p.returncode, 1, p.stderr)
        self.assertEqual(p.stderr.count(b"\n"), 1, p.stderr)
        self.assertTrue(p.stderr.startswith(b"osmia: "))
        self.assertLess(len(p.stderr), 1600)
        self.assertFalse(any(b < 32 for b in p.stderr[:-1]))
        return p.stderr.decode()

    def start(self, *args):
        return subprocess.Popen([self.osmia, *args], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_help_lists_every_verb(self):
        text = self.ok("--help")
        for verb in VERBS:
            self.assertIn(f"\n  {verb} ", text)

    def test_each_verb_has_help_of_one_screen(self):
        for verb in VERBS:
            for words in ([verb, "--help"], ["help", verb], [verb, "-h"]):
                text = self.ok(*words)
                self.assertIn(f"osmia {verb}", text)
                self.assertIn("example: ", text)
                self.assertLess(len(text.splitlines()), 62)
                self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_version_names_sets_and_libraries(self):
        text = self.ok("--version")
        for word in ("osmia 0.", "scalar", "emu16", "chosen", "pcre2"):
            self.assertIn(word, text)

    def test_misspelt_verb_gets_the_nearest(self):
        self.assertIn("tokenize", self.refused("tokenise", self.dir))
        self.assertIn("inspect", self.refused("inspekt"))
        self.assertNotIn("mean", self.refused("zzzzzzzzzz"))

    def test_misspelt_flag_gets_the_nearest(self):
        self.assertIn("--temperature",
                      self.refused("run", self.dir, "--temprature", "1"))

    def test_wrong_values(self):
        for words in (["--top-p", "2"], ["--top-p", "x"], ["--top-p", "nan"],
                      ["--max-tokens", "-1"], ["--threads", "0"],
                      ["--threads=1.5"], ["--seed", "18446744073709551616"],
                      ["--exact=1"], ["--stop"], ["--stop="],
                      ["--kv", "f64"], ["--weights", "q9"],
                      ["--logit-bias", "5"], ["--logit-bias", "x=1"],
                      ["--template-arg", "x"], ["--template-arg", "x=}"]):
            self.refused("run", self.dir, "hi", *words)
        self.assertIn("to 18446744073709551615",
                      self.refused("run", self.dir, "--seed", "-1"))

    def test_words_that_nobody_reads(self):
        for words in (["inspect", self.dir, "more"], ["models", "more"],
                      ["tokenize", self.dir, "--jsonl", "more"],
                      ["run", self.dir, "--jsonl", "more"],
                      ["perplexity", self.dir, "/dev/null", "more"],
                      ["render", self.dir, "--user", "hi", "more"]):
            self.assertIn('takes no "more"', self.refused(*words))

    def test_what_a_verb_needs(self):
        self.assertIn("--user", self.refused("render", self.dir))
        self.assertIn("FILE", self.refused("perplexity", self.dir))
        self.assertIn("--roofline", self.refused("bench"))
        self.assertIn("no prompt", self.failed("run", self.dir))

    def test_no_verb_is_usage(self):
        p = self.run_osmia()
        self.assertEqual((p.returncode, p.stdout), (2, b""))

    def test_missing_model(self):
        self.assertIn("MODEL", self.refused("run"))
        self.assertIn("/no/such/file", self.failed("inspect", "/no/such/file"))

    def test_control_characters_in_names_are_shown(self):
        self.assertIn("\\x1b", self.failed("inspect", "/no/\x1b[31mred"))

    def test_lacking_instruction_set(self):
        for name in ("neon", "avx9"):
            p = self.run_osmia("run", self.dir, "x", env={"OSMIA_ISA": name})
            self.assertEqual(p.returncode, 2, p.stderr)

    def test_double_dash_ends_flags(self):
        self.assertEqual(self.ok("tokenize", self.dir, "--", "--help").split(),
                         [str(b) for b in b"--help"])

    def test_stdout_is_only_the_answer(self):
        p = self.run_osmia("run", self.dir, "--raw", "hello", "-n", "4",
                           "--ignore-eos", "--temperature", "0")
        self.assertEqual((p.returncode, p.stderr), (0, b""))
        self.assertTrue(p.stdout.endswith(b"\n"))

    def test_broken_pipe_ends_by_the_signal(self):
        p = self.start("run", self.dir, *ENDLESS)
        p.stdout.close()
        self.assertEqual((p.wait(60), p.stderr.read()), (-signal.SIGPIPE, b""))
        p.stderr.close()

    def test_interrupt(self):
        p = self.start("run", self.dir, *ENDLESS)
        p.stdout.read(1)
        p.send_signal(signal.SIGINT)
        start = time.monotonic()
        out, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130)
        self.assertLess(time.monotonic() - start, 2)
        self.assertTrue(out.endswith(b"\n"))
        self.assertEqual(err, b"")

    def test_full_disk_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            p = subprocess.run([self.osmia, "inspect", self.dir], stdout=full,
                               stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(p.returncode, 1)

    def test_a_fifo_is_refused_at_once(self):
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        self.assertIn("fifo", self.failed("inspect", fifo, timeout=5))

    def test_models_lists_what_there_is(self):
        text = self.ok("models")
        for word in ("llama", "LlamaForCausalLM", "q4_k", "qwen2"):
            self.assertIn(word, text)

    def test_man_page(self):
        text = self.ok("--man")
        self.assertTrue(text.startswith(".TH OSMIA 1"))
        for verb in VERBS:
            self.assertIn(f".SS {verb}\n", text)


if __name__ == "__main__":
    main()
