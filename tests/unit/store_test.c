/* The database: whose files are opened, what is kept of identities, and that nothing fails silently. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "store/store.h"

#include "tests/unit/check.h"
#include "tests/unit/store_subject.h"

#define NOW (SUBJECT_BEGAN + 1000)
#define WEB "did:web:a.example"

static store *db;
static did_cache cache;

static void
open_it(void)
{
    CHECK_STATUS(store_open(subject_path, &db, NULL), AIP_OK);
    CHECK_STATUS(store_identities(db, &cache, NULL), AIP_OK);
}

static void
begin(void)
{
    subject_begin();
    open_it();
}

static void
end(void)
{
    store_close(&db);
    CHECK(db == NULL);
    subject_end();
}

static void
execute(const char *sql)
{
    sqlite3 *other = NULL;
    CHECK(sqlite3_open(subject_path, &other) == SQLITE_OK);
    char *why = NULL;
    if (sqlite3_exec(other, sql, NULL, NULL, &why) != SQLITE_OK) {
        CHECK_TEXT(why, "");
    }
    sqlite3_free(why);
    CHECK(sqlite3_close(other) == SQLITE_OK);
}

static void
set_version(sqlite3 *other, int64_t version)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %lld", (long long)version);
    if (other == NULL) {
        execute(sql);
    } else {
        CHECK(sqlite3_exec(other, sql, NULL, NULL, NULL) == SQLITE_OK);
    }
}

static void
write_file(const char *bytes, size_t size)
{
    FILE *file = fopen(subject_path, "w");
    CHECK(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* Opening is refused, and the file's bytes stay as they are. */
static void
check_refused_untouched(aip_status wanted)
{
    char *before = NULL, *after = NULL;
    size_t size_before = 0, size_after = 0;
    CHECK_STATUS(text_load_file(subject_path, 1u << 20, &before, &size_before, NULL), AIP_OK);
    CHECK_STATUS(store_open(subject_path, &db, NULL), wanted);
    CHECK(db == NULL);
    CHECK_STATUS(text_load_file(subject_path, 1u << 20, &after, &size_after, NULL), AIP_OK);
    CHECK(size_before == size_after && memcmp(before, after, size_after) == 0);
    free(before);
    free(after);
}

static identity *
web_identity(size_t first, size_t count)
{
    identity *id = NULL;
    CHECK_STATUS(identity_new(AIP_BYTES_LITERAL(WEB), count, &id, NULL), AIP_OK);
    for (size_t i = 0; i < count; i++) {
        identity_key *key = &id->keys[i];
        key->key = subject_keys[first + i];
        snprintf(key->fragment, sizeof key->fragment, "k%zu", first + i);
        key->uses = IDENTITY_USES_ALL;
        key->from = INT64_MIN;
        key->until = INT64_MAX;
    }
    return id;
}

static identity *
log_identity(const subject_log *wanted, bool deactivated)
{
    identity *id = NULL;
    LOG_AUTO did_log *log = subject_make_log(wanted);
    log->deactivated = deactivated;
    CHECK_STATUS(did_log_identity(log, &id, NULL), AIP_OK);
    return id;
}

static aip_status
save(const identity *id, const char *document, int64_t fresh_until)
{
    return cache.save(cache.context, id, aip_bytes_of(document), NOW, fresh_until, NULL);
}

static aip_status
load(const char *name, did_cache_entry *out)
{
    return cache.load(cache.context, aip_bytes_of(name), out, NULL);
}

static aip_status
note(size_t first, size_t count, int64_t now)
{
    IDENTITY_AUTO identity *id = web_identity(first, count);
    return cache.note_keys(cache.context, id, now, NULL);
}

/* Opening */

static void
a_new_database_has_mode_0600_whatever_the_umask(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    subject_begin();
    mode_t before = umask(0777);
    open_it();
    IDENTITY_AUTO identity *id = web_identity(0, 1);
    CHECK_STATUS(save(id, "{}", NOW), AIP_OK);
    umask(before);
    for (size_t i = 0; i < 3; i++) {
        char path[112];
        struct stat facts;
        snprintf(path, sizeof path, "%s%s", subject_path, suffixes[i]);
        CHECK(stat(path, &facts) == 0 && (facts.st_mode & 07777) == 0600);
    }
    end();
}

static void
the_settings_stand_in_the_file(void)
{
    begin();
    store_close(&db);
    CHECK(subject_query("PRAGMA application_id") == 0x41495047);
    CHECK(subject_query("PRAGMA user_version") >= 1);
    CHECK(subject_query("SELECT journal_mode = 'wal' FROM pragma_journal_mode") == 1);
    end();
}

static void
what_was_written_is_there_after_opening_again(void)
{
    did_cache_entry entry;
    begin();
    IDENTITY_AUTO identity *id = web_identity(0, 2);
    CHECK_STATUS(save(id, "{}", NOW + 5), AIP_OK);
    store_close(&db);
    open_it();
    CHECK_STATUS(load(WEB, &entry), AIP_OK);
    CHECK(entry.known != NULL && entry.known->key_count == 2 && entry.fresh_until == NOW + 5);
    did_cache_entry_clear(&entry);
    CHECK(entry.known == NULL);
    end();
}

static void
a_link_to_the_file_is_followed_even_before_the_file_exists(void)
{
    char link[112];
    struct stat facts;
    subject_begin();
    snprintf(link, sizeof link, "%s/link", subject_directory);
    CHECK(symlink("a.db", link) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(store_open(link, &db, NULL), AIP_OK);
        store_close(&db);
    }
    CHECK(stat(subject_path, &facts) == 0 && (facts.st_mode & 07777) == 0600);
    CHECK(unlink(link) == 0);
    end();
}

static void
names_with_a_meaning_for_sqlite_are_plain_files(void)
{
    static const char *const names[] = {":memory:", "file:x?mode=memory"};
    subject_begin();
    int here = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(here >= 0 && chdir(subject_directory) == 0);
    for (size_t i = 0; i < 2; i++) {
        CHECK_STATUS(store_open(names[i], &db, NULL), AIP_OK);
        store_close(&db);
        CHECK(unlink(names[i]) == 0);
    }
    CHECK_STATUS(store_open("", &db, NULL), AIP_STORE_UNAVAILABLE);
    CHECK(fchdir(here) == 0 && close(here) == 0);
    end();
}

static void
a_file_that_is_no_database_is_refused_and_left_as_it_is(void)
{
    char zeros[8192] = {0};
    subject_begin();
    write_file("text\n", 5);
    check_refused_untouched(AIP_STORE_INVALID);
    write_file(zeros, sizeof zeros);
    check_refused_untouched(AIP_STORE_INVALID);
    write_file("SQLite format 3", 16);
    check_refused_untouched(AIP_STORE_INVALID);
    end();
}

static void
a_database_of_another_program_is_refused_and_left_as_it_is(void)
{
    subject_begin();
    execute("CREATE TABLE t (a)");
    check_refused_untouched(AIP_STORE_INVALID);
    execute("PRAGMA application_id = 7");
    check_refused_untouched(AIP_STORE_INVALID);
    execute("PRAGMA journal_mode = WAL; PRAGMA user_version = 1");
    check_refused_untouched(AIP_STORE_INVALID);
    end();
}

static void
a_database_of_a_later_version_is_refused_and_left_as_it_is(void)
{
    begin();
    store_close(&db);
    set_version(NULL, subject_query("PRAGMA user_version") + 1);
    check_refused_untouched(AIP_STORE_INVALID);
    execute("PRAGMA user_version = 2147483647");
    check_refused_untouched(AIP_STORE_INVALID);
    execute("PRAGMA user_version = -1");
    check_refused_untouched(AIP_STORE_INVALID);
    execute("PRAGMA user_version = 0");
    check_refused_untouched(AIP_STORE_INVALID);
    end();
}

/* As a later version leaves it that ends without closing. */
static void
a_later_version_in_the_write_ahead_log_is_refused_and_left_there(void)
{
    begin();
    store_close(&db);
    int64_t later = subject_query("PRAGMA user_version") + 1;
    sqlite3 *other = NULL;
    CHECK(sqlite3_open(subject_path, &other) == SQLITE_OK);
    set_version(other, later);
    CHECK(sqlite3_db_config(other, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL) == SQLITE_OK);
    CHECK(sqlite3_close(other) == SQLITE_OK);
    check_refused_untouched(AIP_STORE_INVALID);
    CHECK(subject_query("PRAGMA user_version") == later);
    end();
}

static void
a_cut_database_is_refused(void)
{
    begin();
    IDENTITY_AUTO identity *id = web_identity(0, 2);
    CHECK_STATUS(save(id, "{}", NOW), AIP_OK);
    store_close(&db);
    CHECK(truncate(subject_path, 4096) == 0);
    check_refused_untouched(AIP_STORE_INVALID);
    end();
}

static void
a_database_that_others_may_write_is_refused(void)
{
    static const mode_t modes[] = {0620, 0602, 0666};
    begin();
    store_close(&db);
    for (size_t i = 0; i < 3; i++) {
        CHECK(chmod(subject_path, modes[i]) == 0);
        check_refused_untouched(AIP_STORE_INVALID);
    }
    CHECK(chmod(subject_path, 0644) == 0);
    open_it();
    end();
}

static void
what_is_no_file_is_refused(void)
{
    aip_error err = AIP_ERROR_INIT;
    subject_begin();
    CHECK_STATUS(store_open(subject_directory, &db, NULL), AIP_STORE_INVALID);
    CHECK(mkfifo(subject_path, 0600) == 0);
    CHECK_STATUS(store_open(subject_path, &db, NULL), AIP_STORE_INVALID);
    CHECK_STATUS(store_open("/tmp/aip-store-no-such-directory/a.db", &db, &err), AIP_STORE_UNAVAILABLE);
    CHECK(err.status == AIP_STORE_UNAVAILABLE && err.detail[0] != '\0');
    CHECK(db == NULL);
    end();
}

static void
a_store_that_was_never_opened_is_closed_without_harm(void)
{
    store *none = NULL;
    store_close(&none);
    CHECK(none == NULL);
}

/* Answers */

static void
a_saved_answer_is_loaded_as_it_was(void)
{
    did_cache_entry entry;
    TEXT_AUTO text_buffer document = {0};
    begin();
    IDENTITY_AUTO identity *id = web_identity(3, 3);
    memset(id->head, 7, sizeof id->head);
    id->keys[1].compromised = true;
    CHECK_STATUS(save(id, "{\"a\":1}", NOW + 300), AIP_OK);
    CHECK_STATUS(load(WEB, &entry), AIP_OK);
    CHECK(entry.known != NULL && entry.fetched_at == NOW && entry.fresh_until == NOW + 300);
    CHECK(entry.refusal == AIP_OK && entry.refused_until == 0);
    CHECK(entry.known != NULL && memcmp(entry.known, id, sizeof *id + 3 * sizeof id->keys[0]) == 0);
    CHECK_STATUS(cache.load_document(cache.context, AIP_BYTES_LITERAL(WEB), &document, NULL), AIP_OK);
    CHECK(aip_bytes_equal(text_view(&document), AIP_BYTES_LITERAL("{\"a\":1}")));
    did_cache_entry_clear(&entry);
    end();
}

static void
a_name_that_is_unknown_has_an_empty_entry(void)
{
    static const char *const names[] = {"did:web:b.example", "did:web:a.example:", "DID:WEB:A.EXAMPLE", ""};
    TEXT_AUTO text_buffer document = {0};
    begin();
    IDENTITY_AUTO identity *id = web_identity(0, 1);
    CHECK_STATUS(save(id, "{}", NOW), AIP_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        did_cache_entry entry;
        memset(&entry, 1, sizeof entry);
        CHECK_STATUS(load(names[i], &entry), AIP_OK);
        CHECK(entry.known == NULL && entry.refusal == AIP_OK && entry.refused_until == 0 && entry.fetched_at == 0);
    }
    CHECK_STATUS(cache.load_document(cache.context, aip_bytes_of(names[0]), &document, NULL), AIP_OK);
    CHECK(document.size == 0);
    end();
}

static void
a_later_answer_replaces_record_and_document(void)
{
    did_cache_entry entry;
    TEXT_AUTO text_buffer document = {0};
    begin();
    IDENTITY_AUTO identity *first = web_identity(0, 1);
    IDENTITY_AUTO identity *second = web_identity(4, 2);
    CHECK_STATUS(save(first, "{\"old\":1}", NOW), AIP_OK);
    CHECK_STATUS(save(second, "", NOW + 1), AIP_OK);
    CHECK_STATUS(load(WEB, &entry), AIP_OK);
    CHECK(entry.known != NULL && entry.known->key_count == 2 && entry.fresh_until == NOW + 1);
    CHECK_STATUS(cache.load_document(cache.context, AIP_BYTES_LITERAL(WEB), &document, NULL), AIP_OK);
    CHECK(document.size == 0);
    did_cache_entry_clear(&entry);
    end();
}

static void
a_refusal_stands_beside_what_is_known_until_a_success(void)
{
    did_cache_entry entry;
    begin();
    IDENTITY_AUTO identity *id = web_identity(0, 1);
    aip_bytes name = AIP_BYTES_LITERAL(WEB);
    CHECK_STATUS(cache.save_refusal(cache.context, name, AIP_FETCH_TIMEOUT, NOW + 30, NULL), AIP_OK);
    CHECK_STATUS(load(WEB, &entry), AIP_OK);
    CHECK(entry.known == NULL && entry.refusal == AIP_FETCH_TIMEOUT && entry.refused_until == NOW + 30);
    CHECK_STATUS(save(id, "{}", NOW + 300), AIP_OK);
    CHECK_STATUS(load(WEB, &entry), AIP_OK);
    CHECK(entry.known != NULL && entry.refusal == AIP_OK && entry.refused_until == 0);
    did_cache_entry_clear(&entry);
    CHECK_STATUS(cache.save_refusal(cache.context, name, AIP_AIPDOC_EXPIRED, NOW + 60, NULL), AIP_OK);
    CHECK_STATUS(load(WEB, &entry), AIP_OK);
    CHECK(entry.known != NULL && entry.fresh_until == NOW + 300);
    CHECK(entry.refusal == AIP_AIPDOC_EXPIRED && entry.refused_until == NOW + 60);
    did_cache_entry_clear(&entry);
    end();
}

static void
every_status_is_kept_by_its_name_and_an_unknown_one_is_no_refusal(void)
{
    did_cache_entry entry;
    begin();
    for (int i = 1; i < AIP_STATUS_COUNT; i++) {
        CHECK_STATUS(cache.save_refusal(cache.context, AIP_BYTES_LITERAL(WEB), (aip_status)i, NOW, NULL), AIP_OK);
        CHECK_STATUS(load(WEB, &entry), AIP_OK);
        CHECK(entry.refusal == (aip_status)i);
    }
    CHECK(subject_query("SELECT refusal = 'internal' FROM identity") == 1);
    execute("UPDATE identity SET refusal = 'of.tomorrow'");
    CHECK_STATUS(load(WEB, &entry), AIP_OK);
    CHECK(entry.refusal == AIP_OK && entry.refused_until == 0);
    end();
}

static void
a_name_beyond_the_limit_is_refused(void)
{
    unsigned char name[AIP_IDENTIFIER_BYTES_MAX + 1];
    memset(name, 'a', sizeof name);
    begin();
    aip_bytes text = {name, sizeof name};
    CHECK_STATUS(cache.save_refusal(cache.context, text, AIP_DID_NOT_FOUND, NOW, NULL), AIP_DID_INVALID);
    text.size--;
    CHECK_STATUS(cache.save_refusal(cache.context, text, AIP_DID_NOT_FOUND, NOW, NULL), AIP_OK);
    end();
}

static void
a_record_that_was_changed_in_the_file_is_refused(void)
{
    static const char *const changes[] = {
        "UPDATE identity SET record = substr(record, 1, length(record) - 1)",
        "UPDATE identity SET record = CAST(record || x'00' AS BLOB)",
        "UPDATE identity SET record = x''",
        "UPDATE identity SET name = 'did:web:b.example'",
    };
    did_cache_entry entry;
    begin();
    IDENTITY_AUTO identity *id = web_identity(0, 1);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        CHECK_STATUS(save(id, "", NOW), AIP_OK);
        execute(changes[i]);
        bool moved = i == 3;
        CHECK_STATUS(load(moved ? "did:web:b.example" : WEB, &entry), AIP_STORE_INVALID);
        CHECK(entry.known == NULL);
    }
    end();
}

static void
what_expires_is_removed_and_what_ended_stays(void)
{
    did_cache_entry entry;
    const subject_log ended = {.first = 1, .count = 2, .fork = 99};
    begin();
    IDENTITY_AUTO identity *id = web_identity(0, 1);
    IDENTITY_AUTO identity *dead = log_identity(&ended, true);
    CHECK_STATUS(subject_keep(&cache, &ended), AIP_OK);
    CHECK_STATUS(save(id, "{}", NOW + 100), AIP_OK);
    CHECK_STATUS(save(dead, "", NOW), AIP_OK);
    CHECK_STATUS(cache.save_refusal(cache.context, AIP_BYTES_LITERAL("x"), AIP_DID_NOT_FOUND, NOW + 150, NULL), AIP_OK);
    CHECK_STATUS(store_identities_expire(db, NOW + 99, 0, NULL), AIP_OK);
    CHECK_STATUS(store_identities_expire(db, NOW + 149, 50, NULL), AIP_OK);
    CHECK(subject_query("SELECT count(*) FROM identity") == 3);
    CHECK_STATUS(store_identities_expire(db, NOW + 150, 50, NULL), AIP_OK);
    CHECK(subject_query("SELECT count(*) FROM identity") == 1);
    CHECK(subject_query("SELECT count(*) FROM identity_document") == 0);
    CHECK(subject_query("SELECT count(*) FROM key_log") == 1);
    CHECK_STATUS(load(dead->name, &entry), AIP_OK);
    CHECK(entry.known != NULL && entry.known->deactivated);
    did_cache_entry_clear(&entry);
    end();
}

static void
an_identity_that_ended_is_not_replaced_by_one_that_lives(void)
{
    did_cache_entry entry;
    const subject_log log = {.first = 1, .count = 2, .fork = 99};
    begin();
    IDENTITY_AUTO identity *dead = log_identity(&log, true);
    IDENTITY_AUTO identity *alive = log_identity(&log, false);
    CHECK_STATUS(save(dead, "", NOW), AIP_OK);
    CHECK_STATUS(save(alive, "", NOW + 9), AIP_DID_DEACTIVATED);
    CHECK_STATUS(save(dead, "", NOW + 1), AIP_OK);
    CHECK_STATUS(load(dead->name, &entry), AIP_OK);
    CHECK(entry.known != NULL && entry.known->deactivated && entry.fresh_until == NOW + 1);
    did_cache_entry_clear(&entry);
    end();
}

/* Key logs */

static void
check_kept(const subject_log *wanted)
{
    TEXT_AUTO text_buffer kept = {0}, text = {0};
    char did[AIP_DID_TEXT_SIZE];
    aip_did_of_key(&subject_keys[wanted->first], did);
    subject_log_text(wanted, &text);
    CHECK_STATUS(cache.load_log(cache.context, aip_bytes_of(did), &kept, NULL), AIP_OK);
    CHECK(aip_bytes_equal(text_view(&kept), text_view(&text)));
}

static void
a_log_is_kept_and_grows(void)
{
    TEXT_AUTO text_buffer none = {0};
    subject_log log = {.first = 0, .count = 1, .fork = 99};
    begin();
    CHECK_STATUS(cache.load_log(cache.context, AIP_BYTES_LITERAL("did:aip:x"), &none, NULL), AIP_DID_NOT_FOUND);
    for (log.count = 1; log.count <= 4; log.count++) {
        CHECK_STATUS(subject_keep(&cache, &log), AIP_OK);
        check_kept(&log);
        CHECK_STATUS(subject_keep(&cache, &log), AIP_OK);
    }
    log.count = 9; /* several versions at once */
    CHECK_STATUS(subject_keep(&cache, &log), AIP_OK);
    check_kept(&log);
    CHECK(subject_query("SELECT count(*) FROM log_conflict") == 0);
    CHECK(subject_query("SELECT version FROM key_log") == 8);
    end();
}

static void
a_shorter_log_is_refused_and_kept_as_evidence(void)
{
    const subject_log seen = {.first = 0, .count = 5, .fork = 99};
    const subject_log shorter = {.first = 0, .count = 4, .fork = 99};
    begin();
    CHECK_STATUS(subject_keep(&cache, &seen), AIP_OK);
    CHECK_STATUS(subject_keep(&cache, &shorter), AIP_LOG_ROLLBACK);
    check_kept(&seen);
    CHECK(subject_query("SELECT count(*) FROM log_conflict WHERE seen_version = 4 AND other_version = 3"
                        " AND origin = 'https://a.example' AND length(other_text) > 0") == 1);
    end();
}

static void
a_fork_is_refused_at_every_place_and_what_was_seen_first_stays(void)
{
    const subject_log seen = {.first = 0, .count = 4, .fork = 99};
    begin();
    CHECK_STATUS(subject_keep(&cache, &seen), AIP_OK);
    for (size_t fork = 0; fork < 4; fork++) {
        for (size_t count = 4; count < 7; count++) {
            const subject_log other = {.first = 0, .count = count, .fork = fork, .branch = 1};
            CHECK_STATUS(subject_keep(&cache, &other), AIP_LOG_FORK);
        }
    }
    check_kept(&seen);
    const subject_log longer = {.first = 0, .count = 6, .fork = 99};
    CHECK_STATUS(subject_keep(&cache, &longer), AIP_OK);
    check_kept(&longer);
    end();
}

static void
evidence_is_kept_once_and_bounded_for_each_name(void)
{
    begin();
    for (size_t first = 0; first < 2; first++) {
        const subject_log seen = {.first = first, .count = 3, .fork = 99};
        CHECK_STATUS(subject_keep(&cache, &seen), AIP_OK);
        for (unsigned branch = 1; branch <= AIP_LOG_CONFLICTS_MAX + 4; branch++) {
            const subject_log other = {.first = first, .count = 3, .fork = 2, .branch = (unsigned char)branch};
            CHECK_STATUS(subject_keep(&cache, &other), AIP_LOG_FORK);
            CHECK_STATUS(subject_keep(&cache, &other), AIP_LOG_FORK);
        }
    }
    CHECK(subject_query("SELECT count(*) FROM log_conflict") == 2 * AIP_LOG_CONFLICTS_MAX);
    CHECK(subject_query("SELECT count(*) FROM log_conflict WHERE instr(other_text, '\"branch\":1}') > 0") == 2);
    end();
}

static void
a_cached_answer_follows_the_log_that_is_kept(void)
{
    did_cache_entry entry;
    const subject_log first = {.first = 2, .count = 2, .fork = 99};
    const subject_log later = {.first = 2, .count = 5, .fork = 99};
    begin();
    IDENTITY_AUTO identity *old = log_identity(&first, false);
    CHECK_STATUS(subject_keep(&cache, &first), AIP_OK);
    CHECK(subject_query("SELECT count(*) FROM identity") == 0);
    CHECK_STATUS(save(old, "", NOW + 300), AIP_OK);
    CHECK_STATUS(subject_keep(&cache, &later), AIP_OK);
    CHECK_STATUS(load(old->name, &entry), AIP_OK);
    CHECK(entry.known != NULL && entry.known->version == 4 && entry.fresh_until == NOW + 300);
    did_cache_entry_clear(&entry);
    end();
}

static void
an_answer_that_is_older_than_the_log_is_refused(void)
{
    did_cache_entry entry;
    const subject_log kept = {.first = 2, .count = 3, .fork = 99};
    const subject_log shorter = {.first = 2, .count = 2, .fork = 99};
    const subject_log fork = {.first = 2, .count = 3, .fork = 2, .branch = 1};
    begin();
    IDENTITY_AUTO identity *same = log_identity(&kept, false);
    IDENTITY_AUTO identity *older = log_identity(&shorter, false);
    IDENTITY_AUTO identity *other = log_identity(&fork, false);
    IDENTITY_AUTO identity *bare = NULL;
    aip_did did;
    CHECK_STATUS(subject_keep(&cache, &kept), AIP_OK);
    CHECK_STATUS(aip_did_parse(aip_bytes_of(same->name), &did, NULL), AIP_OK);
    CHECK_STATUS(identity_of_name(&did, NULL, &bare, NULL), AIP_OK);
    CHECK_STATUS(save(bare, "", NOW), AIP_LOG_ROLLBACK);
    CHECK_STATUS(save(older, "", NOW), AIP_LOG_ROLLBACK);
    CHECK_STATUS(save(other, "", NOW), AIP_LOG_ROLLBACK);
    CHECK_STATUS(load(same->name, &entry), AIP_OK);
    CHECK(entry.known == NULL);
    CHECK_STATUS(save(same, "", NOW), AIP_OK);
    end();
}

/* Keys that names on DNS have shown */

static void
a_key_that_left_returns_only_by_the_operators_word(void)
{
    aip_bytes name = AIP_BYTES_LITERAL(WEB);
    begin();
    CHECK_STATUS(note(0, 2, NOW), AIP_OK);
    CHECK_STATUS(note(1, 2, NOW), AIP_OK); /* in the same second: key 0 has left */
    CHECK_STATUS(note(0, 2, NOW + 1), AIP_KEY_RETURNED);
    CHECK_STATUS(note(0, 1, NOW + 1), AIP_KEY_RETURNED);
    CHECK_STATUS(note(1, 2, NOW + 2), AIP_OK);
    CHECK_STATUS(cache.readmit_key(cache.context, name, &subject_keys[0], NULL), AIP_OK);
    CHECK_STATUS(note(1, 2, NOW + 3), AIP_OK);
    CHECK_STATUS(note(0, 2, NOW + 4), AIP_OK);
    CHECK_STATUS(note(1, 2, NOW + 5), AIP_KEY_RETURNED); /* key 2 left at + 4 */
    end();
}

static void
a_refused_document_leaves_no_trace_in_the_key_history(void)
{
    begin();
    CHECK_STATUS(note(0, 2, NOW), AIP_OK);
    CHECK_STATUS(note(0, 1, NOW + 1), AIP_OK);
    CHECK_STATUS(note(1, 3, NOW + 2), AIP_KEY_RETURNED);
    CHECK(subject_query("SELECT count(*) FROM shown_key") == 2);
    CHECK(subject_query("SELECT max(last_seen) FROM shown_key") == NOW + 1);
    CHECK(subject_query("SELECT left_at FROM shown_key WHERE left_at IS NOT NULL") == NOW + 1);
    CHECK(subject_query("SELECT first_seen FROM shown_key WHERE left_at IS NULL") == NOW);
    end();
}

static void
a_key_is_readmitted_only_where_it_left(void)
{
    begin();
    CHECK_STATUS(note(0, 2, NOW), AIP_OK);
    CHECK_STATUS(note(0, 1, NOW + 1), AIP_OK);
    aip_bytes other = AIP_BYTES_LITERAL("did:web:b.example"), name = AIP_BYTES_LITERAL(WEB);
    CHECK_STATUS(cache.readmit_key(cache.context, other, &subject_keys[1], NULL), AIP_DID_NOT_FOUND);
    CHECK_STATUS(cache.readmit_key(cache.context, name, &subject_keys[0], NULL), AIP_DID_NOT_FOUND);
    CHECK_STATUS(cache.readmit_key(cache.context, name, &subject_keys[5], NULL), AIP_DID_NOT_FOUND);
    CHECK_STATUS(cache.readmit_key(cache.context, name, &subject_keys[1], NULL), AIP_OK);
    CHECK_STATUS(cache.readmit_key(cache.context, name, &subject_keys[1], NULL), AIP_DID_NOT_FOUND);
    end();
}

static void
names_with_an_order_of_their_own_have_no_key_history(void)
{
    const subject_log log = {.first = 2, .count = 2, .fork = 99};
    begin();
    IDENTITY_AUTO identity *id = log_identity(&log, false);
    CHECK_STATUS(cache.note_keys(cache.context, id, NOW, NULL), AIP_OK);
    CHECK(subject_query("SELECT count(*) FROM shown_key") == 0);
    strcpy(id->name, "aip:web:a.example/agent");
    CHECK_STATUS(cache.note_keys(cache.context, id, NOW, NULL), AIP_OK);
    CHECK(subject_query("SELECT count(*) FROM shown_key") == 2);
    end();
}

static void
a_name_that_shows_keys_without_end_is_refused(void)
{
    begin();
    execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4096)"
            " INSERT INTO shown_key SELECT '" WEB "', randomblob(32), 1, 1, 2 FROM n");
    CHECK_STATUS(note(0, 1, NOW), AIP_STORE_UNAVAILABLE);
    CHECK(subject_query("SELECT count(*) FROM shown_key") == AIP_SHOWN_KEYS_MAX);
    end();
}

/* Failures */

/* Every way to write says store.unavailable. */
static void
check_nothing_can_be_written(void)
{
    aip_error err = AIP_ERROR_INIT;
    const subject_log log = {.first = 0, .count = 2, .fork = 99};
    IDENTITY_AUTO identity *id = web_identity(0, 1);
    aip_bytes name = AIP_BYTES_LITERAL(WEB);
    CHECK_STATUS(cache.save(cache.context, id, name, NOW, NOW, &err), AIP_STORE_UNAVAILABLE);
    CHECK(err.detail[0] != '\0' && strstr(err.detail, "example") == NULL);
    CHECK_STATUS(cache.save_refusal(cache.context, name, AIP_DID_INVALID, NOW, NULL), AIP_STORE_UNAVAILABLE);
    CHECK_STATUS(subject_keep(&cache, &log), AIP_STORE_UNAVAILABLE);
    CHECK_STATUS(note(0, 1, NOW), AIP_STORE_UNAVAILABLE);
    CHECK_STATUS(cache.readmit_key(cache.context, name, &subject_keys[3], NULL), AIP_STORE_UNAVAILABLE);
}

static void
a_full_disk_is_a_refusal_and_what_was_written_stays(void)
{
    struct rlimit before, none;
    did_cache_entry entry;
    begin();
    IDENTITY_AUTO identity *id = web_identity(2, 2);
    CHECK_STATUS(save(id, "{}", NOW + 7), AIP_OK);
    CHECK_STATUS(note(3, 1, NOW), AIP_OK);
    CHECK_STATUS(note(4, 1, NOW), AIP_OK);
    signal(SIGXFSZ, SIG_IGN);
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    none = (struct rlimit){4096, before.rlim_max};
    CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
    check_nothing_can_be_written();
    CHECK_STATUS(load(WEB, &entry), AIP_OK);
    CHECK(entry.known != NULL && entry.fresh_until == NOW + 7);
    did_cache_entry_clear(&entry);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    signal(SIGXFSZ, SIG_DFL);
    CHECK_STATUS(save(id, "{}", NOW + 8), AIP_OK);
    end();
}

static void
a_new_database_on_a_full_disk_is_a_refusal(void)
{
    struct rlimit before, none;
    subject_begin();
    signal(SIGXFSZ, SIG_IGN);
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    none = (struct rlimit){0, before.rlim_max};
    CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
    CHECK_STATUS(store_open(subject_path, &db, NULL), AIP_STORE_UNAVAILABLE);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    signal(SIGXFSZ, SIG_DFL);
    open_it();
    end();
}

static void
a_database_that_another_one_holds_is_a_refusal_after_the_wait(void)
{
    const subject_log log = {.first = 0, .count = 2, .fork = 99};
    sqlite3 *other = NULL;
    begin();
    CHECK(sqlite3_open(subject_path, &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    CHECK_STATUS(subject_keep(&cache, &log), AIP_STORE_UNAVAILABLE);
    CHECK(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    CHECK_STATUS(subject_keep(&cache, &log), AIP_OK);
    CHECK(sqlite3_close(other) == SQLITE_OK);
    end();
}

static void
want_of_memory_is_a_refusal_at_every_size(void)
{
    IDENTITY_AUTO identity *id = NULL;
    int refused = 0, done = 0;
    begin();
    id = web_identity(0, 2);
    for (sqlite3_int64 spare = 0; spare < 40000; spare += 1000) {
        sqlite3_hard_heap_limit64(sqlite3_memory_used() + spare + 1);
        aip_status status = save(id, "{}", NOW + spare);
        sqlite3_hard_heap_limit64(0);
        did_cache_entry entry;
        CHECK(status == AIP_OK || status == AIP_NO_MEMORY);
        CHECK_STATUS(load(WEB, &entry), AIP_OK);
        CHECK((status == AIP_OK) == (entry.known != NULL && entry.fresh_until == NOW + spare));
        refused += status != AIP_OK;
        done += status == AIP_OK;
        did_cache_entry_clear(&entry);
    }
    CHECK(refused > 0 && done > 0);
    end();
}

static void
a_table_that_is_missing_is_a_refusal_when_statements_are_made(void)
{
    begin();
    store_close(&db);
    execute("DROP TABLE shown_key");
    CHECK_STATUS(store_open(subject_path, &db, NULL), AIP_OK);
    CHECK_STATUS(store_identities(db, &cache, NULL), AIP_STORE_UNAVAILABLE);
    end();
}

RUN(TEST(a_new_database_has_mode_0600_whatever_the_umask), TEST(the_settings_stand_in_the_file),
    TEST(what_was_written_is_there_after_opening_again),
    TEST(a_link_to_the_file_is_followed_even_before_the_file_exists),
    TEST(names_with_a_meaning_for_sqlite_are_plain_files),
    TEST(a_file_that_is_no_database_is_refused_and_left_as_it_is),
    TEST(a_database_of_another_program_is_refused_and_left_as_it_is),
    TEST(a_database_of_a_later_version_is_refused_and_left_as_it_is),
    TEST(a_later_version_in_the_write_ahead_log_is_refused_and_left_there), TEST(a_cut_database_is_refused),
    TEST(a_database_that_others_may_write_is_refused), TEST(what_is_no_file_is_refused),
    TEST(a_store_that_was_never_opened_is_closed_without_harm), TEST(a_saved_answer_is_loaded_as_it_was),
    TEST(a_name_that_is_unknown_has_an_empty_entry), TEST(a_later_answer_replaces_record_and_document),
    TEST(a_refusal_stands_beside_what_is_known_until_a_success),
    TEST(every_status_is_kept_by_its_name_and_an_unknown_one_is_no_refusal), TEST(a_name_beyond_the_limit_is_refused),
    TEST(a_record_that_was_changed_in_the_file_is_refused), TEST(what_expires_is_removed_and_what_ended_stays),
    TEST(an_identity_that_ended_is_not_replaced_by_one_that_lives), TEST(a_log_is_kept_and_grows),
    TEST(a_shorter_log_is_refused_and_kept_as_evidence),
    TEST(a_fork_is_refused_at_every_place_and_what_was_seen_first_stays),
    TEST(evidence_is_kept_once_and_bounded_for_each_name), TEST(a_cached_answer_follows_the_log_that_is_kept),
    TEST(an_answer_that_is_older_than_the_log_is_refused), TEST(a_key_that_left_returns_only_by_the_operators_word),
    TEST(a_refused_document_leaves_no_trace_in_the_key_history), TEST(a_key_is_readmitted_only_where_it_left),
    TEST(names_with_an_order_of_their_own_have_no_key_history), TEST(a_name_that_shows_keys_without_end_is_refused),
    TEST(a_full_disk_is_a_refusal_and_what_was_written_stays), TEST(a_new_database_on_a_full_disk_is_a_refusal),
    TEST(a_database_that_another_one_holds_is_a_refusal_after_the_wait),
    TEST(want_of_memory_is_a_refusal_at_every_size),
    TEST(a_table_that_is_missing_is_a_refusal_when_statements_are_made))
