#!/usr/bin/env bash
# Each header compiles alone and can be included twice.
set -u
cd "$(dirname "$0")/../.." || exit 3
bad=0
flags=$(pkg-config --cflags libsodium libmicrohttpd libcurl jansson sqlite3) || exit 3
while IFS= read -r header; do
    # shellcheck disable=SC2086  # flags are a list of words
    printf '#include "%s"\n#include "%s"\ntypedef int not_empty;\n' "$header" "$header" |
        "${CC:-cc}" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -Iinclude -Isrc -I. $flags -fsyntax-only -x c - ||
        { echo "$header does not compile alone"; bad=1; }
done < <(find include src did -name '*.h' | sort)
exit $bad
