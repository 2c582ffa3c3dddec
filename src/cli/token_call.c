/* aip-token call: one proven request, or a tool of an MCP server behind a gateway; aip-token prove: its headers. */
#include <stdlib.h>

#include "cli/keys.h"
#include "cli/mcp_client.h"
#include "cli/options.h"
#include "cli/token_verbs.h"

enum { BODY_BYTES_MAX = 16 << 20, TIMEOUT_SECONDS = 60, TIMEOUT_SECONDS_MAX = 3600, PAGES_MAX = 100 };

typedef struct {
    const char *method;
    const char *key_file, *passphrase_file, *token_file, *expect, *data, *tool;
    bool list, unsigned_answer, json;
    option_list fields;
    uint64_t timeout;
    lookup_options lookup;
    const char *positionals[2]; /* URL, and the arguments of the tool */
    size_t positional_count;
} call_options;

/* What the run holds. */
typedef struct {
    aip_secret_key *key;
    aip_key_owner owner;
    char *token, *body;
    size_t body_size;
    lookup *identities;
    proven_caller caller;
} call_state;

static aip_status
load_token(const char *path, char **out, aip_error *err)
{
    size_t size;
    AIP_TRY(text_load_file(path, AIP_TOKEN_BYTES_MAX + 2, out, &size, err));
    while (size > 0 && ((*out)[size - 1] == '\n' || (*out)[size - 1] == '\r')) {
        (*out)[--size] = '\0';
    }
    return size == 0 || strpbrk(*out, "\r\n \t") != NULL ? aip_fail(err, AIP_TOKEN_MALFORMED, "%s", path) : AIP_OK;
}

static aip_status
load_body(const char *data, call_state *state, aip_error *err)
{
    if (data == NULL) {
        return AIP_OK;
    }
    if (data[0] == '@') {
        return text_load_file(data + 1, BODY_BYTES_MAX, &state->body, &state->body_size, err);
    }
    state->body = strdup(data);
    state->body_size = strlen(data);
    return state->body == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

static aip_status
check_options(const call_options *o, aip_error *err)
{
    if (o->key_file == NULL || o->token_file == NULL || o->positional_count == 0) {
        return aip_fail(err, AIP_USAGE, "--key, --token and a URL are needed");
    }
    if ((o->expect == NULL) == !o->unsigned_answer) {
        return aip_fail(err, AIP_USAGE, "name the gateway with --expect DID, or say --accept-unsigned");
    }
    if ((o->tool != NULL) + o->list + (o->data != NULL) > 1) {
        return aip_fail(err, AIP_USAGE, "--mcp, --mcp-list and -d exclude each other");
    }
    if (o->positional_count > 1 && o->tool == NULL) {
        return aip_fail(err, AIP_USAGE, "arguments belong to --mcp");
    }
    return o->timeout == 0 || o->timeout > TIMEOUT_SECONDS_MAX
               ? aip_fail(err, AIP_USAGE, "--timeout is 1 to %d", TIMEOUT_SECONDS_MAX)
               : AIP_OK;
}

static aip_status
open_state(const call_options *o, call_state *state, aip_error *err)
{
    const lookup_manner manner = {TOKEN_PROGRAM, true, false, false};
    AIP_TRY(check_options(o, err));
    AIP_TRY(keys_load(o->key_file, o->passphrase_file, &state->owner, &state->key, err));
    AIP_TRY(load_token(o->token_file, &state->token, err));
    AIP_TRY(load_body(o->data, state, err));
    AIP_TRY(lookup_open(&o->lookup, &manner, &state->identities, err));
    state->caller = (proven_caller){
        .key = state->key,
        .owner = &state->owner,
        .token = state->token,
        .expect = o->expect,
        .identities = state->identities,
        .ca_file = o->lookup.ca_file,
        .timeout_seconds = (unsigned)o->timeout,
    };
    return AIP_OK;
}

static void
clear_state(call_state *state)
{
    aip_secret_key_free(&state->key);
    free(state->token);
    free(state->body);
    lookup_close(&state->identities);
}

static aip_status
print_bytes(aip_bytes bytes, aip_error *err)
{
    bool written = fwrite(bytes.data, 1, bytes.size, stdout) == bytes.size && fflush(stdout) == 0;
    return written || bytes.size == 0 ? AIP_OK : aip_fail(err, AIP_IO, "standard output");
}

static aip_status
call_plain(const call_options *o, const call_state *state, aip_error *err)
{
    NET_REPLY_AUTO net_reply reply = {0};
    const proven_request request = {o->data == NULL ? "GET" : "POST",
                                    o->positionals[0],
                                    {(const unsigned char *)state->body, state->body_size},
                                    o->fields.items,
                                    o->fields.count};
    AIP_TRY(proven_send(&state->caller, &request, &reply, err));
    AIP_TRY(mcp_check_refusal(&reply, err));
    return print_bytes(text_view(&reply.body), err);
}

static aip_status
print_json(const json_t *value, aip_error *err)
{
    STRING_AUTO char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    TEXT_AUTO text_buffer out = {0};
    if (text == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    text_append_string(&out, text);
    return options_print(&out, err);
}

/* The name, and the first line of what it is for; from a server, so printable only. */
static aip_status
print_tool(const json_t *tool, aip_error *err)
{
    const char *name = json_string_value(json_object_get(tool, "name"));
    const char *about = json_string_value(json_object_get(tool, "description"));
    char clean_name[128], clean[160];
    TEXT_AUTO text_buffer line = {0};
    aip_bytes first = aip_bytes_of(about);
    const unsigned char *end = first.size == 0 ? NULL : memchr(first.data, '\n', first.size);
    first.size = end == NULL ? first.size : (size_t)(end - first.data);
    text_append_format(&line, "%-24s %s", aip_printable(aip_bytes_of(name), clean_name, sizeof clean_name),
                       aip_printable(first, clean, sizeof clean));
    return options_print(&line, err);
}

static aip_status
print_page(const json_t *result, bool json, aip_error *err)
{
    const json_t *tools = json_object_get(result, "tools");
    if (json || !json_is_array(tools)) {
        return print_json(result, err);
    }
    for (size_t i = 0; i < json_array_size(tools); i++) {
        AIP_TRY(print_tool(json_array_get(tools, i), err));
    }
    return AIP_OK;
}

static aip_status
list_tools(mcp_client *client, bool json, aip_error *err)
{
    TEXT_AUTO text_buffer parameters = {0};
    text_append_string(&parameters, "{}");
    for (int page = 0; page < PAGES_MAX; page++) {
        JSON_AUTO json_t *result = NULL;
        AIP_TRY(text_finish(&parameters, err));
        AIP_TRY(mcp_request(client, "tools/list", parameters.data, &result, err));
        AIP_TRY(print_page(result, json, err));
        const json_t *cursor = json_object_get(result, "nextCursor");
        if (!json_is_string(cursor)) {
            return AIP_OK;
        }
        text_clear(&parameters);
        text_append_string(&parameters, "{\"cursor\":");
        text_append_json(&parameters, aip_bytes_of(json_string_value(cursor)));
        text_append_string(&parameters, "}");
    }
    return aip_fail(err, AIP_UPSTREAM_INVALID, "the list does not end");
}

/* Texts as they are, everything else as JSON. */
static aip_status
print_result(const json_t *result, bool json, aip_error *err)
{
    const json_t *content = json_object_get(result, "content");
    if (json || !json_is_array(content)) {
        return print_json(result, err);
    }
    for (size_t i = 0; i < json_array_size(content); i++) {
        const json_t *item = json_array_get(content, i);
        const char *text = json_string_value(json_object_get(item, "text"));
        TEXT_AUTO text_buffer out = {0};
        text_append_string(&out, text == NULL ? "" : text);
        AIP_TRY(text == NULL ? print_json(item, err) : options_print(&out, err));
    }
    return AIP_OK;
}

static aip_status
call_tool(mcp_client *client, const call_options *o, aip_error *err)
{
    TEXT_AUTO text_buffer parameters = {0};
    JSON_AUTO json_t *arguments = NULL, *result = NULL;
    const char *given = o->positional_count > 1 ? o->positionals[1] : "{}";
    AIP_TRY(json_load_strict(aip_bytes_of(given), BODY_BYTES_MAX, &arguments, err));
    if (!json_is_object(arguments)) {
        return aip_fail(err, AIP_USAGE, "the arguments are one JSON object");
    }
    text_append_string(&parameters, "{\"name\":");
    text_append_json(&parameters, aip_bytes_of(o->tool));
    text_append_format(&parameters, ",\"arguments\":%s}", given);
    AIP_TRY(text_finish(&parameters, err));
    AIP_TRY(mcp_request(client, "tools/call", parameters.data, &result, err));
    AIP_TRY(print_result(result, o->json, err));
    return json_is_true(json_object_get(result, "isError"))
               ? aip_fail(err, AIP_CALL_REFUSED, "the tool reports an error")
               : AIP_OK;
}

static aip_status
call_mcp(const call_options *o, const call_state *state, aip_error *err)
{
    mcp_client client;
    aip_status status = mcp_open(&state->caller, o->positionals[0], &client, err);
    if (status == AIP_OK) {
        status = o->list ? list_tools(&client, o->json, err) : call_tool(&client, o, err);
    }
    mcp_close(&client);
    return status;
}

int
token_run_call(int argc, char **argv)
{
    call_options o = {.timeout = TIMEOUT_SECONDS};
    call_state state = {0};
    const option table[] = {
        {"--key", OPTION_TEXT, &o.key_file, "FILE", "key of the token's holder"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "its first line opens the key"},
        {"--token", OPTION_TEXT, &o.token_file, "FILE", "the token"},
        {"--expect", OPTION_TEXT, &o.expect, "DID", "the gateway, whose signature the answer must carry"},
        {"--accept-unsigned", OPTION_FLAG, &o.unsigned_answer, NULL, "do not check who answers"},
        {"-d", OPTION_TEXT, &o.data, "TEXT", "body of a POST, or @FILE; without it the request is a GET"},
        {"-H", OPTION_LIST, &o.fields, "HEADER", "further header `Name: value`"},
        {"--mcp", OPTION_TEXT, &o.tool, "TOOL", "call this tool of an MCP server; its arguments follow the URL"},
        {"--mcp-list", OPTION_FLAG, &o.list, NULL, "list the tools of an MCP server"},
        {"--timeout", OPTION_UNSIGNED, &o.timeout, "SECONDS", "for each request (60)"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print results as JSON"},
        LOOKUP_ROWS(o.lookup),
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, TOKEN_PROGRAM " call [options] URL [ARGUMENTS]", argc, argv, o.positionals,
                                      2, &o.positional_count, &err);
    if (status == AIP_OK) {
        status = open_state(&o, &state, &err);
    }
    if (status == AIP_OK) {
        status = o.tool != NULL || o.list ? call_mcp(&o, &state, &err) : call_plain(&o, &state, &err);
    }
    clear_state(&state);
    options_release(table);
    return status == AIP_OK ? 0 : options_report_failure(TOKEN_PROGRAM, o.json, status, &err);
}

/* ---- prove ---- */

static aip_status
print_headers(const call_options *o, aip_error *err)
{
    call_state state = {0};
    TEXT_AUTO text_buffer lines = {0};
    if (o->key_file == NULL || o->token_file == NULL || o->positional_count == 0) {
        return aip_fail(err, AIP_USAGE, "--key, --token and a URL are needed");
    }
    aip_status status = keys_load(o->key_file, o->passphrase_file, &state.owner, &state.key, err);
    status = status == AIP_OK ? load_token(o->token_file, &state.token, err) : status;
    status = status == AIP_OK ? load_body(o->data, &state, err) : status;
    if (status == AIP_OK) {
        const proven_caller caller = {.key = state.key, .owner = &state.owner, .token = state.token};
        const char *implied = o->data == NULL ? "GET" : "POST";
        const proven_request request = {o->method == NULL ? implied : o->method,
                                        o->positionals[0],
                                        {(const unsigned char *)state.body, state.body_size},
                                        NULL,
                                        0};
        status = proven_headers(&caller, &request, &lines, err);
    }
    status = status == AIP_OK ? print_bytes(text_view(&lines), err) : status;
    clear_state(&state);
    return status;
}

int
token_run_prove(int argc, char **argv)
{
    call_options o = {.timeout = TIMEOUT_SECONDS};
    const option table[] = {
        {"--key", OPTION_TEXT, &o.key_file, "FILE", "key of the token's holder"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "its first line opens the key"},
        {"--token", OPTION_TEXT, &o.token_file, "FILE", "the token"},
        {"-X", OPTION_TEXT, &o.method, "METHOD", "of the request (POST with -d, else GET)"},
        {"-d", OPTION_TEXT, &o.data, "TEXT", "the body, or @FILE"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, TOKEN_PROGRAM " prove [options] URL", argc, argv, o.positionals, 1,
                                      &o.positional_count, &err);
    if (status == AIP_OK) {
        status = print_headers(&o, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(TOKEN_PROGRAM, false, status, &err);
}
