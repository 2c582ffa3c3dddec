/* Counts in chained places under one short lock; failures in sets of fixed size, whose oldest gives way. */
#include "gateway/limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"

enum { BUCKETS = 8192, SETS = 1024, WAYS = 8 };

#define MINUTE_MICROSECONDS UINT64_C(60000000)

typedef struct {
    limits_name name;
    limits_kind kind;
    uint32_t count, next; /* of the bucket, or of those that are free */
} share;

typedef struct {
    limits_name name;
    uint64_t spent_until; /* when the allowance would be whole again; 0: nobody's */
} allowance;

struct caller_limits {
    pthread_mutex_t lock;
    uint64_t seed; /* nobody outside can choose names that meet in one bucket */
    uint32_t buckets[BUCKETS];
    uint32_t free, used, most;
    share *shares; /* from 1 on */
    allowance failures[SETS][WAYS];
};

limits_name
limits_name_address(const char *address)
{
    limits_name name = {{0}};
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (inet_pton(AF_INET, address, &ipv4) == 1) {
        name.bytes[0] = 4;
        memcpy(name.bytes + 1, &ipv4, sizeof ipv4);
    } else if (inet_pton(AF_INET6, address, &ipv6) == 1 && IN6_IS_ADDR_V4MAPPED(&ipv6)) {
        name.bytes[0] = 4;
        memcpy(name.bytes + 1, &ipv6.s6_addr[12], sizeof ipv4);
    } else if (inet_pton(AF_INET6, address, &ipv6) == 1) {
        name.bytes[0] = 6;
        memcpy(name.bytes + 1, &ipv6, 8);
    }
    return name;
}

aip_status
limits_new(size_t most, caller_limits **out, aip_error *err)
{
    caller_limits *l = calloc(1, sizeof *l);
    *out = NULL;
    if (l == NULL || most >= UINT32_MAX || (l->shares = calloc(most + 1, sizeof *l->shares)) == NULL) {
        free(l);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    pthread_mutex_init(&l->lock, NULL);
    hash_random(&l->seed, sizeof l->seed);
    l->most = (uint32_t)most;
    *out = l;
    return AIP_OK;
}

void
limits_free(caller_limits **l)
{
    if (*l != NULL) {
        pthread_mutex_destroy(&(*l)->lock);
        free((*l)->shares);
        free(*l);
        *l = NULL;
    }
}

static uint64_t
mix(const caller_limits *l, unsigned kind, const limits_name *name)
{
    uint64_t sum = l->seed ^ kind;
    for (size_t i = 0; i < LIMITS_NAME_BYTES; i += sizeof sum) {
        uint64_t word;
        memcpy(&word, name->bytes + i, sizeof word);
        sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
    }
    return sum;
}

static uint32_t *
bucket_of(caller_limits *l, limits_kind kind, const limits_name *name)
{
    return &l->buckets[mix(l, kind, name) % BUCKETS];
}

static uint32_t
find_share(const caller_limits *l, uint32_t first, limits_kind kind, const limits_name *name)
{
    uint32_t at = first;
    while (at != 0 && (l->shares[at].kind != kind || memcmp(&l->shares[at].name, name, sizeof *name) != 0)) {
        at = l->shares[at].next;
    }
    return at;
}

/* 0: no room. */
static uint32_t
add_share(caller_limits *l, uint32_t *bucket, limits_kind kind, const limits_name *name)
{
    uint32_t at = l->free;
    if (at != 0) {
        l->free = l->shares[at].next;
    } else if (l->used < l->most) {
        at = ++l->used;
    } else {
        return 0;
    }
    l->shares[at] = (share){.name = *name, .kind = kind, .next = *bucket};
    *bucket = at;
    return at;
}

bool
limits_enter(caller_limits *l, limits_kind kind, const limits_name *name, size_t most, uint32_t *place)
{
    pthread_mutex_lock(&l->lock);
    uint32_t *bucket = bucket_of(l, kind, name);
    uint32_t at = find_share(l, *bucket, kind, name);
    if (at == 0) {
        at = most == 0 ? 0 : add_share(l, bucket, kind, name);
    } else if (l->shares[at].count >= most) {
        at = 0;
    }
    if (at != 0) {
        l->shares[at].count++;
    }
    pthread_mutex_unlock(&l->lock);
    *place = at;
    return at != 0;
}

static void
remove_share(caller_limits *l, uint32_t at)
{
    uint32_t *link = bucket_of(l, l->shares[at].kind, &l->shares[at].name);
    while (*link != at) {
        link = &l->shares[*link].next;
    }
    *link = l->shares[at].next;
    l->shares[at].next = l->free;
    l->free = at;
}

void
limits_leave(caller_limits *l, uint32_t *place)
{
    if (*place == 0) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    if (--l->shares[*place].count == 0) {
        remove_share(l, *place);
    }
    pthread_mutex_unlock(&l->lock);
    *place = 0;
}

/* The address's own, or the one that gives way to it. */
static allowance *
find_allowance(caller_limits *l, const limits_name *name)
{
    allowance *set = l->failures[mix(l, LIMITS_ROOT + 1, name) % SETS], *room = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (memcmp(&set[i].name, name, sizeof *name) == 0) {
            return &set[i];
        }
        room = set[i].spent_until < room->spent_until ? &set[i] : room;
    }
    return room;
}

bool
limits_may_fail(caller_limits *l, const limits_name *name, size_t per_minute, uint64_t now_microseconds)
{
    pthread_mutex_lock(&l->lock);
    const allowance *a = find_allowance(l, name);
    bool may = memcmp(&a->name, name, sizeof *name) != 0 ||
               a->spent_until + MINUTE_MICROSECONDS / per_minute <= now_microseconds + MINUTE_MICROSECONDS;
    pthread_mutex_unlock(&l->lock);
    return may;
}

void
limits_note_failure(caller_limits *l, const limits_name *name, size_t per_minute, uint64_t now_microseconds)
{
    pthread_mutex_lock(&l->lock);
    allowance *a = find_allowance(l, name);
    if (memcmp(&a->name, name, sizeof *name) != 0) {
        *a = (allowance){.name = *name};
    }
    uint64_t begin = a->spent_until > now_microseconds ? a->spent_until : now_microseconds;
    a->spent_until = begin + MINUTE_MICROSECONDS / per_minute;
    pthread_mutex_unlock(&l->lock);
}
