/* The ledger's statements, and the accounts that it keeps in memory. */
#ifndef STORE_LEDGER_INSIDE_H
#define STORE_LEDGER_INSIDE_H

#include "base/name_hash.h"
#include "store/ledger.h"
#include "store/statement.h"

typedef enum {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_DATA_VERSION,
    SQL_ACCOUNT_READ,
    SQL_ACCOUNT_ADD,
    SQL_ACCOUNT_WRITE,
    SQL_NEXT_TAKE,
    SQL_HOLD_ADD,
    SQL_HOLD_READ,
    SQL_HOLD_FIND,
    SQL_HOLD_TAKE_OVER,
    SQL_HOLD_CHARGE,
    SQL_HOLD_DROP,
    SQL_FORGET,
    SQL_TREE,
    SQL_LEFT,
    LEDGER_SQL_COUNT
} ledger_sql;

typedef struct {
    unsigned char link[AIP_HASH_BYTES], parent[AIP_HASH_BYTES];
    bool has_parent, has_ceiling, is_stored, is_changed;
    uint16_t slot; /* that names it */
    uint64_t ceiling, spent, held;
} ledger_account;

#define LEDGER_CHANGES_MAX (LEDGER_PER_COMMIT * AIP_CHAIN_ELEMENTS_MAX)
#define LEDGER_ACCOUNTS_MAX (4 * LEDGER_CHANGES_MAX)
#define LEDGER_SLOTS (2 * LEDGER_ACCOUNTS_MAX)

/* Each account is written once in a transaction, whatever many requests share it, and read once until another
 * connection writes to the database. */
struct ledger {
    statement_set *set;
    const name_key *hash_key;
    int64_t run;
    int64_t data_version;        /* for which the accounts in memory are true */
    int64_t next_hold, reserved; /* numbers that are ours: from the first one, below the second */
    int runs_fd;
    size_t count;
    size_t changed_count;
    uint16_t changed[LEDGER_CHANGES_MAX]; /* indices into accounts, in their order of change */
    uint16_t slots[LEDGER_SLOTS];         /* 1 + index into accounts; 0 is free */
    ledger_account accounts[LEDGER_ACCOUNTS_MAX];
};

/* Called within a transaction, before anything else: forgets what another connection may have changed, and makes room
 * for `count` requests. Errors: store.unavailable, store.invalid. */
AIP_MUST_CHECK aip_status accounts_begin(ledger *l, size_t count, aip_error *err);
/* The account of the link, a new one if there is none (is_stored false). Valid until accounts_end. Errors:
 * store.invalid, store.unavailable, internal. */
AIP_MUST_CHECK aip_status accounts_load(ledger *l, const unsigned char link[AIP_HASH_BYTES], ledger_account **out,
                                        aip_error *err);
/* Notes that it was changed, parents before their new children. */
void accounts_note_change(ledger *l, ledger_account *a);
/* Writes what has changed. */
AIP_MUST_CHECK aip_status accounts_save(ledger *l, aip_error *err);
/* After the transaction: what was not committed is forgotten. */
void accounts_end(ledger *l, bool committed);

/* A run begins with a number of its own, and lives until its end or that of its process (B-9). Errors:
 * store.unavailable. */
AIP_MUST_CHECK aip_status runs_begin(ledger *l, aip_error *err);
void runs_end(ledger *l);
bool runs_is_alive(const ledger *l, int64_t run); /* true as well when that cannot be told */

/* A stored amount; store.invalid for what no writer of ours stores. */
AIP_MUST_CHECK aip_status accounts_read_amount(const statement *q, int column, uint64_t *out, aip_error *err);

#endif
