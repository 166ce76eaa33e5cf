#!/bin/sh
# Runs every command of README.md and docs/ that stands in a block marked `sh`.
# Commands of a block marked `sh skip` are for reading only (they install, or
# need a model that is not here).  The small model is used when it is there.
set -eu
cd "$(dirname "$0")/.."
model=models/SmolLM2-135M-Instruct-Q4_1.gguf
[ -f "$model" ] || { echo "no $model: ./demo fetches it"; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for page in README.md docs/*.md; do
    awk -v page="$page" '
        /^```sh$/ { on = 1; next }
        /^```/    { on = 0 }
        on        { print }' "$page" >"$scratch/commands"
    [ -s "$scratch/commands" ] || continue
    echo "== $page"
    if ! sh -eu "$scratch/commands" >"$scratch/out" 2>&1 </dev/null; then
        cat "$scratch/commands" "$scratch/out"
        echo "$page: a command failed"
        exit 1
    fi
done
