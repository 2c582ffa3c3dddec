/* What an A2A request and its reply say about tasks, contexts, notifications and secrets; read from judged bytes. */
#ifndef GATEWAY_A2A_FACTS_H
#define GATEWAY_A2A_FACTS_H

#include "gateway/a2a_names.h"
#include "gateway/a2a_operations.h"

#define A2A_SECRETS_MAX 3

/* Nodes are those of the request's document; SCAN_NONE: there is none. */
typedef struct {
    const a2a_row *row;
    a2a_version version;
    a2a_binding binding;
    a2a_id tenant, task, context, config, skill;
    uint32_t params;     /* the object that the operation is about */
    uint32_t message;    /* for policy and DLP */
    uint32_t references; /* message.referenceTaskIds */
    uint32_t aip_token;  /* metadata.aip_token, to be cut out before the message goes on */
    uint32_t history;    /* historyLength */
    bool registers_push; /* `push_url` is to be judged by a2a_push_check */
    char push_url[AIP_URI_BYTES_MAX + 1];
    uint32_t secrets[A2A_SECRETS_MAX]; /* values that no record and no log may show: E-22 */
    size_t secret_count;
} a2a_facts;

/* Reads the facts of a matched request. `document` is the JSON-RPC message or the REST body, NULL for a request without
 * body; `query` that of a REST target. Each judged level is checked for names that two readers could read differently,
 * snake_case ones among them, and for judged members that the operation does not have. Errors: request.invalid,
 * json.ambiguous, json.shape, memory. E-10 to E-15. */
AIP_MUST_CHECK aip_status a2a_facts_read(const a2a_match *match, const scan_document *document, aip_bytes query,
                                         a2a_facts *out, aip_error *err);

/* A member of the message's references, decoded: those are tasks as well. Errors: request.invalid. */
AIP_MUST_CHECK aip_status a2a_reference(const scan_document *document, uint32_t node, a2a_id out, aip_error *err);

/* The task and context that a reply, or one event of a stream, is about; "" = none. Errors: upstream.invalid: it names
 * them in two ways. E-16. */
typedef struct {
    a2a_id task, context;
} a2a_reply_facts;
AIP_MUST_CHECK aip_status a2a_reply_read(const scan_document *document, a2a_binding binding, a2a_reply_facts *out,
                                         aip_error *err);

#endif
