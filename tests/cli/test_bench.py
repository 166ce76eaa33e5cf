"""bench on a tiny model: the shape of what it prints, not the speed."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import CliCase, main  # noqa: E402

QUICK = ["--repeat", "2", "--threads", "2"]


class Bench(CliCase):
    def bench(self, *args, **more):
        return json.loads(self.ok("bench", *args, *QUICK, "--json", **more))

    def test_roofline_needs_no_model(self):
        machine = self.bench("--roofline")["machine"]
        self.assertEqual(machine["threads"], 2)
        for key in ("read_gb_s", "int8_gops", "f32_gflops"):
            self.assertGreater(machine[key], 0)

    def test_results(self):
        got = self.bench(self.gguf, "--prefill", "8,16", "--decode", "4",
                         "--batch", "1,3", "--context", "8")
        self.assertEqual(
            [(r["test"], r["tokens"], r["batch"], r["context"])
             for r in got["results"]],
            [("prefill", 8, 1, 8), ("prefill", 16, 1, 8),
             ("decode", 4, 1, 8), ("decode", 4, 3, 8)])
        for r in got["results"]:
            self.assertGreater(r["min"], 0)
            self.assertTrue(r["min"] <= r["tok_s"] <= r["max"])
            self.assertGreater(r["share_of_limit"], 0)
            self.assertTrue(r["kernel"].endswith(
                "/" + got["machine"]["isa"]), r["kernel"])
        self.assertGreater(got["model"]["weights_bytes"], 0)

    def test_kernel_and_neighbours(self):
        got = self.bench(self.gguf, "--weights", "q8_0", "--prefill", "8",
                         "--decode", "2", "--neighbours", "1",
                         env={"OSMIA_ISA": "scalar"})
        self.assertEqual({r["kernel"] for r in got["results"]},
                         {"q8_0/scalar"})
        self.assertEqual(got["machine"]["isa"], "scalar")
        self.assertIsNone(got["machine"]["bf16_gflops"])
        for r in got["results"]:
            self.assertEqual(r["neighbours"], 1)
            self.assertGreater(r["of_idle"], 0)

    def test_wrong_command_lines(self):
        for args in ([], ["--roofline", "--prefill", "x"],
                     [self.gguf, "--batch", "0"], [self.gguf, "--decode", "1,"
                      * 17 + "1"], [self.gguf, "--context", "8;9"]):
            p = self.run_osmia("bench", *args)
            self.assertEqual(p.returncode, 2, args)
            self.assertEqual(p.stdout, b"")

    def test_too_long(self):
        p = self.run_osmia("bench", self.gguf, "--ctx", "64", "--prefill",
                           "65")
        self.assertEqual(p.returncode, 1)
        self.assertIn(b"do not fit", p.stderr)

    def test_table(self):
        text = self.ok("bench", self.gguf, "--exact", "--prefill", "8",
                       "--decode", "2", *QUICK)
        self.assertIn("reading memory", text)
        self.assertEqual(text.count(" (rows)"), 2)


if __name__ == "__main__":
    main()
