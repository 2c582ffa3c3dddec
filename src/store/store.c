/* Opens and closes the database file. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "store/schema.h"
#include "store/turn.h"

#define RETRY_MILLISECONDS 20

/* One opening at a time: closing the descriptor of a new file would drop the locks of a connection that another thread
 * has just opened on it. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

static aip_status
fail_system(aip_error *err)
{
    return aip_fail(err, AIP_STORE_UNAVAILABLE, "%s", strerror(errno));
}

static aip_status
create_file(const char *path, aip_error *err)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return fail_system(err);
    }
    /* The umask may have taken bits away. */
    aip_status status = fchmod(file, 0600) == 0 ? AIP_OK : fail_system(err);
    close(file);
    return status;
}

static aip_status
prepare_file(const char *path, aip_error *err)
{
    struct stat facts;
    if (stat(path, &facts) != 0) {
        return errno == ENOENT ? create_file(path, err) : fail_system(err);
    }
    if (!S_ISREG(facts.st_mode)) {
        return aip_fail(err, AIP_STORE_INVALID, "not a regular file");
    }
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return aip_fail(err, AIP_STORE_INVALID, "group or others may write the file");
    }
    return AIP_OK;
}

/* `:memory:`, `file:…` and the empty path mean something else to SQLite. */
static aip_status
plain_path(const char *path, text_buffer *out, aip_error *err)
{
    if (path[0] == '\0') {
        return aip_fail(err, AIP_STORE_UNAVAILABLE, "no path");
    }
    text_append_string(out, path[0] == '/' ? "" : "./");
    text_append_string(out, path);
    text_append(out, (aip_bytes){(const unsigned char *)"", 1});
    return text_finish(out, err);
}

static aip_status
configure(store *s, aip_error *err)
{
    /* No checkpoint on close until the file has proved to be ours: a file that is refused stays as it is. */
    static const int settings[][2] = {
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, {SQLITE_DBCONFIG_ENABLE_FKEY, 1}, {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_DEFENSIVE, 1},        {SQLITE_DBCONFIG_DQS_DML, 0},     {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        AIP_TRY(store_check(sqlite3_db_config(s->db, settings[i][0], settings[i][1], (int *)NULL), err));
    }
    AIP_TRY(store_check(sqlite3_busy_timeout(s->db, STORE_BUSY_MILLISECONDS), err));
    return store_execute(s, "PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY", err);
}

static int
try_write_ahead(store *s, bool *is_on)
{
    sqlite3_stmt *prepared = NULL;
    int code = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &prepared, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(prepared);
        const unsigned char *mode = code == SQLITE_ROW ? sqlite3_column_text(prepared, 0) : NULL;
        *is_on = mode != NULL && strcmp((const char *)mode, "wal") == 0;
    }
    sqlite3_finalize(prepared);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* The switch does not wait for other processes by itself. */
static aip_status
write_ahead(store *s, aip_error *err)
{
    bool is_on = false;
    int code = try_write_ahead(s, &is_on);
    for (int waited = 0; (code & 0xff) == SQLITE_BUSY && waited < STORE_BUSY_MILLISECONDS;
         waited += RETRY_MILLISECONDS) {
        sqlite3_sleep(RETRY_MILLISECONDS);
        code = try_write_ahead(s, &is_on);
    }
    AIP_TRY(store_check(code, err));
    return is_on ? AIP_OK : aip_fail(err, AIP_STORE_UNAVAILABLE, "no write-ahead log on this file system");
}

static aip_status
open_file(store *s, const char *path, aip_error *err)
{
    AIP_TRY(prepare_file(path, err));
    AIP_TRY(store_check(
        sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL), err));
    AIP_TRY(schema_check_file(s, err));
    if (sqlite3_db_readonly(s->db, "main") != 0) {
        return store_fail(SQLITE_READONLY, err);
    }
    AIP_TRY(configure(s, err));
    /* Before the write-ahead log: whose file it is then stands in the file itself from its first commit on. */
    AIP_TRY(schema_migrate(s, err));
    AIP_TRY(write_ahead(s, err));
    return store_check(sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL), err);
}

aip_status
store_open(const char *path, store **out, aip_error *err)
{
    TEXT_AUTO text_buffer plain = {0};
    *out = NULL;
    AIP_TRY(plain_path(path, &plain, err));
    store *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    pthread_mutex_lock(&opening);
    aip_status status = open_file(s, plain.data, err);
    if (status != AIP_OK) {
        store_close(&s);
    }
    pthread_mutex_unlock(&opening);
    *out = s;
    return status;
}

static void
free_set(statement_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        sqlite3_finalize(set->prepared[i]);
    }
    free(set);
}

void
store_close(store **s)
{
    if (*s == NULL) {
        return;
    }
    while ((*s)->sets != NULL) {
        statement_set *set = (*s)->sets;
        (*s)->sets = set->next;
        free_set(set);
    }
    sqlite3_close((*s)->db);
    free(*s);
    *s = NULL;
}
