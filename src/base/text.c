/* Growing text buffer, JSON string writing, files. Whatever is freed is wiped: some of it was secret. */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/utf8.h"

#define DURATION_MAX 3153600000u /* a hundred years: sums with the clock stay far from overflow */

/* Makes room for `more` bytes and a NUL. realloc would leave a copy behind. */
static bool
reserve(text_buffer *text, size_t more)
{
    if (text->failed) {
        return false;
    }
    if (more < text->capacity - text->size) {
        return true;
    }
    if (more >= SIZE_MAX / 4 - text->size) {
        text->failed = true;
        return false;
    }
    size_t capacity = text->capacity < 64 ? 64 : text->capacity * 2;
    capacity = capacity > text->size + more ? capacity : text->size + more + 1;
    char *data = malloc(capacity);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    if (text->size > 0) {
        memcpy(data, text->data, text->size);
        explicit_bzero(text->data, text->size);
    }
    free(text->data);
    text->data = data;
    text->capacity = capacity;
    return true;
}

void
text_append(text_buffer *text, aip_bytes bytes)
{
    if (!reserve(text, bytes.size)) {
        return;
    }
    if (bytes.size > 0) {
        memcpy(text->data + text->size, bytes.data, bytes.size);
    }
    text->size += bytes.size;
    text->data[text->size] = '\0';
}

void
text_append_string(text_buffer *text, const char *string)
{
    text_append(text, aip_bytes_of(string));
}

void
text_append_format(text_buffer *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    size_t room = text->failed ? 0 : text->capacity - text->size;
    int size = vsnprintf(room == 0 ? NULL : text->data + text->size, room, format, arguments);
    va_end(arguments);
    if (size < 0) {
        text->failed = true;
    } else if ((size_t)size < room) {
        text->size += (size_t)size;
    } else {
        if (room > 0) {
            explicit_bzero(text->data + text->size, room); /* what it began with, before the memory is given back */
        }
        if (reserve(text, (size_t)size)) {
            vsnprintf(text->data + text->size, (size_t)size + 1, format, again);
            text->size += (size_t)size;
        }
    }
    va_end(again);
}

static bool
needs_escape(unsigned char byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

/* The short escapes are those of RFC 8785 section 3.2.2.2, which canonical bytes rely on. */
static void
append_escape(text_buffer *text, unsigned char byte)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};
    static const char digits[] = "0123456789abcdef";
    if (letters[byte] != 0) {
        char escape[] = {'\\', letters[byte], '\0'};
        text_append_string(text, escape);
    } else {
        char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15], '\0'};
        text_append_string(text, escape);
    }
}

void
text_append_json(text_buffer *text, aip_bytes value)
{
    text_append_string(text, "\"");
    size_t plain = 0, at = 0; /* value[plain..at) goes as it is */
    while (at < value.size) {
        unsigned char byte = value.data[at];
        size_t length = utf8_sequence(value.data + at, value.size - at);
        if (length > 0 && !needs_escape(byte)) {
            at += length;
            continue;
        }
        text_append(text, (aip_bytes){value.data + plain, at - plain});
        if (length == 0) {
            text_append_string(text, "\xEF\xBF\xBD");
        } else {
            append_escape(text, byte);
        }
        plain = ++at;
    }
    if (at > plain) {
        text_append(text, (aip_bytes){value.data + plain, at - plain});
    }
    text_append_string(text, "\"");
}

aip_status
text_finish(const text_buffer *text, aip_error *err)
{
    return text->failed ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

aip_bytes
text_view(const text_buffer *text)
{
    return (aip_bytes){(const unsigned char *)text->data, text->size};
}

void
text_clear(text_buffer *text)
{
    if (text->size > 0) {
        explicit_bzero(text->data, text->size);
    }
    free(text->data);
    *text = (text_buffer){0};
}

/* Reads what comes next into `text`; *done at the end of the stream. */
static aip_status
load_part(FILE *stream, size_t bytes_max, text_buffer *text, bool *done, aip_error *err)
{
    if (!reserve(text, 4096)) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    size_t room = text->capacity - text->size - 1;
    size_t got = fread(text->data + text->size, 1, room, stream);
    text->size += got;
    text->data[text->size] = '\0';
    if (text->size > bytes_max) {
        return aip_fail(err, AIP_JSON_SIZE, "more than %zu bytes", bytes_max);
    }
    if (ferror(stream)) {
        return aip_fail(err, AIP_IO, "%s", strerror(errno));
    }
    *done = got < room;
    return AIP_OK;
}

aip_status
text_load_stream(FILE *stream, size_t bytes_max, char **out, size_t *size, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    bool done = false;
    while (!done) {
        AIP_TRY(load_part(stream, bytes_max, &text, &done, err));
    }
    *out = text.data;
    *size = text.size;
    text = (text_buffer){0};
    return AIP_OK;
}

aip_status
text_load_file(const char *path, size_t bytes_max, char **out, size_t *size, aip_error *err)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return aip_fail(err, AIP_IO, "%s: %s", path, strerror(errno));
    }
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of a secret */
    aip_status status = text_load_stream(file, bytes_max, out, size, err);
    fclose(file);
    return status;
}

aip_status
text_parse_unsigned(const char *string, uint64_t maximum, uint64_t *out, aip_error *err)
{
    uint64_t value = 0;
    if (string == NULL || *string == '\0') {
        return aip_fail(err, AIP_USAGE, "a number is missing");
    }
    for (; *string != '\0'; string++) {
        if (*string < '0' || *string > '9') {
            return aip_fail(err, AIP_USAGE, "a number has digits only");
        }
        unsigned digit = (unsigned)(*string - '0');
        if (value > maximum / 10 || digit > maximum - value * 10) {
            return aip_fail(err, AIP_USAGE, "a number is above %llu", (unsigned long long)maximum);
        }
        value = value * 10 + digit;
    }
    *out = value;
    return AIP_OK;
}

aip_status
text_parse_duration(const char *text, int64_t *seconds, aip_error *err)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char digits[16];
    size_t size = strlen(text);
    uint64_t factor = 1, number;
    for (size_t i = 0; size > 0 && i < sizeof units / sizeof units[0]; i++) {
        if (text[size - 1] == units[i].unit) {
            factor = units[i].seconds;
            size--;
            break;
        }
    }
    if (size == 0 || size >= sizeof digits) {
        return aip_fail(err, AIP_USAGE, "a duration is a number with s, m, h or d, such as 15m");
    }
    memcpy(digits, text, size);
    digits[size] = '\0';
    if (text_parse_unsigned(digits, DURATION_MAX / factor, &number, NULL) != AIP_OK || number == 0) {
        return aip_fail(err, AIP_USAGE, "a duration is a number with s, m, h or d, such as 15m");
    }
    *seconds = (int64_t)(number * factor);
    return AIP_OK;
}

void
text_release(char **string)
{
    free(*string);
    *string = NULL;
}
