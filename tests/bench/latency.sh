#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# latency.sh - how much slower a gunicorn with four workers answers while build/pyinspect watches it.
#
#   LATENCY_SECONDS=30        how long a window is
#   LATENCY_ROUNDS=5          how many windows of each kind there are
#   LATENCY_SIDES="without watch"
#                             what is done in a round's windows; the first is what the others are
#                             held against. To tell what costs what: "attach" (attach to one worker
#                             after the other, each second), "no-stop" (the same, never stopping
#                             one), "spin" (as much CPU time, taken by nobody who looks)
#   LATENCY_DELAY=40          milliseconds that each of eight connections waits between requests
#
# Exits with 1 if the target is missed, with 2 if it could not be measured.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/support/install-dependencies.sh latency || exit 2
exec /usr/bin/python3 -IB tests/bench/latency.py build/pyinspect
