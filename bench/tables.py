#!/usr/bin/env python3
"""The table and the plots of docs/performance.md, from the JSON that
bench/compare.py wrote.

    bench/tables.py docs/performance/*.json     # rewrites the page, the plots
"""
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "..", "docs", "performance.md")
PLOTS = os.path.join(HERE, "..", "docs", "performance")
COLOURS = ["#0b6e4f", "#8da0cb", "#c2a5cf", "#fdb863", "#bdbdbd"]
BAR, GAP, LEFT, WIDTH = 14, 12, 190, 430


def engines_of(reports):
    names = []
    for r in reports:
        for engines in r["tests"].values():
            names += [n for n in engines if n not in names and n != "share"]
    return names


def cell(s):
    if s is None:
        return "–"
    if s["n"] == 1:
        return f"{s['median']:.1f}"
    return f"{s['median']:.1f} [{s['min']:.1f} .. {s['max']:.1f}]"


def ratio(engines):
    peers = [s["median"] for name, s in engines.items()
             if name not in ("osmia", "share")]
    if not peers:
        return "–"
    return f"{engines['osmia']['median'] / max(peers):.2f}"


def rows(report, names):
    for test, engines in report["tests"].items():
        share = engines.get("share")
        yield (f"| {report['title']} | {test} | "
               + " | ".join(cell(engines.get(n)) for n in names)
               + f" | {ratio(engines)} | "
               + (f"{share['median']:.2f} |" if share else "– |"))


def range_of(reports, key):
    values = [r["machine"][key] for r in reports if r["machine"].get(key)]
    return f"{min(values):.0f} to {max(values):.0f}" if values else "–"


def table(reports):
    names = engines_of(reports)
    m = reports[0]["machine"]
    out = [f"{m['cpu']}, {m['threads']} threads. Limits of the minutes of the "
           f"runs: {range_of(reports, 'read_gb_s')} GB/s, int8 "
           f"{range_of(reports, 'int8_gops')} GOPS, f32 "
           f"{range_of(reports, 'f32_gflops')} GFLOPS. Medians in tokens a "
           "second [least .. most]; *ratio*: Osmia to the best of the others; "
           "*share*: of the limit.", "",
           "| file | test | " + " | ".join(names) + " | ratio | share |",
           "|---|---|" + "--:|" * (len(names) + 2)]
    for r in reports:
        out += rows(r, names)
    return "\n".join(out)


def bars(y, title, engines, names, most):
    """-> (svg lines, y below)"""
    out = [f'<text x="{LEFT - 8}" y="{y + BAR}" text-anchor="end" '
           f'font-weight="bold">{title}</text>']
    for i, name in enumerate(names):
        if name not in engines:
            continue
        value = engines[name]["median"]
        length = WIDTH * value / most
        out.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" '
                   f'height="{BAR - 2}" fill="{COLOURS[i % len(COLOURS)]}"/>'
                   f'<text x="{LEFT + length + 5:.1f}" y="{y + BAR - 4}">'
                   f'{value:.4g} {name}</text>')
        y += BAR
    return out, y + GAP


def plot(reports, test):
    reports = [r for r in reports if test in r["tests"]]
    names = engines_of(reports)
    most = max(s["median"] for r in reports
               for n, s in r["tests"][test].items() if n != "share")
    body, y = [], 34
    for r in reports:
        lines, y = bars(y, r["title"], r["tests"][test], names, most)
        body += lines
    head = ('<svg xmlns="http://www.w3.org/2000/svg" '
            f'width="{LEFT + WIDTH + 150}" height="{y}" font-family="sans-serif" font-size="11">'
            '<rect width="100%" height="100%" fill="white"/>'
            f'<text x="8" y="20" font-size="14">{test}, tokens a second</text>')
    return "\n".join([head, *body, "</svg>"]) + "\n"


def main():
    reports = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            reports.append(json.load(f))
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    page = re.sub(r"(<!-- tables -->\n).*?(<!-- end of tables -->)",
                  lambda m: m[1] + "\n" + table(reports) + "\n\n" + m[2], page,
                  flags=re.S)
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(page)
    for test, name in (("prefill 512", "prefill"), ("decode", "decode")):
        with open(os.path.join(PLOTS, name + ".svg"), "w",
                  encoding="utf-8") as f:
            f.write(plot([r for r in reports if r["tests"].get(test)], test))


if __name__ == "__main__":
    main()
