/* Borrowed bytes: a view that never owns what it points at. */
#ifndef AIP_BYTES_H
#define AIP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const unsigned char *data;
    size_t size;
} aip_bytes;

#define AIP_BYTES_LITERAL(text) ((aip_bytes){(const unsigned char *)(text), sizeof(text) - 1})

/* View of a NUL-terminated string, without its NUL. `text` may be NULL: an empty view. */
static inline aip_bytes
aip_bytes_of(const char *text)
{
    return (aip_bytes){(const unsigned char *)text, text == NULL ? 0 : strlen(text)};
}

/* Equality of public values. Not constant time: secrets are compared in crypto/. */
static inline bool
aip_bytes_equal(aip_bytes a, aip_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool
aip_bytes_begin_with(aip_bytes text, aip_bytes prefix)
{
    return text.size >= prefix.size && (prefix.size == 0 || memcmp(text.data, prefix.data, prefix.size) == 0);
}

/* The view from `offset` to the end; `offset` must be at most `text.size`. */
static inline aip_bytes
aip_bytes_from(aip_bytes text, size_t offset)
{
    return (aip_bytes){text.data + offset, text.size - offset};
}

#endif
