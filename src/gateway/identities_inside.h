/* What the identities thread and the shards that ask it share. */
#ifndef GATEWAY_IDENTITIES_INSIDE_H
#define GATEWAY_IDENTITIES_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "did/resolver.h"
#include "gateway/identities.h"
#include "gateway/mail.h"
#include "gateway/pulling.h"
#include "gateway/thread.h"

struct identities {
    store *store;
    did_cache cache;
    keeping kept;
    pinning pins;
    owning owned;
    desk *asked;
    int epoll_fd;
    net_loop *loop;
    fetcher *fetcher;
    resolver *resolver;
    pulling *pulling; /* NULL: no lists are read */
    identity_memory *memory;
    int64_t max_staleness_seconds, next_expiry, next_nonce_expiry;
    uint64_t next_catch_up; /* monotonic microseconds */
    bool behind;            /* the last time failed */

    pthread_mutex_t terms_lock; /* of `next_terms` */
    identities_terms terms, next_terms; /* in force: the thread's; to follow: `release` NULL when there are none */

    question_list under_way; /* the thread's: given to the resolver */
    worker worker;
};

/* identities_terms.c: for the thread, between two rounds; and at its end */
void identities_take_terms(identities *ids);
void identities_release_terms(identities *ids);

#endif
