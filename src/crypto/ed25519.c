/* Ed25519 by our own rule, the same with every libsodium: keys, signing, strict verification. */
#include "crypto/ed25519.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "crypto/hash.h"

_Static_assert(crypto_sign_PUBLICKEYBYTES == AIP_KEY_BYTES, "key size");
_Static_assert(crypto_sign_SEEDBYTES == AIP_SEED_BYTES, "seed size");
_Static_assert(crypto_sign_BYTES == AIP_SIGNATURE_BYTES, "signature size");

/* Only byte arrays, because memory of sodium_malloc is not aligned for anything else. */
struct aip_secret_key {
    aip_public_key public;
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
    unsigned char seed[AIP_SEED_BYTES];
};

/* Little endian: L = 2^252 + 27742317777372353535851937790883648493 and p = 2^255 - 19. */
static const unsigned char group_order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                              0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                              0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
static const unsigned char field_prime[32] = {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};

static bool
is_below(const unsigned char value[32], const unsigned char limit[32])
{
    for (size_t i = 32; i-- > 0;) {
        if (value[i] != limit[i]) {
            return value[i] < limit[i];
        }
    }
    return false;
}

/* y < p, and y not 1: the identity, under either sign bit. */
static bool
is_canonical_and_not_identity(const unsigned char encoded[32])
{
    static const unsigned char one[32] = {1};
    unsigned char y[32];
    memcpy(y, encoded, sizeof y);
    y[31] &= 0x7f;
    return is_below(y, field_prime) && memcmp(y, one, sizeof y) != 0;
}

/* [L-1]A = -A exactly when [L]A = O. libsodium's own subgroup test let points of order 2L through until 1.0.21; where
 * its multiplication refuses a point outright, the point lies outside the subgroup as well. */
bool
ed25519_point_is_acceptable(const unsigned char encoded[AIP_KEY_BYTES])
{
    unsigned char scalar[32], negated[32], product[32];
    if (!is_canonical_and_not_identity(encoded)) {
        return false;
    }
    memcpy(scalar, group_order, sizeof scalar);
    scalar[0]--;
    memcpy(negated, encoded, sizeof negated);
    negated[31] ^= 0x80;
    return crypto_scalarmult_ed25519_noclamp(product, scalar, encoded) == 0 &&
           memcmp(product, negated, sizeof product) == 0;
}

bool
ed25519_version_is_cofactored(const char *version)
{
    unsigned long numbers[3];
    for (size_t i = 0; i < 3; i++) {
        char *end;
        if (*version < '0' || *version > '9') {
            return true;
        }
        numbers[i] = strtoul(version, &end, 10);
        version = *end == '.' ? end + 1 : end;
    }
    return numbers[0] > 1 || numbers[1] > 0 || numbers[2] >= 19;
}

static bool running_is_cofactored = true;

static void
decide_path(void)
{
    running_is_cofactored = ed25519_version_is_cofactored(sodium_version_string());
}

static aip_status
refuse_signature(aip_error *err)
{
    return aip_fail(err, AIP_SIGNATURE_INVALID, NULL);
}

/* What the bytes alone tell: S < L, R canonical and not the identity. */
static bool
signature_bytes_are_strict(const unsigned char signature[AIP_SIGNATURE_BYTES])
{
    return is_below(signature + 32, group_order) && is_canonical_and_not_identity(signature);
}

aip_status
ed25519_verify_cofactored_path(const unsigned char signature[AIP_SIGNATURE_BYTES], bool cofactored_verdict,
                               aip_error *err)
{
    if (!cofactored_verdict || !signature_bytes_are_strict(signature) || !ed25519_point_is_acceptable(signature)) {
        return refuse_signature(err);
    }
    return AIP_OK;
}

aip_status
aip_public_key_accept(const unsigned char bytes[AIP_KEY_BYTES], aip_public_key *out, aip_error *err)
{
    AIP_TRY(crypto_start(err));
    if (!ed25519_point_is_acceptable(bytes)) {
        return aip_fail(err, AIP_KEY_INVALID, NULL);
    }
    memcpy(out->bytes, bytes, sizeof out->bytes);
    return AIP_OK;
}

aip_status
aip_verify(const aip_public_key *key, aip_bytes message, const unsigned char signature[AIP_SIGNATURE_BYTES],
           aip_error *err)
{
    static pthread_once_t decided = PTHREAD_ONCE_INIT;
    pthread_once(&decided, decide_path);
    if (!signature_bytes_are_strict(signature)) {
        return refuse_signature(err);
    }
    bool verdict = crypto_sign_verify_detached(signature, message.data, message.size, key->bytes) == 0;
    if (running_is_cofactored) {
        return ed25519_verify_cofactored_path(signature, verdict, err);
    }
    return verdict ? AIP_OK : refuse_signature(err);
}

aip_status
aip_secret_key_from_seed(const unsigned char seed[AIP_SEED_BYTES], aip_secret_key **out, aip_error *err)
{
    unsigned char public[AIP_KEY_BYTES];
    *out = NULL;
    AIP_TRY(crypto_start(err));
    aip_secret_key *key = sodium_malloc(sizeof *key);
    if (key == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    memcpy(key->seed, seed, sizeof key->seed);
    crypto_sign_seed_keypair(public, key->secret, key->seed);
    aip_status status = aip_public_key_accept(public, &key->public, err);
    if (status != AIP_OK) {
        aip_secret_key_free(&key);
        return status;
    }
    *out = key;
    return AIP_OK;
}

aip_status
aip_secret_key_generate(aip_secret_key **out, aip_error *err)
{
    unsigned char seed[AIP_SEED_BYTES];
    *out = NULL;
    AIP_TRY(crypto_start(err));
    hash_random(seed, sizeof seed);
    aip_status status = aip_secret_key_from_seed(seed, out, err);
    hash_wipe(seed, sizeof seed);
    return status;
}

void
aip_secret_key_free(aip_secret_key **key)
{
    sodium_free(*key); /* wipes first; NULL is fine */
    *key = NULL;
}

const aip_public_key *
aip_secret_key_public(const aip_secret_key *key)
{
    return &key->public;
}

const unsigned char *
aip_secret_key_seed(const aip_secret_key *key)
{
    return key->seed;
}

void
aip_sign(const aip_secret_key *key, aip_bytes message, unsigned char signature[AIP_SIGNATURE_BYTES])
{
    crypto_sign_detached(signature, NULL, message.data, message.size, key->secret);
}
