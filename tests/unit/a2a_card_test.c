/* Agent cards: no inner address, no old signature and no false claim leaves the gateway, and ours can be verified. */
#include "gateway/a2a_card.h"

#include <stdlib.h>

#include "aip/limits.h"
#include "base/json.h"
#include "check.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "token/jws.h"

#define INNER "http://10.0.0.5:3000"
#define EXTENSION "https://gw.example.org/ext/aip/v1"
#define AGENT "did:aip:z6MkagentAgentAgent"

static const a2a_served both[] = {{"JSONRPC", "https://gw.example.org/agent/rpc"},
                                  {"HTTP+JSON", "https://gw.example.org/agent/rest"}};
static a2a_card_setup setup;
static aip_secret_key *key;

static void
begin(void)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {1, 2, 3};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    setup = (a2a_card_setup){.served = both,
                             .served_count = 2,
                             .extension_uri = EXTENSION,
                             .did = AGENT,
                             .key = key,
                             .key_id = "did:aip:zGateway#key-1",
                             .max_age_seconds = 300};
}

static void
end(void)
{
    aip_secret_key_free(&key);
}

/* The served card as a tree; NULL: it was refused. */
static json_t *
serve(const char *text)
{
    a2a_card card;
    json_t *tree = NULL;
    aip_status status = a2a_card_make(aip_bytes_of(text), &setup, &card, NULL);
    if (status == AIP_OK) {
        CHECK_STATUS(json_load_strict(text_view(&card.body), AIP_A2A_CARD_BYTES_MAX * 2, &tree, NULL), AIP_OK);
        a2a_card_clear(&card);
    } else {
        CHECK_STATUS(status, AIP_A2A_CARD);
        CHECK(card.body.size == 0 && card.body.data == NULL);
    }
    return tree;
}

static bool
holds(const json_t *tree, const char *text)
{
    char *written = json_dumps(tree, JSON_COMPACT);
    bool found = strstr(written, text) != NULL;
    free(written);
    return found;
}

static const char *
text_at(const json_t *tree, const char *list, size_t i, const char *name)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(tree, list), i), name));
}

#define REST_OF_CARD                                                                                        \
    "\"name\":\"Agent\",\"description\":\"Does things\",\"version\":\"1\",\"capabilities\":{\"streaming\":" \
    "true},\"defaultInputModes\":[\"text/plain\"],\"defaultOutputModes\":[\"text/plain\"],\"skills\":[{"    \
    "\"id\":\"s\",\"name\":\"S\",\"description\":\"d\",\"tags\":[\"t\"]}]"
#define INTERFACE(url, binding, version) \
    "{\"url\":\"" url "\",\"protocolBinding\":\"" binding "\",\"protocolVersion\":\"" version "\"}"

static void
every_interface_is_at_the_public_base_or_gone(void)
{
    begin();
    json_t *card = serve("{\"supportedInterfaces\":[" INTERFACE(INNER "/grpc", "GRPC", "1.0") "," INTERFACE(
        INNER "/a2a/v1", "HTTP+JSON",
        "1.0") "," INTERFACE("http:\\/\\/agent.internal\\/rpc", "JSONRPC",
                             "0.3") "," INTERFACE(INNER "/two", "JSONRPC",
                                                  "2.0") "," INTERFACE(INNER, "jsonrpc",
                                                                       "1.0") ",{\"url\":\"" INNER
                                                                              "\",\"protocolBinding\":\"JSONRPC\","
                                                                              "\"protocolVersion\":\"1.0\",\"tenant\":"
                                                                              "\"acme\"}]," REST_OF_CARD "}");
    CHECK(json_array_size(json_object_get(card, "supportedInterfaces")) == 3);
    CHECK_TEXT(text_at(card, "supportedInterfaces", 0, "url"), both[1].url);
    CHECK_TEXT(text_at(card, "supportedInterfaces", 1, "url"), both[0].url);
    CHECK_TEXT(text_at(card, "supportedInterfaces", 1, "protocolVersion"), "0.3");
    CHECK_TEXT(text_at(card, "supportedInterfaces", 2, "tenant"), "acme");
    CHECK(!holds(card, "10.0.0.5") && !holds(card, "internal") && !holds(card, "GRPC"));
    json_decref(card);
    end();
}

static void
a_card_of_0_3_is_rewritten_as_well(void)
{
    begin();
    json_t *card = serve("{\"protocolVersion\":\"0.3.0\",\"url\":\"" INNER "/a2a\"," REST_OF_CARD "}");
    CHECK_TEXT(json_string_value(json_object_get(card, "url")), both[0].url);
    CHECK(json_object_get(card, "preferredTransport") == NULL);
    json_decref(card);
    card =
        serve("{\"url\":\"" INNER "/g\",\"preferredTransport\":\"GRPC\",\"additionalInterfaces\":[{\"url\":\"" INNER
              "/g\",\"transport\":\"GRPC\"},{\"url\":\"" INNER "/r\",\"transport\":\"HTTP+JSON\"}]," REST_OF_CARD "}");
    CHECK_TEXT(json_string_value(json_object_get(card, "url")), both[1].url);
    CHECK_TEXT(json_string_value(json_object_get(card, "preferredTransport")), "HTTP+JSON");
    CHECK(json_array_size(json_object_get(card, "additionalInterfaces")) == 1);
    CHECK_TEXT(text_at(card, "additionalInterfaces", 0, "url"), both[1].url);
    CHECK(!holds(card, "10.0.0.5"));
    json_decref(card);
    card = serve("{\"url\":\"" INNER "/g\",\"preferredTransport\":\"GRPC\",\"supportedInterfaces\":[" INTERFACE(
        INNER, "JSONRPC", "1.0") "]," REST_OF_CARD "}");
    CHECK(card != NULL && json_object_get(card, "url") == NULL && json_object_get(card, "preferredTransport") == NULL);
    json_decref(card);
    setup.served = both + 1;
    setup.served_count = 1;
    CHECK(serve("{\"url\":\"" INNER "/g\"," REST_OF_CARD "}") == NULL);
    end();
}

static void
links_to_the_agents_host_lead_to_the_public_one(void)
{
    begin();
    json_t *card = serve("{\"supportedInterfaces\":[" INTERFACE(
        INNER "/rpc", "JSONRPC", "1.0") "],\"provider\":{\"organization\":\"O\",\"url\":\"" INNER
                                        "/about?x\"},\"iconUrl\":\"https://cdn.example/i.png\","
                                        "\"documentationUrl\":\"https://docs.example/\","
                                        "\"securitySchemes\":{\"o\":{\"oauth2SecurityScheme\":{\"flows\":{"
                                        "\"clientCredentials\":{\"tokenUrl\":\"HTTP://10.0.0.5:3000/token\","
                                        "\"scopes\":{}}}}},\"i\":{\"openIdConnectSecurityScheme\":{"
                                        "\"openIdConnectUrl\":\"http://10.0.0.5:30001/x\"}},\"l\":{\"type\":"
                                        "\"oauth2\",\"flows\":{\"clientCredentials\":{\"tokenUrl\":\"" INNER
                                        "/t\",\"scopes\":{}}}}}," REST_OF_CARD "}");
    CHECK_TEXT(json_string_value(json_object_get(json_object_get(card, "provider"), "url")),
               "https://gw.example.org/about?x");
    CHECK(holds(card, "https://gw.example.org/token") && holds(card, "https://gw.example.org/t\""));
    CHECK(!holds(card, "10.0.0.5:3000/") && holds(card, "http://10.0.0.5:30001/x"));
    CHECK(holds(card, "https://cdn.example/i.png") && holds(card, "https://docs.example/"));
    json_decref(card);
    end();
}

static void
our_extension_is_declared_once_and_by_us(void)
{
    begin();
    static const char *const cards[] = {
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "]}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"capabilities\":null}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"capabilities\":{}}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"capabilities\":{\"extensions\":null}}",
        "{\"supportedInterfaces\":[" INTERFACE(
            INNER, "JSONRPC",
            "1.0") "],\"capabilities\":{\"extensions\":[{\"uri\":\"urn:x\",\"n\":1e2},{\"uri\":\"" EXTENSION
                   "\",\"params\":{\"did\":\"did:aip:zEvil\"}},{\"uri\":\"https:\\/\\/gw.example.org\\/ext\\/aip"
                   "\\/v1\"}]}}",
    };
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++) {
        json_t *card = serve(cards[i]);
        json_t *list = json_object_get(json_object_get(card, "capabilities"), "extensions");
        size_t count = json_array_size(list);
        CHECK(count == (i == 4 ? 2 : 1));
        json_t *ours = json_array_get(list, count - 1);
        CHECK_TEXT(json_string_value(json_object_get(ours, "uri")), EXTENSION);
        CHECK_TEXT(json_string_value(json_object_get(json_object_get(ours, "params"), "did")), AGENT);
        CHECK(!holds(card, "zEvil"));
        json_decref(card);
    }
    setup.extension_uri = NULL;
    json_t *card = serve(cards[2]);
    CHECK(json_object_size(json_object_get(card, "capabilities")) == 0);
    json_decref(card);
    end();
}

/* The payload that a signature covers, by the specification's own example and rules. */
static void
check_payload(const char *text, a2a_card_form form, const char *wanted)
{
    static const scan_limits limits = {1 << 16, 32, 4096};
    scan_document card;
    char *payload = NULL;
    size_t size = 0;
    CHECK_STATUS(scan_load(aip_bytes_of(text), &limits, &card, NULL), AIP_OK);
    CHECK_STATUS(a2a_card_payload(&card, form, &payload, &size, NULL), AIP_OK);
    CHECK_TEXT(payload, wanted);
    CHECK(payload != NULL && strlen(payload) == size);
    free(payload);
    scan_clear(&card);
}

static void
a_signature_covers_what_the_specification_says(void)
{
    check_payload("{\"name\":\"Example Agent\",\"description\":\"\",\"capabilities\":{\"streaming\":false,"
                  "\"pushNotifications\":false,\"extensions\":[]},\"skills\":[]}",
                  A2A_CARD_AS_SPECIFIED,
                  "{\"capabilities\":{\"pushNotifications\":false,\"streaming\":false},\"description\":\"\",\"name\":"
                  "\"Example Agent\",\"skills\":[]}");
    check_payload("{\"signatures\":[{\"protected\":\"x\"}],\"iconUrl\":\"\",\"documentationUrl\":null,"
                  "\"securityRequirements\":[],\"securitySchemes\":{},\"url\":\"u\",\"provider\":{\"url\":\"\","
                  "\"organization\":\"\"},\"x\":[],\"supportedInterfaces\":[{\"url\":\"u\",\"tenant\":\"\"}]}",
                  A2A_CARD_AS_SPECIFIED,
                  "{\"iconUrl\":\"\",\"provider\":{\"organization\":\"\",\"url\":\"\"},\"supportedInterfaces\":[{"
                  "\"url\":\"u\"}],\"url\":\"u\",\"x\":[]}");
    check_payload(
        "{\"securitySchemes\":{\"k\":{\"mtlsSecurityScheme\":{}},\"o\":{\"oauth2SecurityScheme\":{"
        "\"description\":\"\",\"flows\":{\"deviceCode\":{\"refreshUrl\":\"\",\"scopes\":{}}}}}},"
        "\"capabilities\":{\"extensions\":[{\"uri\":\"\",\"required\":false,\"params\":{\"a\":\"\",\"b\":1.0}}]}}",
        A2A_CARD_AS_SPECIFIED,
        "{\"capabilities\":{\"extensions\":[{\"params\":{\"a\":\"\",\"b\":1}}]},\"securitySchemes\":{\"k\":{"
        "\"mtlsSecurityScheme\":{}},\"o\":{\"oauth2SecurityScheme\":{\"flows\":{\"deviceCode\":{\"scopes\":{"
        "}}}}}}}");
}

static void
the_sdks_form_has_nothing_empty_and_nothing_unknown(void)
{
    check_payload("{\"name\":\"A\",\"description\":\"\",\"capabilities\":{\"streaming\":false,\"extensions\":[{\"uri\":"
                  "\"u\",\"required\":false,\"params\":{\"a\":\"\",\"b\":{\"c\":[]},\"d\":0,\"e\":[\"\",1,{}]}}]},"
                  "\"skills\":[{\"id\":\"\",\"tags\":[\"\"]},{\"id\":\"s\",\"x\":1}],\"url\":\"u\",\"x\":1,"
                  "\"securitySchemes\":{\"k\":{\"mtlsSecurityScheme\":{}}},\"signatures\":[{}]}",
                  A2A_CARD_AS_CLEANED,
                  "{\"capabilities\":{\"extensions\":[{\"params\":{\"d\":0,\"e\":[1]},\"uri\":\"u\"}],\"streaming\":"
                  "false},\"name\":\"A\",\"skills\":[{\"id\":\"s\"}]}");
    check_payload("{\"skills\":[]}", A2A_CARD_AS_CLEANED, "{}");
}

/* Is the i-th signature the key's over that form of the card? */
static bool
verifies(const char *body, size_t i, a2a_card_form form)
{
    static const scan_limits limits = {1 << 20, 32, 8192};
    scan_document card;
    STRING_AUTO char *payload = NULL;
    size_t size = 0, signature_size = 0;
    unsigned char signature[AIP_SIGNATURE_BYTES], header[512];
    json_t *tree = NULL;
    TEXT_AUTO text_buffer input = {0};
    CHECK_STATUS(json_load_strict(aip_bytes_of(body), 1 << 20, &tree, NULL), AIP_OK);
    CHECK_STATUS(scan_load(aip_bytes_of(body), &limits, &card, NULL), AIP_OK);
    CHECK_STATUS(a2a_card_payload(&card, form, &payload, &size, NULL), AIP_OK);
    scan_clear(&card);
    const char *protected = text_at(tree, "signatures", i, "protected"),
               *value = text_at(tree, "signatures", i, "signature");
    char *encoded = malloc(BASE64URL_TEXT_SIZE(size) + 1);
    base64url_encode((aip_bytes){(const unsigned char *)payload, size}, encoded);
    text_append_format(&input, "%s.%s", protected, encoded);
    free(encoded);
    CHECK_STATUS(base64url_decode(aip_bytes_of(value), signature, sizeof signature, &signature_size, NULL), AIP_OK);
    CHECK_STATUS(base64url_decode(aip_bytes_of(protected), header, sizeof header, &size, NULL), AIP_OK);
    CHECK(
        aip_bytes_equal((aip_bytes){header, size},
                        AIP_BYTES_LITERAL("{\"alg\":\"EdDSA\",\"typ\":\"JOSE\",\"kid\":\"did:aip:zGateway#key-1\"}")));
    json_decref(tree);
    return aip_verify(aip_secret_key_public(key), text_view(&input), signature, NULL) == AIP_OK;
}

static void
the_served_card_is_signed_by_the_gateway_alone(void)
{
    begin();
    a2a_card card;
    CHECK_STATUS(
        a2a_card_make(aip_bytes_of("{\"supportedInterfaces\":[" INTERFACE(
                          INNER, "JSONRPC", "1.0") "],\"signatures\":[{\"protected\":\"old\",\"signature\":\"old\"}],"
                                                   "\"skills\":[],\"name\":\"A\"}"),
                      &setup, &card, NULL),
        AIP_OK);
    text_append(&card.body, (aip_bytes){(const unsigned char *)"", 1});
    CHECK(strstr(card.body.data, "old") == NULL);
    CHECK(verifies(card.body.data, 0, A2A_CARD_AS_SPECIFIED) && verifies(card.body.data, 1, A2A_CARD_AS_CLEANED));
    CHECK(!verifies(card.body.data, 1, A2A_CARD_AS_SPECIFIED));
    char *name = strstr(card.body.data, "\"A\"");
    name[1] = 'B';
    CHECK(!verifies(card.body.data, 0, A2A_CARD_AS_SPECIFIED) && !verifies(card.body.data, 1, A2A_CARD_AS_CLEANED));
    a2a_card_clear(&card);
    CHECK_STATUS(a2a_card_make(aip_bytes_of("{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC",
                                                                                   "1.0") "]," REST_OF_CARD "}"),
                               &setup, &card, NULL),
                 AIP_OK);
    text_append(&card.body, (aip_bytes){(const unsigned char *)"", 1});
    CHECK(verifies(card.body.data, 0, A2A_CARD_AS_SPECIFIED) && verifies(card.body.data, 0, A2A_CARD_AS_CLEANED));
    json_t *tree = json_loads(card.body.data, 0, NULL);
    CHECK(json_array_size(json_object_get(tree, "signatures")) == 1);
    json_decref(tree);
    a2a_card_clear(&card);
    setup.key = NULL;
    tree = serve("{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"signatures\":[{}]}");
    CHECK(tree != NULL && json_object_get(tree, "signatures") == NULL);
    json_decref(tree);
    end();
}

static void
what_needs_no_change_stays_as_it_came(void)
{
    begin();
    a2a_card card;
    setup.key = NULL;
    setup.extension_uri = NULL;
    CHECK_STATUS(
        a2a_card_make(aip_bytes_of("{ \"x\": [1.10, 1e400000, 12345678901234567890],\"supportedInterfaces\":[]}"),
                      &setup, &card, NULL),
        AIP_A2A_CARD);
    CHECK_STATUS(
        a2a_card_make(aip_bytes_of("{ \"x\": [1.10, 12345678901234567890, \"\\u0041\"],\"supportedInterfaces\":["
                                   "{\"url\":\"http://a.b\",\"protocolBinding\":\"JSONRPC\"}]}"),
                      &setup, &card, NULL),
        AIP_OK);
    CHECK(aip_bytes_equal(
        text_view(&card.body),
        aip_bytes_of("{ \"x\": [1.10, 12345678901234567890, \"\\u0041\"],\"supportedInterfaces\":[{\"url\":"
                     "\"https://gw.example.org/agent/rpc\",\"protocolBinding\":\"JSONRPC\"}]}")));
    a2a_card_clear(&card);
    end();
}

static void
a_card_served_verbatim_is_the_agents_own(void)
{
    begin();
    static const char text[] = "{ \"url\":\"" INNER "\", \"signatures\":[{\"protected\":\"p\",\"signature\":\"s\"}] }";
    a2a_card card;
    setup.verbatim = true;
    CHECK_STATUS(a2a_card_make(aip_bytes_of(text), &setup, &card, NULL), AIP_OK);
    CHECK(aip_bytes_equal(text_view(&card.body), aip_bytes_of(text)));
    CHECK(card.etag[0] == '"' && strlen(card.etag) == 45);
    a2a_card_clear(&card);
    CHECK_STATUS(a2a_card_make(aip_bytes_of("[]"), &setup, &card, NULL), AIP_A2A_CARD);
    CHECK_STATUS(a2a_card_make(aip_bytes_of("{\"a\":1,\"a\":2}"), &setup, &card, NULL), AIP_A2A_CARD);
    end();
}

static void
the_tag_follows_the_bytes_and_a_callers_card_is_never_kept(void)
{
    begin();
    static const char one[] = "{\"name\":\"1\",\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "]}";
    static const char two[] = "{\"name\":\"2\",\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "]}";
    a2a_card a, b, c;
    CHECK_STATUS(a2a_card_make(aip_bytes_of(one), &setup, &a, NULL), AIP_OK);
    CHECK_STATUS(a2a_card_make(aip_bytes_of(one), &setup, &b, NULL), AIP_OK);
    CHECK_TEXT(a.cache_control, "public, max-age=300");
    setup.extended = true;
    CHECK_STATUS(a2a_card_make(aip_bytes_of(two), &setup, &c, NULL), AIP_OK);
    CHECK_TEXT(c.cache_control, "private, no-store");
    CHECK_TEXT(a.etag, b.etag);
    CHECK(strcmp(a.etag, c.etag) != 0 && a.etag[0] == '"' && a.etag[44] == '"');
    a2a_card_clear(&a);
    a2a_card_clear(&b);
    a2a_card_clear(&c);
    setup.extended = false;
    setup.max_age_seconds = 0;
    CHECK_STATUS(a2a_card_make(aip_bytes_of(one), &setup, &a, NULL), AIP_OK);
    CHECK_TEXT(a.cache_control, "no-cache");
    a2a_card_clear(&a);
    end();
}

static void
cards_that_cannot_be_trusted_are_refused(void)
{
    begin();
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "\"card\"",
        "{}",
        "{" REST_OF_CARD "}",
        "{\"name\":\"\xff\"}",
        "{\"supportedInterfaces\":[]}",
        "{\"supportedInterfaces\":{}}",
        "{\"supportedInterfaces\":[7]}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "GRPC", "1.0") "]}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "9.0") "]}",
        "{\"supportedInterfaces\":[" INTERFACE("nowhere", "JSONRPC", "1.0") "]}",
        "{\"supportedInterfaces\":[{\"protocolBinding\":\"JSONRPC\"}]}",
        "{\"supportedInterfaces\":[{\"url\":7,\"protocolBinding\":\"JSONRPC\"}]}",
        "{\"supportedInterfaces\":[{\"url\":\"" INNER "\",\"URL\":\"" INNER "\",\"protocolBinding\":\"JSONRPC\"}]}",
        "{\"supportedInterfaces\":[{\"url\":\"" INNER "\",\"protocol_binding\":\"JSONRPC\"}]}",
        "{\"supported_interfaces\":[],\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "]}",
        "{\"supportedinterfaces\":[],\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "]}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"additional_interfaces\":[{}]}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"capabilities\":[]}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"capabilities\":{\"extensions\":{}}}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"capabilities\":{\"extensions\":[\"x\"]}}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"provider\":{\"url\":7}}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"securitySchemes\":[]}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"signatures\":7}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"url\":7}",
        "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "]} {}",
        "{\"url\":\"" INNER "\",\"preferredTransport\":\"GRPC\"}",
        "{\"url\":\"" INNER "\",\"preferredTransport\":\"GRPC\",\"additionalInterfaces\":[{\"url\":\"" INNER
        "\",\"transport\":\"GRPC\"}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *card = serve(bad[i]);
        CHECK(card == NULL);
        if (card != NULL) {
            printf("  at %s\n", bad[i]);
            json_decref(card);
        }
    }
    TEXT_AUTO text_buffer large = {0};
    text_append_string(&large, "{\"supportedInterfaces\":[" INTERFACE(INNER, "JSONRPC", "1.0") "],\"description\":\"");
    while (large.size < AIP_A2A_CARD_BYTES_MAX) {
        text_append_string(&large, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    }
    text_append(&large, (aip_bytes){(const unsigned char *)"\"}\0", 3});
    CHECK(serve(large.data) == NULL);
    TEXT_AUTO text_buffer many = {0};
    text_append_string(&many, "{\"supportedInterfaces\":[");
    for (int i = 0; i < 40; i++) {
        text_append_format(&many, INTERFACE("http://h%d/", "JSONRPC", "1.0") ",", i);
    }
    text_append_string(&many, INTERFACE(INNER, "JSONRPC", "1.0") "]}");
    text_append(&many, (aip_bytes){(const unsigned char *)"", 1});
    CHECK(serve(many.data) == NULL);
    end();
}

RUN(TEST(every_interface_is_at_the_public_base_or_gone), TEST(a_card_of_0_3_is_rewritten_as_well),
    TEST(links_to_the_agents_host_lead_to_the_public_one), TEST(our_extension_is_declared_once_and_by_us),
    TEST(a_signature_covers_what_the_specification_says), TEST(the_sdks_form_has_nothing_empty_and_nothing_unknown),
    TEST(the_served_card_is_signed_by_the_gateway_alone), TEST(what_needs_no_change_stays_as_it_came),
    TEST(a_card_served_verbatim_is_the_agents_own), TEST(the_tag_follows_the_bytes_and_a_callers_card_is_never_kept),
    TEST(cards_that_cannot_be_trusted_are_refused))
