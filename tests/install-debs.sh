#!/bin/sh
# Installs the named Debian packages that are missing; silent and offline when none is.
# A missing nodejs or npm is not installed where a newer Node.js is on the PATH already.
set -eu
missing=
for package in "$@"; do
    case $package in
        nodejs) command -v node >/dev/null 2>&1 && continue ;;
        npm) command -v npm >/dev/null 2>&1 && continue ;;
    esac
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # both are lists of words
{ $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends $missing; } </dev/null >/dev/null || {
    echo "could not install:$missing" >&2
    exit 3
}
