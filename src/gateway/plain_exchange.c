/* Plain HTTP APIs: each request by its method and address, its parameters and body as arguments. */
#include "gateway/plain_exchange.h"

#include <stdlib.h>

#include "gateway/mcp.h"
#include "gateway/media.h"
#include "gateway/plain.h"
#include "gateway/reply.h"

typedef struct {
    text_buffer text;
    scan_document arguments; /* of `text` */
} plain_notes;

void
plain_forget(exchange *x)
{
    plain_notes *notes = x->notes;
    if (notes != NULL) {
        scan_clear(&notes->arguments);
        text_clear(&notes->text);
        free(notes);
    }
    x->notes = NULL;
    x->stated = NULL;
}

static bool
is_json(const exchange *x)
{
    return media_is_json(exchange_header(x, "Content-Type", NULL));
}

/* E-74, E-75 */
aip_status
plain_check_head(exchange *x, aip_error *err)
{
    size_t lengths = 0, codings = 0;
    x->allow = plain_methods;
    for (size_t i = 0; i < x->field_count; i++) {
        if (plain_is_override(x->fields[i].name)) {
            return aip_fail(err, AIP_REQUEST_HEADERS, "a header that asks for another method or path");
        }
    }
    aip_bytes length = exchange_header(x, "Content-Length", &lengths);
    (void)exchange_header(x, "Transfer-Encoding", &codings);
    bool declared = codings > 0 || (lengths > 0 && !aip_bytes_equal(length, AIP_BYTES_LITERAL("0")));
    if (strcmp(x->http_method, "HEAD") == 0 && declared) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "a body with a method that has none");
    }
    if (!media_is_utf8(exchange_header(x, "Content-Type", NULL))) {
        return aip_fail(err, AIP_REQUEST_MEDIA_TYPE, "a body in another character set than UTF-8");
    }
    AIP_TRY(target_check_query(x->query, err));
    plain_facts facts;
    AIP_TRY(plain_read(&(plain_request){.method = x->http_method, .path = aip_bytes_of(x->path), .query = x->query},
                       &facts, err));
    plain_clear(&facts);
    return AIP_OK;
}

aip_status
plain_read_body(exchange *x, aip_error *err)
{
    x->kind = MESSAGE_REQUEST;
    if (is_json(x) && (x->body.size > 0 || x->body_too_large)) {
        return message_load(x, err);
    }
    return x->body_too_large ? aip_fail(err, AIP_REQUEST_SIZE, "the limit is %zu bytes", x->settings->body_bytes_max)
                             : text_finish(&x->body, err);
}

/* Arguments are judged as one object of their own, which is not what goes on. */
static aip_status
keep_arguments(exchange *x, plain_facts *facts, aip_error *err)
{
    plain_notes *notes = x->notes;
    if (notes == NULL) {
        x->notes = notes = calloc(1, sizeof *notes);
    }
    if (notes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    scan_clear(&notes->arguments);
    text_clear(&notes->text);
    notes->text = facts->arguments;
    facts->arguments = (text_buffer){0};
    const scan_limits limits = {notes->text.size, AIP_JSON_DEPTH_MAX + 1, AIP_JSON_NODES_MAX};
    AIP_TRY(scan_load(text_view(&notes->text), &limits, &notes->arguments, err));
    x->stated = &notes->arguments;
    x->params = x->argument_node = 0;
    x->arguments = text_view(&notes->text);
    return AIP_OK;
}

static aip_status
keep(exchange *x, plain_facts *facts, aip_error *err)
{
    static const char scheme[] = "http:";
    size_t size = strlen(facts->wanted);
    if (size >= sizeof x->wanted) {
        return aip_fail(err, AIP_SCOPE_INSUFFICIENT, "the address is longer than any scope");
    }
    memcpy(x->wanted, facts->wanted, size + 1);
    x->name = aip_bytes_of(x->wanted + sizeof scheme - 1);
    x->subject = POLICY_ROUTE;
    return keep_arguments(x, facts, err);
}

aip_status
plain_classify(exchange *x, aip_error *err)
{
    plain_facts facts;
    const plain_request request = {.method = x->http_method,
                                   .path = aip_bytes_of(x->path),
                                   .query = x->query,
                                   .body = x->document.count == 0 ? NULL : &x->document,
                                   .type = exchange_header(x, "Content-Type", NULL),
                                   .other = is_json(x) ? (aip_bytes){NULL, 0} : text_view(&x->body)};
    AIP_TRY(plain_read(&request, &facts, err));
    aip_status status = keep(x, &facts, err);
    plain_clear(&facts);
    return status;
}

aip_status
plain_address(const exchange *x, text_buffer *out, aip_error *err)
{
    return exchange_append_address(x, x->route->url, true, out, err);
}

/* What an API answers is its own affair; whether it failed stands in its status. */
aip_status
plain_judge(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    (void)message;
    (void)out;
    (void)err;
    x->answered_call = x->phase != EXCHANGE_STREAMING;
    x->tool_failed = x->upstream_http >= 400;
    return AIP_OK;
}

const char *
plain_append_refusal(text_buffer *out, const exchange *x)
{
    reply_append_plain_error(out, &x->refusal, x->record.decision_id);
    return "application/json";
}
