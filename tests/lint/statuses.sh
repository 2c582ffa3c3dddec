#!/usr/bin/env bash
# Every status is given by some code, or stands in reserved-statuses.txt with its reason (and then is not used).
set -u
cd "$(dirname "$0")/../.." || exit 3
bad=0
reserved=tests/lint/reserved-statuses.txt
symbols=$(grep -oP '^AIP_STATUS\(\K[A-Z0-9_]+' include/aip/status.def)
used=$(grep -rhoP --include='*.c' --include='*.h' '\bAIP_\K[A-Z0-9_]+\b' src did | sort -u)

for symbol in $symbols; do
    reason=$(awk -v s="$symbol" '$1 == s { $1 = ""; print }' "$reserved")
    if grep -qx "$symbol" <<<"$used"; then
        [ -z "$reason" ] || { echo "AIP_$symbol is used: take it out of $reserved"; bad=1; }
    elif [ -z "${reason// /}" ]; then
        echo "AIP_$symbol is never given; use it or reserve it with a reason"
        bad=1
    fi
done
while read -r symbol _; do
    case $symbol in '' | '#'*) continue ;; esac
    grep -qx "$symbol" <<<"$symbols" || { echo "$reserved: no such status: $symbol"; bad=1; }
done <"$reserved"
exit $bad
