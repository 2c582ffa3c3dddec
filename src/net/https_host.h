/* The host of an https URL: a name, never an address. */
#ifndef NET_HTTPS_HOST_H
#define NET_HTTPS_HOST_H

#include "aip/error.h"

#define HTTPS_HOST_BYTES 254 /* with its NUL */

/* Writes the host in lower case. The URL has no user, password or fragment, is printable ASCII, and its host is a DNS
 * name as written: IP literals in any spelling (dotted, one number, hexadecimal, octal, in brackets, percent-encoded)
 * are refused. Errors: fetch.address, memory. */
AIP_MUST_CHECK aip_status https_host(const char *url, char host[HTTPS_HOST_BYTES], aip_error *err);

#endif
