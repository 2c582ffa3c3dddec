/* What the identities thread and the shards that ask it share: one queue, and a mailbox for each shard. */
#ifndef GATEWAY_IDENTITIES_INSIDE_H
#define GATEWAY_IDENTITIES_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "did/resolver.h"
#include "gateway/identities.h"
#include "gateway/pulling.h"

struct mailbox {
    identities *owner;
    int fd;
    question_list answered; /* under the owner's lock */
    mailbox *next;
};

struct identities {
    store *store;
    did_cache cache;
    keeping kept;
    int epoll_fd, wake_fd;
    net_loop *loop;
    fetcher *fetcher;
    resolver *resolver;
    pulling *pulling; /* NULL: no lists are read */
    identity_memory *memory;
    int64_t max_staleness_seconds, next_expiry, next_nonce_expiry;
    uint64_t next_catch_up; /* monotonic microseconds */
    bool behind;            /* the last time failed */

    pthread_mutex_t lock; /* of the next four */
    question_list asked[QUESTION_KINDS];
    size_t waiting[QUESTION_KINDS]; /* asked and not answered yet */
    mailbox *boxes;

    question_list under_way; /* the thread's: given to the resolver */
    atomic_bool stopping;
    bool started;
    pthread_t thread;
};

void identities_ring(int fd); /* wakes whoever polls it */
void identities_hush(int fd);

#endif
