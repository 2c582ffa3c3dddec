/* The mutual handshake: writes and reads its three messages, signs and checks what binds both parties. */
#include "did/handshake.h"

#include "base/scan.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "did/keyring.h"

#define PROTOCOL "aip-handshake-v2"
#define CHALLENGE_BYTES 32
#define MESSAGE_BYTES_MAX 2048 /* the longest identifier and all else, twice over */
#define MESSAGE_NODES_MAX 8    /* an object of at most five members */
#define EXPIRES_MAX (UINT64_C(1) << 53)

typedef enum { STEP_OFFER, STEP_RESPOND, STEP_CONFIRM } handshake_step;

/* A message as read (I-123); views into its text. */
typedef struct {
    aip_bytes type, step, did, challenge, signature;
    uint64_t expires;
} message;

static aip_status
refuse(aip_error *err)
{
    return aip_fail(err, AIP_HANDSHAKE_MALFORMED, NULL);
}

static const char *
step_name(handshake_step step)
{
    static const char *const names[] = {"offer", "respond", "confirm"};
    return names[step];
}

static size_t
members_of(handshake_step step)
{
    static const size_t counts[] = {5, 5, 3};
    return counts[step];
}

static aip_status
read_string(const scan_document *document, const char *name, aip_bytes *out, aip_error *err)
{
    uint32_t node = scan_member(document, 0, name);
    return node == SCAN_NONE ? refuse(err) : scan_plain_string(document, node, out, err);
}

/* All members of the step are read, and there are as many as it has. */
static aip_status
read_members(const scan_document *document, handshake_step step, message *out, aip_error *err)
{
    AIP_TRY(read_string(document, "type", &out->type, err));
    AIP_TRY(read_string(document, "step", &out->step, err));
    if (step != STEP_CONFIRM) {
        AIP_TRY(read_string(document, "did", &out->did, err));
        AIP_TRY(read_string(document, "challenge", &out->challenge, err));
    }
    if (step != STEP_OFFER) {
        AIP_TRY(read_string(document, "signature", &out->signature, err));
    } else {
        uint32_t node = scan_member(document, 0, "expires");
        AIP_TRY(node == SCAN_NONE ? refuse(err) : scan_integer(document, node, EXPIRES_MAX, &out->expires, err));
    }
    bool good = document->nodes[0].children == members_of(step) &&
                aip_bytes_equal(out->type, AIP_BYTES_LITERAL(PROTOCOL)) &&
                aip_bytes_equal(out->step, aip_bytes_of(step_name(step)));
    return good ? AIP_OK : refuse(err);
}

static aip_status
read_message(aip_bytes text, handshake_step step, message *out, aip_error *err)
{
    static const scan_limits limits = {MESSAGE_BYTES_MAX, 1, MESSAGE_NODES_MAX};
    scan_node nodes[MESSAGE_NODES_MAX];
    scan_document document;
    *out = (message){0};
    aip_status status = scan_into(text, &limits, nodes, MESSAGE_NODES_MAX, &document, err);
    if (status == AIP_OK) {
        status = read_members(&document, step, out, err);
    }
    return status == AIP_OK ? AIP_OK : refuse(err);
}

static aip_status
read_challenge(aip_bytes text, char out[HANDSHAKE_CHALLENGE_SIZE], aip_error *err)
{
    unsigned char bytes[CHALLENGE_BYTES];
    size_t size;
    if (text.size != HANDSHAKE_CHALLENGE_SIZE - 1 || hex_decode(text, bytes, sizeof bytes, &size, NULL) != AIP_OK) {
        return refuse(err);
    }
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return AIP_OK;
}

static aip_status
read_signature(aip_bytes text, unsigned char out[AIP_SIGNATURE_BYTES], aip_error *err)
{
    size_t size = 0;
    aip_status status = base64url_decode(text, out, AIP_SIGNATURE_BYTES, &size, NULL);
    return status == AIP_OK && size == AIP_SIGNATURE_BYTES ? AIP_OK : refuse(err);
}

/* An identifier by its grammar, which leaves no room for quotes or line feeds. */
static aip_status
keep_did(aip_bytes text, char out[AIP_IDENTIFIER_BYTES_MAX + 1], aip_error *err)
{
    aip_did did;
    AIP_TRY(aip_did_parse(text, &did, err));
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return AIP_OK;
}

static void
draw_challenge(char out[HANDSHAKE_CHALLENGE_SIZE])
{
    unsigned char bytes[CHALLENGE_BYTES];
    hash_random(bytes, sizeof bytes);
    hex_encode((aip_bytes){bytes, sizeof bytes}, out);
}

static aip_status
check_time(const handshake *h, int64_t now, aip_error *err)
{
    bool good = now >= 0 && h->expires > now && h->expires - now <= AIP_HANDSHAKE_SECONDS_MAX;
    return good ? AIP_OK : aip_fail(err, AIP_HANDSHAKE_EXPIRED, NULL);
}

/* What is signed (I-121): seven lines, one LF between them. */
static void
append_signed_text(const handshake *h, handshake_step step, text_buffer *out)
{
    text_append_format(out, PROTOCOL "\n%s\n%s\n%s\n%s\n%s\n%lld", step_name(step), h->initiator, h->responder,
                       h->challenge_a, h->challenge_b, (long long)h->expires);
}

static aip_status
append_signature(const handshake *h, handshake_step step, const aip_secret_key *key, text_buffer *message_text,
                 aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    unsigned char signature[AIP_SIGNATURE_BYTES];
    char encoded[BASE64URL_TEXT_SIZE(AIP_SIGNATURE_BYTES) + 1];
    append_signed_text(h, step, &text);
    AIP_TRY(text_finish(&text, err));
    aip_sign(key, text_view(&text), signature);
    base64url_encode((aip_bytes){signature, sizeof signature}, encoded);
    text_append_format(message_text, "\"signature\":\"%s\"}", encoded);
    return text_finish(message_text, err);
}

static aip_status
check_signature(const handshake *h, handshake_step step, const aip_public_key *key,
                const unsigned char signature[AIP_SIGNATURE_BYTES], aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    append_signed_text(h, step, &text);
    AIP_TRY(text_finish(&text, err));
    return aip_verify(key, text_view(&text), signature, NULL) == AIP_OK ? AIP_OK
                                                                        : aip_fail(err, AIP_HANDSHAKE_SIGNATURE, NULL);
}

static void
append_head(text_buffer *out, handshake_step step)
{
    text_append_format(out, "{\"type\":\"" PROTOCOL "\",\"step\":\"%s\",", step_name(step));
}

aip_status
handshake_offer(const char *own_did, int64_t now, int64_t seconds, handshake *out, text_buffer *message_text,
                aip_error *err)
{
    *out = (handshake){.expires = 0};
    if (now < 0 || seconds <= 0 || seconds > AIP_HANDSHAKE_SECONDS_MAX || now > (int64_t)EXPIRES_MAX - seconds) {
        return aip_fail(err, AIP_HANDSHAKE_EXPIRED, "a handshake lasts 1 to %d seconds", AIP_HANDSHAKE_SECONDS_MAX);
    }
    AIP_TRY(crypto_start(err));
    AIP_TRY(keep_did(aip_bytes_of(own_did), out->initiator, err));
    out->expires = now + seconds;
    draw_challenge(out->challenge_a);
    append_head(message_text, STEP_OFFER);
    text_append_format(message_text, "\"did\":\"%s\",\"challenge\":\"%s\",\"expires\":%lld}", out->initiator,
                       out->challenge_a, (long long)out->expires);
    return text_finish(message_text, err);
}

aip_status
handshake_read_offer(aip_bytes message_text, int64_t now, handshake *out, aip_error *err)
{
    message m;
    *out = (handshake){.expires = 0};
    AIP_TRY(read_message(message_text, STEP_OFFER, &m, err));
    AIP_TRY(read_challenge(m.challenge, out->challenge_a, err));
    out->expires = (int64_t)m.expires;
    AIP_TRY(check_time(out, now, err));
    return keep_did(m.did, out->initiator, err);
}

/* Is the initiator this party itself, by name or by another name of the same key? */
static aip_status
check_other(const handshake *h, const char *own_did, const aip_public_key *own_key, aip_error *err)
{
    aip_did did;
    AIP_TRY(aip_did_parse(aip_bytes_of(h->initiator), &did, err));
    bool of_key = aip_did_has_key(&did) || did.form == AIP_DID_HASH || did.form == AIP_DID_NSHASH;
    bool same = strcmp(h->initiator, own_did) == 0 || (of_key && did_check_key(&did, own_key, NULL) == AIP_OK);
    return same ? aip_fail(err, AIP_HANDSHAKE_PEER, "both parties are one") : AIP_OK;
}

aip_status
handshake_respond(handshake *h, const char *own_did, const aip_secret_key *key, text_buffer *message_text,
                  aip_error *err)
{
    AIP_TRY(crypto_start(err));
    AIP_TRY(keep_did(aip_bytes_of(own_did), h->responder, err));
    AIP_TRY(check_other(h, own_did, aip_secret_key_public(key), err));
    draw_challenge(h->challenge_b);
    append_head(message_text, STEP_RESPOND);
    text_append_format(message_text, "\"did\":\"%s\",\"challenge\":\"%s\",", h->responder, h->challenge_b);
    return append_signature(h, STEP_RESPOND, key, message_text, err);
}

/* Who was meant, if that is set already; nobody answers themselves. */
static aip_status
keep_responder(handshake *h, aip_bytes did, aip_error *err)
{
    bool meant = h->responder[0] == '\0' || aip_bytes_equal(did, aip_bytes_of(h->responder));
    if (!meant || aip_bytes_equal(did, aip_bytes_of(h->initiator))) {
        return aip_fail(err, AIP_HANDSHAKE_PEER, NULL);
    }
    return keep_did(did, h->responder, err);
}

aip_status
handshake_read_response(handshake *h, aip_bytes message_text, int64_t now, unsigned char signature[AIP_SIGNATURE_BYTES],
                        aip_error *err)
{
    message m;
    char challenge[HANDSHAKE_CHALLENGE_SIZE];
    AIP_TRY(read_message(message_text, STEP_RESPOND, &m, err));
    AIP_TRY(check_time(h, now, err));
    AIP_TRY(read_challenge(m.challenge, challenge, err));
    AIP_TRY(read_signature(m.signature, signature, err));
    if (strcmp(challenge, h->challenge_a) == 0) {
        return aip_fail(err, AIP_HANDSHAKE_MALFORMED, "the challenge came back as the other one");
    }
    AIP_TRY(keep_responder(h, m.did, err));
    memcpy(h->challenge_b, challenge, sizeof challenge);
    return AIP_OK;
}

aip_status
handshake_check_response(const handshake *h, const aip_public_key *responder_key,
                         const unsigned char signature[AIP_SIGNATURE_BYTES], aip_error *err)
{
    return check_signature(h, STEP_RESPOND, responder_key, signature, err);
}

aip_status
handshake_confirm(const handshake *h, const aip_secret_key *key, text_buffer *message_text, aip_error *err)
{
    append_head(message_text, STEP_CONFIRM);
    return append_signature(h, STEP_CONFIRM, key, message_text, err);
}

aip_status
handshake_check_confirmation(const handshake *h, aip_bytes message_text, int64_t now,
                             const aip_public_key *initiator_key, aip_error *err)
{
    message m;
    unsigned char signature[AIP_SIGNATURE_BYTES];
    AIP_TRY(read_message(message_text, STEP_CONFIRM, &m, err));
    AIP_TRY(check_time(h, now, err));
    AIP_TRY(read_signature(m.signature, signature, err));
    return check_signature(h, STEP_CONFIRM, initiator_key, signature, err);
}
