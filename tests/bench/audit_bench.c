/* The decision log: lines verified a second; lines appended under each fsync policy, beside bare write and fdatasync of
 * the same bytes in the same run. */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/verify.h"
#include "crypto/hash.h"

#define ROUNDS 5
#define NONE_LINES 20000
#define GROUPS 60
#define GROUP_LINES 64
#define EACH_LINES 300
#define THREADS 16
#define THREAD_LINES 100
#define VERIFY_LINES 200000

static char folder[] = "/tmp/aip-bench.XXXXXX";
static char path[64], bare_path[64];
static aip_secret_key *key;
static char did[AIP_DID_TEXT_SIZE], kid[AIP_DID_TEXT_SIZE + 8];

static void
begin(void)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {9};
    require(crypto_start(NULL), "start");
    require(aip_secret_key_from_seed(seed, &key, NULL), "key");
    aip_did_of_key(aip_secret_key_public(key), did);
    snprintf(kid, sizeof kid, "%s#key-1", did);
    if (mkdtemp(folder) == NULL) {
        require(AIP_IO, "folder");
    }
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(bare_path, sizeof bare_path, "%s/bare", folder);
}

/* About 500 bytes a line, as a verified request with two links has. */
static audit_record
record_of(void)
{
    audit_record record = {.allowed = true,
                           .at = AIP_NOWHERE,
                           .time_seconds = 1800000000,
                           .decision_id = "AAAAAAAAAAAAAAAAAAAAAA",
                           .stage = "record",
                           .protocol = "mcp",
                           .method = AIP_BYTES_LITERAL("tools/call"),
                           .tool = AIP_BYTES_LITERAL("search"),
                           .verified = false,
                           .has_budget = true,
                           .budget_micro_usd = 500000,
                           .has_digest = true,
                           .peer = "2001:db8:0000:0000:0000:0000:0000:0001"};
    return record;
}

static audit_log *
open_log(audit_sync sync, uint64_t checkpoint_lines)
{
    audit_log *log = NULL;
    const audit_options options = {.path = path,
                                   .sync = sync,
                                   .key = checkpoint_lines == 0 ? NULL : key,
                                   .issuer = did,
                                   .key_id = kid,
                                   .checkpoint_lines = checkpoint_lines};
    unlink(path);
    require(audit_open_with(&options, &log, NULL), "open");
    return log;
}

/* Nanoseconds a line: `groups` times `lines` lines and one wait. */
static double
time_log(audit_sync sync, int groups, int lines)
{
    audit_log *log = open_log(sync, 0);
    audit_record record = record_of();
    uint64_t number = 0, start = nanoseconds();
    for (int group = 0; group < groups; group++) {
        for (int i = 0; i < lines; i++) {
            require(audit_write(log, &record, &number, NULL), "write");
        }
        require(audit_wait(log, number, NULL), "wait");
    }
    double took = (double)(nanoseconds() - start) / groups / lines;
    audit_close(&log);
    return took;
}

static size_t
line_bytes(void)
{
    struct stat facts;
    audit_log *log = open_log(AUDIT_SYNC_NONE, 0);
    audit_record record = record_of();
    require(audit_append(log, &record, NULL), "append");
    audit_close(&log);
    return stat(path, &facts) == 0 ? (size_t)facts.st_size : 0;
}

/* The same bytes in the same groups, with nothing but the system calls. */
static double
time_bare(size_t bytes, bool sync, int groups, int lines)
{
    static char line[4096];
    int fd = open(bare_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    memset(line, 'x', sizeof line);
    uint64_t start = nanoseconds();
    for (int group = 0; group < groups; group++) {
        for (int i = 0; i < lines; i++) {
            require(write(fd, line, bytes) == (ssize_t)bytes ? AIP_OK : AIP_IO, "bare write");
        }
        require(!sync || fdatasync(fd) == 0 ? AIP_OK : AIP_IO, "bare sync");
    }
    double took = (double)(nanoseconds() - start) / groups / lines;
    close(fd);
    return took;
}

static void
compare(const char *name, audit_sync sync, int groups, int lines)
{
    double ours[ROUNDS], bare[ROUNDS];
    size_t bytes = line_bytes();
    for (int i = 0; i < ROUNDS; i++) {
        bare[i] = time_bare(bytes, sync != AUDIT_SYNC_NONE, groups, lines);
        ours[i] = time_log(sync, groups, lines);
    }
    double a = median(bare, ROUNDS) / 1000, b = median(ours, ROUNDS) / 1000;
    printf("append, %s: bare %.2f us a line, ours %.2f us; ratio of rates %.2f\n", name, a, b, a / b);
}

static void *
append_some(void *context)
{
    audit_record record = record_of();
    for (int i = 0; i < THREAD_LINES; i++) {
        require(audit_append(context, &record, NULL), "append");
    }
    return NULL;
}

static void
time_threads(void)
{
    pthread_t threads[THREADS];
    audit_log *log = open_log(AUDIT_SYNC_GROUP, 0);
    uint64_t start = nanoseconds();
    for (int i = 0; i < THREADS; i++) {
        require(pthread_create(&threads[i], NULL, append_some, log) == 0 ? AIP_OK : AIP_INTERNAL, "thread");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    double took = (double)(nanoseconds() - start);
    audit_close(&log);
    printf("append, group, %d threads that wait for each line: %.0f lines a second\n", THREADS,
           THREADS * THREAD_LINES * 1e9 / took);
}

static aip_status
find_key(void *context, const aip_did *name, aip_bytes wanted, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    (void)context;
    (void)signed_at;
    return aip_did_find_key(name, wanted, out, err);
}

static void
time_verify(void)
{
    static audit_summary summary;
    static const aip_key_source keys = {find_key, NULL};
    double took[ROUNDS];
    audit_log *log = open_log(AUDIT_SYNC_NONE, 1000);
    audit_record record = record_of();
    const char *name = path;
    const audit_check check = {.paths = &name, .path_count = 1, .trust = {&keys, aip_bytes_of(did)}};
    for (int i = 0; i < VERIFY_LINES; i++) {
        require(audit_append(log, &record, NULL), "append");
    }
    audit_close(&log);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t start = nanoseconds();
        require(audit_verify(&check, &summary, NULL), "verify");
        took[i] = (double)(nanoseconds() - start) / 1e9;
    }
    double seconds = median(took, ROUNDS);
    printf("verify: %.0f lines a second, %.0f MB/s, with %llu signatures\n", (double)summary.lines / seconds,
           (double)summary.bytes / seconds / 1e6, (unsigned long long)summary.checkpoints);
}

int
main(void)
{
    begin();
    compare("none", AUDIT_SYNC_NONE, 1, NONE_LINES);
    compare("each", AUDIT_SYNC_EACH, EACH_LINES, 1);
    compare("group of 64", AUDIT_SYNC_GROUP, GROUPS, GROUP_LINES);
    time_threads();
    time_verify();
    unlink(path);
    unlink(bare_path);
    rmdir(folder);
    aip_secret_key_free(&key);
    return 0;
}
