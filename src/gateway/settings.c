/* Holding and dropping snapshots of the settings. */
#include "gateway/gateway.h"
#include "gateway/routes.h"

#include <stdlib.h>

void
settings_drop(const gateway_settings **settings)
{
    gateway_settings *each = (gateway_settings *)(uintptr_t)*settings;
    *settings = NULL;
    if (each == NULL || atomic_fetch_sub(&each->holders, 1) != 1) {
        return;
    }
    rules_free(&each->rules);
    aip_trust_clear(&each->trust);
    routes_clear(each);
    front_clear(&each->front);
    if (each->release_source != NULL) {
        each->release_source(each->source);
    }
    free(each);
}

const gateway_settings *
settings_hold(const gateway_settings *settings)
{
    atomic_fetch_add(&((gateway_settings *)(uintptr_t)settings)->holders, 1);
    return settings;
}

const gateway_settings *
gateway_settings_take(gateway *g)
{
    pthread_mutex_lock(&g->lock);
    const gateway_settings *taken = settings_hold(g->settings);
    pthread_mutex_unlock(&g->lock);
    return taken;
}

void
gateway_settings_put(gateway *g, const gateway_settings *settings)
{
    pthread_mutex_lock(&g->lock);
    const gateway_settings *before = g->settings;
    g->settings = settings;
    pthread_mutex_unlock(&g->lock);
    settings_drop(&before);
}
