/* Protected paths under every spelling, and what only looks like one. */
#include "policy/path.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "aip/limits.h"
#include "base/text.h"
#include "policy/path_inside.h"
#include "tests/unit/check.h"

static const char *const usual[] = {"~/.ssh", "/etc/shadow", "/srv/**/secret*", "/data/[0-9]x",
                                    "/Caf\xC3\xA9/M\xC3\x84R"};
static const path_setting beside = {.home = "/home/agent", .directory = "/home/agent/workspace"};

static path_guard *
guard_of(const char *const *entries, size_t count, const path_setting *setting)
{
    path_guard *guard = NULL;
    CHECK_STATUS(path_guard_new(entries, count, setting, &guard, NULL), AIP_OK);
    return guard;
}

static size_t
touched(const path_setting *setting, aip_bytes text, bool recursive)
{
    size_t entry = PATH_NONE;
    path_guard *guard = guard_of(usual, sizeof usual / sizeof usual[0], setting);
    if (guard != NULL) {
        CHECK_STATUS(path_guard_check(guard, text, recursive, &entry, NULL), AIP_OK);
    }
    path_guard_free(&guard);
    return entry;
}

static void
check_all(const char *const *texts, size_t count, bool wanted)
{
    for (size_t i = 0; i < count; i++) {
        if ((touched(&beside, aip_bytes_of(texts[i]), false) != PATH_NONE) != wanted) {
            printf("  %s: %s\n", wanted ? "not touched" : "touched", texts[i]);
            CHECK(false);
        }
    }
}

#define CHECK_TOUCHED(...)                                      \
    do {                                                        \
        static const char *const texts[] = {__VA_ARGS__};       \
        check_all(texts, sizeof texts / sizeof texts[0], true); \
    } while (0)
#define CHECK_FREE(...)                                          \
    do {                                                         \
        static const char *const texts[] = {__VA_ARGS__};        \
        check_all(texts, sizeof texts / sizeof texts[0], false); \
    } while (0)

static void
an_entry_and_all_beneath_it_are_touched(void)
{
    CHECK_TOUCHED("/etc/shadow", "/etc/shadow/", "/etc/shadow/x", "//etc/./shadow", "/tmp/../etc/shadow", "~/.ssh",
                  "~/.ssh/id", "/home/agent/.ssh/id", "../.ssh", "x/../../.ssh/a", "../../../../../etc/shadow",
                  "/proc/self/root/etc/shadow", "/proc/1/cwd/../.ssh/x", "/proc/self/task/7/root/etc/shadow",
                  "~agent/.ssh", "$HOME/.ssh", "${HOME}/.ssh/x", "$PWD/../.ssh", "/ETC/Shadow", "/etc/shadow.",
                  "/etc/shadow ", " /etc/shadow\n", "file:///etc/shadow", "FILE:/etc/shadow",
                  "file://localhost/etc/shadow");
    CHECK(touched(&beside, AIP_BYTES_LITERAL("/etc/shadow"), false) == 1);
    CHECK(touched(&beside, AIP_BYTES_LITERAL("~/.ssh/x"), false) == 0);
    CHECK(touched(&beside, AIP_BYTES_LITERAL("/etc/shadow\0.png"), false) == 1);
}

static void
neighbours_are_free(void)
{
    CHECK_FREE("/etc/shadow.d/x", "/etc/shadow.bak", "/etc/shadows", "/etc", "/", "", ".", "..", "~", "~.ssh",
               "/home/other/.ssh", "/home/agent/ssh", "a/etc/shadow", "shadow", ".ssh", "~nobody/.ssh",
               "/usr/share/shadow", "README.md", "https://example.com/a/.ssh/", "https://example.com/etc/shadow",
               "git@github.com:a/b.git", "C:\\Users\\agent\\file", "/proc/self/status", "/proc/selfish/root/etc/shadow",
               "/etc/x/../../tmp/shadow", "fix the .ssh handling, see etc", "50% of /etc & more", "a && b || c", "100%",
               "%", "&#;", "$HOME", "${HOME", "$HOMES/.ssh");
}

static void
escapes_are_undone_to_the_end(void)
{
    CHECK_TOUCHED("%2fetc%2fshadow", "/etc/%73hadow", "%252fetc%252fshadow", "%25252fetc/shadow", "%%32%66etc/shadow",
                  "..%c0%af..%c0%af..%c0%afetc%c0%afshadow", "%e0%80%afetc/shadow", "%u002fetc%u002fshadow",
                  "/etc/shadow%00.png", "&#47;etc&#x2f;shadow", "&sol;etc/shadow", "&amp;#47;etc/shadow",
                  "&amp;amp;#x000002f;etc&#x2f;shadow", "file:///home/agent/%2essh/id", "%7e/.ssh",
                  "/home/agent/.ssh/%2e%2e/x", "/%5e%2e%2e/../../etc/shadow");
    CHECK_FREE("%2fetc%2fshadows", "%zz/etc/shadow%", "&#;etc/shadow", "&#xzz;etc/shadow", "/etc/%shadow");
}

static void
look_alikes_count_as_what_they_look_like(void)
{
    CHECK_TOUCHED("\xEF\xBC\x8F"
                  "etc\xEF\xBC\x8Fshadow",
                  "..\xE2\x81\x84..\xE2\x81\x84..\xE2\x81\x84"
                  "etc/shadow",
                  "\xE2\x80\xA5/.ssh", "/etc/\xEF\xBD\x93hadow",
                  "/etc/sha\xE2\x80\x8B"
                  "dow",
                  "\xE2\x88\x95"
                  "etc/shadow",
                  "/cafe\xCC\x81/ma\xCC\x88r", "/CAF\xC3\x89/m\xC3\xA4r/x",
                  "\xEF\xBC\x85"
                  "2fetc/shadow");
    CHECK_FREE("/cafe/mar", "/etc/\xD1\x95hadow");
}

static void
backslashes_separate_and_quotes_do_not(void)
{
    CHECK_TOUCHED("\\etc\\shadow", "..\\..\\..\\etc\\shadow", "..\\/..\\/..\\/etc/shadow", "/etc/sha\\dow",
                  "/etc/sha\"\"dow", "/etc/'shadow'", "'/etc/shadow'", "\"~/.ssh/id\"", "/home/agent/a\\b/../.ssh");
    CHECK_FREE("\\etc\\shadows", "a\\nb", "\\", "\\\\server\\share", "it's a\\b");
}

static void
paths_within_a_text_are_found(void)
{
    CHECK_TOUCHED("cat /etc/shadow", "cat</etc/shadow|wc", "ls;cat ~/.ssh/id_rsa;", "FOO=/etc/shadow",
                  "docker -v /etc/shadow:/x", "curl -d@/etc/shadow", "x -f/etc/shadow", "cc -I../.ssh x",
                  "cc -I~/.ssh x", "$(cat /etc/shadow)", "{\"path\":\"/etc/shadow\"}", "[a](/etc/shadow)",
                  "--file=../.ssh/config", "a,/etc/shadow,b", "echo hi > ~/.ssh/authorized_keys",
                  "line\n/etc/shadow\nline", "/etc/shadow?x=1", "/etc/shadow#frag", "read /etc/shadow, please");
    CHECK_FREE("cat /etc/passwd", "rm -rf /tmp/x", "a /b/etc/shadow c", "s/etc/shadow/g");
}

static void
globs_touch_what_they_could_match(void)
{
    CHECK_TOUCHED("/etc/sha*", "/etc/sh?dow", "/e*/shadow", "/etc/[s]hadow", "/etc/{shadow,passwd}", "/etc/*",
                  "/etc/**", "/**/shadow", "~/.s*/id", "/*/*", "/srv/a/b/secrets", "/srv/secret", "/srv/x/secret.txt/y",
                  "/data/7x", "/data/?x", "/data/*", "/srv/*/s?cret", "/Caf\xC3\xA9/m?r");
    CHECK_FREE("/etc/p*", "/etc/sh?", "/srv/x/public", "/data/ax", "/data/77x", "/x*/shadow", "*", "**", "/**",
               "/** doc */", "src/**/*.c", "**bold** text", "/etc/[!s]hadow", "/etc/[");
}

static void
a_directory_above_is_touched_by_what_acts_recursively(void)
{
    static const char *const above[] = {"/", "/etc", "~", "..", "/home", "/srv", "/**", "/data/."};
    static const char *const not_above[] = {"/tmp", "/etc/ssl", ".", "src", "/datax"};
    for (size_t i = 0; i < sizeof above / sizeof above[0]; i++) {
        CHECK(touched(&beside, aip_bytes_of(above[i]), true) != PATH_NONE);
        CHECK(touched(&beside, aip_bytes_of(above[i]), false) == PATH_NONE);
    }
    for (size_t i = 0; i < sizeof not_above / sizeof not_above[0]; i++) {
        CHECK(touched(&beside, aip_bytes_of(not_above[i]), true) == PATH_NONE);
    }
}

static void
relative_texts_are_seen_from_both_directories(void)
{
    const path_setting above = {.home = "/home/agent", .directory = "/etc"};
    const path_setting child = {.home = "/home/agent", .directory = "/tmp", .child_directory = "/etc"};
    CHECK(touched(&above, AIP_BYTES_LITERAL("shadow"), false) == 1);
    CHECK(touched(&above, AIP_BYTES_LITERAL("cat shadow"), false) == 1);
    CHECK(touched(&child, AIP_BYTES_LITERAL("shadow"), false) == 1);
    CHECK(touched(&child, AIP_BYTES_LITERAL("shadows"), false) == PATH_NONE);
    const path_setting root = {.home = "/home/agent", .directory = "/"};
    CHECK(touched(&root, AIP_BYTES_LITERAL("etc/shadow"), false) == 1);
    CHECK(touched(&root, AIP_BYTES_LITERAL("tar etc"), false) == PATH_NONE);
    CHECK(touched(&root, AIP_BYTES_LITERAL("tar etc"), true) == 1);
}

/* The second spelling of each is no plain word, and so goes the long way. */
static void
a_plain_word_touches_what_the_same_name_touches_otherwise(void)
{
    static const char *const entries[] = {"/work/secret", "keys",        "/work/[ab]x", "/**/token",
                                          "/work/d?r/y",  "/proc/1/Cwd", "s*",          "/other/place"};
    static const char *const words[] = {"secret", "SECRET", "secrets", "keys", "ax", "cx",    "token", "Token_1",
                                        "dir",    "root",   "cwd",     "y",    "s",  "s-9_Z", "place", "other"};
    static const char *const directories[] = {"/work", "/", "/proc/self", "/proc/1", "/WORK/secret", "/work/dir"};
    size_t touching = 0;
    for (size_t d = 0; d < sizeof directories / sizeof directories[0]; d++) {
        const path_setting setting = {.directory = "/elsewhere", .child_directory = directories[d]};
        path_guard *guard = guard_of(entries, sizeof entries / sizeof entries[0], &setting);
        for (size_t i = 0; guard != NULL && i < 2 * sizeof words / sizeof words[0]; i++) {
            size_t plain = 0, long_way = 0;
            char spelt[32];
            snprintf(spelt, sizeof spelt, "./%s", words[i / 2]);
            CHECK_STATUS(path_guard_check(guard, aip_bytes_of(words[i / 2]), i % 2 == 1, &plain, NULL), AIP_OK);
            CHECK_STATUS(path_guard_check(guard, aip_bytes_of(spelt), i % 2 == 1, &long_way, NULL), AIP_OK);
            CHECK(plain == long_way);
            touching += plain != PATH_NONE;
        }
        path_guard_free(&guard);
    }
    CHECK(touching > 40 && touching < 160);
}

static void
the_peers_rules_block_more_when_asked(void)
{
    const path_setting peer = {.home = "/home/agent", .directory = "/home/agent/workspace", .as_peer = true};
    CHECK(touched(&peer, AIP_BYTES_LITERAL("/etc/shadow.d/x"), false) == 1);
    CHECK(touched(&peer, AIP_BYTES_LITERAL("a/etc/shadow"), false) == 1);
    CHECK(touched(&peer, AIP_BYTES_LITERAL("/usr/share/shadow"), false) == 1);
    CHECK(touched(&peer, AIP_BYTES_LITERAL(".ssh"), false) == 0);
    CHECK(touched(&peer, AIP_BYTES_LITERAL("shadow"), false) == PATH_NONE);
    CHECK(touched(&peer, AIP_BYTES_LITERAL("/usr/share/shadow/README"), false) == PATH_NONE);
}

static size_t
value_touches(const char *json)
{
    static const scan_limits limits = {1u << 20, 64, 65536};
    scan_document document;
    size_t entry = PATH_NONE;
    path_guard *guard = guard_of(usual, sizeof usual / sizeof usual[0], &beside);
    CHECK_STATUS(scan_load(aip_bytes_of(json), &limits, &document, NULL), AIP_OK);
    CHECK_STATUS(path_guard_check_value(guard, &document, 0, false, &entry, NULL), AIP_OK);
    scan_clear(&document);
    path_guard_free(&guard);
    return entry;
}

static void
strings_and_names_are_searched_at_any_depth(void)
{
    CHECK(value_touches("{\"a\":[{\"b\":\"\\u002fetc\\/shadow\"}]}") == 1);
    CHECK(value_touches("{\"a\":{\"/etc/shadow\":1}}") == 1);
    CHECK(value_touches("[[\"x\",\"~/.ssh\"]]") == 0);
    CHECK(value_touches("\"/etc/shadow\"") == 1);
    CHECK(value_touches("{\"a\":[\"/etc/passwd\",1,true,null]}") == PATH_NONE);
    CHECK(value_touches("{}") == PATH_NONE);
}

static void
directory_and_file_in_members_of_one_object_are_joined(void)
{
    CHECK(value_touches("{\"directory\":\"/etc\",\"name\":\"shadow\"}") == 1);
    CHECK(value_touches("{\"name\":\"../shadow\",\"root\":\"/etc/x\"}") == 1);
    CHECK(value_touches("{\"in\":\"sub\",\"file\":\"../../.ssh/id\"}") == 0);
    CHECK(value_touches("{\"a\":\"/et%63\",\"b\":\"sh%61dow\"}") == 1);
    CHECK(value_touches("{\"directory\":\"/etc\",\"name\":\"passwd\"}") == PATH_NONE);
    CHECK(value_touches("{\"x\":{\"directory\":\"/etc\"},\"name\":\"shadow\"}") == PATH_NONE);
}

static void
an_object_too_large_to_join_counts_as_touching(void)
{
    text_buffer json = {0};
    for (int i = 0; i < 64; i++) {
        text_append_format(&json, "%s\"m%d\":\"x\"", i == 0 ? "{" : ",", i);
    }
    text_buffer more = {0};
    text_append(&more, text_view(&json));
    text_append(&json, (aip_bytes){(const unsigned char *)"}", 2});
    text_append_string(&more, ",\"m64\":\"x\"}");
    text_append(&more, (aip_bytes){(const unsigned char *)"", 1});
    CHECK(value_touches(json.data) == PATH_NONE);
    CHECK(value_touches(more.data) != PATH_NONE);
    text_clear(&json);
    text_clear(&more);
}

static void
entries_that_protect_nothing_known_are_refused(void)
{
    static const char *const empty[] = {"/x", ""};
    static const char *const home[] = {"~/x"};
    static const path_setting nowhere = {.directory = "/tmp"}, relative = {.directory = "tmp"};
    aip_error err = AIP_ERROR_INIT;
    path_guard *guard = NULL;
    char deep[300] = "";
    for (int i = 0; i < 61; i++) {
        strcat(deep, "/x");
    }
    const char *const too_deep[] = {deep};
    CHECK_STATUS(path_guard_new(empty, 2, &nowhere, &guard, &err), AIP_CONFIG_INVALID);
    CHECK(guard == NULL && err.offset == 1);
    CHECK_STATUS(path_guard_new(home, 1, &nowhere, &guard, &err), AIP_CONFIG_INVALID);
    CHECK_STATUS(path_guard_new(too_deep, 1, &nowhere, &guard, &err), AIP_CONFIG_INVALID);
    CHECK_STATUS(path_guard_new(empty, 1, &relative, &guard, &err), AIP_CONFIG_INVALID);
    CHECK(guard == NULL);
}

static void
without_entries_nothing_is_touched(void)
{
    size_t entry = 7;
    path_guard *guard = guard_of(NULL, 0, &beside);
    CHECK_STATUS(path_guard_check(guard, AIP_BYTES_LITERAL("/etc/shadow"), true, &entry, NULL), AIP_OK);
    CHECK(entry == PATH_NONE);
    path_guard_free(&guard);
}

static bool
real_touch(const char *directory, const char *text)
{
    char secret[256];
    size_t entry = PATH_NONE;
    snprintf(secret, sizeof secret, "%s/secret", directory);
    const char *const entries[] = {secret};
    const path_setting setting = {.directory = directory, .real = true};
    path_guard *guard = guard_of(entries, 1, &setting);
    CHECK_STATUS(path_guard_check(guard, aip_bytes_of(text), false, &entry, NULL), AIP_OK);
    path_guard_free(&guard);
    return entry != PATH_NONE;
}

static void
symbolic_links_are_followed_where_the_files_are_shared(void)
{
    char directory[] = "/tmp/path_test.XXXXXX", place[256];
    static const char *const links[][2] = {{"link", "secret"},
                                           {"inner", "secret/sub"},
                                           {"Other", "."},
                                           {"loop", "loop"},
                                           {"absent_yet", "secret/absent"},
                                           {"far", "Other/link/sub/.."},
                                           {"harmless", "absent/secret"}};
    if (mkdtemp(directory) == NULL) {
        CHECK(false);
        return;
    }
    CHECK(chdir(directory) == 0 && system("mkdir -p secret/sub free") == 0);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        CHECK(symlink(links[i][1], links[i][0]) == 0);
    }
    CHECK(real_touch(directory, "link"));
    CHECK(real_touch(directory, "cat link/new"));
    CHECK(real_touch(directory, "Other/Other/secret"));
    CHECK(real_touch(directory, "inner/../x"));
    CHECK(real_touch(directory, "absent_yet")); /* a link to what one could make there */
    CHECK(real_touch(directory, "far/new"));
    CHECK(!real_touch(directory, "harmless/new"));
    CHECK(!real_touch(directory, "free/x"));
    CHECK(!real_touch(directory, "loop/x"));
    CHECK(!real_touch(directory, "absent/secret"));
    CHECK(chdir("/") == 0);
    snprintf(place, sizeof place, "rm -r %s", directory);
    CHECK(system(place) == 0);
}

/* Questions to the file system, of one message with these texts. */
static unsigned
questions(const char *const *texts, size_t count, aip_status *status)
{
    static const char *const entries[] = {"/etc/shadow"};
    static const path_setting shared = {.directory = "/tmp", .real = true};
    path_guard *guard = guard_of(entries, 1, &shared);
    path_probe probe = {.guard = guard, .entry = PATH_NONE};
    *status = AIP_OK;
    for (size_t i = 0; *status == AIP_OK && i < count; i++) {
        *status = path_probe_text(&probe, aip_bytes_of(texts[i]), NULL);
    }
    unsigned asked = probe.memory.questions;
    CHECK(probe.entry == PATH_NONE);
    path_probe_clear(&probe);
    path_guard_free(&guard);
    return asked;
}

static void
the_file_system_is_asked_of_each_place_once(void)
{
    static const char *const texts[] = {
        "/usr/bin/none_1/x", "/usr/bin/none_1/y", "/usr/bin/none_2", "/usr/./bin/../bin/none_2",
        "/none/a",           "/none/b/c/d",       "cat /none/e",     "/usr/bin"};
    aip_status status;
    unsigned first = questions(texts, 1, &status);
    CHECK(first >= 3 && first <= 5); /* usr, bin, none_1, and where /usr/bin may be a link */
    CHECK_STATUS(status, AIP_OK);
    unsigned all = questions(texts, sizeof texts / sizeof texts[0], &status);
    CHECK_STATUS(status, AIP_OK);
    CHECK(all > first && all <= first + 6); /* none_2, none, tmp, and in it `cat ` and `cat` */
}

static void
a_message_of_too_many_paths_is_refused(void)
{
    enum { ROOM = 24 };
    size_t count = 2 * (size_t)AIP_PATH_QUESTIONS_MAX;
    char *names = calloc(count, ROOM);
    const char **texts = calloc(count, sizeof *texts);
    aip_status status = AIP_OK;
    for (size_t i = 0; names != NULL && texts != NULL && i < count; i++) {
        texts[i] = names + i * ROOM;
        snprintf(names + i * ROOM, ROOM, "/none_%zu/x", i);
    }
    if (names != NULL && texts != NULL) {
        CHECK(questions(texts, count / 4, &status) >= count / 4);
        CHECK_STATUS(status, AIP_OK);
        CHECK(questions(texts, count, &status) <= AIP_PATH_QUESTIONS_MAX);
        CHECK_STATUS(status, AIP_POLICY_PATH);
    }
    free(names);
    free(texts);
}

static void
objects_of_many_long_members_are_refused_before_all_pairs_are_tried(void)
{
    static const scan_limits limits = {1u << 20, 64, 65536};
    text_buffer json = {0};
    for (int object = 0; object < 40; object++) {
        for (int i = 0; i < 64; i++) {
            text_append_format(&json, "%s\"m%d\":\"%d_%d/ab/cd\"",
                               i > 0        ? ","
                               : object > 0 ? "},{"
                                            : "[{",
                               i, object, i);
        }
    }
    text_append(&json, (aip_bytes){(const unsigned char *)"}]", 3});
    scan_document document;
    size_t entry = PATH_NONE;
    aip_error err = AIP_ERROR_INIT;
    path_guard *guard = guard_of(usual, sizeof usual / sizeof usual[0], &beside);
    CHECK_STATUS(scan_load(aip_bytes_of(json.data), &limits, &document, NULL), AIP_OK);
    CHECK_STATUS(path_guard_check_value(guard, &document, 0, false, &entry, &err), AIP_POLICY_PATH);
    CHECK(entry == PATH_NONE && strstr(err.detail, "one message") != NULL);
    scan_clear(&document);
    path_guard_free(&guard);
    text_clear(&json);
}

static void
hostile_texts_end_soon(void)
{
    static const char *const seeds[] = {"%25", "&amp;", "\xCC\x81\xCC\xA7", "/", "../", "\\", "*", "~", "\"", "[", "a ",
                                        "/*",  "%u0025"};
    size_t size = (size_t)1 << 18;
    char *text = malloc(size + 1);
    for (size_t i = 0; text != NULL && i < sizeof seeds / sizeof seeds[0]; i++) {
        size_t length = strlen(seeds[i]);
        for (size_t at = 0; at < size; at++) {
            text[at] = seeds[i][at % length];
        }
        uint64_t before = clock_monotonic_microseconds();
        size_t entry = PATH_NONE;
        path_guard *guard = guard_of(usual, sizeof usual / sizeof usual[0], &beside);
        aip_status status = path_guard_check(guard, (aip_bytes){(unsigned char *)text, size}, false, &entry, NULL);
        CHECK(status == AIP_OK || status == AIP_POLICY_PATH);
        path_guard_free(&guard);
        uint64_t took = clock_monotonic_microseconds() - before;
        if (took > 5000000) {
            printf("  %s took %llu ms\n", seeds[i], (unsigned long long)took / 1000);
        }
        CHECK(took < 5000000);
    }
    free(text);
}

RUN(TEST(an_entry_and_all_beneath_it_are_touched), TEST(neighbours_are_free), TEST(escapes_are_undone_to_the_end),
    TEST(look_alikes_count_as_what_they_look_like), TEST(backslashes_separate_and_quotes_do_not),
    TEST(paths_within_a_text_are_found), TEST(globs_touch_what_they_could_match),
    TEST(a_directory_above_is_touched_by_what_acts_recursively), TEST(relative_texts_are_seen_from_both_directories),
    TEST(a_plain_word_touches_what_the_same_name_touches_otherwise), TEST(the_peers_rules_block_more_when_asked),
    TEST(strings_and_names_are_searched_at_any_depth), TEST(directory_and_file_in_members_of_one_object_are_joined),
    TEST(an_object_too_large_to_join_counts_as_touching), TEST(entries_that_protect_nothing_known_are_refused),
    TEST(without_entries_nothing_is_touched), TEST(symbolic_links_are_followed_where_the_files_are_shared),
    TEST(the_file_system_is_asked_of_each_place_once), TEST(a_message_of_too_many_paths_is_refused),
    TEST(objects_of_many_long_members_are_refused_before_all_pairs_are_tried), TEST(hostile_texts_end_soon))
