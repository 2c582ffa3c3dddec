/* Callers by address and root, and what they may have under way at once. */
#include "gateway/share.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

#include "base/clock.h"
#include "gateway/stages.h"

/* ---- who it is ---- */

bool
share_in_ranges(const char *address, const front_ranges *ranges)
{
    address_range one;
    if (address_range_parse(address, &one, NULL) != AIP_OK) {
        return false;
    }
    for (size_t i = 0; i < ranges->count; i++) {
        if (address_range_holds(&ranges->items[i], one.prefix)) {
            return true;
        }
    }
    return false;
}

/* The last entry of a list; *rest is what comes before it. */
static aip_bytes
last_entry(aip_bytes list, aip_bytes *rest)
{
    const unsigned char *comma = list.size == 0 ? NULL : memrchr(list.data, ',', list.size);
    aip_bytes entry = comma == NULL ? list : aip_bytes_from(list, (size_t)(comma - list.data) + 1);
    *rest = comma == NULL ? (aip_bytes){NULL, 0} : (aip_bytes){list.data, (size_t)(comma - list.data)};
    while (entry.size > 0 && (entry.data[0] == ' ' || entry.data[0] == '\t')) {
        entry = aip_bytes_from(entry, 1);
    }
    while (entry.size > 0 && (entry.data[entry.size - 1] == ' ' || entry.data[entry.size - 1] == '\t')) {
        entry.size--;
    }
    return entry;
}

/* In its one spelling, an IPv4 address as such. */
static bool
take_address(aip_bytes entry, char out[INET6_ADDRSTRLEN])
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (entry.size == 0 || entry.size >= sizeof text) {
        return false;
    }
    memcpy(text, entry.data, entry.size);
    text[entry.size] = '\0';
    if (strlen(text) == entry.size && inet_pton(AF_INET, text, &ipv4) == 1) {
        return inet_ntop(AF_INET, &ipv4, out, INET6_ADDRSTRLEN) != NULL;
    }
    if (strlen(text) != entry.size || inet_pton(AF_INET6, text, &ipv6) != 1) {
        return false;
    }
    return IN6_IS_ADDR_V4MAPPED(&ipv6) ? inet_ntop(AF_INET, &ipv6.s6_addr[12], out, INET6_ADDRSTRLEN) != NULL
                                       : inet_ntop(AF_INET6, &ipv6, out, INET6_ADDRSTRLEN) != NULL;
}

/* Walks one header's list from its end. True: go on with the one before. */
static bool
walk(exchange *x, aip_bytes list, const front_ranges *proxies)
{
    while (list.size > 0) {
        char hop[INET6_ADDRSTRLEN];
        if (!take_address(last_entry(list, &list), hop)) {
            return false;
        }
        snprintf(x->caller, sizeof x->caller, "%s", hop);
        x->peer = x->caller;
        if (!share_in_ranges(hop, proxies)) {
            return false;
        }
    }
    return true;
}

void
share_name_caller(exchange *x)
{
    static const char name[] = "X-Forwarded-For";
    const front_ranges *proxies = &x->settings->front.proxies;
    if (proxies->count == 0 || !share_in_ranges(x->peer, proxies)) {
        return;
    }
    for (size_t i = x->field_count; i > 0; i--) {
        const header_field *field = &x->fields[i - 1];
        if (field->name.size == sizeof name - 1 &&
            strncasecmp((const char *)field->name.data, name, sizeof name - 1) == 0 &&
            !walk(x, field->value, proxies)) {
            return;
        }
    }
}

/* ---- how much ---- */

aip_status
share_address(exchange *x, aip_error *err)
{
    const front_settings *front = &x->settings->front;
    caller_limits *limits = x->gateway->limits;
    if (limits == NULL || x->peer == NULL || x->address_share != 0) {
        return AIP_OK;
    }
    limits_name name = limits_name_address(x->peer);
    if (!limits_may_fail(limits, &name, front->failures_per_minute, x->begun_microseconds)) {
        return aip_fail(err, AIP_CALLER_FAILING, NULL);
    }
    return limits_enter(limits, LIMITS_REQUESTS, &name, front->requests_per_address, &x->address_share)
               ? AIP_OK
               : aip_fail(err, AIP_CALLER_BUSY, NULL);
}

aip_status
share_root(exchange *x, aip_error *err)
{
    limits_name name;
    _Static_assert(sizeof name.bytes == sizeof x->verdict.grant.root_key.bytes, "a root's key is a name");
    if (x->gateway->limits == NULL || x->root_share != 0) {
        return AIP_OK;
    }
    memcpy(name.bytes, x->verdict.grant.root_key.bytes, sizeof name.bytes);
    return limits_enter(x->gateway->limits, LIMITS_ROOT, &name, x->settings->front.requests_per_root, &x->root_share)
               ? AIP_OK
               : aip_fail(err, AIP_CALLER_BUSY, NULL);
}

/* A missing token costs nothing to refuse, so it does not count. */
void
share_note_refusal(const exchange *x)
{
    const char *stage = x->record.stage;
    bool judged = strcmp(stage, "verify") == 0 || strcmp(stage, "proof") == 0;
    if (x->gateway->limits != NULL && x->peer != NULL && judged &&
        aip_status_lookup(x->refusal.status)->class == AIP_CLASS_CREDENTIAL) {
        limits_name name = limits_name_address(x->peer);
        limits_note_failure(x->gateway->limits, &name, x->settings->front.failures_per_minute,
                            clock_monotonic_microseconds());
    }
}

void
share_release(exchange *x)
{
    if (x->gateway->limits != NULL) {
        limits_leave(x->gateway->limits, &x->address_share);
        limits_leave(x->gateway->limits, &x->root_share);
    }
}
