/* What stands in the line of a decision, and in which order. */
#include "audit/line_inside.h"
#include "chain/report.h"

#define METHOD_BYTES_MAX 128
#define PEER_BYTES_MAX 64

#define LINK_SIZE 44
/* The ids of all links, encoded once for both places. */
typedef struct {
    size_t count;
    char ids[AIP_CHAIN_ELEMENTS_MAX][LINK_SIZE];
} chain_links;

static void
encode_links(const aip_chain *chain, chain_links *out)
{
    out->count = chain == NULL ? 0 : aip_chain_length(chain);
    for (size_t i = 0; i < out->count; i++) {
        aip_chain_link_id(chain, i, out->ids[i]);
    }
}

static void
append_link(text_buffer *line, const chain_links *links, size_t i)
{
    LINE_LITERAL(line, "\"");
    line_put(line, (aip_bytes){(const unsigned char *)links->ids[i], LINK_SIZE - 1});
    LINE_LITERAL(line, "\"");
}

static void
append_links(text_buffer *line, const chain_links *links)
{
    LINE_LITERAL(line, ",\"links\":[");
    for (size_t i = 0; i < links->count; i++) {
        line_put(line, i == 0 ? AIP_BYTES_LITERAL("") : AIP_BYTES_LITERAL(","));
        append_link(line, links, i);
    }
    LINE_LITERAL(line, "]");
}

/* Who gave to whom under which link, and why, from the root on. */
static void
append_hops(text_buffer *line, const aip_chain *chain, const chain_links *links, line_amount amount)
{
    LINE_LITERAL(line, ",\"hops\":[");
    for (size_t i = 0; i < links->count; i++) {
        line_put(line, i == 0 ? AIP_BYTES_LITERAL("{\"link\":") : AIP_BYTES_LITERAL(",{\"link\":"));
        append_link(line, links, i);
        LINE_TEXT(line, "from", aip_chain_issuer(chain, i), AIP_IDENTIFIER_BYTES_MAX);
        LINE_TEXT(line, "to", aip_chain_subject(chain, i), AIP_IDENTIFIER_BYTES_MAX);
        if (amount == LINE_WHOLE) {
            LINE_NAME(line, "context");
            chain_append_context(line, chain, i);
        }
        LINE_LITERAL(line, "}");
    }
    LINE_LITERAL(line, "]");
}

static void
append_chain(text_buffer *line, const audit_record *record, line_amount amount)
{
    chain_links links;
    encode_links(record->chain, &links);
    if (record->verified) {
        LINE_TEXT(line, "root", record->root, AIP_IDENTIFIER_BYTES_MAX);
        LINE_TEXT(line, "leaf", record->leaf, AIP_IDENTIFIER_BYTES_MAX);
    }
    LINE_NUMBER(line, "depth", links.count);
    append_links(line, &links);
    if (record->verified && links.count > 0 && amount != LINE_BARE) { /* before that, these are a stranger's words */
        append_hops(line, record->chain, &links, amount);
        LINE_NAME(line, "principal");
        chain_append_principal(line, record->chain);
    }
}

static void
append_money(text_buffer *line, const audit_record *record)
{
    if (record->has_budget) {
        LINE_NUMBER(line, "budget_micro_usd", record->budget_micro_usd);
    }
    if (record->has_cost) {
        LINE_NUMBER(line, "cost_micro_usd", record->cost_micro_usd);
    }
    if (record->hold != 0) {
        LINE_NUMBER(line, "hold", record->hold);
    }
    if (record->idempotency.size > 0) {
        LINE_TEXT(line, "idempotency", record->idempotency, AUDIT_GROUND_BYTES_MAX);
    }
}

/* A text of JSON within a string: none can disturb how the line is read. */
static void
append_arguments(text_buffer *line, const audit_record *record, line_amount amount)
{
    if (record->arguments.size == 0) {
        return;
    }
    if (amount == LINE_WHOLE && record->arguments.size <= AUDIT_ARGUMENTS_BYTES_MAX) {
        LINE_TEXT(line, "arguments", record->arguments, AUDIT_ARGUMENTS_BYTES_MAX);
    } else {
        LINE_NUMBER(line, "arguments_bytes", record->arguments.size);
    }
}

static void
append_policy(text_buffer *line, const audit_record *record)
{
    if (record->policy_name != NULL) {
        LINE_TEXT(line, "policy_name", aip_bytes_of(record->policy_name), AUDIT_GROUND_BYTES_MAX);
    }
    if (record->policy_hash != NULL) {
        LINE_TEXT(line, "policy_hash", aip_bytes_of(record->policy_hash), AUDIT_GROUND_BYTES_MAX);
    }
    if (record->policy_mode != NULL) {
        LINE_WORD(line, "policy_mode", record->policy_mode);
        LINE_NAME(line, "violation");
        line_put(line, record->violation ? AIP_BYTES_LITERAL("true") : AIP_BYTES_LITERAL("false"));
    }
    if (record->ground != NULL) {
        LINE_TEXT(line, "ground", aip_bytes_of(record->ground), AUDIT_GROUND_BYTES_MAX);
    }
    if (record->failed_argument.size > 0) {
        LINE_TEXT(line, "failed_argument", record->failed_argument, AUDIT_GROUND_BYTES_MAX);
    }
}

/* A text in quotes is told without them; what is left stands for itself, a number or a text. */
static void
append_request_id(text_buffer *line, aip_bytes id)
{
    bool quoted =
        id.size >= 2 && id.data[0] == '"' && id.data[id.size - 1] == '"' && memchr(id.data, '\\', id.size) == NULL;
    if (id.size > 0) {
        LINE_TEXT(line, "request_id", (quoted ? (aip_bytes){id.data + 1, id.size - 2} : id), METHOD_BYTES_MAX);
    }
}

static void
append_message(text_buffer *line, const audit_record *record)
{
    LINE_WORD(line, "protocol", record->protocol);
    LINE_TEXT(line, "method", record->method, METHOD_BYTES_MAX);
    if (record->tool.size > 0) {
        LINE_TEXT(line, "tool", record->tool, AIP_TOOL_BYTES_MAX);
    }
    append_request_id(line, record->request_id);
    if (record->upstream != NULL) {
        LINE_TEXT(line, "upstream", aip_bytes_of(record->upstream), AUDIT_GROUND_BYTES_MAX);
    }
}

static void
write_decision(text_buffer *line, const audit_record *record, line_amount amount)
{
    const char *decision = record->decision != NULL ? record->decision : record->allowed ? "ALLOW" : "BLOCK";
    LINE_LITERAL(line, "{\"event\":\"decision\"");
    line_append_time(line, record->time_seconds);
    LINE_WORD(line, "decision_id", record->decision_id);
    LINE_WORD(line, "decision", decision);
    LINE_WORD(line, "code", aip_status_lookup(record->status)->name);
    if (record->at != AIP_NOWHERE) {
        LINE_NUMBER(line, "at", (uint64_t)record->at);
    }
    LINE_WORD(line, "stage", record->stage);
    append_message(line, record);
    append_chain(line, record, amount);
    append_money(line, record);
    append_policy(line, record);
    append_arguments(line, record, amount);
    if (record->approver.size > 0) {
        LINE_TEXT(line, "approver", record->approver, AIP_IDENTIFIER_BYTES_MAX);
    }
    line_append_findings(line, record->findings, record->finding_count, amount);
    if (record->state != NULL) {
        LINE_WORD(line, "state", record->state);
    }
    if (record->has_digest) {
        LINE_DIGEST(line, "request_digest", record->request_digest);
    }
    if (record->http > 0) {
        LINE_NUMBER(line, "http", (uint64_t)record->http);
    }
    LINE_WORD(line, "proof", record->proven ? "holder" : "none");
    LINE_TEXT(line, "peer", aip_bytes_of(record->peer), PEER_BYTES_MAX);
}

void
audit_line_decision(text_buffer *line, const audit_record *record)
{
    for (line_amount amount = LINE_WHOLE; amount < LINE_AMOUNTS; amount++) {
        line_reserve(line);
        write_decision(line, record, amount);
        if (line->size <= LINE_BEGUN_BYTES_MAX) {
            return;
        }
    }
}
