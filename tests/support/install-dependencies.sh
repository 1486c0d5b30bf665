#!/bin/sh
# SPDX-License-Identifier: MIT
#
# install-dependencies.sh STEP [COMPILER] - installs from Debian what a step needs and is not there.
#
# STEP is build, check, lint, demo or bench. Quick and silent when all is there. Otherwise apt-get
# does it, through sudo unless we are root; where that cannot be, one line names the packages.
set -u

step=$1
compiler=${2:-cc}
missing=

needs() { # PACKAGES COMMAND...: the packages are missing if the command fails
    packages=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $packages"
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
    needs libseccomp-dev "${PKG_CONFIG:-pkg-config}" --exists libseccomp
    ;;
check)
    needs "$runtime" links_with_sanitizers
    needs libcriterion-dev "${PKG_CONFIG:-pkg-config}" --exists criterion
    needs binutils readelf --version
    needs dwz dwz --version
    needs 'uwsgi-core uwsgi-plugin-python3' test -e /usr/lib/uwsgi/plugins/python3_plugin.so
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
*)
    echo "$0: no such step: $step" >&2
    exit 2
    ;;
esac

[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root='sudo'
    [ -t 0 ] || as_root='sudo -n'
fi
log=$(mktemp) || exit
trap 'rm -f "$log"' EXIT

apt() {
    # shellcheck disable=SC2086 # two words at most, on purpose
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" >>"$log" 2>&1 </dev/null
}

echo "installing from Debian:$missing"
# shellcheck disable=SC2086 # a list of packages
if ! { apt update && apt install -y --no-install-recommends $missing; }; then
    tail -n 3 "$log" >&2
    echo "some Debian packages are missing and could not be installed;" \
        "ask root to run: apt install$missing" >&2
    exit 1
fi
