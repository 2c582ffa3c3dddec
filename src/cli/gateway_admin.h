/* The other end of a running gateway's admin socket, and the verbs that ask one thing there. */
#ifndef CLI_GATEWAY_ADMIN_H
#define CLI_GATEWAY_ADMIN_H

#include "base/json.h"
#include "cli/options.h"

/* Where the gateway is found: both NULL, or either of them. */
typedef struct {
    const char *config, *socket;
} admin_options;

#define ADMIN_OPTIONS(given)                                                                                  \
    {"--config", OPTION_TEXT, &(given).config, "FILE", "the gateway's gateway.yaml, which names its socket"}, \
    {                                                                                                         \
        "--socket", OPTION_TEXT, &(given).socket, "PATH", "the gateway's admin socket (admin.socket)"         \
    }

/* What the options and the file say; all owned by the caller. `store` is the database; NULL where only the socket is
 * named. */
typedef struct {
    char *socket, *store;
} admin_places;

/* `socket` NULL: there is none. Errors: usage, io, config.invalid, memory. */
AIP_MUST_CHECK aip_status gateway_admin_find(const admin_options *given, admin_places *out, aip_error *err);
void gateway_admin_forget(admin_places *places);

/* Does somebody answer there? */
bool gateway_admin_runs(const char *socket);

/* Sends one object, `line` without newline, and reads its answer (json_decref), whose `ok` is true. Errors: io (nobody
 * answers, or somebody else than this user's or root's gateway), those that the gateway names. */
AIP_MUST_CHECK aip_status gateway_admin_ask(const char *socket, const text_buffer *line, json_t **out, aip_error *err);

/* `{"do":"…"` with the further members as texts; `name` NULL ends them. Appends without the last brace. */
void gateway_admin_begin(text_buffer *line, const char *what);
void gateway_admin_add(text_buffer *line, const char *name, const char *value);

/* Appends what a stranger wrote so that a terminal shows all of it: what is not seen is told by its number. */
void gateway_admin_show(text_buffer *out, const char *text);
/* The text of a member, "" where there is none. */
const char *gateway_admin_text(const json_t *object, const char *name);
/* Prints the object on one line. */
AIP_MUST_CHECK aip_status gateway_admin_print(const json_t *object, aip_error *err);

/* argv[0] is the verb. Each returns the exit code. */
int gateway_reload_main(int argc, char **argv);
int gateway_status_main(int argc, char **argv);

#endif
