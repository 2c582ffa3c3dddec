/* Metrics: what is counted comes out exactly, in a text that a strict reader takes. */
#include "gateway/metrics.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

#include "check.h"

enum { SAMPLES_MAX = 1024, THREADS = 4, ROUNDS = 50000 };

typedef struct {
    char name[160]; /* with its labels, as written */
    double value;
} sample;

typedef struct {
    sample samples[SAMPLES_MAX];
    size_t count;
    char families[128][96]; /* by # TYPE */
    char types[128][16];
    size_t family_count;
} reading;

/* ---- a strict little reader of the text format 0.0.4 ---- */

static bool
is_name(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool letter = isalpha((unsigned char)text[i]) || text[i] == '_' || text[i] == ':';
        if (!letter && (i == 0 || !isdigit((unsigned char)text[i]))) {
            return false;
        }
    }
    return size > 0;
}

/* `name="value"` pairs up to the brace; returns what follows it, or NULL. */
static const char *
read_labels(const char *at)
{
    while (*at != '}') {
        size_t size = strcspn(at, "=");
        if (!is_name(at, size) || at[size + 1] != '"') {
            return NULL;
        }
        for (at += size + 2; *at != '"'; at++) {
            if (*at == '\0' || *at == '\n' || (unsigned char)*at < ' ' || (unsigned char)*at > '~') {
                return NULL;
            }
            if (*at == '\\') {
                at++;
                if (*at != '\\' && *at != '"' && *at != 'n') {
                    return NULL;
                }
            }
        }
        at++;
        if (*at == ',' && at[1] != '}') {
            at++;
        } else if (*at != '}') {
            return NULL;
        }
    }
    return at + 1;
}

/* The family of a sample: a histogram's have an ending. */
static bool
belongs(const char *name, size_t size, const reading *r)
{
    const char *family = r->families[r->family_count - 1];
    size_t family_size = strlen(family);
    if (r->family_count == 0 || size < family_size || memcmp(name, family, family_size) != 0) {
        return false;
    }
    const char *rest = name + family_size;
    size_t left = size - family_size;
    bool histogram = strcmp(r->types[r->family_count - 1], "histogram") == 0;
    bool ending = (left == 7 && memcmp(rest, "_bucket", 7) == 0) || (left == 4 && memcmp(rest, "_sum", 4) == 0) ||
                  (left == 6 && memcmp(rest, "_count", 6) == 0);
    return histogram ? ending : left == 0;
}

static bool
read_sample(const char *line, reading *r)
{
    size_t size = strcspn(line, "{ ");
    const char *rest = line + size;
    if (r->family_count == 0 || !is_name(line, size) || !belongs(line, size, r) || r->count == SAMPLES_MAX) {
        return false;
    }
    if (*rest == '{') {
        rest = read_labels(rest + 1);
    }
    if (rest == NULL || *rest != ' ' || !isdigit((unsigned char)rest[1]) || (size_t)(rest - line) >= 160) {
        return false;
    }
    sample *s = &r->samples[r->count++];
    char *end = NULL;
    memcpy(s->name, line, (size_t)(rest - line));
    s->name[rest - line] = '\0';
    s->value = strtod(rest + 1, &end);
    for (size_t i = 0; i + 1 < r->count; i++) {
        if (strcmp(r->samples[i].name, s->name) == 0) {
            return false;
        }
    }
    return *end == '\0';
}

/* HELP, then TYPE of the same family, each once. */
static bool
read_comment(const char *line, reading *r)
{
    size_t i = r->family_count;
    if (strncmp(line, "# HELP ", 7) == 0 && i < 128) {
        size_t size = strcspn(line + 7, " ");
        bool good = is_name(line + 7, size) && size < 96 && line[7 + size] == ' ' && line[8 + size] != '\0';
        for (size_t j = 0; good && j < i; j++) {
            good = strlen(r->families[j]) != size || memcmp(r->families[j], line + 7, size) != 0;
        }
        if (good) {
            memcpy(r->families[i], line + 7, size);
            r->families[i][size] = '\0';
            r->types[i][0] = '\0';
        }
        return good;
    }
    size_t size = strlen(r->families[i]);
    if (strncmp(line, "# TYPE ", 7) != 0 || i == 128 || memcmp(line + 7, r->families[i], size) != 0 ||
        line[7 + size] != ' ') {
        return false;
    }
    const char *type = line + 8 + size;
    if (strcmp(type, "counter") != 0 && strcmp(type, "gauge") != 0 && strcmp(type, "histogram") != 0) {
        return false;
    }
    (void)strcpy(r->types[i], type);
    r->family_count++;
    return true;
}

static bool
read_text(aip_bytes text, reading *r)
{
    char line[512];
    memset(r, 0, sizeof *r);
    while (text.size > 0) {
        const unsigned char *end = memchr(text.data, '\n', text.size);
        size_t size = end == NULL ? text.size : (size_t)(end - text.data);
        if (end == NULL || size == 0 || size >= sizeof line) {
            return false;
        }
        memcpy(line, text.data, size);
        line[size] = '\0';
        if (!(line[0] == '#' ? read_comment(line, r) : read_sample(line, r))) {
            return false;
        }
        text = aip_bytes_from(text, size + 1);
    }
    return r->count > 0;
}

static double
value_of(const reading *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->samples[i].name, name) == 0) {
            return r->samples[i].value;
        }
    }
    return -1;
}

static reading shown;
static metrics_view view = {.version = "1.0", .policy_hash = "abc", .uptime_seconds = 7};

static const reading *
show(const metrics *m)
{
    text_buffer TEXT_AUTO text = {0};
    CHECK_STATUS(metrics_write(m, &view, &text, NULL), AIP_OK);
    CHECK(read_text(text_view(&text), &shown));
    return &shown;
}

static bool
is(const reading *r, const char *name, double wanted)
{
    double got = value_of(r, name);
    double off = got - wanted;
    return off < 1e-9 && off > -1e-9;
}

/* ---- tests ---- */

static void
the_reader_of_this_test_is_strict(void)
{
    static const char *const good[] = {"# HELP a b\n# TYPE a counter\na 1\n",
                                       "# HELP a b\n# TYPE a gauge\na{x=\"\\\\\\\"\\n\",y=\"\"} 1.5\n",
                                       "# HELP a b\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n"};
    static const char *const bad[] = {"",
                                      "a 1\n",
                                      "# HELP a b\n# TYPE a counter\na 1",
                                      "# HELP a b\n# TYPE a counter\na 1 \n",
                                      "# HELP a b\n# TYPE a counter\na x\n",
                                      "# HELP a b\n# TYPE a counter\nb 1\n",
                                      "# HELP a b\n# TYPE a counter\na 1\na 2\n",
                                      "# HELP a b\n# TYPE a counter\na{x=1} 1\n",
                                      "# HELP a b\n# TYPE a counter\na{x=\"\"\"} 1\n",
                                      "# HELP a b\n# TYPE a counter\na{x=\"\\t\"} 1\n",
                                      "# HELP a b\n# TYPE a counter\na{x=\"1\",} 1\n",
                                      "# HELP a b\n# TYPE a histogram\na 1\n",
                                      "# HELP a b\n# TYPE a thing\na 1\n",
                                      "# TYPE a counter\na 1\n",
                                      "# HELP a b\n# TYPE a counter\na 1\n# HELP a b\n# TYPE a counter\n"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK(read_text(aip_bytes_of(good[i]), &shown));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        aip_bytes text = aip_bytes_of(bad[i]);
        CHECK(text.size == 0 || !read_text(text, &shown));
    }
}

static void
an_idle_gateway_shows_every_family_at_zero(void)
{
    metrics *m = NULL;
    CHECK_STATUS(metrics_new(2, &m, NULL), AIP_OK);
    const reading *r = show(m);
    CHECK(is(r, "aip_requests_total", 0));
    CHECK(is(r, "aip_decisions_total{decision=\"ask\"}", 0));
    CHECK(is(r, "aip_violations_total{type=\"argument_validation\"}", 0));
    CHECK(is(r, "aip_gateway_decisions_total{status=\"scope.insufficient\"}", 0));
    CHECK(is(r, "aip_gateway_verification_seconds_count", 0));
    CHECK(is(r, "aip_gateway_uptime_seconds", 7));
    CHECK(is(r, "aip_gateway_build_info{version=\"1.0\"}", 1));
    CHECK(is(r, "aip_gateway_policy_info{hash=\"abc\"}", 1));
    size_t statuses = 0;
    for (size_t i = 0; i < r->count; i++) {
        statuses += strncmp(r->samples[i].name, "aip_gateway_decisions_total{", 28) == 0 ? 1u : 0u;
    }
    CHECK(statuses == AIP_STATUS_COUNT);
    metrics_free(&m);
    CHECK(m == NULL);
    CHECK_STATUS(metrics_new(0, &m, NULL), AIP_NO_MEMORY);
}

static void
decisions_are_counted_by_name_and_in_the_peers_words(void)
{
    metrics *m = NULL;
    CHECK_STATUS(metrics_new(1, &m, NULL), AIP_OK);
    metrics_cell *cell = metrics_cell_of(m, 0);
    static const aip_status given[] = {AIP_OK,
                                       AIP_OK,
                                       AIP_POLICY_TOOL,
                                       AIP_POLICY_ARGUMENT,
                                       AIP_POLICY_PATH,
                                       AIP_POLICY_RATE,
                                       AIP_TRUST_RATE,
                                       AIP_TOKEN_MISSING,
                                       AIP_TOKEN_EXPIRED,
                                       AIP_TOKEN_SIGNATURE,
                                       AIP_SCOPE_INSUFFICIENT};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        metrics_count_decision(cell, given[i]);
    }
    metrics_count_decision(cell, AIP_STATUS_COUNT);
    metrics_count_decision(cell, (aip_status)12345);
    const reading *r = show(m);
    CHECK(is(r, "aip_gateway_decisions_total{status=\"ok\"}", 2));
    CHECK(is(r, "aip_gateway_decisions_total{status=\"policy.tool\"}", 1));
    CHECK(is(r, "aip_gateway_decisions_total{status=\"internal\"}", 2));
    CHECK(is(r, "aip_decisions_total{decision=\"allow\"}", 2));
    CHECK(is(r, "aip_decisions_total{decision=\"block\"}", 5));
    CHECK(is(r, "aip_decisions_total{decision=\"rate_limited\"}", 2));
    CHECK(is(r, "aip_decisions_total{decision=\"protected_path\"}", 1));
    CHECK(is(r, "aip_decisions_total{decision=\"token_required\"}", 1));
    CHECK(is(r, "aip_decisions_total{decision=\"token_invalid\"}", 2));
    CHECK(is(r, "aip_violations_total{type=\"tool_not_allowed\"}", 1));
    CHECK(is(r, "aip_violations_total{type=\"rate_limited\"}", 1));
    CHECK(is(r, "aip_violations_total{type=\"protected_path\"}", 1));
    metrics_free(&m);
}

static void
histograms_are_cumulative_and_add_up(void)
{
    metrics *m = NULL;
    CHECK_STATUS(metrics_new(2, &m, NULL), AIP_OK);
    static const uint64_t times[] = {0, 10, 11, 25, 999, 1000, 1001, 30000000, 30000001, 90000000};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        metrics_count_time(metrics_cell_of(m, i % 2), METRICS_UPSTREAM, times[i]);
    }
    const reading *r = show(m);
    CHECK(is(r, "aip_gateway_upstream_seconds_bucket{le=\"0.00001\"}", 2));
    CHECK(is(r, "aip_gateway_upstream_seconds_bucket{le=\"0.000025\"}", 4));
    CHECK(is(r, "aip_gateway_upstream_seconds_bucket{le=\"0.0005\"}", 4));
    CHECK(is(r, "aip_gateway_upstream_seconds_bucket{le=\"0.001\"}", 6));
    CHECK(is(r, "aip_gateway_upstream_seconds_bucket{le=\"30\"}", 8));
    CHECK(is(r, "aip_gateway_upstream_seconds_bucket{le=\"+Inf\"}", 10));
    CHECK(is(r, "aip_gateway_upstream_seconds_count", 10));
    CHECK(is(r, "aip_gateway_upstream_seconds_sum", 150.003047));
    CHECK(is(r, "aip_gateway_policy_seconds_count", 0));
    double before = -1, bound_before = -1;
    for (size_t i = 0; i < r->count; i++) {
        const char *le = strstr(r->samples[i].name, "_bucket{le=\"");
        if (le == NULL || strstr(r->samples[i].name, "upstream") == NULL) {
            continue;
        }
        double bound = strtod(le + 12, NULL);
        CHECK(r->samples[i].value >= before && bound > bound_before);
        before = r->samples[i].value;
        bound_before = bound;
    }
    metrics_free(&m);
}

static void
gauges_rise_and_fall_on_any_shard(void)
{
    metrics *m = NULL;
    CHECK_STATUS(metrics_new(2, &m, NULL), AIP_OK);
    metrics_move(metrics_cell_of(m, 0), METRICS_STREAMS, 3);
    metrics_move(metrics_cell_of(m, 1), METRICS_STREAMS, -2);
    metrics_move(metrics_cell_of(m, 1), METRICS_CONNECTIONS, -1);
    view.held_micro_usd = 1500001;
    view.audit_lag_milliseconds = 12;
    view.chains = 9;
    const reading *r = show(m);
    CHECK(is(r, "aip_gateway_streams", 1));
    CHECK(is(r, "aip_gateway_connections", 0));
    CHECK(is(r, "aip_gateway_held_usd", 1.500001));
    CHECK(is(r, "aip_gateway_audit_lag_seconds", 0.012));
    CHECK(is(r, "aip_gateway_cache_entries{cache=\"chains\"}", 9));
    metrics_free(&m);
}

static void
labels_are_escaped_and_bounded(void)
{
    metrics *m = NULL;
    char text[600];
    metrics_view before = view;
    CHECK_STATUS(metrics_new(1, &m, NULL), AIP_OK);
    view.version = "a\"b\\c\nd\x80";
    view.policy_hash = NULL;
    CHECK(is(show(m), "aip_gateway_build_info{version=\"a\\\"b\\\\c?d?\"}", 1));
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    view.version = text;
    const reading *r = show(m);
    for (size_t i = 0; i < r->count; i++) {
        CHECK(strlen(r->samples[i].name) < 160 && strstr(r->samples[i].name, "policy_info") == NULL);
    }
    view = before;
    metrics_free(&m);
}

static void
methods_become_classes_and_never_labels(void)
{
    static const struct {
        const char *method;
        metrics_class class;
    } rows[] = {
        {"tools/call", METRICS_CALL},
        {"tools/list", METRICS_LIST},
        {"SendMessage", METRICS_MESSAGE},
        {"SubscribeToTask", METRICS_SUBSCRIBE},
        {"initialize", METRICS_LIFECYCLE},
        {"GetTask", METRICS_READ},
        {"", METRICS_OTHER},
        {"tools/call ", METRICS_OTHER},
        {"evil\"} 1", METRICS_OTHER},
        {"Tools/call", METRICS_OTHER},
    };
    metrics *m = NULL;
    CHECK_STATUS(metrics_new(1, &m, NULL), AIP_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK(metrics_class_of(aip_bytes_of(rows[i].method)) == rows[i].class);
        metrics_count_request(metrics_cell_of(m, 0), METRICS_A2A, metrics_class_of(aip_bytes_of(rows[i].method)));
    }
    const reading *r = show(m);
    CHECK(is(r, "aip_gateway_requests_total{protocol=\"a2a\",class=\"other\"}", 4));
    CHECK(is(r, "aip_gateway_requests_total{protocol=\"mcp\",class=\"call\"}", 0));
    CHECK(is(r, "aip_requests_total", 10));
    metrics_free(&m);
}

static void *
work(void *context)
{
    metrics_cell *cell = context;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        metrics_count_request(cell, METRICS_MCP, METRICS_CALL);
        metrics_count_decision(cell, i % 4 == 0 ? AIP_POLICY_TOOL : AIP_OK);
        metrics_count_time(cell, METRICS_TOTAL, i % 100);
        metrics_move(cell, METRICS_WAITING, 1);
        metrics_move(cell, METRICS_WAITING, -1);
    }
    return NULL;
}

static void
four_threads_count_exactly_while_one_reads(void)
{
    metrics *m = NULL;
    pthread_t threads[THREADS];
    double before = 0;
    CHECK_STATUS(metrics_new(THREADS, &m, NULL), AIP_OK);
    for (size_t i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, work, metrics_cell_of(m, i)) == 0);
    }
    for (int i = 0; i < 20; i++) {
        const reading *r = show(m);
        double now = value_of(r, "aip_requests_total");
        CHECK(now >= before);
        CHECK(
            is(r, "aip_gateway_request_seconds_bucket{le=\"+Inf\"}", value_of(r, "aip_gateway_request_seconds_count")));
        before = now;
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    const reading *r = show(m);
    CHECK(is(r, "aip_requests_total", (double)THREADS * ROUNDS));
    CHECK(is(r, "aip_decisions_total{decision=\"allow\"}", (double)THREADS * ROUNDS * 3 / 4));
    CHECK(is(r, "aip_gateway_request_seconds_count", (double)THREADS * ROUNDS));
    CHECK(is(r, "aip_gateway_request_seconds_sum", (double)THREADS * ROUNDS * 49.5 / 1e6));
    CHECK(is(r, "aip_gateway_waiting", 0));
    metrics_free(&m);
}

RUN(TEST(the_reader_of_this_test_is_strict), TEST(an_idle_gateway_shows_every_family_at_zero),
    TEST(decisions_are_counted_by_name_and_in_the_peers_words), TEST(histograms_are_cumulative_and_add_up),
    TEST(gauges_rise_and_fall_on_any_shard), TEST(labels_are_escaped_and_bounded),
    TEST(methods_become_classes_and_never_labels), TEST(four_threads_count_exactly_while_one_reads))
