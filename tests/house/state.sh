#!/bin/sh
# state.sh LIBRARY.a CC: tools/check_state.sh over the library, and over objects
# that break the rule.
set -eu
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

judge() {
    printf '%s\n' "$2" > "$room/x.c"
    "$cc" -fPIC -c "$room/x.c" -o "$room/x.o"
    rm -f "$room/x.a"
    ar rc "$room/x.a" "$room/x.o"
    if sh tools/check_state.sh "$room/x.a" > /dev/null; then
        verdict=passes
    else
        verdict=refused
    fi
    [ $verdict = "$1" ] || { echo "$verdict, wrongly: $2"; exit 1; }
}

library=$1
cc=$2
judge passes 'static const char *const a[] = { "x" };
              const char *const *f(void) { return a; }'
judge refused 'static int a; int *f(void) { return &a; }'
judge refused 'static int a = 1; int *f(void) { return &a; }'
judge refused 'int a;'
judge refused 'int *f(void) { static int a; return &a; }'
judge refused 'static _Thread_local int a; int *f(void) { return &a; }'
judge refused 'static const char *a[] = { "x" };
               const char **f(void) { return a; }'
sh tools/check_state.sh "$library"
