/* Loads, keeps and publishes nonces and revocations, on the thread that owns the database. */
#include "gateway/keeping.h"

#include <stdlib.h>

#include "base/clock.h"
#include "chain/chain.h"
#include "chain/revocation_list.h"
#include "crypto/base64url.h"

enum { PAGE_STATEMENTS_MAX = 1000, PAGE_BYTES_MAX = 2 << 20 };

static void
take_nonce(void *context, const used_nonce *entry)
{
    nonce_memory_load(context, entry, clock_now_seconds());
}

static aip_status
take_fact(void *context, const revoked_fact *fact, aip_error *err)
{
    return revoked_memory_add(context, fact, err);
}

static aip_status
load_nonces(store *s, keeping *out, aip_error *err)
{
    nonce_keys keys;
    int64_t forgotten_until = 0;
    AIP_TRY(store_nonces_open(s, &out->nonce_table, &keys, err));
    AIP_TRY(nonce_memory_new(AIP_NONCES_DEFAULT, &keys, &out->nonces, err));
    const nonce_sink sink = {out->nonces, take_nonce};
    AIP_TRY(store_nonces_load(&out->nonce_table, clock_now_seconds(), &sink, &forgotten_until, err));
    nonce_memory_forgot(out->nonces, forgotten_until);
    return AIP_OK;
}

aip_status
keeping_open(store *s, const aip_trust *trust, const signing_identity *self, keeping *out, aip_error *err)
{
    *out = (keeping){.trust = trust, .self = self};
    AIP_TRY(load_nonces(s, out, err));
    AIP_TRY(store_revocations_open(s, &out->revocation_table, err));
    AIP_TRY(revoked_memory_new(&out->revoked, err));
    return keeping_catch_up(out, err);
}

aip_status
keeping_catch_up(keeping *k, aip_error *err)
{
    const revoked_sink sink = {k->revoked, take_fact};
    int64_t highest = 0;
    AIP_TRY(store_revocations_highest(&k->revocation_table, &highest, err));
    if (highest == k->revoked_number) {
        return AIP_OK;
    }
    AIP_TRY(store_revocations_load(&k->revocation_table, k->revoked_number, &sink, err));
    k->revoked_number = highest;
    return AIP_OK;
}

void
keeping_close(keeping *k)
{
    nonce_memory_free(&k->nonces);
    revoked_memory_free(&k->revoked);
}

void
keeping_commit_nonces(const keeping *k, question *const *questions, size_t count)
{
    used_nonce entries[NONCES_PER_COMMIT] = {{{0}, 0}};
    bool known[NONCES_PER_COMMIT] = {false};
    for (size_t i = 0; i < count; i++) {
        entries[i] = questions[i]->nonce;
    }
    aip_status status = store_nonces_append(&k->nonce_table, entries, count, known, NULL);
    for (size_t i = 0; i < count; i++) {
        questions[i]->status = status == AIP_OK && known[i] ? AIP_PROOF_REPLAYED : status;
    }
}

void
keeping_expire(const keeping *k, int64_t now)
{
    (void)!store_nonces_expire(&k->nonce_table, now, NULL); /* tried again, and until then only larger */
}

/* ---- revocations ---- */

/* Which name has to be resolved before the statement can be judged: its issuer, or one in its chain. */
static void
note_wanted(const revocation *r, int at, question *q)
{
    aip_chain *chain = NULL;
    aip_bytes name = r->issuer.text;
    if (at >= 0 && aip_chain_parse(r->chain, &chain, NULL) == AIP_OK) {
        name = aip_chain_issuer(chain, (size_t)at);
    }
    memcpy(q->wanted, name.data, name.size); /* parsed names are no longer than their cap */
    q->wanted[name.size] = '\0';
    aip_chain_free(&chain);
}

static aip_status
judge(const revocation *r, identity_memory *identities, question *q, aip_error *err)
{
    aip_error why = AIP_ERROR_INIT;
    memory_view view = {identities, clock_now_seconds(), DID_USE_DELEGATION};
    aip_key_source keys;
    identity_memory_source(&view, &keys);
    aip_status status = revocation_verify(r, &keys, view.now_seconds, &why);
    if (status == AIP_OK && r->chain.size > 0) {
        status = revocation_check_chain(r, &keys, &why);
    }
    if (status == AIP_DID_PENDING) {
        note_wanted(r, why.at, q);
    }
    if (status != AIP_OK && err != NULL) {
        *err = why;
    }
    return status;
}

/* Strangers can make keys and chains without end, so theirs count against the cap. */
bool
keeping_is_judged(const aip_trust *trust, const revocation *r)
{
    aip_chain *chain = NULL;
    aip_did root;
    bool itself = r->kind == REVOKED_DID && aip_bytes_equal(r->target, r->issuer.text);
    if (r->chain.size == 0) {
        return itself && trust_lists(trust, &r->issuer);
    }
    bool listed = aip_chain_parse(r->chain, &chain, NULL) == AIP_OK &&
                  aip_did_parse(aip_chain_issuer(chain, 0), &root, NULL) == AIP_OK && trust_lists(trust, &root);
    aip_chain_free(&chain);
    return listed;
}

static aip_status
keep(const keeping *k, const revocation *r, const question *q, bool judged, aip_error *err)
{
    revocation_place place;
    revocation_record record = {
        .fact = {.kind = r->kind, .issuer = r->issuer.text},
        .issued_at = r->issued_at,
        .sequence = r->sequence,
        .judged = judged,
        .source = aip_bytes_of(q->name),
        .statement = text_view(&q->text),
        .received_at = clock_now_seconds(),
    };
    memcpy(record.id, r->id, sizeof record.id);
    memcpy(record.fact.target_id, r->target_id, sizeof record.fact.target_id);
    AIP_TRY(store_revocations_add(&k->revocation_table, &record, &place, err));
    return revoked_memory_add(k->revoked, &record.fact, err);
}

static aip_status
revoke(const keeping *k, identity_memory *identities, question *q, aip_error *err)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    char id[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    revocation r;
    AIP_TRY(revocation_parse(text_view(&q->text), room, sizeof room, &r, err));
    AIP_TRY(judge(&r, identities, q, err));
    bool judged = keeping_is_judged(k->trust, &r);
    AIP_TRY(keep(k, &r, q, judged, err));
    base64url_encode((aip_bytes){r.id, sizeof r.id}, id);
    text_clear(&q->text);
    text_append_format(&q->text, "{\"accepted\":true,\"id\":\"%s\",\"judged\":%s}", id, judged ? "true" : "false");
    return text_finish(&q->text, err);
}

void
keeping_revoke(const keeping *k, identity_memory *identities, question *q)
{
    q->status = revoke(k, identities, q, NULL);
}

void
keeping_judged(const keeping *k, const question *q)
{
    revoked_fact fact = {.kind = (revocation_kind)q->revoked_kind, .issuer = aip_bytes_of(q->name)};
    memcpy(fact.target_id, q->revoked_id, sizeof fact.target_id);
    (void)!store_revocations_mark_judged(&k->revocation_table, &fact, NULL); /* the next refusal says it again */
}

static aip_status
append_row(void *context, const revocation_row *row, aip_error *err)
{
    return revocation_list_append(context, row->number, row->statement, err);
}

static aip_status
sign_page(const keeping *k, question *q, const revocation_list_draft *page, aip_error *err)
{
    char *text STRING_AUTO = NULL;
    revocation_list_signer signer = {k->self->did, k->self->key_id, k->self->key, clock_now_seconds(), 0};
    AIP_TRY(store_revocations_highest(&k->revocation_table, &signer.last, err));
    AIP_TRY(revocation_list_sign(page, &signer, &text, err));
    text_append_string(&q->text, text);
    return text_finish(&q->text, err);
}

static aip_status
list(const keeping *k, question *q, aip_error *err)
{
    revocation_list_draft page = {.from = q->since, .to = q->since};
    const revocation_sink sink = {&page, append_row};
    if (k->self == NULL) {
        return aip_fail(err, AIP_REQUEST_NOT_FOUND, NULL);
    }
    aip_status status =
        store_revocations_page(&k->revocation_table, q->since, REVOCATION_LIST_STATEMENTS_MAX, &sink, err);
    status = status == AIP_OK ? sign_page(k, q, &page, err) : status;
    revocation_list_draft_clear(&page);
    return status;
}

void
keeping_list(const keeping *k, question *q)
{
    q->status = list(k, q, NULL);
}
