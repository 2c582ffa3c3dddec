/* What servers say on stderr: without secrets where the policy wants that, also over several lines, and never lost. */
#include "gateway/stdio_words.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/check.h"

#define HEAD "apiVersion: aip-gateway/v1\nkind: AgentPolicy\nmetadata: {name: t}\nspec:\n  allowed_tools: [a]\n"
#define SECRET "ghp_Q96McZuH6KILaV9mer5kAOKWLLthn7Nm6fBi"
#define SECOND STDIO_WORDS_HELD_MICROSECONDS

static char told[4096];
static gateway g;

static void
tell(void *context, const char *line)
{
    (void)context;
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s|", line);
}

/* Settings whose only policy has this `dlp` part. */
static gateway_settings *
make_settings(const char *dlp)
{
    char path[] = "/tmp/aip-words.XXXXXX";
    const char *files[] = {path};
    const rules_setup setup = {.files = files, .count = 1, .paths = {.directory = "/tmp"}};
    text_buffer problems = {0};
    gateway_settings *settings = calloc(1, sizeof *settings);
    FILE *file = fdopen(mkstemp(path), "w");
    CHECK(settings != NULL && file != NULL && fprintf(file, HEAD "  dlp: %s\n", dlp) > 0 && fclose(file) == 0);
    atomic_init(&settings->holders, 1);
    CHECK_STATUS(rules_load(&setup, &settings->rules, &problems, NULL), AIP_OK);
    settings->standard = rules_find(settings->rules, path);
    text_clear(&problems);
    CHECK(unlink(path) == 0);
    return settings;
}

static stdio_words
open_words(const char *dlp)
{
    told[0] = '\0';
    pthread_mutex_init(&g.lock, NULL);
    gateway_settings_put(&g, make_settings(dlp));
    return (stdio_words){.gateway = &g, .tell = tell};
}

static void
close_words(stdio_words *w)
{
    stdio_words_clear(w);
    gateway_settings_put(&g, NULL);
}

static void
a_secret_is_taken_out_and_the_rest_is_told_line_by_line(void)
{
    stdio_words w = open_words("{builtin: true, filter_stderr: true}");
    stdio_words_say(&w, "", "starting", 1);
    stdio_words_say(&w, "", "token " SECRET " taken", 2);
    stdio_words_let_go(&w, 2 + SECOND, false);
    CHECK_TEXT(told, "starting|token [REDACTED:github-pat] taken|");
    close_words(&w);
}

static void
a_key_over_several_lines_is_taken_out(void)
{
    stdio_words w = open_words("{builtin: true, filter_stderr: true}");
    stdio_words_say(&w, "", "-----BEGIN EC PRIVATE KEY-----", 1);
    stdio_words_say(&w, "", "k49J92qpbxNJpFAwCle+WHZuM2d38Sx5UC+6vRJOxkCeqzJ1Com50TMr5r2WjvE3", 2);
    stdio_words_say(&w, "", "-----END EC PRIVATE KEY-----", 3);
    stdio_words_let_go(&w, 3, true);
    CHECK(strstr(told, "k49J92") == NULL && strstr(told, "[REDACTED:private-key-pem]") != NULL);
    close_words(&w);
}

static void
what_may_begin_a_secret_is_held_for_a_second_and_no_longer(void)
{
    stdio_words w = open_words("{builtin: true, filter_stderr: true}");
    stdio_words_say(&w, "", "token ghp_Q96McZuH6KIL", 10);
    stdio_words_let_go(&w, 9 + SECOND, false);
    CHECK_TEXT(told, "");
    stdio_words_let_go(&w, 10 + SECOND, false);
    CHECK_TEXT(told, "token ghp_Q96McZuH6KIL|");
    CHECK(w.since == 0);
    close_words(&w);
}

static void
without_the_key_words_are_told_at_once_as_they_are(void)
{
    stdio_words w = open_words("{builtin: true}");
    stdio_words_say(&w, "", "token " SECRET, 1);
    CHECK_TEXT(told, "token " SECRET "|");
    CHECK(w.since == 0 && w.stream == NULL);
    close_words(&w);
}

static void
a_part_that_is_off_filters_nothing(void)
{
    stdio_words w = open_words("{enabled: false, filter_stderr: true}");
    stdio_words_say(&w, "", SECRET, 1);
    CHECK_TEXT(told, SECRET "|");
    close_words(&w);
}

static void
new_rules_count_from_the_next_line_on_and_nothing_is_lost(void)
{
    stdio_words w = open_words("{builtin: true}");
    stdio_words_say(&w, "", "one " SECRET, 1);
    gateway_settings_put(&g, make_settings("{builtin: true, filter_stderr: true}"));
    stdio_words_say(&w, "", "two " SECRET, 2);
    gateway_settings_put(&g, make_settings("{builtin: true}"));
    stdio_words_say(&w, "", "three", 3);
    CHECK_TEXT(told, "one " SECRET "|two [REDACTED:github-pat]|three|");
    close_words(&w);
}

static void
a_server_without_rules_is_told_as_it_speaks(void)
{
    stdio_words w = {.tell = tell};
    told[0] = '\0';
    stdio_words_say(&w, "", SECRET, 1);
    stdio_words_let_go(&w, 2, true);
    CHECK_TEXT(told, SECRET "|");
    stdio_words_clear(&w);
}

RUN(TEST(a_secret_is_taken_out_and_the_rest_is_told_line_by_line), TEST(a_key_over_several_lines_is_taken_out),
    TEST(what_may_begin_a_secret_is_held_for_a_second_and_no_longer),
    TEST(without_the_key_words_are_told_at_once_as_they_are), TEST(a_part_that_is_off_filters_nothing),
    TEST(new_rules_count_from_the_next_line_on_and_nothing_is_lost), TEST(a_server_without_rules_is_told_as_it_speaks))
