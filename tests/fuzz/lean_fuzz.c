/* Replies of a plain HTTP server from arbitrary bytes: however they are cut into pieces, they are read alike. The first
 * byte is the size of the pieces. */
#include <stdlib.h>

#include "base/text.h"
#include "net/lean_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    text_buffer body;
    int http;
    size_t headers;
} seen;

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void
on_header(void *context, aip_bytes name, aip_bytes value)
{
    seen *s = context;
    require(name.size > 0 && memchr(name.data, '\0', name.size) == NULL);
    require(value.size == 0 ||
            (memchr(value.data, '\n', value.size) == NULL && memchr(value.data, '\r', value.size) == NULL &&
             memchr(value.data, '\0', value.size) == NULL));
    s->headers++;
}

static upstream_verdict
on_start(void *context, int http)
{
    seen *s = context;
    require(s->http == 0 && http >= 200 && http <= 599);
    s->http = http;
    return UPSTREAM_TAKEN;
}

static upstream_verdict
on_data(void *context, aip_bytes bytes)
{
    seen *s = context;
    require(s->http != 0 && bytes.size > 0);
    text_append(&s->body, bytes);
    return UPSTREAM_TAKEN;
}

static lean_progress
read_in_pieces(aip_bytes text, size_t piece, seen *s, size_t *used)
{
    static const upstream_events events = {on_header, on_start, on_data, NULL};
    lean_reply reply = {.events = &events, .context = s};
    lean_progress progress = LEAN_MORE;
    size_t offered = 0;
    *used = 0;
    while (progress == LEAN_MORE && offered < text.size) {
        size_t taken = 0;
        offered = text.size - offered > piece ? offered + piece : text.size;
        progress = lean_reply_take(&reply, (aip_bytes){text.data + *used, offered - *used}, &taken);
        require(taken <= offered - *used);
        *used += taken;
    }
    return progress == LEAN_MORE ? lean_reply_end(&reply) : progress;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    seen whole = {.http = 0}, cut = {.http = 0};
    size_t whole_used, cut_used;
    const aip_bytes text = {data + 1, size - 1};
    lean_progress a = read_in_pieces(text, text.size, &whole, &whole_used);
    lean_progress b = read_in_pieces(text, (size_t)data[0] % 64 + 1, &cut, &cut_used);
    require(a == b && whole.http == cut.http && whole.headers == cut.headers);
    require(a != LEAN_WHOLE || whole_used == cut_used);
    require(aip_bytes_equal(text_view(&whole.body), text_view(&cut.body)));
    text_clear(&whole.body);
    text_clear(&cut.body);
    return 0;
}
