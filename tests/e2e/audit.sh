#!/usr/bin/env bash
# The log of a real gateway under aip-audit: verified, shown, compared with the receipts that callers got, tampered with.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway aip-audit examples/delegation/files_mcp
failures=0

# verdict NAME COMMAND…: ok when the command succeeds.
verdict() {
    local name=$1 said status=0
    shift
    said=$("$@" 2>&1) || status=$?
    if [ "$status" = 0 ]; then
        echo "ok   $name"
    else
        echo "FAIL $name: status $status: ${said:0:300}"
        failures=$((failures + 1))
    fi
}

# says PATTERN STATUS COMMAND…: it ends with that status, and its output holds the pattern.
says() {
    local pattern=$1 wanted=$2 status=0 said
    shift 2
    said=$("$@" 2>&1) || status=$?
    [ "$status" = "$wanted" ] && grep -q -e "$pattern" <<<"$said" || { printf '%s\n' "$status: $said"; return 1; }
}

# ask_proven AGENT TOKEN TOOL ARGUMENTS: a call whose receipt is kept in $work/AGENT.receipts.
ask_proven() {
    local agent=$1 token=$2
    shift 2
    "$bin/aip-token" prove --key "$work/$agent.key" --token "$work/$token.token" -d "$(call "$@")" "$gateway" >"$work/header"
    curl --silent --max-time 20 --noproxy '*' --output "$work/reply" --dump-header "$work/head" \
        --header 'Content-Type: application/json' --header 'Accept: application/json, text/event-stream' \
        --header "@$work/header" --data-binary "$(call "$@")" "$gateway" || true
    sed -n 's/^[Xx]-[Aa][Ii][Pp]-[Rr]eceipt: *//p' "$work/head" | tr -d '\r' >>"$work/$agent.receipts"
}

# grant FROM TO NEW VERB [OPTION…]
grant() {
    local from=$1 to=$2 new=$3
    shift 3
    "$bin/aip-token" "$@" --key "$work/$from.key" --to "$(<"$work/$to.did")" >"$work/$new.token"
}

count() {
    "$bin/aip-audit" show "$log" --json --event decision "$@" | wc -l
}

for name in organisation agent worker gateway; do
    new_identity "$name" >/dev/null
done
did=$(<"$work/gateway.did")
grant organisation agent agent issue --scope 'tool:*' --max-depth 3 --ttl 1h
grant agent worker worker delegate --scope tool:search --context 'find it' <"$work/agent.token"
start files "$bin/examples/delegation/files_mcp" --root "$project/examples/delegation/docs" --port 0
start_gateway audited "${address[files]}" "$(<"$work/organisation.did")" --key "$work/gateway.key" --quiet \
    --audit-checkpoint-lines 3
log=$audit
: >"$work/agent.receipts"
: >"$work/worker.receipts"
for i in 1 2 3; do
    ask_proven agent agent search '{"query":"tide"}'
    ask_proven worker worker search '{"query":"tide"}'
done
ask_proven worker worker word_count '{"path":"a"}'
ask_proven agent agent search '{"query":"tide"}'
ask - "$(call search '{"query":"tide"}')"
stop files || true
ask_proven agent agent search '{"query":"tide"}'
stop audited || true

audit_tool=$bin/aip-audit
verdict 'the log of a real gateway is whole' says '^whole:' 0 "$audit_tool" verify "$log"
verdict 'as JSON too' says '"valid":true' 0 "$audit_tool" verify "$log" --json
verdict 'a checkpoint after each three lines' test "$(grep -c '"event":"checkpoint"' "$log")" -ge 6
verdict 'its checkpoints are of its gateway' says 'signatures good' 0 "$audit_tool" verify "$log" --did "$did"
grep -v '"event":"checkpoint"' "$log" >"$work/unsigned"
verdict 'a log without checkpoints is no signed one' says 'audit.checkpoint' 1 "$audit_tool" verify "$work/unsigned" --did "$did"
verdict 'all decisions are shown' test "$(count)" = 10
verdict 'those of one agent' test "$(count --agent "$(<"$work/worker.did")")" = 4
verdict 'those that were refused' test "$(count --decision BLOCK)" = 2
verdict 'those of one tool' test "$(count --tool word_count)" = 1
verdict 'none before the log began' test "$(count --until 2020-01-01T00:00:00Z)" = 0
root_link=$("$audit_tool" show "$log" --json --agent "$(<"$work/agent.did")" | sed -n '1s/.*"links":\["\([^"]*\)".*/\1/p')
verdict 'everything under the root link' test "$(count --link "$root_link")" -ge 9
leaf_link=$("$audit_tool" show "$log" --json --agent "$(<"$work/worker.did")" | sed -n '1s/.*"links":\[[^]]*,"\([^"]*\)"\],.*/\1/p')
verdict 'everything under the link of the worker' test "$(count --link "$leaf_link")" = 4
verdict 'a table for people' says 'BLOCK *scope.insufficient *word_count' 0 "$audit_tool" show "$log" --decision BLOCK
verdict 'a time that is none' says 'usage' 2 "$audit_tool" show "$log" --since yesterday

cat "$work"/agent.receipts "$work"/worker.receipts >"$work/all.receipts"
head -n 1 "$work/agent.receipts" >"$work/one.receipt"
verdict 'a receipt is shown and judged' says 'signature good' 0 "$audit_tool" receipt "$work/one.receipt" --did "$did"
verdict 'and not believed unjudged' says 'NOT VERIFIED' 0 "$audit_tool" receipt - <"$work/one.receipt"
verdict 'a receipt of another gateway' says 'proof.key' 1 "$audit_tool" receipt "$work/one.receipt" --did "$(<"$work/agent.did")"
verdict 'log and receipts agree' says '^9 agree, 0 differ, 0 in the log only, 0 in receipts only' 0 \
    "$audit_tool" reconcile "$log" "$work/all.receipts" --did "$did"
sed 's/"decision":"ALLOW"/"decision":"ALLOW_MONITOR"/; s/"decision":"BLOCK"/"decision":"RATE_LIMITED"/' "$log" >"$work/worded"
verdict 'whatever word the policy used' says '^9 agree, 0 differ' 0 "$audit_tool" reconcile "$work/worded" \
    "$work/all.receipts" --did "$did"
sed 's/"decision":"ALLOW"/"decision":"RATE_LIMITED"/' "$log" >"$work/worded"
verdict 'but not for the opposite' says 'differs.*decision' 1 "$audit_tool" reconcile "$work/worded" "$work/all.receipts" \
    --did "$did"
verdict 'receipts of one party' says '0 in the log only' 0 "$audit_tool" reconcile "$log" "$work/worker.receipts" \
    --did "$did" --agent "$(<"$work/worker.did")"
verdict 'what the party does not have' says '5 in the log only' 1 "$audit_tool" reconcile "$log" "$work/worker.receipts" \
    --did "$did"
"$bin/aip-did" log start --key "$work/gateway.key" --log "$work/gateway.log" --next-out "$work/next.key" >/dev/null
verdict 'a receipt by the key log of its gateway' says 'signature good' 0 "$audit_tool" receipt "$work/one.receipt" \
    --log "$work/gateway.log"

verdict 'aip-token shows a receipt' says '^  decision *ALLOW' 0 "$bin/aip-token" receipt show "$work/one.receipt"
verdict 'and says that it did not judge it' says 'not verified' 0 "$bin/aip-token" receipt show - <"$work/one.receipt"
verdict 'aip-token judges a receipt' says 'valid receipt' 0 "$bin/aip-token" verify --trust "$did" <"$work/one.receipt"
verdict 'as JSON too' says '"typ":"aip-receipt+jwt","statement":{' 0 "$bin/aip-token" verify --trust "$did" --json \
    <"$work/one.receipt"
verdict 'not by another gateway' says 'proof.key' 1 "$bin/aip-token" verify --trust "$(<"$work/agent.did")" \
    <"$work/one.receipt"
verdict 'a receipt covers no tool' says 'usage' 2 "$bin/aip-token" verify --trust "$did" --tool search <"$work/one.receipt"

# An agent closes its work.
"$bin/aip-token" complete --key "$work/worker.key" --token "$work/worker.token" --status done --result "$work/one.receipt" \
    --cost 0.25 --context 'all read' >"$work/completion"
verdict 'a completion is judged' says 'valid completion' 0 "$bin/aip-token" verify --trust "$(<"$work/worker.did")" \
    <"$work/completion"
verdict 'and is of nobody else' says 'proof.key' 1 "$bin/aip-token" verify --trust "$(<"$work/agent.did")" <"$work/completion"
verdict 'only the holder closes the work' says 'proof.key' 1 "$bin/aip-token" complete --key "$work/agent.key" \
    --token "$work/worker.token" --status done
verdict 'a status that is none' says 'token.claim.invalid' 1 "$bin/aip-token" complete --key "$work/worker.key" \
    --token "$work/worker.token" --status great
verdict 'a completion is no token' says 'token\.' 1 "$bin/aip-token" inspect <"$work/completion"

# The shape of other logs.
"$audit_tool" show "$log" --format aip >"$work/projected"
verdict 'the shape of other logs' python3 "$here/audit_chain.py" "$work/projected" --projected "$(count)"
verdict 'a shape that is none' says 'usage' 2 "$audit_tool" show "$log" --format xml

signed=$project/tests/fuzz/corpus/audit/checkpoints # of a gateway with a key known to all
signer=did:aip:z6MkepG3hrn6ZzUFkJqNtMHHrSNibtDxvQ66M45HHujy587L
verdict 'checkpoints by the DID of the gateway' says '3 checkpoints, signatures good' 0 "$audit_tool" verify "$signed" \
    --did "$signer"
verdict 'by its key' says '"checkpoints":3' 0 "$audit_tool" verify "$signed" --key "${signer#did:aip:}" --json
verdict 'unjudged, which is said' says 'SIGNATURES NOT JUDGED' 0 "$audit_tool" verify "$signed"
verdict 'not by another DID' says ':3: audit.checkpoint' 1 "$audit_tool" verify "$signed" --did "$did"
verdict 'nor by another key' says ':3: audit.checkpoint' 1 "$audit_tool" verify "$signed" --key "${did#did:aip:}"
verdict 'nor by another key log' says ':3: audit.checkpoint' 1 "$audit_tool" verify "$signed" --log "$work/gateway.log"
kinds=$project/tests/fuzz/corpus/audit/kinds # a line of every kind, by the same gateway
verdict 'a log with a completion' says '^1 completion statements' 0 "$audit_tool" verify "$kinds" --did "$signer"
verdict 'which is shown' says 'completion  *done' 0 "$audit_tool" show "$kinds" --agent "$signer"
verdict 'by its link' says 'completion  *done' 0 "$audit_tool" show "$kinds" --link "$(printf 'A%.0s' {1..43})"
verdict 'alerts alone' test "$("$audit_tool" show "$kinds" --event alert --json | wc -l)" = 1
verdict 'an event that is none' says 'usage' 2 "$audit_tool" show "$kinds" --event nonsense
sed 's/"status":"done"/"status":"failed"/' "$kinds" >"$work/other-word"
verdict 'a completion that says other than was signed' says 'audit\.changed\|audit\.completion' 1 \
    "$audit_tool" verify "$work/other-word"
verdict 'two signers at once are none' says 'usage' 2 "$audit_tool" verify "$signed" --did "$did" --log "$work/gateway.log"

last_id=$(grep '"leaf":"'"$(<"$work/worker.did")"'"' "$log" | tail -n 1 | sed 's/.*"decision_id":"\([^"]*\)".*/\1/')
grep -v "\"decision_id\":\"$last_id\"" "$log" >"$work/shortened"
verdict 'what the log does not have' says "receipt_only *$last_id" 1 "$audit_tool" reconcile "$work/shortened" \
    "$work/all.receipts" --did "$did"
verdict 'and the log shows that a line is gone' says 'audit.missing' 1 "$audit_tool" verify "$work/shortened"
sed "s/\(\"decision_id\":\"$last_id\",\"decision\":\)\"[A-Z]*\"/\1\"BLOCKED\"/" "$log" >"$work/changed"
verdict 'a changed line is named' says "changed:$(grep -n -m 1 "$last_id" "$log" | cut -d: -f1): audit.changed" 1 \
    "$audit_tool" verify "$work/changed"
verdict 'and differs from its receipt' says "differs *$last_id.*decision" 1 "$audit_tool" reconcile "$work/changed" \
    "$work/all.receipts" --did "$did"
verdict 'by name' says '"audit\.differs"' 1 "$audit_tool" reconcile "$work/changed" "$work/all.receipts" --did "$did" --json
sed '2s/.*/{"event":"nonsense"}/' "$log" >"$work/nonsense"
verdict 'a line that no gateway writes is named' says 'nonsense:2: audit.malformed' 1 "$audit_tool" verify "$work/nonsense"
head -c -10 "$log" >"$work/torn"
verdict 'a torn line is named' says "torn:$(wc -l <"$log"): audit.cut" 1 "$audit_tool" verify "$work/torn"
known=$("$audit_tool" verify "$log" | sed -n 's/^known: //p')
head -n -1 "$log" >"$work/cut"
verdict 'a cut end is found by what was known' says 'audit.cut' 1 "$audit_tool" verify "$work/cut" --known "$known"
verdict 'a log that is not there' says 'io' 3 "$audit_tool" verify "$work/nowhere"
verdict 'the Python check agrees' python3 "$here/audit_chain.py" "$log"

# What is written while one looks on.
"$audit_tool" show "$work/followed" --follow --json >"$work/seen" 2>/dev/null &
pid[early]=$!
wait "${pid[early]}" 2>/dev/null || true # there is no such file yet
unset 'pid[early]'
head -n 2 "$log" >"$work/followed"
"$audit_tool" show "$work/followed" --follow --json >"$work/seen" 2>/dev/null &
pid[follower]=$!
sleep 0.5
sed -n '3,4p' "$log" >>"$work/followed"
mv "$work/followed" "$work/followed.1"
sed -n '5,6p' "$log" >"$work/followed"
sleep 1
stop follower || true
verdict 'what is written is followed over a rotation' test "$(wc -l <"$work/seen")" = 6

[ "$failures" = 0 ]
