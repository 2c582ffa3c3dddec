/* Waiting for threads that answer: asking, taking what came, giving up. */
#include "gateway/await.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

/* Each element asks at most once, unless what was learnt is pushed out of the memory at once; the holder's key, the
 * nonce, a person, the ledger, the log, owners of tasks, and one more for what anyone may ask. */
enum { QUESTIONS_MAX = AIP_CHAIN_ELEMENTS_MAX + 7 };

static aip_status
prepare(exchange *x, question_kind kind, aip_bytes name, question **out, aip_error *err)
{
    if (x->shard->mail == NULL) {
        return aip_fail(err, AIP_INTERNAL, "nobody to ask");
    }
    if (x->gave_up || ++x->questions > QUESTIONS_MAX) {
        return aip_fail(err, AIP_FETCH_TIMEOUT, NULL);
    }
    return question_new(x->shard->mail, kind, name, out, err);
}

/* The text of a question; without memory for it the question is freed. */
static aip_status
fill(question *q, aip_bytes text, aip_error *err)
{
    text_append(&q->text, text);
    aip_status status = text_finish(&q->text, err);
    if (status != AIP_OK) {
        question_free(&q);
    }
    return status;
}

static aip_status
ask(exchange *x, desk *whom, question *q, aip_error *err)
{
    q->asker = x;
    x->arrived_status = AIP_INTERNAL; /* nothing has */
    x->arrived_detail[0] = '\0';
    x->question = q; /* before it is asked: then it is the thread's */
    aip_status status = desk_ask(whom, q, err);
    if (status != AIP_OK) {
        x->question = NULL;
        return status;
    }
    return AIP_DID_PENDING;
}

static void
wait_from_now(exchange *x, uint64_t milliseconds)
{
    x->asked_microseconds = clock_monotonic_microseconds();
    x->patience_microseconds = milliseconds * 1000;
}

static aip_status
ask_now(exchange *x, desk *whom, question *q, aip_error *err)
{
    wait_from_now(x, AIP_RESOLVE_MILLISECONDS);
    return ask(x, whom, q, err);
}

/* All names of one request have their time together. */
aip_status
await_identity(exchange *x, aip_bytes name, aip_error *err)
{
    question *q = NULL;
    if (x->questions == 0) {
        wait_from_now(x, AIP_RESOLVE_MILLISECONDS);
    }
    AIP_TRY(prepare(x, QUESTION_IDENTITY, name, &q, err));
    return ask(x, identities_desk(x->gateway->identities), q, err);
}

aip_status
await_nonce(exchange *x, const used_nonce *nonce, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_NONCE, AIP_BYTES_LITERAL("nonce"), &q, err));
    q->nonce = *nonce;
    /* the body may have taken long since the last one */
    return ask_now(x, identities_desk(x->gateway->identities), q, err);
}

aip_status
await_log(exchange *x, aip_bytes did, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_LOG, did, &q, err));
    return ask_now(x, identities_desk(x->gateway->identities), q, err);
}

aip_status
await_list(exchange *x, int64_t since, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_REVOKED, AIP_BYTES_LITERAL("list"), &q, err));
    q->since = since;
    return ask_now(x, identities_desk(x->gateway->identities), q, err);
}

aip_status
await_revocation(exchange *x, const char *source, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_REVOKE, aip_bytes_of(source), &q, err));
    AIP_TRY(fill(q, text_view(&x->body), err));
    return ask_now(x, identities_desk(x->gateway->identities), q, err);
}

aip_status
await_owners(exchange *x, text_buffer *keys, aip_error *err)
{
    question *q = NULL;
    if (x->question != NULL) {
        return AIP_DID_PENDING; /* whatever woke the request, it was not the answer */
    }
    if (x->owners_asked) {
        return x->arrived_status == AIP_OK ? AIP_OK : aip_fail(err, x->arrived_status, NULL);
    }
    x->owners_asked = true;
    AIP_TRY(prepare(x, QUESTION_OWNERS, AIP_BYTES_LITERAL("owners"), &q, err));
    q->text = *keys;
    *keys = (text_buffer){0};
    return ask_now(x, identities_desk(x->gateway->identities), q, err);
}

aip_status
await_hold(exchange *x, const hold_wish *wish, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_HOLD, AIP_BYTES_LITERAL("hold"), &q, err));
    q->path = wish->path;
    q->key = wish->key;
    q->request = (ledger_request){.verb = LEDGER_HOLD,
                                  .path = &q->path,
                                  .key = wish->has_key ? &q->key : NULL,
                                  .amount_micro_usd = wish->amount_micro_usd,
                                  .now_seconds = clock_now_seconds()};
    return ask_now(x, books_desk(x->gateway->books), q, err);
}

aip_status
await_written(exchange *x, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_WRITTEN, AIP_BYTES_LITERAL("line"), &q, err));
    q->line = x->line;
    return ask_now(x, scribe_desk(x->gateway->scribe), q, err);
}

aip_status
await_completion(exchange *x, const char *link, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_COMPLETION, x->verdict.grant.leaf, &q, err));
    snprintf(q->wanted, sizeof q->wanted, "%s", link);
    AIP_TRY(fill(q, text_view(&x->body), err));
    return ask_now(x, scribe_desk(x->gateway->scribe), q, err);
}

aip_status
await_approval(exchange *x, const approval_wish *wish, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(prepare(x, QUESTION_APPROVAL, x->verdict.grant.leaf, &q, err));
    const policy_approval *manner = policy_approval_of(x->rules->policy);
    memcpy(q->digest, wish->digest, sizeof q->digest);
    memcpy(q->call, wish->call, sizeof q->call);
    memcpy(q->decision_id, x->record.decision_id, sizeof q->decision_id);
    q->approval = *manner;
    (void)aip_printable(aip_bytes_of(x->wanted), q->wanted, sizeof q->wanted);
    AIP_TRY(fill(q, wish->shown, err));
    wait_from_now(x, ((uint64_t)manner->timeout_seconds + 2) * 1000); /* whoever asks the person gives up first */
    return ask(x, approvals_desk(x->gateway->approvals), q, err);
}

void
await_no_answer(exchange *x, const revoked_fact *fact)
{
    question *q = NULL;
    if (question_new(x->shard->mail, QUESTION_JUDGED, fact->issuer, &q, NULL) != AIP_OK) {
        return;
    }
    q->unheard = true;
    q->revoked_kind = (int)fact->kind;
    memcpy(q->revoked_id, fact->target_id, sizeof q->revoked_id);
    (void)!desk_ask(identities_desk(x->gateway->identities), q, NULL);
}

void
withdraw_no_answer(const shard_tools *shard, const unsigned char call[AIP_HASH_BYTES])
{
    question *q = NULL;
    if (question_new(shard->mail, QUESTION_APPROVAL, AIP_BYTES_LITERAL("call"), &q, NULL) != AIP_OK) {
        return;
    }
    q->withdraws = q->unheard = true;
    memcpy(q->call, call, sizeof q->call);
    (void)!desk_ask(approvals_desk(shard->gateway->approvals), q, NULL);
}

/* If it cannot even be asked, the hold stays: it counts as spent until an operator looks. */
void
settle_no_answer(const shard_tools *shard, ledger_verb verb, int64_t hold, uint64_t amount_micro_usd)
{
    question *q = NULL;
    if (question_new(shard->mail, QUESTION_SETTLE, AIP_BYTES_LITERAL("hold"), &q, NULL) != AIP_OK) {
        return;
    }
    q->unheard = true;
    q->request = (ledger_request){
        .verb = verb, .hold = hold, .amount_micro_usd = amount_micro_usd, .now_seconds = clock_now_seconds()};
    (void)!desk_ask(books_desk(shard->gateway->books), q, NULL);
}

static aip_status
ask_event(const shard_tools *shard, const gateway_event *event, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(question_new(shard->mail, QUESTION_EVENT, aip_bytes_of(event->name), &q, err));
    q->unheard = true;
    snprintf(q->about, sizeof q->about, "%s", event->decision_id == NULL ? "" : event->decision_id);
    snprintf(q->wanted, sizeof q->wanted, "%.*s", (int)event->subject.size, (const char *)event->subject.data);
    AIP_TRY(fill(q, event->detail, err));
    return desk_ask(scribe_desk(shard->gateway->scribe), q, err);
}

void
await_no_event(const shard_tools *shard, const gateway_event *event)
{
    if (ask_event(shard, event, NULL) != AIP_OK) {
        dprintf(STDERR_FILENO, "aip-gateway: WARNING an event could not be recorded: %s\n", event->name);
    }
}

static void
take_answer(exchange *x, question *q)
{
    x->question = NULL;
    x->arrived_status = q->status;
    memcpy(x->arrived_detail, q->detail, sizeof x->arrived_detail);
    if (q->kind == QUESTION_HOLD && q->status == AIP_OK) {
        x->cost.hold = q->request.answer.hold;
    }
    text_clear(&x->arrived);
    x->arrived = q->text;
    q->text = (text_buffer){0};
    x->wake(x);
}

void
await_deliver(const shard_tools *shard)
{
    mailbox_clear(shard->mail);
    for (question *q = mailbox_take(shard->mail); q != NULL; q = mailbox_take(shard->mail)) {
        if (q->asker != NULL) {
            take_answer(q->asker, q);
        } else if (q->kind == QUESTION_HOLD) {
            books_give_back(shard->gateway->books, &q);
        }
        question_free(&q);
    }
}

void
await_drop(exchange *x)
{
    question *q = x->question;
    if (q == NULL) {
        return;
    }
    q->asker = NULL; /* the question itself is freed when it comes back */
    x->question = NULL;
    if (q->kind == QUESTION_APPROVAL) {
        atomic_store(&q->left, true);
        desk_ring(approvals_desk(x->gateway->approvals));
    }
}

static void
give_up(exchange *x, aip_status why)
{
    await_drop(x);
    x->gave_up = true;
    x->arrived_status = why;
    x->arrived_detail[0] = '\0';
    x->wake(x);
}

void
await_sweep(exchange *x, uint64_t now)
{
    if (x->question != NULL && now - x->asked_microseconds >= x->patience_microseconds) {
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
