#!/bin/sh
# What the machine can do, then each model given (or the one that ./demo
# fetches) as a share of that.  bench/compare.py sets other engines beside it.
set -eu
cd "$(dirname "$0")/.."
osmia=${OSMIA:-build/osmia}
[ $# -gt 0 ] || set -- models/*.gguf
"$osmia" bench --roofline
for model in "$@"; do
    [ -f "$model" ] || { echo "bench/run.sh: no $model: run ./demo, or" \
                              "name a model" >&2; exit 2; }
    "$osmia" bench "$model" --prefill 512,64 --batch 1,8
done
