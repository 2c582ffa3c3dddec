/* What the writers of documents and of resolution results share. */
#ifndef DID_DOCUMENT_INSIDE_H
#define DID_DOCUMENT_INSIDE_H

#include "did/document.h"

/* Which state of an identity a document shows. */
typedef struct {
    int64_t now_seconds; /* keys in force then; with a log, the one key … */
    uint32_t version;    /* … of this version */
} document_moment;

/* Appends the document; a compromised key stands in none. `options` may be NULL. did.deactivated, memory. */
AIP_MUST_CHECK aip_status document_write_moment(const identity *id, const document_moment *moment,
                                                const did_document_options *options, text_buffer *out, aip_error *err);

#endif
