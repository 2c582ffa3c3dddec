/* Statements of other systems as evidence, and the figures made of them. The public vectors judge the formats. */
#include "did/nexus.h"

#include <stdlib.h>

#include "crypto/base64url.h"
#include "did/reputation.h"
#include "tests/unit/check.h"

#define NOW 1800000000
#define ALICE "did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd"
#define ALICE_HASH "did:aip:56475aa75463474c0285df5dbf2bcab7"
#define BOB "did:aip:24f6ed6acbfe1009c030d7ca567c33ca"

static aip_secret_key *
alice(void)
{
    unsigned char seed[AIP_SEED_BYTES];
    aip_secret_key *key = NULL;
    for (unsigned i = 0; i < sizeof seed; i++) {
        seed[i] = (unsigned char)i;
    }
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    return key;
}

static void
canonical_bytes_are_ascii_with_sorted_members(void)
{
    static const struct {
        const char *json, *wanted;
        bool spaced;
    } cases[] = {
        {" { \"b\" : 1 , \"a\" : [ true , null ] } ", "{\"a\":[true,null],\"b\":1}", false},
        {"{\"b\":1,\"a\":{\"d\":\"x,y:z\",\"c\":[]}}", "{\"a\": {\"c\": [], \"d\": \"x,y:z\"}, \"b\": 1}", true},
        {"\"\\u00e9\\ud834\\udd1e\\u007f\\u2603\"", "\"\\u00e9\\ud834\\udd1e\\u007f\\u2603\"", false},
        {"\"\xc3\xa9\xf0\x9d\x84\x9e\x7f\"", "\"\\u00e9\\ud834\\udd1e\\u007f\"", false},
        {"\"\\b\\f\\n\\r\\t\\\"\\\\\\/\\u0001\"", "\"\\b\\f\\n\\r\\t\\\"\\\\/\\u0001\"", false},
        {"[\"\\\\\", \"\\\"\", \",\"]", "[\"\\\\\", \"\\\"\", \",\"]", true},
        {"{\"\xc3\xa9\":1,\"z\":2,\"\xef\xbf\xbd\":3}", "{\"z\":2,\"\\u00e9\":1,\"\\ufffd\":3}", false},
        {"[9007199254740991,-9007199254740991,0]", "[9007199254740991,-9007199254740991,0]", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TEXT_AUTO text_buffer out = {0};
        CHECK_STATUS(nexus_canonical(aip_bytes_of(cases[i].json), cases[i].spaced, &out, NULL), AIP_OK);
        CHECK_TEXT(out.data, cases[i].wanted);
    }
}

static void
what_is_canonical_in_two_ways_is_refused(void)
{
    static const struct {
        const char *json;
        aip_status wanted;
    } cases[] = {
        {"[1.0]", AIP_JSON_NUMBER},
        {"[1e2]", AIP_JSON_NUMBER},
        {"[9007199254740992]", AIP_JSON_NUMBER},
        {"{\"\xf0\x9d\x84\x9e\":1}", AIP_EVIDENCE_INVALID},
        {"{\"\\ud834\\udd1e\":1}", AIP_EVIDENCE_INVALID},
        {"{\"a\":1,\"\\u0061\":1}", AIP_JSON_DUPLICATE},
        {"\"\\ud834\"", AIP_JSON_UTF8},
        {"[1", AIP_JSON_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TEXT_AUTO text_buffer out = {0};
        aip_status got = nexus_canonical(aip_bytes_of(cases[i].json), false, &out, NULL);
        if (cases[i].wanted == AIP_JSON_UTF8 ? got == AIP_OK : got != cases[i].wanted) {
            printf("  case %zu gave %s\n", i, aip_status_lookup(got)->name);
            CHECK(false);
        }
    }
}

/* A vouch by `key`, whose statement is given raw and as JSON. */
static void
make_vouch(const aip_secret_key *key, const char *raw, const char *json, text_buffer *out)
{
    TEXT_AUTO text_buffer message = {0};
    unsigned char signature[AIP_SIGNATURE_BYTES];
    char encoded[BASE64_TEXT_SIZE(AIP_SIGNATURE_BYTES) + 1];
    text_append_format(&message, ALICE "|" BOB "|GENERAL|%s", raw);
    aip_sign(key, text_view(&message), signature);
    base64_encode((aip_bytes){signature, sizeof signature}, encoded);
    text_append_format(out,
                       "{\"voucher_did\":\"" ALICE "\",\"target_did\":\"" BOB "\",\"scope\":\"GENERAL\",%s"
                       "\"signature\":\"%s\"}",
                       json, encoded);
}

static void
a_vouch_is_signed_over_its_statement_as_it_reads(void)
{
    static const struct {
        const char *raw, *json;
    } cases[] = {
        {"", ""},
        {"", "\"statement\":null,"},
        {"", "\"statement\":\"\","},
        {"a|b \xe2\x98\x83 \"c\"\n", "\"statement\":\"a|b \\u2603 \\\"c\\\"\\n\","},
    };
    aip_secret_key *key = alice();
    const nexus_query query = {.now_seconds = NOW};
    unsigned char first[AIP_HASH_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TEXT_AUTO text_buffer vouch = {0};
        nexus_evidence evidence;
        make_vouch(key, cases[i].raw, cases[i].json, &vouch);
        CHECK_STATUS(nexus_verify(NEXUS_VOUCH_REST, text_view(&vouch), &query, &evidence, NULL), AIP_OK);
        CHECK(aip_bytes_equal(evidence.signer, AIP_BYTES_LITERAL(ALICE)) && evidence.expires == INT64_MAX);
        CHECK(memcmp(evidence.key.bytes, aip_secret_key_public(key)->bytes, AIP_KEY_BYTES) == 0);
        if (i == 0) {
            memcpy(first, evidence.id, sizeof first);
        }
        CHECK((memcmp(first, evidence.id, sizeof first) == 0) == (cases[i].raw[0] == '\0'));
    }
    aip_secret_key_free(&key);
}

static void
a_vouch_that_is_not_what_was_signed_is_refused(void)
{
    static const struct {
        const char *json;
        aip_status wanted;
    } cases[] = {
        {"\"statement\":\"x\",", AIP_EVIDENCE_SIGNATURE},
        {"\"statement\":7,", AIP_EVIDENCE_INVALID},
        {"\"statement\":[\"\"],", AIP_EVIDENCE_INVALID},
        {"\"voucher_did\":\"" BOB "\",", AIP_JSON_DUPLICATE},
    };
    aip_secret_key *key = alice();
    nexus_query query = {.now_seconds = NOW};
    nexus_evidence evidence;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TEXT_AUTO text_buffer vouch = {0};
        make_vouch(key, "", cases[i].json, &vouch);
        CHECK_STATUS(nexus_verify(NEXUS_VOUCH_REST, text_view(&vouch), &query, &evidence, NULL), cases[i].wanted);
    }
    TEXT_AUTO text_buffer vouch = {0};
    make_vouch(key, "", "", &vouch);
    query.signer = AIP_BYTES_LITERAL(ALICE_HASH); /* another name of the same key is another name */
    CHECK_STATUS(nexus_verify(NEXUS_VOUCH_REST, text_view(&vouch), &query, &evidence, NULL), AIP_EVIDENCE_INVALID);
    CHECK_STATUS(nexus_verify(NEXUS_ROTATION, text_view(&vouch), &query, &evidence, NULL), AIP_EVIDENCE_UNSUPPORTED);
    CHECK_STATUS(nexus_verify(NEXUS_VOUCH_REST, AIP_BYTES_LITERAL("[]"), &query, &evidence, NULL),
                 AIP_EVIDENCE_INVALID);
    CHECK_STATUS(nexus_verify(NEXUS_CHALLENGE_SDK, AIP_BYTES_LITERAL("{}"), &query, &evidence, NULL),
                 AIP_EVIDENCE_INVALID);
    aip_secret_key_free(&key);
}

static void
kinds_are_known_by_name(void)
{
    nexus_kind kind;
    CHECK(nexus_kind_of(AIP_BYTES_LITERAL("skill.manifest"), &kind) && kind == NEXUS_SKILL_MANIFEST);
    CHECK(nexus_kind_of(AIP_BYTES_LITERAL("vc.export"), &kind) && kind == NEXUS_VC_EXPORT);
    CHECK(!nexus_kind_of(AIP_BYTES_LITERAL("vouch"), &kind) && !nexus_kind_of((aip_bytes){NULL, 0}, &kind));
}

static void
a_path_is_the_shortest_and_ends_after_five_hops(void)
{
    static const trust_edge edges[] = {{0, 1, 5}, {1, 0, 5}, {1, 2, 4}, {2, 3, 5}, {3, 4, 5},
                                       {4, 5, 5}, {5, 6, 5}, {0, 7, 1}, {7, 3, 5}};
    static const struct {
        uint32_t target;
        bool exists;
        size_t hops;
        int level; /* the lowest, less 0, 1 or 2 */
        double score;
    } cases[] = {
        {0, true, 0, 5, 1},     {1, true, 1, 5, 0.5},    {2, true, 2, 3, 0.25},   {3, true, 2, 0, 0.25},
        {4, true, 3, 0, 0.125}, {5, true, 4, 0, 0.0625}, {6, true, 5, 0, 0.0312}, {8, false, 0, 0, 0},
    };
    trust_graph graph = {edges, sizeof edges / sizeof edges[0], 9, 0.5};
    trust_path path;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_STATUS(trust_path_find(&graph, 0, cases[i].target, &path, NULL), AIP_OK);
        CHECK(path.exists == cases[i].exists && path.hops == cases[i].hops && path.level == cases[i].level);
        CHECK(path.score > cases[i].score - 1e-9 && path.score < cases[i].score + 1e-9);
        CHECK(!path.exists || (path.path[0] == 0 && path.path[path.hops] == cases[i].target));
    }
    graph.edges++; /* without the way that begins 0, 1: 6 is now five hops by 7, and 2 is nowhere */
    graph.edge_count--;
    CHECK_STATUS(trust_path_find(&graph, 0, 6, &path, NULL), AIP_OK);
    CHECK(path.exists && path.hops == 5 && path.path[1] == 7);
    CHECK_STATUS(trust_path_find(&graph, 1, 6, &path, NULL), AIP_OK);
    CHECK(path.exists && path.hops == 5);
    graph.edge_count -= 2; /* and without the short way by 7 */
    CHECK_STATUS(trust_path_find(&graph, 0, 6, &path, NULL), AIP_OK);
    CHECK(!path.exists && path.score <= 0 && path.level == 0);
}

static void
a_sixth_hop_is_no_path(void)
{
    trust_edge edges[6];
    for (uint32_t i = 0; i < 6; i++) {
        edges[i] = (trust_edge){i, i + 1, 5};
    }
    const trust_graph graph = {edges, 6, 7, 0.8};
    trust_path path;
    CHECK_STATUS(trust_path_find(&graph, 0, 5, &path, NULL), AIP_OK);
    CHECK(path.exists && path.hops == 5 && path.level == 3);
    CHECK_STATUS(trust_path_find(&graph, 0, 6, &path, NULL), AIP_OK);
    CHECK(!path.exists);
}

static void
a_graph_beyond_its_limits_is_refused(void)
{
    static const trust_edge good = {0, 1, 5}, far = {0, 2, 5}, high = {0, 1, 6}, low = {0, 1, -1};
    const trust_graph cases[] = {{&far, 1, 2, 0.8}, {&high, 1, 2, 0.8}, {&low, 1, 2, 0.8},
                                 {&good, 1, 2, 0},  {&good, 1, 2, 1.1}, {&good, 1, TRUST_NODES_MAX + 1, 0.8}};
    const trust_graph fine = {&good, 1, 2, 1};
    trust_path path;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_STATUS(trust_path_find(&cases[i], 0, 1, &path, NULL), AIP_CONFIG_INVALID);
    }
    CHECK_STATUS(trust_path_find(&fine, 0, 1, &path, NULL), AIP_OK);
    CHECK_STATUS(trust_path_find(&fine, 0, 2, &path, NULL), AIP_CONFIG_INVALID);
}

static const char *promise[] = {"a", "b"}, *half[] = {"a", "a"}, *more[] = {"b", "a", "c", "d"};

/* `count` observations a day apart, which keep `kept` of the promise. */
static void
observe(pdr_observation *out, size_t count, pdr_names kept)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (pdr_observation){.time = NOW + (int64_t)i * 86400,
                                   .time_text = "t",
                                   .task_type = "",
                                   .promised = {promise, 2},
                                   .delivered = kept};
    }
}

static bool
is_near(double got, double wanted)
{
    return got > wanted - 1e-9 && got < wanted + 1e-9;
}

static void
promises_are_compared_as_sets(void)
{
    static const struct {
        pdr_rule rule;
        pdr_names kept;
        double wanted;
    } cases[] = {
        {PDR_EXACT, {promise, 2}, 1},       {PDR_EXACT, {half, 2}, 0.5},          {PDR_EXACT, {more, 4}, 0.5},
        {PDR_EXACT, {promise, 0}, 0},       {PDR_SEVERAL_VALID, {half, 2}, 0.75}, {PDR_SEVERAL_VALID, {more, 4}, 0.75},
        {PDR_UNDERSPECIFIED, {more, 4}, 1}, {PDR_UNDERSPECIFIED, {half, 2}, 0.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pdr_observation all[5];
        pdr_score score;
        observe(all, 5, cases[i].kept);
        for (size_t j = 0; j < 5; j++) {
            all[j].rule = cases[i].rule;
        }
        CHECK_STATUS(pdr_measure(all, 5, &score, NULL), AIP_OK);
        CHECK(score.measured && is_near(score.calibration, cases[i].wanted));
        CHECK(is_near(score.robustness, cases[i].wanted) && is_near(score.adaptation, 0.5));
    }
}

static void
uneven_conditions_and_trends_show(void)
{
    pdr_observation all[10];
    pdr_score score;
    observe(all, 10, (pdr_names){promise, 2});
    for (size_t i = 0; i < 5; i++) {
        all[i].delivered = (pdr_names){half, 2};
        all[i].condition = 7;
    }
    CHECK_STATUS(pdr_measure(all, 10, &score, NULL), AIP_OK);
    CHECK(is_near(score.calibration, 0.75) && is_near(score.robustness, 0.5) && is_near(score.adaptation, 1));
    CHECK(is_near(score.behaviour, 0.375 + 0.2 + 0.15));
    CHECK(is_near(score.confidence, 0.2464));
    CHECK_TEXT(score.label, "low");
}

static void
too_little_is_not_measured(void)
{
    pdr_observation all[64];
    pdr_score score;
    observe(all, 5, (pdr_names){promise, 2});
    CHECK_STATUS(pdr_measure(all, 4, &score, NULL), AIP_OK);
    CHECK(!score.measured && score.calibration <= 0 && score.confidence <= 0);
    all[4].time = all[3].time; /* five in three days */
    CHECK_STATUS(pdr_measure(all, 5, &score, NULL), AIP_OK);
    CHECK(score.measured && score.window_days == 3);
    all[3].time = all[4].time = all[2].time;
    CHECK_STATUS(pdr_measure(all, 5, &score, NULL), AIP_OK);
    CHECK(!score.measured);
    CHECK_STATUS(pdr_measure(NULL, 0, &score, NULL), AIP_OK);
    CHECK(!score.measured && score.count == 0);
    all[4].time = all[0].time;
    CHECK_STATUS(pdr_measure(all, 5, &score, NULL), AIP_USAGE);
    all[4].time = all[3].time;
    all[4].condition = PDR_CONDITIONS_MAX;
    CHECK_STATUS(pdr_measure(all, 5, &score, NULL), AIP_USAGE);
    observe(all, 64, (pdr_names){promise, 2});
    CHECK_STATUS(pdr_measure(all, 64, &score, NULL), AIP_OK);
    CHECK(is_near(score.confidence, 0.95) && !score.provisional);
    CHECK_TEXT(score.label, "high");
}

static void
alarms_ring_at_their_thresholds(void)
{
    static const struct {
        double all, last;
        pdr_alarm drift;
    } drifts[] = {{0.9, 0.76, PDR_QUIET},
                  {0.9, 0.75, PDR_WARNING},
                  {0.9, 0.61, PDR_WARNING},
                  {0.9, 0.6, PDR_CRITICAL},
                  {0.6, 0.9, PDR_QUIET}};
    static const struct {
        double social, behaviour;
        pdr_alarm divergence;
    } gaps[] = {{0.9, 0.6, PDR_QUIET},
                {0.9, 0.5999, PDR_WARNING},
                {0.9, 0.4, PDR_WARNING},
                {0.9, 0.3999, PDR_CRITICAL},
                {0.1, 0.9, PDR_QUIET}};
    for (size_t i = 0; i < sizeof drifts / sizeof drifts[0]; i++) {
        const pdr_score all = {.measured = true, .behaviour = drifts[i].all},
                        last = {.measured = true, .behaviour = drifts[i].last}, unmeasured = {.measured = false};
        CHECK(pdr_drift(&all, &last) == drifts[i].drift);
        CHECK(pdr_drift(&all, &unmeasured) == PDR_QUIET);
    }
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        const pdr_score score = {.measured = true, .behaviour = gaps[i].behaviour}, unmeasured = {.measured = false};
        CHECK(pdr_divergence(gaps[i].social, &score) == gaps[i].divergence);
        CHECK(pdr_divergence(1, &unmeasured) == PDR_QUIET);
    }
}

RUN(TEST(canonical_bytes_are_ascii_with_sorted_members), TEST(what_is_canonical_in_two_ways_is_refused),
    TEST(a_vouch_is_signed_over_its_statement_as_it_reads), TEST(a_vouch_that_is_not_what_was_signed_is_refused),
    TEST(kinds_are_known_by_name), TEST(a_path_is_the_shortest_and_ends_after_five_hops), TEST(a_sixth_hop_is_no_path),
    TEST(a_graph_beyond_its_limits_is_refused), TEST(promises_are_compared_as_sets),
    TEST(uneven_conditions_and_trends_show), TEST(too_little_is_not_measured), TEST(alarms_ring_at_their_thresholds))
