#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# printable.sh [--check] - makes inspector/python/printable.def from the interpreters that find.sh
# reports (PYINSPECT_PYTHONS names more of them): which characters repr() shows as they are.
#
# Every version from 3.6 to the newest one found is needed. With --check nothing is written, and each
# version that is here is held against the table; one that is not is said aloud and no failure.
# Exit status 1 if the table could not be made, if two builds of one version differ, and with --check
# if the table is not current.
set -euo pipefail
cd "$(dirname "$0")/../.."

TABLE=inspector/python/printable.def
OLDEST=6

# "FIRST LAST" of each run of characters that are printable to this interpreter.
read -r -d '' QUERY <<'END' || true
first = None
for code in range(0x110001):
    printable = code < 0x110000 and chr(code).isprintable()
    if printable and first is None:
        first = code
    elif not printable and first is not None:
        print(first, code - 1)
        first = None
END

HEAD='// SPDX-License-Identifier: MIT
/*
 * printable.def - the characters that str.isprintable() accepts, ascending, written by
 * tests/interpreters/printable.sh: first, last, and the minor version of the first Python 3 to which
 * they are printable (0: all since 3.6). No version has taken one back.
 */'

check=''
case "$*" in
'') ;;
--check) check=1 ;;
*)
    echo "usage: printable.sh [--check]" >&2
    exit 2
    ;;
esac

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
status=0

fail() {
    echo "printable: $*"
    status=1
}

# What Python 3.MINOR accepts, to $made/MINOR.
ask_interpreter() { # MINOR PYTHON
    local file=$made/$1
    if ! "$2" -c "$QUERY" >"$file.new"; then
        fail "3.$1: ERROR: $2 did not answer"
    elif [ -e "$file" ] && ! cmp -s "$file" "$file.new"; then
        fail "3.$1: ERROR: $2 accepts others than another 3.$1"
    else
        mv "$file.new" "$file"
    fi
}

# Of the answers to FILE..., oldest first, the rows of the table.
merge_answers() { # FILE...
    awk -v oldest="$OLDEST" '
FNR == 1 {
    minor = FILENAME
    sub(/.*\//, "", minor)
}
{
    for (code = $1; code <= $2; code++) {
        if (!(code in since))
            since[code] = minor == oldest ? 0 : minor
        latest[code] = minor
    }
}
END {
    for (code = 0; code <= 1114112; code++) {
        if (code in since && latest[code] != minor) {
            printf "printable: ERROR: U+%04X is no longer printable after 3.%d\n", code,
                latest[code] >"/dev/stderr"
            exit 1
        }
        now = code in since ? since[code] : -1
        if (code > 0 && now != before) {
            if (before >= 0)
                printf "{0x%04x, 0x%04x, %d},\n", first, code - 1, before
            first = code
        }
        before = now
    }
}' "$@"
}

# What the table says of Python 3.MINOR, in the form of its answer.
print_table_of() { # MINOR
    tr -d '{,}' <"$TABLE" | while read -r first last since; do
        [[ $first == 0x* ]] && ((since <= $1)) && echo "$((first)) $((last))"
    done | awk '
NR > 1 && $1 != last + 1 { print first, last }
NR == 1 || $1 != last + 1 { first = $1 }
{ last = $2 }
END { print first, last }'
}

newest=$OLDEST
found=$(tests/interpreters/find.sh)
while read -r version python kind _; do
    minor=${version#3.}
    minor=${minor%%.*}
    case $kind in
    cpython | no-debug-info)
        ask_interpreter "$minor" "$python"
        ((minor <= newest)) || newest=$minor
        ;;
    esac
done <<<"$found"

answers=()
for ((minor = OLDEST; minor <= newest; minor++)); do
    if [ -e "$made/$minor" ]; then
        answers+=("$made/$minor")
    elif [ -n "$check" ]; then
        echo "printable: 3.$minor: NOT CHECKED, it is not here"
    else
        fail "3.$minor: ERROR: it is not here"
    fi
    if [ -n "$check" ] && [ -e "$made/$minor" ]; then
        if diff <(print_table_of "$minor") "$made/$minor" >"$made/difference"; then
            echo "printable: 3.$minor: current"
        else
            head -n 20 "$made/difference"
            fail "3.$minor: changed, see above (not written)"
        fi
    fi
done

if [ -z "$check" ] && [ $status = 0 ]; then
    merge_answers "${answers[@]}" >"$made/rows"
    printf '%s\n' "$HEAD" | cat - "$made/rows" >"$TABLE"
    echo "printable: $TABLE written, $(wc -l <"$made/rows") rows up to 3.$newest"
fi
exit $status
