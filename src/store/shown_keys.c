/* The keys that names on DNS have shown: one that left returns only by the operator's word. */
#include "store/identity_sql.h"

static void
bind_key(statement *q, aip_bytes name, const aip_public_key *key)
{
    statement_text(q, name);
    statement_blob(q, (aip_bytes){key->bytes, sizeof key->bytes});
}

static aip_status
check_not_left(statement_set *set, aip_bytes name, const aip_public_key *key, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(set, SQL_KEY_LEFT);
    bool left;
    bind_key(&q, name, key);
    AIP_TRY(statement_step(&q, &left, err));
    return left ? aip_fail(err, AIP_KEY_RETURNED, NULL) : AIP_OK;
}

static aip_status
all_leave(statement_set *set, aip_bytes name, int64_t now, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(set, SQL_ALL_KEYS_LEAVE);
    statement_text(&q, name);
    statement_integer(&q, now);
    return statement_run(&q, err);
}

static aip_status
show(statement_set *set, aip_bytes name, const aip_public_key *key, int64_t now, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(set, SQL_KEY_SHOWN);
    bind_key(&q, name, key);
    statement_integer(&q, now);
    return statement_run(&q, err);
}

static aip_status
check_count(statement_set *set, aip_bytes name, aip_error *err)
{
    STATEMENT_AUTO statement q = statement_of(set, SQL_COUNT_SHOWN_KEYS);
    bool row;
    statement_text(&q, name);
    AIP_TRY(statement_step(&q, &row, err));
    if (!row || statement_column_integer(&q, 0) > AIP_SHOWN_KEYS_MAX) {
        return aip_fail(err, AIP_STORE_UNAVAILABLE, "the name has shown more than %d keys", AIP_SHOWN_KEYS_MAX);
    }
    return AIP_OK;
}

/* First the refusal; then all are taken to have left, and those of the document are shown again. */
static aip_status
note_all(statement_set *set, const identity *known, int64_t now, aip_error *err)
{
    aip_bytes name = aip_bytes_of(known->name);
    for (size_t i = 0; i < known->key_count; i++) {
        AIP_TRY(check_not_left(set, name, &known->keys[i].key, err));
    }
    AIP_TRY(all_leave(set, name, now, err));
    for (size_t i = 0; i < known->key_count; i++) {
        AIP_TRY(show(set, name, &known->keys[i].key, now, err));
    }
    return check_count(set, name, err);
}

aip_status
shown_keys_note(void *context, const identity *known, int64_t now, aip_error *err)
{
    statement_set *set = context;
    aip_did name;
    AIP_TRY(aip_did_parse(aip_bytes_of(known->name), &name, err));
    if (name.form != AIP_DID_WEB && name.form != AIP_NAME_WEB) {
        return AIP_OK;
    }
    AIP_TRY(transaction_begin(set->store, err));
    return transaction_end(set->store, note_all(set, known, now, err), err);
}

aip_status
shown_keys_readmit(void *context, aip_bytes name, const aip_public_key *key, aip_error *err)
{
    statement_set *set = context;
    /* Forgotten, not marked as shown: the next document may still lack it, and would have it leave again. */
    STATEMENT_AUTO statement q = statement_of(set, SQL_READMIT_KEY);
    bind_key(&q, name, key);
    AIP_TRY(statement_run(&q, err));
    return sqlite3_changes(set->store->db) > 0 ? AIP_OK : aip_fail(err, AIP_DID_NOT_FOUND, NULL);
}
