#!/usr/bin/env bash
# The MCP Inspector's command line through the gateway, to a server of the SDK and to the official test server.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
source "$here/node_lib.sh"
need aip-did aip-token aip-gateway
need_packages 'inspector'

# inspect TOKEN_NAME METHOD [OPTION…]: what it prints is in $work/reply.
inspect() {
    local name=$1 method=$2
    shift 2
    HOME=$work timeout 60 "$node" "$packages/@modelcontextprotocol/inspector/clients/launcher/build/index.js" --cli \
        "$gateway" --transport http --header "X-AIP-Token: $(<"$work/$name.token")" --method "$method" "$@" \
        >"$work/reply" 2>&1
}

# shows TEXT TOKEN_NAME METHOD [OPTION…]
shows() {
    local text=$1
    shift
    inspect "$@" && grep -q -F -e "$text" "$work/reply"
}

# denied CODE TOKEN_NAME METHOD [OPTION…]: it fails, and the log says why.
denied() {
    local code=$1
    shift
    ! inspect "$@" && grep -q -F '"decision":"BLOCK","code":"'"$code"'"' "$audit"
}

issue_all agent
new_identity reader >/dev/null
"$bin/aip-token" issue --key "$work/organisation.key" --to "$(<"$work/reader.did")" --scope 'tool:echo' --max-depth 0 \
    --ttl 1h >"$work/reader.token"
new_identity stranger >/dev/null
"$bin/aip-token" issue --key "$work/stranger.key" --to "$(<"$work/reader.did")" --scope 'tool:*' --max-depth 0 \
    --ttl 1h >"$work/stranger.token"
start ours "$node" "$bin/e2e/mcp_server.mjs"
# One of its tools prints its environment, and it would listen everywhere.
start everything env -i PORT=0 "$node" --require "$here/loopback.cjs" \
    "$packages/@modelcontextprotocol/server-everything/dist/index.js" streamableHttp
start_gateway gateway-ours "${address[ours]}" "$organisation" --quiet
check 'tools/list' shows '"echo"' agent tools/list
check 'tools/call' shows 'Echo: hello' agent tools/call --tool-name echo --tool-arg message=hello
check 'resources/list' shows '"uri"' agent resources/list
check 'prompts/get' shows "arg2='y'" agent prompts/get --prompt-name test_prompt_with_arguments \
    --prompt-args arg1=x arg2=y
check 'a short token sees its tool' shows '"echo"' reader tools/list
check 'and no other' test "$(grep -c '"inputSchema"' "$work/reply")" = 1
check 'a resource outside it is refused' denied scope.insufficient reader resources/read --uri test://static-text
check 'a token of nobody known is refused' denied trust.root.unknown stranger tools/list
start_gateway gateway-everything "${address[everything]}" "$organisation" --quiet
check 'server-everything: tools/list' shows '"echo"' agent tools/list
check 'server-everything: tools/call' shows 'Echo: hello' agent tools/call --tool-name echo --tool-arg message=hello
[ "$failed" = 0 ]
