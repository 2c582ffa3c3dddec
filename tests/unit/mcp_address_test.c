/* Scopes of addresses: no two addresses need the same one, and what could be read as another one needs none. */
#include "gateway/mcp_address.h"

#include <string.h>

#include "check.h"

static void
check_scope(const char *uri, const char *scope)
{
    char wanted[300];
    CHECK(mcp_address_is_good(aip_bytes_of(uri)));
    CHECK(mcp_address_scope(aip_bytes_of(uri), wanted, sizeof wanted));
    CHECK_TEXT(wanted, scope);
}

static void
an_address_that_an_entry_can_hold_is_spelled_as_it_is(void)
{
    check_scope("file:///data/a.txt", "resource:file:///data/a.txt");
    check_scope("file:///a%20b%3Fc%25", "resource:file:///a%20b%3Fc%25");
    check_scope("note://a-b_c@d:1", "resource:note://a-b_c@d:1");
}

/* G-131 */
static void
any_other_address_has_a_kind_of_its_own(void)
{
    check_scope("weather://now?city=Berlin", "uri:weather://now%3Fcity%3DBerlin");
    check_scope("file:///home/~ann/a", "uri:file:///home/%7Eann/a");
    check_scope("x:*", "uri:x:%2A");
    check_scope("x:a+b", "uri:x:a%2Bb");
}

static void
an_escape_is_never_taken_for_what_it_stands_for(void)
{
    check_scope("x://a?b", "uri:x://a%3Fb");
    check_scope("x://a%3Fb", "resource:x://a%3Fb");
    check_scope("x://a%253Fb", "resource:x://a%253Fb");
    check_scope("x://a?b%3Fc", "uri:x://a%3Fb%253Fc");
    check_scope("x://a?b?c", "uri:x://a%3Fb%3Fc");
    check_scope("x://a%3fb?", "uri:x://a%253fb%3F");
    check_scope("x://a%?", "uri:x://a%25%3F");
    check_scope("uri:x://a%3Fb", "resource:uri:x://a%3Fb");
}

/* Reads a scope back. */
static size_t
undo(const char *scope, char *out)
{
    bool escaped = strncmp(scope, "uri:", 4) == 0;
    size_t size = 0;
    for (const char *c = scope + (escaped ? 4 : strlen("resource:")); *c != '\0'; c++) {
        unsigned value = (unsigned char)*c;
        if (escaped && *c == '%') {
            CHECK(sscanf(c, "%%%2X", &value) == 1);
            c += 2;
        }
        out[size++] = (char)value;
    }
    return size;
}

static void
every_address_can_be_read_back_from_its_scope(void)
{
    static const char alphabet[] = "a%3F?=~/";
    enum { LETTERS = sizeof alphabet - 1, LENGTH = 5 };
    char uri[LENGTH], wanted[64], back[64];
    size_t all = 1;
    for (size_t i = 0; i < LENGTH; i++) {
        all *= LETTERS;
    }
    for (size_t n = 0; n < all; n++) {
        size_t rest = n;
        for (size_t i = 0; i < LENGTH; i++, rest /= LETTERS) {
            uri[i] = alphabet[rest % LETTERS];
        }
        CHECK(mcp_address_scope((aip_bytes){(const unsigned char *)uri, LENGTH}, wanted, sizeof wanted));
        CHECK(undo(wanted, back) == LENGTH && memcmp(back, uri, LENGTH) == 0);
    }
}

static void
an_address_that_leads_elsewhere_is_refused(void)
{
    static const char *const bad[] = {"",
                                      "file:///data/../etc",
                                      "file:///data/..",
                                      "file:///data/..?x",
                                      "file:///data/..#x",
                                      "x://a/..;b",
                                      "x://a/./b",
                                      "x://a/.?b",
                                      "file:///data/%2e%2e",
                                      "x://a%2Fb",
                                      "x://a%5cb",
                                      "x:\\a",
                                      "x://a b",
                                      "x://a\tb",
                                      "x://a\x7f",
                                      "x://\xc3\xa4"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(!mcp_address_is_good(aip_bytes_of(bad[i])));
    }
    CHECK(mcp_address_is_good(AIP_BYTES_LITERAL("file:///data/...")));
    CHECK(mcp_address_is_good(AIP_BYTES_LITERAL("file:///data/..a/.b?c=..")));
}

/* As the pipeline has it: a scope of kind `resource`, of which the address is a part. */
static bool
spell(const char *uri, bool template, char wanted[128], aip_bytes *address)
{
    static const char kind[] = "resource:";
    CHECK(strlen(uri) < 128 - sizeof kind);
    memcpy(wanted, kind, sizeof kind);
    strncat(wanted, uri, 128 - sizeof kind);
    *address = aip_bytes_of(wanted + strlen("resource:"));
    return mcp_address_spell(wanted, 128, template, address);
}

static void
the_address_stays_beside_its_scope(void)
{
    char wanted[128];
    aip_bytes address;
    CHECK(spell("x://a?b=c", false, wanted, &address));
    CHECK_TEXT(wanted, "uri:x://a%3Fb%3Dc");
    CHECK(aip_bytes_equal(address, AIP_BYTES_LITERAL("x://a?b=c")));
    CHECK(spell("x://a", false, wanted, &address));
    CHECK_TEXT(wanted, "resource:x://a");
    CHECK(aip_bytes_equal(address, AIP_BYTES_LITERAL("x://a")));
}

static void
a_template_is_judged_by_what_all_its_addresses_begin_with(void)
{
    char wanted[128];
    aip_bytes address;
    CHECK(spell("x://items/{id}", true, wanted, &address));
    CHECK_TEXT(wanted, "resource:x://items/");
    CHECK(aip_bytes_equal(address, AIP_BYTES_LITERAL("x://items/{id}")));
    CHECK(spell("x://items?id={id}", true, wanted, &address));
    CHECK_TEXT(wanted, "uri:x://items%3Fid%3D");
    CHECK(spell("x://items/{id}", false, wanted, &address));
    CHECK_TEXT(wanted, "uri:x://items/%7Bid%7D");
    CHECK(!spell("{+path}", true, wanted, &address));
    CHECK_TEXT(wanted, "");
    CHECK(!spell("x://a/../{id}", true, wanted, &address));
}

static void
what_has_no_room_is_covered_by_nothing(void)
{
    char wanted[128], uri[100];
    aip_bytes address;
    memset(uri, '?', sizeof uri);
    uri[sizeof uri - 1] = '\0';
    CHECK(!spell(uri, false, wanted, &address));
    CHECK_TEXT(wanted, "");
    uri[32] = '\0';
    CHECK(!spell(uri, false, wanted, &address));
    uri[20] = '\0';
    CHECK(spell(uri, false, wanted, &address));
}

RUN(TEST(an_address_that_an_entry_can_hold_is_spelled_as_it_is), TEST(any_other_address_has_a_kind_of_its_own),
    TEST(an_escape_is_never_taken_for_what_it_stands_for), TEST(every_address_can_be_read_back_from_its_scope),
    TEST(an_address_that_leads_elsewhere_is_refused), TEST(the_address_stays_beside_its_scope),
    TEST(a_template_is_judged_by_what_all_its_addresses_begin_with), TEST(what_has_no_room_is_covered_by_nothing))
