/* What the parts of asking all members share: who is asked, and what came of it. */
#ifndef GATEWAY_GROUP_GATHER_INSIDE_H
#define GATEWAY_GROUP_GATHER_INSIDE_H

#include "gateway/group.h"
#include "gateway/group_gather.h"

typedef enum {
    LEG_OPEN,
    LEG_ANSWERED, /* `message` is its result, or for what is no request it took it */
    LEG_WITHOUT,  /* it has no such method or stream, or policy does not let the caller ask it */
    LEG_FAILED,
} leg_state;

typedef struct {
    gathering *owner;
    const gateway_route *member;
    exchange *x; /* NULL: it is not asked at the moment */
    leg_state state;
    bool woken, acknowledged;
    int http;
    text_buffer message; /* what it answered: a response, or an acknowledgement */
    scan_document said;  /* the same, read */
    aip_error refusal;   /* LEG_FAILED without a message */
    text_buffer last_id; /* of its events */
    uint64_t again_at;   /* to be asked anew then, monotonic; 0: not */
    unsigned pause_seconds;
    char version[16];                        /* that it answered to `initialize`, */
    char session[AIP_SESSION_BYTES_MAX + 1]; /* with this session */
} leg;

typedef enum {
    GATHER_ANSWERS, /* one of each, for one answer */
    GATHER_STREAMS, /* what each has to say, as long as the caller listens */
} gather_kind;

struct gathering {
    exchange *x;
    gather_kind kind;
    leg legs[GROUP_MEMBERS_MAX];
    size_t count, turn;
    uint64_t deadline; /* monotonic; 0: none any more */
    const char *list;  /* the member of a result that a list stands in; NULL: it is no list */
    bool listens;      /* `subscriptions/listen`, which begins with an acknowledgement */
    bool begun;        /* the stream did */
    bool queued;
    gathering *next; /* in the shard's list */
};

/* ---- group_leg.c ---- */

/* Asks the member by an exchange of its own; `body` is copied, empty for a request without one. */
void leg_ask(leg *l, aip_bytes body);
/* Goes on with it after it was woken: admits it, or takes its answer. */
void leg_go_on(leg *l);
/* Keeps the message in the place of the one before, which alone goes where there is none; false: it cannot be read. */
bool leg_keep(leg *l, aip_bytes message);
/* Takes the message, a response, for its answer, and ends it. */
void leg_take_response(leg *l, aip_bytes message, int http);
/* Ends it, whatever it waits for; its state stays. */
void leg_end(leg *l);
void leg_give_up(leg *l, aip_status why); /* the same, and it has failed */

bool leg_streams(const leg *l);
/* The next whole event of its stream, borrowed until leg_drop_event; false: there is none now. */
bool leg_next_event(const leg *l, aip_bytes *event);
void leg_drop_event(leg *l, aip_bytes event);
bool leg_stream_is_over(const leg *l); /* and all its events were taken */
void leg_lose_stream(leg *l);          /* which is a failure, whatever it is the end of */

/* ---- group_gather.c ---- */

void gathering_queue(gathering *g); /* for gathering_run */

/* ---- group_answers.c: GATHER_ANSWERS ---- */

/* Takes what has come. `g` may be gone afterwards. */
void gather_answers(gathering *g);
/* Ends the request with all that came, and `g` with it. */
void gather_finish(gathering *g);
void gather_open_stream(gathering *g);   /* if the caller still waits for a head */
bool gather_is_full(const gathering *g); /* is the caller to read first? */

typedef enum { SAID_NOTHING, SAID_RESPONSE, SAID_ACKNOWLEDGED, SAID_CANCELLED, SAID_ELSE } said;
/* Appends the event's data. */
said gather_read_event(aip_bytes event, text_buffer *data);

/* ---- group_streams.c: GATHER_STREAMS ---- */

void gather_streams(gathering *g); /* as gather_answers */

/* ---- group_merge.c ---- */

/* Writes one response of all answers over `out`; `initialize` issues the session as well. Errors: upstream.invalid,
 * memory. */
AIP_MUST_CHECK aip_status group_merge(gathering *g, text_buffer *out, aip_error *err);
/* Appends the acknowledgement that says what all granted. */
AIP_MUST_CHECK aip_status group_append_acknowledgement(const gathering *g, text_buffer *out, aip_error *err);

/* ---- group_page.c: what each is asked ---- */

/* Is the member asked at all, and what? Errors: request.invalid, memory. */
AIP_MUST_CHECK aip_status group_message_for(const gathering *g, const gateway_route *member, bool *asked,
                                            text_buffer *out, aip_error *err);
/* Appends the cursors of all members that have more, as one JSON string; nothing when none has. */
AIP_MUST_CHECK aip_status group_append_cursor(const gathering *g, text_buffer *out, aip_error *err);

#endif
