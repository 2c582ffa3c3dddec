/* Shares of callers, and tokens that fail. */
#include "gateway/limits.h"

#include "check.h"

#define MINUTE UINT64_C(60000000)

static void
so_many_are_under_way_and_no_more(void)
{
    caller_limits *l = NULL;
    uint32_t places[4] = {0};
    limits_name name = limits_name_address("192.0.2.1"), other = limits_name_address("192.0.2.2");
    CHECK_STATUS(limits_new(100, &l, NULL), AIP_OK);
    for (int i = 0; i < 3; i++) {
        CHECK(limits_enter(l, LIMITS_REQUESTS, &name, 3, &places[i]));
    }
    CHECK(!limits_enter(l, LIMITS_REQUESTS, &name, 3, &places[3]) && places[3] == 0);
    limits_leave(l, &places[3]); /* nothing was taken, so nothing is given back */
    CHECK(!limits_enter(l, LIMITS_REQUESTS, &name, 3, &places[3]));
    uint32_t place = 0, connection = 0;
    CHECK(limits_enter(l, LIMITS_REQUESTS, &other, 3, &place));
    CHECK(limits_enter(l, LIMITS_CONNECTIONS, &name, 3, &connection)); /* counted apart */
    limits_leave(l, &places[0]);
    CHECK(places[0] == 0);
    CHECK(limits_enter(l, LIMITS_REQUESTS, &name, 3, &places[3]));
    CHECK(!limits_enter(l, LIMITS_REQUESTS, &name, 3, &places[0]));
    CHECK(!limits_enter(l, LIMITS_ROOT, &name, 0, &places[0]));
    limits_free(&l);
    CHECK(l == NULL);
}

static void
a_full_table_lets_nobody_in_until_somebody_leaves(void)
{
    caller_limits *l = NULL;
    uint32_t places[3] = {0};
    char text[16];
    CHECK_STATUS(limits_new(2, &l, NULL), AIP_OK);
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "192.0.2.%d", i);
        limits_name name = limits_name_address(text);
        CHECK(limits_enter(l, LIMITS_REQUESTS, &name, 5, &places[i]) == (i < 2));
    }
    limits_leave(l, &places[0]);
    limits_name last = limits_name_address("192.0.2.2");
    CHECK(limits_enter(l, LIMITS_REQUESTS, &last, 5, &places[2]));
    limits_free(&l);
}

/* Many names come and go in an order that is not theirs. */
static void
shares_are_counted_right_when_many_come_and_go(void)
{
    enum { NAMES = 500, ROUNDS = 20000 };
    static uint32_t places[NAMES];
    static bool inside[NAMES];
    caller_limits *l = NULL;
    uint32_t seed = 1;
    CHECK_STATUS(limits_new(NAMES, &l, NULL), AIP_OK);
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t at = (seed >> 16) % NAMES;
        char text[16];
        snprintf(text, sizeof text, "10.0.%zu.%zu", at / 250, at % 250);
        limits_name name = limits_name_address(text);
        uint32_t second = 0;
        if (inside[at]) {
            CHECK(!limits_enter(l, LIMITS_REQUESTS, &name, 1, &second));
            limits_leave(l, &places[at]);
        } else {
            CHECK(limits_enter(l, LIMITS_REQUESTS, &name, 1, &places[at]));
        }
        inside[at] = !inside[at];
    }
    limits_free(&l);
}

static void
an_ipv6_caller_is_its_network_and_a_mapped_one_is_ipv4(void)
{
    limits_name a = limits_name_address("2001:db8:1:2:3::4"), b = limits_name_address("2001:db8:1:2:ffff::1"),
                c = limits_name_address("2001:db8:1:3::4"), d = limits_name_address("::ffff:192.0.2.1"),
                e = limits_name_address("192.0.2.1"), none = limits_name_address("unknown");
    CHECK(memcmp(&a, &b, sizeof a) == 0);
    CHECK(memcmp(&a, &c, sizeof a) != 0);
    CHECK(memcmp(&d, &e, sizeof d) == 0);
    CHECK(memcmp(&none, &e, sizeof e) != 0 && none.bytes[0] == 0);
}

static void
failures_are_used_up_and_come_back_evenly(void)
{
    caller_limits *l = NULL;
    limits_name name = limits_name_address("192.0.2.1"), other = limits_name_address("192.0.2.2");
    uint64_t now = 1000;
    CHECK_STATUS(limits_new(10, &l, NULL), AIP_OK);
    for (int i = 0; i < 6; i++) {
        CHECK(limits_may_fail(l, &name, 6, now));
        limits_note_failure(l, &name, 6, now);
    }
    CHECK(!limits_may_fail(l, &name, 6, now));
    CHECK(limits_may_fail(l, &other, 6, now));
    CHECK(!limits_may_fail(l, &name, 6, now + MINUTE / 6 - 1));
    CHECK(limits_may_fail(l, &name, 6, now + MINUTE / 6));
    CHECK(limits_may_fail(l, &name, 6, now + 5 * MINUTE));
    limits_free(&l);
}

static void
whoever_fails_often_is_not_forgotten_for_those_who_fail_once(void)
{
    caller_limits *l = NULL;
    limits_name name = limits_name_address("192.0.2.1");
    CHECK_STATUS(limits_new(10, &l, NULL), AIP_OK);
    for (int i = 0; i < 60; i++) {
        limits_note_failure(l, &name, 60, 1000);
    }
    for (int i = 0; i < 4000; i++) {
        char text[16];
        snprintf(text, sizeof text, "10.1.%d.%d", i / 250, i % 250);
        limits_name other = limits_name_address(text);
        limits_note_failure(l, &other, 60, 1000);
    }
    CHECK(!limits_may_fail(l, &name, 60, 1000));
    limits_free(&l);
}

RUN(TEST(so_many_are_under_way_and_no_more), TEST(a_full_table_lets_nobody_in_until_somebody_leaves),
    TEST(shares_are_counted_right_when_many_come_and_go), TEST(an_ipv6_caller_is_its_network_and_a_mapped_one_is_ipv4),
    TEST(failures_are_used_up_and_come_back_evenly), TEST(whoever_fails_often_is_not_forgotten_for_those_who_fail_once))
