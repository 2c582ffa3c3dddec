/* Pins of tools as an operator sees and judges them, in the database. */
#ifndef GATEWAY_ADMIN_PINS_H
#define GATEWAY_ADMIN_PINS_H

#include "base/text.h"
#include "policy/catalogue.h"
#include "store/pins.h"

/* Appends all as a JSON array; `tools` (NULL: none) tells what each of them is listed as at the moment.
 * Errors: io (there is no such database), store.*, memory. */
AIP_MUST_CHECK aip_status admin_pins_list(const char *store_path, catalogue *tools, text_buffer *out, aip_error *err);

typedef struct {
    const char *upstream, *tool;
    const char *hash; /* `sha256:` and 64 digits, as the list shows the definition that was looked at */
    const char *by;
} admin_pin_wish;

/* Errors: usage (no such hash), pin.unknown, store.*, io, memory. */
AIP_MUST_CHECK aip_status admin_pins_approve(const char *store_path, catalogue *tools, const admin_pin_wish *wish,
                                             aip_error *err);
/* All tools of the upstream if wish->tool is empty. Errors: pin.unknown (there is none), store.*, io, memory. */
AIP_MUST_CHECK aip_status admin_pins_forget(const char *store_path, catalogue *tools, const admin_pin_wish *wish,
                                            size_t *count, aip_error *err);

#endif
