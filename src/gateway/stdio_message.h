/* What a line over stdio has that a body over HTTP has not. */
#ifndef GATEWAY_STDIO_MESSAGE_H
#define GATEWAY_STDIO_MESSAGE_H

#include "base/text.h"

/* The token at params._meta["aip/token"] is cut out of the message (W-44): what is left stands in `rest`, the token, to
 * be freed, in *token. One that is no plain string stays where it is, and so does all of a line that is not one JSON
 * message: *token is NULL then, and `rest` empty. Errors: memory. */
AIP_MUST_CHECK aip_status stdio_message_cut_token(aip_bytes line, text_buffer *rest, char **token, aip_error *err);

/* Appends the message without the line breaks between its values. Errors: base/scan.h's, memory. */
AIP_MUST_CHECK aip_status stdio_message_append(text_buffer *out, aip_bytes message, aip_error *err);

#endif
