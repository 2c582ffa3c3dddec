/* What an operator sees of the ledger: trees of accounts, and holds that were left open. */
#include "store/ledger_inside.h"

/* What is left on the path so far. */
typedef struct {
    bool some;
    uint64_t micro_usd;
} remainder;

static remainder
remain(remainder above, const ledger_row *row)
{
    uint64_t used = row->spent_micro_usd + row->held_micro_usd;
    if (!row->has_ceiling) {
        return above;
    }
    /* A ceiling that the operator lowered may lie below what was used. */
    uint64_t own = row->ceiling_micro_usd > used ? row->ceiling_micro_usd - used : 0;
    return above.some && above.micro_usd < own ? above : (remainder){true, own};
}

static void
row_of(const ledger_account *a, ledger_row *out)
{
    *out = (ledger_row){.has_ceiling = a->has_ceiling,
                        .ceiling_micro_usd = a->ceiling,
                        .spent_micro_usd = a->spent,
                        .held_micro_usd = a->held};
    memcpy(out->link, a->link, sizeof out->link);
}

/* The ancestors of the first row, nearest first; *first becomes the row to begin with. */
static aip_status
climb(ledger *l, ledger_start start, unsigned char first[AIP_HASH_BYTES], remainder *above, aip_error *err)
{
    ledger_account *a;
    AIP_TRY(accounts_load(l, first, &a, err));
    if (!a->is_stored) {
        return aip_fail(err, AIP_BUDGET_ACCOUNT_UNKNOWN, NULL);
    }
    for (size_t i = 0; a->has_parent; i++) {
        ledger_row row;
        AIP_TRY(accounts_load(l, a->parent, &a, err));
        if (!a->is_stored || i == AIP_CHAIN_ELEMENTS_MAX) {
            return aip_fail(err, AIP_STORE_INVALID, "an account of the ledger has no root");
        }
        row_of(a, &row);
        *above = remain(*above, &row);
    }
    if (start == LEDGER_FROM_ROOT) {
        memcpy(first, a->link, AIP_HASH_BYTES);
        *above = (remainder){0};
    }
    return AIP_OK;
}

static aip_status
read_row(const statement *q, ledger_row *row, aip_error *err)
{
    aip_bytes link = statement_column(q, 0);
    int64_t depth = statement_column_integer(q, 1);
    *row = (ledger_row){.depth = (size_t)depth, .has_ceiling = !statement_column_is_null(q, 2)};
    if (link.size != sizeof row->link || depth < 0 || depth >= AIP_CHAIN_ELEMENTS_MAX) {
        return aip_fail(err, AIP_STORE_INVALID, "an account of the ledger is damaged");
    }
    memcpy(row->link, link.data, sizeof row->link);
    if (row->has_ceiling) {
        AIP_TRY(accounts_read_amount(q, 2, &row->ceiling_micro_usd, err));
    }
    AIP_TRY(accounts_read_amount(q, 3, &row->spent_micro_usd, err));
    return accounts_read_amount(q, 4, &row->held_micro_usd, err);
}

static aip_status
walk(ledger *l, aip_bytes first, remainder above, const ledger_row_sink *sink, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(l->set, SQL_TREE);
    remainder left[AIP_CHAIN_ELEMENTS_MAX];
    bool more;
    statement_blob(&q, first);
    AIP_TRY(statement_step(&q, &more, err));
    while (more) {
        ledger_row row;
        AIP_TRY(read_row(&q, &row, err));
        left[row.depth] = remain(row.depth == 0 ? above : left[row.depth - 1], &row);
        row.has_left = left[row.depth].some;
        row.left_micro_usd = left[row.depth].micro_usd;
        AIP_TRY(sink->take(sink->context, &row, err));
        AIP_TRY(statement_step(&q, &more, err));
    }
    return AIP_OK;
}

static aip_status
climb_and_walk(ledger *l, const unsigned char link[AIP_HASH_BYTES], ledger_start start, const ledger_row_sink *sink,
               aip_error *err)
{
    unsigned char first[AIP_HASH_BYTES];
    remainder above = {0};
    AIP_TRY(accounts_begin(l, 1, err));
    memcpy(first, link, sizeof first);
    AIP_TRY(climb(l, start, first, &above, err));
    return walk(l, (aip_bytes){first, sizeof first}, above, sink, err);
}

aip_status
ledger_tree(ledger *l, const unsigned char link[AIP_HASH_BYTES], ledger_start start, const ledger_row_sink *sink,
            aip_error *err)
{
    /* One that only reads: all of it is of one moment, and no writer waits. */
    AIP_TRY(store_execute(l->set->store, "BEGIN", err));
    aip_status status = transaction_end(l->set->store, climb_and_walk(l, link, start, sink, err), err);
    accounts_end(l, status == AIP_OK);
    return status;
}

aip_status
ledger_list_left(ledger *l, int64_t before_seconds, const ledger_left_sink *sink, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(l->set, SQL_LEFT);
    bool more;
    statement_integer(&q, before_seconds);
    statement_integer(&q, l->run);
    AIP_TRY(statement_step(&q, &more, err));
    while (more) {
        ledger_left row = {.hold = statement_column_integer(&q, 0), .made_at = statement_column_integer(&q, 1)};
        aip_bytes leaf = statement_column(&q, 2);
        if (leaf.size != sizeof row.leaf) {
            return aip_fail(err, AIP_STORE_INVALID, "a hold of the ledger is damaged");
        }
        memcpy(row.leaf, leaf.data, sizeof row.leaf);
        AIP_TRY(accounts_read_amount(&q, 3, &row.amount_micro_usd, err));
        row.is_running = runs_is_alive(l, statement_column_integer(&q, 4));
        AIP_TRY(sink->take(sink->context, &row, err));
        AIP_TRY(statement_step(&q, &more, err));
    }
    return AIP_OK;
}
