#!/usr/bin/env python3
"""What clients feel when others are served, too: figures of any server with
`POST /v1/completions`.

    load.py HOST:PORT PID [--kind osmia|llama] [SCENARIO[=NUMBER]]...

Each scenario is a coroutine `(target, number) -> {name: figure}`; a row of
SCENARIOS says what its number means.  test_load.py asks osmia for its bounds;
docs/testing.md says how to compare.
"""
import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from streams import Stream, fetch, percentile  # noqa: E402

# Tokens without text would be seen by nobody: SmolLM2's special ones.
TEXT_ONLY = {"logit_bias": {str(i): -100 for i in range(17)}}
BEES = "The bees of this garden fly from flower to flower and sing. "


def words(n, seed=0):
    """A prompt of about n tokens that no other seed's begins like."""
    draw = random.Random(seed)
    return f"Story {seed}. " + " ".join(
        draw.choice(("river", "stone", "cloud", "tree", "bird", "song", "road",
                     "house", "light", "winter")) for _ in range(n))


class Target:
    def __init__(self, place, pid, kind):
        host, port = place.rsplit(":", 1)
        self.place, self.pid, self.kind = (host, int(port)), pid, kind

    def stream(self, prompt, n, **more):
        return Stream(self.place, {
            "prompt": prompt, "max_tokens": n, "ignore_eos": True,
            "temperature": 0, **more})

    def fresh(self):
        """A seed for words that no earlier prompt began with."""
        return random.randrange(10**6, 10**9)

    async def metric(self, name):
        text = (await fetch(self.place, "/metrics")).decode()
        for line in text.splitlines():
            if line.startswith(name + " "):
                return float(line[len(name) + 1:])
        raise KeyError(name)

    async def busy(self):
        """Jobs that run or wait, and blocks they hold."""
        if self.kind == "llama":
            slots = json.loads(await fetch(self.place, "/slots"))
            return sum(s["is_processing"] for s in slots)
        text = (await fetch(self.place, "/metrics")).decode()
        names = ("worker_active_jobs ", "worker_queue_depth ",
                 'worker_kv_blocks{state="jobs"} ')
        return sum(float(line.rpartition(" ")[2])
                   for line in text.splitlines() if line.startswith(names))

    async def settle(self, timeout=60):
        """Until nothing runs; -> seconds that took."""
        start = time.perf_counter()
        while await self.busy():
            if time.perf_counter() - start > timeout:
                raise AssertionError("jobs are left")
            await asyncio.sleep(0.001)
        return time.perf_counter() - start

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident(self):
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# ---- streams beside others ----

async def gap(t, n_prompt):
    """Gaps of a stream while a prompt of n_prompt tokens is read."""
    beside = t.stream(BEES, 1500)
    await beside.open()
    await beside.read(80)
    idle = beside.gaps_ms[10:]
    reading = asyncio.create_task(beside.read())
    await asyncio.sleep(0.05)
    start = time.perf_counter()
    prompt = await t.stream(words(n_prompt, t.fresh()), 1).whole()
    end = time.perf_counter()
    reading.cancel()
    beside.leave()
    await t.settle()
    times = [x for x in beside.times if start <= x <= end]
    edges = [start, *times, end]
    gaps = [(b - a) * 1e3 for a, b in zip(edges, edges[1:])]
    return {"status": prompt.status, "idle_ms": statistics.median(idle),
            "idle_worst_ms": max(idle), "prompt_s": prompt.seconds,
            "tokens_beside": len(times), "gap_p50_ms": percentile(gaps, 50),
            "gap_p99_ms": percentile(gaps, 99), "gap_worst_ms": max(gaps)}


async def pair(t, n, seed):
    """Seconds until two streams of n tokens are both through."""
    two = [t.stream(words(20, seed + i), n) for i in range(2)]
    start = time.perf_counter()
    await asyncio.gather(*(s.whole() for s in two))
    assert all(s.done for s in two)
    return time.perf_counter() - start


async def slow_readers(t, n):
    """Two streams of n tokens alone, then beside three that nobody reads."""
    await pair(t, n, 10)
    alone = [await pair(t, n, 20 + 2 * i) for i in range(3)]
    slow = [t.stream(words(20, 50 + i), 4000) for i in range(3)]
    for s in slow:
        await s.open(receive_buffer=4096)
    await asyncio.sleep(1)
    beside = [await pair(t, n, 30 + 2 * i) for i in range(3)]
    for s in slow:
        s.leave(reset=True)
    await t.settle()
    return {"alone_s": statistics.median(alone),
            "beside_s": statistics.median(beside),
            "ratio": statistics.median(beside) / statistics.median(alone)}


async def n_tokens(t, text):
    """Pieces of text do not tell: a character may take several tokens."""
    got = await fetch(t.place, "/tokenize", {"content": text})
    return len(json.loads(got)["tokens"])


async def fairness(t, seconds):
    """Tokens of four equal streams over some seconds."""
    four = [t.stream(words(20, 60 + i), 7000, **TEXT_ONLY) for i in range(4)]
    for s in four:
        await s.open()
        await s.read(1)
    reading = [asyncio.create_task(s.read()) for s in four]
    before = [len(s.texts) for s in four]
    await asyncio.sleep(seconds)
    texts = ["".join(s.texts[b:]) for s, b in zip(four, before)]
    counts = [await n_tokens(t, text) for text in texts]
    for r, s in zip(reading, four):
        r.cancel()
        s.leave()
    await t.settle()
    return {"tokens": counts, "spread": 1 - min(counts) / max(counts)}


# ---- clients that go away ----

async def cancel(t, n):
    """Milliseconds from a client's leaving until all it held is free."""
    out = {}
    for phase in ("decode", "prefill"):
        took = []
        for i in range(n):
            if phase == "decode":
                s = await t.stream(words(30, 100 + i), 2000).open()
                await s.read(5)
            else:
                s = await t.stream(words(4000, t.fresh()), 5).open()
                await asyncio.sleep(0.1)
                assert await t.busy(), "the prompt was over too soon"
            s.leave(reset=i % 2 == 0)
            took.append(await t.settle() * 1e3)
        out |= {f"{phase}_p50_ms": percentile(took, 50),
                f"{phase}_p99_ms": percentile(took, 99)}
    return out


def asked(i):
    return words(3 + i % 40, 300 + i), 5 + i % 20


async def visit(t, i, texts, draw):
    """Every second client vanishes: before, within or after its answer."""
    s = t.stream(*asked(i % 50))
    delay = draw.random() * 0.5
    try:
        await s.open()
        if i % 2 == 0:
            await s.read()
            texts[i] = s.text if s.done else s.status
        elif i % 3 == 0:
            await asyncio.sleep(delay)
        else:
            await s.read(draw.randrange(5))
    except (OSError, asyncio.IncompleteReadError) as e:
        texts[i] = repr(e)
    if s.writer:
        s.leave(reset=draw.random() < 0.5)


def judge(texts, want):
    """Who stayed and was refused, and who got another text than alone."""
    stayed = {i: x for i, x in texts.items() if i % 2 == 0}
    refused = [i for i, x in stayed.items() if x == 429]
    wrong = [i for i, x in stayed.items() if x not in (want[i % 50], 429)]
    return refused, wrong


async def settled_files(t, before, timeout=10):
    end = time.perf_counter() + timeout
    while t.descriptors() > before and time.perf_counter() < end:
        await asyncio.sleep(0.02)
    return t.descriptors() - before


async def crowd(t, n):
    """n clients at once, half of which vanish; what is left of them."""
    draw = random.Random(n)
    want = [(await t.stream(*asked(i)).whole()).text for i in range(50)]
    for i in range(2):
        await asyncio.gather(*(visit(t, i, {}, draw) for i in range(50)))
    await t.settle()
    files, memory = t.descriptors(), t.resident()
    texts = {}
    start = time.perf_counter()
    await asyncio.gather(*(visit(t, i, texts, draw) for i in range(n)))
    seconds = time.perf_counter() - start
    await t.settle()
    left = await settled_files(t, files)
    await asyncio.sleep(2.5)
    after = (await t.stream(*asked(7)).whole()).text
    refused, wrong = judge(texts, want)
    return {"clients": n, "seconds": seconds, "stayed": (n + 1) // 2,
            "refused": len(refused), "wrong": len(wrong),
            "next_right": after == want[7], "descriptors_left": left,
            "resident_before_mib": memory / 2**20,
            "grown_mib": (t.resident() - memory) / 2**20,
            "jobs_and_blocks_left": await t.busy()}


async def half_sent(t, n):
    """Seconds an answer takes while n clients sent half a head."""
    import socket
    half = []
    for _ in range(n):
        s = socket.create_connection(t.place, 5)
        s.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: loc")
        half.append(s)
    try:
        s = await asyncio.wait_for(t.stream(BEES, 5).whole(), 8)
        seconds = s.seconds if s.done else None
    except asyncio.TimeoutError:
        seconds = None
    for s in half:
        s.close()
    return {"clients": n, "answer_s": seconds}


async def full_queue(t, n):
    """Statuses of n requests at once that all want to run long."""
    many = [t.stream(words(10, 400 + i), 400) for i in range(n)]
    await asyncio.gather(*(s.open() for s in many))

    async def status(s):
        try:
            await asyncio.wait_for(s.head(), 3)
        except (asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass
        return s.status

    seen = await asyncio.gather(*(status(s) for s in many))
    for s in many:
        s.leave()
    await t.settle()
    return {str(k): seen.count(k) for k in sorted(set(seen), key=str)}


BAD = [("max_tokens", v) for v in (-7, 2**31, 2**64, 1e308, 1.5, "1", [], True)
       ] + [("temperature", v) for v in (-1, "1", [], True, 1e308)
            ] + [("top_p", v) for v in (-1, 2, "1", [], True)
                 ] + [("seed", v) for v in (1.5, "1", [], True, 2**64)
                      ] + [("n", v) for v in (-1, 0, 1.5, "1", [], True)
                           ] + [("stop", v) for v in (5, True, [5], {})
                                ] + [("prompt", 7), ("stream", "yes")]


async def bad_values(t, _):
    """How many of the bad values are answered 200."""
    good = []
    for field, value in BAD:
        body = {"prompt": "x", "max_tokens": 2, field: value}
        if field != "max_tokens":
            body["max_tokens"] = 1
        s = Stream(t.place, body)
        s.body = body if field == "stream" else s.body
        await s.open()
        try:
            await asyncio.wait_for(s.head(), 20)
        except (asyncio.IncompleteReadError, asyncio.TimeoutError):
            pass
        s.leave()
        if s.status == 200:
            good.append(f"{field}={value!r}")
    await t.settle()
    return {"of": len(BAD), "answered_200": len(good), "which": good}


# ---- for long ----

async def soak(t, seconds):
    """Everything by turns; memory, descriptors and blocks between the turns."""
    draw = random.Random(seconds)
    want = {i: (await t.stream(*asked(i)).whole()).text for i in range(50)}
    rows, bad, visits = [], [0, 0], 0
    files, end = None, time.monotonic() + seconds
    while time.monotonic() < end:
        texts = {}
        n = draw.randrange(8, 64)
        first = draw.randrange(1000) * 2
        await asyncio.gather(*(visit(t, first + i, texts, draw)
                               for i in range(n)))
        visits += n
        for i, found in enumerate(judge(texts, want)):
            bad[i] += len(found)
        await t.settle()
        files = t.descriptors() if files is None else files
        left = await settled_files(t, files)
        rows.append((t.resident(), left, await t.busy()))
    first = rows[len(rows) // 10][0]
    return {"seconds": seconds, "turns": len(rows), "visits": visits,
            "refused": bad[0], "wrong": bad[1],
            "resident_first_mib": first / 2**20,
            "resident_last_mib": rows[-1][0] / 2**20,
            "resident_most_mib": max(r[0] for r in rows) / 2**20,
            "descriptors_left": max(r[1] for r in rows),
            "jobs_and_blocks_left": max(r[2] for r in rows)}


# What its number is, and the one that is taken where none is given.
SCENARIOS = {
    "gap": (gap, "tokens of the prompt", 4000),
    "slow_readers": (slow_readers, "tokens a stream", 300),
    "fairness": (fairness, "seconds", 10),
    "cancel": (cancel, "clients a phase", 100),
    "crowd": (crowd, "clients", 1000),
    "half_sent": (half_sent, "clients", 70),
    "full_queue": (full_queue, "requests", 200),
    "bad_values": (bad_values, "ignored", 0),
    "soak": (soak, "seconds", 60),
}


def run(target, name, number=None):
    scenario, _, usual = SCENARIOS[name]
    return asyncio.run(scenario(target, usual if number is None else number))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("place", metavar="HOST:PORT")
    p.add_argument("pid", type=int)
    p.add_argument("--kind", choices=("osmia", "llama"), default="osmia")
    p.add_argument("scenario", nargs="*", default=list(SCENARIOS))
    o = p.parse_intermixed_args()
    target = Target(o.place, o.pid, o.kind)
    for word in o.scenario:
        name, _, number = word.partition("=")
        figures = run(target, name, int(number) if number else None)
        print(json.dumps({name: {k: round(v, 3) if isinstance(v, float) else v
                                 for k, v in figures.items()}}), flush=True)


if __name__ == "__main__":
    main()
