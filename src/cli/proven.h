/* Requests that prove their token's key, and answers that prove the gateway's: for commands. */
#ifndef CLI_PROVEN_H
#define CLI_PROVEN_H

#include "aip/keyfile.h"
#include "cli/lookup.h"
#include "net/call.h"

typedef struct {
    const aip_secret_key *key;
    const aip_key_owner *owner;
    const char *token;  /* NULL: none is sent */
    const char *expect; /* DID whose signature the answer must carry; NULL: it is not checked */
    lookup *identities; /* resolves `expect` */
    const char *ca_file;
    unsigned timeout_seconds;
} proven_caller;

/* Sends one signed request with further `fields` and checks the answer's signature. The reply is cleared by the caller,
 * also on failure. Errors: net_call's; of the answer: proof.*, did.* and what a resolution refuses. */
typedef struct {
    const char *method, *url;
    aip_bytes body;
    const char *const *fields;
    size_t field_count;
} proven_request;

/* Appends the signed request's header lines, each ended by LF: for another program to send. Errors: proof.*, usage,
 * memory. */
AIP_MUST_CHECK aip_status proven_headers(const proven_caller *caller, const proven_request *request, text_buffer *out,
                                         aip_error *err);

AIP_MUST_CHECK aip_status proven_send(const proven_caller *caller, const proven_request *request, net_reply *out,
                                      aip_error *err);

#endif
