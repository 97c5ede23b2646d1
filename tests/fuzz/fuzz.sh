#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fuzzes with the target $1 for $2 seconds. What libFuzzer says goes to build/fuzz/NAME.log; here, one line says what came
# of it, or the log's end when something was found.
set -eu
cd "$(dirname "$0")/../.."
target=$1 seconds=$2
name=$(basename "$target" _fuzz)
out=build/fuzz
log=$out/$name.log
mkdir -p "$out/corpus/$name"

stat() { sed -n "s/^stat::$1: *//p" "$log"; }

if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
  -artifact_prefix="$out/$name-" "$out/corpus/$name" "tests/fuzz/seeds/$name" >"$log" 2>&1; then
  printf '%s: %s runs in %s s, %s new inputs\n' \
    "$name" "$(stat number_of_executed_units)" "$seconds" "$(stat new_units_added)"
else
  printf '%s: FAILED. The end of %s:\n' "$name" "$log"
  tail -n 60 "$log"
  sed -n 's/.*Test unit written to /the input that does it: /p' "$log"
  exit 1
fi
