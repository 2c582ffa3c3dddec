#!/usr/bin/env bash
# Tasks of MCP and A2A belong to whoever began them: also after a restart, and at another gateway on the same database.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
source "$here/node_lib.sh"
need aip-did aip-token aip-gateway
need_packages 'tasks'

cat >"$work/policy.yaml" <<'YAML'
apiVersion: aip-gateway/v1
kind: AgentPolicy
metadata:
  name: tasks
spec:
  allowed_methods: ["*"]
  allowed_tools: [shout, leak, wait, ask, plain]
  dlp:
    enabled: true
    builtin: true
    builtin_action: warn
    scan_responses: true
    tools:
      leak: {action: block}
YAML
for name in one two; do issue_all "$name"; done
start server "$node" "$bin/e2e/tasks_server.mjs"
start asking "$node" "$bin/e2e/tasks_server.mjs" sessions
inner=${address[server]%/mcp}

# tasks STAGE [FILE]
tasks() {
    timeout 100 "$node" "$bin/e2e/tasks.mjs" "$1" "$gateway" "$work/one.token" "$work/two.token" "${2:-$work/tasks.json}" ||
        failed=$((failed + 1))
}
# up NAME: a gateway that is called so, on the database of all.
up() {
    start "$1" "$bin/aip-gateway" --upstream "${address[server]}" --port 0 --trust-key "${organisation#did:aip:}" \
        --policy "$work/policy.yaml" --audit "$work/$1.audit" --store "$work/shared.db" --quiet
    gateway=${address[$1]}
    audit=$work/$1.audit
}

up second
up first
tasks begin
check 'the log names the method' grep -q '"method":"tasks/result"' "$audit"
echo '     at another gateway on the same database:'
gateway=${address[second]}
tasks later
echo '     after one was killed and the other has ended:'
kill -9 "${pid[first]}"
wait "${pid[first]}" 2>/dev/null || true
unset 'pid[first]'
stop second || true
up first
cp "$work/tasks.json" "$work/tasks.last"
tasks later "$work/tasks.last"
stop first || true

start_gateway sessions "${address[asking]}" "$organisation" --quiet
tasks sessions
stop sessions || true

start stdio "$bin/aip-gateway" wrap --no-stdio --port 0 --trust-key "${organisation#did:aip:}" --audit "$work/stdio.audit" \
    --store "$work/stdio.db" -- "$node" "$packages/@modelcontextprotocol/server-everything/dist/index.js"
gateway=${address[stdio]}
tasks stdio
stop stdio || true

# ---- 2026-07-28 ----

start_gateway modern "$inner/modern" "$organisation"
gateway=${gateway%/mcp}/modern
# modern TOKEN METHOD NAME PARAMS: Mcp-Name is NAME, if there is one.
modern() {
    local meta='"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}'
    ask "$work/$1.token" '{"jsonrpc":"2.0","id":1,"method":"'"$2"'","params":{'"$4,$meta"'}}' \
        --header 'MCP-Protocol-Version: 2026-07-28' --header "Mcp-Method: $2" ${3:+--header "Mcp-Name: $3"}
}
# unknown: refused as a task that there is not, with the number that servers give.
unknown() {
    [ "$code" = task.not_found ] && grep -q '"code":-32602' "$work/reply" && [ "$http_status" = 200 ] &&
        [[ $(audit_line) == *'"decision":"BLOCK","code":"task.not_found"'* ]]
}
modern one tools/call shout '"name":"shout","arguments":{}'
check 'a modern server begins a task by itself' allowed
id=$(sed -n 's/.*"taskId":"\([^"]*\)".*/\1/p' "$work/reply")
modern one tasks/get "$id" '"taskId":"'"$id"'"'
check 'its caller asks for it' allowed
modern two tasks/get "$id" '"taskId":"'"$id"'"'
check 'another agent finds none' unknown
modern one tasks/get other '"taskId":"'"$id"'"'
check 'Mcp-Name that names another task: request.headers' refused request.headers
modern two tasks/update "$id" '"taskId":"'"$id"'","inputResponses":{"word":{"action":"accept","content":{"word":"no"}}}'
check 'nor answers for it' unknown
modern one tasks/update "$id" '"taskId":"'"$id"'","inputResponses":{"word":{"action":"accept","content":{"word":"yes"}}}'
check 'its caller answers what it asks' allowed
modern one tasks/get "$id" '"taskId":"'"$id"'"'
check 'and has its result' grep -q 'you said yes' "$work/reply"
modern two tasks/cancel "$id" '"taskId":"'"$id"'"'
check 'another agent cannot end it' unknown
stop modern || true
start_gateway modern "$inner/modern" "$organisation"
gateway=${gateway%/mcp}/modern
modern two tasks/get "$id" '"taskId":"'"$id"'"'
check 'nor after a restart' unknown
modern one tasks/cancel "$id" '"taskId":"'"$id"'"'
check 'where its caller still has it' allowed
modern one tasks/list '' '"cursor":"c"'
check 'the revision has no lists of tasks: request.method' refused request.method
modern one subscriptions/listen '' '"notifications":{"taskIds":["'"$id"'","never-was"]}'
check 'nobody listens to a task that is not its own' unknown
check 'none of what was refused reached the server' test "$(curl --silent --noproxy '*' "$inner/lost")" = 0
stop modern || true

[ "$failed" = 0 ]
