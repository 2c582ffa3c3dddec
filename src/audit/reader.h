/* Lines of a file of any size, one after the other, in a buffer of fixed size. */
#ifndef AUDIT_READER_H
#define AUDIT_READER_H

#include "aip/error.h"

typedef struct {
    int fd;
    unsigned char *buffer;
    size_t begin, end, searched; /* what is in the buffer and not yet told; of it, what holds no newline */
    uint64_t bytes;              /* read so far */
} audit_reader;

typedef enum {
    READER_LINE,  /* a whole line */
    READER_LONG,  /* the beginning of one longer than AUDIT_LINE_BYTES_MAX, the rest is skipped */
    READER_TORN,  /* the last, without its newline; asked again, it is told again with what has come since */
    READER_ENDED, /* nothing more for now */
} reader_piece;

/* Errors: io, memory. */
AIP_MUST_CHECK aip_status audit_reader_open(const char *path, audit_reader *out, aip_error *err);
void audit_reader_close(audit_reader *reader);
#define READER_AUTO __attribute__((cleanup(audit_reader_close)))

/* The next line without its newline, borrowed until the next call. Errors: io. */
AIP_MUST_CHECK aip_status audit_reader_next(audit_reader *reader, reader_piece *piece, aip_bytes *line, aip_error *err);

#endif
