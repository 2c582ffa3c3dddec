/* Scope entries: their grammar, containment of one in another, and whether a grant covers a request. */
#include "chain/chain.h"

static bool
is_scope_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && memchr("._:/@%-", c, 7) != NULL);
}

static bool
is_lower_alphanumeric(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* `kind:name`; only http names hold a space, one, between method and path. */
static bool
is_native_form(aip_bytes entry)
{
    const unsigned char *colon = memchr(entry.data, ':', entry.size);
    if (colon == NULL || colon == entry.data || colon + 1 == entry.data + entry.size) {
        return false;
    }
    for (const unsigned char *c = entry.data; c < colon; c++) {
        if (!is_lower_alphanumeric(*c)) {
            return false;
        }
    }
    return true;
}

static bool
is_well_formed(aip_bytes entry, bool foreign, bool star)
{
    if (entry.size == 0 || (star && entry.size > AIP_SCOPE_BYTES_MAX) || (!foreign && !is_native_form(entry))) {
        return false;
    }
    bool ends_in_star = star && entry.data[entry.size - 1] == '*';
    size_t spaces = !foreign && aip_bytes_begin_with(entry, AIP_BYTES_LITERAL("http:")) ? 1 : 0;
    for (size_t i = 0; i < entry.size - (ends_in_star ? 1 : 0); i++) {
        bool space = entry.data[i] == ' ' && spaces > 0 && i >= sizeof "http:" && i + 1 < entry.size;
        spaces -= space;
        if (!space && !is_scope_byte(entry.data[i])) {
            return false;
        }
    }
    return true;
}

aip_status
scope_check(const token *t, aip_error *err)
{
    for (uint32_t i = 0; i < t->scope_count; i++) {
        if (!is_well_formed(t->scope[i], t->foreign, true)) {
            return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "scope entry %u is not kind:name with at most a final star",
                            i);
        }
    }
    return AIP_OK;
}

/* Equal, or `outer` is a prefix ending in a star and `inner`, without its own star, begins with it. */
static bool
lies_within(aip_bytes outer, aip_bytes inner)
{
    if (aip_bytes_equal(outer, inner)) {
        return true;
    }
    if (outer.data[outer.size - 1] != '*') {
        return false;
    }
    inner.size -= inner.data[inner.size - 1] == '*';
    return aip_bytes_begin_with(inner, (aip_bytes){outer.data, outer.size - 1});
}

bool
scope_is_entry(aip_bytes entry)
{
    return is_well_formed(entry, false, true);
}

bool
scope_covers(const char *const *entries, size_t count, aip_bytes wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (lies_within(aip_bytes_of(entries[i]), wanted)) {
            return true;
        }
    }
    return false;
}

static bool
is_granted(const token *t, aip_bytes entry)
{
    for (uint32_t i = 0; i < t->scope_count; i++) {
        if (t->foreign ? aip_bytes_equal(t->scope[i], entry) : lies_within(t->scope[i], entry)) {
            return true;
        }
    }
    return false;
}

bool
scope_is_within(const token *ancestor, const token *child)
{
    for (uint32_t i = 0; i < child->scope_count; i++) {
        if (!is_granted(ancestor, child->scope[i])) {
            return false;
        }
    }
    return true;
}

aip_status
aip_grant_covers(const aip_grant *grant, aip_bytes wanted, aip_error *err)
{
    const token *leaf =
        &grant->chain->tokens[grant->chain->count - 1]; /* the narrowest, since each lies within its parent */
    if (!is_well_formed(wanted, leaf->foreign, false) || !is_granted(leaf, wanted)) {
        char name[80];
        return aip_fail(err, AIP_SCOPE_INSUFFICIENT, "%s is not granted", aip_printable(wanted, name, sizeof name));
    }
    const aip_ceiling *ceiling = grant->ceiling;
    bool trusted =
        ceiling == NULL || ceiling->scope_count == 0 || scope_covers(ceiling->scope, ceiling->scope_count, wanted);
    return trusted ? AIP_OK : aip_fail(err, AIP_TRUST_SCOPE, NULL);
}
