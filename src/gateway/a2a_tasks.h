/* Whose tasks and contexts are whose: kept in a bounded memory, and by whoever makes them durable (spec/a2a.md). */
#ifndef GATEWAY_A2A_TASKS_H
#define GATEWAY_A2A_TASKS_H

#include "aip/key.h"
#include "base/text.h"
#include "gateway/a2a_facts.h"

typedef struct a2a_tasks a2a_tasks; /* shared by all shards */

typedef enum { A2A_KEPT_TASK, A2A_KEPT_CONTEXT } a2a_kept;

/* What is kept of one: hashes only. */
typedef struct {
    unsigned char key[AIP_HASH_BYTES];   /* of upstream, tenant, kind and identifier */
    unsigned char owner[AIP_HASH_BYTES]; /* root and leaf, as sessions are bound to */
    int64_t expires;                     /* epoch seconds */
} a2a_owned;

/* Where rows outlive the process. Called without a lock held; both may be NULL. */
typedef struct {
    void *context;
    aip_status (*save)(void *context, const a2a_owned *row, aip_error *err);
    /* Fills `out` for `out->key`. Errors: a2a.task.not_found (no such row), store.unavailable. */
    aip_status (*find)(void *context, a2a_owned *out, aip_error *err);
} a2a_task_store;

typedef struct {
    size_t capacity;     /* rows; the least recently used go first, of an owner that has an eighth its own */
    int64_t ttl_seconds; /* since a row was last used */
    bool claims;         /* a message may begin a context that nobody owns by naming it: E-33 */
    a2a_task_store store;
} a2a_tasks_setup;

/* Errors: memory. */
AIP_MUST_CHECK aip_status a2a_tasks_new(const a2a_tasks_setup *setup, a2a_tasks **out, aip_error *err);
void a2a_tasks_free(a2a_tasks **tasks);
size_t a2a_tasks_count(a2a_tasks *tasks); /* rows in memory */

/* A row that was kept by an earlier run. */
void a2a_tasks_restore(a2a_tasks *tasks, const a2a_owned *row);

/* Who asks, of what. */
typedef struct {
    const char *upstream; /* its name: identifiers of two agents have nothing to do with each other */
    const char *tenant;   /* "": none */
    unsigned char owner[AIP_HASH_BYTES];
    int64_t now_seconds;
} a2a_caller;

/* Makes the caller the owner of a task or context of its own; again is the same. Errors: a2a.task.not_found (it has
 * another owner), the store's. */
AIP_MUST_CHECK aip_status a2a_tasks_note(a2a_tasks *tasks, const a2a_caller *caller, a2a_kept kind, const char *id,
                                         aip_error *err);

/* Is the caller its owner? Unknown, expired and another's are the same refusal. Errors: a2a.task.not_found, the
 * store's. E-30. */
AIP_MUST_CHECK aip_status a2a_tasks_check(a2a_tasks *tasks, const a2a_caller *caller, a2a_kept kind, const char *id,
                                          aip_error *err);

/* Every task and context that a request names. Errors: as a2a_tasks_check; request.invalid. E-31. */
AIP_MUST_CHECK aip_status a2a_tasks_judge(a2a_tasks *tasks, const a2a_caller *caller, const a2a_facts *facts,
                                          const scan_document *document, aip_error *err);

/* Notes what a reply to the caller's message began. Errors: as a2a_tasks_note; then the reply goes nowhere. E-32. */
AIP_MUST_CHECK aip_status a2a_tasks_learn(a2a_tasks *tasks, const a2a_caller *caller, const a2a_reply_facts *reply,
                                          aip_error *err);

typedef struct {
    a2a_binding binding;
    const scan_document *document;
} a2a_reply;

/* Writes the reply of ListTasks with the caller's own tasks only, and counts that tell no others; `out` stays empty
 * when nothing has to be changed. Errors: upstream.invalid, memory, the store's. E-34. */
AIP_MUST_CHECK aip_status a2a_tasks_filter(a2a_tasks *tasks, const a2a_caller *caller, const a2a_reply *reply,
                                           text_buffer *out, aip_error *err);

#endif
