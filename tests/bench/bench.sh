#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# bench.sh - holds build/pyinspect against objgraph inside the same process, on CPython 3.11.
#
#   BENCH_SIZES="200000 2000000"  how many objects the heaps have
#   BENCH_ROUNDS=5                how often each figure is taken
#   BENCH_PYTHON=PATH             the interpreter, instead of one that find.sh names
#
# Exits with 1 if a target is missed, with 2 if it could not be measured.
set -euo pipefail
cd "$(dirname "$0")/../.."

# True if the DWARF is in the interpreter's own file, or its libpython, and not compressed.
has_plain_dwarf() {
    local library
    library=$(ldd "$1" 2>/dev/null | awk '/libpython/ { print $3 }') || true
    readelf -SW "${library:-$1}" 2>/dev/null |
        awk '/ \.debug_info / && !/ C / { plain = 1 } END { exit !plain }'
}

# Prefers plain DWARF: how long decompression takes is not what is compared.
choose_python() {
    local version path kind chosen=
    while read -r version path kind _; do
        [[ $version == 3.11.* && $kind == cpython ]] || continue
        chosen=${chosen:-$path}
        if has_plain_dwarf "$path"; then
            chosen=$path
            break
        fi
    done <<<"$(tests/interpreters/find.sh)"
    echo "$chosen"
}

tests/support/install-dependencies.sh bench || exit 2
python=${BENCH_PYTHON:-$(choose_python)}
if [ -z "$python" ]; then
    tests/support/install-dependencies.sh demo || exit 2
    python=$(choose_python)
fi
if [ -z "$python" ]; then
    echo "bench: no CPython 3.11 with debug information; make interpreters fetches one" >&2
    exit 2
fi
objgraph=$(/usr/bin/python3 -c 'import objgraph; print(objgraph.__file__)')
exec "$python" -IB tests/bench/bench.py build/pyinspect "${objgraph%/*}"
