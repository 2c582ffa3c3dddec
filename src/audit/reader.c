/* Reads large chunks and cuts them at newlines. */
#include "audit/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/line.h"

#define BUFFER_BYTES ((size_t)4 * AUDIT_LINE_BYTES_MAX)

aip_status
audit_reader_open(const char *path, audit_reader *out, aip_error *err)
{
    *out = (audit_reader){.fd = -1};
    out->buffer = malloc(BUFFER_BYTES);
    if (out->buffer == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    out->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (out->fd < 0) {
        char shown[96];
        int why = errno;
        audit_reader_close(out);
        return aip_fail(err, AIP_IO, "%s: %s", aip_printable(aip_bytes_of(path), shown, sizeof shown), strerror(why));
    }
    (void)!posix_fadvise(out->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return AIP_OK;
}

void
audit_reader_close(audit_reader *reader)
{
    if (reader->buffer != NULL && reader->fd >= 0) {
        close(reader->fd);
    }
    free(reader->buffer);
    reader->buffer = NULL;
}

/* Reads once behind what is there; *got 0: the end of the file. */
static aip_status
refill(audit_reader *reader, size_t *got, aip_error *err)
{
    ssize_t size;
    if (reader->begin > 0) {
        memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
        reader->end -= reader->begin;
        reader->begin = 0;
    }
    do {
        size = read(reader->fd, reader->buffer + reader->end, BUFFER_BYTES - reader->end);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return aip_fail(err, AIP_IO, "the log cannot be read: %s", strerror(errno));
    }
    *got = (size_t)size;
    reader->end += *got;
    reader->bytes += *got;
    return AIP_OK;
}

static bool
cut_line(audit_reader *reader, aip_bytes *line)
{
    unsigned char *from = reader->buffer + reader->begin;
    size_t size = reader->end - reader->begin;
    unsigned char *newline = memchr(from + reader->searched, '\n', size - reader->searched);
    if (newline == NULL) {
        reader->searched = size;
        return false;
    }
    *line = (aip_bytes){from, (size_t)(newline - from)};
    reader->begin += line->size + 1;
    reader->searched = 0;
    return true;
}

/* Passes over the rest of a line that does not fit; its beginning stays where it is. */
static aip_status
skip_rest(audit_reader *reader, aip_bytes *line, aip_error *err)
{
    *line = (aip_bytes){reader->buffer, AUDIT_LINE_BYTES_MAX};
    for (;;) {
        size_t got;
        reader->begin = 0;
        reader->end = AUDIT_LINE_BYTES_MAX;
        AIP_TRY(refill(reader, &got, err));
        unsigned char *from = reader->buffer + AUDIT_LINE_BYTES_MAX;
        unsigned char *newline = got == 0 ? NULL : memchr(from, '\n', got);
        if (got == 0 || newline != NULL) {
            reader->begin = newline == NULL ? reader->end : (size_t)(newline + 1 - reader->buffer);
            reader->searched = 0;
            return AIP_OK;
        }
    }
}

aip_status
audit_reader_next(audit_reader *reader, reader_piece *piece, aip_bytes *line, aip_error *err)
{
    size_t got = 1;
    *piece = READER_LINE;
    while (!cut_line(reader, line)) {
        if (reader->end - reader->begin == BUFFER_BYTES) {
            *piece = READER_LONG;
            return skip_rest(reader, line, err);
        }
        AIP_TRY(refill(reader, &got, err));
        if (got == 0) {
            *line = (aip_bytes){reader->buffer + reader->begin, reader->end - reader->begin};
            *piece = line->size == 0 ? READER_ENDED : READER_TORN;
            return AIP_OK;
        }
    }
    if (line->size > AUDIT_LINE_BYTES_MAX) {
        *piece = READER_LONG;
    }
    return AIP_OK;
}
