#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# demo.sh - starts a small service under Python and looks into it with build/pyinspect.
#
# The service is asked for some orders between two censuses: what it still has of them is new.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Prints an interpreter whose debug information is here: python3 itself if it has it.
choose_python() {
    local usual
    usual=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))' 2>/dev/null) || true
    tests/interpreters/find.sh | awk -v usual="$usual" '
        $3 == "cpython" && (!chosen || $2 == usual) { chosen = $2 }
        END { print chosen }'
}

python=$(choose_python)
if [ -z "$python" ]; then
    tests/support/install-dependencies.sh demo
    python=$(choose_python)
fi
[ -n "$python" ] || { echo "demo: no Python with debug information was found" >&2 && exit 1; }

# The service ends when its standard input does, and so with this script.
coproc SERVICE { exec "$python" -B tests/demo/service.py; }
service=$SERVICE_PID
if ! read -r -t 60 _ port <&"${SERVICE[0]}"; then
    echo "demo: the service did not come up" >&2
    exit 1
fi
echo "An order service runs under $python, PID $service, port $port."
status=0

# Prints a command line, and runs it.
try() {
    printf '\n$ build/pyinspect %s\n' "$*"
    build/pyinspect "$@" || status=$?
}

# The address of the largest object.
find_largest() {
    build/pyinspect objects "$service" --sort size --limit 1 --csv 2>/dev/null |
        sed -n 's/^\(0x[0-9a-f]*\),.*/\1/p'
}

# The address of some order.
find_order() {
    build/pyinspect objects "$service" --type app.models.Order --limit 1 --csv 2>/dev/null |
        sed -n 's/^\(0x[0-9a-f]*\),.*/\1/p'
}

# Asks the service for a thousand orders that it has not seen before. Returns when it has answered.
ask_for_orders() {
    timeout 60 "$python" - "$port" <<'EOF'
import sys
import urllib.request

for number in range(100000, 101000):
    address = "http://127.0.0.1:%s/orders/%d" % (sys.argv[1], number)
    urllib.request.urlopen(address, timeout=10).close()
EOF
}

before=build/before.census
trap 'rm -f "$before"' EXIT

try attach "$service" --most-common 10 --save "$before"
try objects "$service" --sort size --limit 3 --repr-len 60
largest=$(find_largest)
try show "$service" "$largest" --items 3 --repr-len 60
try why "$service" "$largest"
try backrefs "$service" "$(find_order)" --max-depth 2
ask_for_orders
printf '\nMeanwhile the service was asked for 1,000 orders.\n'
try compare "$before" "$service" --limit 6
kill "$service"
wait "$service" 2>/dev/null || true
exit $status
