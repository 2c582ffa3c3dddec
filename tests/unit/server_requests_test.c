/* What servers asked and may be answered: once, by whom they asked, in time. */
#include "gateway/server_requests.h"

#include "tests/unit/check.h"

#define NOW UINT64_C(5000000)
#define SECOND UINT64_C(1000000)

static server_requests *memory;
static unsigned char alice[AIP_HASH_BYTES] = {1}, bob[AIP_HASH_BYTES] = {2};

static server_request
request(const unsigned char *owner, const char *upstream, const char *session, const char *id)
{
    return (server_request){owner, aip_bytes_of(upstream), aip_bytes_of(session), aip_bytes_of(id)};
}

static bool
takes(const unsigned char *owner, const char *upstream, const char *session, const char *id)
{
    const server_request asked = request(owner, upstream, session, id);
    return server_requests_take(memory, &asked, NOW);
}

static void
begin(void)
{
    const server_request asked = request(alice, "http://a", "s1", "7");
    CHECK_STATUS(server_requests_new(&memory, NULL), AIP_OK);
    server_requests_note(memory, &asked, NOW);
}

static void
end(void)
{
    server_requests_free(&memory);
    CHECK(memory == NULL);
}

static void
an_answer_is_taken_once(void)
{
    begin();
    CHECK(takes(alice, "http://a", "s1", "7"));
    CHECK(!takes(alice, "http://a", "s1", "7"));
    end();
}

static void
nobody_else_may_answer(void)
{
    begin();
    CHECK(!takes(bob, "http://a", "s1", "7"));
    CHECK(!takes(alice, "http://b", "s1", "7"));
    CHECK(!takes(alice, "http://a", "s2", "7"));
    CHECK(!takes(alice, "http://a", "s1", "8"));
    CHECK(!takes(alice, "http://a", "s1", "\"7\""));
    CHECK(takes(alice, "http://a", "s1", "7")); /* and none of them used it up */
    end();
}

static void
parts_do_not_run_together(void)
{
    begin();
    CHECK(!takes(alice, "http://a", "s17", ""));
    CHECK(!takes(alice, "http://as1", "", "7"));
    CHECK(!takes(alice, "http://", "as1", "7"));
    end();
}

static void
an_answer_that_comes_too_late_is_refused(void)
{
    const server_request asked = request(alice, "http://a", "s1", "7");
    begin();
    CHECK(!server_requests_take(memory, &asked, NOW + SERVER_REQUEST_SECONDS * SECOND));
    server_requests_note(memory, &asked, NOW);
    CHECK(server_requests_take(memory, &asked, NOW + SERVER_REQUEST_SECONDS * SECOND - 1));
    end();
}

static void
asking_again_begins_anew_and_is_still_one(void)
{
    const server_request asked = request(alice, "http://a", "s1", "7");
    begin();
    server_requests_note(memory, &asked, NOW + 10 * SECOND);
    CHECK(server_requests_take(memory, &asked, NOW + (SERVER_REQUEST_SECONDS + 5) * SECOND));
    CHECK(!server_requests_take(memory, &asked, NOW + 10 * SECOND));
    end();
}

static void
a_flood_pushes_out_the_oldest_and_not_the_newest(void)
{
    char id[32];
    begin();
    for (int i = 0; i < 100000; i++) {
        snprintf(id, sizeof id, "\"flood %d\"", i);
        const server_request asked = request(bob, "http://b", "s9", id);
        server_requests_note(memory, &asked, NOW + SECOND + (uint64_t)i);
    }
    CHECK(!takes(alice, "http://a", "s1", "7"));
    const server_request last = request(bob, "http://b", "s9", id);
    CHECK(server_requests_take(memory, &last, NOW + 2 * SECOND));
    end();
}

static void
the_last_note_is_known_until_it_is_taken(void)
{
    const server_request asked = request(alice, "http://a", "s1", "7"), other = request(bob, "http://a", "s1", "7");
    begin();
    CHECK(server_requests_noted(memory, &asked) == NOW);
    CHECK(server_requests_noted(memory, &other) == 0);
    server_requests_note(memory, &asked, NOW + 1);
    CHECK(server_requests_noted(memory, &asked) == NOW + 1);
    CHECK(server_requests_take(memory, &asked, NOW + 2));
    CHECK(server_requests_noted(memory, &asked) == 0);
    end();
}

RUN(TEST(an_answer_is_taken_once), TEST(nobody_else_may_answer), TEST(parts_do_not_run_together),
    TEST(an_answer_that_comes_too_late_is_refused), TEST(asking_again_begins_anew_and_is_still_one),
    TEST(a_flood_pushes_out_the_oldest_and_not_the_newest), TEST(the_last_note_is_known_until_it_is_taken))
