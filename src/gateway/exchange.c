/* Making and freeing exchanges, and reading their headers. */
#include "gateway/exchange.h"

#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "gateway/await.h"
#include "gateway/conclude.h"
#include "gateway/group_gather.h"
#include "gateway/stdio_upstream.h"
#include "gateway/inspect.h"
#include "gateway/share.h"
#include "gateway/stages.h"

enum { FIELDS_USUAL = 16 }; /* of a request: clients of MCP send ten */

exchange *
exchange_new(const shard_tools *shard)
{
    exchange *x = calloc(1, sizeof *x);
    unsigned char id[16];
    if (x == NULL) {
        return NULL;
    }
    x->gateway = shard->gateway;
    x->shard = shard;
    x->settings = gateway_settings_take(shard->gateway);
    x->params = x->argument_node = SCAN_NONE;
    x->refusal = (aip_error)AIP_ERROR_INIT;
    x->record.at = AIP_NOWHERE;
    x->record.stage = "";
    x->record.protocol = "";
    x->record.time_seconds = clock_now_seconds();
    hash_stream_begin(&x->stream_hash);
    x->begun_microseconds = x->moved_microseconds = clock_monotonic_microseconds();
    hash_random(id, sizeof id);
    base64url_encode((aip_bytes){id, sizeof id}, x->record.decision_id);
    return x;
}

void
answer_clear(gateway_answer *answer)
{
    for (size_t i = 0; i < answer->field_count; i++) {
        free(answer->fields[i].value);
    }
    text_clear(&answer->body);
    *answer = (gateway_answer){0};
}

void
exchange_free(exchange **x)
{
    if (*x == NULL) {
        return;
    }
    await_drop(*x);
    upstream_cancel(&(*x)->transfer);
    stdio_upstream_drop(&(*x)->pipe, true);
    gathering_drop(&(*x)->gathering);
    conclude_left(*x); /* if nothing else did */
    if ((*x)->notes != NULL && (*x)->route->protocol->forget != NULL) {
        (*x)->route->protocol->forget(*x);
    }
    share_release(*x);
    answer_clear(&(*x)->answer);
    scan_clear(&(*x)->document);
    text_clear(&(*x)->body);
    text_clear(&(*x)->stream);
    text_clear(&(*x)->splitter.pending);
    text_clear(&(*x)->arrived);
    text_clear(&(*x)->outgoing);
    text_clear(&(*x)->replaced);
    free((*x)->found);
    text_clear(&(*x)->told_arguments);
    free((*x)->answers_tool);
    text_clear(&(*x)->mirrors);
    inspect_forget(*x);
    chain_verdict_clear(&(*x)->verdict);
    reach_leave(*x);
    settings_drop(&(*x)->settings);
    free((*x)->sessions);
    free((*x)->fields);
    free(*x);
    *x = NULL;
}

bool
exchange_add_field(exchange *x, aip_bytes name, aip_bytes value)
{
    size_t room = x->field_room == 0 ? FIELDS_USUAL : AIP_HEADER_FIELDS_MAX;
    header_field *more = x->fields;
    if (x->field_count == x->field_room) {
        more = x->field_room == AIP_HEADER_FIELDS_MAX ? NULL : realloc(x->fields, room * sizeof *more);
        x->field_room = more == NULL ? x->field_room : room;
    }
    if (more == NULL) {
        x->too_many_fields = true;
        return false;
    }
    x->fields = more;
    x->fields[x->field_count++] = (header_field){name, value};
    return true;
}

aip_bytes
exchange_header(const exchange *x, const char *name, size_t *count)
{
    aip_bytes found = {NULL, 0};
    size_t length = strlen(name), seen = 0;
    for (size_t i = 0; i < x->field_count; i++) {
        const header_field *field = &x->fields[i];
        if (field->name.size == length && strncasecmp((const char *)field->name.data, name, length) == 0) {
            found = seen++ == 0 ? field->value : found;
        }
    }
    if (count != NULL) {
        *count = seen;
    }
    return found;
}

aip_bytes
exchange_path_below(const exchange *x)
{
    size_t size = strlen(x->route->path);
    size -= size > 0 && x->route->path[size - 1] == '/' ? 1u : 0u;
    return strlen(x->path) < size ? (aip_bytes){NULL, 0} : aip_bytes_from(aip_bytes_of(x->path), size);
}

aip_status
exchange_append_address(const exchange *x, const char *base, bool below, text_buffer *out, aip_error *err)
{
    aip_bytes rest = below ? exchange_path_below(x) : (aip_bytes){NULL, 0};
    size_t size = strlen(base);
    size -= rest.size > 0 && size > 0 && base[size - 1] == '/' ? 1u : 0u;
    text_append(out, (aip_bytes){(const unsigned char *)base, size});
    text_append(out, rest);
    if (x->query.size > 0) {
        text_append_string(out, "?");
        text_append(out, x->query);
    }
    text_append(out, (aip_bytes){(const unsigned char *)"", 1});
    return text_finish(out, err);
}

void
answer_add(gateway_answer *answer, const char *name, const char *format, ...)
{
    char *value = NULL;
    bool room = answer->field_count < ANSWER_FIELDS_MAX;
    va_list arguments;
    va_start(arguments, format);
    if (room && strcmp(format, "%s") == 0) { /* nearly always, and five times as fast */
        const char *text = va_arg(arguments, const char *);
        value = text == NULL ? NULL : strdup(text);
    } else if (room && vasprintf(&value, format, arguments) < 0) {
        value = NULL;
    }
    if (value == NULL) {
        answer->http = 500;
        text_clear(&answer->body);
    } else {
        answer->fields[answer->field_count].name = name;
        answer->fields[answer->field_count++].value = value;
    }
    va_end(arguments);
}

/* Eight bytes at a time: is none below 0x20 and none 0x7f? Bytes from 0x80 on may be taken for such ones. */
static bool
are_printable(const unsigned char *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t eight;
    memcpy(&eight, bytes, sizeof eight);
    uint64_t below = eight - ones * 0x20, deleted = (eight ^ ones * 0x7f) - ones;
    return ((eight | below | deleted) & tops) == 0;
}

bool
exchange_is_field_value(aip_bytes value)
{
    for (size_t i = 0; i < value.size;) {
        if (value.size - i >= sizeof(uint64_t) && are_printable(value.data + i)) {
            i += sizeof(uint64_t);
            continue;
        }
        unsigned char c = value.data[i++];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}
