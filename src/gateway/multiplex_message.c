/* Messages of several clients on one server: reads which request each one is about, and puts the right id into it. */
#include "gateway/multiplex_inside.h"

#define SUBSCRIPTION "io.modelcontextprotocol/subscriptionId"

typedef struct {
    uint32_t id, method, params, meta; /* nodes; SCAN_NONE: absent */
} parts;

static uint32_t
object_member(const scan_document *document, uint32_t node, const char *name)
{
    uint32_t found = node == SCAN_NONE ? SCAN_NONE : scan_member(document, node, name);
    return found != SCAN_NONE && scan_kind_of(document, found) == SCAN_OBJECT ? found : SCAN_NONE;
}

static parts
find_parts(const scan_document *document)
{
    parts found = {scan_member(document, 0, "id"), scan_member(document, 0, "method"), SCAN_NONE, SCAN_NONE};
    found.params = object_member(document, 0, "params");
    found.meta = object_member(document, found.params, "_meta");
    return found;
}

static uint32_t
member_of(const scan_document *document, uint32_t object, const char *name)
{
    return object == SCAN_NONE ? SCAN_NONE : scan_member(document, object, name);
}

static bool
is_method(const scan_document *document, const parts *p, const char *name)
{
    return scan_kind_of(document, p->method) == SCAN_STRING &&
           scan_string_equals(document, p->method, aip_bytes_of(name));
}

aip_status
raw_read(const scan_document *document, uint32_t node, aip_bytes *out, aip_error *err)
{
    *out = (aip_bytes){0};
    if (node == SCAN_NONE) {
        return AIP_OK;
    }
    scan_kind kind = scan_kind_of(document, node);
    *out = scan_raw(document, node);
    return (kind == SCAN_STRING || kind == SCAN_NUMBER) && out->size <= AIP_REQUEST_ID_BYTES_MAX
               ? AIP_OK
               : aip_fail(err, AIP_REQUEST_INVALID, "an id or token must be a short string or a number");
}

uint32_t
token_member(const scan_document *document)
{
    return member_of(document, find_parts(document).meta, "progressToken");
}

/* The request that a number of ours names, or NULL. */
static open_request *
find_ours(const multiplex *m, const scan_document *document, uint32_t node)
{
    uint64_t id = 0;
    bool read = node != SCAN_NONE && scan_kind_of(document, node) == SCAN_NUMBER &&
                scan_integer(document, node, MULTIPLEX_ID_MAX, &id, NULL) == AIP_OK;
    return read ? request_find(m, id) : NULL;
}

static aip_status
replace_number(splice *s, uint32_t node, uint32_t id, aip_error *err)
{
    char text[16];
    snprintf(text, sizeof text, "%u", id);
    return node == SCAN_NONE ? AIP_OK : splice_replace(s, node, aip_bytes_of(text), err);
}

static aip_status
replace_raw(splice *s, uint32_t node, aip_bytes raw, aip_error *err)
{
    return node == SCAN_NONE || raw.size == 0 ? AIP_OK : splice_replace(s, node, raw, err);
}

/* The text to go on: as it came when nothing was asked of it. */
static aip_status
write_on(const multiplex *m, splice *s, multiplex_message *out, aip_error *err)
{
    out->text.size = 0;
    s->one_line = splice_has_line_break(s->document->text);
    if (splice_changes(s) || s->one_line) {
        return splice_finish(s, &m->limits, &out->text, NULL, err);
    }
    text_append(&out->text, s->document->text);
    return text_finish(&out->text, err);
}

static aip_status
drop(multiplex *m, multiplex_message *out)
{
    m->counts.dropped++;
    out->verdict = MULTIPLEX_NOBODY;
    return AIP_OK;
}

static void
set_request(multiplex_message *out, const open_request *request)
{
    out->verdict = MULTIPLEX_ONE;
    out->client = request->client;
    out->id = request->id;
}

/* Closes the request when the message could be written and ends it. */
static aip_status
settle(multiplex *m, open_request *request, aip_status status, multiplex_message *out)
{
    if (status == AIP_OK && out->ends) {
        request_remove(m, request);
    }
    return status;
}

static aip_status
write_request(multiplex *m, const scan_document *document, const parts *p, const open_request *request,
              multiplex_message *out)
{
    SPLICE_AUTO splice s;
    splice_begin(&s, document);
    AIP_TRY(replace_number(&s, p->id, request->id, NULL));
    AIP_TRY(replace_number(&s, token_member(document), request->id, NULL));
    return write_on(m, &s, out, NULL);
}

static aip_status
request_outward(multiplex *m, multiplex_client *from, const scan_document *document, multiplex_message *out,
                aip_error *err)
{
    parts p = find_parts(document);
    aip_bytes raw, token;
    open_request *request = NULL;
    AIP_TRY(raw_read(document, p.id, &raw, err));
    AIP_TRY(raw_read(document, token_member(document), &token, err));
    AIP_TRY(request_add(m, from, raw, token, &request, err));
    request->is_initialize = is_method(document, &p, "initialize");
    request->listens = is_method(document, &p, "subscriptions/listen");
    set_request(out, request);
    aip_status status = write_request(m, document, &p, request, out);
    if (status != AIP_OK) {
        request_remove(m, request);
        return aip_fail(err, status, "the request with an id of the gateway's");
    }
    return AIP_OK;
}

static aip_status
cancel_outward(multiplex *m, multiplex_client *from, const scan_document *document, multiplex_message *out,
               aip_error *err)
{
    parts p = find_parts(document);
    aip_bytes raw;
    uint32_t named = member_of(document, p.params, "requestId");
    AIP_TRY(raw_read(document, named, &raw, err));
    open_request *request = raw.size == 0 ? NULL : request_of_client(from, raw);
    if (request == NULL || request->is_initialize) {
        return drop(m, out);
    }
    SPLICE_AUTO splice s;
    splice_begin(&s, document);
    set_request(out, request);
    out->ends = true;
    aip_status status = replace_number(&s, named, request->id, err);
    return settle(m, request, status == AIP_OK ? write_on(m, &s, out, err) : status, out);
}

static aip_status
pass_on(const multiplex *m, const scan_document *document, multiplex_message *out, aip_error *err)
{
    SPLICE_AUTO splice s;
    splice_begin(&s, document);
    return write_on(m, &s, out, err);
}

static aip_status
answer_outward(multiplex *m, const multiplex_client *from, const scan_document *document, multiplex_message *out,
               aip_error *err)
{
    parts p = find_parts(document);
    asked_request *asked = p.id == SCAN_NONE ? NULL : asked_find(m, scan_raw(document, p.id));
    if (asked == NULL || asked->client != from) {
        return drop(m, out);
    }
    AIP_TRY(pass_on(m, document, out, err));
    asked_remove(m, asked);
    out->verdict = MULTIPLEX_ONE;
    return AIP_OK;
}

/* Of what the server asked this client. */
static aip_status
progress_outward(multiplex *m, const multiplex_client *from, const scan_document *document, multiplex_message *out,
                 aip_error *err)
{
    parts p = find_parts(document);
    aip_bytes token;
    AIP_TRY(raw_read(document, member_of(document, p.params, "progressToken"), &token, err));
    if (!asked_has_token(m, from, token)) {
        return drop(m, out);
    }
    out->verdict = MULTIPLEX_ONE;
    return pass_on(m, document, out, err);
}

static void
begin_message(multiplex_message *out)
{
    text_buffer kept = out->text;
    kept.size = 0;
    *out = (multiplex_message){.text = kept};
}

aip_status
multiplex_outward(multiplex *m, multiplex_client *from, const scan_document *document, multiplex_message *out,
                  aip_error *err)
{
    begin_message(out);
    if (scan_kind_of(document, 0) != SCAN_OBJECT) {
        return aip_fail(err, AIP_REQUEST_INVALID, "a message must be an object");
    }
    parts p = find_parts(document);
    if (p.method == SCAN_NONE) {
        return answer_outward(m, from, document, out, err);
    }
    if (p.id != SCAN_NONE) {
        return request_outward(m, from, document, out, err);
    }
    if (is_method(document, &p, "notifications/cancelled")) {
        return cancel_outward(m, from, document, out, err);
    }
    if (is_method(document, &p, "notifications/progress")) {
        return progress_outward(m, from, document, out, err);
    }
    out->verdict = MULTIPLEX_ONE;
    return pass_on(m, document, out, err);
}

static aip_status
answer_inward(multiplex *m, const scan_document *document, multiplex_message *out, aip_error *err)
{
    parts p = find_parts(document);
    open_request *request = find_ours(m, document, p.id);
    uint32_t result = scan_member(document, 0, "result"), error = scan_member(document, 0, "error");
    if (request == NULL || (result == SCAN_NONE) == (error == SCAN_NONE)) {
        return drop(m, out);
    }
    SPLICE_AUTO splice s;
    splice_begin(&s, document);
    set_request(out, request);
    out->ends = true;
    AIP_TRY(replace_raw(&s, p.id, request_raw(request), err));
    if (request->listens) {
        uint32_t meta = object_member(document, object_member(document, 0, "result"), "_meta");
        AIP_TRY(replace_raw(&s, member_of(document, meta, SUBSCRIPTION), request_raw(request), err));
    }
    return settle(m, request, write_on(m, &s, out, err), out);
}

/* Of one request: the value at `node` is our number of it, and `raw` what its client wrote. */
static aip_status
restore_inward(multiplex *m, const scan_document *document, uint32_t node, multiplex_message *out, aip_error *err)
{
    parts p = find_parts(document);
    open_request *request = find_ours(m, document, node);
    bool is_progress = is_method(document, &p, "notifications/progress");
    uint32_t other = member_of(document, p.meta, SUBSCRIPTION);
    other = other == node ? SCAN_NONE : other;
    if (request == NULL || (is_progress ? request->token_size == 0 : !request->listens) ||
        (other != SCAN_NONE && find_ours(m, document, other) != request)) {
        return drop(m, out);
    }
    SPLICE_AUTO splice s;
    splice_begin(&s, document);
    set_request(out, request);
    AIP_TRY(replace_raw(&s, node, is_progress ? request_token(request) : request_raw(request), err));
    if (other != SCAN_NONE) {
        AIP_TRY(replace_raw(&s, other, request_raw(request), err));
    }
    return write_on(m, &s, out, err);
}

/* The server takes back what it asked, or ends a subscription: that one stays open for its result. */
static aip_status
cancel_inward(multiplex *m, const scan_document *document, multiplex_message *out, aip_error *err)
{
    parts p = find_parts(document);
    uint32_t named = member_of(document, p.params, "requestId");
    asked_request *asked = named == SCAN_NONE ? NULL : asked_find(m, scan_raw(document, named));
    if (asked == NULL) {
        return restore_inward(m, document, named, out, err);
    }
    AIP_TRY(pass_on(m, document, out, err));
    out->verdict = MULTIPLEX_ONE;
    out->client = asked->client;
    asked_remove(m, asked);
    return AIP_OK;
}

aip_status
multiplex_inward(multiplex *m, const scan_document *document, multiplex_message *out, aip_error *err)
{
    begin_message(out);
    if (scan_kind_of(document, 0) != SCAN_OBJECT) {
        return drop(m, out);
    }
    parts p = find_parts(document);
    if (p.method == SCAN_NONE) {
        return answer_inward(m, document, out, err);
    }
    if (p.id != SCAN_NONE) {
        out->verdict = MULTIPLEX_ASKS;
        return pass_on(m, document, out, err);
    }
    if (is_method(document, &p, "notifications/progress")) {
        return restore_inward(m, document, member_of(document, p.params, "progressToken"), out, err);
    }
    if (is_method(document, &p, "notifications/cancelled")) {
        return cancel_inward(m, document, out, err);
    }
    uint32_t subscription = member_of(document, p.meta, SUBSCRIPTION);
    if (subscription != SCAN_NONE) {
        return restore_inward(m, document, subscription, out, err);
    }
    out->verdict = MULTIPLEX_ANYONE;
    return pass_on(m, document, out, err);
}
