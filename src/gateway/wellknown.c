/* The addresses that are served without a token, as a table. */
#include "gateway/wellknown.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "gateway/a2a_public.h"
#include "gateway/await.h"
#include "gateway/completions.h"
#include "gateway/cors.h"
#include "gateway/figures.h"
#include "gateway/own.h"
#include "gateway/readiness.h"
#include "gateway/reload.h"
#include "gateway/routes.h"
#include "gateway/reply.h"
#include "gateway/stages.h"
#include "gateway/stdio_upstream.h"

#define WELLKNOWN_ROOT "/.well-known/"

typedef struct {
    const char *path;
    bool prefix;      /* what follows belongs to it as well */
    bool of_operator; /* served beside the figures, where these stand apart */
    bool of_identity; /* served only by a gateway that has or keeps identities */
    const char *methods;
    void (*answer)(exchange *x);
    void (*arrived)(exchange *x); /* from what came of asking */
} address;

static void answer_health(exchange *x);
static void answer_ready(exchange *x);
static void answer_resource(exchange *x);
static void answer_document(exchange *x);
static void answer_log(exchange *x);
static void answer_revocations(exchange *x);
static void answer_completion(exchange *x);
static void answer_page(exchange *x);
static void log_arrived(exchange *x);
static void revocation_arrived(exchange *x);

static const address addresses[] = {
    {"/healthz", false, true, false, "GET, HEAD", answer_health, NULL},
    {"/readyz", false, true, false, "GET, HEAD", answer_ready, readiness_arrived},
    {WELLKNOWN_DOCUMENT, false, false, true, "GET, HEAD", answer_document, NULL},
    {WELLKNOWN_LOGS, true, false, true, "GET, HEAD", answer_log, log_arrived},
    {REVOCATIONS_PATH, false, false, true, "GET, POST", answer_revocations, revocation_arrived},
    {COMPLETIONS_PATH, false, false, true, "POST", answer_completion, answer_completion},
};

static bool
accepts(const address *a, const char *method)
{
    for (const char *each = a->methods; *each != '\0'; each += strspn(each, ", ")) {
        size_t size = strcspn(each, ",");
        if (strlen(method) == size && strncmp(each, method, size) == 0) {
            return true;
        }
        each += size;
    }
    return false;
}

static const address page_address = {"", false, false, false, "OPTIONS", answer_page, NULL};
static const address figures_address = {"", false, true, false, "GET, HEAD", figures_answer, NULL};
static const address card_address = {"", false, false, false, "GET, HEAD", a2a_public_answer, NULL};
static const address resource_address = {RESOURCE_METADATA, false, false, false, "GET, HEAD", answer_resource, NULL};

/* RFC 9728 section 3.1: before the resource's path, and at the root, where some clients look first. */
static bool
is_resource_metadata(const exchange *x)
{
    const front_settings *front = &x->settings->front;
    size_t size = strlen(RESOURCE_METADATA);
    if (front->resource == NULL || strncmp(x->path, RESOURCE_METADATA, size) != 0) {
        return false;
    }
    return x->path[size] == '\0' || strcmp(x->path + size, front_resource_path(front)) == 0;
}

/* Addresses that exist only where they were configured, or for some callers. */
static const address *
find_configured(const exchange *x)
{
    if (is_resource_metadata(x)) {
        return &resource_address;
    }
    if (a2a_public_serves(x)) {
        return &card_address;
    }
    return strcmp(x->path, x->settings->front.metrics_path) == 0 && accepts(&figures_address, x->http_method) &&
                   figures_may_read(x)
               ? &figures_address
               : NULL;
}

static const address *
find_any(const exchange *x)
{
    bool keeps = x->gateway->identities != NULL || x->gateway->own.did[0] != '\0';
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        const address *each = &addresses[i];
        bool same =
            each->prefix ? strncmp(x->path, each->path, strlen(each->path)) == 0 : strcmp(x->path, each->path) == 0;
        if (same && (each->of_identity ? keeps : accepts(each, x->http_method))) {
            return each;
        }
    }
    return find_configured(x);
}

/* A page's browser asks about what is served here, with a token or without (G-140); NULL: nothing is. */
static const char *
methods_for_pages(const exchange *x)
{
    const address *found = find_any(x);
    const gateway_route *route = greet_find_route(x);
    return found != NULL ? found->methods : route != NULL ? route->protocol->methods : NULL;
}

static const address *
find(const exchange *x)
{
    if (cors_asks(x) && methods_for_pages(x) != NULL) {
        return &page_address;
    }
    const address *found = find_any(x);
    bool elsewhere = found != NULL && x->settings->front.metrics_apart && found->of_operator != x->apart;
    return elsewhere ? NULL : found;
}

/* Nothing that needs a token is served beside the figures. */
bool
wellknown_serves(const exchange *x)
{
    return x->apart || find(x) != NULL;
}

static void
refuse(exchange *x, aip_status status)
{
    const address *found = find(x);
    reply_refuse_unjudged(x, status, found == NULL ? NULL : found->methods);
    x->phase = EXCHANGE_ANSWERED;
}

static void
serve(exchange *x, const char *type, aip_bytes body)
{
    x->answer.http = 200;
    text_append(&x->answer.body, body);
    if (text_finish(&x->answer.body, NULL) != AIP_OK) {
        refuse(x, AIP_NO_MEMORY);
        return;
    }
    answer_add(&x->answer, "Content-Type", "%s", type);
    if (strncmp(x->path, WELLKNOWN_ROOT, sizeof WELLKNOWN_ROOT - 1) == 0) {
        answer_add(&x->answer, "Cache-Control", "max-age=%d", AIP_FRESH_SECONDS_MAX);
    } else {
        answer_add(&x->answer, "Cache-Control", "no-store");
    }
    x->phase = EXCHANGE_ANSWERED;
}

static void
answer_health(exchange *x)
{
    TEXT_AUTO text_buffer commands = {0};
    bool well = stdio_upstream_append_health(x, &commands);
    x->answer.http = well ? 200 : 503;
    text_append_string(&x->answer.body, well ? "{\"status\":\"ok\"," : "{\"status\":\"degraded\",");
    reload_append_health(x->gateway, &x->answer.body);
    text_append_string(&x->answer.body, ",");
    routes_append_health(x->settings, &x->answer.body);
    text_append_string(&x->answer.body, ",");
    text_append(&x->answer.body, text_view(&commands));
    text_append_string(&x->answer.body, "}");
    answer_add(&x->answer, "Content-Type", "application/json");
    x->phase = EXCHANGE_ANSWERED;
}

static void
answer_page(exchange *x)
{
    const char *methods = methods_for_pages(x);
    x->route = find_any(x) == NULL ? greet_find_route(x) : NULL;
    cors_allow(x, methods);
}

static void
answer_ready(exchange *x)
{
    readiness_ask(x);
}

/* `resource` is what the operator wrote: a client compares it with what it was told, byte for byte. */
static void
answer_resource(exchange *x)
{
    const front_settings *front = &x->settings->front;
    text_buffer body TEXT_AUTO = {0};
    text_append_string(&body, "{\"resource\":");
    text_append_json(&body, aip_bytes_of(front->resource));
    text_append_string(&body, ",\"authorization_servers\":[");
    for (size_t i = 0; i < front->authorization_server_count; i++) {
        text_append_string(&body, i == 0 ? "" : ",");
        text_append_json(&body, aip_bytes_of(front->authorization_servers[i]));
    }
    text_append_string(&body, "],\"bearer_methods_supported\":[\"header\"]}");
    if (text_finish(&body, NULL) != AIP_OK) {
        refuse(x, AIP_NO_MEMORY);
        return;
    }
    serve(x, "application/json", text_view(&body));
}

static void
answer_document(exchange *x)
{
    const own_identity *own = &x->gateway->own;
    if (own->document.size == 0) {
        refuse(x, AIP_REQUEST_NOT_FOUND);
        return;
    }
    serve(x, "application/did+json", text_view(&own->document));
}

/* `<method-specific-id>.jsonl` of the form that can have a log, as a DID in `out`. */
static bool
name_log(const char *file, char out[AIP_DID_TEXT_SIZE])
{
    static const char end[] = WELLKNOWN_LOG_END;
    aip_did did;
    size_t size = strlen(file), id = AIP_DID_SELF_SIZE - strlen("did:aip:");
    if (size != id + sizeof end - 1 || strcmp(file + id, end) != 0) {
        return false;
    }
    snprintf(out, AIP_DID_TEXT_SIZE, "did:aip:%.*s", (int)id, file);
    return aip_did_parse(aip_bytes_of(out), &did, NULL) == AIP_OK && did.form == AIP_DID_SELF;
}

/* `status` is that of asking. */
static void
look(exchange *x, aip_status status)
{
    if (status == AIP_DID_PENDING) {
        x->phase = EXCHANGE_LOOKING;
    } else {
        refuse(x, status);
    }
}

static void
answer_log(exchange *x)
{
    const own_identity *own = &x->gateway->own;
    char did[AIP_DID_TEXT_SIZE];
    if (!name_log(x->path + strlen(WELLKNOWN_LOGS), did)) {
        refuse(x, AIP_REQUEST_NOT_FOUND);
        return;
    }
    if (own->log.size > 0 && strcmp(did, own->did) == 0) {
        serve(x, "application/jsonl", text_view(&own->log));
        return;
    }
    look(x, await_log(x, aip_bytes_of(did), NULL));
}

static void
log_arrived(exchange *x)
{
    if (x->arrived_status == AIP_OK) {
        serve(x, "application/jsonl", text_view(&x->arrived));
    } else {
        refuse(x, x->arrived_status == AIP_DID_NOT_FOUND ? AIP_REQUEST_NOT_FOUND : x->arrived_status);
    }
}

/* ---- revocations ---- */

/* Who brings it: an IPv4 address, or the half of an IPv6 one that a single party has all of. */
static void
name_source(const char *peer, char out[INET6_ADDRSTRLEN + 4])
{
    struct in6_addr parsed;
    char network[INET6_ADDRSTRLEN];
    snprintf(out, INET6_ADDRSTRLEN + 4, "%s", peer);
    if (inet_pton(AF_INET6, peer, &parsed) == 1 && !IN6_IS_ADDR_V4MAPPED(&parsed)) {
        memset(&parsed.s6_addr[8], 0, 8);
        if (inet_ntop(AF_INET6, &parsed, network, sizeof network) != NULL) {
            snprintf(out, INET6_ADDRSTRLEN + 4, "%s/64", network);
        }
    }
}

static aip_status
take_statement(exchange *x, aip_error *err)
{
    char source[INET6_ADDRSTRLEN + 4];
    size_t types = 0;
    aip_bytes type = exchange_header(x, "Content-Type", &types);
    AIP_TRY(greet_check_origin(x, err));
    if (types != 1 || !aip_bytes_equal(type, AIP_BYTES_LITERAL("application/jose"))) {
        return aip_fail(err, AIP_REQUEST_MEDIA_TYPE, NULL);
    }
    if (x->body_too_large || x->body.size > AIP_TOKEN_BYTES_MAX) {
        return aip_fail(err, AIP_REQUEST_SIZE, NULL);
    }
    if (x->query.data != NULL) {
        return aip_fail(err, AIP_REQUEST_INVALID, NULL);
    }
    name_source(x->peer, source); /* the caller, also behind a trusted proxy */
    return await_revocation(x, source, err);
}

/* `since=N` in its shortest form, or no query. */
static aip_status
read_since(const exchange *x, int64_t *since, aip_error *err)
{
    char digits[20];
    aip_bytes query = x->query;
    uint64_t value = 0;
    *since = 0;
    if (query.data == NULL) {
        return AIP_OK;
    }
    if (!aip_bytes_begin_with(query, AIP_BYTES_LITERAL("since=")) || query.size - 6 >= sizeof digits) {
        return aip_fail(err, AIP_REQUEST_INVALID, NULL);
    }
    snprintf(digits, sizeof digits, "%.*s", (int)(query.size - 6), (const char *)query.data + 6);
    if ((digits[0] == '0' && digits[1] != '\0') ||
        text_parse_unsigned(digits, (UINT64_C(1) << 53) - 1, &value, NULL) != AIP_OK) {
        return aip_fail(err, AIP_REQUEST_INVALID, NULL);
    }
    *since = (int64_t)value;
    return AIP_OK;
}

static aip_status
ask_list(exchange *x, aip_error *err)
{
    int64_t since;
    AIP_TRY(read_since(x, &since, err));
    return await_list(x, since, err);
}

static bool
brings(const exchange *x)
{
    return strcmp(x->http_method, "POST") == 0;
}

static void
answer_revocations(exchange *x)
{
    look(x, brings(x) ? take_statement(x, NULL) : ask_list(x, NULL));
}

static void
revocation_arrived(exchange *x)
{
    if (x->arrived_status != AIP_OK) {
        refuse(x, x->arrived_status);
        return;
    }
    serve(x, brings(x) ? "application/json" : "application/jose", text_view(&x->arrived));
}

/* ---- completions ---- */

static void
answer_completion(exchange *x)
{
    aip_error err = AIP_ERROR_INIT; /* judging a chain reads it */
    aip_status status = completions_take(x, &err);
    if (status == AIP_OK) {
        serve(x, "application/json", AIP_BYTES_LITERAL("{\"recorded\":true}"));
    } else {
        look(x, status);
    }
}

/* ---- */

void
wellknown_arrived(exchange *x)
{
    find(x)->arrived(x);
}

void
wellknown_answer(exchange *x)
{
    const address *found = find(x);
    if (found == NULL || !accepts(found, x->http_method)) {
        refuse(x, found == NULL ? AIP_REQUEST_NOT_FOUND : AIP_REQUEST_HTTP_METHOD);
        return;
    }
    found->answer(x);
}
