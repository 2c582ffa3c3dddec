/* Arguments of tools that clients repeat in headers: `x-mcp-header` in an input schema (MCP 2026-07-28, Streamable
 * HTTP, Custom Headers from Tool Parameters). */
#ifndef POLICY_MIRRORS_H
#define POLICY_MIRRORS_H

#include "base/scan.h"
#include "base/text.h"

#define MIRROR_PREFIX "Mcp-Param-"

enum {
    MIRRORS_MAX = 32, /* of one tool: a request has at most 64 headers */
    MIRROR_DEPTH_MAX = 8,
    MIRROR_NAME_BYTES_MAX = 255, /* of a header or a property */
};

/* One declaration; all borrowed from what was read. */
typedef struct {
    aip_bytes header;                   /* what stands behind MIRROR_PREFIX; compares without case */
    const char *path[MIRROR_DEPTH_MAX]; /* names of properties, from the arguments on */
    size_t depth;
} mirror;

/* Appends the declarations of a tool's `inputSchema` in a form of our own, for mirrors_next. Nothing is appended where
 * one of them breaks a rule of MCP or a bound above: clients leave such a tool out, and none of its headers is
 * recognised. `number` counts beside string, integer and boolean: MCP forbids it, and servers check it all the same.
 * Errors: memory. Clause G-110. */
AIP_MUST_CHECK aip_status mirrors_read(const scan_document *message, uint32_t tool, text_buffer *out, aip_error *err);

/* Takes the next declaration; false: there is none. */
bool mirrors_next(aip_bytes *rest, mirror *out);

/* The value that the header repeats: node of the arguments, or SCAN_NONE. `null` is no value. */
uint32_t mirror_find(const mirror *m, const scan_document *document, uint32_t arguments);

/* Must a client repeat it? A string, a boolean, or a number that every reader takes for the same. */
bool mirror_is_owed(const scan_document *document, uint32_t value);

/* Does the header say what the value is? `=?base64?…?=` is decoded, numbers are compared as numbers. Errors:
 * request.headers, memory. Clause G-111. */
AIP_MUST_CHECK aip_status mirror_check(const scan_document *document, uint32_t value, aip_bytes header, aip_error *err);

/* Appends what the header has to say of a string, number or boolean. Errors: memory. */
AIP_MUST_CHECK aip_status mirror_append(const scan_document *document, uint32_t value, text_buffer *out,
                                        aip_error *err);

/* What a header says, decoded where it is `=?base64?…?=`; *good false: it is not as MCP wants it. Errors: memory. */
AIP_MUST_CHECK aip_status mirror_decode(aip_bytes header, text_buffer *out, bool *good, aip_error *err);

#endif
