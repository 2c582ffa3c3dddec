/* How many requests a root may make in a minute, where trust in it says so. Shared by all shards. */
#ifndef GATEWAY_RATE_H
#define GATEWAY_RATE_H

#include "aip/chain.h"

typedef struct root_rates root_rates;

AIP_MUST_CHECK aip_status root_rates_new(root_rates **out, aip_error *err);
void root_rates_free(root_rates **rates);

/* Takes one request out of the root's allowance, which fills up evenly. All strangers together have one: names cost
 * nothing. Errors: trust.rate. */
AIP_MUST_CHECK aip_status root_rates_take(root_rates *rates, const aip_grant *grant, uint64_t now_microseconds,
                                          aip_error *err);

#endif
