/* What the files of this folder share: prepared statements, transactions, and SQLite's codes as statuses. */
#ifndef STORE_STATEMENT_H
#define STORE_STATEMENT_H

#include <sqlite3.h>

#include "store/store.h"

/* The statements of one file or noun, prepared once; the store owns them. */
typedef struct statement_set {
    struct statement_set *next;
    store *store;
    size_t count;
    sqlite3_stmt *prepared[];
} statement_set;

struct store {
    sqlite3 *db;
    statement_set *sets;
    bool has_ledger; /* its memory of accounts sees what others write, not what another one of this connection would */
};

/* store.invalid for a damaged file or one that is no database, memory, else store.unavailable; with SQLite's general
 * sentence, never with data. */
AIP_MUST_CHECK aip_status store_fail(int code, aip_error *err);
/* AIP_OK for SQLITE_OK. */
AIP_MUST_CHECK aip_status store_check(int code, aip_error *err);
/* Runs SQL that has no parameters and whose rows do not matter. */
AIP_MUST_CHECK aip_status store_execute(store *s, const char *sql, aip_error *err);
/* The first column of the first row as an integer; 0 when there is no row. */
AIP_MUST_CHECK aip_status store_query_integer(store *s, const char *sql, int64_t *out, aip_error *err);

/* Compiles `count` statements. Freed by store_close. Errors: store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status statements_prepare(store *s, const char *const *sql, size_t count, statement_set **out,
                                             aip_error *err);

/* One use of a prepared statement: parameters are bound in order, a failed one is reported by the step. What is bound
 * is borrowed until the end. Goes out of scope with STATEMENT_AUTO, which frees the read lock as well. */
typedef struct {
    sqlite3_stmt *sql;
    int bound, code;
} statement;

statement statement_of(const statement_set *set, size_t which);
void statement_end(statement *q);
#define STATEMENT_AUTO __attribute__((cleanup(statement_end)))

void statement_text(statement *q, aip_bytes value);
void statement_blob(statement *q, aip_bytes value);
void statement_integer(statement *q, int64_t value);
void statement_null(statement *q);

/* The next row; *row tells whether there is one. */
AIP_MUST_CHECK aip_status statement_step(statement *q, bool *row, aip_error *err);
/* The same for statements that return nothing. */
AIP_MUST_CHECK aip_status statement_run(statement *q, aip_error *err);

/* Columns of the row. Bytes are borrowed until the next step or the end. */
aip_bytes statement_column(const statement *q, int column);
int64_t statement_column_integer(const statement *q, int column);
bool statement_column_is_null(const statement *q, int column);

/* A transaction that writes. Its end commits when `so_far` is AIP_OK, else nothing of it stays and `so_far` is what it
 * returns. */
AIP_MUST_CHECK aip_status transaction_begin(store *s, aip_error *err);
AIP_MUST_CHECK aip_status transaction_end(store *s, aip_status so_far, aip_error *err);

#endif
