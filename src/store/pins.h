/* Definitions of tools, pinned as they were first seen: a server that changes one afterwards is noticed, also over a
 * restart and by every gateway on the same database. */
#ifndef STORE_PINS_H
#define STORE_PINS_H

#include "aip/key.h"
#include "aip/limits.h"
#include "store/store.h"

#define PIN_UPSTREAM_BYTES_MAX 1024
#define PINS_PER_UPSTREAM_MAX 4096 /* so that a server that makes up names does not fill the database */

/* The statements; freed with the store. */
typedef struct {
    struct statement_set *set;
} pin_table;

/* What a definition is. */
typedef struct {
    unsigned char schema[AIP_HASH_BYTES]; /* SHA-256 of {name, description, inputSchema} in RFC 8785 form */
    unsigned char whole[AIP_HASH_BYTES];  /* of the whole tool object in that form */
} pin_hashes;

typedef enum {
    PIN_PINNED,  /* as first seen */
    PIN_DIFFERS, /* the server has shown another one since; the pin is still what was pinned or approved */
    PIN_APPROVED /* an operator has said that this one is good */
} pin_state;

typedef struct {
    aip_bytes upstream, tool; /* borrowed: valid during the call that hands them over */
    pin_hashes pinned;
    pin_hashes changed; /* of PIN_DIFFERS: what was shown last; else zeroes */
    pin_state state;
    int64_t first_seen, last_seen; /* epoch seconds; last_seen: of any definition of it, to the minute */
    aip_bytes approved_by;         /* empty: nobody has */
    int64_t approved_at;
} pin_row;

typedef struct {
    void *context;
    aip_status (*take)(void *context, const pin_row *row, aip_error *err);
} pin_sink;

/* Prepares the table over `s`, which must outlive it. Errors: store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status pins_open(store *s, pin_table *out, aip_error *err);

/* Hands over all pins by upstream and tool. Errors: the sink's; store.unavailable, store.invalid. */
AIP_MUST_CHECK aip_status pins_load_all(const pin_table *table, const pin_sink *sink, aip_error *err);

typedef enum {
    PIN_CHANGED, /* not as pinned: nothing of it is to be relied on before somebody approves it */
    PIN_UNFIT,   /* it cannot be pinned: a name that is empty or too long, or too many of this upstream; the same */
    PIN_NEW,     /* it is pinned now */
    PIN_SAME     /* as pinned or approved */
} pin_verdict;

typedef struct {
    aip_bytes upstream, tool;
    pin_hashes hashes;
} pin_sight;

/* Judges what a server shows: all of one list in one transaction, durable when it returns AIP_OK. verdicts[i] is that
 * of sights[i], and PIN_CHANGED when it fails; the first of two that name the same tool is the one that pins. Nothing
 * is written for what is as it was a minute before. Errors: store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status pins_note(const pin_table *table, const pin_sight *sights, size_t count, int64_t now,
                                    pin_verdict *verdicts, aip_error *err);

typedef struct {
    aip_bytes upstream, tool;
    const unsigned char *whole; /* hash of the definition that was looked at, so that no later one is approved unseen */
    aip_bytes by;               /* who says so, for the record */
    int64_t now;
} pin_approval;

/* The definition that was shown last, or the pinned one, is good from now on. Errors: pin.unknown (no such tool is
 * pinned, or this is neither of its definitions); usage (nobody says so); store.unavailable, store.invalid. */
AIP_MUST_CHECK aip_status pins_approve(const pin_table *table, const pin_approval *approval, aip_error *err);

/* Removes the pin: the next definition that is seen is pinned. Of all tools of the upstream if `tool` is empty. *count
 * tells how many. Errors: store.unavailable, store.invalid. */
AIP_MUST_CHECK aip_status pins_forget(const pin_table *table, aip_bytes upstream, aip_bytes tool, size_t *count,
                                      aip_error *err);

#endif
