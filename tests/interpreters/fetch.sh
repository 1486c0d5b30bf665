#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# fetch.sh - brings the interpreters that a machine seldom has, without installing anything.
#
# Each is taken from a Debian suite together with its own libc, its libraries and its debug files,
# and unpacked under build/interpreters/SUITE. build/interpreters/bin/NAME starts it through the
# tree's own dynamic loader, so that it runs on a system with an older libc; NAMEd is the same
# version's debug build. Needs neither root nor a change of the system: apt works on a private state
# under build/interpreters/apt. The mirror is the one that the system itself uses.
#
# What is there already is not fetched again; `make clean` forgets it.
# Exit status 1, after a line that names it, if any interpreter could not be got.
set -euo pipefail
cd "$(dirname "$0")/../.."

# name        suite     executable  package     debug files and debug build
INTERPRETERS='
python3.11    bookworm  python3.11  python3.11  python3.11-dbg
python3.13    trixie    python3.13  python3.13  python3.13-dbg
python3.14    sid       python3.14  python3.14  python3.14-dbg
python3.15    sid       python3.15  python3.15  python3.15-dbg
pypy3         trixie    pypy3       pypy3       -
'
ROOT=$PWD/build/interpreters
SELF=tests/interpreters/fetch.sh
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
ATTEMPTS=4

say() {
    printf 'interpreters: %s\n' "$*"
}

# Downloads fail now and then; each is tried again after a pause that doubles.
retry() {
    local attempt pause=2
    for ((attempt = 1; ; attempt++)); do
        "$@" >"$ROOT/apt/log" 2>&1 && return 0
        [ "$attempt" -lt $ATTEMPTS ] || break
        say "attempt $attempt failed ($(tail -n 1 "$ROOT/apt/log")), again in $pause s"
        sleep $pause
        pause=$((pause * 2))
    done
    tail -n 5 "$ROOT/apt/log" >&2
    return 1
}

# The address of the Debian archive that this system is configured for.
find_mirror() {
    local filter mirror
    for filter in 'Codename: bookworm' 'Suite: stable' 'Origin: Debian'; do
        # shellcheck disable=SC2016 # $(REPO_URI) is a word of apt's
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
            'Origin: Debian' "$filter" 2>/dev/null | grep -v security | head -n 1) || true
        [ -z "$mirror" ] || break
    done
    # Before the first `apt-get update` nothing is known of an archive but its address.
    [ -n "$mirror" ] || mirror=$(apt-get update --print-uris 2>/dev/null |
        sed -n "s#^'\(.*\)dists/\(bookworm\|stable\|trixie\|sid\)/InRelease'.*#\1#p" | head -n 1) || true
    [ -n "$mirror" ] || return 1
    printf '%s\n' "$mirror"
}

# A private apt for one suite. The empty status file makes apt resolve every dependency.
prepare_suite() {
    local suite=$1 mirror=$2 dir=$ROOT/apt/$1
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    : >"$dir/status"
    echo "deb [signed-by=$KEYRING] $mirror $suite main" >"$dir/sources.list"
    cat >"$dir/apt.conf" <<END
Dir::State "$dir/";
Dir::State::lists "$dir/lists/";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache/";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "root";
Acquire::Languages "none";
END
    [ -e "$dir/.updated" ] && return 0
    [ ! -e "$dir/.unreachable" ] || return 1
    say "reading the list of packages of Debian $suite"
    if ! APT_CONFIG=$dir/apt.conf retry apt-get update --error-on=any; then
        : >"$dir/.unreachable"
        ATTEMPTS=1 # without a network the other suites need not take as long
        return 1
    fi
    : >"$dir/.updated"
}

# unpack SUITE DEB [MEMBER...]: leaves out what no interpreter reads.
unpack() {
    local suite=$1 deb=$2
    shift 2
    [ $# -gt 0 ] || set -- .
    dpkg-deb --fsys-tarfile "$deb" |
        tar -x -C "$ROOT/$suite" --no-same-owner --no-same-permissions --exclude='*.a' \
            --exclude=./usr/share/{doc,man,locale,lintian} --exclude=./{etc,var} "$@"
}

# The interpreter runs through a loader, so /proc/PID/exe is the loader and not Python.
write_wrapper() {
    local name=$1 suite=$2 executable=$3 home='' loader multiarch
    loader=$(cd "$ROOT" && find "$suite" -name 'ld-linux*.so.*' -o -name 'ld64.so.*' | sort)
    loader=${loader%%$'\n'*}
    multiarch=$(cd "$ROOT/$suite/usr/lib" && echo ./*-linux-gnu*/)
    multiarch=$(basename "$multiarch")
    [ "$name" = pypy3 ] || home="export PYTHONHOME=\$root/$suite/usr"
    mkdir -p "$ROOT/bin"
    cat >"$ROOT/bin/$name.new" <<END
#!/bin/sh
# Written by tests/interpreters/fetch.sh.
root=\$(cd "\${0%/*}/.." && pwd -P) || exit
$home
exec "\$root/$loader" --inhibit-cache --argv0 "\$root/bin/$name" \\
    --library-path "\$root/$suite/usr/lib/$multiarch:\$root/$suite/lib/$multiarch" \\
    "\$root/$suite/usr/bin/$executable" "\$@"
END
    chmod +x "$ROOT/bin/$name.new"
    mv "$ROOT/bin/$name.new" "$ROOT/bin/$name"
}

# A debug build is an executable with its debug information in it, and a second set of extension
# modules beside the usual ones; for the rest it uses what is there already.
fetch_debug() {
    local name=$1 suite=$2 executable=$3 debug=$4 cache=$ROOT/apt/$2/cache
    say "fetching the debug files and the debug build of $name ($debug)"
    (cd "$cache" && rm -f ./*.deb && retry apt-get download "$debug" "lib$debug") || return 1
    unpack "$suite" "$cache/$debug"_*.deb ./usr/lib/debug "./usr/bin/${executable}d" || return 1
    unpack "$suite" "$cache/lib$debug"_*.deb "./usr/lib/$executable" || return 1
    rm -f "$cache"/*.deb
    finish "${name}d" "$suite" "${executable}d"
}

# Writes the wrapper, and sees whether it starts something.
finish() {
    write_wrapper "$@" || return 1
    "$ROOT/bin/$1" -c 'import asyncio, ctypes, sqlite3, ssl' || return 1
    say "$1 is $("$ROOT/bin/$1" -c 'import sys; print(sys.version.split()[0])')"
}

fetch() {
    local name=$1 suite=$2 executable=$3 package=$4 debug=$5 deb
    local dir=$ROOT/apt/$suite
    export APT_CONFIG=$dir/apt.conf
    mkdir -p "$ROOT/$suite"
    say "fetching $name and its libraries from Debian $suite"
    retry apt-get install -y --no-install-recommends --download-only \
        -o Debug::NoLocking=true "$package" || return 1
    for deb in "$dir"/cache/archives/*.deb; do
        unpack "$suite" "$deb" || return 1
    done
    rm -f "$dir"/cache/archives/*.deb
    finish "$name" "$suite" "$executable" || return 1
    [ "$debug" = - ] || fetch_debug "$name" "$suite" "$executable" "$debug"
}

main() {
    local name suite executable package debug mirror='' failed=''
    mkdir -p "$ROOT/apt"
    exec 9>"$ROOT/.lock"
    flock 9
    while read -r name suite executable package debug; do
        [ -n "$name" ] || continue
        [ "$ROOT/.have-$name" -nt "$SELF" ] && continue
        if [ -z "$mirror" ] && ! mirror=$(find_mirror); then
            say "apt knows no Debian archive here, so nothing can be fetched" >&2
            exit 1
        fi
        if prepare_suite "$suite" "$mirror" && fetch "$name" "$suite" "$executable" "$package" "$debug"; then
            : >"$ROOT/.have-$name"
        else
            failed="$failed $name"
            say "could not get $name from Debian $suite" >&2
        fi
    done <<<"$INTERPRETERS"
    rm -rf "$ROOT/apt"
    [ -z "$failed" ] || { say "missing:$failed" >&2 && exit 1; }
    say "all are in build/interpreters/bin"
}

main
