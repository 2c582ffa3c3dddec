/* What this folder's modules put on the loop: transfers that say when they are done. */
#ifndef NET_LOOP_INSIDE_H
#define NET_LOOP_INSIDE_H

#include <curl/curl.h>

#include "net/loop.h"

typedef struct net_transfer net_transfer;

/* The first member of each module's own transfer. */
struct net_transfer {
    CURL *easy;
    void (*done)(net_transfer *transfer, CURLcode code); /* still on the loop: it removes itself */
};

CURL *net_easy_new(void); /* NULL: no memory */

/* `done` is called from net_loop_ready, _tick and _settle only. Errors: memory. */
AIP_MUST_CHECK aip_status net_loop_add(net_loop *loop, net_transfer *transfer);
void net_loop_remove(net_loop *loop, net_transfer *transfer);
void net_loop_settle(net_loop *loop); /* reports the transfers that ended */

/* What a URL may not have, and what libcurl says of a transfer, for all of this folder. `net_outcome` gives
 * fetch.timeout, .tls, .coding, memory, and otherwise fetch.unreachable. */
bool net_part_is_absent(CURLU *url, CURLUPart part);
aip_status net_outcome(CURLcode code);

#endif
