/* Figures: one line each on a request's way, and the page. */
#include "gateway/figures.h"

#include "base/clock.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "gateway/share.h"
#include "gateway/stages.h"

static metrics_cell *
cell_of(const exchange *x)
{
    return x->shard->figures;
}

static metrics_protocol
protocol_of(const exchange *x)
{
    static const char *const names[] = {[METRICS_MCP] = "mcp", [METRICS_A2A] = "a2a", [METRICS_HTTP] = "http"};
    const char *name = x->route == NULL ? "" : x->route->protocol->name;
    for (metrics_protocol each = METRICS_MCP; each <= METRICS_HTTP; each++) {
        if (strcmp(name, names[each]) == 0) {
            return each;
        }
    }
    return METRICS_OWN;
}

void
figures_note_request(const exchange *x, bool open)
{
    if (cell_of(x) == NULL) {
        return;
    }
    metrics_protocol spoken = open ? METRICS_OWN : protocol_of(x);
    metrics_class class = spoken == METRICS_HTTP ? METRICS_CALL : metrics_class_of(aip_bytes_of(x->method));
    metrics_count_request(cell_of(x), spoken, class);
    figures_note_time(x, METRICS_TOTAL, x->begun_microseconds);
}

void
figures_note_decision(const exchange *x, aip_status status)
{
    if (cell_of(x) != NULL) {
        metrics_count_decision(cell_of(x), status);
    }
}

void
figures_note_outcome(const exchange *x)
{
    if (cell_of(x) != NULL) {
        metrics_count_outcome(cell_of(x), x->refusal.status, x->tool_failed);
    }
}

void
figures_note_time(const exchange *x, metrics_histogram which, uint64_t since_microseconds)
{
    if (cell_of(x) != NULL && since_microseconds != 0) {
        metrics_count_time(cell_of(x), which, clock_monotonic_microseconds() - since_microseconds);
    }
}

void
figures_move(const shard_tools *shard, metrics_moving which, int by)
{
    if (shard->figures != NULL) {
        metrics_move(shard->figures, which, by);
    }
}

void
figures_note_findings(const exchange *x, size_t count)
{
    if (cell_of(x) != NULL) {
        metrics_count_findings(cell_of(x), count);
    }
}

/* ---- the page ---- */

/* A proxy on the same machine would open the page to all whom it serves, and a browser to a page that rebinds its name.
 */
bool
figures_may_read(const exchange *x)
{
    static const char *const proxied[] = {"X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"};
    for (size_t i = 0; i < sizeof proxied / sizeof proxied[0]; i++) {
        size_t count = 0;
        (void)exchange_header(x, proxied[i], &count);
        if (count > 0) {
            return false;
        }
    }
    return x->gateway->figures != NULL && greet_check_origin(x, NULL) == AIP_OK &&
           share_in_ranges(x->peer, &x->settings->front.metrics_readers);
}

void
figures_answer(exchange *x)
{
    gateway *g = x->gateway;
    uint64_t now = clock_monotonic_microseconds();
    metrics_view view = METRICS_VIEW_UNKNOWN;
    view.uptime_seconds = (now - g->started_microseconds) / 1000000;
    if (g->chains != NULL) {
        view.chains = chain_memory_count(g->chains).entries;
    }
    view.policy_hash = x->settings->standard == NULL ? NULL : policy_hash(x->settings->standard->policy);
    view.audit_lag_milliseconds = g->scribe == NULL ? 0 : desk_stalled(scribe_desk(g->scribe), now) / 1000;
    x->phase = EXCHANGE_ANSWERED;
    if (metrics_write(g->figures, &view, &x->answer.body, NULL) != AIP_OK) {
        reply_refuse_unjudged(x, AIP_NO_MEMORY, NULL);
        return;
    }
    routes_append_figures(x->settings, &x->answer.body);
    x->answer.http = 200;
    answer_add(&x->answer, "Content-Type", "%s", METRICS_CONTENT_TYPE);
    answer_add(&x->answer, "Cache-Control", "no-store");
}
