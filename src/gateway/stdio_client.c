/* A local client: its lines, and its end. */
#include "gateway/stdio_client.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/await.h"
#include "gateway/forward.h"
#include "gateway/stdio_client_inside.h"
#include "gateway/stdio_message.h"
#include "gateway/stdio_upstream.h"

enum {
    REQUESTS_MAX = 1024,                /* under way at once; more lines are left in the pipe */
    LAST_OUTPUT_MICROSECONDS = 2000000, /* for a client that reads nothing more */
};

static void
take_message(stdio_client *c, aip_bytes line, bool too_long)
{
    local_request *r = stdio_request_new(c, "POST");
    if (r == NULL) {
        c->ends.broken = true; /* a message is lost: its sender would wait for ever */
        return;
    }
    exchange *x = r->x;
    x->body_too_large = too_long;
    if (!too_long && stdio_message_cut_token(line, &x->body, &r->token, NULL) != AIP_OK) {
        c->ends.broken = true;
        return;
    }
    if (!too_long && r->token == NULL) {
        text_append(&x->body, line);
    }
    x->appointed = r->token == NULL;
    stdio_request_add_field(x, "Content-Type", "application/json");
    if (r->token != NULL || c->end->token != NULL) {
        stdio_request_add_field(x, "X-AIP-Token", r->token != NULL ? r->token : c->end->token);
    }
}

static void
take_lines(stdio_client *c)
{
    aip_bytes line;
    for (;;) {
        switch (lines_next(&c->ends.input, &line)) {
        case LINES_MORE:
            return;
        case LINES_LONG:
            take_message(c, line, true);
            break;
        case LINES_LINE:
            take_message(c, line, false);
            break;
        }
    }
}

static bool
reads(const stdio_client *c)
{
    return !c->ends.closed && !c->quiet && !c->ends.broken && c->active < REQUESTS_MAX && stdio_client_has_room(c);
}

/* ---- the end ---- */

static void
abandon_all(stdio_client *c)
{
    for (local_request *each = c->requests; each != NULL; each = each->next) {
        if (each->x->phase != EXCHANGE_OVER) {
            await_drop(each->x);
            forward_abandon(each->x);
            each->woken = true;
        }
    }
}

static void
read_input(stdio_client *c)
{
    if (reads(c)) {
        stdio_ends_read(&c->ends);
        take_lines(c);
    } else {
        stdio_ends_watch(&c->ends, false);
    }
}

/* W-46: the input's end ends the server, once what was asked is answered; the server's end ends this process. */
static void
see_to_end(stdio_client *c, uint64_t now)
{
    stdio_upstream *server = c->shard->commands;
    bool answered = c->active == 0 && stdio_ends_unsent(&c->ends) == 0;
    if (c->ends.broken) {
        abandon_all(c);
    }
    if (!c->stopping && (c->ends.broken || (c->ends.closed && answered))) {
        c->stopping = true;
        stdio_upstream_stop(server, false, now);
    }
    if (c->told || !stdio_upstream_has_ended(server)) {
        return;
    }
    c->ended_at = c->ended_at == 0 ? now : c->ended_at;
    if (c->ends.broken || answered || now - c->ended_at >= LAST_OUTPUT_MICROSECONDS) {
        c->told = true;
        kill(getpid(), SIGTERM); /* who started the shards waits for it */
    }
}

void
stdio_client_run(stdio_client *c, uint64_t now)
{
    if (c == NULL) {
        return;
    }
    if (c->ends.is_file && reads(c)) {
        read_input(c);
    }
    for (bool moved = true; moved;) {
        moved = false;
        /* The oldest first: it stands last. */
        local_request *each = c->requests;
        while (each != NULL && each->next != NULL) {
            each = each->next;
        }
        for (local_request *previous = NULL; each != NULL; each = previous) {
            previous = each->previous;
            if (each->woken) {
                bool waits = each->x->phase == EXCHANGE_STREAMING && !stdio_client_has_room(c);
                moved = moved || !waits;
                stdio_request_go_on(each);
            }
        }
    }
    see_to_end(c, now);
    stdio_ends_watch(&c->ends, reads(c));
}

void
stdio_client_ready(stdio_client *c, unsigned tag)
{
    if (c != NULL && tag == STDIO_CLIENT_INPUT_TAG) {
        read_input(c);
    } else if (c != NULL) {
        stdio_ends_flush(&c->ends);
    }
}

void
stdio_client_sweep(stdio_client *c, uint64_t now)
{
    for (local_request *each = c == NULL ? NULL : c->requests; each != NULL; each = each->next) {
        await_sweep(each->x, now);
        forward_sweep(each->x, now);
    }
    if (c != NULL && c->hears && c->stream == NULL && !c->quiet) {
        stdio_request_open_stream(c); /* it ended with something that could not go on */
    }
}

int
stdio_client_timeout_ms(const stdio_client *c)
{
    return c == NULL                                                ? -1
           : c->ends.is_file && reads(c)                            ? 0
           : c->active > 0 || c->stream != NULL || c->ended_at != 0 ? 500
                                                                    : -1;
}

void
stdio_client_quiesce(stdio_client *c)
{
    if (c != NULL) {
        c->quiet = c->told = true;
        stdio_ends_watch(&c->ends, false);
    }
}

size_t
stdio_client_active(const stdio_client *c)
{
    return c == NULL ? 0 : c->active + (stdio_ends_unsent(&c->ends) > 0 ? 1 : 0);
}

aip_status
stdio_client_open(const shard_tools *shard, int epoll_fd, stdio_client **out, aip_error *err)
{
    stdio_client *c = calloc(1, sizeof *c);
    *out = c;
    if (c == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    c->shard = shard;
    c->end = shard->gateway->local;
    c->ends = (stdio_ends){
        .epoll_fd = epoll_fd,
        .input_fd = c->end->input,
        .output_fd = c->end->output,
        .input_data = (uint64_t)(uintptr_t)c | STDIO_CLIENT_INPUT_TAG,
        .output_data = (uint64_t)(uintptr_t)c | STDIO_CLIENT_OUTPUT_TAG,
        .input = {.bytes_max = shard->gateway->settings->body_bytes_max},
    };
    stdio_ends_begin(&c->ends);
    return AIP_OK;
}

void
stdio_client_close(stdio_client **client)
{
    stdio_client *c = *client;
    *client = NULL;
    if (c == NULL) {
        return;
    }
    while (c->requests != NULL) {
        await_stop(c->requests->x);
        if (c->requests->is_stream) {
            forward_abandon(c->requests->x);
        } else {
            forward_stop(c->requests->x);
            stdio_request_write_answer(c->requests);
        }
        stdio_request_release(c->requests);
    }
    stdio_ends_finish(&c->ends);
    free(c);
}
