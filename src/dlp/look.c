/* Looks through encodings, to a bound in depth and in bytes (D-5 to D-7). */
#include <stdlib.h>

#include "aip/limits.h"
#include "dlp/decode.h"
#include "dlp/scan_inside.h"

/* What is read out of bytes that are no text counts only when it is longer than chance. */
#define CHANCE_BYTES 24
#define FEW_BYTES 256 /* decoded without allocation */

typedef struct {
    const dlp_scanner *scanner;
    dlp_workspace *workspace;
    dlp_findings *out;
    size_t budget;    /* bytes that may still be decoded */
    bool plain_known; /* of the text itself; and nothing is hidden before `from` */
    size_t from;
    dlp_finding hit;
    bool found;
} search;

/* One run of a text: its bytes, and how deep it lies. */
typedef struct {
    aip_bytes bytes;
    unsigned depth;
} layer;

static aip_status probe(search *s, layer l, aip_error *err);

static bool
spend(search *s, size_t bytes)
{
    if (bytes > s->budget) {
        s->out->unread = true;
        return false;
    }
    s->budget -= bytes;
    return true;
}

static aip_status
probe_plain(search *s, layer l, aip_error *err)
{
    dlp_findings found = {0};
    aip_status status = dlp_scan_plain(s->scanner, s->workspace, l.bytes, &found, err);
    size_t least = found.count == 0 || dlp_is_readable(l.bytes) ? 0 : CHANCE_BYTES;
    for (size_t i = 0; status == AIP_OK && i < found.count && !s->found; i++) {
        s->found = found.items[i].end - found.items[i].start >= least;
        s->hit = found.items[i];
    }
    dlp_findings_clear(&found);
    return status;
}

static aip_status
probe_inflated(search *s, layer l, aip_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0, most = s->budget < AIP_DLP_INFLATED_BYTES_MAX ? s->budget : AIP_DLP_INFLATED_BYTES_MAX;
    bool whole = true;
    aip_status status = dlp_inflate(l.bytes, most, &bytes, &size, &whole, err);
    if (status == AIP_OK && !whole && size > 0) { /* a damaged or huge one; with nothing to it, it was none */
        s->out->unread = true;
    }
    if (status == AIP_OK && size > 0 && spend(s, size)) {
        status = probe(s, (layer){{bytes, size}, l.depth + 1}, err);
    }
    free(bytes);
    return status;
}

static aip_status
probe_view(search *s, layer l, int view, aip_error *err)
{
    if (!spend(s, l.bytes.size)) {
        return AIP_OK;
    }
    unsigned char *bytes = malloc(l.bytes.size + 1);
    if (bytes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    size_t size = dlp_unwrap(l.bytes, view, bytes, NULL);
    aip_status status = size < l.bytes.size ? probe(s, (layer){{bytes, size}, l.depth + 1}, err) : AIP_OK;
    free(bytes);
    return status;
}

/* Is it worth a look? Digests and images decode to bytes that are neither text nor a known container. */
static bool
is_promising(aip_bytes bytes)
{
    return bytes.size >= 4 && (dlp_is_compressed(bytes) || dlp_may_hide(bytes, DLP_WIDE) || dlp_is_readable(bytes) ||
                               bytes.size >= 4 * CHANCE_BYTES);
}

static aip_status
probe_run(search *s, layer run, aip_error *err)
{
    unsigned char few[FEW_BYTES];
    bool is_few = run.bytes.size + 4 <= sizeof few;
    unsigned char *bytes = is_few ? few : malloc(run.bytes.size + 4);
    aip_status status = bytes == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
    for (int reading = 0; status == AIP_OK && reading < DLP_READINGS && !s->found; reading++) {
        if (dlp_is_hopeless(run.bytes, reading, 4 * CHANCE_BYTES)) {
            continue;
        }
        aip_bytes decoded = {bytes, dlp_decode_run(run.bytes, reading, bytes)};
        if (is_promising(decoded) && spend(s, decoded.size)) {
            status = probe(s, (layer){decoded, run.depth + 1}, err);
        }
    }
    if (!is_few) {
        free(bytes);
    }
    return status;
}

static aip_status
probe_runs(search *s, layer l, size_t from, aip_error *err)
{
    dlp_run run;
    for (size_t at = from; !s->found && dlp_next_run(l.bytes, &at, &run);) {
        AIP_TRY(probe_run(s, (layer){{l.bytes.data + run.start, run.end - run.start}, l.depth}, err));
    }
    return AIP_OK;
}

/* `hints` are of the very bytes. */
static bool
may_hide(const dlp_hints *hints, aip_bytes bytes, int view)
{
    bool rules_out = (view == DLP_PERCENT && !hints->percent) || (view == DLP_INVISIBLE && !hints->invisible);
    return !rules_out && dlp_may_hide(bytes, view);
}

/* Sets s->found and s->hit when anything is in the layer, or in one that it wraps. */
static aip_status
probe(search *s, layer l, aip_error *err)
{
    size_t at = 0;
    dlp_run run;
    AIP_TRY(probe_plain(s, l, err));
    dlp_hints hints = *dlp_workspace_hints(s->workspace);
    if (s->found) {
        return AIP_OK;
    }
    if (l.depth >= AIP_DLP_LAYERS_MAX) {
        /* Text so deep that wraps more is not looked into; words of plain text are runs, too, when they are long. */
        s->out->unread = s->out->unread || dlp_is_compressed(l.bytes) ||
                         (dlp_is_readable(l.bytes) && dlp_next_run(l.bytes, &at, &run) && run.end - run.start >= 32);
        return AIP_OK;
    }
    if (dlp_is_compressed(l.bytes)) {
        AIP_TRY(probe_inflated(s, l, err));
    }
    for (int view = 0; view < DLP_VIEWS && !s->found; view++) {
        if (may_hide(&hints, l.bytes, view)) {
            AIP_TRY(probe_view(s, l, view, err));
        }
    }
    return hints.runs ? probe_runs(s, l, hints.first_run, err) : AIP_OK;
}

/* ---- the text itself, whose places count ---- */

/* A view of the text; `map` tells where in the text its bytes began, NULL: it is the text. */
typedef struct {
    aip_bytes bytes;
    const uint32_t *map;
    unsigned level;
} surface;

static size_t
place(const surface *v, size_t at)
{
    return v->map == NULL ? at : v->map[at];
}

static bool
is_covered(const dlp_findings *findings, size_t start, size_t end)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].start < end && findings->items[i].end > start) {
            return true;
        }
    }
    return false;
}

static aip_status
add_hidden(search *s, const surface *v, dlp_finding finding, aip_error *err)
{
    finding.start = place(v, finding.start);
    finding.end = place(v, finding.end);
    finding.encoded = true;
    return is_covered(s->out, finding.start, finding.end) ? AIP_OK : dlp_findings_add(s->out, &finding, err);
}

static aip_status
look_plain(search *s, const surface *v, aip_error *err)
{
    dlp_findings found = {0};
    if (v->map == NULL) {
        return s->plain_known ? AIP_OK : dlp_scan_plain(s->scanner, s->workspace, v->bytes, s->out, err);
    }
    aip_status status = dlp_scan_plain(s->scanner, s->workspace, v->bytes, &found, err);
    for (size_t i = 0; status == AIP_OK && i < found.count; i++) {
        status = add_hidden(s, v, found.items[i], err);
    }
    dlp_findings_clear(&found);
    return status;
}

static aip_status
look_into_runs(search *s, const surface *v, size_t from, aip_error *err)
{
    dlp_run run;
    for (size_t at = from; dlp_next_run(v->bytes, &at, &run);) {
        if (is_covered(s->out, place(v, run.start), place(v, run.end))) {
            continue;
        }
        s->found = false;
        AIP_TRY(probe_run(s, (layer){{v->bytes.data + run.start, run.end - run.start}, v->level}, err));
        if (s->found) {
            s->hit.start = run.start;
            s->hit.end = run.end;
            AIP_TRY(add_hidden(s, v, s->hit, err));
        }
    }
    return AIP_OK;
}

static aip_status look(search *s, const surface *v, aip_error *err);

static aip_status
look_through(search *s, const surface *v, int view, aip_error *err)
{
    size_t room = v->bytes.size + 1;
    if (!spend(s, room) || room > UINT32_MAX) {
        s->out->unread = true;
        return AIP_OK;
    }
    unsigned char *bytes = malloc(room);
    uint32_t *map = reallocarray(NULL, room, sizeof *map);
    aip_status status = bytes == NULL || map == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
    if (status == AIP_OK) {
        surface next = {{bytes, dlp_unwrap(v->bytes, view, bytes, map)}, map, v->level + 1};
        for (size_t i = 0; v->map != NULL && i <= next.bytes.size; i++) {
            map[i] = v->map[map[i]];
        }
        status = next.bytes.size < v->bytes.size ? look(s, &next, err) : AIP_OK;
    }
    free(bytes);
    free(map);
    return status;
}

static aip_status
look(search *s, const surface *v, aip_error *err)
{
    bool decodes = dlp_scanner_decodes(s->scanner);
    AIP_TRY(look_plain(s, v, err));
    /* When the text was scanned before, nothing is known of it any more. */
    const dlp_hints all = {true, true, true, s->from};
    dlp_hints hints = v->map == NULL && s->plain_known ? all : *dlp_workspace_hints(s->workspace);
    if (decodes && hints.runs) {
        AIP_TRY(look_into_runs(s, v, hints.first_run, err));
    }
    for (int view = 0; view < DLP_VIEWS; view++) {
        /* What no reader sees is left out in any case; the rest is a matter of the policy. */
        if ((!decodes && view != DLP_INVISIBLE) || !may_hide(&hints, v->bytes, view)) {
            continue;
        }
        if (v->level == AIP_DLP_LAYERS_MAX) {
            s->out->unread = true;
            return AIP_OK;
        }
        AIP_TRY(look_through(s, v, view, err));
    }
    return AIP_OK;
}

static aip_status
look_from(search *s, aip_bytes text, aip_error *err)
{
    surface whole = {.bytes = text};
    s->budget = AIP_DLP_DECODED_BYTES_MIN + text.size * AIP_DLP_DECODED_TIMES;
    AIP_TRY(look(s, &whole, err));
    dlp_findings_settle(s->out);
    return AIP_OK;
}

aip_status
dlp_scan(const dlp_scanner *scanner, dlp_workspace *workspace, aip_bytes text, dlp_findings *out, aip_error *err)
{
    search s = {.scanner = scanner, .workspace = workspace, .out = out};
    return look_from(&s, text, err);
}

aip_status
dlp_scan_hidden(const dlp_scanner *scanner, dlp_workspace *workspace, aip_bytes text, size_t from, dlp_findings *out,
                aip_error *err)
{
    search s = {.scanner = scanner, .workspace = workspace, .out = out, .plain_known = true, .from = from};
    return look_from(&s, text, err);
}
