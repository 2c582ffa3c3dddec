/* How the files that write lines put members together: without formats, since a line is written for every request. */
#ifndef AUDIT_LINE_INSIDE_H
#define AUDIT_LINE_INSIDE_H

#include "audit/line.h"

#define LINE_BEGUN_BYTES_MAX (AUDIT_LINE_BYTES_MAX - AUDIT_LINE_END_BYTES)

/* How much of a line is written: what does not fit is left out from the longest on. */
typedef enum { LINE_WHOLE, LINE_WITHOUT_TEXTS, LINE_BARE, LINE_AMOUNTS } line_amount;

/* What text_append does, in line for literals. The NUL comes with the last piece. */
static inline void
line_put(text_buffer *line, aip_bytes bytes)
{
    if (bytes.size > 0 && bytes.size < line->capacity - line->size) {
        memcpy(line->data + line->size, bytes.data, bytes.size);
        line->size += bytes.size;
    } else {
        text_append(line, bytes);
    }
}
#define LINE_LITERAL(line, literal) line_put((line), AIP_BYTES_LITERAL(literal))

/* `name` is a literal, so that a name is one copy. */
#define LINE_NAME(line, name) line_put((line), AIP_BYTES_LITERAL(",\"" name "\":"))
#define LINE_WORD(line, name, word)                                        \
    do {                                                                   \
        line_put((line), AIP_BYTES_LITERAL(",\"" name "\":\""));           \
        line_put((line), aip_bytes_of(word)); /* ours: needs no escapes */ \
        line_put((line), AIP_BYTES_LITERAL("\""));                         \
    } while (0)
#define LINE_TEXT(line, name, value, bytes_max)         \
    do {                                                \
        LINE_NAME((line), name);                        \
        line_append_text((line), (value), (bytes_max)); \
    } while (0)
#define LINE_NUMBER(line, name, value)       \
    do {                                     \
        LINE_NAME((line), name);             \
        line_append_number((line), (value)); \
    } while (0)
#define LINE_DIGEST(line, name, digest)       \
    do {                                      \
        LINE_NAME((line), name);              \
        line_append_digest((line), (digest)); \
    } while (0)

/* Room for a usual line at once: growing from nothing copies it six times. */
void line_reserve(text_buffer *line);
/* The `time` of a line. */
void line_append_time(text_buffer *line, int64_t seconds);
/* A JSON string of at most so many bytes of the value. */
void line_append_text(text_buffer *line, aip_bytes value, size_t bytes_max);
void line_append_number(text_buffer *line, uint64_t value);
void line_append_digest(text_buffer *line, const unsigned char digest[AIP_HASH_BYTES]);
/* The member `findings`, where there are any. */
void line_append_findings(text_buffer *line, const audit_dlp_finding *findings, size_t count, line_amount amount);

#endif
