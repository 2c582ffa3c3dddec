/* Cuts a token into elements, reads them into one allocation and shows them. */
#include "chain/chain.h"

#include <stdlib.h>

#include "base/text.h"
#include "chain/report.h"
#include "crypto/base64url.h"

aip_status
chain_place(aip_error *err, size_t element, aip_status status)
{
    if (err != NULL && status != AIP_OK) {
        err->at = (int)element;
    }
    return status;
}

/* All elements cut and decoded, before the one allocation whose size they decide. */
typedef struct {
    token_draft drafts[AIP_CHAIN_ELEMENTS_MAX];
    size_t count, nodes, decoded_size;
    unsigned char decoded[BASE64URL_DECODED_MAX(AIP_TOKEN_BYTES_MAX)];
} plan;

static aip_status
cut_element(aip_bytes element, plan *p, aip_error *err)
{
    if (p->count == AIP_CHAIN_ELEMENTS_MAX) {
        return aip_fail(err, AIP_CHAIN_LENGTH, NULL);
    }
    token_draft *draft = &p->drafts[p->count];
    AIP_TRY(token_cut(element, p->decoded + p->decoded_size, sizeof p->decoded - p->decoded_size, draft, err));
    p->decoded_size += draft->header.size + draft->payload.size;
    p->nodes += draft->nodes_max;
    return AIP_OK;
}

/* What the first letters tell: JSON objects begin `eyJ` in base64url, the other known format E or C. */
static aip_status
check_form(aip_bytes text, aip_error *err)
{
    if (text.size > AIP_TOKEN_BYTES_MAX) {
        return aip_fail(err, AIP_TOKEN_SIZE, "a token is longer than %d bytes", AIP_TOKEN_BYTES_MAX);
    }
    if (aip_bytes_begin_with(text, AIP_BYTES_LITERAL("eyJ"))) {
        return AIP_OK;
    }
    bool biscuit = text.size > 0 && (text.data[0] == 'E' || text.data[0] == 'C');
    return aip_fail(err, biscuit ? AIP_TOKEN_UNSUPPORTED : AIP_TOKEN_MALFORMED, NULL);
}

static aip_status
cut(aip_bytes text, plan *p, aip_error *err)
{
    AIP_TRY(check_form(text, err));
    for (const unsigned char *tilde; text.data != NULL; p->count++) {
        tilde = memchr(text.data, '~', text.size);
        aip_bytes element = {text.data, tilde == NULL ? text.size : (size_t)(tilde - text.data)};
        aip_status status = cut_element(element, p, err);
        if (status != AIP_OK) {
            return chain_place(err, p->count, status);
        }
        text = tilde == NULL ? (aip_bytes){NULL, 0} : aip_bytes_from(text, element.size + 1);
    }
    return AIP_OK;
}

static aip_bytes
moved(aip_bytes view, const unsigned char *from, const unsigned char *to)
{
    return view.data == NULL ? view : (aip_bytes){to + (view.data - from), view.size};
}

/* Copies what the plan borrows behind the tokens and the nodes, and lets its drafts view the copies. */
static aip_chain *
settle(aip_bytes text, plan *p, scan_node **nodes)
{
    size_t tokens_size = p->count * sizeof(token), nodes_size = p->nodes * sizeof(scan_node);
    size_t bytes = sizeof(aip_chain) + tokens_size + nodes_size + text.size + p->decoded_size;
    unsigned char *memory = malloc(bytes);
    if (memory == NULL) {
        return NULL;
    }
    aip_chain *chain = (aip_chain *)(void *)memory;
    *nodes = (scan_node *)(void *)(memory + sizeof *chain + tokens_size);
    unsigned char *copy = memory + sizeof *chain + tokens_size + nodes_size;
    unsigned char *decoded = copy + text.size;
    memcpy(copy, text.data, text.size);
    memcpy(decoded, p->decoded, p->decoded_size);
    chain->bytes = bytes;
    chain->count = p->count;
    chain->text = (aip_bytes){copy, text.size};
    for (size_t i = 0; i < p->count; i++) {
        token_draft *draft = &p->drafts[i];
        draft->text = moved(draft->text, text.data, copy);
        draft->header = moved(draft->header, p->decoded, decoded);
        draft->payload = moved(draft->payload, p->decoded, decoded);
    }
    return chain;
}

static aip_status
read_element(const token_draft *draft, const token *parent, scan_node *nodes, token *out, aip_error *err)
{
    AIP_TRY(token_read(draft, parent, nodes, out, err));
    AIP_TRY(scope_check(out, err));
    AIP_TRY(constraint_check(out, err));
    return budget_check_shares(out, err);
}

static aip_status
read_chain(const plan *p, aip_chain *chain, scan_node *nodes, aip_error *err)
{
    for (size_t i = 0; i < chain->count; i++) {
        token *t = &chain->tokens[i];
        aip_status status = read_element(&p->drafts[i], i == 0 ? NULL : t - 1, nodes, t, err);
        if (status != AIP_OK) {
            return chain_place(err, i, status);
        }
        nodes += p->drafts[i].nodes_max;
    }
    return chain_attenuate(chain, err);
}

aip_status
aip_chain_parse(aip_bytes text, aip_chain **out, aip_error *err)
{
    plan p;
    p.count = p.nodes = p.decoded_size = 0; /* the rest is written before it is read: 14 KiB are not cleared */
    *out = NULL;
    AIP_TRY(cut(text, &p, err));
    scan_node *nodes = NULL;
    aip_chain *chain = settle(text, &p, &nodes);
    if (chain == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = read_chain(&p, chain, nodes, err);
    if (status != AIP_OK) {
        aip_chain_free(&chain);
    }
    *out = chain;
    return status;
}

void
aip_chain_free(aip_chain **chain)
{
    free(*chain);
    *chain = NULL;
}

size_t
aip_chain_length(const aip_chain *chain)
{
    return chain->count;
}

void
aip_chain_link_id(const aip_chain *chain, size_t i, char out[44])
{
    base64url_encode_public((aip_bytes){chain->tokens[i].link_id, AIP_HASH_BYTES}, out);
}

aip_bytes
aip_chain_issuer(const aip_chain *chain, size_t i)
{
    return chain->tokens[i].issuer.text;
}

aip_bytes
aip_chain_subject(const aip_chain *chain, size_t i)
{
    return chain->tokens[i].subject.text;
}

/* Appends JSON that was scanned, in printable ASCII: terminals obey some of the other characters. */
static void
append_ascii(text_buffer *text, aip_bytes json)
{
    size_t plain = 0;
    while (plain < json.size && json.data[plain] >= 0x20 && json.data[plain] < 0x7f) {
        plain++;
    }
    text_append(text, (aip_bytes){json.data, plain}); /* most often all of it */
    for (size_t i = plain; i < json.size;) {
        unsigned char lead = json.data[i];
        size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        uint32_t c = length == 1 ? lead : lead & (0xffu >> (length + 1));
        for (size_t k = 1; k < length && i + k < json.size; k++) {
            c = c << 6 | (json.data[i + k] & 0x3fu);
        }
        if (c >= 0x10000) {
            text_append_format(text, "\\u%04x\\u%04x", 0xd800u + ((c - 0x10000) >> 10), 0xdc00u + (c & 0x3ff));
        } else if (c >= 0x7f) {
            text_append_format(text, "\\u%04x", c);
        } else if (c >= 0x20) { /* controls can only be white space between values here */
            text_append(text, (aip_bytes){&json.data[i], 1});
        }
        i += length;
    }
}

static void
append_said(text_buffer *text, const token *t, unsigned claim, aip_bytes value)
{
    bool said = (t->declared & claim) != 0;
    text_append_string(text, said ? "\"" : "null");
    if (said) {
        append_ascii(text, value);
        text_append_string(text, "\"");
    }
}

void
chain_append_context(text_buffer *text, const aip_chain *chain, size_t i)
{
    append_said(text, &chain->tokens[i], TOKEN_CONTEXT, chain->tokens[i].context);
}

void
chain_append_principal(text_buffer *text, const aip_chain *chain)
{
    append_said(text, &chain->tokens[0], TOKEN_PRINCIPAL,
                chain->tokens[0].principal); /* only the root introduces one */
}

static void
describe_element(text_buffer *text, const aip_chain *chain, size_t i)
{
    const scan_document *payload = &chain->tokens[i].payload;
    char link_id[44];
    for (uint32_t k = scan_child(payload, 0); k != SCAN_NONE; k = scan_next(payload, k)) {
        if (scan_name_equals(payload, k, AIP_BYTES_LITERAL("link_id"))) {
            continue; /* of a foreign token: ours is the one that counts */
        }
        text_append_string(text, "\"");
        append_ascii(text, scan_raw_name(payload, k));
        text_append_string(text, "\":");
        append_ascii(text, scan_raw(payload, k));
        text_append_string(text, ",");
    }
    aip_chain_link_id(chain, i, link_id);
    text_append_format(text, "\"link_id\":\"%s\"", link_id);
}

aip_status
aip_chain_describe(const aip_chain *chain, char **out, aip_error *err)
{
    text_buffer text = {0};
    *out = NULL;
    text_append_string(&text, "{\"elements\":[");
    for (size_t i = 0; i < chain->count; i++) {
        text_append_string(&text, i == 0 ? "{" : ",{");
        describe_element(&text, chain, i);
        text_append_string(&text, "}");
    }
    text_append(&text, (aip_bytes){(const unsigned char *)"]}", 3}); /* with the NUL */
    aip_status status = text_finish(&text, err);
    if (status != AIP_OK) {
        text_clear(&text);
    }
    *out = text.data;
    return status;
}
