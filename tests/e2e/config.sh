#!/usr/bin/env bash
# A gateway that is started from a file: ceilings of its roots, bearers, strangers, and files that are no good.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway examples/delegation/files_mcp

# accepts NAME ROOT TOOL: a token of that root is allowed this.
accepts() {
    ask "$work/$2.token" "$(call "$3" '{"query":"tide"}')"
    check "$1" allowed
}

# refuses CODE NAME ROOT TOOL: it is refused for this reason, in the answer and in the log.
refuses() {
    ask "$work/$3.token" "$(call "$4" '{"query":"tide"}')"
    check "$2: $1" refused "$1"
}

# ends CODE WORDS COMMAND…: ends with this status and says so.
ends() {
    local wanted=$1 words=$2 status=0
    shift 2
    timeout 20 "$@" >"$work/reply" 2>&1 || status=$?
    http_status=$status
    [ "$status" = "$wanted" ] && grep -q -F -e "$words" "$work/reply"
}

# A token of each root for one agent: all tools, an hour, a dollar.
make_tokens() {
    local name
    new_identity agent >/dev/null
    for name in organisation partner program stranger second; do
        new_identity "$name" >/dev/null
        "$bin/aip-token" issue --key "$work/$name.key" --to "$(<"$work/agent.did")" --scope 'tool:*' --max-depth 1 \
            --ttl 1h --budget-usd 1 >"$work/$name.token"
    done
}

write_file() { # UPSTREAM
    cat >"$work/gateway.yaml" <<FILE
listen: {port: 0}
upstream:
  url: $1
audit:
  file: $work/file.audit
trust:
  - $(<"$work/organisation.did")
  - root: $(<"$work/partner.did")
    scope: ["tool:search"]
    budget_usd: 0.10
    max_depth: 0
    ttl: 2h
  - root: $(<"$work/program.did")
    scope: ["tool:sea*"]
    bearer: true
unknown:
  name: guest
  scope: ["tool:search"]
  requests_per_minute: 1
FILE
}

started_from_a_file() {
    start file "$bin/aip-gateway" --config "$work/gateway.yaml"
    gateway=${address[file]} audit=$work/file.audit
    refuses proof.missing 'a root without a ceiling takes no bearers' organisation search
    refuses proof.missing 'neither does one whose ceiling does not say so' partner search
    accepts 'a root that says bearer: true does' program search
    refuses trust.scope 'and what its ceiling does not name is refused' program list
    proof=$work/agent.key
    accepts 'a proven token of a root without a ceiling' organisation search
    accepts 'a proven token within the ceiling of its root' partner search
    check 'is recorded with the budget of the ceiling' grep -q '"budget_micro_usd":100000' <<<"$(audit_line)"
    refuses trust.scope 'beyond it, whatever the token grants' partner list
    accepts "a stranger's, as a guest" stranger search
    refuses trust.rate "whose requests of a minute are those of all strangers" second search
    proof=none
    refuses proof.missing 'a stranger is no bearer' second search
    proof=
    check 'the gateway ends with 0' stop file
}

options_go_before_the_file() {
    start options "$bin/aip-gateway" --config "$work/gateway.yaml" --audit "$work/options.audit" \
        --trust "$(<"$work/second.did")"
    gateway=${address[options]} audit=$work/options.audit
    proof=$work/agent.key
    accepts 'a root of the command line' second list
    refuses trust.scope 'replaces those of the file, whose roots are strangers then' organisation list
    proof=
    check 'the gateway ends with 0' stop options
}

files_that_are_no_good() {
    check 'a good file is called valid' ends 0 valid "$bin/aip-gateway" check --config "$work/gateway.yaml"
    check 'the example is one' ends 0 valid "$bin/aip-gateway" check --config "$project/examples/gateway.yaml"
    printf 'listen: {prot: 1}\nupstream: {url: "http://127.0.0.1:1/"}\ntrust: [zzz]\nunknown: allow\n' >"$work/bad.yaml"
    check 'another is refused' ends 1 'bad.yaml:1:10: prot: no such key here; did you mean port?' \
        "$bin/aip-gateway" check --config "$work/bad.yaml"
    check 'with all its errors' test "$(wc -l <"$work/reply")" = 3
    check 'also as JSON' ends 1 '{"line":4,"column":10,"message":"unknown: ' \
        "$bin/aip-gateway" check --config "$work/bad.yaml" --json
    check 'which is an object of three problems' python3 -c \
        'import json,sys; sys.exit(len(json.load(open(sys.argv[1]))["problems"]) != 3)' "$work/reply"
    check 'and starts no gateway' ends 2 config.invalid "$bin/aip-gateway" --config "$work/bad.yaml"
    printf 'a: &a [x, x]\nb: [*a, *a]\n' >"$work/bad.yaml"
    check 'nor does one with anchors' ends 2 anchors "$bin/aip-gateway" --config "$work/bad.yaml"
    printf 'upstream: {url: "http://127.0.0.1:1/"}\n' >"$work/bad.yaml"
    check 'nor one that trusts nobody' ends 2 'no root is trusted' "$bin/aip-gateway" --config "$work/bad.yaml"
    check 'which check says as well' ends 1 'no root is trusted' "$bin/aip-gateway" check --config "$work/bad.yaml"
    check 'a file that is not there is no answer' ends 3 io "$bin/aip-gateway" check --config "$work/none.yaml"
    check 'a port out of range is a usage error' ends 2 '--port is 0 to 65535' \
        "$bin/aip-gateway" --config "$work/gateway.yaml" --port 65536
}

make_tokens
start files "$bin/examples/delegation/files_mcp" --root "$project/examples/delegation/docs" --port 0
write_file "${address[files]}"
started_from_a_file
options_go_before_the_file
files_that_are_no_good
[ "$failed" = 0 ]
