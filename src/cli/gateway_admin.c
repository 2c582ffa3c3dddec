/* Asking a running gateway. */
#include "cli/gateway_admin.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/unicode.h"
#include "cli/gateway_file.h"
#include "gateway/admin.h"

#define PROGRAM "aip-gateway"
#define STORE_NAME PROGRAM ".db"

enum { ANSWER_BYTES_MAX = 64 << 20, PATIENCE_MILLISECONDS = 20000, RELOAD_TRIES = 100, PAUSE_MICROSECONDS = 100000 };

/* ---- where ---- */

static aip_status
copy(const char *text, char **out, aip_error *err)
{
    *out = strdup(text);
    return *out == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

/* As the gateway itself: named, or beside the decision log. */
static aip_status
find_store(const gateway_config *file, char **out, aip_error *err)
{
    const config_value *named = config_value_of(file, "identity.store"), *log = config_value_of(file, "audit.file");
    const char *slash = log->given ? strrchr(log->text, '/') : NULL;
    TEXT_AUTO text_buffer path = {0};
    if (named->given) {
        return copy(named->text, out, err);
    }
    if (slash != NULL) {
        text_append(&path, (aip_bytes){(const unsigned char *)log->text, (size_t)(slash - log->text) + 1});
    }
    text_append(&path, (aip_bytes){(const unsigned char *)STORE_NAME, sizeof STORE_NAME});
    AIP_TRY(text_finish(&path, err));
    return copy(path.data, out, err);
}

static aip_status
read_places(const char *config, admin_places *out, aip_error *err)
{
    gateway_config file = {0};
    text_buffer report TEXT_AUTO = {0};
    aip_status status = gateway_file_load(config, &file, &report, err);
    fwrite(report.data == NULL ? "" : report.data, 1, report.size, stderr);
    if (status == AIP_OK) {
        const config_value *named = config_value_of(&file, "admin.socket");
        status = named->given ? copy(named->text, &out->socket, err) : AIP_OK;
        status = status == AIP_OK ? find_store(&file, &out->store, err) : status;
    }
    config_clear(&file);
    return status;
}

aip_status
gateway_admin_find(const admin_options *given, admin_places *out, aip_error *err)
{
    *out = (admin_places){0};
    if (given->config != NULL) {
        AIP_TRY(read_places(given->config, out, err));
    }
    if (given->socket != NULL) {
        free(out->socket);
        AIP_TRY(copy(given->socket, &out->socket, err));
    }
    return out->socket == NULL ? AIP_OK : admin_check_path(out->socket, err);
}

void
gateway_admin_forget(admin_places *places)
{
    free(places->socket);
    free(places->store);
    *places = (admin_places){0};
}

/* ---- asking ---- */

static int
connect_to(const char *path)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(where.sun_path, path, strlen(path)); /* admin_check_path */
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&where, sizeof where) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

bool
gateway_admin_runs(const char *socket)
{
    int fd = connect_to(socket);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0 || (errno != ENOENT && errno != ECONNREFUSED);
}

/* What is asked and answered here is worth nothing when somebody else answers. */
static bool
is_trusted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (geteuid() == 0 || peer.uid == 0 || peer.uid == geteuid());
}

static aip_status
send_line(int fd, const text_buffer *line, aip_error *err)
{
    for (size_t sent = 0; sent < line->size;) {
        ssize_t put = send(fd, line->data + sent, line->size - sent, MSG_NOSIGNAL);
        if (put < 0 && errno != EINTR) {
            return aip_fail(err, AIP_IO, "the gateway does not listen to the end: %s", strerror(errno));
        }
        sent += put > 0 ? (size_t)put : 0;
    }
    return AIP_OK;
}

static aip_status
receive_line(int fd, text_buffer *out, aip_error *err)
{
    static char room[65536];
    struct pollfd ready = {fd, POLLIN, 0};
    while (out->size == 0 || out->data[out->size - 1] != '\n') {
        if (out->size > ANSWER_BYTES_MAX || poll(&ready, 1, PATIENCE_MILLISECONDS) <= 0) {
            return aip_fail(err, AIP_IO, "the gateway does not answer");
        }
        ssize_t got = recv(fd, room, sizeof room, 0);
        if (got <= 0) {
            return aip_fail(err, AIP_IO,
                            "the gateway ended the conversation: this user may not ask it, or too many do");
        }
        text_append(out, (aip_bytes){(const unsigned char *)room, (size_t)got});
        AIP_TRY(text_finish(out, err));
    }
    out->size--;
    return AIP_OK;
}

static aip_status
talk(int fd, const text_buffer *line, text_buffer *answer, aip_error *err)
{
    text_buffer whole TEXT_AUTO = {0};
    if (!is_trusted(fd)) {
        return aip_fail(err, AIP_IO, "whoever answers at the socket is another user's");
    }
    text_append(&whole, text_view(line));
    text_append_string(&whole, "}\n");
    AIP_TRY(text_finish(&whole, err));
    AIP_TRY(send_line(fd, &whole, err));
    return receive_line(fd, answer, err);
}

static aip_status
status_of(const char *name)
{
    for (int i = 0; i < AIP_STATUS_COUNT; i++) {
        if (i != AIP_OK && strcmp(aip_status_lookup((aip_status)i)->name, name) == 0) {
            return (aip_status)i;
        }
    }
    return AIP_INTERNAL;
}

aip_status
gateway_admin_ask(const char *socket, const text_buffer *line, json_t **out, aip_error *err)
{
    text_buffer answer TEXT_AUTO = {0};
    *out = NULL;
    if (socket == NULL) {
        return aip_fail(err, AIP_USAGE, "where does the gateway listen to its operator? (--socket, --config)");
    }
    int fd = connect_to(socket);
    if (fd < 0) {
        return aip_fail(err, AIP_IO, "no gateway answers at the socket %s: %s", socket, strerror(errno));
    }
    aip_status status = talk(fd, line, &answer, err);
    close(fd);
    AIP_TRY(status);
    AIP_TRY(json_load_strict(text_view(&answer), ANSWER_BYTES_MAX, out, err));
    if (json_is_true(json_object_get(*out, "ok"))) {
        return AIP_OK;
    }
    status = aip_fail(err, status_of(gateway_admin_text(*out, "code")), "%s", gateway_admin_text(*out, "message"));
    json_release(out);
    return status;
}

void
gateway_admin_begin(text_buffer *line, const char *what)
{
    text_append_string(line, "{\"do\":");
    text_append_json(line, aip_bytes_of(what));
}

void
gateway_admin_add(text_buffer *line, const char *name, const char *value)
{
    text_append_format(line, ",\"%s\":", name);
    text_append_json(line, aip_bytes_of(value));
}

/* ---- showing ---- */

void
gateway_admin_show(text_buffer *out, const char *text)
{
    for (aip_bytes rest = aip_bytes_of(text); rest.size > 0;) {
        size_t length = 1;
        uint32_t scalar = unicode_read(rest, &length);
        if (unicode_is_shown(scalar)) {
            text_append(out, (aip_bytes){rest.data, length});
        } else {
            text_append_format(out, "\\u{%X}", (unsigned)scalar);
        }
        rest = aip_bytes_from(rest, length);
    }
}

const char *
gateway_admin_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

aip_status
gateway_admin_print(const json_t *object, aip_error *err)
{
    text_buffer line TEXT_AUTO = {0};
    char *text STRING_AUTO = NULL;
    size_t size = 0;
    AIP_TRY(json_write(object, &text, &size, err));
    text_append(&line, (aip_bytes){(const unsigned char *)text, size});
    return options_print(&line, err);
}

/* ---- reload and status ---- */

static struct {
    admin_options where;
    bool json;
} given;

static const option table[] = {
    ADMIN_OPTIONS(given.where),
    {"--json", OPTION_FLAG, &given.json, NULL, "print one JSON object"},
    {NULL, OPTION_FLAG, NULL, NULL, NULL},
};

static aip_status
ask_simply(const char *socket, const char *what, json_t **out, aip_error *err)
{
    text_buffer line TEXT_AUTO = {0};
    gateway_admin_begin(&line, what);
    AIP_TRY(text_finish(&line, err));
    return gateway_admin_ask(socket, &line, out, err);
}

static aip_status
wait_for_reload(const char *socket, json_int_t number, aip_error *err)
{
    for (int tries = 0; tries < RELOAD_TRIES; tries++) {
        json_t *reply JSON_AUTO = NULL;
        AIP_TRY(ask_simply(socket, "reload.result", &reply, err));
        const char *result = gateway_admin_text(reply, "result");
        if (json_integer_value(json_object_get(reply, "answered")) >= number) {
            bool good = strncmp(result, "ok", 2) == 0;
            AIP_TRY(given.json ? gateway_admin_print(reply, err) : printf("%s\n", result) < 0 ? AIP_IO : AIP_OK);
            return good ? AIP_OK : aip_fail(err, AIP_CONFIG_INVALID, "the old configuration stays in force");
        }
        usleep(PAUSE_MICROSECONDS);
    }
    return aip_fail(err, AIP_IO, "the gateway does not say what came of it");
}

static aip_status
reload(const char *socket, aip_error *err)
{
    json_t *reply JSON_AUTO = NULL;
    AIP_TRY(ask_simply(socket, "reload", &reply, err));
    return wait_for_reload(socket, json_integer_value(json_object_get(reply, "number")), err);
}

static aip_status
tell_status(const char *socket, aip_error *err)
{
    json_t *reply JSON_AUTO = NULL;
    AIP_TRY(ask_simply(socket, "status", &reply, err));
    if (given.json) {
        return gateway_admin_print(reply, err);
    }
    printf("pid       %lld\nwaiting   %lld\naudit     %s\nreload    %s\n",
           (long long)json_integer_value(json_object_get(reply, "pid")),
           (long long)json_integer_value(json_object_get(reply, "waiting")), gateway_admin_text(reply, "audit"),
           gateway_admin_text(reply, "reload"));
    printf("uptime    %lld s\n", (long long)json_integer_value(json_object_get(reply, "uptime_seconds")));
    const char *name;
    json_t *state;
    json_object_foreach(json_object_get(reply, "upstreams"), name, state)
    {
        printf("upstream  %s %s\n", json_string_value(state), name);
    }
    return AIP_OK;
}

static int
run(const char *usage, int argc, char **argv, aip_status (*verb)(const char *socket, aip_error *err))
{
    admin_places places = {0};
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, usage, argc, argv, NULL, 0, NULL, &err);
    status = status == AIP_OK ? gateway_admin_find(&given.where, &places, &err) : status;
    status = status == AIP_OK ? verb(places.socket, &err) : status;
    if (status != AIP_OK) {
        (void)options_report_failure(PROGRAM, given.json, status, &err);
    }
    gateway_admin_forget(&places);
    options_release(table);
    return aip_status_exit_code(status);
}

int
gateway_reload_main(int argc, char **argv)
{
    return run(PROGRAM " reload --config FILE|--socket PATH", argc, argv, reload);
}

int
gateway_status_main(int argc, char **argv)
{
    return run(PROGRAM " status --config FILE|--socket PATH [--json]", argc, argv, tell_status);
}
