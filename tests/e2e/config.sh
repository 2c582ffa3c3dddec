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
    for missing in "identity: {key: $work/no.key}" "listen: {tls: {cert_file: $work/no.pem, key_file: $work/no.key}}" \
        "identity: {ca_file: $work/no.pem}" "audit: {file: $work/no/where.jsonl}"; do
        printf 'upstream: {url: "http://127.0.0.1:1/"}\ntrust: ["%s"]\n%s\n' "$(<"$work/partner.did")" "$missing" >"$work/bad.yaml"
        local status=0
        "$bin/aip-gateway" check --config "$work/bad.yaml" >"$work/reply" 2>&1 || status=$?
        check "check names a file that is missing: ${missing%%:*}" test "$status" != 0 -a -n "$(grep -F "$work/no" "$work/reply")"
    done
    check 'a port out of range is a usage error' ends 2 '--port is 0 to 65535' \
        "$bin/aip-gateway" --config "$work/gateway.yaml" --port 65536
}

# write_policy FILE TEXT: `spec` of a policy.
write_policy() {
    printf 'apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: p}\nspec:\n%s\n' "$2" >"$1"
}

files_with_their_policies() {
    write_policy "$work/one.yaml" '  alowed_tools: [a]'
    write_policy "$work/two.yaml" '  tool_rules: [{tool: b, allow_args: {q: "("}}]'
    cat >"$work/bad.yaml" <<FILE
listen: {prot: 1}
policy: {file: $work/one.yaml}
trust: [{root: $(<"$work/partner.did"), policy: $work/two.yaml}]
upstreams: [{name: a, url: "http://127.0.0.1:1/", policy: $work/three.yaml}]
FILE
    check 'the policies of a file are checked with it' ends 1 'bad.yaml:1:10: prot' \
        "$bin/aip-gateway" check --config "$work/bad.yaml"
    check 'the one for all' grep -q 'one.yaml:5:3: alowed_tools: no such key here; did you mean allowed_tools?' "$work/reply"
    check 'that of a root' grep -q 'two.yaml:5:' "$work/reply"
    check 'and one of an upstream that is not there' grep -q 'three.yaml: the file cannot be read' "$work/reply"
    check 'all of it as JSON, too' ends 1 '"line":5,"column":3,"message":"alowed_tools: no such key here; did you mean' \
        "$bin/aip-gateway" check --config "$work/bad.yaml" --json
    check 'with each file' python3 -c 'import json, sys
problems = json.load(open(sys.argv[1]))["problems"]
sys.exit({p.get("file", "").rsplit("/")[-1] for p in problems} != {"bad.yaml", "one.yaml", "two.yaml", ""})' "$work/reply"
    write_policy "$work/one.yaml" '  allowed_tools: [a]
  tool_rules: [{tool: b, allow_args: {q: x}}]
  dlp: {enabled: true, patterns: [{name: Any, regex: "[0-9a-f]{4,40}"}]}'
    sed -i "s/prot: 1/port: 1/; s/two.yaml/one.yaml/; s/three.yaml/one.yaml/" "$work/bad.yaml"
    check 'warnings leave a file valid' ends 0 valid "$bin/aip-gateway" check --config "$work/bad.yaml"
    check 'a pattern that is not anchored' grep -q 'one.yaml: warning: line 6, .*anchored' "$work/reply"
    check 'and one that is slow' grep -q 'one.yaml: warning: dlp: the pattern Any ' "$work/reply"
    check 'stand apart in JSON' ends 0 '"valid":true,"warnings":[{"line":6,' \
        "$bin/aip-gateway" check --config "$work/bad.yaml" --json
}

calls_explained() {
    write_policy "$work/one.yaml" '  allowed_tools: [search, list]
  tool_rules: [{tool: read, allow_args: {q: "^x$"}}]'
    write_policy "$work/two.yaml" '  allowed_tools: [search]'
    sed -i "/^policy:/d; s/^listen:.*/&\npolicy: {file: $(sed 's/[&\/]/\\&/g' <<<"$work/two.yaml")}/" "$work/gateway.yaml"
    sed -i "s/^  - root: $(<"$work/partner.did")/&\n    policy: $(sed 's/[&\/]/\\&/g' <<<"$work/one.yaml")/" "$work/gateway.yaml"
    check 'policies are explained' ends 0 "== $work/one.yaml, for root $(<"$work/partner.did")" \
        "$bin/aip-gateway" explain --config "$work/gateway.yaml"
    check 'with what holds for all others' grep -q '"search": allowed' "$work/reply"
    call search '{"q":"x"}' >"$work/call"
    check 'a call that may go on' ends 0 'it may go on' "$bin/aip-gateway" explain --config "$work/gateway.yaml" \
        --call "$work/call" --token "$work/partner.token"
    call list '{}' >"$work/call"
    check 'one that the ceiling refuses, before the policy' ends 0 'it would be refused: trust.scope' \
        "$bin/aip-gateway" explain --config "$work/gateway.yaml" --call "$work/call" --token "$work/partner.token"
    check 'which is not asked then' test "$(grep -c '^policy  ' "$work/reply")" = 0
    check 'one that the policy of its root allows and that for all refuses' ends 0 'refused: policy.tool' \
        "$bin/aip-gateway" explain --config "$work/gateway.yaml" --call "$work/call" --token "$work/organisation.token"
    call read '{"q":"y"}' >"$work/call"
    check 'a single policy, and the rule that decided' ends 0 'rule 1; argument \"q\"' \
        "$bin/aip-gateway" explain --policy "$work/one.yaml" --call "$work/call" --json
    check 'as JSON' python3 -c 'import json, sys
said = json.load(open(sys.argv[1]))
sys.exit(said["code"] != "policy.argument" or said["allowed"] or said["stages"][-1]["stage"] != "policy")' "$work/reply"
    check 'a token that is no good' ends 0 'refused: token.' "$bin/aip-gateway" explain --config "$work/gateway.yaml" \
        --call "$work/call" --token "$work/organisation.did"
    check 'and a call that is none' ends 0 'refused: json.' "$bin/aip-gateway" explain --policy "$work/one.yaml" \
        --call "$work/organisation.did"
    call search "{\"q\":\"$work/file.audit\"}" >"$work/call"
    check "the gateway's own files are protected by every policy" ends 0 'refused: policy.path' "$bin/aip-gateway" explain \
        --config "$work/gateway.yaml" --call "$work/call" --token "$work/organisation.token"
    call search "{\"q\":\"$work/file.audit.3\"}" >"$work/call"
    check 'and a log that was put aside' ends 0 'refused: policy.path' "$bin/aip-gateway" explain \
        --config "$work/gateway.yaml" --call "$work/call" --token "$work/organisation.token"
    call search '{"q":"see ./aip-gateway, gateway.yaml and file.audit"}' >"$work/call"
    check 'but not their mere names' ends 0 'it may go on' "$bin/aip-gateway" explain \
        --config "$work/gateway.yaml" --call "$work/call" --token "$work/organisation.token"
    check 'a policy that is no good is not explained' ends 2 config.invalid "$bin/aip-gateway" explain \
        --policy "$work/gateway.yaml"
}

make_tokens
start files "$bin/examples/delegation/files_mcp" --root "$project/examples/delegation/docs" --port 0
write_file "${address[files]}"
started_from_a_file
options_go_before_the_file
files_that_are_no_good
files_with_their_policies
calls_explained
[ "$failed" = 0 ]
