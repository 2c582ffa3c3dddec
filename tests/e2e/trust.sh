#!/usr/bin/env bash
# Trust with ceilings, hosts by pattern, and strangers, from a configuration file, through the real gateway.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway examples/delegation/files_mcp
failures=0

# expect CODE NAME COMMAND…: the command ends as CODE says: `ok`, or a refusal of this name.
expect() {
    local wanted=$1 name=$2 status=0 said
    shift 2
    said=$("$@" 2>&1) || status=$?
    if { [ "$wanted" = ok ] && [ "$status" = 0 ]; } ||
        { [ "$wanted" != ok ] && [ "$status" = 1 ] && [[ $said == *" $wanted "* ]]; }; then
        echo "ok   $name: $wanted"
    else
        echo "FAIL $name: wanted $wanted, got $status: ${said:0:200}"
        failures=$((failures + 1))
    fi
}

# ask_tool KEY TOKEN TOOL ARGUMENTS: a proven call.
ask_tool() {
    "$bin/aip-token" call --key "$work/$1.key" --token "$work/$2.token" --accept-unsigned "$gateway" --mcp "$3" "$4"
}

# root NAME TO SCOPE TTL [OPTION…] >TOKEN
root() {
    local name=$1 to=$2 scope=$3 ttl=$4
    shift 4
    "$bin/aip-token" issue --key "$work/$name.key" --to "$(<"$work/$to.did")" --scope "$scope" --ttl "$ttl" "$@"
}

for name in partner machine stranger other agent worker; do
    new_identity "$name" >/dev/null
done
start files "$bin/examples/delegation/files_mcp" --root "$project/examples/delegation/docs" --port 0
cat >"$work/gateway.yaml" <<END
listen:
  port: 0
upstream:
  url: ${address[files]}
audit:
  file: $work/trust.audit
trust:
  - root: $(<"$work/partner.did")
    scope: ["tool:search"]
    max_depth: 1
    ttl: 1h
  - root: $(<"$work/machine.did")
    scope: ["tool:word_count"]
    bearer: true
unknown:
  name: guest
  scope: ["tool:search"]
  max_depth: 0
  ttl: 10m
  requests_per_minute: 8
END
start trust "$bin/aip-gateway" --config "$work/gateway.yaml"
gateway=${address[trust]}
audit=$work/trust.audit

root partner agent 'tool:*' 2h --max-depth 3 >"$work/agent.token"
expect ok 'within the ceiling' ask_tool agent agent search '{"query":"tide"}'
expect trust.scope 'more than the root is trusted with' ask_tool agent agent read_file '{"path":"tides.txt"}'
expect call.refused: 'which the command names as an answer' ask_tool agent agent read_file '{"path":"tides.txt"}'
"$bin/aip-token" delegate --key "$work/agent.key" --to "$(<"$work/worker.did")" --scope 'tool:*' --context one \
    <"$work/agent.token" >"$work/worker.token"
expect ok 'one hop further' ask_tool worker worker search '{"query":"tide"}'
"$bin/aip-token" delegate --key "$work/worker.key" --to "$(<"$work/other.did")" --scope 'tool:*' --context two \
    <"$work/worker.token" >"$work/other.token"
expect trust.depth 'two hops, where one is trusted' ask_tool other other search '{"query":"tide"}'
root partner agent 'tool:*' 2h --max-depth 3 --now "$(($(date +%s) - 3601))" >"$work/old.token"
expect trust.expired 'older than is trusted, and not expired' ask_tool agent old search '{"query":"tide"}'

root machine agent 'tool:*' 2h --max-depth 0 >"$work/machine.token"
ask "$work/machine.token" '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"word_count","arguments":{"path":"tides.txt"}}}'
expect ok 'a bearer where the root says so' allowed
root partner agent 'tool:search' 2h --max-depth 0 >"$work/bearer.token"
ask "$work/bearer.token" '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"query":"tide"}}}'
expect ok 'a bearer where the root does not' refused proof.missing

root stranger agent 'tool:*' 5m --max-depth 0 >"$work/guest.token"
expect ok 'a stranger as a guest' ask_tool agent guest search '{"query":"tide"}'
expect trust.scope 'a guest wants more' ask_tool agent guest read_file '{"path":"tides.txt"}'
root other worker 'tool:*' 5m --max-depth 0 >"$work/guest2.token"
expect trust.rate 'guests share their requests' ask_tool worker guest2 search '{"query":"tide"}'
expect ok 'a listed root is not held up by guests' ask_tool agent agent search '{"query":"tide"}'
if grep -q '"decision":"BLOCK","code":"trust.rate"' "$work/trust.audit"; then
    echo 'ok   the log names the refusals'
else
    echo 'FAIL the log does not name trust.rate'
    failures=$((failures + 1))
fi

# Two gateways on one database: what is brought to one counts at the other within a second.
root partner agent 'tool:search' 1h --max-depth 0 >"$work/shared.token"
for name in first second; do
    start "$name" "$bin/aip-gateway" --upstream "${address[files]}" --port 0 --trust "$(<"$work/partner.did")" \
        --audit "$work/$name.audit" --store "$work/shared.db"
done
gateway=${address[second]}
expect ok 'before the revocation' ask_tool agent shared search '{"query":"tide"}'
expect ok 'brought to one gateway' "$bin/aip-token" revoke --key "$work/partner.key" --chain "$work/shared.token" \
    --post "${address[first]%/mcp}"
sleep 1.1
expect token.revoked 'and known to the other' ask_tool agent shared search '{"query":"tide"}'
exit "$((failures > 0))"
