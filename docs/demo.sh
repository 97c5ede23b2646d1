#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole story with real keys and a real daemon, in a folder of its own that is taken away at the end.
# usage: demo.sh FOLDER        where openexec and openexecd are
# Every step is checked: it ends with 0 only when each did what it should.
set -eu

bin=$(cd "${1:?usage: demo.sh FOLDER}" && pwd)
work=$(mktemp -d /tmp/openexec-demo.XXXXXX)
daemon=

clean_up() {
  if [ -n "$daemon" ]; then
    kill -KILL "$daemon" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

cd "$work"
PATH=$bin:$PATH
OPENEXEC_SOCKET=$work/socket
OPENEXEC_DB_URL=lmdb://$work/state
export PATH OPENEXEC_SOCKET OPENEXEC_DB_URL
unset OPENEXEC_MODE OPENEXEC_ALLOWED_ACTIONS CLAWSHIELD_PUBLIC_KEY CLAWSHIELD_TENANT_ID

# What a person gets on a terminal, also when this is piped.
openexec() { command openexec --format human "$@"; }

number=0
step() {
  number=$((number + 1))
  printf '\n%s. %s\n\n' "$number" "$1"
}

wrong() {
  printf '\nThe demo went wrong: %s\n' "$1" >&2
  exit 1
}

# expect CODE COMMAND: shows a command line, runs it, and checks its exit code.
expect() {
  printf '$ %s\n' "$2"
  code=0
  eval "$2" 2>&1 || code=$?
  [ "$code" -eq "$1" ] || wrong "exit code $code where $1 was due"
}

# entry INDEX KIND [REASON]: shows the log entry that an attempt left, and checks it.
entry() {
  printf '\n'
  expect 0 "openexec receipt show --index $1"
  command openexec receipt show --index "$1" --json >entry.json
  grep -q "\"kind\": \"$2\"" entry.json || wrong "entry $1 is not of kind $2"
  [ -z "${3-}" ] || grep -q "\"reason\": \"$3\"" entry.json || wrong "entry $1 does not say $3"
}

# entries COUNT: the log has so many.
entries() {
  command openexec health --json | grep -q "\"size\": $1[,}]" || wrong "the log does not have $1 entries"
}

proves() { printf '\n=> %s\n' "$1"; }

step 'The approver makes a key pair'
expect 0 'openexec keygen ops'
proves 'The secret key stays with the approver. Neither the agent nor the daemon ever has it.'

step 'A witness makes a key of its own, on another host in real life'
expect 0 'openexec witness init audit.example/w1 --dir witness > audit.vkey'
proves 'Three roles, three keys: who approves, who runs, and who keeps watch over the log.'

step 'The daemon starts: it trusts these public keys, and serves one tenant'
expect 0 "printf '[log]\nwitnesses = [\"%s\"]\n' \"\$(cat audit.vkey)\" > openexec.toml"
# shellcheck disable=SC2016 # shown as typed
printf '$ OPENEXEC_MODE=clawshield CLAWSHIELD_TENANT_ID=acme CLAWSHIELD_PUBLIC_KEY=ops.pub \\\n  OPENEXEC_ALLOWED_ACTIONS=echo openexecd --config openexec.toml &\n'
OPENEXEC_MODE=clawshield CLAWSHIELD_TENANT_ID=acme CLAWSHIELD_PUBLIC_KEY=ops.pub \
  OPENEXEC_ALLOWED_ACTIONS=echo openexecd --config openexec.toml 2>&1 &
daemon=$!
waited=0
until command openexec ready --json >/dev/null 2>&1; do
  kill -0 "$daemon" 2>/dev/null || wrong 'the daemon did not start'
  waited=$((waited + 1))
  [ "$waited" -lt 600 ] || wrong 'the daemon does not answer'
  sleep 0.1
done
printf '\n'
expect 0 'openexec health'
proves 'From here on nothing runs that the approver did not sign.'

step 'The agent asks for something that nobody approved'
expect 1 "openexec execute echo '{\"msg\":\"hello\"}'"
entry 0 denied approval_required
proves 'No approval, no execution; and the attempt is on record.'

step 'The approver signs exactly that request'
expect 0 "openexec approve --action echo --payload '{\"msg\":\"hello\"}' --tenant acme --key ops.pem --out hello.json --yes"
proves 'One action, one payload, one tenant, five minutes, one use.'

step 'The agent sends it with the approval'
expect 0 "openexec execute echo '{\"msg\":\"hello\"}' --approval hello.json --nonce greeting-1"
entry 1 executed
proves 'It ran, and the entry was durable before the answer left.'

step 'The same request again'
expect 0 "openexec execute echo '{\"msg\":\"hello\"}' --approval hello.json --nonce greeting-1"
command openexec execute echo '{"msg":"hello"}' --approval hello.json --nonce greeting-1 --json >again.json
grep -q '"replayed": true' again.json || wrong 'the request was not replayed'
entries 2
entry 1 executed
proves 'It did not run again: the answer is the stored one, and the log has no new entry.'

step 'The agent changes the payload and shows the same approval'
expect 1 "openexec execute echo '{\"msg\":\"hello, and give me root\"}' --approval hello.json"
entry 2 denied approval_mismatch
proves 'An approval is for one payload, to the byte.'

step 'The agent uses the approval a second time, with another nonce'
expect 1 "openexec execute echo '{\"msg\":\"hello\"}' --approval hello.json --nonce greeting-2"
entry 3 denied approval_used
proves 'An approval runs once, whatever the nonce.'

step 'The witness cosigns the log, over a pipe that could be ssh'
expect 0 'openexec log key > log.vkey'
expect 0 'openexec witness trust --dir witness @log.vkey'
expect 0 "openexec log push --exec 'openexec witness cosign --dir witness' --witness @audit.vkey"
proves 'What the witness has seen cannot be rewritten without it noticing. The daemon itself connects to nothing.'

step 'A receipt is taken away with its proof, and verified with no daemon'
expect 0 'openexec receipt show --nonce greeting-1 --proof greeting.tlog-proof'
printf '\n'
expect 0 'openexec --socket /nonexistent receipt verify greeting.tlog-proof --log-key @log.vkey --witness @audit.vkey --approver-key ops.pub'
proves 'One file and three public keys: it is in the log, the log is signed and witnessed, and ops approved this very request.'

step 'One character of the proof is changed'
expect 0 "sed 's/^index 1$/index 2/' greeting.tlog-proof > forged.tlog-proof"
expect 1 'openexec receipt verify forged.tlog-proof --log-key @log.vkey'
proves 'A receipt that was changed proves nothing.'

step 'The whole log is checked, while the daemon runs'
expect 0 'openexec log verify --log-key @log.vkey --witness @audit.vkey'
proves 'Every entry, every hash of the tree, every claim, result and approval agree.'

step 'The daemon is asked to stop'
printf '$ kill -TERM %s\n' "$daemon"
entries 4
kill -TERM "$daemon"
code=0
wait "$daemon" || code=$?
daemon=
[ "$code" -eq 0 ] || wrong "the daemon ended with $code"
expect 3 "openexec info"
proves 'It finishes and answers what runs, then it ends.'

step 'Somebody with the rights of root changes one byte of an entry on the disk'
# shellcheck disable=SC2016 # shown as typed
expect 0 'cp -r state tampered'
grep -abo greeting-1 tampered/data.mdb | cut -d: -f1 | while read -r offset; do
  expect 0 "printf G | dd of=tampered/data.mdb bs=1 seek=$offset conv=notrunc status=none"
done
expect 1 'openexec log verify tampered --log-key @log.vkey'
proves 'The entry is named. Who would also rewrite the tree and sign it anew would have to get past the witness.'

printf '\nAll %s steps did what they should.\n' "$number"
