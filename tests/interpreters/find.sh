#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# find.sh - the Python interpreters of this machine, one "VERSION PATH KIND IMAGE" a line.
#
# Looks at the colon-separated list in PYINSPECT_PYTHONS, build/interpreters/bin, pyenv's versions,
# PATH and /usr/bin; of several names of one file or one build the first is kept. Sorted by version,
# which for a debug build ends in "d".
# KIND is
#   cpython         what pyinspect supports
#   cpython-debug   the same, built with Py_DEBUG
#   no-debug-info   CPython whose debug information is not on this machine
#   free-threaded   CPython without the GIL
#   other           not CPython
# IMAGE is the file with the interpreter's code, a program or a libpython.
# The versions below that no line supports follow as "MISSING VERSION".
set -euo pipefail
shopt -s nullglob extglob
cd "$(dirname "$0")/../.."

VERSIONS='3.6 3.7 3.8 3.9 3.10 3.11 3.12 3.13 3.14 3.15 3.11d 3.13d 3.14d 3.15d'

# Tells of itself: version, kind, build, path, and the file that holds the interpreter's code, which
# is neither the executable when Python is a library nor when a loader was started by hand.
read -r -d '' QUERY <<'END' || true
import os, sys, sysconfig
kind = "cpython"
version = sys.version.split()[0]
if hasattr(sys, "gettotalrefcount"):
    kind = "cpython-debug"
    version += "d"
if sys.implementation.name != "cpython":
    kind = "other"
elif sysconfig.get_config_var("Py_GIL_DISABLED"):
    kind = "free-threaded"
image = ""
with open("/proc/self/maps") as maps:
    for line in maps:
        start, end = (int(part, 16) for part in line.split(None, 1)[0].split("-"))
        if start <= id(None) < end and "/" in line:
            image = line[line.index("/"):].rstrip("\n")
print(version, kind, " ".join(sys.version.split()), os.path.realpath(sys.executable), image,
      sep="\t")
END

list_candidates() {
    local dir
    tr ':' '\n' <<<"${PYINSPECT_PYTHONS:-}"
    printf '%s\n' "$PWD"/build/interpreters/bin/* ~/.pyenv/versions/*/bin/python3.+([0-9])?([dt])
    while read -r dir; do
        # A shim starts one of the versions above, or nothing.
        [[ $dir == */shims ]] || printf '%s\n' "$dir"/{python3,pypy3}?(.+([0-9])?([dt]))
    done <<<"${PATH//:/$'\n'}"$'\n/usr/bin'
}

has_debug_info() {
    local image=$1 id dir
    # A reader that ends early would fail the whole pipe.
    [[ $(readelf -SW "$image" 2>/dev/null) =~ \.z?debug_info ]] && return 0
    id=$(readelf -n "$image" 2>/dev/null | awk '/Build ID:/ {print $3; exit}')
    [ -n "$id" ] || return 1
    dir=$image
    while [ -n "$dir" ]; do
        dir=${dir%/*}
        [ -e "$dir/lib/debug/.build-id/${id::2}/${id:2}.debug" ] && return 0
        [ -e "$dir/usr/lib/debug/.build-id/${id::2}/${id:2}.debug" ] && return 0
    done
    return 1
}

declare -A seen=() supported=()
found=''
while read -r python; do
    [ -f "$python" ] || continue
    file=$(realpath "$python")
    [ -z "${seen[$file]:-}" ] || continue
    seen[$file]=1
    answer=$(timeout 20 "$python" -c "$QUERY" 2>/dev/null </dev/null) || continue
    IFS=$'\t' read -r version kind build path image <<<"$answer"
    [ -z "${seen[$kind $build]:-}" ] || continue
    seen[$kind $build]=1
    [[ $kind != cpython* ]] || has_debug_info "$image" || kind=no-debug-info
    found+="$version $path $kind $image"$'\n'
    # 3.11.2 is a 3.11, and 3.11.2d a 3.11d.
    [[ $kind != cpython* ]] || supported[$(sed -E 's/^([0-9]+\.[0-9]+)[^d]*/\1/' <<<"$version")]=1
done < <(list_candidates)
printf '%s' "$found" | sort -V

for version in $VERSIONS; do
    [ -n "${supported[$version]:-}" ] || echo "MISSING $version"
done
