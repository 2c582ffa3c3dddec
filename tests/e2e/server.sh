#!/usr/bin/env bash
# The side that callers see: TLS and its reload, slow and idle clients, shares of an address, proxies, metadata, health,
# figures, the request log, and the end of a gateway with work under way.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway
for name in root agent; do
    new_identity "$name" >/dev/null
done
"$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/agent.did")" --scope 'tool:*' --max-depth 0 --ttl 1h \
    >"$work/agent.token"
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/$1.key.pem" \
        -out "$work/$1.pem" -days 2 -subj "/CN=$1" -addext 'subjectAltName=IP:127.0.0.1' \
        -addext 'extendedKeyUsage=serverAuth,clientAuth' 2>/dev/null
}
for name in first second client stranger; do
    certificate "$name"
done
start upstream python3 "$here/recorder.py" "$work/record"
status=0
timeout 400 python3 "$here/server_front.py" "$bin/aip-gateway" "$work" "${address[upstream]}" "$@" || status=$?
exit "$status"
