#!/bin/sh
# SPDX-License-Identifier: MIT
#
# warnings.sh - gcc and clang compile every source, and every header alone, without a warning. gcc
# makes objects of it, since it warns of what it sees while it optimises, and of them the program
# build/werror-gcc/pyinspect; clang sees all it warns of before.
set -eu

status=0

check() { # COMPILER TARGET...
    compiler=$1
    shift
    if ! command -v "$compiler" >/dev/null; then
        echo "lint: $compiler is NOT HERE, nothing was compiled with it"
        [ "${CI:-}" != true ] || status=1
    elif "${MAKE:-make}" --no-print-directory -s CC="$compiler" BUILD=werror "$@"; then
        echo "lint: $compiler -Werror: ok"
    else
        status=1
    fi
}

check clang syntax
check gcc objects build/werror-gcc/pyinspect
exit $status
