/* One table of an agent card's members, for the judge of cards and for what their signatures cover. */
#include "gateway/a2a_card_inside.h"

#include <stdlib.h>

#include "aip/limits.h"
#include "base/json.h"
#include "gateway/a2a_names.h"

enum { MEMBERS_MAX = 32 };

#define MESSAGE(noun, ...)                                                     \
    static const card_member noun##_members[] = {__VA_ARGS__, {.name = NULL}}; \
    static const card_message noun = {noun##_members}
#define PLAIN(name)                        \
    {                                      \
        name, CARD_PLAIN, CARD_VALUE, NULL \
    }
#define REQUIRED(name)                        \
    {                                         \
        name, CARD_REQUIRED, CARD_VALUE, NULL \
    }
#define OPTIONAL(name)                        \
    {                                         \
        name, CARD_OPTIONAL, CARD_VALUE, NULL \
    }
#define LEGACY(name)                        \
    {                                       \
        name, CARD_LEGACY, CARD_VALUE, NULL \
    }

/* clang-format off */
MESSAGE(interface, {"url", CARD_REQUIRED, CARD_VALUE, NULL}, REQUIRED("protocolBinding"), PLAIN("tenant"),
        REQUIRED("protocolVersion"));
MESSAGE(legacy_interface, {"url", CARD_LEGACY, CARD_VALUE, NULL}, LEGACY("transport"));
MESSAGE(provider, {"url", CARD_REQUIRED, CARD_URL, NULL}, REQUIRED("organization"));
MESSAGE(extension, PLAIN("uri"), PLAIN("description"), PLAIN("required"),
        {"params", CARD_OPTIONAL, CARD_OTHER, NULL});
MESSAGE(capabilities, OPTIONAL("streaming"), OPTIONAL("pushNotifications"),
        {"extensions", CARD_PLAIN, CARD_LIST, &extension}, OPTIONAL("extendedAgentCard"),
        LEGACY("stateTransitionHistory"));
MESSAGE(string_list, PLAIN("list"));
MESSAGE(requirement, {"schemes", CARD_PLAIN, CARD_MAP, &string_list});
MESSAGE(skill, REQUIRED("id"), REQUIRED("name"), REQUIRED("description"), REQUIRED("tags"), PLAIN("examples"),
        PLAIN("inputModes"), PLAIN("outputModes"), {"securityRequirements", CARD_PLAIN, CARD_LIST, &requirement},
        {"security", CARD_LEGACY, CARD_OTHER, NULL});
MESSAGE(api_key, PLAIN("description"), REQUIRED("location"), REQUIRED("name"));
MESSAGE(http_auth, PLAIN("description"), REQUIRED("scheme"), PLAIN("bearerFormat"));
/* One for all flows of OAuth: each has some of these. */
MESSAGE(flow, {"authorizationUrl", CARD_REQUIRED, CARD_URL, NULL}, {"tokenUrl", CARD_REQUIRED, CARD_URL, NULL},
        {"refreshUrl", CARD_PLAIN, CARD_URL, NULL}, {"deviceAuthorizationUrl", CARD_REQUIRED, CARD_URL, NULL},
        {"scopes", CARD_REQUIRED, CARD_OTHER, NULL}, PLAIN("pkceRequired"));
/* The two deprecated ones require nothing. */
MESSAGE(loose_flow, {"authorizationUrl", CARD_PLAIN, CARD_URL, NULL}, {"tokenUrl", CARD_PLAIN, CARD_URL, NULL},
        {"refreshUrl", CARD_PLAIN, CARD_URL, NULL}, {"scopes", CARD_PLAIN, CARD_OTHER, NULL});
MESSAGE(flows, {"authorizationCode", CARD_OPTIONAL, CARD_ONE, &flow},
        {"clientCredentials", CARD_OPTIONAL, CARD_ONE, &flow}, {"implicit", CARD_OPTIONAL, CARD_ONE, &loose_flow},
        {"password", CARD_OPTIONAL, CARD_ONE, &loose_flow}, {"deviceCode", CARD_OPTIONAL, CARD_ONE, &flow});
MESSAGE(oauth2, PLAIN("description"), {"flows", CARD_REQUIRED, CARD_ONE, &flows},
        {"oauth2MetadataUrl", CARD_PLAIN, CARD_URL, NULL});
MESSAGE(openid, PLAIN("description"), {"openIdConnectUrl", CARD_REQUIRED, CARD_URL, NULL});
MESSAGE(mutual_tls, PLAIN("description"));
MESSAGE(scheme, {"apiKeySecurityScheme", CARD_OPTIONAL, CARD_ONE, &api_key},
        {"httpAuthSecurityScheme", CARD_OPTIONAL, CARD_ONE, &http_auth},
        {"oauth2SecurityScheme", CARD_OPTIONAL, CARD_ONE, &oauth2},
        {"openIdConnectSecurityScheme", CARD_OPTIONAL, CARD_ONE, &openid},
        {"mtlsSecurityScheme", CARD_OPTIONAL, CARD_ONE, &mutual_tls},
        /* 0.3 has OpenAPI's objects here */
        {"flows", CARD_LEGACY, CARD_ONE, &flows}, {"openIdConnectUrl", CARD_LEGACY, CARD_URL, NULL},
        {"oauth2MetadataUrl", CARD_LEGACY, CARD_URL, NULL}, LEGACY("type"));
MESSAGE(signature, REQUIRED("protected"), REQUIRED("signature"), {"header", CARD_OPTIONAL, CARD_OTHER, NULL});

static const card_member root_members[] = {
    REQUIRED("name"),
    REQUIRED("description"),
    {"supportedInterfaces", CARD_REQUIRED, CARD_LIST, &interface},
    {"provider", CARD_OPTIONAL, CARD_ONE, &provider},
    REQUIRED("version"),
    OPTIONAL("documentationUrl"),
    {"capabilities", CARD_REQUIRED, CARD_ONE, &capabilities},
    {"securitySchemes", CARD_PLAIN, CARD_MAP, &scheme},
    {"securityRequirements", CARD_PLAIN, CARD_LIST, &requirement},
    REQUIRED("defaultInputModes"),
    REQUIRED("defaultOutputModes"),
    {"skills", CARD_REQUIRED, CARD_LIST, &skill},
    {"signatures", CARD_PLAIN, CARD_LIST, &signature},
    OPTIONAL("iconUrl"),
    LEGACY("url"),
    LEGACY("preferredTransport"),
    {"additionalInterfaces", CARD_LEGACY, CARD_LIST, &legacy_interface},
    LEGACY("protocolVersion"),
    {"security", CARD_LEGACY, CARD_OTHER, NULL},
    LEGACY("supportsAuthenticatedExtendedCard"),
    {.name = NULL},
};
/* clang-format on */
const card_message card_root = {root_members};

const card_member *
card_find_member(const card_message *message, const scan_document *card, uint32_t node)
{
    for (const card_member *each = message->members; each->name != NULL; each++) {
        if (scan_name_equals(card, node, aip_bytes_of(each->name))) {
            return each;
        }
    }
    return NULL;
}

/* ---- judging ---- */

static aip_status
check_names(const card_walk *walk, const card_message *message, uint32_t node, aip_error *err)
{
    const char *names[MEMBERS_MAX + 1];
    size_t count = 0;
    for (const card_member *each = message->members; each->name != NULL && count < MEMBERS_MAX; each++) {
        names[count++] = each->name;
    }
    names[count] = NULL;
    aip_status status = a2a_check_names(walk->card, node, names, NULL);
    return status == AIP_OK          ? AIP_OK
           : status == AIP_NO_MEMORY ? aip_fail(err, AIP_NO_MEMORY, NULL)
                                     : aip_fail(err, AIP_A2A_CARD, "a member's name could be read as another one");
}

static aip_status walk_message(const card_walk *walk, const card_message *message, uint32_t node, aip_error *err);

static aip_status
walk_each(const card_walk *walk, const card_message *message, uint32_t node, aip_error *err)
{
    for (uint32_t each = scan_child(walk->card, node); each != SCAN_NONE; each = scan_next(walk->card, each)) {
        AIP_TRY(walk_message(walk, message, each, err));
    }
    return AIP_OK;
}

static aip_status
walk_member(const card_walk *walk, const card_member *member, uint32_t node, aip_error *err)
{
    static const scan_kind kinds[] = {
        [CARD_URL] = SCAN_STRING, [CARD_ONE] = SCAN_OBJECT, [CARD_LIST] = SCAN_ARRAY, [CARD_MAP] = SCAN_OBJECT};
    scan_kind kind = scan_kind_of(walk->card, node);
    if (kind == SCAN_NULL || member->shape == CARD_VALUE || member->shape == CARD_OTHER) {
        return AIP_OK;
    }
    if (kind != kinds[member->shape]) {
        return aip_fail(err, AIP_A2A_CARD, "%s is of the wrong type", member->name);
    }
    if (member->shape == CARD_URL) {
        return walk->visit == NULL ? AIP_OK : walk->visit(walk->context, node, err);
    }
    return member->shape == CARD_ONE ? walk_message(walk, member->of, node, err)
                                     : walk_each(walk, member->of, node, err);
}

/* Recursive over the table, which has an end. */
static aip_status
walk_message(const card_walk *walk, const card_message *message, uint32_t node, aip_error *err)
{
    if (scan_kind_of(walk->card, node) != SCAN_OBJECT) {
        return aip_fail(err, AIP_A2A_CARD, "an object belongs where something else stands");
    }
    AIP_TRY(check_names(walk, message, node, err));
    for (uint32_t each = scan_child(walk->card, node); each != SCAN_NONE; each = scan_next(walk->card, each)) {
        const card_member *member = card_find_member(message, walk->card, each);
        if (member != NULL) {
            AIP_TRY(walk_member(walk, member, each, err));
        }
    }
    return AIP_OK;
}

aip_status
card_walk_all(const card_walk *walk, aip_error *err)
{
    return walk_message(walk, &card_root, 0, err);
}

/* ---- what a signature covers ---- */

typedef struct {
    const scan_document *card;
    bool clean; /* A2A_CARD_AS_CLEANED */
    text_buffer out;
} form_writer;

static void write_form(form_writer *w, const card_message *message, uint32_t node);

static bool
is_default(const scan_document *card, uint32_t node)
{
    scan_kind kind = scan_kind_of(card, node);
    aip_bytes raw = scan_raw(card, node);
    return kind == SCAN_NULL || kind == SCAN_FALSE || (kind == SCAN_STRING && raw.size == 2) ||
           ((kind == SCAN_ARRAY || kind == SCAN_OBJECT) && card->nodes[node].children == 0);
}

/* A2A 1.0 section 8.4.1, rule 1. A null is the same as nothing in ProtoJSON. */
static bool
is_left_out(const form_writer *w, const card_member *member, uint32_t node)
{
    if (member == NULL || member->presence == CARD_LEGACY) {
        return w->clean;
    }
    if (strcmp(member->name, "signatures") == 0 || scan_kind_of(w->card, node) == SCAN_NULL) {
        return true;
    }
    return member->presence == CARD_PLAIN && is_default(w->card, node);
}

/* Whether nothing but an empty value was written since `mark`. */
static bool
wrote_nothing(const form_writer *w, size_t mark)
{
    aip_bytes text = aip_bytes_from(text_view(&w->out), mark);
    return aip_bytes_equal(text, AIP_BYTES_LITERAL("{}")) || aip_bytes_equal(text, AIP_BYTES_LITERAL("[]")) ||
           aip_bytes_equal(text, AIP_BYTES_LITERAL("\"\"")) || aip_bytes_equal(text, AIP_BYTES_LITERAL("null"));
}

/* `message` NULL: a value without a table of its own. */
static void
write_value(form_writer *w, const card_message *message, uint32_t node)
{
    scan_kind kind = scan_kind_of(w->card, node);
    if (kind == SCAN_OBJECT && (message != NULL || w->clean)) {
        write_form(w, message, node);
    } else if (kind == SCAN_ARRAY && (message != NULL || w->clean)) {
        bool first = true;
        text_append_string(&w->out, "[");
        for (uint32_t each = scan_child(w->card, node); each != SCAN_NONE; each = scan_next(w->card, each)) {
            size_t before = w->out.size;
            text_append_string(&w->out, first ? "" : ",");
            size_t mark = w->out.size;
            write_value(w, message, each);
            bool nothing = w->clean && wrote_nothing(w, mark);
            w->out.size = nothing ? before : w->out.size;
            first = first && nothing;
        }
        text_append_string(&w->out, "]");
    } else {
        text_append(&w->out, scan_raw(w->card, node));
    }
}

/* The values of a map are messages, and its names are of no table. */
static void
write_member(form_writer *w, const card_message *message, uint32_t node, bool *first)
{
    static const card_message *const untold = NULL;
    const card_member *member = message == NULL ? NULL : card_find_member(message, w->card, node);
    if (message != NULL && is_left_out(w, member, node)) {
        return;
    }
    size_t before = w->out.size;
    text_append_string(&w->out, *first ? "\"" : ",\"");
    text_append(&w->out, scan_raw_name(w->card, node));
    text_append_string(&w->out, "\":");
    size_t mark = w->out.size;
    if (member != NULL && member->shape == CARD_MAP && scan_kind_of(w->card, node) == SCAN_OBJECT) {
        const card_member entry[] = {{"", CARD_OPTIONAL, CARD_ONE, member->of}, {.name = NULL}};
        const card_message map = {entry};
        write_form(w, &map, node);
    } else {
        write_value(w, member == NULL ? untold : member->of, node);
    }
    bool nothing = w->clean && wrote_nothing(w, mark);
    w->out.size = nothing ? before : w->out.size;
    *first = *first && nothing;
}

/* A table whose one row has the empty name is that of a map's values. */
static void
write_form(form_writer *w, const card_message *message, uint32_t node)
{
    bool first = true;
    bool map = message != NULL && message->members[0].name != NULL && message->members[0].name[0] == '\0';
    text_append_string(&w->out, "{");
    for (uint32_t each = scan_child(w->card, node); each != SCAN_NONE; each = scan_next(w->card, each)) {
        if (!map) {
            write_member(w, message, each, &first);
            continue;
        }
        size_t before = w->out.size;
        text_append_string(&w->out, first ? "\"" : ",\"");
        text_append(&w->out, scan_raw_name(w->card, each));
        text_append_string(&w->out, "\":");
        size_t mark = w->out.size;
        write_value(w, message->members[0].of, each);
        bool nothing = w->clean && wrote_nothing(w, mark);
        w->out.size = nothing ? before : w->out.size;
        first = first && nothing;
    }
    text_append_string(&w->out, "}");
}

aip_status
a2a_card_payload(const scan_document *card, a2a_card_form form, char **out, size_t *size, aip_error *err)
{
    form_writer w = {.card = card, .clean = form == A2A_CARD_AS_CLEANED};
    write_form(&w, &card_root, 0);
    aip_status status = text_finish(&w.out, err);
    if (status == AIP_OK && json_canonical(text_view(&w.out), out, size, NULL) != AIP_OK) {
        status = aip_fail(err, AIP_A2A_CARD, "the card has no canonical form");
    }
    text_clear(&w.out);
    return status;
}
