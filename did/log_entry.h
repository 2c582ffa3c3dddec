/* One line of a key log, read by itself: its members and what is hashed and signed of it. */
#ifndef DID_LOG_ENTRY_H
#define DID_LOG_ENTRY_H

#include "aip/did.h"
#include "aip/limits.h"

/* As the line says; nothing is trusted yet. Text is borrowed from the line. */
typedef struct {
    aip_did did; /* of the self form */
    uint64_t version;
    bool has_prev, has_next, deactivates;
    unsigned char prev[AIP_HASH_BYTES], next[AIP_HASH_BYTES];
    unsigned char key[AIP_KEY_BYTES]; /* not accepted yet */
    int64_t time;                     /* epoch seconds */
    size_t compromised_count;
    unsigned char compromised[AIP_LOG_ENTRIES_MAX][AIP_KEY_BYTES];
    unsigned char signature[AIP_SIGNATURE_BYTES];
    unsigned char hash[AIP_HASH_BYTES]; /* SHA-256 of the RFC 8785 bytes of the whole line */
    char *signed_text;                  /* owned: the RFC 8785 bytes of the line without `sig` */
    size_t signed_size;
} log_entry;

/* Checks grammar alone: exactly the members of an entry, each of its type, no escapes in strings. Errors:
 * log.malformed, memory. On failure `out` is cleared. */
AIP_MUST_CHECK aip_status log_entry_read(aip_bytes line, log_entry *out, aip_error *err);
void log_entry_clear(log_entry *entry);
#define LOG_ENTRY_AUTO __attribute__((cleanup(log_entry_clear)))

/* What an entry commits to when it announces `key`: SHA-256 of ed 01 and the key. */
void log_entry_commitment(const unsigned char key[AIP_KEY_BYTES], unsigned char out[AIP_HASH_BYTES]);

#endif
