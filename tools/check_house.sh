#!/bin/sh
# check_house.sh [ROOT]: the rules of the house over a tree.  Prints what breaks
# them and then fails.  tools/house_known.txt lists what is to be mended.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/..}"
files=$(find src include tests bench -name '*.[ch]' 2>/dev/null | sort)
low=$(find src -name '*.[ch]' | sort)
# Names without blanks: the lists may be split.
# shellcheck disable=SC2086
found=$(awk -f "$here/house.awk" $files || true
        awk -f "$here/floors.awk" $low || true)
[ -z "$found" ] && exit 0
known=tools/house_known.txt
[ -f $known ] || known=/dev/null
# A known line has no line number, which moves.
echo "$found" | awk '
    FILENAME != "-" { known[$0]; next }
    { bare = $0; sub(/:[0-9]+:/, ":", bare) }
    !(bare in known) { print; bad = 1 }
    END { exit bad }' $known -
