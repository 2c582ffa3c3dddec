/* `aip-gateway explain`: the policies as they apply, and what would become of a call. */
#ifndef CLI_GATEWAY_EXPLAIN_H
#define CLI_GATEWAY_EXPLAIN_H

#include "cli/gateway_settings.h"

/* Prints on stdout. The exit code: 0 also when the call would be refused, since that is an answer. */
int gateway_explain(const char *program, const option_source *source);

#endif
