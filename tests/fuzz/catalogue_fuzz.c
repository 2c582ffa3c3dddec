/* Any bytes as a list that is thinned out: what stays is what was to stay, in order, and nothing else has changed.
 * The first byte says which kind of list, which entries stay and how old the protocol is. */
#include <stdlib.h>

#include "policy/catalogue.h"
#include "policy/mirrors.h"
#include "policy/suspicious.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BYTES_MAX 65536
#define ENTRIES_MAX 256

static const scan_limits limits = {BYTES_MAX + 1024, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};

typedef struct {
    aip_bytes entries[ENTRIES_MAX]; /* those that stay, as received; borrowed */
    size_t count;
    const scan_document *document;
    catalogue *catalogue;
    unsigned salt;
} listed;

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static bool
keep(void *context, const catalogue_entry *entry)
{
    const listed *l = context;
    return entry->name.size > 0 && (entry->name.data[0] ^ l->salt) % 3 != 0;
}

/* What a header is made to say is what its argument says. */
static void
repeat(const scan_document *document, aip_bytes mirrors)
{
    mirror each;
    size_t count = 0;
    while (mirrors_next(&mirrors, &each)) {
        TEXT_AUTO text_buffer header = {0};
        uint32_t value = mirror_find(&each, document, 0);
        require(++count <= MIRRORS_MAX && each.depth > 0 && each.depth <= MIRROR_DEPTH_MAX && each.header.size > 0);
        if (value != SCAN_NONE && mirror_is_owed(document, value)) {
            require(mirror_append(document, value, &header, NULL) == AIP_OK);
            require(mirror_check(document, value, text_view(&header), NULL) == AIP_OK);
        }
    }
}

static aip_status
take(void *context, const catalogue_entry *entry, aip_error *err)
{
    listed *l = context;
    catalogue_outcome outcome;
    catalogue_tool tool;
    catalogue_sighting sighting = {AIP_BYTES_LITERAL("up"), entry, l->salt % 2 == 1};
    if (entry->kind == CATALOGUE_TOOLS) {
        AIP_TRY(catalogue_note(l->catalogue, &sighting, &outcome, err));
        require(catalogue_find(l->catalogue, sighting.upstream, entry->name, &tool) && tool.seen);
        repeat(l->document, entry->mirrors);
        require(tool.ambiguous == outcome.ambiguous && tool.state == outcome.state);
        require(!entry->ambiguous || catalogue_check(&tool, false, NULL) != AIP_OK);
    }
    if (!entry->ambiguous && keep(l, entry) && l->count < ENTRIES_MAX) {
        l->entries[l->count++] = scan_raw(l->document, entry->node);
    }
    return AIP_OK;
}

/* Everything in the thinned out list, whatever catalogue_read would say of it. */
static void
compare(const listed *wanted, aip_bytes text, catalogue_kind kind)
{
    static const char *const arrays[] = {"tools", "prompts", "resources", "resourceTemplates"};
    scan_document after;
    size_t count = 0;
    require(scan_load(text, &limits, &after, NULL) == AIP_OK);
    uint32_t array = scan_member(&after, scan_member(&after, 0, "result"), arrays[kind]);
    for (uint32_t at = scan_child(&after, array); at != SCAN_NONE; at = scan_next(&after, at), count++) {
        require(count >= ENTRIES_MAX ||
                (count < wanted->count && aip_bytes_equal(scan_raw(&after, at), wanted->entries[count])));
    }
    require(wanted->count == ENTRIES_MAX || count == wanted->count);
    scan_clear(&after);
}

static void
thin_out(listed *l, catalogue_kind kind, aip_status read)
{
    const catalogue_view view = {kind, (l->salt & 1) != 0, (l->salt & 2) != 0, keep, l};
    TEXT_AUTO text_buffer out = {0};
    bool changed;
    aip_status status = catalogue_filter(l->document, &view, &out, &changed, NULL);
    require((status == AIP_OK) == (read == AIP_OK));
    if (status == AIP_OK && scan_member(l->document, 0, "result") != SCAN_NONE) {
        compare(l, changed ? text_view(&out) : l->document->text, kind);
    }
    require(changed || out.size == 0);
}

static void
look(const scan_document *document)
{
    static suspicious *patterns;
    suspicious_findings findings;
    require(patterns != NULL || suspicious_new(&patterns, NULL) == AIP_OK);
    require(suspicious_check(patterns, document, 0, &findings, NULL) == AIP_OK);
    for (size_t i = 0; i < findings.count; i++) {
        require(findings.items[i].node < document->count);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scan_document document;
    if (size == 0 || size > BYTES_MAX ||
        scan_load(aip_bytes_from((aip_bytes){data, size}, 1), &limits, &document, NULL) != AIP_OK) {
        return 0;
    }
    listed l = {.document = &document, .salt = data[0] >> 2};
    catalogue_kind kind = (catalogue_kind)(data[0] & 3);
    require(catalogue_new(&l.catalogue, NULL) == AIP_OK);
    aip_status status = catalogue_read(&document, kind, take, &l, NULL);
    thin_out(&l, kind, status);
    look(&document);
    catalogue_free(&l.catalogue);
    scan_clear(&document);
    return 0;
}
