/* Multibase against the registry's vectors, keys as text, base64url, hex and varints. */
#include "crypto/multibase.h"

#include "aip/limits.h"
#include "crypto/base64url.h"
#include "tests/unit/check.h"
#include "tests/unit/vectors.h"

/* The first line of a vector file names the bytes, in quotes and with \x00 for a NUL. */
static aip_bytes
read_expected(const char *line, unsigned char *out)
{
    size_t size = 0;
    const char *at = strchr(line, '"') + 1;
    while (*at != '"') {
        bool nul = strncmp(at, "\\x00", 4) == 0;
        out[size++] = nul ? 0 : (unsigned char)*at;
        at += nul ? 4 : 1;
    }
    return (aip_bytes){out, size};
}

static void
judge_line(char *line, aip_bytes wanted, bool canonical)
{
    char *text = strchr(line, '"');
    unsigned char bytes[256];
    char *encoded = NULL;
    size_t size;
    if (text == NULL) {
        return;
    }
    *strchr(text + 1, '"') = '\0';
    *strchr(line, ',') = '\0';
    CHECK_STATUS(multibase_decode(aip_bytes_of(text + 1), bytes, sizeof bytes, &size, NULL), AIP_OK);
    CHECK(aip_bytes_equal((aip_bytes){bytes, size}, wanted));
    CHECK_STATUS(multibase_decode(aip_bytes_of(text + 1), bytes, wanted.size - 1, &size, NULL), AIP_MULTIBASE_INVALID);
    CHECK_STATUS(multibase_encode(line, wanted, &encoded, NULL), AIP_OK);
    CHECK(!canonical || strcmp(encoded, text + 1) == 0);
    free(encoded);
}

static void
judge_file(const char *name)
{
    FILE *file = vectors_open(name);
    char *line = NULL;
    size_t capacity = 0;
    unsigned char storage[256];
    if (file != NULL && getline(&line, &capacity, file) > 0) {
        bool canonical = strncmp(line, "non-canonical", 13) != 0;
        aip_bytes wanted = read_expected(line, storage);
        while (getline(&line, &capacity, file) > 0) {
            judge_line(line, wanted, canonical);
        }
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
}

static void
every_base_reads_and_writes_the_registry_vectors(void)
{
    judge_file("02-multibase/multibase_tests_basic.csv");
    judge_file("02-multibase/multibase_tests_case_insensitivity.csv");
    judge_file("02-multibase/multibase_tests_leading_zero.csv");
    judge_file("02-multibase/multibase_tests_two_leading_zeros.csv");
}

static void
every_base_returns_what_went_in(void)
{
    static const char *const names[] = {"base2",     "base8",     "base10",       "base16",    "base32z",     "base36",
                                        "base58btc", "base64pad", "base32hexpad", "base64url", "base256emoji"};
    unsigned char bytes[64], back[64];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i < 3 ? 0 : i * 37);
    }
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        for (size_t size = 0; size <= sizeof bytes; size++) {
            char *text = NULL;
            size_t decoded = 0;
            CHECK_STATUS(multibase_encode(names[n], (aip_bytes){bytes, size}, &text, NULL), AIP_OK);
            CHECK_STATUS(multibase_decode(aip_bytes_of(text), back, sizeof back, &decoded, NULL), AIP_OK);
            CHECK(aip_bytes_equal((aip_bytes){back, decoded}, (aip_bytes){bytes, size}));
            free(text);
        }
    }
}

static void
a_second_spelling_of_a_value_is_refused(void)
{
    static const char *const texts[] = {
        "",          "x",     "1abc", "mQQ==", "mQR",       "mQ",       "MQQ",        "MQQ=",      "MQQ===",
        "MQQ==QQ==", "MQR==", "uQ_/", "u QQ",  "baa======", "cme=====", "cme=======", "cmf======", "f0",
        "fzz",       "02",    "0101", "7777",  "z0",        "zl",       "9-1",        "k_",        "\xf0\x9f\x9a\x80z",
        "M====",
    };
    unsigned char bytes[64];
    size_t size;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        aip_status status = multibase_decode(aip_bytes_of(texts[i]), bytes, sizeof bytes, &size, NULL);
        if (status != AIP_MULTIBASE_INVALID) {
            printf("  text \"%s\"\n", texts[i]);
        }
        CHECK_STATUS(status, AIP_MULTIBASE_INVALID);
        CHECK(size == 0);
    }
}

static void
long_numbers_are_refused_before_the_quadratic_part(void)
{
    static char text[AIP_BASE58_CHARACTERS_MAX + 2];
    static unsigned char bytes[4096];
    size_t size;
    memset(text, 'z', sizeof text);
    CHECK_STATUS(base58_decode((aip_bytes){(unsigned char *)text, AIP_BASE58_CHARACTERS_MAX + 1}, bytes, sizeof bytes,
                               &size, NULL),
                 AIP_MULTIBASE_INVALID);
    CHECK_STATUS(
        base58_decode((aip_bytes){(unsigned char *)text, AIP_BASE58_CHARACTERS_MAX}, bytes, sizeof bytes, &size, NULL),
        AIP_OK);
    CHECK(size == 1500);
}

static void
a_key_has_exactly_one_text(void)
{
    unsigned char key[32], back[32];
    char text[MULTIBASE_KEY_TEXT_SIZE + 1], raw[48];
    size_t size;
    CHECK_STATUS(hex_decode(AIP_BYTES_LITERAL("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"), key,
                            32, &size, NULL),
                 AIP_OK);
    multibase_encode_key(key, text);
    CHECK_TEXT(text, "z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd");
    CHECK_STATUS(multibase_decode_key(aip_bytes_of(text), back, NULL), AIP_OK);
    CHECK(memcmp(key, back, 32) == 0);
    multibase_encode_raw_key(key, raw);
    CHECK_TEXT(raw, "zFAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF");
    CHECK_STATUS(multibase_decode_key(aip_bytes_of(raw), back, NULL), AIP_MULTIBASE_INVALID);
    CHECK_STATUS(multibase_decode_key((aip_bytes){(unsigned char *)text, 47}, back, NULL), AIP_MULTIBASE_INVALID);
    text[5] = 'l';
    CHECK_STATUS(multibase_decode_key(aip_bytes_of(text), back, NULL), AIP_MULTIBASE_INVALID);
    memset(key, 0, sizeof key);
    multibase_encode_raw_key(key, raw);
    CHECK_TEXT(raw, "z11111111111111111111111111111111");
    memset(key, 0xff, sizeof key);
    multibase_encode_key(key, text);
    CHECK(strlen(text) == MULTIBASE_KEY_TEXT_SIZE);
}

static void
varints_are_minimal_and_bounded(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint64_t value;
    } good[] = {{"\x00", 1, 0},
                {"\x7f", 1, 127},
                {"\xed\x01", 2, 0xed},
                {"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9, INT64_MAX}};
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"", 0}, {"\x80", 1}, {"\x80\x00", 2}, {"\xed\x81\x00", 3}, {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10}};
    uint64_t value;
    size_t length;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_STATUS(
            varint_decode((aip_bytes){(const unsigned char *)good[i].bytes, good[i].size}, &value, &length, NULL),
            AIP_OK);
        CHECK(value == good[i].value && length == good[i].size);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(
            varint_decode((aip_bytes){(const unsigned char *)bad[i].bytes, bad[i].size}, &value, &length, NULL),
            AIP_VARINT_INVALID);
    }
}

static void
base64url_and_hex_have_one_spelling(void)
{
    static const char *const bad[] = {"A", "QR", "QQ==", "QQ=", "Q Q", "QQ\n", "Q+", "Q/", "AAAAA"};
    unsigned char bytes[8];
    char text[16];
    size_t size;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(base64url_decode(aip_bytes_of(bad[i]), bytes, sizeof bytes, &size, NULL), AIP_BASE64URL_INVALID);
    }
    CHECK_STATUS(base64url_decode(AIP_BYTES_LITERAL("-_8"), bytes, 2, &size, NULL), AIP_OK);
    CHECK(size == 2 && bytes[0] == 0xfb && bytes[1] == 0xff);
    CHECK_STATUS(base64url_decode(AIP_BYTES_LITERAL("-_8A"), bytes, 2, &size, NULL), AIP_BASE64URL_INVALID);
    CHECK_STATUS(base64url_decode((aip_bytes){0}, bytes, 0, &size, NULL), AIP_OK);
    CHECK(size == 0 && base64url_encode((aip_bytes){bytes, 2}, text) == 3);
    CHECK_TEXT(text, "-_8");
    CHECK_STATUS(hex_decode(AIP_BYTES_LITERAL("0g"), bytes, 8, &size, NULL), AIP_HEX_INVALID);
    CHECK_STATUS(hex_decode(AIP_BYTES_LITERAL("AB"), bytes, 8, &size, NULL), AIP_HEX_INVALID);
    CHECK_STATUS(hex_decode(AIP_BYTES_LITERAL("abc"), bytes, 8, &size, NULL), AIP_HEX_INVALID);
    hex_encode((aip_bytes){(const unsigned char *)"\x00\xfa", 2}, text);
    CHECK_TEXT(text, "00fa");
}

RUN(TEST(every_base_reads_and_writes_the_registry_vectors), TEST(every_base_returns_what_went_in),
    TEST(a_second_spelling_of_a_value_is_refused), TEST(long_numbers_are_refused_before_the_quadratic_part),
    TEST(a_key_has_exactly_one_text), TEST(varints_are_minimal_and_bounded), TEST(base64url_and_hex_have_one_spelling))
