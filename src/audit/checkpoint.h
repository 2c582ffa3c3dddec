/* Checkpoints: lines in which the gateway's DID signs how many lines the log has and the hash of the last. */
#ifndef AUDIT_CHECKPOINT_H
#define AUDIT_CHECKPOINT_H

#include "audit/line.h"

#define CHECKPOINT_TYPE "aip-checkpoint+jwt"

/* What a checkpoint says of the lines before it. */
typedef struct {
    uint64_t lines;
    unsigned char head[AIP_HASH_BYTES]; /* SHA-256 of the last of them */
    uint64_t every;                     /* at most so many lines follow before the next checkpoint */
    int64_t issued_at;
} checkpoint_facts;

typedef struct {
    const aip_secret_key *key; /* borrowed; NULL: no checkpoints are written */
    const char *issuer;        /* the gateway's DID */
    const char *key_id;        /* DID URL of the key */
} checkpoint_signer;

/* Begins the line, up to its `seq`. Errors: memory. */
AIP_MUST_CHECK aip_status checkpoint_append(text_buffer *line, const checkpoint_signer *signer,
                                            const checkpoint_facts *facts, aip_error *err);

/* Whose checkpoints count. */
typedef struct {
    const aip_key_source *keys; /* NULL: the signature is not judged */
    aip_bytes issuer;           /* empty: any that `keys` knows */
} checkpoint_trust;

/* Reads a line of event `checkpoint`: what it says in the open is what was signed, and nothing else stands there.
 * Whether that is true of the log is the caller's to judge. Errors: audit.checkpoint, memory. */
AIP_MUST_CHECK aip_status checkpoint_read(aip_bytes text, const audit_line *line, const checkpoint_trust *trust,
                                          checkpoint_facts *out, aip_error *err);

#endif
