/* A request's target, split and decoded once, or refused where two readers could read it differently. */
#ifndef GATEWAY_TARGET_H
#define GATEWAY_TARGET_H

#include "aip/error.h"
#include "aip/limits.h"

typedef struct {
    aip_bytes text;     /* decoded; in target_path.room */
    bool encoded_colon; /* a `:` of it was written %3A */
} target_segment;

typedef struct {
    target_segment segments[AIP_PATH_SEGMENTS_MAX];
    size_t count;
    bool trailing_slash;
    char room[AIP_PATH_BYTES_MAX];
} target_path;

/* The path as sent, without query. Refused: empty segments, `.` and what begins with `..`, a trailing slash, encoded
 * slashes, backslashes, percent signs, question marks and hashes, `;` in any form, control characters, bytes that are
 * not UTF-8, anything that a path may not have. Errors: request.invalid. E-3. */
AIP_MUST_CHECK aip_status target_read_path(aip_bytes path, target_path *out, aip_error *err);

/* The same for APIs whose addresses may end with a slash. */
AIP_MUST_CHECK aip_status target_read_open_path(aip_bytes path, target_path *out, aip_error *err);

/* As written, a query is visible ASCII without what ends or changes it on the way: `#`, quotes, `<>\^`{|}`. Errors:
 * request.invalid. E-75. */
AIP_MUST_CHECK aip_status target_check_query(aip_bytes query, aip_error *err);

/* A parameter of a query, decoded once, each with a NUL. */
typedef struct {
    char name[AIP_A2A_ID_BYTES_MAX + 1], value[AIP_PATH_BYTES_MAX + 1];
    size_t name_size, value_size;
} target_parameter;

/* Undoes the escapes of a name or value, `+` as well, once; `out` has `capacity` bytes and one for a NUL. False: not
 * well encoded, not UTF-8, or too long. */
bool target_decode_value(aip_bytes raw, char *out, size_t capacity, size_t *size);

/* Takes the first parameter off `*query`, which is not empty. Errors: request.invalid (escapes, size, not UTF-8, a
 * control character in a name). */
AIP_MUST_CHECK aip_status target_next_parameter(aip_bytes *query, target_parameter *out, aip_error *err);

#endif
