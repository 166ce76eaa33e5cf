"""The bounds of what clients feel of one another (load.py measures).

    test_load.py OSMIA

OSMIA_TEST_LONG=1: the numbers of full size and the full bounds, which want a
machine of their own (about ten minutes, of which OSMIA_TEST_SOAK seconds, 60,
are for the soak).  Otherwise small numbers, and times that also hold while
something else runs.
"""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import load  # noqa: E402
from cli_case import main  # noqa: E402
from serve_case import ServeCase, is_sanitized  # noqa: E402
from streams import percentile  # noqa: E402

MODEL = os.environ.get("OSMIA_TEST_MODEL") or os.path.join(
    HERE, "..", "..", "models", "SmolLM2-135M-Instruct-Q4_1.gguf")
LONG = os.environ.get("OSMIA_TEST_LONG")
# What times may be stretched by while others use the machine.
SLACK = 1 if LONG else 4
STEP_MS = 80


class LoadCase(ServeCase):
    def measure(self, name, short, full=None):
        """Figures of a scenario; printed where somebody wants to see them."""
        s = self.server
        target = load.Target(f"{s.host}:{s.port}", s.proc.pid, "osmia")
        figures = load.run(target, name, full if LONG else short)
        if LONG:
            print(name, figures, flush=True)
        return figures


class Crowds(LoadCase):
    """On the tiny model: what counts is that everything is given back."""
    args = ("--max-queue", "1100")

    def nothing_left(self, got):
        self.assertEqual(got["wrong"], 0)
        self.assertEqual(got["refused"], 0)
        self.assertLessEqual(got["descriptors_left"], 0)
        self.assertEqual(got["jobs_and_blocks_left"], 0)

    def test_half_of_the_clients_vanish(self):
        got = self.measure("crowd", 150, 1000)
        self.nothing_left(got)
        self.assertTrue(got["next_right"])
        if not is_sanitized(self.osmia):     # their own memory grows
            self.assertLessEqual(got["grown_mib"], 8)

    def test_soak(self):
        got = self.measure("soak", 2,
                           int(os.environ.get("OSMIA_TEST_SOAK", "60")))
        self.nothing_left(got)
        if not is_sanitized(self.osmia):
            self.assertLessEqual(got["resident_last_mib"],
                                 got["resident_first_mib"] + 8)

    def test_half_sent_heads_lock_nobody_out(self):
        self.assertLess(self.measure("half_sent", 70)["answer_s"], SLACK)

    def test_bad_values_are_refused(self):
        self.assertEqual(self.measure("bad_values", 0)["which"], [])


class Queue(LoadCase):
    args = ("--max-jobs", "2", "--max-queue", "8")

    def test_full_queue_says_so(self):
        got = self.measure("full_queue", 40, 200)
        self.assertGreaterEqual(got["429"], 1)
        self.assertLessEqual(set(got), {"200", "429"})
        self.assertGreaterEqual(got["200"], 2)


class Beside(LoadCase):
    """On the real model: how long others wait."""

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(MODEL):
            raise unittest.SkipTest("no real model")
        if is_sanitized(cls.osmia):
            raise unittest.SkipTest("speed under a sanitizer says nothing")
        cls.model = MODEL
        super().setUpClass()

    def test_a_long_prompt_beside_a_stream(self):
        got = self.measure("gap", 800, 4000)
        self.assertEqual(got["status"], 200)
        most = 3 * got["idle_ms"] + STEP_MS
        self.assertLessEqual(got["gap_p99_ms"], SLACK * most)
        # That the stream went on at all: about every step's length.
        self.assertGreater(got["tokens_beside"],
                           got["prompt_s"] * 1e3 / (SLACK * most) - 2)

    def test_slow_readers_stop_nobody(self):
        got = self.measure("slow_readers", 40, 300)
        self.assertLessEqual(got["ratio"], 1 + 0.2 * SLACK ** 2)

    def test_equal_streams_get_equal_shares(self):
        got = self.measure("fairness", 2, 10)
        self.assertGreater(min(got["tokens"]), 10)
        self.assertLessEqual(got["spread"], 0.05 * SLACK)

    def test_what_cancelled_jobs_held_is_free_soon(self):
        got = self.measure("cancel", 5, 100)
        for phase in ("decode", "prefill"):
            self.assertLessEqual(got[f"{phase}_p99_ms"], SLACK * 100, phase)


class Figures(unittest.TestCase):
    def test_percentile(self):
        values = list(range(100, 0, -1))
        self.assertEqual(percentile(values, 50), 51)
        self.assertEqual(percentile(values, 99), 100)
        self.assertEqual(percentile([7], 99), 7)

    def test_judge(self):
        want = {i: f"text {i}" for i in range(50)}
        texts = {0: "text 0", 2: 429, 4: "text 5", 50: "text 0", 7: "x"}
        self.assertEqual(load.judge(texts, want), ([2], [4]))


if __name__ == "__main__":
    main()
