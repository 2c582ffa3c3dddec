/* Writes chains and grants as JSON, and asks a grant about a tool. */
#include "chain/report.h"

#include "base/scan.h"

static const scan_limits description_limits = {
    .bytes = (size_t)8 * AIP_TOKEN_BYTES_MAX, /* every claim once more, escaped */
    .depth = AIP_JSON_DEPTH_MAX,
    .nodes = (size_t)AIP_JSON_NODES_TOKEN * AIP_CHAIN_ELEMENTS_MAX * 2,
};

/* The description indexed; the caller clears *document and releases *text. */
static aip_status
describe(const aip_chain *chain, char **text, scan_document *document, aip_error *err)
{
    AIP_TRY(aip_chain_describe(chain, text, err));
    return scan_load(aip_bytes_of(*text), &description_limits, document, err);
}

aip_status
chain_append_elements(text_buffer *text, const aip_chain *chain, aip_error *err)
{
    STRING_AUTO char *description = NULL;
    scan_document document = {0};
    AIP_TRY(describe(chain, &description, &document, err));
    text_append(text, scan_raw(&document, scan_member(&document, 0, "elements")));
    scan_clear(&document);
    return text_finish(text, err);
}

/* Every element's scope lies within its parent's, so the leaf's is the effective one. */
static aip_status
append_scope(text_buffer *text, const aip_chain *chain, aip_error *err)
{
    STRING_AUTO char *description = NULL;
    scan_document document = {0};
    AIP_TRY(describe(chain, &description, &document, err));
    uint32_t element = scan_child(&document, scan_member(&document, 0, "elements"));
    while (scan_next(&document, element) != SCAN_NONE) {
        element = scan_next(&document, element);
    }
    text_append(text, scan_raw(&document, scan_member(&document, element, "scope")));
    scan_clear(&document);
    return text_finish(text, err);
}

aip_status
chain_append_grant(text_buffer *text, const aip_grant *grant, aip_error *err)
{
    char budget[32] = "null", link_id[44];
    if (grant->has_budget) {
        aip_budget_format(grant->budget_micro_usd, budget);
    }
    text_append_string(text, "{\"root\":");
    text_append_json(text, grant->root);
    text_append_string(text, ",\"leaf\":");
    text_append_json(text, grant->leaf);
    text_append_string(text, ",\"scope\":");
    AIP_TRY(append_scope(text, grant->chain, err));
    text_append_format(text, ",\"budget_usd\":%s,\"depth_left\":%u,\"expires\":%lld,\"link_ids\":[", budget,
                       (unsigned)grant->depth_left, (long long)grant->expires);
    for (size_t i = 0; i < aip_chain_length(grant->chain); i++) {
        aip_chain_link_id(grant->chain, i, link_id);
        text_append_format(text, "%s\"%s\"", i == 0 ? "" : ",", link_id);
    }
    text_append_string(text, "]}");
    return text_finish(text, err);
}

aip_status
chain_check_tool(const aip_grant *grant, aip_bytes tool, aip_bytes arguments, aip_error *err)
{
    const aip_bytes kind = AIP_BYTES_LITERAL("tool:");
    TEXT_AUTO text_buffer wanted = {0};
    bool whole = tool.size > 0 && memchr(tool.data, ':', tool.size) != NULL;
    if (!whole) {
        text_append(&wanted, kind);
    }
    text_append(&wanted, tool);
    AIP_TRY(text_finish(&wanted, err));
    AIP_TRY(aip_grant_covers(grant, text_view(&wanted), err));
    if (arguments.size == 0) {
        return AIP_OK;
    }
    aip_bytes name =
        aip_bytes_begin_with(text_view(&wanted), kind) ? aip_bytes_from(text_view(&wanted), kind.size) : tool;
    return aip_grant_check_arguments(grant, name, arguments, err);
}
