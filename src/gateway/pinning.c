/* Pins on the thread that owns the database: what shards saw is compared with what is kept, and changes are told. */
#include "gateway/pinning.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

enum { CATCH_UP_SECONDS = 2 };

/* ---- what a shard saw, as bytes: size of the name, name, both hashes ---- */

void
pinning_append(text_buffer *out, aip_bytes name, const catalogue_hashes *hashes)
{
    uint32_t size = (uint32_t)name.size;
    text_append(out, (aip_bytes){(const unsigned char *)&size, sizeof size});
    text_append(out, name);
    text_append(out, (aip_bytes){hashes->sha256, sizeof hashes->sha256});
    text_append(out, (aip_bytes){hashes->whole, sizeof hashes->whole});
}

static bool
take_sight(aip_bytes *rest, pin_sight *out)
{
    uint32_t size = 0;
    if (rest->size < sizeof size) {
        return false;
    }
    memcpy(&size, rest->data, sizeof size);
    size_t whole = sizeof size + size + 2 * AIP_HASH_BYTES;
    if (rest->size < whole) {
        return false;
    }
    out->tool = (aip_bytes){rest->data + sizeof size, size};
    memcpy(out->hashes.schema, rest->data + sizeof size + size, AIP_HASH_BYTES);
    memcpy(out->hashes.whole, rest->data + sizeof size + size + AIP_HASH_BYTES, AIP_HASH_BYTES);
    *rest = aip_bytes_from(*rest, whole);
    return true;
}

/* ---- loading ---- */

static aip_status
load_row(void *context, const pin_row *row, aip_error *err)
{
    const pinning *p = context;
    catalogue_pin pin = {.upstream = row->upstream, .tool = row->tool, .approved = row->state == PIN_APPROVED};
    memcpy(pin.whole, row->pinned.whole, sizeof pin.whole);
    return catalogue_load(p->tools, &pin, err);
}

static aip_status
load(pinning *p, aip_error *err)
{
    const pin_sink sink = {p, load_row};
    return pins_load_all(&p->table, &sink, err);
}

aip_status
pinning_open(store *s, catalogue *tools, audit_log *audit, pinning *out, aip_error *err)
{
    *out = (pinning){.tools = tools, .audit = audit};
    AIP_TRY(pins_open(s, &out->table, err));
    return load(out, err);
}

aip_status
pinning_catch_up(pinning *p, int64_t now, aip_error *err)
{
    if (p->tools == NULL || now < p->next_catch_up) {
        return AIP_OK;
    }
    p->next_catch_up = now + CATCH_UP_SECONDS;
    return load(p, err);
}

/* ---- what is listed ---- */

static void
tell_change(const pinning *p, const char *upstream, aip_bytes tool)
{
    char where[128], which[128];
    TEXT_AUTO text_buffer subject = {0};
    dprintf(STDERR_FILENO,
            "aip-gateway: WARNING the tool %s of %s is not defined as it was pinned: calls of it are refused until "
            "`aip-gateway pins approve`\n",
            aip_printable(tool, which, sizeof which), aip_printable(aip_bytes_of(upstream), where, sizeof where));
    if (p->audit == NULL) {
        return;
    }
    text_append_format(&subject, "%s %s", upstream, "");
    text_append(&subject, tool);
    const audit_event event = {
        .name = "pin", .subject = text_view(&subject), .detail = AIP_BYTES_LITERAL("the definition has changed")};
    uint64_t number;
    /* A log that cannot be written refuses the next request. */
    (void)!audit_write_event(p->audit, &event, &number, NULL);
}

/* Another process may have pinned a definition before: then its pin counts here as well. */
static aip_status
note(const pinning *p, const char *upstream, const pin_sight *sights, size_t count, aip_error *err)
{
    pin_verdict *verdicts = calloc(count, sizeof *verdicts);
    if (verdicts == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = pins_note(&p->table, sights, count, clock_now_seconds(), verdicts, err);
    for (size_t i = 0; status == AIP_OK && i < count; i++) {
        if (verdicts[i] == PIN_CHANGED) {
            tell_change(p, upstream, sights[i].tool);
        }
    }
    free(verdicts);
    return status;
}

static aip_status
take(const pinning *p, const question *q, aip_error *err)
{
    size_t count = 0;
    aip_bytes rest = text_view(&q->text);
    pin_sight *sights = calloc(q->text.size / (2 * AIP_HASH_BYTES) + 1, sizeof *sights);
    if (sights == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    while (take_sight(&rest, &sights[count])) {
        sights[count++].upstream = aip_bytes_of(q->name);
    }
    aip_status status = count == 0 ? AIP_OK : note(p, q->name, sights, count, err);
    free(sights);
    return status;
}

void
pinning_take(const pinning *p, question *q)
{
    aip_error why = AIP_ERROR_INIT;
    q->status = take(p, q, &why);
    if (q->status != AIP_OK) {
        dprintf(STDERR_FILENO, "aip-gateway: WARNING tools of %s could not be pinned: %s\n", q->name,
                aip_status_lookup(q->status)->name);
    }
}
