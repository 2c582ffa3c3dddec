/* Vouch paths and promises kept, as figures (identity-compatibility section 4). */
#include "did/reputation.h"

#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"

#define OBSERVATIONS_MIN 5
#define WINDOW_DAYS_MIN 3
#define TREND_OBSERVATIONS_MIN 6
#define EDGES_MAX 1000000

/* Four decimals, ties to even. */
static double
rounded(double value)
{
    return nearbyint(value * 10000) / 10000;
}

static double
clamped(double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

/* Breadth first: one pass over the edges a hop, so that the first edge to a node decides where it was reached from. */
static void
search(const trust_graph *graph, uint32_t source, uint32_t target, uint32_t *edge_to, unsigned char *depth)
{
    depth[source] = 1;
    for (unsigned char hop = 1; hop <= TRUST_HOPS_MAX && depth[target] == 0; hop++) {
        for (size_t i = 0; i < graph->edge_count; i++) {
            const trust_edge *edge = &graph->edges[i];
            if (depth[edge->from] == hop && depth[edge->to] == 0) {
                depth[edge->to] = (unsigned char)(hop + 1);
                edge_to[edge->to] = (uint32_t)i;
            }
        }
    }
}

static void
follow_back(const trust_graph *graph, uint32_t target, const uint32_t *edge_to, size_t hops, trust_path *out)
{
    int lowest = TRUST_LEVEL_MAX, cost = hops < 2 ? 0 : hops == 2 ? 1 : 2;
    *out = (trust_path){.exists = true, .hops = hops, .score = rounded(pow(graph->decay, (double)hops))};
    out->path[hops] = target;
    for (size_t i = hops; i > 0; i--) {
        const trust_edge *edge = &graph->edges[edge_to[out->path[i]]];
        lowest = edge->level < lowest ? edge->level : lowest;
        out->path[i - 1] = edge->from;
    }
    out->level = lowest > cost ? lowest - cost : 0;
}

static bool
is_graph(const trust_graph *graph)
{
    bool good =
        graph->node_count <= TRUST_NODES_MAX && graph->edge_count <= EDGES_MAX && graph->decay > 0 && graph->decay <= 1;
    for (size_t i = 0; good && i < graph->edge_count; i++) {
        const trust_edge *edge = &graph->edges[i];
        good = edge->from < graph->node_count && edge->to < graph->node_count && edge->level >= 0 &&
               edge->level <= TRUST_LEVEL_MAX;
    }
    return good;
}

aip_status
trust_path_find(const trust_graph *graph, uint32_t source, uint32_t target, trust_path *out, aip_error *err)
{
    *out = (trust_path){.exists = false};
    if (!is_graph(graph) || source >= graph->node_count || target >= graph->node_count) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a decay, level or number of nodes beyond its limits");
    }
    uint32_t *edge_to = calloc(graph->node_count, sizeof *edge_to);
    unsigned char *depth = calloc(graph->node_count, 1);
    if (edge_to != NULL && depth != NULL) {
        search(graph, source, target, edge_to, depth);
        if (depth[target] != 0) {
            follow_back(graph, target, edge_to, depth[target] - 1u, out);
        }
    }
    bool failed = edge_to == NULL || depth == NULL;
    free(edge_to);
    free(depth);
    return failed ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

static bool
has_name(pdr_names set, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(set.names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static double
compare(const pdr_observation *observation)
{
    size_t promised = 0, delivered = 0, both = 0;
    for (size_t i = 0; i < observation->promised.count; i++) {
        const char *name = observation->promised.names[i];
        if (!has_name(observation->promised, i, name)) {
            promised++;
            both += has_name(observation->delivered, observation->delivered.count, name) ? 1 : 0;
        }
    }
    for (size_t i = 0; i < observation->delivered.count; i++) {
        delivered += has_name(observation->delivered, i, observation->delivered.names[i]) ? 0 : 1;
    }
    double either = (double)(promised + delivered - both), shared = (double)both;
    if (observation->rule == PDR_UNDERSPECIFIED) {
        return promised == 0 ? 1 : shared / (double)promised;
    }
    if (either <= 0) {
        return 1;
    }
    return observation->rule == PDR_EXACT ? shared / either : (shared + 0.5 * (either - shared)) / either;
}

static double
mean_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return sum / (double)count;
}

/* How even the means of the condition groups are. */
static double
robustness_of(const pdr_observation *observations, const double *values, size_t count, double calibration)
{
    double sums[PDR_CONDITIONS_MAX] = {0}, means[PDR_CONDITIONS_MAX], variance = 0;
    size_t members[PDR_CONDITIONS_MAX] = {0}, groups = 0;
    for (size_t i = 0; i < count; i++) {
        sums[observations[i].condition] += values[i];
        members[observations[i].condition]++;
    }
    for (size_t i = 0; i < PDR_CONDITIONS_MAX; i++) {
        if (members[i] > 0) {
            means[groups++] = sums[i] / (double)members[i];
        }
    }
    if (groups < 2) {
        return calibration;
    }
    double middle = mean_of(means, groups);
    for (size_t i = 0; i < groups; i++) {
        variance += (means[i] - middle) * (means[i] - middle) / (double)groups;
    }
    return rounded(clamped(1 - 2 * sqrt(variance)));
}

static double
adaptation_of(const double *values, size_t count)
{
    size_t half = count / 2;
    if (count < TREND_OBSERVATIONS_MIN) {
        return 0.5;
    }
    return rounded(clamped(0.5 + mean_of(values + half, count - half) - mean_of(values, half)));
}

static double
confidence_of(size_t count, int64_t days)
{
    double n = (double)count, more = (n - 30) / 20;
    double base = count < 10 ? 0.03 * n : count < 30 ? 0.3 + 0.02 * (n - 10) : 0.7 + 0.25 * (more < 1 ? more : 1);
    double value = base * (0.5 + 0.5 * (double)(days < 14 ? days : 14) / 14);
    return rounded(value < 0.95 ? value : 0.95);
}

static int
order_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* First 16 hex digits of a hash of the sorted names. */
static void
append_names_hash(text_buffer *out, pdr_names set)
{
    TEXT_AUTO text_buffer joined = {0};
    unsigned char hash[AIP_HASH_BYTES];
    char hex[17];
    const char **sorted = malloc(set.count * sizeof *sorted + 1);
    if (sorted == NULL) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < set.count; i++) {
        sorted[i] = set.names[i];
    }
    qsort(sorted, set.count, sizeof *sorted, order_names);
    for (size_t i = 0; i < set.count; i++) {
        text_append_format(&joined, "%s%s", i == 0 ? "" : ",", sorted[i]);
    }
    free(sorted);
    hash_sha256(text_view(&joined), hash);
    hex_encode((aip_bytes){hash, 8}, hex);
    text_append_string(out, hex);
    out->failed = out->failed || joined.failed;
}

static aip_status
hash_chain(const pdr_observation *observations, size_t count, char out[17], aip_error *err)
{
    TEXT_AUTO text_buffer chain = {0};
    unsigned char hash[AIP_HASH_BYTES];
    text_append_string(&chain, "pdr-chain-v1");
    for (size_t i = 0; i < count; i++) {
        text_append_format(&chain, "%s|%s|", observations[i].time_text, observations[i].task_type);
        append_names_hash(&chain, observations[i].promised);
        text_append_string(&chain, "|");
        append_names_hash(&chain, observations[i].delivered);
    }
    AIP_TRY(text_finish(&chain, err));
    hash_sha256(text_view(&chain), hash);
    hex_encode((aip_bytes){hash, 8}, out);
    return AIP_OK;
}

static void
measure(const pdr_observation *observations, const double *values, pdr_score *score)
{
    score->measured = true;
    score->calibration = rounded(mean_of(values, score->count));
    score->adaptation = adaptation_of(values, score->count);
    score->robustness = robustness_of(observations, values, score->count, score->calibration);
    score->behaviour = rounded(0.5 * score->calibration + 0.2 * score->adaptation + 0.3 * score->robustness);
    score->confidence = confidence_of(score->count, score->window_days);
}

aip_status
pdr_measure(const pdr_observation *observations, size_t count, pdr_score *out, aip_error *err)
{
    *out = (pdr_score){.count = count};
    for (size_t i = 0; i < count; i++) {
        if (observations[i].condition >= PDR_CONDITIONS_MAX ||
            (i > 0 && observations[i].time < observations[i - 1].time)) {
            return aip_fail(err, AIP_USAGE, "observations come in order of time, in at most %d groups",
                            PDR_CONDITIONS_MAX);
        }
    }
    int64_t days = count == 0 ? 0 : (observations[count - 1].time - observations[0].time) / 86400;
    out->window_days = days;
    out->label = days < 7 ? "very_low" : days < 14 ? "low" : days < 28 ? "moderate" : "high";
    out->provisional = days < 14;
    AIP_TRY(hash_chain(observations, count, out->chain_hash, err));
    if (count < OBSERVATIONS_MIN || days < WINDOW_DAYS_MIN) {
        return AIP_OK;
    }
    double *values = calloc(count, sizeof *values);
    if (values == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = compare(&observations[i]);
    }
    measure(observations, values, out);
    free(values);
    return AIP_OK;
}

double
pdr_composite(double social, const pdr_score *score)
{
    return rounded(social * score->behaviour);
}

pdr_alarm
pdr_drift(const pdr_score *all, const pdr_score *last_20)
{
    double fall = rounded(all->behaviour - last_20->behaviour);
    if (!all->measured || !last_20->measured) {
        return PDR_QUIET;
    }
    return fall >= 0.30 ? PDR_CRITICAL : fall >= 0.15 ? PDR_WARNING : PDR_QUIET;
}

pdr_alarm
pdr_divergence(double social, const pdr_score *score)
{
    double gap = rounded(social - score->behaviour);
    if (!score->measured) {
        return PDR_QUIET;
    }
    return gap > 0.5 ? PDR_CRITICAL : gap > 0.3 ? PDR_WARNING : PDR_QUIET;
}
