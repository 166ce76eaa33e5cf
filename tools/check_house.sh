#!/bin/sh
# check_house.sh [ROOT]: the rules of the house over a tree.  Prints what breaks
# them and then fails.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/..}"
bad=0
files=$(find src include tests bench -name '*.[ch]' 2>/dev/null | sort)
low=$(find src -name '*.[ch]' | sort)
# Names without blanks: the lists may be split.
# shellcheck disable=SC2086
awk -f "$here/house.awk" $files || bad=1
# shellcheck disable=SC2086
awk -f "$here/floors.awk" $low || bad=1
exit $bad
