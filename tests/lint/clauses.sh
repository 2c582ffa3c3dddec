#!/usr/bin/env bash
# Each clause of spec/ has one definition (a line that begins with its id in bold), and each id that is
# mentioned anywhere is a defined one.
set -u
cd "$(dirname "$0")/../.." || exit 3
bad=0
defined=$(grep -hoE '^(- )?\*\*[TIGSRBDOYEWU]-[0-9]+\*\*' spec/*.md | grep -oE '[TIGSRBDOYEWU]-[0-9]+' | sort)
twice=$(printf '%s\n' "$defined" | uniq -d)
if [ -n "$twice" ]; then
    echo "defined twice:" $twice
    bad=1
fi
while IFS=: read -r file line id; do
    grep -qx "$id" <<<"$defined" || { echo "$file:$line: no clause $id in spec/"; bad=1; }
done < <(grep -rnoP --include='*.c' --include='*.h' --include='*.def' --include='*.sh' --include='*.py' --include='*.mjs' \
    --include='*.js' --include='*.md' --exclude-dir=node_modules --exclude-dir=.git --exclude-dir=build \
    '(?<![A-Za-z0-9_-])[TIGSRBDOYEWU]-[1-9][0-9]*(?![A-Za-z0-9_-])' spec src did include tests examples README.md 2>/dev/null)
exit $bad
