/* Identities, key logs and key histories in the database, behind the resolver's interface. */
#ifndef STORE_IDENTITIES_H
#define STORE_IDENTITIES_H

#include "did/cache.h"
#include "store/store.h"

/* Fills `out` with functions over `s`, which must outlive it. Errors: store.unavailable (statements do not compile). */
AIP_MUST_CHECK aip_status store_identities(store *s, did_cache *out, aip_error *err);

/* Removes cached answers that can serve no more at `now`; logs, marks, deactivations and key histories stay. */
AIP_MUST_CHECK aip_status store_identities_expire(store *s, int64_t now_seconds, int64_t max_staleness_seconds,
                                                  aip_error *err);

#endif
