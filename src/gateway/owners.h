/* Whose tasks and contexts are whose, of A2A and MCP alike: a bounded memory for all shards. What a thread with a
 * database makes durable, and what it finds there, goes through here (gateway/owning.h). */
#ifndef GATEWAY_OWNERS_H
#define GATEWAY_OWNERS_H

#include "base/text.h"
#include "gateway/mail.h"
#include "store/task_owners.h"

typedef struct owners owners;

typedef enum { OWNED_A2A_TASK, OWNED_A2A_CONTEXT, OWNED_MCP_TASK } owned_kind;

typedef struct {
    size_t capacity;     /* rows; the least recently used go first, of an owner that has its share its own */
    int64_t ttl_seconds; /* since a row was last used */
} owners_setup;

/* Errors: memory. */
AIP_MUST_CHECK aip_status owners_new(const owners_setup *setup, owners **out, aip_error *err);
void owners_free(owners **o);
size_t owners_count(owners *o); /* rows in memory */

/* Who asks, of what. */
typedef struct {
    const char *upstream; /* its name: identifiers of two agents have nothing to do with each other */
    const char *tenant;   /* "": none */
    unsigned char owner[AIP_HASH_BYTES];
    int64_t now_seconds;
    const char *tool; /* that begins what is noted; NULL: none */
    bool claims;      /* a message may begin a context that nobody owns by naming it: E-33 */
} owned_caller;

/* Makes the caller the owner; again is the same. Errors: a2a.task.not_found (it has another owner). */
AIP_MUST_CHECK aip_status owners_note(owners *o, const owned_caller *caller, owned_kind kind, const char *id,
                                      aip_error *err);

/* Is the caller its owner? Unknown, expired and another's are the same refusal. Errors: a2a.task.not_found. E-30,
 * G-103. */
AIP_MUST_CHECK aip_status owners_check(owners *o, const owned_caller *caller, owned_kind kind, const char *id,
                                       aip_error *err);

/* The same, with the tool that began it, of at most AIP_TOOL_BYTES_MAX bytes and a NUL. */
AIP_MUST_CHECK aip_status owners_find(owners *o, const owned_caller *caller, owned_kind kind, const char *id,
                                      char *tool, aip_error *err);

/* Has it a live owner, whoever that is? If not, its key is appended, by which the database can be asked. */
bool owners_knows(owners *o, const owned_caller *caller, owned_kind kind, const char *id, text_buffer *keys);

/* ---- for the thread with the database ---- */

/* Is rung when there is something to save; NULL: nothing is saved. Before the first shard and after the last one. */
void owners_set_desk(owners *o, desk *d);

/* What the database says: who was there first is the owner, whatever the memory says. */
void owners_restore(owners *o, const task_owner *row);

bool owners_have_unsaved(owners *o);
/* At most `room` rows that are not in the database as they are here, which then count as saved … */
size_t owners_take_unsaved(owners *o, task_owner *out, size_t room);
/* … unless that failed. */
void owners_put_back(owners *o, const task_owner *rows, size_t count);

#endif
