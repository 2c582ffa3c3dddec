/* What lines say of decisions, outcomes and events, and that nothing in them can disturb how they are read. */
#include "tests/unit/audit_subject.h"

#include "audit/line.h"
#include "audit/project.h"
#include "crypto/hash.h"

#define NOW 1800000000

static audit_summary summary;
static subject_lines lines;
static scan_node nodes[AUDIT_LINE_NODES_MAX];

static audit_log *
begin(void)
{
    audit_log *log = NULL;
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    subject_begin();
    audit_options options = subject_options(0);
    CHECK_STATUS(audit_open_with(&options, &log, NULL), AIP_OK);
    return log;
}

/* Closes the log; its line number `i` from 0. */
static audit_line
read_back(audit_log **log, size_t i)
{
    audit_line line = {0};
    audit_close(log);
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    subject_cut(&lines);
    CHECK(i < lines.count);
    aip_bytes text = {lines.lines[i].data, lines.lines[i].size - 1};
    CHECK_STATUS(audit_line_read(text, nodes, &line, NULL), AIP_OK);
    return line;
}

static void
end(void)
{
    free(lines.text);
    lines = (subject_lines){0};
}

/* The member as it stands; "" when it is absent. */
static const char *
raw(const audit_line *line, const char *name)
{
    static char text[8][8192];
    static unsigned turn;
    char *out = text[turn++ % 8];
    uint32_t node = scan_member(&line->document, 0, name);
    aip_bytes value = node == SCAN_NONE ? (aip_bytes){NULL, 0} : scan_raw(&line->document, node);
    snprintf(out, sizeof text[0], "%.*s", (int)value.size, (const char *)value.data);
    return out;
}

static const audit_dlp_finding two_findings[] = {
    {"email", "/params/arguments/to", "request", "redacted", 2, "0123456789abcdef"},
    {"own \"pattern\"\x1b", NULL, "response", "blocked", 1, ""},
};

static audit_record
full_record(void)
{
    audit_record record = subject_record(1);
    record.decision = "ALLOW_MONITOR";
    record.request_id = AIP_BYTES_LITERAL("\"call-7\"");
    record.upstream = "files";
    record.has_budget = record.has_cost = true;
    record.budget_micro_usd = 5000000;
    record.cost_micro_usd = 2500;
    record.hold = 42;
    record.idempotency = AIP_BYTES_LITERAL("again-1");
    record.policy_name = "strict";
    record.policy_hash = "sha256:00";
    record.policy_mode = "monitor";
    record.violation = true;
    record.ground = "rule 3: argument path";
    record.failed_argument = AIP_BYTES_LITERAL("path");
    record.arguments = AIP_BYTES_LITERAL("{\"path\": \"/etc\",\n \"n\": 1e3}");
    record.approver = AIP_BYTES_LITERAL("alice");
    record.findings = two_findings;
    record.finding_count = 2;
    return record;
}

static void
a_decision_tells_all_that_is_known(void)
{
    audit_log *log = begin();
    const audit_record record = full_record();
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    const audit_line line = read_back(&log, 0);
    CHECK_TEXT(raw(&line, "decision"), "\"ALLOW_MONITOR\"");
    CHECK_TEXT(raw(&line, "request_id"), "\"call-7\"");
    CHECK_TEXT(raw(&line, "upstream"), "\"files\"");
    CHECK_TEXT(raw(&line, "budget_micro_usd"), "5000000");
    CHECK_TEXT(raw(&line, "cost_micro_usd"), "2500");
    CHECK_TEXT(raw(&line, "hold"), "42");
    CHECK_TEXT(raw(&line, "idempotency"), "\"again-1\"");
    CHECK_TEXT(raw(&line, "policy_name"), "\"strict\"");
    CHECK_TEXT(raw(&line, "policy_hash"), "\"sha256:00\"");
    CHECK_TEXT(raw(&line, "policy_mode"), "\"monitor\"");
    CHECK_TEXT(raw(&line, "violation"), "true");
    CHECK_TEXT(raw(&line, "ground"), "\"rule 3: argument path\"");
    CHECK_TEXT(raw(&line, "failed_argument"), "\"path\"");
    CHECK_TEXT(raw(&line, "arguments"), "\"{\\\"path\\\": \\\"/etc\\\",\\n \\\"n\\\": 1e3}\"");
    CHECK_TEXT(raw(&line, "approver"), "\"alice\"");
    CHECK_TEXT(
        raw(&line, "findings"),
        "[{\"name\":\"email\",\"place\":\"/params/arguments/to\",\"direction\":\"request\",\"action\":\"redacted\","
        "\"count\":2,\"fingerprint\":\"0123456789abcdef\"},"
        "{\"name\":\"own \\\"pattern\\\"\\u001b\",\"direction\":\"response\",\"action\":\"blocked\",\"count\":1}]");
    end();
}

static void
what_is_not_known_is_not_told(void)
{
    static const char *const absent[] = {
        "request_id", "upstream", "hops", "cost_micro_usd",  "hold",      "idempotency", "policy_name", "policy_mode",
        "violation",  "ground",   "at",   "failed_argument", "arguments", "approver",    "findings",    "root"};
    audit_log *log = begin();
    audit_record record = subject_record(1);
    record.allowed = false;
    record.status = AIP_TOKEN_EXPIRED;
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    const audit_line line = read_back(&log, 0);
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
        CHECK_TEXT(raw(&line, absent[i]), "");
    }
    CHECK_TEXT(raw(&line, "decision"), "\"BLOCK\"");
    CHECK_TEXT(raw(&line, "links"), "[]");
    end();
}

/* A root that grants to the holder of another key, who passes it on. */
static aip_chain *
make_chain(const char *context)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {8}, last_seed[AIP_SEED_BYTES] = {6};
    static const char *const scope[] = {"tool:*"};
    char agent[AIP_DID_TEXT_SIZE], worker[AIP_DID_TEXT_SIZE], *first = NULL, *second = NULL;
    aip_secret_key *key = NULL, *last_key = NULL;
    aip_chain *chain = NULL;
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_from_seed(last_seed, &last_key, NULL), AIP_OK);
    aip_did_of_key(aip_secret_key_public(key), agent);
    aip_did_of_key(aip_secret_key_public(last_key), worker);
    aip_statement said = {.subject = agent,
                          .scope = scope,
                          .scope_count = 1,
                          .has_max_depth = true,
                          .max_depth = 3,
                          .issued_at = NOW,
                          .expires_at = NOW + 100};
    CHECK_STATUS(aip_token_issue(subject_key, &said, &first, NULL), AIP_OK);
    said.subject = worker;
    said.has_max_depth = false;
    said.context = context;
    CHECK_STATUS(aip_token_delegate(key, aip_bytes_of(first), &said, &second, NULL), AIP_OK);
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(second), &chain, NULL), AIP_OK);
    aip_secret_key_free(&key);
    aip_secret_key_free(&last_key);
    free(first);
    free(second);
    return chain;
}

static void
hops_tell_who_gave_to_whom_and_why(void)
{
    char wanted[2048], link[2][44];
    audit_log *log = begin();
    aip_chain *chain = make_chain("read \x1b[31m it");
    audit_record record = subject_record(1);
    record.chain = chain;
    record.verified = true;
    record.root = aip_chain_issuer(chain, 0);
    record.leaf = aip_chain_subject(chain, 1);
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    const audit_line line = read_back(&log, 0);
    aip_chain_link_id(chain, 0, link[0]);
    aip_chain_link_id(chain, 1, link[1]);
    aip_bytes middle = aip_chain_subject(chain, 0);
    snprintf(wanted, sizeof wanted,
             "[{\"link\":\"%s\",\"from\":\"%s\",\"to\":\"%.*s\",\"context\":null},"
             "{\"link\":\"%s\",\"from\":\"%.*s\",\"to\":\"%.*s\",\"context\":\"read \\u001b[31m it\"}]",
             link[0], subject_did, (int)middle.size, (const char *)middle.data, link[1], (int)middle.size,
             (const char *)middle.data, (int)record.leaf.size, (const char *)record.leaf.data);
    CHECK_TEXT(raw(&line, "hops"), wanted);
    CHECK_TEXT(raw(&line, "depth"), "2");
    aip_chain_free(&chain);
    end();
}

static void
what_a_stranger_says_of_hops_is_not_repeated(void)
{
    audit_log *log = begin();
    aip_chain *chain = make_chain("believe me");
    audit_record record = subject_record(1);
    record.chain = chain;
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    const audit_line line = read_back(&log, 0);
    CHECK_TEXT(raw(&line, "hops"), "");
    CHECK(strlen(raw(&line, "links")) == 2 * 46 + 1);
    CHECK(memmem(lines.text, lines.size, "believe", 7) == NULL);
    aip_chain_free(&chain);
    end();
}

static void
long_arguments_are_told_by_their_size(void)
{
    static unsigned char text[AUDIT_ARGUMENTS_BYTES_MAX + 1];
    memset(text, '[', sizeof text);
    audit_log *log = begin();
    audit_record record = subject_record(1);
    record.arguments = (aip_bytes){text, sizeof text};
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    record.arguments.size--;
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    audit_line line = read_back(&log, 0);
    CHECK_TEXT(raw(&line, "arguments"), "");
    CHECK_TEXT(raw(&line, "arguments_bytes"), "4097");
    aip_bytes second = {lines.lines[1].data, lines.lines[1].size - 1};
    CHECK_STATUS(audit_line_read(second, nodes, &line, NULL), AIP_OK); /* four thousand levels disturb nothing */
    CHECK(strlen(raw(&line, "arguments")) == AUDIT_ARGUMENTS_BYTES_MAX + 2);
    end();
}

/* All that can be long is as long as it can be, and each byte of it needs six. */
static void
a_line_that_would_be_too_long_leaves_out_texts(void)
{
    static unsigned char bad[AUDIT_ARGUMENTS_BYTES_MAX];
    static char words[600];
    static audit_dlp_finding many[AUDIT_FINDINGS_OF_LINE_MAX + 1];
    memset(bad, 1, sizeof bad);
    memset(words, 2, sizeof words - 1);
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        many[i] = (audit_dlp_finding){words, words, "request", "redacted", 1, "0123456789abcdef"};
    }
    audit_log *log = begin();
    audit_record record = full_record();
    record.method = record.tool = record.request_id = record.idempotency = record.failed_argument = record.approver =
        record.arguments = record.root = record.leaf = (aip_bytes){bad, sizeof bad};
    record.verified = true;
    record.upstream = record.policy_name = record.policy_hash = record.ground = record.peer = words;
    record.findings = many;
    record.finding_count = sizeof many / sizeof many[0];
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    const audit_outcome outcome = {
        .decision_id = "AAAAAAAAAAAAAAAAAAAAAA", .findings = many, .finding_count = sizeof many / sizeof many[0]};
    CHECK_STATUS(subject_append_outcome(log, &outcome, NULL), AIP_OK);
    const audit_line line = read_back(&log, 0);
    CHECK(lines.count == 2 && lines.lines[0].size < AUDIT_LINE_BYTES_MAX && lines.lines[1].size < AUDIT_LINE_BYTES_MAX);
    CHECK_TEXT(raw(&line, "arguments_bytes"), "4096");
    CHECK_TEXT(raw(&line, "findings"), "[]");
    CHECK_TEXT(raw(&line, "finding_count"), "33");
    end();
}

static void
no_control_character_stands_in_a_line(void)
{
    static const char bad[] = "\x1b]0;\r\n\t\x7f\xc2\x9b\xff\"\\,\"seq\":9}";
    aip_bytes view = {(const unsigned char *)bad, sizeof bad - 1};
    audit_log *log = begin();
    audit_record record = full_record();
    record.method = record.tool = record.request_id = record.idempotency = record.failed_argument = record.approver =
        record.arguments = view;
    record.upstream = record.policy_name = record.policy_hash = record.ground = record.peer = bad;
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    const audit_event event = {.name = "alert", .subject = view, .detail = view, .by = view};
    CHECK_STATUS(audit_append_event(log, &event, NULL), AIP_OK);
    const audit_line line = read_back(&log, 0);
    CHECK(lines.count == 2 && line.seq == 1);
    for (size_t i = 0; i < lines.size; i++) {
        CHECK((unsigned char)lines.text[i] >= 0x20 || lines.text[i] == '\n');
    }
    end();
}

static void
request_ids_of_every_kind_are_told(void)
{
    static const struct {
        const char *id, *wanted;
    } cases[] = {{"7", "\"7\""}, {"\"a\"", "\"a\""}, {"\"a\\n\"", "\"\\\"a\\\\n\\\"\""}, {"\"", "\"\\\"\""}};
    audit_log *log = begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        audit_record record = subject_record(1);
        record.request_id = aip_bytes_of(cases[i].id);
        CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    }
    audit_line line = read_back(&log, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_STATUS(audit_line_read((aip_bytes){lines.lines[i].data, lines.lines[i].size - 1}, nodes, &line, NULL),
                     AIP_OK);
        CHECK_TEXT(raw(&line, "request_id"), cases[i].wanted);
    }
    end();
}

static void
an_outcome_tells_how_it_ended(void)
{
    audit_log *log = begin();
    const audit_outcome outcome = {.decision_id = "AAAAAAAAAAAAAAAAAAAAAA",
                                   .http = 200,
                                   .is_error = true,
                                   .has_cost = true,
                                   .cost_micro_usd = 1200,
                                   .findings = two_findings,
                                   .finding_count = 1,
                                   .has_digest = true,
                                   .bytes = 77,
                                   .duration_microseconds = 1500,
                                   .completion = "cut"};
    CHECK_STATUS(subject_append_outcome(log, &outcome, NULL), AIP_OK);
    const audit_line line = read_back(&log, 0);
    CHECK(line.event == AUDIT_OUTCOME);
    CHECK_TEXT(raw(&line, "code"), "\"ok\"");
    CHECK_TEXT(raw(&line, "http"), "200");
    CHECK_TEXT(raw(&line, "is_error"), "true");
    CHECK_TEXT(raw(&line, "completion"), "\"cut\"");
    CHECK_TEXT(raw(&line, "cost_micro_usd"), "1200");
    CHECK_TEXT(raw(&line, "response_digest"), "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"");
    CHECK_TEXT(raw(&line, "bytes"), "77");
    CHECK_TEXT(raw(&line, "duration_us"), "1500");
    CHECK(strstr(raw(&line, "findings"), "email") != NULL);
    end();
}

static void
only_events_that_are_known_are_written(void)
{
    static const char *const good[] = {"alert", "approval", "pin", "reload", "hold_freed"};
    static const char *const bad[] = {"decision", "outcome", "checkpoint",       "rotation", "completion",
                                      "other",    "",        "alert\",\"x\":\"", "Alert"};
    audit_log *log = begin();
    audit_event event = {.subject = AIP_BYTES_LITERAL("canary"), .detail = AIP_BYTES_LITERAL("it was asked for")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        event.name = bad[i];
        CHECK_STATUS(audit_append_event(log, &event, NULL), AIP_INTERNAL);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        event.name = good[i];
        CHECK_STATUS(audit_append_event(log, &event, NULL), AIP_OK);
    }
    const audit_line line = read_back(&log, 0);
    CHECK(lines.count == 5 && line.event == AUDIT_ALERT);
    CHECK_TEXT(raw(&line, "subject"), "\"canary\"");
    CHECK_TEXT(raw(&line, "detail"), "\"it was asked for\"");
    CHECK_TEXT(raw(&line, "by"), "\"\"");
    end();
}

/* ---- the shape that other gateways' logs have (A-70) ---- */

/* As the log would have it, but for the hashes. */
static aip_status
project_decision(const audit_record *record, text_buffer *out)
{
    TEXT_AUTO text_buffer line = {0};
    audit_line_decision(&line, record);
    text_append_string(&line, "}");
    return audit_project(text_view(&line), out, NULL);
}

static void
a_decision_has_the_shape_of_others(void)
{
    TEXT_AUTO text_buffer out = {0};
    const audit_record record = full_record();
    CHECK_STATUS(project_decision(&record, &out), AIP_OK);
    CHECK_TEXT(out.data,
               "{\"time\":\"2027-01-15T08:00:01Z\",\"level\":\"INFO\",\"msg\":\"audit\","
               "\"timestamp\":\"2027-01-15T08:00:01Z\",\"direction\":\"upstream\",\"decision\":\"ALLOW_MONITOR\","
               "\"policy_mode\":\"monitor\",\"violation\":true,\"method\":\"tools/call\",\"tool\":\"search\","
               "\"args\":{\"path\": \"/etc\",  \"n\": 1e3},\"failed_arg\":\"path\","
               "\"failed_rule\":\"rule 3: argument path\",\"policy_hash\":\"sha256:00\",\"policy_name\":\"strict\","
               "\"request_id\":\"call-7\",\"approver\":\"alice\",\"decision_id\":\"AAAAAAAAAAAAAAAA000001\"}\n"
               "{\"time\":\"2027-01-15T08:00:01Z\",\"level\":\"WARN\",\"msg\":\"dlp\","
               "\"timestamp\":\"2027-01-15T08:00:01Z\",\"direction\":\"upstream\",\"event\":\"DLP_TRIGGERED\","
               "\"dlp_rule\":\"email\",\"dlp_action\":\"REDACTED\",\"dlp_match_count\":2,"
               "\"decision_id\":\"AAAAAAAAAAAAAAAA000001\"}\n"
               "{\"time\":\"2027-01-15T08:00:01Z\",\"level\":\"WARN\",\"msg\":\"dlp\","
               "\"timestamp\":\"2027-01-15T08:00:01Z\",\"direction\":\"downstream\",\"event\":\"DLP_TRIGGERED\","
               "\"dlp_rule\":\"own \\\"pattern\\\"\\u001b\",\"dlp_action\":\"blocked\",\"dlp_match_count\":1,"
               "\"decision_id\":\"AAAAAAAAAAAAAAAA000001\"}\n");
}

static void
a_refused_method_and_a_protected_path_have_a_second_record(void)
{
    TEXT_AUTO text_buffer method = {0}, path = {0}, tool = {0};
    audit_record record = full_record();
    record.allowed = false;
    record.decision = NULL;
    record.finding_count = 0;
    record.status = AIP_POLICY_METHOD;
    CHECK_STATUS(project_decision(&record, &method), AIP_OK);
    CHECK(strstr(method.data, "\"decision\":\"BLOCK\"") != NULL &&
          strstr(method.data, "\"error_reason\":\"policy.method\"") != NULL &&
          strstr(method.data, "\"msg\":\"method_block\"") != NULL && strstr(method.data, "METHOD_BLOCKED") != NULL);
    record.status = AIP_POLICY_PATH;
    CHECK_STATUS(project_decision(&record, &path), AIP_OK);
    CHECK(strstr(path.data, "\"event\":\"PROTECTED_PATH_BLOCKED\",\"tool\":\"search\"") != NULL);
    record.status = AIP_POLICY_TOOL;
    CHECK_STATUS(project_decision(&record, &tool), AIP_OK);
    CHECK(strchr(tool.data, '\n') == tool.data + tool.size - 1); /* one */
}

static void
what_the_other_shape_does_not_know_is_no_line_of_it(void)
{
    TEXT_AUTO text_buffer out = {0}, line = {0};
    const audit_outcome outcome = {.decision_id = "AAAAAAAAAAAAAAAAAAAAAA"};
    audit_line_outcome(&line, &outcome);
    text_append_string(&line, "}");
    CHECK_STATUS(audit_project(text_view(&line), &out, NULL), AIP_OK);
    CHECK(out.size == 0);
    CHECK_STATUS(audit_project(AIP_BYTES_LITERAL("{\"event\":\"checkpoint\",\"time\":\"x\"}"), &out, NULL), AIP_OK);
    CHECK(out.size == 0);
    CHECK_STATUS(audit_project(AIP_BYTES_LITERAL("{\"event\":\"decision\""), &out, NULL), AIP_AUDIT_MALFORMED);
    CHECK_STATUS(audit_project(AIP_BYTES_LITERAL("{\"event\":\"decision\"}"), &out, NULL), AIP_AUDIT_MALFORMED);
    CHECK_STATUS(audit_project(AIP_BYTES_LITERAL("[]"), &out, NULL), AIP_AUDIT_MALFORMED);
    CHECK(out.size == 0);
}

/* Text that is no JSON stays a text; what is JSON never makes a second line. */
static void
arguments_never_break_a_projected_line(void)
{
    TEXT_AUTO text_buffer bad = {0}, good = {0};
    audit_record record = subject_record(1);
    record.arguments = AIP_BYTES_LITERAL("{\"a\":\n");
    CHECK_STATUS(project_decision(&record, &bad), AIP_OK);
    CHECK(strstr(bad.data, "\"args\":\"{\\\"a\\\":\\n\"") != NULL);
    record.arguments = AIP_BYTES_LITERAL("{\"a\":\r\n\t\"b\\n\"}");
    CHECK_STATUS(project_decision(&record, &good), AIP_OK);
    CHECK(strstr(good.data, "\"args\":{\"a\":   \"b\\n\"}") != NULL);
    CHECK(strchr(good.data, '\n') == good.data + good.size - 1);
    subject_end();
}

RUN(TEST(a_decision_tells_all_that_is_known), TEST(what_is_not_known_is_not_told),
    TEST(hops_tell_who_gave_to_whom_and_why), TEST(what_a_stranger_says_of_hops_is_not_repeated),
    TEST(long_arguments_are_told_by_their_size), TEST(a_line_that_would_be_too_long_leaves_out_texts),
    TEST(no_control_character_stands_in_a_line), TEST(request_ids_of_every_kind_are_told),
    TEST(an_outcome_tells_how_it_ended), TEST(only_events_that_are_known_are_written),
    TEST(a_decision_has_the_shape_of_others), TEST(a_refused_method_and_a_protected_path_have_a_second_record),
    TEST(what_the_other_shape_does_not_know_is_no_line_of_it), TEST(arguments_never_break_a_projected_line))
