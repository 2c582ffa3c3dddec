#!/usr/bin/env bash
# Authority that is proven at each use and can be taken back: proofs, revocations, lists, and answers that are checked.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway
body=$(call search '{}')

# python FILE ARGUMENT…: a test program that prints lines of its own.
python() {
    timeout 60 python3 "$here/$1" "${@:2}" || failed=$((failed + 1))
}

# grant FROM TO NEW_TOKEN VERB [OPTION…]: NEW_TOKEN.token, by FROM's key; `delegate` has the parent on standard input.
grant() {
    local from=$1 to=$2 made=$3
    shift 3
    "$bin/aip-token" "$@" --key "$work/$from.key" --to "$(<"$work/$to.did")" >"$work/$made.token"
}

# family PREFIX: an orchestrator, a researcher and an assistant, PREFIX-o, PREFIX-r and PREFIX-a, and their chain.
family() {
    local name
    for name in o r a; do
        new_identity "$1-$name" >/dev/null
    done
    chain_of "$1-o" "$1-r" "$1-a" "$1-o" "$1-r" "$1-a"
}

# chain_of ORCHESTRATOR RESEARCHER ASSISTANT TOKEN TOKEN TOKEN: a chain of three, each beginning as a token of its own.
chain_of() {
    grant organisation "$1" "$4" issue --scope tool:search --scope 'tool:st*' --scope tool:silent \
        --budget-usd 5.00 --max-depth 3 --ttl 1h --aud e2e
    grant "$1" "$2" "$5" delegate --scope tool:search --scope tool:stream --scope tool:silent --budget-usd 0.50 \
        --context test <"$work/$4.token"
    grant "$2" "$3" "$6" delegate --scope tool:search --scope tool:stream --scope tool:silent --budget-usd 0.10 \
        --max-depth 0 --context test <"$work/$5.token"
}

# revoke WHO [OPTION…]: a statement by that key, brought to the gateway. Gives the command's exit status.
revoke() {
    local who=$1
    shift
    "$bin/aip-token" revoke --key "$work/$who.key" --post "${gateway%/mcp}" --expect "$gateway_did" "$@" \
        >"$work/reply" 2>&1
}

# declines CODE NAME COMMAND…: the command fails for this reason.
declines() {
    local wanted=$1 name=$2 status=0
    shift 2
    "$@" >"$work/reply" 2>&1 || status=$?
    http_status='' code="exit $status"
    check "$name: $wanted" test "$status" != 0 -a -n "$(grep -F "$wanted" "$work/reply")"
}

stage() {
    local name
    for name in organisation orchestrator researcher assistant friend stranger gateway; do
        new_identity "$name" >/dev/null
    done
    organisation=$(<"$work/organisation.did") gateway_did=$(<"$work/gateway.did")
    chain_of orchestrator researcher assistant orchestrator researcher assistant
    chain_of orchestrator researcher assistant again-o again-r again
    : >"$work/recorded"
    start recorder python3 "$here/recorder.py" "$work/recorded"
    start_gateway strict "${address[recorder]}" "$organisation" --quiet --allow-host gw.test --audience e2e \
        --require-proof
    start_main
}

start_main() {
    start_gateway main "${address[recorder]}" "$organisation" --quiet --allow-host gw.test --audience e2e \
        --key "$work/gateway.key"
}

# A regular end, and another beginning.
restart_main() {
    http_status='' code=''
    check 'SIGTERM ends the gateway with 0' stop main
    start_main
}

# The gateway dies without a word.
kill_main() {
    kill -9 "${pid[main]}"
    wait "${pid[main]}" 2>/dev/null || true
    unset 'pid[main]'
}

requests() {
    python authority_requests.py "$work" "$gateway" "$audit" "$@"
}

proofs() {
    requests all "${address[strict]}" "$work/strict.audit"
    requests send "$work/once"
    restart_main
    requests replay "$work/once"
    requests send "$work/once"
    kill_main
    start_main
    requests replay "$work/once"
}


# ---- revocation ----

# link_of TOKEN N: the link id of element N.
link_of() {
    "$bin/aip-token" inspect <"$work/$1.token" | sed -n 's/^ *link  *//p' | sed -n "$(($2 + 1))p"
}

# Who may end a link: its signer, those above, its holder. Each family is asked before, so that its chain is remembered.
by_link() {
    local who
    for who in r o organisation a; do
        family "link-$who"
        accepts "a chain, before its link is revoked" "link-$who-a"
        case $who in
        organisation) check "a link is revoked by the root" revoke organisation --chain "$work/link-$who-a.token" ;;
        o) check "by one above its signer, without a chain" revoke "link-o-o" --link "$(link_of link-o-a 2)" ;;
        *) check "by $who, its signer or holder" revoke "link-$who-$who" --chain "$work/link-$who-a.token" ;;
        esac
        refuses token.revoked 'and refused at the next request' "link-$who-a"
        check 'at the element that was ended' grep -q '"at":2' <(audit_line)
        accepts 'the chain above it stays' "link-$who-r"
    done
    family link-mid
    check 'a link in the middle is revoked' revoke link-mid-o --chain "$work/link-mid-r.token"
    refuses token.revoked 'what hangs below it ends too' link-mid-a
    check 'at the element in the middle' grep -q '"at":1' <(audit_line)
    accepts 'what stands above it does not' link-mid-o
}

by_name_and_key() {
    local key
    family did
    check 'an agent ends its own name' revoke did-a --did "$(<"$work/did-a.did")"
    refuses token.revoked 'its chain' did-a
    accepts 'but not that of who granted it' did-r
    check 'an ancestor ends a name below it' revoke organisation --chain "$work/did-r.token" \
        --did "$(<"$work/did-r.did")"
    refuses token.revoked 'what that name received' did-r
    accepts 'but not what was granted above it' did-o
    family key
    key=$(<"$work/key-r.did")
    check 'an agent ends its own key' revoke key-r --revoked-key "${key#did:aip:}"
    refuses token.revoked 'what that key signed' key-a
    refuses token.revoked 'what was granted to it' key-r
    accepts 'but not what was granted above it' key-o
}

# Whoever is not in a chain may say what they like about it.
by_strangers() {
    local key
    family calm
    key=$(<"$work/calm-r.did")
    check 'a stranger says that a link is ended' revoke stranger --link "$(link_of calm-a 2)"
    check 'and a name' revoke stranger --did "$(<"$work/calm-a.did")"
    check 'and a key' revoke stranger --revoked-key "${key#did:aip:}"
    accepts 'which has no effect' calm-a
    check 'a holder says that the link above its own is ended' revoke calm-a --link "$(link_of calm-a 1)"
    check 'and the name of who granted it' revoke calm-a --did "$(<"$work/calm-r.did")"
    accepts 'which has no effect' calm-a
    accepts 'nor on the link above' calm-r
    declines revocation.unauthorized 'a statement that its own chain refutes' revoke stranger \
        --chain "$work/calm-a.token"
}

# What was acknowledged is there after any end.
durable() {
    family last
    accepts 'a chain, before the gateway dies' last-a
    check 'its link is revoked' revoke last-r --chain "$work/last-a.token"
    kill_main
    start_main
    refuses token.revoked 'after kill -9 right after the acknowledgement' last-a
    restart_main
    refuses token.revoked 'and after another restart' last-a
    refuses token.revoked 'as all that was revoked before' link-r-a
    accepts 'and nothing else' last-r
}

# revoking TOKEN: the command that ends it, for a test that runs it at the right moment.
revoking() {
    printf '%s\n' "$bin/aip-token" revoke --key "$work/$1.key" --post "${gateway%/mcp}" --chain "$work/$1.token"
}

open_requests() {
    local kind command
    for kind in get post silent body storm; do
        family "open-$kind"
        mapfile -t command < <(revoking "open-$kind-a")
        requests cut "$kind" "open-$kind-a" "${command[@]}"
    done
}

# A stream outlives its token no more than one that is revoked.
expiring() {
    local expires
    expires=$(($(date +%s) + 2))
    grant organisation friend old issue --scope tool:search --max-depth 0 --ttl 2s --now "$((expires - 2))" --aud e2e
    cp "$work/friend.key" "$work/old.key"
    requests cut old old sh -c "while [ \$(date +%s) -lt $expires ]; do sleep 0.05; done"
    rm "$work/old.key"
}

# ---- `aip-token call` ----

# calls [OPTION…]: as the assistant, at $url; the answer in $work/reply.
calls() {
    "$bin/aip-token" call --key "$work/assistant.key" --token "$work/assistant.token" "$@" "$url" >"$work/reply" 2>&1
}

# declines_answer CODE NAME MODE: the proxy does MODE to each answer of the gateway.
declines_answer() {
    echo "$3" >"$work/proxy.mode"
    declines "$1" "$2" calls --expect "$gateway_did" "${json[@]}"
}

answers() {
    local url=$gateway json=(-H 'Content-Type: application/json' -d "$body")
    check 'call: an answer that the expected gateway signed' calls --expect "$gateway_did" "${json[@]}"
    check 'which is printed' grep -q '"content"' "$work/reply"
    check 'call: a tool over MCP' calls --expect "$gateway_did" --mcp search
    declines proof.key 'another gateway was expected' calls --expect "$(<"$work/friend.did")" "${json[@]}"
    url=${address[strict]}
    check 'call: a gateway without a key, if told so' calls --accept-unsigned "${json[@]}"
    declines proof.missing 'a gateway that signs nothing' calls --expect "$gateway_did" "${json[@]}"
    curl --silent --noproxy '*' "${url%/mcp}/aip/v1/revocations" >"$work/reply" || true
    check 'and has no list, which would have to be signed' grep -q '"request.not_found"' "$work/reply"
    start proxy python3 "$here/authority_proxy.py" "$gateway" "$work/proxy.mode"
    url=${address[proxy]}
    echo pass >"$work/proxy.mode"
    check 'call: through a proxy that changes nothing' calls --expect "$gateway_did" "${json[@]}"
    declines_answer proof.digest 'one byte of the body changed' body
    declines_answer proof.signature 'and its digest made to fit' digest
    declines_answer proof.signature 'another status' status
    declines_answer proof.signature 'another media type' type
    declines_answer proof.signature 'another decision' decision
    declines_answer proof.signature 'the answer to another request' swap
    declines_answer proof.missing 'no signature' strip
    declines_answer proof.repeated 'two signatures' double
    json=(-H 'Content-Type: application/json' -d "$(call stream '{"events":3}')")
    echo pass >"$work/proxy.mode"
    check 'call: a stream, with its receipt' calls --expect "$gateway_did" "${json[@]}"
    declines_answer proof.digest 'an event left out' drop
    declines_answer proof.digest 'an event twice' add
    declines_answer proof.missing 'a stream without its receipt' end
    declines_answer proof.missing 'something after the receipt' after
    declines_answer proof.key 'the receipt of another stream' receipt
    stop proxy || true
}

stage
proofs
by_link
by_name_and_key
by_strangers
open_requests
expiring
durable
python authority_lists.py "$gateway" "$work"
refuses token.revoked 'what was ended while the room was full' again
answers
check 'the log hangs together' python3 "$here/audit_chain.py" "$audit"
check 'SIGTERM ends the gateway with 0' stop main
check 'and the other one' stop strict
[ "$failed" = 0 ]
