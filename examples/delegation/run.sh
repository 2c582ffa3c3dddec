#!/usr/bin/env bash
# The demonstration: an organisation, three agents, one gateway; what it lets through, what it refuses, and why.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../tests/e2e/lib.sh"
need aip-did aip-token aip-gateway examples/delegation/files_mcp examples/delegation/forge
forge=$bin/examples/delegation/forge
as_expected=0 steps=0 summary=''

title() {
    printf '\n%s\n%s\n' "$1" "${1//?/-}"
}

# The audit log's line, with long values cut short.
show_audit() {
    audit_line | sed -E 's/did:aip:(.{8})[^"]*/did:aip:\1…/g; s/"([A-Za-z0-9_-]{4})[A-Za-z0-9_-]{39}"/"\1…"/g; s/,"/, "/g
        s/"(decision_id|request_digest|prev)":"(.{4})[^"]*"/"\1":"\2…"/g' |
        fold -s -w 104 | sed '1 s/^/   audit    /; 1! s/^/            /'
}

# What the gateway said, in a line or two: a refusal's name and sentence, or the first line of the tool's text.
show_answer() {
    local text
    if [ -n "$code" ]; then
        text="$code: $(sed -n 's/.*"message": *"\([^"]*\)".*/\1/p' "$work/reply" | head -n 1)"
    else
        text=$(sed -n 's/.*"text": *"\([^"]*\)".*/\1/p' "$work/reply" | sed 's/\\n.*/ …/')
    fi
    printf '   answer   %s  %s\n' "$http_status" "$text"
    show_audit
}

# Whose key signs the request, if any does.
show_proof() {
    local name
    if grep -q '^Signature: ' "$work/header"; then
        name=$(sed -n 's/^Signature-Input:.*keyid="\([^"#]*\)#.*/\1/p' "$work/header")
        name=$(grep -l -x -F -e "$name" "$work"/*.did | head -n 1)
        printf '   signs    with the key of the %s\n' "$(basename "$name" .did)"
    fi
}

# step WANTED WHAT TOKEN_FILE TOOL ARGUMENTS: asks and compares; WANTED is `allowed` or the name of a refusal.
step() {
    local wanted=$1 what=$2 got verdict=no
    ask "$3" "$(call "$4" "$5")"
    printf '   asks     %s %s\n' "$4" "$5"
    [ "$3" = - ] || show_proof
    show_answer
    got=${code:-$([ "$http_status" = 200 ] && echo allowed || echo "HTTP $http_status")}
    if [ "$wanted" = allowed ]; then
        allowed && verdict=yes
    else
        refused "$wanted" && verdict=yes
    fi
    steps=$((steps + 1))
    [ "$verdict" = no ] || as_expected=$((as_expected + 1))
    summary+=$(printf '%-2s %-44s %-22s %-22s %s' "$steps" "$what" "$wanted" "$got" "$verdict")$'\n'
}

# says COMMAND…: what the command prints, which has to succeed.
says() {
    "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
    sed -E 's/^(.{96}).+/\1…/; s/^/   says     /' "$work/said"
}

# declines CODE COMMAND…: the command refuses for this reason, with exit status 1.
declines() {
    local wanted=$1 status=0
    shift
    "$@" >"$work/declined.out" 2>"$work/declined.err" || status=$?
    printf '   says     %s (exit %s)\n' "$(head -n 1 "$work/declined.err")" "$status"
    if [ "$status" != 1 ] || ! grep -q -F "$wanted" "$work/declined.err"; then
        echo "   expected $wanted with exit status 1" >&2
        exit 1
    fi
}

title 'Who takes part'
organisation=$(new_identity organisation)
orchestrator=$(new_identity orchestrator)
researcher=$(new_identity researcher)
assistant=$(new_identity assistant)
friend=$(new_identity friend)
stranger=$(new_identity stranger)
itself=$(new_identity gateway)
printf '   %-13s %s  %s\n' \
    organisation "$organisation" 'owns the files; the gateway trusts its key, and no other' \
    orchestrator "$orchestrator" 'agent, plans the work' \
    researcher "$researcher" 'agent, works for the orchestrator' \
    assistant "$assistant" 'agent, works for the researcher' \
    friend "$friend" 'agent that nobody here asked for' \
    stranger "$stranger" 'another organisation' \
    gateway "$itself" 'stands before the files, and signs its answers'
echo '   Each made its own key. Nobody registered anywhere: a name is the key itself.'

title 'Who may do what'
"$bin/aip-token" issue --key "$work/organisation.key" --to "$orchestrator" --scope 'tool:*' --budget-usd 5.00 \
    --max-depth 3 --ttl 1h >"$work/orchestrator.token"
"$bin/aip-token" delegate --key "$work/orchestrator.key" --to "$researcher" --scope tool:search --scope tool:read_file \
    --budget-usd 0.50 --context 'find out about the tides' <"$work/orchestrator.token" >"$work/researcher.token"
"$bin/aip-token" delegate --key "$work/researcher.key" --to "$assistant" --scope tool:search --budget-usd 0.10 \
    --max-depth 0 --context 'look up one word' <"$work/researcher.token" >"$work/assistant.token"
echo '   The organisation gave the orchestrator every tool. Each agent passed on less than it had, signed with its'
echo '   own key, without asking anybody. The assistant holds this chain:'
echo
"$bin/aip-token" inspect <"$work/assistant.token" | sed "s/^/   /; s/$organisation/&  organisation/
    s/$orchestrator/&  orchestrator/; s/$researcher/&  researcher/; s/$assistant/&  assistant/"

start files "$bin/examples/delegation/files_mcp" --root "$here/docs" --port 0
start_gateway gateway "${address[files]}" "$organisation" --key "$work/gateway.key"
title 'The gateway'
echo "   ${address[files]}  the files' server, which has no access rules of its own"
echo "   $gateway  the gateway before it; it was told the organisation's key, nothing about the agents"

title '1  The assistant searches, as it may'
echo '   Its token says what it may do; its signature of this very request says that it is the assistant.'
step allowed 'assistant searches' "$work/assistant.token" search '{"query":"tide"}'
echo '   As one command, which signs the request and takes no answer but one that this gateway signed for it:'
echo '   aip-token call --key assistant.key --token assistant.token --expect DID --mcp search URL ARGUMENTS'
says "$bin/aip-token" call --key "$work/assistant.key" --token "$work/assistant.token" --expect "$itself" \
    --mcp search "$gateway" '{"query":"berths"}'

title '2  The assistant reads a file, which it was not given'
step scope.insufficient 'assistant reads a file' "$work/assistant.token" read_file '{"path":"tides.txt"}'

title '3  The researcher gives the assistant more than it has itself'
echo '   aip-token will not make such a token:'
declines chain.widened.scope "$bin/aip-token" delegate --key "$work/researcher.key" --to "$assistant" \
    --scope 'tool:*' --context 'all of it' <"$work/researcher.token"
echo '   So it writes one by hand, well signed:'
"$forge" --key "$work/researcher.key" --to "$assistant" --scope 'tool:*' <"$work/researcher.token" >"$work/widened.token"
step chain.widened.scope 'token that grants more than its parent' "$work/widened.token" word_count '{"path":"tides.txt"}'

title '4  The assistant passes its token on, where the chain must end'
declines chain.depth "$bin/aip-token" delegate --key "$work/assistant.key" --to "$friend" --scope tool:search \
    --context 'help me' <"$work/assistant.token"
echo '   By hand again:'
"$forge" --key "$work/assistant.key" --to "$friend" --scope tool:search <"$work/assistant.token" >"$work/fourth.token"
step chain.depth 'fourth hop' "$work/fourth.token" search '{"query":"tide"}'

title '5  A token from yesterday'
"$bin/aip-token" issue --key "$work/organisation.key" --to "$assistant" --scope tool:search --max-depth 0 --ttl 1s \
    --now "$(($(date +%s) - 86400))" >"$work/expired.token"
step token.expired 'token that has expired' "$work/expired.token" search '{"query":"tide"}'

title '6  The good token with one byte changed'
token=$(<"$work/assistant.token") signature=${token##*.}
[[ $signature == A* ]] && changed=B || changed=A
printf '%s.%s%s\n' "${token%.*}" "$changed" "${signature:1}" >"$work/changed.token"
step token.signature 'one byte of a signature changed' "$work/changed.token" search '{"query":"tide"}'

title '7  A good token of an organisation that is not trusted here'
"$bin/aip-token" issue --key "$work/stranger.key" --to "$assistant" --scope 'tool:*' --max-depth 0 --ttl 1h \
    >"$work/stranger.token"
step trust.root.unknown 'root that is not trusted' "$work/stranger.token" search '{"query":"tide"}'

title '8  No token at all'
step token.missing 'no token' - search '{"query":"tide"}'

title '9  Somebody has copied the token of the assistant'
echo '   It was in a log, a crash report, a prompt. Whoever found it can sign only with a key of their own:'
proof=$work/friend.key
step proof.key "copied token, another agent's signature" "$work/assistant.token" search '{"query":"tide"}'
proof=''

title '10 The researcher takes back what it gave'
echo '   aip-token revoke --key researcher.key --chain assistant.token --post URL --expect DID'
says "$bin/aip-token" revoke --key "$work/researcher.key" --chain "$work/assistant.token" --reason 'the work is done' \
    --post "${gateway%/mcp}" --expect "$itself"
echo '   The gateway had never heard of the researcher either. The token shows that it was its to give and to take:'
step token.revoked 'assistant searches once more' "$work/assistant.token" search '{"query":"tide"}'

title 'Summary'
printf '%-2s %-44s %-22s %-22s %s\n' '' 'what' 'expected' 'got' 'as expected'
printf '%s' "$summary"
printf '\n%s of %s as expected\n' "$as_expected" "$steps"
[ "$as_expected" = 10 ] && [ "$steps" = 10 ]
