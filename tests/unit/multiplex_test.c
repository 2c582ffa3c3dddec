/* Ids, tokens and subscriptions of several clients on one server: each comes back to who wrote it, to the byte. */
#include "gateway/multiplex.h"

#include "aip/limits.h"
#include "check.h"

static const scan_limits limits = {65536, 64, 4096};

static multiplex *m;
static multiplex_client *one, *two;
static multiplex_message got;
static scan_document document;
static char note[4096]; /* what callbacks were given */

static void
begin(void)
{
    static int owners[2];
    CHECK_STATUS(multiplex_open(&limits, &m, NULL), AIP_OK);
    CHECK_STATUS(multiplex_join(m, &owners[0], &one, NULL), AIP_OK);
    CHECK_STATUS(multiplex_join(m, &owners[1], &two, NULL), AIP_OK);
    CHECK(multiplex_owner(one) == &owners[0] && multiplex_owner(two) == &owners[1]);
    note[0] = '\0';
}

static void
end(void)
{
    multiplex_close(&m);
    multiplex_message_clear(&got);
}

static const scan_document *
scanned(const char *text)
{
    scan_clear(&document);
    CHECK_STATUS(scan_load(aip_bytes_of(text), &limits, &document, NULL), AIP_OK);
    return &document;
}

static aip_status
out(multiplex_client *from, const char *text)
{
    aip_status status = multiplex_outward(m, from, scanned(text), &got, NULL);
    scan_clear(&document);
    return status;
}

static aip_status
in(const char *text)
{
    aip_status status = multiplex_inward(m, scanned(text), &got, NULL);
    scan_clear(&document);
    return status;
}

/* What came out, `-` for nothing. */
static const char *
text(void)
{
    return got.verdict == MULTIPLEX_NOBODY ? "-" : got.text.size == 0 ? "" : got.text.data;
}

static void
remember(void *context, aip_bytes message)
{
    (void)context;
    strncat(note, (const char *)message.data, message.size);
    strcat(note, ";");
}

static void
remember_lost(void *context, multiplex_client *client, uint32_t id, aip_bytes raw)
{
    (void)context;
    char row[64];
    snprintf(row, sizeof row, "%s %u %.*s;", client == one ? "one" : "two", id, (int)raw.size, (const char *)raw.data);
    strcat(note, row);
}

static void
two_clients_with_the_same_id_get_their_own_answers(void)
{
    begin();
    CHECK_STATUS(out(one, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}"), AIP_OK);
    CHECK_TEXT(text(), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}");
    CHECK_STATUS(out(two, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"b\"}"), AIP_OK);
    CHECK_TEXT(text(), "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"b\"}");
    CHECK(got.id == 2 && got.client == two && !got.ends);
    CHECK_STATUS(in("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"for\":\"two\"}}"), AIP_OK);
    CHECK(got.client == two && got.ends && got.id == 2);
    CHECK_TEXT(text(), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"for\":\"two\"}}");
    CHECK_STATUS(in("{\"error\":{\"code\":1,\"message\":\"\"},\"id\":1}"), AIP_OK);
    CHECK(got.client == one && got.verdict == MULTIPLEX_ONE);
    CHECK(multiplex_count(m).requests == 0 && multiplex_count(m).dropped == 0);
    end();
}

static void
an_id_comes_back_to_the_byte(void)
{
    static const char *const ids[] = {"0",    "-0",    "12345678901234567890", "1.10",         "1e2",
                                      "\"\"", "\"1\"", "\"\\u0041\\\"\"",      "\"\xc3\xa4\"", "\"\\u0000\""};
    begin();
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char asked[160], answer[160], wanted[160], token[160];
        snprintf(asked, sizeof asked, "{ \"id\" : %s , \"method\":\"x\",\"params\":{\"_meta\":{\"progressToken\":%s}}}",
                 ids[i], ids[i]);
        CHECK_STATUS(out(one, asked), AIP_OK);
        uint32_t id = got.id;
        snprintf(wanted, sizeof wanted,
                 "{ \"id\" : %u , \"method\":\"x\",\"params\":{\"_meta\":{\"progressToken\":%u}}}", id, id);
        CHECK_TEXT(text(), wanted);
        snprintf(answer, sizeof answer, "{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%u}}",
                 id);
        snprintf(token, sizeof token, "{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":%s}}",
                 ids[i]);
        CHECK_STATUS(in(answer), AIP_OK);
        CHECK(got.client == one && got.id == id && !got.ends);
        CHECK_TEXT(text(), token);
        snprintf(answer, sizeof answer, "{\"id\":%u,\"result\":1.10}", id);
        snprintf(wanted, sizeof wanted, "{\"id\":%s,\"result\":1.10}", ids[i]);
        CHECK_STATUS(in(answer), AIP_OK);
        CHECK_TEXT(text(), wanted);
    }
    end();
}

static void
ids_and_tokens_of_another_kind_are_refused(void)
{
    static const char *const bad[] = {"{\"id\":null,\"method\":\"x\"}",
                                      "{\"id\":{},\"method\":\"x\"}",
                                      "{\"id\":[1],\"method\":\"x\"}",
                                      "{\"id\":true,\"method\":\"x\"}",
                                      "{\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{\"progressToken\":null}}}",
                                      "{\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{\"progressToken\":[]}}}",
                                      "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":{}}}",
                                      "{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":false}}",
                                      "[1]",
                                      "7"};
    begin();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(out(one, bad[i]), AIP_REQUEST_INVALID);
        CHECK(got.verdict == MULTIPLEX_NOBODY);
    }
    char large[400] = "{\"method\":\"x\",\"id\":\"";
    size_t before = strlen(large);
    memset(large + before, 'i', AIP_REQUEST_ID_BYTES_MAX - 1);
    strcpy(large + before + AIP_REQUEST_ID_BYTES_MAX - 1, "\"}");
    CHECK_STATUS(out(one, large), AIP_REQUEST_INVALID);
    strcpy(large + before + AIP_REQUEST_ID_BYTES_MAX - 2, "\"}");
    CHECK_STATUS(out(one, large), AIP_OK);
    CHECK(multiplex_count(m).requests == 1);
    end();
}

static void
an_id_that_is_open_is_refused_until_it_is_answered(void)
{
    begin();
    CHECK_STATUS(out(one, "{\"id\":\"a\",\"method\":\"x\"}"), AIP_OK);
    CHECK_STATUS(out(one, "{\"id\":\"a\",\"method\":\"y\"}"), AIP_REQUEST_INVALID);
    CHECK_STATUS(in("{\"id\":1,\"result\":{}}"), AIP_OK);
    CHECK_STATUS(out(one, "{\"id\":\"a\",\"method\":\"y\"}"), AIP_OK);
    CHECK(got.id == 2);
    end();
}

static void
answers_to_nothing_go_nowhere_and_are_counted(void)
{
    static const char *const bad[] = {"{\"id\":2,\"result\":{}}",
                                      "{\"id\":\"1\",\"result\":{}}",
                                      "{\"id\":1.0,\"result\":{}}",
                                      "{\"id\":-1,\"result\":{}}",
                                      "{\"id\":null,\"error\":{}}",
                                      "{\"result\":{}}",
                                      "{\"id\":1}",
                                      "{\"id\":1,\"result\":{},\"error\":{}}",
                                      "{\"id\":4294967297,\"result\":{}}",
                                      "{}",
                                      "[]",
                                      "\"text\""};
    begin();
    CHECK_STATUS(out(one, "{\"id\":9,\"method\":\"x\"}"), AIP_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(in(bad[i]), AIP_OK);
        CHECK(got.verdict == MULTIPLEX_NOBODY && got.client == NULL);
        CHECK(multiplex_count(m).dropped == i + 1);
    }
    CHECK_STATUS(in("{\"id\":1,\"result\":{}}"), AIP_OK);
    CHECK(got.verdict == MULTIPLEX_ONE);
    CHECK_STATUS(in("{\"id\":1,\"result\":{}}"), AIP_OK); /* once */
    CHECK(got.verdict == MULTIPLEX_NOBODY);
    end();
}

static void
progress_without_a_token_or_after_the_answer_goes_nowhere(void)
{
    begin();
    CHECK_STATUS(out(one, "{\"id\":9,\"method\":\"x\"}"), AIP_OK);
    CHECK_STATUS(in("{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(out(two, "{\"id\":9,\"method\":\"x\",\"params\":{\"_meta\":{\"progressToken\":\"p\"}}}"), AIP_OK);
    CHECK_STATUS(in("{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":2}}"), AIP_OK);
    CHECK(got.client == two);
    CHECK_STATUS(in("{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"p\"}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(in("{\"method\":\"notifications/progress\"}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(in("{\"id\":2,\"result\":{}}"), AIP_OK);
    CHECK_STATUS(in("{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":2}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    end();
}

static void
a_client_cancels_its_own_requests_only(void)
{
    begin();
    CHECK_STATUS(out(one, "{\"id\":\"mine\",\"method\":\"x\"}"), AIP_OK);
    CHECK_STATUS(out(two, "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"mine\"}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(out(two, "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(out(one, "{\"method\":\"notifications/cancelled\"}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(out(one, "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"mine\",\"r\":1e2}}"),
                 AIP_OK);
    CHECK_TEXT(text(), "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1,\"r\":1e2}}");
    CHECK(got.ends && got.id == 1 && multiplex_count(m).requests == 0);
    CHECK_STATUS(in("{\"id\":1,\"result\":{}}"), AIP_OK); /* a late answer */
    CHECK_TEXT(text(), "-");
    end();
}

static void
initialize_is_never_cancelled(void)
{
    begin();
    CHECK_STATUS(out(one, "{\"id\":0,\"method\":\"initialize\"}"), AIP_OK);
    CHECK_STATUS(out(one, "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":0}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK(multiplex_count(m).requests == 1);
    multiplex_leave(m, &one, remember, NULL);
    CHECK_TEXT(note, "");
    CHECK(one == NULL && multiplex_count(m).requests == 0);
    end();
}

static void
a_client_that_leaves_cancels_what_it_had_open_and_nothing_else(void)
{
    begin();
    CHECK_STATUS(out(one, "{\"id\":7,\"method\":\"x\"}"), AIP_OK);
    CHECK_STATUS(out(two, "{\"id\":7,\"method\":\"x\"}"), AIP_OK);
    CHECK_STATUS(out(one, "{\"id\":8,\"method\":\"subscriptions/listen\"}"), AIP_OK);
    multiplex_leave(m, &one, remember, NULL);
    CHECK(strstr(note, "\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1,") != NULL);
    CHECK(strstr(note, "\"requestId\":3,") != NULL && strstr(note, "\"requestId\":2,") == NULL);
    CHECK(multiplex_count(m).requests == 1 && multiplex_count(m).clients == 1);
    CHECK_STATUS(in("{\"id\":1,\"result\":{}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(in("{\"id\":2,\"result\":{}}"), AIP_OK);
    CHECK(got.client == two);
    multiplex_leave(m, &one, remember, NULL); /* nothing */
    end();
}

static void
every_frame_of_a_subscription_names_what_the_client_wrote(void)
{
    begin();
    CHECK_STATUS(out(two, "{\"id\":\"other\",\"method\":\"tools/list\"}"), AIP_OK);
    CHECK_STATUS(out(one, "{\"id\":\"listen-1\",\"method\":\"subscriptions/listen\",\"params\":{}}"), AIP_OK);
    CHECK_STATUS(in("{\"method\":\"notifications/tools/list_changed\",\"params\":{\"_meta\":{"
                    "\"io.modelcontextprotocol/subscriptionId\":2}}}"),
                 AIP_OK);
    CHECK(got.client == one && !got.ends);
    CHECK_TEXT(text(), "{\"method\":\"notifications/tools/list_changed\",\"params\":{\"_meta\":{"
                       "\"io.modelcontextprotocol/subscriptionId\":\"listen-1\"}}}");
    /* Of a request that is no subscription, and of none. */
    CHECK_STATUS(in("{\"method\":\"n\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":1}}}"),
                 AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(in("{\"method\":\"n\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":5}}}"),
                 AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(in("{\"method\":\"n\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"2\"}}}"),
                 AIP_OK);
    CHECK_TEXT(text(), "-");
    /* The server ends it: told, and then its result. */
    CHECK_STATUS(in("{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":2}}"), AIP_OK);
    CHECK_TEXT(text(), "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"listen-1\"}}");
    CHECK(!got.ends);
    CHECK_STATUS(in("{\"id\":2,\"result\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":2}}}"), AIP_OK);
    CHECK_TEXT(
        text(),
        "{\"id\":\"listen-1\",\"result\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"listen-1\"}}}");
    CHECK(got.ends);
    end();
}

static void
a_frame_that_names_two_requests_goes_nowhere(void)
{
    begin();
    CHECK_STATUS(
        out(one, "{\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{\"_meta\":{\"progressToken\":0}}}"),
        AIP_OK);
    CHECK_STATUS(
        out(two, "{\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{\"_meta\":{\"progressToken\":0}}}"),
        AIP_OK);
    CHECK_STATUS(in("{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"_meta\":{"
                    "\"io.modelcontextprotocol/subscriptionId\":2}}}"),
                 AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(in("{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":2,\"_meta\":{"
                    "\"io.modelcontextprotocol/subscriptionId\":2}}}"),
                 AIP_OK);
    CHECK(got.client == two);
    end();
}

static void
only_who_was_asked_answers_the_server_and_once(void)
{
    static const char asked[] =
        "{\"id\":0,\"method\":\"elicitation/create\",\"params\":{\"_meta\":{\"progressToken\":\"s\"}}}";
    begin();
    CHECK_STATUS(out(one, "{\"id\":0,\"result\":{}}"), AIP_OK); /* nobody was asked yet */
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(in(asked), AIP_OK);
    CHECK(got.verdict == MULTIPLEX_ASKS && got.client == NULL);
    CHECK_TEXT(text(), asked);
    CHECK_STATUS(multiplex_ask(m, one, scanned(asked), NULL), AIP_OK);
    CHECK_STATUS(multiplex_ask(m, two, scanned(asked), NULL), AIP_REQUEST_INVALID);
    CHECK_STATUS(multiplex_ask(m, two, scanned("{\"id\":null}"), NULL), AIP_REQUEST_INVALID);
    CHECK_STATUS(multiplex_ask(m, two, scanned("{\"method\":\"x\"}"), NULL), AIP_REQUEST_INVALID);
    CHECK_STATUS(out(two, "{\"id\":0,\"result\":{}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(out(two, "{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"s\"}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(out(one, "{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"s\"}}"), AIP_OK);
    CHECK_TEXT(text(), "{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"s\"}}");
    CHECK_STATUS(out(one, "{\"id\":0,\"result\":{}}"), AIP_OK);
    CHECK_TEXT(text(), "{\"id\":0,\"result\":{}}");
    CHECK_STATUS(out(one, "{\"id\":0,\"result\":{}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK(multiplex_count(m).asked == 0);
    scan_clear(&document);
    end();
}

static void
the_server_takes_back_what_it_asked(void)
{
    begin();
    CHECK_STATUS(multiplex_ask(m, two, scanned("{\"id\":\"s\",\"method\":\"x\"}"), NULL), AIP_OK);
    CHECK_STATUS(in("{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"t\"}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(in("{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"s\"}}"), AIP_OK);
    CHECK(got.client == two);
    CHECK_STATUS(out(two, "{\"id\":\"s\",\"result\":{}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    end();
}

static void
other_notifications_pass_untouched(void)
{
    begin();
    CHECK_STATUS(in("{\"method\":\"notifications/message\", \"params\":{\"data\":1e2}}"), AIP_OK);
    CHECK(got.verdict == MULTIPLEX_ANYONE && got.client == NULL);
    CHECK_TEXT(text(), "{\"method\":\"notifications/message\", \"params\":{\"data\":1e2}}");
    CHECK_STATUS(out(one, "{ \"method\":\"notifications/initialized\" }"), AIP_OK);
    CHECK_TEXT(text(), "{ \"method\":\"notifications/initialized\" }");
    end();
}

static void
what_goes_to_the_server_has_no_line_end(void)
{
    begin();
    CHECK_STATUS(out(one, "{\r\n  \"id\": 5,\n  \"method\": \"a b\\n\"\n}"), AIP_OK);
    CHECK_TEXT(text(), "{\"id\":1,\"method\":\"a b\\n\"}");
    CHECK_STATUS(out(one, "{\n\"method\":\"notifications/initialized\"}"), AIP_OK);
    CHECK_TEXT(text(), "{\"method\":\"notifications/initialized\"}");
    end();
}

static void
one_client_does_not_take_all_places(void)
{
    char request[64];
    begin();
    for (int i = 0; i < AIP_MULTIPLEX_CLIENT_REQUESTS_MAX; i++) {
        snprintf(request, sizeof request, "{\"id\":%d,\"method\":\"x\"}", i);
        CHECK_STATUS(out(one, request), AIP_OK);
    }
    CHECK_STATUS(out(one, "{\"id\":\"more\",\"method\":\"x\"}"), AIP_OVERLOADED);
    CHECK_STATUS(out(two, "{\"id\":\"more\",\"method\":\"x\"}"), AIP_OK);
    multiplex_forget(m, 1);
    multiplex_forget(m, 1);
    CHECK_STATUS(out(one, "{\"id\":\"more\",\"method\":\"x\"}"), AIP_OK);
    for (int i = 0; i < AIP_MULTIPLEX_ASKED_MAX; i++) {
        snprintf(request, sizeof request, "{\"id\":%d,\"method\":\"x\"}", i);
        CHECK_STATUS(multiplex_ask(m, two, scanned(request), NULL), AIP_OK);
    }
    CHECK_STATUS(multiplex_ask(m, two, scanned("{\"id\":\"more\",\"method\":\"x\"}"), NULL), AIP_OVERLOADED);
    scan_clear(&document);
    multiplex_leave(m, &two, remember, NULL);
    CHECK(multiplex_count(m).asked == 0);
    end();
}

static void
a_request_given_up_is_cancelled_and_its_answer_dropped(void)
{
    TEXT_AUTO text_buffer told = {0};
    begin();
    CHECK_STATUS(out(one, "{\"id\":\"slow\",\"method\":\"x\"}"), AIP_OK);
    CHECK_STATUS(multiplex_cancel(m, got.id, &told, NULL), AIP_OK);
    CHECK(told.size > 0 && strstr(told.data, "\"requestId\":1,") != NULL);
    CHECK_STATUS(multiplex_cancel(m, 1, &told, NULL), AIP_OK);
    CHECK(told.size == 0);
    CHECK_STATUS(in("{\"id\":1,\"result\":{}}"), AIP_OK);
    CHECK_TEXT(text(), "-");
    end();
}

static void
a_server_started_again_has_lost_all_that_was_open(void)
{
    begin();
    CHECK_STATUS(out(one, "{\"id\":\"a\",\"method\":\"x\"}"), AIP_OK);
    CHECK_STATUS(out(two, "{\"id\":5,\"method\":\"subscriptions/listen\"}"), AIP_OK);
    CHECK_STATUS(multiplex_ask(m, two, scanned("{\"id\":0,\"method\":\"x\"}"), NULL), AIP_OK);
    scan_clear(&document);
    multiplex_reset(m, remember_lost, NULL);
    CHECK_TEXT(note, "two 2 5;one 1 \"a\";");
    CHECK(multiplex_count(m).requests == 0 && multiplex_count(m).asked == 0 && multiplex_count(m).clients == 2);
    CHECK_STATUS(in("{\"id\":1,\"result\":{}}"), AIP_OK); /* ids are not used again */
    CHECK_TEXT(text(), "-");
    CHECK_STATUS(out(one, "{\"id\":\"a\",\"method\":\"x\"}"), AIP_OK);
    CHECK(got.id == 3);
    end();
}

static void
a_message_over_the_limit_leaves_the_answer_to_the_caller(void)
{
    static const scan_limits tight = {64, 64, 4096};
    begin();
    multiplex_close(&m);
    CHECK_STATUS(multiplex_open(&tight, &m, NULL), AIP_OK);
    CHECK_STATUS(multiplex_join(m, NULL, &one, NULL), AIP_OK);
    CHECK_STATUS(out(one, "{\"id\":\"an id of thirty bytes, quotes in\",\"method\":\"x\"}"), AIP_OK);
    CHECK_STATUS(in("{\"id\":1,\"result\":\"some forty bytes of text that fit\"}"), AIP_JSON_SIZE);
    CHECK(got.id == 1 && got.client == one && multiplex_count(m).requests == 1);
    end();
}

RUN(TEST(two_clients_with_the_same_id_get_their_own_answers), TEST(an_id_comes_back_to_the_byte),
    TEST(ids_and_tokens_of_another_kind_are_refused), TEST(an_id_that_is_open_is_refused_until_it_is_answered),
    TEST(answers_to_nothing_go_nowhere_and_are_counted),
    TEST(progress_without_a_token_or_after_the_answer_goes_nowhere), TEST(a_client_cancels_its_own_requests_only),
    TEST(initialize_is_never_cancelled), TEST(a_client_that_leaves_cancels_what_it_had_open_and_nothing_else),
    TEST(every_frame_of_a_subscription_names_what_the_client_wrote), TEST(a_frame_that_names_two_requests_goes_nowhere),
    TEST(only_who_was_asked_answers_the_server_and_once), TEST(the_server_takes_back_what_it_asked),
    TEST(other_notifications_pass_untouched), TEST(what_goes_to_the_server_has_no_line_end),
    TEST(one_client_does_not_take_all_places), TEST(a_request_given_up_is_cancelled_and_its_answer_dropped),
    TEST(a_server_started_again_has_lost_all_that_was_open),
    TEST(a_message_over_the_limit_leaves_the_answer_to_the_caller))
