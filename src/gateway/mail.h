/* How shards ask threads that may wait, and get answers without waiting themselves. A thread that answers has a desk;
 * each shard has a mailbox, where what was answered comes back. */
#ifndef GATEWAY_MAIL_H
#define GATEWAY_MAIL_H

#include "gateway/question.h"

typedef struct mailroom mailroom; /* all mailboxes: it must outlive every thread that has a desk */

AIP_MUST_CHECK aip_status mailroom_new(mailroom **out, aip_error *err);
void mailroom_free(mailroom **room); /* with all mailboxes and what is in them */

/* Owned by the room. Thread-safe. Errors: memory, io. */
AIP_MUST_CHECK aip_status mailroom_open_box(mailroom *room, mailbox **out, aip_error *err);

/* One that lies in any mailbox, or NULL: for the end, when no shard takes them any more. The caller frees it. */
question *mailroom_take(mailroom *room);

int mailbox_descriptor(const mailbox *box); /* readable when something came */
void mailbox_clear(const mailbox *box);     /* until something more comes */
question *mailbox_take(mailbox *box);       /* the next one, or NULL; the caller frees it */

/* For a shard that asks much in each of its rounds: desks that it asks are rung together, by mailbox_ring_desks, which
 * it must then call before it waits. Only for the thread whose box it is. */
void mailbox_gather(mailbox *box);
void mailbox_ring_desks(mailbox *box);

/* `most[kind]`: how many of a kind may be asked and not answered yet; 0: the kind is not answered here. Borrowed for
 * good. Errors: memory, io. */
AIP_MUST_CHECK aip_status desk_new(const size_t most[QUESTION_KINDS], desk **out, aip_error *err);
void desk_free(desk **d); /* with all that was not taken */

/* Asks; the answer comes to the question's home in any case, and the question stays valid until it was taken from
 * there. On failure it is freed. Thread-safe. Errors: gateway.overloaded (too many of its kind are waiting). */
AIP_MUST_CHECK aip_status desk_ask(desk *d, question *q, aip_error *err);

/* How long, in microseconds, nothing has moved while something waits; 0: nothing waits. Thread-safe. */
uint64_t desk_stalled(desk *d, uint64_t now_microseconds);

/* ---- for the thread whose desk it is ---- */

int desk_descriptor(const desk *d); /* readable when something was asked, or desk_ring was called */
void desk_clear(const desk *d);     /* until something more is */
void desk_ring(const desk *d);      /* thread-safe */

question *desk_take(desk *d, question_kind kind); /* the oldest of that kind, or NULL */
bool desk_has(desk *d, question_kind kind);
void desk_put_back(desk *d, question *q); /* behind all others of its kind: it was taken and is to be taken again */
void desk_answer(desk *d, question *q);   /* to its home, or away, if unheard; `q` is the shard's from then on */

#endif
