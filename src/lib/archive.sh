#!/bin/sh
# archive.sh OUT.a SCRATCH OBJECTS.a CORE.a: link everything that osmia_* needs
# into one object, make all other symbols local, and put it into an archive.
set -eu
out=$1 scratch=$2 objects=$3 core=$4
mkdir -p "$scratch"
"${LD:-ld}" -r -o "$scratch/osmia.o" \
    --whole-archive "$objects" --no-whole-archive "$core"
"${OBJCOPY:-objcopy}" --wildcard --keep-global-symbol='osmia_*' \
    "$scratch/osmia.o"
rm -f "$out"
"${AR:-ar}" rcs "$out" "$scratch/osmia.o"
