/* Holds on whole paths, and how they end. */
#include "store/ledger.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "store/ledger_inside.h"
#include "store/turn.h"

#define NUMBERS_AT_ONCE 1024

static const char *const sql[LEDGER_SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_DATA_VERSION] = "PRAGMA data_version",
    [SQL_ACCOUNT_READ] = "SELECT parent, ceiling, spent, held FROM ledger_account WHERE link = ?",
    [SQL_ACCOUNT_ADD] = "INSERT INTO ledger_account VALUES (?, ?, ?, ?, ?)",
    [SQL_ACCOUNT_WRITE] = "UPDATE ledger_account SET ceiling = ?2, spent = ?3, held = ?4 WHERE link = ?1",
    [SQL_NEXT_TAKE] = "UPDATE ledger_state SET next_hold = next_hold + ? RETURNING next_hold",
    [SQL_HOLD_ADD] = "INSERT INTO ledger_hold (number, run, leaf, amount, made_at, expires, key, digest)"
                     " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_HOLD_READ] = "SELECT number, run, leaf, amount, charged, key IS NOT NULL, made_at, taken_over, digest"
                      " FROM ledger_hold WHERE number = ?",
    [SQL_HOLD_FIND] = "SELECT number, run, leaf, amount, charged, key IS NOT NULL, made_at, taken_over, digest"
                      " FROM ledger_hold WHERE key = ?",
    [SQL_HOLD_TAKE_OVER] = "UPDATE ledger_hold SET run = ?2, made_at = ?3, taken_over = 1 WHERE number = ?1",
    [SQL_HOLD_CHARGE] = "UPDATE ledger_hold SET charged = ?2 WHERE number = ?1",
    [SQL_HOLD_DROP] = "DELETE FROM ledger_hold WHERE number = ?",
    [SQL_FORGET] = "DELETE FROM ledger_hold WHERE charged IS NOT NULL AND expires < ?",
    /* Depth first, by link: what is queued last and deepest is taken next. */
    [SQL_TREE] = "WITH RECURSIVE tree (link, depth, ceiling, spent, held) AS ("
                 "SELECT link, 0, ceiling, spent, held FROM ledger_account WHERE link = ?1"
                 " UNION ALL SELECT a.link, t.depth + 1, a.ceiling, a.spent, a.held"
                 " FROM tree t JOIN ledger_account a ON a.parent = t.link WHERE t.depth < 15 ORDER BY 2 DESC, 1)"
                 " SELECT link, depth, ceiling, spent, held FROM tree",
    [SQL_LEFT] = "SELECT number, made_at, leaf, amount, run FROM ledger_hold"
                 " WHERE charged IS NULL AND made_at < ?1 AND run <> ?2 ORDER BY made_at, number",
};

aip_status
ledger_open(store *s, ledger **out, aip_error *err)
{
    *out = NULL;
    if (s->has_ledger) {
        return aip_fail(err, AIP_INTERNAL, "the store has a ledger already");
    }
    ledger *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    l->hash_key = name_hash_key();
    l->runs_fd = -1;
    aip_status status = l->hash_key == NULL ? aip_fail(err, AIP_INTERNAL, "no randomness")
                                            : statements_prepare(s, sql, LEDGER_SQL_COUNT, &l->set, err);
    status = status == AIP_OK ? runs_begin(l, err) : status;
    if (status != AIP_OK) {
        runs_end(l);
        free(l);
        return status;
    }
    s->has_ledger = true;
    *out = l;
    return AIP_OK;
}

void
ledger_close(ledger **l)
{
    if (*l != NULL) {
        (*l)->set->store->has_ledger = false;
        runs_end(*l);
        free(*l);
        *l = NULL;
    }
}

/* ---- a new hold ---- */

static aip_status
load_path(ledger *l, const ledger_path *path, ledger_account **accounts, aip_error *err)
{
    for (size_t i = 0; i < path->count; i++) {
        AIP_TRY(accounts_load(l, path->links[i].link, &accounts[i], err));
    }
    return AIP_OK;
}

/* Is an account that is known already the child of the one before? Link ids say so by themselves; this finds a file
 * that is not what we wrote. */
static bool
is_in_place(const ledger_account *a, const ledger_account *parent)
{
    if (!a->is_stored && !a->is_changed) {
        return true;
    }
    return parent == NULL ? !a->has_parent : a->has_parent && memcmp(a->parent, parent->link, sizeof a->parent) == 0;
}

static bool
fits(const ledger_link *link, const ledger_account *a, uint64_t amount)
{
    uint64_t limit =
        link->has_ceiling && link->ceiling_micro_usd < LEDGER_TOTAL_MAX ? link->ceiling_micro_usd : LEDGER_TOTAL_MAX;
    uint64_t used = a->spent + a->held; /* at most LEDGER_TOTAL_MAX together */
    return amount <= limit && used <= limit - amount;
}

static void
judge_path(const ledger_request *r, ledger_account *const *accounts, ledger_answer *answer)
{
    for (size_t i = 0; i < r->path->count; i++) {
        if (!is_in_place(accounts[i], i == 0 ? NULL : accounts[i - 1])) {
            answer->verdict = AIP_STORE_INVALID;
            return;
        }
        if (!fits(&r->path->links[i], accounts[i], r->amount_micro_usd)) {
            answer->verdict = AIP_BUDGET_EXCEEDED;
            answer->at = (int)i;
            return;
        }
    }
    answer->verdict = AIP_OK;
}

static void
debit_path(ledger *l, const ledger_request *r, ledger_account *const *accounts)
{
    for (size_t i = 0; i < r->path->count; i++) {
        ledger_account *a = accounts[i];
        const ledger_link *link = &r->path->links[i];
        a->held += r->amount_micro_usd;
        a->has_ceiling = link->has_ceiling;
        a->ceiling = link->ceiling_micro_usd < LEDGER_TOTAL_MAX ? link->ceiling_micro_usd : LEDGER_TOTAL_MAX;
        a->has_parent = i > 0;
        if (i > 0) {
            memcpy(a->parent, accounts[i - 1]->link, sizeof a->parent);
        }
        accounts_note_change(l, a);
    }
}

/* Takes some numbers at once, so that not each transaction has to write how far they are given. What is reserved and
 * not used is lost: there are enough. */
static aip_status
reserve_numbers(ledger *l, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(l->set, SQL_NEXT_TAKE);
    bool row;
    statement_integer(&q, NUMBERS_AT_ONCE);
    AIP_TRY(statement_step(&q, &row, err));
    int64_t end = row ? statement_column_integer(&q, 0) : 0;
    if (end <= NUMBERS_AT_ONCE) {
        return aip_fail(err, AIP_STORE_INVALID, "the number of holds is lost");
    }
    l->next_hold = end - NUMBERS_AT_ONCE;
    l->reserved = end;
    return statement_step(&q, &row, err); /* to its end: only then it is done */
}

static aip_status
add_hold(ledger *l, const ledger_request *r, int64_t *number, aip_error *err)
{
    if (l->next_hold == l->reserved) {
        AIP_TRY(reserve_numbers(l, err));
    }
    STATEMENT_AUTO statement q = statement_of(l->set, SQL_HOLD_ADD);
    statement_integer(&q, l->next_hold);
    statement_integer(&q, l->run);
    statement_blob(&q, (aip_bytes){r->path->links[r->path->count - 1].link, AIP_HASH_BYTES});
    statement_integer(&q, (int64_t)r->amount_micro_usd);
    statement_integer(&q, r->now_seconds);
    statement_integer(&q, r->path->expires);
    if (r->key == NULL) {
        statement_null(&q);
        statement_null(&q);
    } else {
        statement_blob(&q, (aip_bytes){r->key->name, sizeof r->key->name});
        statement_blob(&q, (aip_bytes){r->key->digest, sizeof r->key->digest});
    }
    AIP_TRY(statement_run(&q, err));
    *number = l->next_hold++;
    return AIP_OK;
}

static aip_status
make_hold(ledger *l, ledger_request *r, aip_error *err)
{
    ledger_account *accounts[AIP_CHAIN_ELEMENTS_MAX];
    AIP_TRY(load_path(l, r->path, accounts, err));
    judge_path(r, accounts, &r->answer);
    if (r->answer.verdict != AIP_OK) {
        return AIP_OK;
    }
    AIP_TRY(add_hold(l, r, &r->answer.hold, err));
    debit_path(l, r, accounts);
    return AIP_OK;
}

/* ---- holds that are there ---- */

typedef struct {
    int64_t number, run, made_at;
    unsigned char leaf[AIP_HASH_BYTES], digest[AIP_HASH_BYTES];
    uint64_t amount, charged;
    bool is_open, has_key, taken_over;
} hold;

static aip_status
fail_damaged(aip_error *err)
{
    return aip_fail(err, AIP_STORE_INVALID, "a hold of the ledger is damaged");
}

static aip_status
read_hold(const statement *q, hold *out, aip_error *err)
{
    *out = (hold){.number = statement_column_integer(q, 0),
                  .run = statement_column_integer(q, 1),
                  .made_at = statement_column_integer(q, 6),
                  .is_open = statement_column_is_null(q, 4),
                  .has_key = statement_column_integer(q, 5) != 0,
                  .taken_over = statement_column_integer(q, 7) != 0};
    aip_bytes leaf = statement_column(q, 2), digest = statement_column(q, 8);
    if (leaf.size != sizeof out->leaf || digest.size != (out->has_key ? sizeof out->digest : 0)) {
        return fail_damaged(err);
    }
    memcpy(out->leaf, leaf.data, sizeof out->leaf);
    if (out->has_key) {
        memcpy(out->digest, digest.data, sizeof out->digest);
    }
    if (!out->is_open) {
        AIP_TRY(accounts_read_amount(q, 4, &out->charged, err));
    }
    return accounts_read_amount(q, 3, &out->amount, err);
}

static aip_status
find_hold(ledger *l, const ledger_request *r, bool *found, hold *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(l->set, r->verb == LEDGER_HOLD ? SQL_HOLD_FIND : SQL_HOLD_READ);
    if (r->verb == LEDGER_HOLD) {
        statement_blob(&q, (aip_bytes){r->key->name, sizeof r->key->name});
    } else {
        statement_integer(&q, r->hold);
    }
    AIP_TRY(statement_step(&q, found, err));
    return *found ? read_hold(&q, out, err) : AIP_OK;
}

static aip_status
judge_repeat(const ledger *l, const ledger_request *r, const hold *h)
{
    if (!hash_equal(h->digest, r->key->digest, sizeof h->digest)) {
        return AIP_BUDGET_CONFLICT;
    }
    if (!h->is_open) {
        return AIP_BUDGET_SETTLED;
    }
    bool abandoned = r->now_seconds - LEDGER_TAKEOVER_SECONDS >= h->made_at && !runs_is_alive(l, h->run);
    return abandoned ? AIP_OK : AIP_BUDGET_PENDING;
}

static aip_status
repeat_hold(ledger *l, ledger_request *r, const hold *h, aip_error *err)
{
    aip_status verdict = judge_repeat(l, r, h);
    r->answer = (ledger_answer){.verdict = verdict, .at = AIP_NOWHERE};
    if (verdict == AIP_BUDGET_CONFLICT) {
        return AIP_OK;
    }
    r->answer.hold = h->number;
    r->answer.repeated = true;
    r->answer.charged_micro_usd = h->charged;
    if (verdict != AIP_OK) {
        return AIP_OK;
    }
    STATEMENT_AUTO statement q = statement_of(l->set, SQL_HOLD_TAKE_OVER);
    statement_integer(&q, h->number);
    statement_integer(&q, l->run);
    statement_integer(&q, r->now_seconds);
    return statement_run(&q, err);
}

static aip_status
apply_hold(ledger *l, ledger_request *r, aip_error *err)
{
    bool found = false;
    hold h;
    if (r->path == NULL || r->path->count == 0 || r->path->count > AIP_CHAIN_ELEMENTS_MAX) {
        return aip_fail(err, AIP_INTERNAL, "a hold without a path");
    }
    if (r->key != NULL) {
        AIP_TRY(find_hold(l, r, &found, &h, err));
    }
    return found ? repeat_hold(l, r, &h, err) : make_hold(l, r, err);
}

/* ---- how a hold ends ---- */

/* The accounts of a hold, leaf first. */
static aip_status
load_upwards(ledger *l, const hold *h, ledger_account **accounts, size_t *count, aip_error *err)
{
    const unsigned char *link = h->leaf;
    for (*count = 0; *count < AIP_CHAIN_ELEMENTS_MAX;) {
        ledger_account *a;
        AIP_TRY(accounts_load(l, link, &a, err));
        if ((!a->is_stored && !a->is_changed) || a->held < h->amount) {
            return fail_damaged(err);
        }
        accounts[(*count)++] = a;
        if (!a->has_parent) {
            return AIP_OK;
        }
        link = a->parent;
    }
    return fail_damaged(err);
}

static void
credit(ledger *l, ledger_account *const *accounts, size_t count, const hold *h, uint64_t charged)
{
    for (size_t i = 0; i < count; i++) {
        accounts[i]->held -= h->amount;
        accounts[i]->spent += charged;
        accounts_note_change(l, accounts[i]);
    }
}

/* A charged hold with a key stays, so that its retries are known; what was never forwarded is as if it had never been.
 */
static aip_status
close_hold(ledger *l, const hold *h, uint64_t charged, bool forwarded, aip_error *err)
{
    bool stays = h->has_key && forwarded;
    STATEMENT_AUTO statement q = statement_of(l->set, stays ? SQL_HOLD_CHARGE : SQL_HOLD_DROP);
    statement_integer(&q, h->number);
    if (stays) {
        statement_integer(&q, (int64_t)charged);
    }
    return statement_run(&q, err);
}

static uint64_t
charge_of(const ledger_request *r, const hold *h, bool forwarded)
{
    if (!forwarded) {
        return 0;
    }
    /* What was taken over may have been forwarded before: whoever now says that it was not speaks for himself only. */
    bool cost_known = r->verb == LEDGER_SETTLE && r->amount_micro_usd < h->amount;
    return cost_known ? r->amount_micro_usd : h->amount;
}

static aip_status
apply_end(ledger *l, ledger_request *r, aip_error *err)
{
    ledger_account *accounts[AIP_CHAIN_ELEMENTS_MAX];
    bool found, forwarded;
    size_t count;
    hold h;
    AIP_TRY(find_hold(l, r, &found, &h, err));
    if (!found || !h.is_open || (h.run == l->run) == (r->verb == LEDGER_FREE)) {
        r->answer.verdict = AIP_BUDGET_HOLD_UNKNOWN;
        return AIP_OK;
    }
    if (r->verb == LEDGER_FREE && runs_is_alive(l, h.run)) {
        r->answer.verdict = AIP_BUDGET_HOLD_RUNNING;
        return AIP_OK;
    }
    forwarded = r->verb == LEDGER_SETTLE || (r->verb == LEDGER_RELEASE && h.taken_over);
    uint64_t charged = charge_of(r, &h, forwarded);
    AIP_TRY(load_upwards(l, &h, accounts, &count, err));
    AIP_TRY(close_hold(l, &h, charged, forwarded, err));
    credit(l, accounts, count, &h, charged);
    r->answer = (ledger_answer){AIP_OK, AIP_NOWHERE, h.number, h.taken_over, charged};
    return AIP_OK;
}

/* ---- one transaction ---- */

/* What is damaged of one request does not end the others'. A request changes accounts last, so a failed one has changed
 * none. */
static aip_status
apply_one(ledger *l, ledger_request *r, aip_error *err)
{
    aip_status status = r->verb == LEDGER_HOLD ? apply_hold(l, r, err) : apply_end(l, r, err);
    if (status != AIP_STORE_INVALID || sqlite3_get_autocommit(l->set->store->db) != 0) {
        return status;
    }
    r->answer = (ledger_answer){.verdict = status, .at = AIP_NOWHERE};
    return AIP_OK;
}

static aip_status
apply_all(ledger *l, ledger_request *requests, size_t count, aip_error *err)
{
    AIP_TRY(accounts_begin(l, count, err));
    for (size_t i = 0; i < count; i++) {
        AIP_TRY(apply_one(l, &requests[i], err));
    }
    return accounts_save(l, err);
}

static void
answer_all(ledger_request *requests, size_t count, aip_status verdict)
{
    for (size_t i = 0; i < count; i++) {
        requests[i].answer = (ledger_answer){.verdict = verdict, .at = AIP_NOWHERE};
    }
}

static aip_status
run_prepared(ledger *l, ledger_sql which, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(l->set, which);
    return statement_run(&q, err);
}

/* As transaction_begin and transaction_end, without having SQLite read the same two words each time. */
static aip_status
commit_all(ledger *l, ledger_request *requests, size_t count, aip_error *err)
{
    if (!turn_take()) {
        return store_fail(SQLITE_BUSY, err);
    }
    aip_status status = run_prepared(l, SQL_BEGIN, err);
    status = status == AIP_OK ? apply_all(l, requests, count, err) : status;
    status = status == AIP_OK ? run_prepared(l, SQL_COMMIT, err) : status;
    if (status != AIP_OK) {
        return transaction_end(l->set->store, status, err);
    }
    turn_leave();
    return AIP_OK;
}

aip_status
ledger_apply(ledger *l, ledger_request *requests, size_t count, aip_error *err)
{
    answer_all(requests, count, AIP_INTERNAL);
    if (count > LEDGER_PER_COMMIT) {
        return aip_fail(err, AIP_INTERNAL, "too many requests for one transaction");
    }
    aip_status status = commit_all(l, requests, count, err);
    accounts_end(l, status == AIP_OK);
    if (status != AIP_OK) {
        answer_all(requests, count, status);
    }
    return status;
}

aip_status
ledger_forget(ledger *l, int64_t now_seconds, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(l->set, SQL_FORGET);
    statement_integer(&q, now_seconds);
    return statement_run(&q, err);
}
