#!/usr/bin/env python3
"""README's table of architectures, made from what `osmia models` prints.

    works.py [OSMIA]            write it (OSMIA: build/osmia)
    works.py --check OSMIA      fail when README has another one
"""
import pathlib
import re
import subprocess
import sys

README = pathlib.Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- architectures -->\n", "<!-- end -->\n"


def rows_of(text):
    """(family, model_type) of each line of the first list."""
    lines = text.split("\n\n")[0].splitlines()
    at = [lines[1].index(word) for word in ("family", "model_type", "class")]
    for line in lines[2:]:
        yield tuple(line[i:j].strip() for i, j in zip(at, at[1:]))


def table_of(text):
    families = {}
    for family, model_type in rows_of(text):
        types = families.setdefault(family, [])
        types += [model_type] if model_type not in types else []
    return "| family | `model_type` |\n|---|---|\n" + "".join(
        f"| {family} | {', '.join(types)} |\n"
        for family, types in families.items())


def main():
    check = sys.argv[1:2] == ["--check"]
    osmia = (sys.argv[1 + check:] or ["build/osmia"])[0]
    printed = subprocess.run([osmia, "models"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    old = README.read_text(encoding="utf-8")
    new = re.sub(f"(?s){BEGIN}.*{END}",
                 lambda _: BEGIN + table_of(printed) + END, old)
    if check and new != old:
        sys.exit("README's table is not what osmia models prints: "
                 "run tools/works.py")
    if BEGIN not in old:
        sys.exit(f"README has no line {BEGIN}")
    README.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
