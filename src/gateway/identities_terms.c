/* What the identities thread works by, and how it gets other terms while it runs. */
#include "gateway/identities_inside.h"

aip_status
identities_renew(identities *ids, const identities_terms *terms, aip_error *err)
{
    identities_terms unused = *terms;
    aip_status status = AIP_OK;
    for (size_t i = 0; i < terms->host_count && status == AIP_OK; i++) {
        status = resolver_check_pattern(terms->hosts[i], err);
    }
    if (status == AIP_OK) {
        pthread_mutex_lock(&ids->terms_lock);
        unused = ids->next_terms; /* the thread never saw them */
        ids->next_terms = *terms;
        pthread_mutex_unlock(&ids->terms_lock);
        desk_ring(ids->asked);
    }
    if (unused.release != NULL) {
        unused.release(unused.held);
    }
    return status;
}

void
identities_take_terms(identities *ids)
{
    pthread_mutex_lock(&ids->terms_lock);
    const identities_terms next = ids->next_terms;
    ids->next_terms = (identities_terms){0};
    pthread_mutex_unlock(&ids->terms_lock);
    if (next.release == NULL) {
        return;
    }
    ids->kept.trust = next.trust;
    resolver_set_hosts(ids->resolver, next.hosts, next.host_count);
    if (ids->pulling != NULL) {
        pulling_set_trust(ids->pulling, next.trust);
    }
    if (ids->terms.release != NULL) {
        ids->terms.release(ids->terms.held);
    }
    ids->terms = next;
}

void
identities_release_terms(identities *ids)
{
    const identities_terms both[] = {ids->terms, ids->next_terms};
    for (size_t i = 0; i < 2; i++) {
        if (both[i].release != NULL) {
            both[i].release(both[i].held);
        }
    }
    pthread_mutex_destroy(&ids->terms_lock);
}
