/* Waiting for the identities thread: asking, taking what came, giving up. */
#include "gateway/await.h"

#include "base/clock.h"
#include "gateway/identities.h"

/* Each element asks at most once, unless what was learnt is pushed out of the memory at once; the holder's key, the
 * nonce and one more for what anyone may ask. */
enum { QUESTIONS_MAX = AIP_CHAIN_ELEMENTS_MAX + 3 };

static aip_status
prepare(exchange *x, question_kind kind, aip_bytes name, question **out, aip_error *err)
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
    return identities_question(x->mail, kind, name, out, err);
}

static aip_status
ask(exchange *x, question *q, aip_error *err)
{
    q->asker = x;
    x->arrived_status = AIP_INTERNAL; /* nothing has */
    x->question = q;                  /* before it is asked: then it is the thread's */
    aip_status status = identities_ask(q, err);
    if (status != AIP_OK) {
        x->question = NULL;
        return status;
    }
    return AIP_DID_PENDING;
}

aip_status
await_identity(exchange *x, aip_bytes name, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_IDENTITY, name, &q, err));
    return ask(x, q, err);
}

aip_status
await_nonce(exchange *x, const used_nonce *nonce, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_NONCE, AIP_BYTES_LITERAL("nonce"), &q, err));
    q->nonce = *nonce;
    x->asked_microseconds = clock_monotonic_microseconds(); /* the body may have taken long since the last one */
    return ask(x, q, err);
}

aip_status
await_log(exchange *x, aip_bytes did, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_LOG, did, &q, err));
    return ask(x, q, err);
}

aip_status
await_list(exchange *x, int64_t since, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_REVOKED, AIP_BYTES_LITERAL("list"), &q, err));
    q->since = since;
    return ask(x, q, err);
}

aip_status
await_revocation(exchange *x, const char *source, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_REVOKE, aip_bytes_of(source), &q, err));
    text_append(&q->text, text_view(&x->body));
    aip_status status = text_finish(&q->text, err);
    if (status != AIP_OK) {
        question_free(&q);
        return status;
    }
    return ask(x, q, err);
}

void
await_no_answer(exchange *x, const revoked_fact *fact)
{
    question *q = NULL;
    if (identities_question(x->mail, QUESTION_JUDGED, fact->issuer, &q, NULL) != AIP_OK) {
        return;
    }
    q->revoked_kind = (int)fact->kind;
    memcpy(q->revoked_id, fact->target_id, sizeof q->revoked_id);
    (void)!identities_ask(q, NULL);
}

static void
take_answer(exchange *x, question *q)
{
    x->question = NULL;
    x->arrived_status = q->status;
    text_clear(&x->arrived);
    x->arrived = q->text;
    q->text = (text_buffer){0};
    x->wake(x);
}

void
await_deliver(mailbox *box)
{
    mailbox_clear(box);
    for (question *q = mailbox_take(box); q != NULL; q = mailbox_take(box)) {
        if (q->asker != NULL) {
            take_answer(q->asker, q);
        }
        question_free(&q);
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
    await_drop(x);
    x->gave_up = true;
    x->arrived_status = why;
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
