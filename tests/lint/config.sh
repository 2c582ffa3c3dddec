#!/usr/bin/env bash
# The keys of gateway.yaml in spec/gateway.md equal src/gateway/config.def. `--write` makes it so.
set -u
cd "$(dirname "$0")/../.." || exit 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/table.c" <<'SOURCE'
#include <stdio.h>
#include "aip/limits.h"
#include "gateway/config.h"
int main(void)
{
    static const char *const kinds[] = {
        [CONFIG_TEXT] = "text", [CONFIG_LIST] = "list of texts", [CONFIG_NUMBER] = "number",
        [CONFIG_DURATION] = "duration", [CONFIG_TRUST] = "list", [CONFIG_UNKNOWN] = "`deny` or a profile",
        [CONFIG_FLAG] = "`true` or `false`", [CONFIG_UPSTREAMS] = "list"};
    static const struct {
        const char *path;
        config_kind kind;
        const char *option;
        unsigned long long least, most;
        const char *initial, *help;
    } rows[] = {
#define CONFIG_ROW(path, kind, option, least, most, initial, reload, check, help) \
    {path, CONFIG_##kind, option, least, most, initial, help},
#include "gateway/config.def"
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char range[64] = "";
        if (rows[i].kind == CONFIG_NUMBER || rows[i].kind == CONFIG_DURATION) {
            snprintf(range, sizeof range, ", %llu to %llu%s", rows[i].least, rows[i].most,
                     rows[i].kind == CONFIG_DURATION ? " s" : "");
        } else if (rows[i].kind == CONFIG_LIST || rows[i].kind == CONFIG_TRUST ||
                   rows[i].kind == CONFIG_UPSTREAMS) {
            snprintf(range, sizeof range, ", at most %llu", rows[i].most);
        }
        printf("| `%s` | %s%s | %s%s%s | %s%s%s | %s |\n", rows[i].path, kinds[rows[i].kind], range,
               rows[i].initial == NULL ? "" : "`", rows[i].initial == NULL ? "–" : rows[i].initial,
               rows[i].initial == NULL ? "" : "`", rows[i].option == NULL ? "" : "`",
               rows[i].option == NULL ? "–" : rows[i].option, rows[i].option == NULL ? "" : "`", rows[i].help);
    }
    return 0;
}
SOURCE
"${CC:-cc}" -std=c17 -D_GNU_SOURCE -Iinclude -Isrc "$work/table.c" -o "$work/table" || exit 1
"$work/table" >"$work/rows" || exit 1
for option in $(grep -oP '^CONFIG_ROW\([^-]*"\K--[a-z-]+' src/gateway/config.def); do
    grep -q "{\"$option\"," src/cli/aip_gateway.c || { echo "src/gateway/config.def: no option $option"; exit 1; }
done
awk -v rows="$work/rows" '
    /^\| key \| value \| default \| option \| what \|$/ { print; getline; print; while ((getline line < rows) > 0) print line; skip = 1; found++; next }
    skip && /^\|/ { next }
    { skip = 0; print }
    END { exit found != 1 }' spec/gateway.md >"$work/gateway.md" || { echo "spec/gateway.md has not one table of keys"; exit 1; }
if [ "${1:-}" = --write ]; then
    cp "$work/gateway.md" spec/gateway.md
    exit 0
fi
diff -u spec/gateway.md "$work/gateway.md" || {
    echo "the keys in spec/gateway.md are out of date: run tests/lint/config.sh --write"
    exit 1
}
