/* The two ends of a local client: pipes, files, ends, and whoever does not read. */
#include "gateway/stdio_ends.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "check.h"

static int in[2], out[2], epoll_fd;
static stdio_ends ends;

static void
begin(void)
{
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ends = (stdio_ends){.epoll_fd = epoll_fd,
                        .input_fd = in[0],
                        .output_fd = out[1],
                        .input_data = 1,
                        .output_data = 2,
                        .input = {.bytes_max = 16}};
    stdio_ends_begin(&ends);
}

static void
end(void)
{
    const int all[] = {in[0], in[1], out[0], out[1], epoll_fd};
    stdio_ends_finish(&ends);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] >= 0) {
            close(all[i]);
        }
    }
}

static void
put(const char *text)
{
    CHECK(write(in[1], text, strlen(text)) == (ssize_t)strlen(text));
    stdio_ends_read(&ends);
}

static const char *
next(void)
{
    static char text[64];
    aip_bytes line;
    lines_found found = lines_next(&ends.input, &line);
    snprintf(text, sizeof text, "%s%.*s",
             found == LINES_MORE   ? ""
             : found == LINES_LONG ? ">"
                                   : "=",
             found == LINES_MORE ? 0 : (int)line.size, found == LINES_MORE ? "" : (const char *)line.data);
    return text;
}

static uint64_t
waits(void)
{
    struct epoll_event events[4];
    int count = epoll_wait(epoll_fd, events, 4, 0);
    return count == 1 ? events[0].data.u64 : (uint64_t)count << 8;
}

static void
lines_come_and_are_waited_for_only_while_they_are_wanted(void)
{
    begin();
    CHECK(waits() == 0);
    CHECK(write(in[1], "a\n", 2) == 2);
    CHECK(waits() == 1);
    stdio_ends_watch(&ends, false);
    CHECK(waits() == 0);
    stdio_ends_watch(&ends, true);
    CHECK(waits() == 1);
    stdio_ends_read(&ends);
    CHECK_TEXT(next(), "=a");
    put("b");
    CHECK_TEXT(next(), "");
    put("c\n0123456789abcdefg\n");
    CHECK_TEXT(next(), "=bc");
    CHECK_TEXT(next(), ">0123456789abcdef");
    CHECK_TEXT(next(), "");
    end();
}

static void
a_last_line_without_its_end_counts(void)
{
    begin();
    put("half");
    CHECK_TEXT(next(), "");
    CHECK(!ends.closed);
    close(in[1]);
    in[1] = -1;
    stdio_ends_read(&ends);
    CHECK(ends.closed && !ends.broken);
    CHECK_TEXT(next(), "=half");
    CHECK_TEXT(next(), "");
    CHECK(waits() == 0);
    end();
}

static void
a_file_is_read_without_being_waited_for(void)
{
    char path[] = "/tmp/stdio_ends.XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0 && unlink(path) == 0 && write(file, "x\ny", 3) == 3 && lseek(file, 0, SEEK_SET) == 0);
    begin();
    stdio_ends_watch(&ends, false);
    ends.input_fd = file;
    stdio_ends_watch(&ends, true);
    CHECK(ends.is_file && !ends.closed);
    stdio_ends_read(&ends);
    stdio_ends_read(&ends);
    CHECK_TEXT(next(), "=x");
    CHECK_TEXT(next(), "=y");
    CHECK(ends.closed);
    end();
    close(file);
}

static void
an_end_that_cannot_be_read_is_closed(void)
{
    begin();
    stdio_ends_watch(&ends, false);
    ends.input_fd = -1;
    stdio_ends_watch(&ends, true);
    CHECK(ends.closed && !ends.is_file);
    end();
}

static void
lines_are_kept_for_a_client_that_does_not_read(void)
{
    static char large[200000], got[200001];
    size_t size = 0;
    memset(large, 'z', sizeof large);
    begin();
    stdio_ends_write(&ends, AIP_BYTES_LITERAL("first"));
    CHECK(stdio_ends_unsent(&ends) == 0);
    stdio_ends_write(&ends, (aip_bytes){(unsigned char *)large, sizeof large});
    CHECK(stdio_ends_unsent(&ends) > 0);
    CHECK(waits() == 0); /* the pipe is full */
    while (size < sizeof large + 7) {
        ssize_t got_now = read(out[0], got + (size % 100000), 65536);
        CHECK(got_now > 0);
        size += got_now > 0 ? (size_t)got_now : sizeof large;
        CHECK(stdio_ends_unsent(&ends) == 0 || waits() == 2);
        stdio_ends_flush(&ends);
    }
    CHECK(size == sizeof large + 7 && stdio_ends_unsent(&ends) == 0 && waits() == 0);
    end();
}

static void
nobody_who_reads_is_told_once(void)
{
    signal(SIGPIPE, SIG_IGN);
    begin();
    close(out[0]);
    out[0] = -1;
    stdio_ends_write(&ends, AIP_BYTES_LITERAL("a"));
    CHECK(ends.broken && stdio_ends_unsent(&ends) == 0);
    stdio_ends_write(&ends, AIP_BYTES_LITERAL("b"));
    CHECK(stdio_ends_unsent(&ends) == 0);
    end();
}

static void
the_descriptors_are_left_as_they_were(void)
{
    begin();
    CHECK((fcntl(in[0], F_GETFL) & O_NONBLOCK) != 0 && (fcntl(out[1], F_GETFL) & O_NONBLOCK) != 0);
    stdio_ends_finish(&ends);
    CHECK((fcntl(in[0], F_GETFL) & O_NONBLOCK) == 0 && (fcntl(out[1], F_GETFL) & O_NONBLOCK) == 0);
    end();
}

RUN(TEST(lines_come_and_are_waited_for_only_while_they_are_wanted), TEST(a_last_line_without_its_end_counts),
    TEST(a_file_is_read_without_being_waited_for), TEST(an_end_that_cannot_be_read_is_closed),
    TEST(lines_are_kept_for_a_client_that_does_not_read), TEST(nobody_who_reads_is_told_once),
    TEST(the_descriptors_are_left_as_they_were))
