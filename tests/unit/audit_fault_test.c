/* The writer when the disk fails and when the clock jumps: calls of the system that fail on demand stand in their
 * place. */
#include "tests/unit/audit_subject.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "crypto/hash.h"

/* ---- the system's calls ---- */

static struct {
    size_t write_bytes; /* that still go through; then write_errno */
    int write_errno;    /* 0: all goes through */
    size_t piece;       /* at most so many bytes of one write; 0: all */
    int interrupts;     /* so many writes are interrupted first */
    int sync_errno, truncate_errno;
    unsigned syncs;
    int64_t jump_seconds; /* of the wall clock */
} faults;

ssize_t
write(int fd, const void *data, size_t size)
{
    if (fd > 2 && faults.interrupts > 0) {
        faults.interrupts--;
        errno = EINTR;
        return -1;
    }
    if (fd > 2 && faults.write_errno != 0) {
        if (faults.write_bytes == 0) {
            errno = faults.write_errno;
            return -1;
        }
        size = size < faults.write_bytes ? size : faults.write_bytes;
        faults.write_bytes -= size;
    }
    if (fd > 2 && faults.piece > 0 && size > faults.piece) {
        size = faults.piece;
    }
    return syscall(SYS_write, fd, data, size);
}

int
fdatasync(int fd)
{
    faults.syncs++;
    if (faults.sync_errno != 0) {
        errno = faults.sync_errno;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int
ftruncate(int fd, off_t size)
{
    if (faults.truncate_errno != 0) {
        errno = faults.truncate_errno;
        return -1;
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
    int status = (int)syscall(SYS_clock_gettime, clock, out);
    if (clock == CLOCK_REALTIME) {
        out->tv_sec += faults.jump_seconds;
    }
    return status;
}

/* ---- ---- */

static audit_summary summary;

static audit_log *
begin(audit_sync sync, uint64_t checkpoint_lines)
{
    audit_log *log = NULL;
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    memset(&faults, 0, sizeof faults);
    subject_begin();
    audit_options options = subject_options(checkpoint_lines);
    options.sync = sync;
    CHECK_STATUS(audit_open_with(&options, &log, NULL), AIP_OK);
    return log;
}

static aip_status
append(audit_log *log, unsigned number)
{
    const audit_record record = subject_record(number);
    return subject_append_one(log, &record, NULL);
}

static void
check_lines(uint64_t count)
{
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    CHECK(summary.lines == count);
}

static void
a_line_in_pieces_is_a_whole_line(void)
{
    audit_log *log = begin(AUDIT_SYNC_NONE, 0);
    faults.piece = 7;
    faults.interrupts = 3;
    subject_append(log, 1, 3);
    check_lines(3);
    audit_close(&log);
}

/* However much of the line the disk still takes: none of it stays, the reason is told, and the next line is tried. */
static void
a_disk_that_is_full_anywhere_in_a_line_refuses_and_keeps_whole_lines(void)
{
    audit_log *log = begin(AUDIT_SYNC_NONE, 0);
    aip_error err = AIP_ERROR_INIT;
    uint64_t written = 1;
    struct stat facts;
    CHECK_STATUS(append(log, 1), AIP_OK);
    CHECK(stat(subject_path, &facts) == 0);
    for (size_t room = 0; room < (size_t)facts.st_size; room += 11) { /* the next ones are not shorter */
        faults.write_errno = ENOSPC;
        faults.write_bytes = room;
        CHECK_STATUS(append(log, 2), AIP_AUDIT_UNAVAILABLE);
        CHECK_STATUS(audit_health(log, &err), AIP_AUDIT_UNAVAILABLE);
        CHECK(strstr(err.detail, "No space left") != NULL);
        check_lines(written);
        faults.write_errno = 0;
        CHECK_STATUS(append(log, 3), AIP_OK);
        CHECK_STATUS(audit_health(log, &err), AIP_OK);
        check_lines(++written);
    }
    audit_close(&log);
}

static void
a_disk_that_fails_to_write_refuses_outcomes_events_and_checkpoints_too(void)
{
    audit_log *log = begin(AUDIT_SYNC_NONE, 2);
    aip_error err = AIP_ERROR_INIT;
    const audit_outcome outcome = {.decision_id = "AAAAAAAAAAAAAAAAAAAAAA"};
    const audit_event event = {.name = "alert"};
    subject_append(log, 1, 2); /* the next line comes after a checkpoint */
    faults.write_errno = EIO;
    CHECK_STATUS(append(log, 3), AIP_AUDIT_UNAVAILABLE);
    CHECK_STATUS(subject_append_outcome(log, &outcome, NULL), AIP_AUDIT_UNAVAILABLE);
    CHECK_STATUS(audit_append_event(log, &event, NULL), AIP_AUDIT_UNAVAILABLE);
    CHECK_STATUS(audit_health(log, &err), AIP_AUDIT_UNAVAILABLE);
    CHECK(strstr(err.detail, "Input/output error") != NULL);
    faults.write_errno = 0;
    CHECK_STATUS(append(log, 3), AIP_OK);
    audit_close(&log);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    CHECK(summary.number == 5 && summary.checkpoints == 2);
}

/* The half line stays until it can be taken back, and nothing is written behind it. */
static void
half_a_line_that_cannot_be_taken_back_is_in_the_way(void)
{
    audit_log *log = begin(AUDIT_SYNC_NONE, 0);
    CHECK_STATUS(append(log, 1), AIP_OK);
    faults.write_errno = faults.truncate_errno = EIO;
    faults.write_bytes = 20;
    CHECK_STATUS(append(log, 2), AIP_AUDIT_UNAVAILABLE);
    faults.write_errno = 0;
    CHECK_STATUS(append(log, 2), AIP_AUDIT_UNAVAILABLE);
    CHECK_STATUS(subject_verify(false, &summary), AIP_AUDIT_CUT);
    CHECK(summary.lines == 2);
    faults.truncate_errno = 0;
    CHECK_STATUS(append(log, 2), AIP_OK);
    check_lines(2);
    audit_close(&log);
}

static void
a_sync_that_failed_once_is_never_believed_again(void)
{
    for (int each = 0; each < 2; each++) {
        audit_log *log = begin(each ? AUDIT_SYNC_EACH : AUDIT_SYNC_GROUP, 0);
        uint64_t number;
        const audit_outcome outcome = {.decision_id = "AAAAAAAAAAAAAAAAAAAAAA"};
        CHECK_STATUS(append(log, 1), AIP_OK);
        faults.sync_errno = EIO;
        CHECK_STATUS(append(log, 2), AIP_AUDIT_UNAVAILABLE);
        faults.sync_errno = 0;
        unsigned before = faults.syncs;
        CHECK_STATUS(append(log, 3), AIP_AUDIT_UNAVAILABLE);
        CHECK_STATUS(audit_write_outcome(log, &outcome, &number, NULL), AIP_AUDIT_UNAVAILABLE);
        CHECK_STATUS(audit_tick(log, NULL), each ? AIP_OK : AIP_AUDIT_UNAVAILABLE);
        CHECK(faults.syncs == before); /* the second try might succeed, and would prove nothing */
        CHECK_STATUS(audit_health(log, NULL), AIP_AUDIT_UNAVAILABLE);
        audit_close(&log);
        check_lines(2); /* it may tell of more than was done, never of less */
    }
}

/* Lines that others wrote before are as durable as the one that is waited for: one wait for all. */
static void
one_wait_covers_decisions_and_outcomes_before_it(void)
{
    audit_log *log = begin(AUDIT_SYNC_GROUP, 0);
    uint64_t first, last = 0;
    const audit_record record = subject_record(1);
    const audit_outcome outcome = {.decision_id = "AAAAAAAAAAAAAAAAAAAAAA"};
    CHECK_STATUS(audit_write(log, &record, &first, NULL), AIP_OK);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_STATUS(audit_write_outcome(log, &outcome, &last, NULL), AIP_OK);
    }
    CHECK(first == 1 && last == 21 && faults.syncs == 0);
    CHECK_STATUS(audit_wait(log, last, NULL), AIP_OK);
    CHECK_STATUS(audit_wait(log, first, NULL), AIP_OK);
    CHECK(faults.syncs == 1);
    audit_close(&log);
}

/* ---- the clock ---- */

static void
a_wall_clock_that_jumps_neither_delays_checkpoints_nor_breaks_the_log(void)
{
    static const int64_t jumps[] = {86400 * 3650, -86400 * 3650, -1800000000 - 86400, 0};
    audit_log *log = begin(AUDIT_SYNC_NONE, 3);
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        const audit_outcome outcome = {.decision_id = "AAAAAAAAAAAAAAAAAAAAAA"};
        faults.jump_seconds = jumps[i];
        subject_append(log, 1, 5);
        CHECK_STATUS(subject_append_outcome(log, &outcome, NULL), AIP_OK);
        CHECK_STATUS(audit_tick(log, NULL), AIP_OK);
    }
    audit_close(&log);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    CHECK(summary.checkpoints == 8); /* each three lines, whatever the time was said to be */
}

static void
records_whose_time_goes_back_are_lines_like_others(void)
{
    audit_log *log = begin(AUDIT_SYNC_NONE, 0);
    static const int64_t times[] = {1800000000, 0, 253402300799, INT64_MAX, -5, INT64_MIN, 1};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        audit_record record = subject_record((unsigned)i);
        record.time_seconds = times[i];
        CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    }
    audit_close(&log);
    check_lines(sizeof times / sizeof times[0]);
}

/* ---- a disk that is really full ---- */

static bool
enter_own_mounts(void)
{
    return unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
}

static void
fill_up(audit_log *log, aip_status *last, unsigned *written)
{
    *last = AIP_OK;
    for (*written = 0; *last == AIP_OK && *written < 10000; *written += *last == AIP_OK) {
        *last = append(log, *written);
    }
}

enum { CHILD_GOOD, CHILD_BAD, CHILD_SKIPPED };

static int
meet_a_full_disk(void)
{
    audit_log *log = NULL;
    char ballast[80];
    aip_error err = AIP_ERROR_INIT;
    aip_status last;
    unsigned written;
    if (!enter_own_mounts() || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", subject_folder, "tmpfs", 0, "size=128k,mode=700") != 0) {
        return CHILD_SKIPPED;
    }
    snprintf(ballast, sizeof ballast, "%s/ballast", subject_folder);
    int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && posix_fallocate(fd, 0, 65536) == 0);
    audit_options options = subject_options(10);
    options.sync = AUDIT_SYNC_GROUP;
    options.rotate_bytes = 20000; /* a rotation may be what does not fit */
    CHECK_STATUS(audit_open_with(&options, &log, NULL), AIP_OK);
    fill_up(log, &last, &written);
    CHECK_STATUS(last, AIP_AUDIT_UNAVAILABLE);
    CHECK(written > 50);
    CHECK_STATUS(audit_health(log, &err), AIP_AUDIT_UNAVAILABLE);
    CHECK(strstr(err.detail, "No space left") != NULL);
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    CHECK(unlink(ballast) == 0 && close(fd) == 0);
    CHECK_STATUS(append(log, 0), AIP_OK);
    audit_close(&log);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    return check_failures == 0 ? CHILD_GOOD : CHILD_BAD;
}

static void
a_small_disk_that_is_full_refuses_and_is_recovered_from(void)
{
    memset(&faults, 0, sizeof faults);
    subject_begin();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int verdict = meet_a_full_disk();
        fflush(stdout);
        _exit(verdict);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK(WEXITSTATUS(status) != CHILD_BAD);
    if (WEXITSTATUS(status) == CHILD_SKIPPED) {
        printf("  skipped: no file system may be mounted here\n");
    }
    subject_end();
}

RUN(TEST(a_line_in_pieces_is_a_whole_line), TEST(a_disk_that_is_full_anywhere_in_a_line_refuses_and_keeps_whole_lines),
    TEST(a_disk_that_fails_to_write_refuses_outcomes_events_and_checkpoints_too),
    TEST(half_a_line_that_cannot_be_taken_back_is_in_the_way), TEST(a_sync_that_failed_once_is_never_believed_again),
    TEST(one_wait_covers_decisions_and_outcomes_before_it),
    TEST(a_wall_clock_that_jumps_neither_delays_checkpoints_nor_breaks_the_log),
    TEST(records_whose_time_goes_back_are_lines_like_others),
    TEST(a_small_disk_that_is_full_refuses_and_is_recovered_from))
