/* Whose tasks and contexts A2A messages are about (spec/a2a.md). */
#ifndef GATEWAY_A2A_TASKS_H
#define GATEWAY_A2A_TASKS_H

#include "gateway/a2a_facts.h"
#include "gateway/owners.h"

/* Appends the keys of all that a request names and the memory does not know. Errors: request.invalid, memory. */
AIP_MUST_CHECK aip_status a2a_tasks_collect(owners *known, const owned_caller *caller, const a2a_facts *facts,
                                            const scan_document *document, text_buffer *keys);

/* Every task and context that a request names. Errors: as owners_check; request.invalid. E-31. */
AIP_MUST_CHECK aip_status a2a_tasks_judge(owners *known, const owned_caller *caller, const a2a_facts *facts,
                                          const scan_document *document, aip_error *err);

/* Notes what a reply to the caller's message began. Errors: as owners_note; then the reply goes nowhere. E-32. */
AIP_MUST_CHECK aip_status a2a_tasks_learn(owners *known, const owned_caller *caller, const a2a_reply_facts *reply,
                                          aip_error *err);

typedef struct {
    a2a_binding binding;
    const scan_document *document;
} a2a_reply;

/* Writes the reply of ListTasks with the caller's own tasks only, and counts that tell no others; `out` stays empty
 * when nothing has to be changed. Errors: upstream.invalid, memory. E-34. */
AIP_MUST_CHECK aip_status a2a_tasks_filter(owners *known, const owned_caller *caller, const a2a_reply *reply,
                                           text_buffer *out, aip_error *err);

#endif
