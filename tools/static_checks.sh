#!/bin/sh
# static_checks.sh [FILE.c ...]: clang-tidy (.clang-tidy) and cppcheck
# (tools/cppcheck.txt) over src/ or over these files.  Fails on any finding.
#
# Other versions know other checks: only those of Debian 12 decide, the findings
# of others are shown and do not fail.
set -eu
cd "$(dirname "$0")/.."
# shellcheck disable=SC2046 # names of our own, without spaces
[ $# -gt 0 ] || set -- $(find src -name '*.c' ! -name 'unicode_*' | sort)

# Bodies that are compiled once for each instruction set: the plain one.
isa='-DISA=scalar -DHAVE_ISA_scalar'
header='-DSIMD_HEADER="tensor/simd_scalar.h"'
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# One process for each file: with several, clang-tidy 14 takes every va_list
# for uninitialized.
# shellcheck disable=SC2016 # expanded by the shell that xargs starts
tidy='
    case $1 in
    */err.c) facts= ;;                  # where those functions are defined
    *) facts="-include tools/analyzer.h" ;;
    esac
    clang-tidy --quiet "$1" -- -std=c11 -D_GNU_SOURCE '$isa' "$2" $facts \
        -Isrc -Iinclude > "$0/$(basename "$1")" 2> /dev/null && exit 0
    cat "$0/$(basename "$1")"       # at once, so that long runs show them
    exit 1'
bad=0
printf '%s\n' "$@" | xargs -P 2 -I '{}' sh -c "$tidy" "$out" '{}' "$header" \
    || bad=1

# shellcheck disable=SC2086
cppcheck -q -j 2 --std=c11 --language=c --enable=warning,performance,portability \
    --inline-suppr --suppressions-list=tools/cppcheck.txt --error-exitcode=1 \
    -D__x86_64__ -D_GNU_SOURCE $isa "$header" -Isrc -Iinclude "$@" || bad=1

[ $bad = 1 ] || { echo "static checks: nothing found in $# files"; exit 0; }
case "$(clang-tidy --version) $(cppcheck --version)" in
*'version 14.'*'Cppcheck 2.10'*) exit 1 ;;
*) echo "not the versions that decide (clang-tidy 14, cppcheck 2.10)" ;;
esac
