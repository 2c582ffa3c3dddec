#!/usr/bin/env bash
# Runs every layer of tests, counts what their closing lines say, and ends with one line for all.
set -u
cd "$(dirname "$0")/.." || exit 3
export BUILD=${BUILD:-build}
make=${MAKE:-make}
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for layer in lint unit property vector fuzz-replay e2e; do
    echo "== $layer"
    "$make" --no-print-directory BUILD="$BUILD" "$layer" 2>&1 | tee "$log" | grep -v '^cc \|^gcc \|^clang '
    status=${PIPESTATUS[0]}
    # A closing line that stands alone counts for its whole layer; otherwise the programs' lines add up.
    read -r p f s < <(awk '
        match($0, /[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/) {
            split(substr($0, RSTART), n, /[^0-9]+/)
            if (RSTART == 1) { whole = 1; wp = n[1]; wf = n[2]; ws = n[3] }
            p += n[1]; f += n[2]; s += n[3]
        }
        END { if (whole) print wp + 0, wf + 0, ws + 0; else print p + 0, f + 0, s + 0 }' "$log")
    # A layer that ends badly without counting a failure, or that counts nothing, has failed.
    if { [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; } || [ $((p + f + s)) -eq 0 ]; then
        echo "FAILED layer $layer (exit $status)"
        f=$((f + 1))
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
