/* Key logs in the database: the longest seen of each name, which never goes back, and what contradicted it. */
#include "store/identity_sql.h"

aip_status
key_log_load(void *context, aip_bytes did, text_buffer *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(context, SQL_LOAD_LOG);
    bool row;
    statement_text(&q, did);
    AIP_TRY(statement_step(&q, &row, err));
    if (!row) {
        return aip_fail(err, AIP_DID_NOT_FOUND, NULL);
    }
    text_append(out, statement_column(&q, 0));
    return text_finish(out, err);
}

typedef struct {
    const did_log *log;
    did_log_mark mark;
    aip_bytes text;
    const char *origin;
    int64_t now;
} offer;

static aip_status
find_mark(statement_set *set, const char *did, bool *found, did_log_mark *out, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(set, SQL_LOG_MARK);
    statement_text(&q, aip_bytes_of(did));
    AIP_TRY(statement_step(&q, found, err));
    if (!*found) {
        return AIP_OK;
    }
    int64_t version = statement_column_integer(&q, 0);
    aip_bytes head = statement_column(&q, 1);
    if (version < 0 || version > UINT32_MAX || head.size != sizeof out->head) {
        return aip_fail(err, AIP_STORE_INVALID, "the mark of a key log cannot be read");
    }
    out->version = (uint32_t)version;
    memcpy(out->head, head.data, sizeof out->head);
    return AIP_OK;
}

static aip_status
write_log(statement_set *set, const offer *o, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(set, SQL_KEEP_LOG);
    statement_text(&q, aip_bytes_of(o->log->did));
    statement_integer(&q, o->mark.version);
    statement_blob(&q, (aip_bytes){o->mark.head, sizeof o->mark.head});
    statement_text(&q, aip_bytes_of(o->origin));
    statement_integer(&q, o->now);
    statement_blob(&q, o->text);
    return statement_run(&q, err);
}

/* A cached answer is never older than the log, also when the process ends before the answer is saved. */
static aip_status
renew_record(statement_set *set, const did_log *log, aip_error *err)
{
    TEXT_AUTO text_buffer record = {0};
    IDENTITY_AUTO identity *known = NULL;
    AIP_TRY(did_log_identity(log, &known, err));
    AIP_TRY(identity_encode(known, &record, err));
    AIP_TRY(text_finish(&record, err));
    STATEMENT_AUTO statement q = statement_of(set, SQL_RENEW_RECORD);
    statement_text(&q, aip_bytes_of(log->did));
    statement_blob(&q, text_view(&record));
    statement_integer(&q, log->deactivated);
    return statement_run(&q, err);
}

static aip_status
write_conflict(statement_set *set, const offer *o, const did_log_mark *seen, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(set, SQL_KEEP_CONFLICT);
    statement_text(&q, aip_bytes_of(o->log->did));
    statement_integer(&q, seen->version);
    statement_blob(&q, (aip_bytes){seen->head, sizeof seen->head});
    statement_integer(&q, o->mark.version);
    statement_blob(&q, (aip_bytes){o->mark.head, sizeof o->mark.head});
    statement_text(&q, aip_bytes_of(o->origin));
    statement_integer(&q, o->now);
    statement_blob(&q, o->text);
    statement_integer(&q, AIP_LOG_CONFLICTS_MAX);
    return statement_run(&q, err);
}

/* Fails only when the database does; `verdict` is what the kept log says of the other. */
static aip_status
judge(statement_set *set, const offer *o, aip_status *verdict, aip_error *err)
{
    did_log_mark seen;
    bool found;
    AIP_TRY(find_mark(set, o->log->did, &found, &seen, err));
    *verdict = found ? did_log_check_mark(o->log, &seen, err) : AIP_OK;
    if (*verdict != AIP_OK) {
        return write_conflict(set, o, &seen, err);
    }
    if (found && o->mark.version == seen.version) {
        return AIP_OK;
    }
    AIP_TRY(write_log(set, o, err));
    return renew_record(set, o->log, err);
}

aip_status
key_log_keep(void *context, const did_log *log, aip_bytes text, const char *origin, int64_t now, aip_error *err)
{
    statement_set *set = context;
    const offer o = {log, did_log_mark_of(log), text, origin, now};
    aip_status verdict = AIP_OK;
    AIP_TRY(transaction_begin(set->store, err));
    AIP_TRY(transaction_end(set->store, judge(set, &o, &verdict, err), err));
    return verdict;
}
