/* Arguments of a call that stand in its headers as well: both say the same, or the call does not go on. */
#include "gateway/mcp_params.h"

#include <strings.h>

#include "gateway/lists.h"
#include "policy/mirrors.h"

bool
mcp_params_is_one(aip_bytes name)
{
    return name.size > sizeof MIRROR_PREFIX - 1 &&
           strncasecmp((const char *)name.data, MIRROR_PREFIX, sizeof MIRROR_PREFIX - 1) == 0;
}

static bool
is_of(const mirror *m, aip_bytes name)
{
    return mcp_params_is_one(name) && name.size == sizeof MIRROR_PREFIX - 1 + m->header.size &&
           strncasecmp((const char *)name.data + sizeof MIRROR_PREFIX - 1, (const char *)m->header.data,
                       m->header.size) == 0;
}

/* False: the tool has no such header. */
static bool
find(const exchange *x, aip_bytes name, mirror *out)
{
    aip_bytes rest = text_view(&x->mirrors);
    while (mirrors_next(&rest, out)) {
        if (is_of(out, name)) {
            return true;
        }
    }
    return false;
}

bool
mcp_params_knows(const exchange *x, aip_bytes name)
{
    mirror found;
    return find(x, name, &found);
}

static uint32_t
value_of(const exchange *x, const mirror *m)
{
    return x->argument_node == SCAN_NONE ? SCAN_NONE : mirror_find(m, &x->document, x->argument_node);
}

static aip_status
refuse(const mirror *m, const char *why, aip_error *err)
{
    char name[64];
    return aip_fail(err, AIP_REQUEST_HEADERS, MIRROR_PREFIX "%s %s", aip_printable(m->header, name, sizeof name), why);
}

/* Older clients know nothing of such headers; one that is there says the truth in any case. */
static aip_status
check_one(const exchange *x, const mirror *m, aip_error *err)
{
    const header_field *header = NULL;
    uint32_t value = value_of(x, m);
    for (size_t i = 0; i < x->field_count && header == NULL; i++) {
        header = is_of(m, x->fields[i].name) ? &x->fields[i] : NULL; /* there is one at most: G-12 */
    }
    if (header == NULL) {
        bool owed = x->modern && value != SCAN_NONE && mirror_is_owed(&x->document, value);
        return owed ? refuse(m, "is missing", err) : AIP_OK;
    }
    if (value == SCAN_NONE) {
        return refuse(m, "repeats what the body does not have", err);
    }
    aip_status status = mirror_check(&x->document, value, header->value, err);
    return status == AIP_REQUEST_HEADERS ? refuse(m, "differs from the body", err) : status;
}

aip_status
mcp_params_check(exchange *x, const catalogue_tool *tool, aip_error *err)
{
    text_clear(&x->mirrors);
    if (!tool->mirrored || x->local) {
        return AIP_OK; /* a line has no headers */
    }
    AIP_TRY(catalogue_mirrors(x->gateway->catalogue, lists_upstream(x), x->name, &x->mirrors, err));
    aip_bytes rest = text_view(&x->mirrors);
    mirror each;
    while (mirrors_next(&rest, &each)) {
        AIP_TRY(check_one(x, &each, err));
    }
    return AIP_OK;
}

aip_status
mcp_params_append(const exchange *x, const header_field *header, text_buffer *out, aip_error *err)
{
    mirror m;
    uint32_t value = find(x, header->name, &m) ? value_of(x, &m) : SCAN_NONE;
    if (value == SCAN_NONE) {
        return AIP_OK;
    }
    aip_status status = mirror_check(&x->document, value, header->value, NULL);
    if (status == AIP_OK) {
        text_append(out, header->value);
        return text_finish(out, err);
    }
    if (status != AIP_REQUEST_HEADERS) {
        return aip_fail(err, status, NULL);
    }
    return mirror_is_owed(&x->document, value) ? mirror_append(&x->document, value, out, err) : AIP_OK;
}

aip_status
mcp_params_check_changed(const exchange *x, aip_error *err)
{
    for (size_t i = 0; i < x->field_count; i++) {
        if (mcp_params_is_one(x->fields[i].name) && !mcp_params_knows(x, x->fields[i].name)) {
            return aip_fail(err, AIP_DLP_BLOCKED, "a header may repeat what was taken out of the message");
        }
    }
    return AIP_OK;
}
