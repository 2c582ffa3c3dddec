/* What two spellings of a name have in common. */
#include "policy/normal.h"

#include "base/unicode.h"

#define NAME_SCALARS_MAX NORMAL_NAME_BYTES_MAX
#define ROUNDS_MAX 8 /* two are what real names need */

static size_t
trim(uint32_t *scalars, size_t count)
{
    size_t first = 0;
    while (count > 0 && unicode_is_space(scalars[count - 1])) {
        count--;
    }
    while (first < count && unicode_is_space(scalars[first])) {
        first++;
    }
    memmove(scalars, scalars + first, (count - first) * sizeof *scalars);
    return count - first;
}

/* NFKC, lower-case, trimmed, without what is not shown; false when it does not fit. */
static bool
normalize_once(aip_bytes name, char out[NORMAL_NAME_BYTES_MAX + 1], size_t *size)
{
    uint32_t scalars[NAME_SCALARS_MAX];
    size_t count = 0;
    if (!unicode_normalize(name, UNICODE_NFKC, (int32_t *)scalars, NAME_SCALARS_MAX, &count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        scalars[i] = unicode_lower(scalars[i]);
    }
    count = trim(scalars, count);
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[4];
        size_t length = utf8_encode(scalars[i], bytes);
        if (!unicode_is_shown(scalars[i])) {
            continue;
        }
        if (*size + length > NORMAL_NAME_BYTES_MAX) {
            return false;
        }
        memcpy(out + *size, bytes, length);
        *size += length;
    }
    out[*size] = '\0';
    return true;
}

static bool
mixes_scripts(aip_bytes name)
{
    bool seen[4] = {false};
    for (size_t at = 0, length; at < name.size; at += length) {
        seen[unicode_script_of_letter(unicode_read(aip_bytes_from(name, at), &length))] = true;
    }
    return seen[UNICODE_LATIN] && (seen[UNICODE_GREEK] || seen[UNICODE_CYRILLIC]);
}

/* Most names are plain ASCII in lower case without spaces around: nothing changes them. */
static bool
is_normal(aip_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char byte = name.data[i];
        if (byte <= ' ' || byte >= 0x7F || (byte >= 'A' && byte <= 'Z')) {
            return false;
        }
    }
    return true;
}

static bool
is_utf8(aip_bytes text)
{
    for (size_t at = 0, length; at < text.size; at += length) {
        length = utf8_sequence(text.data + at, text.size - at);
        if (length == 0) {
            return false;
        }
    }
    return true;
}

aip_status
normal_name_of(aip_bytes name, normal_name *out, aip_error *err)
{
    char before[NORMAL_NAME_BYTES_MAX + 1];
    *out = (normal_name){.size = 0};
    if (name.size > AIP_TOOL_BYTES_MAX || !is_utf8(name)) {
        return aip_fail(err, AIP_REQUEST_INVALID, "a name is too long or not UTF-8");
    }
    if (name.size > 0) {
        memcpy(out->text, name.data, name.size);
    }
    out->size = name.size;
    if (is_normal(name)) {
        return AIP_OK;
    }
    for (int round = 0; round < ROUNDS_MAX; round++) {
        size_t size = out->size;
        memcpy(before, out->text, size);
        aip_bytes view = {(const unsigned char *)before, size};
        if (!normalize_once(view, out->text, &out->size)) {
            break;
        }
        if (size == out->size && memcmp(before, out->text, size) == 0) {
            out->mixed = mixes_scripts(view);
            return AIP_OK;
        }
    }
    return aip_fail(err, AIP_REQUEST_INVALID, "a name has no normal form");
}
