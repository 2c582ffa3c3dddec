/* Rewrites an agent's card by splicing, then signs what came of it. */
#include "gateway/a2a_card_inside.h"

#include <stdlib.h>
#include <strings.h>

#include "aip/limits.h"
#include "base/splice.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "gateway/a2a_operations.h"
#include "token/jws.h"

enum { ORIGINS_MAX = 16, ORIGIN_BYTES_MAX = 300 };

static const scan_limits card_limits = {AIP_A2A_CARD_BYTES_MAX, AIP_A2A_CARD_DEPTH_MAX, AIP_A2A_CARD_NODES_MAX};

typedef struct {
    const a2a_card_setup *setup;
    const scan_document *card;
    splice edits;
    char origins[ORIGINS_MAX][ORIGIN_BYTES_MAX]; /* `scheme://authority` of the agent's interfaces */
    size_t origin_count, kept;                   /* kept: interfaces that are left */
} rewriting;

/* ---- where the agent is ---- */

/* Length of `scheme://authority`; 0: it is no such URL. */
static size_t
origin_size(const char *url)
{
    const char *authority = strstr(url, "://");
    return authority == NULL || authority == url ? 0 : (size_t)(authority - url) + 3 + strcspn(authority + 3, "/?#\\");
}

static bool
read_string(const scan_document *card, uint32_t node, char *out, size_t capacity)
{
    size_t size = 0;
    if (node == SCAN_NONE || scan_kind_of(card, node) != SCAN_STRING ||
        scan_unescape(card, node, out, capacity - 1, &size, NULL) != AIP_OK) {
        return false;
    }
    out[size] = '\0';
    return strlen(out) == size;
}

/* E-52: links to these hosts are led to the public one. */
static aip_status
note_origin(rewriting *r, uint32_t interface, aip_error *err)
{
    char url[AIP_URI_BYTES_MAX + 1];
    if (!read_string(r->card, scan_member(r->card, interface, "url"), url, sizeof url)) {
        return aip_fail(err, AIP_A2A_CARD, "an interface has no address, or one that is too long");
    }
    size_t size = origin_size(url);
    if (size == 0 || size >= ORIGIN_BYTES_MAX || r->origin_count == ORIGINS_MAX) {
        return aip_fail(err, AIP_A2A_CARD, "an interface has no usable address, or there are too many");
    }
    memcpy(r->origins[r->origin_count], url, size);
    r->origins[r->origin_count++][size] = '\0';
    return AIP_OK;
}

static aip_status
lead_outside(void *context, uint32_t node, aip_error *err)
{
    rewriting *r = context;
    char url[AIP_URI_BYTES_MAX + 1];
    const char *public_url = r->setup->served[0].url;
    if (!read_string(r->card, node, url, sizeof url)) {
        return aip_fail(err, AIP_A2A_CARD, "a link is too long");
    }
    size_t size = origin_size(url);
    for (size_t i = 0; i < r->origin_count; i++) {
        if (size == 0 || strlen(r->origins[i]) != size || strncasecmp(r->origins[i], url, size) != 0) {
            continue;
        }
        TEXT_AUTO text_buffer text = {0};
        text_append(&text, (aip_bytes){(const unsigned char *)public_url, origin_size(public_url)});
        text_append_string(&text, url + size);
        AIP_TRY(text_finish(&text, err));
        return splice_replace_string(&r->edits, node, text_view(&text), err);
    }
    return AIP_OK;
}

/* ---- interfaces ---- */

static const a2a_served *
find_served(const rewriting *r, uint32_t node)
{
    for (size_t i = 0; node != SCAN_NONE && i < r->setup->served_count; i++) {
        if (scan_kind_of(r->card, node) == SCAN_STRING &&
            scan_string_equals(r->card, node, aip_bytes_of(r->setup->served[i].binding))) {
            return &r->setup->served[i];
        }
    }
    return NULL;
}

/* An interface without version is one of 1.0, where they came from. */
static bool
is_of_served_version(const rewriting *r, uint32_t interface)
{
    char text[16];
    a2a_version version;
    uint32_t node = scan_member(r->card, interface, "protocolVersion");
    return node == SCAN_NONE ||
           (read_string(r->card, node, text, sizeof text) && a2a_version_parse(aip_bytes_of(text), true, &version));
}

/* E-50, E-51 */
static aip_status
rewrite_list(rewriting *r, const char *name, const char *binding, aip_error *err)
{
    uint32_t list = scan_member(r->card, 0, name);
    if (list == SCAN_NONE || scan_kind_of(r->card, list) == SCAN_NULL) {
        return AIP_OK;
    }
    for (uint32_t each = scan_child(r->card, list); each != SCAN_NONE; each = scan_next(r->card, each)) {
        const a2a_served *served = find_served(r, scan_member(r->card, each, binding));
        AIP_TRY(note_origin(r, each, err));
        if (served == NULL || !is_of_served_version(r, each)) {
            AIP_TRY(splice_remove(&r->edits, list, each, err));
            continue;
        }
        r->kept++;
        AIP_TRY(splice_replace_string(&r->edits, scan_member(r->card, each, "url"), aip_bytes_of(served->url), err));
    }
    return AIP_OK;
}

/* The first of 0.3's further interfaces that is served. */
static const a2a_served *
find_substitute(const rewriting *r)
{
    uint32_t list = scan_member(r->card, 0, "additionalInterfaces");
    if (list == SCAN_NONE || scan_kind_of(r->card, list) != SCAN_ARRAY) {
        return NULL;
    }
    for (uint32_t each = scan_child(r->card, list); each != SCAN_NONE; each = scan_next(r->card, each)) {
        const a2a_served *served = find_served(r, scan_member(r->card, each, "transport"));
        if (served != NULL) {
            return served;
        }
    }
    return NULL;
}

static aip_status
set_string(rewriting *r, const char *name, const char *value, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    text_append_json(&text, aip_bytes_of(value));
    AIP_TRY(text_finish(&text, err));
    return splice_set_member(&r->edits, 0, name, text_view(&text), err);
}

/* 0.3: `url` goes with `preferredTransport`, which is JSONRPC where it is absent. */
static aip_status
rewrite_main(rewriting *r, aip_error *err)
{
    uint32_t url = scan_member(r->card, 0, "url"), transport = scan_member(r->card, 0, "preferredTransport");
    const a2a_served *served = transport == SCAN_NONE ? NULL : find_served(r, transport);
    if (url == SCAN_NONE) {
        return AIP_OK;
    }
    AIP_TRY(note_origin(r, 0, err));
    for (size_t i = 0; transport == SCAN_NONE && i < r->setup->served_count; i++) {
        served = strcmp(r->setup->served[i].binding, "JSONRPC") == 0 ? &r->setup->served[i] : served;
    }
    served = served == NULL ? find_substitute(r) : served;
    if (served == NULL && r->kept > 0) {
        AIP_TRY(splice_remove(&r->edits, 0, url, err));
        return transport == SCAN_NONE ? AIP_OK : splice_remove(&r->edits, 0, transport, err);
    }
    if (served == NULL) {
        return aip_fail(err, AIP_A2A_CARD, "no interface of the agent is served here");
    }
    r->kept++;
    AIP_TRY(splice_replace_string(&r->edits, url, aip_bytes_of(served->url), err));
    return transport == SCAN_NONE && strcmp(served->binding, "JSONRPC") == 0
               ? AIP_OK
               : set_string(r, "preferredTransport", served->binding, err);
}

/* ---- the extension ---- */

/* The agent's extensions without one that pretends to be ours, then ours: E-53. */
static aip_status
write_extensions(const rewriting *r, uint32_t list, text_buffer *out, aip_error *err)
{
    text_append_string(out, "[");
    uint32_t each = list == SCAN_NONE ? SCAN_NONE : scan_child(r->card, list);
    for (; each != SCAN_NONE; each = scan_next(r->card, each)) {
        uint32_t uri = scan_member(r->card, each, "uri");
        bool ours = uri != SCAN_NONE && scan_kind_of(r->card, uri) == SCAN_STRING &&
                    scan_string_equals(r->card, uri, aip_bytes_of(r->setup->extension_uri));
        if (!ours) {
            text_append(out, scan_raw(r->card, each));
            text_append_string(out, ",");
        }
    }
    text_append_string(out, "{\"uri\":");
    text_append_json(out, aip_bytes_of(r->setup->extension_uri));
    if (r->setup->did != NULL) {
        text_append_string(out, ",\"params\":{\"did\":");
        text_append_json(out, aip_bytes_of(r->setup->did));
        text_append_string(out, "}");
    }
    text_append_string(out, "}]");
    return text_finish(out, err);
}

static aip_status
declare_extension(rewriting *r, aip_error *err)
{
    uint32_t capabilities = scan_member(r->card, 0, "capabilities");
    if (r->setup->extension_uri == NULL) {
        return AIP_OK;
    }
    bool absent = capabilities == SCAN_NONE || scan_kind_of(r->card, capabilities) == SCAN_NULL;
    uint32_t list = absent ? SCAN_NONE : scan_member(r->card, capabilities, "extensions");
    TEXT_AUTO text_buffer text = {0}, whole = {0};
    AIP_TRY(write_extensions(r, list, &text, err));
    if (!absent) {
        return splice_set_member(&r->edits, capabilities, "extensions", text_view(&text), err);
    }
    text_append_string(&whole, "{\"extensions\":");
    text_append(&whole, text_view(&text));
    text_append_string(&whole, "}");
    AIP_TRY(text_finish(&whole, err));
    return splice_set_member(&r->edits, 0, "capabilities", text_view(&whole), err);
}

/* ---- the card ---- */

static aip_status
ask_for_changes(rewriting *r, aip_error *err)
{
    const card_walk walk = {r->card, lead_outside, r};
    uint32_t signatures = scan_member(r->card, 0, "signatures");
    AIP_TRY(rewrite_list(r, "supportedInterfaces", "protocolBinding", err));
    AIP_TRY(rewrite_list(r, "additionalInterfaces", "transport", err));
    AIP_TRY(rewrite_main(r, err));
    if (r->kept == 0) {
        return aip_fail(err, AIP_A2A_CARD, "no interface of the agent is served here");
    }
    AIP_TRY(card_walk_all(&walk, err));
    AIP_TRY(declare_extension(r, err));
    return signatures == SCAN_NONE ? AIP_OK : splice_remove(&r->edits, 0, signatures, err);
}

static aip_status
rewrite(const scan_document *card, const a2a_card_setup *setup, text_buffer *out, aip_error *err)
{
    const card_walk judge = {card, NULL, NULL};
    rewriting r = {.setup = setup, .card = card};
    AIP_TRY(card_walk_all(&judge, err));
    splice_begin(&r.edits, card);
    aip_status status = ask_for_changes(&r, err);
    if (status == AIP_OK) {
        status = splice_finish(&r.edits, &card_limits, out, NULL, err);
    }
    splice_clear(&r.edits);
    return status;
}

/* E-54: a JWS whose payload is left out. */
static aip_status
append_signature(const a2a_card_setup *setup, aip_bytes payload, text_buffer *out, aip_error *err)
{
    STRING_AUTO char *text = NULL;
    const jws_statement statement = {"JOSE", setup->key_id, payload};
    jws_parts parts;
    AIP_TRY(jws_encode(setup->key, &statement, &text, err));
    AIP_TRY(jws_cut(aip_bytes_of(text), &parts, err));
    text_append_string(out, "{\"protected\":\"");
    text_append(out, parts.header);
    text_append_string(out, "\",\"signature\":\"");
    text_append(out, parts.signature);
    text_append_string(out, "\"}");
    return text_finish(out, err);
}

/* One signature as specified, and one as the SDKs read where that is not the same. */
static aip_status
write_signatures(const a2a_card_setup *setup, const scan_document *card, text_buffer *out, aip_error *err)
{
    STRING_AUTO char *specified = NULL, *cleaned = NULL;
    size_t size = 0, cleaned_size = 0;
    AIP_TRY(a2a_card_payload(card, A2A_CARD_AS_SPECIFIED, &specified, &size, err));
    AIP_TRY(a2a_card_payload(card, A2A_CARD_AS_CLEANED, &cleaned, &cleaned_size, err));
    aip_bytes first = {(const unsigned char *)specified, size}, second = {(const unsigned char *)cleaned, cleaned_size};
    text_append_string(out, "[");
    AIP_TRY(append_signature(setup, first, out, err));
    if (!aip_bytes_equal(first, second) && scan_member(card, 0, "supportedInterfaces") != SCAN_NONE) {
        text_append_string(out, ",");
        AIP_TRY(append_signature(setup, second, out, err));
    }
    text_append_string(out, "]");
    return text_finish(out, err);
}

static aip_status
sign(const a2a_card_setup *setup, text_buffer *body, aip_error *err)
{
    scan_document card;
    splice edits;
    TEXT_AUTO text_buffer signatures = {0}, whole = {0};
    AIP_TRY(scan_load(text_view(body), &card_limits, &card, err));
    splice_begin(&edits, &card);
    aip_status status = write_signatures(setup, &card, &signatures, err);
    if (status == AIP_OK) {
        status = splice_set_member(&edits, 0, "signatures", text_view(&signatures), err);
    }
    if (status == AIP_OK) {
        status = splice_finish(&edits, &card_limits, &whole, NULL, err);
    }
    splice_clear(&edits);
    scan_clear(&card);
    if (status == AIP_OK) {
        text_buffer old = *body;
        *body = whole;
        whole = old;
    }
    return status;
}

static aip_status
make_body(aip_bytes received, const a2a_card_setup *setup, text_buffer *out, aip_error *err)
{
    scan_document card;
    AIP_TRY(scan_load(received, &card_limits, &card, err));
    aip_status status = scan_kind_of(&card, 0) == SCAN_OBJECT ? AIP_OK : aip_fail(err, AIP_A2A_CARD, NULL);
    if (status == AIP_OK && setup->verbatim) {
        text_append(out, received);
        status = text_finish(out, err);
    } else if (status == AIP_OK) {
        status = rewrite(&card, setup, out, err);
    }
    scan_clear(&card);
    AIP_TRY(status);
    return setup->verbatim || setup->key == NULL ? AIP_OK : sign(setup, out, err);
}

/* E-55: of the bytes that are served; a card for one caller is nobody else's. */
static void
write_headers(const a2a_card_setup *setup, a2a_card *card)
{
    unsigned char hash[AIP_HASH_BYTES];
    char digits[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    hash_sha256(text_view(&card->body), hash);
    base64url_encode((aip_bytes){hash, sizeof hash}, digits);
    (void)snprintf(card->etag, sizeof card->etag, "\"%s\"", digits);
    (void)snprintf(card->cache_control, sizeof card->cache_control,
                   setup->extended               ? "private, no-store"
                   : setup->max_age_seconds == 0 ? "no-cache"
                                                 : "public, max-age=%u",
                   setup->max_age_seconds);
}

aip_status
a2a_card_make(aip_bytes received, const a2a_card_setup *setup, a2a_card *out, aip_error *err)
{
    aip_error why = AIP_ERROR_INIT;
    *out = (a2a_card){.etag = ""};
    aip_status status = make_body(received, setup, &out->body, &why);
    if (status == AIP_OK) {
        write_headers(setup, out);
        return AIP_OK;
    }
    a2a_card_clear(out);
    if (status == AIP_NO_MEMORY) {
        return aip_fail(err, status, NULL);
    }
    return aip_fail(err, AIP_A2A_CARD, "%s", why.detail[0] != '\0' ? why.detail : aip_status_lookup(status)->name);
}

void
a2a_card_clear(a2a_card *card)
{
    text_clear(&card->body);
    *card = (a2a_card){.etag = ""};
}
