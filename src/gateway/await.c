/* Waiting for the identities thread: asking, taking what came, giving up. */
#include "gateway/await.h"

#include "base/clock.h"
#include "gateway/identities.h"
#include "gateway/wellknown.h"

/* Each element asks at most once, unless what was learnt is pushed out of the memory at once. */
enum { QUESTIONS_MAX = AIP_CHAIN_ELEMENTS_MAX + 1 };

static aip_status
ask(exchange *x, question_kind kind, aip_bytes name, aip_error *err)
{
    if (x->mail == NULL) {
        return aip_fail(err, AIP_INTERNAL, "nobody to ask");
    }
    if (x->questions == 0) {
        x->asked_microseconds = clock_monotonic_microseconds();
    }
    if (x->gave_up || ++x->questions > QUESTIONS_MAX) {
        return aip_fail(err, AIP_FETCH_TIMEOUT, NULL);
    }
    AIP_TRY(identities_ask(x->mail, kind, name, &x->question, err));
    x->question->asker = x;
    return AIP_DID_PENDING;
}

aip_status
await_identity(exchange *x, aip_bytes name, aip_error *err)
{
    return ask(x, QUESTION_IDENTITY, name, err);
}

aip_status
await_log(exchange *x, aip_bytes did, aip_error *err)
{
    return ask(x, QUESTION_LOG, did, err);
}

void
await_deliver(mailbox *box)
{
    mailbox_clear(box);
    for (question *l = mailbox_take(box); l != NULL; l = mailbox_take(box)) {
        exchange *x = l->asker;
        if (x != NULL) {
            x->question = NULL;
            if (l->kind == QUESTION_LOG) {
                wellknown_arrived(x, l->status, &l->log);
            }
            x->wake(x);
        }
        question_free(&l);
    }
}

void
await_drop(exchange *x)
{
    if (x->question != NULL) {
        x->question->asker = NULL; /* the question itself is freed when it comes back */
        x->question = NULL;
    }
}

static void
give_up(exchange *x, aip_status why)
{
    bool log = x->question->kind == QUESTION_LOG;
    await_drop(x);
    x->gave_up = true;
    if (log) {
        wellknown_arrived(x, why, NULL);
    }
    x->wake(x);
}

void
await_sweep(exchange *x, uint64_t now)
{
    if (x->question != NULL && now - x->asked_microseconds >= AIP_RESOLVE_MILLISECONDS * 1000ull) {
        give_up(x, AIP_FETCH_TIMEOUT);
    }
}

void
await_stop(exchange *x)
{
    if (x->question != NULL) {
        give_up(x, AIP_OVERLOADED);
    }
}
