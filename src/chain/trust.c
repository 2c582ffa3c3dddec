/* Trusted roots: names, bare keys and names pinned to keys. */
#include <stdlib.h>

#include "chain/chain.h"
#include "did/keyring.h"

static aip_status
accept_key_text(aip_bytes text, aip_public_key *out, aip_error *err)
{
    static const char prefix[] = "aip:key:ed25519:"; /* its grammar reads both encodings of a key, and bounds them */
    char name[sizeof prefix + 64];
    if (aip_bytes_begin_with(text, AIP_BYTES_LITERAL("ed25519:"))) {
        text = aip_bytes_from(text, sizeof "ed25519:" - 1);
    }
    if (text.size == 0 || text.size > 64) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a trusted key is z and base58 of at most 64 characters");
    }
    memcpy(name, prefix, sizeof prefix - 1);
    memcpy(name + sizeof prefix - 1, text.data, text.size);
    aip_did did;
    AIP_TRY(aip_did_parse((aip_bytes){(const unsigned char *)name, sizeof prefix - 1 + text.size}, &did, err));
    return aip_public_key_accept(did.key, out, err);
}

static bool
is_name(aip_bytes text)
{
    return aip_bytes_begin_with(text, AIP_BYTES_LITERAL("did:")) ||
           aip_bytes_begin_with(text, AIP_BYTES_LITERAL("aip:"));
}

static aip_status
read_root(aip_bytes text, aip_trust_root *out, aip_error *err)
{
    if (!is_name(text)) {
        out->has_key = true;
        return accept_key_text(text, &out->key, err);
    }
    const unsigned char *equals = memchr(text.data, '=', text.size);
    aip_bytes name = {text.data, equals == NULL ? text.size : (size_t)(equals - text.data)};
    aip_did did;
    AIP_TRY(aip_did_parse(name, &did, err));
    if (equals != NULL) {
        out->has_key = true;
        AIP_TRY(accept_key_text(aip_bytes_from(text, name.size + 1), &out->key, err));
        AIP_TRY(did_check_key(&did, &out->key, err)); /* a name made of a key, or of its hash, is pinned to no other */
    }
    out->name = strndup((const char *)name.data, name.size);
    return out->name == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

aip_status
aip_trust_add(aip_trust *trust, const char *text, aip_error *err)
{
    if (trust->count == AIP_TRUST_ROOTS_MAX) {
        return aip_fail(err, AIP_CONFIG_INVALID, "more than %d trusted roots", AIP_TRUST_ROOTS_MAX);
    }
    aip_trust_root root = {0};
    AIP_TRY(read_root(aip_bytes_of(text), &root, err));
    aip_trust_root *roots = realloc(trust->roots, (trust->count + 1) * sizeof *roots);
    if (roots == NULL) {
        free(root.name);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    roots[trust->count] = root;
    trust->roots = roots;
    trust->count++;
    return AIP_OK;
}

void
aip_trust_clear(aip_trust *trust)
{
    for (size_t i = 0; i < trust->count; i++) {
        free(trust->roots[i].name);
    }
    free(trust->roots);
    *trust = (aip_trust){0};
}

/* The two encodings of an aip:key name are one name; all else is compared as bytes. */
static bool
is_named(const aip_trust_root *root, const aip_did *issuer)
{
    if (root->name == NULL) {
        return false;
    }
    aip_did did;
    aip_bytes name = aip_bytes_of(root->name);
    return aip_bytes_equal(name, issuer->text) ||
           (issuer->form == AIP_NAME_KEY && aip_bytes_begin_with(name, AIP_BYTES_LITERAL("aip:key:")) &&
            aip_did_parse(name, &did, NULL) == AIP_OK && memcmp(did.key, issuer->key, AIP_KEY_BYTES) == 0);
}

static aip_status
key_of_named(const aip_trust_root *root, const aip_did *issuer, aip_public_key *key, aip_error *err)
{
    if (!root->has_key || aip_did_has_key(issuer)) { /* the name decides; no pin contradicts it */
        return aip_did_key(issuer, key, err);
    }
    *key = root->key;
    return AIP_OK;
}

static bool
is_signed_by(const aip_chain *chain, const aip_public_key *key)
{
    const token *t = &chain->tokens[0];
    return aip_verify(key, t->signing_input, t->signature, NULL) == AIP_OK;
}

/* A bare key vouches for names that carry it; for aip:web names only the signature can tell. */
static aip_status
find_bare_key(const aip_chain *chain, const aip_trust *trust, bool *proven, aip_public_key *key, aip_error *err)
{
    const aip_did *issuer = &chain->tokens[0].issuer;
    bool web = issuer->form == AIP_NAME_WEB, tried = false;
    for (size_t i = 0; i < trust->count; i++) {
        const aip_trust_root *root = &trust->roots[i];
        if (root->name != NULL) {
            continue;
        }
        tried = web;
        bool carried = aip_did_has_key(issuer) && memcmp(root->key.bytes, issuer->key, AIP_KEY_BYTES) == 0;
        if (carried || (web && is_signed_by(chain, &root->key))) {
            *proven = web;
            *key = root->key;
            return AIP_OK;
        }
    }
    return tried ? aip_fail(err, AIP_TOKEN_SIGNATURE, "no trusted key made it")
                 : aip_fail(err, AIP_TRUST_ROOT_UNKNOWN, NULL);
}

aip_status
trust_find_root(const aip_chain *chain, const aip_trust *trust, bool *proven, aip_public_key *key, aip_error *err)
{
    const aip_did *issuer = &chain->tokens[0].issuer;
    *proven = false;
    if (trust == NULL) {
        return aip_fail(err, AIP_TRUST_ROOT_UNKNOWN, NULL);
    }
    for (size_t i = 0; i < trust->count; i++) {
        if (is_named(&trust->roots[i], issuer)) {
            return key_of_named(&trust->roots[i], issuer, key, err);
        }
    }
    return find_bare_key(chain, trust, proven, key, err);
}
