/* A2A and plain HTTP from arbitrary bytes: targets, versions, facts, replies, addresses and cards. The first byte picks
 * the reader. */
#include <stdlib.h>

#include "base/json.h"
#include "gateway/a2a_card.h"
#include "gateway/a2a_facts.h"
#include "gateway/a2a_push.h"
#include "gateway/plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const scan_limits limits = {1 << 16, 32, 4096};

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* What was accepted has no second reading: nothing in it looks like a way up or a further segment. */
static void
check_target(aip_bytes text)
{
    a2a_match match;
    target_path path;
    const unsigned char *mark = text.size == 0 ? NULL : memchr(text.data, '?', text.size);
    aip_bytes query = mark == NULL ? (aip_bytes){NULL, 0} : aip_bytes_from(text, (size_t)(mark - text.data) + 1);
    text.size = mark == NULL ? text.size : (size_t)(mark - text.data);
    if (target_read_path(text, &path, NULL) == AIP_OK) {
        for (size_t i = 0; i < path.count; i++) {
            aip_bytes part = path.segments[i].text;
            require(part.size > 0 && memchr(part.data, '/', part.size) == NULL &&
                    memchr(part.data, '%', part.size) == NULL);
        }
    }
    if (a2a_match_path("GET", text, &match, NULL) == AIP_OK) {
        a2a_facts facts;
        require(match.row != NULL && strchr(match.task, ':') == NULL);
        (void)(a2a_facts_read(&match, NULL, query, &facts, NULL) == AIP_OK);
    }
    plain_facts plain;
    const plain_request request = {"GET", text, query, NULL, {NULL, 0}, {NULL, 0}};
    if (plain_read(&request, &plain, NULL) == AIP_OK) {
        scan_document document;
        require(plain.path[0] == '/' && strstr(plain.path, "/..") == NULL && strstr(plain.path, "//") == NULL);
        require(scan_load(text_view(&plain.arguments), &limits, &document, NULL) == AIP_OK);
        scan_clear(&document);
        plain_clear(&plain);
    }
}

static void
check_message(aip_bytes text)
{
    static const char *const methods[] = {"SendMessage",
                                          "SendStreamingMessage",
                                          "GetTask",
                                          "ListTasks",
                                          "CancelTask",
                                          "SubscribeToTask",
                                          "CreateTaskPushNotificationConfig",
                                          "GetTaskPushNotificationConfig",
                                          "ListTaskPushNotificationConfigs",
                                          "DeleteTaskPushNotificationConfig",
                                          "GetExtendedAgentCard"};
    scan_document document;
    a2a_reply_facts reply;
    a2a_facts facts;
    if (scan_load(text, &limits, &document, NULL) != AIP_OK) {
        return;
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        a2a_match match;
        require(a2a_match_method(aip_bytes_of(methods[i]), &match, NULL) == AIP_OK);
        for (int form = 0; form < 4; form++) {
            match.version = form % 2 == 0 ? A2A_0_3 : A2A_1_0;
            match.binding = form / 2 == 0 ? A2A_JSONRPC : A2A_REST;
            if (a2a_facts_read(&match, &document, (aip_bytes){NULL, 0}, &facts, NULL) == AIP_OK) {
                require(facts.secret_count <= A2A_SECRETS_MAX);
                require(facts.params == SCAN_NONE || facts.params < document.count);
                require(facts.registers_push || facts.push_url[0] == '\0');
            }
        }
    }
    (void)(a2a_reply_read(&document, A2A_REST, &reply, NULL) == AIP_OK);
    (void)(a2a_reply_read(&document, A2A_JSONRPC, &reply, NULL) == AIP_OK);
    scan_clear(&document);
}

static void
check_card(aip_bytes text)
{
    static const a2a_served served[] = {{"JSONRPC", "https://gw.example/rpc"}};
    const a2a_card_setup setup = {.served = served, .served_count = 1, .extension_uri = "urn:x", .did = "did:x:y"};
    a2a_card card, again;
    if (a2a_card_make(text, &setup, &card, NULL) != AIP_OK) {
        return;
    }
    scan_document document;
    STRING_AUTO char *payload = NULL;
    size_t size = 0;
    require(scan_load(text_view(&card.body), &limits, &document, NULL) == AIP_OK);
    require(a2a_card_payload(&document, A2A_CARD_AS_CLEANED, &payload, &size, NULL) == AIP_OK);
    scan_clear(&document);
    /* A card that was rewritten once is rewritten to itself. */
    require(a2a_card_make(text_view(&card.body), &setup, &again, NULL) == AIP_OK);
    require(strcmp(card.etag, again.etag) == 0);
    a2a_card_clear(&card);
    a2a_card_clear(&again);
}

static void
check_address(const char *text)
{
    static const a2a_push_rule rule = {.http = true};
    if (a2a_push_check(&rule, text, NULL) == AIP_OK) {
        require(strchr(text, '@') == NULL || strchr(text, '@') > strpbrk(strstr(text, "://") + 3, "/?"));
        require(strstr(text, "localhost") != strstr(text, "://") + 3 && strchr(text, '#') == NULL);
    }
    (void)(a2a_push_check_pattern(text, NULL) == AIP_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 16) {
        return 0;
    }
    aip_bytes text = {data + 1, size - 1};
    char *copy = strndup((const char *)text.data, text.size);
    a2a_extensions extensions;
    a2a_version version;
    require(copy != NULL);
    switch (data[0] % 4) {
    case 0:
        check_target(text);
        (void)(a2a_read_version((aip_bytes){NULL, 0}, 0, text, &version, NULL) == AIP_OK);
        (void)(a2a_read_extensions(text, (aip_bytes){NULL, 0}, &extensions, NULL) == AIP_OK);
        break;
    case 1:
        check_message(text);
        break;
    case 2:
        check_card(text);
        break;
    default:
        check_address(copy);
        break;
    }
    free(copy);
    return 0;
}
