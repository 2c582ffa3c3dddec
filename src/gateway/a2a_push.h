/* Which addresses an agent may be told to send notifications to (spec/a2a.md). */
#ifndef GATEWAY_A2A_PUSH_H
#define GATEWAY_A2A_PUSH_H

#include "net/address.h"

typedef struct {
    bool http;                 /* without TLS as well */
    const address_range *open; /* private ranges that the operator opened */
    size_t open_count;
    const char *const *hosts; /* `host`, `host:port` or `*.domain`; none: every public name */
    size_t host_count;
} a2a_push_rule;

/* Judges the address as it is written; no name is looked up, since it is the agent who will connect (E-21). Refused:
 * schemes but https (and http where allowed), user names, fragments, IP addresses that address_check refuses or that
 * are not written in the one plain way, names that are not public (`localhost`, single labels, `.local`, `.internal`,
 * …) unless a pattern names them, and hosts that no pattern covers where there are patterns. Errors: a2a.push,
 * memory. E-20. */
AIP_MUST_CHECK aip_status a2a_push_check(const a2a_push_rule *rule, const char *url, aip_error *err);

/* `host`, `host:port` or `*.domain`, in lower case. Errors: config.invalid. */
AIP_MUST_CHECK aip_status a2a_push_check_pattern(const char *pattern, aip_error *err);

#endif
