/* Routes of a snapshot: addresses, credentials, and what outlives a snapshot of the servers behind. */
#include "tests/unit/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/gateway.h"
#include "gateway/routes.h"

static char secret_file[64];

static void
write_secret(const char *text, size_t size)
{
    strcpy(secret_file, "/tmp/aip-routes.XXXXXX");
    int fd = mkstemp(secret_file);
    CHECK(fd >= 0 && write(fd, text, size) == (ssize_t)size);
    close(fd);
}

static gateway_settings *
new_settings(void)
{
    gateway_settings *settings = calloc(1, sizeof *settings);
    atomic_init(&settings->holders, 1);
    return settings;
}

static void
drop(gateway_settings *settings)
{
    const gateway_settings *held = settings;
    settings_drop(&held);
}

static gateway_settings *
make(const config_upstream *upstreams, size_t count, const gateway_settings *before, aip_status wanted)
{
    TEXT_AUTO text_buffer problems = {0};
    const routes_setup setup = {.upstreams = upstreams, .count = count, .idle_seconds = 60, .connections_max = 100};
    gateway_settings *settings = new_settings();
    CHECK_STATUS(routes_make(&setup, before, settings, &problems, NULL), wanted);
    CHECK((problems.size > 0) == (wanted != AIP_OK));
    return settings;
}

static void
one_alone_is_where_its_url_says_and_several_at_their_names(void)
{
    const config_upstream ups[] = {{.name = "a", .url = "http://127.0.0.1:1/deep/mcp"},
                                   {.name = "b", .url = "http://127.0.0.1:2/mcp", .path = "/x"},
                                   {.name = "c", .command = (const char *[]){"run", NULL}, .timeout_seconds = 5}};
    gateway_settings *one = make(ups, 1, NULL, AIP_OK), *all = make(ups, 3, NULL, AIP_OK);
    CHECK_TEXT(one->routes[0].path, "/deep/mcp");
    CHECK(one->routes[0].requests_max == 0 && one->routes[0].idle_seconds == 60);
    CHECK_TEXT(all->routes[0].path, "/a");
    CHECK_TEXT(all->routes[1].path, "/x");
    CHECK_TEXT(all->routes[2].path, "/c");
    CHECK_TEXT(all->routes[2].url, "stdio:c");
    CHECK(all->routes[0].requests_max == 100 && all->routes[2].idle_seconds == 5);
    CHECK(routes_share_files(all));
    drop(one);
    drop(all);
}

static void
two_at_one_path_are_refused(void)
{
    const config_upstream ups[] = {{.name = "a", .url = "http://h/"}, {.name = "b", .url = "http://h/", .path = "/a"}};
    drop(make(ups, 2, NULL, AIP_CONFIG_INVALID));
}

static void
files_are_shared_on_this_machine_only(void)
{
    const config_upstream far = {.name = "a", .url = "http://192.0.2.1/"}, near = {.name = "a", .url = "http://[::1]/"};
    gateway_settings *a = make(&far, 1, NULL, AIP_OK), *b = make(&near, 1, NULL, AIP_OK);
    CHECK(!routes_share_files(a));
    CHECK(routes_share_files(b));
    drop(a);
    drop(b);
}

static void
credentials_are_lines_without_the_end_of_their_file(void)
{
    config_header headers[] = {{"Authorization", secret_file, "Bearer "}, {"X-Key", secret_file, ""}};
    const config_upstream up = {.name = "a", .url = "http://h/", .headers = headers, .header_count = 2};
    write_secret("abc \r\n", 6);
    gateway_settings *settings = make(&up, 1, NULL, AIP_OK);
    const text_buffer *lines = &settings->routes[0].credentials;
    static const char wanted[] = "Authorization: Bearer abc\0X-Key: abc";
    CHECK(lines->size == sizeof wanted && memcmp(lines->data, wanted, sizeof wanted) == 0);
    drop(settings);
    unlink(secret_file);
}

static void
credentials_that_would_end_the_line_are_refused(void)
{
    static const struct {
        const char *text;
        size_t size;
    } bad[] = {{"", 0}, {"\n\n", 2}, {"a\r\nHost: b", 10}, {"a\nb", 3}, {"a\0b", 3}, {"\x7f", 1}};
    config_header header = {"Authorization", secret_file, ""};
    const config_upstream up = {.name = "a", .url = "http://h/", .headers = &header, .header_count = 1};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_secret(bad[i].text, bad[i].size);
        drop(make(&up, 1, NULL, AIP_CONFIG_INVALID));
        unlink(secret_file);
    }
    drop(make(&up, 1, NULL, AIP_IO)); /* the file is gone */
    const config_upstream no_ca = {.name = "a", .url = "https://h/", .ca_file = secret_file};
    drop(make(&no_ca, 1, NULL, AIP_IO));
}

static void
a_server_stays_known_in_the_next_snapshot(void)
{
    const config_upstream a = {.name = "a", .url = "http://h/"}, moved = {.name = "a", .url = "http://other/"};
    gateway_settings *first = make(&a, 1, NULL, AIP_OK);
    for (int i = 0; i < 3; i++) {
        route_state_note(first->routes[0].state, false, 0);
    }
    gateway_settings *second = make(&a, 1, first, AIP_OK), *third = make(&moved, 1, first, AIP_OK);
    drop(first);
    CHECK(route_state_fails(second->routes[0].state));
    CHECK(!route_state_fails(third->routes[0].state));
    drop(second);
    drop(third);
}

static void
a_server_that_does_not_answer_is_given_a_rest_and_then_one_try(void)
{
    route_state *s = NULL;
    aip_error err = AIP_ERROR_INIT;
    CHECK_STATUS(route_state_new(&s, &err), AIP_OK);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_STATUS(route_state_enter(s, 0, 0, &err), AIP_OK);
        route_state_note(s, false, 0);
        route_state_leave(s);
    }
    CHECK_STATUS(route_state_enter(s, 0, 999999, &err), AIP_UPSTREAM_UNREACHABLE);
    CHECK_STATUS(route_state_enter(s, 0, 1000000, &err), AIP_OK);
    CHECK_STATUS(route_state_enter(s, 0, 1000001, &err), AIP_UPSTREAM_UNREACHABLE); /* another one tries already */
    route_state_note(s, false, 1500000);
    route_state_leave(s);
    CHECK_STATUS(route_state_enter(s, 0, 3000000, &err), AIP_UPSTREAM_UNREACHABLE); /* two seconds now */
    CHECK_STATUS(route_state_enter(s, 0, 3500000, &err), AIP_OK);
    route_state_note(s, true, 3600000);
    route_state_leave(s);
    CHECK(!route_state_fails(s) && route_state_active(s) == 0);
    CHECK_STATUS(route_state_enter(s, 0, 3600001, &err), AIP_OK);
    route_state_leave(s);
    for (unsigned i = 0; i < 100; i++) {
        route_state_note(s, false, 0);
    }
    CHECK_STATUS(route_state_enter(s, 0, 31999999, &err), AIP_UPSTREAM_UNREACHABLE);
    CHECK_STATUS(route_state_enter(s, 0, 32000000, &err), AIP_OK); /* no rest is longer */
    route_state_leave(s);
    route_state_drop(&s);
}

static void
requests_for_one_server_are_limited(void)
{
    route_state *s = NULL;
    aip_error err = AIP_ERROR_INIT;
    CHECK_STATUS(route_state_new(&s, &err), AIP_OK);
    CHECK_STATUS(route_state_enter(s, 2, 0, &err), AIP_OK);
    CHECK_STATUS(route_state_enter(s, 2, 0, &err), AIP_OK);
    CHECK_STATUS(route_state_enter(s, 2, 0, &err), AIP_OVERLOADED);
    CHECK(route_state_active(s) == 2);
    route_state_leave(s);
    CHECK_STATUS(route_state_enter(s, 2, 0, &err), AIP_OK);
    route_state_leave(s);
    route_state_leave(s);
    route_state_drop(&s);
}

static void
an_old_snapshot_lives_as_long_as_somebody_holds_it(void)
{
    static gateway g;
    pthread_mutex_init(&g.lock, NULL);
    g.settings = new_settings();
    const gateway_settings *held = gateway_settings_take(&g);
    gateway_settings *next = new_settings();
    gateway_settings_put(&g, next);
    CHECK(held != g.settings && atomic_load(&held->holders) == 1);
    const gateway_settings *other = gateway_settings_take(&g);
    CHECK(other == next && atomic_load(&other->holders) == 2);
    settings_drop(&held);
    settings_drop(&other);
    settings_drop(&g.settings);
    CHECK(held == NULL && g.settings == NULL);
}

static const char *const both[] = {"a", "b"};
#define GROUP .name = "all", .path = "/mcp", .members = (const char **)(uintptr_t)both, .member_count = 2

static void
a_group_has_its_members_and_fails_when_all_of_them_do(void)
{
    const config_upstream ups[] = {{GROUP},
                                   {.name = "b", .command = (const char *[]){"run", NULL}},
                                   {.name = "a", .url = "http://192.0.2.1/"},
                                   {.name = "c", .url = "http://192.0.2.1/"}};
    gateway_settings *settings = make(ups, 4, NULL, AIP_OK);
    const gateway_route *all = &settings->routes[0];
    CHECK_TEXT(all->url, "group:all");
    CHECK_TEXT(all->path, "/mcp");
    CHECK(all->member_count == 2 && all->members[0] == &settings->routes[2] && all->members[1] == &settings->routes[1]);
    CHECK(all->idle_seconds == 5 && all->name_bytes == 64 && all->protocol == &protocol_mcp && all->command == NULL);
    CHECK(settings->routes[1].members == NULL && settings->routes[1].name_bytes == 0);
    for (int i = 0; i < 3; i++) {
        route_state_note(settings->routes[1].state, false, 0);
        route_state_note(settings->routes[3].state, false, 0);
        route_state_note(all->state, false, 0); /* counts for nothing */
    }
    CHECK(routes_fails(&settings->routes[1]) && !routes_fails(&settings->routes[2]) && !routes_fails(all));
    for (int i = 0; i < 3; i++) {
        route_state_note(settings->routes[2].state, false, 0);
    }
    CHECK(routes_fails(all));
    route_state_note(settings->routes[2].state, true, 0);
    CHECK(!routes_fails(&settings->routes[2]) && !routes_fails(all));
    route_state_note_down(settings->routes[2].state, true); /* a command that ended */
    CHECK(routes_fails(&settings->routes[2]) && routes_fails(all) && !route_state_fails(settings->routes[2].state));
    route_state_note_down(settings->routes[2].state, false);
    CHECK(!routes_fails(all));
    route_state_note_down(settings->routes[2].state, true);
    TEXT_AUTO text_buffer health = {0};
    routes_append_health(settings, &health);
    static const char wanted[] = "\"upstreams\":{\"all\":\"failing\",\"b\":\"failing\",";
    CHECK(health.size > sizeof wanted && memcmp(health.data, wanted, sizeof wanted - 1) == 0);
    drop(settings);
}

static void
a_group_says_how_long_it_waits_and_how_long_names_are(void)
{
    const config_upstream ups[] = {{.name = "a", .url = "http://192.0.2.1/"},
                                   {.name = "b", .url = "http://192.0.2.2/"},
                                   {GROUP, .timeout_seconds = 9, .name_bytes = 16, .connections_max = 8}};
    gateway_settings *settings = make(ups, 3, NULL, AIP_OK);
    const gateway_route *all = &settings->routes[2];
    CHECK(all->idle_seconds == 9 && all->name_bytes == 16 && all->requests_max == 8);
    CHECK(!routes_share_files(settings) && !routes_have_command(settings));
    drop(settings);
}

static void
a_group_of_what_is_no_mcp_server_here_is_refused(void)
{
    const config_upstream missing[] = {{.name = "a", .url = "http://h/"}, {GROUP}},
                          agent[] = {{.name = "a", .url = "http://h/"},
                                     {.name = "b", .url = "http://h/", .protocol = "http"},
                                     {GROUP}},
                          group[] = {{.name = "a", .url = "http://h/"},
                                     {.name = "b", .members = (const char *[]){"a", "a"}, .member_count = 2},
                                     {GROUP}};
    drop(make(missing, 2, NULL, AIP_CONFIG_INVALID));
    drop(make(agent, 3, NULL, AIP_CONFIG_INVALID));
    drop(make(group, 3, NULL, AIP_CONFIG_INVALID));
}

RUN(TEST(one_alone_is_where_its_url_says_and_several_at_their_names), TEST(two_at_one_path_are_refused),
    TEST(files_are_shared_on_this_machine_only), TEST(credentials_are_lines_without_the_end_of_their_file),
    TEST(credentials_that_would_end_the_line_are_refused), TEST(a_server_stays_known_in_the_next_snapshot),
    TEST(a_server_that_does_not_answer_is_given_a_rest_and_then_one_try), TEST(requests_for_one_server_are_limited),
    TEST(an_old_snapshot_lives_as_long_as_somebody_holds_it),
    TEST(a_group_has_its_members_and_fails_when_all_of_them_do),
    TEST(a_group_says_how_long_it_waits_and_how_long_names_are), TEST(a_group_of_what_is_no_mcp_server_here_is_refused))
