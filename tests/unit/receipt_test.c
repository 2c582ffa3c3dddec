/* Receipts: what they say, and about what they are. */
#include "proof/receipt.h"

#include <stdlib.h>

#include "check.h"
#include "crypto/hash.h"

#define DID "did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd"

typedef struct {
    aip_secret_key *key, *other;
    unsigned char digest[AIP_HASH_BYTES], another[AIP_HASH_BYTES];
    char *text;
} bench;

static void
set_up(bench *b)
{
    const unsigned char seeds[2][AIP_SEED_BYTES] = {{1}, {2}};
    CHECK_STATUS(aip_secret_key_from_seed(seeds[0], &b->key, NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_from_seed(seeds[1], &b->other, NULL), AIP_OK);
    hash_sha256(AIP_BYTES_LITERAL("answer"), b->digest);
    hash_sha256(AIP_BYTES_LITERAL("another"), b->another);
    const receipt_facts facts = {
        .issuer = AIP_BYTES_LITERAL(DID),
        .key_id = AIP_BYTES_LITERAL(DID "#key-1"),
        .issued_at = 1800000000,
        .decision_id = AIP_BYTES_LITERAL("decision"),
        .allowed = true,
        .code = AIP_BYTES_LITERAL("ok"),
        .method = AIP_BYTES_LITERAL("tools/call"),
        .tool = AIP_BYTES_LITERAL("a \"quoted\" tool"),
        .request_digest = b->another,
        .response_digest = b->digest,
    };
    CHECK_STATUS(receipt_sign(&facts, b->key, &b->text, NULL), AIP_OK);
}

static void
tear_down(bench *b)
{
    free(b->text);
    aip_secret_key_free(&b->key);
    aip_secret_key_free(&b->other);
}

static aip_status
judge(const bench *b, const aip_secret_key *key, const char *decision, const unsigned char *digest)
{
    const receipt_check check = {aip_secret_key_public(key), aip_bytes_of(decision), digest};
    return receipt_verify(aip_bytes_of(b->text), &check, NULL);
}

static void
a_receipt_is_about_one_decision_and_one_answer_by_one_gateway(void)
{
    bench b;
    set_up(&b);
    CHECK_STATUS(judge(&b, b.key, "decision", b.digest), AIP_OK);
    CHECK_STATUS(judge(&b, b.other, "decision", b.digest), AIP_PROOF_SIGNATURE);
    CHECK_STATUS(judge(&b, b.key, "decisions", b.digest), AIP_PROOF_KEY);
    CHECK_STATUS(judge(&b, b.key, "", b.digest), AIP_PROOF_KEY);
    CHECK_STATUS(judge(&b, b.key, "decision", b.another), AIP_PROOF_DIGEST);
    tear_down(&b);
}

static void
no_changed_character_passes(void)
{
    bench b;
    set_up(&b);
    for (size_t i = 0; b.text[i] != '\0'; i++) {
        char kept = b.text[i];
        b.text[i] = kept == 'A' ? 'B' : 'A';
        CHECK(judge(&b, b.key, "decision", b.digest) != AIP_OK);
        b.text[i] = kept;
    }
    CHECK_STATUS(judge(&b, b.key, "decision", b.digest), AIP_OK);
    tear_down(&b);
}

/* The hash of a stream does not depend on where it was cut. */
static void
a_stream_is_hashed_piece_by_piece(void)
{
    static const char text[] = "event: message\ndata: {}\n\n";
    unsigned char whole[AIP_HASH_BYTES], pieces[AIP_HASH_BYTES];
    hash_sha256(aip_bytes_of(text), whole);
    for (size_t step = 1; step < sizeof text; step++) {
        hash_stream stream;
        hash_stream_begin(&stream);
        for (size_t at = 0; at < sizeof text - 1; at += step) {
            size_t left = sizeof text - 1 - at;
            hash_stream_add(&stream, (aip_bytes){(const unsigned char *)text + at, left < step ? left : step});
        }
        hash_stream_end(&stream, pieces);
        CHECK(memcmp(whole, pieces, sizeof whole) == 0);
    }
}

RUN(TEST(a_receipt_is_about_one_decision_and_one_answer_by_one_gateway), TEST(no_changed_character_passes),
    TEST(a_stream_is_hashed_piece_by_piece))
