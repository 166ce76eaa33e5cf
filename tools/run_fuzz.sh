#!/bin/sh
# run_fuzz.sh SECONDS [TARGET...]: build every fuzz target with clang, ASan and
# UBSan in build-fuzz and run each (or those named) for SECONDS, two at a time.
# Starts from tests/fuzz/corpus; what it finds on the way is kept in
# build-fuzz/corpus, what kills a target in build-fuzz/findings.
# Fails when a target died.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?usage: run_fuzz.sh SECONDS [TARGET...]}
shift
meson=${MESON:-meson}

[ -f build-fuzz/build.ninja ] || CC=clang $meson setup build-fuzz -Dfuzz=true \
    -Db_lundef=false > /dev/null
ninja -C build-fuzz fuzzers > build-fuzz/build.log 2>&1 || {
    tail -30 build-fuzz/build.log
    exit 1
}
# shellcheck disable=SC2046,SC2012 # names of our own, without spaces
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')

# one TARGET: the command that xargs runs.
# shellcheck disable=SC2016 # expanded by the shell that xargs starts
one='
    target=$0 seconds=$1
    mkdir -p build-fuzz/corpus/$target build-fuzz/findings
    if build-fuzz/tests/fuzz/fuzz_$target -max_total_time=$seconds \
        -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
        -artifact_prefix=build-fuzz/findings/$target- \
        build-fuzz/corpus/$target tests/fuzz/corpus/$target \
        > build-fuzz/findings/$target.log 2>&1
    then
        runs=$(sed -n "s/^stat::number_of_executed_units: *//p" \
            build-fuzz/findings/$target.log)
        echo "fuzz $target: $runs runs in $seconds s, nothing found"
    else
        echo "fuzz $target: FAILED"
        tail -40 build-fuzz/findings/$target.log
        exit 1
    fi'
printf '%s\n' "$@" | xargs -P 2 -I '{}' sh -c "$one" '{}' "$seconds"
