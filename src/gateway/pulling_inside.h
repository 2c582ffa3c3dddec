/* One source of revocations, the page of it that is being taken in, and the names that its judgement waits for. */
#ifndef GATEWAY_PULLING_INSIDE_H
#define GATEWAY_PULLING_INSIDE_H

#include <stdatomic.h>

#include "chain/revocation_list.h"
#include "gateway/pulling.h"

enum { PULLED_NAMES_MAX = 16 /* of one source, resolved at the same time */ };

typedef enum {
    PULLED_OPEN,    /* to be judged, or judged again */
    PULLED_WAITING, /* for its issuer */
    PULLED_TAKEN,
    PULLED_LEFT_OUT,
} pulled_verdict;

typedef struct {
    pulled_verdict verdict;
    unsigned attempts; /* resolutions that were begun for it */
    bool judged;       /* as revocation_record */
    aip_error why;     /* PULLED_LEFT_OUT */
    revocation said;   /* once it was judged; views into the page's room */
} pulled_statement;

typedef struct {
    char *text;
    size_t size;
    revocation_list list;
    pulled_statement *statements; /* list.count */
    unsigned char *room;
    unsigned attempts; /* resolutions of the signer */
    bool waiting;      /* for the signer */
} pulled_page;

typedef enum {
    PULL_IDLE,
    PULL_FETCHING,
    PULL_FAILED,   /* the fetch; `why` says how */
    PULL_ARRIVED,  /* to be parsed */
    PULL_CHECKING, /* by R-51, perhaps waiting for the signer */
    PULL_JUDGING,  /* statements, perhaps waiting for issuers */
    PULL_KEEPING,  /* in the store */
    PULL_ADDING,   /* kept, and added to the memory */
} pull_phase;

typedef struct pull_source pull_source;

typedef struct {
    pull_source *source;
    bool busy;
    char name[AIP_IDENTIFIER_BYTES_MAX + 1];
} pulled_name;

struct pull_source {
    pulling *owner;
    char *did, *url; /* owned */
    revocation_mark mark;
    pull_phase phase;
    uint64_t due, round_due; /* monotonic microseconds: the next step, and the next round */
    unsigned pages_left;     /* of this round */
    fetch *running;
    pulled_page page;
    pulled_name names[PULLED_NAMES_MAX];
    bool crowded;  /* all names are taken: judging goes on after an answer */
    aip_error why; /* PULL_FAILED */
    aip_status reported;
    int64_t reported_at;
};

struct pulling {
    pulling_setup setup;
    fetcher *fetcher;
    char **origins; /* `https://host[:port]` of the sources */
    pull_source *sources;
    size_t count;
    uint64_t interval_us;
    int64_t now; /* of the tick */
    uint64_t monotonic;
    atomic_llong fresh_until;
};

/* Judges the page by R-51, steps 2 to 6. Neither good nor refused: its signer had to be resolved. */
AIP_MUST_CHECK aip_status pulled_check(pull_source *s, bool *good, aip_error *err);
/* Judges some of the statements. A failure drops the page. */
AIP_MUST_CHECK aip_status pulled_judge(pull_source *s, aip_error *err);
bool pulled_is_decided(const pull_source *s); /* all statements are */
bool pulled_can_go_on(const pull_source *s);  /* something can be judged without waiting */
void pulled_clear(pulled_page *page);

#endif
