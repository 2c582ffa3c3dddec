#!/usr/bin/env bash
# Each folder includes its own headers and those of lower floors only.
set -u
cd "$(dirname "$0")/../.." || exit 3

find src did include/aip \( -name '*.c' -o -name '*.h' -o -name '*.def' \) -print0 | sort -z | xargs -0 awk '
BEGIN {
    # Two folders on one floor do not include each other.
    split("base:0 crypto:1 net:1 did:2 token:3 chain:4 proof:5 policy:5 dlp:5 store:5 audit:6 gateway:7 cli:8", rows, " ")
    for (i in rows) { split(rows[i], pair, ":"); floor[pair[1]] = pair[2] }
    # The folder that defines what a public header declares.
    split("bytes:base error:base status:base limits:base version:base key:crypto did:did document:did resolve:did keyfile:did chain:chain", rows, " ")
    for (i in rows) { split(rows[i], pair, ":"); home[pair[1]] = pair[2] }
    bad = 0
}
function folder_of(path, parts, count, name) {
    count = split(path, parts, "/")
    if (path ~ /^(include\/)?aip\//) {
        name = parts[count]
        sub(/\.[a-z]+$/, "", name)
        return (name in home) ? home[name] : "?" name
    }
    return count < 2 ? "" : parts[count - 1]
}
function complain(text) { print FILENAME ":" FNR ": " text; bad = 1 }
FNR == 1 { own = folder_of(FILENAME) }
/^[ \t]*#[ \t]*include[ \t]*"/ {
    path = $0
    sub(/^[^"]*"/, "", path)
    sub(/".*$/, "", path)
    other = folder_of(path)
    if (other == "" || other == own) { next }
    if (!(own in floor)) { complain("the folder of this file has no floor: " own); next }
    if (!(other in floor)) { complain("has no floor: " path); next }
    if (floor[other] >= floor[own]) { complain(own " may not include " path) }
}
END { exit bad }'
