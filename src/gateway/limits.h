/* How much callers may have under way at once, by their address and by the root of their token, and how many tokens of
 * an address may fail. Shared by all shards. */
#ifndef GATEWAY_LIMITS_H
#define GATEWAY_LIMITS_H

#include "aip/error.h"

enum { LIMITS_NAME_BYTES = 32 };

typedef struct caller_limits caller_limits;

typedef enum { LIMITS_CONNECTIONS, LIMITS_REQUESTS, LIMITS_ROOT } limits_kind;

/* Whose share it is: an IPv4 address, the half of an IPv6 one that a single party has all of, or a root's key. */
typedef struct {
    unsigned char bytes[LIMITS_NAME_BYTES];
} limits_name;

/* Of a numeric address; all zero for any other text. */
limits_name limits_name_address(const char *address);

/* `most` shares are counted at once. Errors: memory. */
AIP_MUST_CHECK aip_status limits_new(size_t most, caller_limits **out, aip_error *err);
void limits_free(caller_limits **l);

/* One more is under way. False: `most` are already, or there is no room to count it. *place is 0 before; what it
 * becomes goes to limits_leave, which may be called with 0. Thread-safe. */
bool limits_enter(caller_limits *l, limits_kind kind, const limits_name *name, size_t most, uint32_t *place);
void limits_leave(caller_limits *l, uint32_t *place);

/* May one more token of this address fail? `per_minute` may at once, and fill again evenly. Thread-safe. */
bool limits_may_fail(caller_limits *l, const limits_name *name, size_t per_minute, uint64_t now_microseconds);
void limits_note_failure(caller_limits *l, const limits_name *name, size_t per_minute, uint64_t now_microseconds);

#endif
