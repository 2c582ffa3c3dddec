#!/usr/bin/env bash
# Each foreign library has one home, and nothing prints below the gateway and the commands.
set -u
cd "$(dirname "$0")/../.." || exit 3
bad=0

# home HEADER ALLOWED: only paths that match the expression ALLOWED include HEADER.
home() {
    local found
    found=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$1[>\"]" src did include | grep -vE "^$2") || return 0
    printf '%s\n' "$found"
    echo "<$1> belongs to $2 only"
    bad=1
}
home 'sodium(/[a-z0-9_]+)?\.h' 'src/crypto/'
home 'openssl/[a-z0-9_]+\.h' 'src/crypto/sha256\.c'
home 'curl/[a-z]+\.h' 'src/net/'
home 'jansson\.h' 'src/base/json\.h'
home 'yaml\.h' 'src/base/yaml\.c'
home 'microhttpd\.h' 'src/gateway/'
home 'gnutls/[a-z0-9]+\.h' 'src/gateway/'
home 'sqlite3\.h' 'src/store/'
home 'hs(/hs[a-z_]*)?\.h' 'src/base/pattern'
home 'pcre2\.h' 'src/base/pattern'
home 'utf8proc\.h' 'src/base/unicode\.c'
home 'b64/[a-z]+\.h' 'src/dlp/'
home 'zlib\.h' 'src/dlp/'

quiet='(^|[^a-z_])(printf|vprintf|puts|putchar|perror)[[:space:]]*\(|f(printf|puts|write)[[:space:]]*\([^;]*\<std(out|err)\>'
for folder in src/base src/crypto src/net did src/token src/chain src/proof src/policy src/dlp src/store src/audit; do
    [ -d "$folder" ] || continue
    if grep -rnE --include='*.[ch]' "$quiet" "$folder" | grep -v '^src/base/log\.c:'; then
        echo "nothing in $folder may print"
        bad=1
    fi
done
exit $bad
