/* An agent's card as the gateway shows it: its own addresses, its own signature, its own extension (spec/a2a.md). */
#ifndef GATEWAY_A2A_CARD_H
#define GATEWAY_A2A_CARD_H

#include "aip/key.h"
#include "base/scan.h"
#include "base/text.h"

/* A binding that the gateway serves for the agent. */
typedef struct {
    const char *binding; /* "JSONRPC" or "HTTP+JSON" */
    const char *url;     /* its public address, as configured */
} a2a_served;

typedef struct {
    const a2a_served *served; /* at least one */
    size_t served_count;
    const char *extension_uri; /* NULL: no extension is declared */
    const char *did;           /* of the agent, told by the extension; NULL: none */
    const aip_secret_key *key; /* NULL: the card goes unsigned */
    const char *key_id;        /* DID URL of `key` */
    bool verbatim;             /* served as the agent made it */
    bool extended;             /* the card for one caller: never cached */
    uint32_t max_age_seconds;
} a2a_card_setup;

#define A2A_ETAG_SIZE 48
typedef struct {
    text_buffer body;
    char etag[A2A_ETAG_SIZE]; /* strong, with its quotes */
    char cache_control[48];
} a2a_card;

/* Makes the card to serve of the one received: interfaces that are not served dropped, all others at the public
 * address, links to the agent's own host led to the public one, its signatures gone, our extension declared, signed
 * anew. All other bytes stay. Errors: a2a.card (too large, not a card, names that could be read as others, nothing left
 * that is served), memory. E-50 to E-55. */
AIP_MUST_CHECK aip_status a2a_card_make(aip_bytes received, const a2a_card_setup *setup, a2a_card *out, aip_error *err);
void a2a_card_clear(a2a_card *card);

/* What a signature of a card covers. */
typedef enum {
    A2A_CARD_AS_SPECIFIED, /* A2A 1.0 section 8.4.1 */
    A2A_CARD_AS_CLEANED,   /* as the published SDKs read it: without unknown members and without anything empty */
} a2a_card_form;

/* RFC 8785 bytes of an indexed card in that form, malloc'd. Errors: a2a.card, memory. E-54. */
AIP_MUST_CHECK aip_status a2a_card_payload(const scan_document *card, a2a_card_form form, char **out, size_t *size,
                                           aip_error *err);

#endif
