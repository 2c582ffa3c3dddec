/* The decision log: lines verified a second; lines appended under each fsync policy, beside bare write and fdatasync of
 * the same bytes in the same run, on the disk and in memory. */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/line.h"
#include "audit/verify.h"
#include "crypto/hash.h"

#define ROUNDS 7
#define NONE_LINES 20000
#define GROUPS 60
#define GROUP_LINES 64
#define EACH_LINES 100
#define THREADS 16
#define THREAD_LINES 100
#define SHARDS 2
#define SHARD_LINES 10000
#define VERIFY_LINES 100000
#define NOW 1800000000

static char folder[64], path[96], bare_path[96];
static aip_secret_key *key;
static char did[AIP_DID_TEXT_SIZE], kid[AIP_DID_TEXT_SIZE + 8];
static aip_chain *chain;

static void
make_chain(void)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {8};
    static const char *const scope[] = {"tool:*"};
    char agent[AIP_DID_TEXT_SIZE], *first = NULL, *second = NULL;
    aip_secret_key *agent_key = NULL;
    require(aip_secret_key_from_seed(seed, &agent_key, NULL), "key");
    aip_did_of_key(aip_secret_key_public(agent_key), agent);
    aip_statement said = {.subject = agent,
                          .scope = scope,
                          .scope_count = 1,
                          .has_max_depth = true,
                          .max_depth = 3,
                          .issued_at = NOW,
                          .expires_at = NOW + 100};
    require(aip_token_issue(key, &said, &first, NULL), "issue");
    said.subject = "did:web:worker.example.com";
    said.has_max_depth = false;
    said.context = "find what the quarter's tides were";
    require(aip_token_delegate(agent_key, aip_bytes_of(first), &said, &second, NULL), "delegate");
    require(aip_chain_parse(aip_bytes_of(second), &chain, NULL), "parse");
    aip_secret_key_free(&agent_key);
    free(first);
    free(second);
}

static void
begin(void)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {9};
    require(crypto_start(NULL), "start");
    require(aip_secret_key_from_seed(seed, &key, NULL), "key");
    aip_did_of_key(aip_secret_key_public(key), did);
    snprintf(kid, sizeof kid, "%s#key-1", did);
    make_chain();
}

static bool
enter(const char *place)
{
    snprintf(folder, sizeof folder, "%s/aip-bench.XXXXXX", place);
    if (mkdtemp(folder) == NULL) {
        return false;
    }
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(bare_path, sizeof bare_path, "%s/bare", folder);
    return true;
}

static void
leave(void)
{
    unlink(path);
    unlink(bare_path);
    rmdir(folder);
}

/* A verified request with two links, judged by a policy. */
static audit_record
record_of(void)
{
    return (audit_record){.allowed = true,
                          .at = AIP_NOWHERE,
                          .time_seconds = NOW,
                          .decision_id = "AAAAAAAAAAAAAAAAAAAAAA",
                          .stage = "record",
                          .protocol = "mcp",
                          .method = AIP_BYTES_LITERAL("tools/call"),
                          .tool = AIP_BYTES_LITERAL("search"),
                          .request_id = AIP_BYTES_LITERAL("17"),
                          .upstream = "files",
                          .chain = chain,
                          .verified = true,
                          .proven = true,
                          .root = aip_chain_issuer(chain, 0),
                          .leaf = aip_chain_subject(chain, 1),
                          .has_budget = true,
                          .budget_micro_usd = 500000,
                          .has_cost = true,
                          .cost_micro_usd = 2000,
                          .hold = 4711,
                          .policy_name = "strict",
                          .policy_mode = "enforce",
                          .ground = "arguments",
                          .arguments = AIP_BYTES_LITERAL("{\"query\":\"tides\",\"limit\":10}"),
                          .has_digest = true,
                          .peer = "127.0.0.1"};
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

static void
append_one(audit_log *log, const audit_record *record)
{
    uint64_t number;
    require(audit_write(log, record, &number, NULL), "append");
    require(audit_wait(log, number, NULL), "append");
}

static size_t
line_bytes(void)
{
    struct stat facts;
    audit_log *log = open_log(AUDIT_SYNC_NONE, 0);
    audit_record record = record_of();
    append_one(log, &record);
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
tell(const char *name, double *bare, double *ours)
{
    double ratios[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        ratios[i] = bare[i] / ours[i];
    }
    double ratio = median(ratios, ROUNDS);
    printf("append, %s: bare %.2f us a line, ours %.2f us; ratio of rates %.2f\n", name, median(bare, ROUNDS) / 1000,
           median(ours, ROUNDS) / 1000, ratio);
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
    tell(name, bare, ours);
}

/* ---- as a gateway does it: shards write, one scribe waits for what is there and writes on ---- */

typedef struct {
    audit_log *log; /* NULL: bare */
    int fd;
    size_t bytes;
    _Atomic uint64_t reached;
    _Atomic int running;
} shared_log;

static void *
write_as_shard(void *context)
{
    static const char line[4096];
    shared_log *shared = context;
    audit_record record = record_of();
    for (int i = 0; i < SHARD_LINES; i++) {
        uint64_t number = 0;
        if (shared->log == NULL) {
            require(write(shared->fd, line, shared->bytes) == (ssize_t)shared->bytes ? AIP_OK : AIP_IO, "bare write");
            number = atomic_fetch_add(&shared->reached, 1);
        } else {
            require(audit_write(shared->log, &record, &number, NULL), "write");
            atomic_store(&shared->reached, number);
        }
    }
    atomic_fetch_sub(&shared->running, 1);
    return NULL;
}

static void *
wait_as_scribe(void *context)
{
    shared_log *shared = context;
    for (bool last = false; !last;) {
        last = atomic_load(&shared->running) == 0;
        if (shared->log == NULL) {
            require(fdatasync(shared->fd) == 0 ? AIP_OK : AIP_IO, "bare sync");
        } else {
            require(audit_wait(shared->log, atomic_load(&shared->reached), NULL), "wait");
        }
    }
    return NULL;
}

/* Nanoseconds a line. */
static double
time_shared(shared_log *shared)
{
    pthread_t shards[SHARDS], scribe;
    uint64_t start = nanoseconds();
    atomic_store(&shared->running, SHARDS);
    for (int i = 0; i < SHARDS; i++) {
        require(pthread_create(&shards[i], NULL, write_as_shard, shared) == 0 ? AIP_OK : AIP_INTERNAL, "thread");
    }
    require(pthread_create(&scribe, NULL, wait_as_scribe, shared) == 0 ? AIP_OK : AIP_INTERNAL, "thread");
    for (int i = 0; i < SHARDS; i++) {
        pthread_join(shards[i], NULL);
    }
    pthread_join(scribe, NULL);
    return (double)(nanoseconds() - start) / SHARDS / SHARD_LINES;
}

static void
compare_shards(void)
{
    double ours[ROUNDS], bare[ROUNDS];
    size_t bytes = line_bytes();
    for (int i = 0; i < ROUNDS; i++) {
        shared_log first = {.fd = open(bare_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600), .bytes = bytes};
        bare[i] = time_shared(&first);
        close(first.fd);
        shared_log second = {.log = open_log(AUDIT_SYNC_GROUP, 0)};
        ours[i] = time_shared(&second);
        audit_close(&second.log);
    }
    tell("two shards and a scribe", bare, ours);
}

static void *
append_some(void *context)
{
    audit_record record = record_of();
    for (int i = 0; i < THREAD_LINES; i++) {
        append_one(context, &record);
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
        append_one(log, &record);
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

static void
time_place(const char *place)
{
    if (!enter(place)) {
        printf("%s: skipped\n", place);
        return;
    }
    printf("%s, lines of %zu bytes\n", place, line_bytes());
    compare("none", AUDIT_SYNC_NONE, 1, NONE_LINES);
    compare("each", AUDIT_SYNC_EACH, EACH_LINES, 1);
    compare("group of 64", AUDIT_SYNC_GROUP, GROUPS, GROUP_LINES);
    compare_shards();
    time_threads();
    leave();
}

/* Of this thread alone: what others do on the machine meanwhile does not count. */
static double
cpu_nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* What a shard pays: the line put together, and with it numbered, hashed and handed to the kernel. */
static void
time_parts(void)
{
    TEXT_AUTO text_buffer line = {0};
    unsigned char hash[AIP_HASH_BYTES];
    uint64_t number;
    audit_record record = record_of();
    audit_log *log = open_log(AUDIT_SYNC_NONE, 0);
    double start = cpu_nanoseconds();
    for (int i = 0; i < NONE_LINES; i++) {
        audit_line_decision(&line, &record);
    }
    double format = cpu_nanoseconds() - start;
    start = cpu_nanoseconds();
    for (int i = 0; i < NONE_LINES; i++) {
        hash_sha256(text_view(&line), hash);
    }
    double hashing = cpu_nanoseconds() - start;
    start = cpu_nanoseconds();
    for (int i = 0; i < NONE_LINES; i++) {
        require(audit_write(log, &record, &number, NULL), "write");
    }
    double whole = cpu_nanoseconds() - start;
    audit_close(&log);
    printf("CPU of a line of %zu bytes: put together %.2f us, hashed %.2f us; audit_write in all %.2f us\n", line.size,
           format / NONE_LINES / 1000, hashing / NONE_LINES / 1000, whole / NONE_LINES / 1000);
}

int
main(void)
{
    begin();
    time_place("/tmp");
    time_place("/dev/shm");
    if (enter("/dev/shm") || enter("/tmp")) {
        time_parts();
        time_verify();
        leave();
    }
    aip_chain_free(&chain);
    aip_secret_key_free(&key);
    return 0;
}
