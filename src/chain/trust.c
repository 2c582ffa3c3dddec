/* Trusted roots: names, bare keys and names pinned to keys. */
#include <stdio.h>
#include <stdlib.h>

#include "chain/chain.h"
#include "did/keyring.h"

#define PATTERN "did:web:*."
#define PATTERN_SIZE (sizeof PATTERN - 2) /* up to the star; the dot begins the domain */

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

/* `did:web:*.domain`, where `a.domain` would be a host. */
static aip_status
read_pattern(aip_bytes text, aip_trust_root *out, aip_error *err)
{
    char example[AIP_IDENTIFIER_BYTES_MAX + 1];
    aip_did did;
    int size = snprintf(example, sizeof example, "did:web:a%.*s", (int)(text.size - PATTERN_SIZE),
                        (const char *)text.data + PATTERN_SIZE);
    if (size < 0 || (size_t)size >= sizeof example || memchr(text.data + PATTERN_SIZE, ':', text.size - PATTERN_SIZE) ||
        aip_did_parse(aip_bytes_of(example), &did, NULL) != AIP_OK) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a pattern is did:web:*. and a domain");
    }
    out->pattern = true;
    out->name = strndup((const char *)text.data, text.size);
    return out->name == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

static aip_status
read_root(aip_bytes text, aip_trust_root *out, aip_error *err)
{
    if (!is_name(text)) {
        out->has_key = true;
        return accept_key_text(text, &out->key, err);
    }
    if (aip_bytes_begin_with(text, AIP_BYTES_LITERAL(PATTERN))) {
        return read_pattern(text, out, err);
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

static void
free_ceiling(aip_ceiling *ceiling)
{
    for (size_t i = 0; i < ceiling->scope_count && ceiling->scope != NULL; i++) {
        free((void *)(uintptr_t)ceiling->scope[i]);
    }
    free((void *)(uintptr_t)ceiling->scope);
    free((void *)(uintptr_t)ceiling->name);
    free((void *)(uintptr_t)ceiling->policy);
    free(ceiling);
}

static bool
copy_text(const char *from, const char **out)
{
    *out = from == NULL ? NULL : strdup(from);
    return from == NULL || *out != NULL;
}

/* What was copied, and nothing else, stands in `out` afterwards. */
static bool
copy_texts(aip_ceiling *out, const aip_ceiling *from)
{
    char **scope = calloc(from->scope_count + 1, sizeof *scope);
    out->scope = (const char *const *)scope;
    bool good = scope != NULL;
    for (size_t i = 0; good && i < from->scope_count; i++) {
        good = (scope[i] = strdup(from->scope[i])) != NULL;
    }
    good &= copy_text(from->name, &out->name);
    return copy_text(from->policy, &out->policy) && good;
}

aip_status
aip_trust_add_ceiling(aip_trust *trust, const aip_ceiling *ceiling, const aip_ceiling **out, aip_error *err)
{
    for (size_t i = 0; i < ceiling->scope_count; i++) {
        if (!scope_is_entry(aip_bytes_of(ceiling->scope[i]))) {
            return aip_fail(err, AIP_CONFIG_INVALID, "scope entry %zu is not kind:name with at most a final star", i);
        }
    }
    aip_ceiling **longer = realloc(trust->ceilings, (trust->ceiling_count + 1) * sizeof(aip_ceiling *));
    if (longer == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    trust->ceilings = longer;
    aip_ceiling *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *copy = *ceiling;
    if (!copy_texts(copy, ceiling)) {
        free_ceiling(copy);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *out = trust->ceilings[trust->ceiling_count++] = copy;
    return AIP_OK;
}

void
aip_trust_clear(aip_trust *trust)
{
    for (size_t i = 0; i < trust->count; i++) {
        free(trust->roots[i].name);
    }
    for (size_t i = 0; i < trust->ceiling_count; i++) {
        free_ceiling(trust->ceilings[i]);
    }
    free(trust->roots);
    free(trust->ceilings);
    *trust = (aip_trust){0};
}

/* Is the name a did:web one of a host below the pattern's domain, without a port? */
static bool
is_below(const aip_trust_root *root, const aip_did *issuer)
{
    aip_bytes domain = aip_bytes_from(aip_bytes_of(root->name), PATTERN_SIZE);
    aip_bytes host = aip_bytes_from(issuer->text, sizeof "did:web:" - 1);
    const unsigned char *end = memchr(host.data, ':', host.size);
    host.size = end == NULL ? host.size : (size_t)(end - host.data);
    return host.size > domain.size && memcmp(host.data + host.size - domain.size, domain.data, domain.size) == 0;
}

/* The two encodings of an aip:key name are one name; all else is compared as bytes. */
static bool
is_named(const aip_trust_root *root, const aip_did *issuer)
{
    if (root->name == NULL) {
        return false;
    }
    if (root->pattern) {
        return issuer->form == AIP_DID_WEB && is_below(root, issuer);
    }
    aip_did did;
    aip_bytes name = aip_bytes_of(root->name);
    return aip_bytes_equal(name, issuer->text) ||
           (issuer->form == AIP_NAME_KEY && aip_bytes_begin_with(name, AIP_BYTES_LITERAL("aip:key:")) &&
            aip_did_parse(name, &did, NULL) == AIP_OK && memcmp(did.key, issuer->key, AIP_KEY_BYTES) == 0);
}

/* A pin speaks for names that carry no key; it is the name's only key, and a kid can name no other. */
static aip_status
key_of_named(const aip_trust_root *root, const token *t, const aip_key_source *keys, aip_public_key *key,
             aip_error *err)
{
    if (!root->has_key || aip_did_has_key(&t->issuer)) {
        return chain_find_key(t, keys, key, err);
    }
    *key = root->key;
    return t->foreign ? AIP_OK : did_check_only_key(&t->issuer, t->kid, key, err);
}

/* The name carries a trusted key. That vouches for the key and not for those that the identity rotated to. */
static aip_status
key_of_carried(const token *t, const aip_key_source *keys, aip_public_key *key, aip_error *err)
{
    AIP_TRY(chain_find_key(t, keys, key, err));
    return memcmp(key->bytes, t->issuer.key, AIP_KEY_BYTES) == 0
               ? AIP_OK
               : aip_fail(err, AIP_TRUST_ROOT_UNKNOWN, "the identity's first key is trusted, not this later one");
}

static aip_status
find_named(const chain_judgement *j, root_trust *out, bool *listed, aip_error *err)
{
    const token *t = &j->chain->tokens[0];
    for (size_t i = 0; i < j->check->trust->count; i++) {
        const aip_trust_root *root = &j->check->trust->roots[i];
        *listed = is_named(root, &t->issuer);
        if (*listed) {
            out->ceiling = root->ceiling;
            return key_of_named(root, t, j->check->keys, &out->key, err);
        }
    }
    return AIP_OK;
}

/* A bare key vouches for names that carry it; for aip:web names only the signature can tell. */
static aip_status
find_bare_key(const chain_judgement *j, root_trust *out, bool *listed, aip_error *err)
{
    const token *t = &j->chain->tokens[0];
    bool web = t->issuer.form == AIP_NAME_WEB, tried = false;
    for (size_t i = 0; i < j->check->trust->count; i++) {
        const aip_trust_root *root = &j->check->trust->roots[i];
        if (root->name != NULL) {
            continue;
        }
        tried = web;
        bool carried = aip_did_has_key(&t->issuer) && memcmp(root->key.bytes, t->issuer.key, AIP_KEY_BYTES) == 0;
        out->unnamed = web && chain_is_signed(j, 0, &root->key);
        *listed = carried || out->unnamed;
        if (*listed) {
            out->ceiling = root->ceiling;
            out->key = root->key;
            return carried ? key_of_carried(t, j->check->keys, &out->key, err) : AIP_OK;
        }
    }
    return tried ? aip_fail(err, AIP_TOKEN_SIGNATURE, "no trusted key made it") : AIP_OK;
}

aip_status
trust_find_root(const chain_judgement *j, root_trust *out, aip_error *err)
{
    const aip_trust *trust = j->check->trust;
    bool listed = false;
    *out = (root_trust){.stranger = false};
    if (trust == NULL) {
        return aip_fail(err, AIP_TRUST_ROOT_UNKNOWN, NULL);
    }
    AIP_TRY(find_named(j, out, &listed, err));
    if (!listed) {
        AIP_TRY(find_bare_key(j, out, &listed, err));
    }
    if (listed) {
        return AIP_OK;
    }
    /* A stranger's name has to carry its key: nothing is fetched on its word. */
    if (trust->unknown == NULL || !aip_did_has_key(&j->chain->tokens[0].issuer)) {
        return aip_fail(err, AIP_TRUST_ROOT_UNKNOWN, NULL);
    }
    out->stranger = true;
    out->ceiling = trust->unknown;
    return chain_find_key(&j->chain->tokens[0], j->check->keys, &out->key, err);
}

bool
trust_lists(const aip_trust *trust, const aip_did *name)
{
    for (size_t i = 0; i < trust->count; i++) {
        const aip_trust_root *root = &trust->roots[i];
        if (is_named(root, name) ||
            (root->name == NULL && aip_did_has_key(name) && memcmp(root->key.bytes, name->key, AIP_KEY_BYTES) == 0)) {
            return true;
        }
    }
    return false;
}

aip_status
trust_check_ceiling(const chain_judgement *j, const aip_ceiling *ceiling, aip_error *err)
{
    if (ceiling == NULL) {
        return AIP_OK;
    }
    if (ceiling->has_max_depth && j->chain->count - 1 > ceiling->max_depth) {
        return chain_place(err, (size_t)ceiling->max_depth + 1, aip_fail(err, AIP_TRUST_DEPTH, NULL));
    }
    return ceiling->ttl_seconds > 0 && j->check->now_seconds - j->chain->tokens[0].iat >= ceiling->ttl_seconds
               ? chain_place(err, 0, aip_fail(err, AIP_TRUST_EXPIRED, NULL))
               : AIP_OK;
}

void
trust_narrow(const aip_chain *chain, const aip_ceiling *ceiling, aip_grant *grant)
{
    grant->ceiling = ceiling;
    if (ceiling == NULL) {
        return;
    }
    if (ceiling->has_budget && (!grant->has_budget || ceiling->budget_micro_usd < grant->budget_micro_usd)) {
        grant->has_budget = true;
        grant->budget_micro_usd = ceiling->budget_micro_usd;
    }
    if (ceiling->has_max_depth) {
        uint32_t left = ceiling->max_depth - (uint32_t)(chain->count - 1);
        grant->depth_left = left < grant->depth_left ? left : grant->depth_left;
    }
    if (ceiling->ttl_seconds > 0) {
        int64_t end = chain->tokens[0].iat + ceiling->ttl_seconds;
        grant->expires = end < grant->expires ? end : grant->expires;
    }
}
