/* Readiness: the decision log, the database with its thread, the other threads, the upstreams, the lists of others. */
#include "gateway/readiness.h"

#include "base/clock.h"
#include "gateway/await.h"
#include "gateway/figures.h"
#include "gateway/reload.h"
#include "gateway/routes.h"

enum { STALLED_MICROSECONDS = 10000000 };

typedef struct {
    const char *name;
    aip_status status;
} part;

/* No answer in time says that the thread hangs; what it said does not matter but for the database's own failures. */
static aip_status
judge_store(const exchange *x)
{
    aip_status status = x->arrived_status;
    return status == AIP_STORE_UNAVAILABLE || status == AIP_STORE_INVALID || status == AIP_FETCH_TIMEOUT ||
                   status == AIP_OVERLOADED || status == AIP_NO_MEMORY
               ? status
               : AIP_OK;
}

static aip_status
judge_desk(desk *d)
{
    return desk_stalled(d, clock_monotonic_microseconds()) < STALLED_MICROSECONDS ? AIP_OK : AIP_OVERLOADED;
}

static bool
all_upstreams_fail(const gateway_settings *settings)
{
    bool all = settings->route_count > 0;
    for (size_t i = 0; all && i < settings->route_count; i++) {
        all = routes_fails(&settings->routes[i]);
    }
    return all;
}

static void
append_reasons(text_buffer *out, const exchange *x, const part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_append_format(out, ",\"%s\":\"%s\"", parts[i].name, aip_status_lookup(parts[i].status)->name);
    }
    text_append_string(out, ",");
    reload_append_health(x->gateway, out);
    text_append_string(out, ",");
    routes_append_health(x->settings, out);
}

static void
answer(exchange *x)
{
    gateway *g = x->gateway;
    const part parts[] = {
        {"audit", audit_health(g->audit, NULL)},
        {"scribe", g->scribe == NULL ? AIP_OK : judge_desk(scribe_desk(g->scribe))},
        {"store", judge_store(x)},
        {"identities", judge_desk(identities_desk(g->identities))},
        {"books", g->books == NULL ? AIP_OK : judge_desk(books_desk(g->books))},
        {"revocations", identities_check_lists(g->identities, NULL)},
        {"upstream", all_upstreams_fail(x->settings) ? AIP_UPSTREAM_UNREACHABLE : AIP_OK},
        {"stop", atomic_load(&g->draining) ? AIP_OVERLOADED : AIP_OK},
    };
    size_t count = sizeof parts / sizeof parts[0];
    bool ready = true;
    for (size_t i = 0; i < count; i++) {
        ready = ready && parts[i].status == AIP_OK;
    }
    text_buffer *body = &x->answer.body;
    text_append_format(body, "{\"status\":\"%s\"", ready ? "ok" : "unavailable");
    if (figures_may_read(x)) {
        append_reasons(body, x, parts, count);
    }
    text_append_string(body, "}");
    x->answer.http = ready && text_finish(body, NULL) == AIP_OK ? 200 : 503;
    answer_add(&x->answer, "Content-Type", "application/json");
    answer_add(&x->answer, "Cache-Control", "no-store");
    x->phase = EXCHANGE_ANSWERED;
}

/* A page of the list of revocations beyond its end: the thread reads the database for it, and finds nothing. */
void
readiness_ask(exchange *x)
{
    aip_status status = await_list(x, INT64_C(1) << 53, NULL);
    if (status == AIP_DID_PENDING) {
        x->phase = EXCHANGE_LOOKING;
        return;
    }
    x->arrived_status = status;
    answer(x);
}

void
readiness_arrived(exchange *x)
{
    answer(x);
}
