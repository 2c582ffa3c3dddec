/* aip-audit show: the lines of a log that were asked for, as a table or as they stand, and those to come. */
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "audit/project.h"
#include "audit/reader.h"
#include "base/clock.h"
#include "cli/audit_show.h"
#include "cli/audit_verbs.h"

#define POLL_NANOSECONDS 200000000

typedef struct {
    audit_filter filter;
    const char *since, *until, *format;
    bool json, projected, follow;
} show_options;

typedef struct {
    show_options *o;
    scan_node *nodes;
    uint64_t unreadable;
} show_state;

static aip_status
print_line(const show_options *o, aip_bytes text, const audit_line *line, aip_error *err)
{
    TEXT_AUTO text_buffer row = {0};
    if (o->projected) {
        AIP_TRY(audit_project(text, &row, err));
        if (row.size == 0) {
            return AIP_OK; /* nothing that the other shape knows */
        }
        row.size--; /* the last newline is the printer's */
    } else if (o->json) {
        text_append(&row, text);
    } else {
        audit_append_row(&row, line);
    }
    return options_print(&row, err);
}

static aip_status
show_line(show_state *state, reader_piece piece, aip_bytes text, aip_error *err)
{
    audit_line line;
    if (piece != READER_LINE || audit_line_read(text, state->nodes, &line, NULL) != AIP_OK) {
        state->unreadable++;
        return AIP_OK;
    }
    return audit_filter_takes(&state->o->filter, &line) ? print_line(state->o, text, &line, err) : AIP_OK;
}

/* All that is there now; a torn end waits for its rest. */
static aip_status
show_rest(show_state *state, audit_reader *reader, bool *torn, aip_error *err)
{
    reader_piece piece;
    aip_bytes text;
    for (;;) {
        AIP_TRY(audit_reader_next(reader, &piece, &text, err));
        *torn = piece == READER_TORN;
        if (*torn || piece == READER_ENDED) {
            return AIP_OK;
        }
        AIP_TRY(show_line(state, piece, text, err));
    }
}

static bool
is_file(int fd, const char *path)
{
    struct stat open_one, named_one;
    return fstat(fd, &open_one) == 0 && stat(path, &named_one) == 0 && open_one.st_dev == named_one.st_dev &&
           open_one.st_ino == named_one.st_ino;
}

/* After a rotation: the file that follows the one that was read, whatever it is called by now. */
static aip_status
open_next(const char *path, audit_reader *reader, aip_error *err)
{
    SERIES_AUTO audit_series files = {0};
    AIP_TRY(audit_series_list(path, &files, err));
    for (size_t i = 0; i + 1 < files.count; i++) {
        if (is_file(reader->fd, files.paths[i])) {
            audit_reader_close(reader);
            return audit_reader_open(files.paths[i + 1], reader, err);
        }
    }
    return AIP_OK; /* not there yet */
}

static aip_status
follow(show_state *state, const char *path, audit_reader *reader, aip_error *err)
{
    const struct timespec pause = {0, POLL_NANOSECONDS};
    bool torn;
    for (;;) {
        nanosleep(&pause, NULL);
        bool rotated = !is_file(reader->fd, path); /* asked first: what is read after it is all of the old file */
        AIP_TRY(show_rest(state, reader, &torn, err));
        if (rotated && !torn) {
            AIP_TRY(open_next(path, reader, err));
        }
    }
}

static aip_status
show_files(show_state *state, const audit_series *files, aip_error *err)
{
    for (size_t i = 0; i < files->count; i++) {
        READER_AUTO audit_reader reader = {0};
        bool torn = false;
        AIP_TRY(audit_reader_open(files->paths[i], &reader, err));
        AIP_TRY(show_rest(state, &reader, &torn, err));
        if (state->o->follow && i + 1 == files->count) {
            return follow(state, files->paths[i], &reader, err);
        }
        state->unreadable += torn;
    }
    return state->unreadable == 0 ? AIP_OK
                                  : aip_fail(err, AIP_AUDIT_MALFORMED, "lines that could not be read: %llu",
                                             (unsigned long long)state->unreadable);
}

/* RFC 3339, or a duration before now. */
static aip_status
parse_time(const char *text, int64_t *out, aip_error *err)
{
    int64_t seconds;
    if (text == NULL || clock_read_utc(aip_bytes_of(text), out)) {
        return AIP_OK;
    }
    if (text_parse_duration(text, &seconds, NULL) != AIP_OK) {
        return aip_fail(err, AIP_USAGE, "a time is 2026-11-21T12:00:00Z, or 15m for so long ago");
    }
    *out = clock_now_seconds() - seconds;
    return AIP_OK;
}

static const char *const decisions[] = {"ALLOW", "BLOCK", "ALLOW_MONITOR", "RATE_LIMITED", "ASK", NULL};
static const char *const formats[] = {"table", "json", "aip", NULL};

static bool
is_one_of(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(word, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

static aip_status
check_options(show_options *o, aip_error *err)
{
    audit_filter *f = &o->filter;
    AIP_TRY(parse_time(o->since, &f->since, err));
    AIP_TRY(parse_time(o->until, &f->until, err));
    if (f->decision != NULL && !is_one_of(f->decision, decisions)) {
        return aip_fail(err, AIP_USAGE, "--decision is ALLOW, BLOCK, ALLOW_MONITOR, RATE_LIMITED or ASK");
    }
    if (f->event != NULL && audit_line_kind_of(aip_bytes_of(f->event)) == AUDIT_OTHER) {
        return aip_fail(err, AIP_USAGE, "--event is decision, outcome, completion, alert, approval, pin or reload");
    }
    if (o->format != NULL && !is_one_of(o->format, formats)) {
        return aip_fail(err, AIP_USAGE, "--format is table, json or aip");
    }
    o->json = o->json || (o->format != NULL && strcmp(o->format, "json") == 0);
    o->projected = o->format != NULL && strcmp(o->format, "aip") == 0;
    f->any = f->agent == NULL && f->root == NULL && f->tool == NULL && f->decision == NULL && f->link == NULL &&
             f->event == NULL && o->since == NULL && o->until == NULL;
    return AIP_OK;
}

static aip_status
show(show_options *o, const char *const *names, size_t count, aip_error *err)
{
    SERIES_AUTO audit_series files = {0};
    show_state state = {.o = o};
    AIP_TRY(check_options(o, err));
    AIP_TRY(audit_name_files(names, count, &files, err));
    if (o->follow && count > 1) {
        return aip_fail(err, AIP_USAGE, "--follow follows one log");
    }
    state.nodes = malloc(AUDIT_LINE_NODES_MAX * sizeof *state.nodes);
    if (state.nodes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = show_files(&state, &files, err);
    free(state.nodes);
    return status;
}

int
audit_run_show(int argc, char **argv)
{
    static show_options o;
    const char *names[AUDIT_FILES_MAX];
    size_t count = 0;
    const option table[] = {
        {"--agent", OPTION_TEXT, &o.filter.agent, "DID", "what this agent did as the token's holder"},
        {"--root", OPTION_TEXT, &o.filter.root, "DID", "what was done on the authority of this root"},
        {"--tool", OPTION_TEXT, &o.filter.tool, "NAME", "of this tool, prompt or address"},
        {"--decision", OPTION_TEXT, &o.filter.decision, "D", "ALLOW, BLOCK, ALLOW_MONITOR, RATE_LIMITED or ASK"},
        {"--event", OPTION_TEXT, &o.filter.event, "NAME",
         "lines of this kind: outcome, completion, alert, approval ..."},
        {"--link", OPTION_TEXT, &o.filter.link, "ID", "everything asked for under this link, by whomever"},
        {"--since", OPTION_TEXT, &o.since, "TIME", "from then on: RFC 3339, or 15m for so long ago"},
        {"--until", OPTION_TEXT, &o.until, "TIME", "until then"},
        {"--follow", OPTION_FLAG, &o.follow, NULL, "go on with what is written, until interrupted"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print the lines as they stand in the log"},
        {"--format", OPTION_TEXT, &o.format, "NAME", "table, json, or aip: the shape that other gateways' logs have"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status =
        options_parse(table, AUDIT_PROGRAM " show FILE... [options]", argc, argv, names, AUDIT_FILES_MAX, &count, &err);
    if (status == AIP_OK) {
        status = show(&o, names, count, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(AUDIT_PROGRAM, false, status, &err);
}
