/* Nonces of proofs that were used, in the database, so that a restart forgets none.
 *
 * How a gateway uses it. At the start, one thread: store_nonces_open, nonce_memory_new with the keys, store_nonces_load
 * into nonce_memory_load, then nonce_memory_forgot with what load reported; only then it listens. Then, per request:
 *
 *   1. The shard verifies the proof and calls nonce_memory_take. A refusal ends it.
 *   2. It hands the used_nonce to the store's thread, suspends the request, and goes on with others.
 *   3. The store's thread takes all that waits, at most NONCES_PER_COMMIT, and appends it in one transaction. While it
 *      commits, the next ones gather: so the rate of commits does not bound the rate of requests.
 *   4. Only after the commit it wakes the shards. A request whose append failed is refused with that status, one that
 *      was known already (another process on the same database was faster) with proof.replayed; the others go on to be
 *      forwarded. Nothing is forwarded before its nonce is durable, so what a crash loses was never acted upon.
 *   5. Every few seconds, between two commits, the store's thread calls store_nonces_expire.
 *
 * A nonce stays taken in memory when its append fails: the client makes a new proof. */
#ifndef STORE_NONCES_H
#define STORE_NONCES_H

#include "base/nonce.h"
#include "store/store.h"

#define NONCES_PER_COMMIT 256

/* The statements; freed with the store. */
typedef struct {
    struct statement_set *set;
} nonce_table;

/* Prepares the table over `s`, which must outlive it, and draws the hash's keys when the database has none yet. Errors:
 * store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status store_nonces_open(store *s, nonce_table *out, nonce_keys *keys, aip_error *err);

/* Durable when it returns AIP_OK, all or none. known[i] tells that this very proof is there already; the others are
 * added nevertheless. Errors: store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status store_nonces_append(const nonce_table *table, const used_nonce *entries, size_t count,
                                              bool *known, aip_error *err);

typedef struct {
    void *context;
    void (*take)(void *context, const used_nonce *entry);
} nonce_sink;

/* Forgets what has expired and hands over the rest. What expires until *forgotten_until may have been forgotten, now or
 * earlier. Errors: as store_nonces_append. */
AIP_MUST_CHECK aip_status store_nonces_load(const nonce_table *table, int64_t now, const nonce_sink *sink,
                                            int64_t *forgotten_until, aip_error *err);

/* Removes what has expired, and keeps in mind until when. Errors: as store_nonces_append. */
AIP_MUST_CHECK aip_status store_nonces_expire(const nonce_table *table, int64_t now, aip_error *err);

#endif
