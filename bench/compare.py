#!/usr/bin/env python3
"""Osmia beside other engines on the same file, runs interleaved.

    bench/compare.py MODEL --peer 'llama.cpp=llama-bench -m {model}
        -t {threads} -p {prefill} -n {decode} -r 1 -o json'
        [--pairs 5] [--json OUT]

A peer is NAME=COMMAND, with VAR=VALUE words before the program if need be; in
its words {model}, {threads}, {prefill} and {decode} are replaced, {{ and }} are
single braces.
Its output is read as JSON: what `llama-bench -o json`, `llama-batched-bench
--output-format jsonl` or `osmia bench --json` (another build, another
instruction set) prints.  --extra goes to Osmia's own `bench`.  Osmia measures
the limits of the machine around its own runs, so they stand beside every
round.  Medians count; ratios are Osmia / peer.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys


def test_name(kind, tokens, batch=1, context=0):
    name = f"prefill {tokens}" if kind == "prefill" else "decode"
    if batch > 1:
        name += f", {batch} sequences"
    if context:
        name += f", after {context} tokens"
    return name


class Bad(Exception):
    """What stops a comparison, in a sentence."""


def speeds(text):
    """What an engine printed -> {test: tokens a second}"""
    try:
        found = speeds_of(text)
    except (ValueError, KeyError, TypeError) as e:
        raise Bad("its output is none of the forms that --help names "
                  f"({type(e).__name__}: {e})") from e
    if not found:
        raise Bad("it printed no result")
    return found


def speeds_of(text):
    if text.lstrip().startswith("["):                       # llama-bench
        return {test_name("decode" if r["n_gen"] else "prefill",
                          r["n_prompt"], r.get("n_batched", 1),
                          r.get("n_depth", 0)): r["avg_ts"]
                for r in json.loads(text)}
    reports = [json.loads(line) for line in text.splitlines()
               if line.startswith("{")]
    if reports and "results" in reports[0]:                 # osmia bench
        return {test_name(r["test"], r["tokens"], r["batch"], r["context"]):
                r["tok_s"] for r in reports[0]["results"]}
    return {test_name("decode", 0, r["pl"]): r["speed_tg"] for r in reports}


def limits(text):
    """The machine, and what share of its limits each test used."""
    report = json.loads(text)
    shares = {test_name(r["test"], r["tokens"], r["batch"], r["context"]):
              r["share_of_limit"] for r in report["results"]}
    return report["machine"], shares


def words_of(command, values):
    """A template's words; split before they are filled in, so that a path may
    have blanks."""
    try:
        return [word.format(**values) for word in shlex.split(command)]
    except (ValueError, KeyError, IndexError) as e:
        raise Bad(f"its command is no template: {command!r} "
                  f"({type(e).__name__}: {e})") from e


def run(words):
    env = dict(os.environ)
    while words and "=" in words[0]:
        name, _, value = words[0].partition("=")
        env[name] = value
        words = words[1:]
    if not words:
        raise Bad("its command is empty")
    try:
        p = subprocess.run(words, stdout=subprocess.PIPE, env=env, text=True,
                           stderr=subprocess.PIPE, check=False)
    except OSError as e:
        raise Bad(f"{words[0]}: {e.strerror}") from e
    if p.returncode != 0:
        said = p.stderr.strip().splitlines()[-3:]
        raise Bad(f"{words[0]} ended with {p.returncode}: " + " | ".join(said))
    return p.stdout


def spread(values):
    return {"median": round(statistics.median(values), 4),
            "min": round(min(values), 4), "max": round(max(values), 4),
            "n": len(values)}


def summary(runs):
    """[(engine, what it printed)] -> the result's "machine" and "tests"."""
    machines, tests = [], {}
    for name, text in runs:
        for test, tok_s in speeds(text).items():
            tests.setdefault(test, {}).setdefault(name, []).append(tok_s)
        if name == "osmia":
            machine, shares = limits(text)
            machines.append(machine)
            for test, share in shares.items():
                tests[test].setdefault("share", []).append(share)
    machine = dict(machines[0])
    for key in ("read_gb_s", "int8_gops", "bf16_gflops", "f32_gflops"):
        values = [m[key] for m in machines if m.get(key)]
        machine[key] = round(statistics.median(values), 1) if values else None
    return {"machine": machine,
            "tests": {test: {name: spread(v) for name, v in engines.items()}
                      for test, engines in tests.items()}}


def table(result):
    lines = []
    for test, engines in result["tests"].items():
        ours = engines.get("osmia")
        for name, peer in engines.items():
            if ours and name not in ("osmia", "share"):
                lines.append(f"{test:28} osmia {ours['median']:9.1f}  "
                             f"{name} {peer['median']:9.1f}  ratio "
                             f"{ours['median'] / peer['median']:.2f}")
    return "\n".join(lines)


def options():
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    a.add_argument("model")
    a.add_argument("--osmia", default="build/osmia")
    a.add_argument("--peer", action="append", default=[])
    a.add_argument("--pairs", type=int, default=5)
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a.add_argument("--prefill", default="512")
    a.add_argument("--decode", default="64")
    a.add_argument("--extra", default="", help="for osmia bench")
    a.add_argument("--title", default="")
    a.add_argument("--json", metavar="OUT")
    args = a.parse_args()
    for peer in args.peer:
        name, _, rest = peer.partition("=")
        if not name or not rest or name in ("osmia", "share"):
            a.error(f"--peer is {peer!r}, expected NAME=COMMAND")
    if args.pairs < 1:
        a.error("--pairs must be at least 1")
    return args


def one_round(command, args, label):
    """[(engine, what it printed)]"""
    runs = []
    for name, template in command.items():
        try:
            text = run(words_of(template, vars(args)))
            found = speeds(text)
        except Bad as e:
            raise Bad(f"{name}: {e}") from e
        runs.append((name, text))
        print(f"{label} {name} {found}", file=sys.stderr)
    return runs


def main():
    args = options()
    command = {"osmia": f"{shlex.quote(args.osmia)} bench {{model}} "
                        "--threads {threads} --prefill {prefill} "
                        "--decode {decode} --repeat 1 "
                        f"--json {args.extra}"}
    for peer in args.peer:
        name, _, rest = peer.partition("=")
        command[name] = rest
    runs = []
    try:
        for i in range(args.pairs):
            runs += one_round(command, args, f"{i + 1}/{args.pairs}")
    except Bad as e:
        sys.exit(f"compare: {e}")
    result = {"title": args.title or os.path.basename(args.model),
              "threads": args.threads} | summary(runs)
    print(table(result))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
