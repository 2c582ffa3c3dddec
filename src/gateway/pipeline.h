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
/* The same with `text` in the place of one value of the message: `raw` is JSON text, else it becomes a string. What the
 * caller mirrored of it in headers is the server's spelling from here on. Errors: base/splice.h's too. */
AIP_MUST_CHECK aip_status pipeline_rename(exchange *x, uint32_t node, aip_bytes text, bool raw, aip_error *err);

/* For people who ask what would become of a message: the stages of pipeline_admit that need nothing but settings, grant
 * and message, in its order, until one refuses. Those of the grant are left out without a verified chain. Nothing is
 * recorded or spent but the tokens of a rate. `tell` is called after each. */
pipeline_verdict pipeline_explain(exchange *x,
                                  void (*tell)(void *context, const exchange *x, const char *stage, aip_status status),
                                  void *context);

/* Do the arguments keep what every element of the chain says of that tool? constraint.violated. */
AIP_MUST_CHECK aip_status pipeline_hold_arguments(const exchange *x, aip_bytes tool, aip_error *err);

/* Records the refusal and prepares the caller's answer. */
/* Records a request that could not even be read as HTTP, and was answered so. */
void pipeline_record_unread(exchange *x);
void pipeline_refuse(exchange *x);

#endif
