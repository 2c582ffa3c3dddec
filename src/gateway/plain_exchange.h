/* The parts of the row `http` of the protocols (spec/a2a.md, E-70 ff.). */
#ifndef GATEWAY_PLAIN_EXCHANGE_H
#define GATEWAY_PLAIN_EXCHANGE_H

#include "gateway/exchange.h"

AIP_MUST_CHECK aip_status plain_check_head(exchange *x, aip_error *err); /* request.* */
AIP_MUST_CHECK aip_status plain_read_body(exchange *x, aip_error *err);  /* json.*, request.size */
AIP_MUST_CHECK aip_status plain_classify(exchange *x, aip_error *err);   /* request.*, scope.insufficient */
AIP_MUST_CHECK aip_status plain_address(const exchange *x, text_buffer *out, aip_error *err);
AIP_MUST_CHECK aip_status plain_judge(exchange *x, const scan_document *message, text_buffer *out, aip_error *err);
const char *plain_append_refusal(text_buffer *out, const exchange *x);
void plain_forget(exchange *x);

#endif
