/* aip-gateway budget: what was granted, spent and held, and what crashed gateways left open (B-30, B-31). */
#include "cli/gateway_budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aip/chain.h"
#include "base/clock.h"
#include "cli/options.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "store/ledger.h"

#define PROGRAM "aip-gateway"
#define USAGE_TEXT                                              \
    PROGRAM " budget TOKEN|LINK [--below] [options]\n"          \
            "       " PROGRAM " budget --left [--older TIME]\n" \
            "       " PROGRAM " budget --release HOLD...\n"     \
            "TOKEN is a file, or - for stdin; of a token, the last link that was debited is looked up.\n"
#define LINK_TEXT BASE64URL_TEXT_SIZE(AIP_HASH_BYTES)
#define AMOUNT_WIDTH 14

static struct {
    const char *store, *older;
    option_list release;
    bool left, below, json;
} given;

static const option table[] = {
    {"--store", OPTION_TEXT, &given.store, "FILE", "the gateway's database (aip-gateway.db)"},
    {"--below", OPTION_FLAG, &given.below, NULL, "only the link and those below it, not the whole tree it stands in"},
    {"--left", OPTION_FLAG, &given.left, NULL, "list the holds that are open, with the gateways that still run"},
    {"--older", OPTION_TEXT, &given.older, "TIME", "with --left: only those made at least so long ago (0s)"},
    {"--release", OPTION_LIST, &given.release, "HOLD",
     "free what an ended gateway left open: your word that the call was not made"},
    {"--json", OPTION_FLAG, &given.json, NULL, "print one JSON object"},
    {NULL, OPTION_FLAG, NULL, NULL, NULL},
};

/* What is asked about. */
typedef struct {
    unsigned char links[AIP_CHAIN_ELEMENTS_MAX][AIP_HASH_BYTES]; /* root first; of a bare link, only that */
    size_t count;
} subject;

typedef struct {
    store *db;
    ledger *book;
    text_buffer text;
    size_t rows;
    const unsigned char *marked;
} report;

/* ---- what is asked about ---- */

static aip_status
read_token(FILE *file, char **out, size_t *size, aip_error *err)
{
    aip_status status = text_load_stream(file, AIP_TOKEN_BYTES_MAX + 1, out, size, err);
    if (status == AIP_JSON_SIZE) {
        return aip_fail(err, AIP_TOKEN_SIZE, NULL);
    }
    AIP_TRY(status);
    if (*size > 0 && (*out)[*size - 1] == '\n') {
        (*out)[--*size] = '\0';
    }
    return *size > 0 ? AIP_OK : aip_fail(err, AIP_TOKEN_MISSING, NULL);
}

static aip_status
load_token(const char *path, char **out, size_t *size, aip_error *err)
{
    if (strcmp(path, "-") == 0) {
        return read_token(stdin, out, size, err);
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return aip_fail(err, AIP_IO, "neither a link id nor a file that can be read");
    }
    aip_status status = read_token(file, out, size, err);
    fclose(file);
    return status;
}

/* Nothing of the token is verified: it only names its links, and who may read the database may see all of them. */
static aip_status
take_token(const char *path, subject *out, aip_error *err)
{
    STRING_AUTO char *text = NULL;
    size_t size = 0;
    aip_chain *chain = NULL;
    AIP_TRY(load_token(path, &text, &size, err));
    aip_status status = aip_chain_parse((aip_bytes){(const unsigned char *)text, size}, &chain, err);
    hash_wipe(text, size);
    for (size_t i = 0; status == AIP_OK && i < aip_chain_length(chain); i++) {
        char id[LINK_TEXT + 1];
        size_t written;
        aip_chain_link_id(chain, i, id);
        status = base64url_decode(aip_bytes_of(id), out->links[i], AIP_HASH_BYTES, &written, err);
        out->count = i + 1;
    }
    aip_chain_free(&chain);
    return status;
}

static aip_status
take_subject(const char *name, subject *out, aip_error *err)
{
    size_t size = 0;
    *out = (subject){.count = 1};
    if (strlen(name) == LINK_TEXT &&
        base64url_decode(aip_bytes_of(name), out->links[0], AIP_HASH_BYTES, &size, NULL) == AIP_OK &&
        size == AIP_HASH_BYTES) {
        return AIP_OK;
    }
    return take_token(name, out, err);
}

/* ---- trees ---- */

static void
append_amount(text_buffer *text, bool some, uint64_t micro_usd)
{
    char amount[32] = "-";
    if (some) {
        aip_budget_format(micro_usd, amount);
    }
    text_append_format(text, "%*s", AMOUNT_WIDTH, amount);
}

/* As text: not every reader of JSON keeps so many digits of a number. */
static void
append_member(text_buffer *text, const char *name, bool some, uint64_t micro_usd)
{
    char amount[32];
    aip_budget_format(micro_usd, amount);
    text_append_format(text, some ? ",\"%s\":\"%s\"" : ",\"%s\":null", name, amount);
}

static void
append_row_json(report *r, const ledger_row *row, const char *link)
{
    text_append_format(&r->text, "%s{\"link\":\"%s\",\"depth\":%zu", r->rows == 0 ? "" : ",", link, row->depth);
    append_member(&r->text, "granted", row->has_ceiling, row->ceiling_micro_usd);
    append_member(&r->text, "spent", true, row->spent_micro_usd);
    append_member(&r->text, "held", true, row->held_micro_usd);
    append_member(&r->text, "left", row->has_left, row->left_micro_usd);
    text_append_string(&r->text, "}");
}

static aip_status
take_row(void *context, const ledger_row *row, aip_error *err)
{
    report *r = context;
    char link[LINK_TEXT + 1];
    base64url_encode((aip_bytes){row->link, sizeof row->link}, link);
    if (given.json) {
        append_row_json(r, row, link);
    } else {
        text_append_string(&r->text, "\n");
        append_amount(&r->text, row->has_ceiling, row->ceiling_micro_usd);
        append_amount(&r->text, true, row->spent_micro_usd);
        append_amount(&r->text, true, row->held_micro_usd);
        append_amount(&r->text, row->has_left, row->left_micro_usd);
        text_append_format(&r->text, "  %*s%s%s", (int)row->depth * 2, "", link,
                           memcmp(row->link, r->marked, sizeof row->link) == 0 ? " *" : "");
    }
    r->rows++;
    return text_finish(&r->text, err);
}

/* The last link of a token may never have been used, though those above it were. */
static aip_status
show_nearest(report *r, const subject *s, aip_error *err)
{
    const ledger_row_sink sink = {r, take_row};
    aip_status status = AIP_BUDGET_ACCOUNT_UNKNOWN;
    for (size_t i = s->count; i-- > 0 && status == AIP_BUDGET_ACCOUNT_UNKNOWN;) {
        r->marked = s->links[i];
        status = ledger_tree(r->book, s->links[i], given.below ? LEDGER_FROM_LINK : LEDGER_FROM_ROOT, &sink, err);
    }
    return status;
}

static aip_status
show_tree(report *r, const char *name, aip_error *err)
{
    char link[LINK_TEXT + 1];
    subject s;
    AIP_TRY(take_subject(name, &s, err));
    if (given.json) {
        text_append_string(&r->text, "{\"accounts\":[");
    } else {
        text_append_format(&r->text, "%*s%*s%*s%*s  link", AMOUNT_WIDTH, "granted", AMOUNT_WIDTH, "spent", AMOUNT_WIDTH,
                           "held", AMOUNT_WIDTH, "left");
    }
    AIP_TRY(show_nearest(r, &s, err));
    base64url_encode((aip_bytes){r->marked, AIP_HASH_BYTES}, link);
    if (given.json) {
        text_append_format(&r->text, "],\"link\":\"%s\"}", link);
    }
    return options_print(&r->text, err);
}

/* ---- holds that were left open ---- */

static aip_status
take_left(void *context, const ledger_left *row, aip_error *err)
{
    report *r = context;
    char link[LINK_TEXT + 1], amount[32], made[21];
    base64url_encode((aip_bytes){row->leaf, sizeof row->leaf}, link);
    aip_budget_format(row->amount_micro_usd, amount);
    clock_format_utc(row->made_at, made);
    text_append_format(&r->text,
                       given.json
                           ? "%s{\"hold\":%lld,\"made\":\"%s\",\"held\":\"%s\",\"gateway\":\"%s\",\"link\":\"%s\"}"
                           : "%s%12lld  %-20s%14s  %-7s  %s",
                       !given.json      ? "\n"
                       : r->rows++ == 0 ? ""
                                        : ",",
                       (long long)row->hold, made, amount, row->is_running ? "running" : "ended", link);
    return text_finish(&r->text, err);
}

static aip_status
list_left(report *r, aip_error *err)
{
    int64_t older = 0, before = INT64_MAX; /* also of a clock that was wrong */
    const ledger_left_sink sink = {r, take_left};
    if (given.older != NULL) {
        AIP_TRY(options_parse_duration(given.older, &older, err));
        before = clock_now_seconds() - older + 1;
    }
    if (given.json) {
        text_append_string(&r->text, "{\"holds\":[");
    } else {
        text_append_format(&r->text, "%12s  %-20s%14s  %-7s  link", "hold", "made", "held", "gateway");
    }
    AIP_TRY(ledger_list_left(r->book, before, &sink, err));
    text_append_string(&r->text, given.json ? "]}" : "");
    return options_print(&r->text, err);
}

/* ---- the operator's word ---- */

static aip_status
take_numbers(ledger_request *requests, const char *const *names, size_t count, aip_error *err)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        if (text_parse_unsigned(names[i], INT64_MAX, &number, NULL) != AIP_OK) {
            return aip_fail(err, AIP_USAGE, "a hold is named by its number, as --left shows it");
        }
        requests[i] = (ledger_request){.verb = LEDGER_FREE, .hold = (int64_t)number};
    }
    return AIP_OK;
}

static void
append_released(text_buffer *text, const ledger_request *request, bool first)
{
    const char *name = aip_status_lookup(request->answer.verdict)->name;
    bool freed = request->answer.verdict == AIP_OK;
    if (given.json) {
        text_append_format(text, "%s{\"hold\":%lld,\"released\":%s,\"code\":\"%s\"}", first ? "" : ",",
                           (long long)request->hold, freed ? "true" : "false", name);
    } else {
        text_append_format(text, "%shold %lld: %s", first ? "" : "\n", (long long)request->hold,
                           freed ? "released" : name);
    }
}

/* All in one transaction; what cannot be freed does not keep the others. */
static aip_status
release(report *r, const char *const *names, size_t count, aip_error *err)
{
    ledger_request requests[LEDGER_PER_COMMIT];
    aip_status first_refusal = AIP_OK;
    AIP_TRY(take_numbers(requests, names, count, err));
    AIP_TRY(ledger_apply(r->book, requests, count, err));
    text_append_string(&r->text, given.json ? "{\"holds\":[" : "");
    for (size_t i = 0; i < count; i++) {
        append_released(&r->text, &requests[i], i == 0);
        first_refusal = first_refusal == AIP_OK ? requests[i].answer.verdict : first_refusal;
    }
    text_append_string(&r->text, given.json ? "]}" : "");
    AIP_TRY(options_print(&r->text, err));
    return first_refusal == AIP_OK ? AIP_OK : aip_fail(err, first_refusal, NULL);
}

/* ---- the command ---- */

static aip_status
check_usage(size_t names, aip_error *err)
{
    bool releases = given.release.count > 0;
    if (given.left + releases > 1 || (given.left && names > 0) || (given.older != NULL && !given.left) ||
        (given.below && (given.left || releases))) {
        return aip_fail(err, AIP_USAGE, "one of: a token or link, --left, --release");
    }
    if (!given.left && !releases && names != 1) {
        return aip_fail(err, AIP_USAGE, "which token, or which link?");
    }
    return names + given.release.count <= LEDGER_PER_COMMIT
               ? AIP_OK
               : aip_fail(err, AIP_USAGE, "at most %d holds at once", LEDGER_PER_COMMIT);
}

/* Looking must not make a database. */
static aip_status
open_book(report *r, aip_error *err)
{
    struct stat facts;
    const char *path = given.store == NULL ? PROGRAM ".db" : given.store;
    if (stat(path, &facts) != 0) {
        return aip_fail(err, AIP_IO, "there is no such database (--store)");
    }
    AIP_TRY(store_open(path, &r->db, err));
    return ledger_open(r->db, &r->book, err);
}

static aip_status
run(report *r, const char **names, size_t count, aip_error *err)
{
    AIP_TRY(check_usage(count, err));
    AIP_TRY(crypto_start(err));
    AIP_TRY(open_book(r, err));
    if (given.left) {
        return list_left(r, err);
    }
    if (given.release.count == 0) {
        return show_tree(r, names[0], err);
    }
    /* `--release 4 5 6` as well as `--release 4 --release 5`. */
    for (size_t i = 0; i < given.release.count; i++) {
        names[count++] = given.release.items[i];
    }
    return release(r, names, count, err);
}

int
gateway_budget_main(int argc, char **argv)
{
    const char *names[2 * LEDGER_PER_COMMIT];
    size_t count = 0;
    report r = {0};
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, USAGE_TEXT, argc, argv, names, LEDGER_PER_COMMIT, &count, &err);
    if (status == AIP_OK) {
        status = run(&r, names, count, &err);
    }
    if (status != AIP_OK) {
        /* What was released, and what not, stands in the output already: one object is enough. */
        (void)options_report_failure(PROGRAM, given.json && given.release.count == 0, status, &err);
    }
    ledger_close(&r.book);
    store_close(&r.db);
    text_clear(&r.text);
    options_release(table);
    return aip_status_exit_code(status);
}
