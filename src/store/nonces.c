/* The table of used nonces, and the keys of their hashes. */
#include "store/nonces.h"

#include "crypto/hash.h"
#include "store/statement.h"

enum {
    SQL_READ_KEYS,
    SQL_KEEP_KEYS,
    SQL_APPEND,
    SQL_LOAD,
    SQL_FORGOTTEN,
    SQL_LAST_EXPIRED,
    SQL_MARK,
    SQL_EXPIRE,
    SQL_COUNT
};

static const char *const sql[SQL_COUNT] = {
    [SQL_READ_KEYS] = "SELECT hash_keys FROM nonce_memory",
    /* Hashes under keys that were lost say nothing: as if all of them had been forgotten. */
    [SQL_KEEP_KEYS] = ("INSERT INTO nonce_memory SELECT 1, ?, coalesce(max(expires), 0) FROM used_nonce"
                       " WHERE true ON CONFLICT (one) DO NOTHING"),
    [SQL_APPEND] = "INSERT INTO used_nonce VALUES (?, ?) ON CONFLICT (expires, hash) DO NOTHING",
    [SQL_LOAD] = "SELECT expires, hash FROM used_nonce",
    [SQL_FORGOTTEN] = "SELECT forgotten_until FROM nonce_memory",
    [SQL_LAST_EXPIRED] = "SELECT max(expires) FROM used_nonce WHERE expires < ?",
    [SQL_MARK] = "UPDATE nonce_memory SET forgotten_until = max(forgotten_until, ?)",
    [SQL_EXPIRE] = "DELETE FROM used_nonce WHERE expires < ?",
};

static aip_status
read_keys(const nonce_table *table, nonce_keys *keys, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_READ_KEYS);
    bool row;
    AIP_TRY(statement_step(&q, &row, err));
    aip_bytes kept = row ? statement_column(&q, 0) : (aip_bytes){NULL, 0};
    if (kept.size != sizeof *keys) {
        return aip_fail(err, AIP_STORE_INVALID, "the keys of used nonces are damaged");
    }
    memcpy(keys, kept.data, sizeof *keys);
    return AIP_OK;
}

/* New ones count only if nobody was faster; so they are read back. */
static aip_status
keep_keys(const nonce_table *table, nonce_keys *keys, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_KEEP_KEYS);
    hash_random(keys, sizeof *keys);
    statement_blob(&q, (aip_bytes){(const unsigned char *)keys, sizeof *keys});
    return statement_run(&q, err);
}

aip_status
store_nonces_open(store *s, nonce_table *out, nonce_keys *keys, aip_error *err)
{
    AIP_TRY(statements_prepare(s, sql, SQL_COUNT, &out->set, err));
    AIP_TRY(keep_keys(out, keys, err));
    return read_keys(out, keys, err);
}

static aip_status
append_one(const nonce_table *table, const used_nonce *entry, bool *known, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_APPEND);
    statement_integer(&q, entry->expires);
    statement_blob(&q, (aip_bytes){entry->hash, sizeof entry->hash});
    AIP_TRY(statement_run(&q, err));
    *known = sqlite3_changes(table->set->store->db) == 0;
    return AIP_OK;
}

static aip_status
append_all(const nonce_table *table, const used_nonce *entries, size_t count, bool *known, aip_error *err)
{
    for (size_t i = 0; i < count; i++) {
        AIP_TRY(append_one(table, &entries[i], &known[i], err));
    }
    return AIP_OK;
}

aip_status
store_nonces_append(const nonce_table *table, const used_nonce *entries, size_t count, bool *known, aip_error *err)
{
    AIP_TRY(transaction_begin(table->set->store, err));
    return transaction_end(table->set->store, append_all(table, entries, count, known, err), err);
}

static aip_status
run_at(const nonce_table *table, size_t which, int64_t now, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, which);
    statement_integer(&q, now);
    return statement_run(&q, err);
}

static aip_status
find_last_expired(const nonce_table *table, int64_t now, bool *some, int64_t *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_LAST_EXPIRED);
    bool row;
    statement_integer(&q, now);
    AIP_TRY(statement_step(&q, &row, err));
    *some = row && !statement_column_is_null(&q, 0);
    *out = statement_column_integer(&q, 0);
    return AIP_OK;
}

static aip_status
mark_and_expire(const nonce_table *table, int64_t now, aip_error *err)
{
    bool some = false;
    int64_t last = 0;
    AIP_TRY(find_last_expired(table, now, &some, &last, err));
    if (!some) {
        return AIP_OK;
    }
    AIP_TRY(run_at(table, SQL_MARK, last, err));
    return run_at(table, SQL_EXPIRE, now, err);
}

aip_status
store_nonces_expire(const nonce_table *table, int64_t now, aip_error *err)
{
    AIP_TRY(transaction_begin(table->set->store, err));
    return transaction_end(table->set->store, mark_and_expire(table, now, err), err);
}

static aip_status
read_forgotten(const nonce_table *table, int64_t *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_FORGOTTEN);
    bool row;
    AIP_TRY(statement_step(&q, &row, err));
    *out = row ? statement_column_integer(&q, 0) : INT64_MAX;
    return AIP_OK;
}

static aip_status
load_one(const statement *q, const nonce_sink *sink, aip_error *err)
{
    used_nonce entry = {.expires = statement_column_integer(q, 0)};
    aip_bytes hash = statement_column(q, 1);
    if (hash.size != sizeof entry.hash) {
        return aip_fail(err, AIP_STORE_INVALID, "a used nonce is damaged");
    }
    memcpy(entry.hash, hash.data, sizeof entry.hash);
    sink->take(sink->context, &entry);
    return AIP_OK;
}

static aip_status
load_all(const nonce_table *table, const nonce_sink *sink, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(table->set, SQL_LOAD);
    bool row;
    AIP_TRY(statement_step(&q, &row, err));
    while (row) {
        AIP_TRY(load_one(&q, sink, err));
        AIP_TRY(statement_step(&q, &row, err));
    }
    return AIP_OK;
}

aip_status
store_nonces_load(const nonce_table *table, int64_t now, const nonce_sink *sink, int64_t *forgotten_until,
                  aip_error *err)
{
    AIP_TRY(store_nonces_expire(table, now, err));
    AIP_TRY(load_all(table, sink, err));
    return read_forgotten(table, forgotten_until, err);
}
