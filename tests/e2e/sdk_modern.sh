#!/usr/bin/env bash
# The official SDK's clients of both eras, through the gateway, to one server of the SDK that serves both.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
source "$here/node_lib.sh"
need aip-did aip-token aip-gateway aip-audit
need_packages 'SDKs of both eras'

# chain NAME SCOPE…: two elements, the last of them for NAME.
chain() {
    local name=$1 scopes=() scope
    shift
    for scope; do
        scopes+=(--scope "$scope")
    done
    new_identity "$name" >/dev/null
    "$bin/aip-token" delegate --key "$work/agent.key" --to "$(<"$work/$name.did")" "${scopes[@]}" --max-depth 0 \
        --context 'end-to-end test' <"$work/agent.token" >"$work/$name.token"
}

issue_all agent
new_identity gateway >/dev/null
tools=()
for each in echo wait tell touch what_came test_headers test_sampling test_reconnection 'test_tool*' 'test_trigger*' \
    'test_input*' 'test_missing*'; do
    tools+=("tool:$each")
done
chain worker "${tools[@]}" 'prompt:*' 'resource:test:*'
chain other 'tool:echo' 'tool:wait' 'tool:test_tool*' 'resource:test:*'
start server "$node" "$bin/e2e/mcp_server.mjs"
start_gateway sdk "${address[server]}" "$organisation" --key "$work/gateway.key" --quiet
status=0
for era in modern legacy; do
    timeout 200 "$node" "$bin/e2e/sdk_$era.mjs" "$gateway" "$(<"$work/gateway.did")" "${address[server]}" \
        "$work/worker.token" "$work/worker.key" "$work/other.token" "$work/other.key" || status=1
done
check 'the log of all this is whole' grep -q '^whole:' <("$bin/aip-audit" verify "$audit")
check 'refusals stand in the log' grep -q '"decision":"BLOCK","code":"scope.insufficient"' "$audit"
[ "$status" = 0 ] && [ "$failed" = 0 ]
