/* MCP tasks: each belongs to the agent that began it (spec/gateway.md, G-100 to G-109). */
#ifndef GATEWAY_MCP_TASKS_H
#define GATEWAY_MCP_TASKS_H

#include "gateway/exchange.h"

typedef char mcp_task_id[AIP_TASK_ID_BYTES_MAX + 1];

/* Decodes the string `params.taskId` of the caller's message. Errors: request.invalid. */
AIP_MUST_CHECK aip_status mcp_task_named(const exchange *x, mcp_task_id out, aip_error *err);

/* The stage `ownership`: every task that the caller's message names is its own. Errors: task.not_found,
 * request.invalid, store.*; those of await_owners. G-103, G-107. */
AIP_MUST_CHECK aip_status mcp_check_owner(exchange *x, aip_error *err);

/* A request or notification of the server; x->left_out tells that it is about somebody else's task. Errors:
 * upstream.invalid. G-106. */
AIP_MUST_CHECK aip_status mcp_tasks_judge_message(exchange *x, const scan_document *message, aip_error *err);

/* A result: a task that it begins is the caller's from now on, and a list goes on with the caller's own; then `out`
 * receives it. Errors: upstream.invalid, memory. G-102, G-104, G-105. */
AIP_MUST_CHECK aip_status mcp_tasks_judge_result(exchange *x, const scan_document *message, text_buffer *out,
                                                 aip_error *err);

#endif
