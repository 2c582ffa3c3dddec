/* Characters that hide text from people or make it look like another, wherever a model would read them. */
#include "base/unicode.h"
#include "policy/suspicious_inside.h"

#define SPACES_MAX 100 /* in a row, before more text: beyond what is seen of a list without scrolling */
#define BREAKS_MAX 12
#define BLOB_MAX 160 /* letters and digits without a space; digests and keys are shorter */
#define FLAG_TAGS_MAX 7

typedef struct {
    const suspicious_spot *spot;
    uint32_t before, scalar, after; /* 0 at the ends */
    unsigned flag_tags;             /* how many tags the flag of a region may still have */
    size_t spaces, breaks;          /* of the white space that has just been read */
    size_t blob;
    bool blob_digit, blob_letter;
    bool latin, cyrillic; /* in the word that has just been read */
} reading;

/* Format characters and fillers that no text needs, save those that look_at_joiner judges by what is around. */
static const struct {
    uint32_t first, last;
    const char *name;
} never[] = {
    {0x1B, 0x1B, "hidden.escape"},          {0x9B, 0x9B, "hidden.escape"},
    {0x00, 0x08, "hidden.control"},         {0x0B, 0x0C, "hidden.control"},
    {0x0E, 0x1F, "hidden.control"},         {0x7F, 0x84, "hidden.control"},
    {0x86, 0x9F, "hidden.control"},         {0x202A, 0x202E, "hidden.bidi"},
    {0x2066, 0x2069, "hidden.bidi"},        {0xAD, 0xAD, "hidden.invisible"},
    {0x34F, 0x34F, "hidden.invisible"},     {0x115F, 0x1160, "hidden.invisible"},
    {0x17B4, 0x17B5, "hidden.invisible"},   {0x180E, 0x180E, "hidden.invisible"},
    {0x2060, 0x2065, "hidden.invisible"},   {0x206A, 0x206F, "hidden.invisible"},
    {0x3164, 0x3164, "hidden.invisible"},   {0xFEFF, 0xFEFF, "hidden.invisible"},
    {0xFFA0, 0xFFA0, "hidden.invisible"},   {0xFFF0, 0xFFFB, "hidden.invisible"},
    {0x1BCA0, 0x1BCA3, "hidden.invisible"}, {0x1D173, 0x1D17A, "hidden.invisible"},
    {0xE0080, 0xE00FF, "hidden.invisible"}, {0xE01F0, 0xE0FFF, "hidden.invisible"},
    {0xE000, 0xF8FF, "hidden.private_use"}, {0xF0000, 0x10FFFF, "hidden.private_use"},
};

static void
report(const reading *r, const char *name)
{
    suspicious_report(r->spot, name);
}

static bool
is_selector(uint32_t scalar)
{
    return (scalar >= 0xFE00 && scalar <= 0xFE0F) || (scalar >= 0xE0100 && scalar <= 0xE01EF) ||
           (scalar >= 0x180B && scalar <= 0x180D) || scalar == 0x180F;
}

/* Zero width, or a mark of direction. */
static bool
is_joiner(uint32_t scalar)
{
    return (scalar >= 0x200B && scalar <= 0x200F) || scalar == 0x61C;
}

static bool
is_tag(uint32_t scalar)
{
    return scalar >= 0xE0000 && scalar <= 0xE007F;
}

/* Scripts and emoji that need them have them between characters of their own. */
static void
look_at_joiner(const reading *r)
{
    if (is_joiner(r->scalar) && (r->before < 0x80 || r->after < 0x80 || is_joiner(r->before) || is_joiner(r->after))) {
        report(r,
               r->scalar == 0x200E || r->scalar == 0x200F || r->scalar == 0x61C ? "hidden.bidi" : "hidden.zero_width");
    }
}

/* One selector follows one character, of ASCII only those that key caps are made of. */
static void
look_at_selector(const reading *r)
{
    bool keycap = (r->before >= '0' && r->before <= '9') || r->before == '#' || r->before == '*';
    if (is_selector(r->scalar) && (is_selector(r->before) || (r->before < 0x80 && !keycap))) {
        report(r, "hidden.selector");
    }
}

/* Tags spell ASCII that nobody sees; the flags of a few regions are made of them. */
static void
look_at_tag(reading *r)
{
    if (!is_tag(r->scalar)) {
        r->flag_tags = r->scalar == 0x1F3F4 ? FLAG_TAGS_MAX : 0;
        return;
    }
    if (r->flag_tags == 0) {
        report(r, "hidden.tags");
        return;
    }
    r->flag_tags = r->scalar == 0xE007F ? 0 : r->flag_tags - 1;
}

static void
look_at_space(reading *r)
{
    if (unicode_is_space(r->scalar) || r->scalar == 0x2800) {
        r->spaces++;
        r->breaks += r->scalar == '\n';
        return;
    }
    if (r->spaces >= SPACES_MAX || r->breaks >= BREAKS_MAX) {
        report(r, "hidden.space");
    }
    r->spaces = r->breaks = 0;
}

static void
look_at_blob(reading *r)
{
    uint32_t c = r->scalar, lower = c | 0x20;
    bool digit = c >= '0' && c <= '9', letter = c < 0x80 && lower >= 'a' && lower <= 'z';
    if (!digit && !letter && c != '+' && c != '/' && c != '=' && c != '-' && c != '_') {
        r->blob = 0;
        r->blob_digit = r->blob_letter = false;
        return;
    }
    r->blob++;
    r->blob_digit = r->blob_digit || digit;
    r->blob_letter = r->blob_letter || letter;
    if (r->blob >= BLOB_MAX && r->blob_digit && r->blob_letter) {
        report(r, "hidden.blob");
    }
}

static bool
is_ascii_letter(uint32_t scalar)
{
    return scalar < 0x80 && (scalar | 0x20) >= 'a' && (scalar | 0x20) <= 'z';
}

/* A word of Latin and Cyrillic letters. Greek ones stand beside Latin ones in formulas. */
static void
look_at_script(reading *r)
{
    if (is_ascii_letter(r->scalar)) {
        r->latin = true;
    } else if (r->scalar < 0x80) {
        r->latin = r->cyrillic = false;
    } else {
        unicode_script script = unicode_script_of_letter(r->scalar);
        r->latin = r->latin || script == UNICODE_LATIN;
        r->cyrillic = r->cyrillic || script == UNICODE_CYRILLIC;
    }
    if (r->latin && r->cyrillic) {
        report(r, "hidden.lookalike");
        r->latin = r->cyrillic = false;
    }
}

static void
look_at(reading *r)
{
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        if (r->scalar >= never[i].first && r->scalar <= never[i].last) {
            report(r, never[i].name);
            break;
        }
    }
    look_at_joiner(r);
    look_at_selector(r);
    look_at_tag(r);
    look_at_space(r);
    look_at_blob(r);
    look_at_script(r);
}

void
suspicious_hidden(const suspicious_spot *spot, aip_bytes text)
{
    reading r = {.spot = spot};
    size_t length = 0;
    r.after = text.size == 0 ? 0 : unicode_read(text, &length);
    for (size_t at = 0, size; at < text.size; at += size) {
        size = length;
        r.before = r.scalar;
        r.scalar = r.after;
        r.after = at + size < text.size ? unicode_read(aip_bytes_from(text, at + size), &length) : 0;
        look_at(&r);
    }
}
