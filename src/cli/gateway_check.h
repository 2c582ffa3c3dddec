/* aip-gateway check: would a gateway with these settings start? */
#ifndef CLI_GATEWAY_CHECK_H
#define CLI_GATEWAY_CHECK_H

#include "cli/gateway_settings.h"

/* Reads what a start reads beside the configuration and its policies: keys, certificates, and where the log and the
 * database would stand. A line of the report for each thing that is wrong; the status of the first. G-134 */
AIP_MUST_CHECK aip_status gateway_check_files(const gateway_settings *settings, text_buffer *report);

#endif
