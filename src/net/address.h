/* Which addresses may be reached when a name that others chose is looked up. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <sys/socket.h>

#include "aip/error.h"

/* A range that the operator opens although it is private: IPv4 as ::ffff:0:0/96. */
typedef struct {
    unsigned char prefix[16];
    unsigned bits;
} address_range;

/* `10.1.0.0/16`, `127.0.0.2`, `fd00::/8`. Host bits must be zero. Errors: config.invalid. */
AIP_MUST_CHECK aip_status address_range_parse(const char *text, address_range *out, aip_error *err);

/* Does the range hold the address, IPv4 as ::ffff:0:0/96? `::/0` holds no IPv4. */
bool address_range_holds(const address_range *range, const unsigned char address[16]);

/* Is the socket address one that a stranger's name may lead to? Refused: everything that IANA's special-purpose
 * registries do not call globally reachable (private, loopback, link-local with cloud metadata, multicast, unspecified,
 * carrier-grade NAT, unique-local, documentation, benchmarking, reserved), and IPv6 that embeds such an IPv4 (mapped,
 * compatible, 6to4, Teredo, NAT64); unless an `allowed` range holds it. Other families: refused. fetch.address. */
AIP_MUST_CHECK aip_status address_check(const struct sockaddr *address, socklen_t size, const address_range *allowed,
                                        size_t allowed_count, aip_error *err);

#endif
