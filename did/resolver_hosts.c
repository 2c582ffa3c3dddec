/* Which hosts may be asked for documents of did:web and aip:web names, and what is made of what they send. */
#include "base/clock.h"
#include "did/aipdoc.h"
#include "did/did_web.h"
#include "did/document.h"
#include "did/resolver_inside.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define HOST_BYTES_MAX 253

bool
resolver_is_port(aip_bytes text)
{
    unsigned value = 0;
    if (text.size == 0 || text.size > 5 || text.data[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    return value <= 65535;
}

typedef struct {
    aip_bytes host, port; /* no port: empty */
} authority;

static authority
split_authority(aip_bytes text)
{
    const unsigned char *colon = text.size == 0 ? NULL : memchr(text.data, ':', text.size);
    if (colon == NULL) {
        return (authority){.host = text};
    }
    size_t size = (size_t)(colon - text.data);
    return (authority){.host = {text.data, size}, .port = aip_bytes_from(text, size + 1)};
}

/* `host[:port]` of a URL that was made here. */
static aip_bytes
authority_of_url(const char *url)
{
    const char *begin = url + sizeof "https://" - 1;
    return (aip_bytes){(const unsigned char *)begin, strcspn(begin, "/")};
}

static bool
is_wildcard(aip_bytes host)
{
    return aip_bytes_begin_with(host, AIP_BYTES_LITERAL("*."));
}

/* With `a` for the star, a pattern must be a name that could be fetched. */
aip_status
resolver_check_pattern(const char *pattern, aip_error *err)
{
    aip_bytes text = aip_bytes_of(pattern);
    authority parts = split_authority(text);
    unsigned char host[HOST_BYTES_MAX];
    if (parts.host.size < text.size && !resolver_is_port(parts.port)) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a host pattern has a port that is none");
    }
    if (parts.host.size > sizeof host) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a host pattern is longer than a host name");
    }
    for (size_t i = 0; i < parts.host.size; i++) {
        host[i] = (unsigned char)tolower(parts.host.data[i]);
    }
    if (is_wildcard(parts.host)) {
        host[0] = 'a';
    }
    if (!did_web_host_is_public((aip_bytes){host, parts.host.size})) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a host pattern is a public host name, host:port or *.domain");
    }
    return AIP_OK;
}

static bool
equal_without_case(aip_bytes a, aip_bytes b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0);
}

static bool
admits(const char *pattern, const authority *asked)
{
    authority allowed = split_authority(aip_bytes_of(pattern));
    if (!aip_bytes_equal(allowed.port, asked->port)) {
        return false;
    }
    if (!is_wildcard(allowed.host)) {
        return equal_without_case(allowed.host, asked->host);
    }
    aip_bytes suffix = aip_bytes_from(allowed.host, 1);
    return asked->host.size > suffix.size &&
           equal_without_case(suffix, aip_bytes_from(asked->host, asked->host.size - suffix.size));
}

static aip_status
write_url(const aip_did *did, char **out, aip_error *err)
{
    return did->form == AIP_DID_WEB ? aip_did_web_url(did->text, out, err) : aipdoc_url(did->text, out, err);
}

aip_status
resolver_check_host(const resolver *r, const aip_did *did, aip_error *err)
{
    STRING_AUTO char *url = NULL;
    if (r->setup.any_host) {
        return AIP_OK;
    }
    AIP_TRY(write_url(did, &url, err));
    authority asked = split_authority(authority_of_url(url));
    for (size_t i = 0; i < r->setup.host_count; i++) {
        if (admits(r->setup.hosts[i], &asked)) {
            return AIP_OK;
        }
    }
    resolver_trace(r, "host %.*s: not admitted", (int)asked.host.size, (const char *)asked.host.data);
    return aip_fail(err, AIP_DID_NOT_ADMITTED, NULL);
}

/* Notes which keys the name has shown; one that had left and is back refuses the document. */
static aip_status
note_keys(const flight *f, const identity *id, aip_error *err)
{
    const did_cache *cache = f->owner->setup.cache;
    if (cache == NULL) {
        return AIP_OK;
    }
    aip_status status = cache->note_keys(cache->context, id, clock_now_seconds(), err);
    if (status == AIP_KEY_RETURNED) {
        resolver_report(f->owner, f, err, f->url);
    }
    return status;
}

static aip_status
read_document(const flight *f, const fetch_reply *reply, outcome *out, aip_error *err)
{
    int64_t expires = INT64_MAX;
    if (f->did.form == AIP_DID_WEB) {
        AIP_TRY(did_document_identity(reply->body, f->did.text, &out->id, err));
    } else {
        AIP_TRY(aipdoc_verify(reply->body, f->did.text, clock_now_seconds(), &out->id, &expires, err));
    }
    AIP_TRY(note_keys(f, out->id, err));
    text_append(&out->document, reply->body);
    AIP_TRY(text_finish(&out->document, err));
    out->by = RESOLVED_BY_HOST;
    resolver_date(out, reply->max_age_seconds);
    out->fresh_until = out->fresh_until < expires ? out->fresh_until : expires;
    return AIP_OK;
}

static void
trace_host(const flight *f, aip_status status)
{
    aip_bytes host = authority_of_url(f->url);
    resolver_trace(
        f->owner, "host %.*s: %s%s", (int)host.size, (const char *)host.data,
        status == AIP_OK ? "a valid document" : "refused: ", status == AIP_OK ? "" : aip_status_lookup(status)->name);
}

static void
host_answered(void *context, aip_status status, const fetch_reply *reply, const aip_error *err)
{
    attempt *a = context;
    flight *f = a->owner;
    OUTCOME_AUTO outcome out = {0};
    aip_error failure = AIP_ERROR_INIT;
    a->running = NULL;
    f->running_count--;
    if (status != AIP_OK) {
        failure = *err;
    } else {
        status = reply == NULL ? aip_fail(&failure, AIP_INTERNAL, NULL) : read_document(f, reply, &out, &failure);
    }
    trace_host(f, status);
    if (status == AIP_OK) {
        flight_answer(f, &out);
    } else {
        flight_end(f, status, NULL, &failure);
    }
}

void
flight_ask_host(flight *f)
{
    attempt *a = &f->attempts[0];
    aip_error err = AIP_ERROR_INIT;
    aip_status status = write_url(&f->did, &f->url, &err);
    if (status == AIP_OK) {
        a->origin = f->url;
        status = fetch_begin(f->owner->setup.fetcher, f->url, host_answered, a, &a->running, &err);
    }
    if (status != AIP_OK) {
        flight_end(f, status, NULL, &err);
        return;
    }
    a->state = ATTEMPT_RUNNING;
    f->running_count++;
}
