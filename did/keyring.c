/* Remembers accepted keys in a fixed table, because acceptance costs more than two verifications. */
#include "did/keyring.h"

#include <pthread.h>

#include "crypto/hash.h"

/* 8,192 sets of eight: 2.1 MiB, touched as it fills. Of 15,000 keys fewer than one in a thousand meets a full set. A
 * key that is pushed out is only judged again. */
#define SETS 8192
#define WAYS 8

typedef struct {
    bool used[WAYS];
    unsigned char next; /* the way to overwrite */
    unsigned char keys[WAYS][AIP_KEY_BYTES];
} key_set;

static key_set sets[SETS];
static uint64_t placement; /* random, so that nobody can aim keys at one set */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t started = PTHREAD_ONCE_INIT;

static void
choose_placement(void)
{
    hash_random(&placement, sizeof placement);
}

static key_set *
set_of(const unsigned char key[AIP_KEY_BYTES])
{
    uint64_t mixed = placement;
    for (size_t i = 0; i < AIP_KEY_BYTES; i += sizeof mixed) {
        uint64_t word;
        memcpy(&word, key + i, sizeof word);
        mixed = (mixed ^ word) * 0x9e3779b97f4a7c15u;
        mixed ^= mixed >> 29;
    }
    return &sets[mixed % SETS];
}

static bool
is_known(const unsigned char key[AIP_KEY_BYTES])
{
    bool known = false;
    const key_set *set = set_of(key);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < WAYS && !known; i++) {
        known = set->used[i] && memcmp(set->keys[i], key, AIP_KEY_BYTES) == 0;
    }
    pthread_mutex_unlock(&lock);
    return known;
}

static void
remember(const unsigned char key[AIP_KEY_BYTES])
{
    key_set *set = set_of(key);
    pthread_mutex_lock(&lock);
    memcpy(set->keys[set->next], key, AIP_KEY_BYTES);
    set->used[set->next] = true;
    set->next = (unsigned char)((set->next + 1) % WAYS);
    pthread_mutex_unlock(&lock);
}

aip_status
keyring_accept(const unsigned char bytes[AIP_KEY_BYTES], aip_public_key *out, aip_error *err)
{
    AIP_TRY(crypto_start(err));
    pthread_once(&started, choose_placement);
    if (is_known(bytes)) {
        memcpy(out->bytes, bytes, sizeof out->bytes);
        return AIP_OK;
    }
    AIP_TRY(aip_public_key_accept(bytes, out, err));
    remember(bytes);
    return AIP_OK;
}

void
did_key_hash(const unsigned char key[AIP_KEY_BYTES], unsigned char out[16])
{
    unsigned char digest[AIP_HASH_BYTES];
    hash_sha256((aip_bytes){key, AIP_KEY_BYTES}, digest);
    memcpy(out, digest, 16);
}

static bool
key_belongs(const aip_did *did, const aip_public_key *key)
{
    unsigned char hash[16];
    if (aip_did_has_key(did)) {
        return memcmp(did->key, key->bytes, AIP_KEY_BYTES) == 0;
    }
    if (did->form != AIP_DID_HASH && did->form != AIP_DID_NSHASH) {
        return true;
    }
    did_key_hash(key->bytes, hash);
    return memcmp(did->key_hash, hash, sizeof hash) == 0;
}

aip_status
did_check_key(const aip_did *did, const aip_public_key *key, aip_error *err)
{
    return key_belongs(did, key) ? AIP_OK : aip_fail(err, AIP_DID_KEY_MISMATCH, NULL);
}
