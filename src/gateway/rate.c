/* One allowance for each entry of the trust list: as many as there are ceilings, so nobody can fill the table. */
#include "gateway/rate.h"

#include <pthread.h>
#include <stdlib.h>

#include "aip/limits.h"

enum { ALLOWANCES_MAX = 4096 };

typedef struct {
    bool used;
    unsigned char root[AIP_KEY_BYTES]; /* zero: all strangers */
    uint64_t spent_until;              /* when the allowance would be whole again, monotonic microseconds */
} allowance;

struct root_rates {
    pthread_mutex_t lock;
    allowance all[ALLOWANCES_MAX];
};

aip_status
root_rates_new(root_rates **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    pthread_mutex_init(&(*out)->lock, NULL);
    return AIP_OK;
}

void
root_rates_free(root_rates **rates)
{
    if (*rates != NULL) {
        pthread_mutex_destroy(&(*rates)->lock);
        free(*rates);
        *rates = NULL;
    }
}

/* The root's place, or a free one, or one whose owner has spent nothing lately; NULL: all are in use. */
static allowance *
find(root_rates *rates, const unsigned char root[AIP_KEY_BYTES], uint64_t now)
{
    allowance *room = NULL;
    size_t first = ((size_t)root[0] << 8 | root[1]) % ALLOWANCES_MAX;
    for (size_t i = 0; i < ALLOWANCES_MAX; i++) {
        allowance *each = &rates->all[(first + i) % ALLOWANCES_MAX];
        if (!each->used) {
            return room == NULL ? each : room;
        }
        if (memcmp(each->root, root, AIP_KEY_BYTES) == 0) {
            return each;
        }
        room = room == NULL && each->spent_until <= now ? each : room;
    }
    return room;
}

static bool
take(allowance *a, const unsigned char root[AIP_KEY_BYTES], uint64_t now, uint64_t cost)
{
    if (!a->used || memcmp(a->root, root, AIP_KEY_BYTES) != 0) {
        *a = (allowance){.used = true};
        memcpy(a->root, root, AIP_KEY_BYTES);
    }
    uint64_t begin = a->spent_until > now ? a->spent_until : now;
    if (begin + cost > now + 60000000) {
        return false;
    }
    a->spent_until = begin + cost;
    return true;
}

aip_status
root_rates_take(root_rates *rates, const aip_grant *grant, uint64_t now_microseconds, aip_error *err)
{
    static const unsigned char strangers[AIP_KEY_BYTES] = {0};
    const unsigned char *root = grant->stranger ? strangers : grant->root_key.bytes;
    pthread_mutex_lock(&rates->lock);
    allowance *a = find(rates, root, now_microseconds);
    bool taken = a != NULL && take(a, root, now_microseconds, 60000000 / grant->ceiling->requests_per_minute);
    pthread_mutex_unlock(&rates->lock);
    return taken ? AIP_OK : aip_fail(err, AIP_TRUST_RATE, NULL);
}
