/* What time does to a forwarded request: its caller goes or reads, it becomes too old, or the gateway stops. */
#include "base/clock.h"
#include "gateway/conclude.h"
#include "gateway/forward.h"
#include "gateway/group_gather.h"
#include "gateway/stages.h"
#include "gateway/stdio_upstream.h"

enum { KEEP_ALIVE_SECONDS = 15, REPLY_BYTES_PER_SECOND = 4096 };

/* With `cancel` a server behind a pipe is told; an HTTP one sees it by itself. */
static void
leave(exchange *x, bool cancel)
{
    upstream_cancel(&x->transfer);
    stdio_upstream_drop(&x->pipe, cancel);
    gathering_drop(&x->gathering);
}

/* A legacy caller that goes away cancels nothing. */
void
forward_abandon(exchange *x)
{
    leave(x, x->modern || x->local);
    x->stream_broken = true;
    x->phase = EXCHANGE_OVER;
    if (x->forwarded && x->refusal.status == AIP_OK) {
        (void)!aip_fail(&x->refusal, AIP_CALLER_GONE, NULL);
    }
    conclude(x);
    x->wake(x);
}

void
forward_drained(exchange *x)
{
    if (x->stream_sent == x->stream.size) {
        text_clear(&x->stream);
        x->stream_sent = 0;
    } else if (x->stream_sent > AIP_STREAM_BUFFER_BYTES / 2) {
        x->stream.size -= x->stream_sent;
        memmove(x->stream.data, x->stream.data + x->stream_sent, x->stream.size);
        x->stream_sent = 0;
    }
    if (!x->upstream_full || x->stream.size - x->stream_sent >= AIP_STREAM_BUFFER_BYTES / 2) {
        return;
    }
    if (x->transfer != NULL) {
        x->upstream_full = false;
        upstream_resume(x->transfer);
    } else if (x->pipe != NULL) {
        x->upstream_full = false;
        stdio_upstream_resume(x->pipe);
    } else if (x->gathering != NULL) {
        x->upstream_full = false;
        gathering_resume(x->gathering);
    }
}

/* Revoked or expired while the answer was under way. */
static aip_status
judge_again(exchange *x)
{
    uint64_t epoch = revoked_epoch(identities_revoked(x->gateway->identities));
    if (x->chain == NULL) {
        return AIP_OK; /* what anyone may ask */
    }
    if (clock_now_seconds() >= x->verdict.grant.expires) {
        return AIP_TOKEN_EXPIRED;
    }
    return epoch == x->revoked_epoch ? AIP_OK : greet_standing(x, NULL);
}

/* Nothing more goes out, not even what was judged before. */
static void
cut(exchange *x, aip_status why)
{
    leave(x, true);
    bool streaming = x->phase == EXCHANGE_STREAMING;
    forward_fail(x, why);
    if (streaming) {
        text_clear(&x->stream);
        x->stream_sent = 0;
        x->stream_broken = true;
    }
    x->wake(x);
}

/* The stream of a session: has it to make room for a newer one? */
static bool
is_over(exchange *x)
{
    if (!session_stream_replaced(x)) {
        return false;
    }
    leave(x, false);
    if (x->phase == EXCHANGE_STREAMING) {
        x->stream_ended = true;
        conclude(x);
    } else {
        forward_fail(x, AIP_CALLER_GONE);
    }
    x->wake(x);
    return true;
}

/* A byte now and then is a sign of life, and no answer: a body has its time, and more of it the larger it is (G-116). A
 * head has that of silence. */
static bool
is_dripping(const exchange *x, uint64_t now)
{
    uint64_t allowed = x->settings->front.reply_seconds + x->reply_bytes / REPLY_BYTES_PER_SECOND;
    return x->head_microseconds != 0 && x->settings->front.reply_seconds != 0 &&
           (now - x->head_microseconds) / 1000000 >= allowed;
}

void
forward_sweep(exchange *x, uint64_t now)
{
    bool unsent = !x->stream_ended || x->stream_sent < x->stream.size;
    bool open = x->phase == EXCHANGE_WAITING || (x->phase == EXCHANGE_STREAMING && !x->stream_broken && unsent);
    aip_status standing = open ? judge_again(x) : AIP_OK;
    if (standing != AIP_OK) {
        cut(x, standing);
        return;
    }
    if (open && x->opened_microseconds != 0 && is_over(x)) {
        return;
    }
    if (x->asks_again && x->phase == EXCHANGE_WAITING) {
        forward_ask_again(x);
    }
    if (x->gathering != NULL) {
        gathering_sweep(x->gathering, now); /* it has its own time */
        x->moved_microseconds = x->phase == EXCHANGE_WAITING ? now : x->moved_microseconds;
    }
    uint64_t quiet = (now - x->moved_microseconds) / 1000000;
    if (x->phase == EXCHANGE_WAITING && (quiet >= x->route->idle_seconds || is_dripping(x, now))) {
        leave(x, true);
        forward_fail(x, AIP_UPSTREAM_TIMEOUT);
        x->wake(x);
    } else if (x->phase == EXCHANGE_STREAMING && quiet >= KEEP_ALIVE_SECONDS && x->stream.size == 0) {
        /* Only whole events are in `stream`, so a comment never falls inside one. */
        text_append_string(&x->stream, ":\n\n");
        x->moved_microseconds = now;
        x->wake(x);
    }
}

void
forward_drain(exchange *x)
{
    bool open = x->phase == EXCHANGE_STREAMING && !x->stream_ended && !x->stream_broken;
    const protocol *speaks = x->route == NULL ? NULL : x->route->protocol;
    if (open && speaks->append_end != NULL && speaks->append_end(&x->stream, x)) {
        leave(x, x->modern);
        x->stream_ended = true;
        conclude(x);
        x->wake(x);
    }
}

void
forward_stop(exchange *x)
{
    if (x->phase == EXCHANGE_WAITING || x->phase == EXCHANGE_STREAMING) {
        leave(x, true);
        if (!x->stream_ended && !x->stream_broken) {
            forward_fail(x, AIP_OVERLOADED);
        }
        x->wake(x);
    }
}
