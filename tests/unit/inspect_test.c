/* What is looked into on its way through: requests, headers, replies, event streams, and what the records say of it. */
#include "gateway/inspect.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/stages.h"
#include "tests/unit/check.h"

#define SECRET "ghp_Q96McZuH6KILaV9mer5kAOKWLLthn7Nm6fBi"
#define CALL(name, arguments)                                                              \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"" name \
    "\",\"arguments\":" arguments "}}"

static const char policy_text[] =
    "apiVersion: aip-gateway/v1\nkind: AgentPolicy\nmetadata:\n  name: t\nspec:\n  allowed_tools: [a]\n  dlp:\n"
    "    builtin: true\n    builtin_action: redact\n    detect_encoding: true\n    scan_requests: true\n"
    "    scan_responses: true\n    on_request_match: redact\n    canaries: [planted-value]\n"
    "    patterns: [{name: word, regex: aurora, action: block}, {name: hint, regex: hinted, action: warn}]\n";

static char path[] = "/tmp/aip-inspect.XXXXXX", log_path[64];
static gateway running;
static shard_tools shard;
static gateway_settings *settings;
static exchange *x;
static text_buffer out;

static void
load_policy(rules **out_rules)
{
    const char *file = path;
    const rules_setup setup = {.files = &file, .count = 1, .paths = {.directory = "/tmp"}};
    text_buffer problems = {0};
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, policy_text, sizeof policy_text - 1) == sizeof policy_text - 1 && close(fd) == 0);
    CHECK_STATUS(rules_load(&setup, out_rules, &problems, NULL), AIP_OK);
    text_clear(&problems);
}

/* The scribe does not run: what it is asked stays on its desk. */
static void
open_all(void)
{
    if (settings != NULL) {
        return;
    }
    settings = calloc(1, sizeof *settings);
    gateway_route *route = calloc(1, sizeof *route);
    CHECK(settings != NULL && route != NULL);
    atomic_init(&settings->holders, 1);
    *route = (gateway_route){.name = "", .url = "http://u", .protocol = &protocol_mcp};
    settings->routes = route;
    settings->route_count = 1;
    settings->body_bytes_max = 1 << 20;
    load_policy(&settings->rules);
    settings->standard = rules_find(settings->rules, path);
    pthread_mutex_init(&running.lock, NULL);
    running.settings = settings;
    snprintf(log_path, sizeof log_path, "%s.log", path);
    CHECK_STATUS(audit_open_with(&(audit_options){.path = log_path}, &running.audit, NULL), AIP_OK);
    CHECK_STATUS(scribe_open(running.audit, &running.scribe, NULL), AIP_OK);
    CHECK_STATUS(mailroom_new(&running.mail, NULL), AIP_OK);
    shard.gateway = &running;
    CHECK_STATUS(mailroom_open_box(running.mail, &shard.mail, NULL), AIP_OK);
    CHECK_STATUS(rules_tools_new(&shard.tools, NULL), AIP_OK);
}

static void
begin(const char *body)
{
    open_all();
    x = exchange_new(&shard);
    CHECK(x != NULL);
    x->route = &settings->routes[0];
    x->http_method = "POST";
    x->path = "/mcp";
    x->rules = settings->standard;
    text_append_string(&x->body, body);
    CHECK_STATUS(x->route->protocol->read(x, NULL), AIP_OK);
    CHECK_STATUS(x->route->protocol->classify(x, NULL), AIP_OK);
}

static void
end(void)
{
    text_clear(&out);
    exchange_free(&x);
}

static aip_status
look(const char *body)
{
    begin(body);
    return inspect_request(x, NULL);
}

static bool
goes_on_as(const char *wanted)
{
    const text_buffer *text = x->outgoing.size > 0 ? &x->outgoing : &x->body;
    return aip_bytes_equal(text_view(text), aip_bytes_of(wanted)) &&
           aip_bytes_equal(x->document.text, aip_bytes_of(wanted));
}

static size_t
take_alerts(void)
{
    size_t count = 0;
    for (question *q = desk_take(scribe_desk(running.scribe), QUESTION_EVENT); q != NULL;
         q = desk_take(scribe_desk(running.scribe), QUESTION_EVENT)) {
        CHECK(strcmp(q->name, "alert") == 0 && memmem(q->text.data, q->text.size, "planted-value", 13) == NULL);
        count++;
        desk_answer(scribe_desk(running.scribe), q);
        question_free(&(question *){mailbox_take(shard.mail)});
    }
    return count;
}

static aip_status
look_at_reply(const char *text, bool streaming)
{
    scan_document message = {0};
    const scan_limits limits = {1 << 20, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    x->forwarded = x->concluded = true;
    x->phase = streaming ? EXCHANGE_STREAMING : EXCHANGE_WAITING;
    text_clear(&out);
    CHECK_STATUS(scan_load(aip_bytes_of(text), &limits, &message, NULL), AIP_OK);
    aip_status status = inspect_reply(x, &message, &out, NULL);
    scan_clear(&message);
    return status == AIP_OK ? text_finish(&out, NULL) : status;
}

static bool
out_is(const char *wanted)
{
    return aip_bytes_equal(text_view(&out), aip_bytes_of(wanted));
}

/* ---- requests ---- */

static void
a_clean_request_stays_as_it_came(void)
{
    CHECK_STATUS(look(CALL("a", "{\"t\":\"plain\"}")), AIP_OK);
    CHECK(x->outgoing.size == 0 && x->found == NULL);
    end();
}

static void
what_is_redacted_goes_on_without_it_and_is_judged_so(void)
{
    CHECK_STATUS(look(CALL("a", "{\"t\":\"" SECRET "\", \"n\":1.0}")), AIP_OK);
    CHECK(goes_on_as(CALL("a", "{\"t\":\"[REDACTED:github-pat]\", \"n\":1.0}")));
    CHECK(aip_bytes_equal(x->arguments, aip_bytes_of("{\"t\":\"[REDACTED:github-pat]\", \"n\":1.0}")));
    CHECK(aip_bytes_equal(x->name, aip_bytes_of("a")) && aip_bytes_equal(x->id, aip_bytes_of("1")) && x->is_tool);
    CHECK(x->found != NULL && x->found->count == 1 && !x->found->in_names);
    CHECK_TEXT(x->found->items[0].name, "github-pat");
    CHECK_TEXT(x->found->places[0], "/params/arguments/t");
    CHECK(strlen(x->found->items[0].fingerprint) == 16);
    end();
}

static void
what_is_blocked_refuses(void)
{
    CHECK_STATUS(look(CALL("a", "{\"t\":\"about aurora\"}")), AIP_DLP_BLOCKED);
    end();
    CHECK_STATUS(look(CALL("a", "{\"aurora\":1}")), AIP_DLP_BLOCKED);
    end();
    CHECK_STATUS(look(CALL("a", "{\"t\":[{\"u\":\"\\u0061urora\"}]}")), AIP_DLP_BLOCKED);
    CHECK(x->outgoing.size == 0);
    end();
}

static void
what_is_only_told_goes_on(void)
{
    CHECK_STATUS(look(CALL("a", "{\"t\":\"hinted\"}")), AIP_OK);
    CHECK(x->outgoing.size == 0 && x->found != NULL && x->found->count == 1);
    CHECK_TEXT(x->found->items[0].action, "told");
    end();
}

static void
names_in_which_something_is_are_hidden_from_the_record(void)
{
    begin(CALL("aurora", "{}"));
    CHECK_STATUS(inspect_request(x, NULL), AIP_DLP_BLOCKED);
    CHECK(x->found != NULL && x->found->in_names);
    end();
    begin("{\"jsonrpc\":\"2.0\",\"id\":\"aurora\",\"method\":\"tools/list\"}");
    CHECK_STATUS(inspect_request(x, NULL), AIP_DLP_BLOCKED);
    CHECK(x->found->in_names);
    end();
    begin(CALL("a", "{\"t\":\"aurora\"}"));
    CHECK_STATUS(inspect_request(x, NULL), AIP_DLP_BLOCKED);
    CHECK(!x->found->in_names);
    end();
}

static aip_status
look_with_header(const char *name, const char *value)
{
    begin(CALL("a", "{}"));
    CHECK(exchange_add_field(x, aip_bytes_of(name), aip_bytes_of(value)));
    aip_status status = inspect_request(x, NULL);
    end();
    return status;
}

static void
headers_that_go_on_or_are_recorded_refuse_what_they_cannot_lose(void)
{
    CHECK_STATUS(look_with_header("Mcp-Param-X", SECRET), AIP_DLP_BLOCKED);
    CHECK_STATUS(look_with_header("User-Agent", "aurora"), AIP_DLP_BLOCKED);
    CHECK_STATUS(look_with_header("idempotency-key", SECRET), AIP_DLP_BLOCKED);
    CHECK_STATUS(look_with_header("Mcp-Param-X", "hinted"), AIP_OK);
    CHECK_STATUS(look_with_header("X-Other", SECRET), AIP_OK);
    CHECK_STATUS(look_with_header("X-AIP-Token", SECRET), AIP_OK);
}

static void
a_planted_value_raises_one_alert_however_often_it_stands_there(void)
{
    CHECK_STATUS(look(CALL("a", "{\"t\":[\"planted-value\",\"planted-value\",\"planted-value\"]}")), AIP_DLP_BLOCKED);
    CHECK(take_alerts() == 1);
    end();
    CHECK_STATUS(look(CALL("a", "{\"t\":\"aurora\"}")), AIP_DLP_BLOCKED);
    CHECK(take_alerts() == 0);
    end();
}

static void
findings_beyond_the_room_are_counted(void)
{
    TEXT_AUTO text_buffer body = {0};
    uint32_t sum = 0;
    text_append_string(
        &body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\",\"arguments\":{");
    for (int i = 0; i < 100; i++) {
        text_append_format(&body, "%s\"k%d\":\"hinted\"", i == 0 ? "" : ",", i);
    }
    text_append_string(&body, "}}}");
    text_append(&body, (aip_bytes){(const unsigned char *)"", 1});
    CHECK_STATUS(text_finish(&body, NULL), AIP_OK);
    CHECK_STATUS(look(body.data), AIP_OK);
    CHECK(x->found->count == FINDINGS_MAX);
    for (size_t i = 0; i < x->found->count; i++) {
        sum += x->found->items[i].count;
    }
    CHECK(sum == 100);
    end();
}

static void
recorded_arguments_have_lost_all_that_any_rule_finds(void)
{
    begin(CALL("a", "{\"t\":\"hinted\",\"u\":\"" SECRET "\",\"v\":1}"));
    settings->audit_arguments = true;
    CHECK_STATUS(inspect_request(x, NULL), AIP_OK);
    settings->audit_arguments = false;
    CHECK(aip_bytes_equal(x->record.arguments,
                          aip_bytes_of("{\"t\":\"[REDACTED:hint]\",\"u\":\"[REDACTED:github-pat]\",\"v\":1}")));
    end();
}

/* ---- replies ---- */

static void
replies_lose_their_secrets_and_nothing_else(void)
{
    begin(CALL("a", "{}"));
    CHECK_STATUS(look_at_reply("{\"id\":1, \"result\":{\"x\":\"" SECRET "\",\"n\":1e2}}", false), AIP_OK);
    CHECK(out_is("{\"id\":1, \"result\":{\"x\":\"[REDACTED:github-pat]\",\"n\":1e2}}"));
    CHECK_STATUS(look_at_reply("{\"id\":1,\"result\":{}}", false), AIP_OK);
    CHECK(out.size == 0);
    CHECK_STATUS(look_at_reply("{\"id\":1,\"error\":{\"message\":\"aurora\"}}", false), AIP_DLP_BLOCKED);
    CHECK(out.size == 0);
    end();
}

static void
planted_values_in_replies_are_the_servers_own(void)
{
    begin(CALL("a", "{}"));
    CHECK_STATUS(look_at_reply("{\"id\":1,\"result\":{\"x\":\"planted-value\"}}", false), AIP_OK);
    CHECK(out.size == 0 && take_alerts() == 0);
    end();
}

#define EVENT(text) "{\"method\":\"m\",\"params\":{\"a\":[1,\"" text "\"]}}"

static void
what_is_cut_into_two_events_is_found_at_the_same_place(void)
{
    begin(CALL("a", "{}"));
    CHECK_STATUS(look_at_reply(EVENT("so ghp_Q96McZuH6KILaV9m"), true), AIP_OK);
    CHECK(out.size == 0);
    CHECK_STATUS(look_at_reply(EVENT("er5kAOKWLLthn7Nm6fBi then"), true), AIP_OK);
    CHECK(out_is(EVENT("[REDACTED:github-pat] then")));
    end();
}

static void
what_is_cut_into_three_is_found_at_its_end(void)
{
    begin(CALL("a", "{}"));
    CHECK_STATUS(look_at_reply(EVENT("ghp_Q96McZuH6K"), true), AIP_OK);
    CHECK_STATUS(look_at_reply(EVENT("ILaV9mer5kAOKWLL"), true), AIP_OK);
    CHECK_STATUS(look_at_reply(EVENT("thn7Nm6fBi"), true), AIP_OK);
    CHECK(out_is(EVENT("[REDACTED:github-pat]")));
    end();
}

static void
what_is_blocked_across_two_events_ends_the_stream(void)
{
    begin(CALL("a", "{}"));
    CHECK_STATUS(look_at_reply(EVENT("about aur"), true), AIP_OK);
    CHECK_STATUS(look_at_reply(EVENT("ora now"), true), AIP_DLP_BLOCKED);
    end();
}

static void
something_else_in_between_does_not_hide_it(void)
{
    begin(CALL("a", "{}"));
    CHECK_STATUS(look_at_reply(EVENT("about aur"), true), AIP_OK);
    CHECK_STATUS(look_at_reply("{\"method\":\"m\",\"params\":{\"progress\":\"half\"}}", true), AIP_OK);
    CHECK_STATUS(look_at_reply("{\"method\":\"m\"}", true), AIP_OK);
    CHECK_STATUS(look_at_reply(EVENT("ora now"), true), AIP_DLP_BLOCKED);
    end();
}

static void
other_places_and_other_replies_are_not_joined(void)
{
    begin(CALL("a", "{}"));
    CHECK_STATUS(look_at_reply(EVENT("about aur"), true), AIP_OK);
    CHECK_STATUS(look_at_reply("{\"method\":\"m\",\"params\":{\"b\":[1,\"ora now\"]}}", true), AIP_OK);
    end();
    begin(CALL("a", "{}"));
    CHECK_STATUS(look_at_reply(EVENT("about aur"), false), AIP_OK);
    CHECK_STATUS(look_at_reply(EVENT("ora now"), false), AIP_OK);
    end();
}

static void
long_texts_at_one_place_are_joined_at_their_ends(void)
{
    static char first[9000], second[9000];
    begin(CALL("a", "{}"));
    memset(first, 'x', sizeof first);
    memcpy(first, "{\"method\":\"m\",\"params\":{\"a\":\"", 29);
    memcpy(first + sizeof first - 7, "aur\"}}", 7);
    memset(second, 'x', sizeof second);
    memcpy(second, "{\"method\":\"m\",\"params\":{\"a\":\"", 29);
    memcpy(second + sizeof second - 4, "\"}}", 4);
    CHECK_STATUS(look_at_reply(first, true), AIP_OK);
    CHECK_STATUS(look_at_reply(second, true), AIP_OK);
    CHECK(out.size == 0);
    CHECK_STATUS(look_at_reply(first, true), AIP_OK);
    memcpy(second + 29, "ora", 3);
    CHECK_STATUS(look_at_reply(second, true), AIP_DLP_BLOCKED);
    end();
}

static void
what_an_event_says_beside_its_data_cannot_be_changed(void)
{
    begin(CALL("a", "{}"));
    x->forwarded = x->concluded = true;
    CHECK_STATUS(inspect_event(x, aip_bytes_of("event: message\nid: 7\ndata: aurora\n\n"), NULL), AIP_OK);
    CHECK_STATUS(inspect_event(x, aip_bytes_of(": " SECRET "\n\n"), NULL), AIP_DLP_BLOCKED);
    CHECK_STATUS(inspect_event(x, aip_bytes_of("id: aurora\ndata: x\n\n"), NULL), AIP_DLP_BLOCKED);
    end();
}

static void
without_rules_nothing_is_looked_into(void)
{
    begin(CALL("a", "{\"t\":\"aurora\"}"));
    x->rules = NULL;
    CHECK_STATUS(inspect_request(x, NULL), AIP_OK);
    CHECK_STATUS(look_at_reply("{\"id\":1,\"result\":\"aurora\"}", true), AIP_OK);
    CHECK_STATUS(inspect_event(x, aip_bytes_of(": aurora\n\n"), NULL), AIP_OK);
    end();
}

static void
everything_is_given_back(void)
{
    rules_tools_free(&shard.tools);
    scribe_close(&running.scribe);
    mailroom_free(&running.mail);
    audit_close(&running.audit);
    settings_drop(&running.settings);
    pthread_mutex_destroy(&running.lock);
    CHECK(unlink(path) == 0 && unlink(log_path) == 0);
}

RUN(TEST(a_clean_request_stays_as_it_came), TEST(what_is_redacted_goes_on_without_it_and_is_judged_so),
    TEST(what_is_blocked_refuses), TEST(what_is_only_told_goes_on),
    TEST(names_in_which_something_is_are_hidden_from_the_record),
    TEST(headers_that_go_on_or_are_recorded_refuse_what_they_cannot_lose),
    TEST(a_planted_value_raises_one_alert_however_often_it_stands_there), TEST(findings_beyond_the_room_are_counted),
    TEST(recorded_arguments_have_lost_all_that_any_rule_finds), TEST(replies_lose_their_secrets_and_nothing_else),
    TEST(planted_values_in_replies_are_the_servers_own), TEST(what_is_cut_into_two_events_is_found_at_the_same_place),
    TEST(what_is_cut_into_three_is_found_at_its_end), TEST(what_is_blocked_across_two_events_ends_the_stream),
    TEST(something_else_in_between_does_not_hide_it), TEST(other_places_and_other_replies_are_not_joined),
    TEST(long_texts_at_one_place_are_joined_at_their_ends), TEST(what_an_event_says_beside_its_data_cannot_be_changed),
    TEST(without_rules_nothing_is_looked_into), TEST(everything_is_given_back))
