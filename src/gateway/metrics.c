/* One cell a shard, of counters that only its thread writes: no lock and no shared line on a request's way. */
#include "gateway/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { BUCKETS = 16, LABEL_BYTES_MAX = 100 };

typedef _Atomic uint64_t counter;

typedef struct {
    counter buckets[BUCKETS + 1]; /* not cumulative; the last one is +Inf */
    counter sum;                  /* microseconds */
} histogram;

struct metrics_cell {
    _Alignas(64) counter requests[METRICS_PROTOCOLS][METRICS_CLASSES];
    counter decisions[AIP_STATUS_COUNT];
    histogram times[METRICS_HISTOGRAMS];
    counter moving[METRICS_MOVING_GAUGES];
    counter findings;
    counter outcomes[AIP_STATUS_COUNT];
    counter told_errors;
};

struct metrics {
    size_t count;
    metrics_cell *cells;
};

/* Upper bounds, inclusive. From a remembered chain to a slow upstream. */
static const struct {
    uint64_t microseconds;
    const char *seconds;
} bounds[BUCKETS] = {
    {10, "0.00001"}, {25, "0.000025"}, {50, "0.00005"}, {100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},
    {1000, "0.001"}, {2500, "0.0025"}, {5000, "0.005"}, {10000, "0.01"},  {50000, "0.05"},  {100000, "0.1"},
    {500000, "0.5"}, {1000000, "1"},   {5000000, "5"},  {30000000, "30"},
};

static const char *const protocol_names[METRICS_PROTOCOLS] = {"mcp", "a2a", "http", "own"};
static const char *const class_names[METRICS_CLASSES] = {"call",      "list",      "read", "message",
                                                         "subscribe", "lifecycle", "other"};
static const struct {
    const char *name, *help;
} histogram_names[METRICS_HISTOGRAMS] = {
    {"aip_gateway_verification_seconds", "Time to judge a request's token and proof."},
    {"aip_gateway_policy_seconds", "Time to judge a message by scope, policy and data-loss prevention."},
    {"aip_gateway_upstream_seconds", "Time from the request to the upstream to the head of its reply."},
    {"aip_gateway_request_seconds", "Time from a request's head to the end of its reply's head."},
};
static const struct {
    const char *name, *help;
} moving_names[METRICS_MOVING_GAUGES] = {
    {"aip_gateway_streams", "Open event streams."},
    {"aip_gateway_connections", "Open connections of callers."},
    {"aip_gateway_waiting", "Requests that wait for an upstream."},
    {"aip_gateway_budget_holds", "Budget holds of calls under way in this process."},
};

aip_status
metrics_new(size_t cells, metrics **out, aip_error *err)
{
    metrics *m = calloc(1, sizeof *m);
    *out = NULL;
    if (m == NULL || cells == 0 || (m->cells = aligned_alloc(64, cells * sizeof *m->cells)) == NULL) {
        free(m);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    memset(m->cells, 0, cells * sizeof *m->cells);
    m->count = cells;
    *out = m;
    return AIP_OK;
}

void
metrics_free(metrics **m)
{
    if (*m != NULL) {
        free((*m)->cells);
        free(*m);
        *m = NULL;
    }
}

metrics_cell *
metrics_cell_of(metrics *m, size_t i)
{
    return &m->cells[i];
}

/* ---- counting: one thread writes, so that no read-modify-write has to be atomic ---- */

static void
add(counter *c, uint64_t by)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + by, memory_order_relaxed);
}

void
metrics_count_request(metrics_cell *cell, metrics_protocol protocol, metrics_class class)
{
    add(&cell->requests[protocol][class], 1);
}

void
metrics_count_decision(metrics_cell *cell, aip_status status)
{
    add(&cell->decisions[(unsigned)status < AIP_STATUS_COUNT ? status : AIP_INTERNAL], 1);
}

void
metrics_count_outcome(metrics_cell *cell, aip_status status, bool is_error)
{
    if (status == AIP_OK && is_error) {
        add(&cell->told_errors, 1);
    } else {
        add(&cell->outcomes[(unsigned)status < AIP_STATUS_COUNT ? status : AIP_INTERNAL], 1);
    }
}

void
metrics_count_time(metrics_cell *cell, metrics_histogram which, uint64_t microseconds)
{
    size_t i = 0;
    while (i < BUCKETS && microseconds > bounds[i].microseconds) {
        i++;
    }
    add(&cell->times[which].buckets[i], 1);
    add(&cell->times[which].sum, microseconds);
}

void
metrics_count_findings(metrics_cell *cell, size_t findings)
{
    add(&cell->findings, findings);
}

void
metrics_move(metrics_cell *cell, metrics_moving which, int64_t by)
{
    add(&cell->moving[which], (uint64_t)by);
}

metrics_class
metrics_class_of(aip_bytes method)
{
    static const struct {
        const char *method;
        metrics_class class;
    } known[] = {
        {"tools/call", METRICS_CALL},
        {"tools/list", METRICS_LIST},
        {"prompts/list", METRICS_LIST},
        {"resources/list", METRICS_LIST},
        {"resources/templates/list", METRICS_LIST},
        {"tasks/list", METRICS_LIST},
        {"ListTasks", METRICS_LIST},
        {"ListTaskPushNotificationConfigs", METRICS_LIST},
        {"prompts/get", METRICS_READ},
        {"resources/read", METRICS_READ},
        {"completion/complete", METRICS_READ},
        {"tasks/get", METRICS_READ},
        {"tasks/result", METRICS_READ},
        {"GetTask", METRICS_READ},
        {"GetTaskPushNotificationConfig", METRICS_READ},
        {"GetExtendedAgentCard", METRICS_READ},
        {"SendMessage", METRICS_MESSAGE},
        {"SendStreamingMessage", METRICS_MESSAGE},
        {"resources/subscribe", METRICS_SUBSCRIBE},
        {"resources/unsubscribe", METRICS_SUBSCRIBE},
        {"subscriptions/listen", METRICS_SUBSCRIBE},
        {"SubscribeToTask", METRICS_SUBSCRIBE},
        {"CreateTaskPushNotificationConfig", METRICS_SUBSCRIBE},
        {"DeleteTaskPushNotificationConfig", METRICS_SUBSCRIBE},
        {"initialize", METRICS_LIFECYCLE},
        {"ping", METRICS_LIFECYCLE},
        {"server/discover", METRICS_LIFECYCLE},
        {"logging/setLevel", METRICS_LIFECYCLE},
        {"notifications/initialized", METRICS_LIFECYCLE},
        {"notifications/cancelled", METRICS_LIFECYCLE},
        {"tasks/cancel", METRICS_LIFECYCLE},
        {"tasks/update", METRICS_LIFECYCLE},
        {"CancelTask", METRICS_LIFECYCLE},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (aip_bytes_equal(method, aip_bytes_of(known[i].method))) {
            return known[i].class;
        }
    }
    return METRICS_OTHER;
}

/* ---- reading ---- */

/* Sum over all cells of the counter that lies where `first` lies in the first one. */
static uint64_t
total(const metrics *m, const counter *first)
{
    size_t offset = (size_t)((const char *)first - (const char *)&m->cells[0]);
    uint64_t sum = 0;
    for (size_t i = 0; i < m->count; i++) {
        const counter *c = (const counter *)(const void *)((const char *)&m->cells[i] + offset);
        sum += atomic_load_explicit(c, memory_order_relaxed);
    }
    return sum;
}

static void
head(text_buffer *out, const char *name, const char *type, const char *help)
{
    text_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
write_requests(const metrics *m, text_buffer *out)
{
    uint64_t all = 0;
    head(out, "aip_gateway_requests_total", "counter", "Requests by protocol and what they are for.");
    for (size_t p = 0; p < METRICS_PROTOCOLS; p++) {
        for (size_t c = 0; c < METRICS_CLASSES; c++) {
            uint64_t count = total(m, &m->cells[0].requests[p][c]);
            all += count;
            text_append_format(out, "aip_gateway_requests_total{protocol=\"%s\",class=\"%s\"} %" PRIu64 "\n",
                               protocol_names[p], class_names[c], count);
        }
    }
    head(out, "aip_requests_total", "counter", "Requests.");
    text_append_format(out, "aip_requests_total %" PRIu64 "\n", all);
}

typedef enum { BLOCK, ALLOW, ASK, RATE_LIMITED, PROTECTED_PATH, TOKEN_REQUIRED, TOKEN_INVALID, DECISIONS } decision;
static const char *const decision_names[DECISIONS] = {
    "block", "allow", "ask", "rate_limited", "protected_path", "token_required", "token_invalid"};

/* E-61: the words that the gateways of openagentidentityprotocol count by. */
static decision
decision_of(aip_status status)
{
    const aip_status_facts *facts = aip_status_lookup(status);
    if (status == AIP_POLICY_PATH) {
        return PROTECTED_PATH;
    }
    if (facts->http == 429) {
        return RATE_LIMITED;
    }
    if (status == AIP_TOKEN_MISSING) {
        return TOKEN_REQUIRED;
    }
    return status == AIP_OK ? ALLOW : facts->class == AIP_CLASS_CREDENTIAL ? TOKEN_INVALID : BLOCK;
}

static void
write_violations(const uint64_t by_status[AIP_STATUS_COUNT], text_buffer *out)
{
    static const struct {
        aip_status status;
        const char *type;
    } rows[] = {
        {AIP_POLICY_ARGUMENT, "argument_validation"},
        {AIP_POLICY_TOOL, "tool_not_allowed"},
        {AIP_POLICY_PATH, "protected_path"},
        {AIP_POLICY_RATE, "rate_limited"},
    };
    head(out, "aip_violations_total", "counter", "Requests that the policy refused, by kind.");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text_append_format(out, "aip_violations_total{type=\"%s\"} %" PRIu64 "\n", rows[i].type,
                           by_status[rows[i].status]);
    }
}

static void
write_decisions(const metrics *m, text_buffer *out)
{
    uint64_t by_status[AIP_STATUS_COUNT], by_decision[DECISIONS] = {0};
    head(out, "aip_gateway_decisions_total", "counter", "Decisions by the name of the status.");
    for (int i = 0; i < AIP_STATUS_COUNT; i++) {
        by_status[i] = total(m, &m->cells[0].decisions[i]);
        by_decision[decision_of((aip_status)i)] += by_status[i];
        text_append_format(out, "aip_gateway_decisions_total{status=\"%s\"} %" PRIu64 "\n",
                           aip_status_lookup((aip_status)i)->name, by_status[i]);
    }
    head(out, "aip_decisions_total", "counter", "Decisions.");
    for (size_t i = 0; i < DECISIONS; i++) {
        text_append_format(out, "aip_decisions_total{decision=\"%s\"} %" PRIu64 "\n", decision_names[i],
                           by_decision[i]);
    }
    write_violations(by_status, out);
}

/* What a decision allowed may still fail, and an error within an answer is none of HTTP's. */
static void
write_outcomes(const metrics *m, text_buffer *out)
{
    head(out, "aip_gateway_outcomes_total", "counter", "Ends of forwarded requests; error: the answer tells of one.");
    for (int i = 0; i < AIP_STATUS_COUNT; i++) {
        uint64_t count = total(m, &m->cells[0].outcomes[i]);
        if (i == AIP_OK || count > 0) {
            text_append_format(out, "aip_gateway_outcomes_total{outcome=\"%s\"} %" PRIu64 "\n",
                               aip_status_lookup((aip_status)i)->name, count);
        }
    }
    text_append_format(out, "aip_gateway_outcomes_total{outcome=\"error\"} %" PRIu64 "\n",
                       total(m, &m->cells[0].told_errors));
}

/* The count is the sum of the buckets as they were read, so that the text never contradicts itself. */
static void
write_histogram(const metrics *m, metrics_histogram which, text_buffer *out)
{
    const histogram *first = &m->cells[0].times[which];
    const char *name = histogram_names[which].name;
    uint64_t below = 0, sum = total(m, &first->sum);
    head(out, name, "histogram", histogram_names[which].help);
    for (size_t i = 0; i < BUCKETS; i++) {
        below += total(m, &first->buckets[i]);
        text_append_format(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name, bounds[i].seconds, below);
    }
    below += total(m, &first->buckets[BUCKETS]);
    text_append_format(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, below);
    text_append_format(out, "%s_sum %" PRIu64 ".%06" PRIu64 "\n", name, sum / 1000000, sum % 1000000);
    text_append_format(out, "%s_count %" PRIu64 "\n", name, below);
}

static void
write_gauge(text_buffer *out, const char *name, const char *help, uint64_t value)
{
    if (value == UINT64_MAX) {
        return;
    }
    head(out, name, "gauge", help);
    text_append_format(out, "%s %" PRIu64 "\n", name, value);
}

/* A label's value, escaped and bounded; anything but printable ASCII becomes `?`. */
static void
write_info(text_buffer *out, const char *name, const char *label, const char *value)
{
    char plain[LABEL_BYTES_MAX];
    if (value == NULL || value[0] == '\0') {
        return;
    }
    head(out, name, "gauge", "1; the label tells.");
    text_append_format(out, "%s{%s=\"", name, label);
    for (const char *c = aip_printable(aip_bytes_of(value), plain, sizeof plain); *c != '\0'; c++) {
        text_append_format(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    }
    text_append_string(out, "\"} 1\n");
}

static void
write_view(const metrics_view *view, text_buffer *out)
{
    static const char *const cache_names[] = {"chains", "identities", "nonces", "tasks"};
    const uint64_t caches[] = {view->chains, view->identities, view->nonces, view->tasks};
    head(out, "aip_gateway_cache_entries", "gauge", "Entries remembered.");
    for (size_t i = 0; i < sizeof caches / sizeof caches[0]; i++) {
        if (caches[i] == UINT64_MAX) {
            continue;
        }
        text_append_format(out, "aip_gateway_cache_entries{cache=\"%s\"} %" PRIu64 "\n", cache_names[i], caches[i]);
    }
    write_gauge(out, "aip_gateway_sessions", "Sessions seen within their lifetime.", view->sessions);
    write_gauge(out, "aip_gateway_open_holds", "Budget holds of calls under way.", view->open_holds);
    write_gauge(out, "aip_gateway_uptime_seconds", "Seconds since the start.", view->uptime_seconds);
    if (view->held_micro_usd != UINT64_MAX) {
        head(out, "aip_gateway_held_usd", "gauge", "Money held for calls under way.");
        text_append_format(out, "aip_gateway_held_usd %" PRIu64 ".%06" PRIu64 "\n", view->held_micro_usd / 1000000,
                           view->held_micro_usd % 1000000);
    }
    head(out, "aip_gateway_audit_lag_seconds", "gauge", "Age of the oldest record that is not on the disk.");
    text_append_format(out, "aip_gateway_audit_lag_seconds %" PRIu64 ".%03" PRIu64 "\n",
                       view->audit_lag_milliseconds / 1000, view->audit_lag_milliseconds % 1000);
    write_info(out, "aip_gateway_build_info", "version", view->version);
    write_info(out, "aip_gateway_policy_info", "hash", view->policy_hash);
}

aip_status
metrics_write(const metrics *m, const metrics_view *view, text_buffer *out, aip_error *err)
{
    write_requests(m, out);
    write_decisions(m, out);
    write_outcomes(m, out);
    for (metrics_histogram which = METRICS_VERIFICATION; which < METRICS_HISTOGRAMS; which++) {
        write_histogram(m, which, out);
    }
    for (size_t i = 0; i < METRICS_MOVING_GAUGES; i++) {
        uint64_t value = total(m, &m->cells[0].moving[i]);
        write_gauge(out, moving_names[i].name, moving_names[i].help, value > INT64_MAX ? 0 : value);
    }
    head(out, "aip_gateway_dlp_findings_total", "counter", "What data-loss prevention found.");
    text_append_format(out, "aip_gateway_dlp_findings_total %" PRIu64 "\n", total(m, &m->cells[0].findings));
    write_view(view, out);
    return text_finish(out, err);
}
