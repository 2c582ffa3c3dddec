/* What comes back from the upstream, one message at a time: judged before any of it reaches the caller. */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include "gateway/exchange.h"

/* `out` receives the message where it may not go on as it came; else it stays empty. Errors: upstream.invalid, dlp.*,
 * pattern.limit, memory; then nothing of the message goes on. */
AIP_MUST_CHECK aip_status answer_judge(exchange *x, aip_bytes text, text_buffer *out, aip_error *err);

#endif
