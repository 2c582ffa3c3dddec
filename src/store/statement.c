/* Prepared statements, transactions, and SQLite's codes as statuses. */
#include "store/statement.h"

#include <stdlib.h>

#include "store/turn.h"

aip_status
store_fail(int code, aip_error *err)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return aip_fail(err, AIP_STORE_INVALID, "%s", sqlite3_errstr(code));
    default:
        return aip_fail(err, AIP_STORE_UNAVAILABLE, "%s", sqlite3_errstr(code));
    }
}

aip_status
store_check(int code, aip_error *err)
{
    return code == SQLITE_OK ? AIP_OK : store_fail(code, err);
}

aip_status
store_execute(store *s, const char *sql, aip_error *err)
{
    return store_check(sqlite3_exec(s->db, sql, NULL, NULL, NULL), err);
}

aip_status
store_query_integer(store *s, const char *sql, int64_t *out, aip_error *err)
{
    sqlite3_stmt *prepared = NULL;
    *out = 0;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &prepared, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(prepared);
        if (code == SQLITE_ROW) {
            *out = sqlite3_column_int64(prepared, 0);
            code = SQLITE_DONE;
        }
    }
    sqlite3_finalize(prepared);
    return code == SQLITE_DONE ? AIP_OK : store_fail(code, err);
}

aip_status
statements_prepare(store *s, const char *const *sql, size_t count, statement_set **out, aip_error *err)
{
    statement_set *set = calloc(1, sizeof *set + count * sizeof(sqlite3_stmt *));
    if (set == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *set = (statement_set){.next = s->sets, .store = s, .count = count};
    s->sets = set;
    for (size_t i = 0; i < count; i++) {
        AIP_TRY(store_check(sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &set->prepared[i], NULL),
                            err));
    }
    *out = set;
    return AIP_OK;
}

statement
statement_of(const statement_set *set, size_t which)
{
    return (statement){.sql = set->prepared[which], .code = SQLITE_OK};
}

void
statement_end(statement *q)
{
    sqlite3_reset(q->sql);
    sqlite3_clear_bindings(q->sql);
}

static void
note_bound(statement *q, int code)
{
    if (q->code == SQLITE_OK) {
        q->code = code;
    }
}

void
statement_text(statement *q, aip_bytes value)
{
    const char *text = value.data == NULL ? "" : (const char *)value.data;
    note_bound(q, sqlite3_bind_text64(q->sql, ++q->bound, text, value.size, SQLITE_STATIC, SQLITE_UTF8));
}

void
statement_blob(statement *q, aip_bytes value)
{
    /* A null address would bind NULL. */
    note_bound(q, sqlite3_bind_blob64(q->sql, ++q->bound, value.data == NULL ? (const void *)"" : value.data,
                                      value.size, SQLITE_STATIC));
}

void
statement_integer(statement *q, int64_t value)
{
    note_bound(q, sqlite3_bind_int64(q->sql, ++q->bound, value));
}

void
statement_null(statement *q)
{
    note_bound(q, sqlite3_bind_null(q->sql, ++q->bound));
}

aip_status
statement_step(statement *q, bool *row, aip_error *err)
{
    *row = false;
    AIP_TRY(store_check(q->code, err));
    int code = sqlite3_step(q->sql);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? AIP_OK : store_fail(code, err);
}

aip_status
statement_run(statement *q, aip_error *err)
{
    bool row;
    return statement_step(q, &row, err);
}

aip_bytes
statement_column(const statement *q, int column)
{
    /* The address first: asking for it may convert, and only then is the size right. */
    const unsigned char *data = sqlite3_column_blob(q->sql, column);
    return (aip_bytes){data, (size_t)sqlite3_column_bytes(q->sql, column)};
}

int64_t
statement_column_integer(const statement *q, int column)
{
    return sqlite3_column_int64(q->sql, column);
}

bool
statement_column_is_null(const statement *q, int column)
{
    return sqlite3_column_type(q->sql, column) == SQLITE_NULL;
}

aip_status
transaction_begin(store *s, aip_error *err)
{
    if (!turn_take()) {
        return store_fail(SQLITE_BUSY, err);
    }
    /* Immediate: a transaction that read first could not be made to write once another one has written. */
    aip_status status = store_execute(s, "BEGIN IMMEDIATE", err);
    if (status != AIP_OK) {
        turn_leave();
    }
    return status;
}

aip_status
transaction_end(store *s, aip_status so_far, aip_error *err)
{
    if (so_far == AIP_OK) {
        so_far = store_execute(s, "COMMIT", err);
    }
    /* Some failures have rolled back by themselves. */
    if (so_far != AIP_OK && sqlite3_get_autocommit(s->db) == 0) {
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    turn_leave();
    return so_far;
}
