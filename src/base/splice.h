/* Changes of received JSON that leave every other byte as it came. Nothing is parsed and written anew. */
#ifndef BASE_SPLICE_H
#define BASE_SPLICE_H

#include "base/scan.h"
#include "base/text.h"

typedef struct {
    size_t start, end; /* bytes of the document that go */
    size_t text, size; /* what comes in their place, in splice.texts */
    size_t order;      /* as asked for */
    uint32_t object;   /* that a new member goes into; SCAN_NONE: none */
    bool comma;        /* written before the text */
} splice_edit;

/* The changes of one document. Begin, ask for changes in any order, finish once, clear. What is asked of a value that
 * is removed or replaced as a whole goes with it. */
typedef struct {
    const scan_document *document; /* borrowed */
    unsigned char *marks;          /* what was asked of each node */
    splice_edit *edits;
    size_t count, capacity;
    text_buffer texts;
    bool one_line; /* set it to drop white space outside strings as well */
} splice;

void splice_begin(splice *s, const scan_document *document);
void splice_clear(splice *s);
#define SPLICE_AUTO __attribute__((cleanup(splice_clear)))

/* The item or member `child` of `container` goes, with its comma. Twice is once. Errors: internal, memory. */
AIP_MUST_CHECK aip_status splice_remove(splice *s, uint32_t container, uint32_t child, aip_error *err);

/* `raw`, one JSON value, in place of the value. Errors: base/scan.h's for `raw`; internal (a second time); memory. */
AIP_MUST_CHECK aip_status splice_replace(splice *s, uint32_t node, aip_bytes raw, aip_error *err);

/* `value`, escaped as needed, in place of the value; bytes that are not UTF-8 become U+FFFD. */
AIP_MUST_CHECK aip_status splice_replace_string(splice *s, uint32_t node, aip_bytes value, aip_error *err);

/* The member `name` has the value `raw`: in place of the one it has, or as the last member. */
AIP_MUST_CHECK aip_status splice_set_member(splice *s, uint32_t object, const char *name, aip_bytes raw,
                                            aip_error *err);

/* Was anything asked for? If not, the received bytes are what goes on. */
bool splice_changes(const splice *s);

/* Does a line end within the text? In JSON that can only be outside strings. */
bool splice_has_line_break(aip_bytes text);

/* Writes the changed document over `out`, and scans it once more under `limits` into `after`, which borrows `out` and
 * is the caller's to clear; NULL: only scanned. On failure `out` is empty. Errors: base/scan.h's; internal (changes
 * that overlap); memory. */
AIP_MUST_CHECK aip_status splice_finish(splice *s, const scan_limits *limits, text_buffer *out, scan_document *after,
                                        aip_error *err);

#endif
