/* The command line of aip-gateway wrap. */
#include "cli/gateway_wrap.c"
#include "cli/gateway_wrap_config.c"

#include "base/json.h"
#include "tests/unit/check.h"

#define WORDS_MAX 16

static gateway_wrap w;
static gateway_options given;

/* Of words separated by single spaces; `-` stands for an empty one. */
static aip_status
take(const char *line)
{
    static char text[512];
    static char *words[WORDS_MAX];
    int count = 0;
    gateway_wrap_release(&w);
    snprintf(text, sizeof text, "%s", line);
    for (char *save = NULL, *word = strtok_r(text, " ", &save); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &save)) {
        words[count++] = word;
    }
    return gateway_wrap_take(&w, count, words, NULL);
}

static const char *
joined(const char *const *words)
{
    static char text[512];
    text[0] = '\0';
    for (; words != NULL && *words != NULL; words++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", text[0] == '\0' ? "" : " ", *words);
    }
    return text;
}

static const char *
wrapped(void)
{
    return joined(w.command);
}

static const char *
others(void)
{
    return joined((const char *const *)w.rest);
}

static void
the_command_and_own_options_are_taken_and_others_stay(void)
{
    CHECK_STATUS(take("wrap --policy p --token t --verbose --audit a -- npx -y --token x -- y"), AIP_OK);
    CHECK_TEXT(wrapped(), "npx -y --token x -- y");
    CHECK_TEXT(others(), "wrap --policy p --audit a");
    CHECK_TEXT(w.token_file, "t");
    CHECK(w.verbose && !w.no_stdio && !w.no_restart);
    CHECK_STATUS(take("wrap --token=t=u --pass-env A --pass-env=B -- c"), AIP_OK);
    CHECK_TEXT(w.token_file, "t=u");
    CHECK_TEXT(joined(w.passed), "A B");
    gateway_wrap_release(&w);
}

static void
one_dash_is_as_good_as_two_but_not_after_the_command(void)
{
    CHECK_STATUS(take("wrap -policy p -target npx -verbose -audit=a"), AIP_OK);
    CHECK_TEXT(others(), "wrap --policy p --audit=a");
    CHECK_TEXT(wrapped(), "npx");
    CHECK(w.verbose);
    CHECK_STATUS(take("wrap -h -- a -b"), AIP_OK);
    CHECK_TEXT(others(), "wrap --help");
    CHECK_TEXT(wrapped(), "a -b");
    gateway_wrap_release(&w);
}

static void
a_target_is_split_at_white_space(void)
{
    char *words[] = {(char *)"wrap", (char *)"--target", (char *)" python3\t-m  'a b' ", NULL};
    gateway_wrap_release(&w);
    CHECK_STATUS(gateway_wrap_take(&w, 3, words, NULL), AIP_OK);
    CHECK_TEXT(wrapped(), "python3 -m 'a b'");
    words[2] = (char *)"  ";
    gateway_wrap_release(&w);
    CHECK_STATUS(gateway_wrap_take(&w, 3, words, NULL), AIP_USAGE);
    gateway_wrap_release(&w);
}

static void
what_makes_no_sense_is_refused(void)
{
    static const char *const lines[] = {"wrap --target a -- b", "wrap --token", "wrap --verbose=1 -- a",
                                        "wrap --token a --token b -- c"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        CHECK_STATUS(take(lines[i]), AIP_USAGE);
    }
    gateway_wrap_release(&w);
}

static aip_status
apply(const char *line)
{
    CHECK_STATUS(take(line), AIP_OK);
    free(given.trust_keys.items);
    given = (gateway_options){.port = UINT64_MAX};
    return AIP_OK;
}

static void
the_local_user_is_the_root_where_nobody_is_trusted(void)
{
    aip_chain *chain = NULL;
    aip_grant grant;
    aip_trust trust = {0};
    CHECK_STATUS(apply("wrap -- a"), AIP_OK);
    CHECK_STATUS(gateway_wrap_apply(&w, &given, NULL), AIP_OK);
    CHECK_TEXT(given.policy, "agent.yaml");
    CHECK(given.local_only && given.quiet && given.trust_keys.count == 1 && w.end.restarts);
    CHECK_STATUS(aip_trust_add(&trust, given.trust_keys.items[0], NULL), AIP_OK);
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(w.end.token), &chain, NULL), AIP_OK);
    const aip_check check = {.trust = &trust, .now_seconds = clock_now_seconds()};
    CHECK_STATUS(aip_chain_verify(chain, &check, &grant, NULL), AIP_OK);
    CHECK_STATUS(aip_grant_covers(&grant, AIP_BYTES_LITERAL("tool:any"), NULL), AIP_OK);
    CHECK(grant.depth_left == 0 && !grant.has_budget);
    aip_chain_free(&chain);
    aip_trust_clear(&trust);
    gateway_wrap_release(&w);
}

static void
a_root_that_is_trusted_is_the_only_one(void)
{
    CHECK_STATUS(apply("wrap -- a"), AIP_OK);
    given.config = "gateway.yaml";
    CHECK_STATUS(gateway_wrap_apply(&w, &given, NULL), AIP_OK);
    CHECK(given.trust_keys.count == 0 && w.end.token == NULL && given.policy == NULL);
    CHECK_STATUS(apply("wrap --token /nowhere/token -- a"), AIP_OK);
    CHECK(gateway_wrap_apply(&w, &given, NULL) != AIP_OK);
    CHECK(given.trust_keys.count == 0);
    gateway_wrap_release(&w);
}

static void
a_server_and_somebody_to_serve_are_needed(void)
{
    CHECK_STATUS(apply("wrap"), AIP_OK);
    CHECK_STATUS(gateway_wrap_apply(&w, &given, NULL), AIP_USAGE);
    CHECK_STATUS(apply("wrap -- a"), AIP_OK);
    given.upstream = "http://127.0.0.1/mcp";
    CHECK_STATUS(gateway_wrap_apply(&w, &given, NULL), AIP_USAGE);
    CHECK_STATUS(apply("wrap --no-stdio -- a"), AIP_OK);
    given.config = "gateway.yaml";
    CHECK_STATUS(gateway_wrap_apply(&w, &given, NULL), AIP_USAGE); /* no port */
    CHECK_STATUS(apply("wrap --no-stdio -- a"), AIP_OK);
    given.port = 0;
    CHECK_STATUS(gateway_wrap_apply(&w, &given, NULL), AIP_USAGE); /* nobody is trusted */
    given.config = "gateway.yaml";
    CHECK_STATUS(gateway_wrap_apply(&w, &given, NULL), AIP_OK);
    CHECK(!given.local_only);
    gateway_wrap_release(&w);
}

/* What the client is told, read again; its one server is called `near`. */
static json_t *
printed(const char *line)
{
    static const option none[] = {{0}};
    TEXT_AUTO text_buffer out = {0};
    json_t *root = NULL;
    CHECK_STATUS(apply(line), AIP_OK);
    CHECK_STATUS(append_entry(&w, none, &given, &out, NULL), AIP_OK);
    CHECK_STATUS(json_load_strict(text_view(&out), out.size, &root, NULL), AIP_OK);
    gateway_wrap_release(&w);
    return root;
}

/* W-50 */
static void
each_client_has_its_own_form(void)
{
    static const struct {
        const char *line, *list, *type;
    } rows[] = {
        {"wrap --name near -- a b", "mcpServers", NULL},
        {"wrap --name near --client claude -- a b", "mcpServers", NULL},
        {"wrap --name near --client cursor -- a b", "mcpServers", NULL},
        {"wrap --name near --client vscode -- a b", "servers", "stdio"},
        {"wrap --name near --client=zed -- a b", "context_servers", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *root = printed(rows[i].line), *list = json_object_get(root, rows[i].list);
        json_t *entry = json_object_get(list, "near"), *arguments = json_object_get(entry, "args");
        const char *type = json_string_value(json_object_get(entry, "type"));
        CHECK(json_object_size(root) == 1 && json_object_size(list) == 1);
        CHECK(json_object_size(entry) == (rows[i].type == NULL ? 2 : 3));
        CHECK_TEXT(type == NULL ? "" : type, rows[i].type == NULL ? "" : rows[i].type);
        CHECK(json_is_string(json_object_get(entry, "command")));
        CHECK_TEXT(json_string_value(json_array_get(arguments, 0)), "wrap");
        CHECK_TEXT(json_string_value(json_array_get(arguments, json_array_size(arguments) - 1)), "b");
        json_decref(root);
    }
}

static void
a_client_that_nobody_knows_is_refused(void)
{
    static const option none[] = {{0}};
    static const char *const lines[] = {"wrap --client emacs -- a", "wrap --client VSCode -- a", "wrap --client= -- a"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        TEXT_AUTO text_buffer out = {0};
        CHECK_STATUS(apply(lines[i]), AIP_OK);
        CHECK_STATUS(append_entry(&w, none, &given, &out, NULL), AIP_USAGE);
        CHECK(out.size == 0);
    }
    CHECK_STATUS(apply("wrap --generate-cursor-config --client zed --target a"), AIP_OK);
    CHECK_STATUS(gateway_wrap_print_config(&w, none, &given, NULL), AIP_USAGE);
    CHECK_STATUS(apply("wrap --client zed -- a"), AIP_OK);
    CHECK_STATUS(gateway_wrap_apply(&w, &given, NULL), AIP_USAGE);
    gateway_wrap_release(&w);
}

RUN(TEST(the_command_and_own_options_are_taken_and_others_stay),
    TEST(one_dash_is_as_good_as_two_but_not_after_the_command), TEST(a_target_is_split_at_white_space),
    TEST(what_makes_no_sense_is_refused), TEST(the_local_user_is_the_root_where_nobody_is_trusted),
    TEST(a_root_that_is_trusted_is_the_only_one), TEST(a_server_and_somebody_to_serve_are_needed),
    TEST(each_client_has_its_own_form), TEST(a_client_that_nobody_knows_is_refused))
