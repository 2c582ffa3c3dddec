/* The parts of a gateway that its operator talks to: calls that wait for a person, and the admin socket. */
#ifndef CLI_GATEWAY_ADMIN_PARTS_H
#define CLI_GATEWAY_ADMIN_PARTS_H

#include "gateway/gateway.h"

/* Sets g->approvals and g->admin, when `socket` is named; else nobody can be asked. g->audit is open, and the settings
 * in force say whether the desktop is told. Errors: config.invalid, listen, io, memory. */
AIP_MUST_CHECK aip_status gateway_admin_open(gateway *g, const char *socket, const char *store_path, aip_error *err);
/* After the shards, before all else. */
void gateway_admin_close(gateway *g);

#endif
