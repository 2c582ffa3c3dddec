/* No byte of a log can be changed, lost or added unseen, in any kind of line and in any file of a series. */
#include "tests/unit/audit_subject.h"

#include "audit/line.h"
#include "crypto/hash.h"

#define FILES_MAX 8

static audit_summary summary;

/* A series in memory. */
static struct {
    size_t count;
    char *paths[FILES_MAX], *texts[FILES_MAX];
    size_t sizes[FILES_MAX];
} log_files;

static void
write_every_kind(audit_log *log)
{
    static const char *const events[] = {"alert", "approval", "pin", "reload", "hold_freed"};
    static const audit_dlp_finding findings[] = {{"email", "/a", "request", "redacted", 1, "0123456789abcdef"}};
    audit_record record = subject_record(1);
    record.arguments = AIP_BYTES_LITERAL("{\"a\":\"b\"}");
    record.findings = findings;
    record.finding_count = 1;
    CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    const audit_outcome outcome = {.decision_id = record.decision_id, .http = 200, .bytes = 9};
    CHECK_STATUS(subject_append_outcome(log, &outcome, NULL), AIP_OK);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        const audit_event event = {.name = events[i], .subject = AIP_BYTES_LITERAL("it")};
        CHECK_STATUS(audit_append_event(log, &event, NULL), AIP_OK);
    }
    char *text = NULL;
    const completion_statement said = {
        .issuer = subject_did, .issued_at = 1, .link = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", .status = "done"};
    const completion_check check = {.issuer = aip_bytes_of(subject_did)};
    CHECK_STATUS(completion_sign(subject_key, &said, &text, NULL), AIP_OK);
    CHECK_STATUS(subject_append_completion(log, aip_bytes_of(text), &check, NULL), AIP_OK);
    free(text);
}

static void
begin(void)
{
    audit_log *log = NULL;
    SERIES_AUTO audit_series files = {0};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    if (subject_key == NULL && access("/dev/shm", W_OK) == 0) { /* thousands of small files: in memory if possible */
        _Static_assert(sizeof subject_folder == sizeof "/dev/shm/audit.XXXXXX", "the names are as long");
        memcpy(subject_folder, "/dev/shm/audit.XXXXXX", sizeof subject_folder);
    }
    subject_begin();
    audit_options options = subject_options(5);
    options.rotate_bytes = 2500;
    CHECK_STATUS(audit_open_with(&options, &log, NULL), AIP_OK);
    write_every_kind(log);
    audit_close(&log);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    CHECK(summary.completions == 1 && summary.checkpoints >= 2);
    CHECK_STATUS(audit_series_list(subject_path, &files, NULL), AIP_OK);
    CHECK(files.count >= 2 && files.count <= FILES_MAX);
    for (log_files.count = 0; log_files.count < files.count && log_files.count < FILES_MAX; log_files.count++) {
        size_t i = log_files.count;
        log_files.paths[i] = strdup(files.paths[i]);
        CHECK_STATUS(text_load_file(files.paths[i], 1 << 20, &log_files.texts[i], &log_files.sizes[i], NULL), AIP_OK);
    }
}

static void
end(void)
{
    for (size_t i = 0; i < log_files.count; i++) {
        free(log_files.paths[i]);
        free(log_files.texts[i]);
    }
    log_files.count = 0;
}

/* Judges the series with another text in the place of file `i`. */
static void
check_refused(size_t i, aip_bytes text)
{
    subject_save(log_files.paths[i], text);
    aip_status status = subject_verify(true, &summary);
    CHECK(status != AIP_OK && status != AIP_IO && summary.finding_count > 0);
}

static void
restore(size_t i)
{
    subject_save(log_files.paths[i], (aip_bytes){(unsigned char *)log_files.texts[i], log_files.sizes[i]});
}

static void
every_flipped_bit_of_every_kind_of_line_is_found(void)
{
    begin();
    for (size_t i = 0; i < log_files.count; i++) {
        for (size_t at = 0; at < log_files.sizes[i]; at++) {
            unsigned char bit = (unsigned char)(1u << (at % 8));
            log_files.texts[i][at] ^= (char)bit;
            check_refused(i, (aip_bytes){(unsigned char *)log_files.texts[i], log_files.sizes[i]});
            log_files.texts[i][at] ^= (char)bit;
        }
        restore(i);
    }
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    end();
}

static void
every_lost_byte_of_every_kind_of_line_is_found(void)
{
    begin();
    for (size_t i = 0; i < log_files.count; i++) {
        for (size_t at = 0; at < log_files.sizes[i]; at++) {
            TEXT_AUTO text_buffer text = {0};
            text_append(&text, (aip_bytes){(unsigned char *)log_files.texts[i], at});
            text_append(&text, (aip_bytes){(unsigned char *)log_files.texts[i] + at + 1, log_files.sizes[i] - at - 1});
            check_refused(i, text_view(&text));
        }
        restore(i);
    }
    end();
}

static void
every_added_byte_of_every_kind_of_line_is_found(void)
{
    static const unsigned char added[] = {' ', '\n', '0', '"'};
    begin();
    for (size_t i = 0; i < log_files.count; i++) {
        for (size_t at = 0; at <= log_files.sizes[i]; at++) {
            TEXT_AUTO text_buffer text = {0};
            text_append(&text, (aip_bytes){(unsigned char *)log_files.texts[i], at});
            text_append(&text, (aip_bytes){&added[at % sizeof added], 1});
            text_append(&text, (aip_bytes){(unsigned char *)log_files.texts[i] + at, log_files.sizes[i] - at});
            check_refused(i, text_view(&text));
        }
        restore(i);
    }
    end();
}

static void
a_file_that_is_cut_anywhere_is_found(void)
{
    begin();
    for (size_t i = 0; i + 1 < log_files.count; i++) { /* of the last, what was known tells */
        for (size_t size = 0; size < log_files.sizes[i]; size += 97) {
            check_refused(i, (aip_bytes){(unsigned char *)log_files.texts[i], size});
        }
        restore(i);
    }
    end();
    subject_end();
}

RUN(TEST(every_flipped_bit_of_every_kind_of_line_is_found), TEST(every_lost_byte_of_every_kind_of_line_is_found),
    TEST(every_added_byte_of_every_kind_of_line_is_found), TEST(a_file_that_is_cut_anywhere_is_found))
