/* Releases what a cache answered. */
#include "did/cache.h"

void
did_cache_entry_clear(did_cache_entry *entry)
{
    identity_free(&entry->known);
    *entry = (did_cache_entry){.refusal = AIP_OK};
}
