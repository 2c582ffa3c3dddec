/* Pages of lists of revocations from arbitrary text. */
#include <stdlib.h>

#include "chain/revocation_list.h"
#include "crypto/hash.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static aip_status
find_key(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    (void)context;
    (void)signed_at;
    return aip_did_find_key(name, kid, out, err);
}

/* What was read can be written again, and is read as the same. A page that is over-full stays short. */
static void
check_again(const revocation_list *list, const aip_secret_key *key)
{
    revocation_list_draft draft = {.from = list->from, .to = list->from};
    TEXT_AUTO text_buffer issuer = {0};
    char *text = NULL;
    revocation_list again;
    for (size_t i = 0; i < list->count; i++) {
        require(revocation_list_append(&draft, list->from + 1 + (int64_t)i, list->statements[i], NULL) == AIP_OK);
    }
    text_append(&issuer, list->issuer);
    text_append(&issuer, (aip_bytes){(const unsigned char *)"", 1});
    require(text_finish(&issuer, NULL) == AIP_OK);
    const revocation_list_signer signer = {issuer.data, "did:example:any#key", key, list->issued_at, list->last};
    require(revocation_list_sign(&draft, &signer, &text, NULL) == AIP_OK);
    require(revocation_list_parse(aip_bytes_of(text), &again, NULL) == AIP_OK);
    require(again.from == list->from && again.last == list->last && again.issued_at == list->issued_at);
    require(again.to == draft.to && again.count == draft.count && again.count <= list->count);
    require(aip_bytes_equal(again.issuer, list->issuer));
    for (size_t i = 0; i < again.count; i++) {
        require(aip_bytes_equal(again.statements[i], list->statements[i]));
    }
    revocation_list_clear(&again);
    revocation_list_draft_clear(&draft);
    free(text);
}

static void
check_order(const revocation_list *list)
{
    const aip_key_source keys = {find_key, NULL};
    revocation_list_rule rule = {.signer = list->issuer, .keys = &keys, .now_seconds = NOW, .asked = list->from};
    aip_status status = revocation_list_check(list, &rule, NULL);
    require(status != AIP_OK || (list->to <= list->last && list->issued_at <= NOW + 30));
    rule.asked = list->from + 1;
    require(revocation_list_check(list, &rule, NULL) != AIP_OK);
    rule.asked = list->from;
    rule.highest = list->last + 1;
    require(revocation_list_check(list, &rule, NULL) != AIP_OK);
    rule.signer = AIP_BYTES_LITERAL("did:example:nobody");
    require(revocation_list_check(list, &rule, NULL) == AIP_TOKEN_CLAIM_INVALID);
}

static void
check_page(aip_bytes text, const aip_secret_key *key)
{
    revocation_list list;
    if (revocation_list_parse(text, &list, NULL) != AIP_OK) {
        require(list.room == NULL && list.statements == NULL && list.count == 0);
        return;
    }
    require(list.from >= 0 && list.issued_at >= 0 && list.last >= 0);
    require(list.to - list.from == (int64_t)list.count && list.count <= REVOCATION_LIST_STATEMENTS_MAX);
    require(list.statement.kid.size > 0);
    check_order(&list);
    check_again(&list, key);
    revocation_list_clear(&list);
}

/* The input as a page, and as the payload of one. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {78};
    const jws_statement statement = {REVOCATION_LIST_TYPE, "did:example:any#key", {data, size}};
    aip_secret_key *key = NULL;
    char *text = NULL;
    require(crypto_start(NULL) == AIP_OK);
    require(aip_secret_key_from_seed(seed, &key, NULL) == AIP_OK);
    check_page((aip_bytes){data, size}, key);
    if (jws_encode(key, &statement, &text, NULL) == AIP_OK) {
        check_page(aip_bytes_of(text), key);
        free(text);
    }
    aip_secret_key_free(&key);
    return 0;
}
