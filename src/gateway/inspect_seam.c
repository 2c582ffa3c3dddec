/* Text that a server cuts into several events: the ends of an event's strings are kept for the next one. */
#include <stdlib.h>

#include "base/splice.h"
#include "dlp/redact.h"
#include "gateway/inspect.h"

enum { TAILS_MAX = 16, TAIL_BYTES = 512, HEAD_BYTES = 4096, DEPTH_MAX = 16 };

/* The end of the last string that stood at this place, in the event before or in one before that. */
typedef struct {
    uint64_t place; /* a hash of the names on the way to it */
    size_t size;
    char text[TAIL_BYTES];
} tail;

struct stream_tails {
    tail items[TAILS_MAX];
    size_t count;
};

typedef struct {
    exchange *x;
    const dlp_scanner *scanner;
    const scan_document *message;
    splice edit;
    struct stream_tails next; /* of this event */
} seam;

/* FNV-1a; two places with one hash cost a needless look. */
static uint64_t
extend_place(uint64_t place, aip_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        place = (place ^ name.data[i]) * UINT64_C(0x100000001b3);
    }
    return (place ^ '/') * UINT64_C(0x100000001b3);
}

static const tail *
find_tail(const seam *s, uint64_t place)
{
    const struct stream_tails *before = s->x->tails;
    for (size_t i = 0; before != NULL && i < before->count; i++) {
        if (before->items[i].place == place) {
            return &before->items[i];
        }
    }
    return NULL;
}

/* The end of one text and the beginning of the next. */
typedef struct {
    text_buffer text;
    size_t cut;     /* where the second one begins */
    aip_bytes rest; /* of it */
} joined_text;

/* What is found across the seam, or nothing. */
static aip_status
scan_joined(seam *s, const joined_text *both, dlp_findings *across, aip_error *err)
{
    size_t cut = both->cut;
    dlp_findings all = {0};
    dlp_workspace *workspace = NULL;
    AIP_TRY(rules_workspace(s->x->shard->tools, s->x->rules, s->scanner, &workspace, err));
    aip_status status = dlp_scan(s->scanner, workspace, text_view(&both->text), &all, err);
    for (size_t i = 0; status == AIP_OK && i < all.count; i++) {
        if (all.items[i].start < cut && all.items[i].end > cut) {
            status = dlp_findings_add(across, &all.items[i], err);
        }
    }
    dlp_findings_clear(&all);
    return status;
}

/* The part that is still here becomes the marker. One that goes on beyond what was joined has no end that is known. */
static aip_status
replace_head(seam *s, uint32_t node, const joined_text *both, dlp_findings *across, aip_error *err)
{
    const text_buffer *joined = &both->text;
    const inspected where = {"response", NULL, text_view(joined), "across two events"};
    size_t cut = both->cut, last = across->items[across->count - 1].end;
    if (both->rest.size > 0 && last == joined->size) {
        return aip_fail(err, AIP_DLP_FAILED, "something long goes on from the event before");
    }
    inspect_tell(s->x, &where, across);
    AIP_TRY(dlp_findings_judge(across, false, err));
    TEXT_AUTO text_buffer changed = {0};
    for (size_t i = 0; i < across->count; i++) {
        across->items[i].start = 0;
        across->items[i].end -= cut;
    }
    dlp_redact(aip_bytes_from(text_view(joined), cut), across, &changed);
    text_append(&changed, both->rest);
    AIP_TRY(text_finish(&changed, err));
    return splice_replace_string(&s->edit, node, text_view(&changed), err);
}

static aip_status
join(seam *s, uint32_t node, const tail *before, aip_bytes text, aip_error *err)
{
    size_t head = text.size < HEAD_BYTES ? text.size : HEAD_BYTES;
    joined_text both = {.cut = before->size, .rest = aip_bytes_from(text, head)};
    dlp_findings across = {0};
    text_append(&both.text, (aip_bytes){(const unsigned char *)before->text, before->size});
    text_append(&both.text, (aip_bytes){text.data, head});
    aip_status status = text_finish(&both.text, err);
    status = status == AIP_OK ? scan_joined(s, &both, &across, err) : status;
    if (status == AIP_OK && across.count > 0) {
        status = replace_head(s, node, &both, &across, err);
    }
    dlp_findings_clear(&across);
    text_clear(&both.text);
    return status;
}

/* A short string may be the middle of something: then the end of both together is kept. */
static void
keep_tail(seam *s, uint64_t place, const tail *before, aip_bytes text)
{
    if (s->next.count == TAILS_MAX || text.size == 0) {
        return;
    }
    tail *kept = &s->next.items[s->next.count++];
    size_t of_text = text.size < TAIL_BYTES ? text.size : TAIL_BYTES;
    size_t room = TAIL_BYTES - of_text, of_before = before == NULL ? 0 : before->size < room ? before->size : room;
    kept->place = place;
    kept->size = of_before + of_text;
    if (of_before > 0) {
        memcpy(kept->text, before->text + before->size - of_before, of_before);
    }
    memcpy(kept->text + of_before, text.data + text.size - of_text, of_text);
}

static aip_status
take_string(seam *s, uint32_t node, uint64_t place, aip_error *err)
{
    aip_bytes raw = scan_raw(s->message, node);
    const tail *before = find_tail(s, place);
    size_t size = 0;
    char *text = malloc(raw.size + 1);
    if (text == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = scan_unescape(s->message, node, text, raw.size + 1, &size, err);
    aip_bytes whole = {(const unsigned char *)text, size};
    if (status == AIP_OK && before != NULL) {
        status = join(s, node, before, whole, err);
    }
    if (status == AIP_OK) {
        keep_tail(s, place, before, whole);
    }
    free(text);
    return status;
}

static aip_status
walk(seam *s, uint32_t node, uint64_t place, unsigned depth, aip_error *err)
{
    scan_kind kind = scan_kind_of(s->message, node);
    if (kind == SCAN_STRING) {
        return take_string(s, node, place, err);
    }
    if ((kind != SCAN_OBJECT && kind != SCAN_ARRAY) || depth == 0) {
        return AIP_OK;
    }
    for (uint32_t each = scan_child(s->message, node); each != SCAN_NONE; each = scan_next(s->message, each)) {
        AIP_TRY(walk(s, each, extend_place(place, scan_raw_name(s->message, each)), depth - 1, err));
    }
    return AIP_OK;
}

/* A server may say something else in between: what it began before is kept while there is room. */
static void
keep_older(seam *s)
{
    const struct stream_tails *before = s->x->tails;
    size_t fresh = s->next.count;
    for (size_t i = 0; before != NULL && i < before->count && s->next.count < TAILS_MAX; i++) {
        bool again = false;
        for (size_t k = 0; k < fresh && !again; k++) {
            again = s->next.items[k].place == before->items[i].place;
        }
        if (!again) {
            s->next.items[s->next.count++] = before->items[i];
        }
    }
}

static aip_status
finish(seam *s, text_buffer *out, aip_error *err)
{
    TEXT_AUTO text_buffer changed = {0};
    const scan_limits limits = {s->x->settings->body_bytes_max * 2, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    if (splice_changes(&s->edit)) {
        AIP_TRY(splice_finish(&s->edit, &limits, &changed, NULL, err));
        text_clear(out);
        *out = changed;
        changed = (text_buffer){0};
    }
    if (s->next.count == 0) {
        return AIP_OK;
    }
    keep_older(s);
    if (s->x->tails == NULL && (s->x->tails = malloc(sizeof *s->x->tails)) == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *s->x->tails = s->next;
    return AIP_OK;
}

/* Works on what the message became: a marker at its place is not part of a secret. */
aip_status
inspect_seam(exchange *x, const dlp_scanner *scanner, const scan_document *message, text_buffer *out, aip_error *err)
{
    seam s = {.x = x, .scanner = scanner, .message = message};
    scan_document changed = {0};
    uint32_t content = SCAN_NONE;
    if (out->size > 0) {
        const scan_limits limits = {out->size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
        AIP_TRY(text_finish(out, err));
        AIP_TRY(scan_load(text_view(out), &limits, &changed, err));
        s.message = &changed;
    }
    content = scan_member(s.message, 0, "params");
    content = content == SCAN_NONE ? scan_member(s.message, 0, "result") : content;
    content = content == SCAN_NONE && x->route->protocol->below ? 0 : content; /* what is no JSON-RPC is all content */
    splice_begin(&s.edit, s.message);
    aip_status status = content == SCAN_NONE ? AIP_OK : walk(&s, content, 0, DEPTH_MAX, err);
    status = status == AIP_OK ? finish(&s, out, err) : status;
    splice_clear(&s.edit);
    scan_clear(&changed);
    return status;
}

void
inspect_forget(exchange *x)
{
    free(x->tails);
    x->tails = NULL;
}
