/* A question to the identities thread, and lists of them. */
#ifndef GATEWAY_QUESTION_H
#define GATEWAY_QUESTION_H

#include "aip/limits.h"
#include "base/nonce.h"
#include "base/text.h"

typedef struct mailbox mailbox; /* of one shard: what was answered comes back there (gateway/identities.h) */

typedef enum {
    QUESTION_IDENTITY, /* resolve a name: the answer stands in the memory of identities */
    QUESTION_LOG,      /* read a key log that is known */
    QUESTION_NONCE,    /* make a used nonce durable */
    QUESTION_REVOKE,   /* judge and keep a revocation */
    QUESTION_REVOKED,  /* a page of the list of revocations */
    QUESTION_JUDGED,   /* note that a chain has shown who may revoke what: nobody waits for it */
    QUESTION_KINDS
} question_kind;

/* Only the shard touches `asker`; only the thread writes `status` and `text`, before the question is in the mailbox. */
typedef struct question question;
struct question {
    void *asker; /* NULL: nobody waits any more */
    question_kind kind;
    char name[AIP_IDENTIFIER_BYTES_MAX + 1];   /* identifier; of a revocation, who brought it */
    char wanted[AIP_IDENTIFIER_BYTES_MAX + 1]; /* identifier that a revocation's judgement waits for */
    unsigned attempts;
    used_nonce nonce;
    int revoked_kind; /* of QUESTION_JUDGED, whose name is the issuer */
    unsigned char revoked_id[32];
    int64_t since;
    aip_status status;
    text_buffer text; /* a statement to judge; then the log, the page, or what is answered */
    mailbox *home;
    question *next, *previous;
};

typedef struct {
    question *first, *last;
} question_list;

/* Errors: did.invalid (too long), memory. */
AIP_MUST_CHECK aip_status question_new(mailbox *home, question_kind kind, aip_bytes name, question **out,
                                       aip_error *err);
void question_free(question **l);

void question_list_add(question_list *list, question *l); /* at the end */
void question_list_remove(question_list *list, question *l);
question *question_list_take(question_list *list); /* the first one, or NULL */
void question_list_free(question_list *list);      /* with all that is in it */

#endif
