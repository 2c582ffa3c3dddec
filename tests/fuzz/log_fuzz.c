/* Key logs, records of identities and handshake messages from arbitrary bytes. */
#include <stdlib.h>

#include "crypto/hash.h"
#include "did/handshake.h"
#include "did/log.h"
#include "did/log_entry.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* A record that is read is written again as it was: each identity has one spelling. */
static void
check_record(aip_bytes record, aip_bytes name)
{
    IDENTITY_AUTO identity *id = NULL;
    TEXT_AUTO text_buffer again = {0};
    if (identity_decode(record, name, &id, NULL) != AIP_OK) {
        require(id == NULL);
        return;
    }
    require(identity_encode(id, &again, NULL) == AIP_OK && aip_bytes_equal(text_view(&again), record));
}

static void
check_identity(const identity *id)
{
    TEXT_AUTO text_buffer record = {0};
    IDENTITY_AUTO identity *again = NULL;
    aip_public_key key;
    require(identity_encode(id, &record, NULL) == AIP_OK);
    require(identity_decode(text_view(&record), aip_bytes_of(id->name), &again, NULL) == AIP_OK);
    aip_status status = identity_current_key(id, DID_USE_ANY, NOW, &key, NULL);
    require(status == (id->deactivated ? AIP_DID_DEACTIVATED : AIP_OK));
}

/* What verifies is tied to its name, extends itself, and cannot be extended by a stranger. */
static void
check_log(aip_bytes text)
{
    LOG_AUTO did_log *log = NULL;
    IDENTITY_AUTO identity *id = NULL;
    aip_error err = AIP_ERROR_INIT;
    if (did_log_verify(text, NOW, &log, &err) != AIP_OK) {
        require(log == NULL && err.at >= AIP_NOWHERE && err.at < AIP_LOG_ENTRIES_MAX);
        return;
    }
    const did_log_mark mark = did_log_mark_of(log);
    require(did_log_check_mark(log, &mark, NULL) == AIP_OK);
    require(did_log_identity(log, &id, NULL) == AIP_OK && id->key_count == log->count);
    check_identity(id);
}

/* Lines by themselves, so that the grammar is reached behind a first line that does not verify. */
static void
check_entry(aip_bytes line)
{
    LOG_ENTRY_AUTO log_entry entry;
    if (log_entry_read(line, &entry, NULL) == AIP_OK) {
        require(entry.signed_text[0] == '{' && entry.signed_size < line.size);
        require(entry.did.form == AIP_DID_SELF && entry.time >= 0);
    }
}

static void
check_handshake(aip_bytes text)
{
    handshake h;
    unsigned char signature[AIP_SIGNATURE_BYTES];
    const aip_public_key key = {{1}};
    if (handshake_read_offer(text, NOW, &h, NULL) == AIP_OK) {
        require(strchr(h.initiator, '\n') == NULL && strlen(h.challenge_a) == HANDSHAKE_CHALLENGE_SIZE - 1);
    }
    h = (handshake){.initiator = "did:web:a.test", .challenge_a = "a", .expires = NOW + 60};
    if (handshake_read_response(&h, text, NOW, signature, NULL) == AIP_OK) {
        require(h.responder[0] != '\0' && strcmp(h.responder, h.initiator) != 0);
        require(handshake_check_response(&h, &key, signature, NULL) == AIP_HANDSHAKE_SIGNATURE);
    }
    require(handshake_check_confirmation(&h, text, NOW, &key, NULL) != AIP_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aip_bytes text = {data, size};
    require(crypto_start(NULL) == AIP_OK);
    check_log(text);
    check_entry(text);
    check_record(text, AIP_BYTES_LITERAL("did:web:a.test"));
    check_handshake(text);
    return 0;
}
