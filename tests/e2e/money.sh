#!/usr/bin/env bash
# Budgets through the real gateway: prices, siblings, retries, shares, crashes, and what ledger, log and server say then.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway aip-audit
store=''

# books TOKEN: what is spent and held of the token's last link that was debited.
books() {
    "$bin/aip-gateway" budget "$work/$1.token" --below --json --store "$store" 2>/dev/null |
        sed -n 's/^{"accounts":\[{[^}]*"spent":"\([^"]*\)","held":"\([^"]*\)".*/\1 \2/p'
}
# stands TOKEN SPENT HELD: within two seconds, since nobody waits for a settlement.
stands() {
    local tries=0
    until [ "$(books "$1")" = "$2 $3" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 20 ] || { echo "spent and held: $(books "$1")"; return 1; }
        sleep 0.1
    done
}
record_lines() { wc -l <"$work/server/record"; }
same() { [ "$1" = "$2" ] || { echo "$1, not $2"; return 1; }; }
outcome_has() { # of the last decision
    local id tries=0
    id=$(audit_line | sed -n 's/.*"decision_id":"\([^"]*\)".*/\1/p')
    until grep '"event":"outcome"' "$audit" | grep -F "$id" | grep -q -F -e "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 40 ] || return 1
        sleep 0.05
    done
}

# root NEW TO [OPTION…]: a token of one element for all tools; child FROM TO NEW [OPTION…]: one element more.
root() {
    local new=$1 to=$2
    shift 2
    "$bin/aip-token" issue --key "$work/owner.key" --to "$(<"$work/$to.did")" --scope 'tool:*' --max-depth 3 --ttl 1h \
        "$@" >"$work/$new.token"
}
child() {
    local from=$1 to=$2 new=$3 holder=$4
    shift 4
    "$bin/aip-token" delegate --key "$work/$holder.key" --to "$(<"$work/$to.did")" --scope 'tool:*' --context work \
        "$@" <"$work/$from.token" >"$work/$new.token"
}

for name in owner agent worker first second third; do
    new_identity "$name" >/dev/null
done
mkdir "$work/server"
printf '[]' >"$work/server/tools.json"
start server python3 "$here/rules_server.py" "$work/server"
cat >"$work/prices.yaml" <<'END'
apiVersion: aip-gateway/v1
kind: AgentPolicy
metadata:
  name: prices
spec:
  allowed_methods: ["*"]
  allowed_tools: [free]
  tool_rules:
    - tool: pay
      cost_usd: 0.1
    - tool: slow
      cost_usd: 0.1
    - tool: cut
      cost_usd: 0.1
    - tool: meter
      cost_usd:
        flat: 1
        trust_actual: true
    - tool: doubt
      cost_usd: 0.2
    - tool: units
      cost_usd:
        arguments:
          n: 0.001
    - tool: words
      cost_usd:
        flat: 0.01
        response_kib: 0.5
        max: 2
END

# ---- prices ----
start_gateway money "${address[server]}" "$(<"$work/owner.did")" --policy "$work/prices.yaml" --key "$work/first.key" \
    --audience "$(<"$work/first.did")"
store=$work/money.db
root one agent --budget-usd 1
yes 'a priced call within the budget' one pay '{}'
check 'is spent' stands one 0.1 0.0
check 'the outcome says what it cost' outcome_has '"cost_micro_usd":100000'
yes 'a tool without a price' one free '{}'
check 'costs nothing' stands one 0.1 0.0
yes 'a price by argument' one units '{"n":200}'
check 'is multiplied' stands one 0.3 0.0
no policy.price 'an argument that is no number' one units '{"n":"200"}'
no policy.price 'one below nothing' one units '{"n":-200}'
no policy.price 'one that is missing' one units '{}'
no budget.exceeded 'more than is left' one units '{"n":701}'
no budget.exceeded 'a response that may cost more than is left' one words '{}'
check 'refused calls cost nothing' stands one 0.3 0.0
yes 'the rest of it' one units '{"n":700}'
no budget.exceeded 'nothing is left' one pay '{}'
yes 'but for what costs nothing' one free '{}'

said() { printf '{"jsonrpc":"2.0","id":@ID@,"result":{"content":[],"_meta":{"aip/cost_usd":%s}}}' "$1" >"$work/server/$2.json"; }
root meter agent --budget-usd 20
expected=0
for each in 0.25=0.25 '"0.5"=0.5' 7=1.0 -1=1.0 1e-3=1.0 '"many"=1.0' '[0.1]=1.0' 0=0.0; do
    said "${each%=*}" meter
    yes "a server that says ${each%=*}" meter meter '{}'
    expected=$(python3 -c 'from decimal import Decimal as D; import sys; print(D(sys.argv[1])+D(sys.argv[2]))' "$expected" "${each#*=}")
    check "is charged ${each#*=}" stands meter "$(python3 -c 'import sys; t=sys.argv[1].rstrip("0"); print(t+"0" if t.endswith(".") else t)' "$expected")" 0.0
done
printf 'data: {"jsonrpc":"2.0","id":@ID@,"result":{"content":[],"_meta":{"aip/cost_usd":0.125}}}\n\n' >"$work/server/meter.events"
yes 'one that says it in a stream' meter meter '{}'
check 'is charged that' stands meter 5.875 0.0
root doubt agent --budget-usd 1
said 0 doubt
yes 'one that is not trusted' doubt doubt '{}'
check 'is charged in full' stands doubt 0.2 0.0
root words agent --budget-usd 3
printf '{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"%s"}]}}' "$(head -c 1500 /dev/zero | tr '\0' x)" >"$work/server/words.json"
yes 'a price by response' words words '{}'
check 'counts each KiB that began' stands words 1.01 0.0

proof=$work/agent.key write_header "$work/meter.token" "$(call pay '{}')"
curl --silent --max-time 20 --noproxy '*' --output "$work/reply" --dump-header "$work/head" --header 'Content-Type: application/json' \
    --header 'Accept: application/json, text/event-stream' --header "@$work/header" --data-binary "$(call pay '{}')" "$gateway"
receipt=$(sed -n 's/^[Xx]-[Aa][Ii][Pp]-[Rr]eceipt: *//p' "$work/head" | tr -d '\r')
payload=${receipt#*.}
check 'the receipt says what it cost' grep -q '"cost_usd":0.1' <(base64url_decode <<<"${payload%%.*}")

# ---- retries ----
root retry agent --budget-usd 1
before=$(record_lines)
yes 'a call with a key' retry pay '{"to":"a"}' --header 'Idempotency-Key: k1'
check 'is spent' stands retry 0.1 0.0
no budget.settled 'a retry of it' retry pay '{"to":"a"}' --header 'Idempotency-Key: k1'
no budget.settled 'written in another way' retry pay '{ "to" : "\u0061" }' --header 'Idempotency-Key: k1'
no budget.conflict 'another call with its key' retry pay '{"to":"b"}' --header 'Idempotency-Key: k1'
no request.headers 'two keys' retry pay '{"to":"a"}' --header 'Idempotency-Key: k2' --header 'Idempotency-Key: k3'
no request.invalid 'a key that is too long' retry pay '{"to":"a"}' --header "Idempotency-Key: $(head -c 300 /dev/zero | tr '\0' k)"
check 'all that was charged once' stands retry 0.1 0.0
check 'and went on once' same "$(record_lines)" "$((before + 1))"
printf 4 >"$work/server/slow.wait"
(tool retry slow '{}' --header 'Idempotency-Key: k4') &
waiting=$!
sleep 0.5
check 'while a call is under way it is held' stands retry 0.1 0.1
no budget.pending 'a retry meanwhile' retry slow '{}' --header 'Idempotency-Key: k4'
wait "$waiting"
check 'and then spent' stands retry 0.2 0.0

# ---- ends ----
root ends agent --budget-usd 10
printf 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n\n!!!\n' >"$work/server/cut.events"
tool ends cut '{}'
check 'a server that dies in the middle of its stream is paid' stands ends 0.1 0.0
tool ends slow '{}' --max-time 0.4 || true
check 'as is one whose caller leaves' stands ends 0.2 0.0
mv "$audit" "$work/elsewhere"
sleep 1.2
tool ends pay '{}'
check 'what cannot be recorded is refused' same "$code" audit.unavailable
check 'and not charged' stands ends 0.2 0.0
mv "$work/elsewhere" "$audit"
sleep 1.2
yes 'until it can' ends pay '{}'
stop money || true
start_gateway gone http://127.0.0.1:1/mcp "$(<"$work/owner.did")" --policy "$work/prices.yaml"
store=$work/gone.db
root gone agent --budget-usd 1
tool gone pay '{}'
check 'a server that is not there' same "$code" upstream.unreachable
check 'is not paid' stands gone 0.0 0.0
stop gone || true

# ---- siblings ----
start_gateway siblings "${address[server]}" "$(<"$work/owner.did")" --policy "$work/prices.yaml" --quiet
store=$work/siblings.db
root parent agent --budget-usd 1
mkdir "$work/calls"
for i in 1 2 3 4; do
    child parent worker "child$i" agent --budget-usd 0.5
    for j in 1 2 3 4 5 6 7 8; do
        body=$(call pay "{\"n\":$i$j}")
        printf '%s' "$body" >"$work/calls/$i-$j.body"
        write_header "$work/child$i.token" "$body"
        mv "$work/header" "$work/calls/$i-$j.header"
    done
done
before=$(record_lines)
python3 "$here/money_load.py" "$gateway" 16 "$work/calls" >"$work/told"
check 'children of one parent never spend more than it has' same "$(grep -c ' 200 -$' "$work/told")" 10
check 'all others are refused for that' same "$(grep -c ' 403 budget.exceeded$' "$work/told")" 22
check 'as many reached the server' same "$(record_lines)" "$((before + 10))"
check 'and are spent' stands parent 1.0 0.0
for i in 1 2 3 4; do
    check "child $i within its own budget" test "$(grep -c "^$i-.* 200 -$" "$work/told")" -le 5
done
root_link=$("$bin/aip-audit" show "$audit" --json --event decision | sed -n '1s/.*"links":\["\([^"]*\)".*/\1/p')
check 'the log shows all that was done under the link' same "$("$bin/aip-audit" show "$audit" --json --event decision --link "$root_link" | wc -l)" 32
stop siblings || true

# ---- roots and shares ----
cat >"$work/ceiling.yaml" <<END
listen:
  port: 0
upstream:
  url: ${address[server]}
audit:
  file: $work/ceiling.audit
identity:
  store: $work/ceiling.db
policy:
  file: $work/prices.yaml
trust:
  - root: $(<"$work/owner.did")
    bearer: true
    budget_usd: 0.25
END
start ceiling "$bin/aip-gateway" --config "$work/ceiling.yaml"
gateway=${address[ceiling]} audit=$work/ceiling.audit store=$work/ceiling.db
root open agent
yes 'a token without a budget has that of its root' open pay '{}'
yes 'twice' open pay '{}'
no budget.exceeded 'and no more' open pay '{}'
stop ceiling || true
printf '[["%s",0.3],["%s",0.2]]' "$(<"$work/first.did")" "$(<"$work/second.did")" >"$work/shares"
root shared agent --budget-usd 0.5 --shares "$work/shares"
before=$(record_lines)
for each in first second third; do
    start_gateway "$each" "${address[server]}" "$(<"$work/owner.did")" --policy "$work/prices.yaml" --key "$work/$each.key" --quiet
    python3 "$here/money_load.py" "$gateway" 4 "$work/shared.token" 8 "$(call pay '{}')" >"$work/told.$each"
    stop "$each" || true
done
check 'one gateway spends its share' same "$(grep -c ' 200 -$' "$work/told.first")" 3
check 'another its own' same "$(grep -c ' 200 -$' "$work/told.second")" 2
check 'one without a share nothing' same "$(grep -c ' 403 budget.exceeded$' "$work/told.third")" 8
check 'together no more than the budget' same "$(record_lines)" "$((before + 5))"

# ---- closed work ----
# statement TOKEN STATEMENT_FILE: brings a completion statement with the token that it is about.
statement() {
    http_status=$(curl --silent --max-time 20 --noproxy '*' --output "$work/reply" --write-out '%{http_code}' \
        --header 'Content-Type: application/jose' --header "X-AIP-Token: $(<"$work/$1.token")" \
        --data-binary "@$2" "${gateway%/mcp}/aip/v1/completions")
    code=$(sed -n 's/.*"code_name": *"\([^"]*\)".*/\1/p' "$work/reply" | head -n 1)
}
complete() { "$bin/aip-token" complete --key "$work/$1.key" --token "$work/$2.token" --status done --cost "${3:-0.3}" | tr -d '\n' >"$work/statement"; }
start_gateway closed "${address[server]}" "$(<"$work/owner.did")" --policy "$work/prices.yaml"
store=$work/closed.db
root closed agent --budget-usd 1
root elsewhere agent --budget-usd 1
child closed worker below agent --budget-usd 0.5
yes 'some work' closed pay '{}'
complete worker below
statement below "$work/statement"
check 'a completion by one that was not seen before' same "$http_status" 200
complete agent closed
statement closed "$work/statement"
check 'its completion is taken' same "$http_status $(<"$work/reply")" '200 {"recorded":true}'
check 'and stands in the log' same "$(grep -c '"event":"completion"' "$audit")" 2
check 'nothing is charged by it' stands closed 0.1 0.0
yes 'nor is anything closed or granted' closed pay '{}'
statement elsewhere "$work/statement"
check 'it is not taken for another link' same "$code" proof.key
statement below "$work/statement"
check 'nor with a token below' same "$code" proof.key
complete worker below
statement closed "$work/statement"
check "nor is another's statement" same "$code" proof.key
statement below "$work/statement"
check 'which is taken with its own' same "$http_status" 200
complete agent closed
printf x >>"$work/statement"
statement closed "$work/statement"
check 'nor one that is not what was signed' test "$http_status" != 200
printf '%9000s' x >"$work/statement"
statement closed "$work/statement"
check 'nor one that is too long' test "$http_status" != 200
complete agent closed
printf 'nonsense' >"$work/bad.token"
statement bad "$work/statement"
check 'nor one without a token that is accepted' test "$http_status" = 401
check 'only three stand in the log' same "$(grep -c '"event":"completion"' "$audit")" 3
for i in $(seq 40); do statement closed "$work/statement"; done
check 'nobody fills the log with them' same "$http_status $code" '429 trust.rate'
stop closed || true

# ---- crashes ----
rm "$work/server/slow.wait"
stop server || true
rm "$work/server/record"
start server python3 "$here/rules_server.py" "$work/server"
: >>"$work/server/record"
root crash agent --budget-usd 10000
store=$work/crash.db
for round in 1 2 3 4 5; do
    start_gateway crash "${address[server]}" "$(<"$work/owner.did")" --policy "$work/prices.yaml" --quiet
    python3 "$here/money_load.py" "$gateway" 8 "$work/crash.token" 20000 "$(call pay '{}')" >"$work/told" 2>&1 &
    load=$!
    before=$(cat "$work/server/record" | wc -l)
    until [ "$(cat "$work/server/record" | wc -l)" -gt "$before" ]; do sleep 0.02; done
    sleep "0.$((RANDOM % 5))$((RANDOM % 10))"
    kill -9 "${pid[crash]}"
    wait "${pid[crash]}" 2>/dev/null || true
    unset 'pid[crash]'
    kill "$load" 2>/dev/null || true
    wait "$load" 2>/dev/null || true
    sleep 0.3 # the server finishes what had reached it
    "$bin/aip-gateway" budget "$work/crash.token" --json --store "$store" >"$work/tree"
    check "killed, round $round: never less is spent than went on" python3 "$here/money_books.py" \
        "$work/server/record" "$audit" "$work/tree" 0.1
done
left=$("$bin/aip-gateway" budget --left --json --store "$store" | grep -o '"hold":[0-9]*' | cut -d: -f2 || true)
check 'open holds are listed' same "$(python3 -c 'import json,sys; print(round(float(json.load(open(sys.argv[1]))["accounts"][0]["held"])*10))' "$work/tree")" "$(wc -w <<<"$left")"
start_gateway crash "${address[server]}" "$(<"$work/owner.did")" --policy "$work/prices.yaml" --quiet
if [ -n "$left" ]; then
    "$bin/aip-gateway" budget --release $left --store "$store" >"$work/said" 2>&1 || true
fi
check 'and can be released' grep -q ' 0.0$' <(books crash)
yes 'the ledger goes on' crash pay '{}'
stop crash || true
whole() { for log in "$work"/*.audit; do "$bin/aip-audit" verify "$log" >"$work/said" 2>&1 || { cat "$work/said"; return 1; }; done; }
check 'all logs are whole' whole
exit "$((failed > 0))"
