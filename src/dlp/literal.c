/* The longest literal of each branch that no quantifier can leave out. */
#include "dlp/literal.h"

#include <stdlib.h>

#include "base/utf8.h"

#define DEPTH_MAX 20

/* A part of an expression that is read. */
typedef struct {
    const char *at, *end;
    char piece[DLP_LITERAL_BYTES_MAX + 1]; /* characters in a row */
    size_t size, last;                     /* of the piece, and where its last character begins */
    dlp_literals best;
    bool caseless;
    unsigned depth;
} reader;

static void read_branches(const char *from, const char *end, bool caseless, unsigned depth, dlp_literals *out);

static size_t
shortest(const dlp_literals *literals)
{
    size_t least = literals->count == 0 ? 0 : DLP_LITERAL_BYTES_MAX;
    for (size_t i = 0; i < literals->count; i++) {
        size_t size = strlen(literals->text[i]);
        least = size < least ? size : least;
    }
    return least;
}

static void
end_piece(reader *r)
{
    if (r->size >= DLP_LITERAL_BYTES_MIN && r->size > shortest(&r->best)) {
        r->best = (dlp_literals){.count = 1};
        memcpy(r->best.text[0], r->piece, r->size);
    }
    r->size = r->last = 0;
}

/* The other cases of k and s are no bytes of ASCII. */
static bool
is_usable(const reader *r, uint32_t scalar)
{
    bool folds_far = scalar >= 0x80 || (scalar | 0x20) == 'k' || (scalar | 0x20) == 's';
    return scalar != 0 && !(r->caseless && folds_far);
}

static void
take_scalar(reader *r, uint32_t scalar)
{
    unsigned char bytes[4];
    size_t count = utf8_encode(scalar, bytes);
    if (!is_usable(r, scalar) || r->size + count > DLP_LITERAL_BYTES_MAX) {
        end_piece(r);
        return;
    }
    r->last = r->size;
    memcpy(r->piece + r->size, bytes, count);
    r->size += count;
}

/* Behind what begins at `at` with a backslash. */
static const char *
skip_escape(const char *at, const char *end)
{
    if (end - at < 2) {
        return end;
    }
    bool braced = end - at > 2 && strchr("xpP", at[1]) != NULL && at[2] == '{';
    const char *close = braced ? memchr(at, '}', (size_t)(end - at)) : at + 1;
    return close == NULL ? end : close + 1;
}

static const char *
skip_class(const char *at, const char *end)
{
    const char *first = at + 1 + (end - at > 1 && at[1] == '^');
    for (at = first; at < end && (*at != ']' || at == first);) {
        const char *inner = *at == '[' && end - at > 1 && at[1] == ':' ? strstr(at + 2, ":]") : NULL;
        at = inner != NULL ? inner + 2 : *at == '\\' ? skip_escape(at, end) : at + 1;
    }
    return at < end ? at + 1 : end;
}

/* The bracket that closes the group at `at`, or `end`. */
static const char *
find_close(const char *at, const char *end)
{
    unsigned depth = 0;
    while (at < end) {
        if (*at == '\\') {
            at = skip_escape(at, end);
            continue;
        }
        if (*at == '[') {
            at = skip_class(at, end);
            continue;
        }
        depth += *at == '(';
        if (*at == ')' && --depth == 0) {
            return at;
        }
        at++;
    }
    return end;
}

/* Takes a quantifier, if one stands here. Can what stands before it be left out? */
static bool
take_quantifier(reader *r, bool *any)
{
    bool optional = false;
    *any = r->at < r->end && strchr("*+?{", *r->at) != NULL;
    if (!*any) {
        return false;
    }
    optional = *r->at == '*' || *r->at == '?' || (*r->at == '{' && r->end - r->at > 1 && r->at[1] == '0');
    const char *close = *r->at == '{' ? memchr(r->at, '}', (size_t)(r->end - r->at)) : r->at;
    r->at = close == NULL ? r->end : close + 1;
    r->at += r->at < r->end && *r->at == '?';
    return optional;
}

static void
take_group(reader *r)
{
    const char *from = r->at + 1, *close = find_close(r->at, r->end);
    bool any, flagged = close - from >= 1 && *from == '?';
    dlp_literals inside = {0};
    end_piece(r);
    if (flagged) { /* (?:, (?flags:, (?P<name>; or (?flags) for all that follows */
        const char *colon = from;
        while (colon < close && *colon != ':' && *colon != '>') {
            colon++;
        }
        from = colon < close ? colon + 1 : close;
    }
    if (r->depth < DEPTH_MAX) {
        read_branches(from, close, r->caseless, r->depth + 1, &inside);
    }
    r->at = close < r->end ? close + 1 : r->end;
    if (!take_quantifier(r, &any) && shortest(&inside) > shortest(&r->best)) {
        r->best = inside;
    }
}

static void
take_escape(reader *r)
{
    const char *from = r->at;
    r->at = skip_escape(from, r->end);
    if (r->at - from > 4 && from[1] == 'x') {
        take_scalar(r, (uint32_t)strtoul(from + 3, NULL, 16));
    } else {
        end_piece(r);
    }
}

static void
take_next(reader *r)
{
    bool any, plain = false;
    if (*r->at == '(') {
        take_group(r);
        return;
    }
    if (*r->at == '\\') {
        take_escape(r);
    } else if (*r->at == '[') {
        end_piece(r);
        r->at = skip_class(r->at, r->end);
    } else {
        plain = strchr(".^$)", *r->at) == NULL && (unsigned char)*r->at < 0x80;
        if (plain) {
            take_scalar(r, (unsigned char)*r->at);
        } else {
            end_piece(r);
        }
        r->at++;
    }
    if (take_quantifier(r, &any)) {
        r->size = r->last;
    }
    if (any) {
        end_piece(r);
    }
}

static const char *
find_branch_end(const char *at, const char *end)
{
    while (at < end && *at != '|') {
        at = *at == '\\'  ? skip_escape(at, end)
             : *at == '[' ? skip_class(at, end)
             : *at == '(' ? find_close(at, end)
                          : at + 1;
    }
    return at;
}

static void
read_branches(const char *from, const char *end, bool caseless, unsigned depth, dlp_literals *out)
{
    *out = (dlp_literals){0};
    for (const char *at = from; at <= end;) {
        reader r = {.at = at, .end = find_branch_end(at, end), .caseless = caseless, .depth = depth};
        at = r.end + 1;
        while (r.at < r.end) {
            take_next(&r);
        }
        end_piece(&r);
        if (r.best.count == 0 || out->count + r.best.count > DLP_LITERALS_MAX) {
            out->count = 0;
            return;
        }
        memcpy(out->text[out->count], r.best.text, r.best.count * sizeof r.best.text[0]);
        out->count += r.best.count;
    }
}

/* Flags anywhere count for all of it: a literal without regard to case is found in either. */
static bool
is_caseless(const char *expression)
{
    for (const char *at = strstr(expression, "(?"); at != NULL; at = strstr(at + 2, "(?")) {
        for (const char *flag = at + 2; (*flag >= 'a' && *flag <= 'z') || *flag == '-' || *flag == 'U'; flag++) {
            if (*flag == 'i') {
                return true;
            }
        }
    }
    return false;
}

void
dlp_literals_of(const char *expression, dlp_literals *out)
{
    bool caseless = is_caseless(expression);
    read_branches(expression, expression + strlen(expression), caseless, 0, out);
    out->caseless = caseless;
}
