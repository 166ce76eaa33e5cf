#!/bin/sh
# fuzz_coverage.sh [PATTERN]: how much of each source file the committed corpora
# reach when they are replayed, by llvm-cov.  PATTERN (of grep -E) chooses files.
set -eu
cd "$(dirname "$0")/.."
meson=${MESON:-meson}
flags='-fprofile-instr-generate -fcoverage-mapping'

[ -f build-reach/build.ninja ] || CC=clang $meson setup build-reach \
    -Dlight=true -Dc_args="$flags" -Dc_link_args="$flags" > /dev/null
rm -f build-reach/*.profraw
objects=
for target in tests/fuzz/fuzz_*.c; do
    name=$(basename "$target" .c | sed 's/^fuzz_//')
    program=build-reach/tests/fuzz/replay_$name
    ninja -C build-reach "tests/fuzz/replay_$name" > /dev/null
    LLVM_PROFILE_FILE=build-reach/$name.profraw "$program" \
        "tests/fuzz/corpus/$name" > /dev/null
    objects="$objects -object $program"
done
llvm-profdata merge -o build-reach/all.profdata build-reach/*.profraw
# Columns 8 and 10 of the report: lines, and the part of them that ran.
# shellcheck disable=SC2086
llvm-cov report $objects -instr-profile=build-reach/all.profdata \
    | awk '$1 ~ /\.[ch]$/ { printf "%-36s %6d lines %8s\n", $1, $8, $10 }' \
    | grep -E "${1:-.}"
