/* Policy files as one snapshot: what is wrong is told with its place, and each tool finds the scanners that are its. */
#include "gateway/rules.h"

#include <stdlib.h>
#include <unistd.h>

#include "dlp/message.h"
#include "tests/unit/check.h"

#define HEAD "apiVersion: aip-gateway/v1\nkind: AgentPolicy\nmetadata:\n  name: t\nspec:\n  allowed_tools: [a, b]\n"
#define SECRET "ghp_Q96McZuH6KILaV9mer5kAOKWLLthn7Nm6fBi"

static char folder[] = "/tmp/aip-rules.XXXXXX";
static char paths[4][64];
static text_buffer problems;

static const char *
write_file(size_t which, const char *text)
{
    if (paths[0][0] == '\0') {
        CHECK(mkdtemp(folder) != NULL);
    }
    snprintf(paths[which], sizeof paths[which], "%s/%zu", folder, which);
    FILE *file = fopen(paths[which], "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    return paths[which];
}

static aip_status
load(const char *const *files, size_t count, rules **out)
{
    const rules_setup setup = {.files = files, .count = count, .paths = {.directory = "/tmp"}};
    text_clear(&problems);
    aip_status status = rules_load(&setup, out, &problems, NULL);
    CHECK_STATUS(text_finish(&problems, NULL), AIP_OK);
    CHECK((status == AIP_OK) == (*out != NULL));
    return status;
}

static aip_status
load_text(const char *text, rules **out)
{
    const char *file = write_file(0, text);
    return load(&file, 1, out);
}

static bool
told(const char *text)
{
    return problems.size > 0 && strstr(problems.data, text) != NULL;
}

static const rule_set *
only(const rules *r)
{
    return rules_find(r, paths[0]);
}

/* How often the scanner finds something in a text; -1: there is none. */
static int
finds(const rule_set *set, unsigned direction, const char *tool, const char *text)
{
    const dlp_scanner *scanner = rules_scanner(set, direction, aip_bytes_of(tool));
    rules_tools *tools = NULL;
    dlp_workspace *workspace = NULL;
    dlp_findings findings = {0};
    if (scanner == NULL) {
        return -1;
    }
    CHECK_STATUS(rules_tools_new(&tools, NULL), AIP_OK);
    CHECK_STATUS(rules_workspace(tools, set, scanner, &workspace, NULL), AIP_OK);
    CHECK_STATUS(dlp_scan(scanner, workspace, aip_bytes_of(text), &findings, NULL), AIP_OK);
    int count = (int)findings.count;
    dlp_findings_clear(&findings);
    rules_tools_free(&tools);
    return count;
}

static void
a_file_is_found_by_its_name_and_loaded_once(void)
{
    rules *r = NULL;
    const char *files[] = {write_file(0, HEAD), write_file(1, HEAD), paths[0]};
    CHECK_STATUS(load(files, 3, &r), AIP_OK);
    CHECK(rules_count(r) == 2);
    CHECK(rules_find(r, paths[0]) != NULL && rules_find(r, paths[1]) != NULL);
    CHECK(rules_find(r, paths[0])->serial != rules_find(r, paths[1])->serial);
    CHECK(rules_find(r, "elsewhere") == NULL);
    rules_free(&r);
    CHECK(r == NULL && rules_count(NULL) == 0);
}

static void
no_two_snapshots_have_one_serial(void)
{
    rules *first = NULL, *second = NULL;
    CHECK_STATUS(load_text(HEAD, &first), AIP_OK);
    CHECK_STATUS(load_text(HEAD, &second), AIP_OK);
    CHECK(only(first)->serial != only(second)->serial);
    rules_free(&first);
    rules_free(&second);
}

static void
what_is_wrong_is_told_with_its_place(void)
{
    rules *r = NULL;
    CHECK_STATUS(load_text(HEAD "  tool_rules:\n    - tool: a\n      allow_argz: {}\n", &r), AIP_CONFIG_INVALID);
    CHECK(told(paths[0]) && told(":9:"));
    CHECK_STATUS(load_text("kind: [", &r), AIP_CONFIG_INVALID);
    CHECK_STATUS(load_text(HEAD "  tool_rules:\n    - tool: a\n      allow_args: {x: \"(\"}\n", &r),
                 AIP_PATTERN_INVALID);
    CHECK(told(":9:"));
}

static void
each_bad_file_is_told_and_none_is_loaded(void)
{
    rules *r = NULL;
    const char *files[] = {write_file(0, "a: 1\n"), write_file(1, HEAD), write_file(2, "b: 1\n")};
    CHECK_STATUS(load(files, 3, &r), AIP_CONFIG_INVALID);
    CHECK(told(paths[0]) && told(paths[2]) && !told(paths[1]));
}

static void
a_file_that_is_not_there_is_refused(void)
{
    rules *r = NULL;
    const char *file = "/tmp/aip-rules-none";
    CHECK_STATUS(load(&file, 1, &r), AIP_IO);
}

static void
a_canary_that_cannot_be_read_refuses_the_policy(void)
{
    rules *r = NULL;
    CHECK_STATUS(load_text(HEAD "  dlp:\n    canaries: [{file: /tmp/aip-rules-none}]\n", &r), AIP_IO);
    CHECK(told("dlp"));
}

static void
a_pattern_that_is_not_one_refuses_the_policy(void)
{
    rules *r = NULL;
    CHECK(load_text(HEAD "  dlp:\n    patterns: [{name: x, regex: \"(\"}]\n", &r) != AIP_OK);
    CHECK(told(paths[0]));
}

static void
without_dlp_nothing_is_looked_into(void)
{
    rules *r = NULL;
    CHECK_STATUS(load_text(HEAD, &r), AIP_OK);
    CHECK(finds(only(r), DLP_REQUEST, "", SECRET) == -1 && finds(only(r), DLP_RESPONSE, "a", SECRET) == -1);
    CHECK(rules_audit_scanner(only(r)) == NULL);
    rules_free(&r);
    CHECK_STATUS(load_text(HEAD "  dlp:\n    enabled: false\n    builtin: true\n    scan_requests: true\n", &r),
                 AIP_OK);
    CHECK(finds(only(r), DLP_REQUEST, "", SECRET) == -1);
    rules_free(&r);
}

static void
a_tool_has_its_own_scanners_in_any_spelling(void)
{
    rules *r = NULL;
    CHECK_STATUS(load_text(HEAD "  dlp:\n    builtin: true\n    scan_requests: true\n    scan_responses: true\n"
                                "    tools:\n      a: {scan_requests: false}\n",
                           &r),
                 AIP_OK);
    CHECK(finds(only(r), DLP_REQUEST, "b", SECRET) == 1);
    CHECK(finds(only(r), DLP_REQUEST, "", SECRET) == 1);
    CHECK(finds(only(r), DLP_REQUEST, "a", SECRET) == -1);
    CHECK(finds(only(r), DLP_REQUEST, "A", SECRET) == -1);
    CHECK(finds(only(r), DLP_REQUEST, "aa", SECRET) == 1);
    CHECK(finds(only(r), DLP_RESPONSE, "a", SECRET) == 1);
    rules_free(&r);
}

static void
planted_values_are_looked_for_in_requests_in_any_case(void)
{
    rules *r = NULL;
    write_file(3, "planted-in-a-file\n");
    TEXT_AUTO text_buffer text = {0};
    text_append_format(&text,
                       HEAD "  dlp:\n    builtin: true\n    scan_requests: false\n    scan_responses: true\n"
                            "    canaries: [planted-here, {file: %s}]\n    tools:\n      a: {scan_requests: false}\n",
                       paths[3]);
    CHECK_STATUS(text_finish(&text, NULL), AIP_OK);
    CHECK_STATUS(load_text(text.data, &r), AIP_OK);
    CHECK(finds(only(r), DLP_REQUEST, "a", "say planted-here") == 1);
    CHECK(finds(only(r), DLP_REQUEST, "b", "say planted-in-a-file") == 1);
    CHECK(finds(only(r), DLP_REQUEST, "b", SECRET) == 0);
    rules_free(&r);
}

static void
the_log_scanner_finds_what_no_direction_looks_for(void)
{
    rules *r = NULL;
    rules_tools *tools = NULL;
    dlp_workspace *workspace = NULL;
    dlp_findings findings = {0};
    CHECK_STATUS(load_text(HEAD "  dlp:\n    builtin: false\n    scan_requests: false\n    scan_responses: false\n"
                                "    patterns: [{name: word, regex: aurora, action: warn}]\n",
                           &r),
                 AIP_OK);
    CHECK_STATUS(rules_tools_new(&tools, NULL), AIP_OK);
    const dlp_scanner *scanner = rules_audit_scanner(only(r));
    CHECK(scanner != NULL);
    CHECK_STATUS(rules_workspace(tools, only(r), scanner, &workspace, NULL), AIP_OK);
    CHECK_STATUS(dlp_scan(scanner, workspace, AIP_BYTES_LITERAL("aurora " SECRET), &findings, NULL), AIP_OK);
    CHECK(findings.count == 2 && findings.items[0].action == DLP_REDACT && findings.items[1].action == DLP_REDACT);
    dlp_findings_clear(&findings);
    rules_tools_free(&tools);
    rules_free(&r);
}

/* More scanners than workspaces are kept, over several snapshots: each use finds one of its own. */
static void
a_workspace_is_never_another_scanners(void)
{
    static const char *const words[] = {"alpha-one", "bravo-two"};
    rules *kept[3] = {NULL};
    rules_tools *tools = NULL;
    CHECK_STATUS(rules_tools_new(&tools, NULL), AIP_OK);
    for (int round = 0; round < 20; round++) {
        rules **r = &kept[round % 3];
        char text[400];
        snprintf(text, sizeof text, HEAD "  dlp:\n    scan_requests: true\n    patterns: [{name: w, regex: %s}]\n",
                 words[round % 2]);
        rules_free(r);
        CHECK_STATUS(load_text(text, r), AIP_OK);
        const rule_set *set = only(*r);
        for (int i = 0; i < 2; i++) {
            const dlp_scanner *scanner = rules_scanner(set, DLP_REQUEST, (aip_bytes){NULL, 0});
            dlp_workspace *workspace = NULL;
            dlp_findings findings = {0};
            CHECK_STATUS(rules_workspace(tools, set, scanner, &workspace, NULL), AIP_OK);
            CHECK_STATUS(dlp_scan(scanner, workspace, aip_bytes_of(words[i]), &findings, NULL), AIP_OK);
            CHECK(findings.count == (size_t)(i == round % 2));
            dlp_findings_clear(&findings);
        }
    }
    for (int i = 0; i < 3; i++) {
        rules_free(&kept[i]);
    }
    rules_tools_free(&tools);
    CHECK(tools == NULL);
}

static void
the_folder_is_removed(void)
{
    for (size_t i = 0; i < 4; i++) {
        unlink(paths[i]);
    }
    text_clear(&problems);
    CHECK(rmdir(folder) == 0);
}

RUN(TEST(a_file_is_found_by_its_name_and_loaded_once), TEST(no_two_snapshots_have_one_serial),
    TEST(what_is_wrong_is_told_with_its_place), TEST(each_bad_file_is_told_and_none_is_loaded),
    TEST(a_file_that_is_not_there_is_refused), TEST(a_canary_that_cannot_be_read_refuses_the_policy),
    TEST(a_pattern_that_is_not_one_refuses_the_policy), TEST(without_dlp_nothing_is_looked_into),
    TEST(a_tool_has_its_own_scanners_in_any_spelling), TEST(planted_values_are_looked_for_in_requests_in_any_case),
    TEST(the_log_scanner_finds_what_no_direction_looks_for), TEST(a_workspace_is_never_another_scanners),
    TEST(the_folder_is_removed))
