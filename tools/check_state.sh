#!/bin/sh
# check_state.sh LIBRARY.a: no variable of the library can be written to.
# Asked of the objects, where nothing hides.  What the loader alone writes
# (.data.rel.ro: constant tables of addresses) is no state.
#
# Allowed: mapguard.c, whose signal handler has no argument.
set -eu
found=$(objdump -t "$1" | awk '
    / file format / { file = $1; sub(/:$/, "", file) }
    {
        section = ""
        for (i = 2; i < NF; i++)
            if ($i ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/)
                section = $i
        if (section == "" || section ~ /^\.data\.rel\.ro/)
            next
        # A section'\''s own symbol carries its name and a d for "debugging".
        if ($NF == section || file ~ /mapguard/)
            next
        print file ": " $NF " in " section
    }')
[ -z "$found" ] && exit 0
echo "variables that can be written to, at file scope:"
echo "$found"
exit 1
