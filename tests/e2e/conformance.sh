#!/usr/bin/env bash
# The MCP conformance suite, both eras: no check of a server that passes directly fails through the gateway, and none of
# a client does. The scenarios with an authorization server are left out: a gateway has its own.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
source "$here/node_lib.sh"
need aip-did aip-token aip-gateway aip-audit
need_packages 'conformance'

# suite NAME URL REVISION: its exit status tells of failures that the server has directly as well.
suite() {
    mkdir -p "$work/$1"
    timeout 240 "$node" "$packages/@modelcontextprotocol/conformance/dist/index.js" server --url "$2" \
        --requirements "$3" --output-dir "$work/$1" >"$work/$1.log" 2>&1 || true
}

# clients REVISION SCENARIO…: the suite is the server of each, and looks at what comes through a gateway.
clients() {
    local revision=$1
    shift
    printf '%s\n' "$@" | xargs -P 2 -I '{}' timeout 60 "$node" \
        "$packages/@modelcontextprotocol/conformance/dist/index.js" client --spec-version "$revision" --scenario '{}' \
        --command "$node $bin/e2e/conformance_client.mjs $bin/aip-gateway ${organisation#did:aip:} $work/agent.token" \
        --output-dir "$work/clients-$revision" >"$work/clients-$revision.log" 2>&1 || true
    echo "     $revision:"
    "$node" "$bin/e2e/conformance.mjs" judge "$work/clients-$revision" "$#" || failures=1
}

issue_all agent
start server "$node" "$bin/e2e/mcp_server.mjs"
start shim "$node" "$bin/e2e/conformance.mjs" shim "$work/target" "$work/agent.token"
shim=${address[shim]}
start_gateway conformance "${address[server]}" "$organisation" --quiet --allow-origin "${shim%/mcp}" \
    --allow-origin "http://localhost:${shim##*:}"
echo "$gateway" >"$work/target"
failures=0
for revision in 2025-11-25 2026-07-28; do
    suite "direct-$revision" "${address[server]}" "$revision"
    suite "gateway-$revision" "$shim" "$revision"
    echo "     $revision:"
    "$node" "$bin/e2e/conformance.mjs" compare "$work/direct-$revision" "$work/gateway-$revision" || failures=1
done
mkdir "$work/clients-2025-11-25" "$work/clients-2026-07-28"
clients 2025-11-25 initialize tools_call elicitation-sep1034-client-defaults sse-retry json-schema-2020-12-preservation
clients 2026-07-28 tools_call request-metadata http-standard-headers http-custom-headers http-invalid-tool-headers \
    json-schema-ref-no-deref sep-2322-client-request-state json-schema-2020-12-preservation
[ -z "${KEEP_RESULTS:-}" ] || cp -r "$work" "$KEEP_RESULTS"
check 'the log of all this is whole' grep -q '^whole:' <("$bin/aip-audit" verify "$audit")
[ "$failures" = 0 ] && [ "$failed" = 0 ]
