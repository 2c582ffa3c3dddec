/* Money: what a call may cost is held on its chain's whole path before it goes on, and settled afterwards. */
#include "base/clock.h"
#include "gateway/figures.h"
#include "gateway/await.h"
#include "gateway/stages.h"

/* The most that the call may cost. */
static aip_status
price_call(exchange *x, aip_error *err)
{
    const policy_price *price = x->was_judged ? x->judged.price : NULL;
    x->cost.most_micro_usd = 0;
    return price == NULL ? AIP_OK
                         : policy_price_hold(price, &x->document, x->argument_node, &x->cost.most_micro_usd, err);
}

static aip_status
ask(exchange *x, aip_error *err)
{
    size_t count = 0;
    aip_bytes client_key = exchange_header(x, "Idempotency-Key", &count);
    hold_wish wish = {.amount_micro_usd = x->cost.most_micro_usd};
    AIP_TRY(ledger_path_of(&x->verdict.grant, aip_bytes_of(x->gateway->self.did), &wish.path, err));
    if (count > 1) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "Idempotency-Key stands there twice");
    }
    if (count > 0) {
        const aip_bytes none = AIP_BYTES_LITERAL("{}");
        const ledger_call call = {x->name, x->arguments.size > 0 ? x->arguments : none, client_key};
        AIP_TRY(ledger_key_of(&wish.path, &call, &wish.key, err));
        wish.has_key = true;
        x->record.idempotency = client_key;
    }
    x->cost.asked = true;
    return await_hold(x, &wish, err);
}

aip_status
spend_hold(exchange *x, aip_error *err)
{
    if (x->question != NULL) {
        return AIP_DID_PENDING; /* whatever woke the request, it was not the ledger */
    }
    if (!x->cost.asked) {
        AIP_TRY(price_call(x, err));
        if (x->cost.most_micro_usd == 0) {
            return AIP_OK;
        }
        return x->gateway->books == NULL ? aip_fail(err, AIP_STORE_UNAVAILABLE, "no ledger is kept") : ask(x, err);
    }
    if (x->arrived_status != AIP_OK) {
        aip_status status = x->arrived_status == AIP_FETCH_TIMEOUT ? AIP_STORE_UNAVAILABLE : x->arrived_status;
        return aip_fail(err, status, "%s", x->arrived_detail);
    }
    figures_move(x->shard, METRICS_HOLDS, 1);
    x->record.has_cost = true;
    x->record.cost_micro_usd = x->cost.most_micro_usd;
    x->record.hold = (uint64_t)x->cost.hold;
    return AIP_OK;
}

/* Ends the hold; nobody waits for it. */
static void
end(exchange *x, ledger_verb verb, uint64_t amount_micro_usd)
{
    if (x->cost.hold == 0 || x->cost.ended) {
        return;
    }
    x->cost.ended = true;
    figures_move(x->shard, METRICS_HOLDS, -1);
    x->cost.charged_micro_usd = verb == LEDGER_RELEASE ? 0 : amount_micro_usd;
    settle_no_answer(x->shard, verb, x->cost.hold, amount_micro_usd);
}

void
spend_release(exchange *x)
{
    end(x, LEDGER_RELEASE, 0);
}

void
spend_note_actual(exchange *x, const scan_document *message, uint32_t result)
{
    uint32_t meta = result == SCAN_NONE || scan_kind_of(message, result) != SCAN_OBJECT
                        ? SCAN_NONE
                        : scan_member(message, result, "_meta");
    uint32_t said = meta == SCAN_NONE || scan_kind_of(message, meta) != SCAN_OBJECT
                        ? SCAN_NONE
                        : scan_member(message, meta, "aip/cost_usd");
    char text[32];
    size_t size = 0;
    if (said == SCAN_NONE || x->cost.hold == 0 || x->judged.price == NULL ||
        !policy_price_trusts_actual(x->judged.price)) {
        return;
    }
    if (scan_kind_of(message, said) == SCAN_STRING &&
        scan_unescape(message, said, text, sizeof text, &size, NULL) == AIP_OK) {
        x->cost.has_actual =
            aip_budget_parse((aip_bytes){(const unsigned char *)text, size}, &x->cost.actual_micro_usd, NULL) == AIP_OK;
    } else if (scan_kind_of(message, said) == SCAN_NUMBER) {
        x->cost.has_actual = aip_budget_parse(scan_raw(message, said), &x->cost.actual_micro_usd, NULL) == AIP_OK;
    }
}

/* An answer that did not come whole, or was not let through, costs all that was held. */
void
spend_settle(exchange *x)
{
    const exchange_cost *cost = &x->cost;
    uint64_t charged = cost->most_micro_usd;
    if (cost->hold != 0 && x->judged.price != NULL && x->refusal.status == AIP_OK) {
        charged = policy_price_settle(x->judged.price, cost->most_micro_usd, x->reply_bytes, cost->has_actual,
                                      cost->actual_micro_usd);
    }
    end(x, LEDGER_SETTLE, charged);
}
