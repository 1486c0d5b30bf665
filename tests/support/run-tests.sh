#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run-tests.sh OUT NAME... - runs OUT/NAME-tests; the last line is "N passed, N failed".
#
# The tests see PYINSPECT, the path of the program, and PYINSPECT_FOUND, the list that find.sh made.
# So do they a cache of layouts that is new, and goes with them.
# A sanitizer's report in any process that a test started counts as a failure, because Criterion
# does not see leaks. So does a missing interpreter when CI=true or PYINSPECT_REQUIRE_ALL=1.
#
# Of an allocation a sanitizer's report has the innermost frames alone: to note all of them takes a
# third of the time that pyinspect takes.
set -euo pipefail

out=$1
shift
SANITIZER_STATUS=99
export PYINSPECT=$PWD/$out/pyinspect PYINSPECT_FOUND=$PWD/$out/pythons
export LC_ALL=C.UTF-8
export ASAN_OPTIONS="log_path=$PWD/$out/sanitizer.log:detect_leaks=1:malloc_context_size=6:exitcode=$SANITIZER_STATUS:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="log_path=$PWD/$out/sanitizer.log:print_stacktrace=1:exitcode=$SANITIZER_STATUS:${UBSAN_OPTIONS:-}"
export PATH=$PATH:$PWD/build/unpacked/usr/bin # what install-dependencies.sh did not install
XDG_CACHE_HOME=$(mktemp -d)
export XDG_CACHE_HOME
# Interpreters that were unpacked, not installed, would compile their library at each start.
unset PYTHONDONTWRITEBYTECODE
trap 'rm -rf "$XDG_CACHE_HOME"' EXIT
passed=0
failed=0

# Criterion's runner leaks a little of its own. A suppression would match any frame and so hide what
# a test leaks, which Criterion calls; here only the function that allocated counts.
is_criterions_own_leak() {
    awk '/ERROR: / && !/LeakSanitizer/ || /runtime error/ { ours = 1 }
         / leak of / { leaks++ }
         / leak of /, /^$/ { if ($1 == "#1" && /libcriterion/) criterions++ }
         END { exit !(leaks && leaks == criterions && !ours) }' "$1"
}

rm -f "$out"/sanitizer.log.*
tests/interpreters/find.sh >"$PYINSPECT_FOUND"
cat "$PYINSPECT_FOUND"
# As pythons_each of tests/support/pythons.h has it.
awk '$3 ~ /^cpython/ { if ($1 in first) print "ALIKE " $1 " " $2 ": what takes long is tested on " \
     first[$1] " alone"; else first[$1] = $2 }' "$PYINSPECT_FOUND"

# The tests that take longest, with how often each was run: seconds, all together.
name_the_longest() { # LOG
    sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '/^\[(PASS|FAIL)\] [^ ]+ \([0-9.]+s\)$/ {
             name = substr($2, 1, length($2) - 1)
             seconds[name] += substr($3, 2)
             times[name]++ }
         END { for (name in seconds) printf "%7.1f s  %s (%d)\n", seconds[name], name, times[name] }' |
        sort -rn | awk 'NR <= 15'
}

case " $* " in *" live "*) tests/support/get-speedscope.sh ;; esac

for name in "$@"; do
    log=$out/$name-tests.log
    echo "== $name"
    status=0
    # What passed goes to the log alone; what was skipped, and why, is shown.
    "$out/$name-tests" --verbose=1 2>&1 | tee "$log" | sed -u '/^\[\(RUN \|PASS\|====\)\] [^S]/d' || status=$?
    summary=$(sed 's/\x1b\[[0-9;]*m//g' "$log" |
        sed -n 's/.*Tested: \([0-9]*\) | Passing: \([0-9]*\).*/\1 \2/p' | tail -n 1)
    read -r tested passing <<<"${summary:-1 0}"
    name_the_longest "$log"
    passed=$((passed + passing))
    failed=$((failed + tested - passing))
    # A sanitizer's status comes with a report, see below.
    if [ $status != 0 ] && [ $status != $SANITIZER_STATUS ] && [ "$tested" = "$passing" ]; then
        echo "$name: exit status $status"
        failed=$((failed + 1))
    fi
done

for report in "$out"/sanitizer.log.*; do
    if [ ! -e "$report" ] || is_criterions_own_leak "$report"; then
        continue
    fi
    echo "== $report"
    head -n 40 "$report"
    failed=$((failed + 1))
done

if grep '^MISSING' "$PYINSPECT_FOUND"; then
    if [ "${CI:-}" = true ] || [ "${PYINSPECT_REQUIRE_ALL:-}" = 1 ]; then
        failed=$((failed + $(grep -c '^MISSING' "$PYINSPECT_FOUND")))
    fi
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
