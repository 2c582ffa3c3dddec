/* Reads and writes one element: header, signature and the table of claims. Judges it by itself and trusts nothing. */
#include "token/token.h"

#include "base/text.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "token/amount.h"
#include "token/jws.h"

#define TOKEN_TYPE "aip+jwt"
#define INTEGER_MAX ((UINT64_C(1) << 53) - 1)
#define TOKEN_ID_BYTES 16

aip_status
token_cut(aip_bytes element, unsigned char *room, size_t capacity, token_draft *out, aip_error *err)
{
    *out = (token_draft){.text = element};
    if (element.size > AIP_ELEMENT_BYTES_MAX) {
        return aip_fail(err, AIP_TOKEN_SIZE, "an element is longer than %d bytes", AIP_ELEMENT_BYTES_MAX);
    }
    jws_parts parts;
    AIP_TRY(jws_cut(element, &parts, err));
    if (!aip_bytes_equal(parts.header, AIP_BYTES_LITERAL(TOKEN_HEADER_TEXT))) {
        AIP_TRY(base64url_decode(parts.header, room, capacity, &out->header.size, err));
        out->header.data = room;
    }
    unsigned char *rest = room + out->header.size;
    AIP_TRY(base64url_decode(parts.payload, rest, capacity - out->header.size, &out->payload.size, err));
    out->payload.data = rest;
    AIP_TRY(jws_decode_signature(parts.signature, out->signature, err));
    out->nodes_max = 1; /* every further value follows one of these bytes */
    for (size_t i = 0; i < out->payload.size; i++) {
        unsigned char c = rest[i];
        out->nodes_max += c == ',' || c == '[' || c == '{';
    }
    out->nodes_max = out->nodes_max < AIP_JSON_NODES_TOKEN ? out->nodes_max : AIP_JSON_NODES_TOKEN;
    return AIP_OK;
}

static aip_status
refuse_claim(aip_error *err, const char *reason)
{
    return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "%s", reason);
}

/* What a reader of one claim sees. */
typedef struct {
    token *token;
    const token *parent; /* NULL: element 0 */
    uint32_t node;
} reading;

static aip_status
read_plain(const token *t, uint32_t node, size_t bytes_max, aip_bytes *out, aip_error *err)
{
    if (scan_kind_of(&t->payload, node) != SCAN_STRING || scan_plain_string(&t->payload, node, out, NULL) != AIP_OK) {
        return refuse_claim(err, "a string without escapes is needed");
    }
    return out->size > 0 && out->size <= bytes_max ? AIP_OK : refuse_claim(err, "a string is empty or too long");
}

static aip_status
read_issuer(const reading *r, aip_error *err)
{
    token *t = r->token;
    aip_bytes name;
    AIP_TRY(read_plain(t, r->node, AIP_IDENTIFIER_BYTES_MAX, &name, err));
    t->foreign = aip_bytes_begin_with(name, AIP_BYTES_LITERAL("aip:"));
    if (t->foreign && r->parent != NULL) {
        return refuse_claim(err, "only a token of one element is issued by an aip: name");
    }
    if (r->parent != NULL && aip_bytes_equal(name, r->parent->subject.text)) {
        t->issuer = r->parent->subject; /* the same bytes, so the same identifier: base58 is costly */
        t->issuer.text = name;
        memcpy(t->issuer_id, r->parent->subject_id, AIP_HASH_BYTES);
        return AIP_OK;
    }
    hash_sha256(name, t->issuer_id);
    return aip_did_parse(name, &t->issuer, err);
}

static aip_status
read_subject(const reading *r, aip_error *err)
{
    token *t = r->token;
    aip_bytes name;
    AIP_TRY(read_plain(t, r->node, AIP_IDENTIFIER_BYTES_MAX, &name, err));
    if (aip_bytes_begin_with(name, AIP_BYTES_LITERAL("aip:")) != t->foreign) {
        return refuse_claim(err, "issuer and subject are both DIDs or both aip: names");
    }
    hash_sha256(name, t->subject_id);
    return aip_did_parse(name, &t->subject, err);
}

typedef struct {
    aip_bytes *items;
    uint32_t capacity;
    size_t bytes_max;
    uint32_t *count;
} string_list;

static aip_status
read_list(const token *t, uint32_t node, const string_list *list, aip_error *err)
{
    if (scan_kind_of(&t->payload, node) != SCAN_ARRAY) {
        return refuse_claim(err, "an array of strings is needed");
    }
    uint32_t count = 0;
    for (uint32_t i = scan_child(&t->payload, node); i != SCAN_NONE; i = scan_next(&t->payload, i)) {
        if (count == list->capacity) {
            return refuse_claim(err, "an array has too many entries");
        }
        AIP_TRY(read_plain(t, i, list->bytes_max, &list->items[count], err));
        count++;
    }
    *list->count = count;
    return count > 0 ? AIP_OK : refuse_claim(err, "an array is empty");
}

static aip_status
read_scope(const reading *r, aip_error *err)
{
    token *t = r->token;
    const string_list list = {t->scope, AIP_SCOPE_ENTRIES_MAX, AIP_ELEMENT_BYTES_MAX, &t->scope_count};
    return read_list(t, r->node, &list, err);
}

static aip_status
read_audience(const reading *r, aip_error *err)
{
    token *t = r->token;
    if (scan_kind_of(&t->payload, r->node) == SCAN_STRING) { /* RFC 7519 section 4.1.3 allows both forms */
        t->audience_count = 1;
        return read_plain(t, r->node, AIP_IDENTIFIER_BYTES_MAX, &t->audience[0], err);
    }
    const string_list list = {t->audience, AIP_AUDIENCES_MAX, AIP_IDENTIFIER_BYTES_MAX, &t->audience_count};
    return read_list(t, r->node, &list, err);
}

static aip_status
read_budget(const reading *r, aip_error *err)
{
    token *t = r->token;
    scan_kind kind = scan_kind_of(&t->payload, r->node);
    if (t->foreign && kind == SCAN_NULL) {
        t->declared &= ~(unsigned)TOKEN_BUDGET; /* the habit of one issuer: null means absent */
        return AIP_OK;
    }
    if (kind != SCAN_NUMBER) {
        return refuse_claim(err, "budget_usd is a number");
    }
    aip_bytes number = scan_raw(&t->payload, r->node);
    return t->foreign ? amount_parse_foreign(number, &t->budget_micro_usd, &t->budget_negative, err)
                      : amount_parse(number, &t->budget_micro_usd, err);
}

static aip_status
read_integer(const token *t, uint32_t node, uint64_t maximum, uint64_t *out, aip_error *err)
{
    return scan_kind_of(&t->payload, node) == SCAN_NUMBER &&
                   scan_integer(&t->payload, node, maximum, out, NULL) == AIP_OK
               ? AIP_OK
               : refuse_claim(err, "a plain integer in range is needed");
}

static aip_status
read_max_depth(const reading *r, aip_error *err)
{
    uint64_t value = 0;
    AIP_TRY(read_integer(r->token, r->node, r->token->foreign ? INTEGER_MAX : AIP_DEPTH_MAX, &value, err));
    r->token->max_depth = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
    return AIP_OK;
}

static aip_status
read_time(const reading *r, int64_t *out, aip_error *err)
{
    uint64_t value = 0;
    AIP_TRY(read_integer(r->token, r->node, INTEGER_MAX, &value, err));
    *out = (int64_t)value;
    return AIP_OK;
}

static aip_status
read_iat(const reading *r, aip_error *err)
{
    return read_time(r, &r->token->iat, err);
}

static aip_status
read_exp(const reading *r, aip_error *err)
{
    AIP_TRY(read_time(r, &r->token->exp, err));
    return r->token->exp > r->token->iat ? AIP_OK : refuse_claim(err, "exp must be after iat");
}

static aip_status
read_nbf(const reading *r, aip_error *err)
{
    return read_time(r, &r->token->nbf, err);
}

static aip_status
read_jti(const reading *r, aip_error *err)
{
    token *t = r->token;
    unsigned char id[TOKEN_ID_BYTES];
    size_t size = 0;
    AIP_TRY(read_plain(t, r->node, AIP_IDENTIFIER_BYTES_MAX, &t->jti, err));
    bool good = base64url_decode(t->jti, id, sizeof id, &size, NULL) == AIP_OK && size == sizeof id;
    return t->foreign || good ? AIP_OK : refuse_claim(err, "jti is 128 bits as base64url");
}

static aip_status
read_par_hash(const reading *r, aip_error *err)
{
    aip_bytes text;
    size_t size = 0;
    AIP_TRY(read_plain(r->token, r->node, AIP_IDENTIFIER_BYTES_MAX, &text, err));
    bool good =
        base64url_decode(text, r->token->par_hash, AIP_HASH_BYTES, &size, NULL) == AIP_OK && size == AIP_HASH_BYTES;
    return good ? AIP_OK : refuse_claim(err, "par_hash is 256 bits as base64url");
}

/* White space, controls and characters that show nothing. */
static bool
is_blank_character(uint32_t c)
{
    return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x1680 || c == 0x180e ||
           (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) ||
           c == 0x2800 || c == 0x3000 || c == 0x3164 || c == 0xfeff;
}

static bool
is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        unsigned char lead = (unsigned char)text[i];
        size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        uint32_t c = length == 1 ? lead : lead & (0xffu >> (length + 1));
        for (size_t k = 1; k < length && i + k < size; k++) {
            c = c << 6 | ((unsigned char)text[i + k] & 0x3fu);
        }
        if (!is_blank_character(c)) {
            return false;
        }
        i += length;
    }
    return true;
}

/* A string for people: escapes allowed, so it is measured unescaped and kept as written. */
static aip_status
read_free_text(const reading *r, size_t bytes_max, aip_bytes *out, aip_error *err)
{
    char text[AIP_IDENTIFIER_BYTES_MAX];
    size_t size = 0;
    const scan_document *payload = &r->token->payload;
    if (scan_kind_of(payload, r->node) != SCAN_STRING ||
        scan_unescape(payload, r->node, text, bytes_max, &size, NULL) != AIP_OK || is_blank(text, size)) {
        return refuse_claim(err, "a text is blank, too long or no string");
    }
    aip_bytes raw = scan_raw(payload, r->node);
    *out = (aip_bytes){raw.data + 1, raw.size - 2};
    return AIP_OK;
}

static aip_status
read_context(const reading *r, aip_error *err)
{
    return read_free_text(r, AIP_CONTEXT_BYTES_MAX, &r->token->context, err);
}

static aip_status
read_principal(const reading *r, aip_error *err)
{
    return read_free_text(r, AIP_IDENTIFIER_BYTES_MAX, &r->token->principal, err);
}

static aip_status
read_constraints(const reading *r, aip_error *err)
{
    r->token->constraints = r->node;
    return scan_kind_of(&r->token->payload, r->node) == SCAN_OBJECT ? AIP_OK
                                                                    : refuse_claim(err, "constraints is an object");
}

static aip_status
read_shares(const reading *r, aip_error *err)
{
    r->token->shares = r->node;
    return scan_kind_of(&r->token->payload, r->node) == SCAN_ARRAY ? AIP_OK : refuse_claim(err, "shares is an array");
}

enum { IN_ROOT = 1, IN_LATER = 2, ALWAYS = IN_ROOT | IN_LATER };

typedef struct {
    const char *name;
    aip_status (*read)(const reading *r, aip_error *err);
    unsigned required, allowed; /* IN_… */
    unsigned declares;          /* TOKEN_… */
} claim;

/* Read in this order: the issuer's form decides how the others are read, and exp is compared with iat. */
static const claim claims[] = {
    {"iss", read_issuer, ALWAYS, ALWAYS, 0},
    {"sub", read_subject, ALWAYS, ALWAYS, 0},
    {"scope", read_scope, ALWAYS, ALWAYS, 0},
    {"budget_usd", read_budget, 0, ALWAYS, TOKEN_BUDGET},
    {"max_depth", read_max_depth, IN_ROOT, ALWAYS, TOKEN_MAX_DEPTH},
    {"iat", read_iat, ALWAYS, ALWAYS, 0},
    {"exp", read_exp, ALWAYS, ALWAYS, 0},
    {"nbf", read_nbf, 0, ALWAYS, TOKEN_NBF},
    {"jti", read_jti, IN_LATER, ALWAYS, TOKEN_JTI},
    {"aud", read_audience, 0, ALWAYS, TOKEN_AUDIENCE},
    {"par_hash", read_par_hash, IN_LATER, IN_LATER, TOKEN_PAR_HASH},
    {"context", read_context, IN_LATER, ALWAYS, TOKEN_CONTEXT},
    {"principal", read_principal, 0, ALWAYS, TOKEN_PRINCIPAL},
    {"constraints", read_constraints, 0, ALWAYS, TOKEN_CONSTRAINTS},
    {"shares", read_shares, 0, IN_ROOT, TOKEN_SHARES},
};
#define CLAIMS (sizeof claims / sizeof claims[0])

static size_t
find_claim(const scan_document *payload, uint32_t node)
{
    aip_bytes raw = scan_raw_name(payload, node);
    bool plain = !payload->nodes[node].name_escaped && raw.size > 0;
    size_t i = 0;
    for (; i < CLAIMS; i++) { /* a plain name mostly differs in its first byte */
        bool possible = !plain || raw.data[0] == (unsigned char)claims[i].name[0];
        if (possible && scan_name_equals(payload, node, aip_bytes_of(claims[i].name))) {
            break;
        }
    }
    return i;
}

/* An unknown claim might be a restriction, so it refuses; only a root's `x-` names are advisory. */
static aip_status
check_unknown(const token *t, const token *parent, aip_error *err)
{
    if (t->foreign) {
        return AIP_OK;
    }
    for (uint32_t i = scan_child(&t->payload, 0); i != SCAN_NONE; i = scan_next(&t->payload, i)) {
        bool advisory = parent == NULL && aip_bytes_begin_with(scan_raw_name(&t->payload, i), AIP_BYTES_LITERAL("x-"));
        if (find_claim(&t->payload, i) == CLAIMS && !advisory) {
            return aip_fail(err, AIP_TOKEN_CLAIM_UNKNOWN, NULL);
        }
    }
    return AIP_OK;
}

static aip_status
read_claim(const claim *row, const reading *r, aip_error *err)
{
    unsigned place = r->parent == NULL ? IN_ROOT : IN_LATER;
    if (r->node == SCAN_NONE) {
        return (row->required & place) == 0 ? AIP_OK : aip_fail(err, AIP_TOKEN_CLAIM_MISSING, "%s", row->name);
    }
    if ((row->allowed & place) == 0) {
        return aip_fail(err, AIP_TOKEN_CLAIM_UNKNOWN, "%s is not allowed in this element", row->name);
    }
    r->token->declared |= row->declares;
    return row->read(r, err);
}

static aip_status
read_claims(token *t, const token *parent, aip_error *err)
{
    uint32_t nodes[CLAIMS];
    memset(nodes, 0xff, sizeof nodes); /* SCAN_NONE */
    uint32_t unknown = 0;
    for (uint32_t i = scan_child(&t->payload, 0); i != SCAN_NONE; i = scan_next(&t->payload, i)) {
        size_t row = find_claim(&t->payload, i);
        if (row < CLAIMS) {
            nodes[row] = i;
        } else {
            unknown++;
        }
    }
    for (size_t row = 0; row < CLAIMS; row++) {
        const reading r = {t, parent, nodes[row]};
        AIP_TRY(read_claim(&claims[row], &r, err));
    }
    return unknown == 0 ? AIP_OK : check_unknown(t, parent, err);
}

/* A kid names a key of the issuer: its name, `#` and a fragment. */
static bool
is_key_of(aip_bytes kid, const token *t)
{
    aip_bytes issuer = t->issuer.text;
    return aip_bytes_begin_with(kid, issuer) && kid.size > issuer.size + 1 && kid.data[issuer.size] == '#' &&
           kid.size <= 2 * AIP_IDENTIFIER_BYTES_MAX && (t->foreign || aip_did_is_did_url(kid));
}

static aip_status
read_header(aip_bytes text, token *t, aip_error *err)
{
    const jws_header_rule rule = {TOKEN_TYPE, t->foreign};
    AIP_TRY(jws_read_header(text, &rule, &t->kid, err));
    if (t->kid.size > 0) {
        t->declared |= TOKEN_KID;
    }
    return t->kid.size == 0 || is_key_of(t->kid, t)
               ? AIP_OK
               : aip_fail(err, AIP_TOKEN_HEADER, "kid is no DID URL of the issuer");
}

static aip_status
read_signature(const token_draft *draft, token *t, aip_error *err)
{
    jws_parts parts;
    AIP_TRY(jws_cut(draft->text, &parts, err));
    t->signing_input = parts.signing_input;
    memcpy(t->signature, draft->signature, sizeof t->signature);
    hash_sha256(t->signing_input, t->link_id);
    return AIP_OK;
}

aip_status
token_read(const token_draft *draft, const token *parent, scan_node *nodes, token *out, aip_error *err)
{
    static const scan_limits limits = {AIP_ELEMENT_BYTES_MAX, AIP_JSON_DEPTH_TOKEN, AIP_JSON_NODES_TOKEN};
    *out = (token){.text = draft->text, .constraints = SCAN_NONE, .shares = SCAN_NONE};
    AIP_TRY(read_signature(draft, out, err));
    AIP_TRY(scan_into(draft->payload, &limits, nodes, draft->nodes_max, &out->payload, err));
    if (scan_kind_of(&out->payload, 0) != SCAN_OBJECT) {
        return aip_fail(err, AIP_TOKEN_MALFORMED, "the payload is no object");
    }
    AIP_TRY(read_claims(out, parent, err));
    return draft->header.data == NULL ? AIP_OK : read_header(draft->header, out, err);
}

aip_status
token_claim_text(const token *t, const char *name, char *out, size_t capacity, size_t *size, aip_error *err)
{
    uint32_t node = scan_member(&t->payload, 0, name);
    if (node == SCAN_NONE) {
        return aip_fail(err, AIP_TOKEN_CLAIM_MISSING, "%s", name);
    }
    return scan_unescape(&t->payload, node, out, capacity, size, err);
}

aip_status
token_encode(const aip_secret_key *key, const char *kid, aip_bytes payload, char **out, aip_error *err)
{
    const jws_statement statement = {TOKEN_TYPE, kid, payload};
    return jws_encode(key, &statement, out, err);
}
