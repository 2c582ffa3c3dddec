/* What the tests of the database share: a directory for it, raw SQL beside the store, and logs to keep. */
#ifndef TESTS_STORE_SUBJECT_H
#define TESTS_STORE_SUBJECT_H

#include <sqlite3.h>
#include <unistd.h>

#include "store/identities.h"
#include "tests/unit/log_subject.h"

static char subject_directory[64];
static char subject_path[96];

static void
subject_begin(void)
{
    strcpy(subject_directory, "/tmp/aip-store-XXXXXX");
    if (crypto_start(NULL) != AIP_OK || mkdtemp(subject_directory) == NULL) {
        abort();
    }
    snprintf(subject_path, sizeof subject_path, "%s/a.db", subject_directory);
    subject_make_keys();
}

/* Removes the database and its side files; other files of the directory are the test's own. */
static void
subject_end(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char path[112];
        snprintf(path, sizeof path, "%s%s", subject_path, suffixes[i]);
        unlink(path);
    }
    if (rmdir(subject_directory) != 0) {
        printf("  left behind: %s\n", subject_directory);
        abort();
    }
}

/* One integer of the database, by a connection of its own; -1 when there is none. */
static int64_t
subject_query(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *prepared = NULL;
    int64_t value = -1;
    if (sqlite3_open(subject_path, &db) == SQLITE_OK && sqlite3_prepare_v2(db, sql, -1, &prepared, NULL) == SQLITE_OK &&
        sqlite3_step(prepared) == SQLITE_ROW) {
        value = sqlite3_column_int64(prepared, 0);
    }
    sqlite3_finalize(prepared);
    sqlite3_close(db);
    return value;
}

/* Stands for the log's text: different for every log. */
static void
subject_log_text(const subject_log *wanted, text_buffer *out)
{
    for (size_t i = 0; i < wanted->count; i++) {
        text_append_format(out, "{\"first\":%zu,\"version\":%zu,\"branch\":%d}\n", wanted->first, i,
                           i >= wanted->fork ? wanted->branch : 0);
    }
}

static aip_status
subject_keep(const did_cache *cache, const subject_log *wanted)
{
    TEXT_AUTO text_buffer text = {0};
    LOG_AUTO did_log *log = subject_make_log(wanted);
    subject_log_text(wanted, &text);
    return cache->keep_log(cache->context, log, text_view(&text), "https://a.example", SUBJECT_BEGAN + 1000, NULL);
}

#endif
