/* The key log of a did:aip identity: JSON Lines, hash-chained, the next key committed to in advance (spec/identity.md).
 */
#ifndef DID_LOG_H
#define DID_LOG_H

#include "did/identity.h"

/* One verified entry. */
typedef struct {
    aip_public_key key;
    unsigned char hash[AIP_HASH_BYTES]; /* SHA-256 of the RFC 8785 bytes of the whole entry */
    unsigned char next[AIP_HASH_BYTES]; /* commitment, if has_next */
    bool has_next, compromised, deactivates;
    int64_t time; /* epoch seconds */
} did_log_entry;

typedef struct {
    char did[AIP_DID_TEXT_SIZE];
    bool deactivated;
    size_t count;            /* version of the last entry + 1 */
    did_log_entry entries[]; /* by version */
} did_log;

/* Verifies the log `text` as a whole, in one pass (identity-compatibility section 3 is the rule; I-70 ff.). One
 * allocation for the result. `err->at` is the version of the entry concerned. Every line ends with LF, the last may
 * lack it; blank lines, CR and anything else are refused. Errors: log.malformed, .prev, .key, .time, .signature,
 * .ended, did.key.invalid, json.size (over 64 KiB or 256 entries), memory. */
AIP_MUST_CHECK aip_status did_log_verify(aip_bytes text, int64_t now_seconds, did_log **out, aip_error *err);
void did_log_free(did_log **log);
#define LOG_AUTO __attribute__((cleanup(did_log_free)))

/* What was seen of a log before: it is kept for ever. */
typedef struct {
    uint32_t version;                   /* highest seen */
    unsigned char head[AIP_HASH_BYTES]; /* that entry's hash */
} did_log_mark;

did_log_mark did_log_mark_of(const did_log *log);

/* Does the log extend (or equal) what was seen? Errors: log.rollback, log.fork. */
AIP_MUST_CHECK aip_status did_log_check_mark(const did_log *log, const did_log_mark *seen, aip_error *err);

/* Keys and windows: key n counts from time n (n = 0: from ever) until time n+1; a compromised one never. */
AIP_MUST_CHECK aip_status did_log_identity(const did_log *log, identity **out, aip_error *err);

/* What a new entry says. */
typedef struct {
    const aip_public_key *next;        /* committed to; NULL: the log ends its rotations here */
    const aip_public_key *compromised; /* earlier keys that count for nothing */
    size_t compromised_count;
    bool deactivate; /* then `next` must be NULL */
    int64_t time;    /* epoch seconds */
} did_log_change;

/* Appends one entry to `log`, which holds a log's text or nothing. `key` signs: for the first entry the identifier's
 * own key, later the one that was committed to. The result is verified by did_log_verify's rules before success.
 * Errors: as did_log_verify; usage. */
AIP_MUST_CHECK aip_status did_log_extend(text_buffer *log, const aip_secret_key *key, const did_log_change *change,
                                         aip_error *err);

#endif
