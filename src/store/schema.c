/* The database's tables by version, and how an older file gets them. */
#include "store/schema.h"

/* Script n leads from version n to n + 1. A script that has been released is never changed. */
static const char *const migrations[] = {
    /* Documents stand apart, so that the pages a lookup reads hold many records. */
    "CREATE TABLE identity ("
    " name TEXT NOT NULL PRIMARY KEY,"
    " record BLOB,"                   /* identity_encode; NULL: only a refusal is remembered */
    " fetched_at INTEGER NOT NULL,"   /* epoch seconds, as all times */
    " fresh_until INTEGER NOT NULL,"  /* of the record */
    " deactivated INTEGER NOT NULL,"  /* 1: the row stays for ever */
    " refusal TEXT,"                  /* status name of the last attempt, if it failed */
    " refused_until INTEGER NOT NULL" /* 0 without a refusal */
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE identity_document ("
    " name TEXT NOT NULL PRIMARY KEY REFERENCES identity(name) ON DELETE CASCADE,"
    " text BLOB NOT NULL"
    ") STRICT;"
    /* The longest log seen of each name. Version and head are the mark that never goes back. */
    "CREATE TABLE key_log ("
    " did TEXT NOT NULL PRIMARY KEY,"
    " version INTEGER NOT NULL CHECK (version >= 0),"
    " head BLOB NOT NULL CHECK (length(head) = 32),"
    " origin TEXT NOT NULL,"
    " seen_at INTEGER NOT NULL,"
    " text BLOB NOT NULL"
    ") STRICT;"
    /* Logs that contradicted the mark, as evidence. */
    "CREATE TABLE log_conflict ("
    " did TEXT NOT NULL REFERENCES key_log(did),"
    " seen_version INTEGER NOT NULL,"
    " seen_head BLOB NOT NULL,"
    " other_version INTEGER NOT NULL,"
    " other_head BLOB NOT NULL,"
    " origin TEXT NOT NULL,"
    " seen_at INTEGER NOT NULL,"
    " other_text BLOB NOT NULL,"
    " UNIQUE (did, other_head)"
    ") STRICT;"
    /* Every key that a name on DNS has shown. */
    "CREATE TABLE shown_key ("
    " name TEXT NOT NULL,"
    " key BLOB NOT NULL CHECK (length(key) = 32),"
    " first_seen INTEGER NOT NULL,"
    " last_seen INTEGER NOT NULL,"
    " left_at INTEGER," /* NULL: the name shows it still */
    " PRIMARY KEY (name, key)"
    ") STRICT, WITHOUT ROWID;",
    "CREATE TABLE nonce_memory ("
    " one INTEGER PRIMARY KEY CHECK (one = 1),"
    " hash_keys BLOB NOT NULL CHECK (length(hash_keys) = 32),"
    " forgotten_until INTEGER NOT NULL" /* what expires until then may have been removed */
    ") STRICT;"
    /* By time first: what is written and what is removed stands together, and both touch few pages. */
    "CREATE TABLE used_nonce ("
    " expires INTEGER NOT NULL,"
    " hash BLOB NOT NULL CHECK (length(hash) = 16),"
    " PRIMARY KEY (expires, hash)"
    ") STRICT, WITHOUT ROWID;"
    /* Numbers are never given twice, whatever is removed. */
    "CREATE TABLE revocation ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),"
    " kind INTEGER NOT NULL,"
    " target_id BLOB NOT NULL CHECK (length(target_id) = 32),"
    " issuer TEXT NOT NULL,"
    " issued_at INTEGER NOT NULL,"
    " sequence INTEGER NOT NULL," /* the issuer's own */
    " judged INTEGER NOT NULL CHECK (judged IN (0, 1)),"
    " source TEXT NOT NULL,"
    " received_at INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX revocation_unjudged_source ON revocation (source) WHERE judged = 0;"
    "CREATE INDEX revocation_unjudged_target ON revocation (target_id) WHERE judged = 0;"
    /* Apart, so that a start reads the facts alone. */
    "CREATE TABLE revocation_statement ("
    " number INTEGER PRIMARY KEY REFERENCES revocation(number) ON DELETE CASCADE,"
    " text TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE revocation_source ("
    " url TEXT NOT NULL,"
    " issuer TEXT NOT NULL,"
    " last_number INTEGER NOT NULL," /* the publisher's */
    " last_time INTEGER NOT NULL,"
    " PRIMARY KEY (url, issuer)"
    ") STRICT, WITHOUT ROWID;",
    /* The highest number that the publisher named, and the time of the last page that nothing followed. */
    "ALTER TABLE revocation_source ADD COLUMN highest INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE revocation_source ADD COLUMN complete_at INTEGER NOT NULL DEFAULT 0;",
    /* Money, in micro-USD: an account for each link. What is spent and held lies in accounts of all links above as
       well. */
    "CREATE TABLE ledger_account ("
    " link BLOB NOT NULL PRIMARY KEY CHECK (length(link) = 32),"
    " parent BLOB REFERENCES ledger_account(link)," /* NULL: a token's first element */
    " ceiling INTEGER CHECK (ceiling >= 0),"        /* as it was last used; NULL: none of its own */
    " spent INTEGER NOT NULL CHECK (spent >= 0),"
    " held INTEGER NOT NULL CHECK (held >= 0)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX ledger_account_parent ON ledger_account (parent) WHERE parent IS NOT NULL;"
    /* Numbers of holds are never given twice, whatever is removed: so the next one is kept here. */
    "CREATE TABLE ledger_state (one INTEGER PRIMARY KEY CHECK (one = 1), next_hold INTEGER NOT NULL) STRICT;"
    "INSERT INTO ledger_state VALUES (1, 1);"
    /* Open holds, and closed ones whose key may come again. */
    "CREATE TABLE ledger_hold ("
    " number INTEGER PRIMARY KEY,"
    " run INTEGER NOT NULL," /* of the opened ledger that made it or took it over */
    " leaf BLOB NOT NULL CHECK (length(leaf) = 32),"
    " amount INTEGER NOT NULL CHECK (amount >= 0),"
    " charged INTEGER," /* NULL: open */
    " made_at INTEGER NOT NULL,"
    " expires INTEGER NOT NULL,"
    " key BLOB," /* NULL: no retry is recognised */
    " digest BLOB,"
    " taken_over INTEGER NOT NULL DEFAULT 0" /* 1: whoever made it may have forwarded the call */
    ") STRICT;"
    "CREATE UNIQUE INDEX ledger_hold_key ON ledger_hold (key) WHERE key IS NOT NULL;"
    "CREATE INDEX ledger_hold_closed ON ledger_hold (expires) WHERE charged IS NOT NULL;",
    /* Definitions of tools: names are bytes that a server has chosen. */
    "CREATE TABLE tool_pin ("
    " upstream BLOB NOT NULL,"
    " tool BLOB NOT NULL,"
    " schema_hash BLOB NOT NULL CHECK (length(schema_hash) = 32),"
    " whole_hash BLOB NOT NULL CHECK (length(whole_hash) = 32),"
    " first_seen INTEGER NOT NULL,"
    " last_seen INTEGER NOT NULL,"
    " state INTEGER NOT NULL CHECK (state IN (0, 1, 2))," /* pinned, another one was shown, approved */
    " changed_schema_hash BLOB CHECK (length(changed_schema_hash) = 32),"
    " changed_whole_hash BLOB CHECK (length(changed_whole_hash) = 32),"
    " approved_by BLOB," /* what is pinned */
    " approved_at INTEGER,"
    " PRIMARY KEY (upstream, tool)"
    ") STRICT, WITHOUT ROWID;",
    /* Hashes only. A row that is kept again gets a new number. */
    "CREATE TABLE task_owner ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
    " key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),"
    " owner BLOB NOT NULL CHECK (length(owner) = 32),"
    " expires INTEGER NOT NULL,"
    " tool BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX task_owner_owner ON task_owner (owner);"
    "CREATE INDEX task_owner_expires ON task_owner (expires);",
};

#define VERSION ((int64_t)(sizeof migrations / sizeof migrations[0]))

/* SQLite's file format, section 1.3. */
#define HEADER_SIZE 100
#define VERSION_OFFSET 60
#define APPLICATION_ID_OFFSET 68

static uint32_t
read_big_endian(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | (uint32_t)at[3];
}

static aip_status
refuse_version(aip_error *err)
{
    return aip_fail(err, AIP_STORE_INVALID, "a later version of this program wrote the file");
}

static aip_status
refuse_stranger(aip_error *err)
{
    return aip_fail(err, AIP_STORE_INVALID, "the file is not a database of this program");
}

/* Through SQLite's own descriptor: closing one of ours would drop the locks of this process's other connections. */
static aip_status
read_header(store *s, unsigned char header[HEADER_SIZE], sqlite3_int64 *size, aip_error *err)
{
    sqlite3_file *file = NULL;
    AIP_TRY(store_check(sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file), err));
    if (file == NULL || file->pMethods == NULL) {
        return store_fail(SQLITE_CANTOPEN, err);
    }
    AIP_TRY(store_check(file->pMethods->xFileSize(file, size), err));
    int code = file->pMethods->xRead(file, header, HEADER_SIZE, 0); /* fills a short file up with zeros */
    return code == SQLITE_IOERR_SHORT_READ ? AIP_OK : store_check(code, err);
}

aip_status
schema_check_file(store *s, aip_error *err)
{
    static const char magic[] = "SQLite format 3"; /* with its NUL */
    unsigned char header[HEADER_SIZE] = {0};
    sqlite3_int64 size = 0;
    AIP_TRY(read_header(s, header, &size, err));
    if (size == 0) {
        return AIP_OK;
    }
    if (memcmp(header, magic, sizeof magic) != 0 ||
        read_big_endian(header + APPLICATION_ID_OFFSET) != SCHEMA_APPLICATION_ID) {
        return refuse_stranger(err);
    }
    return read_big_endian(header + VERSION_OFFSET) > VERSION ? refuse_version(err) : AIP_OK;
}

static aip_status
current_version(store *s, int64_t *version, aip_error *err)
{
    int64_t id, tables;
    AIP_TRY(store_query_integer(s, "PRAGMA application_id", &id, err));
    AIP_TRY(store_query_integer(s, "PRAGMA user_version", version, err));
    AIP_TRY(store_query_integer(s, "SELECT count(*) FROM sqlite_schema", &tables, err));
    bool fresh = id == 0 && *version == 0 && tables == 0;
    if (!fresh && (id != SCHEMA_APPLICATION_ID || *version < 1)) {
        return refuse_stranger(err);
    }
    return *version > VERSION ? refuse_version(err) : AIP_OK;
}

static aip_status
write_version(store *s, int64_t version, aip_error *err)
{
    char sql[96];
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA application_id = %d; PRAGMA user_version = %lld", SCHEMA_APPLICATION_ID,
                     (long long)version);
    return store_execute(s, sql, err);
}

/* One version on. Another process may have been faster, so the version is read again inside. */
static aip_status
step(store *s, int64_t *version, aip_error *err)
{
    AIP_TRY(transaction_begin(s, err));
    aip_status status = current_version(s, version, err);
    if (status == AIP_OK && *version < VERSION) {
        status = store_execute(s, migrations[*version], err);
        *version += 1;
        if (status == AIP_OK) {
            status = write_version(s, *version, err);
        }
    }
    return transaction_end(s, status, err);
}

aip_status
schema_migrate(store *s, aip_error *err)
{
    int64_t version = 0;
    /* While another process makes the tables, these answers are of different moments: only inside a transaction does
     * a refusal count. */
    if (current_version(s, &version, NULL) != AIP_OK) {
        version = 0;
    }
    while (version < VERSION) {
        AIP_TRY(step(s, &version, err));
    }
    return AIP_OK;
}
