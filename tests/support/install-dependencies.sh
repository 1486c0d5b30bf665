#!/bin/sh
# SPDX-License-Identifier: MIT
#
# install-dependencies.sh STEP [COMPILER] - installs from Debian what a step needs and is not there.
#
# STEP is build, check, lint, demo, bench or latency. Quick and silent when all is there. Otherwise apt-get
# does it, through sudo unless we are root; where that cannot be, one line names the packages.
#
# Of packages with a service only the programs are wanted: they are unpacked below build/unpacked
# instead of installed, so that nothing of theirs is ever started or runs at the next boot.
set -u

step=$1
compiler=${2:-cc}
unpacked=$(dirname "$0")/../../build/unpacked
missing=
wrapped=

needs() { # PACKAGES COMMAND...: the packages are missing if the command fails
    packages=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $packages"
}

needs_program() { # PACKAGE: its program of that name, unpacked
    command -v "$1" >/dev/null || [ -x "$unpacked/usr/bin/$1" ] || wrapped="$wrapped $1"
}

# What `go tool pprof` starts is one file of a large package.
needs_pprof() {
    for tool in "$unpacked"/usr/lib/go-*/pkg/tool/*/pprof /usr/lib/go-*/pkg/tool/*/pprof; do
        [ ! -x "$tool" ] || return
    done
    wrapped="$wrapped golang-1.19-go"
}

compiles() {
    echo '#include <stdio.h>' | "$compiler" -E -
}

links_with_sanitizers() {
    echo 'int main(void) { return 0; }' |
        "$compiler" -fsanitize=address,undefined -x c -o /dev/null -
}

case $compiler in
clang*) toolchain="$compiler libc6-dev" runtime=libclang-rt-14-dev ;;
*) toolchain='gcc libc6-dev' runtime='gcc libc6-dev' ;;
esac

case $step in
build)
    needs "$toolchain" compiles
    needs pkgconf "${PKG_CONFIG:-pkg-config}" --version
    needs 'libdw-dev libelf-dev' "${PKG_CONFIG:-pkg-config}" --exists libdw libelf
    needs 'libprotobuf-c-dev protobuf-c-compiler' protoc-c --version
    needs libprotobuf-c-dev "${PKG_CONFIG:-pkg-config}" --exists libprotobuf-c
    needs libseccomp-dev "${PKG_CONFIG:-pkg-config}" --exists libseccomp
    needs 'libsqlite3-dev zlib1g-dev' "${PKG_CONFIG:-pkg-config}" --exists sqlite3 zlib
    needs libjs-dygraphs test -e "${DYGRAPHS:-/usr/share/javascript/dygraphs}/dygraph.min.js"
    ;;
check)
    needs "$runtime" links_with_sanitizers
    needs libcriterion-dev "${PKG_CONFIG:-pkg-config}" --exists criterion
    needs binutils readelf --version
    needs dwz dwz --version
    needs chromium command -v chromium
    needs graphviz command -v dot
    needs 'uwsgi-core uwsgi-plugin-python3' test -e /usr/lib/uwsgi/plugins/python3_plugin.so
    needs python3-objgraph /usr/bin/python3 -c 'import objgraph'
    needs 'python3-lxml python3-numpy python3-pandas python3-sqlalchemy' \
        /usr/bin/python3 -c 'import lxml, numpy, pandas, sqlalchemy'
    needs npm command -v npm
    needs_pprof
    needs_program prometheus # promtool too
    needs_program prometheus-node-exporter
    ;;
lint)
    for tool in gcc clang clang-format shellcheck mandoc; do
        needs "$tool" command -v "$tool"
    done
    ;;
demo)
    needs 'python3 python3-dbg' false
    ;;
bench)
    needs binutils readelf --version
    needs python3-objgraph /usr/bin/python3 -c 'import objgraph'
    ;;
latency)
    needs wrk command -v wrk
    needs 'gunicorn python3-django' /usr/bin/python3 -c 'import gunicorn, django'
    ;;
*)
    echo "$0: no such step: $step" >&2
    exit 2
    ;;
esac

[ -n "$missing$wrapped" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root='sudo'
    [ -t 0 ] || as_root='sudo -n'
fi
log=$(mktemp) && packages=$(mktemp -d) || exit
trap 'rm -rf "$log" "$packages"' EXIT

apt() {
    # shellcheck disable=SC2086 # two words at most, on purpose
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" >>"$log" 2>&1 </dev/null
}

unpack() {
    # shellcheck disable=SC2086 # a list of packages
    (cd "$packages" && apt-get download $wrapped >>"$log" 2>&1) || return
    mkdir -p "$unpacked" || return
    for package in "$packages"/*.deb; do
        case $package in
        */golang-*) part=./usr/lib/go-1.19/pkg/tool/linux_amd64/pprof ;;
        *) part=./usr/bin ;;
        esac
        dpkg-deb --fsys-tarfile "$package" |
            tar -x -C "$unpacked" --no-same-owner "$part" 2>>"$log" || return
    done
}

install() {
    # shellcheck disable=SC2086 # a list of packages
    [ -z "$missing" ] || apt install -y --no-install-recommends $missing
}

echo "getting from Debian:$missing$wrapped"
if ! { apt update && install && { [ -z "$wrapped" ] || unpack; }; }; then
    tail -n 3 "$log" >&2
    echo "some Debian packages are missing and could not be installed;" \
        "ask root to run: apt install$missing$wrapped" >&2
    exit 1
fi
