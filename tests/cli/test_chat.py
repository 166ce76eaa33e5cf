"""chat: from a pipe and on a pseudo-terminal."""
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from cli_case import CliCase, main  # noqa: E402
from terminal import Terminal  # noqa: E402

GREEDY = ["--temperature", "0", "--ignore-eos"]


class Chat(CliCase):
    def chat(self, n):
        t = Terminal([self.osmia, "chat", self.dir, "-n", str(n), *GREEDY])
        t.until(b"> ")
        return t

    def saved(self, t):
        """The conversation, through /save; then the program ends."""
        path = self.path("saved.json")
        t.send(b"/save " + path.encode() + b"\r")
        t.until(b"saved to")
        t.until(b"> ")
        self.assertEqual(t.end(), 0)
        with open(path, encoding="utf-8") as f:
            return json.load(f)

    def test_from_a_pipe(self):
        out = self.ok("chat", self.dir, "-n", "4", *GREEDY,
                      text="hello\n/reset\nhello\n")
        half = len(out) // 2
        self.assertEqual(out[:half], out[half:])
        self.assertTrue(out[:half].endswith("\n"))

    def test_a_pasted_block_is_one_message(self):
        t = self.chat(4)
        t.send(b"\033[200~one\ntwo\nthree\nfour\nfive\033[201~\r")
        t.until(b"> ")
        messages = self.saved(t)
        self.assertEqual([m["role"] for m in messages], ["user", "assistant"])
        self.assertEqual(messages[0]["content"], "one\ntwo\nthree\nfour\nfive")

    def test_interrupt_keeps_the_conversation(self):
        t = self.chat(1900)
        t.send(b"hello\r")
        t.until(b"\n")
        time.sleep(0.05)
        os.kill(t.pid, signal.SIGINT)
        start = time.monotonic()
        t.until(b"> ")
        self.assertLess(time.monotonic() - start, 1)
        self.assertEqual(t.end(), 0)

    def test_interrupt_at_the_prompt_clears_the_line(self):
        t = self.chat(2)
        t.send(b"never sent")
        t.until(b"sent")
        t.send(b"\x03")
        t.until(b"> ")
        t.send(b"asked\r")
        t.until(b"> ")
        self.assertEqual(self.saved(t)[0]["content"], "asked")

    def test_blocks_and_continued_lines(self):
        t = self.chat(2)
        t.send(b'"""a\r')
        t.until(b"... ")
        t.send(b'b"""\r')
        t.until(b"> ")
        t.send(b"c\\\r")
        t.until(b"... ")
        t.send(b"d\r")
        t.until(b"> ")
        users = [m["content"] for m in self.saved(t) if m["role"] == "user"]
        self.assertEqual(users, ["a\nb", "c\nd"])

    def test_commands(self):
        t = self.chat(2)
        for command, answer in ((b"/help", b"/save FILE"),
                                (b"/system Be brief.", b"system message set"),
                                (b"/nonsense", b"no command"),
                                (b"/stats", b"0 turns"),
                                (b"/reset", b"anew")):
            t.send(command + b"\r")
            t.until(answer)
            t.until(b"> ")
        t.send("grüße 😀\r".encode())
        t.until(b"> ")
        messages = self.saved(t)
        self.assertEqual([m["content"] for m in messages[:2]],
                         ["Be brief.", "grüße 😀"])

    def test_saved_conversation_goes_on(self):
        path = self.path("given.json")
        given = [{"role": "user", "content": "a"},
                 {"role": "assistant", "content": "b"}]
        with open(path, "w", encoding="utf-8") as f:
            json.dump(given, f)
        t = self.chat(2)
        t.send(b"/load " + path.encode() + b"\r")
        t.until(b"loaded")
        t.until(b"> ")
        t.send(b"c\r")
        t.until(b"> ")
        messages = self.saved(t)
        self.assertEqual(messages[:2], given)
        self.assertEqual(messages[2], {"role": "user", "content": "c"})


if __name__ == "__main__":
    main()
