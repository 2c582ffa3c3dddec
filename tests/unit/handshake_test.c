/* The mutual handshake: both sides prove their keys, and nothing of it serves in another place. */
#include "did/handshake.h"

#include "crypto/base64url.h"
#include "tests/unit/check.h"

#define NOW 1800000000
#define FOREIGN_CHALLENGE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* Two parties and the messages between them. */
typedef struct {
    aip_secret_key *a_key, *b_key;
    char a_did[AIP_DID_TEXT_SIZE], b_did[AIP_DID_TEXT_SIZE];
    handshake a, b;
    text_buffer offer, response, confirmation;
    unsigned char signature[AIP_SIGNATURE_BYTES];
} talk;

static aip_secret_key *
new_party(unsigned char number, char did[AIP_DID_TEXT_SIZE])
{
    unsigned char seed[AIP_SEED_BYTES] = {number};
    aip_secret_key *key = NULL;
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    aip_did_of_key(aip_secret_key_public(key), did);
    return key;
}

static void
begin(talk *t)
{
    *t = (talk){0};
    t->a_key = new_party(1, t->a_did);
    t->b_key = new_party(2, t->b_did);
    CHECK_STATUS(handshake_offer(t->a_did, NOW, 60, &t->a, &t->offer, NULL), AIP_OK);
}

static void
respond(talk *t)
{
    CHECK_STATUS(handshake_read_offer(text_view(&t->offer), NOW, &t->b, NULL), AIP_OK);
    CHECK_STATUS(handshake_respond(&t->b, t->b_did, t->b_key, &t->response, NULL), AIP_OK);
}

static void
confirm(talk *t)
{
    CHECK_STATUS(handshake_read_response(&t->a, text_view(&t->response), NOW, t->signature, NULL), AIP_OK);
    CHECK_STATUS(handshake_check_response(&t->a, aip_secret_key_public(t->b_key), t->signature, NULL), AIP_OK);
    CHECK_STATUS(handshake_confirm(&t->a, t->a_key, &t->confirmation, NULL), AIP_OK);
}

static void
end(talk *t)
{
    aip_secret_key_free(&t->a_key);
    aip_secret_key_free(&t->b_key);
    text_clear(&t->offer);
    text_clear(&t->response);
    text_clear(&t->confirmation);
}

static aip_status
check_confirmation(const talk *t, int64_t now)
{
    return handshake_check_confirmation(&t->b, text_view(&t->confirmation), now, aip_secret_key_public(t->a_key), NULL);
}

static void
both_parties_prove_their_keys(void)
{
    talk t;
    begin(&t);
    respond(&t);
    CHECK_TEXT(t.b.initiator, t.a_did);
    confirm(&t);
    CHECK_TEXT(t.a.responder, t.b_did);
    CHECK_STATUS(check_confirmation(&t, NOW), AIP_OK);
    CHECK_TEXT(t.a.challenge_a, t.b.challenge_a);
    CHECK_TEXT(t.a.challenge_b, t.b.challenge_b);
    CHECK(t.a.expires == NOW + 60 && t.b.expires == NOW + 60);
    end(&t);
}

/* The seven lines of the reference, written here once more. */
static void
the_signed_bytes_are_those_of_the_reference(void)
{
    talk t;
    unsigned char signature[AIP_SIGNATURE_BYTES];
    size_t size = 0;
    TEXT_AUTO text_buffer lines = {0};
    begin(&t);
    respond(&t);
    confirm(&t);
    text_append_format(&lines, "aip-handshake-v2\nrespond\n%s\n%s\n%s\n%s\n%d", t.a_did, t.b_did, t.a.challenge_a,
                       t.a.challenge_b, NOW + 60);
    CHECK_STATUS(aip_verify(aip_secret_key_public(t.b_key), text_view(&lines), t.signature, NULL), AIP_OK);
    text_clear(&lines);
    text_append_format(&lines, "aip-handshake-v2\nconfirm\n%s\n%s\n%s\n%s\n%d", t.a_did, t.b_did, t.a.challenge_a,
                       t.a.challenge_b, NOW + 60);
    const char *text = strstr(t.confirmation.data, "\"signature\":\"") + strlen("\"signature\":\"");
    aip_bytes encoded = {(const unsigned char *)text, BASE64URL_TEXT_SIZE(AIP_SIGNATURE_BYTES)};
    CHECK_STATUS(base64url_decode(encoded, signature, sizeof signature, &size, NULL), AIP_OK);
    CHECK_STATUS(aip_verify(aip_secret_key_public(t.a_key), text_view(&lines), signature, NULL), AIP_OK);
    end(&t);
}

static void
challenges_are_fresh(void)
{
    talk t;
    handshake other;
    TEXT_AUTO text_buffer message = {0};
    begin(&t);
    respond(&t);
    CHECK_STATUS(handshake_offer(t.a_did, NOW, 60, &other, &message, NULL), AIP_OK);
    CHECK(strlen(other.challenge_a) == 64 && strcmp(other.challenge_a, t.a.challenge_a) != 0);
    CHECK(strcmp(t.b.challenge_a, t.b.challenge_b) != 0);
    end(&t);
}

static void
a_handshake_lasts_at_most_five_minutes(void)
{
    talk t;
    handshake h;
    TEXT_AUTO text_buffer message = {0};
    begin(&t);
    CHECK_STATUS(handshake_offer(t.a_did, NOW, 0, &h, &message, NULL), AIP_HANDSHAKE_EXPIRED);
    CHECK_STATUS(handshake_offer(t.a_did, NOW, 301, &h, &message, NULL), AIP_HANDSHAKE_EXPIRED);
    CHECK_STATUS(handshake_offer(t.a_did, INT64_MAX, 60, &h, &message, NULL), AIP_HANDSHAKE_EXPIRED);
    CHECK(message.size == 0);
    CHECK_STATUS(handshake_read_offer(text_view(&t.offer), NOW + 60, &h, NULL), AIP_HANDSHAKE_EXPIRED);
    CHECK_STATUS(handshake_read_offer(text_view(&t.offer), NOW + 60 - 301, &h, NULL), AIP_HANDSHAKE_EXPIRED);
    CHECK_STATUS(handshake_read_offer(text_view(&t.offer), NOW + 59, &h, NULL), AIP_OK);
    CHECK_STATUS(handshake_read_offer(text_view(&t.offer), NOW + 60 - 300, &h, NULL), AIP_OK);
    end(&t);
}

static void
late_answers_are_refused_on_both_sides(void)
{
    talk t;
    begin(&t);
    respond(&t);
    CHECK_STATUS(handshake_read_response(&t.a, text_view(&t.response), NOW + 60, t.signature, NULL),
                 AIP_HANDSHAKE_EXPIRED);
    confirm(&t);
    CHECK_STATUS(check_confirmation(&t, NOW + 59), AIP_OK);
    CHECK_STATUS(check_confirmation(&t, NOW + 60), AIP_HANDSHAKE_EXPIRED);
    end(&t);
}

static void
nobody_shakes_hands_with_themselves(void)
{
    talk t;
    char other_name[64] = "did:key:";
    begin(&t);
    CHECK_STATUS(handshake_read_offer(text_view(&t.offer), NOW, &t.b, NULL), AIP_OK);
    CHECK_STATUS(handshake_respond(&t.b, t.a_did, t.a_key, &t.response, NULL), AIP_HANDSHAKE_PEER);
    strcat(other_name, t.a_did + strlen("did:aip:"));
    CHECK_STATUS(handshake_respond(&t.b, other_name, t.a_key, &t.response, NULL), AIP_HANDSHAKE_PEER);
    CHECK_STATUS(handshake_respond(&t.b, t.a_did, t.b_key, &t.response, NULL), AIP_HANDSHAKE_PEER);
    CHECK(t.response.size == 0);
    text_append_format(&t.response,
                       "{\"type\":\"aip-handshake-v2\",\"step\":\"respond\",\"did\":\"%s\",\"challenge\":\"%s\","
                       "\"signature\":\"%086d\"}",
                       t.a_did, FOREIGN_CHALLENGE, 0);
    memset(strstr(t.response.data, "000000"), 'A', 86);
    CHECK_STATUS(handshake_read_response(&t.a, text_view(&t.response), NOW, t.signature, NULL), AIP_HANDSHAKE_PEER);
    end(&t);
}

static void
whoever_was_not_meant_is_refused(void)
{
    talk t;
    begin(&t);
    respond(&t);
    strcpy(t.a.responder, "did:web:b.test");
    CHECK_STATUS(handshake_read_response(&t.a, text_view(&t.response), NOW, t.signature, NULL), AIP_HANDSHAKE_PEER);
    strcpy(t.a.responder, t.b_did);
    CHECK_STATUS(handshake_read_response(&t.a, text_view(&t.response), NOW, t.signature, NULL), AIP_OK);
    end(&t);
}

static void
a_key_that_is_not_the_partys_is_noticed(void)
{
    talk t;
    begin(&t);
    respond(&t);
    confirm(&t);
    CHECK_STATUS(handshake_check_response(&t.a, aip_secret_key_public(t.a_key), t.signature, NULL),
                 AIP_HANDSHAKE_SIGNATURE);
    CHECK_STATUS(
        handshake_check_confirmation(&t.b, text_view(&t.confirmation), NOW, aip_secret_key_public(t.b_key), NULL),
        AIP_HANDSHAKE_SIGNATURE);
    end(&t);
}

/* Someone in the middle can pass messages on, but not make either side believe something else. */
static void
each_party_and_each_number_is_inside_the_signature(void)
{
    for (int field = 0; field < 5; field++) {
        talk t;
        begin(&t);
        respond(&t);
        confirm(&t);
        handshake *sides[] = {&t.a, &t.b};
        for (size_t i = 0; i < 2; i++) {
            char *texts[] = {sides[i]->initiator, sides[i]->responder, sides[i]->challenge_a, sides[i]->challenge_b};
            if (field < 4) {
                texts[field][20] = texts[field][20] == 'b' ? 'c' : 'b';
            } else {
                sides[i]->expires += 1;
            }
        }
        CHECK_STATUS(handshake_check_response(&t.a, aip_secret_key_public(t.b_key), t.signature, NULL),
                     AIP_HANDSHAKE_SIGNATURE);
        CHECK_STATUS(check_confirmation(&t, NOW), AIP_HANDSHAKE_SIGNATURE);
        end(&t);
    }
}

static void
a_response_is_no_confirmation(void)
{
    talk t;
    char text[2048];
    begin(&t);
    respond(&t);
    const char *signature = strstr(t.response.data, "\"signature\"");
    snprintf(text, sizeof text, "{\"type\":\"aip-handshake-v2\",\"step\":\"confirm\",%s", signature);
    const aip_public_key *keys[] = {aip_secret_key_public(t.a_key), aip_secret_key_public(t.b_key)};
    for (size_t i = 0; i < 2; i++) {
        CHECK_STATUS(handshake_check_confirmation(&t.b, aip_bytes_of(text), NOW, keys[i], NULL),
                     AIP_HANDSHAKE_SIGNATURE);
    }
    CHECK_STATUS(handshake_check_confirmation(&t.b, text_view(&t.response), NOW, keys[1], NULL),
                 AIP_HANDSHAKE_MALFORMED);
    end(&t);
}

static void
a_challenge_is_not_sent_back_as_ones_own(void)
{
    talk t;
    begin(&t);
    respond(&t);
    memcpy(strstr(t.response.data, t.b.challenge_b), t.a.challenge_a, 64);
    CHECK_STATUS(handshake_read_response(&t.a, text_view(&t.response), NOW, t.signature, NULL),
                 AIP_HANDSHAKE_MALFORMED);
    end(&t);
}

/* `%s` stands for the challenge of the offer. */
static const char *const bad_offers[] = {
    "",
    "[]",
    "{}",
    "{\"type\":\"aip-handshake-v1\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"%s\",\"expires\":"
    "1800000060}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"initiate\",\"did\":\"did:web:a.test\",\"challenge\":\"%s\",\"expires\":"
    "1800000060}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":7,\"challenge\":\"%s\",\"expires\":1800000060}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"%sab\",\"expires\":"
    "1800000060}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"\",\"expires\":"
    "1800000060}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"%s\",\"expires\":"
    "\"1800000060\"}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"%s\",\"expires\":1."
    "8e9}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"%s\",\"expires\":-1}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"%s\"}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"expires\":1800000060,\"key\":\"%"
    "s\"}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"%s\",\"expires\":"
    "1800000060,\"x\":1}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"did\":\"did:web:b.test\","
    "\"challenge\":\"%s\",\"expires\":1800000060}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"%s\",\"expires\":"
    "1800000060} {}",
    "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":{\"a\":[]},\"challenge\":\"%s\",\"expires\":1800000060}",
};

static aip_status
read_offer(const char *before, const char *challenge, const char *after)
{
    handshake h;
    char text[1024];
    snprintf(text, sizeof text, "%s%s%s", before, challenge, after);
    return handshake_read_offer(aip_bytes_of(text), NOW, &h, NULL);
}

static void
offers_of_any_other_shape_are_refused(void)
{
    for (size_t i = 0; i < sizeof bad_offers / sizeof bad_offers[0]; i++) {
        char before[512];
        const char *at = strstr(bad_offers[i], "%s");
        size_t size = at == NULL ? strlen(bad_offers[i]) : (size_t)(at - bad_offers[i]);
        snprintf(before, sizeof before, "%.*s", (int)size, bad_offers[i]);
        CHECK_STATUS(read_offer(before, at == NULL ? "" : FOREIGN_CHALLENGE, at == NULL ? "" : at + 2),
                     AIP_HANDSHAKE_MALFORMED);
    }
}

static void
the_did_of_an_offer_is_an_identifier(void)
{
    const char *rest = "\",\"expires\":1800000060}";
    CHECK_STATUS(
        read_offer("{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"",
                   FOREIGN_CHALLENGE, rest),
        AIP_OK);
    CHECK_STATUS(read_offer("{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a\",\"challenge\":\"",
                            FOREIGN_CHALLENGE, rest),
                 AIP_DID_INVALID);
    CHECK_STATUS(
        read_offer(
            "{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:aip:eip155:1:0x0:1\",\"challenge\":\"",
            FOREIGN_CHALLENGE, rest),
        AIP_DID_FOREIGN_EIP155);
    CHECK_STATUS(
        read_offer("{\"type\":\"aip-handshake-v2\",\"step\":\"offer\",\"did\":\"did:web:a.test\",\"challenge\":\"",
                   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", rest),
        AIP_HANDSHAKE_MALFORMED);
}

static void
a_changed_byte_of_a_message_is_refused(void)
{
    talk t;
    begin(&t);
    respond(&t);
    confirm(&t);
    for (size_t i = 0; i < t.response.size; i++) {
        handshake a = t.a;
        unsigned char signature[AIP_SIGNATURE_BYTES];
        a.responder[0] = '\0';
        t.response.data[i] ^= 1;
        aip_status status = handshake_read_response(&a, text_view(&t.response), NOW, signature, NULL);
        if (status == AIP_OK) {
            status = handshake_check_response(&a, aip_secret_key_public(t.b_key), signature, NULL);
        }
        CHECK(status != AIP_OK);
        t.response.data[i] ^= 1;
    }
    for (size_t i = 0; i < t.confirmation.size; i++) {
        t.confirmation.data[i] ^= 1;
        CHECK(check_confirmation(&t, NOW) != AIP_OK);
        t.confirmation.data[i] ^= 1;
    }
    CHECK_STATUS(check_confirmation(&t, NOW), AIP_OK);
    end(&t);
}

RUN(TEST(both_parties_prove_their_keys), TEST(the_signed_bytes_are_those_of_the_reference), TEST(challenges_are_fresh),
    TEST(a_handshake_lasts_at_most_five_minutes), TEST(late_answers_are_refused_on_both_sides),
    TEST(nobody_shakes_hands_with_themselves), TEST(whoever_was_not_meant_is_refused),
    TEST(a_key_that_is_not_the_partys_is_noticed), TEST(each_party_and_each_number_is_inside_the_signature),
    TEST(a_response_is_no_confirmation), TEST(a_challenge_is_not_sent_back_as_ones_own),
    TEST(offers_of_any_other_shape_are_refused), TEST(the_did_of_an_offer_is_an_identifier),
    TEST(a_changed_byte_of_a_message_is_refused))
