/* What calls cost: the most beforehand, the truth afterwards. All in whole micro-USD, rounded up. */
#include "policy/policy_inside.h"
#include "token/amount.h"

#define MICRO UINT64_C(1000000)

/* price * units, where units have six decimals. POLICY_PRICE_MAX keeps the second product in range. */
static bool
multiply(uint64_t micro_usd, uint64_t micro_units, uint64_t *out)
{
    uint64_t whole, part = (micro_usd * (micro_units % MICRO) + MICRO - 1) / MICRO;
    return !__builtin_mul_overflow(micro_usd, micro_units / MICRO, &whole) && !__builtin_add_overflow(whole, part, out);
}

static aip_status
price_of_unit(const policy_unit_price *unit, const scan_document *message, uint32_t arguments, uint64_t *out,
              aip_error *err)
{
    bool negative = false;
    uint64_t units = 0;
    uint32_t node =
        message == NULL || arguments == SCAN_NONE ? SCAN_NONE : scan_member(message, arguments, unit->argument);
    if (node == SCAN_NONE || scan_kind_of(message, node) != SCAN_NUMBER) {
        return aip_fail(err, AIP_POLICY_PRICE, "a priced argument is missing, or no number");
    }
    if (amount_parse_foreign(scan_raw(message, node), &units, &negative, NULL) != AIP_OK || negative) {
        return aip_fail(err, AIP_POLICY_PRICE, "a priced argument is below 0, too large, or has over 6 decimals");
    }
    return multiply(unit->micro_usd, units, out)
               ? AIP_OK
               : aip_fail(err, AIP_POLICY_PRICE, "the call costs more than any budget");
}

aip_status
policy_price_hold(const policy_price *price, const scan_document *message, uint32_t arguments, uint64_t *micro_usd,
                  aip_error *err)
{
    uint64_t sum = price->flat + price->response_max, part = 0;
    *micro_usd = 0;
    for (size_t i = 0; i < price->unit_count; i++) {
        AIP_TRY(price_of_unit(&price->units[i], message, arguments, &part, err));
        if (__builtin_add_overflow(sum, part, &sum) || sum > POLICY_CALL_PRICE_MAX) {
            return aip_fail(err, AIP_POLICY_PRICE, "the call costs more than any budget");
        }
    }
    *micro_usd = sum;
    return AIP_OK;
}

static uint64_t
price_of_response(const policy_price *price, uint64_t bytes)
{
    uint64_t kib = bytes / 1024 + (bytes % 1024 > 0), part;
    bool over = __builtin_mul_overflow(price->response_kib, kib, &part) || part > price->response_max;
    return over ? price->response_max : part;
}

uint64_t
policy_price_settle(const policy_price *price, uint64_t hold, uint64_t response_bytes, bool has_actual,
                    uint64_t actual_micro_usd)
{
    if (has_actual && price->trusts_actual) {
        return actual_micro_usd < hold ? actual_micro_usd : hold;
    }
    uint64_t fixed = hold > price->response_max ? hold - price->response_max : 0;
    uint64_t sum = fixed + price_of_response(price, response_bytes);
    return sum < hold ? sum : hold;
}

bool
policy_price_trusts_actual(const policy_price *price)
{
    return price->trusts_actual;
}
