/* Lists of what an upstream offers: read entry by entry, and thinned out for who may not see all. */
#include <stdlib.h>

#include "base/json.h"
#include "base/splice.h"
#include "policy/catalogue.h"
#include "policy/mirrors.h"

#define MEMBER_ROOM 64 /* `,"cacheScope":"private"` */

typedef struct {
    uint32_t node;
    bool usable, mixed, ambiguous;
    size_t name, name_size, normal, normal_size; /* places in listing.texts */
} listed;

typedef struct {
    const scan_document *message;
    catalogue_kind kind;
    uint32_t result, array; /* SCAN_NONE: the reply is an error */
    listed *entries;
    size_t count;
    text_buffer texts;
} listing;

static const struct {
    const char *method, *array, *name;
    size_t name_bytes_max;
    bool has_normal_form;
} kinds[] = {
    [CATALOGUE_TOOLS] = {"tools/list", "tools", "name", AIP_TOOL_BYTES_MAX, true},
    [CATALOGUE_PROMPTS] = {"prompts/list", "prompts", "name", AIP_TOOL_BYTES_MAX, true},
    [CATALOGUE_RESOURCES] = {"resources/list", "resources", "uri", AIP_URI_BYTES_MAX, false},
    [CATALOGUE_RESOURCE_TEMPLATES] = {"resources/templates/list", "resourceTemplates", "uriTemplate", AIP_URI_BYTES_MAX,
                                      false},
};

bool
catalogue_kind_of(aip_bytes method, catalogue_kind *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (aip_bytes_equal(method, aip_bytes_of(kinds[i].method))) {
            *kind = (catalogue_kind)i;
            return true;
        }
    }
    return false;
}

/* ---- the entries of a message ---- */

static void
close_listing(listing *l)
{
    free(l->entries);
    text_clear(&l->texts);
}

static aip_bytes
text_at(const listing *l, size_t at, size_t size)
{
    return (aip_bytes){(const unsigned char *)l->texts.data + at, size};
}

static aip_status
find_array(listing *l, aip_error *err)
{
    static const char *const of_message[] = {"jsonrpc", "id", "result", "error", NULL};
    static const char *const of_result[] = {"tools",      "prompts", "resources",  "resourceTemplates",
                                            "nextCursor", "ttlMs",   "cacheScope", "resultType",
                                            "_meta",      NULL};
    AIP_TRY(scan_check_names(l->message, 0, of_message, err));
    l->array = SCAN_NONE;
    l->result = scan_member(l->message, 0, "result");
    if (l->result == SCAN_NONE) {
        return scan_member(l->message, 0, "error") == SCAN_NONE
                   ? aip_fail(err, AIP_UPSTREAM_INVALID, "a message that is no reply, in place of a list")
                   : AIP_OK;
    }
    AIP_TRY(scan_check_names(l->message, l->result, of_result, err));
    l->array = scan_member(l->message, l->result, kinds[l->kind].array);
    if (l->array == SCAN_NONE || scan_kind_of(l->message, l->array) != SCAN_ARRAY) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "a list without its entries");
    }
    return AIP_OK;
}

/* The name unescaped, behind the texts; false: there is none that could be used. */
static bool
take_name(listing *l, listed *entry)
{
    char room[AIP_URI_BYTES_MAX];
    size_t size = 0;
    uint32_t node = scan_member(l->message, entry->node, kinds[l->kind].name);
    if (node == SCAN_NONE || scan_kind_of(l->message, node) != SCAN_STRING ||
        scan_unescape(l->message, node, room, kinds[l->kind].name_bytes_max, &size, NULL) != AIP_OK) {
        return false;
    }
    entry->name = l->texts.size;
    entry->name_size = size;
    text_append(&l->texts, (aip_bytes){(const unsigned char *)room, size});
    return size > 0 && memchr(room, '\0', size) == NULL;
}

static bool
take_normal_form(listing *l, listed *entry)
{
    normal_name normal;
    if (!kinds[l->kind].has_normal_form) {
        entry->normal = entry->name;
        entry->normal_size = entry->name_size;
        return true;
    }
    if (l->texts.failed || normal_name_of(text_at(l, entry->name, entry->name_size), &normal, NULL) != AIP_OK) {
        return false;
    }
    entry->normal = l->texts.size;
    entry->normal_size = normal.size;
    entry->mixed = normal.mixed;
    text_append(&l->texts, (aip_bytes){(const unsigned char *)normal.text, normal.size});
    return normal.size > 0;
}

static void
take_entry(listing *l, uint32_t node)
{
    static const char *const known[] = {"name",        "title",       "description", "inputSchema", "outputSchema",
                                        "annotations", "execution",   "icons",       "_meta",       "arguments",
                                        "uri",         "uriTemplate", "mimeType",    NULL};
    listed *entry = &l->entries[l->count++];
    *entry = (listed){.node = node};
    entry->usable = scan_kind_of(l->message, node) == SCAN_OBJECT &&
                    scan_check_names(l->message, node, known, NULL) == AIP_OK && take_name(l, entry) &&
                    take_normal_form(l, entry);
}

typedef struct {
    listed *entry;
    aip_bytes normal;
} spelling;

static int
order_spellings(const void *a, const void *b)
{
    const spelling *left = a, *right = b;
    size_t common = left->normal.size < right->normal.size ? left->normal.size : right->normal.size;
    int order = memcmp(left->normal.data, right->normal.data, common);
    return order != 0 ? order : (left->normal.size > right->normal.size) - (left->normal.size < right->normal.size);
}

/* Of entries with one normal form all are ambiguous, unless they are the very same. */
static void
mark_run(const listing *l, spelling *run, size_t count)
{
    bool same = true;
    for (size_t i = 1; i < count; i++) {
        same =
            same && aip_bytes_equal(scan_raw(l->message, run[0].entry->node), scan_raw(l->message, run[i].entry->node));
    }
    for (size_t i = 0; i < count; i++) {
        run[i].entry->ambiguous = !same;
    }
}

static aip_status
mark_ambiguous(listing *l, aip_error *err)
{
    spelling *all = calloc(l->count + 1, sizeof *all);
    size_t count = 0, first = 0;
    if (all == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < l->count; i++) {
        listed *entry = &l->entries[i];
        if (entry->usable) {
            all[count++] = (spelling){entry, text_at(l, entry->normal, entry->normal_size)};
        }
    }
    qsort(all, count, sizeof *all, order_spellings);
    for (size_t i = 1; i <= count; i++) {
        if (i == count || !aip_bytes_equal(all[i].normal, all[first].normal)) {
            mark_run(l, all + first, i - first);
            first = i;
        }
    }
    free(all);
    return AIP_OK;
}

/* Close it in any case. */
static aip_status
open_listing(const scan_document *message, catalogue_kind kind, listing *l, aip_error *err)
{
    *l = (listing){.message = message, .kind = kind};
    AIP_TRY(find_array(l, err));
    if (l->array == SCAN_NONE) {
        return AIP_OK;
    }
    l->entries = calloc((size_t)message->nodes[l->array].children + 1, sizeof *l->entries);
    if (l->entries == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (uint32_t at = scan_child(message, l->array); at != SCAN_NONE; at = scan_next(message, at)) {
        take_entry(l, at);
    }
    AIP_TRY(text_finish(&l->texts, err));
    return kinds[kind].has_normal_form ? mark_ambiguous(l, err) : AIP_OK;
}

static catalogue_entry
entry_of(const listing *l, const listed *from)
{
    return (catalogue_entry){
        .kind = l->kind,
        .node = from->node,
        .name = text_at(l, from->name, from->name_size),
        .normal = text_at(l, from->normal, from->normal_size),
        .mixed = from->mixed,
        .ambiguous = from->ambiguous,
    };
}

/* ---- reading ---- */

/* Who gets the entries. */
typedef struct {
    catalogue_sink sink;
    void *context;
} catalogue_reader;

static aip_status
canonical(aip_bytes text, text_buffer *out, aip_error *err)
{
    text_clear(out);
    AIP_TRY(json_canonical(text, &out->data, &out->size, err));
    out->capacity = out->size + 1;
    return AIP_OK;
}

/* {name, description, inputSchema}, as far as the tool has them. */
static void
append_schema(const scan_document *message, uint32_t tool, text_buffer *out)
{
    static const char *const names[] = {"name", "description", "inputSchema"};
    const char *before = "{";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint32_t node = scan_member(message, tool, names[i]);
        if (node == SCAN_NONE) {
            continue;
        }
        text_append_format(out, "%s\"%s\":", before, names[i]);
        text_append(out, scan_raw(message, node));
        before = ",";
    }
    text_append_string(out, "}");
}

static aip_status
hash_tool(const scan_document *message, uint32_t tool, catalogue_hashes *out, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0}, bytes = {0};
    append_schema(message, tool, &text);
    AIP_TRY(text_finish(&text, err));
    AIP_TRY(canonical(text_view(&text), &bytes, err));
    hash_sha256(text_view(&bytes), out->sha256);
    hash_sha384(text_view(&bytes), out->sha384);
    hash_sha512(text_view(&bytes), out->sha512);
    AIP_TRY(canonical(scan_raw(message, tool), &bytes, err));
    hash_sha256(text_view(&bytes), out->whole);
    return AIP_OK;
}

static aip_status
give_entry(const listing *l, const listed *from, const catalogue_reader *reader, aip_error *err)
{
    TEXT_AUTO text_buffer mirrors = {0};
    catalogue_hashes hashes;
    catalogue_entry entry = entry_of(l, from);
    if (l->kind == CATALOGUE_TOOLS) {
        AIP_TRY(hash_tool(l->message, entry.node, &hashes, err));
        AIP_TRY(mirrors_read(l->message, entry.node, &mirrors, err));
        entry.hashes = &hashes;
        entry.mirrors = text_view(&mirrors);
    }
    return reader->sink(reader->context, &entry, err);
}

static aip_status
give_entries(const listing *l, const catalogue_reader *reader, aip_error *err)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->entries[i].usable) {
            AIP_TRY(give_entry(l, &l->entries[i], reader, err));
        }
    }
    return AIP_OK;
}

aip_status
catalogue_read(const scan_document *message, catalogue_kind kind, catalogue_sink sink, void *context, aip_error *err)
{
    listing l;
    aip_status status = open_listing(message, kind, &l, err);
    status = status == AIP_OK ? give_entries(&l, &(const catalogue_reader){sink, context}, err) : status;
    close_listing(&l);
    return status;
}

static void
write_hex(const unsigned char *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

aip_bytes
catalogue_schema_text(const catalogue_hashes *hashes, aip_bytes wanted, char out[CATALOGUE_HASH_TEXT_SIZE])
{
    const struct {
        const char *prefix;
        const unsigned char *hash;
        size_t size;
    } rows[] = {
        {"sha384:", hashes->sha384, sizeof hashes->sha384},
        {"sha512:", hashes->sha512, sizeof hashes->sha512},
        {"sha256:", hashes->sha256, sizeof hashes->sha256},
    };
    size_t row = 0;
    while (row < 2 && !aip_bytes_begin_with(wanted, aip_bytes_of(rows[row].prefix))) {
        row++;
    }
    size_t prefix = strlen(rows[row].prefix);
    memcpy(out, rows[row].prefix, prefix);
    write_hex(rows[row].hash, rows[row].size, out + prefix);
    return aip_bytes_of(out);
}

/* ---- thinning out ---- */

static aip_status
remove_entries(const listing *l, const catalogue_view *view, splice *changes, aip_error *err)
{
    for (size_t i = 0; i < l->count; i++) {
        const listed *at = &l->entries[i];
        catalogue_entry entry = entry_of(l, at);
        if (!at->usable || at->ambiguous || !view->keep(view->context, &entry)) {
            AIP_TRY(splice_remove(changes, l->array, at->node, err));
        }
    }
    return AIP_OK;
}

/* A cache must not give to one agent what another may see. */
static aip_status
make_private(const listing *l, const catalogue_view *view, splice *changes, aip_error *err)
{
    const aip_bytes wanted = AIP_BYTES_LITERAL("private");
    uint32_t scope = scan_member(l->message, l->result, "cacheScope");
    bool of_several = view->further || scan_member(l->message, l->result, "nextCursor") != SCAN_NONE;
    if ((!view->modern && scope == SCAN_NONE) || (!of_several && !splice_changes(changes)) ||
        (scope != SCAN_NONE && scan_kind_of(l->message, scope) == SCAN_STRING &&
         scan_string_equals(l->message, scope, wanted))) {
        return AIP_OK;
    }
    return splice_set_member(changes, l->result, "cacheScope", AIP_BYTES_LITERAL("\"private\""), err);
}

static aip_status
thin_out(const listing *l, const catalogue_view *view, text_buffer *out, bool *changed, aip_error *err)
{
    const scan_limits limits = {l->message->text.size + MEMBER_ROOM, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    SPLICE_AUTO splice changes;
    splice_begin(&changes, l->message);
    AIP_TRY(remove_entries(l, view, &changes, err));
    AIP_TRY(make_private(l, view, &changes, err));
    if (!splice_changes(&changes)) {
        return AIP_OK;
    }
    AIP_TRY(splice_finish(&changes, &limits, out, NULL, err));
    *changed = true;
    return AIP_OK;
}

aip_status
catalogue_filter(const scan_document *message, const catalogue_view *view, text_buffer *out, bool *changed,
                 aip_error *err)
{
    listing l;
    *changed = false;
    out->size = 0;
    aip_status status = open_listing(message, view->kind, &l, err);
    if (status == AIP_OK && l.array != SCAN_NONE) {
        status = thin_out(&l, view, out, changed, err);
    }
    close_listing(&l);
    return status;
}
