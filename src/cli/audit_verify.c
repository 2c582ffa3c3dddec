/* aip-audit verify: the verdict on a log, each finding by file and line, and a progress bar for people. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/verify.h"
#include "cli/audit_verbs.h"
#include "crypto/base64url.h"

#define BAR_WIDTH 40
#define READ_TRIES 10 /* of a moment between two rotations */
#define HEAD_TEXT_SIZE (BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1)

typedef struct {
    audit_signer_options signer;
    const char *known;
    bool part, json;
} verify_options;

typedef struct {
    uint64_t total;
    unsigned shown; /* percent + 1 */
} progress_bar;

static void
show_progress(void *context, uint64_t bytes)
{
    progress_bar *bar = context;
    unsigned percent = bar->total == 0 ? 100 : (unsigned)(bytes >= bar->total ? 100 : bytes * 100 / bar->total);
    if (percent + 1 == bar->shown) {
        return;
    }
    bar->shown = percent + 1;
    int filled = (int)(percent * BAR_WIDTH / 100);
    fprintf(stderr, "\r[%.*s%*s] %3u%%", filled, "########################################", BAR_WIDTH - filled, "",
            percent);
    fflush(stderr);
}

static void
end_progress(const progress_bar *bar)
{
    if (bar->shown > 0) {
        fprintf(stderr, "\r%*s\r", BAR_WIDTH + 8, "");
    }
}

static uint64_t
bytes_of(const audit_series *files)
{
    uint64_t total = 0;
    struct stat facts;
    for (size_t i = 0; i < files->count; i++) {
        total += stat(files->paths[i], &facts) == 0 ? (uint64_t)facts.st_size : 0;
    }
    return total;
}

/* `N:hash`, as an earlier verification printed it. */
static aip_status
parse_known(const char *text, audit_check *check, aip_error *err)
{
    char number[24];
    size_t size = 0;
    const char *colon = text == NULL ? NULL : strchr(text, ':');
    if (text == NULL) {
        return AIP_OK;
    }
    if (colon == NULL || (size_t)(colon - text) >= sizeof number ||
        base64url_decode(aip_bytes_of(colon + 1), check->known_head, sizeof check->known_head, &size, NULL) != AIP_OK ||
        size != AIP_HASH_BYTES) {
        return aip_fail(err, AIP_USAGE, "--known needs NUMBER:HASH, as verify prints them");
    }
    snprintf(number, sizeof number, "%.*s", (int)(colon - text), text);
    AIP_TRY(text_parse_unsigned(number, INT64_MAX, &check->known_lines, err));
    return check->known_lines > 0 ? AIP_OK : aip_fail(err, AIP_USAGE, "lines are numbered from 1");
}

static void
append_finding_json(text_buffer *text, const audit_finding *finding, const char *path)
{
    text_append_format(text, "{\"code\":\"%s\",\"file\":", aip_status_lookup(finding->status)->name);
    text_append_json(text, aip_bytes_of(path));
    text_append_format(
        text, ",\"line\":%llu,\"first\":%llu,\"last\":%llu,\"detail\":", (unsigned long long)finding->line,
        (unsigned long long)finding->first, (unsigned long long)(finding->last == 0 ? finding->first : finding->last));
    text_append_json(text, aip_bytes_of(finding->detail));
    text_append_string(text, "}");
}

static void
append_json(text_buffer *text, const audit_summary *summary, const audit_series *files, aip_status status,
            const aip_error *refusal)
{
    char head[HEAD_TEXT_SIZE];
    base64url_encode((aip_bytes){summary->head, AIP_HASH_BYTES}, head);
    text_append_string(text, "{");
    options_append_verdict(text, status, refusal);
    text_append_format(text, ",\"lines\":%llu,\"bytes\":%llu,\"first\":%llu,\"last\":%llu,\"head\":\"%s\"",
                       (unsigned long long)summary->lines, (unsigned long long)summary->bytes,
                       (unsigned long long)summary->first, (unsigned long long)summary->number, head);
    text_append_format(text, ",\"checkpoints\":%llu,\"signed_lines\":%llu,\"completions\":%llu,\"findings\":[",
                       (unsigned long long)summary->checkpoints, (unsigned long long)summary->signed_lines,
                       (unsigned long long)summary->completions);
    uint64_t told = summary->finding_count < AUDIT_FINDINGS_MAX ? summary->finding_count : AUDIT_FINDINGS_MAX;
    for (uint64_t i = 0; i < told; i++) {
        text_append_string(text, i == 0 ? "" : ",");
        append_finding_json(text, &summary->findings[i], files->paths[summary->findings[i].file]);
    }
    text_append_format(text, "],\"more\":%llu}", (unsigned long long)(summary->finding_count - told));
}

static void
append_findings(text_buffer *text, const audit_summary *summary, const audit_series *files)
{
    uint64_t told = summary->finding_count < AUDIT_FINDINGS_MAX ? summary->finding_count : AUDIT_FINDINGS_MAX;
    for (uint64_t i = 0; i < told; i++) {
        const audit_finding *finding = &summary->findings[i];
        char shown[256];
        text_append_format(
            text, "%s:%llu: %s: %s\n", aip_printable(aip_bytes_of(files->paths[finding->file]), shown, sizeof shown),
            (unsigned long long)finding->line, aip_status_lookup(finding->status)->name, finding->detail);
    }
    if (told < summary->finding_count) {
        text_append_format(text, "and %llu more\n", (unsigned long long)(summary->finding_count - told));
    }
}

static void
append_completions(text_buffer *text, const audit_summary *summary)
{
    if (summary->completions > 0) {
        text_append_format(text, "%llu completion statements, %llu of them by keys that only the gateway could judge\n",
                           (unsigned long long)summary->completions, (unsigned long long)summary->completions_unjudged);
    }
}

static void
append_text(text_buffer *text, const audit_summary *summary, const audit_series *files, bool judged)
{
    char head[HEAD_TEXT_SIZE];
    uint64_t after = summary->number - summary->signed_lines;
    base64url_encode((aip_bytes){summary->head, AIP_HASH_BYTES}, head);
    append_findings(text, summary, files);
    text_append_format(text, "%s: %llu lines in %zu file%s\n", summary->finding_count == 0 ? "whole" : "NOT whole",
                       (unsigned long long)summary->lines, files->count, files->count == 1 ? "" : "s");
    if (summary->checkpoints == 0) {
        text_append_string(text, "no checkpoints: only the hashes hold the lines, and nothing holds the last one\n");
    } else {
        text_append_format(text, "%llu checkpoints%s; %llu lines come after what the last one signs\n",
                           (unsigned long long)summary->checkpoints,
                           judged ? ", signatures good" : ", SIGNATURES NOT JUDGED (no --did, --key or --log)",
                           (unsigned long long)(after > 0 ? after - 1 : 0));
    }
    append_completions(text, summary);
    text_append_format(text, "known: %llu:%s", (unsigned long long)summary->number, head);
}

static aip_status
report(const verify_options *o, const audit_summary *summary, const audit_series *files, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    aip_status status = summary->finding_count == 0 ? AIP_OK : summary->findings[0].status;
    if (o->json) {
        append_json(&text, summary, files, status, err);
    } else {
        append_text(&text, summary, files, o->signer.did != NULL || o->signer.key != NULL || o->signer.log != NULL);
    }
    AIP_TRY(options_print(&text, err));
    return status;
}

/* Is the newest full file still the one that was listed? */
static bool
is_current(const char *name, const audit_series *files)
{
    SERIES_AUTO audit_series now = {0};
    return audit_series_list(name, &now, NULL) == AIP_OK && now.highest == files->highest;
}

/* Lists a series and opens the file that follows its newest full one, so that a rotation meanwhile takes nothing away.
 * -1 where there is no such file. */
static aip_status
hold_last(const char *name, audit_series *files, int *held, aip_error *err)
{
    *held = -1;
    for (int tries = 0; tries < READ_TRIES; tries++) {
        audit_series_clear(files);
        AIP_TRY(audit_name_files(&name, 1, files, err));
        *held = strcmp(files->paths[files->count - 1], name) == 0 ? open(name, O_RDONLY | O_CLOEXEC) : -1;
        if (*held >= 0 && is_current(name, files)) {
            return AIP_OK;
        }
        if (*held >= 0) {
            close(*held);
            *held = -1;
        }
    }
    return AIP_OK;
}

/* Reads the files, the last of them through `held` if it is open. */
static aip_status
read_log(audit_check *check, const audit_series *files, int held, audit_summary *summary, aip_error *err)
{
    progress_bar *bar = check->context;
    char last[32];
    snprintf(last, sizeof last, "/proc/self/fd/%d", held);
    const char **paths = calloc(files->count, sizeof *paths);
    if (paths == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < files->count; i++) {
        paths[i] = held >= 0 && i + 1 == files->count ? last : files->paths[i];
    }
    *bar = (progress_bar){.total = bytes_of(files)};
    check->paths = paths;
    check->path_count = files->count;
    aip_status status = audit_verify(check, summary, err);
    end_progress(bar);
    free(paths);
    return status;
}

static aip_status
read_series(audit_check *check, const char *const *names, size_t count, audit_series *files, audit_summary *summary,
            aip_error *err)
{
    int held = -1;
    AIP_TRY(count == 1 ? hold_last(names[0], files, &held, err) : audit_name_files(names, count, files, err));
    aip_status status = read_log(check, files, held, summary, err);
    if (held >= 0) {
        close(held);
    }
    return status;
}

/* *reported: the verdict has been printed. */
static aip_status
verify(const verify_options *o, const char *const *names, size_t count, bool *reported, aip_error *err)
{
    SERIES_AUTO audit_series files = {0};
    SIGNER_AUTO audit_signer signer = {0};
    static audit_summary summary;
    progress_bar bar = {0};
    AIP_TRY(audit_signer_load(&o->signer, &signer, err));
    bool person = !o->json && isatty(STDERR_FILENO) == 1;
    audit_check check = {.trust = {signer.given ? &signer.source : NULL, aip_bytes_of(signer.issuer)},
                         .part = o->part,
                         .progress = person ? show_progress : NULL,
                         .context = &bar};
    AIP_TRY(parse_known(o->known, &check, err));
    aip_status status = read_series(&check, names, count, &files, &summary, err);
    if (status != AIP_OK && (summary.finding_count == 0 || status != summary.findings[0].status)) {
        return status; /* it could not be read */
    }
    *reported = true;
    return report(o, &summary, &files, err);
}

int
audit_run_verify(int argc, char **argv)
{
    verify_options o = {0};
    const char *names[AUDIT_FILES_MAX];
    size_t count = 0;
    bool reported = false;
    const option table[] = {
        AUDIT_SIGNER_ROWS(o.signer),
        {"--known", OPTION_TEXT, &o.known, "NUMBER:HASH", "the log had this line; verify prints it of the last"},
        {"--part", OPTION_FLAG, &o.part, NULL, "the log may begin later than with its first line"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, AUDIT_PROGRAM " verify FILE... [options]", argc, argv, names,
                                      AUDIT_FILES_MAX, &count, &err);
    if (status == AIP_OK) {
        status = verify(&o, names, count, &reported, &err);
    }
    if (reported) {
        return aip_status_exit_code(status);
    }
    return status == AIP_OK ? 0 : options_report_failure(AUDIT_PROGRAM, o.json, status, &err);
}
