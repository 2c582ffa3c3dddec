/* What the configuration says of one A2A agent beside its address. */
#ifndef GATEWAY_A2A_ROUTE_H
#define GATEWAY_A2A_ROUTE_H

#include "gateway/a2a_push.h"

typedef struct {
    const char *rest_url; /* of its REST interface; NULL: it is not served */
    const char *card_url; /* NULL: at the root of the agent's origin */
    const char *did;      /* the agent's, told in the card; NULL: none */
    bool card_verbatim;   /* its card is passed on as it is */
    a2a_push_rule push;   /* where notifications may go */
} a2a_route;

#endif
