#!/usr/bin/env bash
# Servers over stdin and stdout behind `aip-gateway wrap`: the official SDK's clients at its own stdin and over HTTP,
# official servers, faults, tokens, ends and exit codes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
source "$here/node_lib.sh"
need aip-did aip-token aip-gateway aip-audit
need_packages 'wrap'
wrap=("$bin/aip-gateway" wrap)

mkdir -p "$work/files"
echo 'hello from a file' >"$work/files/hello.txt"
policy() {
    printf 'apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: test}\nspec:\n  allowed_tools: [%s]\n' "$1"
}
policy 'read_text_file, list_directory, create_entities, search_nodes' >"$work/wrap.yaml"
policy 'echo, pid, greeted, environment, descriptors, die, garbage, other_answer, large, stderr, wait, ask, hidden_break' \
    >"$work/faults.yaml"
sed -i 's/^  allowed_tools/  protected_paths: []\n  allowed_tools/' "$work/wrap.yaml"

issue_all agent
issue_all friend
issue_all small_root
new_identity worker >/dev/null
"$bin/aip-token" delegate --key "$work/agent.key" --to "$(<"$work/worker.did")" --scope tool:echo --max-depth 0 \
    --context 'end-to-end test' <"$work/agent.token" >"$work/worker.token"
new_identity small >/dev/null
"$bin/aip-token" issue --key "$work/organisation.key" --to "$(<"$work/small.did")" --scope tool:echo --max-depth 0 \
    --ttl 1h >"$work/small.token"

status=0
timeout 240 "$node" "$bin/e2e/wrap_local.mjs" "$bin/aip-gateway" "$packages" "$work" "$here/wrap_server.py" || status=1

# ---- over HTTP ----

cat >"$work/server.sh" <<END
#!/bin/sh
echo \$\$ >"$work/server.pid"
exec "$node" "$packages/@modelcontextprotocol/server-everything/dist/index.js"
END
chmod +x "$work/server.sh"
start web "${wrap[@]}" --no-stdio --port 0 --trust-key "${organisation#did:aip:}" --audit "$work/web.audit" \
    --store "$work/web.db" -- "$work/server.sh"
timeout 120 "$node" "$bin/e2e/wrap_http.mjs" "${address[web]}" "$work" || status=1
server=$(<"$work/server.pid")
stop web || true
gone() {
    ! kill -0 "$1" 2>/dev/null
}
check 'the end of the gateway is the end of the server' gone "$server"
check 'the log hangs together' "$bin/aip-audit" verify "$work/web.audit"

modern=$bin/e2e/wrap_modern_server.mjs
timeout 60 "$node" "$bin/e2e/wrap_modern.mjs" stdio "$bin/aip-gateway" "$work" "$modern" || status=1
start modern "${wrap[@]}" --no-stdio --port 0 --trust-key "${organisation#did:aip:}" --audit "$work/modern-web.audit" \
    --store "$work/modern-web.db" -- "$node" "$modern"
timeout 60 "$node" "$bin/e2e/wrap_modern.mjs" "${address[modern]}" "$work" || status=1
stop modern || true

# ---- several commands of one configuration ----

cat >"$work/gateway.yaml" <<END
listen: {port: 0}
audit: {file: "$work/two.audit"}
upstreams:
  - name: first
    command: [python3, "$here/wrap_server.py"]
    environment: [WRAP_PASSED]
  - name: second
    command: [python3, "$here/wrap_server.py"]
trust:
  - {root: "$organisation", bearer: true}
END
WRAP_PASSED=1 start two "$bin/aip-gateway" --config "$work/gateway.yaml"
audit=$work/two.audit
greeting='{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"sh","version":"1"}}}'
# served NAME TOOL: greets the server at /NAME and calls its tool; the answer is in $work/reply.
served() {
    gateway=${address[two]%/mcp}/$1
    ask "$work/agent.token" "$greeting" --dump-header "$work/head"
    ask "$work/agent.token" "$(call "$2" '{}')" \
        --header "$(grep -i '^mcp-session-id' "$work/head" | tr -d '\r')"
    check "$1 is served" allowed
}
says() { # WORDS COMMAND…
    local words=$1
    shift
    "$@" >"$work/reply" 2>&1 && grep -q -F -e "$words" "$work/reply"
}
served first pid
first=$(<"$work/reply")
served second pid
check 'by a process of its own' test "$first" != "$(<"$work/reply")"
check 'health tells of each' says '"commands":{"second":"running","first":"running"}' \
    curl --silent --noproxy '*' --max-time 5 "${address[two]%/mcp}/healthz"
served first environment
check 'the first has its variable' grep -q WRAP_PASSED "$work/reply"
served second environment
check 'and the second has not' test "$(grep -c WRAP_PASSED "$work/reply")" = 0

# W-48: between two lives of a server
served first pid
session=$(grep -i '^mcp-session-id' "$work/head" | tr -d '\r')
life=$(sed 's/.*"text":"\([0-9]*\)".*/\1/' "$work/reply")
kill "$life"
for try in {1..50}; do # until the gateway has seen it
    says '"first":"waiting"' curl --silent --noproxy '*' --max-time 5 "${address[two]%/mcp}/healthz" && break
    sleep 0.02
done
ask "$work/agent.token" "$(call pid '{}')" --header "$session"
check 'a session ends with its server, which is told of' refused upstream.unreachable
cp "$work/header" "$work/greeting.header" # the next question writes it anew
curl --silent --noproxy '*' --max-time 20 --header "@$work/greeting.header" \
    --header 'Accept: application/json, text/event-stream' \
    --header 'Content-Type: application/json' --data-binary "$greeting" "$gateway" >"$work/greeted" &
greeter=$!
asked=$(date +%s%N)
ask "$work/agent.token" "$(call pid '{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}')" \
    --header 'MCP-Protocol-Version: 2026-07-28' --header 'Mcp-Method: tools/call' --header 'Mcp-Name: pid'
check 'what needs no session waits for the next life' allowed
check 'which answers it' test "$(sed 's/.*"text":"\([0-9]*\)".*/\1/' "$work/reply")" -ne "$life"
check 'as soon as it is there' test "$(($(date +%s%N) - asked))" -lt 4000000000
wait "$greeter" || true
check 'a greeting waits as well' grep -q '"protocolVersion":"2025-06-18"' "$work/greeted"
served second echo
sed -i 's/environment: .*/environment: [OTHER]/' "$work/gateway.yaml"
kill -HUP "${pid[two]}"
sleep 0.5
check 'another command needs a restart' grep -q 'needs a restart: the command of an upstream' "$work/two.log"
stop two || true

# ---- ends ----

# ends CODE NAME COMMAND…
ends() {
    local wanted=$1 name=$2 code=0
    shift 2
    (cd "$work" && timeout 30 "$@" <"$work/input" >"$work/reply" 2>"$work/errors") || code=$?
    check "$name: ends with $wanted" test "$code" = "$wanted"
}
: >"$work/input"
cp "$work/faults.yaml" "$work/agent.yaml"
ends 0 'input that ends at once' "${wrap[@]}" -- python3 "$here/wrap_server.py"
ends 3 'a server that ends' "${wrap[@]}" -- python3 "$here/wrap_server.py" 3
ends 127 'a server that is not there' "${wrap[@]}" -- "$work/nothing"
ends 2 'an unknown option' "${wrap[@]}" --nothing -- true
ends 2 'no command' "${wrap[@]}"
ends 0 'a question for help' "${wrap[@]}" -h
check 'is answered on stderr' test ! -s "$work/reply"
ends 1 'a policy that is not there' "${wrap[@]}" --policy "$work/none.yaml" -- true
ends 3 'one dash, --target and the default policy' "${wrap[@]}" -policy agent.yaml -target "python3 $here/wrap_server.py 3"

printf '%s\n%s\n%s' "$greeting" "$(call forbidden '{}')" "$(call echo '{"last":"line without its end"}')" >"$work/input"
ends 0 'lines from a file' "${wrap[@]}" -- python3 "$here/wrap_server.py"
check 'each request got one line, and nothing else was written' test "$(wc -l <"$work/reply")" = 3
check 'all of them JSON-RPC' test "$(grep -c '^{"jsonrpc":"2.0",' "$work/reply")" = 3
check 'the last line counted without its end' grep -q 'line without its end' "$work/reply"
check 'the refusal is one line with its name' grep -q '"code_name":"policy.tool"' "$work/reply"
printf '%s\nnot json\n[]\n{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}\n%s\n' "$greeting" \
    '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}}' >"$work/input"
ends 0 'lines that are no messages' "${wrap[@]}" -- python3 "$here/wrap_server.py"
check 'are refused by name' test "$(grep -c -E 'json\.syntax|request\.batch|json\.duplicate' "$work/reply")" = 3
check 'and a call without an id is not answered' test "$(wc -l <"$work/reply")" = 4
check 'the decision stands in the log with who it was' grep -q '"principal":"local"' "$work/aip-audit.jsonl"

# What a server may say at once is what the operator says
printf '%s\n%s\n' "$greeting" "$(call large '{"bytes":6000000}')" >"$work/input"
ends 0 'a large limit' "${wrap[@]}" --max-body 8000000 -- python3 "$here/wrap_server.py"
check 'lets a large answer pass' test "$(wc -c <"$work/reply")" -gt 6000000
check 'as it is' test "$(grep -c code_name "$work/reply")" = 0
printf '%s\n%s\n%s\n' "$greeting" "$(call large '{"bytes":200000}')" "$(call echo '{}')" >"$work/input"
ends 0 'a small limit' "${wrap[@]}" --max-body 100000 -- python3 "$here/wrap_server.py"
check 'holds for lines of the server' grep -q 'a line of more than 100000 bytes was dropped' "$work/errors"
check 'and nothing longer comes' test "$(wc -c <"$work/reply")" -lt 100000

mkfifo "$work/pipe"
sleep 60 >"$work/pipe" &
holder=$!
(cd "$work" && exec "${wrap[@]}" -- sh -c 'trap "" TERM; sleep 0.1; echo x; sleep 100 & wait; sleep 100') \
    <"$work/pipe" >"$work/reply" 2>"$work/errors" &
gateway_pid=$!
sleep 1.5
server=$(pgrep -P "$(pgrep -P $gateway_pid -x aip-spawner)" | head -n 1)
kill -TERM $gateway_pid
sleep 1
check 'a server that ignores SIGTERM has ten seconds' kill -0 "$server"
code=0
wait $gateway_pid || code=$?
check 'then it is killed, and that is the exit code' test "$code" = 137
check 'with all of its group' gone "$server"
kill $holder 2>/dev/null || true

# ---- configurations ----

(cd "$work" && "${wrap[@]}" --print-config --name files --policy agent.yaml -- npx -y some-server . 2>/dev/null) >"$work/config.json"
check 'the printed configuration' python3 - "$work" "$bin/aip-gateway" <<'END'
import json, os, sys
work, gateway = sys.argv[1:]
entry = json.load(open(f'{work}/config.json'))['mcpServers']['files']
assert os.path.realpath(entry['command']) == os.path.realpath(gateway), entry
assert entry['args'] == ['wrap', '--directory', work, '--policy', f'{work}/agent.yaml', '--audit', f'{work}/aip-audit-files.jsonl', '--',
                         'npx', '-y', 'some-server', '.'], entry
END
# A client starts it somewhere else: files that a policy names, and the command's own, are still found.
mkdir -p "$work/elsewhere"
printf 'canary-of-this-test-1' >"$work/canary.txt"
printf 'apiVersion: aip-gateway/v1\nkind: AgentPolicy\nmetadata: {name: p}\nspec:\n  dlp: {canaries: [{file: canary.txt}]}\n' \
    >"$work/canary.yaml"
printf 'found' >"$work/near.txt"
(cd "$work" && "${wrap[@]}" --print-config --name near --policy canary.yaml -- sh -c 'cat near.txt >found.txt; exec cat' \
    2>/dev/null) >"$work/near.json"
check 'what it starts works elsewhere, too' python3 - "$work" <<'END'
import json, subprocess, sys
work = sys.argv[1]
entry = json.load(open(f'{work}/near.json'))['mcpServers']['near']
ran = subprocess.run([entry['command'], *entry['args']], cwd=f'{work}/elsewhere', stdin=subprocess.DEVNULL,
                     capture_output=True, text=True, timeout=20)
assert ran.returncode == 0 and open(f'{work}/found.txt').read() == 'found', (ran.returncode, ran.stderr)
END
for client in cursor:mcpServers: vscode:servers:stdio zed:context_servers:; do # W-50
    (cd "$work" && "${wrap[@]}" --print-config --client "${client%%:*}" --policy agent.yaml -- true 2>/dev/null) \
        >"$work/client.json" || true
    check "the form of ${client%%:*}" python3 - "$work/client.json" "${client#*:}" <<'END'
import json, sys
list_name, kind = sys.argv[2].split(':')
entry = json.load(open(sys.argv[1]))[list_name]['protected-tool']
assert entry.pop('type', '') == kind and sorted(entry) == ['args', 'command'] and entry['args'][-1] == 'true', entry
END
done
ends 2 'a client that nobody knows' "${wrap[@]}" --print-config --client emacs -- true
(cd "$work" && "${wrap[@]}" -generate-cursor-config -policy agent.yaml -target 'python3 server.py' 2>/dev/null) >"$work/cursor.json"
check "others' form of it" python3 - "$work" <<'END'
import json, sys
entry = json.load(open(f'{sys.argv[1]}/cursor.json'))['mcpServers']['protected-tool']
assert entry['args'] == ['wrap', '--policy', f'{sys.argv[1]}/agent.yaml', '--target', 'python3 server.py'], entry
END
[ "$status" = 0 ] && [ "$failed" = 0 ]
