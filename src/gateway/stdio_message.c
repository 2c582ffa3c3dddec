/* Messages as lines: the token that one may bring, and line breaks that one must not have. */
#include "gateway/stdio_message.h"

#include "aip/limits.h"
#include "base/splice.h"

#define TOKEN_MEMBER "aip/token"

static const scan_limits limits = {SIZE_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};

static aip_status
cut(const scan_document *document, uint32_t meta, uint32_t node, text_buffer *rest, aip_error *err)
{
    SPLICE_AUTO splice edit = {0};
    splice_begin(&edit, document);
    AIP_TRY(splice_remove(&edit, meta, node, err));
    return splice_finish(&edit, &limits, rest, NULL, err);
}

static aip_status
cut_from(const scan_document *document, text_buffer *rest, char **text, aip_error *err)
{
    aip_bytes found;
    uint32_t params = scan_member(document, 0, "params");
    uint32_t meta = params == SCAN_NONE ? SCAN_NONE : scan_member(document, params, "_meta");
    uint32_t node = meta == SCAN_NONE ? SCAN_NONE : scan_member(document, meta, TOKEN_MEMBER);
    if (node == SCAN_NONE || scan_kind_of(document, node) != SCAN_STRING ||
        scan_plain_string(document, node, &found, NULL) != AIP_OK) {
        return AIP_OK;
    }
    AIP_TRY(cut(document, meta, node, rest, err));
    *text = strndup((const char *)found.data, found.size);
    return *text == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

aip_status
stdio_message_cut_token(aip_bytes line, text_buffer *rest, char **text, aip_error *err)
{
    scan_document document = {0};
    *text = NULL;
    /* Written with an escape it is not seen here, and is refused where the message is read. */
    if (memmem(line.data, line.size, TOKEN_MEMBER, sizeof TOKEN_MEMBER - 1) == NULL) {
        return AIP_OK;
    }
    aip_status status = scan_load(line, &limits, &document, NULL);
    if (status != AIP_OK) {
        return status == AIP_NO_MEMORY ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
    }
    status = cut_from(&document, rest, text, err);
    scan_clear(&document);
    return status;
}

aip_status
stdio_message_append(text_buffer *out, aip_bytes message, aip_error *err)
{
    scan_document document = {0};
    SPLICE_AUTO splice edit = {0};
    TEXT_AUTO text_buffer line = {0};
    if (!splice_has_line_break(message)) {
        text_append(out, message);
        return text_finish(out, err);
    }
    AIP_TRY(scan_load(message, &limits, &document, err));
    splice_begin(&edit, &document);
    edit.one_line = true;
    aip_status status = splice_finish(&edit, &limits, &line, NULL, err);
    scan_clear(&document);
    AIP_TRY(status);
    text_append(out, text_view(&line));
    return text_finish(out, err);
}
