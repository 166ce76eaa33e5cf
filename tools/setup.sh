# shellcheck shell=sh disable=SC2034
# Shared by ./demo and ./test: which packages are missing, and how to get them.
# Sourced, not run.  POSIX sh.

say() { printf '%s\n' "$*" >&2; }
die() { say "$1: $2"; exit 1; }

# The build needs these (Debian names).
build_packages="gcc meson ninja-build pkg-config libc6-dev libpcre2-dev libutf8proc-dev libxxhash-dev libedit-dev libuv1-dev nettle-dev libcurl4-openssl-dev libseccomp-dev"

# need PROGRAM PACKAGE...: install what is missing, after saying so.
need() {
    program=$1
    shift
    system=$(uname -s)
    [ "$system" = Linux ] || die "$program" "$system is not supported yet (Linux is)"
    [ "$(uname -m)" = x86_64 ] || [ "$(uname -m)" = aarch64 ] ||
        die "$program" "processor $(uname -m) is not supported yet (x86_64 and aarch64 are)"
    if ! command -v dpkg-query >/dev/null 2>&1; then
        need_elsewhere "$program" "$@"
        return
    fi
    missing=
    for package in "$@"; do
        case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
            *" installed") ;;
            *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    as=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "$program" "these packages are missing, and installing them needs root or sudo:$missing"
        as=sudo
    fi
    say "+ ${as:+$as }apt-get install -y --no-install-recommends$missing"
    export DEBIAN_FRONTEND=noninteractive
    $as apt-get update -qq >&2 || die "$program" "apt-get update failed; is the network up?"
    # shellcheck disable=SC2086 # a list of words
    $as apt-get install -y -qq --no-install-recommends $missing >&2 ||
        die "$program" "the installation failed; the line above can be run by hand"
}

# Another Linux: nothing is installed, but what is missing is named.
need_elsewhere() {
    program=$1
    shift
    lacking=
    for tool in cc meson ninja pkg-config; do
        command -v $tool >/dev/null 2>&1 || lacking="$lacking $tool"
    done
    for library in libpcre2-8 libutf8proc libxxhash libedit \
            libuv nettle libcurl libseccomp; do
        pkg-config --exists $library 2>/dev/null || lacking="$lacking $library"
    done
    [ -z "$lacking" ] ||
        die "$program" "this is not Debian; please install, headers included:$lacking (Debian calls the packages: $*)"
}

# The distribution's meson, even where another one stands first in PATH: two
# versions cannot share a build folder.
meson=/usr/bin/meson
[ -x "$meson" ] || meson=meson
export MESON="$meson"

# python_clients FILE: Python packages that only tests use, for this interpreter,
# in a folder of the tree; nothing is installed into the system.
python_clients() {
    folder=$PWD/build-python/$(python3 -c 'import sys; print(sys.implementation.cache_tag)')
    if ! cmp -s "$1" "$folder/installed"; then
        rm -rf "$folder"
        python3 -m pip install -q --disable-pip-version-check \
            --root-user-action ignore --target "$folder" -r "$1" \
            >build-python.log 2>&1 || return 1
        cp "$1" "$folder/installed"
    fi
    export PYTHONPATH="$folder${PYTHONPATH:+:$PYTHONPATH}"
}

# build DIR [MESON OPTION...]: configure once, then build what changed.
build() {
    dir=$1
    shift
    if [ ! -f "$dir/build.ninja" ]; then
        "$meson" setup "$dir" "$@" >"$dir.log" 2>&1 ||
            { tail -n 20 "$dir.log" >&2; return 1; }
    fi
    if ! ninja -C "$dir" >"$dir.log" 2>&1; then
        grep -E 'error|undefined|FAILED' "$dir.log" | head -n 20 >&2
        return 1
    fi
}
