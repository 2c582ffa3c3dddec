/* Every row of src/dlp/detectors.def by its own example and counter-example, and what is no secret at all. */
#include "dlp_fixture.h"

#include <stdlib.h>

/* Named without its text: an example looks like a secret to those who watch logs. */
static void
complain(const char *name, const char *what)
{
    check_failures++;
    printf("  %s: %s\n", name, what);
}

static void
every_example_is_found_by_its_own_detector(void)
{
    dlp_subject s;
    size_t count = 0;
    const dlp_detector *table = dlp_detectors(&count);
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    CHECK(count >= 60);
    for (size_t i = 0; i < count; i++) {
        const char *text = redacted(&s, aip_bytes_of(table[i].example));
        if (s.found.count == 0 || strcmp(s.found.items[0].name, table[i].name) != 0) {
            complain(table[i].name, s.found.count == 0 ? "its example is not found" : s.found.items[0].name);
        } else if (strstr(text, "[REDACTED:") == NULL || strstr(text, table[i].example) != NULL) {
            complain(table[i].name, "its example is not redacted");
        }
    }
    close_subject(&s);
}

static void
nothing_is_found_in_a_counter_example(void)
{
    dlp_subject s;
    size_t count = 0;
    const dlp_detector *table = dlp_detectors(&count);
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < count; i++) {
        const char *text = redacted(&s, aip_bytes_of(table[i].counter_example));
        if (s.found.count != 0 || strcmp(text, table[i].counter_example) != 0) {
            complain(table[i].name, "its counter-example is taken for one");
        }
    }
    close_subject(&s);
}

/* Each one alone must have found what the whole set finds, or the set's order hides a broken row. */
static void
every_example_stands_in_prose_json_and_a_url(void)
{
    static const char *const frames[][2] = {{"The value is ", ", please rotate it."},
                                            {"{\"k\":\"", "\",\"n\":1}"},
                                            {"GET /v1/x?token=", "&y=1 HTTP/1.1"},
                                            {"\n\n```\n", "\n```\n"}};
    dlp_subject s;
    size_t count = 0;
    const dlp_detector *table = dlp_detectors(&count);
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof frames / sizeof frames[0]; k++) {
            text_buffer text = {0};
            text_append_format(&text, "%s%s%s", frames[k][0], table[i].example, frames[k][1]);
            redacted(&s, text_view(&text));
            if (s.found.count == 0) {
                complain(table[i].name, frames[k][0]);
            }
            text_clear(&text);
        }
    }
    close_subject(&s);
}

static void
our_own_names_and_digests_are_no_secrets(void)
{
    static const char *const texts[] = {
        "did:aip:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK#z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        "did:web:agents.example.org:alice",
        "{\"link_id\":\"kq3vXb1uQ9T5m0Zf2bWnUeYyP7dLr8sAoJHc4iGtE6M\",\"at\":2}",
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "c0ffee254729296a45a3885639ac7e10f9d54979",
        "4fb1d5e2-6a0f-4a3c-9d0e-2f8b7c6a5e4d",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ("\"integrity\": "
         "\"sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==\""),
        "golang.org/x/text v0.3.7 h1:olpwvP2KacW1ZWvsR7uQhoyTYvKAupfQrRGBFM352Gk=",
        "checksum = \"b6a02a4dd2bb9b7a3d1c6c5e9a3f6f2b0f6f6a4f3d3c5f2f9a4a8c9a0b1c2d3e\"",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUo1mOJ5m8q1Jz5S0v4f2k3l4m5n6o7p8q9r0s1t2u3 alice",
        "2026-11-21T17:45:10.123456789Z",
        "arn:aws:iam::123456789012:role/deploy",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "https://example.org:8443/path/to/a@b?x=1",
        "+48 852 881 534",
        "The file begins with \"-----BEGIN PRIVATE KEY-----\".",
        "[REDACTED:github-pat] [REDACTED:iban:encoded]",
    };
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CHECK_TEXT(redacted(&s, aip_bytes_of(texts[i])), texts[i]);
        CHECK(!s.found.unread);
    }
    close_subject(&s);
}

static void
checksums_tell_numbers_apart(void)
{
    static const struct {
        dlp_validator validator;
        const char *good, *bad;
    } rows[] = {
        {dlp_validate_luhn, "4111111111111111", "4111111111111112"},
        {dlp_validate_luhn, "3782-822463-10005", "0000 0000 0000 0000"},
        {dlp_validate_mod97, "DE89370400440532013000", "DE89370400440532013001"},
        {dlp_validate_mod97, "GB82 WEST 1234 5698 7654 32", "DE8937040044053201300"},
        {dlp_validate_ssn, "412-76-2061", "000-76-2061"},
        {dlp_validate_ssn, "665-01-0001", "666-01-0001"},
        {dlp_validate_ssn, "001-01-0001", "123-00-4161"},
        {dlp_validate_ssn, "899-99-9999", "412-76-0000"},
        {dlp_validate_dni, "dni: 12345678Z", "dni: 12345678Y"},
        {dlp_validate_cpf, "529.982.247-25", "111.111.111-11"},
        {dlp_validate_nir, "255081416802538", "255081416802539"},
        {dlp_validate_email, "gita@example.org", "git@example.org"},
        {dlp_validate_nino, "AB123456C", "GB123456C"},
        {dlp_validate_random, "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx"},
        {dlp_validate_jwt, "eyJhbGciOiJFZERTQSJ9.e30.AAAA", "eyJub25zZW5zZSI6MX0.e30.AAAA"},
        {dlp_validate_password, "redis://a:s3kr3t@h", "redis://a:${PASS}@h"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK(rows[i].validator(aip_bytes_of(rows[i].good)));
        CHECK(!rows[i].validator(aip_bytes_of(rows[i].bad)));
        CHECK(!rows[i].validator((aip_bytes){(const unsigned char *)"", 0}));
    }
}

RUN(TEST(every_example_is_found_by_its_own_detector), TEST(nothing_is_found_in_a_counter_example),
    TEST(every_example_stands_in_prose_json_and_a_url), TEST(our_own_names_and_digests_are_no_secrets),
    TEST(checksums_tell_numbers_apart))
