#!/bin/sh
# SPDX-License-Identifier: MIT
#
# sizes.sh - no header has over 200 lines, no source over 600.
set -eu

find inspector symbols tests -name '*.[ch]' -exec awk '
function check(file, lines) {
    limit = file ~ /[.]h$/ ? 200 : 600
    if (lines > limit) {
        printf "%s: %d lines, over %d\n", file, lines, limit
        wrong = 1
    }
}
FNR == 1 && NR > 1 { check(previous, count) }
{ previous = FILENAME; count = FNR }
END { check(previous, count); exit wrong }
' {} +
echo "lint: sizes: ok"
