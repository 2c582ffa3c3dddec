/* What the headers alone decide: address, framing, credential. */
#include <strings.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "gateway/await.h"
#include "gateway/stages.h"
#include "net/field.h"

/* Name of the Host header without its port. */
static aip_bytes
host_name(aip_bytes host)
{
    if (host.size > 0 && host.data[0] == '[') {
        const unsigned char *end = memchr(host.data, ']', host.size);
        return end == NULL ? host : (aip_bytes){host.data + 1, (size_t)(end - host.data) - 1};
    }
    const unsigned char *colon = host.size == 0 ? NULL : memrchr(host.data, ':', host.size);
    return colon == NULL ? host : (aip_bytes){host.data, (size_t)(colon - host.data)};
}

/* A page that rebinds its own name to 127.0.0.1 still sends its own name. */
static bool
host_is_ours(const exchange *x)
{
    aip_bytes name = host_name(exchange_header(x, "Host", NULL));
    bool loopback = x->apart ? x->settings->front.metrics_loopback : x->settings->loopback;
    bool ours = !loopback || field_is(name, "localhost") || field_is(name, "127.0.0.1") || field_is(name, "::1") ||
                field_is(name, x->apart ? x->settings->front.metrics_host : x->settings->host);
    for (size_t i = 0; i < x->settings->host_count; i++) {
        ours = ours || field_is(name, x->settings->hosts[i]);
    }
    return ours;
}

static bool
origin_is_allowed(const exchange *x)
{
    size_t count = 0;
    aip_bytes origin = exchange_header(x, "Origin", &count);
    bool allowed = count == 0;
    for (size_t i = 0; count == 1 && i < x->settings->origin_count; i++) {
        allowed = allowed || aip_bytes_equal(origin, aip_bytes_of(x->settings->origins[i]));
    }
    return allowed;
}

aip_status
greet_check_origin(const exchange *x, aip_error *err)
{
    return host_is_ours(x) && origin_is_allowed(x) ? AIP_OK : aip_fail(err, AIP_REQUEST_ORIGIN, NULL);
}

/* The longest one that the path is, or is below. */
const gateway_route *
greet_find_route(const exchange *x)
{
    const gateway_route *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < x->settings->route_count; i++) {
        const gateway_route *each = &x->settings->routes[i];
        size_t size = strlen(each->path);
        bool begins = strncmp(x->path, each->path, size) == 0;
        bool below = each->protocol->below && (x->path[size] == '/' || (size > 0 && each->path[size - 1] == '/'));
        if (begins && (x->path[size] == '\0' || below) && (found == NULL || size > longest)) {
            found = each;
            longest = size;
        }
    }
    return found;
}

aip_status
greet_address(exchange *x, aip_error *err)
{
    x->route = greet_find_route(x);
    AIP_TRY(greet_check_origin(x, err));
    return x->route == NULL ? aip_fail(err, AIP_REQUEST_NOT_FOUND, NULL) : AIP_OK;
}

static bool
must_be_single(aip_bytes name)
{
    static const char *const names[] = {"Host",          "Content-Length",   "Transfer-Encoding",
                                        "Content-Type",  "Content-Encoding", "Origin",
                                        "Last-Event-ID", "Connection",       NULL};
    for (const char *const *each = names; *each != NULL; each++) {
        if (field_is(name, *each)) {
            return true;
        }
    }
    return name.size > 4 && strncasecmp((const char *)name.data, "Mcp-", 4) == 0;
}

static aip_status
check_fields(const exchange *x, aip_error *err)
{
    for (size_t i = 0; i < x->field_count; i++) {
        aip_bytes name = x->fields[i].name;
        if (!field_is_token(name) || !exchange_is_field_value(x->fields[i].value)) {
            return aip_fail(err, AIP_REQUEST_HEADERS, "a header's name or value has a character that is not allowed");
        }
        for (size_t j = 0; j < i && must_be_single(name); j++) {
            aip_bytes other = x->fields[j].name;
            if (other.size == name.size &&
                strncasecmp((const char *)other.data, (const char *)name.data, name.size) == 0) {
                return aip_fail(err, AIP_REQUEST_HEADERS, "a header occurs twice");
            }
        }
    }
    return AIP_OK;
}

static aip_status
check_length(const exchange *x, aip_error *err)
{
    size_t lengths = 0, codings = 0;
    aip_bytes length = exchange_header(x, "Content-Length", &lengths);
    aip_bytes coding = exchange_header(x, "Transfer-Encoding", &codings);
    if (lengths > 0 && codings > 0) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "Content-Length and Transfer-Encoding together");
    }
    if (codings > 0 && !field_is(coding, "chunked")) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "a transfer coding other than chunked");
    }
    size_t declared = 0;
    for (size_t i = 0; i < length.size; i++) {
        if (length.data[i] < '0' || length.data[i] > '9') {
            return aip_fail(err, AIP_REQUEST_HEADERS, "Content-Length is not a number");
        }
        declared = declared * 10 + (size_t)(length.data[i] - '0');
        if (declared > x->settings->body_bytes_max) {
            return aip_fail(err, AIP_REQUEST_SIZE, "the limit is %zu bytes", x->settings->body_bytes_max);
        }
    }
    bool bodiless = strcmp(x->http_method, "GET") == 0 || strcmp(x->http_method, "DELETE") == 0;
    return bodiless && (declared > 0 || codings > 0)
               ? aip_fail(err, AIP_REQUEST_HEADERS, "a body with a method that has none")
               : AIP_OK;
}

static aip_status
check_message_end(const exchange *x, aip_error *err)
{
    if (x->too_many_fields) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "more than %d headers", AIP_HEADER_FIELDS_MAX);
    }
    AIP_TRY(check_fields(x, err));
    return check_length(x, err);
}

bool
greet_doubts_framing(const exchange *x)
{
    return check_message_end(x, NULL) != AIP_OK;
}

aip_status
greet_framing(exchange *x, aip_error *err)
{
    size_t codings = 0;
    AIP_TRY(check_message_end(x, err));
    aip_bytes coding = exchange_header(x, "Content-Encoding", &codings);
    if (codings > 0 && !field_is(coding, "identity")) {
        return aip_fail(err, AIP_REQUEST_MEDIA_TYPE, "a coded body");
    }
    return x->route->protocol->check_head(x, err);
}

/* Names that somebody might put a token under, where it does not belong: `name=` at the start of a pair. */
static bool
names_token(aip_bytes text, const char *separators)
{
    static const char *const names[] = {"x-aip-token=", "aip-token=", "aip_token=", "aip="};
    bool start = true;
    for (size_t at = 0; at < text.size; at++) {
        for (size_t i = 0; start && i < sizeof names / sizeof names[0]; i++) {
            size_t size = strlen(names[i]);
            if (text.size - at >= size && strncasecmp((const char *)text.data + at, names[i], size) == 0) {
                return true;
            }
        }
        start = strchr(separators, text.data[at]) != NULL && text.data[at] != '\0';
    }
    return false;
}

static aip_status
check_places(const exchange *x, aip_error *err)
{
    bool misplaced = names_token(x->query, "&;");
    for (size_t i = 0; i < x->field_count; i++) {
        misplaced = misplaced || (field_is(x->fields[i].name, "Cookie") && names_token(x->fields[i].value, "; "));
    }
    return misplaced ? aip_fail(err, AIP_TOKEN_PLACE, NULL) : AIP_OK;
}

aip_status
greet_credential(exchange *x, aip_error *err)
{
    size_t found = 0;
    AIP_TRY(check_places(x, err));
    for (size_t i = 0; i < x->field_count; i++) {
        aip_bytes name = x->fields[i].name, value = x->fields[i].value;
        if (field_is(name, "X-AIP-Token")) {
            x->credential = value;
            found++;
        } else if (field_is(name, "Authorization") && value.size > 4 &&
                   strncasecmp((const char *)value.data, "AIP ", 4) == 0) {
            x->credential = aip_bytes_from(value, 4);
            found++;
        }
    }
    if (found > 1) {
        return aip_fail(err, AIP_TOKEN_REPEATED, NULL);
    }
    if (found == 0 && x->route->protocol->credential != NULL && strcmp(x->http_method, "POST") == 0) {
        x->late = true;
        return AIP_OK;
    }
    if (x->credential.size > x->settings->token_bytes_max) {
        return aip_fail(err, AIP_TOKEN_SIZE, "the limit is %zu bytes", x->settings->token_bytes_max);
    }
    return found == 0 || x->credential.size == 0 ? aip_fail(err, AIP_TOKEN_MISSING, NULL) : AIP_OK;
}

/* Names cannot hold NUL, so the pair is read in one way only. */
static void
name_owner(exchange *x)
{
    const aip_grant *grant = &x->verdict.grant;
    char text[2 * AIP_IDENTIFIER_BYTES_MAX + 2];
    int size = snprintf(text, sizeof text, "%.*s%c%.*s", (int)grant->root.size, (const char *)grant->root.data, 0,
                        (int)grant->leaf.size, (const char *)grant->leaf.data);
    hash_sha256((aip_bytes){(const unsigned char *)text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1},
                x->owner);
}

/* Keys come from memory alone. A name that is not in it is asked for, and the chain judged again from its root; the
 * time is always that of the request. */
static aip_status
verify_chain(exchange *x, aip_error *err)
{
    const gateway_settings *settings = x->settings;
    memory_view view = {identities_memory(x->gateway->identities), x->record.time_seconds, DID_USE_DELEGATION};
    aip_key_source keys;
    identity_memory_source(&view, &keys);
    const aip_check check = {&settings->trust, settings->audiences, settings->audience_count, view.now_seconds, &keys};
    aip_status status = chain_memory_verify(x->gateway->chains, x->credential, &check, &x->verdict, err);
    x->chain = x->verdict.entry == NULL ? NULL : chain_entry_chain(x->verdict.entry);
    if (status != AIP_DID_PENDING) {
        return status;
    }
    int at = err->at;
    if (at < 0 || (size_t)at >= aip_chain_length(x->chain)) {
        return aip_fail(err, AIP_INTERNAL, "an unknown element waits");
    }
    status = await_identity(x, aip_chain_issuer(x->chain, (size_t)at), err);
    err->at = at;
    return status;
}

aip_status
greet_verify(exchange *x, aip_error *err)
{
    AIP_TRY(verify_chain(x, err));
    const aip_grant *grant = &x->verdict.grant;
    if (grant->root.size > AIP_IDENTIFIER_BYTES_MAX || grant->leaf.size > AIP_IDENTIFIER_BYTES_MAX) {
        return aip_fail(err, AIP_INTERNAL, "a name is longer than its cap");
    }
    x->record.verified = true;
    x->record.root = grant->root;
    x->record.leaf = grant->leaf;
    x->record.has_budget = grant->has_budget;
    x->record.budget_micro_usd = grant->budget_micro_usd;
    name_owner(x);
    return AIP_OK;
}

aip_status
greet_standing(exchange *x, aip_error *err)
{
    revoked_memory *revoked = identities_revoked(x->gateway->identities);
    x->revoked_epoch = revoked_epoch(revoked); /* before the look: what comes meanwhile is looked at again */
    const chain_proof *proof = &x->verdict.proof;
    revoked_fact fact;
    aip_status status = revoked_check(revoked, x->chain, proof->keys, proof->count, err);
    if (status != AIP_OK && revoked_find(revoked, x->chain, proof->keys, proof->count, &fact)) {
        await_no_answer(x, &fact);
    }
    AIP_TRY(status);
    return x->proven ? revoked_check_holder(revoked, x->chain, &x->holder, err) : AIP_OK;
}

aip_status
greet_lists(exchange *x, aip_error *err)
{
    return identities_check_lists(x->gateway->identities, err);
}

aip_status
greet_rate(exchange *x, aip_error *err)
{
    const aip_grant *grant = &x->verdict.grant;
    return grant->ceiling == NULL || grant->ceiling->requests_per_minute == 0
               ? AIP_OK
               : root_rates_take(x->gateway->rates, grant, clock_monotonic_microseconds(), err);
}
