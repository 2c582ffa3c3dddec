/* The pieces that lines are put together from. */
#include <stdlib.h>

#include "audit/line_inside.h"
#include "base/clock.h"
#include "crypto/base64url.h"

#define LINE_BYTES_USUAL 4096
#define PLACE_BYTES_MAX 256

void
line_reserve(text_buffer *line)
{
    if (line->data == NULL) {
        line->data = malloc(LINE_BYTES_USUAL);
        line->capacity = line->data == NULL ? 0 : LINE_BYTES_USUAL;
        line->failed = line->data == NULL;
    }
    line->size = 0;
}

void
line_append_time(text_buffer *line, int64_t seconds)
{
    static _Thread_local int64_t last = -1; /* most lines of a second have a neighbour */
    static _Thread_local char text[21];
    if (seconds != last) {
        clock_format_utc(seconds, text);
        last = seconds;
    }
    LINE_LITERAL(line, ",\"time\":\"");
    line_put(line, (aip_bytes){(const unsigned char *)text, 20});
    LINE_LITERAL(line, "\"");
}

static bool
is_plain(aip_bytes value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = value.data[i];
        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\') {
            return false;
        }
    }
    return true;
}

void
line_append_text(text_buffer *line, aip_bytes value, size_t bytes_max)
{
    value.size = value.size < bytes_max ? value.size : bytes_max;
    if (!is_plain(value)) {
        text_append_json(line, value);
        return;
    }
    LINE_LITERAL(line, "\"");
    line_put(line, value);
    LINE_LITERAL(line, "\"");
}

void
line_append_number(text_buffer *line, uint64_t value)
{
    char digits[20], *end = digits + sizeof digits, *at = end;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    line_put(line, (aip_bytes){(const unsigned char *)at, (size_t)(end - at)});
}

void
line_append_digest(text_buffer *line, const unsigned char digest[AIP_HASH_BYTES])
{
    char text[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 3];
    base64url_encode_public((aip_bytes){digest, AIP_HASH_BYTES}, text + 1);
    text[0] = text[sizeof text - 2] = '"';
    line_put(line, (aip_bytes){(const unsigned char *)text, sizeof text - 1});
}

static void
append_finding(text_buffer *line, const audit_dlp_finding *found)
{
    LINE_LITERAL(line, "{\"name\":");
    line_append_text(line, aip_bytes_of(found->name), AIP_DLP_NAME_BYTES_MAX);
    if (found->place != NULL) {
        LINE_TEXT(line, "place", aip_bytes_of(found->place), PLACE_BYTES_MAX);
    }
    LINE_WORD(line, "direction", found->direction);
    LINE_WORD(line, "action", found->action);
    LINE_NUMBER(line, "count", found->count);
    if (found->fingerprint[0] != '\0') {
        LINE_WORD(line, "fingerprint", found->fingerprint);
    }
    LINE_LITERAL(line, "}");
}

void
line_append_findings(text_buffer *line, const audit_dlp_finding *findings, size_t count, line_amount amount)
{
    size_t told = amount == LINE_BARE ? 0 : count < AUDIT_FINDINGS_OF_LINE_MAX ? count : AUDIT_FINDINGS_OF_LINE_MAX;
    if (count == 0) {
        return;
    }
    LINE_LITERAL(line, ",\"findings\":[");
    for (size_t i = 0; i < told; i++) {
        line_put(line, i == 0 ? AIP_BYTES_LITERAL("") : AIP_BYTES_LITERAL(","));
        append_finding(line, &findings[i]);
    }
    LINE_LITERAL(line, "]");
    if (told < count) {
        LINE_NUMBER(line, "finding_count", count);
    }
}
