#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# layouts.sh [--check] - makes symbols/layouts/VERSION[-debug].layout from the interpreters that
# find.sh reports (PYINSPECT_PYTHONS names more of them) and the debug information they have, and
# that of their extension modules. Modules that have none are said aloud; a table that there is
# does not lose what it knows of them.
#
# Says of each table what became of it: new, changed (and how), or current. Of a version's builds
# that are here, the table's own counts, by its build-id, else the first; another build's may differ
# in its addresses only. With --check nothing is written.
# Exit status 1 if a table could not be made, if two builds of one version differ, and with --check
# if a table is not current. A table whose interpreter is not here is said aloud and no failure.
set -euo pipefail
shopt -s nullglob
cd "$(dirname "$0")/../.."

PROGRAM=${PYINSPECT:-build/pyinspect}
TABLES=symbols/layouts

check=''
case "$*" in
'') ;;
--check) check=1 ;;
*)
    echo "usage: layouts.sh [--check]" >&2
    exit 2
    ;;
esac

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
status=0
declare -A builds=()

say() {
    printf 'layouts: %s\n' "$*"
}

fail() {
    say "$@"
    status=1
}

# The interpreter's extension modules that may define types, one a line.
list_modules() { # PYTHON
    timeout 20 "$1" -c '
import glob, importlib.machinery, os, re, sys
suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
for folder in sys.path:
    if os.path.basename(folder) == "lib-dynload":
        for path in sorted(glob.glob(os.path.join(folder, "*" + suffix))):
            if not re.match("_?xx|_test|_ctypes_test|_codecs_", os.path.basename(path)):
                print(path)
' </dev/null
}

# Those of them that have debug information, as options, and the names of the others. Each is tried
# by itself only where all together fail.
choose_modules() { # PYTHON IMAGE
    local python=$1 image=$2 path
    modules=()
    lacking=''
    while read -r path; do
        modules+=(--module "$path")
    done < <(list_modules "$python")
    if "$PROGRAM" layout "$image" "${modules[@]}" >"$made/said" 2>&1; then
        return
    fi
    modules=()
    while read -r path; do
        if "$PROGRAM" layout "$image" --module "$path" >"$made/said" 2>&1; then
            modules+=(--module "$path")
        else
            path=${path##*/}
            lacking+=" ${path%%.*}"
        fi
    done < <(list_modules "$python")
}

# Of the interpreter PYTHON of that VERSION and ABI, whose code is in IMAGE, to $made/NAME/NUMBER;
# the path goes beside it.
make_table() { # VERSION ABI PYTHON IMAGE
    local version=$1 abi=$2 python=$3 image=$4 name=$1
    [ "$abi" = release ] || name+=-$abi
    mkdir -p "$made/$name"
    builds[$name]=${builds[$name]:-0}
    local count=${builds[$name]}
    local file=$made/$name/$count
    local modules lacking
    choose_modules "$python" "$image"
    if [ -n "$lacking" ]; then
        say "$name: no debug information of$lacking of $python"
        if [ -n "$check" ] || [ -e "$TABLES/$name.layout" ]; then
            say "$name: NOT CHECKED by $python"
            return
        fi
    fi
    if ! "$PROGRAM" layout "$image" "${modules[@]}" >"$file" 2>"$made/said"; then
        cat "$made/said" >&2
        fail "$name: ERROR: no layout of $image"
    elif ! grep -qx "version $version" "$file" || ! grep -qx "abi $abi" "$file"; then
        fail "$name: ERROR: $image is $version and a $abi build, but its layout says otherwise"
    else
        echo "$python" >"$file.python"
        builds[$name]=$((count + 1))
    fi
}

# What the builds of one version share.
print_layout() {
    grep -Ev '^(build-id|address) ' "$1"
}

get_build_id() {
    sed -n 's/^build-id //p' "$1"
}

# The build that NAME's table is to be held against.
choose_build() { # NAME
    local name=$1 table=$TABLES/$1.layout i
    for ((i = 0; i < builds[$name]; i++)); do
        if [ -e "$table" ] && [ "$(get_build_id "$made/$name/$i")" = "$(get_build_id "$table")" ]; then
            echo "$made/$name/$i"
            return
        fi
    done
    echo "$made/$name/0"
}

is_current() { # TABLE BUILD
    if [ "$(get_build_id "$1")" = "$(get_build_id "$2")" ]; then
        cmp -s "$1" "$2"
    else
        cmp -s <(print_layout "$1") <(print_layout "$2")
    fi
}

settle_table() { # NAME
    local name=$1 table=$TABLES/$1.layout build i
    build=$(choose_build "$name")
    for ((i = 0; i < builds[$name]; i++)); do
        if ! diff <(print_layout "$build") <(print_layout "$made/$name/$i"); then
            fail "$name: ERROR: $(<"$made/$name/$i.python") has another layout than $(<"$build.python"), see above"
            return
        fi
    done
    if [ -e "$table" ] && is_current "$table" "$build"; then
        say "$name: current"
        return
    fi
    if [ -e "$table" ]; then
        diff -u "$table" "$build" || true
        say "$name: changed, see above${check:+ (not written)}"
    else
        say "$name: new${check:+ (not written)}"
    fi
    if [ -n "$check" ]; then
        status=1
    else
        mkdir -p "$TABLES"
        cp "$build" "$table"
    fi
}

found=$(tests/interpreters/find.sh)
while read -r version python kind image; do
    case $kind in
    cpython) make_table "$version" release "$python" "$image" ;;
    cpython-debug) make_table "${version%d}" debug "$python" "$image" ;;
    esac
done <<<"$found"

for name in $(printf '%s\n' "${!builds[@]}" | sort -V); do
    [ "${builds[$name]}" = 0 ] || settle_table "$name"
done
for table in "$TABLES"/*.layout; do
    name=$(basename "$table" .layout)
    [ -n "${builds[$name]:-}" ] || say "$name: NOT CHECKED, its interpreter is not here"
done
exit $status
