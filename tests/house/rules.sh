#!/bin/sh
# The checks of tools/ over this tree, and over small trees that break one rule
# each: a check that lets them pass checks nothing.
set -eu
root=$(pwd)
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
n=0

# tree: an empty one in $room.
tree() {
    rm -rf "${room:?}/src" "$room/tests" "$room/include"
    mkdir -p "$room/src/base" "$room/src/tensor" "$room/src/text" \
        "$room/src/models" "$room/src/kernels" "$room/src/nn" \
        "$room/src/cli" "$room/tests" "$room/include"
}

# passes WHAT
passes() {
    n=$((n + 1))
    if ! said=$(sh tools/check_house.sh "$room"); then
        echo "refused, though $1: $said"
        exit 1
    fi
}

# refused WORDS
refused() {
    n=$((n + 1))
    if said=$(sh tools/check_house.sh "$room"); then
        echo "not noticed: $1"
        exit 1
    fi
    case $said in
    *"$1"*) ;;
    *) echo "should say \"$1\", says: $said"; exit 1 ;;
    esac
}

# lines N: as many statements.
lines() {
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) print "    x++;" }'
}

# function N: a function of N lines from brace to brace.
func() {
    printf 'static void f(int x)\n{\n'
    lines $(($1 - 2))
    printf '}\n'
}

tree
printf '#ifndef A_H\n#define A_H\n#include "base/b.h"\n#endif\n' \
    > "$room/src/nn/a.h"
printf '#include "kernels/b.h"\n#include <stdio.h>\n' > "$room/src/nn/b.c"
printf '#if X\n__builtin_ctz(1);\n#endif\n' > "$room/src/base/c.c"
printf '#include "tensor/simd_x.h"\n' > "$room/src/tensor/d.c"
printf '#include "engine/e.h"\nexit(1); printf("");\n' > "$room/src/cli/m.c"
printf '/* exit(1); */ say("abort() // it\\"s"); // strcpy(\n' \
    > "$room/src/text/t.c"
func 70 > "$room/src/text/long.c"
lines 800 > "$room/src/text/big.c"
lines 4000 > "$room/src/text/big_table.c"
passes "nothing breaks a rule"

climbs() {
    tree
    printf '#include <a.h>\n#include "%s/x.h"\n' "$2" > "$room/src/$1/y.c"
    refused "$3"
}
climbs base text "src/base/y.c:2: base may not include text"
climbs tensor text "tensor may not include text"
climbs text tensor "text may not include tensor"
climbs kernels nn "kernels may not include nn"
climbs models cli "models may not include cli"
climbs nn nowhere "does not name folder/file of this tree"
tree; mkdir "$room/src/new"; : > "$room/src/new/x.c"
echo > "$room/src/new/x.c"; refused "stands on no floor"
tree; printf '#include "osmia.h"\n' > "$room/src/nn/x.c"
refused "may not include the public header"

tree; lines 801 > "$room/src/text/big.c"; refused "801 lines (at most 800)"
tree; lines 151 > "$room/src/models/m.c"; refused "151 lines (at most 150)"
tree; func 71 > "$room/src/text/f.c"; refused "a function of 71 lines"
tree; printf 'int f(int a, int b, int c,\n      int d, int e, int f, int g)\n{\n}\n' \
    > "$room/src/text/f.c"; refused "a function of 7 parameters"
tree; printf 'int f(int a, int b, int (*c)(int, int, int), int d)\n{\n}\n' \
    > "$room/src/text/f.c"; passes "four parameters are allowed"
tree; echo > "$room/src/text/f.c"; echo > "$room/src/nn/f.c"
refused "has the same name as"
tree; printf '#ifdef X\n#endif\n' > "$room/src/nn/f.c"; refused "#ifdef belongs"
tree; printf '#ifndef A\n#define A\n#endif\n' > "$room/src/nn/f.c"
refused "#ifndef belongs"
tree; printf '#ifndef A\n#define A\n#if B\n#endif\n#endif\n' \
    > "$room/src/nn/f.h"; refused "#if belongs"
tree; printf '__int128 a;\n' > "$room/src/base/f.c"; refused "not everywhere"
tree; printf 'x = __builtin_ctz(y);\n' > "$room/src/nn/f.c"
refused "compiler builtins"
tree; printf 'f("\\"", strcpy(a, b));\n' > "$room/src/nn/f.c"
refused "without bounds"
tree; printf '    exit(1);\n' > "$room/src/nn/f.c"; refused "does not print"
tree; printf '/*\n*/ printf("a");\n' > "$room/src/nn/f.c"
refused "does not print"
tree; printf 'a;\t\n' > "$room/tests/f.c"; refused "a tab"
tree; printf 'a; \n' > "$room/tests/f.c"; refused "a tab"

cd "$root"
sh tools/check_house.sh
echo "$n planted trees judged rightly; this one keeps the rules"
