/* The table of protocols. */
#include "gateway/mcp.h"

const protocol protocol_mcp = {
    .name = "mcp",
    .check_head = mcp_check_head,
    .read = message_read,
    .classify = mcp_classify,
    .append_error = reply_append_rpc_error,
    .judge = mcp_judge,
};

static const protocol *const rows[] = {&protocol_mcp};

const protocol *
protocol_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i]->name, name) == 0) {
            return rows[i];
        }
    }
    return NULL;
}
