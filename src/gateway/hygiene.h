/* The hygiene report X-AIP-Audit: what a good token could do better. It warns and never decides. */
#ifndef GATEWAY_HYGIENE_H
#define GATEWAY_HYGIENE_H

#include "gateway/exchange.h"

/* Appends {"passed": true, "warnings": [...], "errors": []} for the verified chain of the exchange. */
void hygiene_append_report(text_buffer *out, const exchange *x);

#endif
