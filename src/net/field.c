/* Reads the header fields that say how long a document holds and how it is packed. */
#include "net/field.h"

enum { MAX_AGE_DIGITS = 10 };

static bool
is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static aip_bytes
trim(aip_bytes text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text = aip_bytes_from(text, 1);
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

/* Cuts `text` at the first `mark`; without one, all is before it. Returns whether there was one. */
static bool
cut(aip_bytes text, int mark, aip_bytes *before, aip_bytes *after)
{
    const unsigned char *at = text.size == 0 ? NULL : memchr(text.data, mark, text.size);
    *before = text;
    *after = (aip_bytes){NULL, 0};
    if (at == NULL) {
        return false;
    }
    before->size = (size_t)(at - text.data);
    *after = aip_bytes_from(text, before->size + 1);
    return true;
}

bool
field_is_token(aip_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = text.data[i];
        bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alphanumeric && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return text.size > 0;
}

bool
field_split(aip_bytes line, aip_bytes *name, aip_bytes *value)
{
    if (aip_bytes_begin_with(line, AIP_BYTES_LITERAL("HTTP/")) || !cut(line, ':', name, value)) {
        return false;
    }
    *value = trim(*value);
    return true;
}

/* Digits alone; what cannot be read counts as 0, as RFC 9111 section 4.2.1 advises. */
static int64_t
read_seconds(aip_bytes text)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
        value = i < MAX_AGE_DIGITS ? value * 10 + (text.data[i] - '0') : INT32_MAX;
    }
    return value < INT32_MAX ? value : INT32_MAX;
}

static void
note_directive(field_facts *facts, aip_bytes directive)
{
    aip_bytes name, argument;
    (void)cut(directive, '=', &name, &argument);
    name = trim(name);
    if (field_is(name, "no-store") || field_is(name, "no-cache")) {
        facts->never_keep = true;
    } else if (field_is(name, "max-age")) {
        int64_t seconds = read_seconds(trim(argument));
        if (!facts->max_age_given || seconds < facts->max_age_seconds) {
            facts->max_age_seconds = seconds;
        }
        facts->max_age_given = true;
    }
}

static void
note_coding(field_facts *facts, aip_bytes coding)
{
    if (field_is(coding, "gzip") || field_is(coding, "x-gzip") || field_is(coding, "deflate")) {
        facts->codings++;
    } else if (!field_is(coding, "identity")) {
        facts->coding_unknown = true;
    }
}

static void
note_each(field_facts *facts, aip_bytes value, void (*note)(field_facts *, aip_bytes))
{
    aip_bytes item;
    while (cut(value, ',', &item, &value)) {
        note(facts, trim(item));
    }
    note(facts, trim(item));
}

void
field_note(field_facts *facts, aip_bytes name, aip_bytes value)
{
    if (field_is(name, "cache-control")) {
        note_each(facts, value, note_directive);
    } else if (field_is(name, "content-encoding")) {
        note_each(facts, value, note_coding);
    } else if (field_is(name, "content-length")) {
        facts->framed = true;
    } else if (field_is(name, "transfer-encoding")) {
        facts->framed = true;
        facts->coding_unknown |= !field_is(value, "chunked"); /* no other was offered */
    }
}

int64_t
field_max_age(const field_facts *facts)
{
    if (facts->never_keep) {
        return 0;
    }
    return facts->max_age_given ? facts->max_age_seconds : -1;
}

bool
field_coding_is_known(const field_facts *facts)
{
    return !facts->coding_unknown && facts->codings <= 1;
}
