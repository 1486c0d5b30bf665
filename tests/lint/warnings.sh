#!/bin/sh
# SPDX-License-Identifier: MIT
#
# warnings.sh - gcc and clang build every object, and every header alone, without a warning; and the
# program of them, build/werror-gcc/pyinspect and build/werror-clang/pyinspect.
set -eu

for compiler in gcc clang; do
    if command -v $compiler >/dev/null; then
        "${MAKE:-make}" --no-print-directory -s CC=$compiler BUILD=werror objects \
            build/werror-$compiler/pyinspect
        echo "lint: $compiler -Werror: ok"
    else
        echo "lint: $compiler is NOT HERE, nothing was built with it"
        [ "${CI:-}" != true ]
    fi
done
