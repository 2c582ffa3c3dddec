/* From a verified chain to accounts, and from a call to the key of its retries. */
#include "store/ledger_path.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "chain/chain.h"
#include "crypto/hash.h"

static void
lower_ceiling(ledger_link *link, uint64_t micro_usd)
{
    if (!link->has_ceiling || micro_usd < link->ceiling_micro_usd) {
        link->has_ceiling = true;
        link->ceiling_micro_usd = micro_usd;
    }
}

aip_status
ledger_path_of(const aip_grant *grant, aip_bytes gateway, ledger_path *out, aip_error *err)
{
    const aip_chain *chain = grant->chain;
    *out = (ledger_path){.count = chain->count, .expires = grant->expires};
    for (size_t i = 0; i < chain->count; i++) {
        const token *t = &chain->tokens[i];
        memcpy(out->links[i].link, t->link_id, sizeof t->link_id);
        if ((t->declared & TOKEN_BUDGET) != 0) {
            lower_ceiling(&out->links[i], t->budget_micro_usd);
        }
    }
    if ((chain->tokens[0].declared & TOKEN_SHARES) != 0) {
        uint64_t share;
        AIP_TRY(budget_find_share(&chain->tokens[0], gateway, &share, err));
        lower_ceiling(&out->links[0], share);
    }
    if (grant->ceiling != NULL && grant->ceiling->has_budget) {
        lower_ceiling(&out->links[0], grant->ceiling->budget_micro_usd);
    }
    return AIP_OK;
}

/* With its length before it, so that no two lists of parts are the same bytes. */
static void
add_part(hash_stream *stream, aip_bytes part)
{
    unsigned char size[8];
    for (size_t i = 0; i < sizeof size; i++) {
        size[i] = (unsigned char)((uint64_t)part.size >> (56 - 8 * i));
    }
    hash_stream_add(stream, (aip_bytes){size, sizeof size});
    hash_stream_add(stream, part);
}

static void
hash_parts(const aip_bytes *parts, size_t count, unsigned char out[AIP_HASH_BYTES])
{
    hash_stream stream;
    hash_stream_begin(&stream);
    for (size_t i = 0; i < count; i++) {
        add_part(&stream, parts[i]);
    }
    hash_stream_end(&stream, out);
}

aip_status
ledger_key_of(const ledger_path *path, const ledger_call *call, ledger_key *out, aip_error *err)
{
    STRING_AUTO char *canonical = NULL;
    size_t size = 0;
    if (call->client_key.size == 0 || call->client_key.size > LEDGER_CLIENT_KEY_BYTES_MAX) {
        return aip_fail(err, AIP_REQUEST_INVALID, "an idempotency key has 1 to %d bytes", LEDGER_CLIENT_KEY_BYTES_MAX);
    }
    AIP_TRY(json_canonical(call->arguments, &canonical, &size, err));
    /* A link id names the whole chain: each element carries the hash of the one before. */
    const aip_bytes leaf = {path->links[path->count - 1].link, AIP_HASH_BYTES};
    const aip_bytes name[] = {AIP_BYTES_LITERAL("aip-idempotency-name"), leaf, call->client_key};
    const aip_bytes digest[] = {AIP_BYTES_LITERAL("aip-idempotency-call"),
                                leaf,
                                call->client_key,
                                call->tool,
                                {(const unsigned char *)canonical, size}};
    hash_parts(name, sizeof name / sizeof name[0], out->name);
    hash_parts(digest, sizeof digest / sizeof digest[0], out->digest);
    return AIP_OK;
}
