/* What a verified chain means to the ledger: the accounts on its path, and the key of a call that may be retried
 * (spec/budget.md). */
#ifndef STORE_LEDGER_PATH_H
#define STORE_LEDGER_PATH_H

#include "aip/chain.h"

/* More than any account may ever hold and have spent, with a ceiling or without: so no sum leaves 64 bits (B-2). */
#define LEDGER_TOTAL_MAX UINT64_C(1000000000000000000)
#define LEDGER_CLIENT_KEY_BYTES_MAX 255

typedef struct {
    unsigned char link[AIP_HASH_BYTES]; /* link id */
    bool has_ceiling;                   /* false: as its ancestors, never no limit and never 0 */
    uint64_t ceiling_micro_usd;
} ledger_link;

/* The accounts that a call debits, root first. */
typedef struct {
    ledger_link links[AIP_CHAIN_ELEMENTS_MAX];
    size_t count;
    int64_t expires; /* of the grant, epoch seconds */
} ledger_path;

/* The path of a verified grant. The first link's ceiling is its budget, or the share that it gives to `gateway` (a DID,
 * compared as bytes; not named: 0), and never more than the ceiling configured for its root (B-1, B-20, B-21). Errors:
 * token.claim.invalid. */
AIP_MUST_CHECK aip_status ledger_path_of(const aip_grant *grant, aip_bytes gateway, ledger_path *out, aip_error *err);

/* Names a call that may come again, and says which call it is. */
typedef struct {
    unsigned char name[AIP_HASH_BYTES];   /* of the link and the client's key */
    unsigned char digest[AIP_HASH_BYTES]; /* of these, the tool and the canonical arguments */
} ledger_key;

/* `arguments` is the JSON text of one value. Errors: request.invalid (the client's key is empty or too long), json.*,
 * memory. */
typedef struct {
    aip_bytes tool, arguments, client_key;
} ledger_call;
AIP_MUST_CHECK aip_status ledger_key_of(const ledger_path *path, const ledger_call *call, ledger_key *out,
                                        aip_error *err);

#endif
