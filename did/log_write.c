/* Appends signed entries to a key log's text, in RFC 8785 form, and lets nothing out that readers would refuse. */
#include "did/log.h"

#include "base/json.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "did/log_entry.h"

static void
append_hash(text_buffer *out, const char *name, const unsigned char *hash)
{
    char text[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    if (hash == NULL) {
        text_append_format(out, "\"%s\":null,", name);
        return;
    }
    base64url_encode((aip_bytes){hash, AIP_HASH_BYTES}, text);
    text_append_format(out, "\"%s\":\"%s\",", name, text);
}

static void
append_keys(text_buffer *out, const char *name, const aip_public_key *keys, size_t count)
{
    text_append_format(out, "\"%s\":", name);
    for (size_t i = 0; i < count; i++) {
        char text[MULTIBASE_KEY_TEXT_SIZE + 1];
        multibase_encode_key(keys[i].bytes, text);
        text_append_format(out, "%c\"%s\"", i == 0 ? '[' : ',', text);
    }
    text_append_string(out, "],");
}

/* All members but `sig`. `before` is NULL for the first entry. */
static void
append_members(text_buffer *out, const did_log *before, const aip_public_key *key, const did_log_change *change)
{
    unsigned char commitment[AIP_HASH_BYTES];
    char did[AIP_DID_TEXT_SIZE];
    aip_did_of_key(key, did);
    text_append_string(out, "{");
    if (change->compromised_count > 0) {
        append_keys(out, "compromised", change->compromised, change->compromised_count);
    }
    text_append_string(out, change->deactivate ? "\"deactivated\":true," : "");
    append_keys(out, "keys", key, 1);
    if (change->next != NULL) {
        log_entry_commitment(change->next->bytes, commitment);
    }
    append_hash(out, "next", change->next == NULL ? NULL : commitment);
    append_hash(out, "prev", before == NULL ? NULL : before->entries[before->count - 1].hash);
    text_append_format(out, "\"did\":\"%s\",\"time\":%lld,\"version\":%zu}", before == NULL ? did : before->did,
                       (long long)change->time, before == NULL ? (size_t)0 : before->count);
}

/* The line, signed, without its LF. */
static aip_status
write_entry(text_buffer *out, aip_bytes members, const aip_secret_key *key, aip_error *err)
{
    STRING_AUTO char *bare = NULL, *whole = NULL;
    TEXT_AUTO text_buffer draft = {0};
    unsigned char signature[AIP_SIGNATURE_BYTES];
    char text[BASE64URL_TEXT_SIZE(AIP_SIGNATURE_BYTES) + 1];
    size_t size;
    AIP_TRY(json_canonical(members, &bare, &size, err));
    aip_sign(key, (aip_bytes){(const unsigned char *)bare, size}, signature);
    base64url_encode((aip_bytes){signature, sizeof signature}, text);
    text_append(&draft, (aip_bytes){(const unsigned char *)bare, size - 1});
    text_append_format(&draft, ",\"sig\":\"%s\"}", text);
    AIP_TRY(text_finish(&draft, err));
    AIP_TRY(json_canonical(text_view(&draft), &whole, &size, err));
    text_append(out, (aip_bytes){(const unsigned char *)whole, size});
    return text_finish(out, err);
}

/* A reader cannot see that a commitment is to a used key, yet no entry could ever follow it. */
static aip_status
check_change(const did_log *before, const aip_public_key *key, const did_log_change *change, aip_error *err)
{
    if (change->time < 0 || (change->deactivate && change->next != NULL)) {
        return aip_fail(err, AIP_USAGE, "a time before 1970, or an end that commits to a further key");
    }
    if (change->compromised_count > AIP_LOG_ENTRIES_MAX) {
        return aip_fail(err, AIP_USAGE, "more compromised keys than a log holds");
    }
    bool used = change->next != NULL && memcmp(change->next->bytes, key->bytes, AIP_KEY_BYTES) == 0;
    for (size_t i = 0; change->next != NULL && before != NULL && i < before->count; i++) {
        used |= memcmp(change->next->bytes, before->entries[i].key.bytes, AIP_KEY_BYTES) == 0;
    }
    return used ? aip_fail(err, AIP_USAGE, "the next key was used before") : AIP_OK;
}

/* `added` becomes what has to follow the text that is there. */
static aip_status
write_addition(aip_bytes text, const did_log *before, const aip_secret_key *key, const did_log_change *change,
               text_buffer *added, aip_error *err)
{
    const aip_public_key *public = aip_secret_key_public(key);
    TEXT_AUTO text_buffer members = {0};
    AIP_TRY(check_change(before, public, change, err));
    append_members(&members, before, public, change);
    AIP_TRY(text_finish(&members, err));
    if (text.size > 0 && text.data[text.size - 1] != '\n') {
        text_append_string(added, "\n");
    }
    AIP_TRY(write_entry(added, text_view(&members), key, err));
    text_append_string(added, "\n");
    return text_finish(added, err);
}

static aip_status
verify_whole(aip_bytes text, aip_bytes added, int64_t now_seconds, aip_error *err)
{
    TEXT_AUTO text_buffer whole = {0};
    LOG_AUTO did_log *log = NULL;
    text_append(&whole, text);
    text_append(&whole, added);
    AIP_TRY(text_finish(&whole, err));
    return did_log_verify(text_view(&whole), now_seconds, &log, err);
}

aip_status
did_log_extend(text_buffer *log, const aip_secret_key *key, const did_log_change *change, aip_error *err)
{
    LOG_AUTO did_log *before = NULL;
    TEXT_AUTO text_buffer added = {0};
    AIP_TRY(text_finish(log, err));
    aip_bytes text = text_view(log);
    if (text.size > 0) {
        AIP_TRY(did_log_verify(text, change->time, &before, err));
    }
    AIP_TRY(write_addition(text, before, key, change, &added, err));
    AIP_TRY(verify_whole(text, text_view(&added), change->time, err));
    text_append(log, text_view(&added));
    return text_finish(log, err);
}
