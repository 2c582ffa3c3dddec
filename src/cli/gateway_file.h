/* gateway.yaml beneath the options of aip-gateway: what the command line leaves open the file says, then the defaults.
 */
#ifndef CLI_GATEWAY_FILE_H
#define CLI_GATEWAY_FILE_H

#include "cli/options.h"
#include "gateway/config.h"

/* Options as they were parsed, into a structure that the table's destinations are members of. */
typedef struct {
    const option *table;
    const void *destinations; /* the structure that the table names */
    const void *given;        /* a copy of it, as the command line left it */
} option_source;

/* Before options_parse: makes all values of the table's options tell that they were not given. */
void gateway_file_begin(const option *table);

/* Reads the file; `report` receives its problems, one a line as `path:line:column: sentence`. Errors: io, json.size,
 * config.invalid, memory. */
AIP_MUST_CHECK aip_status gateway_file_load(const char *path, gateway_config *out, text_buffer *report, aip_error *err);

/* Gives the options in `to`, a copy of source->given, what was not given: the file's values, then the defaults of the
 * keys. Checks the ranges of all. `config` is empty without a file; texts are borrowed from it. Errors: usage, memory.
 */
AIP_MUST_CHECK aip_status gateway_file_apply(const option_source *source, void *to, const gateway_config *config,
                                             aip_error *err);
/* Frees what gateway_file_apply gave to `to`. */
void gateway_file_release(const option_source *source, void *to);

/* Appends the paths of the keys that two files say different things of, that count, and that may not change while the
 * gateway runs, with a comma between them. */
void gateway_file_changes(const option_source *source, const gateway_config *before, const gateway_config *after,
                          text_buffer *out);

/* Prints what a check found: the lines of `report` on stderr and `valid` on stdout, or with `json` one object. Gives
 * the exit code: 1 says that the configuration is not good, as the other codes cannot. */
int gateway_file_print_check(bool json, aip_status status, const text_buffer *report);

#endif
