#!/usr/bin/env bash
# Several servers at one address: every clause of spec/group.md before servers of our own, and the official SDK's
# clients of both eras before official servers over HTTP and as commands. PARTS names parts of groups_checks.py, or sdk.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
source "$here/node_lib.sh"
need aip-did aip-token aip-gateway aip-audit
status=0
parts=${PARTS:-}

# issue NAME AGENT SCOPE…: a token of one element; options of aip-token may stand among the scopes.
issue() {
    local name=$1 agent=$2 words=() word
    shift 2
    for word; do
        [[ $word == --* ]] && words+=("$word") || words+=(--scope "$word")
    done
    "$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/$agent.did")" --max-depth 0 --ttl 1h "${words[@]}" \
        >"$work/$name.token"
}

# ---- servers of our own ----

for name in root first second gate; do
    new_identity "$name" >/dev/null
done
printf '{"one__echo":{"n":{"type":"range","min":1,"max":10}}}' >"$work/constraints"
issue agent first 'tool:*' 'prompt:*' 'resource:*'
issue other second 'tool:*' 'prompt:*' 'resource:*'
issue prefixed first 'tool:one__echo' 'prompt:one__greet' 'resource:one.doc:*'
issue folded first tool:strict__Echo
issue unfolded first tool:strict__Echo tool:strict__echo
issue bare first 'tool:echo' 'prompt:greet' 'resource:doc:*'
issue rich first 'tool:*' 'prompt:*' 'resource:*' --budget-usd=0.5
issue bounded first 'tool:*' "--constraints=$work/constraints"
if [ "$parts" != sdk ]; then
    # shellcheck disable=SC2086
    timeout 120 python3 -B "$here/groups_checks.py" "$bin/aip-gateway" "$work" $parts || status=1
    check 'the log of all this is whole' "$bin/aip-audit" verify "$work/groups.audit"
fi
[ -z "$parts" ] || [ "$parts" = sdk ] || exit "$status"

# ---- official ones ----

need_packages 'groups of official servers'
issue_all agent
new_identity gateway >/dev/null
new_identity worker >/dev/null
scopes=()
for each in everything__echo 'everything__trigger*' 'both__echo' 'both__wait' 'both__tell' 'both__touch' \
    'both__test_tool*' 'both__test_trigger*' 'both__test_input*' both__test_sampling both__test_headers \
    both__test_reconnection both__test_embedded_resource 'files__*' 'local__*' 'older__*'; do
    scopes+=(--scope "tool:$each")
done
"$bin/aip-token" delegate --key "$work/agent.key" --to "$(<"$work/worker.did")" "${scopes[@]}" --scope 'prompt:*' \
    --scope 'resource:*' --max-depth 0 --context 'end-to-end test' <"$work/agent.token" >"$work/worker.token"
mkdir "$work/files"
echo 'hello from a file' >"$work/files/hello.txt"
cat >"$work/files.yaml" <<'END'
apiVersion: aip-gateway/v1
kind: AgentPolicy
metadata: {name: files}
spec:
  allowed_methods: ["*"]
  allowed_tools: [read_text_file, list_directory, list_allowed_directories]
END
start both "$node" "$bin/e2e/mcp_server.mjs"
start everything env -i PORT=0 "$node" --require "$here/loopback.cjs" \
    "$packages/@modelcontextprotocol/server-everything/dist/index.js" streamableHttp
cat >"$work/sdk.yaml" <<END
listen: {port: 0}
audit: {file: "$work/sdk.audit"}
identity: {key: "$work/gateway.key", store: "$work/sdk.db"}
trust: [{root: "$organisation", bearer: true}]
upstreams:
  - {name: all, path: /mcp, members: [everything, both, files, older]}
  - {name: new, members: [both, local]}
  - {name: everything, url: "${address[everything]}"}
  - {name: both, url: "${address[both]}"}
  - name: files
    command: ["$node", "$packages/@modelcontextprotocol/server-filesystem/dist/index.js", "$work/files"]
    policy: $work/files.yaml
  - {name: local, command: ["$node", "$bin/e2e/wrap_modern_server.mjs"]} # the first message says of which era it is
  - {name: older, command: ["$node", "$bin/e2e/wrap_modern_server.mjs"]}
END
start sdk "$bin/aip-gateway" --config "$work/sdk.yaml"
for each in legacy:/mcp modern:/new; do
    timeout 100 "$node" "$bin/e2e/groups_sdk.mjs" "${each%%:*}" "${address[sdk]%/mcp}${each#*:}" \
        "$(<"$work/gateway.did")" "$work/worker.token" "$work/worker.key" || status=1
done
check 'the log of all this is whole' "$bin/aip-audit" verify "$work/sdk.audit"
check 'and names members, never a group, where something was called' \
    test "$(grep '"decision":"ALLOW".*"method":"tools/call"' "$work/sdk.audit" |
        grep -c '"upstream":"\(all\|new\)"')" = 0
check 'the gateway ends with 0' stop sdk
check 'and said nothing of races or leaks' test "$(grep -c -E 'Sanitizer|runtime error' "$work/sdk.log" || true)" = 0
[ "$status" = 0 ] && [ "$failed" = 0 ]
