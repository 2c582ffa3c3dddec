/* A static MCP server for gateway_bench.sh: one epoll thread on loopback, one fixed reply, and event streams. It ends
 * by itself after the seconds it was given.
 * POST: the fixed reply. GET: a stream that stays open. POST /event: one event, with the time, to each stream. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define DESCRIPTORS_MAX 8192
#define REQUEST_BYTES_MAX 65536
#define ROUND_EVENTS 256
#define REPLY_BODY "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}}"
#define STREAM_HEAD                                                                     \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n" \
    "X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n"

static struct {
    char *data; /* of a request that is not complete */
    size_t size;
    bool streaming;
} peers[DESCRIPTORS_MAX];
static char reply[512];
static size_t reply_size;

static void
drop(int fd)
{
    free(peers[fd].data);
    memset(&peers[fd], 0, sizeof peers[fd]);
    close(fd);
}

static bool
say(int fd, const char *text, size_t size)
{
    return send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void
tell_streams(void)
{
    char event[256], chunk[300];
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
        if (!peers[fd].streaming) {
            continue;
        }
        int size =
            snprintf(event, sizeof event,
                     "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":"
                     "{\"level\":\"info\",\"data\":\"at %llu.\"}}\n\n",
                     (unsigned long long)nanoseconds());
        int whole = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", (unsigned)size, event);
        if (!say(fd, chunk, (size_t)whole)) {
            drop(fd);
        }
    }
}

/* The size of the first request that is complete in `data`, or 0. */
static size_t
complete(const char *data, size_t size)
{
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    size_t head = (size_t)(end - data) + 4, body = 0;
    for (const char *line = data; line < end; line = (const char *)memchr(line, '\n', (size_t)(end + 2 - line)) + 1) {
        if (strncasecmp(line, "content-length:", 15) == 0) {
            body = strtoul(line + 15, NULL, 10);
        }
    }
    return size >= head + body ? head + body : 0;
}

static bool
answer(int fd, const char *request)
{
    if (strncmp(request, "GET ", 4) == 0) {
        peers[fd].streaming = true;
        return say(fd, STREAM_HEAD, sizeof STREAM_HEAD - 1);
    }
    if (strncmp(request, "POST /event", 11) == 0) {
        tell_streams();
    }
    return say(fd, reply, reply_size);
}

/* False when the peer is to be dropped. */
static bool
take(int fd, char *data, size_t size)
{
    for (size_t whole = complete(data, size); whole > 0; whole = complete(data, size)) {
        if (!answer(fd, data)) {
            return false;
        }
        size -= whole;
        memmove(data, data + whole, size);
    }
    free(peers[fd].data);
    peers[fd].data = NULL;
    peers[fd].size = size;
    if (size > 0) {
        peers[fd].data = malloc(size);
        if (peers[fd].data == NULL) {
            return false;
        }
        memcpy(peers[fd].data, data, size);
    }
    return true;
}

static void
receive(int fd)
{
    static char data[REQUEST_BYTES_MAX + 1];
    size_t size = peers[fd].size;
    if (size > 0) {
        memcpy(data, peers[fd].data, size);
    }
    ssize_t got = read(fd, data + size, REQUEST_BYTES_MAX - size);
    if (got <= 0) {
        drop(fd);
        return;
    }
    data[size + (size_t)got] = '\0';
    if (!take(fd, data, size + (size_t)got)) {
        drop(fd);
    }
}

static void
greet(int epoll_fd, int socket)
{
    int one = 1;
    for (int fd = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); fd >= 0;
         fd = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (fd >= DESCRIPTORS_MAX || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
            close(fd);
        }
    }
}

static int
open_socket(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        perror("gateway_upstream");
        exit(3);
    }
    printf("listening on http://127.0.0.1:%u/mcp\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int
main(int argc, char **argv)
{
    uint64_t seconds = argc > 1 ? strtoul(argv[1], NULL, 10) : 60;
    uint64_t end = nanoseconds() + seconds * UINT64_C(1000000000);
    int socket = open_socket(), epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[ROUND_EVENTS], event = {.events = EPOLLIN, .data.fd = socket};
    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, socket, &event) != 0) {
        return 3;
    }
    reply_size = (size_t)snprintf(reply, sizeof reply,
                                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                  sizeof REPLY_BODY - 1, REPLY_BODY);
    while (nanoseconds() < end) {
        int count = epoll_wait(epoll_fd, events, ROUND_EVENTS, 1000);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == socket) {
                greet(epoll_fd, socket);
            } else {
                receive(events[i].data.fd);
            }
        }
    }
    return 0;
}
