#!/usr/bin/env bash
# A gateway that reads the lists of revocations of others: in time, whole and in order, or it refuses.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway
domain=aip-test.example
front=$work/front
body=$(call search '{}')

# within SECONDS COMMAND…: it succeeds at some time until then.
within() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.2
    done
}

is_allowed() { # TOKEN
    ask "$work/$1.token" "$body"
    allowed
}
is_refused() { # CODE TOKEN
    ask "$work/$2.token" "$body"
    refused "$1"
}
says() { # GATEWAY TEXT: does it tell its operator?
    grep -q -F "$2" "$work/$1.log"
}
asked() { # HOST: how often was it asked?
    grep -c "^$1.$domain " "$front/requests" || true
}
asked_more() { # HOST COUNT
    [ "$(asked "$1")" -gt "$2" ]
}

# use NAME: the gateway that is asked.
use() {
    gateway=${address[$1]} audit=$work/$1.audit
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

stage() {
    local name
    for name in organisation assistant friend visitor stranger a; do
        new_identity "$name" >/dev/null
    done
    organisation=$(<"$work/organisation.did")
    for name in assistant friend visitor; do
        "$bin/aip-token" issue --key "$work/organisation.key" --to "$(<"$work/$name.did")" --scope 'tool:*' \
            --max-depth 0 --ttl 1h >"$work/$name.token"
    done
    mkdir "$front"
    : >"$front/requests" >"$front/list"
    echo pass >"$front/mode-a"
    echo good >"$front/mode-c"
    python3 "$here/revocation_front.py" "$front" "$work/site.pem" >"$work/front.log" 2>&1 &
    pid[front]=$!
    within 10 grep -q 'listening on' "$work/front.log"
    list_did=$(sed 's/.* as //' "$work/front.log")
    printf '%s all %s\n' "*.$domain" "$(grep -o '127\.0\.0\.2:[0-9]*' "$work/front.log")" >"$work/names"
    # shellcheck disable=SC2086  # CC may hold options
    ${CC:-cc} -std=c17 -D_GNU_SOURCE -fPIC -shared -O1 "$here/names_shim.c" -o "$work/names.so"
    : >"$work/recorded"
    start recorder python3 "$here/recorder.py" "$work/recorded"
}

start_a() {
    start a "$bin/aip-gateway" --upstream "${address[recorder]}" --port 0 --trust "$organisation" --quiet \
        --audit "$work/a.audit" --store "$work/a.db" --key "$work/a.key"
    printf '%s\n' "${address[a]%/mcp}" >"$front/gateway.new"
    mv "$front/gateway.new" "$front/gateway"
}

# start_reader NAME SIGNER HOST [OPTION…]: reads the list of that host, and remembers in NAME.db.
start_reader() {
    local name=$1 source="$2=https://$3.$domain/aip/v1/revocations"
    shift 3
    LD_PRELOAD=$work/names.so AIP_NAMES_TABLE=$work/names ASAN_OPTIONS=verify_asan_link_order=0 \
        start "$name" "$bin/aip-gateway" --upstream "${address[recorder]}" --port 0 --trust "$organisation" --quiet \
        --audit "$work/$name.audit" --store "$work/$name.db" --ca-file "$work/ca.crt" --allow-address 127.0.0.2/32 \
        --revocation-source "$source" --revocation-staleness 10s "$@"
    use "$name"
}

# ends NAME: the organisation ends that agent, at gateway A.
ends() {
    "$bin/aip-token" revoke --key "$work/organisation.key" --did "$(<"$work/$1.did")" --chain "$work/$1.token" \
        --post "${address[a]%/mcp}" --expect "$(<"$work/a.did")" >"$work/reply" 2>&1
}

from_one_to_the_other() {
    start_reader b "$(<"$work/a.did")" a
    refuses revocation.stale 'before the list was ever read' assistant
    check 'the operator is told why' within 5 says b 'fetch.status'
    start_a
    use b
    check 'once it is read, requests pass' within 5 is_allowed assistant
    accepts 'as do others' friend
    local before
    before=$(asked a)
    check 'an agent is ended at A' ends assistant
    use b
    check 'B refuses it within its interval' within 5 is_refused token.revoked assistant
    accepts 'and nobody else' friend
    check 'it asked for what comes after what it had' grep -q "^a.$domain .*since=0$" "$front/requests"
    check 'and then after that' within 5 grep -q "^a.$domain .*since=1$" "$front/requests"
    check 'it asks again and again' within 10 asked_more a $((before + 3))
}

old_answers() {
    echo replay >"$front/mode-a"
    check 'an old answer once more is refused by name' within 8 says b 'revocation.list.rollback'
    refuses token.revoked 'which takes nothing back' assistant
    check 'and renews nothing' within 14 is_refused revocation.stale friend
    echo pass >"$front/mode-a"
    check 'a new answer does' within 5 is_allowed friend
}

a_is_gone() {
    stop a || true
    accepts 'A is gone: for a while its last word counts' friend
    check 'then B refuses' within 14 is_refused revocation.stale friend
    refuses token.revoked 'and knows why it refuses some' assistant
    stop b || true
    start_reader b "$(<"$work/a.did")" a
    refuses token.revoked 'a restart remembers what was revoked' assistant
    refuses revocation.stale 'and how old it is' friend
    local before
    before=$(asked a)
    start_a
    use b
    check 'A is back: requests pass' within 5 is_allowed friend
    check 'B went on where it was' test "$(tail -n +$((before + 1)) <(grep "^a.$domain" "$front/requests") |
        grep -c 'since=0$')" = 0
    stop b || true
    start_reader b "$(<"$work/a.did")" a
    accepts 'a restart while the list is fresh: requests pass at once' friend
    stop b || true
}

# drops MODE CODE NAME: what the publisher does now is refused by this name.
drops() {
    : >"$work/c.log"
    echo "$1" >"$front/mode-c"
    check "$3: $2" within 8 says c "the page is dropped: $2"
}

statement() { # NAME: the organisation ends that agent
    "$bin/aip-token" revoke --key "$work/organisation.key" --did "$(<"$work/$1.did")" | tail -n 1
}

a_bad_publisher() {
    statement visitor >"$front/list"
    start_reader c "$list_did" c
    check 'a good list is read' within 5 is_refused token.revoked visitor
    check 'and requests pass' within 5 is_allowed friend
    drops gap revocation.list.gap 'numbers left out'
    drops old revocation.list.rollback 'a page of an hour ago'
    drops forged token.signature 'another key'
    drops back revocation.list.rollback 'a highest number that goes back'
    drops other token.claim.invalid 'another signer'
    drops hidden revocation.list.gap 'nothing, where there is more'
    drops ahead token.not_yet_valid 'a page of tomorrow'
    drops extra token.claim.unknown 'a member that has no meaning'
    drops large fetch.size 'more than a page may be'
    check 'all this is no news: requests are refused' within 14 is_refused revocation.stale friend
    {
        cat "$front/list"
        echo nonsense
        statement friend
    } >"$front/list.new"
    mv "$front/list.new" "$front/list"
    echo good >"$front/mode-c"
    check 'a good page again' within 5 is_refused token.revoked friend
    check 'the statement in it that is none is left out by its number' says c 'number 2 is left out: token.malformed'
    accepts 'and holds up nobody' assistant
    stop c || true
    start_reader c "$list_did" c
    refuses token.revoked 'a restart remembers it' friend
    stop c || true
    # Under another name it is another list, of which nothing is known yet.
    start_reader c "$(<"$work/stranger.did")" c
    refuses revocation.stale 'another signer is another list' assistant
    refuses token.revoked 'what was learnt stays' friend
    stop c || true
}

# refuses_start NAME OPTION…
refuses_start() {
    local name=$1 status=0
    shift
    timeout 20 "$bin/aip-gateway" --upstream "${address[recorder]}" --port 0 --trust "$organisation" \
        --audit "$work/refused.audit" "$@" >"$work/reply" 2>&1 || status=$?
    http_status=$status code=''
    check "$name: exit 2" test "$status" = 2
}

bad_starts() {
    local url=https://a.$domain/aip/v1/revocations
    refuses_start 'a source without a signer' --revocation-source "$url"
    refuses_start 'a source without TLS' --revocation-source "$organisation=http://a.$domain/list"
    refuses_start 'a source at an address' --revocation-source "$organisation=https://127.0.0.1/list"
    refuses_start 'a source twice' --revocation-source "$organisation=$url" --revocation-source "$organisation=$url"
    refuses_start 'less than ten seconds' --revocation-source "$organisation=$url" --revocation-staleness 9s
}

if ! command -v python3 >/dev/null || ! command -v openssl >/dev/null; then
    echo 'skip lists of revocations: python3 and openssl are needed'
    exit 0
fi
certificates
stage
from_one_to_the_other
old_answers
a_is_gone
a_bad_publisher
bad_starts
[ "$failed" = 0 ]
