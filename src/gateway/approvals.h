/* The thread at which calls wait for a person's word. Who asks is a shard; who answers, the admin interface. */
#ifndef GATEWAY_APPROVALS_H
#define GATEWAY_APPROVALS_H

#include "audit/append.h"
#include "gateway/mail.h"

typedef struct approvals approvals;

typedef struct {
    audit_log *audit; /* who said what of which call; borrowed; NULL: not told */
    bool notify;      /* on the desktop, where there is one */
} approvals_setup;

/* Errors: memory, io. */
AIP_MUST_CHECK aip_status approvals_open(const approvals_setup *setup, approvals **out, aip_error *err);
AIP_MUST_CHECK aip_status approvals_start(approvals *a, aip_error *err);
void approvals_close(approvals **a); /* after the shards, before the decision log */

/* Where QUESTION_APPROVAL is asked. `name` is the caller (leaf), `text` what is shown (members of a JSON object),
 * `digest` what the answer is about. The status is AIP_OK, approval.denied, .timeout or .flooded, request.abandoned
 * (taken back), audit.unavailable, memory; `detail` tells who answered. */
desk *approvals_desk(approvals *a);

/* ---- for those who answer; thread-safe ---- */

/* Appends what waits and what words hold, as JSON arrays. */
void approvals_append_waiting(approvals *a, text_buffer *out);
void approvals_append_words(approvals *a, text_buffer *out);
size_t approvals_waiting(approvals *a);
/* Appends one that waits, as a JSON object. approval.unknown. */
AIP_MUST_CHECK aip_status approvals_append_one(approvals *a, const char *id, text_buffer *out, aip_error *err);

/* `by` is who says so. `minutes` 0: this call once. approval.unknown, usage, memory. */
AIP_MUST_CHECK aip_status approvals_allow(approvals *a, const char *id, uint32_t minutes, const char *by,
                                          aip_error *err);
/* Denies what waits, or ends a word that holds. approval.unknown. */
AIP_MUST_CHECK aip_status approvals_deny(approvals *a, const char *id, const char *by, aip_error *err);

#endif
