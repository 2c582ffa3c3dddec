/* What a running gateway knows: set once at start, read by all shards. */
#ifndef GATEWAY_SETTINGS_H
#define GATEWAY_SETTINGS_H

#include "aip/chain.h"
#include "audit/append.h"
#include "crypto/aead.h"
#include "chain/memory.h"
#include "gateway/identities.h"
#include "gateway/rate.h"

typedef struct {
    const char *upstream_url;
    char path[1024];  /* of the upstream's URL: the one address served besides /healthz */
    const char *host; /* numeric address or localhost */
    uint16_t port;    /* 0 = any; the real one after gateway_run listens */
    bool loopback;    /* `host` is a loopback address, so Host is checked */
    aip_trust trust;
    const char *const *audiences;
    size_t audience_count;
    const char *const *origins; /* allowed values of Origin, compared as bytes */
    size_t origin_count;
    const char *const *hosts; /* further values of Host that are taken on loopback, without port */
    size_t host_count;
    bool require_proof, quiet;
    bool bearers; /* tokens of one element need no proof where their root has no ceiling that says otherwise */
    size_t threads, body_bytes_max, token_bytes_max;
    unsigned idle_seconds; /* a JSON reply may stay silent so long */
    audit_log *audit;
    own_identity own;      /* its `did` is empty when the gateway has none */
    signing_identity self; /* its key is NULL then */
    identities *identities;
    chain_memory *chains; /* verified ones; NULL: none are remembered */
    root_rates *rates;
    unsigned char session_key[AEAD_KEY_BYTES];
} gateway_settings;

#endif
