/* The tables of revocations and of the lists they were read from. */
#include "store/revocations.h"

#include "store/statement.h"

enum {
    SQL_FIND,
    SQL_JUDGE,
    SQL_COUNT_UNJUDGED,
    SQL_ADD,
    SQL_ADD_STATEMENT,
    SQL_MARK_JUDGED,
    SQL_LOAD,
    SQL_PAGE,
    SQL_HIGHEST,
    SQL_FIND_MARK,
    SQL_KEEP_MARK,
    SQL_COUNT
};

static const char *const sql[SQL_COUNT] = {
    [SQL_FIND] = "SELECT number, judged FROM revocation WHERE id = ?",
    [SQL_JUDGE] = "UPDATE revocation SET judged = 1 WHERE number = ?",
    /* `judged = 0` as it stands in the partial indices, so that they serve. */
    [SQL_COUNT_UNJUDGED] = "SELECT count(*) FROM revocation WHERE source = ? AND judged = 0",
    [SQL_ADD] = "INSERT INTO revocation (id, kind, target_id, issuer, issued_at, sequence, judged, source, received_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_ADD_STATEMENT] = "INSERT INTO revocation_statement VALUES (?, ?)",
    [SQL_MARK_JUDGED] = "UPDATE revocation SET judged = 1"
                        " WHERE judged = 0 AND target_id = ? AND kind = ? AND issuer = ?",
    [SQL_LOAD] = "SELECT kind, target_id, issuer FROM revocation WHERE number > ? ORDER BY number",
    /* A lost statement shows as NULL, where an inner join would leave the number out. */
    [SQL_PAGE] = "SELECT r.number, r.judged, s.text FROM revocation AS r"
                 " LEFT JOIN revocation_statement AS s ON s.number = r.number"
                 " WHERE r.number > ? ORDER BY r.number LIMIT ?",
    [SQL_HIGHEST] = "SELECT seq FROM sqlite_sequence WHERE name = 'revocation'",
    [SQL_FIND_MARK] = "SELECT last_number, last_time, highest, complete_at FROM revocation_source"
                      " WHERE url = ? AND issuer = ?",
    [SQL_KEEP_MARK] = "INSERT INTO revocation_source (url, issuer, last_number, last_time, highest, complete_at)"
                      " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (url, issuer) DO UPDATE SET"
                      " last_number = excluded.last_number, last_time = excluded.last_time,"
                      " highest = excluded.highest, complete_at = excluded.complete_at",
};

aip_status
store_revocations_open(store *s, revocation_table *out, aip_error *err)
{
    return statements_prepare(s, sql, SQL_COUNT, &out->set, err);
}

/* ---- adding ---- */

static aip_status
find(const revocation_table *table, const revocation_record *record, revocation_place *out, bool *judged,
     aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_FIND);
    statement_blob(&q, (aip_bytes){record->id, sizeof record->id});
    AIP_TRY(statement_step(&q, &out->known, err));
    if (out->known) {
        out->number = statement_column_integer(&q, 0);
        *judged = statement_column_integer(&q, 1) != 0;
    }
    return AIP_OK;
}

static aip_status
judge(const revocation_table *table, int64_t number, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_JUDGE);
    statement_integer(&q, number);
    return statement_run(&q, err);
}

static aip_status
check_room(const revocation_table *table, const revocation_record *record, aip_error *err)
{
    size_t waiting = 0;
    if (record->judged || record->configured) {
        return AIP_OK;
    }
    AIP_TRY(store_revocations_count_unjudged(table, record->source, &waiting, err));
    return waiting < AIP_REVOCATIONS_UNJUDGED_MAX ? AIP_OK : aip_fail(err, AIP_REVOCATION_FULL, NULL);
}

static aip_status
insert_fact(const revocation_table *table, const revocation_record *record, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_ADD);
    statement_blob(&q, (aip_bytes){record->id, sizeof record->id});
    statement_integer(&q, (int64_t)record->fact.kind);
    statement_blob(&q, (aip_bytes){record->fact.target_id, sizeof record->fact.target_id});
    statement_text(&q, record->fact.issuer);
    statement_integer(&q, record->issued_at);
    statement_integer(&q, (int64_t)record->sequence);
    statement_integer(&q, record->judged);
    statement_text(&q, record->source);
    statement_integer(&q, record->received_at);
    return statement_run(&q, err);
}

static aip_status
insert_statement(const revocation_table *table, const revocation_record *record, int64_t number, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_ADD_STATEMENT);
    statement_integer(&q, number);
    statement_text(&q, record->statement);
    return statement_run(&q, err);
}

/* Inside a transaction. */
static aip_status
add(const revocation_table *table, const revocation_record *record, revocation_place *out, aip_error *err)
{
    bool judged = false;
    AIP_TRY(find(table, record, out, &judged, err));
    if (out->known) {
        return record->judged && !judged ? judge(table, out->number, err) : AIP_OK;
    }
    AIP_TRY(check_room(table, record, err));
    AIP_TRY(insert_fact(table, record, err));
    out->number = sqlite3_last_insert_rowid(table->set->store->db);
    return insert_statement(table, record, out->number, err);
}

aip_status
store_revocations_add(const revocation_table *table, const revocation_record *record, revocation_place *out,
                      aip_error *err)
{
    AIP_TRY(transaction_begin(table->set->store, err));
    return transaction_end(table->set->store, add(table, record, out, err), err);
}

aip_status
store_revocations_mark_judged(const revocation_table *table, const revoked_fact *fact, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_MARK_JUDGED);
    statement_blob(&q, (aip_bytes){fact->target_id, sizeof fact->target_id});
    statement_integer(&q, (int64_t)fact->kind);
    statement_text(&q, fact->issuer);
    return statement_run(&q, err);
}

/* ---- reading ---- */

static aip_status
load_one(const statement *q, const revoked_sink *sink, aip_error *err)
{
    int64_t kind = statement_column_integer(q, 0);
    aip_bytes target = statement_column(q, 1);
    revoked_fact fact = {.kind = (revocation_kind)kind, .issuer = statement_column(q, 2)};
    if (kind < REVOKED_LINK || kind > REVOKED_KEY || target.size != sizeof fact.target_id || fact.issuer.size == 0) {
        return aip_fail(err, AIP_STORE_INVALID, "a revocation is damaged");
    }
    memcpy(fact.target_id, target.data, sizeof fact.target_id);
    return sink->take(sink->context, &fact, err);
}

aip_status
store_revocations_load(const revocation_table *table, int64_t since, const revoked_sink *sink, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_LOAD);
    bool row;
    statement_integer(&q, since);
    AIP_TRY(statement_step(&q, &row, err));
    while (row) {
        AIP_TRY(load_one(&q, sink, err));
        AIP_TRY(statement_step(&q, &row, err));
    }
    return AIP_OK;
}

static aip_status
page_one(const statement *q, const revocation_sink *sink, aip_error *err)
{
    const revocation_row row = {.number = statement_column_integer(q, 0),
                                .judged = statement_column_integer(q, 1) != 0,
                                .statement = statement_column(q, 2)};
    return row.statement.size > 0 ? sink->take(sink->context, &row, err)
                                  : aip_fail(err, AIP_STORE_INVALID, "a revocation's statement is lost");
}

aip_status
store_revocations_page(const revocation_table *table, int64_t since, size_t limit, const revocation_sink *sink,
                       aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_PAGE);
    bool row;
    statement_integer(&q, since);
    statement_integer(&q, limit > INT32_MAX ? INT32_MAX : (int64_t)limit);
    AIP_TRY(statement_step(&q, &row, err));
    while (row) {
        AIP_TRY(page_one(&q, sink, err));
        AIP_TRY(statement_step(&q, &row, err));
    }
    return AIP_OK;
}

aip_status
store_revocations_highest(const revocation_table *table, int64_t *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_HIGHEST);
    bool row;
    AIP_TRY(statement_step(&q, &row, err));
    *out = row ? statement_column_integer(&q, 0) : 0;
    return AIP_OK;
}

aip_status
store_revocations_count_unjudged(const revocation_table *table, aip_bytes source, size_t *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_COUNT_UNJUDGED);
    bool row;
    statement_text(&q, source);
    AIP_TRY(statement_step(&q, &row, err));
    *out = row ? (size_t)statement_column_integer(&q, 0) : SIZE_MAX;
    return AIP_OK;
}

/* ---- lists ---- */

aip_status
store_revocations_find_mark(const revocation_table *table, aip_bytes url, aip_bytes issuer, revocation_mark *out,
                            aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_FIND_MARK);
    bool row;
    *out = (revocation_mark){0};
    statement_text(&q, url);
    statement_text(&q, issuer);
    AIP_TRY(statement_step(&q, &row, err));
    if (row) {
        *out = (revocation_mark){statement_column_integer(&q, 0), statement_column_integer(&q, 1),
                                 statement_column_integer(&q, 2), statement_column_integer(&q, 3)};
    }
    return AIP_OK;
}

static aip_status
check_mark(const revocation_mark *mark, const revocation_page *page, aip_error *err)
{
    if (page->from < 0 || page->to < page->from || page->last < page->to || page->to < mark->number ||
        page->last < mark->highest || page->issued_at < mark->issued_at) {
        return aip_fail(err, AIP_REVOCATION_LIST_ROLLBACK, NULL);
    }
    return page->from <= mark->number ? AIP_OK : aip_fail(err, AIP_REVOCATION_LIST_GAP, NULL);
}

static aip_status
keep_mark(const revocation_table *table, const revocation_page *page, int64_t complete_at, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_KEEP_MARK);
    statement_text(&q, page->url);
    statement_text(&q, page->issuer);
    statement_integer(&q, page->to);
    statement_integer(&q, page->issued_at);
    statement_integer(&q, page->last);
    statement_integer(&q, complete_at);
    return statement_run(&q, err);
}

/* The mark is checked inside as well: another process may have read on since this one asked. */
static aip_status
add_page(const revocation_table *table, const revocation_page *page, revocation_place *places, aip_error *err)
{
    revocation_mark mark;
    AIP_TRY(store_revocations_find_mark(table, page->url, page->issuer, &mark, err));
    AIP_TRY(check_mark(&mark, page, err));
    for (size_t i = 0; i < page->count; i++) {
        AIP_TRY(add(table, &page->records[i], &places[i], err));
    }
    return keep_mark(table, page, page->to == page->last ? page->issued_at : mark.complete_at, err);
}

aip_status
store_revocations_add_page(const revocation_table *table, const revocation_page *page, revocation_place *places,
                           aip_error *err)
{
    AIP_TRY(transaction_begin(table->set->store, err));
    return transaction_end(table->set->store, add_page(table, page, places, err), err);
}
