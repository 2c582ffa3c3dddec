/* What the gateway must not forget: used nonces and revocations, in memory for the shards and in the database. */
#ifndef GATEWAY_KEEPING_H
#define GATEWAY_KEEPING_H

#include "chain/revoked.h"
#include "did/memory.h"
#include "gateway/own.h"
#include "gateway/question.h"
#include "proof/nonces.h"
#include "store/nonces.h"
#include "store/revocations.h"

typedef struct {
    nonce_memory *nonces;    /* shared by all shards */
    revoked_memory *revoked; /* the same */
    nonce_table nonce_table; /* the thread's */
    revocation_table revocation_table;
    int64_t revoked_number;       /* highest in memory: of what was loaded, and of what other processes added */
    const aip_trust *trust;       /* whose revocations and chains tell strangers' from ours */
    const signing_identity *self; /* signs the list; NULL: no list is published */
} keeping;

/* Loads what the database kept. `trust` and `self` are borrowed. Errors: store.*, memory. */
AIP_MUST_CHECK aip_status keeping_open(store *s, const aip_trust *trust, const signing_identity *self, keeping *out,
                                       aip_error *err);
void keeping_close(keeping *k);

/* The thread's work. Makes all nonces durable in one transaction, and sets each question's status. */
void keeping_commit_nonces(const keeping *k, question *const *questions, size_t count);
void keeping_expire(const keeping *k, int64_t now);
/* Takes in what other processes added to the database. Errors: store.*, memory. */
AIP_MUST_CHECK aip_status keeping_catch_up(keeping *k, aip_error *err);

/* Judges the statement in question->text, keeps it durably and makes it count. question->text becomes the answer.
 * Statuses: revocation.*, token.*, json.*, did.*, store.*; did.pending: question->wanted has to be resolved first. */
void keeping_revoke(const keeping *k, identity_memory *identities, question *q);
/* Does the statement show an authority that this gateway knows: a chain from a listed root, or a listed root's own
 * name? Its signature, and its chain if it carries one, were verified. */
bool keeping_is_judged(const aip_trust *trust, const revocation *r);
/* Notes that the issuer in question->name may end that target: its statements take up no stranger's room any more. */
void keeping_judged(const keeping *k, const question *q);
/* Writes the page of the list that follows question->since. request.not_found without a key. */
void keeping_list(const keeping *k, question *q);

#endif
