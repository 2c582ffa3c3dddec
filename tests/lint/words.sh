#!/usr/bin/env bash
# No file is named after nothing in particular; C has no tabs, no line over 120 characters, no trailing space.
set -u
cd "$(dirname "$0")/../.." || exit 3
bad=0
sources() { find src did include tests examples \( -name node_modules -o -name build \) -prune -o -name '*.[ch]' -print 2>/dev/null | sort; }

vague='(^|[-_])(util|utils|helper|helpers|manager|common|misc|process|handle|handler)([-_.]|$)'
while IFS= read -r path; do
    if basename "$path" | grep -qiE "$vague"; then
        echo "$path: name it after what it does"
        bad=1
    fi
done < <(find src did include tests examples spec \( -name node_modules -o -name build \) -prune -o -type f -print 2>/dev/null)

check() { # EXPRESSION SENTENCE
    local found
    found=$(sources | LC_ALL=C.UTF-8 xargs -d '\n' grep -nP "$1" | cut -c1-100)
    [ -n "$found" ] || return 0
    printf '%s\n' "$found"
    echo "$2"
    bad=1
}
check '\t' 'a tab'
check '^.{121,}$' 'a line over 120 characters'
check '[ ]+$' 'space at the end of a line'
check '\r' 'a carriage return'
exit $bad
