/* The client configuration that starts a wrapped command, as editors and desktop clients read it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/gateway_wrap.h"

static aip_status
append_absolute(text_buffer *out, const char *path, aip_error *err)
{
    TEXT_AUTO text_buffer whole = {0};
    if (path[0] != '/') {
        char *directory STRING_AUTO = getcwd(NULL, 0);
        if (directory == NULL) {
            return aip_fail(err, AIP_IO, "the current directory: %s", strerror(errno));
        }
        text_append_format(&whole, "%s/", directory);
    }
    text_append_string(&whole, path);
    AIP_TRY(text_finish(&whole, err));
    text_append_json(out, text_view(&whole));
    return AIP_OK;
}

static aip_status
append_self(text_buffer *out, aip_error *err)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path);
    if (size <= 0 || (size_t)size == sizeof path) {
        return aip_fail(err, AIP_IO, "the path of this program");
    }
    text_append_json(out, (aip_bytes){(const unsigned char *)path, (size_t)size});
    return AIP_OK;
}

static const char item[] = ",\n        ";

static aip_status
append_pair(text_buffer *out, const char *name, const char *value, bool is_path, aip_error *err)
{
    text_append_string(out, item);
    text_append_json(out, aip_bytes_of(name));
    text_append_string(out, item);
    if (is_path) {
        return append_absolute(out, value, err);
    }
    text_append_json(out, aip_bytes_of(value));
    return AIP_OK;
}

/* A client starts the command somewhere else, and a policy or the command's own arguments may name files from here. */
static aip_status
append_directory(text_buffer *out, aip_error *err)
{
    char *directory STRING_AUTO = getcwd(NULL, 0);
    return directory == NULL ? aip_fail(err, AIP_IO, "the current directory: %s", strerror(errno))
                             : append_pair(out, "--directory", directory, true, err);
}

/* An option of the gateway as it was given, its paths absolute. */
static aip_status
append_option(const option *row, text_buffer *out, aip_error *err)
{
    bool is_path = row->argument != NULL && strcmp(row->argument, "FILE") == 0;
    char number[24];
    const option_list *list = row->destination;
    switch (row->kind) {
    case OPTION_FLAG:
        if (*(const bool *)row->destination) {
            text_append_string(out, item);
            text_append_json(out, aip_bytes_of(row->name));
        }
        return AIP_OK;
    case OPTION_TEXT:
        return *(const char *const *)row->destination == NULL
                   ? AIP_OK
                   : append_pair(out, row->name, *(const char *const *)row->destination, is_path, err);
    case OPTION_UNSIGNED:
        if (*(const uint64_t *)row->destination == UINT64_MAX) {
            return AIP_OK;
        }
        snprintf(number, sizeof number, "%llu", (unsigned long long)*(const uint64_t *)row->destination);
        return append_pair(out, row->name, number, false, err);
    case OPTION_LIST:
        for (size_t i = 0; i < list->count; i++) {
            AIP_TRY(append_pair(out, row->name, list->items[i], is_path, err));
        }
        return AIP_OK;
    }
    return aip_fail(err, AIP_INTERNAL, NULL);
}

static aip_status
append_own(const gateway_wrap *w, text_buffer *out, aip_error *err)
{
    if (w->token_file != NULL) {
        AIP_TRY(append_pair(out, "--token", w->token_file, true, err));
    }
    for (size_t i = 0; i < w->pass.count; i++) {
        AIP_TRY(append_pair(out, "--pass-env", w->pass.items[i], false, err));
    }
    if (w->no_restart) {
        text_append_format(out, "%s\"--no-restart\"", item);
    }
    if (w->verbose) {
        text_append_format(out, "%s\"--verbose\"", item);
    }
    return AIP_OK;
}

/* Two servers have two decision logs: a log has one writer. */
static aip_status
append_log(const char *name, const gateway_options *given, text_buffer *out, aip_error *err)
{
    TEXT_AUTO text_buffer file = {0};
    if (given->audit != NULL || given->config != NULL) {
        return AIP_OK;
    }
    text_append_format(&file, "aip-audit-%s.jsonl", name);
    text_append(&file, (aip_bytes){(const unsigned char *)"", 1});
    AIP_TRY(text_finish(&file, err));
    return append_pair(out, "--audit", file.data, true, err);
}

static aip_status
append_command(const gateway_wrap *w, text_buffer *out, aip_error *err)
{
    bool is_path = strchr(w->command[0], '/') != NULL;
    text_append_format(out, "%s\"--\"%s", item, item);
    if (is_path) {
        AIP_TRY(append_absolute(out, w->command[0], err));
    } else {
        text_append_json(out, aip_bytes_of(w->command[0]));
    }
    for (size_t i = 1; w->command[i] != NULL; i++) {
        text_append_string(out, item);
        text_append_json(out, aip_bytes_of(w->command[i]));
    }
    return AIP_OK;
}

/* What clients call the list of their servers, and what they want to know of each. */
typedef struct {
    const char *name, *list, *begin;
} client_form;

static const client_form client_forms[] = {
    {"claude", "mcpServers", ""},
    {"cursor", "mcpServers", ""},
    {"vscode", "servers", "\"type\": \"stdio\",\n      "},
    {"zed", "context_servers", ""},
};

static aip_status
find_form(const char *name, const client_form **out, aip_error *err)
{
    *out = &client_forms[0];
    for (size_t i = 0; name != NULL && i < sizeof client_forms / sizeof client_forms[0]; i++) {
        if (strcmp(client_forms[i].name, name) == 0) {
            *out = &client_forms[i];
            return AIP_OK;
        }
    }
    return name == NULL ? AIP_OK : aip_fail(err, AIP_USAGE, "--client is claude, cursor, vscode or zed");
}

static aip_status
append_entry(const gateway_wrap *w, const option *table, const gateway_options *given, text_buffer *out, aip_error *err)
{
    const char *name = w->name != NULL ? w->name : "protected-tool";
    const client_form *form;
    AIP_TRY(find_form(w->client, &form, err));
    text_append_format(out, "{\n  \"%s\": {\n    ", form->list);
    text_append_json(out, aip_bytes_of(name));
    text_append_format(out, ": {\n      %s\"args\": [\n        \"wrap\"", form->begin);
    if (w->prints_cursor_config) {
        AIP_TRY(append_pair(out, "--policy", given->policy == NULL ? GATEWAY_WRAP_POLICY : given->policy, true, err));
        AIP_TRY(append_pair(out, "--target", w->target, false, err));
    } else {
        AIP_TRY(append_directory(out, err));
        for (const option *row = table; row->name != NULL; row++) {
            AIP_TRY(append_option(row, out, err));
        }
        if (given->policy == NULL && !gateway_wrap_trusts_anybody(given)) {
            AIP_TRY(append_pair(out, "--policy", GATEWAY_WRAP_POLICY, true, err));
        }
        AIP_TRY(append_own(w, out, err));
        AIP_TRY(append_log(name, given, out, err));
        AIP_TRY(append_command(w, out, err));
    }
    text_append_string(out, "\n      ],\n      \"command\": ");
    AIP_TRY(append_self(out, err));
    text_append_string(out, "\n    }\n  }\n}");
    return AIP_OK;
}

aip_status
gateway_wrap_print_config(const gateway_wrap *w, const option *table, const gateway_options *given, aip_error *err)
{
    TEXT_AUTO text_buffer out = {0};
    const char *file = given->policy != NULL                ? given->policy
                       : gateway_wrap_trusts_anybody(given) ? NULL
                                                            : GATEWAY_WRAP_POLICY;
    if (w->command == NULL) {
        return aip_fail(err, AIP_USAGE, "a command is needed");
    }
    if (w->prints_cursor_config && w->client != NULL) {
        return aip_fail(err, AIP_USAGE, "--generate-cursor-config has one form; --print-config has those of --client");
    }
    if (w->prints_cursor_config && w->target == NULL) {
        return aip_fail(err, AIP_USAGE, "--generate-cursor-config needs --target");
    }
    if (file != NULL && access(file, R_OK) != 0) {
        fprintf(stderr, "aip-gateway: WARNING: %s cannot be read yet\n", file);
    }
    AIP_TRY(append_entry(w, table, given, &out, err));
    return options_print(&out, err);
}
