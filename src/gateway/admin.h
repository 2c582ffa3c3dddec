/* The operator's interface of a running gateway: a local socket that takes one JSON object a line and answers each
 * with another (spec/approval.md). */
#ifndef GATEWAY_ADMIN_H
#define GATEWAY_ADMIN_H

#include "gateway/gateway.h"

typedef struct admin admin;

/* All borrowed until admin_close. */
typedef struct {
    const char *path;       /* of the socket */
    gateway *gateway;       /* which has approvals */
    const char *store_path; /* of pins */
} admin_setup;

/* Makes the socket, mode 0600; one that a gateway left behind is replaced. Errors: config.invalid (a path that is too
 * long, or is something else), listen (another gateway answers there), io, memory. */
AIP_MUST_CHECK aip_status admin_open(const admin_setup *setup, admin **out, aip_error *err);
AIP_MUST_CHECK aip_status admin_start(admin *a, aip_error *err);
void admin_close(admin **a); /* removes the socket; before what the setup borrows */

/* Can it be a socket's? config.invalid. */
AIP_MUST_CHECK aip_status admin_check_path(const char *path, aip_error *err);

/* Takes one line and appends its answer, without a newline; `by` is who asks. */
void admin_answer(const admin_setup *setup, aip_bytes line, const char *by, text_buffer *out);

#endif
