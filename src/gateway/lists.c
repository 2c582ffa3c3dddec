/* Lists of upstreams: noted for pins, and thinned out by scope, policy and pins alike. */
#include "gateway/lists.h"

#include "gateway/group.h"
#include "gateway/mail.h"
#include "gateway/mcp_address.h"
#include "gateway/mcp_params.h"
#include "gateway/pinning.h"
#include "gateway/pipeline.h"
#include "policy/suspicious.h"

enum { LOOKED_AT_BYTES_MAX = 256 << 10 }; /* of new definitions in one list; of the rest it is not told */

aip_bytes
lists_upstream(const exchange *x)
{
    return aip_bytes_of(x->route->name[0] != '\0' ? x->route->name : x->route->url);
}

static policy_pins
pins_of(const exchange *x)
{
    static const policy_pins standard = {POLICY_PINS_FIRST_SIGHT, false};
    return x->rules == NULL ? standard : *policy_pins_of(x->rules->policy);
}

/* ---- noting ---- */

typedef struct {
    exchange *x;
    const scan_document *message;
    text_buffer seen; /* as pinning_append writes it */
    bool news;
    size_t looked_at; /* bytes of definitions */
} noting;

/* A definition that was looked at before is not looked at again. */
static bool
is_known(const noting *n, const catalogue_entry *entry, bool *flagged)
{
    catalogue_tool known;
    if (!catalogue_find(n->x->gateway->catalogue, lists_upstream(n->x), entry->name, &known) || !known.seen ||
        known.state == CATALOGUE_CHANGED || /* and what it was found to be is not known any more */
        memcmp(known.hashes.whole, entry->hashes->whole, sizeof known.hashes.whole) != 0) {
        return false;
    }
    *flagged = known.state == CATALOGUE_FLAGGED;
    return true;
}

/* What cannot be told counts as suspicious, as does what would keep the shard too long. */
static bool
is_flagged(noting *n, const catalogue_entry *entry)
{
    suspicious_findings found;
    suspicious *detector = n->x->gateway->suspicious;
    bool flagged = false;
    if (detector == NULL || is_known(n, entry, &flagged)) {
        return flagged;
    }
    n->looked_at += scan_raw(n->message, entry->node).size;
    return n->looked_at > LOOKED_AT_BYTES_MAX ||
           suspicious_check(detector, n->message, entry->node, &found, NULL) != AIP_OK || found.count > 0;
}

static aip_status
note(void *context, const catalogue_entry *entry, aip_error *err)
{
    noting *n = context;
    catalogue_outcome outcome;
    const catalogue_sighting sighting = {lists_upstream(n->x), entry, is_flagged(n, entry)};
    AIP_TRY(catalogue_note(n->x->gateway->catalogue, &sighting, &outcome, err));
    if (outcome.first || outcome.news) {
        n->news = true;
        pinning_append(&n->seen, entry->normal, entry->hashes);
    }
    return AIP_OK;
}

/* Nobody waits: until the database has it, this process remembers. */
static aip_status
keep(noting *n, aip_error *err)
{
    question *q = NULL;
    AIP_TRY(text_finish(&n->seen, err));
    AIP_TRY(question_new(n->x->shard->mail, QUESTION_PINS, lists_upstream(n->x), &q, err));
    q->text = n->seen;
    n->seen = (text_buffer){0};
    return desk_ask(identities_desk(n->x->gateway->identities), q, err);
}

static aip_status
note_tools(exchange *x, const scan_document *message, aip_error *err)
{
    noting n = {.x = x, .message = message};
    aip_status status = catalogue_read(message, CATALOGUE_TOOLS, note, &n, err);
    status = status == AIP_OK && n.news ? keep(&n, err) : status;
    text_clear(&n.seen);
    return status;
}

/* ---- thinning out ---- */

static bool
is_covered(const exchange *x, const char *prefix, const catalogue_entry *entry)
{
    bool template = entry->kind == CATALOGUE_RESOURCE_TEMPLATES,
         address = template || entry->kind == CATALOGUE_RESOURCES;
    char wanted[GROUP_WANTED_SIZE];
    aip_bytes called;
    return group_write_wanted(x, prefix, entry->name, wanted, &called) &&
           (!address || mcp_address_spell(wanted, sizeof wanted, template, &called)) &&
           aip_grant_covers(&x->verdict.grant, aip_bytes_of(wanted), NULL) == AIP_OK;
}

static bool
is_as_pinned(const exchange *x, aip_bytes tool)
{
    catalogue_tool known;
    policy_pins pins = pins_of(x);
    return pins.mode != POLICY_PINS_FIRST_SIGHT ||
           !catalogue_find(x->gateway->catalogue, lists_upstream(x), tool, &known) || !known.seen ||
           catalogue_check(&known, pins.block_flagged, NULL) == AIP_OK;
}

static bool
is_shown(void *context, const catalogue_entry *entry)
{
    static const struct {
        const char *prefix;
        policy_kind kind;
    } kinds[] = {
        [CATALOGUE_TOOLS] = {"tool:", POLICY_TOOL},
        [CATALOGUE_PROMPTS] = {"prompt:", POLICY_PROMPT},
        [CATALOGUE_RESOURCES] = {"resource:", POLICY_RESOURCE},
        [CATALOGUE_RESOURCE_TEMPLATES] = {"resource:", POLICY_RESOURCE},
    };
    const exchange *x = context;
    const policy *p = x->rules == NULL ? NULL : x->rules->policy;
    bool named = entry->kind == CATALOGUE_TOOLS || entry->kind == CATALOGUE_PROMPTS;
    return (x->group == NULL || !named || group_name_fits(x->group, x->route, entry->name)) &&
           is_covered(x, kinds[entry->kind].prefix, entry) &&
           (p == NULL || policy_shows_to(p, kinds[entry->kind].kind, entry->name, x->verdict.grant.root)) &&
           (entry->kind != CATALOGUE_TOOLS || is_as_pinned(x, entry->name));
}

static aip_status
thin_out(exchange *x, const scan_document *message, catalogue_kind kind, text_buffer *out, aip_error *err)
{
    bool changed = false;
    bool further = x->params != SCAN_NONE && scan_member(&x->document, x->params, "cursor") != SCAN_NONE;
    const catalogue_view view = {kind, x->modern, further, is_shown, x};
    if (kind == CATALOGUE_TOOLS) {
        AIP_TRY(note_tools(x, message, err));
    }
    return catalogue_filter(message, &view, out, &changed, err);
}

/* A stream that is resumed may bring a list that an earlier request asked for: then its own member tells. */
static bool
is_list(const exchange *x, const scan_document *message, catalogue_kind *kind)
{
    static const char *const members[] = {"tools", "prompts", "resources", "resourceTemplates"};
    if (x->kind == MESSAGE_REQUEST) {
        return catalogue_kind_of(aip_bytes_of(x->method), kind);
    }
    uint32_t result = scan_member(message, 0, "result");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (scan_member(message, result, members[i]) != SCAN_NONE) {
            *kind = (catalogue_kind)i;
            return true;
        }
    }
    return false;
}

aip_status
lists_judge(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    catalogue_kind kind;
    if (!is_list(x, message, &kind)) {
        return AIP_OK;
    }
    aip_status status = thin_out(x, message, kind, out, err);
    bool of_upstream = status != AIP_OK && status != AIP_NO_MEMORY && status != AIP_OVERLOADED;
    return of_upstream ? aip_fail(err, AIP_UPSTREAM_INVALID, "a list that cannot be read in one way") : status;
}

/* ---- calls ---- */

aip_status
lists_rename_tool(exchange *x, aip_bytes name, aip_error *err)
{
    return aip_bytes_equal(x->name, name)
               ? AIP_OK
               : pipeline_rename(x, scan_member(&x->document, x->params, "name"), name, false, err);
}

aip_status
lists_check_tool(exchange *x, aip_error *err)
{
    catalogue_tool known;
    policy_pins pins = pins_of(x);
    if (!x->is_tool || !catalogue_find(x->gateway->catalogue, lists_upstream(x), x->name, &known) || !known.seen) {
        return AIP_OK;
    }
    if (pins.mode == POLICY_PINS_FIRST_SIGHT) {
        AIP_TRY(catalogue_check(&known, pins.block_flagged, err));
    }
    x->schema = known.hashes;
    x->schema_known = true;
    AIP_TRY(mcp_params_check(x, &known, err));
    return lists_rename_tool(x, (aip_bytes){(const unsigned char *)known.name, known.size}, err);
}
