#!/usr/bin/env bash
# The configuration replaced while the gateway runs: by a signal, by a changed file, under load, and when it is no good.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway

# write_config TRUSTED_ROOT…: of roots whose tokens are bearers.
write_config() {
    {
        printf 'listen: {port: 0}\nupstream: {url: "%s"}\naudit: {file: "%s"}\n' "${address[record]}" "$work/reload.audit"
        printf 'policy: {file: "%s"}\ntrust:\n' "$work/policy.yaml"
        printf '  - {root: "%s", bearer: true}\n' "$@"
    } >"$work/gateway.yaml.new"
    mv "$work/gateway.yaml.new" "$work/gateway.yaml"
}

# write_policy FILE TOOL…: allows these.
write_policy() {
    local file=$1
    shift
    printf 'apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: reloaded}\nspec:\n  allowed_tools: [%s]\n' \
        "$(IFS=,; echo "$*")" >"$file"
}

told() { # how many reloads stderr tells of, with these words
    grep -c -F -e "aip-gateway: reload $1" "$work/gate.log" || true
}

# until_told COUNT WORDS: within five seconds.
until_told() {
    local tries=0
    until [ "$(told "$2")" -ge "$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.05
    done
}

health() {
    curl --silent --noproxy '*' --max-time 5 "${gateway%/mcp}/healthz"
}

says() { # WORDS COMMAND…
    local words=$1
    shift
    "$@" >"$work/reply" 2>&1 && grep -q -F -e "$words" "$work/reply"
}

hangup() { kill -HUP "${pid[gate]}"; }

policy_by_signal() {
    body=$(call first '{}')
    accepts 'a tool that the policy allows' root
    body=$(call second '{}')
    refuses policy.tool 'and one that it does not' root
    write_policy "$work/policy.new" second
    cat "$work/policy.new" >"$work/policy.yaml"
    hangup
    check 'SIGHUP reads the policy again' until_told 1 'ok'
    accepts 'which allows the other tool now' root
    body=$(call first '{}')
    refuses policy.tool 'and no longer the first' root
    check 'the log tells of it with the hash' grep -q '"event":"reload".*policy reloaded [0-9a-f]' "$audit"
    check 'health tells of it' says '"reload":"ok 20' health
}

policy_by_file() {
    local before
    sleep 1
    before=$(told ok)
    write_policy "$work/policy.new" first second
    mv "$work/policy.new" "$work/policy.yaml"
    check 'a file that takes the place of the old one is noticed' until_told $((before + 1)) ok
    accepts 'and holds for the next request' root
}

bad_files() {
    local failed_before
    printf 'apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: x}\nspec:\n  alowed_tools: [a]\n' \
        >"$work/policy.new"
    mv "$work/policy.new" "$work/policy.yaml"
    check 'a policy that is no good is refused' until_told 1 'failed config.invalid'
    check 'with its place' grep -q 'policy.yaml:5:3: ' "$work/gate.log"
    accepts 'and the old one stays' root
    check 'which health tells' says '"reload":"failed 20' health
    check 'and the log' grep -q '"event":"reload".*config.invalid' "$audit"
    failed_before=$(told failed)
    sleep 1.2
    check 'it is told of once' test "$(told failed)" = "$failed_before"
    write_policy "$work/policy.yaml" first second
    printf 'listen: {prot: 1}\n' >"$work/gateway.yaml"
    hangup
    check 'so is a file of keys' until_told $((failed_before + 1)) 'failed config.invalid'
    accepts 'and the old one stays' root
    rm "$work/gateway.yaml"
    hangup
    check 'and one that is gone' until_told 1 'failed io'
    accepts 'and the old one stays' root
}

keys_that_need_a_restart() {
    local before
    write_config "$(<"$work/root.did")"
    sed -i 's/port: 0/port: 9/; s/^audit: {/audit: {rotate: 5000000, /' "$work/gateway.yaml"
    hangup
    check 'what needs a restart is refused by name' until_told 1 'failed config.invalid: needs a restart: listen.port, audit.rotate'
    write_config "$(<"$work/root.did")"
    sed -i 's/^upstream: .*/upstreams: [{name: local, command: ["true"]}]/' "$work/gateway.yaml"
    check 'so is another command' until_told 1 'failed config.invalid: needs a restart: the command of an upstream'
    before=$(told ok)
    write_config "$(<"$work/other.did")"
    check 'without it the file is taken' until_told $((before + 1)) ok
    refuses trust.root.unknown 'a root that left is not trusted any more' root
    accepts 'and one that came is' other
    before=$(told ok)
    write_config "$(<"$work/root.did")"
    check 'and back' until_told $((before + 1)) ok
}

# Requests one after the other for as long as $work/load is there; a line for each status.
load() {
    while [ -e "$work/load" ]; do
        curl --silent --noproxy '*' --max-time 20 --output /dev/null --write-out '%{http_code}\n' --header "@$work/header" \
            --header 'Content-Type: application/json' --data-binary "$(call first '{}')" "$gateway" || echo 000
    done >"$work/load.$1"
}

under_load() {
    local i jobs_of=()
    write_header "$work/root.token" ''
    touch "$work/load"
    curl --silent --no-buffer --noproxy '*' --max-time 60 --header "@$work/header" --header 'Content-Type: application/json' \
        --data-binary "$(call stream '{"events":40}')" "$gateway" >"$work/stream" &
    jobs_of+=($!)
    for i in 1 2 3; do
        load "$i" &
        jobs_of+=($!)
    done
    for i in $(seq 1 12); do
        if [ $((i % 2)) = 0 ]; then
            write_policy "$work/policy.new" first second stream
        else
            write_policy "$work/policy.new" first stream
        fi
        mv "$work/policy.new" "$work/policy.yaml"
        hangup
        sleep 0.15
    done
    for i in $(seq 1 200); do hangup; done
    rm "$work/load"
    wait "${jobs_of[@]}" || true
    check 'no request under load failed' test "$(cat "$work"/load.? | sort -u)" = 200
    check 'and there were many' test "$(cat "$work"/load.? | wc -l)" -gt 30
    check 'a stream that was open came to its end' grep -q '"result"' "$work/stream"
    check 'with all its events' test "$(grep -c notifications/message "$work/stream")" = 40
}

stricter_for_new_requests() {
    local before
    before=$(told ok)
    curl --silent --no-buffer --noproxy '*' --max-time 60 --header "@$work/header" --header 'Content-Type: application/json' \
        --data-binary "$(call stream '{"events":20}')" "$gateway" >"$work/stream" &
    sleep 0.5
    write_policy "$work/policy.new" first
    mv "$work/policy.new" "$work/policy.yaml"
    check 'a stricter policy is taken while a stream is open' until_told $((before + 1)) ok
    body=$(call stream '{}')
    refuses policy.tool 'and refuses the next call' root
    wait $! || true
    check 'while the stream runs to its end' grep -q '"result"' "$work/stream"
}

rates_survive() {
    local before
    before=$(told ok)
    printf 'apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: r}\nspec:\n  tool_rules: [{tool: first, rate_limit: 2/hour}]\n' \
        >"$work/policy.new"
    mv "$work/policy.new" "$work/policy.yaml"
    check 'a policy with a rate is taken' until_told $((before + 1)) ok
    body=$(call first '{}')
    accepts 'the first of two calls' root
    accepts 'and the second' root
    before=$(told ok)
    hangup
    check 'the same policy, read again' until_told $((before + 1)) ok
    ask "$work/root.token" "$body"
    check 'gives nobody new calls' test "$http_status $code" = '429 policy.rate'
    before=$(told ok)
    echo '# changed' >>"$work/policy.yaml"
    check 'a changed one' until_told $((before + 1)) ok
    accepts 'counts anew' root
}

for name in root other; do
    new_identity "$name" >/dev/null
    "$bin/aip-token" issue --key "$work/$name.key" --to "$(new_identity "agent_$name")" --scope 'tool:*' --max-depth 0 --ttl 1h \
        >"$work/$name.token"
done
start record python3 "$here/recorder.py" "$work/record"
write_policy "$work/policy.yaml" first stream
write_config "$(<"$work/root.did")"
start gate "$bin/aip-gateway" --config "$work/gateway.yaml"
gateway=${address[gate]} audit=$work/reload.audit
policy_by_signal
policy_by_file
bad_files
write_policy "$work/policy.yaml" first second stream
keys_that_need_a_restart
write_policy "$work/policy.yaml" first second stream
sleep 1
under_load
stricter_for_new_requests
rates_survive
check 'the gateway ends with 0' stop gate
check 'and said nothing of races or leaks' test "$(grep -c -E 'Sanitizer|runtime error' "$work/gate.log" || true)" = 0
[ "$failed" = 0 ]
