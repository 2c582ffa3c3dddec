/* The load of gateway_bench.sh: keep-alive connections on loopback, each with one call under way, or open streams.
 * Bounded in connections and time. Prints one line: calls a second, p50 and p99 in microseconds, CPU microseconds a
 * call of the process measured, calls that failed; of streams: KiB a stream, p50 and p99 of an event's way, streams
 * lost. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "bench.h"
#include "cli/keys.h"
#include "proof/proof.h"

#define CONNECTIONS_MAX 4096
#define SAMPLES_MAX 4000000
#define REPLY_BYTES_MAX 16384
#define SECONDS_MAX 60
#define SIGNED_MAX 400000
#define EVENTS_SENT 200
typedef struct {
    int fd;
    uint64_t sent;
    char reply[REPLY_BYTES_MAX];
    size_t size;
} peer;

static struct {
    const char *host, *path, *headers, *key_file, *pid, *token, *tool;
    unsigned port, connections, milliseconds, streams;
    unsigned event_port;
} options = {
    .host = "127.0.0.1", .path = "/mcp", .headers = "", .tool = "search", .connections = 1, .milliseconds = 1000};

static peer *peers;
static int epoll_fd;
static uint32_t *samples;
static size_t sample_count, failed;
static char *requests; /* one, or as many as were signed, end to end */
static size_t *request_ends, request_count, next_request;
static char message[256]; /* the call */

/* ---- what the measured process used ---- */

static double
read_number(const char *path, const char *label)
{
    char line[256];
    double value = 0;
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, label, strlen(label)) == 0) {
            value = strtod(line + strlen(label), NULL);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return value;
}

/* Nanoseconds on a core of all its threads, also of those that have ended. */
static double
cpu_nanoseconds(void)
{
    clockid_t clock;
    struct timespec spent;
    if (options.pid == NULL || clock_getcpuclockid((pid_t)strtol(options.pid, NULL, 10), &clock) != 0 ||
        clock_gettime(clock, &spent) != 0) {
        return 0;
    }
    return (double)spent.tv_sec * 1e9 + (double)spent.tv_nsec;
}

static double
resident_kib(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/status", options.pid == NULL ? "self" : options.pid);
    return read_number(path, "VmRSS:");
}

/* ---- requests ---- */

static void
append_plain(text_buffer *out, const char *method, const char *signed_fields)
{
    bool post = strcmp(method, "POST") == 0;
    text_append_format(out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: application/json, text/event-stream\r\n",
                       method, options.path, options.port);
    if (post) {
        text_append_format(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(message));
    }
    text_append_format(out, "%s%s\r\n%s", options.headers, signed_fields, post ? message : "");
}

static void
append_signed(text_buffer *out, const char *key_id, const aip_secret_key *key)
{
    char authority[32], digest[CONTENT_DIGEST_SIZE];
    text_buffer input = {0}, signature = {0}, fields = {0};
    snprintf(authority, sizeof authority, "127.0.0.1:%u", options.port);
    content_digest_write(aip_bytes_of(message), digest);
    const http_field given[] = {{AIP_BYTES_LITERAL("X-AIP-Token"), aip_bytes_of(options.token)},
                                {AIP_BYTES_LITERAL("Content-Digest"), aip_bytes_of(digest)}};
    const http_message request = {.method = AIP_BYTES_LITERAL("POST"),
                                  .scheme = AIP_BYTES_LITERAL("http"),
                                  .authority = aip_bytes_of(authority),
                                  .path = aip_bytes_of(options.path),
                                  .fields = given,
                                  .field_count = 2};
    require(proof_sign_request(&request, key_id, clock_now_seconds(), key, &input, &signature, NULL), "sign");
    text_append_format(&fields, "Content-Digest: %s\r\nSignature-Input: %s\r\nSignature: %s\r\n", digest, input.data,
                       signature.data);
    require(text_finish(&fields, NULL), "memory");
    append_plain(out, "POST", fields.data);
    text_clear(&input);
    text_clear(&signature);
    text_clear(&fields);
}

static void
write_requests(size_t count)
{
    text_buffer all = {0};
    aip_key_owner owner;
    aip_secret_key *key = NULL;
    char key_id[KEYS_KID_SIZE];
    request_count = options.key_file == NULL ? 1 : count;
    request_ends = calloc(request_count, sizeof *request_ends);
    if (request_ends == NULL) {
        exit(3);
    }
    if (options.key_file != NULL) {
        require(keys_load(options.key_file, NULL, &owner, &key, NULL), "key");
        keys_write_kid(&owner, key_id);
    }
    for (size_t i = 0; i < request_count; i++) {
        if (key == NULL) {
            append_plain(&all, options.streams > 0 ? "GET" : "POST", "");
        } else {
            append_signed(&all, key_id, key);
        }
        request_ends[i] = all.size;
    }
    require(text_finish(&all, NULL), "memory");
    aip_secret_key_free(&key);
    requests = all.data;
}

/* ---- connections ---- */

static int
dial(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("gateway_load: connect");
        exit(3);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* A signed request is sent once: its nonce is used up. */
static bool
send_next(peer *p)
{
    if (next_request == request_count) {
        if (options.key_file != NULL) {
            return false;
        }
        next_request = 0;
    }
    size_t begin = next_request == 0 ? 0 : request_ends[next_request - 1], end = request_ends[next_request];
    next_request++;
    p->size = 0;
    p->sent = nanoseconds();
    return send(p->fd, requests + begin, end - begin, MSG_NOSIGNAL) == (ssize_t)(end - begin);
}

static void
open_peers(unsigned count)
{
    peers = calloc(count, sizeof *peers);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &peers[i]};
        peers[i].fd = dial(options.port);
        (void)fcntl(peers[i].fd, F_SETFL, O_NONBLOCK);
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, peers[i].fd, &event) != 0) {
            exit(3);
        }
    }
}

/* Whether the reply is whole; replies here have a length. */
static bool
reply_is_whole(const peer *p)
{
    const char *end = memmem(p->reply, p->size, "\r\n\r\n", 4);
    const char *length = end == NULL ? NULL : strcasestr(p->reply, "\r\nContent-Length:");
    return length != NULL && p->size >= (size_t)(end - p->reply) + 4 + strtoul(length + 17, NULL, 10);
}

static bool
take(peer *p, bool counted)
{
    ssize_t got = read(p->fd, p->reply + p->size, sizeof p->reply - 1 - p->size);
    if (got <= 0) {
        return got < 0;
    }
    p->size += (size_t)got;
    p->reply[p->size] = '\0';
    if (!reply_is_whole(p)) {
        return true;
    }
    if (strncmp(p->reply, "HTTP/1.1 200", 12) != 0 || strstr(p->reply, "\"result\"") == NULL) {
        if (failed++ == 0) {
            fprintf(stderr, "gateway_load: %.900s\n", p->reply);
        }
    } else if (counted && sample_count < SAMPLES_MAX) {
        samples[sample_count++] = (uint32_t)((nanoseconds() - p->sent) / 100);
    }
    return send_next(p);
}

/* ---- calls ---- */

/* Until that time; the number of connections that are left. */
static unsigned
run_until(uint64_t end, bool counted, unsigned alive)
{
    struct epoll_event events[256];
    while (nanoseconds() < end && alive > 0) {
        int count = epoll_wait(epoll_fd, events, 256, 100);
        for (int i = 0; i < count; i++) {
            peer *p = events[i].data.ptr;
            if (!take(p, counted)) {
                close(p->fd);
                alive--;
            }
        }
    }
    return alive;
}

static int
compare_samples(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double
percentile(double part)
{
    return sample_count == 0 ? 0 : samples[(size_t)((double)(sample_count - 1) * part)] / 10.0;
}

static void
run_calls(void)
{
    uint64_t measured = options.milliseconds * UINT64_C(1000000);
    unsigned alive = options.connections;
    open_peers(options.connections);
    write_requests(SIGNED_MAX < options.milliseconds * 16u ? SIGNED_MAX : options.milliseconds * 16u);
    for (unsigned i = 0; i < options.connections; i++) {
        if (!send_next(&peers[i])) {
            exit(3);
        }
    }
    alive = run_until(nanoseconds() + measured / 5, false, alive); /* connections, caches and the chain's first sight */
    double cpu = cpu_nanoseconds();
    uint64_t begun = nanoseconds();
    alive = run_until(begun + measured, true, alive);
    double seconds = (double)(nanoseconds() - begun) / 1e9;
    cpu = cpu_nanoseconds() - cpu;
    qsort(samples, sample_count, sizeof *samples, compare_samples);
    printf("%.0f %.0f %.0f %.1f %zu %.1f\n", (double)sample_count / seconds, percentile(0.5), percentile(0.99),
           sample_count == 0 ? 0.0 : cpu / 1000 / (double)sample_count, failed + options.connections - alive,
           resident_kib() / 1024);
}

/* ---- streams ---- */

/* Reads what came; each event tells when it was sent. */
static void
take_events(peer *p)
{
    char text[4096];
    ssize_t got = read(p->fd, text, sizeof text - 1);
    uint64_t now = nanoseconds();
    if (got == 0) {
        failed++;
        close(p->fd);
        return;
    }
    text[got > 0 ? got : 0] = '\0';
    p->size += got > 0 ? (size_t)got : 0;
    for (const char *at = strstr(text, "\"at "); at != NULL; at = strstr(at + 1, "\"at ")) {
        if (sample_count < SAMPLES_MAX) {
            samples[sample_count++] = (uint32_t)((now - strtoull(at + 4, NULL, 10)) / 100);
        }
    }
}

static void
read_streams(unsigned milliseconds)
{
    struct epoll_event events[256];
    uint64_t end = nanoseconds() + milliseconds * UINT64_C(1000000);
    while (nanoseconds() < end) {
        int count = epoll_wait(epoll_fd, events, 256, 1);
        for (int i = 0; i < count; i++) {
            take_events(events[i].data.ptr);
        }
    }
}

static void
send_event(int control)
{
    static const char event[] = "POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    char text[512];
    if (send(control, event, sizeof event - 1, MSG_NOSIGNAL) < 0 || read(control, text, sizeof text) <= 0) {
        exit(3);
    }
}

static void
run_streams(void)
{
    double before = resident_kib();
    int control = dial(options.event_port);
    open_peers(options.streams);
    write_requests(1);
    for (unsigned i = 0; i < options.streams; i++) {
        if (!send_next(&peers[i])) {
            exit(3);
        }
        read_streams(i % 16 == 0 ? 2 : 0);
    }
    read_streams(1500);
    double grown = resident_kib() - before;
    for (unsigned i = 0; i < options.streams; i++) {
        failed += peers[i].size == 0; /* it has not even begun */
    }
    for (int i = 0; i < EVENTS_SENT && options.streams <= 16; i++) {
        send_event(control);
        read_streams(4);
    }
    qsort(samples, sample_count, sizeof *samples, compare_samples);
    printf("%.1f %.0f %.0f %zu %zu\n", grown / options.streams, percentile(0.5), percentile(0.99), failed,
           sample_count);
}

/* ---- options ---- */

static const char *
load_headers(const char *path)
{
    static text_buffer lines;
    char *text = NULL;
    size_t size = 0;
    require(text_load_file(path, 65536, &text, &size, NULL), path);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        text_append_format(&lines, "%s\r\n", line);
        if (strncasecmp(line, "X-AIP-Token: ", 13) == 0) {
            options.token = line + 13;
        }
    }
    require(text_finish(&lines, NULL), "memory");
    return lines.data == NULL ? "" : lines.data; /* `text` stays: the token is in it */
}

static void
read_option(int letter)
{
    unsigned number = (unsigned)strtoul(optarg, NULL, 10);
    switch (letter) {
    case 'p':
        options.port = number;
        break;
    case 'a':
        options.path = optarg;
        break;
    case 'c':
        options.connections = number > CONNECTIONS_MAX ? CONNECTIONS_MAX : number;
        break;
    case 't':
        options.milliseconds = number > SECONDS_MAX * 1000 ? SECONDS_MAX * 1000 : number;
        break;
    case 'H':
        options.headers = load_headers(optarg);
        break;
    case 'n':
        options.tool = optarg;
        break;
    case 'k':
        options.key_file = optarg;
        break;
    case 'P':
        options.pid = optarg;
        break;
    case 's':
        options.streams = number > CONNECTIONS_MAX ? CONNECTIONS_MAX : number;
        break;
    case 'e':
        options.event_port = number;
        break;
    default:
        exit(2);
    }
}

int
main(int argc, char **argv)
{
    struct rlimit files = {8192, 8192};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    for (int letter = getopt(argc, argv, "p:a:c:t:H:k:n:P:s:e:"); letter != -1;
         letter = getopt(argc, argv, "p:a:c:t:H:k:n:P:s:e:")) {
        read_option(letter);
    }
    snprintf(message, sizeof message,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\",\"arguments\":"
             "{\"query\":\"tide\",\"n\":5}}}",
             options.tool);
    samples = calloc(SAMPLES_MAX, sizeof *samples);
    if (options.port == 0 || options.connections == 0 || samples == NULL) {
        fprintf(stderr, "usage: gateway_load -p PORT [-a PATH] [-c CONNECTIONS] [-t MILLISECONDS] [-H HEADER_FILE]\n"
                        "       [-k KEY_FILE: sign each] [-n TOOL] [-P PID] [-s STREAMS -e EVENT_PORT]\n");
        return 2;
    }
    if (options.streams > 0) {
        run_streams();
    } else {
        run_calls();
    }
    return 0;
}
