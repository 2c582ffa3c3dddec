/* The order of judgement, and the only place that allows. */
#ifndef GATEWAY_PIPELINE_H
#define GATEWAY_PIPELINE_H

#include "gateway/exchange.h"

typedef enum { PIPELINE_PASSED, PIPELINE_REFUSED, PIPELINE_WAITS } pipeline_verdict;

/* Judges the headers. Refused: x->refusal and x->record say why. Waits: call again when x->wake was called; it goes on
 * with the stage that waits. */
pipeline_verdict pipeline_greet(exchange *x);
/* Judges the message and records the decision. Passed: forward it. Waits: as pipeline_greet. */
pipeline_verdict pipeline_admit(exchange *x);
/* Puts another message in the place of the one that came, for a stage of pipeline_admit: it is read and classified
 * anew, takes over `message`, and goes on. Errors: as those two stages. */
AIP_MUST_CHECK aip_status pipeline_change(exchange *x, text_buffer *message, aip_error *err);

/* Records the refusal and prepares the caller's answer. */
void pipeline_refuse(exchange *x);

#endif
