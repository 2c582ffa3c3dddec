/* Addresses of resources: which of them may be asked for, and the scope that one needs (G-23, G-131). */
#ifndef GATEWAY_MCP_ADDRESS_H
#define GATEWAY_MCP_ADDRESS_H

#include "aip/bytes.h"

/* Visible ASCII without anything a server could resolve to a place outside the prefix that was granted? */
bool mcp_address_is_good(aip_bytes uri);

/* The scope that an address needs: `resource:` and the address where an entry can hold it as it is; else `uri:` and
 * all other bytes as `%XX`, `%` itself too. So two addresses never need the same one. False: there is no room. */
bool mcp_address_scope(aip_bytes uri, char *out, size_t room);

/* Makes this of `wanted`, which is `resource:` and *address, a part of it; that moves behind the NUL where it has to.
 * Of a template that is the scope of what all its addresses begin with. False: nothing can cover it; `wanted` is "". */
bool mcp_address_spell(char *wanted, size_t room, bool template, aip_bytes *address);

#endif
