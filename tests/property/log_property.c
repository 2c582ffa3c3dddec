/* Random key logs from a fixed seed: no change, swap, cut or replay passes, and each is refused at its entry. */
#include <stdlib.h>

#include "did/log.h"
#include "tests/unit/check.h"

#define NOW 1800000000
#define ENTRIES_MAX 12
#define LOGS 24
#define CHANGES 50

static uint64_t state = 0x5eed1;

static uint64_t
next(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

typedef struct {
    aip_secret_key *keys[ENTRIES_MAX + 1]; /* by version; the last one is only committed to */
    text_buffer text;
    size_t starts[ENTRIES_MAX + 1]; /* of each line; the last one is the end of the text */
    size_t count;
    bool compromised[ENTRIES_MAX];
    bool ended, deactivated; /* the last entry commits to nothing / ends the identity */
    int64_t times[ENTRIES_MAX];
} random_log;

static const aip_public_key *
public_of(const random_log *log, size_t version)
{
    return aip_secret_key_public(log->keys[version]);
}

/* One entry more; about a third of them list earlier keys as compromised. */
static void
grow(random_log *log, bool last)
{
    aip_public_key listed[ENTRIES_MAX];
    size_t n = log->count;
    log->ended = last && next(3) == 0;
    log->deactivated = log->ended && next(2) == 0;
    log->times[n] = (n == 0 ? NOW - 100000 : log->times[n - 1]) + 1 + (int64_t)next(5000);
    did_log_change change = {.next = log->ended ? NULL : public_of(log, n + 1),
                             .compromised = listed,
                             .deactivate = log->deactivated,
                             .time = log->times[n]};
    for (size_t i = 0; i < n && next(3) == 0; i++) {
        if (!log->compromised[i]) {
            log->compromised[i] = true;
            listed[change.compromised_count++] = *public_of(log, i);
        }
    }
    CHECK_STATUS(did_log_extend(&log->text, log->keys[n], &change, NULL), AIP_OK);
    log->starts[++log->count] = log->text.size;
}

static void
open_log(random_log *log, size_t count)
{
    *log = (random_log){.count = 0};
    for (size_t i = 0; i <= ENTRIES_MAX; i++) {
        unsigned char seed[AIP_SEED_BYTES] = {(unsigned char)(i + 1), (unsigned char)next(256),
                                              (unsigned char)next(256)};
        CHECK_STATUS(aip_secret_key_from_seed(seed, &log->keys[i], NULL), AIP_OK);
    }
    while (log->count < count) {
        grow(log, log->count + 1 == count);
    }
}

static void
close_log(random_log *log)
{
    text_clear(&log->text);
    for (size_t i = 0; i <= ENTRIES_MAX; i++) {
        aip_secret_key_free(&log->keys[i]);
    }
}

/* Status, and where: the version concerned, or AIP_NOWHERE. */
static aip_status
judge(aip_bytes text, int *at)
{
    LOG_AUTO did_log *read = NULL;
    aip_error err = AIP_ERROR_INIT;
    aip_status status = did_log_verify(text, NOW, &read, &err);
    CHECK((status == AIP_OK) == (read != NULL));
    *at = status == AIP_OK ? AIP_NOWHERE : err.at;
    return status;
}

/* The log with its lines in this order; a line may come several times or not at all. */
static aip_status
judge_lines(const random_log *log, const size_t *order, size_t count, int *at)
{
    TEXT_AUTO text_buffer text = {0};
    for (size_t i = 0; i < count; i++) {
        size_t start = log->starts[order[i]];
        text_append(&text, (aip_bytes){(unsigned char *)log->text.data + start, log->starts[order[i] + 1] - start});
    }
    return judge(text_view(&text), at);
}

static size_t
in_order(const random_log *log, size_t order[ENTRIES_MAX + 1])
{
    for (size_t i = 0; i < log->count; i++) {
        order[i] = i;
    }
    return log->count;
}

static void
what_was_written_is_what_is_read(void)
{
    for (size_t i = 0; i < LOGS; i++) {
        random_log log;
        did_log *read = NULL;
        IDENTITY_AUTO identity *id = NULL;
        open_log(&log, 1 + next(ENTRIES_MAX));
        CHECK_STATUS(did_log_verify(text_view(&log.text), NOW, &read, NULL), AIP_OK);
        CHECK(read != NULL && read->count == log.count && read->deactivated == log.deactivated);
        CHECK_STATUS(did_log_identity(read, &id, NULL), AIP_OK);
        for (size_t n = 0; n < log.count; n++) {
            const identity_key *key = &id->keys[n];
            CHECK(memcmp(&key->key, public_of(&log, n), sizeof key->key) == 0);
            CHECK(key->compromised == log.compromised[n] && read->entries[n].time == log.times[n]);
            CHECK(key->from == (n == 0 ? INT64_MIN : log.times[n]));
            CHECK(key->until == (n + 1 == log.count ? INT64_MAX : log.times[n + 1]));
        }
        did_log_free(&read);
        close_log(&log);
    }
}

/* At each moment exactly one key of a log counts, unless it was declared compromised or the identity has ended. */
static void
at_each_moment_one_key_counts(void)
{
    for (size_t i = 0; i < LOGS; i++) {
        random_log log;
        LOG_AUTO did_log *read = NULL;
        IDENTITY_AUTO identity *id = NULL;
        open_log(&log, 1 + next(ENTRIES_MAX));
        CHECK_STATUS(did_log_verify(text_view(&log.text), NOW, &read, NULL), AIP_OK);
        CHECK_STATUS(did_log_identity(read, &id, NULL), AIP_OK);
        int64_t time = NOW - 101000 + (int64_t)next(102000);
        size_t current = 0, found = 0;
        while (current + 1 < log.count && log.times[current + 1] <= time) {
            current++;
        }
        for (size_t n = 0; n < log.count; n++) {
            aip_public_key key;
            const identity_query query = {aip_bytes_of(id->keys[n].fragment), DID_USE_DELEGATION, time};
            aip_status wanted = log.deactivated      ? AIP_DID_DEACTIVATED
                                : log.compromised[n] ? AIP_KEY_COMPROMISED
                                : n != current       ? AIP_KEY_RETIRED
                                                     : AIP_OK;
            CHECK_STATUS(identity_find_key(id, &query, &key, NULL), wanted);
            found += wanted == AIP_OK;
        }
        CHECK(found == (log.deactivated || log.compromised[current] ? 0 : 1));
        close_log(&log);
    }
}

/* A line feed belongs to the line that it ends. */
static int
entry_at(const random_log *log, size_t offset)
{
    size_t n = 0;
    while (log->starts[n + 1] <= offset) {
        n++;
    }
    return (int)n;
}

static void
any_changed_byte_is_refused_at_its_entry(void)
{
    for (size_t i = 0; i < LOGS; i++) {
        random_log log;
        open_log(&log, 1 + next(ENTRIES_MAX));
        for (size_t k = 0; k < CHANGES; k++) {
            int at;
            size_t offset = next(log.text.size);
            char before = log.text.data[offset];
            log.text.data[offset] = (char)(before ^ (char)(1 + next(255)));
            CHECK(judge(text_view(&log.text), &at) != AIP_OK);
            CHECK(at == entry_at(&log, offset));
            log.text.data[offset] = before;
        }
        close_log(&log);
    }
}

/* Every byte of one log, its lowest bit: letters become other letters and digits other digits, so that most changes
 * reach the rules behind the grammar. */
static void
each_byte_of_a_log_is_covered(void)
{
    random_log log;
    size_t refusals[AIP_STATUS_COUNT] = {0};
    open_log(&log, 3);
    for (size_t offset = 0; offset < log.text.size; offset++) {
        int at;
        log.text.data[offset] ^= 1;
        aip_status status = judge(text_view(&log.text), &at);
        CHECK(status != AIP_OK && at == entry_at(&log, offset));
        refusals[status]++;
        log.text.data[offset] ^= 1;
    }
    CHECK(refusals[AIP_LOG_SIGNATURE] > 100 && refusals[AIP_LOG_KEY] > 50 && refusals[AIP_LOG_LINK] > 50 &&
          refusals[AIP_LOG_MALFORMED] > 100);
    close_log(&log);
}

static void
a_change_signed_again_by_a_stranger_is_refused(void)
{
    for (size_t i = 0; i < LOGS; i++) {
        random_log log, other;
        int at;
        TEXT_AUTO text_buffer text = {0};
        open_log(&log, 2 + next(ENTRIES_MAX - 1));
        open_log(&other, log.count);
        size_t n = next(log.count);
        text_append(&text, (aip_bytes){(unsigned char *)log.text.data, log.starts[n]});
        text_append(&text, aip_bytes_from(text_view(&other.text), other.starts[n]));
        if (n > 0) {
            CHECK(judge(text_view(&text), &at) != AIP_OK && at == (int)n);
        }
        close_log(&log);
        close_log(&other);
    }
}

static void
swapped_entries_are_refused_at_the_first_of_them(void)
{
    for (size_t i = 0; i < LOGS * 4; i++) {
        random_log log;
        size_t order[ENTRIES_MAX + 1];
        int at;
        open_log(&log, 2 + next(ENTRIES_MAX - 1));
        size_t count = in_order(&log, order);
        size_t one = next(count - 1), other = one + 1 + next(count - one - 1);
        order[one] = other;
        order[other] = one;
        CHECK_STATUS(judge_lines(&log, order, count, &at), AIP_LOG_LINK);
        CHECK(at == (int)one);
        close_log(&log);
    }
}

static void
an_entry_cut_out_is_refused_where_it_was(void)
{
    for (size_t i = 0; i < LOGS * 4; i++) {
        random_log log;
        size_t order[ENTRIES_MAX + 1];
        int at;
        open_log(&log, 2 + next(ENTRIES_MAX - 1));
        size_t count = in_order(&log, order), gone = next(count - 1);
        memmove(order + gone, order + gone + 1, (count - gone - 1) * sizeof *order);
        CHECK_STATUS(judge_lines(&log, order, count - 1, &at), AIP_LOG_LINK);
        CHECK(at == (int)gone);
        close_log(&log);
    }
}

/* A version is as many entries as there are before it, so a copy anywhere comes too late, or makes the next one late.
 */
static void
a_replayed_entry_is_refused(void)
{
    for (size_t i = 0; i < LOGS * 4; i++) {
        random_log log;
        size_t order[ENTRIES_MAX + 1];
        int at;
        open_log(&log, 1 + next(ENTRIES_MAX));
        size_t count = in_order(&log, order), place = next(count + 1), copied = next(count);
        memmove(order + place + 1, order + place, (count - place) * sizeof *order);
        order[place] = copied;
        CHECK_STATUS(judge_lines(&log, order, count + 1, &at), AIP_LOG_LINK);
        CHECK(at == (int)(copied == place ? place + 1 : place));
        close_log(&log);
    }
}

static void
a_tail_cut_off_is_a_log_and_a_rollback(void)
{
    for (size_t i = 0; i < LOGS; i++) {
        random_log log;
        LOG_AUTO did_log *whole = NULL;
        LOG_AUTO did_log *cut = NULL;
        aip_error err = AIP_ERROR_INIT;
        open_log(&log, 2 + next(ENTRIES_MAX - 1));
        CHECK_STATUS(did_log_verify(text_view(&log.text), NOW, &whole, NULL), AIP_OK);
        aip_bytes shorter = {(unsigned char *)log.text.data, log.starts[1 + next(log.count - 1)]};
        CHECK_STATUS(did_log_verify(shorter, NOW, &cut, NULL), AIP_OK);
        const did_log_mark seen = did_log_mark_of(whole), before = did_log_mark_of(cut);
        CHECK_STATUS(did_log_check_mark(cut, &seen, &err), AIP_LOG_ROLLBACK);
        CHECK(err.at == (int)log.count - 1);
        CHECK_STATUS(did_log_check_mark(whole, &before, NULL), AIP_OK);
        CHECK_STATUS(did_log_check_mark(whole, &seen, NULL), AIP_OK);
        close_log(&log);
    }
}

/* Two logs that are one up to entry n, where the owner of the committed key signed twice. */
static void
two_entries_of_one_version_are_a_fork(void)
{
    for (size_t i = 0; i < LOGS; i++) {
        random_log log;
        TEXT_AUTO text_buffer other = {0};
        LOG_AUTO did_log *first = NULL;
        LOG_AUTO did_log *second = NULL;
        aip_error err = AIP_ERROR_INIT;
        open_log(&log, 1 + next(ENTRIES_MAX));
        size_t n = next(log.count);
        const did_log_change change = {.next = public_of(&log, n + 1), .time = log.times[n] + 1};
        text_append(&other, (aip_bytes){(unsigned char *)log.text.data, log.starts[n]});
        CHECK_STATUS(did_log_extend(&other, log.keys[n], &change, NULL), AIP_OK);
        CHECK_STATUS(did_log_verify(text_view(&other), NOW, &second, NULL), AIP_OK);
        log.text.size = log.starts[n + 1];
        CHECK_STATUS(did_log_verify(text_view(&log.text), NOW, &first, NULL), AIP_OK);
        const did_log_mark seen = did_log_mark_of(first), seen_other = did_log_mark_of(second);
        CHECK_STATUS(did_log_check_mark(second, &seen, &err), AIP_LOG_FORK);
        CHECK(err.at == (int)n);
        CHECK_STATUS(did_log_check_mark(first, &seen_other, &err), AIP_LOG_FORK);
        CHECK_STATUS(did_log_check_mark(first, &seen, &err), AIP_OK);
        close_log(&log);
    }
}

RUN(TEST(what_was_written_is_what_is_read), TEST(at_each_moment_one_key_counts),
    TEST(any_changed_byte_is_refused_at_its_entry), TEST(each_byte_of_a_log_is_covered),
    TEST(a_change_signed_again_by_a_stranger_is_refused), TEST(swapped_entries_are_refused_at_the_first_of_them),
    TEST(an_entry_cut_out_is_refused_where_it_was), TEST(a_replayed_entry_is_refused),
    TEST(a_tail_cut_off_is_a_log_and_a_rollback), TEST(two_entries_of_one_version_are_a_fork))
