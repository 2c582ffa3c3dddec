/* Preloaded into a program under test: answers name lookups from a table, moves the clock, and notes what the program
 * reaches for. No test ever asks a real name server.
 *
 * AIP_NAMES_TABLE  file of lines `NAME MODE ADDRESS…`; NAME may be `*.suffix`, the first line that fits counts.
 *                  ADDRESS: `10.0.0.1`, `127.0.0.2:4433`, `[::1]:4433`; a port replaces the one asked for.
 *                  MODE: `all` = every address at once; `rebind` = the first at the first lookup of the name that the
 *                  log holds, the second at the next, the last from then on; `slow` = all, after ten seconds.
 * AIP_NAMES_LOG    file to which `lookup NAME`, `socket FAMILY` and `connect ADDRESS PORT` are appended.
 * AIP_NAMES_CLOCK  seconds added to the time of day. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX 16

typedef struct {
    struct addrinfo info; /* first: freed through it */
    struct sockaddr_storage address;
} answer;

static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
    const char *path = getenv("AIP_NAMES_LOG");
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    int fd = path == NULL || size < 0 || (size_t)size >= sizeof line
                 ? -1
                 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        return;
    }
    if (write(fd, line, (size_t)size) != size) {
        abort(); /* a test that asserts on the log must not go on without it */
    }
    close(fd);
}

static size_t
earlier_lookups(const char *name)
{
    const char *path = getenv("AIP_NAMES_LOG");
    FILE *log = path == NULL ? NULL : fopen(path, "re");
    char line[512], wanted[512];
    size_t count = 0;
    snprintf(wanted, sizeof wanted, "lookup %s\n", name);
    while (log != NULL && fgets(line, sizeof line, log) != NULL) {
        count += strcmp(line, wanted) == 0;
    }
    if (log != NULL) {
        fclose(log);
    }
    return count;
}

static bool
fits(const char *pattern, const char *name)
{
    size_t name_size = strlen(name), suffix_size = strlen(pattern) - 1;
    if (pattern[0] != '*') {
        return strcmp(pattern, name) == 0;
    }
    return name_size > suffix_size && strcmp(name + name_size - suffix_size, pattern + 1) == 0;
}

/* Splits the table's line for `name` into words; 0 when there is none. */
static size_t
find_line(const char *name, char *line, size_t line_size, char *words[WORDS_MAX])
{
    const char *path = getenv("AIP_NAMES_TABLE");
    FILE *table = path == NULL ? NULL : fopen(path, "re");
    size_t count = 0;
    while (table != NULL && count < 3 && fgets(line, (int)line_size, table) != NULL) {
        char *rest = line;
        count = 0;
        for (char *word; count < WORDS_MAX && (word = strtok_r(rest, " \n", &rest)) != NULL; count++) {
            words[count] = word;
        }
        count = count >= 3 && fits(words[0], name) ? count : 0;
    }
    if (table != NULL) {
        fclose(table);
    }
    return count;
}

static bool
read_address(char *text, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    bool six = text[0] == '[';
    char *end = six ? strchr(text, ']') : strchr(text, ':');
    char *colon = six && end != NULL ? end + 1 : end;
    if (colon != NULL && *colon == ':') {
        port = (uint16_t)strtoul(colon + 1, NULL, 10);
    }
    if (end != NULL) {
        *end = '\0';
    }
    *out = (struct sockaddr_storage){.ss_family = six ? AF_INET6 : AF_INET};
    if (six) {
        v6->sin6_port = htons(port);
        return inet_pton(AF_INET6, text + 1, &v6->sin6_addr) == 1;
    }
    v4->sin_port = htons(port);
    return inet_pton(AF_INET, text, &v4->sin_addr) == 1;
}

static struct addrinfo *
new_answer(char *text, uint16_t port, const struct addrinfo *hints)
{
    answer *a = calloc(1, sizeof *a);
    if (a == NULL || !read_address(text, port, &a->address)) {
        fprintf(stderr, "names_shim: bad table\n");
        abort();
    }
    a->info = (struct addrinfo){
        .ai_family = a->address.ss_family,
        .ai_socktype = hints != NULL && hints->ai_socktype != 0 ? hints->ai_socktype : SOCK_STREAM,
        .ai_protocol = IPPROTO_TCP,
        .ai_addrlen = a->address.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6),
        .ai_addr = (struct sockaddr *)&a->address,
    };
    return &a->info;
}

int
getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
            struct addrinfo **restrict out)
{
    char line[1024], *words[WORDS_MAX];
    uint16_t port = service == NULL ? 0 : (uint16_t)strtoul(service, NULL, 10);
    size_t earlier = name == NULL ? 0 : earlier_lookups(name);
    note("lookup %s\n", name == NULL ? "-" : name);
    size_t count = name == NULL ? 0 : find_line(name, line, sizeof line, words);
    if (count == 0) {
        return EAI_NONAME;
    }
    size_t first = 2, last = count - 1;
    if (strcmp(words[1], "rebind") == 0) {
        first = last = first + earlier < last ? first + earlier : last;
    }
    if (strcmp(words[1], "slow") == 0) {
        nanosleep(&(struct timespec){.tv_sec = 10}, NULL);
    }
    for (*out = NULL; first <= last; first++, out = &(*out)->ai_next) {
        *out = new_answer(words[first], port, hints);
    }
    return 0;
}

void
freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

int
socket(int domain, int type, int protocol)
{
    if (domain == AF_INET || domain == AF_INET6) {
        note("socket %s\n", domain == AF_INET ? "AF_INET" : "AF_INET6");
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

/* glibc declares the address as a transparent union of pointers. */
int
connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t size)
{
    char text[INET6_ADDRSTRLEN] = "?";
    if (to.__sockaddr__->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = to.__sockaddr_in__;
        note("connect %s %u\n", inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text), ntohs(v4->sin_port));
    } else if (to.__sockaddr__->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = to.__sockaddr_in6__;
        note("connect %s %u\n", inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text), ntohs(v6->sin6_port));
    }
    return (int)syscall(SYS_connect, fd, to.__sockaddr__, size);
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
    const char *moved = getenv("AIP_NAMES_CLOCK");
    int status = (int)syscall(SYS_clock_gettime, clock, out);
    if (status == 0 && moved != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        out->tv_sec += strtol(moved, NULL, 10);
    }
    return status;
}

time_t
time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
