/* The parts of the row `a2a` of the protocols, by the file that holds them (spec/a2a.md). */
#ifndef GATEWAY_A2A_EXCHANGE_H
#define GATEWAY_A2A_EXCHANGE_H

#include "gateway/a2a_facts.h"
#include "gateway/a2a_tasks.h"
#include "gateway/exchange.h"

/* What A2A knows of an exchange. */
typedef struct {
    a2a_match match;
    a2a_facts facts;
    struct card_entry *fetching; /* the public card that it fetches; NULL: none */
    text_buffer card;            /* what came of it */
} a2a_notes;

/* NULL: there is no memory. */
a2a_notes *a2a_notes_of(exchange *x);
/* JSON-RPC is at the route's own path, REST below it. */
a2a_binding a2a_binding_of(const exchange *x);
/* Whose tasks its caller has; after a2a_classify. */
void a2a_caller_of(const exchange *x, owned_caller *out);

/* a2a_request.c */
AIP_MUST_CHECK aip_status a2a_check_head(exchange *x, aip_error *err); /* request.*, a2a.version */
AIP_MUST_CHECK aip_status a2a_credential(exchange *x, aip_error *err); /* token.missing, .size, json.* */
AIP_MUST_CHECK aip_status a2a_read(exchange *x, aip_error *err);       /* json.*, request.* */
AIP_MUST_CHECK aip_status a2a_classify(exchange *x, aip_error *err); /* request.*, scope.insufficient, token.repeated */
AIP_MUST_CHECK aip_status a2a_check(exchange *x, aip_error *err);    /* a2a.push, a2a.task.not_found */
AIP_MUST_CHECK aip_status a2a_address(const exchange *x, text_buffer *out, aip_error *err);
const char *a2a_append_refusal(text_buffer *out, const exchange *x);
void a2a_forget(exchange *x);

/* a2a_reply.c: upstream.invalid, a2a.task.not_found, a2a.card */
AIP_MUST_CHECK aip_status a2a_judge(exchange *x, const scan_document *message, text_buffer *out, aip_error *err);

#endif
