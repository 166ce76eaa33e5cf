#!/bin/sh
# entry.sh MODEL [FLAGS...]: what a container runs.  It serves other machines, so
# there is always a token: the one in LLORCH_API_TOKEN, those of a file named by
# --api-token-file, or one that is made here and printed once.
set -eu
has_file=no
for word in "$@"; do
    case $word in --api-token-file*) has_file=yes ;; esac
done
if [ "$has_file" = no ] && [ -z "${LLORCH_API_TOKEN:-}" ]; then
    LLORCH_API_TOKEN=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    export LLORCH_API_TOKEN
    printf 'osmia: no token was given; this one was made: %s\n' \
        "$LLORCH_API_TOKEN" >&2
fi
exec "${OSMIA:-osmia}" serve "$@"
