/* aip-gateway approvals: list, show, allow, deny, watch. */
#include "cli/gateway_approvals.h"

#include <stdlib.h>
#include <unistd.h>

#include "cli/gateway_admin.h"

#define PROGRAM "aip-gateway"
#define USAGE_TEXT                                                                               \
    PROGRAM " approvals [list] [options]          what waits, and what words hold\n"             \
            "       " PROGRAM " approvals show ID [options]\n"                                   \
            "       " PROGRAM " approvals allow ID [--for TIME] [options]\n"                     \
            "       " PROGRAM " approvals deny ID [options]       also ends a word that holds\n" \
            "       " PROGRAM " approvals watch [options]         shows what comes, until it is interrupted"

enum { WORDS_MAX = 2 };

static struct {
    admin_options where;
    const char *duration;
    bool json;
} given;

static const option table[] = {
    ADMIN_OPTIONS(given.where),
    {"--for", OPTION_TEXT, &given.duration, "TIME",
     "with allow: also the same call again, for so long (10m); else once"},
    {"--json", OPTION_FLAG, &given.json, NULL, "print one JSON object"},
    {NULL, OPTION_FLAG, NULL, NULL, NULL},
};

static aip_status
ask(const char *socket, const char *what, const char *id, json_t **out, aip_error *err)
{
    text_buffer line TEXT_AUTO = {0};
    gateway_admin_begin(&line, what);
    if (id != NULL) {
        gateway_admin_add(&line, "id", id);
    }
    AIP_TRY(text_finish(&line, err));
    return gateway_admin_ask(socket, &line, out, err);
}

/* ---- showing ---- */

static long long
number_of(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static void
append_line(text_buffer *out, const char *label, const char *text)
{
    if (text[0] != '\0') {
        text_append_format(out, "%-11s", label);
        gateway_admin_show(out, text);
        text_append_string(out, "\n");
    }
}

static void
append_hops(text_buffer *out, const json_t *prompt)
{
    const json_t *hops = json_object_get(prompt, "hops");
    for (size_t i = 0; i < json_array_size(hops); i++) {
        const json_t *hop = json_array_get(hops, i);
        const char *context = gateway_admin_text(hop, "context");
        text_append_format(out, "%-11s", i == 0 ? "issued to" : "handed to");
        gateway_admin_show(out, gateway_admin_text(hop, "to"));
        if (context[0] != '\0') {
            text_append_string(out, " for: ");
            gateway_admin_show(out, context);
        }
        text_append_string(out, "\n");
    }
}

static void
append_arguments(text_buffer *out, const json_t *prompt)
{
    if (!json_is_string(json_object_get(prompt, "arguments"))) {
        text_append_format(out, "%-11snot shown: %lld bytes that could not be looked through\n", "arguments",
                           number_of(prompt, "arguments_bytes"));
        return;
    }
    append_line(out, "arguments", gateway_admin_text(prompt, "arguments"));
    if (json_is_true(json_object_get(prompt, "arguments_cut"))) {
        text_append_format(out, "%-11sthe rest of %lld bytes is not shown\n", "", number_of(prompt, "arguments_bytes"));
    }
}

static void
append_prompt(text_buffer *out, const json_t *prompt)
{
    append_line(out, "prompt", gateway_admin_text(prompt, "id"));
    append_line(out, gateway_admin_text(prompt, "kind"), gateway_admin_text(prompt, "name"));
    append_line(out, "upstream", gateway_admin_text(prompt, "upstream"));
    append_line(out, "root", gateway_admin_text(prompt, "root"));
    append_line(out, "on behalf", gateway_admin_text(prompt, "principal"));
    append_hops(out, prompt);
    append_line(out, "asked by", gateway_admin_text(prompt, "leaf"));
    append_arguments(out, prompt);
    text_append_format(out, "%-11s%llds ago, %llds left", "asked", number_of(prompt, "asked_seconds"),
                       number_of(prompt, "left_seconds"));
}

static void
append_row(text_buffer *out, const json_t *row, const char *what)
{
    text_append_format(out, "%s%s  %-7s%6llds  %s ", out->size == 0 ? "" : "\n", gateway_admin_text(row, "id"), what,
                       number_of(row, "left_seconds"), gateway_admin_text(row, "kind"));
    gateway_admin_show(out, gateway_admin_text(row, "name"));
    text_append_string(out, "  ");
    gateway_admin_show(out, gateway_admin_text(row, "leaf"));
    if (gateway_admin_text(row, "by")[0] != '\0') {
        text_append_string(out, "  by ");
        gateway_admin_show(out, gateway_admin_text(row, "by"));
    }
}

/* ---- verbs ---- */

static aip_status
list(const char *socket, const char *id, aip_error *err)
{
    json_t *reply JSON_AUTO = NULL;
    text_buffer text TEXT_AUTO = {0};
    (void)id;
    AIP_TRY(ask(socket, "approvals.list", NULL, &reply, err));
    if (given.json) {
        return gateway_admin_print(reply, err);
    }
    const json_t *waiting = json_object_get(reply, "waiting"), *holding = json_object_get(reply, "holding");
    for (size_t i = 0; i < json_array_size(waiting); i++) {
        append_row(&text, json_array_get(waiting, i), "waits");
    }
    for (size_t i = 0; i < json_array_size(holding); i++) {
        append_row(&text, json_array_get(holding, i), "holds");
    }
    return text.size == 0 ? AIP_OK : options_print(&text, err);
}

static aip_status
show(const char *socket, const char *id, aip_error *err)
{
    json_t *reply JSON_AUTO = NULL;
    text_buffer text TEXT_AUTO = {0};
    AIP_TRY(ask(socket, "approvals.show", id, &reply, err));
    const json_t *prompt = json_object_get(reply, "prompt");
    if (given.json) {
        return gateway_admin_print(prompt, err);
    }
    append_prompt(&text, prompt);
    return options_print(&text, err);
}

static aip_status
confirm(const json_t *reply, const char *said, aip_error *err)
{
    text_buffer text TEXT_AUTO = {0};
    if (given.json) {
        return gateway_admin_print(reply, err);
    }
    text_append_string(&text, said);
    return options_print(&text, err);
}

static aip_status
allow(const char *socket, const char *id, aip_error *err)
{
    json_t *reply JSON_AUTO = NULL;
    text_buffer line TEXT_AUTO = {0};
    int64_t seconds = 0;
    if (given.duration != NULL) {
        AIP_TRY(options_parse_duration(given.duration, &seconds, err));
    }
    if (seconds % 60 != 0) {
        return aip_fail(err, AIP_USAGE, "--for takes whole minutes");
    }
    gateway_admin_begin(&line, "approvals.allow");
    gateway_admin_add(&line, "id", id);
    text_append_format(&line, ",\"minutes\":%lld", (long long)(seconds / 60));
    AIP_TRY(text_finish(&line, err));
    AIP_TRY(gateway_admin_ask(socket, &line, &reply, err));
    return confirm(reply, seconds == 0 ? "allowed once" : "allowed", err);
}

static aip_status
deny(const char *socket, const char *id, aip_error *err)
{
    json_t *reply JSON_AUTO = NULL;
    AIP_TRY(ask(socket, "approvals.deny", id, &reply, err));
    return confirm(reply, "denied", err);
}

/* What was not there a moment ago. */
static aip_status
print_new(const json_t *waiting, json_t *known, aip_error *err)
{
    for (size_t i = 0; i < json_array_size(waiting); i++) {
        const json_t *prompt = json_array_get(waiting, i);
        text_buffer text TEXT_AUTO = {0};
        if (json_object_get(known, gateway_admin_text(prompt, "id")) != NULL) {
            continue;
        }
        if (given.json) {
            AIP_TRY(gateway_admin_print(prompt, err));
        } else {
            append_prompt(&text, prompt);
            text_append_string(&text, "\n");
            AIP_TRY(options_print(&text, err));
        }
    }
    return fflush(stdout) == 0 ? AIP_OK : aip_fail(err, AIP_IO, "nobody reads what is watched");
}

static aip_status
watch(const char *socket, const char *id, aip_error *err)
{
    json_t *known JSON_AUTO = json_object();
    (void)id;
    while (known != NULL) {
        json_t *reply JSON_AUTO = NULL;
        AIP_TRY(ask(socket, "approvals.list", NULL, &reply, err));
        json_t *waiting = json_object_get(reply, "waiting");
        AIP_TRY(print_new(waiting, known, err));
        json_object_clear(known);
        for (size_t i = 0; i < json_array_size(waiting); i++) {
            json_object_set_new(known, gateway_admin_text(json_array_get(waiting, i), "id"), json_true());
        }
        sleep(1);
    }
    return aip_fail(err, AIP_NO_MEMORY, NULL);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    bool names_one;
    aip_status (*run)(const char *socket, const char *id, aip_error *err);
} verbs[] = {
    {"list", false, list}, {"show", true, show}, {"allow", true, allow}, {"deny", true, deny}, {"watch", false, watch},
};

static aip_status
run(const char *const *words, size_t count, aip_error *err)
{
    const char *name = count == 0 ? "list" : words[0];
    size_t i = 0, known = sizeof verbs / sizeof verbs[0];
    while (i < known && strcmp(verbs[i].name, name) != 0) {
        i++;
    }
    if (i == known) {
        return aip_fail(err, AIP_USAGE, "list, show, allow, deny or watch");
    }
    if (verbs[i].names_one != (count == 2)) {
        return aip_fail(err, AIP_USAGE, verbs[i].names_one ? "which prompt?" : "too many words");
    }
    if (given.duration != NULL && verbs[i].run != allow) {
        return aip_fail(err, AIP_USAGE, "--for goes with allow");
    }
    admin_places places = {0};
    aip_status status = gateway_admin_find(&given.where, &places, err);
    status = status == AIP_OK ? verbs[i].run(places.socket, count == 2 ? words[1] : NULL, err) : status;
    gateway_admin_forget(&places);
    return status;
}

int
gateway_approvals_main(int argc, char **argv)
{
    const char *words[WORDS_MAX];
    size_t count = 0;
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, USAGE_TEXT, argc, argv, words, WORDS_MAX, &count, &err);
    status = status == AIP_OK ? run(words, count, &err) : status;
    if (status != AIP_OK) {
        (void)options_report_failure(PROGRAM, given.json, status, &err);
    }
    options_release(table);
    return aip_status_exit_code(status);
}
