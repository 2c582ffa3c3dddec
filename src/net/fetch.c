/* Fetches documents over HTTPS, some at once and the others in line, and ends each at the first thing that is wrong. */
#include "net/fetch.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aip/limits.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/field.h"
#include "net/host_rate.h"
#include "net/loop_inside.h"

enum {
    HEADER_BYTES_MAX = 32 * 1024, /* of all headers of a reply, interim ones and trailers as well */
    PACKED_FACTOR = 2,            /* bytes received for bytes_max of content: packing never doubles it */
};

struct fetch {
    net_transfer transfer; /* first */
    fetcher *owner;
    fetch_end end;
    void *context;
    bool running;
    fetch *next, *previous;
    struct curl_slist *fields;
    text_buffer body;
    field_facts facts;
    size_t header_bytes;
    bool header_complete;
    int http;
    aip_status refusal; /* why it was stopped from here */
    bool address_refused, address_opened;
};

typedef struct {
    fetch *first, *last;
    size_t count;
} fetch_list;

struct fetcher {
    net_loop *loop;
    fetch_rules rules;
    address_range *allowed;
    fetch_list running, waiting;
    host_rate rate;
};

static void
list_append(fetch_list *list, fetch *which)
{
    which->next = NULL;
    which->previous = list->last;
    *(list->last == NULL ? &list->first : &list->last->next) = which;
    list->last = which;
    list->count++;
}

static void
list_remove(fetch_list *list, fetch *which)
{
    *(which->previous == NULL ? &list->first : &which->previous->next) = which->next;
    *(which->next == NULL ? &list->last : &which->next->previous) = which->previous;
    list->count--;
}

/* Here the address is the one that connect() gets next, so nothing can change between check and use. */
static curl_socket_t
on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    fetch *f = context;
    const fetcher *owner = f->owner;
    if (purpose != CURLSOCKTYPE_IPCXN ||
        address_check(&address->addr, address->addrlen, owner->allowed, owner->rules.allowed_count, NULL) != AIP_OK) {
        f->address_refused = true;
        return CURL_SOCKET_BAD;
    }
    f->address_opened = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Stops the transfer: a callback that takes 0 bytes of some fails it. */
static size_t
refuse(fetch *f, aip_status why)
{
    f->refusal = why;
    return 0;
}

static size_t
finish_header(fetch *f, size_t size)
{
    long http = 0;
    curl_easy_getinfo(f->transfer.easy, CURLINFO_RESPONSE_CODE, &http);
    if (http < 200) {
        return size;
    }
    f->header_complete = true;
    f->http = (int)http;
    if (http == 404 || http == 410) {
        return refuse(f, AIP_DID_NOT_FOUND); /* what such a page says matters to nobody */
    }
    if (http != 200) {
        return refuse(f, http >= 300 && http < 400 ? AIP_FETCH_REDIRECT : AIP_FETCH_STATUS);
    }
    if (!f->facts.framed) {
        return refuse(f, AIP_FETCH_STATUS); /* ended by its connection, it could be cut by anybody on the way */
    }
    return field_coding_is_known(&f->facts) ? size : refuse(f, AIP_FETCH_CODING);
}

static size_t
on_header(char *line, size_t unit, size_t count, void *context)
{
    fetch *f = context;
    size_t size = unit * count;
    aip_bytes text = {(const unsigned char *)line, size}, name, value;
    if (size > HEADER_BYTES_MAX - f->header_bytes) {
        return refuse(f, AIP_FETCH_SIZE);
    }
    f->header_bytes += size;
    if (f->header_complete) {
        return size; /* trailers: nobody reads them */
    }
    if (size > 0 && (line[0] == '\r' || line[0] == '\n')) {
        return finish_header(f, size);
    }
    if (aip_bytes_begin_with(text, AIP_BYTES_LITERAL("HTTP/"))) {
        f->facts = (field_facts){0}; /* what an interim reply said does not count */
    } else if (field_split(text, &name, &value)) {
        field_note(&f->facts, name, value);
    }
    return size;
}

static size_t
on_data(char *data, size_t unit, size_t count, void *context)
{
    fetch *f = context;
    size_t size = unit * count;
    if (size > f->owner->rules.bytes_max - f->body.size) {
        return refuse(f, AIP_FETCH_SIZE);
    }
    text_append(&f->body, (aip_bytes){(const unsigned char *)data, size});
    return f->body.failed ? refuse(f, AIP_NO_MEMORY) : size;
}

/* Counts what comes in before it is unpacked: packed nothing is endless. */
static int
on_progress(void *context, curl_off_t total, curl_off_t received, curl_off_t to_send, curl_off_t sent)
{
    fetch *f = context;
    (void)total;
    (void)to_send;
    (void)sent;
    if ((uint64_t)received <= (uint64_t)f->owner->rules.bytes_max * PACKED_FACTOR) {
        return 0;
    }
    (void)refuse(f, AIP_FETCH_SIZE);
    return 1;
}

/* A rule that libcurl did not take, for want of memory or of a feature, must not be missing silently. */
#define SET(option, value) (failed |= curl_easy_setopt(easy, CURLOPT_##option, value) != CURLE_OK)

static bool
set_transport(CURL *easy, const fetcher *owner)
{
    bool failed = false;
    const fetch_rules *rules = &owner->rules;
    SET(NOSIGNAL, 1L);
    SET(PROTOCOLS_STR, "https");
    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(SSL_VERIFYPEER, 1L);
    SET(SSL_VERIFYHOST, 2L);
    if (rules->ca_file != NULL) {
        SET(CAINFO, rules->ca_file);
        SET(CAPATH, NULL);
    }
    SET(PROXY, "");
    SET(NETRC, (long)CURL_NETRC_IGNORED);
    SET(FOLLOWLOCATION, 0L);
    SET(TIMEOUT_MS, (long)rules->timeout_ms);
    /* Each fetch looks the name up and has its address checked anew. */
    SET(DNS_CACHE_TIMEOUT, 0L);
    SET(FRESH_CONNECT, 1L);
    SET(FORBID_REUSE, 1L);
    /* A lookup that hangs is left to its thread instead of holding up the loop until it ends. */
    SET(QUICK_EXIT, 1L);
    return !failed;
}

static bool
set_request(fetch *f, const char *url)
{
    bool failed = false;
    CURL *easy = f->transfer.easy;
    f->fields = curl_slist_append(NULL, "Accept: application/did+json, application/json;q=0.9, */*;q=0.1");
    SET(URL, url);
    SET(HTTPGET, 1L);
    SET(HTTPHEADER, f->fields);
    SET(USERAGENT, "aip");
    SET(ACCEPT_ENCODING, "gzip, deflate");
    SET(OPENSOCKETFUNCTION, on_open_socket);
    SET(OPENSOCKETDATA, f);
    SET(HEADERFUNCTION, on_header);
    SET(HEADERDATA, f);
    SET(WRITEFUNCTION, on_data);
    SET(WRITEDATA, f);
    SET(XFERINFOFUNCTION, on_progress);
    SET(XFERINFODATA, f);
    SET(NOPROGRESS, 0L);
    return !failed && f->fields != NULL;
}

static void
fetch_free(fetch *f)
{
    curl_easy_cleanup(f->transfer.easy);
    curl_slist_free_all(f->fields);
    text_clear(&f->body);
    free(f);
}

static bool
was_asked(const fetch *f)
{
    curl_off_t microseconds = 0;
    curl_easy_getinfo(f->transfer.easy, CURLINFO_PRETRANSFER_TIME_T, &microseconds);
    return microseconds > 0;
}

static aip_status
outcome(const fetch *f, CURLcode code)
{
    if (f->refusal != AIP_OK) {
        return f->refusal;
    }
    switch ((int)code) {
    case CURLE_OK:
        return f->header_complete ? AIP_OK : AIP_FETCH_STATUS;
    case CURLE_OUT_OF_MEMORY: /* also what libcurl 7.88 says of a header line above 100 KB */
        return was_asked(f) ? AIP_FETCH_SIZE : AIP_NO_MEMORY;
    case CURLE_COULDNT_CONNECT:
        return f->address_refused && !f->address_opened ? AIP_FETCH_ADDRESS : AIP_FETCH_UNREACHABLE;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 */
        return AIP_FETCH_STATUS;
    default:
        return net_outcome(code);
    }
}

/* One that cannot start for want of memory stays first in line: it is tried again when the next one begins or ends. */
static void
start_waiting(fetcher *f)
{
    while (f->waiting.first != NULL && f->running.count < f->rules.parallel_max) {
        fetch *next = f->waiting.first;
        if (net_loop_add(f->loop, &next->transfer) != AIP_OK) {
            return;
        }
        list_remove(&f->waiting, next);
        list_append(&f->running, next);
        next->running = true;
    }
}

static void
leave(fetch *which)
{
    fetcher *owner = which->owner;
    if (which->running) {
        net_loop_remove(owner->loop, &which->transfer);
    }
    list_remove(which->running ? &owner->running : &owner->waiting, which);
}

static void
on_done(net_transfer *transfer, CURLcode code)
{
    fetch *f = (fetch *)transfer;
    aip_error err = AIP_ERROR_INIT;
    aip_status status = outcome(f, code);
    const fetch_reply reply = {f->http, text_view(&f->body), field_max_age(&f->facts)};
    bool answered = status == AIP_OK || status == AIP_DID_NOT_FOUND;
    if (status == AIP_FETCH_STATUS && f->http == 200) {
        (void)!aip_fail(&err, status, "the reply does not say how long it is");
    } else if (status == AIP_FETCH_STATUS && f->http != 0) {
        (void)!aip_fail(&err, status, "HTTP status %d", f->http);
    } else if (status != AIP_OK) {
        (void)!aip_fail(&err, status, NULL);
    }
    leave(f);
    start_waiting(f->owner); /* who waits goes before what `end` begins */
    f->end(f->context, status, answered ? &reply : NULL, &err);
    fetch_free(f);
}

/* Strangers could use up the rate of a host that everybody depends on. */
static bool
is_configured(const fetch_rules *rules, const char *url)
{
    for (size_t i = 0; i < rules->configured_count; i++) {
        size_t size = strlen(rules->configured[i]);
        if (strncmp(url, rules->configured[i], size) == 0 && url[size] == '/') {
            return true;
        }
    }
    return false;
}

aip_status
fetch_begin(fetcher *f, const char *url, fetch_end end, void *context, fetch **out, aip_error *err)
{
    char host[HTTPS_HOST_BYTES];
    *out = NULL;
    AIP_TRY(https_host(url, host, err));
    if (f->waiting.count >= AIP_FETCH_WAITING_MAX) {
        return aip_fail(err, AIP_FETCH_BUSY, NULL);
    }
    fetch *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *made = (fetch){.transfer = {net_easy_new(), on_done}, .owner = f, .end = end, .context = context};
    aip_status status = AIP_OK;
    if (made->transfer.easy == NULL || !set_transport(made->transfer.easy, f) || !set_request(made, url)) {
        status = aip_fail(err, AIP_NO_MEMORY, NULL);
    } else if (!is_configured(&f->rules, url)) {
        status = host_rate_take(&f->rate, host, clock_monotonic_microseconds(), err);
    }
    if (status != AIP_OK) {
        fetch_free(made);
        return status;
    }
    list_append(&f->waiting, made);
    start_waiting(f);
    *out = made;
    return AIP_OK;
}

void
fetch_cancel(fetch **which)
{
    if (*which != NULL) {
        fetcher *owner = (*which)->owner;
        leave(*which);
        fetch_free(*which);
        *which = NULL;
        start_waiting(owner);
    }
}

static void
set_defaults(fetch_rules *rules)
{
    rules->bytes_max = rules->bytes_max != 0 ? rules->bytes_max : AIP_DOCUMENT_BYTES_MAX;
    rules->timeout_ms = rules->timeout_ms != 0 ? rules->timeout_ms : AIP_FETCH_MILLISECONDS;
    rules->parallel_max = rules->parallel_max != 0 ? rules->parallel_max : AIP_FETCH_PARALLEL_MAX;
    rules->per_host_per_minute =
        rules->per_host_per_minute != 0 ? rules->per_host_per_minute : AIP_FETCH_PER_HOST_PER_MINUTE;
}

aip_status
fetcher_open(net_loop *loop, const fetch_rules *rules, fetcher **out, aip_error *err)
{
    fetcher *f = calloc(1, sizeof *f);
    *out = NULL;
    if (f == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (rules->ca_file != NULL && access(rules->ca_file, R_OK) != 0) {
        free(f);
        return aip_fail(err, AIP_CONFIG_INVALID, "%s, the file of certificates, cannot be read", rules->ca_file);
    }
    f->loop = loop;
    f->rules = *rules;
    set_defaults(&f->rules);
    host_rate_init(&f->rate, f->rules.per_host_per_minute);
    if (rules->allowed_count > 0) {
        f->allowed = calloc(rules->allowed_count, sizeof *f->allowed);
        if (f->allowed == NULL) {
            fetcher_close(&f);
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        memcpy(f->allowed, rules->allowed, rules->allowed_count * sizeof *f->allowed);
    }
    f->rules.allowed = f->allowed;
    *out = f;
    return AIP_OK;
}

static void
drop_all(fetch_list *list)
{
    while (list->first != NULL) {
        fetch *f = list->first;
        leave(f);
        fetch_free(f);
    }
}

void
fetcher_close(fetcher **f)
{
    if (*f != NULL) {
        drop_all(&(*f)->waiting);
        drop_all(&(*f)->running);
        free((*f)->allowed);
        free(*f);
        *f = NULL;
    }
}
