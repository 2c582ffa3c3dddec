/* Which line of a log is not as it was written: a line, the one before and the one after it bear each other out. */
#include "audit/verify_inside.h"
#include "crypto/hash.h"

static audit_finding *
find(audit_judge *j, aip_status status, const seen_line *at, const char *detail)
{
    audit_summary *summary = j->summary;
    audit_finding *finding =
        summary->finding_count < AUDIT_FINDINGS_MAX ? &summary->findings[summary->finding_count] : &j->beyond;
    summary->finding_count++;
    *finding = (audit_finding){.status = status, .file = at->file, .line = at->number_in_file};
    snprintf(finding->detail, sizeof finding->detail, "%s", detail);
    return finding;
}

static bool
same(const unsigned char *a, const unsigned char *b)
{
    return memcmp(a, b, AIP_HASH_BYTES) == 0;
}

/* Goes on from `line` as number `seq`. */
static void
go_on(audit_judge *j, const seen_line *line, uint64_t seq)
{
    memcpy(j->expected2, j->expected, sizeof j->expected2);
    memcpy(j->expected, line->hash, sizeof j->expected);
    j->has_expected = true;
    j->before = *line;
    j->seq = seq;
    if (line->event != AUDIT_CHECKPOINT_EVENT) {
        j->since_checkpoint++;
    }
}

/* Goes on behind a line whose bytes cannot be trusted: what follows tells what its hash was. */
static void
go_on_blind(audit_judge *j, const seen_line *line)
{
    go_on(j, line, j->seq + 1);
    j->has_expected = false;
}

static void
judge_checkpoint(audit_judge *j, const seen_line *line)
{
    const checkpoint_facts *facts = &line->facts;
    if (line->statement != AIP_OK) {
        find(j, AIP_AUDIT_CHECKPOINT, line, line->detail)->first = line->seq;
        return;
    }
    if (facts->lines + 1 != line->seq || !same(facts->head, line->prev)) {
        find(j, AIP_AUDIT_CHECKPOINT, line, "it is not about the lines before it")->first = line->seq;
        return;
    }
    j->summary->checkpoints++;
    j->summary->signed_lines = facts->lines;
    j->has_promise = true;
    j->every = facts->every;
    j->since_checkpoint = 0;
}

static void
judge_completion(audit_judge *j, const seen_line *line)
{
    if (line->statement != AIP_OK) {
        find(j, AIP_AUDIT_COMPLETION, line, line->detail)->first = line->seq;
        return;
    }
    j->summary->completions++;
    j->summary->completions_unjudged += !line->judged;
}

/* A log whose checkpoints were taken out says so by the promise of the last one. */
static void
judge_promise(audit_judge *j, const seen_line *line)
{
    if (j->check->trust.keys != NULL && j->has_promise && line->event != AUDIT_CHECKPOINT_EVENT &&
        j->since_checkpoint == j->every) {
        find(j, AIP_AUDIT_CHECKPOINT, line, "a checkpoint was promised before this line")->first = j->seq + 1;
    }
}

static void
judge_known(audit_judge *j, const seen_line *line)
{
    if (j->check->known_lines != 0 && j->seq == j->check->known_lines && !same(line->hash, j->check->known_head)) {
        find(j, AIP_AUDIT_CHANGED, line, "it, or a line before it, is not the one that was known")->last = j->seq;
    }
}

static void
follow(audit_judge *j, const seen_line *line)
{
    judge_promise(j, line);
    go_on(j, line, j->seq + 1);
    if (line->event == AUDIT_CHECKPOINT_EVENT) {
        judge_checkpoint(j, line);
    } else if (line->event == AUDIT_COMPLETION) {
        judge_completion(j, line);
    }
    judge_known(j, line);
}

/* Lines that came early and make up the whole gap were only moved. */
static bool
gap_is_known(audit_judge *j, uint64_t first, uint64_t last)
{
    uint64_t met = 0;
    for (size_t i = 0; i < j->early_count; i++) {
        met += j->early[i].first >= first && j->early[i].first <= last;
    }
    if (met != last - first + 1) {
        return false;
    }
    for (size_t i = 0; i < j->early_count; i++) {
        if (j->early[i].first >= first && j->early[i].first <= last && j->early[i].finding < AUDIT_FINDINGS_MAX) {
            audit_finding *finding = &j->summary->findings[j->early[i].finding];
            finding->status = AIP_AUDIT_ORDER;
            snprintf(finding->detail, sizeof finding->detail, "it belongs further down");
        }
    }
    return true;
}

static void
note_gap(audit_judge *j, const seen_line *line)
{
    char detail[96];
    uint64_t first = j->seq + 1, last = line->seq - 1;
    if (gap_is_known(j, first, last)) {
        return;
    }
    if (first == last) {
        snprintf(detail, sizeof detail, "line %llu is missing before this line", (unsigned long long)first);
    } else {
        snprintf(detail, sizeof detail, "lines %llu to %llu are missing before this line", (unsigned long long)first,
                 (unsigned long long)last);
    }
    audit_finding *finding = find(j, AIP_AUDIT_MISSING, line, detail);
    finding->first = first;
    finding->last = last;
    if (j->gap_count < GAPS_MAX) {
        j->gaps[j->gap_count++] = (seen_gap){first, last, j->summary->finding_count - 1};
    }
}

/* Does the line fill a gap? Then it was moved; a gap of that one line alone was no loss. */
static bool
fill_gap(audit_judge *j, const seen_line *line)
{
    for (size_t i = 0; i < j->gap_count; i++) {
        seen_gap *gap = &j->gaps[i];
        if (line->seq < gap->first || line->seq > gap->last) {
            continue;
        }
        if (gap->first == gap->last && gap->finding < AUDIT_FINDINGS_MAX) {
            audit_finding *finding = &j->summary->findings[gap->finding];
            finding->status = AIP_AUDIT_ORDER;
            finding->file = line->file;
            finding->line = line->number_in_file;
            snprintf(finding->detail, sizeof finding->detail, "line %llu of the log stands here",
                     (unsigned long long)line->seq);
            finding->first = finding->last = line->seq;
            *gap = j->gaps[--j->gap_count];
        } else {
            find(j, AIP_AUDIT_ORDER, line, "it belongs before lines that stand above it")->first = line->seq;
        }
        return true;
    }
    return false;
}

static void
judge_unreadable(audit_judge *j, const seen_line *line, const seen_line *next)
{
    if (line->torn) {
        find(j, AIP_AUDIT_CUT, line, "the line is cut: it has no end")->first = j->seq + 1;
        return;
    }
    if (next->there && next->readable && j->has_expected && same(next->prev, j->expected)) {
        find(j, AIP_AUDIT_ADDED, line, line->detail);
        return; /* the chain never knew it */
    }
    find(j, AIP_AUDIT_MALFORMED, line, line->detail)->first = j->seq + 1;
    go_on_blind(j, line);
}

/* The line has the number that was due, and does not hold the line before. Was that one changed, or this? */
static void
judge_broken_link(audit_judge *j, const seen_line *line, const seen_line *next)
{
    bool signed_before =
        line->event == AUDIT_CHECKPOINT_EVENT && line->statement == AIP_OK && same(line->facts.head, j->expected);
    if (signed_before || (next->there && next->readable && !same(next->prev, line->hash))) {
        find(j, AIP_AUDIT_CHANGED, line, "its link to the line before was changed")->first = j->seq + 1;
        go_on_blind(j, line);
        return;
    }
    find(j, AIP_AUDIT_CHANGED, &j->before,
         !line->has_seq ? "the line after it holds another hash; or lines between them are missing"
         : next->there  ? "the line after it holds another hash"
                        : "the last line, which is after it, holds another hash")
        ->first = j->seq;
    go_on(j, line, j->seq + 1);
}

/* The line after it takes up where the line before it left off. */
static void
judge_stranger(audit_judge *j, const seen_line *line)
{
    if (line->has_seq && fill_gap(j, line)) {
        return;
    }
    find(j, AIP_AUDIT_ADDED, line, "the line after it follows the line before it")->first = line->seq;
    if (line->seq > j->seq + 1 && j->early_count < GAPS_MAX) {
        j->early[j->early_count++] = (seen_gap){line->seq, line->seq, j->summary->finding_count - 1};
    }
}

static void
judge_out_of_turn(audit_judge *j, const seen_line *line)
{
    if (line->seq == j->seq && same(line->prev, j->expected2) && !same(line->hash, j->before.hash)) {
        find(j, AIP_AUDIT_ADDED, &j->before, "the line after it follows the line before it");
        j->seq--;
        go_on(j, line, line->seq);
        memcpy(j->expected2, line->prev, sizeof j->expected2);
    } else if (line->seq > j->seq + 1) {
        note_gap(j, line);
        go_on(j, line, line->seq);
    } else if (!fill_gap(j, line)) {
        find(j, AIP_AUDIT_ADDED, line, "its number was there before")->first = line->seq;
    }
}

/* The first line of all. */
static void
judge_beginning(audit_judge *j, const seen_line *line)
{
    uint64_t seq = line->has_seq ? line->seq : 1;
    j->summary->first = seq;
    memcpy(j->expected, line->prev, sizeof j->expected);
    if (j->check->part) {
        j->seq = seq - 1;
        return;
    }
    static const unsigned char start[AIP_HASH_BYTES];
    if (seq > 1) {
        note_gap(j, line);
        j->seq = seq - 1;
    } else if (!same(line->prev, start)) {
        find(j, AIP_AUDIT_CHANGED, line, "it is not the beginning of a log")->first = 1;
    }
}

void
judge_begin(audit_judge *j, const audit_check *check, audit_summary *summary)
{
    *j = (audit_judge){.check = check, .summary = summary};
}

void
judge_line(audit_judge *j, const seen_line *line, const seen_line *next)
{
    if (!line->readable) {
        judge_unreadable(j, line, next);
        return;
    }
    if (!j->before.there) {
        judge_beginning(j, line);
    }
    uint64_t due = j->seq + 1;
    bool in_turn = line->has_seq ? line->seq == due : !j->before.has_seq;
    bool linked = (!j->has_expected && j->before.there) || same(line->prev, j->expected);
    if (linked && in_turn) {
        follow(j, line);
    } else if (next->there && next->readable && j->has_expected && same(next->prev, j->expected) &&
               (!next->has_seq || next->seq == due)) {
        judge_stranger(j, line);
    } else if (linked && j->has_expected) {
        find(j, AIP_AUDIT_CHANGED, line, "its number was changed")->first = due;
        go_on_blind(j, line);
    } else if (in_turn) {
        judge_broken_link(j, line, next);
    } else {
        judge_out_of_turn(j, line);
    }
}

/* Lines that came early and belong at the very end. */
static void
settle_early(audit_judge *j)
{
    uint64_t last = j->seq;
    for (size_t i = 0; i < j->early_count; i++) {
        last = j->early[i].first > last ? j->early[i].first : last;
    }
    if (last > j->seq && gap_is_known(j, j->seq + 1, last)) {
        j->seq = last;
    }
}

void
judge_end(audit_judge *j)
{
    const audit_check *check = j->check;
    settle_early(j);
    memcpy(j->summary->head, j->expected, sizeof j->summary->head);
    j->summary->number = j->seq;
    if (check->known_lines > j->seq) {
        char detail[96];
        snprintf(detail, sizeof detail, "it had at least %llu lines", (unsigned long long)check->known_lines);
        audit_finding *finding = find(j, AIP_AUDIT_CUT, &j->before, detail);
        finding->first = j->seq + 1;
        finding->last = check->known_lines;
    } else if (check->known_lines != 0 && check->known_lines < j->summary->first) {
        find(j, AIP_AUDIT_MISSING, &j->before, "the known line stands in an earlier file")->first = check->known_lines;
    }
    if (check->trust.keys != NULL && !j->has_promise) {
        find(j, AIP_AUDIT_CHECKPOINT, &j->before, "there is no good checkpoint in the whole log");
    }
}
