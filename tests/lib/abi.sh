#!/bin/sh
# abi.sh LIB.so [--write]: the binary interface is the one of osmia.abi, or more.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v abidw > /dev/null || { echo "abidw is not installed: skipped"; exit 77; }
dump() {
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs --drop-private-types \
        --exported-interfaces-only --headers-dir "$here/../../include" "$1"
}
if [ "${2:-}" = --write ]; then
    dump "$1" > "$here/osmia.abi"
    exit 0
fi
now=$(mktemp)
trap 'rm -f "$now"' EXIT
dump "$1" > "$now"
# Bit 4: something changed; bit 8: in a way that breaks programs.
status=0
abidiff --no-added-syms "$here/osmia.abi" "$now" || status=$?
[ $status -eq 0 ] || {
    echo "the ABI changed; if it may, run tests/lib/abi.sh LIB.so --write"; exit 1; }
