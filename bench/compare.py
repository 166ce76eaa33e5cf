#!/usr/bin/env python3
"""Osmia beside other engines on the same file, runs interleaved.

    bench/compare.py MODEL --peer 'llama.cpp=llama-bench -m {model} -t {threads}
        -p {prefill} -n {decode} -r 1 -o json' [--pairs 5] [--json OUT]

A peer is NAME=COMMAND.  Its output is read as JSON: what `llama-bench -o json`
prints or what `osmia bench --json` prints (so another build of Osmia can be a
peer, too).  The processor time of every process is kept, too:
on a machine that others use it says more than the clock.  Medians count;
ratios are Osmia / peer.
"""
import argparse
import json
import os
import resource
import shlex
import statistics
import subprocess
import sys


def run(command):
    """-> (parsed JSON, processor seconds)"""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run(command, stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(p.stdout), (after.ru_utime - before.ru_utime
                                  + after.ru_stime - before.ru_stime)


def speeds(report):
    """-> {"prefill": tok/s, "decode": tok/s}"""
    if isinstance(report, dict):
        return {r["test"]: r["tok_s"] for r in report["results"]}
    return {"decode" if r["n_gen"] else "prefill": r["avg_ts"] for r in report}


def spread(values):
    return {"median": statistics.median(values), "min": min(values),
            "max": max(values), "n": len(values)}


def measure(args, engines):
    found = {name: {"prefill": [], "decode": [], "cpu_s": []}
             for name in engines}
    machine = None
    for i in range(args.pairs):
        for name, command in engines.items():
            report, cpu_s = run(command)
            if name == "osmia":
                machine = report["machine"]
            for test, tok_s in speeds(report).items():
                found[name][test].append(tok_s)
            found[name]["cpu_s"].append(cpu_s)
            print(f"{i + 1}/{args.pairs} {name} {speeds(report)} "
                  f"{cpu_s:.1f} s of processor", file=sys.stderr)
    return machine, {name: {k: spread(v) for k, v in tests.items() if v}
                     for name, tests in found.items()}


def fill(template, args):
    return [word.format(model=args.model, threads=args.threads,
                        prefill=args.prefill, decode=args.decode)
            for word in shlex.split(template)]


def table(result):
    lines = []
    ours = result["engines"]["osmia"]
    for test in ("prefill", "decode"):
        for name, tests in result["engines"].items():
            if name == "osmia" or test not in tests:
                continue
            ratio = ours[test]["median"] / tests[test]["median"]
            lines.append(f"{test:8} osmia {ours[test]['median']:9.1f}  "
                         f"{name} {tests[test]['median']:9.1f}  "
                         f"ratio {ratio:.2f}")
    return "\n".join(lines)


def main():
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument("model")
    a.add_argument("--osmia", default="build/osmia")
    a.add_argument("--peer", action="append", default=[])
    a.add_argument("--pairs", type=int, default=5)
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a.add_argument("--prefill", type=int, default=512)
    a.add_argument("--decode", type=int, default=64)
    a.add_argument("--json", metavar="OUT")
    args = a.parse_args()
    engines = {"osmia": fill(
        shlex.quote(args.osmia) + " bench {model} --threads {threads} "
        "--prefill {prefill} --decode {decode} --repeat 1 --json", args)}
    for peer in args.peer:
        name, _, command = peer.partition("=")
        engines[name] = fill(command, args)
    machine, found = measure(args, engines)
    result = {"model": os.path.basename(args.model), "machine": machine,
              "threads": args.threads, "prefill": args.prefill,
              "decode": args.decode, "load": os.getloadavg()[0],
              "engines": found}
    print(table(result))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(result, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
