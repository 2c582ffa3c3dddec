/* The request log: what a line says, and writing it without waiting. */
#include "gateway/log.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static uint64_t lost; /* lines; under the lock */

/* ---- what it says ---- */

static void
append_decision(text_buffer *out, const exchange *x)
{
    char method[64], tool[64], leaf[96];
    const audit_record *record = &x->record;
    const char *server = x->route == NULL ? "" : x->route->name;
    text_append_format(out, "%s %s %s %s %d %s%s%s %s%s%s\n", record->decision_id, record->allowed ? "ALLOW" : "BLOCK",
                       aip_status_lookup(record->status)->name, record->stage, x->answer.http,
                       aip_printable(record->method, method, sizeof method), record->tool.size > 0 ? " " : "",
                       aip_printable(record->tool, tool, sizeof tool), aip_printable(record->leaf, leaf, sizeof leaf),
                       server[0] == '\0' ? "" : " @", server);
}

static void
append_reading(text_buffer *out, const exchange *x)
{
    char path[128];
    text_append_format(out, "- READ %d %s\n", x->answer.http, aip_printable(aip_bytes_of(x->path), path, sizeof path));
}

/* Printable and bounded: names that callers chose stand in it. */
static void
append_member(text_buffer *out, const char *name, aip_bytes value)
{
    char plain[160];
    if (value.size > 0) {
        text_append_format(out, ",\"%s\":", name);
        text_append_json(out, aip_bytes_of(aip_printable(value, plain, sizeof plain)));
    }
}

static void
append_object(text_buffer *out, const exchange *x, bool open)
{
    const audit_record *record = &x->record;
    char when[21];
    clock_format_utc(clock_now_seconds(), when);
    text_append_format(out, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\",\"http\":%d", when,
                       open || record->allowed ? "info" : "warning", open ? "read" : "request", x->answer.http);
    if (open) {
        append_member(out, "path", aip_bytes_of(x->path));
    } else {
        text_append_format(out, ",\"decision_id\":\"%s\",\"decision\":\"%s\",\"code\":\"%s\",\"stage\":\"%s\"",
                           record->decision_id, record->allowed ? "ALLOW" : "BLOCK",
                           aip_status_lookup(record->status)->name, record->stage);
        append_member(out, "method", record->method);
        append_member(out, "tool", record->tool);
        append_member(out, "root", record->root);
        append_member(out, "leaf", record->leaf);
        append_member(out, "upstream", aip_bytes_of(x->route == NULL ? "" : x->route->name));
    }
    append_member(out, "peer", aip_bytes_of(x->peer == NULL ? "" : x->peer));
    text_append_format(out, ",\"duration_us\":%llu}\n",
                       (unsigned long long)(clock_monotonic_microseconds() - x->begun_microseconds));
}

void
log_append_line(text_buffer *out, const exchange *x, bool open)
{
    if (x->settings->front.log_json) {
        append_object(out, x, open);
    } else if (open) {
        append_reading(out, x);
    } else {
        append_decision(out, x);
    }
}

/* ---- writing ---- */

/* A pipe that is ready takes PIPE_BUF bytes at once; a socket is told not to wait. */
static bool
write_now(const char *text, size_t size)
{
    struct pollfd ready = {STDERR_FILENO, POLLOUT, 0};
    if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) {
        return false;
    }
    ssize_t sent = send(STDERR_FILENO, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == ENOTSOCK) {
        sent = write(STDERR_FILENO, text, size);
    }
    return sent >= 0;
}

static void
write_line(const text_buffer *line)
{
    char note[96];
    pthread_mutex_lock(&writing);
    if (lost > 0) {
        int size = snprintf(note, sizeof note, "aip-gateway: %llu lines of the request log were lost\n",
                            (unsigned long long)lost);
        lost = size > 0 && write_now(note, (size_t)size) ? 0 : lost;
    }
    if (lost > 0 || !write_now(line->data, line->size)) {
        lost++;
    }
    pthread_mutex_unlock(&writing);
}

/* Questions after the gateway's health are too many to be told. */
static bool
is_told(const exchange *x, bool open)
{
    const gateway_settings *settings = x->settings;
    bool routine = open && (strcmp(x->path, "/healthz") == 0 || strcmp(x->path, "/readyz") == 0 ||
                            strcmp(x->path, settings->front.metrics_path) == 0);
    bool wanted = settings->front.log_level == FRONT_LOG_INFO ||
                  (settings->front.log_level == FRONT_LOG_WARNING && !open && !x->record.allowed);
    return wanted && !settings->quiet && !routine;
}

void
log_request(const exchange *x, bool open)
{
    text_buffer line TEXT_AUTO = {0};
    if (!is_told(x, open)) {
        return;
    }
    log_append_line(&line, x, open);
    if (text_finish(&line, NULL) == AIP_OK) {
        write_line(&line);
    }
}

void
log_upstream(const exchange *x, const char *why)
{
    text_buffer line TEXT_AUTO = {0};
    char when[21];
    const char *name = x->route->name, *state = why == NULL ? "answers" : "failing";
    clock_format_utc(clock_now_seconds(), when);
    if (x->settings->front.log_json) {
        text_append_format(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"upstream\",\"state\":\"%s\"", when,
                           why == NULL ? "info" : "error", state);
        append_member(&line, "upstream", aip_bytes_of(name));
        append_member(&line, "why", aip_bytes_of(why == NULL ? "" : why));
        text_append_string(&line, "}\n");
    } else if (why == NULL) {
        text_append_format(&line, "aip-gateway: %s upstream%s%s answers again\n", when, name[0] == '\0' ? "" : " ",
                           name);
    } else {
        text_append_format(&line, "aip-gateway: %s upstream%s%s is failing: %s; calls are refused while it rests\n",
                           when, name[0] == '\0' ? "" : " ", name, why);
    }
    if (text_finish(&line, NULL) == AIP_OK) {
        write_line(&line);
    }
}
