/* The table of owners of tasks and contexts. Each time that a row is kept it gets a new number: so whoever has read up
 * to one finds all that came since, and the smallest numbers are of what is longest unused. */
#include "store/task_owners.h"

#include "store/statement.h"

enum { TRIM_ROWS = 4096 }; /* kept between two looks at how many there are */

enum { SQL_FIND, SQL_KEEP, SQL_LOAD, SQL_EXPIRE, SQL_HEAVY, SQL_TRIM_OWNER, SQL_TRIM_ALL, SQL_COUNT };

static const char *const sql[SQL_COUNT] = {
    [SQL_FIND] = "SELECT number, key, owner, expires, tool FROM task_owner WHERE key = ?1 AND expires > ?2",
    [SQL_KEEP] = "INSERT OR REPLACE INTO task_owner (key, owner, expires, tool) VALUES (?, ?, ?, ?)",
    [SQL_LOAD] = ("SELECT number, key, owner, expires, tool FROM task_owner WHERE number > ?1 AND expires > ?2"
                  " ORDER BY number"),
    [SQL_EXPIRE] = "DELETE FROM task_owner WHERE expires <= ?",
    [SQL_HEAVY] = "SELECT owner FROM task_owner GROUP BY owner HAVING count(*) > ? LIMIT 1",
    [SQL_TRIM_OWNER] = ("DELETE FROM task_owner WHERE owner = ?1 AND number <= (SELECT number FROM task_owner"
                        " WHERE owner = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)"),
    [SQL_TRIM_ALL] = ("DELETE FROM task_owner WHERE number <= (SELECT number FROM task_owner"
                      " ORDER BY number DESC LIMIT 1 OFFSET ?)"),
};

aip_status
task_owners_open(store *s, task_owner_table *out, aip_error *err)
{
    *out = (task_owner_table){.kept = 0};
    return statements_prepare(s, sql, SQL_COUNT, &out->set, err);
}

static aip_bytes
bytes_of(const unsigned char hash[AIP_HASH_BYTES])
{
    return (aip_bytes){hash, AIP_HASH_BYTES};
}

static aip_status
read_row(const statement *q, task_owner *out, aip_error *err)
{
    aip_bytes key = statement_column(q, 1), owner = statement_column(q, 2), tool = statement_column(q, 4);
    if (key.size != AIP_HASH_BYTES || owner.size != AIP_HASH_BYTES || tool.size > AIP_TOOL_BYTES_MAX) {
        return aip_fail(err, AIP_STORE_INVALID, "the owner of a task is damaged");
    }
    *out = (task_owner){.expires = statement_column_integer(q, 3)};
    memcpy(out->key, key.data, AIP_HASH_BYTES);
    memcpy(out->owner, owner.data, AIP_HASH_BYTES);
    if (tool.size > 0) {
        memcpy(out->tool, tool.data, tool.size);
    }
    return AIP_OK;
}

static aip_status
find(const task_owner_table *table, const unsigned char key[AIP_HASH_BYTES], int64_t now, bool *found, task_owner *out,
     aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_FIND);
    statement_blob(&q, bytes_of(key));
    statement_integer(&q, now);
    AIP_TRY(statement_step(&q, found, err));
    return *found ? read_row(&q, out, err) : AIP_OK;
}

/* ---- keeping ---- */

static aip_status
write_row(const task_owner_table *table, const task_owner *row, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_KEEP);
    statement_blob(&q, bytes_of(row->key));
    statement_blob(&q, bytes_of(row->owner));
    statement_integer(&q, row->expires);
    statement_blob(&q, aip_bytes_of(row->tool));
    return statement_run(&q, err);
}

static aip_status
keep_one(const task_owner_table *table, task_owner *row, int64_t now, aip_error *err)
{
    bool found = false;
    task_owner known;
    AIP_TRY(find(table, row->key, now, &found, &known, err));
    bool same = found && memcmp(known.owner, row->owner, AIP_HASH_BYTES) == 0;
    if (found) {
        known.expires = same && row->expires > known.expires ? row->expires : known.expires;
        *row = known;
    }
    return !found || same ? write_row(table, row, err) : AIP_OK;
}

static aip_status
keep_all(const task_owner_table *table, task_owner *rows, size_t count, int64_t now, aip_error *err)
{
    for (size_t i = 0; i < count; i++) {
        AIP_TRY(keep_one(table, &rows[i], now, err));
    }
    return AIP_OK;
}

aip_status
task_owners_keep(task_owner_table *table, task_owner *rows, size_t count, int64_t now, aip_error *err)
{
    AIP_TRY(transaction_begin(table->set->store, err));
    AIP_TRY(transaction_end(table->set->store, keep_all(table, rows, count, now, err), err));
    table->kept += count;
    return table->kept < TRIM_ROWS ? AIP_OK : task_owners_trim(table, now, err);
}

/* ---- reading ---- */

aip_status
task_owners_find(const task_owner_table *table, const unsigned char key[AIP_HASH_BYTES], int64_t now,
                 const task_owner_sink *sink, aip_error *err)
{
    bool found = false;
    task_owner row;
    AIP_TRY(find(table, key, now, &found, &row, err));
    if (found) {
        sink->take(sink->context, &row);
    }
    return AIP_OK;
}

aip_status
task_owners_load(const task_owner_table *table, int64_t now, int64_t *number, const task_owner_sink *sink,
                 aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_LOAD);
    bool more;
    task_owner row;
    statement_integer(&q, *number);
    statement_integer(&q, now);
    AIP_TRY(statement_step(&q, &more, err));
    while (more) {
        AIP_TRY(read_row(&q, &row, err));
        sink->take(sink->context, &row);
        *number = statement_column_integer(&q, 0);
        AIP_TRY(statement_step(&q, &more, err));
    }
    return AIP_OK;
}

/* ---- what goes ---- */

static aip_status
run_with(const task_owner_table *table, size_t which, int64_t value, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, which);
    statement_integer(&q, value);
    return statement_run(&q, err);
}

static aip_status
find_heavy(const task_owner_table *table, unsigned char owner[AIP_HASH_BYTES], bool *found, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_HEAVY);
    statement_integer(&q, AIP_TASK_OWNERS_MAX / AIP_TASK_OWNERS_SHARE);
    AIP_TRY(statement_step(&q, found, err));
    aip_bytes name = *found ? statement_column(&q, 0) : (aip_bytes){NULL, 0};
    if (*found && name.size != AIP_HASH_BYTES) {
        return aip_fail(err, AIP_STORE_INVALID, "the owner of a task is damaged");
    }
    if (*found) {
        memcpy(owner, name.data, AIP_HASH_BYTES);
    }
    return AIP_OK;
}

static aip_status
trim_owner(const task_owner_table *table, const unsigned char owner[AIP_HASH_BYTES], aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_TRIM_OWNER);
    statement_blob(&q, bytes_of(owner));
    statement_integer(&q, AIP_TASK_OWNERS_MAX / AIP_TASK_OWNERS_SHARE);
    return statement_run(&q, err);
}

static aip_status
trim(const task_owner_table *table, int64_t now, aip_error *err)
{
    unsigned char owner[AIP_HASH_BYTES];
    bool heavy = false;
    AIP_TRY(run_with(table, SQL_EXPIRE, now, err));
    AIP_TRY(find_heavy(table, owner, &heavy, err));
    while (heavy) {
        AIP_TRY(trim_owner(table, owner, err));
        AIP_TRY(find_heavy(table, owner, &heavy, err));
    }
    return run_with(table, SQL_TRIM_ALL, AIP_TASK_OWNERS_MAX, err);
}

aip_status
task_owners_trim(task_owner_table *table, int64_t now, aip_error *err)
{
    AIP_TRY(transaction_begin(table->set->store, err));
    AIP_TRY(transaction_end(table->set->store, trim(table, now, err), err));
    table->kept = 0;
    return AIP_OK;
}
