/* Listing, approving and forgetting pins. */
#include "gateway/admin_pins.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "crypto/base64url.h"
#include "policy/normal.h"

#define HASH_PREFIX "sha256:"

typedef struct {
    store *store;
    pin_table table;
} open_pins;

/* Looking must not make a database. */
static aip_status
open_table(const char *path, open_pins *out, aip_error *err)
{
    struct stat facts;
    *out = (open_pins){0};
    if (stat(path, &facts) != 0) {
        return aip_fail(err, AIP_IO, "there is no such database");
    }
    AIP_TRY(store_open(path, &out->store, err));
    return pins_open(out->store, &out->table, err);
}

/* ---- hashes ---- */

static void
append_hash(text_buffer *out, const unsigned char hash[AIP_HASH_BYTES])
{
    char digits[2 * AIP_HASH_BYTES + 1];
    hex_encode((aip_bytes){hash, AIP_HASH_BYTES}, digits);
    text_append_format(out, "\"" HASH_PREFIX "%s\"", digits);
}

static aip_status
read_hash(const char *text, unsigned char out[AIP_HASH_BYTES], aip_error *err)
{
    size_t prefix = strlen(HASH_PREFIX), size = 0;
    if (strncmp(text, HASH_PREFIX, prefix) == 0 &&
        hex_decode(aip_bytes_of(text + prefix), out, AIP_HASH_BYTES, &size, NULL) == AIP_OK && size == AIP_HASH_BYTES) {
        return AIP_OK;
    }
    return aip_fail(err, AIP_USAGE, "a hash is " HASH_PREFIX " and 64 digits, as the list shows it");
}

/* ---- the list ---- */

typedef struct {
    text_buffer *out;
    catalogue *tools;
    const char *comma;
} listing;

static void
append_time(text_buffer *out, const char *name, int64_t seconds)
{
    char text[21];
    clock_format_utc(seconds, text);
    text_append_format(out, ",\"%s\":\"%s\"", name, text);
}

/* What the running gateway makes of it, which may know more: a description that is suspicious, two spellings. */
static void
append_now(const listing *l, const pin_row *row)
{
    catalogue_tool tool;
    if (l->tools == NULL || !catalogue_find(l->tools, row->upstream, row->tool, &tool) || !tool.seen) {
        return;
    }
    text_append_format(
        l->out, ",\"listed\":\"%s\",\"listed_hash\":", tool.ambiguous ? "ambiguous" : catalogue_state_name(tool.state));
    append_hash(l->out, tool.hashes.whole);
}

static aip_status
append_row(void *context, const pin_row *row, aip_error *err)
{
    static const char *const states[] = {
        [PIN_PINNED] = "pinned", [PIN_DIFFERS] = "changed", [PIN_APPROVED] = "approved"};
    listing *l = context;
    text_append_format(l->out, "%s{\"upstream\":", l->comma);
    text_append_json(l->out, row->upstream);
    text_append_string(l->out, ",\"tool\":");
    text_append_json(l->out, row->tool);
    text_append_format(l->out, ",\"state\":\"%s\",\"pinned\":", states[row->state]);
    append_hash(l->out, row->pinned.whole);
    if (row->state == PIN_DIFFERS) {
        text_append_string(l->out, ",\"changed\":");
        append_hash(l->out, row->changed.whole);
    }
    append_time(l->out, "first_seen", row->first_seen);
    append_time(l->out, "last_seen", row->last_seen);
    if (row->approved_by.size > 0) {
        text_append_string(l->out, ",\"approved_by\":");
        text_append_json(l->out, row->approved_by);
        append_time(l->out, "approved_at", row->approved_at);
    }
    append_now(l, row);
    text_append_string(l->out, "}");
    l->comma = ",";
    return text_finish(l->out, err);
}

aip_status
admin_pins_list(const char *store_path, catalogue *tools, text_buffer *out, aip_error *err)
{
    open_pins pins;
    listing l = {out, tools, ""};
    const pin_sink sink = {&l, append_row};
    text_append_string(out, "[");
    aip_status status = open_table(store_path, &pins, err);
    status = status == AIP_OK ? pins_load_all(&pins.table, &sink, err) : status;
    text_append_string(out, "]");
    store_close(&pins.store);
    return status == AIP_OK ? text_finish(out, err) : status;
}

/* ---- the operator's word ---- */

/* Pins are kept under the name in normal form. */
static aip_status
read_tool(const char *tool, normal_name *out, aip_error *err)
{
    return normal_name_of(aip_bytes_of(tool), out, err) == AIP_OK ? AIP_OK : aip_fail(err, AIP_PIN_UNKNOWN, NULL);
}

aip_status
admin_pins_approve(const char *store_path, catalogue *tools, const admin_pin_wish *wish, aip_error *err)
{
    open_pins pins;
    normal_name name;
    catalogue_tool listed;
    unsigned char whole[AIP_HASH_BYTES];
    AIP_TRY(read_hash(wish->hash, whole, err));
    AIP_TRY(read_tool(wish->tool, &name, err));
    const pin_approval approval = {.upstream = aip_bytes_of(wish->upstream),
                                   .tool = {(const unsigned char *)name.text, name.size},
                                   .whole = whole,
                                   .by = aip_bytes_of(wish->by),
                                   .now = clock_now_seconds()};
    aip_status status = open_table(store_path, &pins, err);
    status = status == AIP_OK ? pins_approve(&pins.table, &approval, err) : status;
    store_close(&pins.store);
    if (status == AIP_OK && tools != NULL) { /* false: it is listed anew before it counts, or has changed again */
        (void)catalogue_approve(tools, approval.upstream, approval.tool, whole, &listed);
    }
    return status;
}

aip_status
admin_pins_forget(const char *store_path, catalogue *tools, const admin_pin_wish *wish, size_t *count, aip_error *err)
{
    open_pins pins;
    normal_name name = {0};
    if (wish->tool[0] != '\0') {
        AIP_TRY(read_tool(wish->tool, &name, err));
    }
    aip_bytes upstream = aip_bytes_of(wish->upstream), tool = {(const unsigned char *)name.text, name.size};
    aip_status status = open_table(store_path, &pins, err);
    status = status == AIP_OK ? pins_forget(&pins.table, upstream, tool, count, err) : status;
    store_close(&pins.store);
    if (status == AIP_OK && tools != NULL) {
        catalogue_forget(tools, upstream, tool);
    }
    return status != AIP_OK ? status : *count > 0 ? AIP_OK : aip_fail(err, AIP_PIN_UNKNOWN, NULL);
}
