/* aip-token inspect: the chain as a tree, for people; nothing is verified. */
#include "aip/chain.h"
#include "base/clock.h"
#include "base/scan.h"
#include "base/text.h"
#include "chain/report.h"
#include "cli/options.h"
#include "cli/token_verbs.h"

#define NOTICE "not verified: no signature, root, time or audience was checked"
#define INDENT 3

static const scan_limits limits = {
    .bytes = (size_t)8 * AIP_TOKEN_BYTES_MAX,
    .depth = AIP_JSON_DEPTH_MAX,
    .nodes = (size_t)AIP_JSON_NODES_TOKEN * AIP_CHAIN_ELEMENTS_MAX * 2,
};

/* One element of the description, and how far its lines are indented. */
typedef struct {
    const scan_document *document;
    uint32_t element;
    int indent;
} place;

/* The claim as it stands in JSON, without a string's quotes: escapes stay, so a terminal sees only what is printable.
 */
static void
append_value(text_buffer *text, const scan_document *document, uint32_t node)
{
    aip_bytes raw = scan_raw(document, node);
    char shown[AIP_IDENTIFIER_BYTES_MAX + 1];
    if (scan_kind_of(document, node) == SCAN_STRING) {
        raw = (aip_bytes){raw.data + 1, raw.size - 2};
    }
    text_append_string(text, aip_printable(raw, shown, sizeof shown));
    text_append_string(text, raw.size >= sizeof shown ? "..." : "");
}

static void
append_line(text_buffer *text, const place *at, const char *label, const char *claim)
{
    uint32_t node = scan_member(at->document, at->element, claim);
    if (node == SCAN_NONE || scan_kind_of(at->document, node) == SCAN_NULL) {
        return;
    }
    text_append_format(text, "\n%*s%-10s", at->indent, "", label);
    if (scan_kind_of(at->document, node) != SCAN_ARRAY) {
        append_value(text, at->document, node);
        return;
    }
    for (uint32_t item = scan_child(at->document, node); item != SCAN_NONE; item = scan_next(at->document, item)) {
        append_value(text, at->document, item);
        text_append_string(text, scan_next(at->document, item) == SCAN_NONE ? "" : ", ");
    }
}

static void
append_time(text_buffer *text, const place *at, const char *label, const char *claim)
{
    uint32_t node = scan_member(at->document, at->element, claim);
    uint64_t seconds;
    char utc[21];
    if (node == SCAN_NONE || scan_integer(at->document, node, INT32_MAX * (uint64_t)100, &seconds, NULL) != AIP_OK) {
        append_line(text, at, label, claim);
        return;
    }
    clock_format_utc((int64_t)seconds, utc);
    text_append_format(text, "\n%*s%-10s%s", at->indent, "", label, utc);
}

static void
append_element(text_buffer *text, const place *at)
{
    text_append_format(text, "\n%*s-> ", at->indent - INDENT, "");
    append_value(text, at->document, scan_member(at->document, at->element, "sub"));
    append_line(text, at, "scope", "scope");
    append_line(text, at, "budget", "budget_usd");
    append_line(text, at, "depth", "max_depth");
    append_time(text, at, "issued", "iat");
    append_time(text, at, "from", "nbf");
    append_time(text, at, "expires", "exp");
    append_line(text, at, "audience", "aud");
    append_line(text, at, "context", "context");
    append_line(text, at, "principal", "principal");
    append_line(text, at, "limits", "constraints");
    append_line(text, at, "shares", "shares");
    append_line(text, at, "link", "link_id");
}

static aip_status
append_tree(text_buffer *text, const aip_chain *chain, aip_error *err)
{
    TEXT_AUTO text_buffer elements = {0};
    scan_document document = {0};
    char shown[AIP_IDENTIFIER_BYTES_MAX + 1];
    AIP_TRY(chain_append_elements(&elements, chain, err));
    AIP_TRY(scan_load(text_view(&elements), &limits, &document, err));
    text_append_format(text, "%s\n%s", NOTICE, aip_printable(aip_chain_issuer(chain, 0), shown, sizeof shown));
    place at = {&document, scan_child(&document, 0), 0};
    for (; at.element != SCAN_NONE; at.element = scan_next(&document, at.element)) {
        at.indent += INDENT;
        append_element(text, &at);
    }
    scan_clear(&document);
    return text_finish(text, err);
}

static aip_status
append_json(text_buffer *text, const aip_chain *chain, aip_error *err)
{
    text_append_string(text, "{\"verified\":false,\"elements\":");
    AIP_TRY(chain_append_elements(text, chain, err));
    text_append_string(text, "}");
    return text_finish(text, err);
}

static aip_status
inspect(bool json, aip_error *err)
{
    STRING_AUTO char *token = NULL;
    TEXT_AUTO text_buffer text = {0};
    size_t size;
    aip_chain *chain = NULL;
    AIP_TRY(token_read_input(&token, &size, err));
    AIP_TRY(aip_chain_parse((aip_bytes){(unsigned char *)token, size}, &chain, err));
    aip_status status = json ? append_json(&text, chain, err) : append_tree(&text, chain, err);
    aip_chain_free(&chain);
    return status == AIP_OK ? options_print(&text, err) : status;
}

int
token_run_inspect(int argc, char **argv)
{
    bool json = false;
    const option table[] = {
        {"--json", OPTION_FLAG, &json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status =
        options_parse(table, TOKEN_PROGRAM " inspect [--json] < token", argc, argv, NULL, 0, NULL, &err);
    if (status == AIP_OK) {
        status = inspect(json, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(TOKEN_PROGRAM, json, status, &err);
}
