"""A program on a pseudo-terminal, typed at and read from."""
import os
import pty
import select
import signal
import time


class Terminal:
    def __init__(self, argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(argv[0], argv)
        self.seen = b""

    def send(self, data):
        os.write(self.fd, data)

    def until(self, mark, seconds=20):
        """Read until `mark` comes behind what was read; -> what came before."""
        end = time.monotonic() + seconds
        while mark not in self.seen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"no {mark!r} in {self.seen[-300:]!r}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"ended without {mark!r}: {self.seen!r}")
            self.seen += data
        before, self.seen = self.seen.split(mark, 1)
        return before

    def end(self, seconds=20):
        """At a prompt: type Ctrl-D, read to the end; -> exit status."""
        limit = time.monotonic() + seconds
        try:
            while time.monotonic() < limit:
                # Again and again: a key that comes while the terminal changes
                # its mode is lost, for people as for tests.
                self.send(b"\x04")
                if (select.select([self.fd], [], [], 2)[0]
                        and not os.read(self.fd, 65536)):
                    break
            else:
                os.kill(self.pid, signal.SIGKILL)
        except OSError:
            pass        # what a terminal says when the program is gone
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
