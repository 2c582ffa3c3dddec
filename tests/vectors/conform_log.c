/* didlog.verify: verifies a key log of an identifier, and compares it with what was seen before. */
#include "crypto/base64url.h"
#include "crypto/multibase.h"
#include "did/log.h"
#include "tests/vectors/conform.h"

/* `did` (may be absent): whose log it has to be. */
static aip_status
check_did(exchange *x, const did_log *log, aip_error *err)
{
    aip_bytes wanted;
    AIP_TRY(exchange_text(x, "did", true, &wanted, err));
    bool same = wanted.data == NULL || aip_bytes_equal(wanted, aip_bytes_of(log->did));
    return same ? AIP_OK : aip_fail(err, AIP_LOG_KEY, "another identifier's log");
}

/* `seen_version` and `seen_head` (may be absent): the highest entry that was seen. */
static aip_status
check_seen(exchange *x, const did_log *log, aip_error *err)
{
    aip_bytes head;
    did_log_mark seen = {.version = 0};
    int64_t version;
    size_t size = 0;
    AIP_TRY(exchange_text(x, "seen_head", true, &head, err));
    if (head.data == NULL) {
        return AIP_OK;
    }
    AIP_TRY(exchange_integer(x, "seen_version", -1, &version, err));
    AIP_TRY(base64url_decode(head, seen.head, sizeof seen.head, &size, err));
    if (size != sizeof seen.head || version > UINT32_MAX) {
        return aip_fail(err, AIP_JSON_SHAPE, "seen_head is a hash, seen_version a version");
    }
    seen.version = (uint32_t)version;
    return did_log_check_mark(log, &seen, err);
}

static aip_status
reply_log(exchange *x, const did_log *log, int64_t now_seconds, aip_error *err)
{
    IDENTITY_AUTO identity *id = NULL;
    aip_public_key key;
    char text[MULTIBASE_KEY_TEXT_SIZE + 1], head[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    AIP_TRY(did_log_identity(log, &id, err));
    text_append_format(&x->reply, ",\"version\":%u,\"deactivated\":%s", id->version,
                       id->deactivated ? "true" : "false");
    base64url_encode((aip_bytes){id->head, sizeof id->head}, head);
    exchange_reply_text(x, "head", aip_bytes_of(head));
    if (id->deactivated) {
        text_append_string(&x->reply, ",\"current_key\":null");
        return AIP_OK;
    }
    AIP_TRY(identity_current_key(id, DID_USE_ANY, now_seconds, &key, err));
    multibase_encode_key(key.bytes, text);
    exchange_reply_text(x, "current_key", aip_bytes_of(text));
    return AIP_OK;
}

aip_status
answer_didlog_verify(exchange *x, aip_error *err)
{
    LOG_AUTO did_log *log = NULL;
    aip_bytes text;
    int64_t now_seconds;
    AIP_TRY(exchange_text(x, "log", false, &text, err));
    AIP_TRY(exchange_integer(x, "now", -1, &now_seconds, err));
    AIP_TRY(did_log_verify(text, now_seconds, &log, err));
    AIP_TRY(check_did(x, log, err));
    AIP_TRY(check_seen(x, log, err));
    return reply_log(x, log, now_seconds, err);
}
