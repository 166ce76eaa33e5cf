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
built there, so the working tree is never touched; of each mutant only the named
tests are built and run, for few instruction sets (all have the same bodies), and
a test that no longer ends counts as failed.  Prints the list; exit status 1 when
a mutant survives.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

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
    for name in {str(p.relative_to(TREE)) for p in TREE.rglob("*")
                 if p.is_file()} - set(files):
        if not name.startswith("build/"):
            (TREE / name).unlink()
    for name in files:
        source, target = ROOT / name, TREE / name
        if not source.is_file():
            continue
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    if not (TREE / "build").exists():
        # Nobody debugs these programs, and small ones are linked sooner.
        subprocess.run([MESON, "setup", "build", "-Disa=avx2,neon",
                        "-Ddebug=false", "-Doptimization=1"], cwd=TREE,
                       check=True, stdout=subprocess.DEVNULL)


class Tests:
    """The tests that mutants name: how each is built and run."""

    def __init__(self, names):
        subprocess.run(["ninja", "-C", "build", "build.ninja"], cwd=TREE,
                       check=True, stdout=subprocess.DEVNULL)
        known = subprocess.run([MESON, "introspect", "--tests", "build"],
                               cwd=TREE, check=True, capture_output=True,
                               text=True).stdout
        self.at = {t["name"]: t for t in json.loads(known)}
        missing = sorted(set(names) - set(self.at))
        if missing:
            sys.exit("no such test: " + ", ".join(missing))

    def build(self, names):
        """-> does it build?"""
        ours = str(TREE / "build") + "/"
        programs = [self.at[n]["cmd"][0] for n in names]
        targets = [p.removeprefix(ours) for p in programs if p.startswith(ours)]
        if len(targets) < len(programs):        # a script: it may need anything
            targets = []
        return subprocess.run(["ninja", "-C", "build", *targets], cwd=TREE,
                              capture_output=True).returncode == 0

    def failing(self, names):
        """The first test that fails, or None."""
        for name in names:
            test = self.at[name]
            try:
                done = subprocess.run(
                    test["cmd"], cwd=test["workdir"] or TREE / "build",
                    env=dict(os.environ, **test["env"]),
                    timeout=4 * test["timeout"], stdin=subprocess.DEVNULL,
                    capture_output=True)
            except subprocess.TimeoutExpired:
                return name
            if done.returncode != 0:
                return name
        return None


def verdict(row, tests):
    """Does a named test fail with the fault in place?"""
    path = TREE / row["file"]
    text = path.read_text(encoding="utf-8")
    names = row["test"].split()
    if text.count(row["from"]) != 1:
        return f"STALE ({text.count(row['from'])} places match)"
    path.write_text(text.replace(row["from"], row["to"]), encoding="utf-8")
    try:
        if not tests.build(names):
            return "does not build"
        return "killed" if tests.failing(names) else "SURVIVED"
    finally:
        path.write_text(text, encoding="utf-8")


def main():
    words = sys.argv[1:]
    rows = [r for r in read_mutants()
            if not words or any(w in r["file"] + r["note"] for w in words)]
    copy_tree()
    names = sorted({t for r in rows for t in r["test"].split()})
    tests = Tests(names)
    if not tests.build(names):
        print("the tree does not build without a fault")
        return 1
    failing = tests.failing(names)
    if failing and tests.failing([failing]):    # some measure times: once more
        print("this test fails without a fault:", failing)
        return 1
    bad, start = 0, time.monotonic()
    for row in rows:
        result = verdict(row, tests)
        bad += result != "killed"
        print(f"{result:9} {row['file']:34} {row['note']}", flush=True)
    minutes = (time.monotonic() - start) / 60
    print(f"{len(rows) - bad} of {len(rows)} mutants killed "
          f"in {minutes:.0f} minutes")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
