#!/usr/bin/env python3
"""Tables of docs/performance.md from the JSON of bench/compare.py and
`osmia bench --json`.

    bench/tables.py docs/performance/*.json            # rewrites the page
"""
import json
import os
import re
import sys

PAGE = os.path.join(os.path.dirname(__file__), "..", "docs", "performance.md")


def machine_line(m):
    limits = [f"{m['read_gb_s']:.0f} GB/s", f"int8 {m['int8_gops']:.0f} GOPS",
              f"f32 {m['f32_gflops']:.0f} GFLOPS"]
    if m.get("bf16_gflops"):
        limits.insert(2, f"bf16 {m['bf16_gflops']:.0f} GFLOPS")
    return f"{m['cpu']}, {m['isa']}, {m['threads']} threads: " + ", ".join(limits)


def compare_rows(r):
    ours = r["engines"]["osmia"]
    for test in ("prefill", "decode"):
        for name, peer in r["engines"].items():
            if name == "osmia" or test not in peer:
                continue
            a, b = ours[test], peer[test]
            yield (f"| {r['model']} | {test} {r[test]} | {a['median']:.1f} "
                   f"[{a['min']:.1f} .. {a['max']:.1f}] | {name} "
                   f"{b['median']:.1f} [{b['min']:.1f} .. {b['max']:.1f}] "
                   f"| {a['median'] / b['median']:.2f} |")


def bench_rows(r):
    model = os.path.basename(r["model"]["path"])
    for x in r["results"]:
        beside = (f", {x['neighbours']} neighbours: {x['of_idle']:.2f} of idle"
                  if "neighbours" in x else "")
        yield (f"| {model} | {x['test']} {x['tokens']}, batch {x['batch']}, "
               f"context {x['context']}{beside} | {x['tok_s']:.1f} "
               f"[{x['min']:.1f} .. {x['max']:.1f}] | "
               f"{x['share_of_limit']:.2f} | {x['kernel']} |")


def tables(reports):
    out = []
    compared = [r for r in reports if "engines" in r]
    benched = [r for r in reports if "results" in r]
    if compared:
        out.append("Medians in tokens a second [least .. most], runs "
                   "interleaved. " + machine_line(compared[0]["machine"])
                   + f"; load {compared[0]['load']:.1f}.\n")
        out.append("| file | test | Osmia | peer | ratio |\n"
                   "|---|---|--:|--:|--:|")
        out += [row for r in compared for row in compare_rows(r)]
        out.append("")
    if benched:
        out.append("Shares of the limits of the same minute. "
                   + machine_line(benched[0]["machine"]) + ".\n")
        out.append("| file | test | tok/s | share | kernel |\n"
                   "|---|---|--:|--:|---|")
        out += [row for r in benched for row in bench_rows(r)]
        out.append("")
    return "\n".join(out)


def main():
    reports = [json.load(open(path, encoding="utf-8")) for path in sys.argv[1:]]
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    page = re.sub(r"(<!-- tables -->\n).*?(<!-- end of tables -->)",
                  lambda m: m[1] + "\n" + tables(reports) + "\n" + m[2], page,
                  flags=re.S)
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(page)


if __name__ == "__main__":
    main()
