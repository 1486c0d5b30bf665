#!/bin/sh
# SPDX-License-Identifier: MIT
#
# layers.sh FILE - checks every #include against the table of layers in FILE.
#
# The table is the block between "```layers" and "```". "NAME: GLOB..." names a layer, lowest first;
# a file belongs to the first one that has its path. It may include what belongs to lower layers or
# to its own. "NAME only LAYER..." narrows the lower ones; "NAME never GLOB..." forbids single
# headers, <system/headers.h> too.
set -eu

# shellcheck disable=SC2016 # the program's words, not the shell's
find inspector symbols -name '*.[ch]' | sort | xargs awk -v table="$1" '
function matches(path, glob) {
    gsub(/[.]/, "\\.", glob)
    gsub(/[*]/, "[^/]*", glob)
    return path ~ ("^" glob "$")
}
function layer_of(path, i, j, globs, n) {
    for (i = 1; i <= layers; i++) {
        n = split(paths[i], globs, " ")
        for (j = 1; j <= n; j++)
            if (matches(path, globs[j]))
                return i
    }
    return 0
}
function complain(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    wrong = 1
}
function check(path, from, to, i, n, globs) {
    n = split(never[names[from]], globs, " ")
    for (i = 1; i <= n; i++)
        if (matches(path, globs[i]))
            complain(names[from] " must never include " path)
    if (path ~ /^</)
        return
    to = layer_of(path)
    if (!to)
        complain(path " belongs to no layer")
    else if (to > from)
        complain(names[from] " includes " path ", of the higher layer " names[to])
    else if (to < from && (names[from] in only) && index(only[names[from]], " " names[to] " ") == 0)
        complain(names[from] " may not include " path ", of " names[to])
}
FILENAME == table {
    if (/^```/) {
        inside = ($0 == "```layers")
    } else if (inside && $1 ~ /:$/) {
        names[++layers] = substr($1, 1, length($1) - 1)
        $1 = ""
        paths[layers] = $0
    } else if (inside && ($2 == "only" || $2 == "never")) {
        layer = $1; kind = $2
        $1 = $2 = ""
        if (kind == "only")
            only[layer] = $0 " "
        else
            never[layer] = never[layer] " " $0
    }
    next
}
FNR == 1 {
    if (!layers) {
        complain("no table of layers in " table)
        exit
    }
    from = layer_of(FILENAME)
    if (!from)
        complain("belongs to no layer")
}
from && /^#[ \t]*include[ \t]/ {
    path = $0
    sub(/^#[ \t]*include[ \t]*"?/, "", path)
    sub(/".*/, "", path)
    sub(/>.*/, ">", path)
    check(path, from)
}
END { exit wrong }
' "$1"
echo "lint: layers: ok"
