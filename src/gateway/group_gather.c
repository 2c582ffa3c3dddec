/* Asking all members of a group: who is asked and when, and who goes on with what they say. */
#include "gateway/group_gather.h"

#include <stdlib.h>

#include "base/clock.h"
#include "gateway/await.h"
#include "gateway/forward.h"
#include "gateway/group_gather_inside.h"
#include "policy/catalogue.h"

void
gathering_queue(gathering *g)
{
    gathering **list = g->x->shard->gatherings;
    if (!g->queued) {
        g->queued = true;
        g->next = *list;
        *list = g;
    }
}

static void
leave_queue(gathering *g)
{
    gathering **at = g->x->shard->gatherings;
    while (g->queued && *at != g) {
        at = &(*at)->next;
    }
    if (g->queued) {
        *at = g->next;
        g->queued = false;
    }
}

void
gathering_drop(gathering **g)
{
    gathering *each = *g;
    *g = NULL;
    if (each == NULL) {
        return;
    }
    for (size_t i = 0; i < each->count; i++) {
        leg_end(&each->legs[i]);
        (void)leg_keep(&each->legs[i], (aip_bytes){NULL, 0});
        text_clear(&each->legs[i].last_id);
    }
    leave_queue(each); /* after the last of them was woken by its end */
    free(each);
}

void
gathering_resume(gathering *g)
{
    gathering_queue(g);
}

static void
step(gathering *g)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->legs[i].woken) {
            leg_go_on(&g->legs[i]);
        }
    }
    if (g->kind == GATHER_ANSWERS) {
        gather_answers(g);
    } else {
        gather_streams(g);
    }
}

void
gathering_run(gathering **gatherings)
{
    while (*gatherings != NULL) {
        gathering *g = *gatherings;
        *gatherings = g->next;
        g->queued = false;
        step(g);
    }
}

/* ---- time ---- */

static void
end_patience(gathering *g)
{
    g->deadline = 0;
    for (size_t i = 0; i < g->count && g->kind == GATHER_ANSWERS; i++) {
        if (g->legs[i].state == LEG_OPEN) {
            leg_give_up(&g->legs[i], AIP_UPSTREAM_TIMEOUT);
        }
    }
    gathering_queue(g);
}

static void
ask_again(gathering *g, leg *l)
{
    TEXT_AUTO text_buffer message = {0};
    bool asked = false;
    if (group_message_for(g, l->member, &asked, &message, NULL) == AIP_OK && asked) {
        leg_ask(l, text_view(&message));
        gathering_queue(g);
    }
}

void
gathering_sweep(gathering *g, uint64_t now)
{
    for (size_t i = 0; i < g->count; i++) {
        leg *l = &g->legs[i];
        if (l->x != NULL) {
            await_sweep(l->x, now);
            forward_sweep(l->x, now);
        } else if (l->again_at != 0 && now >= l->again_at) {
            ask_again(g, l);
        }
    }
    if (g->deadline != 0 && now >= g->deadline) {
        end_patience(g);
    }
}

/* ---- the beginning ---- */

static const char *
list_of(const exchange *x)
{
    static const char *const members[] = {"tools", "prompts", "resources", "resourceTemplates"};
    catalogue_kind kind;
    return x->kind == MESSAGE_REQUEST && catalogue_kind_of(aip_bytes_of(x->method), &kind) ? members[kind] : NULL;
}

/* Everybody's message is made before anybody is asked. */
static aip_status
prepare(gathering *g, text_buffer messages[GROUP_MEMBERS_MAX], aip_error *err)
{
    const gateway_route *group = g->x->route;
    for (size_t i = 0; i < group->member_count && i < GROUP_MEMBERS_MAX; i++) {
        bool asked = false;
        AIP_TRY(group_message_for(g, group->members[i], &asked, &messages[g->count], err));
        if (asked) {
            g->legs[g->count] = (leg){.owner = g, .member = group->members[i], .refusal = AIP_ERROR_INIT};
            g->count++;
        } else {
            text_clear(&messages[g->count]);
        }
    }
    return g->count == 0 && g->list != NULL ? aip_fail(err, AIP_REQUEST_INVALID, "the cursor is none of this address")
                                            : AIP_OK;
}

static void
note_places(gathering *g)
{
    size_t count = 0;
    aip_bytes ids = exchange_header(g->x, "Last-Event-ID", &count);
    for (size_t i = 0; i < g->count && count > 0; i++) {
        text_append(&g->legs[i].last_id, group_find_id(ids, g->legs[i].member));
    }
}

aip_status
gathering_begin(exchange *x, aip_error *err)
{
    text_buffer messages[GROUP_MEMBERS_MAX] = {{0}};
    gathering *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    x->gathering = g;
    g->x = x;
    g->list = list_of(x);
    g->listens = strcmp(x->method, "subscriptions/listen") == 0;
    g->kind = g->listens || strcmp(x->http_method, "GET") == 0 ? GATHER_STREAMS : GATHER_ANSWERS;
    g->deadline = clock_monotonic_microseconds() + x->route->idle_seconds * UINT64_C(1000000);
    aip_status status = prepare(g, messages, err);
    if (g->kind == GATHER_STREAMS) {
        note_places(g);
    }
    for (size_t i = 0; i < GROUP_MEMBERS_MAX; i++) {
        if (status == AIP_OK && i < g->count) {
            leg_ask(&g->legs[i], text_view(&messages[i]));
        }
        text_clear(&messages[i]);
    }
    if (status != AIP_OK) {
        gathering_drop(&x->gathering);
        return status;
    }
    gathering_queue(g);
    return AIP_OK;
}
