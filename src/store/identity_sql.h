/* The statements over identities, and the parts of the resolver's interface that stand in files of their own. */
#ifndef STORE_IDENTITY_SQL_H
#define STORE_IDENTITY_SQL_H

#include "did/cache.h"
#include "store/statement.h"

typedef enum {
    SQL_LOAD,
    SQL_LOAD_DOCUMENT,
    SQL_SAVE_GUARD,
    SQL_SAVE,
    SQL_SAVE_DOCUMENT,
    SQL_DROP_DOCUMENT,
    SQL_SAVE_REFUSAL,
    SQL_RENEW_RECORD,
    SQL_LOAD_LOG,
    SQL_LOG_MARK,
    SQL_KEEP_LOG,
    SQL_KEEP_CONFLICT,
    SQL_KEY_LEFT,
    SQL_ALL_KEYS_LEAVE,
    SQL_KEY_SHOWN,
    SQL_COUNT_SHOWN_KEYS,
    SQL_READMIT_KEY,
    IDENTITY_SQL_COUNT
} identity_sql;

/* did/cache.h; `context` is the statement_set. */
aip_status key_log_load(void *context, aip_bytes did, text_buffer *out, aip_error *err);
aip_status
key_log_keep(void *context, const did_log *log, aip_bytes text, const char *origin, int64_t now, aip_error *err);
aip_status shown_keys_note(void *context, const identity *known, int64_t now, aip_error *err);
aip_status shown_keys_readmit(void *context, aip_bytes name, const aip_public_key *key, aip_error *err);

#endif
