/* Names of members in A2A messages, replies and cards, and which of them two readers could read differently. */
#ifndef GATEWAY_A2A_NAMES_H
#define GATEWAY_A2A_NAMES_H

#include "base/scan.h"

#define A2A_NAME_SIZE 64

/* `taskId` becomes `task_id`. False: the name has no other form. */
bool a2a_snake_name(const char *name, char out[A2A_NAME_SIZE]);

/* scan_check_names, and no member of object `node` is the snake_case form of a name in `known[]`. json.ambiguous. */
AIP_MUST_CHECK aip_status a2a_check_names(const scan_document *document, uint32_t node, const char *const *known,
                                          aip_error *err);

#endif
