/* HTTPS GET of small public documents whose address others chose: bounded, checked, no redirects (I-110 ff.). */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "net/address.h"
#include "net/loop.h"

typedef struct fetcher fetcher;
typedef struct fetch fetch;

/* Zeroes mean the defaults of limits.h. */
typedef struct {
    const char *ca_file;          /* PEM bundle that replaces the system's; borrowed; NULL: the system's */
    const address_range *allowed; /* copied */
    size_t allowed_count;
    const char *const *configured; /* `https://host[:port]` that the operator named, borrowed: no rate holds for them */
    size_t configured_count;
    size_t bytes_max; /* after decompression */
    unsigned timeout_ms, parallel_max, per_host_per_minute;
} fetch_rules;

/* Errors: memory, config.invalid (`ca_file` cannot be read). */
AIP_MUST_CHECK aip_status fetcher_open(net_loop *loop, const fetch_rules *rules, fetcher **out, aip_error *err);
void fetcher_close(fetcher **f); /* fetches that still run are dropped without an end */

typedef struct {
    int http; /* 200, or 404 and 410 with did.not_found and without a body */
    aip_bytes body;
    int64_t max_age_seconds; /* of Cache-Control; no-store and no-cache are 0; -1 = none was given */
} fetch_reply;

/* Once per fetch; the fetch is gone when it returns. `reply` is NULL unless an HTTP answer came whole. What the host
 * sent is never part of `err`. Errors: did.not_found (404, 410), fetch.address, .redirect, .status, .size, .coding,
 * .tls, .timeout, .unreachable, memory. Called from net_loop_ready and _tick; may begin and cancel other fetches. */
typedef void (*fetch_end)(void *context, aip_status status, const fetch_reply *reply, const aip_error *err);

/* GET of an https URL. Waits in line while parallel_max others run; its time counts from its start. `end` is never
 * called before this returns. Errors: fetch.busy (the host's rate is used up, or the line is full), fetch.address (the
 * host is an IP literal in any spelling), memory. */
AIP_MUST_CHECK aip_status fetch_begin(fetcher *f, const char *url, fetch_end end, void *context, fetch **out,
                                      aip_error *err);
void fetch_cancel(fetch **which); /* no end; *which may be NULL */

#endif
