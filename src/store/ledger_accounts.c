/* Accounts in memory: read when another connection may have changed them, written once a transaction. */
#include "store/ledger_inside.h"

/* With many connections that is in each transaction, for a few accounts. */
static void
forget(ledger *l)
{
    for (size_t i = 0; i < l->count; i++) {
        l->slots[l->accounts[i].slot] = 0;
    }
    l->count = 0;
}

/* Within a transaction that writes no other connection changes anything, and what this one changes does not count. */
static aip_status
read_data_version(ledger *l, int64_t *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(l->set, SQL_DATA_VERSION);
    bool row;
    AIP_TRY(statement_step(&q, &row, err));
    *out = row ? statement_column_integer(&q, 0) : 0;
    return AIP_OK;
}

aip_status
accounts_begin(ledger *l, size_t count, aip_error *err)
{
    int64_t version = 0;
    AIP_TRY(read_data_version(l, &version, err));
    if (version != l->data_version || l->count + count * AIP_CHAIN_ELEMENTS_MAX > LEDGER_ACCOUNTS_MAX) {
        forget(l);
    }
    l->data_version = version;
    return AIP_OK;
}

void
accounts_end(ledger *l, bool committed)
{
    for (size_t i = 0; i < l->changed_count; i++) {
        ledger_account *a = &l->accounts[l->changed[i]];
        a->is_stored = true;
        a->is_changed = false;
    }
    l->changed_count = 0;
    if (!committed) {
        l->next_hold = l->reserved = 0; /* they may be of this transaction */
        forget(l);
    }
}

void
accounts_note_change(ledger *l, ledger_account *a)
{
    if (!a->is_changed) {
        a->is_changed = true;
        l->changed[l->changed_count++] = (uint16_t)(a - l->accounts);
    }
}

aip_status
accounts_read_amount(const statement *q, int column, uint64_t *out, aip_error *err)
{
    int64_t value = statement_column_integer(q, column);
    if (value < 0 || (uint64_t)value > LEDGER_TOTAL_MAX) {
        return aip_fail(err, AIP_STORE_INVALID, "an amount of the ledger is out of range");
    }
    *out = (uint64_t)value;
    return AIP_OK;
}

static aip_status
read_row(const statement *q, ledger_account *a, aip_error *err)
{
    a->is_stored = true;
    a->has_parent = !statement_column_is_null(q, 0);
    a->has_ceiling = !statement_column_is_null(q, 1);
    if (a->has_parent) {
        aip_bytes parent = statement_column(q, 0);
        if (parent.size != sizeof a->parent) {
            return aip_fail(err, AIP_STORE_INVALID, "an account of the ledger is damaged");
        }
        memcpy(a->parent, parent.data, sizeof a->parent);
    }
    if (a->has_ceiling) {
        AIP_TRY(accounts_read_amount(q, 1, &a->ceiling, err));
    }
    AIP_TRY(accounts_read_amount(q, 2, &a->spent, err));
    AIP_TRY(accounts_read_amount(q, 3, &a->held, err));
    return a->spent + a->held <= LEDGER_TOTAL_MAX
               ? AIP_OK
               : aip_fail(err, AIP_STORE_INVALID, "an account of the ledger is out of range");
}

static aip_status
read_account(ledger *l, ledger_account *a, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(l->set, SQL_ACCOUNT_READ);
    bool row;
    statement_blob(&q, (aip_bytes){a->link, sizeof a->link});
    AIP_TRY(statement_step(&q, &row, err));
    return row ? read_row(&q, a, err) : AIP_OK;
}

/* Keyed: who grinds link ids cannot make them collide here. */
static size_t
find_slot(const ledger *l, const unsigned char link[AIP_HASH_BYTES])
{
    size_t at = (size_t)name_hash(l->hash_key, (aip_bytes){link, AIP_HASH_BYTES}) % LEDGER_SLOTS;
    while (l->slots[at] != 0 && memcmp(l->accounts[l->slots[at] - 1].link, link, AIP_HASH_BYTES) != 0) {
        at = (at + 1) % LEDGER_SLOTS;
    }
    return at;
}

aip_status
accounts_load(ledger *l, const unsigned char link[AIP_HASH_BYTES], ledger_account **out, aip_error *err)
{
    size_t at = find_slot(l, link);
    if (l->slots[at] != 0) {
        *out = &l->accounts[l->slots[at] - 1];
        return AIP_OK;
    }
    if (l->count == LEDGER_ACCOUNTS_MAX) {
        return aip_fail(err, AIP_INTERNAL, "no room for accounts");
    }
    ledger_account *a = &l->accounts[l->count];
    *a = (ledger_account){.slot = (uint16_t)at};
    memcpy(a->link, link, sizeof a->link);
    AIP_TRY(read_account(l, a, err));
    l->slots[at] = (uint16_t)++l->count;
    *out = a;
    return AIP_OK;
}

static void
bind_optional(statement *q, bool some, uint64_t value)
{
    if (some) {
        statement_integer(q, (int64_t)value);
    } else {
        statement_null(q);
    }
}

static aip_status
add_account(ledger *l, const ledger_account *a, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(l->set, SQL_ACCOUNT_ADD);
    statement_blob(&q, (aip_bytes){a->link, sizeof a->link});
    if (a->has_parent) {
        statement_blob(&q, (aip_bytes){a->parent, sizeof a->parent});
    } else {
        statement_null(&q);
    }
    bind_optional(&q, a->has_ceiling, a->ceiling);
    statement_integer(&q, (int64_t)a->spent);
    statement_integer(&q, (int64_t)a->held);
    return statement_run(&q, err);
}

static aip_status
write_account(ledger *l, const ledger_account *a, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(l->set, SQL_ACCOUNT_WRITE);
    statement_blob(&q, (aip_bytes){a->link, sizeof a->link});
    bind_optional(&q, a->has_ceiling, a->ceiling);
    statement_integer(&q, (int64_t)a->spent);
    statement_integer(&q, (int64_t)a->held);
    AIP_TRY(statement_run(&q, err));
    return sqlite3_changes(l->set->store->db) == 1 ? AIP_OK : aip_fail(err, AIP_STORE_INVALID, "an account vanished");
}

aip_status
accounts_save(ledger *l, aip_error *err)
{
    for (size_t i = 0; i < l->changed_count; i++) {
        const ledger_account *a = &l->accounts[l->changed[i]];
        AIP_TRY(a->is_stored ? write_account(l, a, err) : add_account(l, a, err));
    }
    return AIP_OK;
}
