/* The table of protocols. */
#include "gateway/a2a_exchange.h"
#include "gateway/mcp.h"
#include "gateway/mcp_tasks.h"
#include "gateway/plain.h"
#include "gateway/plain_exchange.h"

const protocol protocol_mcp = {
    .name = "mcp",
    .answers_once = true,
    .methods = "GET, POST, DELETE",
    .check_head = mcp_check_head,
    .read = message_read,
    .classify = mcp_classify,
    .append_error = reply_append_rpc_error,
    .judge = mcp_judge,
    .check = mcp_check_owner,
    .append_end = mcp_append_end,
};

const protocol protocol_a2a = {
    .name = "a2a",
    .below = true,
    .methods = "GET, POST, DELETE",
    .passes = (const char *const[]){"A2A-Version", "A2A-Extensions", "X-A2A-Extensions", NULL},
    .returns = (const char *const[]){"A2A-Version", "A2A-Extensions", "X-A2A-Extensions", NULL},
    .cache_control = "private, no-store",
    .error_event = "error", /* E-43 */
    .check_head = a2a_check_head,
    .credential = a2a_credential,
    .read = a2a_read,
    .classify = a2a_classify,
    .append_error = a2a_append_refusal,
    .judge = a2a_judge,
    .check = a2a_check,
    .address = a2a_address,
    .forget = a2a_forget,
};

/* E-76. No ranges: what is secret would come in pieces that each look harmless. No cookies: all agents would share
 * them. */
const protocol protocol_http = {
    .name = "http",
    .below = true,
    .texts = true,
    .methods = plain_methods,
    .passes = (const char *const[]){"Accept-Language", "Content-Language", "If-Match", "If-None-Match",
                                    "If-Modified-Since", "If-Unmodified-Since", "Prefer", "Idempotency-Key", NULL},
    .returns = (const char *const[]){"ETag", "Last-Modified", "Content-Language", "Content-Disposition", "Vary",
                                     "Accept-Patch", "Preference-Applied", NULL},
    .cache_control = "private, no-cache", /* E-78 */
    .error_event = "error",
    .check_head = plain_check_head,
    .read = plain_read_body,
    .classify = plain_classify,
    .append_error = plain_append_refusal,
    .judge = plain_judge,
    .address = plain_address,
    .forget = plain_forget,
};

static const protocol *const rows[] = {&protocol_mcp, &protocol_a2a, &protocol_http};

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
