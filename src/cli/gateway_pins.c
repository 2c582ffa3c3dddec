/* aip-gateway pins: list, approve, forget. Through the running gateway, or on its database when none runs. */
#include "cli/gateway_pins.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/gateway_admin.h"
#include "crypto/hash.h"
#include "gateway/admin_pins.h"

#define PROGRAM "aip-gateway"
#define USAGE_TEXT                                                           \
    PROGRAM " pins [list] [options]\n"                                       \
            "       " PROGRAM " pins approve UPSTREAM TOOL HASH [options]\n" \
            "       " PROGRAM " pins forget UPSTREAM [TOOL] [options]\n"     \
            "HASH is that of the definition that was looked at, as the list shows it."

enum { WORDS_MAX = 4, BY_BYTES = 64 };

static struct {
    admin_options where;
    const char *store;
    bool json;
} given;

static const option table[] = {
    ADMIN_OPTIONS(given.where),
    {"--store", OPTION_TEXT, &given.store, "FILE", "the gateway's database, where no gateway runs (" PROGRAM ".db)"},
    {"--json", OPTION_FLAG, &given.json, NULL, "print one JSON object"},
    {NULL, OPTION_FLAG, NULL, NULL, NULL},
};

/* What is asked: of the gateway at `socket`, or with NULL of the database. */
typedef struct {
    const char *socket, *store;
    admin_pin_wish pin;
} wish;

/* ---- the list ---- */

static aip_status
read_list(const wish *w, json_t **out, aip_error *err)
{
    text_buffer text TEXT_AUTO = {0};
    if (w->socket != NULL) {
        gateway_admin_begin(&text, "pins.list");
        AIP_TRY(text_finish(&text, err));
        return gateway_admin_ask(w->socket, &text, out, err);
    }
    text_append_string(&text, "{\"ok\":true,\"pins\":");
    AIP_TRY(admin_pins_list(w->store, NULL, &text, err));
    text_append_string(&text, "}");
    AIP_TRY(text_finish(&text, err));
    return json_load_strict(text_view(&text), text.size, out, err);
}

static void
append_hash(text_buffer *out, const char *label, const char *hash)
{
    if (hash[0] != '\0') {
        text_append_format(out, "\n    %-9s%s", label, hash);
    }
}

static void
append_pin(text_buffer *out, const json_t *pin)
{
    const char *listed = gateway_admin_text(pin, "listed");
    text_append_format(out, "%s%-9s", out->size == 0 ? "" : "\n", gateway_admin_text(pin, "state"));
    gateway_admin_show(out, gateway_admin_text(pin, "upstream"));
    text_append_string(out, "  ");
    gateway_admin_show(out, gateway_admin_text(pin, "tool"));
    if (strcmp(listed, "flagged") == 0 || strcmp(listed, "ambiguous") == 0) {
        text_append_format(out, "  (%s)", listed);
    }
    append_hash(out, "pinned", gateway_admin_text(pin, "pinned"));
    append_hash(out, "changed", gateway_admin_text(pin, "changed"));
    if (gateway_admin_text(pin, "approved_by")[0] != '\0') {
        text_append_string(out, "\n    approved by ");
        gateway_admin_show(out, gateway_admin_text(pin, "approved_by"));
        text_append_format(out, " at %s", gateway_admin_text(pin, "approved_at"));
    }
}

static aip_status
list(const wish *w, aip_error *err)
{
    json_t *reply JSON_AUTO = NULL;
    text_buffer text TEXT_AUTO = {0};
    AIP_TRY(read_list(w, &reply, err));
    if (given.json) {
        return gateway_admin_print(reply, err);
    }
    const json_t *pins = json_object_get(reply, "pins");
    for (size_t i = 0; i < json_array_size(pins); i++) {
        append_pin(&text, json_array_get(pins, i));
    }
    return text.size == 0 ? AIP_OK : options_print(&text, err);
}

/* ---- the operator's word ---- */

static aip_status
ask_gateway(const wish *w, const char *what, aip_error *err)
{
    text_buffer line TEXT_AUTO = {0};
    json_t *reply JSON_AUTO = NULL;
    gateway_admin_begin(&line, what);
    gateway_admin_add(&line, "upstream", w->pin.upstream);
    gateway_admin_add(&line, "tool", w->pin.tool);
    gateway_admin_add(&line, "hash", w->pin.hash);
    AIP_TRY(text_finish(&line, err));
    return gateway_admin_ask(w->socket, &line, &reply, err);
}

static aip_status
confirm(const char *said, aip_error *err)
{
    text_buffer text TEXT_AUTO = {0};
    text_append_string(&text, given.json ? "{\"ok\":true}" : said);
    return options_print(&text, err);
}

static aip_status
approve(const wish *w, aip_error *err)
{
    AIP_TRY(w->socket != NULL ? ask_gateway(w, "pins.approve", err) : admin_pins_approve(w->store, NULL, &w->pin, err));
    return confirm("approved", err);
}

static aip_status
forget(const wish *w, aip_error *err)
{
    size_t count = 0;
    AIP_TRY(w->socket != NULL ? ask_gateway(w, "pins.forget", err)
                              : admin_pins_forget(w->store, NULL, &w->pin, &count, err));
    return confirm("forgotten", err);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    size_t least, most; /* words after it */
    aip_status (*run)(const wish *w, aip_error *err);
} verbs[] = {{"list", 0, 0, list}, {"approve", 3, 3, approve}, {"forget", 1, 2, forget}};

static const char *
name_user(char out[BY_BYTES])
{
    const struct passwd *entry = getpwuid(geteuid());
    if (entry == NULL) {
        snprintf(out, BY_BYTES, "uid %u", (unsigned)geteuid());
        return out;
    }
    return aip_printable(aip_bytes_of(entry->pw_name), out, BY_BYTES);
}

/* A gateway that runs must know at once, so it is asked where there is one. */
static aip_status
run_at(const admin_places *places, wish *w, aip_status (*verb)(const wish *w, aip_error *err), aip_error *err)
{
    bool runs = given.store == NULL && places->socket != NULL && gateway_admin_runs(places->socket);
    w->socket = runs ? places->socket : NULL;
    w->store = given.store != NULL ? given.store : places->store != NULL ? places->store : PROGRAM ".db";
    if (!runs && places->socket != NULL && places->store == NULL && given.store == NULL) {
        return aip_fail(err, AIP_IO, "no gateway answers at the socket, and the database is not named (--store)");
    }
    return verb(w, err);
}

static aip_status
run(const char *const *words, size_t count, aip_error *err)
{
    const char *name = count == 0 ? "list" : words[0];
    size_t i = 0, known = sizeof verbs / sizeof verbs[0], further = count == 0 ? 0 : count - 1;
    char by[BY_BYTES];
    admin_places places = {0};
    while (i < known && strcmp(verbs[i].name, name) != 0) {
        i++;
    }
    if (i == known || further < verbs[i].least || further > verbs[i].most) {
        return aip_fail(err, AIP_USAGE, "list, approve UPSTREAM TOOL HASH, or forget UPSTREAM [TOOL]");
    }
    wish w = {.pin = {.upstream = further > 0 ? words[1] : "",
                      .tool = further > 1 ? words[2] : "",
                      .hash = further > 2 ? words[3] : "",
                      .by = name_user(by)}};
    AIP_TRY(crypto_start(err));
    aip_status status = gateway_admin_find(&given.where, &places, err);
    status = status == AIP_OK ? run_at(&places, &w, verbs[i].run, err) : status;
    gateway_admin_forget(&places);
    return status;
}

int
gateway_pins_main(int argc, char **argv)
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
