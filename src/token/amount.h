/* Amounts of money: decimal text to whole micro-USD, by integer arithmetic alone (spec/token.md). */
#ifndef TOKEN_AMOUNT_H
#define TOKEN_AMOUNT_H

#include "aip/error.h"

/* Ours: digits with at most 6 decimals and 10 integer digits, no sign, no exponent.
 * Errors: token.budget.negative, token.claim.invalid. */
AIP_MUST_CHECK aip_status amount_parse(aip_bytes text, uint64_t *micro_usd, aip_error *err);

/* A foreign token's JSON number: an exponent is read when the result is a whole number of micro-USD with at most
 * 12 integer digits of USD. A negative one sets *negative. Error: token.claim.invalid. */
AIP_MUST_CHECK aip_status amount_parse_foreign(aip_bytes number, uint64_t *micro_usd, bool *negative, aip_error *err);

#endif
