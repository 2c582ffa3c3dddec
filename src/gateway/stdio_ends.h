/* The two ends of a local client: lines that come in on one descriptor, and lines that go out on another. */
#ifndef GATEWAY_STDIO_ENDS_H
#define GATEWAY_STDIO_ENDS_H

#include "net/lines.h"

/* Set the first five, then begin. */
typedef struct {
    int epoll_fd, input_fd, output_fd;
    uint64_t input_data, output_data; /* of their epoll events */
    line_splitter input;              /* with its bytes_max */
    bool is_file, input_watched;      /* of the input: always readable; is on the epoll now */
    bool closed;                      /* its end was read */
    text_buffer output;
    size_t written;
    bool output_watched, broken;   /* broken: nobody reads, or a line was lost for want of memory */
    int input_flags, output_flags; /* as they were; -1: unchanged */
} stdio_ends;

void stdio_ends_begin(stdio_ends *ends);
void stdio_ends_finish(stdio_ends *ends); /* leaves the descriptors open, as they were */

/* Whether to be told of more input. */
void stdio_ends_watch(stdio_ends *ends, bool wanted);
/* Reads once, for lines_next of `input`. A last line without its LF counts as one. */
void stdio_ends_read(stdio_ends *ends);
/* Writes the line and its LF, at once or when there is room. */
void stdio_ends_write(stdio_ends *ends, aip_bytes line);
void stdio_ends_flush(stdio_ends *ends);
size_t stdio_ends_unsent(const stdio_ends *ends);

#endif
