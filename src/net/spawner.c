/* The gateway's side of the spawner: packs commands and sends orders. */
#include "net/spawner_inside.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aip/limits.h"

struct spawner {
    int orders;
    pid_t pid;
};

aip_status
spawner_open(spawner **out, aip_error *err)
{
    int pair[2];
    *out = NULL;
    spawner *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        free(s);
        return aip_fail(err, AIP_IO, "socketpair: %s", strerror(errno));
    }
    signal(SIGPIPE, SIG_IGN); /* a child that closes its stdin must not end the gateway */
    s->orders = pair[0];
    s->pid = fork();
    if (s->pid == 0) {
        spawner_run(pair[1]);
    }
    close(pair[1]);
    if (s->pid < 0) {
        close(pair[0]);
        free(s);
        return aip_fail(err, AIP_IO, "fork: %s", strerror(errno));
    }
    *out = s;
    return AIP_OK;
}

void
spawner_close(spawner **s)
{
    if (*s != NULL) {
        close((*s)->orders);
        while (waitpid((*s)->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        free(*s);
        *s = NULL;
    }
}

static bool
has_name(const char *variable, const char *name, size_t size)
{
    return strncmp(variable, name, size) == 0 && variable[size] == '=';
}

static bool
is_set(const char *const *set, const char *name, size_t size)
{
    for (; set != NULL && *set != NULL; set++) {
        if (has_name(*set, name, size)) {
            return true;
        }
    }
    return false;
}

/* Variables that programs need to find themselves and to write a user's language; none holds a secret. */
static bool
is_passed(const char *const *pass, const char *name, size_t size)
{
    static const char *const always[] = {"PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME", "SHELL", "TERM"};
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        if (strlen(always[i]) == size && memcmp(always[i], name, size) == 0) {
            return true;
        }
    }
    for (; pass != NULL && *pass != NULL; pass++) {
        if (strlen(*pass) == size && memcmp(*pass, name, size) == 0) {
            return true;
        }
    }
    return size > 3 && strncmp(name, "LC_", 3) == 0;
}

static void
append_word(text_buffer *out, const char *word)
{
    text_append(out, (aip_bytes){(const unsigned char *)word, strlen(word) + 1});
}

static uint32_t
append_environment(text_buffer *out, const spawner_command *command)
{
    uint32_t count = 0;
    for (char *const *variable = environ; variable != NULL && *variable != NULL; variable++) {
        const char *end = strchr(*variable, '=');
        size_t size = end == NULL ? 0 : (size_t)(end - *variable);
        /* A value that begins like a shell's function is code for some shells. */
        if (size > 0 && is_passed(command->pass, *variable, size) && !is_set(command->set, *variable, size) &&
            strncmp(end + 1, "()", 2) != 0) {
            append_word(out, *variable);
            count++;
        }
    }
    for (const char *const *variable = command->set; variable != NULL && *variable != NULL; variable++) {
        append_word(out, *variable);
        count++;
    }
    return count;
}

static aip_status
check_command(const spawner_command *command, aip_error *err)
{
    if (command->arguments == NULL || command->arguments[0] == NULL || command->arguments[0][0] == '\0') {
        return aip_fail(err, AIP_CONFIG_INVALID, "there is no command to start");
    }
    for (const char *const *name = command->pass; name != NULL && *name != NULL; name++) {
        if (**name == '\0' || strchr(*name, '=') != NULL) {
            return aip_fail(err, AIP_CONFIG_INVALID, "not the name of a variable");
        }
    }
    for (const char *const *variable = command->set; variable != NULL && *variable != NULL; variable++) {
        const char *end = strchr(*variable, '=');
        if (end == NULL || end == *variable || is_set(variable + 1, *variable, (size_t)(end - *variable))) {
            return aip_fail(err, AIP_CONFIG_INVALID, "a variable must be NAME=value, each name once");
        }
    }
    return AIP_OK;
}

aip_status
spawner_pack(const spawner_command *command, text_buffer *out, aip_error *err)
{
    spawner_order head = {0};
    AIP_TRY(check_command(command, err));
    size_t start = out->size;
    text_append(out, (aip_bytes){(const unsigned char *)&head, sizeof head});
    append_word(out, command->directory == NULL ? "" : command->directory);
    for (const char *const *word = command->arguments; *word != NULL; word++) {
        append_word(out, *word);
        head.arguments++;
    }
    head.variables = append_environment(out, command);
    AIP_TRY(text_finish(out, err));
    if (out->size - start > AIP_CHILD_ORDER_BYTES_MAX || head.arguments > AIP_CHILD_WORDS_MAX ||
        head.variables > AIP_CHILD_WORDS_MAX - head.arguments) {
        return aip_fail(err, AIP_CONFIG_INVALID, "the command and its environment are too long");
    }
    memcpy(out->data + start, &head, sizeof head);
    return AIP_OK;
}

/* One message: whole or not at all. */
static bool
send_order(int orders, aip_bytes order, const int descriptors[SPAWNER_DESCRIPTORS])
{
    union {
        char bytes[CMSG_SPACE(SPAWNER_DESCRIPTORS * sizeof(int))];
        struct cmsghdr align;
    } space = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)order.data, .iov_len = order.size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(SPAWNER_DESCRIPTORS * sizeof(int));
    memcpy(CMSG_DATA(head), descriptors, SPAWNER_DESCRIPTORS * sizeof(int));
    return sendmsg(orders, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)order.size;
}

aip_status
spawner_start(const spawner *s, aip_bytes order, const int ends[3], int *control, aip_error *err)
{
    int pair[2];
    *control = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        return aip_fail(err, AIP_IO, "socketpair: %s", strerror(errno));
    }
    const int descriptors[SPAWNER_DESCRIPTORS] = {ends[0], ends[1], ends[2], pair[1]};
    bool sent = send_order(s->orders, order, descriptors);
    int why = errno;
    close(pair[1]);
    if (!sent) {
        close(pair[0]);
        return aip_fail(err, AIP_IO, "the order to start a child: %s", strerror(why));
    }
    *control = pair[0];
    return AIP_OK;
}

void
spawner_signal(int control, int signal_number)
{
    int32_t word = signal_number;
    (void)!send(control, &word, sizeof word, MSG_NOSIGNAL | MSG_DONTWAIT);
}
