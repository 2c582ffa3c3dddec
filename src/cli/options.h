/* Command lines as tables: the table is also the help. One result printer for all commands. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "aip/error.h"
#include "base/text.h"

typedef enum { OPTION_FLAG, OPTION_TEXT, OPTION_LIST, OPTION_UNSIGNED } option_kind;

typedef struct {
    const char **items;
    size_t count;
} option_list;

typedef struct {
    const char *name; /* "--scope" */
    option_kind kind;
    void *destination;    /* bool *, const char **, option_list *, uint64_t * */
    const char *argument; /* "NAME" in the help; NULL for flags */
    const char *help;
} option;

typedef struct {
    const char *name;                  /* "create" */
    const char *summary;               /* one line of help */
    int (*run)(int argc, char **argv); /* exit code; argv[0] is the verb */
} command;

/* Parses argv[1..] by `table` (ended by a NULL name). `--name value` and `--name=value`. At most
 * `positional_max` other arguments land in positionals. `--help` prints the table and exits 0.
 * Unknown or repeated options, a missing value: usage. */
AIP_MUST_CHECK aip_status options_parse(const option *table, const char *usage, int argc, char **argv,
                                        const char **positionals, size_t positional_max, size_t *positional_count,
                                        aip_error *err);
void options_release(const option *table); /* frees lists */

/* One more value of an option that may be repeated. Errors: usage (too many), memory. */
AIP_MUST_CHECK aip_status options_append(option_list *list, const char *value, aip_error *err);

/* Runs argv[1] of `commands` (ended by a NULL name); help on none, --help or an unknown one (exit 2). --version too. */
int options_run_command(const char *program, const char *about, const command *commands, int argc, char **argv);

/* "1h", "90s", "15m", "2d" or plain seconds. usage. */
AIP_MUST_CHECK aip_status options_parse_duration(const char *text, int64_t *seconds, aip_error *err);

/* First line of the file, without its newline, malloc'd; for --passphrase-file. */
AIP_MUST_CHECK aip_status options_load_secret_line(const char *path, char **out, aip_error *err);

/* Prints a failure — one sentence with name, place and detail on stderr, or with `json` one object
 * {"valid":false,"code":…,"at":…,"message":…} on stdout — and returns the exit code of its class. */
int options_report_failure(const char *program, bool json, aip_status status, const aip_error *err);

/* Appends the members `"valid":…,"code":…,"at":…,"message":…` of a verdict, without braces. `err` may be NULL. */
void options_append_verdict(text_buffer *text, aip_status status, const aip_error *err);

/* Prints the text and a newline on stdout. Errors: memory (a failed buffer), io. */
AIP_MUST_CHECK aip_status options_print(const text_buffer *text, aip_error *err);

#endif
