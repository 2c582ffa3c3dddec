#!/usr/bin/env bash
# Upstreams and clients that fail, lie, hang and flood: what they get, what the log says of it, and that the gateway is
# afterwards what it was before. Load goes on while it reads its configuration again, and while it ends.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
need aip-did aip-token aip-gateway aip-audit

new_identity organisation >/dev/null
new_identity agent >/dev/null
"$bin/aip-token" issue --key "$work/organisation.key" --to "$(<"$work/agent.did")" --scope 'tool:*' --max-depth 0 \
    --ttl 2h >"$work/agent.token"
start upstream python3 "$here/faults_upstream.py"
cat >"$work/gateway.yaml" <<END
listen: {port: 0}
upstream: {url: "${address[upstream]}"}
audit: {file: $work/faults.audit}
limits: {timeout: 2s, reply_time: 3s, head: 4s, body_time: 6s}
trust:
  - root: $(<"$work/organisation.did")
    bearer: true
END
start faults "$bin/aip-gateway" --config "$work/gateway.yaml" --quiet
gateway=${address[faults]} audit=$work/faults.audit
if grep -q -a -e __asan_init -e __tsan_init "$bin/aip-gateway"; then
    export FAULTS_MIB=400 # a sanitizer keeps what was freed
fi
status=0
python3 "$here/faults.py" "$gateway" "$work/agent.token" "$audit" "${pid[faults]}" "${address[upstream]}" \
    "$work/gateway.yaml" "$@" || status=$?
ended=0
kill "${pid[faults]}" 2>/dev/null || true # it has ended, unless the test was cut short
wait "${pid[faults]}" || ended=$?
unset 'pid[faults]' # it was told to end
check 'SIGTERM under load ends the gateway with 0' test "$ended" = 0
check 'the log of all this is whole' grep -q '^whole:' <("$bin/aip-audit" verify "$audit")
[ "$status" = 0 ] && [ "$failed" = 0 ]
