/* One thread that keeps the books for all shards: holds, settlements and releases, many in one durable commit
 * (spec/budget.md). The database keeps this thread waiting and no other.
 *
 * A shard asks for QUESTION_HOLD and goes on with other requests; its answer in the mailbox is the go-ahead
 * (question->status, question->request.answer). After the call it asks for QUESTION_SETTLE, for which nobody waits: one
 * that could not be made durable is tried again here, and until then the hold counts in full (B-5, B-9, B-16). */
#ifndef GATEWAY_BOOKS_H
#define GATEWAY_BOOKS_H

#include "gateway/mail.h"

typedef struct books books;

typedef struct {
    const char *store_path; /* a connection of its own */
} books_setup;

/* Errors: store.*, memory, io. */
AIP_MUST_CHECK aip_status books_open(const books_setup *setup, books **out, aip_error *err);
AIP_MUST_CHECK aip_status books_start(books *b, aip_error *err);

/* Where it is asked: QUESTION_HOLD with request.verb LEDGER_HOLD, a path and perhaps a key; QUESTION_SETTLE with
 * LEDGER_SETTLE or LEDGER_RELEASE. Statuses: those of ledger_apply; internal (a question that makes no sense);
 * gateway.overloaded (a hold that came when the gateway was stopping). */
desk *books_desk(books *b);

/* An answered hold that nobody waits for any more is released, so that it does not count for ever (B-16); a refused one
 * is freed. Takes the question. Thread-safe. */
void books_give_back(books *b, question **q);

/* The end of a gateway, when its shards have ended their calls and ask no more: holds that still wait are refused, and
 * when this returns none is under way. What lies in the mailboxes is then given back, and the books are closed: so no
 * hold is left that nobody knows. */
void books_refuse_holds(books *b);
/* Applies everything that was asked, ends the thread and frees it; before the mailroom. What then could not be settled
 * stays held, and is said on stderr. */
void books_close(books **b);

#endif
