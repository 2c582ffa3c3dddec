/* What a Content-Type says of a body. */
#ifndef GATEWAY_MEDIA_H
#define GATEWAY_MEDIA_H

#include "aip/error.h"

/* Is it that type, `application/json` or the like, alone or with charset=utf-8? */
bool media_is(aip_bytes type, const char *name);

/* Is it that type, whatever its parameters are? */
bool media_names(aip_bytes type, const char *name);

/* Does it name no charset but UTF-8? */
bool media_is_utf8(aip_bytes type);

/* `application/json` or `application/…+json`, whatever its parameters are. */
bool media_is_json(aip_bytes type);

#endif
