#!/usr/bin/env bash
# Runs every lint of this folder: one line each, the findings of a failed one before its line, and a closing count.
set -u
cd "$(dirname "$0")/../.." || exit 3
passed=0 failed=0
for script in tests/lint/*.sh; do
    name=$(basename "$script" .sh)
    [ "$name" = run ] && continue
    if findings=$(bash "$script" 2>&1); then
        passed=$((passed + 1))
        echo "ok $name"
    else
        failed=$((failed + 1))
        printf '%s\n' "$findings" | sed 's/^/  /'
        echo "FAILED $name"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
