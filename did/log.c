/* Verifies a key log as a whole, compares it with what was seen of it, and tells which key counts when. */
#include "did/log.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "did/keyring.h"
#include "did/log_entry.h"

/* The commitment before is public, and so is the key: nothing here compares secrets. */
static bool
same_hash(const unsigned char a[AIP_HASH_BYTES], const unsigned char b[AIP_HASH_BYTES])
{
    return memcmp(a, b, AIP_HASH_BYTES) == 0;
}

/* The entry that has the key, or log->count. */
static size_t
find_entry(const did_log *log, const unsigned char key[AIP_KEY_BYTES])
{
    size_t i = 0;
    while (i < log->count && memcmp(log->entries[i].key.bytes, key, AIP_KEY_BYTES) != 0) {
        i++;
    }
    return i;
}

/* I-71: number and hash of the entry before, which must not have been the last one. */
static aip_status
check_link(const did_log *log, const log_entry *entry, aip_error *err)
{
    if (entry->version != log->count || entry->has_prev != (log->count > 0)) {
        return aip_fail(err, AIP_LOG_LINK, "versions count from 0, and only version 0 has no `prev`");
    }
    if (log->count == 0) {
        return AIP_OK;
    }
    const did_log_entry *before = &log->entries[log->count - 1];
    if (before->deactivates || !before->has_next) {
        return aip_fail(err, AIP_LOG_ENDED, NULL);
    }
    if (!aip_bytes_equal(entry->did.text, aip_bytes_of(log->did))) {
        return aip_fail(err, AIP_LOG_LINK, "another identifier");
    }
    return same_hash(entry->prev, before->hash) ? AIP_OK : aip_fail(err, AIP_LOG_LINK, NULL);
}

/* I-71: the identifier commits to the first key, each entry to the key of the next. */
static aip_status
check_key(const did_log *log, const log_entry *entry, aip_public_key *key, aip_error *err)
{
    unsigned char commitment[AIP_HASH_BYTES];
    if (find_entry(log, entry->key) < log->count) {
        return aip_fail(err, AIP_LOG_KEY, "a key that was used before");
    }
    if (log->count == 0 && memcmp(entry->key, entry->did.key, AIP_KEY_BYTES) != 0) {
        return aip_fail(err, AIP_LOG_KEY, "the first key is not the identifier's");
    }
    log_entry_commitment(entry->key, commitment);
    if (log->count > 0 && !same_hash(commitment, log->entries[log->count - 1].next)) {
        return aip_fail(err, AIP_LOG_KEY, "not the key that was committed to");
    }
    return keyring_accept(entry->key, key, err);
}

static aip_status
check_time(const did_log *log, const log_entry *entry, int64_t now_seconds, aip_error *err)
{
    if (log->count > 0 && entry->time <= log->entries[log->count - 1].time) {
        return aip_fail(err, AIP_LOG_TIME, "not later than the entry before");
    }
    /* Times are not negative, so this cannot overflow. */
    return entry->time - AIP_CLOCK_SKEW_SECONDS > now_seconds ? aip_fail(err, AIP_LOG_TIME, "in the future") : AIP_OK;
}

/* Only earlier keys can be listed: an entry whose own key counted for nothing could not sign. */
static aip_status
mark_compromised(did_log *log, const log_entry *entry, aip_error *err)
{
    for (size_t i = 0; i < entry->compromised_count; i++) {
        size_t found = find_entry(log, entry->compromised[i]);
        if (found == log->count || log->entries[found].compromised) {
            return aip_fail(err, AIP_LOG_MALFORMED, "`compromised` lists a key that is no earlier one, or is listed");
        }
        log->entries[found].compromised = true;
    }
    return AIP_OK;
}

static aip_status
add_entry(did_log *log, const log_entry *entry, int64_t now_seconds, aip_error *err)
{
    aip_public_key key;
    aip_bytes text = {(const unsigned char *)entry->signed_text, entry->signed_size};
    AIP_TRY(check_link(log, entry, err));
    AIP_TRY(check_key(log, entry, &key, err));
    AIP_TRY(check_time(log, entry, now_seconds, err));
    AIP_TRY(mark_compromised(log, entry, err));
    if (aip_verify(&key, text, entry->signature, NULL) != AIP_OK) {
        return aip_fail(err, AIP_LOG_SIGNATURE, NULL);
    }
    did_log_entry *added = &log->entries[log->count];
    *added = (did_log_entry){
        .key = key, .has_next = entry->has_next, .deactivates = entry->deactivates, .time = entry->time};
    memcpy(added->hash, entry->hash, sizeof added->hash);
    memcpy(added->next, entry->next, sizeof added->next);
    if (log->count++ == 0) {
        memcpy(log->did, entry->did.text.data, entry->did.text.size);
    }
    log->deactivated = entry->deactivates;
    return AIP_OK;
}

/* Cuts the first line off, without its LF. */
static aip_bytes
take_line(aip_bytes *text)
{
    const unsigned char *end = memchr(text->data, '\n', text->size);
    aip_bytes line = {text->data, end == NULL ? text->size : (size_t)(end - text->data)};
    *text = aip_bytes_from(*text, end == NULL ? line.size : line.size + 1);
    return line;
}

static aip_status
add_lines(did_log *log, aip_bytes text, int64_t now_seconds, aip_error *err)
{
    while (text.size > 0) {
        LOG_ENTRY_AUTO log_entry entry;
        size_t version = log->count;
        aip_status status = log_entry_read(take_line(&text), &entry, err);
        if (status == AIP_OK) {
            status = add_entry(log, &entry, now_seconds, err);
        }
        if (status != AIP_OK) {
            if (err != NULL) {
                err->at = (int)version;
            }
            return status;
        }
    }
    return AIP_OK;
}

static size_t
count_lines(aip_bytes text)
{
    size_t lines = 0;
    while (text.size > 0) {
        (void)take_line(&text);
        lines++;
    }
    return lines;
}

aip_status
did_log_verify(aip_bytes text, int64_t now_seconds, did_log **out, aip_error *err)
{
    *out = NULL;
    if (text.size > AIP_DOCUMENT_BYTES_MAX) {
        return aip_fail(err, AIP_JSON_SIZE, "a key log of more than %d bytes", AIP_DOCUMENT_BYTES_MAX);
    }
    size_t lines = count_lines(text);
    if (lines == 0) {
        return aip_fail(err, AIP_LOG_MALFORMED, "no entry");
    }
    if (lines > AIP_LOG_ENTRIES_MAX) {
        return aip_fail(err, AIP_JSON_SIZE, "a key log of more than %d entries", AIP_LOG_ENTRIES_MAX);
    }
    did_log *log = calloc(1, sizeof *log + lines * sizeof log->entries[0]);
    if (log == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = add_lines(log, text, now_seconds, err);
    if (status != AIP_OK) {
        did_log_free(&log);
    }
    *out = log;
    return status;
}

void
did_log_free(did_log **log)
{
    free(*log);
    *log = NULL;
}

did_log_mark
did_log_mark_of(const did_log *log)
{
    did_log_mark mark = {.version = (uint32_t)(log->count - 1)};
    memcpy(mark.head, log->entries[log->count - 1].hash, sizeof mark.head);
    return mark;
}

/* I-76 */
aip_status
did_log_check_mark(const did_log *log, const did_log_mark *seen, aip_error *err)
{
    aip_status status = AIP_OK;
    if (log->count <= seen->version) {
        status = aip_fail(err, AIP_LOG_ROLLBACK, NULL);
    } else if (!same_hash(log->entries[seen->version].hash, seen->head)) {
        status = aip_fail(err, AIP_LOG_FORK, NULL);
    }
    if (status != AIP_OK && err != NULL) {
        err->at = (int)seen->version;
    }
    return status;
}

/* I-74 */
aip_status
did_log_identity(const did_log *log, identity **out, aip_error *err)
{
    const did_log_mark last = did_log_mark_of(log);
    AIP_TRY(identity_new(aip_bytes_of(log->did), log->count, out, err));
    identity *id = *out;
    id->has_log = true;
    id->deactivated = log->deactivated;
    id->version = last.version;
    id->created = log->entries[0].time;
    id->updated = log->entries[last.version].time;
    memcpy(id->head, last.head, sizeof id->head);
    for (size_t i = 0; i < log->count; i++) {
        identity_key *key = &id->keys[i];
        key->key = log->entries[i].key;
        snprintf(key->fragment, sizeof key->fragment, "key-%zu", i + 1);
        key->uses = IDENTITY_USES_ALL;
        key->compromised = log->entries[i].compromised;
        key->from = i == 0 ? INT64_MIN : log->entries[i].time;
        key->until = i + 1 == log->count ? INT64_MAX : log->entries[i + 1].time;
    }
    return AIP_OK;
}
