/* The writer: rotation, checkpoints, durability, and what it does when it cannot write. */
#include "tests/unit/audit_subject.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "audit/log_inside.h"
#include "crypto/hash.h"

#define THREADS 8
#define EACH 40

static audit_summary summary;

static audit_log *
open_log(const audit_options *options)
{
    audit_log *log = NULL;
    CHECK_STATUS(audit_open_with(options, &log, NULL), AIP_OK);
    return log;
}

static size_t
count_files(void)
{
    SERIES_AUTO audit_series files = {0};
    CHECK_STATUS(audit_series_list(subject_path, &files, NULL), AIP_OK);
    return files.count;
}

static void
a_log_rotates_by_size_and_the_chain_goes_on(void)
{
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    subject_begin();
    audit_options options = subject_options(10);
    options.rotate_bytes = 4000;
    audit_log *log = open_log(&options);
    subject_append(log, 1, 100);
    audit_close(&log);
    CHECK(count_files() > 5);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    SERIES_AUTO audit_series files = {0};
    CHECK_STATUS(audit_series_list(subject_path, &files, NULL), AIP_OK);
    for (size_t i = 0; i < files.count; i++) {
        struct stat facts;
        CHECK(stat(files.paths[i], &facts) == 0 && facts.st_size > 0 && facts.st_size < 5000);
        CHECK((facts.st_mode & 0777) == 0600);
        const audit_check one = {.paths = (const char *const *)&files.paths[i],
                                 .path_count = 1,
                                 .trust = {&subject_keys, {NULL, 0}},
                                 .part = true};
        CHECK_STATUS(audit_verify(&one, &summary, NULL), AIP_OK); /* each file proves itself */
    }
}

static void
a_full_file_that_was_taken_away_is_missed(void)
{
    char name[96];
    a_log_rotates_by_size_and_the_chain_goes_on();
    snprintf(name, sizeof name, "%s.3", subject_path);
    CHECK(unlink(name) == 0);
    CHECK_STATUS(subject_verify(true, &summary), AIP_AUDIT_MISSING);
    CHECK(summary.findings[0].file == 2 && summary.findings[0].line == 1);
}

static void
a_restart_goes_on_in_the_same_series(void)
{
    subject_begin();
    audit_options options = subject_options(10);
    options.rotate_bytes = 3000;
    for (unsigned i = 0; i < 12; i++) {
        audit_log *log = open_log(&options);
        subject_append(log, i * 4 + 1, 4);
        audit_close(&log);
    }
    CHECK(count_files() > 3);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
}

/* As a crash between the two steps of a rotation leaves it. */
static void
a_log_whose_new_file_was_never_made_goes_on_from_the_full_one(void)
{
    char name[96];
    subject_write(5, 10);
    snprintf(name, sizeof name, "%s.1", subject_path);
    CHECK(rename(subject_path, name) == 0);
    audit_options options = subject_options(10);
    audit_log *log = open_log(&options);
    subject_append(log, 6, 3);
    audit_close(&log);
    CHECK(count_files() == 2);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    CHECK(summary.first == 1);
}

/* As a crash after the new file was made and before its first line leaves it. */
static void
an_empty_new_file_goes_on_from_the_full_one(void)
{
    char name[96];
    subject_write(5, 0);
    snprintf(name, sizeof name, "%s.1", subject_path);
    CHECK(rename(subject_path, name) == 0);
    subject_save(subject_path, (aip_bytes){(const unsigned char *)"", 0});
    audit_options options = subject_options(0);
    audit_log *log = open_log(&options);
    subject_append(log, 6, 3);
    audit_close(&log);
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    CHECK(summary.number == 9);
}

static void
a_full_file_with_a_torn_end_is_not_gone_on_from(void)
{
    char name[96];
    audit_log *log = NULL;
    aip_error err = AIP_ERROR_INIT;
    subject_write(5, 0);
    snprintf(name, sizeof name, "%s.1", subject_path);
    CHECK(rename(subject_path, name) == 0 && truncate(name, 500) == 0);
    CHECK_STATUS(subject_open(subject_path, &log, &err), AIP_AUDIT_UNAVAILABLE);
    CHECK(log == NULL && strstr(err.detail, "torn") != NULL);
}

/* A file that somebody put where the full one would go is never written over: the log grows on. */
static void
a_name_that_is_taken_keeps_the_log_in_its_file(void)
{
    char name[96];
    subject_begin();
    audit_options options = subject_options(0);
    options.rotate_bytes = 2000;
    audit_log *log = open_log(&options);
    snprintf(name, sizeof name, "%s.1", subject_path);
    subject_save(name, AIP_BYTES_LITERAL("mine"));
    subject_append(log, 1, 20);
    CHECK_STATUS(audit_health(log, NULL), AIP_OK);
    audit_close(&log);
    struct stat facts;
    CHECK(stat(name, &facts) == 0 && facts.st_size == 4);
    const char *path = subject_path;
    const audit_check check = {.paths = &path, .path_count = 1};
    CHECK_STATUS(audit_verify(&check, &summary, NULL), AIP_OK);
    CHECK(summary.number == 20);
}

static void
checkpoints_stand_at_each_so_many_lines_and_at_the_end(void)
{
    subject_write(25, 10);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    CHECK(summary.checkpoints == 3 && summary.signed_lines + 1 == summary.number);
}

static void
a_checkpoint_is_due_by_time_too(void)
{
    subject_begin();
    audit_options options = subject_options(1000);
    options.checkpoint_seconds = 1;
    audit_log *log = open_log(&options);
    subject_append(log, 1, 1);
    CHECK_STATUS(audit_tick(log, NULL), AIP_OK);
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    CHECK(summary.checkpoints == 0);
    usleep(1050000);
    CHECK_STATUS(audit_tick(log, NULL), AIP_OK);
    CHECK_STATUS(audit_tick(log, NULL), AIP_OK); /* nothing new since: none */
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    CHECK(summary.checkpoints == 1 && summary.number == 2);
    audit_close(&log);
}

typedef struct {
    audit_log *log;
    unsigned first;
} writer;

static void *
write_some(void *context)
{
    const writer *w = context;
    subject_append(w->log, w->first, EACH);
    return NULL;
}

static void
write_from_threads(audit_sync sync)
{
    pthread_t threads[THREADS];
    writer writers[THREADS];
    subject_begin();
    audit_options options = subject_options(50);
    options.sync = sync;
    options.rotate_bytes = 20000;
    audit_log *log = open_log(&options);
    for (unsigned i = 0; i < THREADS; i++) {
        writers[i] = (writer){log, i * EACH};
        CHECK(pthread_create(&threads[i], NULL, write_some, &writers[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    audit_close(&log);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    CHECK(summary.number >= (uint64_t)THREADS * EACH && count_files() > 2);
}

static void
threads_share_one_chain_under_every_policy(void)
{
    write_from_threads(AUDIT_SYNC_NONE);
    write_from_threads(AUDIT_SYNC_GROUP);
    write_from_threads(AUDIT_SYNC_EACH);
}

static void
a_thread_writes_many_lines_and_waits_once(void)
{
    subject_begin();
    audit_options options = subject_options(0);
    options.sync = AUDIT_SYNC_GROUP;
    audit_log *log = open_log(&options);
    uint64_t number = 0;
    for (unsigned i = 1; i <= 64; i++) {
        audit_record record = subject_record(i);
        CHECK_STATUS(audit_write(log, &record, &number, NULL), AIP_OK);
        CHECK(number == i);
    }
    CHECK_STATUS(audit_wait(log, number, NULL), AIP_OK);
    audit_close(&log);
}

/* What a full disk does, by a limit on the size of files. In a process of its own: the limit is for all its files. */
static int
meet_the_limit(void)
{
    aip_error err = AIP_ERROR_INIT;
    struct rlimit limit;
    audit_options options = subject_options(5);
    audit_log *log = open_log(&options);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 5000;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    unsigned written = 0;
    aip_status status = AIP_OK;
    while (status == AIP_OK && written < 100) {
        audit_record record = subject_record(++written);
        status = subject_append_one(log, &record, &err);
    }
    CHECK_STATUS(status, AIP_AUDIT_UNAVAILABLE);
    CHECK_STATUS(audit_health(log, &err), AIP_AUDIT_UNAVAILABLE);
    CHECK(strstr(err.detail, "File too large") != NULL);
    const audit_outcome outcome = {.decision_id = "AAAAAAAAAAAAAAAAAAAAAA", .status = AIP_UPSTREAM_TIMEOUT};
    CHECK_STATUS(subject_append_outcome(log, &outcome, NULL), AIP_AUDIT_UNAVAILABLE);
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK); /* no half line */
    limit.rlim_cur = limit.rlim_max;                       /* room again */
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    subject_append(log, written, 10);
    CHECK_STATUS(audit_health(log, &err), AIP_OK);
    audit_close(&log);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    return check_failures;
}

static void
a_full_disk_refuses_says_why_and_is_recovered_from(void)
{
    subject_begin();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int failures = meet_the_limit();
        fflush(stdout);
        _exit(failures != 0);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A descriptor that can be written and not synced stands in for a disk that fails. */
static void
a_failed_sync_refuses_for_good(void)
{
    aip_error err = AIP_ERROR_INIT;
    subject_begin();
    audit_options options = subject_options(0);
    options.sync = AUDIT_SYNC_GROUP;
    audit_log *log = open_log(&options);
    subject_append(log, 1, 1);
    int good = log->fd;
    log->fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    audit_record record = subject_record(2);
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_AUDIT_UNAVAILABLE);
    close(log->fd);
    log->fd = good;
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_AUDIT_UNAVAILABLE);
    CHECK_STATUS(audit_health(log, &err), AIP_AUDIT_UNAVAILABLE);
    CHECK(strstr(err.detail, "cannot be synced") != NULL);
    audit_close(&log);
}

static void
a_log_that_was_removed_refuses(void)
{
    aip_error err = AIP_ERROR_INIT;
    subject_begin();
    audit_options options = subject_options(0);
    audit_log *log = open_log(&options);
    subject_append(log, 1, 2);
    CHECK(unlink(subject_path) == 0);
    CHECK_STATUS(audit_health(log, &err), AIP_AUDIT_UNAVAILABLE);
    CHECK(strstr(err.detail, "moved or removed") != NULL);
    audit_record record = subject_record(3);
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_AUDIT_UNAVAILABLE);
    audit_close(&log);
}

static void
what_is_no_file_of_ours_is_not_opened(void)
{
    audit_log *log = NULL;
    char name[96];
    CHECK_STATUS(subject_open("/dev/full", &log, NULL), AIP_AUDIT_UNAVAILABLE);
    CHECK_STATUS(subject_open("/nonexistent/log", &log, NULL), AIP_AUDIT_UNAVAILABLE);
    CHECK_STATUS(subject_open("/tmp", &log, NULL), AIP_AUDIT_UNAVAILABLE);
    subject_write(1, 0);
    snprintf(name, sizeof name, "%s.1", subject_path);
    CHECK(symlink(subject_path, name) == 0);
    CHECK_STATUS(subject_open(name, &log, NULL), AIP_AUDIT_UNAVAILABLE);
    CHECK(log == NULL);
}

static void
two_writers_never_share_a_log(void)
{
    audit_log *other = NULL;
    subject_begin();
    audit_options options = subject_options(0);
    audit_log *log = open_log(&options);
    CHECK_STATUS(audit_open_with(&options, &other, NULL), AIP_AUDIT_UNAVAILABLE);
    CHECK(other == NULL);
    audit_close(&log);
}

static void
write_until_killed(void)
{
    audit_options options = subject_options(20);
    audit_log *log = NULL;
    options.rotate_bytes = 30000;
    if (audit_open_with(&options, &log, NULL) != AIP_OK) {
        _exit(9);
    }
    for (unsigned i = 0;; i++) {
        audit_record record = subject_record(i);
        if (subject_append_one(log, &record, NULL) != AIP_OK) {
            _exit(9);
        }
    }
}

/* Whole lines, or one that is torn and named; and what is whole is gone on from. */
static void
a_writer_that_is_killed_leaves_a_chain(void)
{
    subject_begin();
    for (unsigned i = 0; i < 20; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            write_until_killed();
        }
        usleep(3000 + i * 1700);
        int status = 0;
        CHECK(child > 0 && kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));
        aip_status verdict = subject_verify(true, &summary);
        if (verdict == AIP_AUDIT_CUT) {
            CHECK(summary.finding_count == 1);
            subject_begin(); /* an operator's matter: on with a new log */
        } else if (summary.lines > 0 && summary.checkpoints > 0) {
            CHECK_STATUS(verdict, AIP_OK);
        }
    }
}

static void
a_torn_end_is_named_and_never_cut_off(void)
{
    audit_log *log = NULL;
    aip_error err = AIP_ERROR_INIT;
    subject_lines lines, after;
    subject_write(5, 10);
    subject_cut(&lines);
    CHECK(truncate(subject_path, (off_t)lines.size - 30) == 0);
    CHECK_STATUS(subject_open(subject_path, &log, &err), AIP_AUDIT_UNAVAILABLE);
    CHECK(strstr(err.detail, "torn") != NULL);
    subject_cut(&after);
    CHECK(after.size == lines.size - 30);
    CHECK_STATUS(subject_verify(true, &summary), AIP_AUDIT_CUT);
    CHECK(summary.findings[0].line == 6);
    free(lines.text);
    free(after.text);
    subject_end();
}

RUN(TEST(a_log_rotates_by_size_and_the_chain_goes_on), TEST(a_full_file_that_was_taken_away_is_missed),
    TEST(a_restart_goes_on_in_the_same_series), TEST(a_log_whose_new_file_was_never_made_goes_on_from_the_full_one),
    TEST(an_empty_new_file_goes_on_from_the_full_one), TEST(a_full_file_with_a_torn_end_is_not_gone_on_from),
    TEST(a_name_that_is_taken_keeps_the_log_in_its_file), TEST(checkpoints_stand_at_each_so_many_lines_and_at_the_end),
    TEST(a_checkpoint_is_due_by_time_too), TEST(threads_share_one_chain_under_every_policy),
    TEST(a_thread_writes_many_lines_and_waits_once), TEST(a_full_disk_refuses_says_why_and_is_recovered_from),
    TEST(a_failed_sync_refuses_for_good), TEST(a_log_that_was_removed_refuses),
    TEST(what_is_no_file_of_ours_is_not_opened), TEST(two_writers_never_share_a_log),
    TEST(a_writer_that_is_killed_leaves_a_chain), TEST(a_torn_end_is_named_and_never_cut_off))
