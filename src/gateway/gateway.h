/* A running gateway: what all shards share, whatever the configuration says at the moment. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <pthread.h>

#include "audit/append.h"
#include "chain/memory.h"
#include "crypto/aead.h"
#include "gateway/approvals.h"
#include "gateway/books.h"
#include "gateway/buckets.h"
#include "gateway/identities.h"
#include "gateway/limits.h"
#include "gateway/mail.h"
#include "gateway/metrics.h"
#include "gateway/rate.h"
#include "gateway/scribe.h"
#include "gateway/server_requests.h"
#include "gateway/settings.h"
#include "net/spawner.h"
#include "policy/catalogue.h"
#include "policy/suspicious.h"

/* Our own stdin and stdout, at which a client of one route is (gateway/stdio_client.h). */
typedef struct {
    int input, output;
    const char *path, *token; /* token NULL: each message brings its own */
    bool restarts;            /* the server is started again when it ends; else we end with it */
    int code;                 /* how the server ended, as a shell has it */
} local_end;

/* Set once at start. */
typedef struct {
    pthread_mutex_t lock; /* of `settings` */
    const gateway_settings *settings;
    mailroom *mail;
    audit_log *audit;
    own_identity own;      /* its `did` is empty when the gateway has none */
    signing_identity self; /* its key is NULL then */
    identities *identities;
    books *books;           /* NULL: nothing costs anything */
    struct owners *owners;   /* whose tasks of A2A and MCP are whose */
    struct a2a_cards *cards; /* of agents, for everybody */
    scribe *scribe;         /* NULL: lines of the log are durable when they are written */
    approvals *approvals;   /* NULL: nobody can be asked */
    struct admin *admin;    /* its socket; NULL: none */
    catalogue *catalogue;   /* tools that upstreams advertise */
    suspicious *suspicious; /* what descriptions should not say; NULL: they are not looked at */
    chain_memory *chains;   /* verified ones; NULL: none are remembered */
    root_rates *rates;
    caller_limits *limits;
    metrics *figures; /* NULL: none are counted */
    struct tls_keeper *tls; /* NULL: callers come over plain HTTP */
    atomic_bool draining;   /* it stops */
    atomic_size_t shards;   /* that have begun */
    atomic_size_t drained;  /* shards that have nothing under way any more */
    uint64_t started_microseconds;
    server_requests *events; /* that callers without sessions got; NULL: none is remembered */
    server_requests *server_requests;
    struct reload *reload;   /* NULL: the settings stay as they are */
    caller_buckets *buckets; /* of policies' rates */
    spawner *spawner; /* of servers that are commands; NULL: there are none */
    local_end *local; /* NULL: nobody is there */
    unsigned char session_key[AEAD_KEY_BYTES];
    unsigned char finding_key[AEAD_KEY_BYTES]; /* of fingerprints of what DLP finds */
} gateway;

/* The settings in force; settings_drop gives them back. Thread-safe. */
const gateway_settings *gateway_settings_take(gateway *g);
/* From now on these are in force; takes over the caller's hold. Thread-safe. */
void gateway_settings_put(gateway *g, const gateway_settings *settings);

#endif
