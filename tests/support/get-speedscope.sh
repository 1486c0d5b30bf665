#!/bin/sh
# SPDX-License-Identifier: MIT
#
# get-speedscope.sh - puts speedscope into build/speedscope with npm, if it is not there. Where that
# cannot be, the test that wants it says that it was skipped.
place=$(dirname "$0")/../../build/speedscope
[ ! -d "$place/node_modules/speedscope" ] || exit 0
mkdir -p "$place" || exit
timeout 120 npm install --prefix "$place" --no-audit --no-fund --ignore-scripts speedscope \
    >"$place/log" 2>&1 || echo "speedscope is NOT HERE: npm could not install it ($place/log)"
