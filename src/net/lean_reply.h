/* Reads one HTTP/1.1 reply as it comes, strictly: what two readers could frame differently is no reply. */
#ifndef NET_LEAN_REPLY_H
#define NET_LEAN_REPLY_H

#include "net/upstream.h"

enum {
    LEAN_HEAD_BYTES_MAX = 65536,    /* of status line and fields; libcurl takes 300 KiB */
    LEAN_INTERIM_MAX = 8,           /* 1xx replies before the final one */
    LEAN_TRAILER_BYTES_MAX = 16384, /* thrown away */
    LEAN_CHUNK_LINE_BYTES_MAX = 256,
};

typedef enum {
    LEAN_MORE,    /* wants more; what was not taken is to be offered again, with what follows it */
    LEAN_WHOLE,   /* the reply has ended; what was not taken does not belong to it */
    LEAN_FULL,    /* the owner takes no more at the moment */
    LEAN_REFUSED, /* by the owner */
    LEAN_INVALID,
} lean_progress;

typedef enum {
    LEAN_HEAD,
    LEAN_LENGTH,
    LEAN_UNTIL_CLOSE,
    LEAN_CHUNK_SIZE,
    LEAN_CHUNK_EXTENSION,
    LEAN_CHUNK_SIZE_LF,
    LEAN_CHUNK_DATA,
    LEAN_CHUNK_DATA_CR,
    LEAN_CHUNK_DATA_LF,
    LEAN_TRAILER,      /* at the beginning of a line */
    LEAN_TRAILER_LINE, /* inside one */
    LEAN_TRAILER_LF,
    LEAN_LAST_LF,
} lean_stage;

/* Zero-initialise but for `events` and `context`. */
typedef struct {
    const upstream_events *events; /* header, start and data are called */
    void *context;
    bool to_head; /* to a HEAD request: no body follows, whatever its fields say of one */
    lean_stage stage;
    int http;
    bool started; /* the final head is complete */
    bool closes;  /* the connection cannot be used again */
    /* of the head */
    size_t scanned, line_start;
    unsigned interim, lengths, codings;
    bool old; /* HTTP/1.0 */
    uint64_t length;
    /* of the body */
    uint64_t left; /* of it, or of the chunk */
    size_t line;   /* bytes of the chunk's line, or of all trailers, so far */
} lean_reply;

lean_progress lean_reply_take(lean_reply *reply, aip_bytes bytes, size_t *taken);
/* The server has closed the connection after all that was taken: LEAN_WHOLE or LEAN_INVALID. */
lean_progress lean_reply_end(const lean_reply *reply);

#endif
