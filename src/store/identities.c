/* Answers and refusals of resolutions in the database. */
#include "store/identities.h"

#include "store/identity_sql.h"

static const char *const sql[IDENTITY_SQL_COUNT] = {
    [SQL_LOAD] = "SELECT record, fetched_at, fresh_until, refusal, refused_until FROM identity WHERE name = ?",
    [SQL_LOAD_DOCUMENT] = "SELECT text FROM identity_document WHERE name = ?",
    [SQL_SAVE_GUARD] = "SELECT EXISTS (SELECT 1 FROM identity WHERE name = ?1 AND deactivated AND NOT ?2),"
                       " EXISTS (SELECT 1 FROM key_log WHERE did = ?1 AND"
                       " (version > ?3 OR (version = ?3 AND head <> ?4)))",
    [SQL_SAVE] = "INSERT INTO identity VALUES (?, ?, ?, ?, ?, NULL, 0) ON CONFLICT (name) DO UPDATE SET"
                 " record = excluded.record, fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until,"
                 " deactivated = excluded.deactivated, refusal = NULL, refused_until = 0",
    [SQL_SAVE_DOCUMENT] = "INSERT INTO identity_document VALUES (?, ?)"
                          " ON CONFLICT (name) DO UPDATE SET text = excluded.text",
    [SQL_DROP_DOCUMENT] = "DELETE FROM identity_document WHERE name = ?",
    [SQL_SAVE_REFUSAL] = "INSERT INTO identity VALUES (?, NULL, 0, 0, 0, ?, ?) ON CONFLICT (name) DO UPDATE SET"
                         " refusal = excluded.refusal, refused_until = excluded.refused_until",
    [SQL_RENEW_RECORD] = "UPDATE identity SET record = ?2, deactivated = ?3 WHERE name = ?1 AND record IS NOT NULL",
    [SQL_LOAD_LOG] = "SELECT text FROM key_log WHERE did = ?",
    [SQL_LOG_MARK] = "SELECT version, head FROM key_log WHERE did = ?",
    [SQL_KEEP_LOG] = "INSERT INTO key_log VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (did) DO UPDATE SET"
                     " version = excluded.version, head = excluded.head, origin = excluded.origin,"
                     " seen_at = excluded.seen_at, text = excluded.text",
    [SQL_KEEP_CONFLICT] = "INSERT OR IGNORE INTO log_conflict SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"
                          " WHERE (SELECT count(*) FROM log_conflict WHERE did = ?1) < ?9",
    [SQL_KEY_LEFT] = "SELECT 1 FROM shown_key WHERE name = ? AND key = ? AND left_at IS NOT NULL",
    [SQL_ALL_KEYS_LEAVE] = "UPDATE shown_key SET left_at = ?2 WHERE name = ?1 AND left_at IS NULL",
    [SQL_KEY_SHOWN] = "INSERT INTO shown_key VALUES (?1, ?2, ?3, ?3, NULL)"
                      " ON CONFLICT (name, key) DO UPDATE SET last_seen = excluded.last_seen, left_at = NULL",
    [SQL_COUNT_SHOWN_KEYS] = "SELECT count(*) FROM shown_key WHERE name = ?",
    [SQL_READMIT_KEY] = "DELETE FROM shown_key WHERE name = ? AND key = ? AND left_at IS NOT NULL",
};

/* A name that no status has any more: the refusal is forgotten, so the name is asked for again. */
static aip_status
status_of_name(aip_bytes name)
{
    for (int i = 0; i < AIP_STATUS_COUNT; i++) {
        if (aip_bytes_equal(name, aip_bytes_of(aip_status_lookup((aip_status)i)->name))) {
            return (aip_status)i;
        }
    }
    return AIP_OK;
}

static aip_status
load(void *context, aip_bytes name, did_cache_entry *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(context, SQL_LOAD);
    bool row;
    *out = (did_cache_entry){.refusal = AIP_OK};
    statement_text(&q, name);
    AIP_TRY(statement_step(&q, &row, err));
    if (!row) {
        return AIP_OK;
    }
    did_cache_entry read = {.fetched_at = statement_column_integer(&q, 1),
                            .fresh_until = statement_column_integer(&q, 2),
                            .refusal = AIP_OK,
                            .refused_until = statement_column_integer(&q, 4)};
    if (!statement_column_is_null(&q, 3)) {
        read.refusal = status_of_name(statement_column(&q, 3));
    }
    if (read.refusal == AIP_OK) {
        read.refused_until = 0;
    }
    if (!statement_column_is_null(&q, 0)) {
        AIP_TRY(identity_decode(statement_column(&q, 0), name, &read.known, err));
    }
    *out = read;
    return AIP_OK;
}

/* What ended stays ended, and an answer is never older than the log that is kept: another process may have learnt more
 * since this one asked. */
static aip_status
check_not_older(statement_set *set, const identity *known, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(set, SQL_SAVE_GUARD);
    bool row;
    statement_text(&q, aip_bytes_of(known->name));
    statement_integer(&q, known->deactivated);
    statement_integer(&q, known->version);
    statement_blob(&q, (aip_bytes){known->head, sizeof known->head});
    AIP_TRY(statement_step(&q, &row, err));
    if (!row || statement_column_integer(&q, 0) != 0) {
        return aip_fail(err, AIP_DID_DEACTIVATED, NULL);
    }
    return statement_column_integer(&q, 1) == 0 ? AIP_OK : aip_fail(err, AIP_LOG_ROLLBACK, "a later log is kept");
}

typedef struct {
    const identity *known;
    aip_bytes record, document;
    int64_t fetched_at, fresh_until;
} answer;

static aip_status
write_answer(statement_set *set, const answer *a, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(set, SQL_SAVE);
    statement_text(&q, aip_bytes_of(a->known->name));
    statement_blob(&q, a->record);
    statement_integer(&q, a->fetched_at);
    statement_integer(&q, a->fresh_until);
    statement_integer(&q, a->known->deactivated);
    return statement_run(&q, err);
}

static aip_status
write_document(statement_set *set, const answer *a, aip_error *err)
{
    bool none = a->document.size == 0;
    STATEMENT_AUTO statement q = statement_of(set, none ? SQL_DROP_DOCUMENT : SQL_SAVE_DOCUMENT);
    statement_text(&q, aip_bytes_of(a->known->name));
    if (!none) {
        statement_blob(&q, a->document);
    }
    return statement_run(&q, err);
}

static aip_status
write_all(statement_set *set, const answer *a, aip_error *err)
{
    AIP_TRY(check_not_older(set, a->known, err));
    AIP_TRY(write_answer(set, a, err));
    return write_document(set, a, err);
}

static aip_status
save(void *context, const identity *known, aip_bytes document, int64_t fetched_at, int64_t fresh_until, aip_error *err)
{
    statement_set *set = context;
    TEXT_AUTO text_buffer record = {0};
    AIP_TRY(identity_encode(known, &record, err));
    AIP_TRY(text_finish(&record, err));
    const answer a = {known, text_view(&record), document, fetched_at, fresh_until};
    AIP_TRY(transaction_begin(set->store, err));
    return transaction_end(set->store, write_all(set, &a, err), err);
}

static aip_status
save_refusal(void *context, aip_bytes name, aip_status refusal, int64_t until, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(context, SQL_SAVE_REFUSAL);
    if (name.size > AIP_IDENTIFIER_BYTES_MAX) {
        return aip_fail(err, AIP_DID_INVALID, NULL);
    }
    statement_text(&q, name);
    statement_text(&q, aip_bytes_of(aip_status_lookup(refusal)->name));
    statement_integer(&q, until);
    return statement_run(&q, err);
}

static aip_status
load_document(void *context, aip_bytes name, text_buffer *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(context, SQL_LOAD_DOCUMENT);
    bool row;
    statement_text(&q, name);
    AIP_TRY(statement_step(&q, &row, err));
    if (row) {
        text_append(out, statement_column(&q, 0));
    }
    return text_finish(out, err);
}

aip_status
store_identities(store *s, did_cache *out, aip_error *err)
{
    statement_set *set = NULL;
    AIP_TRY(statements_prepare(s, sql, IDENTITY_SQL_COUNT, &set, err));
    *out = (did_cache){.context = set,
                       .load = load,
                       .save = save,
                       .save_refusal = save_refusal,
                       .load_document = load_document,
                       .load_log = key_log_load,
                       .keep_log = key_log_keep,
                       .note_keys = shown_keys_note,
                       .readmit_key = shown_keys_readmit};
    return AIP_OK;
}

aip_status
store_identities_expire(store *s, int64_t now_seconds, int64_t max_staleness_seconds, aip_error *err)
{
    char text[192];
    sqlite3_snprintf(sizeof text, text,
                     "DELETE FROM identity WHERE NOT deactivated AND refused_until <= %lld"
                     " AND (record IS NULL OR fresh_until <= %lld)",
                     (long long)now_seconds, (long long)(now_seconds - max_staleness_seconds));
    return store_execute(s, text, err);
}
