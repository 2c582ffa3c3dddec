/* What a Content-Type says of a body. */
#ifndef GATEWAY_MEDIA_H
#define GATEWAY_MEDIA_H

#include "aip/error.h"

/* Is it that type, `application/json` or the like, alone or with charset=utf-8? */
bool media_is(aip_bytes type, const char *name);

/* `application/json` or `application/…+json`, whatever its parameters are. */
bool media_is_json(aip_bytes type);

#endif
