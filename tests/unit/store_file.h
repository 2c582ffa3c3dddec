/* A database file of a test's own, raw SQL beside the store, and a writer that is killed. */
#ifndef TESTS_STORE_FILE_H
#define TESTS_STORE_FILE_H

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "store/store.h"

static char file_directory[64];
static char file_path[96];

static void
file_begin(void)
{
    strcpy(file_directory, "/tmp/aip-store-XXXXXX");
    if (crypto_start(NULL) != AIP_OK || mkdtemp(file_directory) == NULL) {
        abort();
    }
    snprintf(file_path, sizeof file_path, "%s/a.db", file_directory);
}

static void
file_end(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", "-runs"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char path[112];
        snprintf(path, sizeof path, "%s%s", file_path, suffixes[i]);
        unlink(path);
    }
    if (rmdir(file_directory) != 0) {
        abort();
    }
}

/* Runs SQL on a connection of its own; gives the first integer of the first row, or -1. */
static inline int64_t
file_query(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *prepared = NULL;
    int64_t value = -1;
    if (sqlite3_open(file_path, &db) == SQLITE_OK && sqlite3_prepare_v2(db, sql, -1, &prepared, NULL) == SQLITE_OK &&
        sqlite3_step(prepared) == SQLITE_ROW) {
        value = sqlite3_column_int64(prepared, 0);
    }
    sqlite3_finalize(prepared);
    sqlite3_close(db);
    return value;
}

/* `write_on` writes an ever higher number to the pipe after each commit, until it is killed after some milliseconds.
 * Gives the last number that arrived, or `before`. */
static inline uint32_t
file_kill_writer(void (*write_on)(int acknowledge), unsigned milliseconds, uint32_t before)
{
    int ends[2];
    const struct timespec pause = {0, (long)milliseconds * 1000000};
    if (pipe(ends) != 0) {
        abort();
    }
    fflush(stdout);
    pid_t writer = fork();
    if (writer == 0) {
        close(ends[0]);
        write_on(ends[1]);
        _exit(9);
    }
    close(ends[1]);
    nanosleep(&pause, NULL);
    int how = 0;
    kill(writer, SIGKILL);
    waitpid(writer, &how, 0);
    if (!WIFSIGNALED(how)) {
        abort(); /* it failed by itself */
    }
    while (read(ends[0], &before, sizeof before) == (ssize_t)sizeof before) {
    }
    close(ends[0]);
    return before;
}

#endif
