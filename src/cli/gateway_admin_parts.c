/* Opening and closing what the operator talks to. */
#include "cli/gateway_admin_parts.h"

#include "gateway/admin.h"

aip_status
gateway_admin_open(gateway *g, const char *socket, const char *store_path, aip_error *err)
{
    if (socket == NULL) {
        return AIP_OK;
    }
    const approvals_setup asking = {.audit = g->audit, .notify = g->settings->notify};
    AIP_TRY(approvals_open(&asking, &g->approvals, err));
    const admin_setup setup = {.path = socket, .gateway = g, .store_path = store_path};
    return admin_open(&setup, &g->admin, err);
}

void
gateway_admin_close(gateway *g)
{
    admin_close(&g->admin);
    approvals_close(&g->approvals);
}
