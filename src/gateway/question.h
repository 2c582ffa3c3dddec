/* A question of a shard to a thread that may wait, and lists of them (gateway/mail.h). */
#ifndef GATEWAY_QUESTION_H
#define GATEWAY_QUESTION_H

#include <stdatomic.h>

#include "base/nonce.h"
#include "base/text.h"
#include "policy/policy.h"
#include "store/ledger.h"

typedef struct mailbox mailbox; /* of one shard: what was answered comes back there */
typedef struct desk desk;       /* of one thread: what is asked waits there */

typedef enum {
    /* to the identities thread */
    QUESTION_IDENTITY, /* resolve a name: the answer stands in the memory of identities */
    QUESTION_LOG,      /* read a key log that is known */
    QUESTION_NONCE,    /* make a used nonce durable */
    QUESTION_REVOKE,   /* judge and keep a revocation */
    QUESTION_REVOKED,  /* a page of the list of revocations */
    QUESTION_PINS,     /* keep what an upstream lists: nobody waits for it */
    QUESTION_OWNERS, /* read whose some tasks are: the answer stands in the memory of owners */
    QUESTION_JUDGED,   /* note that a chain has shown who may revoke what: nobody waits for it */
    /* to the books */
    QUESTION_HOLD,   /* hold what a call may cost */
    QUESTION_SETTLE, /* settle or release a hold: nobody waits for it */
    /* to the scribe */
    QUESTION_EVENT,   /* write an event: nobody waits for it */
    QUESTION_WRITTEN, /* tell when a line of the decision log is as durable as configured */
    QUESTION_COMPLETION, /* judge and record a completion statement of the leaf `name` about the link `wanted` */
    /* to whoever asks people */
    QUESTION_APPROVAL,
    QUESTION_KINDS
} question_kind;

/* Only the shard touches `asker`; only the thread writes `status` and `text`, before the question is in the mailbox. */
typedef struct question question;
struct question {
    void *asker; /* NULL: nobody waits any more */
    question_kind kind;
    char name[AIP_IDENTIFIER_BYTES_MAX + 1];   /* identifier; of a revocation, who brought it */
    char wanted[AIP_IDENTIFIER_BYTES_MAX + 1]; /* identifier that a revocation's judgement waits for; of an approval
                                                  the scope that the call needs */
    unsigned attempts;
    used_nonce nonce;
    int revoked_kind; /* of QUESTION_JUDGED, whose name is the issuer */
    unsigned char revoked_id[32];
    int64_t since;
    ledger_request request; /* of QUESTION_HOLD and QUESTION_SETTLE; its path and key are the next two, or NULL */
    ledger_path path;
    ledger_key key;
    uint64_t line;            /* of QUESTION_WRITTEN: its number */
    policy_approval approval; /* of QUESTION_APPROVAL: how a person is to be asked, … */
    unsigned char digest[32]; /* … what the answer is about, … */
    unsigned char call[32];   /* … which call of its caller it is, for one that takes it back, … */
    char decision_id[23];     /* … and what records call it */
    bool withdraws;           /* of QUESTION_APPROVAL: it only takes `call` back, and nobody waits */
    atomic_bool left;         /* nobody waits any more: written by the shard, which then rings */
    bool unheard;             /* nobody waits for its answer, which is thrown away at the desk */
    aip_status status;
    char about[64]; /* of QUESTION_EVENT: the decision's id; its name is `name`, its subject `wanted`, its detail `text`
                     */
    char detail[256]; /* of the refusal, or what an approval says of who gave it */
    text_buffer text; /* a statement to judge; then the log, the page, or what is answered */
    mailbox *home;
    void *taker; /* whoever took it and answers later */
    question *next, *previous;
};

typedef struct {
    question *first, *last;
} question_list;

/* Errors: did.invalid (too long), memory. */
AIP_MUST_CHECK aip_status question_new(mailbox *home, question_kind kind, aip_bytes name, question **out,
                                       aip_error *err);
void question_free(question **q);

void question_list_add(question_list *list, question *l); /* at the end */
void question_list_remove(question_list *list, question *l);
question *question_list_take(question_list *list); /* the first one, or NULL */
void question_list_free(question_list *list);      /* with all that is in it */

#endif
