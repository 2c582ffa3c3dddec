/* Where a finding is, and its fingerprint. The key is made up. */
#include "dlp_fixture.h"

#include "dlp/place.h"

#define KEY "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"

static void
the_place_is(const char *json, size_t which, const char *wanted)
{
    static const scan_limits limits = {1 << 20, AIP_JSON_DEPTH_MAX, 4096};
    dlp_subject s;
    scan_document message;
    char place[DLP_PLACE_SIZE] = "(not found)";
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    CHECK_STATUS(scan_load(aip_bytes_of(json), &limits, &message, NULL), AIP_OK);
    CHECK_STATUS(dlp_scan_message(s.scanner, s.workspace, &message, &s.found, &s.text, NULL), AIP_OK);
    CHECK(s.found.count > which);
    if (s.found.count > which) {
        dlp_place(&message, &s.found, which, place);
    }
    CHECK_TEXT(place, wanted);
    scan_clear(&message);
    close_subject(&s);
}

static void
a_finding_is_told_by_its_pointer(void)
{
    the_place_is("{\"id\":1,\"params\":{\"name\":\"x\",\"arguments\":{\"query\":\"a " KEY "\"}}}", 0,
                 "/params/arguments/query");
    the_place_is("[0,[1,{\"k\":\"" KEY "\"}]]", 0, "/1/1/k");
    the_place_is("[\"" KEY "\",\"" KEY "\"]", 1, "/1");
    the_place_is("\"" KEY "\"", 0, "");
    the_place_is("{\"a/b~\":{\"\":\"" KEY "\"}}", 0, "/a~1b~0/");
    the_place_is("{\"n\":[4111111111111111]}", 0, "/n/0");
    the_place_is("{\"\\u0061\":\"\\u0067hp_AipmBEdJKNU679qWcABLf5zYmLJwxO0EgVff\"}", 0, "/\\u0061");
    the_place_is("{\"d\":\"8F9QUujzwDGaP16hfcEU3XO1fs1dm7V8wAFNOy4ckng\"}", 0, "/d");
}

static void
a_name_that_holds_a_finding_is_not_told(void)
{
    the_place_is("{\"x\":{\"" KEY "\":1}}", 0, "/x/[REDACTED]");
    the_place_is("{\"x " KEY "\":{\"y\":\"" KEY "\"}}", 1, "/[REDACTED]/y");
}

static void
a_place_is_cut_at_a_whole_character(void)
{
    char json[1024] = "{\"", place[DLP_PLACE_SIZE];
    const unsigned char *end;
    for (size_t i = 0; i < 200; i++) {
        strcat(json, "\xC3\xA9");
    }
    strcat(json, "\":{\"b\":\"" KEY "\"}}");
    static const scan_limits limits = {1 << 20, AIP_JSON_DEPTH_MAX, 4096};
    dlp_findings found = {0};
    scan_document message;
    dlp_finding one = {.name = "x", .start = (size_t)(strstr(json, "ghp_") - json)};
    one.end = one.start + 4;
    CHECK_STATUS(dlp_findings_add(&found, &one, NULL), AIP_OK);
    CHECK_STATUS(scan_load(aip_bytes_of(json), &limits, &message, NULL), AIP_OK);
    dlp_place(&message, &found, 0, place);
    end = (const unsigned char *)place + strlen(place) - 4;
    CHECK(strlen(place) < DLP_PLACE_SIZE && strlen(place) > DLP_PLACE_SIZE - 8);
    CHECK(memcmp(end, "\xA9...", 4) == 0);
    scan_clear(&message);
    dlp_findings_clear(&found);
}

static void
fingerprints_tell_equal_texts_under_one_key_only(void)
{
    static const unsigned char key[HASH_KEY_BYTES] = {1, 2, 3}, other[HASH_KEY_BYTES] = {1, 2, 4};
    char a[DLP_FINGERPRINT_SIZE], b[DLP_FINGERPRINT_SIZE];
    dlp_fingerprint(key, aip_bytes_of(KEY), a);
    CHECK(strlen(a) == 16 && strspn(a, "0123456789abcdef") == 16);
    dlp_fingerprint(key, aip_bytes_of(KEY), b);
    CHECK_TEXT(a, b);
    dlp_fingerprint(key, AIP_BYTES_LITERAL("ghp_AipmBEdJKNU679qWcABLf5zYmLJwxO0EgVfg"), b);
    CHECK(strcmp(a, b) != 0);
    dlp_fingerprint(other, aip_bytes_of(KEY), b);
    CHECK(strcmp(a, b) != 0);
}

RUN(TEST(a_finding_is_told_by_its_pointer), TEST(a_name_that_holds_a_finding_is_not_told),
    TEST(a_place_is_cut_at_a_whole_character), TEST(fingerprints_tell_equal_texts_under_one_key_only))
