/* Our own JSON documents: strict loading through the scanner, writing, and RFC 8785 canonical bytes. Only home of
 * <jansson.h>. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "aip/error.h"

/* Loads one document of ours (key file, DID document, configuration): scanned strictly first, so all
 * refusals of scan.h hold. The caller owns *out (json_decref). NULs in strings are refused (json.shape). */
AIP_MUST_CHECK aip_status json_load_strict(aip_bytes text, size_t bytes_max, json_t **out, aip_error *err);

/* Compact text with members in insertion order, malloc'd, NUL-terminated; *size without the NUL. Errors: memory. */
AIP_MUST_CHECK aip_status json_write(const json_t *value, char **out, size_t *size, aip_error *err);

/* RFC 8785 canonical bytes of the JSON text, from the text itself: numbers are read as IEEE 754 doubles and
 * written as ECMAScript does, strings as RFC 8785 section 3.2.2.2, members sorted by UTF-16 code units.
 * malloc'd, NUL-terminated. Errors: scan.h's, memory. */
AIP_MUST_CHECK aip_status json_canonical(aip_bytes text, char **out, size_t *size, aip_error *err);

/* Scope-bound release: `json_auto json_t *x = NULL;` */
void json_release(json_t **value);
#define JSON_AUTO __attribute__((cleanup(json_release)))

#endif
