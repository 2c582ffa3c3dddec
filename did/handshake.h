/* The mutual handshake aip-handshake-v2: both sides prove at this moment that they hold their identity's key (I-120
 * ff.). */
#ifndef DID_HANDSHAKE_H
#define DID_HANDSHAKE_H

#include "did/identity.h"

#define HANDSHAKE_CHALLENGE_SIZE 65 /* 32 random bytes in hex, and a NUL */

typedef struct {
    char initiator[AIP_IDENTIFIER_BYTES_MAX + 1], responder[AIP_IDENTIFIER_BYTES_MAX + 1];
    char challenge_a[HANDSHAKE_CHALLENGE_SIZE], challenge_b[HANDSHAKE_CHALLENGE_SIZE];
    int64_t expires; /* epoch seconds */
} handshake;

/* The three messages, one line of JSON each:
 *   {"type":"aip-handshake-v2","step":"offer","did":A,"challenge":hex,"expires":N}
 *   {"type":"aip-handshake-v2","step":"respond","did":B,"challenge":hex,"signature":base64url}
 *   {"type":"aip-handshake-v2","step":"confirm","signature":base64url}
 * Exactly these members. The signed bytes are the reference's lines, so both parties and challenges are inside. */

/* A begins: fresh challenge, `seconds` <= 300. Errors: handshake.expired (seconds), memory. */
AIP_MUST_CHECK aip_status handshake_offer(const char *own_did, int64_t now, int64_t seconds, handshake *out,
                                          text_buffer *message, aip_error *err);
/* B reads an offer (from anyone), and answers it. Errors: handshake.malformed, .expired, .peer (A is B), did.*. */
AIP_MUST_CHECK aip_status handshake_read_offer(aip_bytes message, int64_t now, handshake *out, aip_error *err);
AIP_MUST_CHECK aip_status handshake_respond(handshake *h, const char *own_did, const aip_secret_key *key,
                                            text_buffer *message, aip_error *err);
/* A reads the response: notes who answered (h->responder; one that is set already has to be it); then, with that
 * party's current authentication key, checks it and confirms. Errors: handshake.malformed, .expired, .peer, .signature.
 */
AIP_MUST_CHECK aip_status handshake_read_response(handshake *h, aip_bytes message, int64_t now,
                                                  unsigned char signature[AIP_SIGNATURE_BYTES], aip_error *err);
AIP_MUST_CHECK aip_status handshake_check_response(const handshake *h, const aip_public_key *responder_key,
                                                   const unsigned char signature[AIP_SIGNATURE_BYTES], aip_error *err);
AIP_MUST_CHECK aip_status handshake_confirm(const handshake *h, const aip_secret_key *key, text_buffer *message,
                                            aip_error *err);
/* B checks the confirmation. Errors: handshake.malformed, .expired, .signature. */
AIP_MUST_CHECK aip_status handshake_check_confirmation(const handshake *h, aip_bytes message, int64_t now,
                                                       const aip_public_key *initiator_key, aip_error *err);

#endif
