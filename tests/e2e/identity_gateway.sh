#!/usr/bin/env bash
# A gateway that looks identities up: did:web roots and hops, key logs, slow hosts, and what it publishes of its own.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway examples/delegation/files_mcp
domain=aip-test.example
site=$work/site
body=''

# refuses_start STATUS CODE NAME OPTION…: a gateway with these options does not start.
refuses_start() {
    local wanted=$1 why=$2 name=$3 status=0
    shift 3
    timeout 20 "$bin/aip-gateway" --upstream "${address[files]}" --port 0 --trust "$organisation" \
        --audit "$work/refused.audit" "$@" >"$work/reply" 2>&1 || status=$?
    http_status=$status code=$why
    check "$name: exit $wanted" test "$status" = "$wanted"
    check "$name: $why" grep -q -F "$why" "$work/reply"
}

asked() { # HOST: how often it was asked for something
    grep -c "^$1.$domain " "$site/requests" || true
}

looked_up() { # HOST: was its name ever looked up?
    grep -q "^lookup $1.$domain$" "$work/names.log"
}

not() {
    ! "$@"
}

milliseconds() {
    echo $(($(date +%s%N) / 1000000))
}

certificates() {
    (
        cd "$work"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt \
            -subj '/CN=AIP test authority' -days 2 -addext keyUsage=critical,keyCertSign
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr \
            -subj "/CN=*.$domain"
        printf 'subjectAltName=DNS:*.%s\nextendedKeyUsage=serverAuth\n' "$domain" >site.ext
        openssl x509 -req -in site.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile site.ext -out site.crt
        cat site.crt site.key >site.pem
    ) >"$work/openssl.log" 2>&1
}

# Names lead to the server of files, whatever port a name asks for; nothing else has an address.
servers() {
    mkdir -p "$site"
    python3 "$here/identity_files.py" "$site" "$work/site.pem" >"$work/site.log" 2>&1 &
    pid[site]=$!
    local tries=0
    until grep -q 'listening on' "$work/site.log"; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || return 1
        sleep 0.05
    done
    printf '%s all 127.0.0.2:%s\n' "*.$domain" "$(sed 's/.*://' "$work/site.log")" >"$work/names"
    printf '%s slow 127.0.0.2:1\n' "dark.$domain" | cat - "$work/names" >"$work/names.new"
    mv "$work/names.new" "$work/names"
    # shellcheck disable=SC2086  # CC may hold options
    ${CC:-cc} -std=c17 -D_GNU_SOURCE -fPIC -shared -O1 "$here/names_shim.c" -o "$work/names.so"
    start files "$bin/examples/delegation/files_mcp" --root "$project/examples/delegation/docs" --port 0
}

# web_identity HOST [KEY_OF]: publishes a did:web document with the key of that name.
web_identity() {
    local host=$1.$domain did key folder=$site/$1.$domain/.well-known
    did=did:web:$host
    [ -e "$work/${2:-$1}.key" ] || new_identity "${2:-$1}" >/dev/null
    key=$(<"$work/${2:-$1}.did") key=${key#did:aip:}
    mkdir -p "$folder"
    cat >"$folder/did.json" <<DOCUMENT
{"id":"$did","verificationMethod":[{"id":"$did#key-1","type":"Multikey","controller":"$did","publicKeyMultibase":"$key"}],
 "authentication":["$did#key-1"],"assertionMethod":["$did#key-1"],"capabilityDelegation":["$did#key-1"]}
DOCUMENT
}

# issue TOKEN KEY ISSUER SUBJECT [OPTION…]
issue() {
    local token=$1 key=$2 issuer=$3 subject=$4
    shift 4
    "$bin/aip-token" issue --key "$work/$key.key" ${issuer:+--issuer "$issuer"} --to "$subject" --scope 'tool:*' \
        --max-depth 3 --ttl 1h "$@" >"$work/$token.token"
}

# delegate TOKEN PARENT KEY SUBJECT [OPTION…]
delegate() {
    local token=$1 parent=$2 key=$3 subject=$4
    shift 4
    "$bin/aip-token" delegate --key "$work/$key.key" --to "$subject" --scope 'tool:*' --context 'end-to-end test' \
        "$@" <"$work/$parent.token" >"$work/$token.token"
}

# A rotated identity: keys rotated.key and rotated-2.key, its log at the source.
rotated_identity() {
    local folder=$site/logs.$domain/.well-known/aip/did
    "$bin/aip-did" create --out "$work/rotated.key" --log "$work/rotated.log" --next-out "$work/rotated-2.key" \
        >"$work/rotated.out"
    rotated=$(grep -o -m 1 'did:aip:z[1-9A-HJ-NP-Za-km-z]*' "$work/rotated.out" | head -n 1)
    cp "$work/rotated.log" "$work/rotated-short.log"
    issue early rotated '' "$agent"
    sleep 2
    "$bin/aip-did" rotate --log "$work/rotated.log" --key "$work/rotated-2.key" --next-out "$work/rotated-3.key" \
        >"$work/rotate.out"
    sleep 1
    issue late rotated '' "$agent"
    issue current rotated-2 '' "$agent"
    mkdir -p "$folder"
    cp "$work/rotated.log" "$folder/${rotated#did:aip:}.jsonl"
}

identities() {
    new_identity organisation >/dev/null
    new_identity assistant >/dev/null
    new_identity stranger >/dev/null
    organisation=$(<"$work/organisation.did") agent=$(<"$work/assistant.did")
    local host
    for host in root slow slower hop unlisted evil leaver stopper dark fresh; do
        web_identity "$host"
        issue "$host" "$host" "did:web:$host.$domain" "$agent"
    done
    echo 1.5 >"$site/slow.$domain/delay"
    for host in far-1 far-2 far-3 far-4; do
        web_identity "$host"
        echo 1.8 >"$site/$host.$domain/delay"
    done
    issue far-1 far-1 "did:web:far-1.$domain" "did:web:far-2.$domain"
    delegate far-2 far-1 far-2 "did:web:far-3.$domain" --max-depth 2
    delegate far-3 far-2 far-3 "did:web:far-4.$domain" --max-depth 1
    delegate far-4 far-3 far-4 "$agent"
    for host in slower leaver stopper; do
        echo 30 >"$site/$host.$domain/delay"
    done
    issue plain organisation '' "$agent"
    issue forged stranger "did:web:root.$domain" "$agent"
    for host in hop unlisted; do
        issue "to-$host" organisation '' "did:web:$host.$domain"
        delegate "by-$host" "to-$host" "$host" "$agent"
    done
    # The stranger signs an element in the organisation's name that hands on to a host that is admitted.
    sed 's/[^.]*$//' "$work/to-hop.token" | tr -d '\n' >"$work/cut"
    printf '%s%s\n' "$(<"$work/cut")" "$(printf 'A%.0s' {1..86})" >"$work/bad-parent"
    printf '%s~%s\n' "$(<"$work/bad-parent")" "$(sed 's/^[^~]*~//' "$work/by-hop.token")" >"$work/bad-hop.token"
    rotated_identity
}

# start_looking NAME [OPTION…]: a gateway that looks identities up.
start_looking() {
    local name=$1
    shift
    LD_PRELOAD=$work/names.so AIP_NAMES_TABLE=$work/names AIP_NAMES_LOG=$work/names.log \
        ASAN_OPTIONS=verify_asan_link_order=0 start "$name" "$bin/aip-gateway" --upstream "${address[files]}" --port 0 \
        --audit "$work/$name.audit" --store "$work/looking.db" --ca-file "$work/ca.crt" \
        --allow-address 127.0.0.2/32 --trust "$organisation" --trust "$rotated" --trust "did:web:root.$domain" \
        --trust "did:web:slow.$domain" --trust "did:web:slower.$domain" --trust "did:web:leaver.$domain" \
        --trust "did:web:far-1.$domain" --resolve-host "far-2.$domain" --resolve-host "far-3.$domain" --resolve-host "far-4.$domain" \
        --trust "did:web:stopper.$domain" --trust "did:web:dark.$domain" --trust "did:web:fresh.$domain" --resolve-host "hop.$domain" --key-source "https://logs.$domain" "$@"
    gateway=${address[$name]} audit=$work/$name.audit
}

web_roots_and_hops() {
    accepts 'a did:web root: its document is fetched' root
    check 'once' test "$(asked root)" = 1
    accepts 'again: it is remembered' root
    check 'and not fetched again' test "$(asked root)" = 1
    refuses token.signature "a did:web root's name under another key" forged
    accepts 'a hop at a host that is admitted' by-hop
    refuses did.not_admitted 'a hop at a host that is not' by-unlisted
    check 'whose name is not even looked up' not looked_up unlisted
    refuses trust.root.unknown 'a did:web root that nobody trusts' evil
    check 'whose name is not even looked up' not looked_up evil
    local before
    before=$(asked hop)
    refuses token.signature 'a hop behind a bad signature' bad-hop
    check 'nothing is fetched for it' test "$(asked hop)" = "$before"
}

# ask_behind TOKEN SECONDS: asks in the background, for at most so long; its answer goes to $work/behind.
ask_behind() {
    sed 's/^/X-AIP-Token: /' "$work/$1.token" >"$work/header-behind"
    curl --silent --max-time "$2" --noproxy '*' --output "$work/behind" --write-out '%{http_code}' \
        --header 'Content-Type: application/json' --header 'Accept: application/json, text/event-stream' \
        --header "@$work/header-behind" --data-binary "$body" "$gateway" >"$work/behind.status" &
    behind=$!
}

until_asked() { # HOST: until it was asked for something
    local tries=0
    until [ "$(asked "$1")" -gt 0 ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.05
    done
}

slow_hosts() {
    local started i longest=0 took
    ask_behind slow 20
    until_asked slow
    for i in {1..3}; do
        started=$(milliseconds)
        accepts "while a slow host is waited for, request $i of others" plain
        took=$(($(milliseconds) - started))
        longest=$((took > longest ? took : longest))
    done
    check 'which wait for nothing' test "$longest" -lt 1000
    check 'the slow host has not answered yet' kill -0 "$behind"
    wait "$behind" || true
    check 'and then its request is allowed' test "$(<"$work/behind.status")" = 200
    started=$(milliseconds)
    refuses fetch.timeout 'a host that does not answer' slower
    check 'after two seconds or so' test $(($(milliseconds) - started)) -lt 5000
    started=$(milliseconds)
    refuses fetch.timeout 'and again' slower
    check 'at once, since that is remembered' test $(($(milliseconds) - started)) -lt 1000
    check 'it was asked once' test "$(asked slower)" = 1
}

# Four hosts that each take their time: one verification may take five seconds in all, and what it learnt stays.
long_ways() {
    local started
    started=$(milliseconds)
    refuses fetch.timeout 'a chain of four slow hosts' far-4
    check 'after five seconds or so' test $(($(milliseconds) - started)) -lt 8000
    check 'but not before' test $(($(milliseconds) - started)) -ge 5000
    sleep 2
    accepts 'and when all have answered' far-4
    check 'each was asked once' test "$(asked far-1) $(asked far-2) $(asked far-3) $(asked far-4)" = '1 1 1 1'
}

# Its name takes ten seconds to look up: longer than a fetch and than a resolution may take.
dark_names() {
    local started
    started=$(milliseconds)
    ask_behind dark 20
    refuses fetch.timeout 'a host whose name is looked up for ever' dark
    check 'after two seconds or so' test $(($(milliseconds) - started)) -lt 5000
    wait "$behind" || true
    started=$(milliseconds)
    accepts 'another host' fresh
    check 'does not wait for it' test $(($(milliseconds) - started)) -lt 4000
}

hang_ups() {
    ask_behind leaver 0.3
    wait "$behind" || true
    accepts 'a client left while its root was looked up' plain
    sleep 2.5 # until the look-up ends, with nobody waiting for it
    accepts 'and the look-up came back to nobody' plain
    check 'the gateway runs' kill -0 "${pid[looking]}"
}

key_logs() {
    accepts 'a rotated root by its current key' current
    accepts 'its first key, before the rotation' early
    refuses did.key.retired 'its first key, after the rotation' late
}

# get PATH [OPTION…]: reads an open address; its head is in $work/head.
get() {
    local path=$1
    shift
    audit_before=$(audit_lines) code=''
    http_status=$(curl --silent --max-time 20 --noproxy '*' --path-as-is --output "$work/reply" --dump-header "$work/head" \
        --write-out '%{http_code}' "$@" "${gateway%/mcp}$path") || true
}

has_type() {
    grep -q -i "^content-type: $1" "$work/head" && grep -q -i '^cache-control: max-age=300' "$work/head"
}

json_is() { # EXPRESSION of `d`
    python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); sys.exit(0 if eval(sys.argv[2]) else 1)' "$work/reply" "$1"
}

own_pages() {
    local own=${gateway_did#did:aip:} unknown logs=/.well-known/aip/did
    unknown=$(<"$work/stranger.did") unknown=${unknown#did:aip:}
    get /.well-known/did.json
    check 'did.json: 200' test "$http_status" = 200
    check 'did.json: its type, and how long it serves' has_type application/did+json
    check 'did.json: did:web of the public host' json_is "d['id'] == 'did:web:gw.$domain%3A8443'"
    check 'did.json: also known as its did:aip' json_is "d['alsoKnownAs'] == ['$gateway_did']"
    check 'did.json: the key in force' \
        json_is "[m['id'] for m in d['verificationMethod']] == ['did:web:gw.$domain%3A8443#key-2']"
    check 'did.json: the services' json_is "[(s['id'].split('#')[1], s['type'], s['serviceEndpoint']) for s in d['service']] == [
        ('gateway', 'AIPGateway', 'https://gw.$domain:8443/mcp'),
        ('log', 'AIPKeyLog', 'https://gw.$domain:8443$logs/$own.jsonl')]"
    get "$logs/$own.jsonl"
    check 'its own log, byte for byte' cmp -s "$work/reply" "$work/gateway.log"
    check 'its type' has_type application/jsonl
    get "$logs/${rotated#did:aip:}.jsonl"
    check 'a log that it knows, byte for byte' cmp -s "$work/reply" "$work/rotated.log"
    get "$logs/$own.jsonl" --head
    check 'HEAD is answered' test "$http_status" = 200
    get /.well-known/did.json --data x
    check 'POST is not' test "$http_status" = 405
    local path
    for path in "$logs/$unknown.jsonl" "$logs/$own" "$logs/$own.jsonl.jsonl" "$logs/../../did.json" "$logs/" \
        "$logs/$(printf '0%.0s' {1..32}).jsonl" "$logs/%7a${own:1}.jsonl" "$logs/${own:0:47}0.jsonl"; do
        get "$path"
        check "unknown: $path" test "$http_status" = 404
    done
    check 'none of this is a decision' test "$(audit_lines)" = "$audit_before"
    get /healthz
    check 'health is answered as ever' grep -q '"status":"ok"' "$work/reply"
}

# The same gateway once more: what it saw is in its database.
second_life() {
    local status=0 folder=$site/logs.$domain/.well-known/aip/did started
    ask_behind stopper 20
    until_asked stopper
    started=$SECONDS
    stop looking || status=$?
    check 'SIGTERM while a request waits: ends with 0' test "$status" = 0
    check 'and soon' test $((SECONDS - started)) -le 6
    wait "$behind" || true
    check 'the waiting request was refused' test "$(<"$work/behind.status")" = 503
    check 'and that recorded' grep -q '"decision":"BLOCK","code":"fetch.timeout"' <(grep '"event":"decision"' "$audit" | tail -n 1)
    cp "$work/rotated-short.log" "$folder/${rotated#did:aip:}.jsonl"
    start_looking looking
    get "/.well-known/aip/did/${rotated#did:aip:}.jsonl"
    check 'after a restart it still knows the log' cmp -s "$work/reply" "$work/rotated.log"
    get /.well-known/did.json
    check 'without a key of its own it has no document' test "$http_status" = 404
    refuses did.key.retired 'a source that takes a rotation back changes nothing' late
    status=0
    stop looking || status=$?
    check 'it ends with 0' test "$status" = 0
    # Seven minutes on, what was learnt is no longer fresh; a document is gone, and the source still shows less.
    rm "$site/hop.$domain/.well-known/did.json"
    clock=(env LD_PRELOAD="$work/names.so" AIP_NAMES_TABLE="$work/names" AIP_NAMES_CLOCK=420
        ASAN_OPTIONS=verify_asan_link_order=0)
    AIP_NAMES_CLOCK=420 start_looking looking --max-staleness 1h
    accepts 'a hop whose document is gone, where old answers may serve' by-hop
    check 'which the operator is told' grep -q "WARNING identity did:web:hop.$domain: .*stale" "$work/looking.log"
    stop looking || status=$?
    AIP_NAMES_CLOCK=420 start_looking looking
    refuses did.not_found 'a hop whose document is gone, where they may not' by-hop
    accepts 'a did:web root whose document is still there' root
    refuses log.rollback 'a source that takes a rotation back, later' current
    check 'which the operator is told' grep -q "WARNING identity $rotated: log.rollback (from https://logs.$domain" \
        "$work/looking.log"
    stop looking || status=$?
    check 'they ended with 0' test "$status" = 0
    clock=()
    rm "$folder/${rotated#did:aip:}.jsonl"
    check 'the log hangs together' python3 "$here/audit_chain.py" "$audit"
}

own_identity() {
    "$bin/aip-did" create --out "$work/gateway.key" --log "$work/gateway.log" --next-out "$work/gateway-2.key" \
        >"$work/gateway.out"
    gateway_did=$(grep -o -m 1 'did:aip:z[1-9A-HJ-NP-Za-km-z]*' "$work/gateway.out" | head -n 1)
    cp "$work/gateway.log" "$work/gateway-short.log"
    sleep 1.1
    "$bin/aip-did" rotate --log "$work/gateway.log" --key "$work/gateway-2.key" --next-out "$work/gateway-3.key" \
        >"$work/rotate.out"
}

bad_starts() {
    refuses_start 2 usage 'a public URL without a key' --public-url "https://gw.$domain"
    refuses_start 2 config.invalid 'a public URL with a path' --key "$work/stranger.key" \
        --public-url "https://gw.$domain/path"
    refuses_start 2 config.invalid 'a public URL that is an address' --key "$work/stranger.key" \
        --public-url https://127.0.0.1
    refuses_start 2 config.invalid 'a public URL without TLS' --key "$work/stranger.key" --public-url "http://gw.$domain"
    refuses_start 3 io 'a key that is not there' --key "$work/none.key"
    cp "$work/stranger.key" "$work/open.key"
    chmod 644 "$work/open.key"
    refuses_start 2 keyfile.mode 'a key that others can read' --key "$work/open.key"
    refuses_start 2 config.invalid 'a later key without its log' --key "$work/gateway-2.key"
    refuses_start 2 config.invalid "another identity's log" --key "$work/stranger.key" --key-log "$work/gateway.log"
    refuses_start 2 config.invalid 'a key that its log has retired' --key "$work/gateway.key" --key-log "$work/gateway.log"
    sed 's/"version":1/"version":2/' "$work/gateway.log" >"$work/broken.log"
    refuses_start 1 log. 'a log that does not verify' --key "$work/gateway-2.key" --key-log "$work/broken.log"
    refuses_start 1 log.rollback 'an older log than the store has seen' --key "$work/gateway.key" \
        --key-log "$work/gateway-short.log" --store "$work/looking.db"
    echo 'no database, whatever its name says' >"$work/garbage.db"
    refuses_start 2 store.invalid 'a store that is none' --store "$work/garbage.db"
    check 'which is left as it was' grep -q '^no database' "$work/garbage.db"
    refuses_start 2 config.invalid 'a source without TLS' --key-source "http://logs.$domain"
    refuses_start 2 config.invalid 'a host pattern for all' --resolve-host '*'
    refuses_start 2 config.invalid 'a range that is none' --allow-address 127.0.0.1/8
}

# Nothing to look up: no document is served; the database is there for what is revoked and for nonces.
plain_gateway() {
    mkdir "$work/plain"
    local status=0
    start plain "$bin/aip-gateway" --upstream "${address[files]}" --port 0 --trust "$organisation" \
        --audit "$work/plain/audit"
    gateway=${address[plain]} audit=$work/plain/audit
    accepts 'a gateway that looks nothing up' plain
    refuses trust.root.unknown 'a did:web root there' root
    get /.well-known/did.json
    check 'it has no document' test "$http_status" = 404
    check 'its database is beside the log' test -s "$work/plain/aip-gateway.db"
    stop plain || status=$?
    check 'it ends with 0' test "$status" = 0
}

if ! command -v python3 >/dev/null || ! command -v openssl >/dev/null; then
    echo 'skip identities in a gateway: python3 and openssl are needed'
    exit 0
fi
body=$(call search '{"query":"tide"}')
certificates
servers
: >"$site/requests"
identities
own_identity
start_looking looking --key "$work/gateway-2.key" --key-log "$work/gateway.log" --public-url "https://gw.$domain:8443/"
web_roots_and_hops
slow_hosts
long_ways
dark_names
hang_ups
key_logs
own_pages
second_life
bad_starts
plain_gateway
[ "$failed" = 0 ]
