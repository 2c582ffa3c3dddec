/* JSON messages: what is found wherever it stands, and what stays byte for byte. The keys are made up. */
#include "dlp_fixture.h"

#include <stdlib.h>

#define KEY "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"
#define MARK "[REDACTED:github-pat]"

/* The message as it would go on; NULL when it is refused. */
static const char *
pass_on(dlp_subject *s, const char *json)
{
    static const scan_limits limits = {1 << 20, AIP_JSON_DEPTH_MAX, 4096};
    scan_document message;
    aip_error err = AIP_ERROR_INIT;
    dlp_findings_clear(&s->found);
    text_clear(&s->text);
    if (scan_load(aip_bytes_of(json), &limits, &message, &err) != AIP_OK) {
        return "(the test's message is not valid)";
    }
    aip_status status = dlp_scan_message(s->scanner, s->workspace, &message, &s->found, &s->text, &err);
    scan_clear(&message);
    text_append(&s->text, (aip_bytes){(const unsigned char *)"", 1});
    return status == AIP_OK ? s->text.data : NULL;
}

static void
a_clean_message_stays_as_it_is(void)
{
    static const char *const messages[] = {
        "{}",
        " [ 1 , 2.50, -0e+1, true,null , \"\" ] \n",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"a\\u0020b\\n\\/\"}]}}",
        ("{\"a\":{\"b\":[[\"deep\"]]},\"\\u0061b\":\"name\",\"did\":\"did:key:"
         "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK\"}"),
    };
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        CHECK_TEXT(pass_on(&s, messages[i]), messages[i]);
        CHECK(s.found.count == 0 && !s.found.unread);
    }
    close_subject(&s);
}

static void
each_string_is_looked_at_and_all_else_stays(void)
{
    static const char *const rows[][2] = {
        {"{\"a\" : \"x " KEY "\", \"n\":1.0}", "{\"a\" : \"x " MARK "\", \"n\":1.0}"},
        {"[[\"" KEY "\"],{\"k\":[\"" KEY ".\"]}]", "[[\"" MARK "\"],{\"k\":[\"" MARK ".\"]}]"},
        {"{\"" KEY "\":1,\"b\":2}", "{\"" MARK "\":1,\"b\":2}"},
        {"\"" KEY "\"", "\"" MARK "\""},
        {"{\"error\":{\"code\":-1,\"message\":\"no " KEY "\",\"data\":{\"t\":\"" KEY "\"}}}",
         "{\"error\":{\"code\":-1,\"message\":\"no " MARK "\",\"data\":{\"t\":\"" MARK "\"}}}"},
        {"[\"one\",\"" KEY "\",\"\\u00e9\"]", "[\"one\",\"" MARK "\",\"\\u00e9\"]"},
    };
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_TEXT(pass_on(&s, rows[i][0]), rows[i][1]);
        CHECK(s.found.count >= 1);
    }
    close_subject(&s);
}

static void
escapes_do_not_hide_a_secret(void)
{
    static const char *const rows[][2] = {
        {"{\"a\":\"x\\n" KEY "\\n\"}", "{\"a\":\"x\\n" MARK "\\n\"}"},
        {"{\"a\":\"\\u0067hp_AipmBEdJKNU679qWcABLf5zYmLJwxO0EgVff\"}", "{\"a\":\"" MARK "\"}"},
        {"{\"\\u0067hp_AipmBEdJKNU679qWcABLf5zYmLJwxO0EgVff\":0}", "{\"" MARK "\":0}"},
        {"{\"a\":\"{\\\"t\\\":\\\"" KEY "\\\"}\"}", "{\"a\":\"{\\\"t\\\":\\\"" MARK "\\\"}\"}"},
    };
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_TEXT(pass_on(&s, rows[i][0]), rows[i][1]);
    }
    close_subject(&s);
}

static void
names_that_would_become_equal_stay_apart(void)
{
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    CHECK_TEXT(pass_on(&s, "{\"a@example.org\":1,\"b@example.org\":2}"),
               "{\"[REDACTED:email]\":1,\"[REDACTED:email] 2\":2}");
    close_subject(&s);
}

static void
numbers_are_looked_at_as_text(void)
{
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    CHECK_TEXT(pass_on(&s, "{\"card\":4111111111111111,\"id\":4111111111111112}"),
               "{\"card\":\"[REDACTED:credit-card]\",\"id\":4111111111111112}");
    close_subject(&s);
}

static void
a_name_tells_what_its_value_is(void)
{
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    CHECK_TEXT(pass_on(&s, "{\"kty\":\"OKP\",\"d\":\"8F9QUujzwDGaP16hfcEU3XO1fs1dm7V8wAFNOy4ckng\",\"x\":1}"),
               "{\"kty\":\"OKP\",\"d\":\"[REDACTED:jwk-private]\",\"x\":1}");
    CHECK_TEXT(pass_on(&s, "{\"x\":\"8F9QUujzwDGaP16hfcEU3XO1fs1dm7V8wAFNOy4ckng\"}"),
               "{\"x\":\"8F9QUujzwDGaP16hfcEU3XO1fs1dm7V8wAFNOy4ckng\"}");
    CHECK_TEXT(pass_on(&s, "{\"SecretAccessKey\": \"J/Sg6VARK689Ev7UxyCaIRwEbfFoUtdPJpD9+TH4\",\"b\":\"c\"}"),
               "{\"SecretAccessKey\": \"[REDACTED:aws-secret-access-key]\",\"b\":\"c\"}");
    CHECK_TEXT(pass_on(&s, "{\"headers\":{\"Authorization\":\"Bearer 0123456789abcdefABCDEF\",\"b\":\"c\"}}"),
               "{\"headers\":{\"Authorization\":\"[REDACTED:authorization-bearer]\",\"b\":\"c\"}}");
    close_subject(&s);
}

static void
a_key_over_several_items_is_found(void)
{
    static const char message[] = "{\"lines\":[\"-----BEGIN EC PRIVATE KEY-----\","
                                  "\"k49J92qpbxNJpFAwCleWHZuM2d38Sx5UC6vRJOxkCeqzJ1Com50TMr5r2WjvE3\","
                                  "\"-----END EC PRIVATE KEY-----\",\"bye\"],\"n\":1}";
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    const char *text = pass_on(&s, message);
    CHECK(text != NULL && strstr(text, "k49J92") == NULL && strstr(text, "\"bye\"],\"n\":1}") != NULL);
    close_subject(&s);
}

/* A pattern of the policy may match across members; it is then no finding in any of them, unless it begins in a name.
 */
static void
a_policys_pattern_does_not_run_from_member_to_member(void)
{
    static const dlp_pattern patterns[] = {{"greedy", "secret.*", DLP_BOTH, DLP_REDACT},
                                           {"pin", "pin\\W+[0-9]{4}", DLP_BOTH, DLP_REDACT}};
    const dlp_rules rules = {.patterns = patterns, .count = 2};
    dlp_subject s;
    open_subject(&s, &rules, DLP_RESPONSE);
    CHECK_TEXT(pass_on(&s, "{\"a\":\"my secret is 1\",\"b\":\"two\",\"c\":3}"),
               "{\"a\":\"my [REDACTED:greedy]\",\"b\":\"two\",\"c\":3}");
    CHECK_TEXT(pass_on(&s, "{\"pin\": \"1234\",\"b\":\"1234\"}"), "{\"pin\": \"[REDACTED:pin]\",\"b\":\"1234\"}");
    CHECK_TEXT(pass_on(&s, "{\"pin\": 1234,\"b\":1234}"), "{\"pin\": \"[REDACTED:pin]\",\"b\":1234}");
    close_subject(&s);
}

static void
encodings_inside_a_message_are_looked_into(void)
{
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    const char *text =
        pass_on(&s, "{\"blob\":\"dG9rZW49Z2hwX0FpcG1CRWRKS05VNjc5cVdjQUJMZjV6WW1MSnd4TzBFZ1ZmZg==\",\"k\":\"v\"}");
    CHECK_TEXT(text, "{\"blob\":\"[REDACTED:github-pat:encoded]\",\"k\":\"v\"}");
    text =
        pass_on(&s, "{\"blob\":\"dG9rZW49Z2hwX0FpcG1CRWRKS05V\\nNjc5cVdjQUJMZjV6WW1MSnd4TzBFZ1ZmZg==\",\"k\":\"v\"}");
    CHECK_TEXT(text, "{\"blob\":\"[REDACTED:github-pat:encoded]\",\"k\":\"v\"}");
    text = pass_on(&s, "{\"%67hp_AipmBEdJKNU679qWcABLf5zYmLJwxO0EgVff\":\"v\"}");
    CHECK_TEXT(text, "{\"[REDACTED:github-pat:encoded]\":\"v\"}");
    close_subject(&s);
}

static void
findings_are_places_in_the_message(void)
{
    static const char message[] = "{\"a\":1,\"b\":\"x " KEY "\"}";
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    CHECK(pass_on(&s, message) != NULL && s.found.count == 1);
    CHECK(s.found.count == 1 && s.found.items[0].start == (size_t)(strstr(message, "ghp_") - message));
    CHECK(s.found.count == 1 && s.found.items[0].end == s.found.items[0].start + sizeof KEY - 1);
    close_subject(&s);
}

RUN(TEST(a_clean_message_stays_as_it_is), TEST(each_string_is_looked_at_and_all_else_stays),
    TEST(escapes_do_not_hide_a_secret), TEST(names_that_would_become_equal_stay_apart),
    TEST(numbers_are_looked_at_as_text), TEST(a_name_tells_what_its_value_is), TEST(a_key_over_several_items_is_found),
    TEST(a_policys_pattern_does_not_run_from_member_to_member), TEST(encodings_inside_a_message_are_looked_into),
    TEST(findings_are_places_in_the_message))
