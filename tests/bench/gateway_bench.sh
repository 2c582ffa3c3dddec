#!/usr/bin/env bash
# The gateway under load beside plain proxies, all in one run and interleaved: calls a second, time a call takes, CPU of
# the process a call costs; then idle streams, the way of an event, and memory at rest. Loopback only; some two minutes.
# Environment: CONNECTIONS, ROUNDS, MILLISECONDS of each measurement, TARGETS (names of the table's rows; default all).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/e2e/lib.sh
: "${CONNECTIONS:=1 16 64 256}" "${ROUNDS:=3}" "${MILLISECONDS:=600}" "${TARGETS:=}"
need aip-did aip-token aip-gateway tests/bench/gateway_load tests/bench/gateway_upstream
sh tests/install-debs.sh nginx-light haproxy >/dev/null 2>&1 || true # without them their rows are left out
PATH=$PATH:/usr/sbin
ulimit -n 16384 2>/dev/null || ulimit -n "$(ulimit -H -n)"
order=()
declare -A port=() options=() measured=()

wants() {
    [ -z "$TARGETS" ] || [[ " $TARGETS " == *" $1 "* ]]
}

# target NAME ADDRESS PID [OPTION…]: a row of the table; the options are gateway_load's.
target() {
    local name=$1
    order+=("$name")
    port[$name]=$(grep -o '[0-9]*/' <<<"$2" | tr -d /)
    measured[$name]=$3
    shift 3
    options[$name]=$*
}

# ---- what is measured ----

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# await_port PORT: until something listens there.
await_port() {
    local tries=0
    until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.05
    done
}

start_nginx() {
    local free
    command -v nginx >/dev/null && wants nginx || return 0
    free=$(free_port)
    cat >"$work/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/nginx.err;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path $work/n1; proxy_temp_path $work/n2; fastcgi_temp_path $work/n3;
    uwsgi_temp_path $work/n4; scgi_temp_path $work/n5;
    keepalive_requests 10000000;
    upstream server { server ${address[upstream]:7:-4}; keepalive 256; keepalive_requests 10000000; }
    server {
        listen 127.0.0.1:$free;
        location / {
            proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_buffering off; proxy_read_timeout 600s;
        }
    }
}
END
    nginx -c "$work/nginx.conf" -e "$work/nginx.err" >"$work/nginx.log" 2>&1 </dev/null &
    pid[nginx]=$!
    await_port "$free"
    target nginx "http://127.0.0.1:$free/mcp" "$(pgrep -P "${pid[nginx]}" | head -n 1)"
}

start_haproxy() {
    local free
    command -v haproxy >/dev/null && wants haproxy || return 0
    free=$(free_port)
    cat >"$work/haproxy.cfg" <<END
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout client 600s
    timeout server 600s
    timeout connect 5s
    http-reuse always
frontend in
    bind 127.0.0.1:$free
    default_backend out
backend out
    server one ${address[upstream]:7:-4}
END
    haproxy -f "$work/haproxy.cfg" -q >"$work/haproxy.log" 2>&1 </dev/null &
    pid[haproxy]=$!
    await_port "$free"
    target haproxy "http://127.0.0.1:$free/mcp" "${pid[haproxy]}"
}

# Some twenty rules; the tool that is called has patterns for its arguments and a price.
write_policy() {
    cat <<'END'
apiVersion: aip-gateway/v1
kind: AgentPolicy
metadata:
  name: bench
spec:
  strict_args_default: true
  dlp:
    builtin: true
    builtin_action: redact
    scan_requests: true
    scan_responses: true
  tool_rules:
    - tool: search
      allow_args:
        query: ^[a-z ]{1,64}$
        n: ^[1-9][0-9]?$
      cost_usd: 0.0001
END
    for i in {1..19}; do
        printf '    - tool: other_%d\n      allow_args:\n        path: ^docs/[a-z0-9_/]{1,80}\\.txt$\n        id: ^[A-Z]{2}[0-9]{%d}$\n' "$i" "$i"
    done
}

start_gateways() {
    local name root
    root=$(new_identity root)
    for name in agent gateway; do new_identity "$name" >/dev/null; done
    "$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/agent.did")" --scope 'tool:*' --max-depth 0 \
        --ttl 1h --budget-usd 100000 >"$work/agent.token"
    sed 's/^/X-AIP-Token: /' "$work/agent.token" >"$work/headers"
    "$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/gateway.did")" --scope 'tool:*' --max-depth 2 \
        --ttl 1h --budget-usd 100000 >"$work/first.token"
    "$bin/aip-token" delegate --key "$work/gateway.key" --to "$(<"$work/agent.did")" --scope 'tool:*' --context bench \
        <"$work/first.token" >"$work/chain.token"
    sed 's/^/X-AIP-Token: /' "$work/chain.token" >"$work/chain_headers"
    write_policy >"$work/policy.yaml"
    gateway_row bare "$root" "$work" none "$work/headers"
    gateway_row log "$root" "$memory" group "$work/headers"
    gateway_row all "$root" "$memory" group "$work/headers" --policy "$work/policy.yaml" --key "$work/gateway.key"
    gateway_row all_disk "$root" "$work" group "$work/headers" --policy "$work/policy.yaml" --key "$work/gateway.key"
    gateway_row proof "$root" "$memory" group "$work/chain_headers" --policy "$work/policy.yaml" \
        --key "$work/gateway.key"
    if [ -n "${port[proof]:-}" ]; then
        options[proof]+=" -k $work/agent.key"
    fi
    start_group "$root"
}

# Like `bare`, with the server as one of two at an address.
start_group() {
    wants group || return 0
    cat >"$work/group.yaml" <<END
listen: {port: 0}
audit: {file: $work/group.audit, sync: none}
identity: {store: $work/group.db}
trust: [{root: $1, bearer: true}]
upstreams:
  - {name: one, url: "${address[upstream]}"}
  - {name: two, url: "${address[upstream]}"}
  - {name: both, path: /mcp, members: [one, two]}
END
    start group "$bin/aip-gateway" --config "$work/group.yaml" --quiet
    target group "${address[group]}" "${pid[group]}" -H "$work/headers" -n one__search
}

# gateway_row NAME ROOT FOLDER SYNC HEADERS [OPTION…]: its log and database are in the folder.
gateway_row() {
    local name=$1 root=$2 folder=$3 sync=$4 headers=$5
    shift 5
    wants "$name" || return 0
    start "$name" "$bin/aip-gateway" --upstream "${address[upstream]}" --port 0 --trust-key "${root#did:aip:}" --quiet \
        --audit-sync "$sync" --audit "$folder/$name.audit" --store "$folder/$name.db" "$@"
    target "$name" "${address[$name]}" "${pid[$name]}" -H "$headers"
}

# await_rest: until all that was started works no more: patterns are compiled after the start as well.
await_rest() {
    local name before now=0 tries=0
    for name in "${!measured[@]}"; do
        before=-1
        while [ "$now" != "$before" ] && [ "$tries" -lt 100 ]; do
            before=$now
            sleep 0.3
            now=$(awk '{ print $14 + $15 }' "/proc/${measured[$name]}/stat")
            tries=$((tries + 1))
        done
    done
}

# ---- measuring ----

load() {
    local name=$1
    shift
    # shellcheck disable=SC2086  # a list of words
    "$bin/tests/bench/gateway_load" -p "${port[$name]}" -P "${measured[$name]}" ${options[$name]} "$@"
}

# Medians of the rounds, column by column.
medians() {
    python3 -c '
import statistics, sys
rows = [[float(word) for word in line.split()] for line in sys.stdin]
middle = [statistics.median(column) for column in zip(*rows)]
print("%9.0f %9.0f %9.0f %9.1f %7.0f %7.1f" % tuple(middle))'
}

measure() {
    local connections round name
    for connections in $CONNECTIONS; do
        printf '%d connections\n  %-10s %9s %9s %9s %9s %7s %7s\n' "$connections" target calls/s 'p50 us' 'p99 us' \
            'CPU us' failed MiB
        for ((round = 0; round < ROUNDS; round++)); do
            for name in "${order[@]}"; do
                load "$name" -c "$connections" -t "$MILLISECONDS" >>"$work/$name.$connections"
            done
        done
        for name in "${order[@]}"; do
            printf '  %-10s %s\n' "$name" "$(medians <"$work/$name.$connections")"
        done
    done
}

streams() {
    local name events=${address[upstream]//[!0-9:]/}
    events=${events##*:}
    printf 'event streams\n  %-10s %9s %9s %9s %9s %7s\n' target 'KiB each' 'p50 us' 'p99 us' 'events' lost
    for name in "${order[@]}"; do
        case $name in direct | log | all_disk | proof | group) continue ;; esac
        read -r grown _ _ lost _ < <(load "$name" -s 1000 -e "$events")
        read -r _ middle most _ came < <(load "$name" -s 1 -e "$events")
        printf '  %-10s %9s %9s %9s %9s %7s\n' "$name" "$grown" "$middle" "$most" "$came" "$lost"
    done
}

at_rest() {
    local name
    printf 'memory at rest, MiB:'
    for name in "${order[@]}"; do
        [ "$name" = direct ] && continue
        printf ' %s %s' "$name" "$(awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/${measured[$name]}/status")"
    done
    echo
}

memory=$work
if [ -d /dev/shm ] && [ -w /dev/shm ]; then
    memory=$(mktemp -d /dev/shm/aip-bench.XXXXXX)
    trap 'rm -rf "$memory"; finish' EXIT
fi
start upstream "$bin/tests/bench/gateway_upstream" 900
! wants direct || target direct "${address[upstream]}" "${pid[upstream]}"
start_nginx
start_haproxy
start_gateways
await_rest
at_rest
measure
streams
