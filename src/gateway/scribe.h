/* One thread that waits for the disk in place of the shards: lines of the decision log that several of them wrote
 * become durable together. It also writes checkpoints that are due by time. */
#ifndef GATEWAY_SCRIBE_H
#define GATEWAY_SCRIBE_H

#include "audit/append.h"
#include "did/memory.h"
#include "gateway/mail.h"

typedef struct scribe scribe;

/* `log` is borrowed. Errors: memory, io. */
AIP_MUST_CHECK aip_status scribe_open(audit_log *log, scribe **out, aip_error *err);
/* Before it starts: the keys of those whose completion statements it records; borrowed until it is closed. */
void scribe_use_keys(scribe *s, identity_memory *identities);
AIP_MUST_CHECK aip_status scribe_start(scribe *s, aip_error *err);
void scribe_close(scribe **s); /* after the shards, before the log */

/* Where QUESTION_WRITTEN is asked, with the number of a line; the status tells whether it is durable. And where
 * QUESTION_EVENT and QUESTION_COMPLETION are. */
desk *scribe_desk(scribe *s);

#endif
