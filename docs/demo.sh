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
umask 077 # what others could write, the daemon refuses
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

# refunds COUNT: the ledger has so many lines.
refunds() {
  lines=0
  [ ! -e ledger/refunds ] || lines=$(wc -l <ledger/refunds)
  [ "$lines" -eq "$1" ] || wrong "the ledger has $lines lines where $1 were due"
}

# wait_until WHAT_IF_NOT COMMAND...: until it succeeds, for a minute at most.
wait_until() {
  complaint=$1
  shift
  waited=0
  until "$@" >/dev/null 2>&1; do
    waited=$((waited + 1))
    [ "$waited" -lt 600 ] || wrong "$complaint"
    sleep 0.1
  done
}

# Starts the daemon and waits until it answers.
start_daemon() {
  OPENEXEC_MODE=clawshield CLAWSHIELD_TENANT_ID=acme CLAWSHIELD_PUBLIC_KEY=ops.pub \
    OPENEXEC_ALLOWED_ACTIONS=payment.refund openexecd --config openexec.toml 2>&1 &
  daemon=$!
  wait_until 'the daemon does not answer' command openexec ready --json
}

# Nothing of a run is left: no process has the script on its command line.
no_refund_runs() { ! grep -qs "$work/refund.sh" /proc/[0-9]*/cmdline; }

proves() { printf '\n=> %s\n' "$1"; }

step 'The approver makes a key pair'
expect 0 'openexec keygen ops'
proves 'The secret key stays with the approver. Neither the agent nor the daemon ever has it.'

step 'A witness makes a key of its own, on another host in real life'
expect 0 'openexec witness init audit.example/w1 --dir witness > audit.vkey'
proves 'Three roles, three keys: who approves, who runs, and who keeps watch over the log.'

step 'The operator defines what agents may ask for: a command, its payload, its sandbox'
mkdir ledger actions.d
cat >refund.sh <<'END'
# Pays an order back: one line in the ledger. Then it waits for the bank, which may take its time.
printf 'order %s refunded: %s cents\n' "$1" "$2" >>"$LEDGER/refunds"
while [ -e "$LEDGER/bank-is-slow" ]; do sleep 0.1; done
echo paid
END
cat >actions.d/payment.refund.toml <<END
name = "payment.refund"
description = "Pay an order back"
argv = ["/usr/bin/dash", "$work/refund.sh", "{order}", "{cents}"]
env = { LEDGER = "$work/ledger" }
timeout = "60s"

[schema.properties]
order = { type = "string", pattern = "^[0-9]{1,10}\$" }
cents = { type = "integer", minimum = 1, maximum = 50000 }

[sandbox]
read = ["/usr", "$work/refund.sh"]
write = ["$work/ledger"]
END
expect 0 'cat actions.d/payment.refund.toml'
proves 'Nothing interprets a payload: {order} is one whole argument. The command may read its script, write the ledger, and no more.'

step 'The daemon starts: it trusts these public keys, and serves one tenant'
expect 0 "printf '[log]\nwitnesses = [\"%s\"]\n' \"\$(cat audit.vkey)\" > openexec.toml"
# shellcheck disable=SC2016 # shown as typed
printf '$ OPENEXEC_MODE=clawshield CLAWSHIELD_TENANT_ID=acme CLAWSHIELD_PUBLIC_KEY=ops.pub \\\n  OPENEXEC_ALLOWED_ACTIONS=payment.refund openexecd --config openexec.toml &\n'
start_daemon
printf '\n'
expect 0 'openexec health'
proves 'From here on nothing runs that the approver did not sign.'

step 'The agent asks for something that nobody approved'
expect 1 "openexec execute payment.refund '{\"order\":\"1001\",\"cents\":4999}'"
entry 0 denied approval_required
refunds 0
proves 'No approval, no execution; and the attempt is on record.'

step 'The approver signs exactly that request'
expect 0 "openexec approve --action payment.refund --payload '{\"order\":\"1001\",\"cents\":4999}' --tenant acme --key ops.pem --out 1001.json --yes"
proves 'One action, one payload, one tenant, five minutes, one use.'

step 'The agent sends it with the approval'
expect 0 "openexec execute payment.refund '{\"order\":\"1001\",\"cents\":4999}' --approval 1001.json --nonce refund-1001"
entry 2 executed
printf '\n'
expect 0 'cat ledger/refunds'
refunds 1
proves 'It ran: claimed on disk before it started (entry 1), recorded on disk before the answer left (entry 2).'

step 'The same request again'
expect 0 "openexec execute payment.refund '{\"order\":\"1001\",\"cents\":4999}' --approval 1001.json --nonce refund-1001"
command openexec execute payment.refund '{"order":"1001","cents":4999}' --approval 1001.json --nonce refund-1001 --json >again.json
grep -q '"replayed": true' again.json || wrong 'the request was not replayed'
entries 3
refunds 1
proves 'It did not run again: the answer is the stored one, the log has no new entry, the ledger no new line.'

step 'The agent changes the payload and shows the same approval'
expect 1 "openexec execute payment.refund '{\"order\":\"1001\",\"cents\":49990}' --approval 1001.json"
entry 3 denied approval_mismatch
refunds 1
proves 'An approval is for one payload, to the byte.'

step 'The agent uses the approval a second time, with another nonce'
expect 1 "openexec execute payment.refund '{\"order\":\"1001\",\"cents\":4999}' --approval 1001.json --nonce refund-1001-again"
entry 4 denied approval_used
refunds 1
proves 'An approval runs once, whatever the nonce.'

step 'Sixteen agents send one approved request at the same moment'
expect 0 "openexec approve --action payment.refund --payload '{\"order\":\"1002\",\"cents\":250}' --tenant acme --key ops.pem --out 1002.json --yes"
printf '\n'
cat >send.sh <<'END'
exec openexec execute payment.refund '{"order":"1002","cents":250}' --approval 1002.json --nonce refund-1002 --json
END
expect 0 'seq 16 | xargs -P 16 -I N sh -c "sh send.sh > sent-N.json"'
expect 0 'cat sent-*.json | grep -c "\"status\": \"executed\""'
[ "$(cat sent-*.json | grep -c '"status": "executed"')" -eq 16 ] || wrong 'not all of the sixteen got the result'
[ "$(cat sent-*.json | grep -c '"replayed": false')" -eq 1 ] || wrong 'not one of the sixteen was the one that ran'
expect 0 'cat ledger/refunds'
refunds 2
proves 'Sixteen answers, all the same; one run, one line in the ledger.'

step 'The daemon is killed with SIGKILL while a refund is under way'
expect 0 "openexec approve --action payment.refund --payload '{\"order\":\"1003\",\"cents\":100}' --tenant acme --key ops.pem --out 1003.json --yes"
printf '\n'
expect 0 'touch ledger/bank-is-slow'
# shellcheck disable=SC2016 # shown as typed
printf '$ openexec execute payment.refund %s --approval 1003.json --nonce refund-1003 &\n' "'{\"order\":\"1003\",\"cents\":100}'"
command openexec execute payment.refund '{"order":"1003","cents":100}' --approval 1003.json --nonce refund-1003 >/dev/null 2>&1 &
agent=$!
wait_until 'the refund did not start' grep -q 'order 1003' ledger/refunds
printf '$ kill -KILL %s\n' "$daemon"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || true
code=0
wait "$agent" || code=$?
[ "$code" -eq 4 ] || wrong "the agent's exit code was $code where 4 was due"
wait_until 'the command outlived the daemon' no_refund_runs
expect 0 'rm ledger/bank-is-slow'
proves 'The command died with the daemon. How far it came, the daemon cannot know.'

step 'The daemon starts again, and the agent asks what became of it'
start_daemon
printf '\n'
expect 4 "openexec execute payment.refund '{\"order\":\"1003\",\"cents\":100}' --approval 1003.json --nonce refund-1003"
entry 8 unknown
printf '\n'
expect 0 'cat ledger/refunds'
refunds 3
proves 'It says that it does not know, and runs nothing twice. A person looks at the ledger: the line is there, once.'

step 'The witness cosigns the log, over a pipe that could be ssh'
expect 0 'openexec log key > log.vkey'
expect 0 'openexec witness trust --dir witness @log.vkey'
expect 0 "openexec log push --exec 'openexec witness cosign --dir witness' --witness @audit.vkey"
proves 'What the witness has seen cannot be rewritten without it noticing. The daemon itself connects to nothing.'

step 'A receipt is taken away with its proof, and verified with no daemon'
expect 0 'openexec receipt show --nonce refund-1001 --proof refund.tlog-proof'
printf '\n'
expect 0 'openexec --socket /nonexistent receipt verify refund.tlog-proof --log-key @log.vkey --witness @audit.vkey --approver-key ops.pub'
proves 'One file and three public keys: it is in the log, the log is signed and witnessed, and ops approved this very request.'

step 'One character of the proof is changed'
expect 0 "sed 's/^index 2$/index 1/' refund.tlog-proof > forged.tlog-proof"
expect 1 'openexec receipt verify forged.tlog-proof --log-key @log.vkey'
proves 'A receipt that was changed proves nothing.'

step 'The whole log is checked, while the daemon runs'
expect 0 'openexec log verify --log-key @log.vkey --witness @audit.vkey'
proves 'Every entry, every hash of the tree, every claim, result and approval agree.'

step 'The daemon is asked to stop'
printf '$ kill -TERM %s\n' "$daemon"
entries 9
kill -TERM "$daemon"
code=0
wait "$daemon" || code=$?
daemon=
[ "$code" -eq 0 ] || wrong "the daemon ended with $code"
expect 3 "openexec info"
proves 'It finishes and answers what runs, then it ends.'

step 'Somebody with the rights of root changes one byte of that denial on the disk'
# shellcheck disable=SC2016 # shown as typed
expect 0 'cp -r state tampered'
grep -abo refund-1001-again tampered/data.mdb | cut -d: -f1 | while read -r offset; do
  expect 0 "printf G | dd of=tampered/data.mdb bs=1 seek=$offset conv=notrunc status=none"
done
expect 1 'openexec log verify tampered --log-key @log.vkey'
proves 'The entry is named. Who would also rewrite the tree and sign it anew would have to get past the witness.'

printf '\nAll %s steps did what they should.\n' "$number"
