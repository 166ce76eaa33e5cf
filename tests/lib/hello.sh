#!/bin/sh
# hello.sh MAKE_TINY HELLO...: every build of the example answers, with the same
# text (greedy or not, the seed is the same).
set -eu
make_tiny=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$make_tiny" "$dir"
for hello in "$@"; do
    timeout 60 "$hello" "$dir/tiny.gguf" "Who are you?" > "$dir/out"
    [ "$(wc -c < "$dir/out")" -gt 20 ] || { echo "$hello: too short"; exit 1; }
    [ ! -f "$dir/first" ] || cmp "$dir/first" "$dir/out"
    mv "$dir/out" "$dir/first"
done
if "$hello" "$dir/missing.gguf" "?" > /dev/null 2> "$dir/error"; then
    echo "$hello: no model, no error"; exit 1
fi
grep -q missing.gguf "$dir/error"
