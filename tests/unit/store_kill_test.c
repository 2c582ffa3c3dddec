/* A writer is killed at random moments, over and over: the database opens whole, no mark of a log has gone back, and
 * nothing that was acknowledged is lost. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/store_subject.h"

#define NAMES 4
#define VERSIONS_MAX 200 /* of one log */
#define KILLS_MAX 60
#define KILLS_MIN 5
#define MICROSECONDS_MAX 2500000 /* for all of them */
#define WEB "did:web:a.example"

/* What is known to have reached the disk: after a kill, at least this. */
typedef struct {
    size_t versions[NAMES]; /* entries of the log; 0: none */
    int64_t saved;          /* fetched_at of the cached answer */
    int64_t noted;          /* last_seen of the shown key */
    int64_t refused;        /* refused_until */
} progress;

static store *db;
static did_cache cache;
static progress reached;

static void
require(bool good)
{
    if (!good) {
        _exit(9);
    }
}

static identity *
log_identity(const subject_log *wanted)
{
    identity *id = NULL;
    LOG_AUTO did_log *log = subject_make_log(wanted);
    CHECK_STATUS(did_log_identity(log, &id, NULL), AIP_OK);
    return id;
}

static identity *
web_identity(void)
{
    identity *id = NULL;
    CHECK_STATUS(identity_new(AIP_BYTES_LITERAL(WEB), 1, &id, NULL), AIP_OK);
    id->keys[0] = (identity_key){
        .key = subject_keys[0], .fragment = "a", .uses = IDENTITY_USES_ALL, .from = INT64_MIN, .until = INT64_MAX};
    return id;
}

/* The writer's side */

static void
write_log(size_t name)
{
    subject_log log = {.first = name, .count = reached.versions[name] + 1, .fork = SIZE_MAX};
    if (log.count > VERSIONS_MAX) {
        return;
    }
    require(subject_keep(&cache, &log) == AIP_OK);
    reached.versions[name] = log.count;
    IDENTITY_AUTO identity *id = log_identity(&log);
    require(cache.save(cache.context, id, (aip_bytes){NULL, 0}, 1, 2, NULL) == AIP_OK);
    log.fork = log.count - 1;
    log.branch = (unsigned char)(1 + log.count % 100);
    require(subject_keep(&cache, &log) == AIP_LOG_FORK);
}

static void
write_answer(void)
{
    IDENTITY_AUTO identity *id = web_identity();
    int64_t next = reached.saved + 1;
    require(cache.save(cache.context, id, AIP_BYTES_LITERAL("{}"), next, next, NULL) == AIP_OK);
    reached.saved = next;
    next = reached.noted + 1;
    require(cache.note_keys(cache.context, id, next, NULL) == AIP_OK);
    reached.noted = next;
    next = reached.refused + 1;
    require(cache.save_refusal(cache.context, AIP_BYTES_LITERAL("x"), AIP_DID_NOT_FOUND, next, NULL) == AIP_OK);
    reached.refused = next;
}

/* Tells what was reached after each step that the database acknowledged. */
static void
write_until_killed(int acknowledge)
{
    require(store_open(subject_path, &db, NULL) == AIP_OK);
    require(store_identities(db, &cache, NULL) == AIP_OK);
    for (size_t turn = 0;; turn++) {
        write_log(turn % NAMES);
        require(write(acknowledge, &reached, sizeof reached) == (ssize_t)sizeof reached);
        write_answer();
        require(write(acknowledge, &reached, sizeof reached) == (ssize_t)sizeof reached);
    }
}

/* The other side */

static void
check_log(size_t name)
{
    char did[AIP_DID_TEXT_SIZE];
    TEXT_AUTO text_buffer kept = {0}, wanted = {0};
    did_cache_entry entry;
    aip_did_of_key(&subject_keys[name], did);
    aip_status status = cache.load_log(cache.context, aip_bytes_of(did), &kept, NULL);
    CHECK(status == AIP_OK || (status == AIP_DID_NOT_FOUND && reached.versions[name] == 0));
    size_t lines = 0;
    for (size_t i = 0; i < kept.size; i++) {
        lines += kept.data[i] == '\n';
    }
    CHECK(lines >= reached.versions[name]);
    const subject_log log = {.first = name, .count = lines, .fork = SIZE_MAX};
    subject_log_text(&log, &wanted);
    CHECK(aip_bytes_equal(text_view(&kept), text_view(&wanted)));
    CHECK_STATUS(cache.load(cache.context, aip_bytes_of(did), &entry, NULL), AIP_OK);
    CHECK(entry.known == NULL || entry.known->version + 1 == lines);
    did_cache_entry_clear(&entry);
    reached.versions[name] = lines;
}

static void
check_answers(void)
{
    did_cache_entry entry;
    CHECK_STATUS(cache.load(cache.context, AIP_BYTES_LITERAL(WEB), &entry, NULL), AIP_OK);
    CHECK((entry.known != NULL || reached.saved == 0) && entry.fetched_at >= reached.saved);
    reached.saved = entry.fetched_at;
    did_cache_entry_clear(&entry);
    CHECK_STATUS(cache.load(cache.context, AIP_BYTES_LITERAL("x"), &entry, NULL), AIP_OK);
    CHECK(entry.refused_until >= reached.refused);
    reached.refused = entry.refused_until;
    int64_t noted = subject_query("SELECT coalesce(max(last_seen), 0) FROM shown_key");
    CHECK(noted >= reached.noted);
    reached.noted = noted;
}

static void
check_all(void)
{
    CHECK_STATUS(store_open(subject_path, &db, NULL), AIP_OK);
    CHECK_STATUS(store_identities(db, &cache, NULL), AIP_OK);
    CHECK(subject_query("SELECT count(*) = 1 AND min(integrity_check) = 'ok' FROM pragma_integrity_check") == 1);
    CHECK(subject_query("SELECT count(*) FROM pragma_foreign_key_check") == 0);
    for (size_t name = 0; name < NAMES; name++) {
        check_log(name);
    }
    check_answers();
    store_close(&db);
}

static void
run_and_kill(unsigned microseconds)
{
    int ends[2], state = 0;
    progress told;
    fflush(stdout);
    require(pipe(ends) == 0);
    pid_t writer = fork();
    require(writer >= 0);
    if (writer == 0) {
        close(ends[0]);
        write_until_killed(ends[1]);
    }
    close(ends[1]);
    nanosleep(&(struct timespec){.tv_nsec = (long)microseconds * 1000}, NULL);
    CHECK(kill(writer, SIGKILL) == 0);
    CHECK(waitpid(writer, &state, 0) == writer);
    CHECK(WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL); /* it did not stop by itself */
    while (read(ends[0], &told, sizeof told) == (ssize_t)sizeof told) {
        reached = told;
    }
    close(ends[0]);
}

static void
nothing_acknowledged_is_lost_when_a_writer_is_killed(void)
{
    unsigned random = 20261121;
    subject_begin();
    uint64_t began = clock_monotonic_microseconds();
    for (int kills = 0; kills < KILLS_MAX; kills++) {
        if (kills >= KILLS_MIN && clock_monotonic_microseconds() - began > MICROSECONDS_MAX) {
            break;
        }
        /* The first ones meet the database while it is made. */
        unsigned span = kills < 20 ? 8000 : 60000;
        run_and_kill((unsigned)rand_r(&random) % span);
        check_all();
    }
    CHECK(reached.versions[0] > 0 && reached.saved > 0 && reached.noted > 0 && reached.refused > 0);
    subject_end();
}

RUN(TEST(nothing_acknowledged_is_lost_when_a_writer_is_killed))
