/* One stream of all that the members of a group say by themselves, as long as the caller listens. */
#include "base/clock.h"
#include "gateway/events.h"
#include "gateway/group_gather_inside.h"

enum { PAUSE_SECONDS_MAX = 60 };

static void
ask_later(leg *l)
{
    l->pause_seconds = l->pause_seconds == 0 ? 1 : l->pause_seconds * 2;
    l->pause_seconds = l->pause_seconds > PAUSE_SECONDS_MAX ? PAUSE_SECONDS_MAX : l->pause_seconds;
    l->again_at = clock_monotonic_microseconds() + l->pause_seconds * UINT64_C(1000000);
}

/* Where it is of no use to ask again: it has no stream for this caller. */
static bool
is_without(const leg *l)
{
    return l->state == LEG_WITHOUT || (l->state == LEG_FAILED && l->refusal.status == AIP_SESSION_NOT_FOUND);
}

static void
note_end(leg *l)
{
    if (leg_streams(l) && leg_stream_is_over(l)) {
        leg_lose_stream(l);
    }
    if (l->x == NULL && l->again_at == 0 && !is_without(l)) {
        ask_later(l);
    }
}

/* The place in every member's stream, so that the caller can ask for what comes after it. */
static void
append_with_ids(gathering *g, leg *l, aip_bytes event)
{
    TEXT_AUTO text_buffer ids = {0};
    aip_bytes own = group_event_id(event);
    if (own.size > 0) {
        text_clear(&l->last_id);
        text_append(&l->last_id, own);
        text_append_format(&ids, "%c", GROUP_IDS_OF_ALL);
        for (size_t i = 0; i < g->count; i++) {
            const leg *each = &g->legs[i];
            if (each->last_id.size > 0) {
                group_append_id(&ids, each->member, text_view(&each->last_id));
            }
        }
    }
    group_append_event(&g->x->stream, event, text_view(&ids));
    g->x->stream.failed = g->x->stream.failed || ids.failed || l->last_id.failed;
}

/* Nothing but comments, which are between this gateway and the member. */
static bool
is_comment(aip_bytes event)
{
    bool starts = true;
    for (size_t i = 0; i < event.size; i++) {
        bool ends = event.data[i] == '\n' || event.data[i] == '\r';
        if (starts && !ends && event.data[i] != ':') {
            return false;
        }
        starts = ends;
    }
    return true;
}

/* An acknowledgement or the end of one member's subscription; anything else waits until the stream has begun. */
static bool
take_heard(gathering *g, leg *l, aip_bytes event)
{
    TEXT_AUTO text_buffer data = {0};
    switch (gather_read_event(event, &data)) {
    case SAID_RESPONSE:
        leg_take_response(l, text_view(&data), 200);
        return true;
    case SAID_ACKNOWLEDGED:
        l->acknowledged = leg_keep(l, text_view(&data));
        break;
    case SAID_ELSE:
        if (!g->begun) {
            return false;
        }
        group_append_event(&g->x->stream, event, (aip_bytes){NULL, 0});
        break;
    case SAID_NOTHING:
    case SAID_CANCELLED: /* by this member alone: the caller's subscription goes on */
        break;
    }
    leg_drop_event(l, event);
    return true;
}

/* One event; false: there is none that can be taken now. */
static bool
take_event(gathering *g, leg *l)
{
    aip_bytes event;
    if (!leg_next_event(l, &event)) {
        return false;
    }
    l->pause_seconds = 0;
    if (is_comment(event)) {
        leg_drop_event(l, event);
    } else if (g->listens) {
        return take_heard(g, l, event);
    } else {
        append_with_ids(g, l, event);
        leg_drop_event(l, event);
    }
    return true;
}

/* In turn, so that none crowds out the others. */
static void
relay(gathering *g)
{
    size_t before = g->x->stream.size;
    for (size_t idle = 0; idle < g->count && !gather_is_full(g); g->turn = (g->turn + 1) % g->count) {
        idle = take_event(g, &g->legs[g->turn]) ? 0 : idle + 1;
    }
    for (size_t i = 0; i < g->count; i++) {
        note_end(&g->legs[i]);
    }
    if (g->x->stream.size != before) {
        g->x->moved_microseconds = clock_monotonic_microseconds();
        g->x->wake(g->x);
    }
}

typedef struct {
    bool waits, any, hopes; /* for one that has not answered yet; one has a stream; one may have one later */
} prospects;

static prospects
look(const gathering *g)
{
    prospects p = {false, false, false};
    for (size_t i = 0; i < g->count; i++) {
        const leg *l = &g->legs[i];
        bool begun = g->listens ? l->acknowledged : leg_streams(l);
        p.any = p.any || begun;
        p.waits = p.waits || (!begun && l->x != NULL);
        p.hopes = p.hopes || (!begun && !is_without(l));
    }
    return p;
}

static void
begin_stream(gathering *g)
{
    prospects p = look(g);
    bool settled = !p.waits || g->deadline == 0;
    if (!p.any && (!p.hopes || (g->listens && settled))) {
        gather_finish(g); /* a subscription that nobody granted is none; a session's stream may have something later */
        return;
    }
    if (!settled && (g->listens || !p.any)) {
        return;
    }
    g->begun = true;
    gather_open_stream(g);
    if (g->listens && group_append_acknowledgement(g, &g->x->stream, NULL) != AIP_OK) {
        g->x->stream.failed = true;
    }
    g->x->wake(g->x);
}

void
gather_streams(gathering *g)
{
    exchange *x = g->x;
    if (!g->begun) {
        if (g->listens) {
            relay(g);
        }
        begin_stream(g);
    }
    if (x->gathering != NULL && g->begun) {
        relay(g);
        x->stream_broken = x->stream_broken || x->stream.failed;
    }
}
