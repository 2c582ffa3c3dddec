/* Keys and key logs put together by hand, for what takes a log as verified. */
#ifndef TESTS_LOG_SUBJECT_H
#define TESTS_LOG_SUBJECT_H

#include <stdlib.h>

#include "crypto/hash.h"
#include "did/log.h"

#define SUBJECT_KEYS 16
#define SUBJECT_BEGAN 1700000000 /* time of version 0; one second a version */

static aip_public_key subject_keys[SUBJECT_KEYS]; /* accepted */

static void
subject_make_keys(void)
{
    for (size_t i = 0; i < SUBJECT_KEYS; i++) {
        unsigned char seed[AIP_SEED_BYTES] = {1, (unsigned char)i};
        aip_secret_key *key = NULL;
        if (aip_secret_key_from_seed(seed, &key, NULL) != AIP_OK) {
            abort();
        }
        subject_keys[i] = *aip_secret_key_public(key);
        aip_secret_key_free(&key);
    }
}

/* A log of `count` entries of the identity of key `first`; `branch` makes the heads of versions from `fork` on differ.
 */
typedef struct {
    size_t first, count, fork;
    unsigned char branch;
} subject_log;

static did_log *
subject_make_log(const subject_log *wanted)
{
    did_log *log = calloc(1, sizeof *log + wanted->count * sizeof log->entries[0]);
    if (log == NULL) {
        abort();
    }
    aip_did_of_key(&subject_keys[wanted->first], log->did);
    log->count = wanted->count;
    for (size_t i = 0; i < wanted->count; i++) {
        did_log_entry *e = &log->entries[i];
        unsigned char seed[4] = {(unsigned char)wanted->first, (unsigned char)i, (unsigned char)(i >> 8),
                                 i >= wanted->fork ? wanted->branch : 0};
        e->key = subject_keys[(wanted->first + i) % SUBJECT_KEYS];
        e->time = SUBJECT_BEGAN + (int64_t)i;
        e->has_next = true;
        hash_sha256((aip_bytes){seed, sizeof seed}, e->hash);
    }
    return log;
}

#endif
