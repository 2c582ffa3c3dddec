/* Budgets as people write them, and the shares that a root gives to several gateways. */
#include <inttypes.h>
#include <stdio.h>

#include "chain/chain.h"
#include "token/amount.h"

#define MICRO 1000000

aip_status
aip_budget_parse(aip_bytes text, uint64_t *micro_usd, aip_error *err)
{
    return amount_parse(text, micro_usd, err);
}

void
aip_budget_format(uint64_t micro_usd, char out[32])
{
    int size = snprintf(out, 32, "%" PRIu64 ".%06" PRIu64, micro_usd / MICRO, micro_usd % MICRO);
    while (out[size - 1] == '0' && out[size - 2] != '.') {
        out[--size] = '\0';
    }
}

static aip_status
refuse(aip_error *err, const char *reason)
{
    return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "shares: %s", reason);
}

static aip_status
read_share(const token *t, uint32_t node, aip_did *gateway, uint64_t *micro_usd, aip_error *err)
{
    const scan_document *payload = &t->payload;
    uint32_t name = scan_child(payload, node);
    uint32_t amount = name == SCAN_NONE ? SCAN_NONE : scan_next(payload, name);
    aip_bytes text;
    if (scan_kind_of(payload, node) != SCAN_ARRAY || amount == SCAN_NONE || scan_next(payload, amount) != SCAN_NONE ||
        scan_kind_of(payload, name) != SCAN_STRING || scan_plain_string(payload, name, &text, NULL) != AIP_OK ||
        scan_kind_of(payload, amount) != SCAN_NUMBER) {
        return refuse(err, "each is a pair of a gateway's DID and an amount");
    }
    AIP_TRY(aip_did_parse(text, gateway, err));
    if (gateway->form == AIP_NAME_KEY || gateway->form == AIP_NAME_WEB) {
        return refuse(err, "a gateway is named by a DID");
    }
    return amount_parse(scan_raw(payload, amount), micro_usd, err);
}

static bool
is_listed(const aip_bytes *names, uint32_t count, aip_bytes name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (aip_bytes_equal(names[i], name)) {
            return true;
        }
    }
    return false;
}

aip_status
budget_check_shares(const token *t, aip_error *err)
{
    aip_bytes names[AIP_SHARES_MAX];
    uint64_t left = t->budget_micro_usd;
    uint32_t count = 0;
    if ((t->declared & TOKEN_SHARES) == 0) {
        return AIP_OK;
    }
    if ((t->declared & TOKEN_BUDGET) == 0 || t->budget_negative) {
        return refuse(err, "they need a budget");
    }
    for (uint32_t i = scan_child(&t->payload, t->shares); i != SCAN_NONE; i = scan_next(&t->payload, i)) {
        aip_did gateway;
        uint64_t share = 0;
        AIP_TRY(read_share(t, i, &gateway, &share, err));
        if (count == AIP_SHARES_MAX || is_listed(names, count, gateway.text) || share > left) {
            return refuse(err, "too many, one gateway twice, or more than the budget together");
        }
        left -= share;
        names[count++] = gateway.text;
    }
    return count > 0 ? AIP_OK : refuse(err, "the list is empty");
}

aip_status
budget_find_share(const token *t, aip_bytes gateway, uint64_t *micro_usd, aip_error *err)
{
    *micro_usd = 0;
    for (uint32_t i = scan_child(&t->payload, t->shares); i != SCAN_NONE; i = scan_next(&t->payload, i)) {
        aip_did named;
        uint64_t share = 0;
        AIP_TRY(read_share(t, i, &named, &share, err));
        if (aip_bytes_equal(named.text, gateway)) {
            *micro_usd = share;
        }
    }
    return AIP_OK;
}
