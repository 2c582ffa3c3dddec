/* The verb wrap: its command line, the local client's token, and the two ends of our own pipe. */
#include "cli/gateway_wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"

enum { LOCAL_TOKEN_SECONDS = 366 * 86400, WORDS_MAX = 256 };

/* ---- the command line ---- */

typedef struct {
    const char *name;
    size_t offset;
    option_kind kind;
    const char *argument, *help;
} own_option;

#define AT(member) offsetof(gateway_wrap, member)

static const own_option own_options[] = {
    {"--token", AT(token_file), OPTION_TEXT, "FILE", "token of the local client; else each message brings its own"},
    {"--target", AT(target), OPTION_TEXT, "COMMAND",
     "the command in one text, split at white space; better: -- COMMAND"},
    {"--directory", AT(directory), OPTION_TEXT, "DIR", "be there: files and the command are named from there"},
    {"--pass-env", AT(pass), OPTION_LIST, "NAME", "variable of ours that the command gets as well (repeatable)"},
    {"--no-restart", AT(no_restart), OPTION_FLAG, NULL, "end with the command instead of starting it again"},
    {"--no-stdio", AT(no_stdio), OPTION_FLAG, NULL, "no client at stdin and stdout, only at --port"},
    {"--verbose", AT(verbose), OPTION_FLAG, NULL, "a line per message on stderr"},
    {"--name", AT(name), OPTION_TEXT, "NAME", "with --print-config: what the client calls it"},
    {"--client", AT(client), OPTION_TEXT, "NAME", "and which it is: claude, cursor, vscode or zed"},
    {"--print-config", AT(prints_config), OPTION_FLAG, NULL, "print the client configuration for this command"},
    {"--generate-cursor-config", AT(prints_cursor_config), OPTION_FLAG, NULL, "the same as other gateways print it"},
};

void
gateway_wrap_print_help(void)
{
    puts("usage: aip-gateway wrap [--policy FILE] [--token FILE] [--trust DID]… [options] -- COMMAND…");
    for (size_t i = 0; i < sizeof own_options / sizeof own_options[0]; i++) {
        char left[64];
        const own_option *each = &own_options[i];
        snprintf(left, sizeof left, "%s%s%s", each->name, each->argument == NULL ? "" : " ",
                 each->argument == NULL ? "" : each->argument);
        printf("  %-26s %s\n", left, each->help);
    }
    puts("It is served over HTTP as well where --port is given. And the options of the gateway:");
}

static const own_option *
find_own(const char *argument, const char **value)
{
    const char *equals = strchr(argument, '=');
    size_t size = equals == NULL ? strlen(argument) : (size_t)(equals - argument);
    *value = equals == NULL ? NULL : equals + 1;
    for (size_t i = 0; i < sizeof own_options / sizeof own_options[0]; i++) {
        if (strlen(own_options[i].name) == size && memcmp(own_options[i].name, argument, size) == 0) {
            return &own_options[i];
        }
    }
    return NULL;
}

static aip_status
store_own(gateway_wrap *w, const own_option *own, const char *value, aip_error *err)
{
    char *place = (char *)w + own->offset;
    if (own->kind == OPTION_FLAG) {
        *(bool *)place = true;
        return value == NULL ? AIP_OK : aip_fail(err, AIP_USAGE, "%s takes no value", own->name);
    }
    if (value == NULL) {
        return aip_fail(err, AIP_USAGE, "%s needs a value", own->name);
    }
    if (own->kind == OPTION_TEXT) {
        const char **text = (const char **)place;
        bool again = *text != NULL;
        *text = value;
        return again ? aip_fail(err, AIP_USAGE, "%s is given twice", own->name) : AIP_OK;
    }
    return options_append((option_list *)place, value, err);
}

/* `-policy` as `--policy`; everything else as it is. NULL: no memory. */
static char *
with_two_dashes(gateway_wrap *w, char *argument)
{
    char *longer = NULL;
    bool is_help = strcmp(argument, "-h") == 0;
    if (argument[0] != '-' || argument[1] == '-' || argument[1] == '\0') {
        return argument;
    }
    if (asprintf(&longer, "-%s", is_help ? "-help" : argument) < 0) {
        return NULL;
    }
    w->written[w->written_count++] = longer;
    return longer;
}

static aip_status
take_argument(gateway_wrap *w, int argc, char **argv, int *i, aip_error *err)
{
    const char *value;
    char *argument = with_two_dashes(w, argv[*i]);
    if (argument == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    const own_option *own = find_own(argument, &value);
    if (own == NULL) {
        w->rest[w->rest_count++] = argument;
        return AIP_OK;
    }
    if (own->kind != OPTION_FLAG && value == NULL && *i + 1 < argc) {
        value = argv[++*i];
    }
    return store_own(w, own, value, err);
}

/* No quotes: what needs them is given after `--`. */
static aip_status
split_target(gateway_wrap *w, aip_error *err)
{
    size_t count = 0;
    char *save = NULL;
    w->words = strdup(w->target);
    w->command = calloc(WORDS_MAX + 1, sizeof *w->command);
    if (w->words == NULL || w->command == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (char *word = strtok_r(w->words, " \t\r\n", &save); word != NULL; word = strtok_r(NULL, " \t\r\n", &save)) {
        if (count == WORDS_MAX) {
            return aip_fail(err, AIP_USAGE, "--target has too many words");
        }
        w->command[count++] = word;
    }
    return count > 0 ? AIP_OK : aip_fail(err, AIP_USAGE, "--target is empty");
}

static aip_status
take_command(gateway_wrap *w, int argc, char **argv, aip_error *err)
{
    if (argc > 0 && w->target != NULL) {
        return aip_fail(err, AIP_USAGE, "the command is given twice: --target, and after --");
    }
    if (argc == 0) {
        return w->target == NULL ? AIP_OK : split_target(w, err);
    }
    w->command = calloc((size_t)argc + 1, sizeof *w->command);
    if (w->command == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (int i = 0; i < argc; i++) {
        w->command[i] = argv[i];
    }
    return AIP_OK;
}

aip_status
gateway_wrap_take(gateway_wrap *w, int argc, char **argv, aip_error *err)
{
    int end = 1;
    w->end = (local_end){.input = -1, .output = -1};
    w->rest = calloc((size_t)argc + 1, sizeof *w->rest);
    w->written = calloc((size_t)argc + 1, sizeof *w->written);
    if (w->rest == NULL || w->written == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    while (end < argc && strcmp(argv[end], "--") != 0) {
        end++;
    }
    w->rest[w->rest_count++] = argv[0];
    for (int i = 1; i < end; i++) {
        AIP_TRY(take_argument(w, end, argv, &i, err));
    }
    AIP_TRY(take_command(w, end < argc ? argc - end - 1 : 0, argv + end + 1, err));
    if (w->directory != NULL && chdir(w->directory) != 0) {
        return aip_fail(err, AIP_IO, "%s: %s", w->directory, strerror(errno));
    }
    w->passed = calloc(w->pass.count + 1, sizeof *w->passed);
    if (w->passed == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < w->pass.count; i++) {
        w->passed[i] = w->pass.items[i];
    }
    return AIP_OK;
}

void
gateway_wrap_release(gateway_wrap *w)
{
    for (size_t i = 0; i < w->written_count; i++) {
        free(w->written[i]);
    }
    if (w->token != NULL) {
        hash_wipe(w->token, strlen(w->token));
    }
    free(w->written);
    free(w->rest);
    free(w->command);
    free(w->passed);
    free(w->words);
    free(w->pass.items);
    free(w->token);
    free(w->key);
    *w = (gateway_wrap){0};
}

/* ---- the two ends ---- */

static int
keep(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

aip_status
gateway_wrap_take_ends(gateway_wrap *w, aip_error *err)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    w->end.input = keep(STDIN_FILENO);
    w->end.output = keep(STDOUT_FILENO);
    bool good = nothing >= 0 && w->end.input >= 0 && w->end.output >= 0 &&
                (fcntl(STDERR_FILENO, F_GETFD) >= 0 || dup2(nothing, STDERR_FILENO) >= 0) &&
                dup2(nothing, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
    int why = errno;
    if (nothing > STDERR_FILENO) {
        close(nothing);
    }
    return good ? AIP_OK : aip_fail(err, AIP_IO, "stdin and stdout: %s", strerror(why));
}

/* ---- what the verb means ---- */

/* W-43: the local user is the root, and the client at our stdin its agent: keys of this process alone sign one token
 * for everything, and are gone. What the policy says is all that then limits the client. */
static aip_status
sign_local_token(gateway_wrap *w, const aip_secret_key *root, const aip_secret_key *agent, aip_error *err)
{
    static const char *const scope[] = {"tool:*", "prompt:*", "resource:*", "uri:*"};
    char text[MULTIBASE_KEY_TEXT_SIZE + 1], did[sizeof text + 8];
    int64_t now = clock_now_seconds();
    multibase_encode_key(aip_secret_key_public(agent)->bytes, text);
    snprintf(did, sizeof did, "did:aip:%s", text);
    const aip_statement statement = {.subject = did,
                                     .scope = scope,
                                     .scope_count = sizeof scope / sizeof scope[0],
                                     .has_max_depth = true,
                                     .issued_at = now,
                                     .expires_at = now + LOCAL_TOKEN_SECONDS,
                                     .principal = "local"};
    AIP_TRY(aip_token_issue(root, &statement, &w->token, err));
    multibase_encode_key(aip_secret_key_public(root)->bytes, text);
    w->key = strdup(text);
    return w->key == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

static aip_status
trust_local_user(gateway_wrap *w, gateway_options *given, aip_error *err)
{
    aip_secret_key *root = NULL, *agent = NULL;
    AIP_TRY(crypto_start(err));
    aip_status status = aip_secret_key_generate(&root, err);
    status = status == AIP_OK ? aip_secret_key_generate(&agent, err) : status;
    status = status == AIP_OK ? sign_local_token(w, root, agent, err) : status;
    aip_secret_key_free(&root);
    aip_secret_key_free(&agent);
    AIP_TRY(status);
    given->trust_keys.items = malloc(sizeof *given->trust_keys.items);
    if (given->trust_keys.items == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    given->trust_keys.items[given->trust_keys.count++] = w->key;
    return AIP_OK;
}

bool
gateway_wrap_trusts_anybody(const gateway_options *given)
{
    return given->config != NULL || given->trust.count + given->trust_keys.count > 0;
}

static aip_status
check(const gateway_wrap *w, const gateway_options *given, aip_error *err)
{
    if (w->command == NULL) {
        return aip_fail(err, AIP_USAGE, "a command is needed: wrap … -- COMMAND…");
    }
    if (given->upstream != NULL) {
        return aip_fail(err, AIP_USAGE, "--upstream and a command are two servers");
    }
    if (w->client != NULL) {
        return aip_fail(err, AIP_USAGE, "--client goes with --print-config");
    }
    if (w->no_stdio && (given->port == UINT64_MAX || !gateway_wrap_trusts_anybody(given))) {
        return aip_fail(err, AIP_USAGE, "--no-stdio needs --port, and somebody who is trusted");
    }
    return AIP_OK;
}

aip_status
gateway_wrap_apply(gateway_wrap *w, gateway_options *given, aip_error *err)
{
    AIP_TRY(check(w, given, err));
    bool alone = !gateway_wrap_trusts_anybody(given);
    given->command = w->command;
    given->pass = w->passed;
    given->quiet = given->quiet || !w->verbose;
    given->local_only = given->port == UINT64_MAX;
    if (alone && given->policy == NULL) {
        given->policy = GATEWAY_WRAP_POLICY;
    }
    if (w->token_file != NULL) {
        AIP_TRY(options_load_secret_line(w->token_file, &w->token, err));
    } else if (alone) {
        AIP_TRY(trust_local_user(w, given, err));
    }
    w->end.token = w->token;
    w->end.restarts = !w->no_restart;
    return AIP_OK;
}
