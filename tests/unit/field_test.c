/* What the header of a fetched document says, and how often its host is asked. */
#include "net/field.h"

#include "check.h"
#include "net/host_rate.h"

static int64_t
max_age_of(const char *first, const char *second)
{
    field_facts facts = {0};
    field_note(&facts, AIP_BYTES_LITERAL("CACHE-control"), aip_bytes_of(first));
    field_note(&facts, AIP_BYTES_LITERAL("cache-control"), aip_bytes_of(second));
    return field_max_age(&facts);
}

static void
max_age_is_read_strictly(void)
{
    CHECK(max_age_of("", "") == -1);
    CHECK(max_age_of("public, immutable", "s-maxage=60") == -1);
    CHECK(max_age_of("max-age=60", "") == 60);
    CHECK(max_age_of("public , Max-Age = 60 ,", "") == 60);
    CHECK(max_age_of("max-age=0", "max-age=5") == 0);
    CHECK(max_age_of("max-age=50", "max-age=40,max-age=45") == 40);
    CHECK(max_age_of("max-age=60, no-store", "") == 0);
    CHECK(max_age_of("No-Cache", "max-age=60") == 0);
    CHECK(max_age_of("no-cache=\"x\"", "") == 0);
    CHECK(max_age_of("max-age", "") == 0);
    CHECK(max_age_of("max-age=", "") == 0);
    CHECK(max_age_of("max-age=-1", "") == 0);
    CHECK(max_age_of("max-age=+60", "") == 0);
    CHECK(max_age_of("max-age=\"60\"", "") == 0);
    CHECK(max_age_of("max-age=6 0", "") == 0);
    CHECK(max_age_of("max-age=0x60", "") == 0);
    CHECK(max_age_of("max-age=99999999999999999999999", "") == INT32_MAX);
    CHECK(max_age_of("x-max-age=60", "") == -1);
}

static bool
coding_is_known(const char *name, const char *first, const char *second)
{
    field_facts facts = {0};
    field_note(&facts, aip_bytes_of(name), aip_bytes_of(first));
    field_note(&facts, aip_bytes_of(name), aip_bytes_of(second));
    return field_coding_is_known(&facts);
}

static void
only_one_known_coding_is_taken(void)
{
    CHECK(coding_is_known("Content-Encoding", "gzip", "identity"));
    CHECK(coding_is_known("content-encoding", "Deflate", "identity"));
    CHECK(coding_is_known("content-encoding", "x-gzip , identity", "identity"));
    CHECK(coding_is_known("transfer-encoding", "Chunked", "chunked"));
    CHECK(coding_is_known("x-content-encoding", "br", "br"));
    CHECK(!coding_is_known("content-encoding", "br", "identity"));
    CHECK(!coding_is_known("content-encoding", "zstd", "identity"));
    CHECK(!coding_is_known("content-encoding", "gzip, gzip", "identity"));
    CHECK(!coding_is_known("content-encoding", "gzip", "deflate"));
    CHECK(!coding_is_known("content-encoding", "gzip;q=1", "identity"));
    CHECK(!coding_is_known("content-encoding", "", "identity"));
    CHECK(!coding_is_known("transfer-encoding", "gzip, chunked", "chunked"));
    CHECK(!coding_is_known("transfer-encoding", "gzip", "chunked"));
}

static bool
is_framed(const char *name, const char *value)
{
    field_facts facts = {0};
    field_note(&facts, aip_bytes_of(name), aip_bytes_of(value));
    return facts.framed;
}

static void
a_length_or_chunks_frame_a_reply(void)
{
    CHECK(is_framed("Content-Length", "7"));
    CHECK(is_framed("transfer-encoding", "chunked"));
    CHECK(!is_framed("connection", "close"));
    CHECK(!is_framed("content-encoding", "gzip"));
}

static void
a_header_line_is_split(void)
{
    aip_bytes name, value;
    CHECK(field_split(AIP_BYTES_LITERAL("Name: \t some value \r\n"), &name, &value));
    CHECK(aip_bytes_equal(name, AIP_BYTES_LITERAL("Name")) && aip_bytes_equal(value, AIP_BYTES_LITERAL("some value")));
    CHECK(field_split(AIP_BYTES_LITERAL("a::\r\n"), &name, &value));
    CHECK(aip_bytes_equal(name, AIP_BYTES_LITERAL("a")) && aip_bytes_equal(value, AIP_BYTES_LITERAL(":")));
    CHECK(field_split(AIP_BYTES_LITERAL("a:"), &name, &value) && value.size == 0);
    CHECK(!field_split(AIP_BYTES_LITERAL("HTTP/1.1 200 a:b\r\n"), &name, &value));
    CHECK(!field_split(AIP_BYTES_LITERAL("no colon\r\n"), &name, &value));
    CHECK(!field_split(AIP_BYTES_LITERAL(""), &name, &value));
}

static void
turns_come_back_evenly(void)
{
    static host_rate rate;
    const uint64_t start = 5000000000, second = 1000000;
    host_rate_init(&rate, 3);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(host_rate_take(&rate, "a", start, NULL), AIP_OK);
    }
    CHECK_STATUS(host_rate_take(&rate, "a", start, NULL), AIP_FETCH_BUSY);
    CHECK_STATUS(host_rate_take(&rate, "a", start + 20 * second - 1, NULL), AIP_FETCH_BUSY);
    CHECK_STATUS(host_rate_take(&rate, "a", start + 20 * second, NULL), AIP_OK);
    CHECK_STATUS(host_rate_take(&rate, "a", start + 20 * second, NULL), AIP_FETCH_BUSY);
    CHECK_STATUS(host_rate_take(&rate, "b", start, NULL), AIP_OK);
}

static void
a_full_table_of_hosts_refuses_new_ones_until_one_is_idle(void)
{
    static host_rate rate;
    char host[16];
    const uint64_t start = 5000000000, second = 1000000;
    host_rate_init(&rate, 60);
    for (int i = 0; i < HOST_RATE_ROWS; i++) {
        snprintf(host, sizeof host, "h%d", i);
        CHECK_STATUS(host_rate_take(&rate, host, start + (i == 7 ? 0 : 1), NULL), AIP_OK);
    }
    CHECK_STATUS(host_rate_take(&rate, "new", start + second - 1, NULL), AIP_FETCH_BUSY);
    CHECK_STATUS(host_rate_take(&rate, "h9", start + second - 1, NULL), AIP_OK);
    CHECK_STATUS(host_rate_take(&rate, "new", start + second, NULL), AIP_OK);
    CHECK_STATUS(host_rate_take(&rate, "newer", start + second, NULL), AIP_FETCH_BUSY);
}

static void
a_token_is_letters_digits_and_some_signs(void)
{
    static const char *const bad[] = {"",    " ",   "a b", "a ",    "Host:",    "a(b)",
                                      "a\"", "a,b", "a/b", "a\x7f", "\xc3\xa9", "{a}"};
    CHECK(field_is_token(AIP_BYTES_LITERAL("X-a!#$%&'*+-.^_`|~09")));
    CHECK(!field_is_token(AIP_BYTES_LITERAL("a\0b")));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(!field_is_token(aip_bytes_of(bad[i])));
    }
    CHECK(field_is(AIP_BYTES_LITERAL("hOST"), "Host") && !field_is(AIP_BYTES_LITERAL("Hos"), "Host"));
}

RUN(TEST(a_token_is_letters_digits_and_some_signs), TEST(turns_come_back_evenly),
    TEST(a_full_table_of_hosts_refuses_new_ones_until_one_is_idle), TEST(max_age_is_read_strictly),
    TEST(only_one_known_coding_is_taken), TEST(a_length_or_chunks_frame_a_reply), TEST(a_header_line_is_split))
