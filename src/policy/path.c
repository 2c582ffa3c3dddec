/* Protected paths: the search for what could be one in a text. */
#include "policy/path.h"

#include "base/utf8.h"
#include "policy/path_inside.h"

#define DECODE_ROUNDS_MAX 8

/* ---- what a check may cost, about nanoseconds ---- */

#define SEEN_WORK 40          /* a piece that was tried before */
#define DECODE_BYTE_WORK 40   /* to the end, one round */
#define DECODE_WORK 800       /* the shortest text */
#define UNESCAPE_BYTE_WORK 16 /* once */
#define PEER_BYTE_WORK 8      /* the peer's rules, and one more for each entry … */
#define PEER_FORM_WORK 24     /* … which costs so much for the shortest text */
#define VIEW_WORK 100         /* a text, in one reading of it */

static bool
spend(path_probe *probe, size_t work)
{
    return path_spend(&probe->memory, work);
}

/* ---- paths in a text ---- */

/* Where a path may end and another begin, from few places to many. */
typedef enum { CUT_NONE, CUT_LINES, CUT_WORDS, CUT_PARTS } cut;

static bool
cuts(cut how, unsigned char byte)
{
    unsigned char letter = (unsigned char)((byte | 0x20) - 'a');
    if (letter < 26) {
        return false;
    }
    switch (byte) {
    case '"':
    case '\'':
    case '`':
    case 0x7F:
        return how >= CUT_LINES;
    case ' ':
    case ';':
    case '|':
    case '&':
    case '<':
    case '>':
    case '(':
    case ')':
    case ',':
        return how >= CUT_WORDS;
    default:
        return (byte < ' ' && how >= CUT_LINES) || (how == CUT_PARTS && strchr("=:@?#[]{}!+^", byte) != NULL);
    }
}

static aip_bytes
trim(aip_bytes text)
{
    while (text.size > 0 && (text.data[0] <= ' ' || text.data[0] == '"' || text.data[0] == '\'')) {
        text = aip_bytes_from(text, 1);
    }
    while (text.size > 0 && (text.data[text.size - 1] <= ' ' || strchr("\"'", text.data[text.size - 1]) != NULL)) {
        text.size--;
    }
    return text;
}

/* Is every name worth a look, even one without a separator? */
static bool
reads_names(const path_probe *probe)
{
    return probe->guard->plain || (probe->recursive && probe->guard->plain_above);
}

/* Could the piece be anything but a name in the working directory? */
static bool
is_separated(aip_bytes text, bool backslashes)
{
    return memchr(text.data, '/', text.size) != NULL || (backslashes && memchr(text.data, '\\', text.size) != NULL);
}

/* Where the next piece worth a look begins to differ from prose: a separator, `~`, `$` or `..`. */
static size_t
next_mark(aip_bytes text, size_t at, bool backslashes)
{
    for (; at < text.size; at++) {
        unsigned char byte = text.data[at];
        bool up = byte == '.' && at + 1 < text.size && text.data[at + 1] == '.';
        if (byte == '/' || byte == '~' || byte == '$' || up || (byte == '\\' && backslashes)) {
            return at;
        }
    }
    return at;
}

static void
try_piece(path_probe *probe, aip_bytes piece, bool backslashes)
{
    if (piece.size == 0 || !path_goes_on(probe) || !spend(probe, SEEN_WORK) ||
        path_is_seen(&probe->memory, piece, backslashes)) {
        return;
    }
    bool separated = is_separated(piece, backslashes);
    bool led = piece.data[0] == '~' || piece.data[0] == '$';
    if (separated || led || reads_names(probe) || aip_bytes_equal(piece, AIP_BYTES_LITERAL(".."))) {
        path_try(probe, piece, backslashes, separated);
    }
    if (piece.data[0] == '-' && separated) { /* an option with its path glued to it */
        try_piece(probe, aip_bytes_from(piece, next_mark(piece, 1, backslashes)), backslashes);
    }
}

/* Was the same piece cut out, and tried, the time before? */
static bool
was_cut(aip_bytes text, size_t from, size_t to, cut how)
{
    return how > CUT_LINES && (from == 0 || cuts(how - 1, text.data[from - 1])) &&
           (to == text.size || cuts(how - 1, text.data[to]));
}

static void
try_pieces(path_probe *probe, aip_bytes text, cut how, bool backslashes)
{
    bool all = reads_names(probe);
    size_t start = 0;
    spend(probe, 2 * text.size);
    while (start < text.size && path_goes_on(probe)) {
        size_t mark = all ? start : next_mark(text, start, backslashes), from = mark, to = mark;
        if (mark == text.size) {
            return;
        }
        while (from > start && !cuts(how, text.data[from - 1])) {
            from--;
        }
        while (to < text.size && !cuts(how, text.data[to])) {
            to++;
        }
        aip_bytes piece = {text.data + from, to - from};
        if (how == CUT_NONE || (piece.size < text.size && !was_cut(text, from, to, how))) {
            try_piece(probe, how == CUT_LINES ? trim(piece) : piece, backslashes);
        }
        start = to + 1;
    }
}

static void
try_cuts(path_probe *probe, aip_bytes text, bool backslashes)
{
    cut last = probe->whole_only ? CUT_NONE : CUT_PARTS;
    aip_bytes trimmed = trim(text);
    try_pieces(probe, text, CUT_NONE, backslashes);
    if (trimmed.size < text.size) {
        try_pieces(probe, trimmed, CUT_NONE, backslashes);
    }
    for (cut how = CUT_LINES; how <= last; how++) {
        try_pieces(probe, trimmed, how, backslashes);
    }
}

/* As a shell would read it: `/etc/sha""dow` and `/etc/sha\dow` are one file. */
static void
try_unquoted(path_probe *probe, aip_bytes text)
{
    TEXT_AUTO text_buffer plain = {0};
    size_t from = 0;
    spend(probe, UNESCAPE_BYTE_WORK * text.size);
    for (size_t at = 0; at <= text.size; at++) {
        if (at == text.size || strchr("\\\"'", text.data[at]) != NULL) {
            bool nul = at < text.size && text.data[at] == '\0'; /* strchr finds the end of its list as well */
            text_append(&plain, (aip_bytes){text.data + from, at - from + nul});
            from = at + 1;
        }
    }
    if (plain.size < text.size) {
        try_cuts(probe, text_view(&plain), false);
    }
    probe->form.failed = probe->form.failed || plain.failed;
}

/* ---- the peer's rules ---- */

static aip_bytes
last_component(aip_bytes path)
{
    const unsigned char *slash = path.size == 0 ? NULL : memrchr(path.data, '/', path.size);
    return slash == NULL ? path : aip_bytes_from(path, (size_t)(slash - path.data) + 1);
}

static bool
holds(aip_bytes text, aip_bytes part)
{
    return part.size > 0 && text.size >= part.size && memmem(text.data, text.size, part.data, part.size) != NULL;
}

/* An entry anywhere in the text, or its last component as that of the text's path. */
static void
try_as_peer(path_probe *probe, aip_bytes text)
{
    const path_reading reading = {probe->guard, probe->guard->directory, false, &probe->memory};
    size_t forms = probe->guard->form_count;
    if (!spend(probe, (PEER_BYTE_WORK + forms) * text.size + PEER_FORM_WORK * (forms + 4))) {
        return;
    }
    probe->lowered.size = 0;
    path_lower(text, &probe->lowered);
    path_clean(&reading, text_view(&probe->lowered), &probe->form);
    aip_bytes all = text_view(&probe->lowered), last = last_component(text_view(&probe->form));
    bool path = all.size > 0 && (all.data[0] == '.' || is_separated(all, true));
    for (size_t i = 0; i < forms && path_goes_on(probe); i++) {
        const path_entry_form *entry = &probe->guard->forms[i];
        bool named = path && entry->entry < probe->guard->peer_count && aip_bytes_equal(last, entry->name);
        bool hit = (named && holds(all, entry->name)) || holds(all, entry->whole);
        probe->entry = hit ? entry->entry : PATH_NONE;
    }
}

/* ---- every reading of a text ---- */

static bool
has_any(aip_bytes text, const char *bytes)
{
    for (; *bytes != '\0'; bytes++) {
        if (text.size > 0 && memchr(text.data, *bytes, text.size) != NULL) {
            return true;
        }
    }
    return false;
}

static void
try_view(path_probe *probe, aip_bytes text)
{
    if (text.size == 0 || !path_goes_on(probe) || !spend(probe, VIEW_WORK)) {
        return;
    }
    if (probe->guard->as_peer && (text.data[0] == '.' || is_separated(text, true))) {
        try_as_peer(probe, text);
    }
    try_cuts(probe, text, false);
    if (has_any(text, "\\")) {
        try_cuts(probe, text, true);
    }
    if (has_any(text, "\\\"'")) {
        try_unquoted(probe, text);
    }
}

/* Can decoding change the text at all? */
static bool
is_plain(aip_bytes text)
{
    return !has_any(text, "%&") && (text.size == 0 || memchr(text.data, '\0', text.size) == NULL) &&
           utf8_ascii_prefix(text.data, text.size) == text.size;
}

static void
swap(text_buffer *a, text_buffer *b)
{
    text_buffer kept = *a;
    *a = *b;
    *b = kept;
}

/* Some readers end at a NUL, others drop it. `tried`: the text has been looked through as it is. */
static void
try_settled(path_probe *probe, aip_bytes text, bool tried)
{
    TEXT_AUTO text_buffer without = {0};
    if (!tried) {
        try_view(probe, text);
    }
    if (text.size == 0 || memchr(text.data, '\0', text.size) == NULL) {
        return;
    }
    for (size_t i = 0; i < text.size && path_goes_on(probe); i++) {
        text_append(&without, (aip_bytes){text.data + i, text.data[i] != '\0'});
    }
    if (without.size < text.size) {
        try_view(probe, text_view(&without));
    }
    probe->form.failed = probe->form.failed || without.failed;
}

/* Decodes to the end. A text that never settles was made not to be read, and counts as touching. */
static void
try_decoded(path_probe *probe, aip_bytes text)
{
    probe->previous.size = 0;
    text_append(&probe->previous, text);
    for (int round = 0; round < DECODE_ROUNDS_MAX; round++) {
        if (!spend(probe, DECODE_BYTE_WORK * probe->previous.size)) {
            return;
        }
        probe->plain.size = probe->decoded.size = 0;
        path_decode_all(text_view(&probe->previous), &probe->plain);
        path_fold(text_view(&probe->plain), &probe->decoded);
        if (aip_bytes_equal(text_view(&probe->decoded), text_view(&probe->previous))) {
            try_settled(probe, text_view(&probe->decoded), round == 0);
            return;
        }
        swap(&probe->decoded, &probe->previous);
    }
    probe->entry = probe->guard->entry_count > 0 ? 0 : PATH_NONE;
}

/* Each way in which a reader behind the gateway may decode: not at all, once, twice, to the end. */
static void
try_views(path_probe *probe, aip_bytes text)
{
    TEXT_AUTO text_buffer once = {0}, twice = {0};
    try_view(probe, text);
    if (is_plain(text) || !path_goes_on(probe) || !spend(probe, DECODE_WORK + UNESCAPE_BYTE_WORK * text.size)) {
        return;
    }
    path_decode_once(text, &once);
    path_decode_once(text_view(&once), &twice);
    if (once.size < text.size) {
        try_view(probe, text_view(&once));
    }
    if (twice.size < once.size) {
        try_view(probe, text_view(&twice));
    }
    if (path_goes_on(probe)) {
        try_decoded(probe, text);
    }
    probe->form.failed = probe->form.failed || once.failed || twice.failed;
}

bool
path_leads_up(aip_bytes text)
{
    const unsigned char *end = text.data + text.size, *at = text.data;
    while (at + 1 < end && (at = memchr(at, '.', (size_t)(end - at) - 1)) != NULL) {
        if (at[1] == '.') {
            return true;
        }
        at++;
    }
    return false;
}

aip_status
path_probe_text(path_probe *probe, aip_bytes text, aip_error *err)
{
    static const char marks[] = "/\\~$%&"; /* without one of these a text names things in the working directory only */
    bool leads = text.size > 0 && text.data[0] == '.';
    if (probe->guard->entry_count == 0 || text.size == 0) {
        return AIP_OK;
    }
    if (path_is_word(text)) {
        try_piece(probe, text, false); /* which no cut and no decoding changes */
    } else if (reads_names(probe) || leads || has_any(text, marks) || (probe->recursive && path_leads_up(text)) ||
               !is_plain(text)) {
        try_views(probe, text);
    }
    AIP_TRY(text_finish(&probe->decoded, err));
    AIP_TRY(text_finish(&probe->previous, err));
    AIP_TRY(text_finish(&probe->plain, err));
    AIP_TRY(text_finish(&probe->form, err));
    AIP_TRY(text_finish(&probe->lowered, err));
    AIP_TRY(text_finish(&probe->real, err));
    AIP_TRY(text_finish(&probe->written, err));
    AIP_TRY(text_finish(&probe->memory.names, err));
    return path_probe_within(probe, err);
}

aip_status
path_probe_within(const path_probe *probe, aip_error *err)
{
    bool beyond = probe->memory.spent && probe->entry == PATH_NONE;
    return beyond ? aip_fail(err, AIP_POLICY_PATH, "more could be paths than is looked at in one message") : AIP_OK;
}

void
path_probe_clear(path_probe *probe)
{
    text_clear(&probe->decoded);
    text_clear(&probe->previous);
    text_clear(&probe->plain);
    text_clear(&probe->form);
    text_clear(&probe->lowered);
    text_clear(&probe->real);
    text_clear(&probe->written);
    path_memory_clear(&probe->memory);
}

aip_status
path_guard_check(const path_guard *guard, aip_bytes text, bool recursive, size_t *entry, aip_error *err)
{
    path_probe probe = {.guard = guard, .recursive = recursive, .entry = PATH_NONE};
    aip_status status = path_probe_text(&probe, text, err);
    path_probe_clear(&probe);
    *entry = probe.entry;
    return status;
}
