#!/usr/bin/env bash
# spec/errors.md equals include/aip/status.def. `--write` makes it so.
set -u
cd "$(dirname "$0")/../.." || exit 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/table.c" <<'SOURCE'
#include <stdio.h>
#include "aip/status.h"
int main(void)
{
    static const char *const classes[] = {
        [AIP_CLASS_OK] = "ok", [AIP_CLASS_CREDENTIAL] = "credential", [AIP_CLASS_FORBIDDEN] = "forbidden",
        [AIP_CLASS_INPUT] = "input", [AIP_CLASS_USAGE] = "usage", [AIP_CLASS_UNAVAILABLE] = "unavailable"};
    for (int i = 0; i < AIP_STATUS_COUNT; i++) {
        const aip_status_facts *f = aip_status_lookup((aip_status)i);
        printf("| `%s` | %s | %d | %d | %d | %s | %s |\n", f->name, classes[f->class],
               aip_status_exit_code((aip_status)i), f->http, f->rpc, f->peer == NULL ? "–" : f->peer, f->sentence);
    }
    return 0;
}
SOURCE
"${CC:-cc}" -std=c17 -D_GNU_SOURCE -Iinclude -Isrc "$work/table.c" src/base/error.c -o "$work/table" || exit 1
{
    cat <<'HEAD'
# Errors

This page is written by `tests/lint/errors.sh --write` from `include/aip/status.def`; change the table there.

A name is a contract: it is never renamed and never given another meaning. The class says who has to act, and it alone
gives a command's exit code.

| class | who has to act | exit |
|---|---|---|
| ok | nobody | 0 |
| credential | whoever presents the token: the credential itself is bad | 1 |
| forbidden | whoever granted it: the credential is good and does not cover this | 1 |
| input | the sender: what was sent cannot be read | 1 |
| usage | the operator: command line, configuration or key file are wrong | 2 |
| unavailable | the machine: something that is needed does not answer | 3 |

The HTTP status and the JSON-RPC code are what a gateway answers with (`gateway.md`, G-40 to G-46). The peer's name is
what the project `sunilp/aip` calls the same refusal; a dash where it has none.

| name | class | exit | HTTP | JSON-RPC | peer's name | sentence |
|---|---|---|---|---|---|---|
HEAD
    "$work/table"
} >"$work/errors.md"

if [ "$(awk -F '`' '/^\| `/ {print $2}' "$work/errors.md" | sort | uniq -d)" != "" ]; then
    echo "a status name occurs twice in include/aip/status.def"
    exit 1
fi
if [ "${1:-}" = --write ]; then
    cp "$work/errors.md" spec/errors.md
    exit 0
fi
diff -u spec/errors.md "$work/errors.md" || {
    echo "spec/errors.md is out of date: run tests/lint/errors.sh --write"
    exit 1
}
