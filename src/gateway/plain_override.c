/* Bodies by which some servers let a request be another one than it says: `_method` in JSON, forms and parts. */
#include <ctype.h>
#include <strings.h>

#include "gateway/media.h"
#include "gateway/plain.h"

static const char override_name[] = "_method";

static bool
member_overrides(const scan_document *body)
{
    char name[64];
    size_t size = 0;
    for (uint32_t each = scan_child(body, 0); each != SCAN_NONE; each = scan_next(body, each)) {
        if (scan_unescape_name(body, each, name, sizeof name - 1, &size, NULL) == AIP_OK) {
            name[size] = '\0';
            if (strcasecmp(name, override_name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static int
hex_value(unsigned char c)
{
    return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/* Escapes are undone as far as they are any: a form's reader is lenient. */
static bool
names_override(aip_bytes text)
{
    size_t at = 0;
    for (size_t i = 0; i < text.size; i++, at++) {
        int c = text.data[i];
        if (c == '%' && i + 2 < text.size && hex_value(text.data[i + 1]) >= 0 && hex_value(text.data[i + 2]) >= 0) {
            c = hex_value(text.data[i + 1]) * 16 + hex_value(text.data[i + 2]);
            i += 2;
        }
        if (at >= sizeof override_name - 1 || tolower(c) != override_name[at]) {
            return false;
        }
    }
    return at == sizeof override_name - 1;
}

static bool
form_overrides(aip_bytes form)
{
    size_t begin = 0;
    bool in_name = true;
    for (size_t i = 0; i <= form.size; i++) {
        bool ends_pair = i == form.size || form.data[i] == '&' || form.data[i] == ';';
        if (in_name && (ends_pair || form.data[i] == '=')) {
            if (names_override((aip_bytes){form.data + begin, i - begin})) {
                return true;
            }
            in_name = false;
        }
        if (ends_pair) {
            begin = i + 1;
            in_name = true;
        }
    }
    return false;
}

/* `name="_method"` and its other spellings: the word where no longer one is. */
static bool
parts_override(aip_bytes parts)
{
    size_t size = sizeof override_name - 1;
    for (size_t i = 1; i + size < parts.size; i++) {
        bool here = parts.data[i] == '_' && strncasecmp((const char *)parts.data + i, override_name, size) == 0;
        if (here && strchr("=\"'", parts.data[i - 1]) != NULL && strchr("\"'; \r\n", parts.data[i + size]) != NULL) {
            return true;
        }
    }
    return false;
}

bool
plain_body_overrides(const plain_request *request)
{
    static const char multipart[] = "multipart/";
    size_t size = sizeof multipart - 1;
    if (request->body != NULL) {
        return scan_kind_of(request->body, 0) == SCAN_OBJECT && member_overrides(request->body);
    }
    if (request->type.size >= size && strncasecmp((const char *)request->type.data, multipart, size) == 0) {
        return parts_override(request->other);
    }
    return media_names(request->type, "application/x-www-form-urlencoded") && form_overrides(request->other);
}
