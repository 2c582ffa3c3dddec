/* Tools of upstreams, pinned as they were first listed: in memory for the shards, and in the database. */
#ifndef GATEWAY_PINNING_H
#define GATEWAY_PINNING_H

#include "audit/append.h"
#include "gateway/question.h"
#include "policy/catalogue.h"
#include "store/pins.h"

/* The thread's that owns the database. */
typedef struct {
    pin_table table;
    catalogue *tools; /* borrowed */
    audit_log *audit; /* borrowed; NULL: changes are told on stderr alone */
    int64_t next_catch_up;
} pinning;

/* Loads what is pinned into `tools`. Errors: store.*, memory. */
AIP_MUST_CHECK aip_status pinning_open(store *s, catalogue *tools, audit_log *audit, pinning *out, aip_error *err);

/* Makes durable what question->text says that the upstream question->name lists, and tells of what is not as pinned. */
void pinning_take(const pinning *p, question *q);
/* Takes in what operators approved and other processes pinned. Errors: store.*, memory. */
AIP_MUST_CHECK aip_status pinning_catch_up(pinning *p, int64_t now, aip_error *err);

/* ---- for shards: writing such a question ---- */

/* Appends a tool as it is listed; `name` in normal form. */
void pinning_append(text_buffer *out, aip_bytes name, const catalogue_hashes *hashes);

#endif
