/* Fetching where no server answers: which hosts are asked at all, which addresses are reached, and how often. */
#include "net/fetch.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "aip/limits.h"
#include "base/clock.h"
#include "check.h"

/* Nothing listens there. */
#define CLOSED_PORT ":1"

/* In place of the C library's, so that names lead where a test wants and each connect is seen. */
static atomic_int lookups, connects, connects_elsewhere;
static atomic_bool hanging;

static const struct {
    const char *name, *addresses[3];
} names[] = {
    {"private.test", {"10.0.0.1"}},
    {"metadata.test", {"169.254.169.254"}},
    {"loop.test", {"127.0.0.1"}},
    {"loop6.test", {"::1"}},
    {"mapped.test", {"::ffff:127.0.0.1"}},
    {"many.test", {"10.0.0.1", "fd00::1", "192.168.0.1"}},
    {"beside.test", {"10.0.0.1", "127.0.0.1", "192.168.0.1"}},
    {"families.test", {"fd00::1", "127.0.0.1"}},
    {"other.test", {"127.0.0.1"}},
};

typedef int lookup_function(const char *, const char *, const struct addrinfo *, struct addrinfo **);
typedef int connect_function(int, const struct sockaddr *, socklen_t);

static int
numeric(const char *address, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    lookup_function *real = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    struct addrinfo wanted = *hints;
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_flags = AI_NUMERICHOST;
    return real(address, service, &wanted, out);
}

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    *out = NULL;
    atomic_fetch_add(&lookups, 1);
    while (strcmp(name, "hang.test") == 0 && atomic_load(&hanging)) {
        usleep(1000);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct addrinfo **end = out;
        for (size_t j = 0; strcmp(name, names[i].name) == 0 && j < 3 && names[i].addresses[j] != NULL; j++) {
            if (numeric(names[i].addresses[j], service, hints, end) != 0) {
                return EAI_FAIL;
            }
            end = &(*end)->ai_next;
        }
    }
    return *out == NULL ? EAI_NONAME : 0;
}

int
connect(int fd, __CONST_SOCKADDR_ARG target, socklen_t size)
{
    const struct sockaddr *address = target.__sockaddr__;
    connect_function *real = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "connect");
    struct sockaddr_in ipv4 = {0};
    memcpy(&ipv4, address, size < sizeof ipv4 ? size : sizeof ipv4);
    bool loopback = ipv4.sin_family == AF_INET && ipv4.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
    atomic_fetch_add(loopback ? &connects : &connects_elsewhere, 1);
    return real(fd, address, size);
}

typedef struct {
    int epoll_fd;
    net_loop *loop;
    fetcher *fetcher;
} bench;

typedef struct {
    int ends, order;
    aip_status status;
    bool replied;
    aip_error err;
    bench *again; /* begins another fetch from its end */
} ending;

static int ends_so_far;

static void
on_end(void *context, aip_status status, const fetch_reply *reply, const aip_error *err)
{
    ending *e = context;
    e->ends++;
    e->order = ++ends_so_far;
    e->status = status;
    e->replied = reply != NULL;
    e->err = *err;
    if (e->again != NULL) {
        static ending nested;
        fetch *f = NULL;
        nested = (ending){0};
        CHECK_STATUS(fetch_begin(e->again->fetcher, "https://private.test/", on_end, &nested, &f, NULL), AIP_OK);
        CHECK(nested.ends == 0);
    }
}

static void
set_up(bench *b, fetch_rules rules)
{
    aip_error err = AIP_ERROR_INIT;
    b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK_STATUS(net_start_library(&err), AIP_OK);
    CHECK_STATUS(net_loop_open(b->epoll_fd, &b->loop, &err), AIP_OK);
    CHECK_STATUS(fetcher_open(b->loop, &rules, &b->fetcher, &err), AIP_OK);
    atomic_store(&hanging, true);
    atomic_store(&lookups, 0);
    atomic_store(&connects, 0);
    atomic_store(&connects_elsewhere, 0);
    ends_so_far = 0;
}

static void
tear_down(bench *b)
{
    fetcher_close(&b->fetcher);
    net_loop_close(&b->loop);
    close(b->epoll_fd);
    atomic_store(&hanging, false);
    usleep(20000); /* lookups that hung end now */
}

/* Runs the loop until `count` fetches have ended, or too long. */
static void
run_until(bench *b, int count, unsigned milliseconds)
{
    uint64_t deadline = clock_monotonic_microseconds() + (uint64_t)milliseconds * 1000;
    while (ends_so_far < count && clock_monotonic_microseconds() < deadline) {
        struct epoll_event events[16];
        int timeout = net_loop_timeout_ms(b->loop);
        int ready = epoll_wait(b->epoll_fd, events, 16, timeout < 0 || timeout > 10 ? 10 : timeout);
        for (int i = 0; i < ready; i++) {
            CHECK((events[i].data.u64 & 7) == NET_LOOP_EPOLL_TAG);
            net_loop_ready(b->loop, (int)(events[i].data.u64 >> 3), events[i].events);
        }
        net_loop_tick(b->loop);
    }
}

static aip_status
outcome_of(const char *url, fetch_rules rules)
{
    bench b;
    ending e = {0};
    fetch *f = NULL;
    set_up(&b, rules);
    CHECK_STATUS(fetch_begin(b.fetcher, url, on_end, &e, &f, NULL), AIP_OK);
    CHECK(f != NULL && e.ends == 0);
    run_until(&b, 1, 5000);
    CHECK(e.ends == 1);
    CHECK(!e.replied);
    CHECK_STATUS(e.err.status, e.status);
    tear_down(&b);
    CHECK(e.ends == 1);
    return e.status;
}

static void
check_refused_at_once(const char *const *urls)
{
    bench b;
    set_up(&b, (fetch_rules){0});
    for (; *urls != NULL; urls++) {
        aip_error err = AIP_ERROR_INIT;
        ending e = {0};
        fetch *f = NULL;
        if (fetch_begin(b.fetcher, *urls, on_end, &e, &f, &err) == AIP_OK) {
            printf("  taken: %s\n", *urls);
        }
        CHECK_STATUS(err.status, AIP_FETCH_ADDRESS);
        CHECK(f == NULL && e.ends == 0);
    }
    run_until(&b, 1, 30);
    CHECK(lookups == 0 && connects == 0 && connects_elsewhere == 0 && ends_so_far == 0);
    tear_down(&b);
}

static void
an_ip_literal_in_any_spelling_is_refused_before_any_lookup(void)
{
    static const char *const urls[] = {"https://127.0.0.1/",
                                       "https://8.8.8.8/did.json",
                                       "https://127.0.0.1:8443/",
                                       "https://127.0.0.1./",
                                       "https://127.1/",
                                       "https://127.0.1/",
                                       "https://2130706433/",
                                       "https://0x7f000001/",
                                       "https://0X7F000001/",
                                       "https://0x7f.1/",
                                       "https://0177.0.0.1/",
                                       "https://017700000001/",
                                       "https://0/",
                                       "https://0x/",
                                       "https://1.2.3.4.5/",
                                       "https://256.256.256.256/",
                                       "https://99999999999/",
                                       "https://example.0x7f/",
                                       "https://example.1/",
                                       "https://[::1]/",
                                       "https://[::ffff:7f00:1]/",
                                       "https://[fe80::1%25lo]/",
                                       "https://[2606:4700::1]/",
                                       "https://::1/",
                                       "https://127%2e0%2e0%2e1/",
                                       "https://%31%32%37.0.0.1/",
                                       "https://%5B::1%5D/",
                                       "https://0x7f000001:443/x?y",
                                       "https://%30x7f.1/",
                                       NULL};
    check_refused_at_once(urls);
}

static void
what_is_not_a_plain_https_url_is_refused(void)
{
    static const char *const urls[] = {"",
                                       "https:",
                                       "https://",
                                       "https:///did.json",
                                       "https:loop.test/",
                                       "https:/loop.test/",
                                       "http://loop.test/",
                                       "ftp://loop.test/",
                                       "file:///etc/passwd",
                                       "loop.test/did.json",
                                       "//loop.test/",
                                       " https://loop.test/",
                                       "https:// loop.test/",
                                       "https://loop.test/a b",
                                       "https://loop.test/\r\nHost: x",
                                       "https://loop.test/\x7f",
                                       "https://l\xc3\xb6op.test/",
                                       "https://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/",
                                       "https://127\xe3\x80\x82"
                                       "0.0.1/",
                                       "https://user@loop.test/",
                                       "https://user:word@loop.test/",
                                       "https://loop.test:x@loop.test/",
                                       "https://@loop.test/",
                                       "https://loop.test\\@other.test/",
                                       "https://loop.test/#part",
                                       "https://lo%6Fp.test/",
                                       "https://loop.test./",
                                       "https://.loop.test/",
                                       "https://loop..test/",
                                       "https://loop,test/",
                                       "https://loop*test/",
                                       "https://loop.test:99999/",
                                       "https://loop.test:80a/",
                                       "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test/",
                                       NULL};
    check_refused_at_once(urls);
    static char url[4096] = "https://loop.test/";
    memset(url + 18, 'a', 3000);
    check_refused_at_once((const char *const[]){url, NULL});
}

static void
names_are_looked_up(void)
{
    static const char *const urls[] = {"https://missing.test/",
                                       "HTTPS://Missing.Test/x?y=z",
                                       "https://missing.test:8443",
                                       "https://xn--lop-tna.test/",
                                       "https://1.2.3.4.test/",
                                       "https://0x7f.test.a1/",
                                       "https://0xfg/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        CHECK_STATUS(outcome_of(urls[i], (fetch_rules){0}), AIP_FETCH_UNREACHABLE);
        CHECK(lookups == 1);
    }
}

static void
a_name_that_leads_to_closed_addresses_is_never_connected_to(void)
{
    static const char *const urls[] = {"https://private.test/", "https://metadata.test/",      "https://loop.test/",
                                       "https://loop6.test/",   "https://mapped.test/",        "https://many.test/",
                                       "https://localhost/",    "https://anything.localhost/", "https://beside.test/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        CHECK_STATUS(outcome_of(urls[i], (fetch_rules){0}), AIP_FETCH_ADDRESS);
        CHECK(connects == 0 && connects_elsewhere == 0);
    }
}

static void
an_allowed_address_is_reached_beside_refused_ones(void)
{
    address_range loopback;
    CHECK_STATUS(address_range_parse("127.0.0.1", &loopback, NULL), AIP_OK);
    fetch_rules rules = {.allowed = &loopback, .allowed_count = 1};
    CHECK_STATUS(outcome_of("https://beside.test" CLOSED_PORT "/", rules), AIP_FETCH_UNREACHABLE);
    CHECK(connects == 1 && connects_elsewhere == 0);
    CHECK_STATUS(outcome_of("https://loop.test" CLOSED_PORT "/", rules), AIP_FETCH_UNREACHABLE);
    CHECK(connects == 1 && connects_elsewhere == 0);
    CHECK_STATUS(outcome_of("https://families.test" CLOSED_PORT "/", rules), AIP_FETCH_UNREACHABLE);
    CHECK(connects == 1 && connects_elsewhere == 0);
    CHECK_STATUS(outcome_of("https://many.test" CLOSED_PORT "/", rules), AIP_FETCH_ADDRESS);
    CHECK(connects == 0 && connects_elsewhere == 0);
}

static void
proxies_of_the_environment_are_not_asked(void)
{
    address_range loopback;
    CHECK_STATUS(address_range_parse("127.0.0.1", &loopback, NULL), AIP_OK);
    fetch_rules rules = {.allowed = &loopback, .allowed_count = 1};
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    CHECK_STATUS(outcome_of("https://private.test/", rules), AIP_FETCH_ADDRESS);
    CHECK(connects == 0 && connects_elsewhere == 0 && lookups == 1);
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
}

static void
a_lookup_that_hangs_ends_in_time_and_holds_up_nobody(void)
{
    uint64_t before = clock_monotonic_microseconds();
    CHECK_STATUS(outcome_of("https://hang.test/", (fetch_rules){.timeout_ms = 200}), AIP_FETCH_TIMEOUT);
    uint64_t spent = clock_monotonic_microseconds() - before;
    CHECK(spent >= 190000 && spent < 2000000);
}

static void
each_fetch_looks_the_name_up_anew(void)
{
    bench b;
    ending e = {0};
    fetch *f = NULL;
    set_up(&b, (fetch_rules){0});
    for (int i = 1; i <= 3; i++) {
        CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test/", on_end, &e, &f, NULL), AIP_OK);
        run_until(&b, i, 5000);
        CHECK(e.ends == i && lookups == i);
    }
    tear_down(&b);
}

static void
others_wait_in_line_and_go_in_order(void)
{
    bench b;
    ending e[4] = {0};
    fetch *f = NULL;
    set_up(&b, (fetch_rules){.parallel_max = 1, .timeout_ms = 150});
    CHECK_STATUS(fetch_begin(b.fetcher, "https://hang.test/", on_end, &e[0], &f, NULL), AIP_OK);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test/", on_end, &e[1], &f, NULL), AIP_OK);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://hang.test/", on_end, &e[2], &f, NULL), AIP_OK);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://missing.test/", on_end, &e[3], &f, NULL), AIP_OK);
    run_until(&b, 1, 60);
    CHECK(ends_so_far == 0 && lookups == 1);
    run_until(&b, 4, 5000);
    for (int i = 0; i < 4; i++) {
        CHECK(e[i].ends == 1 && e[i].order == i + 1);
    }
    CHECK_STATUS(e[0].status, AIP_FETCH_TIMEOUT);
    CHECK_STATUS(e[1].status, AIP_FETCH_ADDRESS);
    CHECK_STATUS(e[2].status, AIP_FETCH_TIMEOUT); /* its time counted from its start */
    CHECK_STATUS(e[3].status, AIP_FETCH_UNREACHABLE);
    tear_down(&b);
}

static void
as_many_as_may_run_at_once(void)
{
    bench b;
    ending e = {0};
    fetch *f = NULL;
    set_up(&b, (fetch_rules){.parallel_max = 3, .timeout_ms = 2000});
    for (int i = 0; i < 5; i++) {
        CHECK_STATUS(fetch_begin(b.fetcher, "https://hang.test/", on_end, &e, &f, NULL), AIP_OK);
    }
    run_until(&b, 1, 60);
    CHECK(ends_so_far == 0 && lookups == 3);
    tear_down(&b);
    CHECK(e.ends == 0);
}

static void
a_full_line_refuses(void)
{
    bench b;
    ending e = {0};
    fetch *f = NULL;
    aip_error err = AIP_ERROR_INIT;
    set_up(&b, (fetch_rules){.parallel_max = 1, .per_host_per_minute = 100000});
    for (int i = 0; i < 1 + AIP_FETCH_WAITING_MAX; i++) {
        CHECK_STATUS(fetch_begin(b.fetcher, "https://hang.test/", on_end, &e, &f, NULL), AIP_OK);
    }
    fetch *last = f;
    CHECK_STATUS(fetch_begin(b.fetcher, "https://other.test/", on_end, &e, &f, &err), AIP_FETCH_BUSY);
    CHECK(f == NULL && err.status == AIP_FETCH_BUSY);
    fetch_cancel(&last);
    CHECK(last == NULL);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://other.test/", on_end, &e, &f, &err), AIP_OK);
    tear_down(&b);
    CHECK(e.ends == 0);
}

static void
a_cancelled_fetch_has_no_end_and_makes_room(void)
{
    bench b;
    ending e[3] = {0};
    fetch *running = NULL, *waiting = NULL, *next = NULL, *none = NULL;
    set_up(&b, (fetch_rules){.parallel_max = 1, .timeout_ms = 3000});
    CHECK_STATUS(fetch_begin(b.fetcher, "https://hang.test/", on_end, &e[0], &running, NULL), AIP_OK);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test/", on_end, &e[1], &waiting, NULL), AIP_OK);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test/", on_end, &e[2], &next, NULL), AIP_OK);
    run_until(&b, 1, 30);
    fetch_cancel(&waiting);
    fetch_cancel(&running);
    fetch_cancel(&none);
    CHECK(waiting == NULL && running == NULL);
    run_until(&b, 1, 2000);
    CHECK(e[0].ends == 0 && e[1].ends == 0 && e[2].ends == 1);
    CHECK_STATUS(e[2].status, AIP_FETCH_ADDRESS);
    tear_down(&b);
}

static void
an_end_may_begin_another_fetch(void)
{
    bench b;
    ending e = {0};
    fetch *f = NULL;
    set_up(&b, (fetch_rules){.parallel_max = 1});
    e.again = &b;
    CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test/", on_end, &e, &f, NULL), AIP_OK);
    run_until(&b, 2, 5000);
    CHECK(e.ends == 1 && ends_so_far == 2 && lookups == 2);
    tear_down(&b);
}

static void
a_host_is_not_asked_more_often_than_it_may_be(void)
{
    bench b;
    ending e = {0};
    fetch *f = NULL;
    set_up(&b, (fetch_rules){.per_host_per_minute = 2});
    CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test/", on_end, &e, &f, NULL), AIP_OK);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://PRIVATE.test:444/x", on_end, &e, &f, NULL), AIP_OK);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test/y", on_end, &e, &f, NULL), AIP_FETCH_BUSY);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://other.test/", on_end, &e, &f, NULL), AIP_OK);
    run_until(&b, 3, 5000);
    CHECK(e.ends == 3);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test/", on_end, &e, &f, NULL), AIP_FETCH_BUSY);
    tear_down(&b);
}

static void
no_rate_holds_for_a_host_that_the_operator_named(void)
{
    static const char *const configured[] = {"https://private.test"};
    bench b;
    ending e = {0};
    fetch *f = NULL;
    set_up(&b, (fetch_rules){.per_host_per_minute = 1, .configured = configured, .configured_count = 1});
    for (int i = 0; i < 4; i++) {
        CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test/x", on_end, &e, &f, NULL), AIP_OK);
    }
    CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test:444/x", on_end, &e, &f, NULL), AIP_OK);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test.other.test/", on_end, &e, &f, NULL), AIP_OK);
    CHECK_STATUS(fetch_begin(b.fetcher, "https://private.test:444/x", on_end, &e, &f, NULL), AIP_FETCH_BUSY);
    run_until(&b, 6, 5000);
    tear_down(&b);
}

static void
a_file_of_certificates_that_is_not_there_is_refused(void)
{
    bench b = {0};
    aip_error err = AIP_ERROR_INIT;
    fetch_rules rules = {.ca_file = "/nonexistent/ca.pem"};
    CHECK_STATUS(net_loop_open(-1, &b.loop, &err), AIP_OK);
    CHECK_STATUS(fetcher_open(b.loop, &rules, &b.fetcher, &err), AIP_CONFIG_INVALID);
    CHECK(b.fetcher == NULL);
    net_loop_close(&b.loop);
}

RUN(TEST(an_ip_literal_in_any_spelling_is_refused_before_any_lookup), TEST(what_is_not_a_plain_https_url_is_refused),
    TEST(names_are_looked_up), TEST(a_name_that_leads_to_closed_addresses_is_never_connected_to),
    TEST(an_allowed_address_is_reached_beside_refused_ones), TEST(proxies_of_the_environment_are_not_asked),
    TEST(a_lookup_that_hangs_ends_in_time_and_holds_up_nobody), TEST(each_fetch_looks_the_name_up_anew),
    TEST(others_wait_in_line_and_go_in_order), TEST(as_many_as_may_run_at_once), TEST(a_full_line_refuses),
    TEST(a_cancelled_fetch_has_no_end_and_makes_room), TEST(an_end_may_begin_another_fetch),
    TEST(a_host_is_not_asked_more_often_than_it_may_be), TEST(no_rate_holds_for_a_host_that_the_operator_named),
    TEST(a_file_of_certificates_that_is_not_there_is_refused))
