/* Protected paths: the search for what could be one in a text. */
#include "policy/path.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/utf8.h"
#include "policy/path_inside.h"

/* Names without a separator that are looked up in the file system, of one text: a shared directory may hold links. */
#define PLAIN_LOOKUPS_MAX 1024
#define DECODE_ROUNDS_MAX 8

/* ---- one path ---- */

static void
compare(path_probe *probe, aip_bytes path)
{
    probe->lowered.size = 0;
    path_lower(path, &probe->lowered);
    for (size_t i = 0; i < probe->guard->form_count && probe->entry == PATH_NONE; i++) {
        const path_entry_form *form = &probe->guard->forms[i];
        probe->entry = path_touches(form, text_view(&probe->lowered), probe->recursive) ? form->entry : PATH_NONE;
    }
}

/* A name in one of the guard's directories, as path_clean leaves it, without anything that the cuts would find. */
static bool
is_word(aip_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = text.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!letter && (byte < '0' || byte > '9') && byte != '_' && byte != '-') {
            return false;
        }
    }
    return !aip_bytes_equal(text, AIP_BYTES_LITERAL("root")) && !aip_bytes_equal(text, AIP_BYTES_LITERAL("cwd"));
}

static void
compare_word(path_probe *probe, aip_bytes word, size_t directory)
{
    probe->lowered.size = 0;
    path_lower(word, &probe->lowered);
    for (size_t i = 0; i < probe->guard->form_count && probe->entry == PATH_NONE; i++) {
        const path_entry_form *form = &probe->guard->forms[i];
        bool hit = path_touches_in(form, form->begun[directory], text_view(&probe->lowered), probe->recursive);
        probe->entry = hit ? form->entry : PATH_NONE;
    }
}

/* Is a name in the working directory no link? Then where it leads is no question: that costs one look instead of one at
 * each component of the directory. */
static bool
is_no_link(const path_probe *probe, const path_reading *reading, aip_bytes text)
{
    struct stat found;
    const char *directory = reading->directory, *form = probe->form.data;
    bool child = directory == probe->guard->child_directory;
    size_t size = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
    if (!(child ? probe->guard->child_is_real : probe->guard->directory_is_real) ||
        text_finish(&probe->form, NULL) != AIP_OK || probe->form.size <= size + 1 || strlen(form) != probe->form.size ||
        memcmp(form, directory, size) != 0 || form[size] != '/' ||
        !aip_bytes_equal(aip_bytes_of(form + size + 1), text)) { /* which has no separator */
        return false;
    }
    return lstat(form, &found) == 0 ? !S_ISLNK(found.st_mode) : errno == ENOENT;
}

/* Where the links lead, of the path as cleaned and as written: `link/..` is elsewhere than it looks. */
static void
compare_real(path_probe *probe, const path_reading *reading, aip_bytes text)
{
    TEXT_AUTO text_buffer real = {0}, written = {0};
    if (path_real(text_view(&probe->form), &real)) {
        compare(probe, text_view(&real));
    }
    if (text.size > 0 && text.data[0] != '/') {
        text_append_string(&written, reading->directory);
        text_append_string(&written, "/");
    }
    text_append(&written, text);
    real.size = 0;
    if (probe->entry == PATH_NONE && path_real(text_view(&written), &real)) {
        compare(probe, text_view(&real));
    }
    probe->form.failed = probe->form.failed || real.failed || written.failed;
}

static void
try_path(path_probe *probe, aip_bytes text, bool backslashes, bool separated)
{
    bool word = !separated && is_word(text);
    const char *directories[] = {probe->guard->directory, probe->guard->child_directory};
    for (size_t i = 0; i < 2 && probe->entry == PATH_NONE; i++) {
        const path_reading reading = {probe->guard, directories[i], backslashes};
        if (directories[i] == NULL) {
            return;
        }
        path_clean(&reading, text, &probe->form);
        if (word) {
            compare_word(probe, text, i);
        } else {
            compare(probe, text_view(&probe->form));
        }
        bool looked_up = probe->guard->real && (separated || probe->lookups++ < PLAIN_LOOKUPS_MAX);
        if (looked_up && probe->entry == PATH_NONE && (separated || !is_no_link(probe, &reading, text))) {
            compare_real(probe, &reading, text);
        }
    }
}

/* ---- paths in a text ---- */

/* Where a path may end and another begin, from few places to many. */
typedef enum { CUT_NONE, CUT_LINES, CUT_WORDS, CUT_PARTS } cut;

static bool
cuts(cut how, unsigned char byte)
{
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
    if (piece.size == 0 || probe->entry != PATH_NONE) {
        return;
    }
    bool separated = is_separated(piece, backslashes);
    bool led = piece.data[0] == '~' || piece.data[0] == '$';
    if (separated || led || reads_names(probe) || aip_bytes_equal(piece, AIP_BYTES_LITERAL(".."))) {
        try_path(probe, piece, backslashes, separated);
    }
    if (piece.data[0] == '-' && separated) { /* an option with its path glued to it */
        try_piece(probe, aip_bytes_from(piece, next_mark(piece, 1, backslashes)), backslashes);
    }
}

static void
try_pieces(path_probe *probe, aip_bytes text, cut how, bool backslashes)
{
    bool all = reads_names(probe);
    size_t start = 0;
    while (start < text.size && probe->entry == PATH_NONE) {
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
        if (how == CUT_NONE || piece.size < text.size) {
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
    TEXT_AUTO text_buffer lowered = {0}, form = {0};
    path_lower(text, &lowered);
    path_clean(&(path_reading){probe->guard, probe->guard->directory, false}, text_view(&lowered), &form);
    aip_bytes all = text_view(&lowered), last = last_component(text_view(&form));
    bool path = all.size > 0 && (all.data[0] == '.' || is_separated(all, true));
    for (size_t i = 0; i < probe->guard->form_count && probe->entry == PATH_NONE; i++) {
        const path_entry_form *entry = &probe->guard->forms[i];
        aip_bytes whole = aip_bytes_of(entry->text), name = last_component(whole);
        bool hit = holds(all, whole) ||
                   (path && entry->entry < probe->guard->peer_count && holds(all, name) && aip_bytes_equal(last, name));
        probe->entry = hit ? entry->entry : PATH_NONE;
    }
    probe->form.failed = probe->form.failed || lowered.failed || form.failed;
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
    if (text.size == 0 || probe->entry != PATH_NONE) {
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

/* Some readers end at a NUL, others drop it. */
static void
try_settled(path_probe *probe, aip_bytes text)
{
    TEXT_AUTO text_buffer without = {0};
    try_view(probe, text);
    for (size_t i = 0; i < text.size && probe->entry == PATH_NONE; i++) {
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
        probe->plain.size = probe->decoded.size = 0;
        path_decode_all(text_view(&probe->previous), &probe->plain);
        path_fold(text_view(&probe->plain), &probe->decoded);
        if (aip_bytes_equal(text_view(&probe->decoded), text_view(&probe->previous))) {
            try_settled(probe, text_view(&probe->decoded));
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
    if (is_plain(text)) {
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
    if (probe->entry == PATH_NONE) {
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
    if (is_word(text)) {
        try_piece(probe, text, false); /* which no cut and no decoding changes */
    } else if (reads_names(probe) || leads || has_any(text, marks) || (probe->recursive && path_leads_up(text)) ||
               !is_plain(text)) {
        try_views(probe, text);
    }
    AIP_TRY(text_finish(&probe->decoded, err));
    AIP_TRY(text_finish(&probe->previous, err));
    AIP_TRY(text_finish(&probe->plain, err));
    AIP_TRY(text_finish(&probe->form, err));
    return text_finish(&probe->lowered, err);
}

void
path_probe_clear(path_probe *probe)
{
    text_clear(&probe->decoded);
    text_clear(&probe->previous);
    text_clear(&probe->plain);
    text_clear(&probe->form);
    text_clear(&probe->lowered);
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
