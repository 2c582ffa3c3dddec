/* MCP over Streamable HTTP as a client: one message at a time, answers as JSON or as an event stream. */
#include "cli/mcp_client.h"

#include "aip/limits.h"

#define PROTOCOL_VERSION "2025-06-18"
enum { ANSWER_BYTES_MAX = 16 << 20 };

/* The refusal's own name, if it is one of ours, else the message of whoever failed: as printable text. */
static aip_status
report_failure(const json_t *answer, int http, aip_error *err)
{
    const json_t *error = json_object_get(answer, "error");
    const json_t *data = json_object_get(error, "data");
    const char *name = json_string_value(json_object_get(json_is_object(data) ? data : error, "code_name"));
    const char *reason = json_string_value(json_object_get(data, "reason"));
    const char *message = json_string_value(json_object_get(error, "message"));
    char clean_name[64], clean[120];
    const char *said = reason != NULL && *reason != '\0' ? reason : message == NULL ? "" : message;
    return aip_fail(err, AIP_CALL_REFUSED, "%s (HTTP %d): %s",
                    aip_printable(aip_bytes_of(name == NULL ? "the server" : name), clean_name, sizeof clean_name),
                    http, aip_printable(aip_bytes_of(said), clean, sizeof clean));
}

aip_status
mcp_check_refusal(const net_reply *reply, aip_error *err)
{
    JSON_AUTO json_t *answer = NULL;
    bool readable = json_load_strict(text_view(&reply->body), ANSWER_BYTES_MAX, &answer, NULL) == AIP_OK;
    if (reply->status >= 200 && reply->status < 300 &&
        !(readable && json_is_object(json_object_get(answer, "error")))) {
        return AIP_OK;
    }
    return report_failure(answer, reply->status, err);
}

/* ---- answers ---- */

static bool
is_answer_to(const json_t *message, int id)
{
    const json_t *own = json_object_get(message, "id");
    return json_is_integer(own) && json_integer_value(own) == id && json_object_get(message, "method") == NULL;
}

/* One line of an event stream; lines of `data` are collected until a blank one. */
static aip_status
take_line(aip_bytes line, int id, text_buffer *data, json_t **found, aip_error *err)
{
    if (aip_bytes_begin_with(line, AIP_BYTES_LITERAL("data:"))) {
        size_t skipped = line.size > 5 && line.data[5] == ' ' ? 6 : 5;
        text_append(data, aip_bytes_from(line, skipped));
        return AIP_OK;
    }
    if (line.size > 0 || data->size == 0) {
        return AIP_OK;
    }
    json_t *message = NULL;
    AIP_TRY(text_finish(data, err));
    AIP_TRY(json_load_strict(text_view(data), ANSWER_BYTES_MAX, &message, err));
    text_clear(data);
    if (is_answer_to(message, id) && *found == NULL) {
        *found = message;
        return AIP_OK;
    }
    json_decref(message); /* progress, logs, and questions that nobody here can answer */
    return AIP_OK;
}

static aip_status
find_in_stream(aip_bytes body, int id, json_t **found, aip_error *err)
{
    TEXT_AUTO text_buffer data = {0};
    while (body.size > 0) {
        const unsigned char *end = memchr(body.data, '\n', body.size);
        aip_bytes line = {body.data, end == NULL ? body.size : (size_t)(end - body.data)};
        body = aip_bytes_from(body, end == NULL ? line.size : line.size + 1);
        line.size -= line.size > 0 && line.data[line.size - 1] == '\r' ? 1 : 0;
        AIP_TRY(take_line(line, id, &data, found, err));
    }
    return AIP_OK;
}

static aip_status
read_answer(const net_reply *reply, int id, json_t **out, aip_error *err)
{
    aip_bytes type = net_reply_field(reply, "Content-Type");
    JSON_AUTO json_t *message = NULL;
    if (aip_bytes_begin_with(type, AIP_BYTES_LITERAL("text/event-stream"))) {
        AIP_TRY(find_in_stream(text_view(&reply->body), id, &message, err));
    } else if (json_load_strict(text_view(&reply->body), ANSWER_BYTES_MAX, &message, NULL) != AIP_OK &&
               reply->status < 300) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "the answer is not JSON");
    }
    if (reply->status >= 300 || json_is_object(json_object_get(message, "error"))) {
        return report_failure(message, reply->status, err);
    }
    json_t *result = json_object_get(message, "result");
    if (!is_answer_to(message, id) || result == NULL) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "the answer is not one to the request");
    }
    *out = json_incref(result);
    return AIP_OK;
}

/* ---- requests ---- */

static aip_status
send_message(mcp_client *client, const char *method, aip_bytes body, net_reply *reply, aip_error *err)
{
    const char *fields[] = {"Content-Type: application/json", "Accept: application/json, text/event-stream",
                            "MCP-Protocol-Version: " PROTOCOL_VERSION, client->session};
    const proven_request request = {method, client->url, body, fields, client->session[0] == '\0' ? 3 : 4};
    return proven_send(client->caller, &request, reply, err);
}

aip_status
mcp_request(mcp_client *client, const char *method, const char *parameters, json_t **result, aip_error *err)
{
    NET_REPLY_AUTO net_reply reply = {0};
    TEXT_AUTO text_buffer body = {0};
    int id = ++client->next_id;
    *result = NULL;
    text_append_format(&body, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":%s}", id, method,
                       parameters);
    AIP_TRY(text_finish(&body, err));
    AIP_TRY(send_message(client, "POST", text_view(&body), &reply, err));
    aip_bytes session = net_reply_field(&reply, "Mcp-Session-Id");
    if (session.size > 0 && client->session[0] == '\0') {
        int size = snprintf(client->session, sizeof client->session, "Mcp-Session-Id: %.*s", (int)session.size,
                            (const char *)session.data);
        if (size < 0 || (size_t)size >= sizeof client->session) {
            return aip_fail(err, AIP_UPSTREAM_INVALID, "the session id is too long");
        }
    }
    return read_answer(&reply, id, result, err);
}

aip_status
mcp_open(const proven_caller *caller, const char *url, mcp_client *out, aip_error *err)
{
    NET_REPLY_AUTO net_reply reply = {0};
    JSON_AUTO json_t *result = NULL;
    *out = (mcp_client){.caller = caller, .url = url};
    AIP_TRY(mcp_request(out, "initialize",
                        "{\"protocolVersion\":\"" PROTOCOL_VERSION "\",\"capabilities\":{},"
                        "\"clientInfo\":{\"name\":\"aip-token\",\"version\":\"0.1\"}}",
                        &result, err));
    AIP_TRY(send_message(
        out, "POST", AIP_BYTES_LITERAL("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"), &reply, err));
    return mcp_check_refusal(&reply, err);
}

void
mcp_close(mcp_client *client)
{
    NET_REPLY_AUTO net_reply reply = {0};
    if (client->session[0] != '\0') {
        (void)!send_message(client, "DELETE", (aip_bytes){NULL, 0}, &reply, NULL);
    }
}
