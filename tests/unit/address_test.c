/* Addresses that a stranger's name may lead to, and those it may not. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "check.h"

static aip_status
judge(const char *text, const address_range *allowed, size_t count)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
        return address_check((const struct sockaddr *)&ipv4, sizeof ipv4, allowed, count, NULL);
    }
    return inet_pton(AF_INET6, text, &ipv6.sin6_addr) == 1
               ? address_check((const struct sockaddr *)&ipv6, sizeof ipv6, allowed, count, NULL)
               : AIP_INTERNAL;
}

static void
check_all(const char *const *texts, aip_status wanted)
{
    for (; *texts != NULL; texts++) {
        if (judge(*texts, NULL, 0) != wanted) {
            printf("  %s\n", *texts);
        }
        CHECK_STATUS(judge(*texts, NULL, 0), wanted);
    }
}

static void
public_addresses_are_open(void)
{
    static const char *const texts[] = {"1.1.1.1",         "8.8.8.8",         "9.255.255.255",   "11.0.0.0",
                                        "100.63.255.255",  "100.128.0.0",     "126.255.255.255", "128.0.0.0",
                                        "169.253.255.255", "169.255.0.0",     "172.15.255.255",  "172.32.0.0",
                                        "191.255.255.255", "192.0.1.0",       "192.0.3.0",       "192.88.98.255",
                                        "192.88.100.0",    "192.167.255.255", "192.169.0.0",     "198.17.255.255",
                                        "198.20.0.0",      "198.51.99.255",   "198.51.101.0",    "203.0.112.255",
                                        "203.0.114.0",     "223.255.255.255", "2001:200::1",     "2001:db7:ffff::1",
                                        "2001:db9::1",     "2001:4860::8888", "2606:4700::1111", "2a00::1",
                                        "2003::1",         "3ffe:ffff::1",    "3fff:1000::1",    NULL};
    check_all(texts, AIP_OK);
}

static void
special_ipv4_is_refused_from_its_first_to_its_last_address(void)
{
    static const char *const texts[] = {"0.0.0.0",         "0.255.255.255",
                                        "10.0.0.0",        "10.255.255.255",
                                        "100.64.0.0",      "100.127.255.255",
                                        "127.0.0.0",       "127.0.0.1",
                                        "127.255.255.255", "169.254.0.0",
                                        "169.254.169.254", "169.254.255.255",
                                        "172.16.0.0",      "172.31.255.255",
                                        "192.0.0.0",       "192.0.0.255",
                                        "192.0.2.0",       "192.0.2.255",
                                        "192.88.99.0",     "192.88.99.255",
                                        "192.168.0.0",     "192.168.255.255",
                                        "198.18.0.0",      "198.19.255.255",
                                        "198.51.100.0",    "198.51.100.255",
                                        "203.0.113.0",     "203.0.113.255",
                                        "224.0.0.0",       "239.255.255.255",
                                        "240.0.0.0",       "255.255.255.254",
                                        "255.255.255.255", NULL};
    check_all(texts, AIP_FETCH_ADDRESS);
}

static void
special_ipv6_is_refused(void)
{
    static const char *const texts[] = {"::",
                                        "::1",
                                        "64:ff9b:1::1",
                                        "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                                        "100::",
                                        "100::1",
                                        "2001::1",
                                        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                                        "2001:2::1",
                                        "2001:10::1",
                                        "2001:1f:ffff::1",
                                        "2001:20::1",
                                        "2001:2f::1",
                                        "2001:1ff:ffff::1",
                                        "2001:db8::1",
                                        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                                        "3fff::1",
                                        "3fff:fff:ffff::1",
                                        "5f00::1",
                                        "fc00::1",
                                        "fd00:ec2::254",
                                        "fdff::1",
                                        "fe80::1",
                                        "febf::1",
                                        "fec0::1",
                                        "feff::1",
                                        "ff00::1",
                                        "ff02::1",
                                        "ffff::1",
                                        "1fff::1",
                                        "4000::1",
                                        "::ffff:0:8.8.8.8",
                                        "::1:0:0:0",
                                        NULL};
    check_all(texts, AIP_FETCH_ADDRESS);
}

static void
ipv4_inside_ipv6_is_judged_as_ipv4(void)
{
    static const char *const closed[] = {"::ffff:127.0.0.1",
                                         "::ffff:10.0.0.1",
                                         "::ffff:169.254.169.254",
                                         "::ffff:0.0.0.0",
                                         "::127.0.0.1",
                                         "::10.1.2.3",
                                         "64:ff9b::10.0.0.1",
                                         "64:ff9b::169.254.1.1",
                                         "2002:7f00:1::1",
                                         "2002:a00:1::1",
                                         "2002:c0a8:101::",
                                         "2002:a9fe:a9fe::1",
                                         NULL};
    static const char *const open[] = {"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", NULL};
    check_all(closed, AIP_FETCH_ADDRESS);
    check_all(open, AIP_OK);
}

static void
other_families_and_short_addresses_are_refused(void)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/tmp/socket"};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_addr.s6_addr = {0x26, 0x06, 0x47}};
    aip_error err = AIP_ERROR_INIT;
    CHECK_STATUS(address_check((struct sockaddr *)&local, sizeof local, NULL, 0, &err), AIP_FETCH_ADDRESS);
    CHECK_STATUS(err.status, AIP_FETCH_ADDRESS);
    CHECK_STATUS(address_check((struct sockaddr *)&ipv4, sizeof ipv4, NULL, 0, &err), AIP_OK);
    CHECK_STATUS(address_check((struct sockaddr *)&ipv4, sizeof ipv4 - 1, NULL, 0, &err), AIP_FETCH_ADDRESS);
    CHECK_STATUS(address_check((struct sockaddr *)&ipv6, sizeof ipv6, NULL, 0, &err), AIP_OK);
    CHECK_STATUS(address_check((struct sockaddr *)&ipv6, sizeof ipv4, NULL, 0, &err), AIP_FETCH_ADDRESS);
}

static void
an_allowed_range_opens_what_it_holds_and_no_more(void)
{
    address_range allowed[4];
    aip_error err = AIP_ERROR_INIT;
    CHECK_STATUS(address_range_parse("10.1.0.0/16", &allowed[0], &err), AIP_OK);
    CHECK_STATUS(address_range_parse("127.0.0.2", &allowed[1], &err), AIP_OK);
    CHECK_STATUS(address_range_parse("fd00:1::/33", &allowed[2], &err), AIP_OK);
    CHECK_STATUS(address_range_parse("::ffff:192.168.7.0/120", &allowed[3], &err), AIP_OK);
    static const char *const open[] = {"10.1.0.0",  "10.1.255.255",       "::ffff:10.1.2.3", "127.0.0.2",
                                       "fd00:1::1", "fd00:1:7fff:ffff::", "192.168.7.255",   "8.8.8.8"};
    static const char *const closed[] = {"10.0.255.255",      "10.2.0.0",    "127.0.0.1",   "127.0.0.3",
                                         "fd00:1:8000::1",    "fd00:2::1",   "192.168.8.0", "::10.1.2.3",
                                         "64:ff9b::10.1.2.3", "2002:a01:1::"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        CHECK_STATUS(judge(open[i], allowed, 4), AIP_OK);
    }
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        CHECK_STATUS(judge(closed[i], allowed, 4), AIP_FETCH_ADDRESS);
    }
}

static void
a_range_of_all_ipv6_opens_no_ipv4(void)
{
    address_range all6, all4;
    CHECK_STATUS(address_range_parse("::/0", &all6, NULL), AIP_OK);
    CHECK_STATUS(address_range_parse("0.0.0.0/0", &all4, NULL), AIP_OK);
    CHECK_STATUS(judge("fe80::1", &all6, 1), AIP_OK);
    CHECK_STATUS(judge("127.0.0.1", &all6, 1), AIP_FETCH_ADDRESS);
    CHECK_STATUS(judge("::ffff:10.0.0.1", &all6, 1), AIP_FETCH_ADDRESS);
    CHECK_STATUS(judge("127.0.0.1", &all4, 1), AIP_OK);
    CHECK_STATUS(judge("::1", &all4, 1), AIP_FETCH_ADDRESS);
}

static void
a_range_is_read(void)
{
    address_range range;
    CHECK_STATUS(address_range_parse("10.1.0.0/16", &range, NULL), AIP_OK);
    CHECK(range.bits == 112 && memcmp(range.prefix, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x01\0\0", 16) == 0);
    CHECK_STATUS(address_range_parse("127.0.0.1/32", &range, NULL), AIP_OK);
    CHECK(range.bits == 128);
    CHECK_STATUS(address_range_parse("fd00::/8", &range, NULL), AIP_OK);
    CHECK(range.bits == 8 && range.prefix[0] == 0xfd && range.prefix[15] == 0);
    CHECK_STATUS(address_range_parse("::1", &range, NULL), AIP_OK);
    CHECK(range.bits == 128 && range.prefix[15] == 1);
}

static void
a_range_that_is_not_exact_is_refused(void)
{
    static const char *const texts[] = {"",
                                        "/",
                                        "/8",
                                        "10.1.0.0/",
                                        "10.1.0.0/33",
                                        "10.1.0.0/016",
                                        "10.1.0.0/+16",
                                        "10.1.0.0/-1",
                                        "10.1.0.0/ 16",
                                        "10.1.0.0/16 ",
                                        " 10.1.0.0/16",
                                        "10.1.0.0/16/16",
                                        "10.1.0.0/0x10",
                                        "10.1.0.0/4294967312",
                                        "10.1.0.1/16",
                                        "10.1.0.0/15",
                                        "10.1/16",
                                        "10.1.0.0.0/16",
                                        "010.1.0.0/16",
                                        "0x0a.1.0.0/16",
                                        "256.0.0.0/8",
                                        "167837696",
                                        "localhost",
                                        "example.com/8",
                                        "fd00::/129",
                                        "fd00::1/8",
                                        "fd00:::/8",
                                        "[fd00::]/8",
                                        "fe80::%eth0/64",
                                        "fd00::/7",
                                        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc/8",
                                        NULL};
    for (size_t i = 0; texts[i] != NULL; i++) {
        address_range range;
        aip_error err = AIP_ERROR_INIT;
        if (address_range_parse(texts[i], &range, &err) == AIP_OK) {
            printf("  taken: %s\n", texts[i]);
        }
        CHECK_STATUS(err.status, AIP_CONFIG_INVALID);
        CHECK(range.bits == 0);
    }
}

RUN(TEST(public_addresses_are_open), TEST(special_ipv4_is_refused_from_its_first_to_its_last_address),
    TEST(special_ipv6_is_refused), TEST(ipv4_inside_ipv6_is_judged_as_ipv4),
    TEST(other_families_and_short_addresses_are_refused), TEST(an_allowed_range_opens_what_it_holds_and_no_more),
    TEST(a_range_of_all_ipv6_opens_no_ipv4), TEST(a_range_is_read), TEST(a_range_that_is_not_exact_is_refused))
