#!/bin/sh
# SPDX-License-Identifier: MIT
#
# formats.sh SCRIPT... - clang-format on C, shellcheck on the scripts, mandoc on the manual pages.
#
# A tool that is not here is said aloud, and is an error when CI=true.
set -u

status=0

run() { # TOOL ARGUMENT...
    if ! command -v "$1" >/dev/null; then
        echo "lint: $1 is NOT HERE, nothing was checked with it"
        [ "${CI:-}" != true ] || status=1
    elif "$@"; then
        echo "lint: $1: ok"
    else
        status=1
    fi
}

# No file of ours has white space in its name.
# shellcheck disable=SC2046
run clang-format --dry-run --Werror $(find inspector symbols tests -name '*.[ch]' | sort)
run shellcheck "$@"
for page in docs/*.1; do
    [ -e "$page" ] && run mandoc -T lint -W warning "$page"
done
exit $status
