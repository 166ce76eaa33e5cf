#!/bin/sh
# symbols.sh LIB.so LIB.a: both show every function of osmia.h and nothing else;
# the library needs none of the program's libraries.
set -eu
so=$1 a=$2
header=$(dirname "$0")/../../include/osmia.h
want=$(tr '\n' ' ' < "$header" | grep -o 'OSMIA_API [^(;]*(' \
    | grep -o 'osmia_[a-z_]*(' | tr -d '(' | sort -u)
check() {
    got=$(echo "$2" | sort -u)
    [ -n "$got" ] && [ "$got" = "$want" ] && return
    echo "$1: its symbols are not the functions of osmia.h:"
    echo "$want" > want.$$ && echo "$got" > got.$$
    diff want.$$ got.$$ || true
    rm -f want.$$ got.$$
    exit 1
}
check "$so" "$(nm -D --defined-only "$so" | awk '{ print $3 }')"
check "$a" "$(nm -g --defined-only "$a" 2>/dev/null | awk 'NF == 3 { print $3 }')"
# The check itself can fail.
if (check x "osmia_nothing") > /dev/null; then
    echo "symbols.sh: does not see a difference"; exit 1
fi
if readelf -d "$so" | grep -E 'NEEDED.*(curl|edit|seccomp|nettle|uv)'; then
    echo "$so: needs a library that only the program may need"; exit 1
fi
