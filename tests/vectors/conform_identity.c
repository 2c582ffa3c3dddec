/* The driver's operations on identities: names, documents, other systems' statements, trust figures. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/number.h"
#include "crypto/base64url.h"
#include "did/aipdoc.h"
#include "did/document.h"
#include "did/nexus.h"
#include "did/reputation.h"
#include "tests/vectors/conform.h"

#define FILES_MAX 64
#define EDGES_MAX 256
#define OBSERVATIONS_MAX 128
#define NAMES_MAX 16

/* The optional member `pk`: *out = NULL when there is none. */
static aip_status
read_key(exchange *x, aip_public_key *room, const aip_public_key **out, aip_error *err)
{
    aip_bytes pk;
    *out = NULL;
    if (exchange_member(x, "pk") == SCAN_NONE) {
        return AIP_OK;
    }
    AIP_TRY(exchange_hex(x, "pk", &pk, err));
    if (pk.size != AIP_KEY_BYTES) {
        return aip_fail(err, AIP_KEY_INVALID, NULL);
    }
    *out = room;
    return aip_public_key_accept(pk.data, room, err);
}

/* A document as a JSON value in `name`, or as text in `raw`. */
static aip_status
read_document(exchange *x, const char *name, aip_bytes *out, aip_error *err)
{
    uint32_t node = exchange_member(x, name);
    if (node == SCAN_NONE) {
        return exchange_text(x, "raw", false, out, err);
    }
    *out = scan_raw(&x->request, node);
    return AIP_OK;
}

aip_status
answer_didurl_split(exchange *x, aip_error *err)
{
    aip_bytes text;
    aip_did did;
    did_url url;
    AIP_TRY(exchange_text(x, "s", false, &text, err));
    AIP_TRY(did_url_split(text, &url, err));
    AIP_TRY(aip_did_parse(url.did, &did, err));
    exchange_reply_text(x, "did", url.did);
    exchange_reply_text(x, "fragment", url.fragment);
    text_append_format(&x->reply, ",\"version\":%lld", (long long)url.version);
    return AIP_OK;
}

aip_status
answer_did_resolve(exchange *x, aip_error *err)
{
    aip_public_key room;
    const aip_public_key *key;
    aip_bytes did;
    AIP_TRY(exchange_text(x, "did", false, &did, err));
    AIP_TRY(read_key(x, &room, &key, err));
    TEXT_AUTO text_buffer result = {0};
    AIP_TRY(did_resolution_write(did, key, &result, err));
    text_append_string(&x->reply, ",\"result\":");
    text_append(&x->reply, text_view(&result));
    return AIP_OK;
}

static void
reply_keys(exchange *x, const identity *id)
{
    text_append_string(&x->reply, ",\"keys\":[");
    for (size_t i = 0; i < id->key_count; i++) {
        char hex[2 * AIP_KEY_BYTES + 1];
        hex_encode((aip_bytes){id->keys[i].key.bytes, AIP_KEY_BYTES}, hex);
        text_append_format(&x->reply, "%s{\"pk\":\"%s\",\"uses\":%d,\"fragment\":", i == 0 ? "" : ",", hex,
                           id->keys[i].uses);
        text_append_json(&x->reply, aip_bytes_of(id->keys[i].fragment));
        text_append_string(&x->reply, "}");
    }
    text_append_string(&x->reply, "]");
}

aip_status
answer_diddoc_identity(exchange *x, aip_error *err)
{
    IDENTITY_AUTO identity *id = NULL;
    aip_bytes document, did;
    AIP_TRY(exchange_text(x, "did", false, &did, err));
    AIP_TRY(read_document(x, "document", &document, err));
    AIP_TRY(did_document_identity(document, did, &id, err));
    reply_keys(x, id);
    return AIP_OK;
}

aip_status
answer_aipdoc_verify(exchange *x, aip_error *err)
{
    IDENTITY_AUTO identity *id = NULL;
    aip_bytes document, name;
    int64_t now, expires;
    AIP_TRY(exchange_text(x, "name", false, &name, err));
    AIP_TRY(exchange_integer(x, "now", -1, &now, err));
    AIP_TRY(read_document(x, "document", &document, err));
    AIP_TRY(aipdoc_verify(document, name, now, &id, &expires, err));
    reply_keys(x, id);
    text_append_format(&x->reply, ",\"expires\":%lld", (long long)expires);
    return AIP_OK;
}

aip_status
answer_time_read(exchange *x, aip_error *err)
{
    aip_bytes text;
    int64_t seconds;
    AIP_TRY(exchange_text(x, "s", false, &text, err));
    if (!clock_read_utc(text, &seconds)) {
        return aip_fail(err, AIP_JSON_SHAPE, "no RFC 3339 time");
    }
    text_append_format(&x->reply, ",\"seconds\":%lld", (long long)seconds);
    return AIP_OK;
}

aip_status
answer_nexus_canonical(exchange *x, aip_error *err)
{
    TEXT_AUTO text_buffer out = {0};
    aip_bytes object;
    uint32_t spaced = exchange_member(x, "spaced");
    AIP_TRY(read_document(x, "object", &object, err));
    AIP_TRY(nexus_canonical(object, spaced != SCAN_NONE && scan_kind_of(&x->request, spaced) == SCAN_TRUE, &out, err));
    exchange_reply_text(x, "text", text_view(&out));
    return AIP_OK;
}

static aip_status
read_files(exchange *x, nexus_file *files, nexus_query *query, aip_error *err)
{
    uint32_t list = exchange_member(x, "files");
    query->files = files;
    for (uint32_t i = list == SCAN_NONE ? SCAN_NONE : scan_child(&x->request, list); i != SCAN_NONE;
         i = scan_next(&x->request, i)) {
        nexus_file *file = &files[query->file_count];
        aip_bytes hex;
        size_t size;
        if (query->file_count == FILES_MAX) {
            return aip_fail(err, AIP_JSON_SHAPE, "too many files");
        }
        file->path = scan_raw_name(&x->request, i);
        AIP_TRY(exchange_unescape(x, i, &hex, err));
        AIP_TRY(hex_decode(hex, file->hash, sizeof file->hash, &size, err));
        query->file_count++;
    }
    return AIP_OK;
}

static void
reply_evidence(exchange *x, const nexus_evidence *evidence)
{
    exchange_reply_hex(x, "pk", (aip_bytes){evidence->key.bytes, AIP_KEY_BYTES});
    exchange_reply_hex(x, "evidence_id", (aip_bytes){evidence->id, AIP_HASH_BYTES});
    exchange_reply_text(x, "signer", evidence->signer);
    exchange_reply_text(x, "target", evidence->target);
    exchange_reply_text(x, "scope", evidence->scope);
    exchange_reply_text(x, "vouch_id", aip_bytes_of(evidence->vouch_id));
    text_append_format(&x->reply, ",\"level\":%d,\"expires\":", evidence->level);
    if (evidence->expires == INT64_MAX) {
        text_append_string(&x->reply, "null");
    } else {
        text_append_format(&x->reply, "%lld", (long long)evidence->expires);
    }
}

aip_status
answer_nexus_verify(exchange *x, aip_error *err)
{
    nexus_file files[FILES_MAX];
    nexus_query query = {.file_count = 0};
    nexus_evidence evidence;
    aip_public_key key;
    aip_bytes kind_text, object;
    nexus_kind kind;
    AIP_TRY(exchange_text(x, "kind", false, &kind_text, err));
    AIP_TRY(exchange_text(x, "signer", true, &query.signer, err));
    AIP_TRY(exchange_text(x, "about", true, &query.about, err));
    AIP_TRY(exchange_text(x, "nonce", true, &query.nonce, err));
    AIP_TRY(exchange_integer(x, "now", -1, &query.now_seconds, err));
    AIP_TRY(read_key(x, &key, &query.key, err));
    AIP_TRY(read_files(x, files, &query, err));
    AIP_TRY(read_document(x, "object", &object, err));
    if (!nexus_kind_of(kind_text, &kind)) {
        return aip_fail(err, AIP_JSON_SHAPE, "no such kind");
    }
    AIP_TRY(nexus_verify(kind, object, &query, &evidence, err));
    reply_evidence(x, &evidence);
    return AIP_OK;
}

static aip_status
read_number(exchange *x, const char *name, double fallback, double *out, aip_error *err)
{
    uint32_t node = exchange_member(x, name);
    *out = fallback;
    if (node == SCAN_NONE) {
        return AIP_OK;
    }
    return scan_kind_of(&x->request, node) == SCAN_NUMBER ? number_read(scan_raw(&x->request, node), out, err)
                                                          : aip_fail(err, AIP_JSON_SHAPE, "%s is no number", name);
}

typedef struct {
    aip_bytes names[2 * EDGES_MAX + 2];
    uint32_t count;
    trust_edge edges[EDGES_MAX];
    size_t edge_count;
} named_graph;

static aip_status
node_of(exchange *x, uint32_t value, named_graph *graph, uint32_t *out, aip_error *err)
{
    aip_bytes name;
    if (value == SCAN_NONE) {
        return aip_fail(err, AIP_JSON_SHAPE, "a name is missing");
    }
    AIP_TRY(exchange_unescape(x, value, &name, err));
    for (*out = 0; *out < graph->count; (*out)++) {
        if (aip_bytes_equal(graph->names[*out], name)) {
            return AIP_OK;
        }
    }
    graph->names[graph->count++] = name;
    return AIP_OK;
}

/* [from, to, level] */
static aip_status
read_edges(exchange *x, named_graph *graph, aip_error *err)
{
    uint32_t list = exchange_member(x, "edges");
    for (uint32_t i = list == SCAN_NONE ? SCAN_NONE : scan_child(&x->request, list); i != SCAN_NONE;
         i = scan_next(&x->request, i)) {
        uint32_t from = scan_child(&x->request, i), to = from == SCAN_NONE ? from : scan_next(&x->request, from);
        uint32_t level = to == SCAN_NONE ? to : scan_next(&x->request, to);
        uint64_t value;
        if (graph->edge_count == EDGES_MAX || level == SCAN_NONE) {
            return aip_fail(err, AIP_JSON_SHAPE, "an edge is [from, to, level]");
        }
        trust_edge *edge = &graph->edges[graph->edge_count++];
        AIP_TRY(node_of(x, from, graph, &edge->from, err));
        AIP_TRY(node_of(x, to, graph, &edge->to, err));
        AIP_TRY(scan_integer(&x->request, level, 1000, &value, err));
        edge->level = (int)value;
    }
    return AIP_OK;
}

aip_status
answer_trust_path(exchange *x, aip_error *err)
{
    void *room;
    uint32_t source, target;
    trust_path path;
    trust_graph graph;
    AIP_TRY(exchange_room(x, sizeof(named_graph), &room, err));
    named_graph *named = room;
    AIP_TRY(read_edges(x, named, err));
    AIP_TRY(node_of(x, exchange_member(x, "source"), named, &source, err));
    AIP_TRY(node_of(x, exchange_member(x, "target"), named, &target, err));
    AIP_TRY(read_number(x, "decay", 0.8, &graph.decay, err));
    graph.edges = named->edges;
    graph.edge_count = named->edge_count;
    graph.node_count = named->count;
    AIP_TRY(trust_path_find(&graph, source, target, &path, err));
    text_append_format(&x->reply, ",\"exists\":%s,\"hops\":%zu,\"score\":%.4f,\"level\":%d,\"path\":[",
                       path.exists ? "true" : "false", path.hops, path.score, path.level);
    for (size_t i = 0; path.exists && i <= path.hops; i++) {
        text_append_string(&x->reply, i == 0 ? "" : ",");
        text_append_json(&x->reply, named->names[path.path[i]]);
    }
    text_append_string(&x->reply, "]");
    return AIP_OK;
}

static aip_status
read_names(exchange *x, uint32_t observation, const char *member, pdr_names *out, aip_error *err)
{
    uint32_t list = scan_member(&x->request, observation, member);
    void *room;
    AIP_TRY(exchange_room(x, NAMES_MAX * sizeof *out->names, &room, err));
    *out = (pdr_names){room, 0};
    for (uint32_t i = list == SCAN_NONE ? SCAN_NONE : scan_child(&x->request, list); i != SCAN_NONE;
         i = scan_next(&x->request, i)) {
        aip_bytes name;
        if (out->count == NAMES_MAX) {
            return aip_fail(err, AIP_JSON_SHAPE, "too many names");
        }
        AIP_TRY(exchange_unescape(x, i, &name, err));
        AIP_TRY(exchange_refuse_nul(name, err));
        out->names[out->count++] = (const char *)name.data;
    }
    return AIP_OK;
}

/* Times stand there without a zone, and mean UTC. */
static aip_status
read_observation(exchange *x, uint32_t node, pdr_observation *out, aip_error *err)
{
    TEXT_AUTO text_buffer zoned = {0};
    uint32_t time = scan_member(&x->request, node, "t"), type = scan_member(&x->request, node, "task_type");
    uint32_t rule = scan_member(&x->request, node, "rule"), condition = scan_member(&x->request, node, "condition");
    aip_bytes text, type_text = {NULL, 0};
    uint64_t value = 0;
    if (time == SCAN_NONE) {
        return aip_fail(err, AIP_JSON_SHAPE, "t is missing");
    }
    AIP_TRY(exchange_unescape(x, time, &text, err));
    text_append(&zoned, text);
    text_append_string(&zoned, "Z");
    AIP_TRY(text_finish(&zoned, err));
    if (!clock_read_utc(text_view(&zoned), &out->time)) {
        return aip_fail(err, AIP_JSON_SHAPE, "t is no time");
    }
    if (type != SCAN_NONE) {
        AIP_TRY(exchange_unescape(x, type, &type_text, err));
    }
    out->time_text = (const char *)text.data;
    out->task_type = type_text.data == NULL ? "" : (const char *)type_text.data;
    if (rule != SCAN_NONE) {
        AIP_TRY(scan_integer(&x->request, rule, PDR_UNDERSPECIFIED, &value, err));
        out->rule = (pdr_rule)value;
    }
    if (condition != SCAN_NONE) {
        AIP_TRY(scan_integer(&x->request, condition, UINT32_MAX, &value, err));
        out->condition = (uint32_t)value;
    }
    AIP_TRY(read_names(x, node, "promised", &out->promised, err));
    return read_names(x, node, "delivered", &out->delivered, err);
}

aip_status
answer_pdr_score(exchange *x, aip_error *err)
{
    uint32_t list = exchange_member(x, "observations");
    int64_t last;
    size_t count = 0;
    double social;
    void *room;
    pdr_score score;
    AIP_TRY(exchange_integer(x, "last", OBSERVATIONS_MAX, &last, err));
    AIP_TRY(read_number(x, "social", 1, &social, err));
    AIP_TRY(exchange_room(x, OBSERVATIONS_MAX * sizeof(pdr_observation), &room, err));
    pdr_observation *all = room;
    for (uint32_t i = list == SCAN_NONE ? SCAN_NONE : scan_child(&x->request, list); i != SCAN_NONE;
         i = scan_next(&x->request, i)) {
        if (count == OBSERVATIONS_MAX) {
            return aip_fail(err, AIP_JSON_SHAPE, "too many observations");
        }
        AIP_TRY(read_observation(x, i, &all[count++], err));
    }
    size_t used = (size_t)last < count ? (size_t)last : count;
    AIP_TRY(pdr_measure(all + (count - used), used, &score, err));
    text_append_format(&x->reply,
                       ",\"measured\":%s,\"calibration\":%.4f,\"adaptation\":%.4f,\"robustness\":%.4f,"
                       "\"behavioural\":%.4f,\"confidence\":%.4f,\"composite\":%.4f,\"divergence\":%d",
                       score.measured ? "true" : "false", score.calibration, score.adaptation, score.robustness,
                       score.behaviour, score.confidence, pdr_composite(social, &score),
                       (int)pdr_divergence(social, &score));
    text_append_format(&x->reply,
                       ",\"observation_count\":%zu,\"window_days\":%lld,\"label\":\"%s\",\"provisional\":%s,"
                       "\"chain_hash\":\"%s\"",
                       score.count, (long long)score.window_days, score.label, score.provisional ? "true" : "false",
                       score.chain_hash);
    return AIP_OK;
}
