#!/usr/bin/env python3
"""Count the cases of meson test logs and print "N passed, M failed".

    count_tests.py PASSED FAILED LOG.json...

PASSED and FAILED are counted in.  A test program that prints cmocka's summary
counts with its cases, any other as one.  Exit status 1 when anything failed or
nothing ran.
"""
import json
import re
import sys

PASSED = re.compile(r"\[  PASSED  \] (\d+) test\(s\)")
FAILED = re.compile(r"\[  FAILED  \] (\d+) test\(s\)")


def cases(entry):
    """(passed, failed) of one line of a meson testlog.json."""
    text = entry.get("stdout", "") + entry.get("stderr", "")
    passed = sum(map(int, PASSED.findall(text)))
    failed = sum(map(int, FAILED.findall(text)))
    if entry["result"] in ("OK", "EXPECTEDFAIL"):
        return max(passed, 1), failed
    if entry["result"] == "SKIP":
        return 0, 0
    return passed, max(failed, 1)


def main():
    passed, failed = int(sys.argv[1]), int(sys.argv[2])
    for path in sys.argv[3:]:
        with open(path, encoding="utf-8") as log:
            for line in log:
                p, f = cases(json.loads(line))
                passed, failed = passed + p, failed + f
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
