/* What the configuration says, as one snapshot: made by a loader, never changed, shared by all shards and replaced as
 * a whole. What lives longer than any configuration is the gateway's (gateway/gateway.h). */
#ifndef GATEWAY_SETTINGS_H
#define GATEWAY_SETTINGS_H

#include <stdatomic.h>

#include "aip/chain.h"
#include "gateway/a2a_route.h"
#include "gateway/front.h"
#include "gateway/protocol.h"
#include "gateway/route_state.h"
#include "gateway/rules.h"
#include "net/upstream.h"

/* One server behind the gateway, or a group of such, and where callers find it. */
typedef struct gateway_route gateway_route;
struct gateway_route {
    const char *name;         /* in records; "" when there is only one */
    const char *url;          /* of the server; a command's begins with `stdio:` and is a name only */
    const char *const *command; /* that starts the server, arguments and NULL; NULL: `url` is where it is */
    const char *const *pass;    /* names of variables of ours that the command gets; NULL: none */
    char path[1024];          /* served here; with a protocol that has paths below it, all of those, too */
    const protocol *protocol; /* a row of protocols.c */
    a2a_route a2a;            /* of an agent */
    const rule_set *rules;    /* of this route; NULL: the default ones */
    const char *policy;       /* the file of those rules */
    text_buffer credentials;  /* the operator's own header lines, each ended by NUL: secret */
    upstream_way way;
    char *renamed_url, *connect_to; /* what `url` and `way` borrow where the server has another name; or NULL */
    unsigned idle_seconds;          /* a JSON reply may stay silent so long */
    size_t requests_max;            /* at a time; 0: no limit */
    route_state *state;             /* held; other snapshots share it */
    const gateway_route **members;  /* of a group, in order; its `url` is a name only. NULL: it is one server */
    size_t member_count;
    size_t name_bytes;              /* of a group: the longest name of a tool that callers see */
};

typedef struct {
    atomic_size_t holders; /* 1 for whoever makes it */
    const char *host;      /* numeric address or localhost; NULL: nothing is listened on */
    uint16_t port;         /* 0 = any; the real one after gateway_serve listens */
    bool loopback;         /* `host` is a loopback address, so Host is checked */
    gateway_route *routes;
    size_t route_count;
    aip_trust trust;
    rules *rules;             /* all rule sets; NULL: there are none */
    const rule_set *standard; /* where neither root nor route has one; NULL: tokens alone decide */
    const char *const *audiences;
    size_t audience_count;
    const char *const *origins; /* allowed values of Origin, compared as bytes */
    size_t origin_count;
    const char *const *hosts; /* further values of Host that are taken on loopback, without port */
    size_t host_count;
    front_settings front; /* what callers see */
    const char *public_url; /* `https://host[:port]` of this gateway; NULL: unknown */
    bool require_proof, quiet;
    bool notify;  /* a desktop, where there is one, shows that a call waits for a person */
    bool audit_arguments; /* redacted arguments stand in the log */
    bool bearers;         /* tokens of one element need no proof where their root has no ceiling that says otherwise */
    size_t threads, body_bytes_max, token_bytes_max;
    unsigned idle_seconds; /* a JSON reply may stay silent so long */
    const char *const *files; /* that all this was made from, to be watched */
    size_t file_count;
    void *source;          /* what the texts above are borrowed from, freed with the last holder */
    void (*release_source)(void *source);
} gateway_settings;

/* One more holder. Thread-safe. */
const gateway_settings *settings_hold(const gateway_settings *settings);
/* The last one frees all that the snapshot owns. Thread-safe. */
void settings_drop(const gateway_settings **settings);

#endif
