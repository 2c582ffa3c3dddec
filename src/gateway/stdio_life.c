/* The life of a server that is a command: started, heard, started again, ended. */
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/stdio_inside.h"

enum {
    SWEEP_MICROSECONDS = 10000000,
    END_MICROSECONDS = 2000000,  /* to end by itself when its input is closed */
    SIGNAL_MILLISECONDS = 10000, /* after SIGTERM */
};

void
stdio_log(const stdio_upstream *s, const char *format, ...)
{
    char text[AIP_CHILD_STDERR_BYTES + 64], line[AIP_CHILD_STDERR_BYTES + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    int size = snprintf(line, sizeof line, "server%s%s: %s\n", s->name[0] == '\0' ? "" : " ", s->name, text);
    if (size > 0 && write(STDERR_FILENO, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1) < 0) {
        return; /* nowhere left to say it */
    }
}

static void
on_started(void *context)
{
    const stdio_upstream *s = context;
    route_state_note_down(s->fares, false);
    stdio_greeting_repeat(context);
    stdio_waiting_release(context);
}

static void
on_line(void *context, aip_bytes line)
{
    stdio_upstream *s = context;
    s->has_spoken = true;
    stdio_inward(s, line);
}

/* Whose answer it was cannot be read; with one request that waits there is no doubt. */
static void
on_damaged(void *context, child_damage damage, size_t bytes)
{
    stdio_upstream *s = context;
    stdio_log(
        s, damage == CHILD_LINE_LONG ? "a line of more than %zu bytes was dropped" : "ended within a line, %zu bytes",
        bytes);
    if (damage != CHILD_LINE_LONG || multiplex_count(s->multiplex).requests != 1) {
        return;
    }
    for (stdio_call *each = s->calls; each != NULL; each = each->next) {
        if (each->id != 0) {
            stdio_call_give_up(each, AIP_UPSTREAM_INVALID);
            return;
        }
    }
}

static void
tell_word(void *context, const char *line)
{
    stdio_log(context, "%s", line);
}

static void
on_said(void *context, const char *text, uint64_t missed)
{
    stdio_upstream *s = context;
    if (missed > 0) {
        stdio_log(s, "%llu lines left out", (unsigned long long)missed);
    }
    if (text[0] != '\0') {
        stdio_words_say(&s->words, s->name, text, clock_monotonic_microseconds());
    }
}

static void
on_drained(void *context)
{
    (void)context; /* who was refused has been told */
}

static void
on_lost(void *context, multiplex_client *client, uint32_t id, aip_bytes raw)
{
    (void)context;
    (void)client;
    (void)id;
    (void)raw; /* its call is ended below */
}

/* W-22, W-45: sessions of HTTP clients end with the server, and they learn it by their next request; the local client
 * has no way to begin anew, so the server is greeted for it. */
static void
forget_life(stdio_upstream *s)
{
    bool has_local = false;
    multiplex_reset(s->multiplex, on_lost, NULL);
    for (stdio_call *each = s->calls, *next = NULL; each != NULL; each = next) {
        next = each->next;
        bool stays = (each->session->local && each->is_stream) || each->waits_until != 0;
        if (!stays && !each->done) {
            bool sent = each->held.size == 0;
            each->id = 0;
            stdio_call_end(each, each->is_stream ? AIP_OK : AIP_UPSTREAM_UNREACHABLE, sent);
            next = s->calls; /* what ended may have taken others with it */
        }
    }
    for (stdio_session *each = s->sessions, *next = NULL; each != NULL; each = next) {
        next = each->next;
        has_local |= each->local;
        if (each->id[0] != '\0' && !each->waits) {
            stdio_session_close(s, each);
        }
    }
    bool again = has_local && s->greeting != GREETING_NONE && s->params.size > 0;
    s->greeting = again ? GREETING_OWED : GREETING_NONE;
    s->initialized = again && s->initialized;
}

static void
on_ended(void *context, const child_end *end)
{
    stdio_upstream *s = context;
    route_state_note_down(s->fares, true);
    stdio_words_let_go(&s->words, 0, true);
    if (!end->started) {
        stdio_log(s, "could not be started: %s", end->start_error == 0 ? "no answer" : strerror(end->start_error));
    } else {
        stdio_log(s, "ended with %d", end->code);
    }
    if (s->gives_up && !s->has_spoken) {
        child_stop(s->child, clock_monotonic_microseconds());
    }
    forget_life(s);
}

static aip_status
start(stdio_upstream *s, const stdio_setup *setup, aip_error *err)
{
    static const child_events events = {on_started, on_line, on_damaged, on_said, on_drained, on_ended};
    const scan_limits limits = {SIZE_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    const child_setup command = {
        .spawner = setup->spawner,
        .command = {.arguments = setup->route->command, .pass = setup->route->pass},
        .epoll_fd = setup->epoll_fd,
        .tag = STDIO_UPSTREAM_EPOLL_TAG,
        .restarts = setup->restarts,
        .limits = {.line_bytes = setup->line_bytes, .stop_milliseconds = SIGNAL_MILLISECONDS},
    };
    s->gives_up = setup->gives_up;
    s->words = (stdio_words){.gateway = setup->gateway, .tell = tell_word, .context = s};
    snprintf(s->name, sizeof s->name, "%s", setup->route->name);
    s->fares = route_state_hold(setup->route->state);
    AIP_TRY(multiplex_open(&limits, &s->multiplex, err));
    AIP_TRY(multiplex_join(s->multiplex, NULL, &s->self, err));
    return child_start(&command, &events, s, clock_monotonic_microseconds(), &s->child, err);
}

static void
free_upstream(stdio_upstream *s)
{
    while (s->calls != NULL) {
        s->calls->x->pipe = NULL;
        stdio_call_free(s->calls);
    }
    while (s->sessions != NULL) {
        stdio_session_close(s, s->sessions);
    }
    child_close(&s->child);
    route_state_drop(&s->fares);
    stdio_words_clear(&s->words);
    multiplex_close(&s->multiplex);
    multiplex_message_clear(&s->in);
    multiplex_message_clear(&s->out);
    scan_clear(&s->line);
    text_clear(&s->params);
    text_clear(&s->answer);
    free(s);
}

aip_status
stdio_upstream_open(const stdio_setup *setup, stdio_upstream **list, aip_error *err)
{
    stdio_upstream *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = start(s, setup, err);
    if (status != AIP_OK) {
        free_upstream(s);
        return status;
    }
    s->next = *list;
    *list = s;
    return AIP_OK;
}

void
stdio_upstream_close(stdio_upstream **list)
{
    while (*list != NULL) {
        stdio_upstream *s = *list;
        *list = s->next;
        free_upstream(s);
    }
}

void
stdio_upstream_tick(stdio_upstream *list, uint64_t now)
{
    for (stdio_upstream *s = list; s != NULL; s = s->next) {
        if (s->stop_due != 0 && now >= s->stop_due) {
            s->stop_due = 0;
            child_terminate(s->child, now);
        }
        child_tick(s->child, now);
        stdio_words_let_go(&s->words, now, false);
        stdio_waiting_sweep(s, now);
        if (now >= s->next_sweep) {
            s->next_sweep = now + SWEEP_MICROSECONDS;
            stdio_session_sweep(s, now);
        }
    }
}

static int
sooner(int a, int b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

int
stdio_upstream_timeout_ms(const stdio_upstream *list, uint64_t now)
{
    int least = -1;
    for (const stdio_upstream *s = list; s != NULL; s = s->next) {
        least = sooner(least, child_timeout_ms(s->child, now));
        least = s->words.since == 0 ? least : sooner(least, STDIO_WORDS_HELD_MICROSECONDS / 1000);
        if (s->stop_due != 0) {
            least = sooner(least, now >= s->stop_due ? 0 : (int)((s->stop_due - now) / 1000 + 1));
        }
    }
    return least;
}

void
stdio_upstream_stop(stdio_upstream *list, bool at_once, uint64_t now)
{
    for (stdio_upstream *s = list; s != NULL; s = s->next) {
        if (at_once) {
            child_terminate(s->child, now);
        } else {
            child_stop(s->child, now);
            s->stop_due = s->stop_due == 0 ? now + END_MICROSECONDS : s->stop_due;
        }
    }
}

int
stdio_upstream_code(const stdio_upstream *each)
{
    child_health health = child_look(each->child);
    return health.state != CHILD_STOPPED ? -1 : health.has_ended ? health.last.code : 0;
}

bool
stdio_upstream_has_ended(const stdio_upstream *list)
{
    while (list != NULL && child_look(list->child).state == CHILD_STOPPED) {
        list = list->next;
    }
    return list == NULL;
}

static const char *
state_of(const stdio_upstream *s)
{
    switch (child_look(s->child).state) {
    case CHILD_STARTING:
        return "starting";
    case CHILD_RUNNING:
        return "running";
    case CHILD_BACKING_OFF:
        return "waiting";
    case CHILD_STOPPING:
    case CHILD_STOPPED:
        break;
    }
    return "ended";
}

bool
stdio_upstream_append_health(const exchange *x, text_buffer *out)
{
    bool well = x->shard->commands == NULL;
    text_append_string(out, "\"commands\":{");
    for (const stdio_upstream *each = x->shard->commands; each != NULL; each = each->next) {
        text_append_json(out, aip_bytes_of(each->name));
        text_append_format(out, ":\"%s\"%s", state_of(each), each->next == NULL ? "" : ",");
        well = well || child_look(each->child).state == CHILD_RUNNING;
    }
    text_append_string(out, "}");
    for (size_t i = 0; i < x->settings->route_count; i++) {
        well = well || (x->settings->routes[i].command == NULL && x->settings->routes[i].members == NULL);
    }
    return well;
}
