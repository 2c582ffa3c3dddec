/* What an operator may ask for, as a table: one JSON object in, one out. */
#include "gateway/admin.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "gateway/admin_pins.h"
#include "gateway/reload.h"
#include "gateway/routes.h"

typedef struct {
    const admin_setup *setup;
    const json_t *asked;
    const char *by;
    text_buffer *out; /* members of the answer */
} wish;

static const char *
text_of(const wish *w, const char *name)
{
    const char *text = json_string_value(json_object_get(w->asked, name));
    return text == NULL ? "" : text;
}

/* ---- approvals ---- */

static aip_status
list_approvals(const wish *w, aip_error *err)
{
    text_append_string(w->out, ",\"waiting\":");
    approvals_append_waiting(w->setup->gateway->approvals, w->out);
    text_append_string(w->out, ",\"holding\":");
    approvals_append_words(w->setup->gateway->approvals, w->out);
    return text_finish(w->out, err);
}

static aip_status
show_approval(const wish *w, aip_error *err)
{
    text_append_string(w->out, ",\"prompt\":");
    return approvals_append_one(w->setup->gateway->approvals, text_of(w, "id"), w->out, err);
}

/* A number that is none, or too large, must not become "once". */
static aip_status
allow(const wish *w, aip_error *err)
{
    const json_t *minutes = json_object_get(w->asked, "minutes");
    json_int_t number = json_integer_value(minutes);
    if (minutes != NULL && (!json_is_integer(minutes) || number < 0 || number > UINT32_MAX)) {
        return aip_fail(err, AIP_USAGE, "`minutes` is a number");
    }
    return approvals_allow(w->setup->gateway->approvals, text_of(w, "id"), (uint32_t)number, w->by, err);
}

static aip_status
deny(const wish *w, aip_error *err)
{
    return approvals_deny(w->setup->gateway->approvals, text_of(w, "id"), w->by, err);
}

/* ---- pins ---- */

static aip_status
list_pins(const wish *w, aip_error *err)
{
    text_append_string(w->out, ",\"pins\":");
    return admin_pins_list(w->setup->store_path, w->setup->gateway->catalogue, w->out, err);
}

static admin_pin_wish
pin_of(const wish *w)
{
    return (admin_pin_wish){text_of(w, "upstream"), text_of(w, "tool"), text_of(w, "hash"), w->by};
}

static aip_status
record_pin(const wish *w, const admin_pin_wish *pin, const char *what, aip_error *err)
{
    TEXT_AUTO text_buffer subject = {0};
    if (w->setup->gateway->audit == NULL) {
        return AIP_OK;
    }
    text_append_format(&subject, "%s %s", pin->upstream, pin->tool);
    AIP_TRY(text_finish(&subject, err));
    const audit_event event = {
        .name = "pin", .subject = text_view(&subject), .detail = aip_bytes_of(what), .by = aip_bytes_of(w->by)};
    return audit_append_event(w->setup->gateway->audit, &event, err);
}

static aip_status
approve_pin(const wish *w, aip_error *err)
{
    const admin_pin_wish pin = pin_of(w);
    char what[128];
    AIP_TRY(admin_pins_approve(w->setup->store_path, w->setup->gateway->catalogue, &pin, err));
    snprintf(what, sizeof what, "approved %s", pin.hash);
    return record_pin(w, &pin, what, err);
}

static aip_status
forget_pin(const wish *w, aip_error *err)
{
    const admin_pin_wish pin = pin_of(w);
    size_t count = 0;
    AIP_TRY(admin_pins_forget(w->setup->store_path, w->setup->gateway->catalogue, &pin, &count, err));
    text_append_format(w->out, ",\"count\":%zu", count);
    return record_pin(w, &pin, "forgotten", err);
}

/* ---- the gateway ---- */

/* The main thread reads it when it can: `reload.result` tells what came of it. */
static aip_status
ask_reload(const wish *w, aip_error *err)
{
    uint64_t number = reload_ask(w->setup->gateway);
    if (number == 0) {
        return aip_fail(err, AIP_USAGE, "this gateway has no configuration that could be read again");
    }
    text_append_format(w->out, ",\"number\":%llu", (unsigned long long)number);
    return AIP_OK;
}

static aip_status
tell_reload(const wish *w, aip_error *err)
{
    TEXT_AUTO text_buffer result = {0};
    uint64_t answered = reload_last(w->setup->gateway, &result);
    AIP_TRY(text_finish(&result, err));
    text_append_format(w->out, ",\"answered\":%llu,\"result\":", (unsigned long long)answered);
    text_append_json(w->out, text_view(&result));
    return AIP_OK;
}

static aip_status
tell_status(const wish *w, aip_error *err)
{
    gateway *g = w->setup->gateway;
    aip_status audit = g->audit == NULL ? AIP_OK : audit_health(g->audit, NULL);
    text_append_format(w->out, ",\"pid\":%ld,\"waiting\":%zu,\"audit\":\"%s\"", (long)getpid(),
                       approvals_waiting(g->approvals), aip_status_lookup(audit)->name);
    text_append_string(w->out, ",");
    reload_append_health(g, w->out);
    text_append_format(w->out, ",\"uptime_seconds\":%llu,",
                       (unsigned long long)(clock_monotonic_microseconds() - g->started_microseconds) / 1000000);
    const gateway_settings *settings = gateway_settings_take(g);
    routes_append_health(settings, w->out);
    settings_drop(&settings);
    return text_finish(w->out, err);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    aip_status (*run)(const wish *w, aip_error *err);
} verbs[] = {
    {"approvals.list", list_approvals}, {"approvals.show", show_approval},
    {"approvals.allow", allow},         {"approvals.deny", deny},
    {"pins.list", list_pins},           {"pins.approve", approve_pin},
    {"pins.forget", forget_pin},        {"reload", ask_reload},
    {"reload.result", tell_reload},     {"status", tell_status},
};

static aip_status
run(const wish *w, aip_error *err)
{
    const char *name = text_of(w, "do");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return verbs[i].run(w, err);
        }
    }
    return aip_fail(err, AIP_USAGE, "`do` names nothing that is done here");
}

static void
append_failure(text_buffer *out, aip_status status, const aip_error *err)
{
    const aip_status_facts *facts = aip_status_lookup(status);
    text_append_format(out, "{\"ok\":false,\"code\":\"%s\",\"message\":", facts->name);
    text_append_json(out, aip_bytes_of(err->detail[0] != '\0' ? err->detail : facts->sentence));
    text_append_string(out, "}");
}

void
admin_answer(const admin_setup *setup, aip_bytes line, const char *by, text_buffer *out)
{
    json_t *asked JSON_AUTO = NULL;
    TEXT_AUTO text_buffer members = {0};
    aip_error err = AIP_ERROR_INIT;
    aip_status status = json_load_strict(line, line.size, &asked, &err);
    const wish w = {setup, asked, by, &members};
    status = status == AIP_OK ? run(&w, &err) : status;
    status = status == AIP_OK ? text_finish(&members, &err) : status;
    if (status != AIP_OK) {
        append_failure(out, status, &err);
        return;
    }
    text_append_string(out, "{\"ok\":true");
    text_append(out, text_view(&members));
    text_append_string(out, "}");
}
