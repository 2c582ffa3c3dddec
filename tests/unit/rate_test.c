/* Requests a minute: a root's allowance, and the one that all strangers share. */
#include "gateway/rate.h"

#include "check.h"

#define MINUTE 60000000u

static aip_status
take(root_rates *rates, const aip_ceiling *ceiling, unsigned char root, bool stranger, uint64_t now)
{
    aip_grant grant = {.ceiling = ceiling, .stranger = stranger};
    memset(grant.root_key.bytes, root, sizeof grant.root_key.bytes);
    return root_rates_take(rates, &grant, now, NULL);
}

static void
an_allowance_is_used_up_and_fills_again_evenly(void)
{
    const aip_ceiling ceiling = {.requests_per_minute = 6};
    root_rates *rates = NULL;
    CHECK_STATUS(root_rates_new(&rates, NULL), AIP_OK);
    for (int i = 0; i < 6; i++) {
        CHECK_STATUS(take(rates, &ceiling, 1, false, 1000), AIP_OK);
    }
    CHECK_STATUS(take(rates, &ceiling, 1, false, 1000), AIP_TRUST_RATE);
    CHECK_STATUS(take(rates, &ceiling, 2, false, 1000), AIP_OK); /* another root has its own */
    CHECK_STATUS(take(rates, &ceiling, 1, false, 1000 + MINUTE / 6 - 1), AIP_TRUST_RATE);
    CHECK_STATUS(take(rates, &ceiling, 1, false, 1000 + MINUTE / 6), AIP_OK);
    CHECK_STATUS(take(rates, &ceiling, 1, false, 1000 + MINUTE / 6), AIP_TRUST_RATE);
    for (int i = 0; i < 6; i++) {
        CHECK_STATUS(take(rates, &ceiling, 1, false, 10ull * MINUTE), AIP_OK);
    }
    CHECK_STATUS(take(rates, &ceiling, 1, false, 10ull * MINUTE), AIP_TRUST_RATE);
    root_rates_free(&rates);
}

static void
strangers_share_one_allowance_whatever_their_names(void)
{
    const aip_ceiling ceiling = {.requests_per_minute = 3};
    root_rates *rates = NULL;
    CHECK_STATUS(root_rates_new(&rates, NULL), AIP_OK);
    CHECK_STATUS(take(rates, &ceiling, 1, true, 0), AIP_OK);
    CHECK_STATUS(take(rates, &ceiling, 2, true, 0), AIP_OK);
    CHECK_STATUS(take(rates, &ceiling, 3, true, 0), AIP_OK);
    CHECK_STATUS(take(rates, &ceiling, 4, true, 0), AIP_TRUST_RATE);
    CHECK_STATUS(take(rates, &ceiling, 4, false, 0), AIP_OK);
    root_rates_free(&rates);
}

RUN(TEST(an_allowance_is_used_up_and_fills_again_evenly), TEST(strangers_share_one_allowance_whatever_their_names))
