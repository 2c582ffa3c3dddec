/* The shards' side of the identities thread: what they may look at while it works. */
#include "base/clock.h"
#include "gateway/identities_inside.h"

desk *
identities_desk(identities *ids)
{
    return ids->asked;
}

nonce_memory *
identities_nonces(identities *ids)
{
    return ids->kept.nonces;
}

revoked_memory *
identities_revoked(identities *ids)
{
    return ids->kept.revoked;
}

aip_status
identities_check_lists(const identities *ids, aip_error *err)
{
    return pulling_check(ids->pulling, clock_now_seconds(), err);
}

identity_memory *
identities_memory(identities *ids)
{
    return ids->memory;
}
