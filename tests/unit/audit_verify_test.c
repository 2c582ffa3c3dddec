/* What is done to a log is found, and named by line. */
#include "tests/unit/audit_subject.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"

static audit_summary summary;
static subject_lines lines;

/* Is exactly this found, at this line? */
static void
check_found(aip_status status, uint64_t line, uint64_t number)
{
    CHECK_STATUS(subject_verify(true, &summary), status);
    CHECK(summary.finding_count == 1);
    CHECK(summary.findings[0].line == line);
    CHECK(summary.findings[0].first == number);
}

static void
begin(unsigned count, uint64_t checkpoint_lines)
{
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    subject_write(count, checkpoint_lines);
    subject_cut(&lines);
}

static void
end(void)
{
    free(lines.text);
}

static void
take_out(size_t first, size_t count)
{
    memmove(&lines.lines[first], &lines.lines[first + count], (lines.count - first - count) * sizeof lines.lines[0]);
    lines.count -= count;
}

static void
put_in(size_t at, aip_bytes line)
{
    memmove(&lines.lines[at + 1], &lines.lines[at], (lines.count - at) * sizeof lines.lines[0]);
    lines.lines[at] = line;
    lines.count++;
}

static void
move(size_t from, size_t to)
{
    aip_bytes line = lines.lines[from];
    take_out(from, 1);
    put_in(to, line);
}

static void
an_untouched_log_is_whole(void)
{
    begin(25, 10);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    CHECK(summary.lines == 28 && summary.checkpoints == 3 && summary.number == 28 && summary.signed_lines == 27);
    CHECK(summary.first == 1 && summary.bytes == lines.size && summary.finding_count == 0);
    end();
}

static void
an_empty_log_is_whole_and_proves_nothing(void)
{
    subject_write(0, 0);
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    CHECK(summary.lines == 0);
    CHECK_STATUS(subject_verify(true, &summary), AIP_AUDIT_CHECKPOINT);
}

/* Each bit pattern that a byte can be changed by would be many thousand verifications: two of them for each byte. */
static void
every_changed_byte_is_found_near_its_line(void)
{
    static const unsigned char changes[] = {0x01, 0x20};
    begin(4, 3);
    size_t at = 0;
    for (size_t i = 0; i < lines.count; i++) {
        for (size_t byte = 0; byte < lines.lines[i].size; byte++, at++) {
            for (size_t c = 0; c < sizeof changes; c++) {
                lines.text[at] = (char)(lines.text[at] ^ changes[c]);
                subject_save(subject_path, (aip_bytes){(unsigned char *)lines.text, lines.size});
                lines.text[at] = (char)(lines.text[at] ^ changes[c]);
                aip_status status = subject_verify(true, &summary);
                CHECK(status != AIP_OK && status != AIP_IO);
                CHECK(summary.findings[0].line == i + 1);
            }
        }
    }
    end();
}

static void
every_lost_byte_is_found(void)
{
    begin(4, 3);
    for (size_t at = 0; at < lines.size; at++) {
        TEXT_AUTO text_buffer text = {0};
        text_append(&text, (aip_bytes){(unsigned char *)lines.text, at});
        text_append(&text, (aip_bytes){(unsigned char *)lines.text + at + 1, lines.size - at - 1});
        subject_save(subject_path, text_view(&text));
        aip_status status = subject_verify(true, &summary);
        CHECK(status != AIP_OK && status != AIP_IO);
    }
    end();
}

static void
a_changed_line_is_named(void)
{
    begin(9, 100);
    memcpy(strstr((char *)lines.lines[4].data, "search"), "select", 6);
    subject_join(&lines);
    check_found(AIP_AUDIT_CHANGED, 5, 5);
    end();
}

static void
a_changed_link_is_named(void)
{
    begin(9, 100);
    char *link = strstr((char *)lines.lines[4].data, "\"prev\":\"") + 8;
    *link = *link == 'A' ? 'B' : 'A';
    subject_join(&lines);
    check_found(AIP_AUDIT_CHANGED, 5, 5);
    end();
}

static void
a_missing_line_is_named(void)
{
    begin(9, 100);
    take_out(4, 1);
    subject_join(&lines);
    check_found(AIP_AUDIT_MISSING, 5, 5);
    CHECK(summary.findings[0].last == 5);
    end();
}

static void
missing_lines_are_named_from_first_to_last(void)
{
    begin(9, 100);
    take_out(3, 3);
    subject_join(&lines);
    check_found(AIP_AUDIT_MISSING, 4, 4);
    CHECK(summary.findings[0].last == 6);
    end();
}

static void
a_missing_beginning_is_found(void)
{
    begin(9, 100);
    take_out(0, 2);
    subject_join(&lines);
    check_found(AIP_AUDIT_MISSING, 1, 1);
    CHECK(summary.findings[0].last == 2);
    end();
}

static void
a_repeated_line_is_an_added_one(void)
{
    begin(9, 100);
    put_in(7, lines.lines[4]);
    subject_join(&lines);
    check_found(AIP_AUDIT_ADDED, 8, 5);
    end();
}

static void
a_last_line_that_stands_twice_is_an_added_one(void)
{
    begin(9, 100);
    put_in(10, lines.lines[9]);
    subject_join(&lines);
    check_found(AIP_AUDIT_ADDED, 11, 10);
    end();
}

static void
the_last_two_lines_in_the_place_of_each_other_are_one_finding(void)
{
    begin(9, 100);
    take_out(9, 1); /* the checkpoint */
    move(7, 8);
    subject_join(&lines);
    CHECK_STATUS(subject_verify(false, &summary), AIP_AUDIT_ORDER);
    CHECK(summary.finding_count == 1 && summary.findings[0].line == 8 && summary.findings[0].first == 9);
    end();
}

/* A line that follows the one before it rightly, as somebody who knows the format would write it. */
static void
a_forged_line_is_an_added_one(void)
{
    begin(9, 100);
    unsigned char hash[AIP_HASH_BYTES];
    char link[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1], forged[256];
    hash_sha256((aip_bytes){lines.lines[3].data, lines.lines[3].size - 1}, hash);
    base64url_encode((aip_bytes){hash, sizeof hash}, link);
    snprintf(forged, sizeof forged, "{\"event\":\"decision\",\"decision\":\"BLOCK\",\"seq\":5,\"prev\":\"%s\"}\n",
             link);
    put_in(4, aip_bytes_of(forged));
    subject_join(&lines);
    check_found(AIP_AUDIT_ADDED, 5, 0);
    end();
}

static void
text_between_lines_is_an_added_line(void)
{
    begin(9, 100);
    put_in(4, AIP_BYTES_LITERAL("hello\n"));
    subject_join(&lines);
    check_found(AIP_AUDIT_ADDED, 5, 0);
    end();
}

static void
a_line_moved_down_is_named(void)
{
    begin(9, 100);
    move(3, 6);
    subject_join(&lines);
    check_found(AIP_AUDIT_ORDER, 7, 4);
    end();
}

static void
a_line_moved_up_is_named(void)
{
    begin(9, 100);
    move(6, 3);
    subject_join(&lines);
    check_found(AIP_AUDIT_ORDER, 4, 7);
    end();
}

static void
two_lines_in_the_place_of_each_other_are_one_finding(void)
{
    begin(9, 100);
    move(4, 5);
    subject_join(&lines);
    check_found(AIP_AUDIT_ORDER, 5, 6);
    end();
}

static void
a_torn_line_is_named(void)
{
    begin(9, 100);
    lines.lines[lines.count - 1].size -= 20;
    subject_join(&lines);
    CHECK_STATUS(subject_verify(false, &summary), AIP_AUDIT_CUT);
    CHECK(summary.finding_count == 1 && summary.findings[0].line == 10);
    end();
}

static void
several_changes_are_told_one_by_one(void)
{
    begin(30, 100);
    memcpy(strstr((char *)lines.lines[4].data, "search"), "select", 6);
    memcpy(strstr((char *)lines.lines[20].data, "search"), "select", 6);
    take_out(10, 1);
    subject_join(&lines);
    CHECK_STATUS(subject_verify(true, &summary), AIP_AUDIT_CHANGED);
    CHECK(summary.finding_count == 3);
    CHECK(summary.findings[0].line == 5 && summary.findings[1].line == 11 && summary.findings[2].line == 20);
    CHECK(summary.findings[1].status == AIP_AUDIT_MISSING && summary.findings[2].status == AIP_AUDIT_CHANGED);
    end();
}

/* Writes the lines again with new numbers and hashes, as somebody who can write the file would. */
static void
forge_chain(void)
{
    TEXT_AUTO text_buffer text = {0};
    unsigned char previous[AIP_HASH_BYTES] = {0};
    for (size_t i = 0; i < lines.count; i++) {
        TEXT_AUTO text_buffer line = {0};
        const char *seq = memmem(lines.lines[i].data, lines.lines[i].size, ",\"seq\":", 7);
        text_append(&line,
                    (aip_bytes){lines.lines[i].data, (size_t)((const unsigned char *)seq - lines.lines[i].data)});
        audit_line_finish(&line, i + 1, previous);
        hash_sha256((aip_bytes){(unsigned char *)line.data, line.size - 1}, previous);
        text_append(&text, text_view(&line));
    }
    subject_save(subject_path, text_view(&text));
}

static void
a_log_that_was_rewritten_is_found_by_its_checkpoints(void)
{
    begin(25, 10);
    memcpy(strstr((char *)lines.lines[4].data, "search"), "select", 6);
    forge_chain();
    CHECK_STATUS(subject_verify(false, &summary), AIP_AUDIT_CHECKPOINT);
    CHECK_STATUS(subject_verify(true, &summary), AIP_AUDIT_CHECKPOINT);
    CHECK(summary.findings[0].line == 11);
    end();
}

static void
checkpoints_that_were_taken_out_are_missed(void)
{
    begin(35, 10);
    take_out(lines.count - 1, 1); /* the last */
    take_out(21, 1);
    take_out(31, 1);
    forge_chain(); /* hashes and numbers are right again, and the first checkpoint still is */
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    CHECK_STATUS(subject_verify(true, &summary), AIP_AUDIT_CHECKPOINT);
    CHECK(summary.findings[0].line == 22);
    end();
}

static void
a_log_without_checkpoints_does_not_pass_for_a_signed_one(void)
{
    begin(5, 0);
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    CHECK_STATUS(subject_verify(true, &summary), AIP_AUDIT_CHECKPOINT);
    end();
}

static void
checkpoints_of_another_gateway_do_not_count(void)
{
    begin(5, 3);
    const char *path = subject_path;
    const audit_check check = {
        .paths = &path, .path_count = 1, .trust = {&subject_keys, AIP_BYTES_LITERAL("did:web:other.example")}};
    CHECK_STATUS(audit_verify(&check, &summary, NULL), AIP_AUDIT_CHECKPOINT);
    end();
}

static void
a_cut_end_is_found_by_what_was_known(void)
{
    begin(9, 100);
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    const char *path = subject_path;
    audit_check check = {.paths = &path, .path_count = 1, .known_lines = summary.number};
    memcpy(check.known_head, summary.head, sizeof check.known_head);
    CHECK_STATUS(audit_verify(&check, &summary, NULL), AIP_OK);
    take_out(7, 3);
    subject_join(&lines);
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK); /* nothing in the file tells */
    CHECK_STATUS(audit_verify(&check, &summary, NULL), AIP_AUDIT_CUT);
    CHECK(summary.findings[0].first == 8 && summary.findings[0].last == 10);
    check.known_lines = 7;
    CHECK_STATUS(audit_verify(&check, &summary, NULL), AIP_AUDIT_CHANGED);
    end();
}

static void
a_later_part_is_verified_only_when_asked_for(void)
{
    begin(9, 3);
    take_out(0, 2);
    subject_join(&lines);
    const char *path = subject_path;
    const audit_check check = {.paths = &path, .path_count = 1, .trust = {&subject_keys, {NULL, 0}}, .part = true};
    CHECK_STATUS(audit_verify(&check, &summary, NULL), AIP_OK);
    CHECK(summary.first == 3);
    CHECK_STATUS(subject_verify(true, &summary), AIP_AUDIT_MISSING);
    end();
}

static void
lines_of_the_first_version_have_no_numbers_and_are_judged_by_their_hashes(void)
{
    static const char *const first = "{\"pad\": \"x\", \"prev\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
    unsigned char hash[AIP_HASH_BYTES];
    char link[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1], text[512];
    audit_log *log = NULL;
    subject_begin();
    hash_sha256(aip_bytes_of(first), hash);
    base64url_encode((aip_bytes){hash, sizeof hash}, link);
    snprintf(text, sizeof text, "%s\n{\"event\":\"decision\",\"prev\":\"%s\"}\n", first, link);
    subject_save(subject_path, aip_bytes_of(text));
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    CHECK_STATUS(subject_open(subject_path, &log, NULL), AIP_OK);
    subject_append(log, 1, 2);
    audit_close(&log);
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    CHECK(summary.number == 4); /* numbers go on from the count */
    subject_cut(&lines);
    lines.lines[1].data++; /* what was changed and has no number is still found */
    lines.lines[1].size--;
    subject_join(&lines);
    CHECK(subject_verify(false, &summary) != AIP_OK);
    end();
}

static void
a_line_that_is_too_long_is_not_one_of_ours(void)
{
    begin(3, 100);
    TEXT_AUTO text_buffer line = {0};
    text_append_string(&line, "{\"event\":\"decision\",\"pad\":\"");
    for (size_t i = 0; i < 100000; i++) {
        text_append_string(&line, "0123456789");
    }
    text_append_string(&line, "\"}\n");
    put_in(1, text_view(&line));
    subject_join(&lines);
    check_found(AIP_AUDIT_ADDED, 2, 0);
    end();
}

static void
a_file_that_is_not_there_is_no_verdict(void)
{
    const char *path = "/nonexistent/log";
    const audit_check check = {.paths = &path, .path_count = 1};
    CHECK_STATUS(audit_verify(&check, &summary, NULL), AIP_IO);
    subject_end();
}

RUN(TEST(an_untouched_log_is_whole), TEST(an_empty_log_is_whole_and_proves_nothing),
    TEST(every_changed_byte_is_found_near_its_line), TEST(every_lost_byte_is_found), TEST(a_changed_line_is_named),
    TEST(a_changed_link_is_named), TEST(a_missing_line_is_named), TEST(missing_lines_are_named_from_first_to_last),
    TEST(a_missing_beginning_is_found), TEST(a_repeated_line_is_an_added_one), TEST(a_forged_line_is_an_added_one),
    TEST(a_last_line_that_stands_twice_is_an_added_one),
    TEST(the_last_two_lines_in_the_place_of_each_other_are_one_finding), TEST(text_between_lines_is_an_added_line),
    TEST(a_line_moved_down_is_named), TEST(a_line_moved_up_is_named),
    TEST(two_lines_in_the_place_of_each_other_are_one_finding), TEST(a_torn_line_is_named),
    TEST(several_changes_are_told_one_by_one), TEST(a_log_that_was_rewritten_is_found_by_its_checkpoints),
    TEST(checkpoints_that_were_taken_out_are_missed), TEST(a_log_without_checkpoints_does_not_pass_for_a_signed_one),
    TEST(checkpoints_of_another_gateway_do_not_count), TEST(a_cut_end_is_found_by_what_was_known),
    TEST(a_later_part_is_verified_only_when_asked_for),
    TEST(lines_of_the_first_version_have_no_numbers_and_are_judged_by_their_hashes),
    TEST(a_line_that_is_too_long_is_not_one_of_ours), TEST(a_file_that_is_not_there_is_no_verdict))
