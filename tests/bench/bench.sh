#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The load test: a daemon of its own in a temporary folder, first in ClawShield mode, then in demo mode. Then how fast
# a log of a million entries is verified.
# usage: bench.sh [--seconds N] [--connections A,B,...] [--entries N]
set -eu
cd "$(dirname "$0")/../.."
bin=$PWD/build/release/bin
load=$PWD/build/release/tests/bin/openexec-load
seconds=10
connections=1,16,64,256
entries=1000000
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2 ;;
    --connections) connections=$2 ;;
    --entries) entries=$2 ;;
    *)
      echo "usage: bench.sh [--seconds N] [--connections A,B,...] [--entries N]" >&2
      exit 2
      ;;
  esac
  shift 2
done

dir=$(mktemp -d)
daemon=
finish() {
  [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
  wait
  rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

# measure MODE [LOAD OPTION...]: one daemon, every number of connections.
measure() {
  mode=$1
  shift
  OPENEXEC_MODE=$mode OPENEXEC_DB_URL=lmdb://$dir/$mode "$bin/openexecd" --socket "$dir/$mode.sock" 2>"$dir/$mode.log" &
  daemon=$!
  tries=0
  until "$bin/openexec" --socket "$dir/$mode.sock" ready >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
      cat "$dir/$mode.log" >&2
      exit 1
    fi
    sleep 0.1
  done
  printf '\n%s mode, echo, %s s each, %s\n' "$mode" "$seconds" "$(nproc) cores, load generator included"
  "$load" --socket "$dir/$mode.sock" --connections "$connections" --seconds "$seconds" --check-log "$@"
  kill "$daemon"
  wait "$daemon" # it stops in order, or the run fails
  daemon=
}

(cd "$dir" && "$bin/openexec" keygen approver >/dev/null)
export CLAWSHIELD_PUBLIC_KEY="$dir/approver.pub" CLAWSHIELD_TENANT_ID=bench
measure clawshield --key "$dir/approver.pem" --tenant bench
measure demo

# verify MODE ENTRIES: how fast a whole log is checked.
verify() {
  "$PWD/build/release/tests/bin/openexec-make-store" "$dir/log-$1" "$2" "$1"
  begin=$(date +%s%N)
  "$bin/openexec" log verify --json "$dir/log-$1" >/dev/null
  took_ms=$((($(date +%s%N) - begin) / 1000000))
  printf '\nlog verify, %s mode: %s entries in %s ms, %s a second\n' "$1" "$2" "$took_ms" "$(($2 * 1000 / took_ms))"
  rm -r "$dir/log-$1"
}

verify demo "$entries"
verify clawshield "$((entries / 10))"
