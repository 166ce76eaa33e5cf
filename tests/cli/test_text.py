"""tokenize, detokenize, render: plain and as line protocols."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import CliCase, main  # noqa: E402

USER = {"role": "user", "content": "Hi"}


class Text(CliCase):
    def forms(self):
        return (self.dir, self.gguf)

    def test_tokenize_and_back(self):
        for model in self.forms():
            ids = self.ok("tokenize", model, "Hi", "bee")
            self.assertEqual(ids.split(), [str(b) for b in b"Hi bee"])
            self.assertEqual(self.ok("detokenize", model, *ids.split()),
                             "Hi bee\n")
            self.assertEqual(self.ok("detokenize", model, "[72, 105]"), "Hi\n")

    def test_text_from_a_pipe(self):
        self.assertEqual(self.ok("tokenize", self.dir, text="ab").split(),
                         ["97", "98"])

    def test_pieces(self):
        self.assertEqual(self.ok("tokenize", self.dir, "--pieces", "a\n"),
                         "97\ta\n10\t\\x0a\n")

    def test_no_weights_needed(self):
        os.rename(self.path("tiny/model.safetensors"), self.path("hidden"))
        try:
            self.assertEqual(self.ok("tokenize", self.dir, "a"), "97\n")
        finally:
            os.rename(self.path("hidden"), self.path("tiny/model.safetensors"))

    def test_lines(self):
        for model in self.forms():
            got = self.lines("tokenize", model, "--jsonl", status=1, requests=[
                "ab", {"text": "a<|im_end|>"}, "RAW {bad",
                {"text": "<|im_end|>", "parse_special": False}, {"text": 5},
                {"text": "a", "nonsense": 1}, "\U0001f600", "RAW   \"a\" \r"])
            self.assertEqual(got[0], [97, 98])
            self.assertEqual(got[1], [97, 258])
            self.assertIn("error", got[2])
            self.assertEqual(len(got[3]), len("<|im_end|>"))
            self.assertIn("text", got[4]["error"])
            self.assertIn("nonsense", got[5]["error"])
            self.assertEqual(got[6], list("\U0001f600".encode()))
            self.assertEqual(got[7], [97])

    def test_detokenize_lines(self):
        got = self.lines("detokenize", self.dir, "--jsonl", status=1, requests=[
            [72, 105, 258], {"tokens": [72, 258], "skip_special": True},
            [-1], [99999], [1.5], "x", [255], []])
        self.assertEqual(got[:2], ["Hi<|im_end|>", "H"])
        self.assertTrue(all("error" in g for g in got[2:6]), got)
        self.assertEqual(got[6:], ["\ufffd", ""])

    def test_each_answer_comes_before_the_next_line(self):
        p = subprocess.Popen([self.osmia, "tokenize", self.dir, "--jsonl"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(3):
            p.stdin.write(b'"a"\n')
            p.stdin.flush()
            self.assertEqual(json.loads(p.stdout.readline()), [97])
        p.stdin.close()
        p.stdout.close()
        self.assertEqual(p.wait(10), 0)

    def test_render(self):
        want = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
        for model in self.forms():
            self.assertEqual(self.ok("render", model, "--user", "Hi"),
                             want + "\n")
            system = self.ok("render", model, "--user", "Hi", "--system", "S")
            self.assertEqual(system, "<|im_start|>system\nS<|im_end|>\n"
                             + want + "\n")

    def test_render_lines(self):
        got = self.lines("render", self.dir, "--jsonl", status=1, requests=[
            {"messages": [USER]},
            {"messages": [USER], "add_generation_prompt": False},
            {"messages": [USER], "chat_template": "{{ messages[0].content }}!"},
            {"messages": [USER], "chat_template": "{{ x }}",
             "chat_template_kwargs": {"x": 7}},
            {"messages": [USER], "chat_template": "{{ raise_exception('no') }}"},
            {"messages": 3}, {}])
        self.assertTrue(got[0].endswith("assistant\n"))
        self.assertEqual(got[1], "<|im_start|>user\nHi<|im_end|>\n")
        self.assertEqual(got[2:4], ["Hi!", "7"])
        self.assertIn("no", got[4]["error"])
        self.assertTrue(all("error" in g for g in got[5:]))

    def test_own_template_and_arguments(self):
        path = self.path("own.jinja")
        with open(path, "w", encoding="utf-8") as f:
            f.write("{{ name }}: {{ messages[0].content }}")
        self.assertEqual(
            self.ok("render", self.dir, "--user", "Hi", "--chat-template",
                    path, "--template-arg", 'name="bee"'), "bee: Hi\n")
        with open(path, "w", encoding="utf-8") as f:
            f.write("{% if %}")
        p = self.run_osmia("render", self.dir, "--user", "Hi",
                           "--chat-template", path)
        self.assertEqual(p.returncode, 1)
        self.assertIn(b"own.jinja", p.stderr)


if __name__ == "__main__":
    main()
