/* Reloading: who asks, what changed, and what became of it. */
#include "gateway/reload.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/tls.h"

enum {
    LOOK_NANOSECONDS = 250000000, /* between two looks at the files, and at those who ask */
    RESULT_BYTES = 512,
    SAY_MS_MAX = 1000,
};

struct reload {
    reload_setup setup;
    atomic_uint_least64_t asked;
    text_buffer tried;    /* the state of the files when the last attempt began */
    text_buffer seen;     /* at the last look */
    pthread_mutex_t lock; /* of what follows */
    uint64_t answered;
    bool any, good;
    int64_t at;
    aip_status status;
    char result[RESULT_BYTES];
};

/* ---- files ---- */

/* Which file stands at each path and when it was changed last: a new one under an old name differs, too. Files are
 * looked at, not listened to: that also works where a link to a whole directory is what changes. */
static void
append_state(const gateway_settings *settings, text_buffer *out)
{
    for (size_t i = 0; i < settings->file_count; i++) {
        struct stat now;
        if (stat(settings->files[i], &now) != 0) {
            text_append_format(out, "%d\n", errno);
            continue;
        }
        text_append_format(out, "%llu %llu %lld %lld.%09ld %lld.%09ld\n", (unsigned long long)now.st_dev,
                           (unsigned long long)now.st_ino, (long long)now.st_size, (long long)now.st_mtim.tv_sec,
                           now.st_mtim.tv_nsec, (long long)now.st_ctim.tv_sec, now.st_ctim.tv_nsec);
    }
}

static void
take_state(text_buffer *into, text_buffer *state)
{
    text_clear(into);
    *into = *state;
    *state = (text_buffer){0};
}

/* Did files change since the last attempt, and are they no longer being written? */
static bool
files_changed(struct reload *r, const gateway_settings *settings)
{
    text_buffer state = {0};
    append_state(settings, &state);
    if (state.failed) {
        text_clear(&state);
        return false;
    }
    bool quiet = aip_bytes_equal(text_view(&state), text_view(&r->seen));
    bool changed = !aip_bytes_equal(text_view(&state), text_view(&r->tried));
    take_state(&r->seen, &state);
    return quiet && changed;
}

static void
note_state(struct reload *r, const gateway_settings *settings)
{
    text_buffer state = {0};
    append_state(settings, &state);
    take_state(&r->tried, &state);
}

static bool
same_files(const gateway_settings *a, const gateway_settings *b)
{
    bool same = a->file_count == b->file_count;
    for (size_t i = 0; same && i < a->file_count; i++) {
        same = strcmp(a->files[i], b->files[i]) == 0;
    }
    return same;
}

/* ---- attempts ---- */

/* Nobody who reads slowly holds up the thread that signals come to. */
static void
say(const char *text, size_t size)
{
    struct pollfd ready = {STDERR_FILENO, POLLOUT, 0};
    while (size > 0 && poll(&ready, 1, SAY_MS_MAX) == 1 && (ready.revents & POLLOUT) != 0) {
        size_t most = size < PIPE_BUF ? size : PIPE_BUF;
        ssize_t written = write(STDERR_FILENO, text, most);
        if (written <= 0) {
            return; /* nowhere left to say it */
        }
        text += written;
        size -= (size_t)written;
    }
}

/* One line, in the form that the settings want. */
static void
say_line(const gateway *g, bool good, aip_bytes line)
{
    TEXT_AUTO text_buffer out = {0};
    char when[21];
    if (g->settings->front.log_json) { /* this thread alone replaces them */
        clock_format_utc(clock_now_seconds(), when);
        text_append_format(&out, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"reload\",\"message\":", when,
                           good ? "info" : "error");
        text_append_json(&out, line);
        text_append_string(&out, "}\n");
    } else {
        text_append(&out, line);
        text_append_string(&out, "\n");
    }
    if (!out.failed) {
        say(out.data, out.size);
    }
}

static void
say_report(const gateway *g, const text_buffer *report, bool good)
{
    aip_bytes rest = text_view(report);
    while (!report->failed && rest.size > 0) {
        const unsigned char *end = memchr(rest.data, '\n', rest.size);
        size_t size = end == NULL ? rest.size : (size_t)(end - rest.data);
        say_line(g, good, (aip_bytes){rest.data, size});
        rest = aip_bytes_from(rest, end == NULL ? size : size + 1);
    }
}

/* On stderr, in the decision log, and for those who ask. */
static void
tell(gateway *g, aip_status status, const char *detail, uint64_t answered)
{
    struct reload *r = g->reload;
    char line[RESULT_BYTES + 64], detail_shown[RESULT_BYTES - 64];
    aip_printable(aip_bytes_of(detail), detail_shown, sizeof detail_shown);
    pthread_mutex_lock(&r->lock);
    r->any = true;
    r->good = status == AIP_OK;
    r->status = status;
    r->at = clock_now_seconds();
    r->answered = answered;
    snprintf(r->result, sizeof r->result, "%s%s%s", status == AIP_OK ? "ok" : "failed ",
             status == AIP_OK ? " " : aip_status_lookup(status)->name, status == AIP_OK ? "" : ": ");
    size_t begun = strlen(r->result);
    snprintf(r->result + begun, sizeof r->result - begun, "%s", detail_shown);
    snprintf(line, sizeof line, "aip-gateway: reload %s%s", r->result,
             status == AIP_OK ? "" : "; the old configuration stays in force");
    pthread_mutex_unlock(&r->lock);
    say_line(g, status == AIP_OK, aip_bytes_of(line));
    const audit_event event = {.name = "reload",
                               .subject = aip_bytes_of(status == AIP_OK ? "ok" : aip_status_lookup(status)->name),
                               .detail = aip_bytes_of(detail_shown)};
    aip_error err = AIP_ERROR_INIT;
    if (g->audit != NULL && audit_append_event(g->audit, &event, &err) != AIP_OK) {
        say_line(g, false, AIP_BYTES_LITERAL("aip-gateway: the decision log did not take the reload"));
    }
}

/* Each policy with the beginning of its hash, so that the log tells what was in force when. */
static void
describe(const gateway_settings *settings, text_buffer *out)
{
    text_append_format(out, "%zu upstreams, %zu roots", settings->route_count, settings->trust.count);
    for (size_t i = 0; i < rules_count(settings->rules); i++) {
        const policy *each = rules_at(settings->rules, i)->policy;
        text_append_format(out, ", policy %s %.16s", policy_name(each), policy_hash(each));
    }
    text_append(out, (aip_bytes){(const unsigned char *)"", 1});
}

static void
run(gateway *g)
{
    struct reload *r = g->reload;
    TEXT_AUTO text_buffer report = {0}, done = {0};
    aip_error err = AIP_ERROR_INIT;
    gateway_settings *made = NULL;
    const gateway_settings *now = gateway_settings_take(g);
    uint64_t asked = atomic_load(&r->asked);
    note_state(r, now); /* before reading: what changes meanwhile is another change */
    aip_status status = g->tls == NULL ? AIP_OK : tls_look(g->tls, &err);
    if (status == AIP_OK) {
        status = r->setup.load(r->setup.context, now, &made, &report, &err);
    }
    if (status == AIP_OK && !same_files(now, made)) {
        note_state(r, made);
    }
    settings_drop(&now);
    say_report(g, &report, status == AIP_OK);
    if (status != AIP_OK) {
        tell(g, status, err.detail, asked);
        return;
    }
    describe(made, &done);
    gateway_settings_put(g, made);
    tell(g, AIP_OK, text_finish(&done, NULL) == AIP_OK ? done.data : "", asked);
}

/* ---- asking ---- */

uint64_t
reload_ask(gateway *g)
{
    return g->reload == NULL ? 0 : atomic_fetch_add(&g->reload->asked, 1) + 1;
}

uint64_t
reload_last(const gateway *g, text_buffer *out)
{
    struct reload *r = g->reload;
    if (r == NULL) {
        text_append_string(out, "none");
        return 0;
    }
    pthread_mutex_lock(&r->lock);
    uint64_t answered = r->answered;
    text_append_string(out, r->any ? r->result : "none");
    pthread_mutex_unlock(&r->lock);
    return answered;
}

void
reload_append_health(const gateway *g, text_buffer *out)
{
    struct reload *r = g->reload;
    char when[21];
    if (r == NULL) {
        text_append_string(out, "\"reload\":\"none\"");
        return;
    }
    pthread_mutex_lock(&r->lock);
    clock_format_utc(r->at, when);
    if (!r->any) {
        text_append_string(out, "\"reload\":\"none\"");
    } else if (r->good) {
        text_append_format(out, "\"reload\":\"ok %s\"", when);
    } else {
        text_append_format(out, "\"reload\":\"failed %s %s\"", when, aip_status_lookup(r->status)->name);
    }
    pthread_mutex_unlock(&r->lock);
}

static bool
is_asked(gateway *g)
{
    struct reload *r = g->reload;
    const gateway_settings *now = gateway_settings_take(g);
    bool changed = files_changed(r, now);
    settings_drop(&now);
    pthread_mutex_lock(&r->lock);
    bool asked = r->answered < atomic_load(&r->asked);
    pthread_mutex_unlock(&r->lock);
    return changed || asked;
}

int
reload_wait(gateway *g, const sigset_t *signals)
{
    sigset_t taken = *signals;
    const struct timespec look = {.tv_nsec = LOOK_NANOSECONDS};
    sigaddset(&taken, SIGHUP);
    for (;;) {
        int caught = sigtimedwait(&taken, NULL, g->reload == NULL ? NULL : &look);
        if (caught > 0 && caught != SIGHUP) {
            return caught;
        }
        if (g->reload != NULL && (caught == SIGHUP || is_asked(g))) {
            run(g);
        }
    }
}

aip_status
reload_open(gateway *g, const reload_setup *setup, aip_error *err)
{
    struct reload *r = calloc(1, sizeof *r);
    if (r == NULL || pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    r->setup = *setup;
    note_state(r, g->settings);
    g->reload = r;
    return AIP_OK;
}

void
reload_close(gateway *g)
{
    struct reload *r = g->reload;
    if (r == NULL) {
        return;
    }
    text_clear(&r->tried);
    text_clear(&r->seen);
    pthread_mutex_destroy(&r->lock);
    free(r);
    g->reload = NULL;
}
