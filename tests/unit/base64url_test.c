/* Strict base64url against libsodium's decoder, which is the second opinion, and RFC 4648 section 10. */
#include "tests/unit/check.h"

#include <sodium.h>

#include "crypto/base64url.h"

/* Both decoders agree on verdict and bytes. libsodium 1.0.18 takes bytes from 0x80 on for digits; ours never does. */
static bool
agrees(const char *text, size_t size)
{
    unsigned char ours[64], theirs[64];
    size_t our_size = 0, their_size = 0;
    bool our_verdict =
        base64url_decode((aip_bytes){(const unsigned char *)text, size}, ours, sizeof ours, &our_size, NULL) == AIP_OK;
    bool their_verdict = size == 0 || sodium_base642bin(theirs, sizeof theirs, text, size, NULL, &their_size, NULL,
                                                        sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
    for (size_t i = 0; i < size; i++) {
        their_verdict = their_verdict && (unsigned char)text[i] < 0x80;
    }
    unsigned char secret[64];
    size_t secret_size = 0;
    bool secret_verdict = base64url_decode_secret((aip_bytes){(const unsigned char *)text, size}, secret, sizeof secret,
                                                  &secret_size, NULL) == AIP_OK;
    return our_verdict == secret_verdict && (!our_verdict || memcmp(ours, secret, our_size) == 0) &&
           our_verdict == their_verdict &&
           (!our_verdict || (our_size == their_size && memcmp(ours, theirs, our_size) == 0));
}

static void
the_test_texts_of_rfc_4648_decode(void)
{
    static const char *const rows[][2] = {
        {"", ""},           {"Zg", "f"},          {"Zm8", "fo"},         {"Zm9v", "foo"},
        {"Zm9vYg", "foob"}, {"Zm9vYmE", "fooba"}, {"Zm9vYmFy", "foobar"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned char out[8];
        size_t size = 0;
        CHECK_STATUS(base64url_decode(aip_bytes_of(rows[i][0]), out, sizeof out, &size, NULL), AIP_OK);
        CHECK(size == strlen(rows[i][1]) && memcmp(out, rows[i][1], size) == 0);
    }
}

static void
every_byte_at_every_place_has_one_verdict(void)
{
    for (size_t size = 1; size <= 8; size++) {
        for (size_t place = 0; place < size; place++) {
            for (unsigned c = 0; c < 256; c++) {
                char text[8];
                memset(text, 'A', sizeof text);
                text[place] = (char)c;
                CHECK(agrees(text, size));
            }
        }
    }
}

static void
random_texts_have_one_verdict(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=";
    unsigned state = 1;
    for (size_t round = 0; round < 20000; round++) {
        char text[24];
        size_t size = round % sizeof text;
        for (size_t i = 0; i < size; i++) {
            state = state * 1664525u + 1013904223u;
            /* mostly digits, so that many texts are good */
            text[i] = digits[(state >> 8) % (state >> 28 == 0 ? sizeof digits - 1 : 64)];
        }
        CHECK(agrees(text, size));
    }
}

static void
what_does_not_fit_is_refused(void)
{
    unsigned char out[3];
    size_t size = 9;
    CHECK_STATUS(base64url_decode(AIP_BYTES_LITERAL("Zm9vYg"), out, sizeof out, &size, NULL), AIP_BASE64URL_INVALID);
    CHECK(size == 0);
}

RUN(TEST(the_test_texts_of_rfc_4648_decode), TEST(every_byte_at_every_place_has_one_verdict),
    TEST(random_texts_have_one_verdict), TEST(what_does_not_fit_is_refused))
