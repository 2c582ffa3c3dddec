/* Plain HTTP APIs: what a request asks for, as scope text and arguments (spec/a2a.md, E-70 ff.). */
#ifndef GATEWAY_PLAIN_H
#define GATEWAY_PLAIN_H

#include "base/scan.h"
#include "base/text.h"
#include "gateway/target.h"

enum { PLAIN_WANTED_SIZE = sizeof("http:DELETE ") + 3 * AIP_PATH_BYTES_MAX + 1 };

typedef struct {
    const char *method;        /* as sent */
    aip_bytes path, query;     /* as sent; no `?` */
    const scan_document *body; /* an indexed JSON body; NULL: none, or of another type */
    aip_bytes type;            /* of the body */
    aip_bytes other;           /* a body of another type than JSON; its bytes that are not UTF-8 are judged as U+FFFD */
} plain_request;

typedef struct {
    char wanted[PLAIN_WANTED_SIZE]; /* `http:GET /v1/items` */
    const char *path;               /* in `wanted` */
    text_buffer arguments; /* one JSON object: parameters of the query, then members or parameters of the body */
} plain_facts;

/* Does the body ask for another method? Some servers take that from a member, a form's parameter or a part of this
 * name: E-85 */
bool plain_body_overrides(const plain_request *request);

/* Is the body a web form? Then each of its parameters is an argument: E-87 */
bool plain_is_form(const plain_request *request);
/* Appends them as members of an object. Errors: request.invalid (escapes, not UTF-8, a `;`, too many, a name twice or
 * also in the query), memory. */
AIP_MUST_CHECK aip_status plain_write_form(const plain_request *request, text_buffer *out, aip_error *err);

/* Judges method and target and writes the facts. HEAD is judged as GET. The path's form is one for all spellings:
 * letters, digits and `._:@-` as they are, all other bytes as %XX. Errors: request.http_method, request.invalid (the
 * target could be read in two ways, a parameter occurs twice or also in the body), json.*, memory. E-70 to E-73. */
AIP_MUST_CHECK aip_status plain_read(const plain_request *request, plain_facts *out, aip_error *err);
void plain_clear(plain_facts *facts);

/* Is this a header by which some servers let a request be another one than it says? Such requests are refused: E-74. */
bool plain_is_override(aip_bytes name);

extern const char plain_methods[]; /* for `Allow` */

#endif
