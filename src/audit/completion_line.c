/* Writes and judges the lines of completion statements, in one spelling only. */
#include "audit/completion_line.h"

#include "audit/line_inside.h"
#include "base/clock.h"

static void
append_open(text_buffer *line, aip_bytes time, const completion *said, aip_bytes statement)
{
    line_reserve(line);
    line_put(line, AIP_BYTES_LITERAL("{\"event\":\"completion\",\"time\":\""));
    line_put(line, time);
    LINE_LITERAL(line, "\"");
    LINE_TEXT(line, "leaf", said->issuer.text, AIP_IDENTIFIER_BYTES_MAX);
    LINE_TEXT(line, "link", said->link, AIP_IDENTIFIER_BYTES_MAX);
    LINE_TEXT(line, "status", said->status, AIP_IDENTIFIER_BYTES_MAX);
    if (said->has_cost) {
        LINE_NUMBER(line, "cost_micro_usd", said->cost_micro_usd);
    }
    LINE_NAME(line, "jws");
    LINE_LITERAL(line, "\"");
    line_put(line, statement);
    LINE_LITERAL(line, "\"");
}

aip_status
completion_line_append(text_buffer *line, aip_bytes statement, const completion_check *check, aip_error *err)
{
    unsigned char room[COMPLETION_BYTES_MAX];
    char time[21];
    completion said;
    AIP_TRY(completion_read(statement, room, sizeof room, &said, err));
    AIP_TRY(completion_verify(&said, check, err));
    clock_format_utc(clock_now_seconds(), time);
    append_open(line, aip_bytes_of(time), &said, statement);
    return text_finish(line, err);
}

/* Of names that carry their key; after a rotation, and for others, the gateway judged when it wrote the line. */
static aip_status
check_signature(const completion *said, bool *judged, aip_error *err)
{
    aip_public_key key;
    *judged = aip_did_find_key(&said->issuer, said->statement.kid, &key, NULL) == AIP_OK;
    return !*judged || jws_verify(&said->statement, &key, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_AUDIT_COMPLETION, "its signature is not the agent's");
}

aip_status
completion_line_read(aip_bytes text, const audit_line *line, bool *judged, aip_error *err)
{
    TEXT_AUTO text_buffer wanted = {0};
    unsigned char room[COMPLETION_BYTES_MAX];
    completion said;
    aip_bytes statement = audit_line_text(line, "jws");
    *judged = false;
    if (completion_read(statement, room, sizeof room, &said, NULL) != AIP_OK) {
        return aip_fail(err, AIP_AUDIT_COMPLETION, "its statement cannot be read");
    }
    append_open(&wanted, audit_line_text(line, "time"), &said, statement);
    audit_line_finish(&wanted, line->seq, line->prev);
    AIP_TRY(text_finish(&wanted, err));
    if (!aip_bytes_equal(text, (aip_bytes){(unsigned char *)wanted.data, wanted.size - 1})) {
        return aip_fail(err, AIP_AUDIT_COMPLETION, "it is not what was signed");
    }
    return check_signature(&said, judged, err);
}
