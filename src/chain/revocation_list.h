/* One page of a gateway's list of revocations: how it is signed, read, and judged after what was read before. */
#ifndef CHAIN_REVOCATION_LIST_H
#define CHAIN_REVOCATION_LIST_H

#include "aip/did.h"
#include "base/text.h"
#include "token/jws.h"

#define REVOCATION_LIST_TYPE "aip-revocations+jwt"
#define REVOCATION_LIST_BYTES_MAX (4 << 20) /* of a page that is read; written ones stay below 3 MiB */
#define REVOCATION_LIST_STATEMENTS_MAX 1000

/* ---- reading ---- */

/* Parsed, nothing trusted. */
typedef struct {
    jws statement; /* its signing input is borrowed from the text */
    aip_bytes issuer;
    int64_t issued_at; /* epoch seconds */
    int64_t from, to, last;
    aip_bytes *statements; /* those with the numbers from + 1 to `to` */
    size_t count;
    unsigned char *room; /* what the views point into */
} revocation_list;

/* Exactly the header and the members of R-41, statements without escapes (R-51, step 1). *out is cleared on failure.
 * Errors: token.size, token.malformed, token.header, token.claim.*, base64url.invalid, json.*, memory. */
AIP_MUST_CHECK aip_status revocation_list_parse(aip_bytes text, revocation_list *out, aip_error *err);
void revocation_list_clear(revocation_list *list);

/* What the reader knows of this source. */
typedef struct {
    aip_bytes signer;           /* DID, as it is configured */
    const aip_key_source *keys; /* those in force now that serve assertionMethod */
    int64_t now_seconds;
    int64_t asked;     /* the number after which the page was asked for */
    int64_t highest;   /* that this source ever named */
    int64_t issued_at; /* of the last page that was taken; 0 before the first */
} revocation_list_rule;

/* R-51, steps 2 to 6, in that order. Errors: token.claim.invalid, token.header, token.signature, token.not_yet_valid,
 * revocation.list.rollback, revocation.list.gap, did.*, aip_key_source's. */
AIP_MUST_CHECK aip_status revocation_list_check(const revocation_list *list, const revocation_list_rule *rule,
                                                aip_error *err);

/* ---- writing ---- */

/* A page that is being filled. Begin with `from` and `to` set to the number that was asked for, all else zero. */
typedef struct {
    text_buffer statements;
    size_t count, bytes;
    int64_t from, to;
} revocation_list_draft;

/* Takes the next statement, and nothing once the page is full: who reads asks again from `to` on.
 * Errors: internal (the numbers are not consecutive), memory. */
AIP_MUST_CHECK aip_status revocation_list_append(revocation_list_draft *draft, int64_t number, aip_bytes statement,
                                                 aip_error *err);
void revocation_list_draft_clear(revocation_list_draft *draft);

typedef struct {
    const char *did, *key_id; /* who signs, and the DID URL of the key */
    const aip_secret_key *key;
    int64_t issued_at;
    int64_t last; /* the highest number that was given */
} revocation_list_signer;

/* The compact JWS, malloc'd. Errors: memory. */
AIP_MUST_CHECK aip_status revocation_list_sign(const revocation_list_draft *draft, const revocation_list_signer *signer,
                                               char **out, aip_error *err);

#endif
