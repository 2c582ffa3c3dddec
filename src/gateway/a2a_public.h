/* Cards of agents, for everybody: fetched, rewritten, signed and kept for a while. */
#ifndef GATEWAY_A2A_PUBLIC_H
#define GATEWAY_A2A_PUBLIC_H

#include "gateway/a2a_card.h"
#include "gateway/exchange.h"

#define A2A_CARD_PATH "/.well-known/agent-card.json"
#define A2A_EXTENSION_URI "urn:aip-gateway:a2a:1"

typedef struct a2a_cards a2a_cards; /* shared by all shards */

AIP_MUST_CHECK aip_status a2a_cards_new(a2a_cards **out, aip_error *err);
void a2a_cards_free(a2a_cards **cards);

/* Does the path name the card of an agent that is served here? */
bool a2a_public_serves(const exchange *x);
/* From memory, or the answer comes later: x->phase tells. */
void a2a_public_answer(exchange *x);
/* The exchange ends, with or without its card. */
void a2a_public_forget(exchange *x);

/* How cards of the route are rewritten; the setup and its addresses live in `room`. Errors: a2a.card (there is no
 * public address). */
typedef struct {
    a2a_card_setup setup;
    a2a_served served[2];
    char url[2048];
} a2a_card_room;
AIP_MUST_CHECK aip_status a2a_public_setup(const exchange *x, bool extended, a2a_card_room *room, aip_error *err);

#endif
