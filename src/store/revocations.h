/* Revocations in the database: numbered in the order they came, and there for good. */
#ifndef STORE_REVOCATIONS_H
#define STORE_REVOCATIONS_H

#include "chain/revoked.h"
#include "store/store.h"

/* The statements; freed with the store. */
typedef struct {
    struct statement_set *set;
} revocation_table;

/* Prepares the table over `s`, which must outlive it. Errors: store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status store_revocations_open(store *s, revocation_table *out, aip_error *err);

/* A statement whose signature was verified. Everything is borrowed. */
typedef struct {
    unsigned char id[AIP_HASH_BYTES];
    revoked_fact fact;
    int64_t issued_at;
    uint64_t sequence;
    bool judged;      /* its issuer was shown to be one who may */
    bool configured;  /* from a list that the operator chose: no cap on what is not judged */
    aip_bytes source; /* who brought it: an address, or a list's URL */
    aip_bytes statement;
    int64_t received_at;
} revocation_record;

typedef struct {
    int64_t number; /* from 1, ever rising */
    bool known;     /* the same statement was there already, under this number */
} revocation_place;

/* Keeps it: durable when it returns AIP_OK. A known one changes nothing, except that it is judged from now on if
 * record->judged. Errors: revocation.full (AIP_REVOCATIONS_UNJUDGED_MAX of this source wait to be judged);
 * store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status store_revocations_add(const revocation_table *table, const revocation_record *record,
                                                revocation_place *out, aip_error *err);

/* A chain has shown that the issuer may end this target: its statements count no longer against the cap. */
AIP_MUST_CHECK aip_status store_revocations_mark_judged(const revocation_table *table, const revoked_fact *fact,
                                                        aip_error *err);

typedef struct {
    void *context;
    aip_status (*take)(void *context, const revoked_fact *fact, aip_error *err);
} revoked_sink;

/* Hands over each fact with a number above `since`, in the order of numbers; a failure of the sink ends it. Meant for
 * the start, into revoked_memory_add; later for what another process has added. Errors: the sink's; store.invalid (a
 * row makes no sense: better no gateway than one that knows half); store.unavailable, memory. */
AIP_MUST_CHECK aip_status store_revocations_load(const revocation_table *table, int64_t since, const revoked_sink *sink,
                                                 aip_error *err);

typedef struct {
    int64_t number;
    bool judged;
    aip_bytes statement; /* borrowed until the sink returns */
} revocation_row;

typedef struct {
    void *context;
    aip_status (*take)(void *context, const revocation_row *row, aip_error *err);
} revocation_sink;

/* Hands over at most `limit` statements with numbers above `since`, in order. All of them: a reader who asks again for
 * what comes after must not miss one that was judged late. Errors: as store_revocations_load. */
AIP_MUST_CHECK aip_status store_revocations_page(const revocation_table *table, int64_t since, size_t limit,
                                                 const revocation_sink *sink, aip_error *err);

/* The highest number ever given; 0 before the first. */
AIP_MUST_CHECK aip_status store_revocations_highest(const revocation_table *table, int64_t *out, aip_error *err);

/* How many of a source's statements wait to be judged. */
AIP_MUST_CHECK aip_status store_revocations_count_unjudged(const revocation_table *table, aip_bytes source, size_t *out,
                                                           aip_error *err);

/* ---- lists that are pulled from others ---- */

/* How far the list at this URL, signed by this issuer, has been read. Another issuer's numbers are another list. */
typedef struct {
    int64_t number;      /* of the publisher; 0 before the first page */
    int64_t issued_at;   /* of the last page, epoch seconds, as signed */
    int64_t highest;     /* number that the publisher ever named */
    int64_t complete_at; /* time of the last page that nothing followed: staleness is reckoned from here; 0: none yet */
} revocation_mark;

AIP_MUST_CHECK aip_status store_revocations_find_mark(const revocation_table *table, aip_bytes url, aip_bytes issuer,
                                                      revocation_mark *out, aip_error *err);

/* A verified page, not dated in the future: the publisher's numbers above `from` up to `to`. */
typedef struct {
    aip_bytes url, issuer;
    int64_t from, to;
    int64_t last; /* the highest number that the publisher gave */
    int64_t issued_at;
    const revocation_record *records;
    size_t count;
} revocation_page;

/* Keeps the records and the new mark in one transaction; places[] as of store_revocations_add. Errors:
 * revocation.list.rollback (`to`, `last` or the time lie before the mark, or `to` before `from` or after `last`),
 * revocation.list.gap (`from` lies after the mark); store_revocations_add's. Nothing is kept then. */
AIP_MUST_CHECK aip_status store_revocations_add_page(const revocation_table *table, const revocation_page *page,
                                                     revocation_place *places, aip_error *err);

#endif
