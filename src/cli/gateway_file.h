/* gateway.yaml beneath the options of aip-gateway: what the command line leaves open the file says, then the defaults.
 */
#ifndef CLI_GATEWAY_FILE_H
#define CLI_GATEWAY_FILE_H

#include "cli/options.h"
#include "gateway/config.h"

/* Before options_parse: makes all values of the table's options tell that they were not given. */
void gateway_file_begin(const option *table);

/* Reads the file; its problems go to stderr, one a line as `path:line:column: sentence`, or with `json` to stdout as
 * one object. Errors: io, json.size, config.invalid, memory. */
AIP_MUST_CHECK aip_status gateway_file_load(const char *path, bool json, gateway_config *out, aip_error *err);

/* After options_parse: gives the options that were not given the file's values, and then the defaults of the keys.
 * Checks the ranges of all. `config` is empty without a file; texts are borrowed from it. Errors: usage, memory. */
AIP_MUST_CHECK aip_status gateway_file_apply(const option *table, const gateway_config *config, aip_error *err);

#endif
