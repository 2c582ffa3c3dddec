/* Writes and judges checkpoints: a compact JWS, repeated in the open around it, in one spelling only. */
#include "audit/checkpoint.h"

#include "audit/line_inside.h"

#include "base/clock.h"
#include "crypto/base64url.h"
#include "token/jws.h"

#define NODES_MAX 16
#define JWS_BYTES_MAX 4096
#define TIME_MAX 253402300799 /* 9999-12-31T23:59:59Z */

static void
append_open(text_buffer *line, const checkpoint_facts *facts, aip_bytes statement)
{
    char time[21];
    clock_format_utc(facts->issued_at, time);
    text_append_format(line, "{\"event\":\"checkpoint\",\"time\":\"%s\",\"lines\":%llu", time,
                       (unsigned long long)facts->lines);
    LINE_DIGEST(line, "head", facts->head);
    text_append_string(line, ",\"jws\":\"");
    text_append(line, statement);
    text_append_string(line, "\"");
}

aip_status
checkpoint_append(text_buffer *line, const checkpoint_signer *signer, const checkpoint_facts *facts, aip_error *err)
{
    TEXT_AUTO text_buffer payload = {0};
    STRING_AUTO char *statement = NULL;
    text_append_string(&payload, "{\"iss\":");
    text_append_json(&payload, aip_bytes_of(signer->issuer));
    text_append_format(&payload, ",\"iat\":%lld,\"lines\":%llu", (long long)facts->issued_at,
                       (unsigned long long)facts->lines);
    LINE_DIGEST(&payload, "head", facts->head);
    text_append_format(&payload, ",\"every\":%llu}", (unsigned long long)facts->every);
    AIP_TRY(text_finish(&payload, err));
    const jws_statement said = {CHECKPOINT_TYPE, signer->key_id, text_view(&payload)};
    AIP_TRY(jws_encode(signer->key, &said, &statement, err));
    append_open(line, facts, aip_bytes_of(statement));
    return text_finish(line, err);
}

static bool
read_number(const scan_document *payload, const char *name, uint64_t maximum, uint64_t *out)
{
    uint32_t node = scan_member(payload, 0, name);
    return node != SCAN_NONE && scan_integer(payload, node, maximum, out, NULL) == AIP_OK;
}

static bool
read_string(const scan_document *payload, const char *name, aip_bytes *out)
{
    uint32_t node = scan_member(payload, 0, name);
    return node != SCAN_NONE && scan_kind_of(payload, node) == SCAN_STRING &&
           scan_plain_string(payload, node, out, NULL) == AIP_OK;
}

/* The claims of the signed statement. */
static bool
read_claims(aip_bytes json, checkpoint_facts *out, aip_bytes *issuer)
{
    static const scan_limits limits = {JWS_BYTES_MAX, 2, NODES_MAX};
    scan_node nodes[NODES_MAX];
    scan_document payload;
    aip_bytes head;
    uint64_t time;
    size_t size = 0;
    if (scan_into(json, &limits, nodes, NODES_MAX, &payload, NULL) != AIP_OK || payload.nodes[0].children != 5) {
        return false;
    }
    if (!read_string(&payload, "iss", issuer) || !read_number(&payload, "iat", TIME_MAX, &time) ||
        !read_number(&payload, "lines", INT64_MAX, &out->lines) ||
        !read_number(&payload, "every", INT64_MAX, &out->every) || !read_string(&payload, "head", &head)) {
        return false;
    }
    out->issued_at = (int64_t)time;
    return base64url_decode(head, out->head, sizeof out->head, &size, NULL) == AIP_OK && size == sizeof out->head;
}

static aip_status
check_signature(const jws *statement, aip_bytes issuer, int64_t issued_at, const checkpoint_trust *trust,
                aip_error *err)
{
    aip_did name;
    aip_public_key key;
    aip_error why = AIP_ERROR_INIT;
    if (trust->issuer.size > 0 && !aip_bytes_equal(issuer, trust->issuer)) {
        return aip_fail(err, AIP_AUDIT_CHECKPOINT, "it is of another gateway");
    }
    if (trust->keys == NULL) {
        return AIP_OK;
    }
    aip_status status = aip_did_parse(issuer, &name, &why);
    if (status == AIP_OK) {
        status = trust->keys->find(trust->keys->context, &name, statement->kid, issued_at, &key, &why);
    }
    if (status == AIP_OK) {
        status = jws_verify(statement, &key, &why);
    }
    return status == AIP_OK ? AIP_OK
                            : aip_fail(err, AIP_AUDIT_CHECKPOINT, "its signature: %s", aip_status_lookup(status)->name);
}

/* Is the line the one that its statement, number and link make? So no byte of it is left unjudged. */
static aip_status
check_spelling(aip_bytes text, const audit_line *line, const checkpoint_facts *facts, aip_error *err)
{
    TEXT_AUTO text_buffer wanted = {0};
    append_open(&wanted, facts, audit_line_text(line, "jws"));
    audit_line_finish(&wanted, line->seq, line->prev);
    AIP_TRY(text_finish(&wanted, err));
    return aip_bytes_equal(text, (aip_bytes){(unsigned char *)wanted.data, wanted.size - 1})
               ? AIP_OK
               : aip_fail(err, AIP_AUDIT_CHECKPOINT, "it is not what was signed");
}

aip_status
checkpoint_read(aip_bytes text, const audit_line *line, const checkpoint_trust *trust, checkpoint_facts *out,
                aip_error *err)
{
    unsigned char room[JWS_BYTES_MAX];
    jws statement;
    aip_bytes issuer, compact = audit_line_text(line, "jws");
    if (jws_parse(compact, CHECKPOINT_TYPE, room, sizeof room, &statement, NULL) != AIP_OK ||
        !read_claims(statement.payload, out, &issuer)) {
        return aip_fail(err, AIP_AUDIT_CHECKPOINT, "its statement cannot be read");
    }
    AIP_TRY(check_signature(&statement, issuer, out->issued_at, trust, err));
    return check_spelling(text, line, out, err);
}
