/* The keys of one identifier: which of them counts for a use at a time. */
#include "did/identity.h"

#include <stdlib.h>

#include "crypto/multibase.h"
#include "did/keyring.h"

aip_status
identity_new(aip_bytes name, size_t key_count, identity **out, aip_error *err)
{
    *out = NULL;
    if (name.size == 0 || name.size > AIP_IDENTIFIER_BYTES_MAX || memchr(name.data, '\0', name.size) != NULL ||
        key_count > AIP_IDENTITY_KEYS_MAX) {
        return aip_fail(err, AIP_DID_INVALID, "a name or a number of keys beyond the limits");
    }
    identity *id = calloc(1, sizeof *id + key_count * sizeof id->keys[0]);
    if (id == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    memcpy(id->name, name.data, name.size);
    id->key_count = key_count;
    *out = id;
    return AIP_OK;
}

void
identity_free(identity **id)
{
    free(*id);
    *id = NULL;
}

/* Of the name itself, or `supplied`, which then has to belong to the name. */
static aip_status
key_of_name(const aip_did *did, const aip_public_key *supplied, aip_public_key *out, aip_error *err)
{
    bool is_hash = did->form == AIP_DID_HASH || did->form == AIP_DID_NSHASH;
    if (!is_hash || supplied == NULL) {
        AIP_TRY(aip_did_key(did, out, err));
    }
    if (supplied != NULL) {
        AIP_TRY(did_check_key(did, supplied, err));
        *out = *supplied;
    }
    return AIP_OK;
}

aip_status
identity_of_name(const aip_did *did, const aip_public_key *supplied, identity **out, aip_error *err)
{
    aip_public_key key;
    *out = NULL;
    AIP_TRY(key_of_name(did, supplied, &key, err));
    AIP_TRY(identity_new(did->text, 1, out, err));
    identity_key *only = &(*out)->keys[0];
    *only = (identity_key){.key = key, .uses = IDENTITY_USES_ALL, .from = INT64_MIN, .until = INT64_MAX};
    if (did->form == AIP_DID_KEY) {
        multibase_encode_key(key.bytes, only->fragment);
    } else {
        strcpy(only->fragment, "key-1");
    }
    return AIP_OK;
}

/* Does one key serve the query (I-74)? */
static aip_status
judge_key(const identity_key *key, const identity_query *query, aip_error *err)
{
    if ((key->uses & IDENTITY_USE_BIT(query->use)) == 0) {
        return aip_fail(err, AIP_DIDDOC_KEY_NOT_FOUND, NULL);
    }
    if (key->compromised) {
        return aip_fail(err, AIP_KEY_COMPROMISED, NULL);
    }
    return query->time >= key->from && query->time < key->until ? AIP_OK : aip_fail(err, AIP_KEY_RETIRED, NULL);
}

/* Which keys a kid may mean. */
typedef enum { BY_POSITION, BY_FRAGMENT, BY_KEY } selection_kind;

typedef struct {
    selection_kind kind;
    size_t first, end;  /* BY_POSITION */
    aip_bytes fragment; /* BY_FRAGMENT */
    unsigned char key[AIP_KEY_BYTES];
} selection;

static bool
is_selected(const identity *id, size_t i, const selection *wanted)
{
    switch (wanted->kind) {
    case BY_FRAGMENT:
        return aip_bytes_equal(aip_bytes_of(id->keys[i].fragment), wanted->fragment);
    case BY_KEY:
        return memcmp(id->keys[i].key.bytes, wanted->key, AIP_KEY_BYTES) == 0;
    case BY_POSITION:
        break;
    }
    return i >= wanted->first && i < wanted->end;
}

/* The first selected key that counts, else why the first one does not that serves the use at all. */
static aip_status
choose(const identity *id, const identity_query *query, const selection *wanted, aip_public_key *out, aip_error *err)
{
    aip_status why = AIP_DIDDOC_KEY_NOT_FOUND;
    for (size_t i = 0; i < id->key_count; i++) {
        aip_status status =
            is_selected(id, i, wanted) ? judge_key(&id->keys[i], query, NULL) : AIP_DIDDOC_KEY_NOT_FOUND;
        if (status == AIP_OK) {
            *out = id->keys[i].key;
            return AIP_OK;
        }
        why = why == AIP_DIDDOC_KEY_NOT_FOUND ? status : why;
    }
    return aip_fail(err, why, NULL);
}

/* The part after `#` of a DID URL of this name, or a bare fragment as it is. */
static bool
read_fragment(const identity *id, aip_bytes kid, aip_bytes *fragment)
{
    aip_bytes name = aip_bytes_of(id->name);
    *fragment = kid;
    if (memchr(kid.data, '#', kid.size) == NULL) {
        return true;
    }
    if (kid.size <= name.size || !aip_bytes_begin_with(kid, name) || kid.data[name.size] != '#') {
        return false;
    }
    *fragment = aip_bytes_from(kid, name.size + 1);
    return fragment->size > 0 && memchr(fragment->data, '#', fragment->size) == NULL;
}

/* I-9: a fragment that a key has is that key's; only then may it be the text of a key. */
static bool
select_by_kid(const identity *id, aip_bytes kid, selection *wanted)
{
    *wanted = (selection){.kind = BY_FRAGMENT};
    if (!read_fragment(id, kid, &wanted->fragment)) {
        return false;
    }
    for (size_t i = 0; i < id->key_count; i++) {
        if (is_selected(id, i, wanted)) {
            return true;
        }
    }
    wanted->kind = BY_KEY;
    return multibase_decode_key(wanted->fragment, wanted->key, NULL) == AIP_OK;
}

/* Names of hosts have documents, in which no key is the identifier's own. */
static bool
has_document(const identity *id)
{
    aip_bytes name = aip_bytes_of(id->name);
    return aip_bytes_begin_with(name, AIP_BYTES_LITERAL("did:web:")) ||
           aip_bytes_begin_with(name, AIP_BYTES_LITERAL("aip:web:"));
}

aip_status
identity_find_key(const identity *id, const identity_query *query, aip_public_key *out, aip_error *err)
{
    selection wanted = {BY_POSITION, 0, has_document(id) ? id->key_count : 1, {NULL, 0}, {0}};
    if (id->deactivated) {
        return aip_fail(err, AIP_DID_DEACTIVATED, NULL);
    }
    if (query->kid.size > 0 && !select_by_kid(id, query->kid, &wanted)) {
        return aip_fail(err, AIP_DIDDOC_KEY_NOT_FOUND, NULL);
    }
    return choose(id, query, &wanted, out, err);
}

/* A log's last key is its owner's even while this clock is behind the owner's. */
aip_status
identity_current_key(const identity *id, did_use use, int64_t now, aip_public_key *out, aip_error *err)
{
    identity_query query = {{NULL, 0}, use, now};
    if (!id->has_log || id->deactivated || id->key_count == 0) {
        return identity_find_key(id, &query, out, err);
    }
    const identity_key *last = &id->keys[id->key_count - 1];
    query.time = last->from;
    AIP_TRY(judge_key(last, &query, err));
    *out = last->key;
    return AIP_OK;
}
