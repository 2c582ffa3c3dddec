/* Growing text buffer, JSON string writing, files and scope-bound release. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdio.h>

#include "aip/error.h"

/* A buffer that grows; after the first allocation failure it stays failed and text_finish reports it,
 * so that a writer checks once. Zero-initialise. */
typedef struct {
    char *data;
    size_t size, capacity;
    bool failed;
} text_buffer;

void text_append(text_buffer *text, aip_bytes bytes);
void text_append_string(text_buffer *text, const char *string);
void text_append_format(text_buffer *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends a JSON string with quotes. The input need not be UTF-8: bad bytes become U+FFFD. */
void text_append_json(text_buffer *text, aip_bytes value);
AIP_MUST_CHECK aip_status text_finish(const text_buffer *text, aip_error *err); /* memory, if it ever failed */
aip_bytes text_view(const text_buffer *text);                                   /* borrowed until the next append */
void text_clear(text_buffer *text);                                             /* frees; keeps nothing */
#define TEXT_AUTO __attribute__((cleanup(text_clear)))

/* Whole file or stream, at most bytes_max (json.size beyond). malloc'd with a NUL after it. Errors: io, memory. */
AIP_MUST_CHECK aip_status text_load_file(const char *path, size_t bytes_max, char **out, size_t *size, aip_error *err);
AIP_MUST_CHECK aip_status text_load_stream(FILE *stream, size_t bytes_max, char **out, size_t *size, aip_error *err);

/* Digits of an unsigned decimal, nothing else, into *out; usage on anything else or above maximum. */
AIP_MUST_CHECK aip_status text_parse_unsigned(const char *string, uint64_t maximum, uint64_t *out, aip_error *err);

/* "1h", "90s", "15m", "2d" or plain seconds, at least one. usage. */
AIP_MUST_CHECK aip_status text_parse_duration(const char *text, int64_t *seconds, aip_error *err);

void text_release(char **string); /* free and NULL */
#define STRING_AUTO __attribute__((cleanup(text_release)))

#endif
