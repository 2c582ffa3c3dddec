/* SHA-256 by OpenSSL and base64url by a table give what libsodium's slower ways give. */
#include "tests/unit/check.h"

#include <sodium.h>

#include "crypto/base64url.h"
#include "crypto/hash.h"

#define BYTES_MAX 300

static unsigned char bytes[BYTES_MAX];

static void
the_standards_examples_are_met(void)
{
    static const struct {
        const char *text, *hash;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char hash[AIP_HASH_BYTES];
        char text[2 * AIP_HASH_BYTES + 1];
        hash_sha256(aip_bytes_of(cases[i].text), hash);
        hex_encode((aip_bytes){hash, sizeof hash}, text);
        CHECK_TEXT(text, cases[i].hash);
    }
}

static void
every_length_hashes_as_it_does_elsewhere(void)
{
    hash_random(bytes, sizeof bytes);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        unsigned char ours[AIP_HASH_BYTES], theirs[AIP_HASH_BYTES];
        hash_sha256((aip_bytes){bytes, size}, ours);
        crypto_hash_sha256(theirs, bytes, size);
        CHECK(memcmp(ours, theirs, sizeof ours) == 0);
    }
}

static void
pieces_hash_as_the_whole_does(void)
{
    unsigned char whole[AIP_HASH_BYTES], pieces[AIP_HASH_BYTES];
    hash_sha256((aip_bytes){bytes, sizeof bytes}, whole);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        hash_stream stream;
        hash_stream_begin(&stream);
        hash_stream_add(&stream, (aip_bytes){bytes, cut});
        hash_stream_add(&stream, (aip_bytes){NULL, 0});
        hash_stream_add(&stream, (aip_bytes){bytes + cut, sizeof bytes - cut});
        hash_stream_end(&stream, pieces);
        CHECK(memcmp(whole, pieces, sizeof whole) == 0);
    }
}

static void
digests_are_encoded_the_same_either_way(void)
{
    for (size_t size = 0; size <= sizeof bytes; size++) {
        char slow[BASE64URL_TEXT_SIZE(BYTES_MAX) + 1], fast[BASE64URL_TEXT_SIZE(BYTES_MAX) + 1];
        CHECK(base64url_encode((aip_bytes){bytes, size}, slow) ==
              base64url_encode_public((aip_bytes){bytes, size}, fast));
        CHECK_TEXT(fast, slow);
    }
}

RUN(TEST(the_standards_examples_are_met), TEST(every_length_hashes_as_it_does_elsewhere),
    TEST(pieces_hash_as_the_whole_does), TEST(digests_are_encoded_the_same_either_way))
