#!/usr/bin/env bash
# Calls that wait for a person, through the real gateway: asked, allowed, denied, forgotten; and the operator's socket.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway aip-audit
declare -A waiting=()

# write_policy FILE TIMEOUT PROMPTS
write_policy() {
    cat >"$1" <<END
apiVersion: aip-gateway/v1
kind: AgentPolicy
metadata:
  name: asking
spec:
  allowed_tools: [search, silent]
  tool_rules:
    - tool: send_mail
      action: ask
    - tool: delete_file
      action: ask
  approval:
    timeout: $2
    prompts_per_minute: $3
    cooldown: 5m
  dlp:
    builtin: true
    builtin_action: redact
END
}

# later NAME TOOL ARGUMENTS [CURL_OPTION…]: a call that nobody waits for; `ended NAME` does.
later() {
    local name=$1 body
    body=$(call "$2" "$3")
    shift 3
    (
        status=$(curl --silent --max-time 30 --noproxy '*' --output "$work/$name.reply" --write-out '%{http_code}' \
            --header 'Content-Type: application/json' --header 'Accept: application/json, text/event-stream' \
            --header "X-AIP-Token: $(<"$work/agent.token")" --data-binary "$body" "$@" "$gateway") || true
        printf '%s\n' "$status" >"$work/$name.end"
    ) &
    waiting[$name]=$!
}

# ended NAME: sets http_status and code of that call.
ended() {
    wait "${waiting[$1]}" || true
    http_status=$(<"$work/$1.end")
    cp "$work/$1.reply" "$work/reply" 2>/dev/null || : >"$work/reply"
    code=$(sed -n 's/.*"code_name": *"\([^"]*\)".*/\1/p' "$work/reply" | head -n 1)
}

# ends_as NAME HTTP CODE
ends_as() {
    ended "$1"
    [ "$http_status $code" = "$2 $3" ]
}

approvals() {
    "$bin/aip-gateway" approvals "$@" --socket "$work/admin"
}

# prompts: ids of the calls that wait, oldest first.
prompts() {
    approvals list | awk '$2 == "waits" { print $1 }'
}

# prompt: the id of the only call that waits; it may take a moment.
prompt() {
    local tries=0 id
    until id=$(prompts) && [ -n "$id" ] || [ "$tries" -ge 100 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    printf '%s\n' "$id"
}

nothing_waits() {
    local tries=0
    until [ -z "$(prompts)" ] || [ "$tries" -ge 40 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    [ -z "$(prompts)" ]
}

# fails CODE COMMAND…: the command refuses for this reason.
fails() {
    local wanted=$1 said
    shift
    if said=$("$@" 2>&1 >/dev/null); then return 1; fi
    [[ $said == *" $wanted "* || $said == *" $wanted"* ]]
}

# logged TEXT: the log has a line with it.
logged() {
    grep -q -F -e "$1" "$audit"
}

# reached NUMBER TOOL: so many calls of it reached the server.
reached() {
    [ "$(grep -c -F "$(printf '"name":"%s"' "$2" | xxd -p | tr -d '\n')" "$work/record")" = "$1" ]
}

me=$(id -un)
new_identity root >/dev/null
new_identity agent >/dev/null
"$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/agent.did")" --scope 'tool:*' --ttl 1h \
    --max-depth 0 --context 'the quarterly report' >"$work/agent.token"
: >"$work/record"
start recorder python3 "$here/recorder.py" "$work/record"
write_policy "$work/policy.yaml" 20s 100
start_gateway asking "${address[recorder]}" "$(<"$work/root.did")" --policy "$work/policy.yaml" \
    --admin-socket "$work/admin"

check 'the socket is for its owner alone' [ "$(stat -c %a "$work/admin")" = 600 ]
check 'nothing waits at first' nothing_waits

# A call waits, others do not (O-1, O-2).
later first send_mail '{"to":"alice@example.org","key":"AKIAIOSFODNN7EXAMPLE"}'
id=$(prompt)
body=$(call search '{"query":"tide"}')
ask "$work/agent.token" "$body"
check 'another call goes on meanwhile' allowed
check 'the first one has not reached the server' reached 0 send_mail
approvals show "$id" >"$work/shown"
shows() { grep -q -e "$1" "$work/shown"; }
check 'shown: the tool' shows '^tool *send_mail$'
check 'shown: who asks' shows "^asked by *$(<"$work/agent.did")"
check 'shown: under which root' shows "^root *$(<"$work/root.did")"
check 'shown: the context of the delegation' shows 'for: the quarterly report'
check 'shown: the arguments' shows '"to":"alice@example.org"\|REDACTED:.*mail'
hides() { ! shows "$1"; }
check 'but no secret' hides AKIAIOSFODNN7EXAMPLE
check 'as JSON too' grep -q '"name":"send_mail"' <(approvals show "$id" --json)
check 'another id is none' fails approval.unknown approvals allow 0000000000000000
approvals allow "$id" >/dev/null
check 'allowed once: it goes on' ends_as first 200 ''
check 'it reached the server' reached 1 send_mail
check 'the log names who allowed it (O-10)' logged "\"approver\":\"$me\""
check 'and has the word as an event' logged 'allowed once, prompt '
check 'a second word about it is void' fails approval.unknown approvals deny "$id"

# Denied (O-4).
later second send_mail '{"to":"bob@example.org"}'
id=$(prompt)
approvals deny "$id" >/dev/null
check 'denied' ends_as second 403 approval.denied
check 'with the number of the profile' grep -q '"code":-32004' "$work/reply"
check 'and its reason' grep -q 'User explicitly denied the tool call via approval dialog' "$work/reply"
check 'it did not reach the server' reached 1 send_mail

# For some minutes, and bound to the arguments (O-3, O-4).
later third send_mail '{"to":"carol@example.org"}'
id=$(prompt)
check 'only whole minutes' fails usage approvals allow "$id" --for 90s
check 'at most a day' fails usage approvals allow "$id" --for 25h
approvals allow "$id" --for 10m >/dev/null
check 'allowed for ten minutes' ends_as third 200 ''
ask "$work/agent.token" "$(call send_mail '{"to":"carol@example.org"}')"
check 'the same call again asks nobody' allowed
check 'and the log says by whose word' logged "\"approver\":\"$me\""
holds() { approvals list | grep -q "^$id  holds .*by $me"; }
check 'the word is listed' holds
later other send_mail '{"to":"carol@example.org","bcc":"eve@example.org"}'
other=$(prompt)
check 'other arguments ask again' [ -n "$other" ]
later tool delete_file '{"to":"carol@example.org"}'
sleep 0.3
check 'another tool asks again' [ "$(prompts | wc -l)" = 2 ]
for each in $(prompts); do approvals deny "$each" >/dev/null; done
check 'both denied' ends_as other 403 approval.denied
check 'both denied' ends_as tool 403 approval.denied
approvals deny "$id" >/dev/null
later again send_mail '{"to":"carol@example.org"}'
check 'a word that was ended holds no more' [ -n "$(prompt)" ]
approvals deny "$(prompt)" >/dev/null
ended again

# The caller goes away (O-5).
later gone send_mail '{"to":"dave@example.org"}' --max-time 1
id=$(prompt)
wait "${waiting[gone]}" || true
check 'a caller who hangs up takes the prompt away' nothing_waits
check 'and can no longer be allowed' fails approval.unknown approvals allow "$id"
check 'which the log tells' logged 'the caller went away'

# The caller takes it back (O-9).
later back send_mail '{"to":"erin@example.org"}'
id=$(prompt)
ask "$work/agent.token" '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}'
check 'a cancellation of another request changes nothing' [ "$(prompt)" = "$id" ]
ask "$work/agent.token" '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}'
check 'a cancelled call waits no longer' ends_as back 499 request.abandoned
check 'nor does its prompt' nothing_waits

# Expired or revoked while the person thinks about it (O-8).
cp "$work/agent.token" "$work/good.token"
"$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/agent.did")" --scope 'tool:*' --ttl 3s \
    --max-depth 0 >"$work/agent.token"
later late send_mail '{"to":"frank@example.org"}'
id=$(prompt)
sleep 3
approvals allow "$id" >/dev/null
check 'a token that ends meanwhile' ends_as late 401 token.expired
"$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/agent.did")" --scope 'tool:*' --ttl 1h \
    --max-depth 0 >"$work/agent.token"
later revoked send_mail '{"to":"grace@example.org"}'
id=$(prompt)
"$bin/aip-token" revoke --key "$work/root.key" --chain "$work/agent.token" --post "${gateway%/mcp}" >/dev/null
approvals allow "$id" >/dev/null
check 'one that is revoked meanwhile' ends_as revoked 401 token.revoked
cp "$work/good.token" "$work/agent.token"
check 'neither reached the server' [ "$(grep -c -e 6772616365 -e 6672616e6b "$work/record")" = 0 ]

# What a person sees cannot be forged by what an agent writes (O-15).
later odd send_mail '{"to":"\u202eevil","note":"line\nroot       did:aip:somebody"}'
id=$(prompt)
approvals show "$id" >"$work/shown"
check 'line breaks and marks of direction are shown as what they are' [ "$(grep -c '^root ' "$work/shown")" = 1 ]
approvals deny "$id" >/dev/null
ended odd

timeout 3 "$bin/aip-gateway" approvals watch --socket "$work/admin" >"$work/watched" &
watcher=$!
sleep 0.5
later watched send_mail '{"to":"heidi@example.org"}'
id=$(prompt)
wait "$watcher" || true
check 'what comes is watched, once' [ "$(grep -c "^prompt *$id" "$work/watched")" = 1 ]
approvals deny "$id" >/dev/null
ended watched

# The socket (O-11, O-12).
said() { printf '%s\n' "$1" | python3 "$here/unix_line.py" "$work/admin"; }
check 'no JSON' grep -q '"ok":false' <(said 'hello')
check 'no verb' grep -q '"code":"usage"' <(said '{"do":"format"}')
check 'minutes that are none do not mean once' grep -q '"code":"usage"' <(said '{"do":"approvals.allow","id":"x","minutes":"5"}')
check 'minutes below none' grep -q '"code":"usage"' <(said '{"do":"approvals.allow","id":"x","minutes":-1}')
check 'a line that is too long' grep -q 'json.size' <(said "$(head -c 30000 /dev/zero | tr '\0' x)")
check 'status' grep -q '^audit *ok' <("$bin/aip-gateway" status --socket "$work/admin")
check 'no gateway there' fails io "$bin/aip-gateway" status --socket "$work/nobody"
if [ "$(id -u)" = 0 ] && getent passwd nobody >/dev/null; then
    chmod 755 "$work"
    chmod 666 "$work/admin"
    # HTTP is no request here either, but whoever may ask is told so.
    asks() { [ -n "$("$@" curl --silent --http0.9 --max-time 5 --unix-socket "$work/admin" http://gateway/ || true)" ]; }
    turned_away() { ! asks "$@"; }
    check 'root gets an answer' asks env
    check 'another user gets none, even where the mode would let it' turned_away \
        setpriv --reuid=nobody --clear-groups
    chmod 600 "$work/admin"
    chmod 700 "$work"
else
    echo 'skip another user: not root'
fi
second_gateway() {
    "$bin/aip-gateway" --upstream "${address[recorder]}" --port 0 --trust-key "$(<"$work/root.did")" \
        --audit "$work/second.audit" --store "$work/second.db" --admin-socket "$work/admin"
}
check 'the socket of a running gateway is not taken over' fails listen second_gateway
stop asking || true
check 'the log is whole' grep -q '^whole:' <("$bin/aip-audit" verify "$audit")
check 'the socket goes with its gateway' [ ! -e "$work/admin" ]

# Nobody answers in time (O-5).
write_policy "$work/policy.yaml" 1s 3
start_gateway short "${address[recorder]}" "$(<"$work/root.did")" --policy "$work/policy.yaml" \
    --admin-socket "$work/admin" --quiet
ask "$work/agent.token" "$(call send_mail '{"to":"nobody@example.org"}')"
check 'nobody answers in time' refused approval.timeout
check 'with the number of the profile' grep -q '"code":-32005' "$work/reply"
check 'and its reason' grep -q 'User did not respond to approval dialog within timeout' "$work/reply"

# The flood (O-6): three within the minute, the fourth is one too many.
for n in 2 3; do
    ask "$work/agent.token" "$(call send_mail "{\"to\":\"$n@example.org\"}")"
    check "prompt $n is shown" refused approval.timeout
done
ask "$work/agent.token" "$(call send_mail '{"to":"4@example.org"}')"
check 'one more than may be shown within a minute' refused approval.flooded
ask "$work/agent.token" "$(call delete_file '{"path":"x"}')"
check 'and then all tools are denied for a while' refused approval.flooded
ask "$work/agent.token" "$body"
check 'those that ask nobody are not' allowed
check 'the log tells of the flood once' [ "$(grep -c 'too many prompts in a minute' "$audit")" = 1 ]
stop short || true

# Nobody could be asked (O-7).
start_gateway headless "${address[recorder]}" "$(<"$work/root.did")" --policy "$work/policy.yaml" --quiet
SECONDS=0
ask "$work/agent.token" "$(call send_mail '{"to":"nobody@example.org"}')"
check 'where nobody could be asked it is denied' refused approval.denied
check 'at once' [ "$SECONDS" -lt 2 ]
stop headless || true

# Of a plain HTTP API, the body as it is sent.
cat >"$work/routes.yaml" <<END
apiVersion: aip-gateway/v1
kind: AgentPolicy
metadata:
  name: asking-routes
spec:
  allowed_methods: ["*"]
  http_rules:
    - route: "POST /mcp/pay"
      action: ask
END
"$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/agent.did")" --scope 'http:POST /mcp/*' --ttl 1h \
    --max-depth 0 >"$work/payer.token"
start_gateway plain "${address[recorder]}" "$(<"$work/root.did")" --policy "$work/routes.yaml" --protocol http \
    --admin-socket "$work/admin" --quiet
pay() {
    curl --silent --max-time 20 --noproxy '*' --output /dev/null --write-out '%{http_code}' \
        --header 'Content-Type: application/json' --header "X-AIP-Token: $(<"$work/payer.token")" \
        --data-binary "$1" "${gateway%/mcp}/mcp/pay" >"$work/paid"
}
pay '{"amount":9007199254740993}' &
payer=$!
id=$(prompt)
approvals show "$id" >"$work/shown"
check 'a route and its parameters are shown' shows '"amount":9007199254740993'
approvals allow "$id" --for 5m >/dev/null
wait "$payer"
check 'a route is allowed' [ "$(<"$work/paid")" = 200 ]
pay '{"amount":9007199254740993}'
check 'for the same body' [ "$(<"$work/paid")" = 200 ]
pay '{"amount":9007199254740992}' &
payer=$!
check 'a number that is another one asks again' [ -n "$(prompt)" ]
approvals deny "$(prompt)" >/dev/null
wait "$payer"
check 'and is denied' [ "$(<"$work/paid")" = 403 ]
stop plain || true

# A desktop is told (O-14), without what the arguments say.
mkdir "$work/desktop"
cat >"$work/desktop/notify-send" <<END
#!/bin/sh
printf '%s\n' "\$@" >>"$work/notified"
END
chmod 755 "$work/desktop/notify-send"
write_policy "$work/policy.yaml" 2s 100
: >"$work/notified"
PATH=$work/desktop:$PATH DISPLAY=:99 start_gateway desktop "${address[recorder]}" "$(<"$work/root.did")" \
    --policy "$work/policy.yaml" --admin-socket "$work/admin" --quiet
ask "$work/agent.token" "$(call send_mail '{"to":"mallory@example.org"}')"
check 'a desktop is told' grep -q "approvals show" "$work/notified"
check 'without arguments' [ "$(grep -c mallory "$work/notified")" = 0 ]
stop desktop || true

exit "$((failed > 0))"
