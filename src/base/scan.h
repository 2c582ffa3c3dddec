/* One strict pass over JSON bytes that indexes them and builds nothing: the received bytes stay what is
 * judged and what goes on. Refuses whatever two readers could read differently. */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include "aip/error.h"

typedef enum { SCAN_NULL, SCAN_FALSE, SCAN_TRUE, SCAN_NUMBER, SCAN_STRING, SCAN_ARRAY, SCAN_OBJECT } scan_kind;

#define SCAN_NONE UINT32_MAX

/* A value, in document order; node 0 is the whole document. The first child of node i, if it has
 * children, is node i+1; `next` is the next sibling or SCAN_NONE. Offsets are bytes in the text. */
typedef struct {
    uint32_t start, end;     /* extent; a string's includes its quotes */
    uint32_t name, name_end; /* a member's name without quotes, as written; both 0 elsewhere */
    uint32_t next;           /* next sibling */
    uint32_t children;       /* number of members or items */
    union {
        struct {
            uint32_t lower, higher; /* the search tree by `hash` that names of one object form */
        };
        uint64_t seen; /* during the pass, of a container that is open: bits of the names so far */
    };
    uint32_t hash;              /* of the name: its print, or in a tree its keyed hash */
    uint8_t kind;               /* scan_kind */
    bool escaped, name_escaped; /* a backslash occurs in the string / in the name */
    bool tree;                  /* an object's names, being many, stand in a tree */
} scan_node;

typedef struct {
    size_t bytes, depth, nodes;
} scan_limits;

typedef struct {
    aip_bytes text;   /* borrowed */
    scan_node *nodes; /* borrowed by scan_into; owned after scan_load */
    uint32_t capacity, count;
} scan_document;

/* Indexes `text` into the caller's `nodes[capacity]`; allocates nothing.
 * Refused (RFC 8259 and PROTOCOL section 8): anything but one value and white space; bytes that are not
 * UTF-8, a BOM, lone surrogate escapes, raw control characters; a member name twice in one object, after
 * unescaping; numbers whose exponent no double holds; over the limits.
 * Errors: json.syntax, .utf8, .duplicate, .trailing, .depth, .number, .size; with the byte offset. */
AIP_MUST_CHECK aip_status scan_into(aip_bytes text, const scan_limits *limits, scan_node *nodes, uint32_t capacity,
                                    scan_document *out, aip_error *err);

/* The same with nodes of its own, grown as needed up to limits->nodes; scan_clear frees them. On failure `out` is
 * cleared. */
AIP_MUST_CHECK aip_status scan_load(aip_bytes text, const scan_limits *limits, scan_document *out, aip_error *err);
void scan_clear(scan_document *document);

/* The same into a document that is all zero or owns the nodes of an earlier scan_load or scan_reload (never of
 * scan_into): they are used again, so that one message after another needs no allocation. What was indexed before is
 * gone, on failure as well; the document is then empty, and still owns its nodes until scan_clear. Room for more than
 * SCAN_KEPT_NODES is given back by the next smaller message. */
#define SCAN_KEPT_NODES 8192
AIP_MUST_CHECK aip_status scan_reload(scan_document *document, aip_bytes text, const scan_limits *limits,
                                      aip_error *err);

/* First child / next sibling; SCAN_NONE at the end. */
uint32_t scan_child(const scan_document *document, uint32_t node);
uint32_t scan_next(const scan_document *document, uint32_t node);

/* The member of object `node` whose unescaped name equals `name`, or SCAN_NONE (also when node is no object). */
uint32_t scan_member(const scan_document *document, uint32_t node, const char *name);

scan_kind scan_kind_of(const scan_document *document, uint32_t node);
aip_bytes scan_raw(const scan_document *document, uint32_t node);      /* bytes of the value as received */
aip_bytes scan_raw_name(const scan_document *document, uint32_t node); /* bytes of the name as received */
bool scan_name_equals(const scan_document *document, uint32_t node, aip_bytes name);     /* after unescaping */
bool scan_string_equals(const scan_document *document, uint32_t node, aip_bytes wanted); /* after unescaping */

/* The string's bytes without quotes when nothing is escaped in it: borrowed, no copy; otherwise json.shape.
 * For identifiers and names of ours, which need no escapes. */
AIP_MUST_CHECK aip_status scan_plain_string(const scan_document *document, uint32_t node, aip_bytes *out,
                                            aip_error *err);

/* Unescapes the string (or, _name, the member's name) into `out[capacity]`; sets *size. json.size when it does not fit.
 */
AIP_MUST_CHECK aip_status scan_unescape(const scan_document *document, uint32_t node, char *out, size_t capacity,
                                        size_t *size, aip_error *err);
AIP_MUST_CHECK aip_status scan_unescape_name(const scan_document *document, uint32_t node, char *out, size_t capacity,
                                             size_t *size, aip_error *err);

/* The number as an integer with 0 <= value <= maximum, written without sign, fraction or exponent. json.shape,
 * json.number. */
AIP_MUST_CHECK aip_status scan_integer(const scan_document *document, uint32_t node, uint64_t maximum, uint64_t *out,
                                       aip_error *err);

/* Refuses, at the protocol level of object `node`, names equal to one another under ASCII case folding
 * (with U+017F = s, U+212A = k), a case variant of any of `known[]` (NULL-terminated), and U+0000 in a
 * name. json.ambiguous. */
AIP_MUST_CHECK aip_status scan_check_names(const scan_document *document, uint32_t node, const char *const *known,
                                           aip_error *err);

#endif
