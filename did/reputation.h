/* Trust figures from evidence: vouch paths and promises kept. They may refuse, never permit. Pure functions. */
#ifndef DID_REPUTATION_H
#define DID_REPUTATION_H

#include "aip/key.h"

#define TRUST_HOPS_MAX 5
#define TRUST_LEVEL_MAX 5    /* unknown, suspicious, weak, moderate, strong, ultimate */
#define TRUST_NODES_MAX 4096 /* one search visits them all */

/* One vouch that was verified and is neither expired nor revoked; all of one question have the same scope. Nodes are
 * numbers below node_count, one for each key. */
typedef struct {
    uint32_t from, to;
    int level;
} trust_edge;

typedef struct {
    const trust_edge *edges;
    size_t edge_count, node_count;
    double decay; /* of the operator's file, above 0 and at most 1 */
} trust_graph;

typedef struct {
    bool exists;
    size_t hops;
    uint32_t path[TRUST_HOPS_MAX + 1]; /* hops + 1 nodes */
    double score;                      /* decay^hops, 4 decimals; 0 without a path */
    int level;                         /* the lowest on the path, less what distance costs; 0 without a path */
} trust_path;

/* The shortest path, of equally short ones the first by the order of edges. config.invalid (decay, size), memory. */
AIP_MUST_CHECK aip_status trust_path_find(const trust_graph *graph, uint32_t source, uint32_t target, trust_path *out,
                                          aip_error *err);

#define PDR_CONDITIONS_MAX 64

/* How what was delivered compares with what was promised. */
typedef enum { PDR_EXACT, PDR_SEVERAL_VALID, PDR_UNDERSPECIFIED } pdr_rule;

typedef struct {
    const char **names; /* a set: repeated names count once */
    size_t count;
} pdr_names;

/* One observation, of the gateway's own log or of a counterparty that signed it, never of the agent itself. */
typedef struct {
    int64_t time;          /* epoch seconds, … */
    const char *time_text; /* … and as the observer wrote it */
    const char *task_type;
    pdr_names promised, delivered;
    pdr_rule rule;
    uint32_t condition; /* group, below PDR_CONDITIONS_MAX */
} pdr_observation;

typedef struct {
    bool measured; /* else too few or too short: the figures are 0 and mean nothing */
    size_t count;
    int64_t window_days;
    double calibration, adaptation, robustness; /* 0 to 1, 4 decimals, as all of them */
    double behaviour, confidence;
    const char *label; /* of the window: "very_low", "low", "moderate", "high" */
    bool provisional;
    char chain_hash[17];
} pdr_score;

/* Measures observations in order of time. Errors: usage (order, condition), memory. */
AIP_MUST_CHECK aip_status pdr_measure(const pdr_observation *observations, size_t count, pdr_score *out,
                                      aip_error *err);

double pdr_composite(double social, const pdr_score *score);

typedef enum { PDR_QUIET, PDR_WARNING, PDR_CRITICAL } pdr_alarm;
pdr_alarm pdr_drift(const pdr_score *all, const pdr_score *last_20); /* by 0.15, by 0.30 */
pdr_alarm pdr_divergence(double social, const pdr_score *score);     /* by more than 0.3, 0.5 */

#endif
