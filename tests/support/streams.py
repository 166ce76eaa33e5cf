"""Many streams at once, each with the time of every piece: a small client of
`POST /v1/completions` on asyncio, for any server that speaks it.
"""
import asyncio
import json
import socket
import struct
import time

RESET = struct.pack("ii", 1, 0)          # SO_LINGER: close with a reset


class Stream:
    """One streamed completion: status, texts and when they came."""

    def __init__(self, place, body):
        self.place = place
        self.body = {**body, "stream": True}
        self.status, self.texts, self.times = None, [], []
        self.started = self.over = None
        self.done = False                    # [DONE] was seen
        self.reader = self.writer = None

    @property
    def text(self):
        return "".join(self.texts)

    async def open(self, receive_buffer=None):
        s = socket.socket()
        s.setblocking(False)
        if receive_buffer:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(s, self.place)
        # A reader's buffer has a limit: whoever does not read stops the server.
        self.reader, self.writer = await asyncio.open_connection(
            sock=s, limit=receive_buffer or 65536)
        data = json.dumps(self.body).encode()
        self.started = time.perf_counter()
        self.writer.write(
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n" % len(data) + data)
        await self.writer.drain()
        return self

    async def head(self):
        line = await self.reader.readuntil(b"\r\n")
        self.status = int(line.split()[1])
        while await self.reader.readuntil(b"\r\n") != b"\r\n":
            pass

    def take(self, line):
        """One line of the body; chunk sizes are lines of their own."""
        if not line.startswith(b"data: "):
            return
        if line.startswith(b"data: [DONE]"):
            self.done = True
            return
        choices = json.loads(line[len(b"data: "):]).get("choices")
        if choices and choices[0].get("finish_reason") is None:
            self.texts.append(choices[0]["text"])
            self.times.append(time.perf_counter())
        elif choices:
            self.texts.append(choices[0]["text"])

    async def read(self, until=None):
        """Pieces until there are `until` of them; None: to the end."""
        if self.status is None:
            await self.head()
        while until is None or len(self.times) < until:
            line = await self.reader.readline()
            if not line:
                break
            self.take(line)
            if self.done:
                break
        self.over = time.perf_counter()
        return self

    def leave(self, reset=False):
        """Close; with a reset or with an end in good order."""
        s = self.writer.get_extra_info("socket")
        if reset:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()

    async def whole(self):
        await self.open()
        await self.read()
        self.leave()
        return self

    @property
    def gaps_ms(self):
        return [(b - a) * 1e3 for a, b in zip(self.times, self.times[1:])]

    @property
    def seconds(self):
        return self.over - self.started


async def fetch(place, path, body=None, timeout=30):
    """Body of the answer to a GET, or a POST, whatever its status."""
    data = b"" if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "POST"

    async def get():
        reader, writer = await asyncio.open_connection(*place)
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
                     "Content-Type: application/json\r\nConnection: close\r\n"
                     f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
        reply = await reader.read()
        writer.close()
        return reply.partition(b"\r\n\r\n")[2]
    return await asyncio.wait_for(get(), timeout)


def percentile(values, p):
    """The smallest value that p percent of all are not above."""
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]
