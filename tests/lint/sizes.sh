#!/usr/bin/env bash
# No file over 500 lines, no function over 70. Tests are left out: their tables may be long.
set -u
cd "$(dirname "$0")/../.." || exit 3
find src did include examples -name node_modules -prune -o -name '*.[ch]' -print0 2>/dev/null |
    sort -z | xargs -0 awk '
    FNR == 1 { start = 0 }
    FNR == 501 { print FILENAME ": over 500 lines"; bad = 1 }
    /^\{/ { start = FNR }
    /^\}[ \t]*$/ && start {
        if (FNR - start - 1 > 70) { print FILENAME ":" start ": a function of " FNR - start - 1 " lines"; bad = 1 }
        start = 0
    }
    END { exit bad }'
