/* Budgets that bind: each link is an account, and a call has to fit every account on its path (spec/budget.md).
 *
 * How a gateway uses it. One thread owns the ledger, with a store of its own; shards hand it requests as they do
 * nonces:
 *
 *   1. The shard makes the path once per verified chain (ledger_path_of) and asks for a hold of what the call may cost.
 *   2. The ledger's thread takes all that waits, at most LEDGER_PER_COMMIT, holds and settlements alike, and applies it
 *      in one transaction. While it commits, the next ones gather.
 *   3. Only after the commit the shards learn their verdicts, and only a verdict of AIP_OK lets a call be forwarded. So
 *      whatever a crash loses was never forwarded, and whatever was forwarded is held or spent.
 *   4. When the reply is there the call is settled with what it cost; it is released only if it certainly never reached
 *      the upstream. A settlement whose commit failed is asked for again; until then the hold counts in full.
 *   5. Holds that a crash left open count until an operator frees them (ledger_list_left, LEDGER_FREE). */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "store/ledger_path.h"
#include "store/store.h"

#define LEDGER_PER_COMMIT 256
#define LEDGER_TAKEOVER_SECONDS 120 /* after which a retry takes over what another run left open (B-14) */

typedef struct ledger ledger; /* used by one thread at a time */

/* Prepares the ledger over `s`, which must outlive it and has no other one. Each opening is a run of its own: what
 * another one left open is not ours to settle. A file beside the database, `…-runs`, tells which runs live. Errors:
 * store.unavailable, store.invalid, internal, memory. */
AIP_MUST_CHECK aip_status ledger_open(store *s, ledger **out, aip_error *err);
void ledger_close(ledger **l); /* before the store; open holds stay open */

typedef enum {
    LEDGER_HOLD,
    LEDGER_SETTLE,  /* the call was or may have been forwarded */
    LEDGER_RELEASE, /* it certainly was not */
    LEDGER_FREE     /* an operator's word: of a hold whose run has ended, that it shall count no longer */
} ledger_verb;

typedef struct {
    aip_status verdict;         /* AIP_OK, or why not; never AIP_OK when nothing was committed */
    int at;                     /* budget.exceeded: index of the account on the path; else AIP_NOWHERE */
    int64_t hold;               /* its number, from 1, never given twice */
    bool repeated;              /* the hold was there already, of an earlier call with this key */
    uint64_t charged_micro_usd; /* once it is settled */
} ledger_answer;

typedef struct {
    ledger_verb verb;
    const ledger_path *path;   /* of a hold */
    const ledger_key *key;     /* of a hold; NULL: a retry is another call */
    uint64_t amount_micro_usd; /* a hold's, or what a settled call cost: never more than the hold is charged */
    int64_t hold, now_seconds; /* what is settled, released or freed; of a hold: when */
    ledger_answer answer;
} ledger_request;

/* Applies the requests in their order in one transaction, durable when it returns AIP_OK. Each has its own verdict:
 * AIP_OK; budget.exceeded; for a retry budget.settled (with the same hold, and what it was charged: to be answered from
 * memory or refused, never forwarded), budget.pending (its first call is under way, or may be), budget.conflict (the
 * key belongs to another call); budget.hold.unknown (settled or released before, or not this run's; for LEDGER_FREE:
 * not open, or this run's own); budget.hold.running (for LEDGER_FREE: its run still lives); store.invalid (what is
 * stored for this one makes no sense). A failure is that of all, of which none counts: store.unavailable,
 * store.invalid, memory, internal (too many, or a hold without a path). */
AIP_MUST_CHECK aip_status ledger_apply(ledger *l, ledger_request *requests, size_t count, aip_error *err);

/* Removes settled holds with a key whose token ended before `now`: no retry of them can come. Accounts stay for good.
 * Errors: store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status ledger_forget(ledger *l, int64_t now_seconds, aip_error *err);

/* ---- what an operator sees ---- */

typedef struct {
    unsigned char link[AIP_HASH_BYTES];
    size_t depth;               /* below the first row */
    bool has_ceiling, has_left; /* false: no ceiling of its own; none on the whole path */
    uint64_t ceiling_micro_usd; /* granted: as it was last enforced */
    uint64_t spent_micro_usd, held_micro_usd;
    uint64_t left_micro_usd; /* the least of what is left on the path from the root */
} ledger_row;

typedef struct {
    void *context;
    aip_status (*take)(void *context, const ledger_row *row, aip_error *err);
} ledger_row_sink;

typedef enum { LEDGER_FROM_LINK, LEDGER_FROM_ROOT } ledger_start;

/* Hands over the accounts below a link, it first, parents before children, as they are at one moment; from the root:
 * the whole tree that the link stands in. Errors: budget.account.unknown, the sink's; store.invalid, .unavailable. */
AIP_MUST_CHECK aip_status ledger_tree(ledger *l, const unsigned char link[AIP_HASH_BYTES], ledger_start start,
                                      const ledger_row_sink *sink, aip_error *err);

typedef struct {
    int64_t hold, made_at;
    unsigned char leaf[AIP_HASH_BYTES];
    uint64_t amount_micro_usd;
    bool is_running; /* its run still lives: its own to end */
} ledger_left;

typedef struct {
    void *context;
    aip_status (*take)(void *context, const ledger_left *row, aip_error *err);
} ledger_left_sink;

/* Hands over the open holds of other runs that were made before a time, oldest first; those of gateways that still run
 * as well. Errors: as ledger_tree. */
AIP_MUST_CHECK aip_status ledger_list_left(ledger *l, int64_t before_seconds, const ledger_left_sink *sink,
                                           aip_error *err);

#endif
