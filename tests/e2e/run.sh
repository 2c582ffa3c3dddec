#!/usr/bin/env bash
# End to end: the demonstration, the official SDK against the official test server, faults, smuggling, identities,
# shutdown; and beside these all scripts that stand alone.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
source "$here/node_lib.sh"
need aip-did aip-token aip-gateway examples/delegation/files_mcp examples/delegation/forge
results=$work/results
vectors=${AIP_VECTORS:-$project/../shared/vectors}
: >"$results"

# verdict ok|FAIL|skip TEXT
verdict() {
    printf '%-4s %s\n' "$1" "$2" | tee -a "$results"
}

# check NAME COMMAND…: ok when the command succeeds.
check() {
    local name=$1
    shift
    if "$@"; then verdict ok "$name"; else verdict FAIL "$name: HTTP $http_status ${code:-no code}: $(head -c 300 "$work/reply" | tr -d '\n')"; fi
}

# refuses CODE NAME TOKEN_FILE BODY [CURL_OPTION…]: the gateway refuses for this reason, in its answer and in its log.
refuses() {
    local wanted=$1 name=$2
    shift 2
    ask "$@"
    check "$name: $wanted" refused "$wanted"
}

# tally COMMAND…: a test program that prints lines of its own; a bad end without a FAIL line is a failure too.
tally() {
    local status=0
    timeout 180 "$@" >"$work/tally" 2>&1 || status=$?
    cat "$work/tally"
    grep -E '^(ok  |FAIL|skip) ' "$work/tally" >>"$results" || true
    if [ "$status" != 0 ] && ! grep -q '^FAIL ' "$work/tally"; then
        verdict FAIL "$(basename "$2") ended with status $status"
    fi
}

# issue NAME SCOPE TTL [OPTION…]: a root token of the organisation for that agent.
issue() {
    local name=$1 scope=$2 ttl=$3
    shift 3
    "$bin/aip-token" issue --key "$work/organisation.key" --to "$(<"$work/$name.did")" --scope "$scope" --max-depth 3 \
        --ttl "$ttl" "$@"
}

make_tokens() {
    local name
    for name in organisation orchestrator researcher assistant friend stranger gateway; do
        new_identity "$name" >/dev/null
    done
    organisation=$(<"$work/organisation.did")
    issue assistant tool:search 1h >"$work/search.token"
    issue assistant tool:safe_tool 1h >"$work/safe.token"
    issue assistant 'tool:*' 1s --now "$(($(date +%s) - 60))" >"$work/expired.token"
    "$bin/aip-token" issue --key "$work/stranger.key" --to "$(<"$work/assistant.did")" --scope 'tool:*' --max-depth 0 \
        --ttl 1h >"$work/stranger.token"
}

# delegate_tools NAME TOOL…: the chain of the story; the orchestrator has all tools, the other two those named.
delegate_tools() {
    local name=$1 scopes=() tool
    shift
    for tool; do
        scopes+=(--scope "tool:$tool")
    done
    issue orchestrator 'tool:*' 1h --budget-usd 5.00 >"$work/orchestrator.token"
    "$bin/aip-token" delegate --key "$work/orchestrator.key" --to "$(<"$work/researcher.did")" "${scopes[@]}" \
        --budget-usd 0.50 --context 'end-to-end test' <"$work/orchestrator.token" >"$work/researcher.token"
    "$bin/aip-token" delegate --key "$work/researcher.key" --to "$(<"$work/assistant.did")" "${scopes[@]}" \
        --budget-usd 0.10 --max-depth 0 --context 'end-to-end test' <"$work/researcher.token" >"$work/$name.token"
}

# refusals NAME TOOL OTHER: the refusals of the story, before any server; TOOL is of the chain, OTHER is not.
refusals() {
    local forge=$bin/examples/delegation/forge token signature changed body
    body=$(call "$2" '{}')
    token=$(<"$work/$1.token") signature=${token##*.}
    [[ $signature == A* ]] && changed=B || changed=A
    printf '%s.%s%s\n' "${token%.*}" "$changed" "${signature:1}" >"$work/changed.token"
    "$forge" --key "$work/researcher.key" --to "$(<"$work/assistant.did")" --scope "tool:$3" \
        <"$work/researcher.token" >"$work/wider.token"
    "$forge" --key "$work/researcher.key" --to "$(<"$work/assistant.did")" --scope "tool:$2" --budget-usd 0.500001 \
        <"$work/researcher.token" >"$work/richer.token"
    "$forge" --key "$work/researcher.key" --to "$(<"$work/assistant.did")" --scope "tool:$2" --max-depth 2 \
        <"$work/researcher.token" >"$work/deeper.token"
    "$forge" --key "$work/researcher.key" --to "$(<"$work/assistant.did")" --scope "tool:$2" --exp 4000000000 \
        <"$work/researcher.token" >"$work/longer.token"
    "$forge" --key "$work/friend.key" --to "$(<"$work/stranger.did")" --scope "tool:$2" \
        <"$work/researcher.token" >"$work/usurped.token"
    "$forge" --key "$work/assistant.key" --to "$(<"$work/friend.did")" --scope "tool:$2" \
        <"$work/$1.token" >"$work/fourth.token"
    refuses scope.insufficient "$1, a tool outside the chain" "$work/$1.token" "$(call "$3" '{}')"
    refuses chain.widened.scope "$1, a wider scope" "$work/wider.token" "$body"
    refuses chain.widened.budget "$1, a larger budget" "$work/richer.token" "$body"
    refuses chain.widened.depth "$1, a larger depth" "$work/deeper.token" "$body"
    refuses chain.widened.time "$1, a longer life" "$work/longer.token" "$body"
    refuses chain.issuer "$1, an element of somebody else" "$work/usurped.token" "$body"
    refuses chain.depth "$1, a fourth hop" "$work/fourth.token" "$body"
    refuses token.expired "$1, an expired token" "$work/expired.token" "$body"
    refuses token.signature "$1, a changed byte" "$work/changed.token" "$body"
    refuses trust.root.unknown "$1, an unknown root" "$work/stranger.token" "$body"
    refuses token.missing "$1, no token" - "$body"
}

demonstration() {
    local status=0
    timeout 60 "$project/examples/delegation/run.sh" >"$work/demo.out" 2>&1 || status=$?
    if [ "$status" = 0 ] && grep -q '^10 of 10 as expected$' "$work/demo.out"; then
        verdict ok 'the demonstration: 10 of 10 as expected'
    else
        cat "$work/demo.out"
        verdict FAIL "the demonstration ended with status $status"
    fi
}

# audit_has TOOL DECISION CODE
audit_has() {
    grep -q -F '"decision":"'"$2"'","code":"'"$3"'"' <(grep -F '"tool":"'"$1"'"' "$audit")
}

official_sdk() {
    local node
    if ! command -v npm >/dev/null || ! install_packages; then
        verdict skip 'official SDK: its packages could not be installed'
        return
    fi
    if ! find_node; then
        verdict skip 'official SDK: Node.js 22 or later is needed'
        return
    fi
    # One of the server's tools prints its environment, and it would listen everywhere.
    start everything env -i PORT=0 "$node" --require "$here/loopback.cjs" \
        "$bin/e2e/node_modules/@modelcontextprotocol/server-everything/dist/index.js" streamableHttp
    start_gateway sdk "${address[everything]}" "$organisation" --key "$work/gateway.key"
    delegate_tools everything echo trigger-long-running-operation trigger-sampling-request
    issue friend 'tool:*' 1h >"$work/friend.token"
    tally "$node" "$bin/e2e/everything.mjs" "$gateway" "$(<"$work/gateway.did")" "$work/everything.token" \
        "$work/assistant.key" "$work/friend.token"
    check 'audit: echo was allowed' audit_has echo ALLOW ok
    check 'audit: get-env was refused' audit_has get-env BLOCK scope.insufficient
    refusals everything echo get-env
    check 'the log hangs together' python3 "$here/audit_chain.py" "$audit"
    stop sdk || true
    stop everything || true
}

# Milliseconds between the two events of a search; the server waits 300 before the second.
event_gap() {
    local line times=() body
    body=$(call search '{"query":"tide","stream":true}')
    write_header "$work/small.token" "$body"
    while IFS= read -r line; do
        [[ $line != data:* ]] || times+=("$(date +%s%N)")
    done < <(curl --silent --no-buffer --max-time 10 --noproxy '*' --header "@$work/header" \
        --header 'Content-Type: application/json' --header 'Accept: application/json, text/event-stream' \
        --data "$body" "$gateway")
    echo $(((${times[1]:-0} - ${times[0]:-0}) / 1000000))
}

small_server() {
    start files "$bin/examples/delegation/files_mcp" --root "$project/examples/delegation/docs" --port 0
    start_gateway small "${address[files]}" "$organisation"
    delegate_tools small search
    ask "$work/small.token" "$(call search '{"query":"tide"}')"
    check 'search is allowed' allowed
    check 'search answers' grep -q -F 'tides.txt:1: Tides of the north harbour' "$work/reply"
    refusals small search read_file

    ask "$work/small.token" "$(call search '{"query":"tide","stream":true}')"
    check 'two events, then the end' test "$(grep -c '^data:' "$work/reply")" = 2
    check 'the first well before the second' test "$(event_gap)" -gt 100
}

faults() {
    local search=$work/search.token body
    body=$(call search '{"query":"tide"}')
    refuses request.batch 'a batch' "$search" "[$body]"
    refuses json.duplicate 'a member twice' "$search" '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}'
    refuses json.syntax 'no JSON' "$search" '{"jsonrpc":"2.0",'
    refuses request.method 'a method that nobody knows' "$search" '{"jsonrpc":"2.0","id":1,"method":"danger/now"}'
    refuses request.meta 'a modern request that does not say what its client can do' "$search" \
        '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}' \
        --header 'MCP-Protocol-Version: 2026-07-28' --header 'Mcp-Method: tools/list'
    refuses token.repeated 'two tokens' "$search" "$body" --header "Authorization: AIP $(<"$search")"
    refuses request.origin 'a page of another origin' "$search" "$body" --header 'Origin: https://evil.example'
    printf '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"%*s"}}' 5000000 '' >"$work/large"
    refuses request.size 'five megabytes' "$search" "@$work/large" --header 'Expect:'
    printf 'garbage~%s\n' "$(<"$search")" >"$work/garbage.token"
    ask "$work/garbage.token" "$body"
    check 'garbage before a token: 401' test "$http_status" = 401
    refuses request.origin 'a host name that is not ours' "$search" "$body" --header 'Host: evil.example'
    printf '%09000d\n' 0 >"$work/long.token"
    refuses token.size 'nine kilobytes of token' "$work/long.token" "$body"
    stop files || true
    refuses_upstream "$search" "$body"
    stop small || true
}

# The decision was to allow; what came of it is a line of its own.
refuses_upstream() {
    ask "$@"
    check 'a dead upstream: 502' test "$http_status" = 502
    check 'a dead upstream: upstream.unreachable' test "$code" = upstream.unreachable
    check 'a dead upstream: the log has the outcome' grep -q '"event":"outcome".*"code":"upstream.unreachable"' "$audit"
}

# A log may grow by one kilobyte, and no further: what cannot be recorded is refused, and no half line stays. The limit
# is one for all files, so the log begins with a megabyte, which is more than the database needs.
full_log() {
    local search=$work/search.token body i
    if ! command -v python3 >/dev/null; then
        verdict skip 'a full log: python3 is needed'
        return
    fi
    body=$(call search '{"query":"tide"}')
    audit=$work/full.audit
    python3 "$here/audit_chain.py" "$audit" --fill $((1024 * 1023))
    start files "$bin/examples/delegation/files_mcp" --root "$project/examples/delegation/docs" --port 0
    start full bash -c 'ulimit -f 1024; exec "$@"' limited "$bin/aip-gateway" --upstream "${address[files]}" --port 0 \
        --trust-key "${organisation#did:aip:}" --audit "$audit" --quiet
    gateway=${address[full]}
    for i in 1 2 3; do
        ask "$search" "$body"
    done
    check 'a full log: 503' test "$http_status" = 503
    check 'a full log: audit.unavailable' test "$code" = audit.unavailable
    check 'a full log: whole lines only' python3 "$here/audit_chain.py" "$audit"
    stop full || true
    stop files || true
}

# The compact form of the project sunilp/aip, made on the command line: these bytes and no others.
compact_token() {
    local made expected
    (umask 077 && cat >"$work/seed.key") <<'KEY'
{"type":"aip-key","version":1,"did":"did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd","seed":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}
KEY
    expected=eyJhbGciOiJFZERTQSIsInR5cCI6ImFpcCtqd3QifQ.
    expected+=eyJpc3MiOiJhaXA6d2ViOmJlbmNoLnRlc3QvYWdlbnQiLCJzdWIiOiJhaXA6d2ViOmJlbmNoLnRlc3QvdG9vbCIsInNjb3BlIjpbInRvb2w6c2Vhcm
    expected+=NoIiwidG9vbDpicm93c2UiXSwiYnVkZ2V0X3VzZCI6MS4wLCJtYXhfZGVwdGgiOjAsImlhdCI6MTcxMTEwMDAwMCwiZXhwIjo0NzExMTAwMDAwfQ.
    expected+=iAH74cNBsCHeutWFQO6pT8N3ZD0ouyH38Mba9O5WfsXmlTJR0dbJsJZ1CXwbG59eNLZso4BcU-BN4jHKKZEXBw
    made=$("$bin/aip-token" issue --key "$work/seed.key" --issuer aip:web:bench.test/agent \
        --to aip:web:bench.test/tool --scope tool:search --scope tool:browse --budget-usd 1 --max-depth 0 \
        --now 1711100000 --ttl 3000000000s) || true
    check 'a compact token comes out byte for byte' test "$made" = "$expected"
}

smuggling() {
    if ! command -v python3 >/dev/null; then
        verdict skip 'smuggling: python3 is needed'
        return
    fi
    : >"$work/recorded"
    start recorder python3 "$here/recorder.py" "$work/recorded"
    start_gateway smuggling "${address[recorder]}" "$organisation" --quiet --allow-host gw.test
    tally python3 "$here/smuggling.py" "$gateway" "$work/safe.token" "$work/recorded" "$vectors"
    check 'smuggling: the log hangs together' python3 "$here/audit_chain.py" "$audit"
    stop smuggling || true
    stop recorder || true
}

descriptors() {
    find "/proc/${pid[$1]}/fd" -mindepth 1 | wc -l
}

# descriptors_return BEFORE: connections to the upstream may stay open for reuse; all else must come back.
descriptors_return() {
    local tries=0
    while [ "$(descriptors last)" -gt $(($1 + 2)) ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || return 1
        sleep 0.1
    done
}

# Scripts of their own, which share nothing: two at a time, beside the tests of this one. Most of their time is waiting.
beside=(server.sh faults.sh identity_gateway.sh authority.sh rules.sh money.sh wrap.sh conformance.sh reload.sh
    identity_commands.sh sdk_modern.sh a2a.sh approvals.sh upstreams.sh revocation_lists.sh operator.sh plain.sh
    inspector.sh metrics.sh audit.sh config.sh trust.sh groups.sh tasks.sh duties.sh)

run_beside() {
    printf '%s\n' "${beside[@]}" | xargs -P 2 -I '{}' bash -c \
        'timeout 400 bash "$1/$2" >"$3/beside.$2" 2>&1 </dev/null; echo "$?" >"$3/status.$2"' one "$here" '{}' "$work"
}

# What they said; one that ended badly without a FAIL line has failed, too.
collect_beside() {
    local script status
    wait "${pid[beside]}" || true
    unset 'pid[beside]'
    for script in "${beside[@]}"; do
        echo "-- $script"
        cat "$work/beside.$script"
        grep -E '^(ok  |FAIL|skip) ' "$work/beside.$script" >>"$results" || true
        status=$(<"$work/status.$script")
        if [ "$status" != 0 ] && ! grep -q '^FAIL ' "$work/beside.$script"; then
            verdict FAIL "$script ended with status $status"
        fi
    done
}

# The command looks identities up at an HTTPS server of good and hostile ones.
identities() {
    if ! command -v openssl >/dev/null; then
        verdict skip 'identities: openssl is needed'
        return
    fi
    tally python3 "$here/identity_resolve.py" "$bin" "$work/identity-resolve"
    tally python3 "$here/identity_beside.py" "$bin" "$work/identity-beside"
}

shutdown() {
    local before i status=0 started
    start files "$bin/examples/delegation/files_mcp" --root "$project/examples/delegation/docs" --port 0
    start_gateway last "${address[files]}" "$organisation" --quiet
    for i in {1..10}; do
        ask "$work/search.token" "$(call search '{"query":"tide"}')"
    done
    before=$(descriptors last)
    started=$(date +%s%N)
    for i in {1..100}; do
        ask "$work/search.token" "$(call search '{"query":"tide"}')"
        ask - "$(call search '{"query":"tide"}')"
    done
    check '200 requests without stalls' test $((($(date +%s%N) - started) / 1000000000)) -lt 20
    ask "$work/search.token" "$(call search '{"query":"tide","stream":true}')" --max-time 0.1 # leaves in the middle
    check 'descriptors return after 200 requests' descriptors_return "$before"
    ask "$work/search.token" "$(call search '{"query":"tide"}')"
    check 'the gateway still answers' allowed
    started=$SECONDS
    stop last || status=$?
    check 'SIGTERM ends the gateway with 0' test "$status" = 0
    check 'and soon' test $((SECONDS - started)) -le 5
    check 'its log hangs together' python3 "$here/audit_chain.py" "$work/last.audit"
    start_gateway last "${address[files]}" "$organisation" --quiet
    ask "$work/search.token" "$(call search '{"query":"tide"}')"
    check 'a restart continues the log' allowed
    check 'which hangs together still' python3 "$here/audit_chain.py" "$work/last.audit"
    status=0
    "$bin/aip-gateway" --upstream "${address[files]}" --port 0 --trust-key "${organisation#did:aip:}" \
        --audit "$work/last.audit" >"$work/second" 2>&1 || status=$?
    check 'two gateways never share a log' grep -q audit.unavailable "$work/second"
    check 'the second one ends with 3' test "$status" = 3
    stop files || true
}

command -v python3 >/dev/null || { echo 'python3 is needed' >&2; exit 3; }
! command -v npm >/dev/null || install_packages || true # before two scripts want them at once
run_beside &
pid[beside]=$!
make_tokens
demonstration
small_server
compact_token
faults
full_log
smuggling
identities
shutdown
official_sdk
collect_beside

passed=$(grep -c '^ok ' "$results" || true)
failed=$(grep -c '^FAIL ' "$results" || true)
skipped=$(grep -c '^skip ' "$results" || true)
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
