/* Ed25519: which keys and signatures are good, and that both kinds of libsodium would lead to the same verdict. */
#include "crypto/ed25519.h"

#include <sodium.h>

#include "crypto/hash.h"
#include "tests/unit/check.h"
#include "tests/unit/vectors.h"

static const char seed_hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static aip_secret_key *
example_key(void)
{
    unsigned char seed[32];
    size_t size;
    aip_secret_key *key = NULL;
    CHECK_STATUS(hex_decode(aip_bytes_of(seed_hex), seed, sizeof seed, &size, NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    return key;
}

static void
a_signature_verifies_until_any_bit_changes(void)
{
    unsigned char signature[64];
    aip_secret_key *key = example_key();
    aip_bytes message = AIP_BYTES_LITERAL("what was said");
    aip_sign(key, message, signature);
    CHECK_STATUS(aip_verify(aip_secret_key_public(key), message, signature, NULL), AIP_OK);
    for (size_t bit = 0; bit < 512; bit += 7) {
        signature[bit / 8] ^= (unsigned char)(1u << bit % 8);
        CHECK_STATUS(aip_verify(aip_secret_key_public(key), message, signature, NULL), AIP_SIGNATURE_INVALID);
        signature[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    CHECK_STATUS(aip_verify(aip_secret_key_public(key), AIP_BYTES_LITERAL("else"), signature, NULL),
                 AIP_SIGNATURE_INVALID);
    aip_secret_key_free(&key);
    CHECK(key == NULL);
    aip_secret_key_free(&key);
}

static void
generated_keys_differ_and_are_acceptable(void)
{
    aip_secret_key *a = NULL, *b = NULL;
    aip_public_key accepted;
    CHECK_STATUS(aip_secret_key_generate(&a, NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_generate(&b, NULL), AIP_OK);
    CHECK(memcmp(aip_secret_key_public(a), aip_secret_key_public(b), 32) != 0);
    CHECK_STATUS(aip_public_key_accept(aip_secret_key_public(a)->bytes, &accepted, NULL), AIP_OK);
    CHECK(hash_equal(accepted.bytes, aip_secret_key_public(a)->bytes, 32));
    aip_secret_key_free(&a);
    aip_secret_key_free(&b);
}

static void
refuse_every_encoding(const char *file_name, const char *list_name)
{
    FILE *file = vectors_open(file_name);
    json_t *document = file == NULL ? NULL : json_loadf(file, 0, NULL);
    json_t *list = json_object_get(document, list_name);
    const json_t *row;
    size_t i = 0;
    if (file != NULL) {
        fclose(file);
    }
    json_array_foreach(list, i, row)
    {
        unsigned char bytes[32];
        aip_public_key key;
        size_t size = 0;
        CHECK_STATUS(hex_decode(aip_bytes_of(vectors_text(row, "encoding")), bytes, sizeof bytes, &size, NULL), AIP_OK);
        CHECK(size == 32);
        CHECK_STATUS(aip_public_key_accept(bytes, &key, NULL), AIP_KEY_INVALID);
    }
    CHECK(file == NULL || i > 0);
    json_decref(document);
}

static void
keys_of_small_order_and_other_spellings_are_refused(void)
{
    refuse_every_encoding("01-ed25519/small_order_points.json", "points");
    refuse_every_encoding("01-ed25519/noncanonical_y_encodings.json", "encodings");
}

static void
a_key_with_a_torsion_part_is_refused(void)
{
    static const char order_8_hex[] = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
    static const char order_2_hex[] = "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    const char *const torsion[] = {order_8_hex, order_2_hex};
    aip_secret_key *secret = example_key();
    for (size_t i = 0; i < 2; i++) {
        unsigned char point[32], mixed[32];
        aip_public_key key;
        size_t size;
        CHECK_STATUS(hex_decode(aip_bytes_of(torsion[i]), point, 32, &size, NULL), AIP_OK);
        CHECK(crypto_core_ed25519_add(mixed, aip_secret_key_public(secret)->bytes, point) == 0);
        CHECK_STATUS(aip_public_key_accept(mixed, &key, NULL), AIP_KEY_INVALID);
    }
    aip_secret_key_free(&secret);
}

/* [8]([S]B - [h]A - R) = O, the equation that newer libraries check. */
static bool
cofactored_verdict(const unsigned char key[32], aip_bytes message, const unsigned char signature[64])
{
    static const unsigned char identity[32] = {1};
    unsigned char digest[64], h[32], sb[32], ha[32], rest[32];
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, signature, 32);
    crypto_hash_sha512_update(&state, key, 32);
    crypto_hash_sha512_update(&state, message.data, message.size);
    crypto_hash_sha512_final(&state, digest);
    crypto_core_ed25519_scalar_reduce(h, digest);
    if (crypto_scalarmult_ed25519_base_noclamp(sb, signature + 32) != 0) {
        memcpy(sb, identity, 32); /* S = 0 */
    }
    if (crypto_scalarmult_ed25519_noclamp(ha, h, key) != 0 || crypto_core_ed25519_sub(rest, sb, ha) != 0 ||
        crypto_core_ed25519_sub(rest, rest, signature) != 0) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        CHECK(crypto_core_ed25519_add(rest, rest, rest) == 0);
    }
    return memcmp(rest, identity, 32) == 0;
}

static size_t mixed_order_keys, torsion_rows;

static void
judge_suite_row(const json_t *row)
{
    unsigned char pk[32], signature[64], text[4096];
    aip_public_key key;
    vectors_hex(row, "pk", pk, sizeof pk);
    aip_bytes message = vectors_hex(row, "msg", text, sizeof text);
    bool strict = json_is_true(json_object_get(json_object_get(row, "ref"), "strict_no_small_order"));
    if (strlen(vectors_text(row, "sig")) != 128) {
        CHECK(!strict);
        return;
    }
    vectors_hex(row, "sig", signature, sizeof signature);
    if (aip_public_key_accept(pk, &key, NULL) != AIP_OK) {
        mixed_order_keys += strict;
        return;
    }
    aip_status wanted = strict ? AIP_OK : AIP_SIGNATURE_INVALID;
    bool cofactored = cofactored_verdict(pk, message, signature);
    torsion_rows += cofactored && !strict;
    if (aip_verify(&key, message, signature, NULL) != wanted ||
        ed25519_verify_cofactored_path(signature, cofactored, NULL) != wanted) {
        printf("  row %s\n", vectors_text(row, "id"));
        CHECK(false);
    }
}

static void
both_paths_agree_with_the_public_edge_case_suites(void)
{
    mixed_order_keys = torsion_rows = 0;
    size_t rows = vectors_each_row("01-ed25519/verify_all.jsonl", judge_suite_row);
    if (rows > 0) {
        CHECK(rows == 1087);
        CHECK(mixed_order_keys == 43); /* good by the column, refused by our rule for keys */
        CHECK(torsion_rows > 0);       /* rows where a cofactored verifier alone would accept */
    }
}

static void
a_torsion_part_in_r_is_refused_on_both_paths(void)
{
    static const char order_2_hex[] = "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    unsigned char point[32], nonce[64], r[32], scalar[32], digest[64], h[32], signature[64], secret[64], pk[32];
    unsigned char product[32], clamped[64];
    size_t size;
    aip_secret_key *key = example_key();
    CHECK_STATUS(hex_decode(aip_bytes_of(order_2_hex), point, 32, &size, NULL), AIP_OK);
    crypto_sign_seed_keypair(pk, secret, aip_secret_key_seed(key));
    crypto_hash_sha512(clamped, aip_secret_key_seed(key), 32);
    clamped[0] &= 248;
    clamped[31] = (unsigned char)((clamped[31] & 127) | 64);
    memset(nonce, 7, sizeof nonce);
    crypto_core_ed25519_scalar_reduce(scalar, nonce);
    CHECK(crypto_scalarmult_ed25519_base_noclamp(r, scalar) == 0);
    CHECK(crypto_core_ed25519_add(signature, r, point) == 0);
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, signature, 32);
    crypto_hash_sha512_update(&state, pk, 32);
    crypto_hash_sha512_final(&state, digest);
    crypto_core_ed25519_scalar_reduce(h, digest);
    crypto_core_ed25519_scalar_mul(product, h, clamped);
    crypto_core_ed25519_scalar_add(signature + 32, scalar, product);
    bool cofactored = cofactored_verdict(pk, (aip_bytes){0}, signature);
    CHECK(cofactored);
    CHECK_STATUS(ed25519_verify_cofactored_path(signature, cofactored, NULL), AIP_SIGNATURE_INVALID);
    CHECK_STATUS(aip_verify(aip_secret_key_public(key), (aip_bytes){0}, signature, NULL), AIP_SIGNATURE_INVALID);
    aip_secret_key_free(&key);
}

static void
judge_key_row(const json_t *row)
{
    unsigned char seed[32], pk[32], message_bytes[4096], wanted[64], signature[64];
    aip_secret_key *key = NULL;
    vectors_hex(row, "seed", seed, sizeof seed);
    vectors_hex(row, "pk", pk, sizeof pk);
    aip_bytes message = vectors_hex(row, "msg", message_bytes, sizeof message_bytes);
    vectors_hex(row, "sig", wanted, sizeof wanted);
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    aip_sign(key, message, signature);
    CHECK(memcmp(pk, aip_secret_key_public(key)->bytes, 32) == 0);
    CHECK(memcmp(wanted, signature, 64) == 0);
    CHECK_STATUS(aip_verify(aip_secret_key_public(key), message, signature, NULL), AIP_OK);
    aip_secret_key_free(&key);
}

/* One signature as made, and many with something changed. */
static void
judge_mutated_row(const json_t *row)
{
    unsigned char pk[32], message_bytes[4096], signature[128];
    aip_public_key key;
    if (strlen(vectors_text(row, "sig")) != 128 || strlen(vectors_text(row, "pk")) != 64) {
        CHECK_TEXT(vectors_text(row, "expected"), "invalid");
        return;
    }
    vectors_hex(row, "pk", pk, sizeof pk);
    vectors_hex(row, "sig", signature, sizeof signature);
    aip_bytes message = vectors_hex(row, "msg", message_bytes, sizeof message_bytes);
    aip_status status = aip_public_key_accept(pk, &key, NULL);
    if (status == AIP_OK) {
        status = aip_verify(&key, message, signature, NULL);
    }
    CHECK((status == AIP_OK) == (strcmp(vectors_text(row, "expected"), "valid") == 0));
}

static void
signatures_equal_the_published_ones(void)
{
    (void)vectors_each_row("01-ed25519/djb_sign_input_1024.jsonl", judge_key_row);
    (void)vectors_each_row("01-ed25519/synth_public.jsonl", judge_mutated_row);
    (void)vectors_each_row("01-ed25519/keys_sign_public.jsonl", judge_key_row);
}

static void
the_version_decides_the_path_and_doubt_means_more_checks(void)
{
    CHECK(!ed25519_version_is_cofactored("1.0.18"));
    CHECK(!ed25519_version_is_cofactored("1.0.9"));
    CHECK(ed25519_version_is_cofactored("1.0.19"));
    CHECK(ed25519_version_is_cofactored("1.0.21"));
    CHECK(ed25519_version_is_cofactored("1.1.0"));
    CHECK(ed25519_version_is_cofactored("2.0.0"));
    CHECK(ed25519_version_is_cofactored(""));
    CHECK(ed25519_version_is_cofactored("1.0"));
    CHECK(ed25519_version_is_cofactored("unknown"));
}

RUN(TEST(a_signature_verifies_until_any_bit_changes), TEST(generated_keys_differ_and_are_acceptable),
    TEST(keys_of_small_order_and_other_spellings_are_refused), TEST(a_key_with_a_torsion_part_is_refused),
    TEST(both_paths_agree_with_the_public_edge_case_suites), TEST(a_torsion_part_in_r_is_refused_on_both_paths),
    TEST(signatures_equal_the_published_ones), TEST(the_version_decides_the_path_and_doubt_means_more_checks))
