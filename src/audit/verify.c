/* Reads a log in a stream, each line once and each hash once, and judges a line when the next one is known. */
#include "audit/verify.h"

#include <stdlib.h>
#include <time.h>

#include "audit/completion_line.h"
#include "audit/reader.h"
#include "audit/verify_inside.h"
#include "crypto/hash.h"

#define SETTLE_NANOSECONDS 30000000 /* a gateway that writes just now has its line whole by then */
#define PROGRESS_LINES 4096

typedef struct {
    const audit_check *check;
    audit_summary *summary;
    audit_judge judge;
    scan_node *nodes;
    seen_line held, next; /* a line waits for the one after it */
    uint64_t bytes_before;
} verification;

/* What the line says, apart from its place. */
static void
read_line(verification *v, aip_bytes text, seen_line *out)
{
    audit_line line;
    aip_error err = AIP_ERROR_INIT;
    hash_sha256(text, out->hash);
    out->readable = audit_line_read(text, v->nodes, &line, &err) == AIP_OK;
    if (out->readable && line.has_seq && line.event == AUDIT_OTHER) {
        out->readable = aip_fail(&err, AIP_AUDIT_MALFORMED, "its event is unknown") == AIP_OK;
    }
    if (!out->readable) {
        snprintf(out->detail, sizeof out->detail, "%.95s", err.detail);
        return;
    }
    out->has_seq = line.has_seq;
    out->seq = line.has_seq ? line.seq : 0;
    out->event = line.event;
    memcpy(out->prev, line.prev, sizeof out->prev);
    if (line.event == AUDIT_CHECKPOINT_EVENT) {
        out->statement = checkpoint_read(text, &line, &v->check->trust, &out->facts, &err);
    } else if (line.event == AUDIT_COMPLETION) {
        out->statement = completion_line_read(text, &line, &out->judged, &err);
    }
    if (out->statement != AIP_OK) {
        snprintf(out->detail, sizeof out->detail, "%.95s", err.detail);
    }
}

static void
take_line(verification *v, reader_piece piece, aip_bytes text, size_t file, uint64_t number)
{
    v->next = (seen_line){.there = true, .file = file, .number_in_file = number, .torn = piece == READER_TORN};
    v->summary->lines++;
    if (piece == READER_LINE) {
        read_line(v, text, &v->next);
    } else {
        snprintf(v->next.detail, sizeof v->next.detail, "it is too long to be one of ours");
    }
    if (v->held.there) {
        judge_line(&v->judge, &v->held, &v->next);
    }
    v->held = v->next;
}

/* A last line without its end may just be in the making. */
static aip_status
settle(audit_reader *reader, reader_piece *piece, aip_bytes *text, aip_error *err)
{
    const struct timespec pause = {0, SETTLE_NANOSECONDS};
    if (*piece != READER_TORN) {
        return AIP_OK;
    }
    nanosleep(&pause, NULL);
    return audit_reader_next(reader, piece, text, err);
}

static void
tell_progress(const verification *v, uint64_t bytes)
{
    if (v->check->progress != NULL) {
        v->check->progress(v->check->context, v->bytes_before + bytes);
    }
}

static aip_status
read_file(verification *v, size_t file, aip_error *err)
{
    READER_AUTO audit_reader reader = {0};
    reader_piece piece = READER_LINE;
    aip_bytes text;
    AIP_TRY(audit_reader_open(v->check->paths[file], &reader, err));
    for (uint64_t number = 1; piece != READER_TORN; number++) {
        AIP_TRY(audit_reader_next(&reader, &piece, &text, err));
        AIP_TRY(settle(&reader, &piece, &text, err));
        if (piece == READER_ENDED) {
            break;
        }
        take_line(v, piece, text, file, number);
        if (number % PROGRESS_LINES == 0) {
            tell_progress(v, reader.bytes);
        }
    }
    tell_progress(v, reader.bytes);
    v->bytes_before += reader.bytes;
    return AIP_OK;
}

static aip_status
read_all(verification *v, aip_error *err)
{
    static const seen_line nothing = {.there = false};
    for (size_t i = 0; i < v->check->path_count; i++) {
        AIP_TRY(read_file(v, i, err));
    }
    if (v->held.there) {
        judge_line(&v->judge, &v->held, &nothing);
    }
    judge_end(&v->judge);
    v->summary->bytes = v->bytes_before;
    return AIP_OK;
}

aip_status
audit_verify(const audit_check *check, audit_summary *out, aip_error *err)
{
    verification v = {.check = check, .summary = out, .nodes = malloc(AUDIT_LINE_NODES_MAX * sizeof *v.nodes)};
    *out = (audit_summary){0};
    if (v.nodes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    judge_begin(&v.judge, check, out);
    aip_status status = read_all(&v, err);
    free(v.nodes);
    if (status != AIP_OK || out->finding_count == 0) {
        return status;
    }
    const audit_finding *first = &out->findings[0];
    return aip_fail(err, first->status, "file %zu, line %llu: %s", first->file + 1, (unsigned long long)first->line,
                    first->detail);
}
