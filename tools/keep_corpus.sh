#!/bin/sh
# keep_corpus.sh TARGET: add to tests/fuzz/corpus/TARGET the few inputs that
# reach what the committed ones do not, out of what run_fuzz.sh found.
set -eu
cd "$(dirname "$0")/.."
target=${1:?usage: keep_corpus.sh TARGET}
kept=tests/fuzz/corpus/$target
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT

cp "$kept"/* "$new"
mkdir -p build-fuzz/findings
build-fuzz/tests/fuzz/fuzz_"$target" -set_cover_merge=1 -use_counters=0 \
    -artifact_prefix=build-fuzz/findings/"$target"- \
    -max_len=4096 "$new" build-fuzz/corpus/"$target" 2> "$new.log" \
    || { tail "$new.log"; exit 1; }
# What kills the target does not stop a merge.
if ls build-fuzz/findings/"$target"-crash-* 2> /dev/null; then
    echo "$target: these inputs kill it"
    exit 1
fi
for file in "$new"/*; do
    name=$(basename "$file" | cut -c 1-12)
    [ -f "$kept/$(basename "$file")" ] || cp "$file" "$kept/$name"
done
rm -f "$new.log"
echo "$target: $(find "$kept" -type f | wc -l) inputs," \
    "$(cat "$kept"/* | wc -c) bytes"
