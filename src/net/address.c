/* The addresses that a stranger's name may not lead to: IANA's special-purpose registries. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

enum { IPV4_OFFSET = 12, MAPPED_BITS = 96 };

#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff"
#define ROW(bytes, bits) \
    {                    \
        bytes, bits      \
    }

typedef struct {
    const char *prefix; /* as many bytes as `bits` need */
    unsigned bits;
} row;

/* IPv4 that is not globally reachable; everything above 224.0.0.0 is multicast, reserved or broadcast. */
static const row closed_ipv4[] = {
    ROW("\0", 8),            /* this network */
    ROW("\x0a", 8),          /* private */
    ROW("\x64\x40", 10),     /* carrier-grade NAT */
    ROW("\x7f", 8),          /* loopback */
    ROW("\xa9\xfe", 16),     /* link-local, cloud metadata */
    ROW("\xac\x10", 12),     /* private */
    ROW("\xc0\0\0", 24),     /* IETF protocol assignments */
    ROW("\xc0\0\x02", 24),   /* documentation */
    ROW("\xc0\x58\x63", 24), /* 6to4 relays */
    ROW("\xc0\xa8", 16),     /* private */
    ROW("\xc6\x12", 15),     /* benchmarking */
    ROW("\xc6\x33\x64", 24), /* documentation */
    ROW("\xcb\0\x71", 24),   /* documentation */
    ROW("\xe0", 3),
};

/* Global unicast IPv6, and what of it is not globally reachable. All outside is refused: unspecified, loopback,
 * unique-local, link-local, site-local, multicast, discard-only, segment routing, local NAT64 and what is not assigned.
 */
static const row open_ipv6 = ROW("\x20", 3);
static const row closed_ipv6[] = {
    ROW("\x20\x01\0", 23),       /* IETF protocol assignments: Teredo, benchmarking, ORCHID */
    ROW("\x20\x01\x0d\xb8", 32), /* documentation */
    ROW("\x3f\xff\0", 20),       /* documentation */
};

/* IPv6 that carries an IPv4 address, which is then the one to judge. */
static const struct {
    row range;
    size_t offset;
} embedding[] = {
    {ROW(MAPPED, 96), IPV4_OFFSET},
    {ROW("\0\0\0\0\0\0\0\0\0\0\0\0", 96), IPV4_OFFSET},       /* compatible; holds :: and ::1 as well */
    {ROW("\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 96), IPV4_OFFSET}, /* NAT64 */
    {ROW("\x20\x02", 16), 2},                                 /* 6to4 */
};

static bool
holds(const void *prefix, unsigned bits, const unsigned char *address)
{
    const unsigned char *wanted = prefix;
    size_t whole = bits / 8;
    if (memcmp(wanted, address, whole) != 0) {
        return false;
    }
    unsigned rest = 8 - bits % 8;
    return rest == 8 || wanted[whole] >> rest == address[whole] >> rest;
}

static bool
any_holds(const row *rows, size_t count, const unsigned char *address)
{
    for (size_t i = 0; i < count; i++) {
        if (holds(rows[i].prefix, rows[i].bits, address)) {
            return true;
        }
    }
    return false;
}

static bool
ipv4_is_open(const unsigned char address[4])
{
    return !any_holds(closed_ipv4, sizeof closed_ipv4 / sizeof closed_ipv4[0], address);
}

static bool
is_open(const unsigned char address[16])
{
    for (size_t i = 0; i < sizeof embedding / sizeof embedding[0]; i++) {
        if (holds(embedding[i].range.prefix, embedding[i].range.bits, address)) {
            return ipv4_is_open(address + embedding[i].offset);
        }
    }
    return holds(open_ipv6.prefix, open_ipv6.bits, address) &&
           !any_holds(closed_ipv6, sizeof closed_ipv6 / sizeof closed_ipv6[0], address);
}

/* Whoever means all IPv4 writes `0.0.0.0/0`. */
bool
address_range_holds(const address_range *range, const unsigned char address[16])
{
    bool ipv4 = memcmp(address, MAPPED, IPV4_OFFSET) == 0;
    return (!ipv4 || range->bits >= MAPPED_BITS) && holds(range->prefix, range->bits, address);
}

static bool
is_allowed(const unsigned char address[16], const address_range *allowed, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (address_range_holds(&allowed[i], address)) {
            return true;
        }
    }
    return false;
}

/* IPv4 becomes the IPv6 address that maps it. */
static bool
read_socket_address(const struct sockaddr *address, socklen_t size, unsigned char out[16])
{
    if (size >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof ipv4);
        memcpy(out, MAPPED, IPV4_OFFSET);
        memcpy(out + IPV4_OFFSET, &ipv4.sin_addr, 4);
        return true;
    }
    if (size >= sizeof(struct sockaddr_in6) && address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof ipv6);
        memcpy(out, &ipv6.sin6_addr, 16);
        return true;
    }
    return false;
}

aip_status
address_check(const struct sockaddr *address, socklen_t size, const address_range *allowed, size_t allowed_count,
              aip_error *err)
{
    unsigned char bytes[16];
    if (!read_socket_address(address, size, bytes)) {
        return aip_fail(err, AIP_FETCH_ADDRESS, "the address is neither IPv4 nor IPv6");
    }
    /* Which address it was is not said: names inside a network are not for strangers to look up. */
    return is_allowed(bytes, allowed, allowed_count) || is_open(bytes) ? AIP_OK
                                                                       : aip_fail(err, AIP_FETCH_ADDRESS, NULL);
}

/* The digits after the slash; `maximum` when there is no slash. */
static bool
read_bits(const char *slash, unsigned maximum, unsigned *bits)
{
    unsigned value = 0;
    *bits = maximum;
    if (slash == NULL) {
        return true;
    }
    const char *digit = slash + 1;
    if (*digit == '\0' || (*digit == '0' && digit[1] != '\0') || strlen(digit) > 3) {
        return false;
    }
    for (; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(*digit - '0');
    }
    *bits = value;
    return value <= maximum;
}

static bool
host_bits_are_zero(const address_range *range)
{
    for (unsigned bit = range->bits; bit < 128; bit++) {
        if ((range->prefix[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

static bool
read_range(const char *text, address_range *out)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t size = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (size >= sizeof host) {
        return false;
    }
    memcpy(host, text, size);
    host[size] = '\0';
    if (inet_pton(AF_INET6, host, out->prefix) == 1) {
        return read_bits(slash, 128, &out->bits) && host_bits_are_zero(out);
    }
    memcpy(out->prefix, MAPPED, IPV4_OFFSET);
    if (inet_pton(AF_INET, host, out->prefix + IPV4_OFFSET) != 1 || !read_bits(slash, 32, &out->bits)) {
        return false;
    }
    out->bits += MAPPED_BITS;
    return host_bits_are_zero(out);
}

aip_status
address_range_parse(const char *text, address_range *out, aip_error *err)
{
    if (read_range(text, out)) {
        return AIP_OK;
    }
    memset(out, 0, sizeof *out);
    return aip_fail(err, AIP_CONFIG_INVALID,
                    "an address range is an address, or an address, `/` and the number of its leading bits, "
                    "with zeros after them");
}
