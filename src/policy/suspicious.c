/* Orders to a model in a tool's texts, and the walk over all that it says. */
#include <pthread.h>
#include <stdlib.h>

#include "aip/limits.h"
#include "base/pattern.h"
#include "base/unicode.h"
#include "policy/suspicious_inside.h"

#define ROW_BYTES_MAX 2000
#define ORDERS_BYTES_MAX 8192 /* of one text; a longer one is flagged, since looking through it could take long */

typedef enum { TEXTS, NAMES } row_place; /* NAMES: only in names of members; TEXTS: there as well */

typedef struct {
    const char *name;
    row_place where;
    const char *expression;
} row;

#define SUSPICIOUS(name, where, expression) {name, where, expression},
static const row rows[] = {
#include "policy/suspicious.def"
};
#undef SUSPICIOUS

#define ROWS (sizeof rows / sizeof rows[0])

struct suspicious {
    pattern_set *set;
    pthread_mutex_t lock; /* of the next one */
    pattern_scratch *scratch;
};

/* One after the other: definitions are looked at when they are new, and to compile all at once takes a second. */
static aip_status
compile(suspicious *s, aip_error *err)
{
    pattern_source sources[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        sources[i] = (pattern_source){
            .text = rows[i].expression, .id = (unsigned)i, .multi_line = true, .single_match = true, .costly = true};
    }
    AIP_TRY(pattern_set_new(sources, ROWS, ROW_BYTES_MAX, &s->set, err));
    return pattern_scratch_grow(&s->scratch, s->set, err);
}

aip_status
suspicious_new(suspicious **out, aip_error *err)
{
    *out = NULL;
    suspicious *s = calloc(1, sizeof *s);
    if (s == NULL || pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = compile(s, err);
    if (status != AIP_OK) {
        suspicious_free(&s);
        return status;
    }
    *out = s;
    return AIP_OK;
}

void
suspicious_free(suspicious **out)
{
    if (*out != NULL) {
        pattern_set_free(&(*out)->set);
        pattern_scratch_free(&(*out)->scratch);
        pthread_mutex_destroy(&(*out)->lock);
        free(*out);
        *out = NULL;
    }
}

void
suspicious_report(const suspicious_spot *spot, const char *name)
{
    suspicious_findings *findings = spot->findings;
    for (size_t i = 0; i < findings->count; i++) {
        const suspicious_finding *known = &findings->items[i];
        if (strcmp(known->name, name) == 0 && strcmp(known->place, spot->place) == 0) {
            return;
        }
    }
    if (findings->count < SUSPICIOUS_FINDINGS_MAX) {
        findings->items[findings->count++] = (suspicious_finding){name, spot->place, spot->node};
    }
}

/* ---- orders ---- */

/* Without what stands between the words of an order and does not change what a model reads. A sentence is a line. */
static void
append_plain(text_buffer *out, aip_bytes folded, bool is_name)
{
    uint32_t last = '\n';
    for (size_t at = 0, length; at < folded.size; at += length) {
        uint32_t scalar = unicode_read(aip_bytes_from(folded, at), &length);
        bool space = unicode_is_space(scalar) || (is_name && (scalar == '_' || scalar == '-' || scalar == '.'));
        scalar = space ? ' ' : scalar == 0x2018 || scalar == 0x2019 || scalar == 0x2BC ? '\'' : scalar;
        if (scalar == '*' || scalar == '`' || (space && (last == ' ' || last == '\n'))) {
            continue;
        }
        scalar = space && (last == '.' || last == '!' || last == '?') ? '\n' : scalar;
        unicode_append_scalar(out, scalar);
        last = scalar;
    }
}

typedef struct {
    const suspicious_spot *spot;
    bool is_name;
} hit_context;

static bool
on_hit(void *context, unsigned id, size_t from, size_t to)
{
    const hit_context *hit = context;
    (void)from;
    (void)to;
    if (hit->is_name || rows[id].where == TEXTS) {
        suspicious_report(hit->spot, rows[id].name);
    }
    return true;
}

static aip_status
look_for_orders(suspicious *s, const suspicious_spot *spot, aip_bytes text, bool is_name, aip_error *err)
{
    TEXT_AUTO text_buffer folded = {0}, plain = {0};
    hit_context hit = {spot, is_name};
    if (text.size > ORDERS_BYTES_MAX) {
        suspicious_report(spot, "instruct.length");
        text.size = ORDERS_BYTES_MAX;
    }
    unicode_append(&folded, text, UNICODE_NFKC_FOLD);
    AIP_TRY(text_finish(&folded, err));
    append_plain(&plain, text_view(&folded), is_name);
    AIP_TRY(text_finish(&plain, err));
    if (plain.size == 0) {
        return AIP_OK;
    }
    pthread_mutex_lock(&s->lock);
    aip_status status = pattern_set_scan(s->set, s->scratch, text_view(&plain), on_hit, &hit, err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

/* ---- the walk ---- */

static aip_status
look_at_string(suspicious *s, const suspicious_spot *spot, const scan_document *document, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    text_append(&text, scan_raw(document, spot->node)); /* never shorter than what it stands for */
    AIP_TRY(text_finish(&text, err));
    AIP_TRY(scan_unescape(document, spot->node, text.data, text.size, &text.size, err));
    suspicious_hidden(spot, text_view(&text));
    return look_for_orders(s, spot, text_view(&text), false, err);
}

static aip_status
look_at_member_name(suspicious *s, const suspicious_spot *spot, const scan_document *document, aip_error *err)
{
    char name[AIP_JSON_NAME_BYTES_MAX];
    size_t size = 0;
    AIP_TRY(scan_unescape_name(document, spot->node, name, sizeof name, &size, err));
    aip_bytes text = {(const unsigned char *)name, size};
    suspicious_hidden(spot, text);
    return look_for_orders(s, spot, text, true, err);
}

static const char *
place_of(const scan_document *document, uint32_t member)
{
    static const char *const known[] = {"name",        "title",        "description", "annotations",
                                        "inputSchema", "outputSchema", "arguments"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (scan_name_equals(document, member, aip_bytes_of(known[i]))) {
            return known[i];
        }
    }
    return "other";
}

/* Tools are named by what every client takes; anything else is for somebody's eyes. */
static void
look_at_tool_name(const suspicious_spot *spot, const scan_document *document, uint32_t tool)
{
    uint32_t node = scan_member(document, tool, "name");
    if (scan_member(document, tool, "inputSchema") == SCAN_NONE || node == SCAN_NONE) {
        return;
    }
    aip_bytes raw = scan_raw(document, node);
    const suspicious_spot at = {spot->findings, "name", node};
    for (size_t i = 1; i + 1 < raw.size; i++) {
        unsigned char c = raw.data[i], lower = c | 0x20;
        bool good = (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z' && c < 0x80) || c == '_' || c == '-' ||
                    c == '.' || c == '/';
        if (!good || i > 128) {
            suspicious_report(&at, "name.characters");
            return;
        }
    }
}

static bool
is_read_by_models(const scan_document *document, uint32_t member)
{
    return !scan_name_equals(document, member, AIP_BYTES_LITERAL("icons")) &&
           !scan_name_equals(document, member, AIP_BYTES_LITERAL("_meta"));
}

/* All nodes of the member, which stand one after another. */
static aip_status
look_at_member(suspicious *s, suspicious_spot *spot, const scan_document *document, uint32_t member, aip_error *err)
{
    uint32_t end = document->nodes[member].end;
    spot->place = place_of(document, member);
    for (uint32_t at = member; at < document->count && document->nodes[at].start < end; at++) {
        spot->node = at;
        if (document->nodes[at].name != 0) {
            AIP_TRY(look_at_member_name(s, spot, document, err));
        }
        if (scan_kind_of(document, at) == SCAN_STRING) {
            AIP_TRY(look_at_string(s, spot, document, err));
        }
    }
    return AIP_OK;
}

aip_status
suspicious_check(suspicious *s, const scan_document *document, uint32_t tool, suspicious_findings *out, aip_error *err)
{
    *out = (suspicious_findings){.count = 0};
    suspicious_spot spot = {out, "other", tool};
    if (scan_kind_of(document, tool) != SCAN_OBJECT) {
        return AIP_OK;
    }
    look_at_tool_name(&spot, document, tool);
    for (uint32_t at = scan_child(document, tool); at != SCAN_NONE; at = scan_next(document, at)) {
        if (is_read_by_models(document, at)) {
            AIP_TRY(look_at_member(s, &spot, document, at, err));
        }
    }
    return AIP_OK;
}
