/* How a line of the decision log ends, and how it is read back. */
#include "audit/line_inside.h"
#include "crypto/base64url.h"

void
audit_line_finish(text_buffer *line, uint64_t seq, const unsigned char prev[AIP_HASH_BYTES])
{
    LINE_NUMBER(line, "seq", seq);
    LINE_DIGEST(line, "prev", prev);
    text_append(line, AIP_BYTES_LITERAL("}\n"));
}

audit_line_kind
audit_line_kind_of(aip_bytes name)
{
    static const char *const names[] = {"decision", "outcome",  "checkpoint", "rotation", "completion",
                                        "alert",    "approval", "pin",        "reload",   "hold_freed"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (aip_bytes_equal(name, aip_bytes_of(names[i]))) {
            return (audit_line_kind)i;
        }
    }
    return AUDIT_OTHER;
}

aip_bytes
audit_line_text(const audit_line *line, const char *name)
{
    aip_bytes text = {NULL, 0};
    uint32_t node = scan_member(&line->document, 0, name);
    if (node == SCAN_NONE || scan_kind_of(&line->document, node) != SCAN_STRING ||
        scan_plain_string(&line->document, node, &text, NULL) != AIP_OK) {
        return (aip_bytes){NULL, 0};
    }
    return text;
}

aip_status
audit_line_read(aip_bytes text, scan_node nodes[AUDIT_LINE_NODES_MAX], audit_line *out, aip_error *err)
{
    static const scan_limits limits = {AUDIT_LINE_BYTES_MAX, AIP_JSON_DEPTH_TOKEN, AUDIT_LINE_NODES_MAX};
    size_t size = 0;
    if (scan_into(text, &limits, nodes, AUDIT_LINE_NODES_MAX, &out->document, NULL) != AIP_OK) {
        return aip_fail(err, AIP_AUDIT_MALFORMED, "it is no JSON of ours");
    }
    aip_bytes prev = audit_line_text(out, "prev");
    if (prev.size != BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) ||
        base64url_decode(prev, out->prev, sizeof out->prev, &size, NULL) != AIP_OK) {
        return aip_fail(err, AIP_AUDIT_MALFORMED, "it has no hash of the line before");
    }
    uint32_t seq = scan_member(&out->document, 0, "seq");
    out->has_seq = seq != SCAN_NONE;
    out->seq = 0;
    if (out->has_seq && (scan_integer(&out->document, seq, INT64_MAX, &out->seq, NULL) != AIP_OK || out->seq == 0)) {
        return aip_fail(err, AIP_AUDIT_MALFORMED, "its number is none");
    }
    out->event = audit_line_kind_of(audit_line_text(out, "event"));
    return AIP_OK;
}
