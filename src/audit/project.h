/* Lines of the decision log in the shape that other gateways' logs have (spec/audit.md A-70): for filters that know it.
 * Such lines carry no hashes and prove nothing. */
#ifndef AUDIT_PROJECT_H
#define AUDIT_PROJECT_H

#include "audit/append.h"
#include "base/text.h"

/* Appends what a line, without its newline, is in that shape: no, one or more lines. Errors: audit.malformed, memory.
 */
AIP_MUST_CHECK aip_status audit_project(aip_bytes line, text_buffer *out, aip_error *err);

#endif
