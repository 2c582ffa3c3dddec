/* Key logs: what verifies, what each rule refuses and where, and which key counts when. */
#include "did/log.h"

#include <stdlib.h>

#include "base/json.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "did/log_entry.h"
#include "tests/unit/check.h"

#define NOW 1800000000
#define FIRST_TIME (NOW - 1000)

/* The key of version n in these logs is that of seed n + 1. */
static aip_secret_key *
secret_of(size_t version)
{
    unsigned char seed[AIP_SEED_BYTES] = {(unsigned char)(version + 1), (unsigned char)(version >> 8)};
    aip_secret_key *key = NULL;
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    return key;
}

static aip_public_key
public_of(size_t version)
{
    aip_secret_key *secret = secret_of(version);
    aip_public_key key = *aip_secret_key_public(secret);
    aip_secret_key_free(&secret);
    return key;
}

static const char *
key_text(size_t version, char out[MULTIBASE_KEY_TEXT_SIZE + 1])
{
    const aip_public_key key = public_of(version);
    multibase_encode_key(key.bytes, out);
    return out;
}

/* An entry as JSON values, so that each can be spoiled by itself. */
typedef struct {
    char did[96], version[32], prev[64], keys[256], next[64], time[32];
    char more[256], sig_name[16]; /* members after `time`, with their comma; the name of the last member */
    size_t signer;
} draft;

static void
write_hash(const unsigned char hash[AIP_HASH_BYTES], char out[64])
{
    char text[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    base64url_encode((aip_bytes){hash, AIP_HASH_BYTES}, text);
    snprintf(out, 64, "\"%s\"", text);
}

static void
write_commitment(size_t version, char out[64])
{
    unsigned char hash[AIP_HASH_BYTES];
    const aip_public_key key = public_of(version);
    log_entry_commitment(key.bytes, hash);
    write_hash(hash, out);
}

static void
canonical_of(const char *text, size_t size, text_buffer *out)
{
    STRING_AUTO char *canonical = NULL;
    size_t canonical_size = 0;
    CHECK_STATUS(json_canonical((aip_bytes){(const unsigned char *)text, size}, &canonical, &canonical_size, NULL),
                 AIP_OK);
    text_append(out, (aip_bytes){(const unsigned char *)canonical, canonical_size});
}

/* The hash of the log's last line, which ends with LF. */
static void
hash_last_line(const text_buffer *log, unsigned char out[AIP_HASH_BYTES])
{
    TEXT_AUTO text_buffer canonical = {0};
    size_t start = log->size - 1;
    while (start > 0 && log->data[start - 1] != '\n') {
        start--;
    }
    canonical_of(log->data + start, log->size - 1 - start, &canonical);
    hash_sha256(text_view(&canonical), out);
}

/* A good entry of this version, to follow `log`. */
static draft
draft_of(size_t version, const text_buffer *log)
{
    char text[MULTIBASE_KEY_TEXT_SIZE + 1];
    unsigned char hash[AIP_HASH_BYTES];
    draft d = {.sig_name = "sig", .prev = "null", .signer = version};
    snprintf(d.did, sizeof d.did, "\"did:aip:%s\"", key_text(0, text));
    snprintf(d.version, sizeof d.version, "%zu", version);
    snprintf(d.keys, sizeof d.keys, "[\"%s\"]", key_text(version, text));
    snprintf(d.time, sizeof d.time, "%zu", FIRST_TIME + 100 * version);
    write_commitment(version + 1, d.next);
    if (version > 0) {
        hash_last_line(log, hash);
        write_hash(hash, d.prev);
    }
    return d;
}

/* Signs the draft as it stands and appends it, members in the order of the specification's table. */
static void
add(text_buffer *log, const draft *d)
{
    TEXT_AUTO text_buffer members = {0}, canonical = {0};
    unsigned char signature[AIP_SIGNATURE_BYTES];
    char text[BASE64URL_TEXT_SIZE(AIP_SIGNATURE_BYTES) + 1];
    aip_secret_key *key = secret_of(d->signer);
    text_append_format(&members, "{\"did\":%s,\"version\":%s,\"prev\":%s,\"keys\":%s,\"next\":%s,\"time\":%s%s}",
                       d->did, d->version, d->prev, d->keys, d->next, d->time, d->more);
    canonical_of(members.data, members.size, &canonical);
    aip_sign(key, text_view(&canonical), signature);
    base64url_encode((aip_bytes){signature, sizeof signature}, text);
    text_append(log, (aip_bytes){(unsigned char *)members.data, members.size - 1});
    text_append_format(log, ",\"%s\":\"%s\"}\n", d->sig_name, text);
    aip_secret_key_free(&key);
}

static void
add_good(text_buffer *log, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const draft d = draft_of(i, log);
        add(log, &d);
    }
}

/* Refused with this status at this entry. */
static void
check_refused(const text_buffer *log, aip_status wanted, int at)
{
    did_log *read = NULL;
    aip_error err = AIP_ERROR_INIT;
    CHECK_STATUS(did_log_verify(text_view(log), NOW, &read, &err), wanted);
    CHECK(read == NULL && err.at == at && err.status == wanted);
    CHECK(err.at == at || printf("  at %d, wanted %d\n", err.at, at) == 0);
    did_log_free(&read);
}

static did_log *
verified(aip_bytes text)
{
    did_log *log = NULL;
    aip_error err = AIP_ERROR_INIT;
    CHECK_STATUS(did_log_verify(text, NOW, &log, &err), AIP_OK);
    CHECK(log != NULL || printf("  at %d: %s\n", err.at, err.detail) == 0);
    return log;
}

static void
a_log_of_good_entries_verifies(void)
{
    for (size_t count = 1; count <= 4; count++) {
        TEXT_AUTO text_buffer text = {0};
        unsigned char head[AIP_HASH_BYTES];
        add_good(&text, count);
        hash_last_line(&text, head);
        LOG_AUTO did_log *log = verified(text_view(&text));
        CHECK(log != NULL && log->count == count && !log->deactivated);
        CHECK(log != NULL && memcmp(log->entries[count - 1].hash, head, sizeof head) == 0);
    }
}

static void
the_last_line_may_lack_its_line_feed_and_no_other_may(void)
{
    TEXT_AUTO text_buffer text = {0};
    add_good(&text, 2);
    text.size--;
    LOG_AUTO did_log *log = verified(text_view(&text));
    CHECK(log != NULL && log->count == 2);
    *(char *)memchr(text.data, '\n', text.size) = ' ';
    check_refused(&text, AIP_LOG_MALFORMED, 0);
}

static void
white_space_inside_a_line_changes_nothing_that_is_signed(void)
{
    TEXT_AUTO text_buffer text = {0}, spaced = {0};
    add_good(&text, 2);
    for (size_t i = 0; i < text.size; i++) {
        text_append_format(&spaced, "%c%s", text.data[i], text.data[i] == ',' ? " \t" : "");
    }
    LOG_AUTO did_log *one = verified(text_view(&text));
    LOG_AUTO did_log *other = verified(text_view(&spaced));
    CHECK(one != NULL && other != NULL && memcmp(one->entries[1].hash, other->entries[1].hash, AIP_HASH_BYTES) == 0);
}

static void
lines_that_are_not_one_object_are_refused(void)
{
    static const char *const ends[] = {"\n", "\r\n", " \n", "{}\n", "[]\n", "null\n", " ", "\r", "x\n", "{\n"};
    TEXT_AUTO text_buffer empty = {0};
    check_refused(&empty, AIP_LOG_MALFORMED, AIP_NOWHERE);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        TEXT_AUTO text_buffer text = {0};
        add_good(&text, 1);
        text_append_string(&text, ends[i]);
        check_refused(&text, AIP_LOG_MALFORMED, 1);
    }
    TEXT_AUTO text_buffer windows = {0};
    add_good(&windows, 1);
    windows.size--;
    text_append_string(&windows, "\r\n");
    check_refused(&windows, AIP_LOG_MALFORMED, 0);
}

/* One member of entry 1 spoiled, then signed by the right key all the same. */
typedef struct {
    size_t member; /* offset in a draft */
    const char *value;
    aip_status wanted;
} fault;

#define AT(name) offsetof(draft, name)
#define B64_0 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const fault faults[] = {
    {AT(did), "\"did:aip:0123456789abcdef0123456789abcdef\"", AIP_LOG_MALFORMED},
    {AT(did), "\"did:web:a.test\"", AIP_LOG_MALFORMED},
    {AT(did), "7", AIP_LOG_MALFORMED},
    {AT(version), "0", AIP_LOG_LINK},
    {AT(version), "2", AIP_LOG_LINK},
    {AT(version), "18446744073709551617", AIP_LOG_MALFORMED},
    {AT(version), "1.0", AIP_LOG_MALFORMED},
    {AT(version), "1e0", AIP_LOG_MALFORMED},
    {AT(version), "-1", AIP_LOG_MALFORMED},
    {AT(version), "\"1\"", AIP_LOG_MALFORMED},
    {AT(prev), "null", AIP_LOG_LINK},
    {AT(prev), "\"" B64_0 "\"", AIP_LOG_LINK},
    {AT(prev), "\"AAAA\"", AIP_LOG_MALFORMED},
    {AT(prev), "\"" B64_0 "=\"", AIP_LOG_MALFORMED},
    {AT(prev), "\"" B64_0 "AAA\"", AIP_LOG_MALFORMED},
    {AT(prev), "false", AIP_LOG_MALFORMED},
    {AT(keys), "[]", AIP_LOG_MALFORMED},
    {AT(keys), "\"z6Mk\"", AIP_LOG_MALFORMED},
    {AT(keys), "[7]", AIP_LOG_MALFORMED},
    {AT(keys), "[\"z6Mk\"]", AIP_LOG_MALFORMED},
    {AT(next), "\"" B64_0, AIP_LOG_MALFORMED},
    {AT(next), "\"\"", AIP_LOG_MALFORMED},
    {AT(next), "[]", AIP_LOG_MALFORMED},
    {AT(time), "1799999000", AIP_LOG_TIME},
    {AT(time), "1799998999", AIP_LOG_TIME},
    {AT(time), "1800000031", AIP_LOG_TIME},
    {AT(time), "9007199254740993", AIP_LOG_MALFORMED},
    {AT(time), "1799999100.0", AIP_LOG_MALFORMED},
    {AT(time), "-5", AIP_LOG_MALFORMED},
    {AT(time), "null", AIP_LOG_MALFORMED},
    {AT(more), ",\"note\":1", AIP_LOG_MALFORMED},
    {AT(more), ",\"compromise\\u0064\":[]", AIP_LOG_MALFORMED},
    {AT(more), ",\"deactivated\":false", AIP_LOG_MALFORMED},
    {AT(more), ",\"deactivated\":null", AIP_LOG_MALFORMED},
    {AT(more), ",\"deactivated\":true", AIP_LOG_MALFORMED}, /* `next` is there as well */
    {AT(more), ",\"compromised\":[]", AIP_LOG_MALFORMED},
    {AT(more), ",\"compromised\":null", AIP_LOG_MALFORMED},
    {AT(more), ",\"compromised\":[1]", AIP_LOG_MALFORMED},
    {AT(more), ",\"compromised\":[[]]", AIP_LOG_MALFORMED},
    {AT(sig_name), "signature", AIP_LOG_MALFORMED},
};

/* As `add`, where the members need not be JSON: then nothing can be signed and the signature is zero. */
static void
add_unsigned(text_buffer *log, const draft *d)
{
    text_append_format(log, "{\"did\":%s,\"version\":%s,\"prev\":%s,\"keys\":%s,\"next\":%s,\"time\":%s%s,", d->did,
                       d->version, d->prev, d->keys, d->next, d->time, d->more);
    text_append_format(log, "\"%s\":\"%s%s\"}\n", d->sig_name, B64_0, B64_0);
}

static void
each_spoiled_member_is_refused_although_it_is_signed(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        TEXT_AUTO text_buffer text = {0};
        add_good(&text, 1);
        draft d = draft_of(1, &text);
        strcpy((char *)&d + faults[i].member, faults[i].value);
        bool is_json = strcmp(faults[i].value, "\"" B64_0) != 0;
        (is_json ? add : add_unsigned)(&text, &d);
        check_refused(&text, faults[i].wanted, 1);
    }
}

static void
a_missing_or_repeated_member_is_refused(void)
{
    static const char *const names[] = {"did", "version", "prev", "keys", "next", "time", "sig"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        TEXT_AUTO text_buffer text = {0}, spoiled = {0};
        char quoted[16];
        add_good(&text, 1);
        snprintf(quoted, sizeof quoted, "\"%s\"", names[i]);
        const char *at = strstr(text.data, quoted);
        const char *end = strcmp(names[i], "sig") == 0 ? strrchr(text.data, '}') : strstr(at, ",\"");
        size_t before = (size_t)(at - text.data) - (*end == '}' ? 1 : 0);
        text_append(&spoiled, (aip_bytes){(unsigned char *)text.data, before});
        text_append_string(&spoiled, end + (*end == ',' ? 1 : 0));
        check_refused(&spoiled, AIP_LOG_MALFORMED, 0);
        text_clear(&spoiled);
        text_append_format(&spoiled, "{%.*s,%s", (int)(end - at), at, text.data + 1);
        check_refused(&spoiled, AIP_LOG_MALFORMED, 0);
    }
}

static void
a_bad_signature_is_refused(void)
{
    TEXT_AUTO text_buffer text = {0};
    add_good(&text, 1);
    draft d = draft_of(1, &text);
    size_t good = text.size;
    d.signer = 0; /* the key before, which a thief may have */
    add(&text, &d);
    check_refused(&text, AIP_LOG_SIGNATURE, 1);
    text.size = good;
    d.signer = 1;
    add(&text, &d);
    char *digit = strstr(text.data + good, "\"sig\":\"") + 9;
    *digit = *digit == 'A' ? 'B' : 'A';
    check_refused(&text, AIP_LOG_SIGNATURE, 1);
}

static void
the_first_key_is_the_identifiers(void)
{
    TEXT_AUTO text_buffer text = {0};
    char key[MULTIBASE_KEY_TEXT_SIZE + 1];
    draft d = draft_of(0, &text);
    snprintf(d.keys, sizeof d.keys, "[\"%s\"]", key_text(1, key));
    d.signer = 1;
    add(&text, &d);
    check_refused(&text, AIP_LOG_KEY, 0);
}

static void
the_first_entry_follows_nothing(void)
{
    TEXT_AUTO text_buffer text = {0};
    draft d = draft_of(0, &text);
    strcpy(d.prev, "\"" B64_0 "\"");
    add(&text, &d);
    check_refused(&text, AIP_LOG_LINK, 0);
    text.size = 0;
    d = draft_of(0, &text);
    strcpy(d.version, "1");
    add(&text, &d);
    check_refused(&text, AIP_LOG_LINK, 0);
}

static void
only_the_committed_key_follows(void)
{
    TEXT_AUTO text_buffer text = {0};
    char key[MULTIBASE_KEY_TEXT_SIZE + 1], second[MULTIBASE_KEY_TEXT_SIZE + 1];
    add_good(&text, 1);
    draft d = draft_of(1, &text);
    size_t good = text.size;
    snprintf(d.keys, sizeof d.keys, "[\"%s\"]", key_text(2, key));
    d.signer = 2;
    add(&text, &d);
    check_refused(&text, AIP_LOG_KEY, 1);
    text.size = good;
    d = draft_of(1, &text);
    snprintf(d.keys, sizeof d.keys, "[\"%s\",\"%s\"]", key_text(1, key), key_text(2, second));
    add(&text, &d);
    check_refused(&text, AIP_LOG_MALFORMED, 1);
}

static void
a_key_is_used_once_even_when_committed_to_again(void)
{
    TEXT_AUTO text_buffer text = {0};
    char key[MULTIBASE_KEY_TEXT_SIZE + 1];
    draft d = draft_of(0, &text);
    write_commitment(0, d.next);
    add(&text, &d);
    d = draft_of(1, &text);
    snprintf(d.keys, sizeof d.keys, "[\"%s\"]", key_text(0, key));
    d.signer = 0;
    add(&text, &d);
    check_refused(&text, AIP_LOG_KEY, 1);
}

static void
a_key_that_is_no_acceptable_point_is_refused_although_committed_to(void)
{
    static const unsigned char small_order[AIP_KEY_BYTES] = {0};
    TEXT_AUTO text_buffer text = {0};
    unsigned char hash[AIP_HASH_BYTES];
    char key[MULTIBASE_KEY_TEXT_SIZE + 1];
    draft d = draft_of(0, &text);
    log_entry_commitment(small_order, hash);
    write_hash(hash, d.next);
    add(&text, &d);
    d = draft_of(1, &text);
    multibase_encode_key(small_order, key);
    snprintf(d.keys, sizeof d.keys, "[\"%s\"]", key);
    add(&text, &d);
    check_refused(&text, AIP_KEY_INVALID, 1);
}

static void
another_identifier_later_in_the_log_is_refused(void)
{
    TEXT_AUTO text_buffer text = {0};
    char key[MULTIBASE_KEY_TEXT_SIZE + 1];
    add_good(&text, 1);
    draft d = draft_of(1, &text);
    snprintf(d.did, sizeof d.did, "\"did:aip:%s\"", key_text(1, key));
    add(&text, &d);
    check_refused(&text, AIP_LOG_LINK, 1);
}

static void
a_time_may_be_thirty_seconds_ahead(void)
{
    TEXT_AUTO text_buffer text = {0};
    draft d = draft_of(0, &text);
    snprintf(d.time, sizeof d.time, "%d", NOW + 30);
    add(&text, &d);
    LOG_AUTO did_log *log = verified(text_view(&text));
    CHECK(log != NULL && log->entries[0].time == NOW + 30);
    text.size = 0;
    snprintf(d.time, sizeof d.time, "%d", NOW + 31);
    add(&text, &d);
    check_refused(&text, AIP_LOG_TIME, 0);
}

static void
nothing_follows_a_deactivation_or_a_last_commitment(void)
{
    for (int deactivated = 0; deactivated < 2; deactivated++) {
        TEXT_AUTO text_buffer text = {0};
        add_good(&text, 1);
        draft d = draft_of(1, &text);
        strcpy(d.next, "null");
        strcpy(d.more, deactivated ? ",\"deactivated\":true" : "");
        add(&text, &d);
        LOG_AUTO did_log *log = verified(text_view(&text));
        CHECK(log != NULL && log->deactivated == (deactivated == 1) && !log->entries[1].has_next);
        d = draft_of(2, &text);
        add(&text, &d);
        check_refused(&text, AIP_LOG_ENDED, 2);
    }
}

static void
an_identity_can_be_ended_by_its_first_entry(void)
{
    TEXT_AUTO text_buffer text = {0};
    IDENTITY_AUTO identity *id = NULL;
    draft d = draft_of(0, &text);
    strcpy(d.next, "null");
    strcpy(d.more, ",\"deactivated\":true");
    add(&text, &d);
    LOG_AUTO did_log *log = verified(text_view(&text));
    CHECK(log != NULL && log->count == 1 && log->deactivated);
    CHECK_STATUS(did_log_identity(log, &id, NULL), AIP_OK);
    CHECK(id != NULL && id->deactivated && id->has_log);
}

/* Entry 2 lists these keys as compromised. */
static void
compromise(text_buffer *text, size_t one, size_t other)
{
    char a[MULTIBASE_KEY_TEXT_SIZE + 1], b[MULTIBASE_KEY_TEXT_SIZE + 1];
    add_good(text, 2);
    draft d = draft_of(2, text);
    snprintf(d.more, sizeof d.more, ",\"compromised\":[\"%s\",\"%s\"]", key_text(one, a), key_text(other, b));
    add(text, &d);
}

static void
earlier_keys_can_be_declared_compromised_and_no_others(void)
{
    TEXT_AUTO text_buffer text = {0}, own = {0}, unknown = {0}, twice = {0};
    compromise(&text, 1, 0);
    LOG_AUTO did_log *log = verified(text_view(&text));
    CHECK(log != NULL && log->entries[0].compromised && log->entries[1].compromised && !log->entries[2].compromised);
    compromise(&own, 0, 2);
    check_refused(&own, AIP_LOG_MALFORMED, 2);
    compromise(&unknown, 0, 3);
    check_refused(&unknown, AIP_LOG_MALFORMED, 2);
    compromise(&twice, 1, 1);
    check_refused(&twice, AIP_LOG_MALFORMED, 2);
}

static void
the_caps_on_bytes_and_entries_hold(void)
{
    static char big[AIP_DOCUMENT_BYTES_MAX + 1];
    did_log *log = NULL;
    memset(big, 'x', sizeof big);
    CHECK_STATUS(did_log_verify((aip_bytes){(unsigned char *)big, sizeof big}, NOW, &log, NULL), AIP_JSON_SIZE);
    memset(big, '\n', sizeof big);
    CHECK_STATUS(did_log_verify((aip_bytes){(unsigned char *)big, AIP_LOG_ENTRIES_MAX + 1}, NOW, &log, NULL),
                 AIP_JSON_SIZE);
    CHECK_STATUS(did_log_verify((aip_bytes){(unsigned char *)big, AIP_LOG_ENTRIES_MAX}, NOW, &log, NULL),
                 AIP_LOG_MALFORMED);
    CHECK(log == NULL);
}

static void
a_log_that_extends_what_was_seen_is_welcome_and_no_other(void)
{
    TEXT_AUTO text_buffer text = {0}, fork = {0};
    aip_error err = AIP_ERROR_INIT;
    add_good(&text, 3);
    add_good(&fork, 1);
    draft d = draft_of(1, &fork);
    snprintf(d.time, sizeof d.time, "%d", FIRST_TIME + 101);
    add(&fork, &d);
    d = draft_of(2, &fork);
    add(&fork, &d);
    LOG_AUTO did_log *whole = verified(text_view(&text));
    LOG_AUTO did_log *forked = verified(text_view(&fork));
    text.size = (size_t)((char *)memrchr(text.data, '\n', text.size - 1) - text.data);
    LOG_AUTO did_log *shorter = verified(text_view(&text));
    CHECK(whole != NULL && forked != NULL && shorter != NULL);
    const did_log_mark two = did_log_mark_of(shorter), three = did_log_mark_of(whole);
    CHECK(two.version == 1 && three.version == 2);
    CHECK_STATUS(did_log_check_mark(whole, &two, &err), AIP_OK);
    CHECK_STATUS(did_log_check_mark(whole, &three, &err), AIP_OK);
    CHECK_STATUS(did_log_check_mark(shorter, &three, &err), AIP_LOG_ROLLBACK);
    CHECK(err.at == 2);
    CHECK_STATUS(did_log_check_mark(forked, &two, &err), AIP_LOG_FORK);
    CHECK(err.at == 1);
    CHECK_STATUS(did_log_check_mark(forked, &three, &err), AIP_LOG_FORK);
    CHECK(err.at == 2);
}

static void
a_log_tells_which_key_counts_when(void)
{
    TEXT_AUTO text_buffer text = {0};
    IDENTITY_AUTO identity *id = NULL;
    compromise(&text, 0, 1);
    LOG_AUTO did_log *log = verified(text_view(&text));
    CHECK_STATUS(did_log_identity(log, &id, NULL), AIP_OK);
    CHECK_TEXT(id->name, log->did);
    CHECK(id->has_log && !id->deactivated && id->version == 2 && id->key_count == 3);
    CHECK(id->created == FIRST_TIME && id->updated == FIRST_TIME + 200);
    CHECK(memcmp(id->head, log->entries[2].hash, sizeof id->head) == 0);
    for (size_t i = 0; i < 3; i++) {
        const aip_public_key key = public_of(i);
        char fragment[16];
        snprintf(fragment, sizeof fragment, "key-%zu", i + 1);
        CHECK_TEXT(id->keys[i].fragment, fragment);
        CHECK(memcmp(&id->keys[i].key, &key, sizeof key) == 0 && id->keys[i].uses == IDENTITY_USES_ALL);
        CHECK(id->keys[i].compromised == (i < 2));
        CHECK(id->keys[i].from == (i == 0 ? INT64_MIN : FIRST_TIME + 100 * (int64_t)i));
        CHECK(id->keys[i].until == (i == 2 ? INT64_MAX : FIRST_TIME + 100 * (int64_t)(i + 1)));
    }
}

static aip_status
extend(text_buffer *log, size_t signer, const aip_public_key *next, int64_t time)
{
    const did_log_change change = {.next = next, .time = time};
    aip_secret_key *key = secret_of(signer);
    aip_status status = did_log_extend(log, key, &change, NULL);
    aip_secret_key_free(&key);
    return status;
}

static void
what_is_written_is_canonical_and_verifies(void)
{
    TEXT_AUTO text_buffer log = {0}, canonical = {0};
    const aip_public_key keys[] = {public_of(0), public_of(1), public_of(2)};
    const did_log_change end = {.compromised = keys, .compromised_count = 2, .deactivate = true, .time = NOW};
    aip_secret_key *last = secret_of(2);
    CHECK_STATUS(extend(&log, 0, &keys[1], NOW - 9), AIP_OK);
    canonical_of(log.data, log.size - 1, &canonical);
    CHECK(canonical.size + 1 == log.size && memcmp(canonical.data, log.data, canonical.size) == 0);
    log.size--; /* a line feed that is missing is put there */
    CHECK_STATUS(extend(&log, 1, &keys[2], NOW - 8), AIP_OK);
    CHECK_STATUS(did_log_extend(&log, last, &end, NULL), AIP_OK);
    LOG_AUTO did_log *read = verified(text_view(&log));
    CHECK(read != NULL && read->count == 3 && read->deactivated && read->entries[0].compromised &&
          read->entries[1].compromised && read->entries[2].deactivates);
    aip_secret_key_free(&last);
}

static void
what_readers_would_refuse_is_not_written(void)
{
    TEXT_AUTO text_buffer log = {0};
    const aip_public_key next = public_of(1), later = public_of(2), first = public_of(0);
    aip_secret_key *key = secret_of(1);
    CHECK_STATUS(extend(&log, 0, &next, NOW), AIP_OK);
    size_t size = log.size;
    CHECK_STATUS(extend(&log, 0, &later, NOW + 1), AIP_LOG_KEY);
    CHECK_STATUS(extend(&log, 2, NULL, NOW + 1), AIP_LOG_KEY);
    CHECK_STATUS(extend(&log, 1, &later, NOW), AIP_LOG_TIME);
    CHECK_STATUS(extend(&log, 1, &later, NOW - 31), AIP_LOG_TIME);
    CHECK_STATUS(extend(&log, 1, &later, -1), AIP_LOG_TIME);
    CHECK_STATUS(extend(&log, 1, &next, NOW + 1), AIP_USAGE);
    CHECK_STATUS(extend(&log, 1, &first, NOW + 1), AIP_USAGE);
    did_log_change change = {.next = &later, .deactivate = true, .time = NOW + 1};
    CHECK_STATUS(did_log_extend(&log, key, &change, NULL), AIP_USAGE);
    change = (did_log_change){.compromised = &later, .compromised_count = 1, .time = NOW + 1};
    CHECK_STATUS(did_log_extend(&log, key, &change, NULL), AIP_LOG_MALFORMED);
    change = (did_log_change){.compromised = &next, .compromised_count = 1, .time = NOW + 1};
    CHECK_STATUS(did_log_extend(&log, key, &change, NULL), AIP_LOG_MALFORMED);
    CHECK(log.size == size);
    CHECK_STATUS(extend(&log, 1, NULL, NOW + 1), AIP_OK);
    CHECK_STATUS(extend(&log, 2, NULL, NOW + 2), AIP_LOG_ENDED);
    aip_secret_key_free(&key);
}

static void
a_spoiled_log_is_not_extended(void)
{
    TEXT_AUTO text_buffer log = {0};
    const aip_public_key next = public_of(1), later = public_of(2);
    CHECK_STATUS(extend(&log, 0, &next, NOW), AIP_OK);
    log.data[log.size / 2] ^= 1;
    size_t size = log.size;
    CHECK(extend(&log, 1, &later, NOW + 1) != AIP_OK && log.size == size);
}

/* 64 KiB hold fewer entries than the cap on entries when they are written out in full. */
static void
a_log_grows_until_its_bytes_are_full(void)
{
    TEXT_AUTO text_buffer log = {0};
    size_t count = 0;
    aip_status status = AIP_OK;
    while (status == AIP_OK && count <= AIP_LOG_ENTRIES_MAX) {
        draft d = draft_of(count, &log);
        snprintf(d.time, sizeof d.time, "%zu", FIRST_TIME + count);
        add(&log, &d);
        count += log.size <= AIP_DOCUMENT_BYTES_MAX ? 1 : 0;
        status = log.size <= AIP_DOCUMENT_BYTES_MAX ? AIP_OK : AIP_JSON_SIZE;
    }
    did_log *read = NULL;
    CHECK_STATUS(did_log_verify(text_view(&log), NOW, &read, NULL), AIP_JSON_SIZE);
    log.size = (size_t)((char *)memrchr(log.data, '\n', log.size - 1) - log.data);
    CHECK_STATUS(did_log_verify(text_view(&log), NOW, &read, NULL), AIP_OK);
    CHECK(read != NULL && read->count == count && count > 100);
    did_log_free(&read);
    const aip_public_key next = public_of(count + 1);
    size_t size = log.size;
    CHECK_STATUS(extend(&log, count, &next, NOW), AIP_JSON_SIZE);
    CHECK(log.size == size);
}

RUN(TEST(a_log_of_good_entries_verifies), TEST(the_last_line_may_lack_its_line_feed_and_no_other_may),
    TEST(white_space_inside_a_line_changes_nothing_that_is_signed), TEST(lines_that_are_not_one_object_are_refused),
    TEST(each_spoiled_member_is_refused_although_it_is_signed), TEST(a_missing_or_repeated_member_is_refused),
    TEST(a_bad_signature_is_refused), TEST(the_first_key_is_the_identifiers), TEST(the_first_entry_follows_nothing),
    TEST(only_the_committed_key_follows), TEST(a_key_is_used_once_even_when_committed_to_again),
    TEST(a_key_that_is_no_acceptable_point_is_refused_although_committed_to),
    TEST(another_identifier_later_in_the_log_is_refused), TEST(a_time_may_be_thirty_seconds_ahead),
    TEST(nothing_follows_a_deactivation_or_a_last_commitment), TEST(an_identity_can_be_ended_by_its_first_entry),
    TEST(earlier_keys_can_be_declared_compromised_and_no_others), TEST(the_caps_on_bytes_and_entries_hold),
    TEST(a_log_that_extends_what_was_seen_is_welcome_and_no_other), TEST(a_log_tells_which_key_counts_when),
    TEST(what_is_written_is_canonical_and_verifies), TEST(what_readers_would_refuse_is_not_written),
    TEST(a_spoiled_log_is_not_extended), TEST(a_log_grows_until_its_bytes_are_full))
