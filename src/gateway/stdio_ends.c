/* Descriptors of a local client, read and written without waiting. */
#include "gateway/stdio_ends.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

static bool
watch(const stdio_ends *ends, int fd, uint32_t events, uint64_t data, bool wanted)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(ends->epoll_fd, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event) == 0;
}

/* A file is never waited for. */
void
stdio_ends_watch(stdio_ends *ends, bool wanted)
{
    if (wanted == ends->input_watched || ends->is_file) {
        return;
    }
    if (watch(ends, ends->input_fd, EPOLLIN, ends->input_data, wanted)) {
        ends->input_watched = wanted;
    } else if (wanted) {
        ends->is_file = errno == EPERM;
        ends->closed = ends->closed || !ends->is_file;
    }
}

void
stdio_ends_read(stdio_ends *ends)
{
    unsigned char bytes[READ_BYTES];
    ssize_t got = read(ends->input_fd, bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got > 0 && lines_add(&ends->input, (aip_bytes){bytes, (size_t)got}, NULL) == AIP_OK) {
        return;
    }
    ends->closed = true;
    stdio_ends_watch(ends, false);
    if (lines_add(&ends->input, AIP_BYTES_LITERAL("\n"), NULL) != AIP_OK) {
        ends->broken = true;
    }
}

void
stdio_ends_flush(stdio_ends *ends)
{
    while (!ends->broken && ends->written < ends->output.size) {
        ssize_t done = write(ends->output_fd, ends->output.data + ends->written, ends->output.size - ends->written);
        if (done < 0 && errno == EAGAIN) {
            break;
        }
        ends->broken = done < 0 && errno != EINTR;
        ends->written += done > 0 ? (size_t)done : 0;
    }
    if (ends->broken || ends->written == ends->output.size) {
        text_clear(&ends->output);
        ends->written = 0;
    }
    bool wanted = ends->written < ends->output.size;
    if (wanted != ends->output_watched && watch(ends, ends->output_fd, EPOLLOUT, ends->output_data, wanted)) {
        ends->output_watched = wanted;
    }
}

void
stdio_ends_write(stdio_ends *ends, aip_bytes line)
{
    bool idle = ends->output.size == ends->written;
    if (ends->broken) {
        return;
    }
    text_append(&ends->output, line);
    text_append_string(&ends->output, "\n");
    ends->broken = ends->output.failed;
    if (idle || ends->broken) {
        stdio_ends_flush(ends);
    }
}

size_t
stdio_ends_unsent(const stdio_ends *ends)
{
    return ends->output.size - ends->written;
}

/* Pipes and sockets only: a terminal is shared with whoever started us. Gives the flags that it had. */
static int
set_nonblocking(int fd)
{
    struct stat what;
    int flags = fcntl(fd, F_GETFL);
    bool ours = fstat(fd, &what) == 0 && (S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode));
    return ours && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? flags : -1;
}

void
stdio_ends_begin(stdio_ends *ends)
{
    ends->input_flags = set_nonblocking(ends->input_fd);
    ends->output_flags = set_nonblocking(ends->output_fd);
    stdio_ends_watch(ends, true);
}

void
stdio_ends_finish(stdio_ends *ends)
{
    stdio_ends_flush(ends);
    if (ends->input_flags >= 0) {
        (void)fcntl(ends->input_fd, F_SETFL, ends->input_flags);
    }
    if (ends->output_flags >= 0) {
        (void)fcntl(ends->output_fd, F_SETFL, ends->output_flags);
    }
    text_clear(&ends->output);
    (void)lines_end(&ends->input);
}
