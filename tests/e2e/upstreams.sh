#!/usr/bin/env bash
# Several servers behind one gateway: each at its own address, with its own credentials, TLS, policy and limits, and one
# that is dead or slow harms no other.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway

secret="s3cret-$RANDOM$RANDOM"

# make_certificate NAME SUBJECT ISSUER [EXTENSION]: key and certificate; its own issuer where that is NAME.
make_certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/$1.pem.key" -subj "/CN=$2" \
        -out "$work/$1.csr" 2>/dev/null
    if [ "$1" = "$3" ]; then
        openssl x509 -req -in "$work/$1.csr" -signkey "$work/$1.pem.key" -days 2 -out "$work/$1.crt" \
            -extfile <(echo "basicConstraints=critical,CA:TRUE") 2>/dev/null
    else
        openssl x509 -req -in "$work/$1.csr" -CA "$work/$3.crt" -CAkey "$work/$3.pem.key" -days 2 -out "$work/$1.crt" \
            -extfile <(echo "${4:-basicConstraints=CA:FALSE}") 2>/dev/null
    fi
}

# at PATH: asks there.
at() { gateway=${base}$1; }

took() { # MOST_SECONDS COMMAND…
    local from=$EPOCHREALTIME most=$1
    shift
    "$@"
    python3 -c 'import sys; sys.exit(float(sys.argv[2]) - float(sys.argv[1]) > float(sys.argv[3]))' "$from" \
        "$EPOCHREALTIME" "$most"
}

# unreachable WHAT: the server behind did not answer, which is told.
unreachable() {
    ask "$work/root.token" "$body"
    check "$1" test "$http_status $code" = '502 upstream.unreachable'
}

health() { curl --silent --noproxy '*' --max-time 5 "$base/healthz"; }
healthy() { health | tee "$work/reply" | grep -q -F -e "$1"; }

write_config() {
    cat >"$work/gateway.yaml" <<FILE
listen: {port: 0}
audit: {file: "$work/up.audit"}
policy: {file: "$work/all.yaml"}
trust: [{root: $(<"$work/root.did"), bearer: true}]
upstreams:
  - name: notes
    url: ${address[first]}
    headers: {Authorization: {file: $work/secret, prefix: "Bearer "}, User-Agent: {file: $work/agent}}
  - name: narrow
    url: ${address[second]}
    path: /elsewhere/mcp
    policy: $work/narrow.yaml
    max_connections: 2
  - name: dead
    url: http://127.0.0.1:9/mcp
    connect_timeout: 1s
  - name: slow
    url: ${address[slow]}
    timeout: 1s
  - name: secure
    url: ${address[tls]/http:/https:}
    headers: {Authorization: {file: $work/secret}}
    tls: {ca_file: $work/ca.crt, cert_file: $work/client.crt, key_file: $work/client.pem.key, server_name: inner.example}
  - name: unnamed
    url: ${address[tls]/http:/https:}
    tls: {ca_file: $work/ca.crt, cert_file: $work/client.crt, key_file: $work/client.pem.key}
  - name: unknown-ca
    url: ${address[tls]/http:/https:}
    tls: {cert_file: $work/client.crt, key_file: $work/client.pem.key, server_name: inner.example}
  - name: no-certificate
    url: ${address[tls]/http:/https:}
    tls: {ca_file: $work/ca.crt, server_name: inner.example}
FILE
}

addresses() {
    body=$(call any '{}')
    at /notes
    accepts 'an upstream is at its name' root
    check 'and its name stands in the log' grep -q '"upstream":"notes"' <<<"$(audit_line)"
    at /elsewhere/mcp
    refuses policy.tool 'another at its path, with its own policy' root
    body=$(call narrow '{}')
    accepts 'which allows something else' root
    at /narrow
    ask "$work/root.token" "$body"
    check 'and not at its name' refused request.not_found
    at /notes/more
    ask "$work/root.token" "$body"
    check 'nor is anything below' refused request.not_found
}

credentials() {
    local last
    at /notes
    ask "$work/root.token" "$(call any '{}')" --header 'User-Agent: of the caller' --header 'Authorization: Bearer of-the-caller'
    last=$(tail -n 1 "$work/first.record")
    check 'the operator'"'"'s credential reaches the upstream' grep -q "\"authorization\": \"Bearer $secret\"" <<<"$last"
    check 'in place of the caller'"'"'s headers' test "$(grep -c 'of.the.caller' <<<"$last")" = 0
    at /elsewhere/mcp
    ask "$work/root.token" "$(call narrow '{}')"
    check 'and no other upstream' test "$(grep -c "$secret" "$work/second.record")" = 0
    printf 'changed-%s\n' "$secret" >"$work/secret.new"
    mv "$work/secret.new" "$work/secret"
    local tries=0
    until grep -q 'reload ok' "$work/gate.log" || [ "$tries" -gt 100 ]; do
        tries=$((tries + 1))
        sleep 0.05
    done
    at /notes
    ask "$work/root.token" "$(call any '{}')"
    check 'a changed one is read again' grep -q "Bearer changed-$secret" <<<"$(tail -n 1 "$work/first.record")"
    check 'it stands in no log' test "$(cat "$work/gate.log" "$work/up.audit" | grep -c "$secret")" = 0
    check 'and on no command line' test "$(tr '\0' ' ' <"/proc/${pid[gate]}/cmdline" | grep -c "$secret")" = 0
}

secure() {
    at /secure
    accepts 'an upstream with its own authority and our certificate' root
    check 'sees who we are, its name and the credential' grep -q -F "['changed-$secret'] inner.example" "$work/tls.record"
    check 'by the certificate' grep -q 'gateway client$' "$work/tls.record"
    at /unnamed
    unreachable 'a certificate of another name is refused'
    at /unknown-ca
    unreachable 'and one of an unknown authority'
    at /no-certificate
    ask "$work/root.token" "$body"
    check 'without our certificate it refuses us' test "$http_status" = 502
    at /secure
    accepts 'and none of that spoils the connection that is good' root
}

faults() {
    local i
    body=$(call any '{}')
    at /dead
    for i in 1 2 3; do
        unreachable "a dead upstream does not answer, $i"
    done
    check 'is told by health' healthy '"dead":"failing"'
    check 'together with one that is well' healthy '"notes":"ok"'
    ask "$work/root.token" "$body"
    check 'it is then given a rest' test "$(grep -c '"stage":"upstream"' <<<"$(audit_line)")" = 1
    at /notes
    check 'while another answers as ever' took 1 accepts 'another one' root
    sleep 1.2
    at /dead
    ask "$work/root.token" "$body"
    check 'after the rest one request tries again' test "$(grep -c '"stage":"record"' <<<"$(audit_line)")" = 1
    ask "$work/root.token" "$body"
    check 'and the next rest is longer' test "$(grep -c '"stage":"upstream"' <<<"$(audit_line)")" = 1
    at /slow
    body=$(call silent '{}')
    for i in 1 2 3 4 5 6; do
        curl --silent --noproxy '*' --max-time 20 --output /dev/null --header "@$work/header" \
            --header 'Content-Type: application/json' --data-binary "$body" "$gateway" &
        jobs_of[i]=$!
    done
    sleep 0.4 # their decisions stand in the log
    at /notes
    body=$(call any '{}')
    check 'one that is slow holds nobody up' took 1 accepts 'another one' root
    wait "${jobs_of[@]}" || true
    at /slow
    body=$(call silent '{}')
    ask "$work/root.token" "$body"
    check 'a slow one has its own time limit, then a rest' refused upstream.unreachable
}

limits() {
    local i statuses
    at /elsewhere/mcp
    write_header "$work/root.token" ''
    for i in 1 2 3 4; do
        curl --silent --noproxy '*' --max-time 20 --output /dev/null --write-out '%{http_code}\n' --header "@$work/header" \
            --header 'Content-Type: application/json' --data-binary "$(call silent '{}')" "$gateway" >"$work/limit.$i" &
        jobs_of[i]=$!
    done
    wait "${jobs_of[@]}" || true
    statuses=$(sort "$work"/limit.? | tr '\n' ' ')
    check 'two at a time, as configured, and the others are told' test "$statuses" = '200 200 503 503 '
    body=$(call narrow '{}')
    accepts 'and afterwards it takes requests again' root
}

write_policy() { # FILE TOOL…
    local file=$1
    shift
    printf 'apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: p}\nspec:\n  allowed_tools: [%s]\n' \
        "$(IFS=,; echo "$*")" >"$file"
}

declare -a jobs_of=()
new_identity root >/dev/null
"$bin/aip-token" issue --key "$work/root.key" --to "$(new_identity agent)" --scope 'tool:*' --max-depth 0 --ttl 1h \
    >"$work/root.token"
printf '%s\n' "$secret" >"$work/secret"
printf 'ours\n' >"$work/agent"
write_policy "$work/all.yaml" any silent
write_policy "$work/narrow.yaml" narrow silent
make_certificate ca 'our authority' ca
make_certificate server 'inner.example' ca 'subjectAltName=DNS:inner.example'
make_certificate client 'gateway client' ca
for name in first second slow; do
    start "$name" python3 "$here/recorder.py" "$work/$name.record"
done
start tls python3 "$here/upstream_tls.py" "$work/server.crt" "$work/server.pem.key" "$work/ca.crt" "$work/tls.record"
write_config
start gate "$bin/aip-gateway" --config "$work/gateway.yaml"
base=${address[gate]%/mcp} audit=$work/up.audit
write_header "$work/root.token" ''
addresses
credentials
body=$(call any '{}')
secure
faults
limits
check 'the gateway ends with 0' stop gate
check 'and said nothing of races or leaks' test "$(grep -c -E 'Sanitizer|runtime error' "$work/gate.log" || true)" = 0
[ "$failed" = 0 ]
