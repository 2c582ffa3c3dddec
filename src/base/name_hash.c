/* SipHash-1-3 (Aumasson and Bernstein, 2012; one and three rounds) under a random key of the process. */
#include "base/name_hash.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

static name_key process_key;
static bool process_key_drawn;
static pthread_once_t process_key_once = PTHREAD_ONCE_INIT;

static void
draw_process_key(void)
{
    ssize_t got;
    do {
        got = getrandom(&process_key, sizeof process_key, 0);
    } while (got < 0 && errno == EINTR);
    process_key_drawn = got == (ssize_t)sizeof process_key;
}

const name_key *
name_hash_key(void)
{
    pthread_once(&process_key_once, draw_process_key);
    return process_key_drawn ? &process_key : NULL;
}

static inline uint64_t
rotate(uint64_t word, unsigned bits)
{
    return (word << bits) | (word >> (64 - bits));
}

static inline void
mix(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static inline void
absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    mix(v);
    v[0] ^= word;
}

uint64_t
name_hash(const name_key *key, aip_bytes name)
{
    uint64_t v[4] = {key->words[0] ^ UINT64_C(0x736f6d6570736575), key->words[1] ^ UINT64_C(0x646f72616e646f6d),
                     key->words[0] ^ UINT64_C(0x6c7967656e657261), key->words[1] ^ UINT64_C(0x7465646279746573)};
    size_t at = 0;
    for (; name.size - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, name.data + at, sizeof word);
        absorb(v, le64toh(word));
    }
    uint64_t last = (uint64_t)(name.size & 0xFF) << 56;
    for (unsigned shift = 0; at < name.size; at++, shift += 8) {
        last |= (uint64_t)name.data[at] << shift;
    }
    absorb(v, last);
    v[2] ^= 0xFF;
    mix(v);
    mix(v);
    mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
