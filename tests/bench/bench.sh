#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The load test: a daemon of its own in a temporary folder, first in ClawShield mode, then in demo mode. Then what a
# command costs beside a plain process, and how fast a log of a million entries is verified.
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

# measure NAME MODE WHAT CONNECTIONS [LOAD OPTION...]: one daemon, every number of connections.
measure() {
  name=$1 mode=$2 what=$3 numbers=$4
  shift 4
  OPENEXEC_MODE=$mode OPENEXEC_DB_URL=lmdb://$dir/$name "$bin/openexecd" --config "$dir/openexec.toml" \
    --socket "$dir/$name.sock" 2>"$dir/$name.log" &
  daemon=$!
  tries=0
  until "$bin/openexec" --socket "$dir/$name.sock" ready >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
      cat "$dir/$name.log" >&2
      exit 1
    fi
    sleep 0.1
  done
  printf '\n%s mode, %s, %s s each, %s\n' "$mode" "$what" "$seconds" "$(nproc) cores, load generator included"
  "$load" --socket "$dir/$name.sock" --connections "$numbers" --seconds "$seconds" "$@"
  kill "$daemon"
  wait "$daemon" # it stops in order, or the run fails
  daemon=
}

(cd "$dir" && "$bin/openexec" keygen approver >/dev/null)
export CLAWSHIELD_PUBLIC_KEY="$dir/approver.pub" CLAWSHIELD_TENANT_ID=bench
mkdir -m 700 "$dir/actions.d"
: >"$dir/openexec.toml"
cat >"$dir/actions.d/true.toml" <<'END'
name = "true"
description = "Ends with 0"
argv = ["/usr/bin/true"]
stdin = "none"
concurrency = 16
[schema]
additionalProperties = true
END
chmod 600 "$dir/openexec.toml" "$dir/actions.d/true.toml"
measure signed clawshield echo "$connections" --check-log --key "$dir/approver.pem" --tenant bench
measure unsigned demo echo "$connections" --check-log
measure command clawshield "the command true" 1,16 --action true --spawn /usr/bin/true \
  --key "$dir/approver.pem" --tenant bench

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
