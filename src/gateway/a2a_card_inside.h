/* The members of an agent card (A2A 1.0 section 4.4, and those of 0.3), and walks over them. */
#ifndef GATEWAY_A2A_CARD_INSIDE_H
#define GATEWAY_A2A_CARD_INSIDE_H

#include "gateway/a2a_card.h"

typedef enum {
    CARD_PLAIN,    /* absent and its default are the same */
    CARD_REQUIRED, /* always there */
    CARD_OPTIONAL, /* its presence tells something */
    CARD_LEGACY,   /* of 0.3: unknown to readers of 1.0 */
} card_presence;

typedef enum {
    CARD_VALUE, /* also lists of strings */
    CARD_URL,   /* a link; may lead to the agent's own host */
    CARD_ONE,   /* a message */
    CARD_LIST,  /* of messages */
    CARD_MAP,   /* names of its own, then messages */
    CARD_OTHER, /* anything; not looked into */
} card_shape;

typedef struct card_message card_message;
typedef struct {
    const char *name;
    card_presence presence;
    card_shape shape;
    const card_message *of;
} card_member;

struct card_message {
    const card_member *members; /* up to one without name */
};

extern const card_message card_root;

const card_member *card_find_member(const card_message *message, const scan_document *card, uint32_t node);

/* Judges names and types of the whole card, and calls `visit` for each CARD_URL. Errors: a2a.card, and visit's. */
typedef aip_status (*card_visit)(void *context, uint32_t node, aip_error *err);
typedef struct {
    const scan_document *card;
    card_visit visit; /* NULL: none */
    void *context;
} card_walk;
AIP_MUST_CHECK aip_status card_walk_all(const card_walk *walk, aip_error *err);

#endif
