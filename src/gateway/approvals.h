/* Calls that wait for a person's word, and what persons said: who asks whom, how often, and what an answer binds. */
#ifndef GATEWAY_APPROVALS_H
#define GATEWAY_APPROVALS_H

#include "gateway/mail.h"

typedef struct approvals approvals;

/* Where QUESTION_APPROVAL is asked. `name` is the caller (leaf), `text` what is shown, `digest` what the answer is
 * about; the status is AIP_OK, approval.denied or approval.timeout, and `detail` tells who answered. */
desk *approvals_desk(approvals *a);

#endif
