#!/bin/sh
# run_faults.sh [CASES]: the long run of tests/faults: CASES malformed files
# (10000), each opened in a process of its own within its limits.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
ninja -C "$build" tests/test_faults_malformed >/dev/null
exec "$build/tests/test_faults_malformed" "${1:-10000}"
