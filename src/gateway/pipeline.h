/* The order of judgement, and the only place that allows. */
#ifndef GATEWAY_PIPELINE_H
#define GATEWAY_PIPELINE_H

#include "gateway/exchange.h"

/* Judges the headers. False: refused; x->refusal and x->record say why. */
bool pipeline_greet(exchange *x);
/* Judges the message and records the decision. True: forward it. */
bool pipeline_admit(exchange *x);
/* Records the refusal and prepares the caller's answer. */
void pipeline_refuse(exchange *x);

#endif
