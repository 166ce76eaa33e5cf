#!/bin/sh
# neon.sh [TEST...]: build for 64-bit ARM in build-neon and run the tests of
# numbers, weights and kernels there (or those named), under qemu: the NEON
# sets, with dot products and i8mm, against the plain ones, bit by bit.
#
# Needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user, and a Debian to
# take the libraries from: they are unpacked beside the build, nothing is
# installed.  Set CPU=cortex-a76 (say) for one without i8mm.
set -eu
cd "$(dirname "$0")/.."
build=$PWD/build-neon
root=$build-root
meson=${MESON:-meson}
libraries='libcmocka-dev libcmocka0 libpcre2-dev libpcre2-8-0 libutf8proc-dev
    libxxhash-dev libxxhash0 libuv1-dev nettle-dev libcurl4-openssl-dev
    libseccomp-dev libedit-dev'

# fetch: the libraries' files, from the package lists of the machine's own
# Debian but for arm64, kept apart from the machine's.
fetch() {
    state=$root/apt
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    : > "$state/status"
    set -- -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o Dir::State="$state" -o Dir::State::status="$state/status" \
        -o Dir::Cache="$state/cache"
    apt-get "$@" update
    utf8proc=$(apt-cache "$@" depends libutf8proc-dev |
        sed -n 's/.*Depends: \(libutf8proc[0-9]*\)$/\1/p')
    # shellcheck disable=SC2086 # names, apart by blanks
    (cd "$state" && apt-get "$@" download $libraries $utf8proc)
    for deb in "$state"/*.deb; do
        dpkg -x "$deb" "$root"
    done
}

[ -e "$root/apt/status" ] || fetch > /dev/null
lib=$root/usr/lib/aarch64-linux-gnu
if [ ! -f "$build/build.ninja" ]; then
    mkdir -p "$build"
    cat > "$root/cross.ini" <<END
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu',
    '-cpu', '${CPU:-max}', '-E', 'LD_LIBRARY_PATH=$lib']
[built-in options]
c_args = ['-isystem', '$root/usr/include',
    '-isystem', '$root/usr/include/aarch64-linux-gnu']
c_link_args = ['-L$lib', '-Wl,--allow-shlib-undefined']
[properties]
sys_root = '$root'
pkg_config_libdir = '$lib/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'armv8.2'
endian = 'little'
END
    $meson setup "$build" --cross-file "$root/cross.ini" -Ddefault_library=static
fi
[ $# -gt 0 ] || set -- tensor/dtype tensor/lanes tensor/number \
    weights/formats weights/mul kernels/attention kernels/latent kernels/rows
# shellcheck disable=SC2046 # paths without blanks
ninja -C "$build" $(for t; do echo "tests/test_$t" | tr / _ | sed 's/_/\//'; done)
$meson test -C "$build" --no-rebuild --print-errorlogs -t 10 "$@"
