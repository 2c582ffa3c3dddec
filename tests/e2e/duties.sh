#!/usr/bin/env bash
# What MCP and HTTP ask of a gateway beyond what the SDKs try: statuses that have a meaning, replies in a disguise, several
# addresses in one subscription, states that nobody may change, streams that another caller would like to read on.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway
for name in root agent other gateway; do
    new_identity "$name" >/dev/null
done
for name in agent other; do
    "$bin/aip-token" issue --key "$work/root.key" --to "$(<"$work/$name.did")" --scope 'tool:*' --scope 'resource:test://*' \
        --max-depth 0 --ttl 1h >"$work/$name.token"
done
cat >"$work/policy.yaml" <<'END_OF_POLICY'
apiVersion: aip-gateway/v1
kind: AgentPolicy
metadata:
  name: duties
spec:
  mode: enforce
  allowed_methods: ["*"]
  allowed_tools: [asks, asks_calmly, x]
  resource_rules:
    - {resource: "test://secret/*", action: block}
    - {resource: "test://person/*", action: ask}
    - {resource: "test://open/*"}
  dlp:
    enabled: true
    builtin: true
    builtin_action: redact
    scan_requests: true
    scan_responses: true
    on_request_match: redact
END_OF_POLICY
status=0
timeout 200 python3 "$here/duties.py" "$bin/aip-gateway" "$work" || status=$?
exit "$status"
