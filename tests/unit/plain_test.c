/* Plain HTTP APIs: every address has one name in scopes, and what could have two is refused. */
#include "gateway/plain.h"

#include <stdlib.h>

#include "base/json.h"
#include "check.h"

static const scan_limits limits = {1 << 20, 32, 4096};

/* `body` NULL: none. The facts are the caller's to clear. */
static aip_status
read_all(const char *method, const char *target, const char *body, plain_facts *out)
{
    scan_document document;
    const char *query = strchr(target, '?');
    plain_request request = {.method = method,
                             .path = {(const unsigned char *)target, strcspn(target, "?")},
                             .query = aip_bytes_of(query == NULL ? "" : query + 1)};
    if (body == NULL) {
        return plain_read(&request, out, NULL);
    }
    CHECK_STATUS(scan_load(aip_bytes_of(body), &limits, &document, NULL), AIP_OK);
    request.body = &document;
    aip_status status = plain_read(&request, out, NULL);
    scan_clear(&document);
    return status;
}

static void
check_wanted(const char *method, const char *target, const char *wanted)
{
    plain_facts facts;
    CHECK_STATUS(read_all(method, target, NULL, &facts), AIP_OK);
    CHECK_TEXT(facts.wanted, wanted);
    CHECK(facts.path != NULL && facts.path[0] == '/');
    plain_clear(&facts);
}

static void
check_arguments(const char *target, const char *body, const char *wanted)
{
    plain_facts facts;
    CHECK_STATUS(read_all("POST", target, body, &facts), AIP_OK);
    CHECK(aip_bytes_equal(text_view(&facts.arguments), aip_bytes_of(wanted)));
    plain_clear(&facts);
    CHECK(facts.arguments.data == NULL && facts.wanted[0] == '\0');
}

/* E-72: whatever its type says, a body is an argument. */
static void
a_body_that_is_no_json_is_one_argument(void)
{
    plain_facts facts;
    plain_request request = {.method = "POST",
                             .path = AIP_BYTES_LITERAL("/v1/x"),
                             .query = AIP_BYTES_LITERAL("a=1"),
                             .other = AIP_BYTES_LITERAL("{\"b\":2}\xff")};
    CHECK_STATUS(plain_read(&request, &facts, NULL), AIP_OK);
    CHECK(aip_bytes_equal(text_view(&facts.arguments),
                          AIP_BYTES_LITERAL("{\"a\":\"1\",\"body\":\"{\\\"b\\\":2}\xef\xbf\xbd\"}")));
    plain_clear(&facts);
    request.query = AIP_BYTES_LITERAL("body=1");
    CHECK_STATUS(plain_read(&request, &facts, NULL), AIP_REQUEST_INVALID);
    request.other = (aip_bytes){NULL, 0};
    CHECK_STATUS(plain_read(&request, &facts, NULL), AIP_OK);
    plain_clear(&facts);
}

static aip_status
read_form(const char *query, const char *body, plain_facts *out)
{
    const plain_request request = {.method = "POST",
                                   .path = AIP_BYTES_LITERAL("/v1/x"),
                                   .query = aip_bytes_of(query),
                                   .type = AIP_BYTES_LITERAL("Application/X-WWW-Form-URLencoded; charset=utf-8"),
                                   .other = aip_bytes_of(body)};
    return plain_read(&request, out, NULL);
}

/* E-87 */
static void
the_parameters_of_a_form_are_arguments(void)
{
    static const char *const rows[][3] = {
        {"", "a=1&b=two+words&c", "{\"a\":\"1\",\"b\":\"two words\",\"c\":\"\"}"},
        {"q=0", "%61=%2Fetc%2F%22&&b=x=y&", "{\"q\":\"0\",\"a\":\"/etc/\\\"\",\"b\":\"x=y\"}"},
        {"body=1", "a=%3B%00", "{\"body\":\"1\",\"a\":\";\\u0000\"}"},
        {"", "a=caf\xc3\xa9 et the\n&a%20b=1", "{\"a\":\"caf\xc3\xa9 et the\\n\",\"a b\":\"1\"}"},
        {"", "body=1&a[0]=2", "{\"body\":\"1\",\"a[0]\":\"2\"}"},
        {"", "{\"a\":1}", "{\"{\\\"a\\\":1}\":\"\"}"},
        {"a=1", "", "{\"a\":\"1\"}"},
        {"", "&&", "{}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        plain_facts facts;
        CHECK_STATUS(read_form(rows[i][0], rows[i][1], &facts), AIP_OK);
        CHECK(aip_bytes_equal(text_view(&facts.arguments), aip_bytes_of(rows[i][2])));
        plain_clear(&facts);
    }
}

static void
forms_that_could_be_read_otherwise_are_refused(void)
{
    static const char *const rows[][2] = {
        {"", "a=1&a=2"}, {"", "a=1&%61=2"}, {"", "a&b&a"},       {"", "a[]=1&a[]=2"},   {"", "=1&=2"},
        {"a=0", "a=1"},  {"b&%61", "a=1"},  {"", "a=1;b=2"},     {"", "a;b"},           {"", "a=%"},
        {"", "a=%4"},    {"", "%zz=1"},     {"", "a=%C0%AF"},    {"", "a=\xff"},        {"", "%00a=1"},
        {"", "a%0A=1"},  {"", "a=1& a=2"},  {"", "_method=PUT"}, {"", "a=1&%5fMethod"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        plain_facts facts;
        aip_status status = read_form(rows[i][0], rows[i][1], &facts);
        CHECK_STATUS(status, AIP_REQUEST_INVALID);
        CHECK(facts.arguments.data == NULL);
        if (status == AIP_OK) {
            printf("  at %s\n", rows[i][1]);
            plain_clear(&facts);
        }
    }
}

static void
a_form_has_a_thousand_parameters_at_most(void)
{
    TEXT_AUTO text_buffer body = {0};
    plain_facts facts;
    for (int i = 0; i < AIP_FORM_PARAMETERS_MAX; i++) {
        text_append_format(&body, "%sp%d=%d", i == 0 ? "" : "&", i, i);
    }
    text_append(&body, (aip_bytes){(const unsigned char *)"", 1});
    CHECK_STATUS(read_form("", body.data, &facts), AIP_OK);
    plain_clear(&facts);
    body.size--;
    text_append(&body, (aip_bytes){(const unsigned char *)"&x", 3});
    CHECK_STATUS(read_form("", body.data, &facts), AIP_REQUEST_INVALID);
}

static void
a_query_is_written_plainly(void)
{
    static const char *const good[] = {"", "a=b", "a=%20&c=d+e", "a[0]=1", "q=:/?@!$'()*,;~"};
    static const char *const bad[] = {"a=#",    "a=b c", "a=\"b\"", "a=<b>", "a=b\\c", "a=caf\xc3\xa9",
                                      "a=\x7f", "a=\n",  "a={b}",   "a=b|c", "a=^",    "a=`b`"};
    char large[AIP_PATH_BYTES_MAX + 2];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_STATUS(target_check_query(aip_bytes_of(good[i]), NULL), AIP_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(target_check_query(aip_bytes_of(bad[i]), NULL), AIP_REQUEST_INVALID);
    }
    memset(large, 'a', sizeof large);
    CHECK_STATUS(target_check_query((aip_bytes){(const unsigned char *)large, sizeof large - 1}, NULL),
                 AIP_REQUEST_INVALID);
    CHECK_STATUS(target_check_query((aip_bytes){(const unsigned char *)large, sizeof large - 2}, NULL), AIP_OK);
}

static void
an_address_has_one_name_however_it_is_spelt(void)
{
    check_wanted("GET", "/v1/items", "http:GET /v1/items");
    check_wanted("HEAD", "/v1/items", "http:GET /v1/items");
    check_wanted("DELETE", "/v1/items/7", "http:DELETE /v1/items/7");
    check_wanted("GET", "/", "http:GET /");
    check_wanted("GET", "/v1/", "http:GET /v1/");
    check_wanted("GET", "/%76%31/it%65ms", "http:GET /v1/items");
    check_wanted("GET", "/a%20b", "http:GET /a%20b");
    check_wanted("GET", "/caf%c3%a9", "http:GET /caf%C3%A9");
    check_wanted("GET", "/a~b*c+d", "http:GET /a%7Eb%2Ac%2Bd");
    check_wanted("GET", "/a:b@c.d-e_f", "http:GET /a:b@c.d-e_f");
    check_wanted("GET", "/x%3Ay", "http:GET /x:y");
    check_wanted("POST", "/.well-known/a..b", "http:POST /.well-known/a..b");
}

static void
addresses_that_could_be_read_otherwise_are_refused(void)
{
    static const char *const rows[] = {
        "",          "*",      "v1",        "http://h/v1", "h:443",      "//",          "//h/x", "/a//b",     "/a//",
        "/.",        "/..",    "/a/./b",    "/...",        "/a/..0x5cb", "/a/../b",     "/a/..", "/%2e%2e/b", "/a/%2E",
        "/a/.%2e/b", "/a%2fb", "/a%2Fb",    "/a%5cb",      "/a\\b",      "/a%252f",     "/a%25", "/a%",       "/a%1",
        "/a%gg",     "/a;x=1", "/a%3bx",    "/a;/../b",    "/a#b",       "/a%23",       "/a%3f", "/a b",      "/a%00",
        "/a%0d%0aX", "/a%7f",  "/\xC3\xA9", "/a%C3",       "/a%C0%AE",   "/a%ED%A0%80", "/a\"b", "/a<b",      "/a{b}",
        "/a|b",      "/a^b",   "/a`b",      "/a\x01"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        plain_facts facts;
        aip_status status = read_all("GET", rows[i], NULL, &facts);
        CHECK_STATUS(status, AIP_REQUEST_INVALID);
        CHECK(facts.arguments.data == NULL);
        if (status != AIP_REQUEST_INVALID) {
            printf("  at %s\n", rows[i]);
            plain_clear(&facts);
        }
    }
    char *large = calloc(1, AIP_PATH_BYTES_MAX + 2);
    plain_facts facts;
    memset(large, 'a', AIP_PATH_BYTES_MAX + 1);
    large[0] = '/';
    CHECK_STATUS(read_all("GET", large, NULL, &facts), AIP_REQUEST_INVALID);
    large[AIP_PATH_BYTES_MAX] = '\0';
    memset(large + 1, '~', AIP_PATH_BYTES_MAX - 1);
    CHECK_STATUS(read_all("DELETE", large, NULL, &facts), AIP_OK);
    CHECK(strlen(facts.wanted) == sizeof "http:DELETE " - 1 + 1 + 3 * (AIP_PATH_BYTES_MAX - 1));
    plain_clear(&facts);
    free(large);
}

static void
methods_outside_the_list_are_refused(void)
{
    static const char *const rows[] = {"",        "get",      "Get",  "CONNECT", "TRACE",
                                       "OPTIONS", "PROPFIND", "GET ", "PRI",     "GETX"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        plain_facts facts;
        CHECK_STATUS(read_all(rows[i], "/a", NULL, &facts), AIP_REQUEST_HTTP_METHOD);
    }
    check_wanted("PATCH", "/a", "http:PATCH /a");
    check_wanted("PUT", "/a", "http:PUT /a");
}

static void
query_and_body_become_arguments(void)
{
    check_arguments("/a", NULL, "{}");
    check_arguments("/a?", NULL, "{}");
    check_arguments("/a?x=1&y=a%20b+c&z&&w=", NULL, "{\"x\":\"1\",\"y\":\"a b c\",\"z\":\"\",\"w\":\"\"}");
    check_arguments("/a?q=%22%5C%00", NULL, "{\"q\":\"\\\"\\\\\\u0000\"}");
    check_arguments("/a", "{\"n\":1.10,\"s\":\"\\u0041\",\"o\":{\"x\":[]}}",
                    "{\"n\":1.10,\"s\":\"\\u0041\",\"o\":{\"x\":[]}}");
    check_arguments("/a?x=1", "{\"y\":2}", "{\"x\":\"1\",\"y\":2}");
    check_arguments("/a?x=1", " [1, 2] ", "{\"x\":\"1\",\"body\":[1, 2]}");
    check_arguments("/a", "\"text\"", "{\"body\":\"text\"}");
    check_arguments("/a", "{}", "{}");
}

static void
parameters_that_could_be_read_otherwise_are_refused(void)
{
    static const struct {
        const char *target, *body;
    } rows[] = {
        {"/a?x=1&x=2", NULL},
        {"/a?x=1&%78=2", NULL},
        {"/a?x=1&y=2&x", NULL},
        {"/a?x=1", "{\"x\":2}"},
        {"/a?x=1", "{\"\\u0078\":2}"},
        {"/a?body=1", "[1]"},
        {"/a?_method=DELETE", NULL},
        {"/a?_METHOD=DELETE", NULL},
        {"/a?x=%", NULL},
        {"/a?x=%4", NULL},
        {"/a?x=%zz", NULL},
        {"/a?%00x=1", NULL},
        {"/a?x%0A=1", NULL},
        {"/a?x=%C3", NULL},
        {"/a?x=%C0%AF", NULL},
        {"/a?x=\xff", NULL},
        {"/a?=1&=2", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        plain_facts facts;
        aip_status status = read_all("POST", rows[i].target, rows[i].body, &facts);
        CHECK_STATUS(status, AIP_REQUEST_INVALID);
        CHECK(facts.arguments.data == NULL);
        if (status == AIP_OK) {
            printf("  at %s\n", rows[i].target);
            plain_clear(&facts);
        }
    }
}

static void
headers_that_make_another_request_of_it_are_known(void)
{
    CHECK(plain_is_override(AIP_BYTES_LITERAL("x-http-method-override")));
    CHECK(plain_is_override(AIP_BYTES_LITERAL("X-Original-URL")));
    CHECK(!plain_is_override(AIP_BYTES_LITERAL("X-Original-URL2")));
    CHECK(!plain_is_override(AIP_BYTES_LITERAL("X-HTTP-Metho")));
    CHECK(!plain_is_override(AIP_BYTES_LITERAL("")));
}

/* Whatever is accepted has no way up in it, also when it is decoded once more. */
static void
check_harmless(const char *arg, size_t *accepted)
{
    plain_facts facts;
    if (strchr(arg, '?') != NULL || read_all("GET", arg, NULL, &facts) != AIP_OK) {
        return;
    }
    (*accepted)++;
    CHECK(strstr(facts.path, "/..") == NULL);
    CHECK(strstr(facts.path, "//") == NULL && strstr(facts.path, "/./") == NULL && strstr(facts.path, "%2F") == NULL &&
          strstr(facts.path, "%5C") == NULL && strstr(facts.path, "%25") == NULL && strstr(facts.path, "%00") == NULL);
    plain_clear(&facts);
}

static void
no_public_traversal_leads_upwards(void)
{
    const char *root = getenv("AIP_VECTORS");
    char path[512], line[16384];
    size_t read = 0, accepted = 0;
    (void)snprintf(path, sizeof path, "%s/10-attack/traversal_public.jsonl", root == NULL ? "../shared/vectors" : root);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("  skipped: no shared vectors\n");
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        json_t *tree = json_loads(line, JSON_ALLOW_NUL, NULL);
        const char *arg = json_string_value(json_object_get(tree, "arg"));
        char target[16384];
        if (arg != NULL) {
            read++;
            check_harmless(arg, &accepted);
            (void)snprintf(target, sizeof target, "/files/%s", arg);
            check_harmless(target, &accepted);
        }
        json_decref(tree);
    }
    (void)fclose(file);
    CHECK(read > 300 && accepted > 10);
}

static bool
overrides(const char *type, const char *body)
{
    const plain_request request = {.type = aip_bytes_of(type), .other = aip_bytes_of(body)};
    return plain_body_overrides(&request);
}

static bool
json_overrides(const char *body)
{
    scan_document document;
    CHECK_STATUS(scan_load(aip_bytes_of(body), &limits, &document, NULL), AIP_OK);
    const plain_request request = {.body = &document};
    bool found = plain_body_overrides(&request);
    scan_clear(&document);
    return found;
}

static void
a_body_that_asks_for_another_method_is_known(void)
{
    static const char form[] = "application/x-www-form-urlencoded", parts[] = "multipart/form-data; boundary=b";
    CHECK(overrides(form, "_method=DELETE") && overrides(form, "a=1&_METHOD=PUT") && overrides(form, "a=1;_method=x"));
    CHECK(overrides(form, "a=1&%5f%4Dethod=PUT&b") && overrides(form, "_method") && overrides(form, "&&_method=&"));
    CHECK(overrides("Application/X-WWW-Form-URLencoded; charset=utf-8", "_method=DELETE"));
    CHECK(!overrides(form, "method=DELETE&a=_method") && !overrides(form, "_methods=1&x_method=2&_meth=3"));
    CHECK(!overrides(form, "%") && !overrides(form, "") && !overrides(form, "%5") &&
          !overrides("text/plain", "_method=x"));
    CHECK(overrides(parts, "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--b--"));
    CHECK(overrides(parts, "--b\r\nContent-Disposition: form-data; name=_Method\r\n\r\nDELETE\r\n--b--"));
    CHECK(overrides(parts, "--b\r\nContent-Disposition: form-data; name*=utf-8''_method\r\n\r\nDELETE\r\n--b--"));
    CHECK(!overrides(parts, "--b\r\nContent-Disposition: form-data; name=\"a_method\"\r\n\r\n_method of it\r\n--b--"));
    CHECK(json_overrides("{\"a\":1,\"_method\":\"DELETE\"}") && json_overrides("{\"\\u005fMethod\":1}"));
    CHECK(!json_overrides("{\"method\":1,\"a\":{\"_method\":1}}") && !json_overrides("[\"_method\"]"));
}

RUN(TEST(a_body_that_asks_for_another_method_is_known), TEST(a_body_that_is_no_json_is_one_argument),
    TEST(the_parameters_of_a_form_are_arguments), TEST(forms_that_could_be_read_otherwise_are_refused),
    TEST(a_form_has_a_thousand_parameters_at_most), TEST(a_query_is_written_plainly),
    TEST(an_address_has_one_name_however_it_is_spelt), TEST(addresses_that_could_be_read_otherwise_are_refused),
    TEST(methods_outside_the_list_are_refused), TEST(query_and_body_become_arguments),
    TEST(parameters_that_could_be_read_otherwise_are_refused), TEST(headers_that_make_another_request_of_it_are_known),
    TEST(no_public_traversal_leads_upwards))
