/* Rules of the names that stand on DNS: did:web and aip:web. */
#ifndef DID_DID_WEB_H
#define DID_DID_WEB_H

#include "aip/error.h"

/* A public host name in lower case: at least two labels, no IP literal, no trailing dot, no name that only means
 * something inside one network (`.local`, `.localhost`, `.internal`, `.home.arpa`). */
bool did_web_host_is_public(aip_bytes host);

/* Checks what follows `did:web:`. Errors: did.invalid. */
AIP_MUST_CHECK aip_status did_web_check(aip_bytes method_specific_id, aip_error *err);

#endif
