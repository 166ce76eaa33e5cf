#!/usr/bin/env python3
"""Plant faults in the product, one at a time; the suite must notice each.

    mutants.py [WORD...]        only mutants whose file or note holds a WORD

The faults stand in tests/mutants/*.txt, blocks of lines apart by blank lines:

    file: src/nn/rope.c         where
    from: i + half              a text that occurs there once
    to: i + half - 1            what replaces it
    test: nn/rope               tests that must fail, apart by blanks
    note: pairs shifted by one  what it is

`\\n` in from and to is a newline.  The tree is copied to build-mutants/tree and
built there, so the working tree is never touched.  Prints the list; exit status
1 when a mutant survives.
"""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TREE = ROOT / "build-mutants" / "tree"
MESON = "/usr/bin/meson" if pathlib.Path("/usr/bin/meson").exists() else "meson"


def read_mutants():
    rows = []
    for path in sorted((ROOT / "tests" / "mutants").glob("*.txt")):
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            row = {}
            for line in block.strip().splitlines():
                if line.startswith("#"):
                    continue
                key, _, value = line.partition(": ")
                row[key] = value.replace("\\n", "\n")
            if row:
                rows.append(row)
    return rows


def copy_tree():
    """A copy of what is committed or changed, with its own build folder."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout.splitlines()
    for name in files:
        source, target = ROOT / name, TREE / name
        if not source.is_file():
            continue
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    if not (TREE / "build").exists():
        subprocess.run([MESON, "setup", "build"], cwd=TREE, check=True,
                       stdout=subprocess.DEVNULL)


def build():
    return subprocess.run(["ninja", "-C", "build"], cwd=TREE,
                          capture_output=True, text=True)


def killed(row):
    """Does the build or a named test fail with the fault in place?"""
    path = TREE / row["file"]
    text = path.read_text(encoding="utf-8")
    if text.count(row["from"]) != 1:
        return f"STALE ({text.count(row['from'])} places match)"
    path.write_text(text.replace(row["from"], row["to"]), encoding="utf-8")
    try:
        if build().returncode != 0:
            return "does not build"
        test = subprocess.run(
            [MESON, "test", "-C", "build", "--no-rebuild", *row["test"].split()],
            cwd=TREE, capture_output=True)
        return "killed" if test.returncode != 0 else "SURVIVED"
    finally:
        path.write_text(text, encoding="utf-8")


def main():
    words = sys.argv[1:]
    rows = [r for r in read_mutants()
            if not words or any(w in r["file"] + r["note"] for w in words)]
    copy_tree()
    if build().returncode != 0:
        print("the tree does not build without a fault")
        return 1
    tests = sorted({t for r in rows for t in r["test"].split()})
    clean = subprocess.run([MESON, "test", "-C", "build", "--no-rebuild", *tests],
                           cwd=TREE, capture_output=True)
    if clean.returncode != 0:
        print("these tests fail without a fault:", " ".join(tests))
        return 1
    bad = 0
    for row in rows:
        result = killed(row)
        bad += result != "killed"
        print(f"{result:9} {row['file']:34} {row['note']}", flush=True)
    build()
    print(f"{len(rows) - bad} of {len(rows)} mutants killed")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
