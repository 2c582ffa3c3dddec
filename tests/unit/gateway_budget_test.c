/* aip-gateway budget as people and programs see it: its output, its exit codes, and that looking changes nothing. */
#include "cli/gateway_budget.c" /* to reset what was given */

#include <fcntl.h>
#include <stdarg.h>

#include "tests/unit/check.h"
#include "tests/unit/store_file.h"

#define NOW INT64_C(1800000000)
#define WORDS_MAX 12

static char printed[8192]; /* standard output of the last command */
static char token_path[128];
static ledger_path path;

/* Runs the command on the test's database. */
static int
command_of(const char *word, ...)
{
    char *words[WORDS_MAX] = {"budget", "--store", file_path};
    int count = 3;
    va_list rest;
    va_start(rest, word);
    for (; word != NULL && count < WORDS_MAX; word = va_arg(rest, const char *)) {
        words[count++] = (char *)word;
    }
    va_end(rest);
    memset(&given, 0, sizeof given);
    FILE *file = tmpfile();
    fflush(stdout);
    int kept = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(fileno(file), STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    int code = gateway_budget_main(count, words);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    close(kept);
    close(errors);
    close(nowhere);
    rewind(file);
    printed[fread(printed, 1, sizeof printed - 1, file)] = '\0';
    fclose(file);
    return code;
}

static bool
shows(const char *text)
{
    return strstr(printed, text) != NULL;
}

static aip_secret_key *
key_of(unsigned char seed)
{
    unsigned char bytes[AIP_SEED_BYTES] = {seed};
    aip_secret_key *key = NULL;
    CHECK_STATUS(aip_secret_key_from_seed(bytes, &key, NULL), AIP_OK);
    return key;
}

/* A token of two elements in a file: 5 USD, then 1. */
static void
write_token(void)
{
    static const char *const scope[] = {"tool:*"};
    aip_secret_key *root = key_of(1), *agent = key_of(2), *last = key_of(3);
    char name[AIP_DID_TEXT_SIZE], *first = NULL, *both = NULL;
    aip_statement said = {.subject = name, .scope = scope, .scope_count = 1, .has_max_depth = true, .max_depth = 3};
    said.has_budget = true;
    said.budget_micro_usd = 5000000;
    said.issued_at = NOW;
    said.expires_at = NOW + 3600;
    aip_did_of_key(aip_secret_key_public(agent), name);
    CHECK_STATUS(aip_token_issue(root, &said, &first, NULL), AIP_OK);
    said.budget_micro_usd = 1000000;
    said.max_depth = 2;
    said.context = "part";
    aip_did_of_key(aip_secret_key_public(last), name);
    CHECK_STATUS(aip_token_delegate(agent, aip_bytes_of(first), &said, &both, NULL), AIP_OK);
    snprintf(token_path, sizeof token_path, "%s/token", file_directory);
    FILE *file = fopen(token_path, "w");
    fprintf(file, "%s\n", both);
    fclose(file);
    free(first);
    free(both);
    aip_secret_key_free(&root);
    aip_secret_key_free(&agent);
    aip_secret_key_free(&last);
}

static void
apply(ledger *l, ledger_request *r)
{
    CHECK_STATUS(ledger_apply(l, r, 1, NULL), AIP_OK);
    CHECK_STATUS(r->answer.verdict, AIP_OK);
}

/* A call of 0.12 USD under both links, one of 0.25 that is left open under the first, and the run that made them. */
static int64_t
spend(store **db, ledger **book)
{
    subject s;
    CHECK_STATUS(store_open(file_path, db, NULL), AIP_OK);
    CHECK_STATUS(ledger_open(*db, book, NULL), AIP_OK);
    CHECK_STATUS(take_subject(token_path, &s, NULL), AIP_OK);
    CHECK(s.count == 2);
    path = (ledger_path){.count = 2, .expires = NOW + 3600};
    for (size_t i = 0; i < 2; i++) {
        memcpy(path.links[i].link, s.links[i], AIP_HASH_BYTES);
        path.links[i].has_ceiling = true;
        path.links[i].ceiling_micro_usd = i == 0 ? 5000000 : 1000000;
    }
    ledger_request r = {.verb = LEDGER_HOLD, .path = &path, .amount_micro_usd = 150000, .now_seconds = NOW};
    apply(*book, &r);
    r = (ledger_request){.verb = LEDGER_SETTLE, .hold = r.answer.hold, .amount_micro_usd = 120000};
    apply(*book, &r);
    path.count = 1;
    r = (ledger_request){.verb = LEDGER_HOLD, .path = &path, .amount_micro_usd = 250000, .now_seconds = NOW};
    apply(*book, &r);
    return r.answer.hold;
}

static void
end(void)
{
    unlink(token_path);
    file_end();
}

/* With a run that has ended. */
static int64_t
begin(void)
{
    store *db = NULL;
    ledger *book = NULL;
    file_begin();
    write_token();
    int64_t left = spend(&db, &book);
    ledger_close(&book);
    store_close(&db);
    return left;
}

static void
a_token_shows_its_tree(void)
{
    begin();
    CHECK(command_of(token_path, NULL) == 0);
    CHECK(shows("       granted         spent          held          left  link\n"));
    CHECK(shows("           5.0          0.12          0.25          4.63  "));
    CHECK(shows("           1.0          0.12           0.0          0.88    ") && shows(" *\n"));
    CHECK(command_of(token_path, "--below", NULL) == 0);
    CHECK(!shows("5.0") && shows("           1.0          0.12           0.0          0.88  "));
    end();
}

static void
a_link_shows_the_same_and_json_is_for_programs(void)
{
    char link[LINK_TEXT + 1], wanted[512];
    begin();
    base64url_encode((aip_bytes){path.links[1].link, AIP_HASH_BYTES}, link);
    CHECK(command_of(link, "--below", "--json", NULL) == 0);
    snprintf(wanted, sizeof wanted,
             "{\"accounts\":[{\"link\":\"%s\",\"depth\":0,\"granted\":\"1.0\",\"spent\":\"0.12\",\"held\":\"0.0\","
             "\"left\":\"0.88\"}],\"link\":\"%s\"}\n",
             link, link);
    CHECK_TEXT(printed, wanted);
    end();
}

static void
a_token_that_was_never_used_shows_those_above_it(void)
{
    begin();
    CHECK(file_query("DELETE FROM ledger_account WHERE parent IS NOT NULL") == -1);
    CHECK(command_of(token_path, NULL) == 0);
    CHECK(shows("5.0") && !shows("1.0") && shows(" *\n"));
    end();
}

static void
what_was_left_open_is_listed_and_freed_by_word_alone(void)
{
    char number[24], wanted[64];
    int64_t left = begin();
    snprintf(number, sizeof number, "%lld", (long long)left);
    CHECK(command_of("--left", NULL) == 0);
    CHECK(shows(number) && shows("2027-01-15T08:00:00Z") && shows("0.25") && shows("ended"));
    CHECK(command_of("--left", "--json", "--older", "1s", NULL) == 0);
    CHECK(shows("\"held\":\"0.25\",\"gateway\":\"ended\"") == (clock_now_seconds() > NOW));
    CHECK(file_query("SELECT sum(held) FROM ledger_account") == 250000); /* looking changes nothing */
    CHECK(command_of("--release", number, NULL) == 0);
    snprintf(wanted, sizeof wanted, "hold %s: released\n", number);
    CHECK_TEXT(printed, wanted);
    CHECK(file_query("SELECT sum(held) FROM ledger_account") == 0);
    CHECK(command_of("--release", number, "--json", NULL) == aip_status_exit_code(AIP_BUDGET_HOLD_UNKNOWN));
    snprintf(wanted, sizeof wanted, "{\"holds\":[{\"hold\":%s,\"released\":false,", number);
    CHECK(shows(wanted) && shows("\"code\":\"budget.hold.unknown\"}]}\n") && !shows("valid"));
    end();
}

static void
what_a_running_gateway_holds_is_not_freed(void)
{
    store *db = NULL;
    ledger *book = NULL;
    char number[24];
    file_begin();
    write_token();
    snprintf(number, sizeof number, "%lld", (long long)spend(&db, &book));
    CHECK(command_of("--left", NULL) == 0);
    CHECK(shows("running") && !shows("ended"));
    CHECK(command_of("--release", number, "12345", NULL) == aip_status_exit_code(AIP_BUDGET_HOLD_RUNNING));
    CHECK(shows(": budget.hold.running") && shows("hold 12345: budget.hold.unknown"));
    CHECK(file_query("SELECT sum(held) FROM ledger_account") == 250000);
    ledger_close(&book);
    store_close(&db);
    CHECK(command_of("--release", number, NULL) == 0);
    end();
}

static void
what_makes_no_sense_is_refused(void)
{
    static const char nobody[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    int usage = aip_status_exit_code(AIP_USAGE);
    begin();
    CHECK(command_of(NULL) == usage);
    CHECK(command_of(token_path, token_path, NULL) == usage);
    CHECK(command_of(token_path, "--left", NULL) == usage);
    CHECK(command_of("--left", "--release", "1", NULL) == usage);
    CHECK(command_of("--left", "--below", NULL) == usage);
    CHECK(command_of(token_path, "--older", "1h", NULL) == usage);
    CHECK(command_of("--left", "--older", "soon", NULL) == usage);
    CHECK(command_of("--release", "0x1", NULL) == usage);
    CHECK(command_of("--release", "-1", NULL) == usage);
    CHECK(command_of(nobody, NULL) == aip_status_exit_code(AIP_BUDGET_ACCOUNT_UNKNOWN));
    CHECK(command_of("/nonexistent/token", NULL) == aip_status_exit_code(AIP_IO));
    CHECK(command_of(file_path, NULL) != 0); /* no token */
    CHECK(printed[0] == '\0');
    CHECK(file_query("SELECT sum(held) FROM ledger_account") == 250000);
    end();
}

static void
looking_makes_no_database(void)
{
    file_begin();
    write_token();
    CHECK(command_of(token_path, NULL) == aip_status_exit_code(AIP_IO));
    CHECK(access(file_path, F_OK) != 0);
    end();
}

RUN(TEST(a_token_shows_its_tree), TEST(a_link_shows_the_same_and_json_is_for_programs),
    TEST(a_token_that_was_never_used_shows_those_above_it), TEST(what_was_left_open_is_listed_and_freed_by_word_alone),
    TEST(what_a_running_gateway_holds_is_not_freed), TEST(what_makes_no_sense_is_refused),
    TEST(looking_makes_no_database))
