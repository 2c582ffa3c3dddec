/* The filter of aip-audit show, and its table. */
#include "base/clock.h"
#include "cli/audit_show.h"

static bool
fits(const audit_line *line, const char *name, const char *wanted)
{
    uint32_t node;
    return wanted == NULL || ((node = scan_member(&line->document, 0, name)) != SCAN_NONE &&
                              scan_kind_of(&line->document, node) == SCAN_STRING &&
                              scan_string_equals(&line->document, node, aip_bytes_of(wanted)));
}

static bool
has_link(const audit_line *line, const char *wanted)
{
    uint32_t links = scan_member(&line->document, 0, "links");
    if (wanted == NULL) {
        return true;
    }
    if (links == SCAN_NONE || scan_kind_of(&line->document, links) != SCAN_ARRAY) {
        return false;
    }
    for (uint32_t i = scan_child(&line->document, links); i != SCAN_NONE; i = scan_next(&line->document, i)) {
        if (scan_kind_of(&line->document, i) == SCAN_STRING &&
            scan_string_equals(&line->document, i, aip_bytes_of(wanted))) {
            return true;
        }
    }
    return false;
}

static bool
is_in_time(const audit_filter *filter, const audit_line *line)
{
    int64_t seconds;
    if (filter->since == 0 && filter->until == 0) {
        return true;
    }
    return clock_read_utc(audit_line_text(line, "time"), &seconds) && seconds >= filter->since &&
           (filter->until == 0 || seconds < filter->until);
}

static void
remember(audit_filter *filter, aip_bytes id)
{
    if (id.size < DECISION_ID_SIZE) {
        char *place = filter->shown[filter->shown_count++ % SHOWN_DECISIONS];
        memset(place, 0, DECISION_ID_SIZE);
        memcpy(place, id.data, id.size);
    }
}

static bool
was_shown(const audit_filter *filter, aip_bytes id)
{
    size_t count = filter->shown_count < SHOWN_DECISIONS ? filter->shown_count : SHOWN_DECISIONS;
    for (size_t i = 0; i < count; i++) {
        if (aip_bytes_equal(id, aip_bytes_of(filter->shown[i]))) {
            return true;
        }
    }
    return false;
}

/* The leaf's word about one link: nothing else is known of it. */
static bool
takes_completion(const audit_filter *filter, const audit_line *line)
{
    return filter->root == NULL && filter->tool == NULL && filter->decision == NULL &&
           fits(line, "leaf", filter->agent) && fits(line, "link", filter->link) && is_in_time(filter, line);
}

static bool
takes_decision(audit_filter *filter, const audit_line *line)
{
    bool takes = fits(line, "leaf", filter->agent) && fits(line, "root", filter->root) &&
                 fits(line, "tool", filter->tool) && fits(line, "decision", filter->decision) &&
                 has_link(line, filter->link) && is_in_time(filter, line);
    if (takes) {
        remember(filter, audit_line_text(line, "decision_id"));
    }
    return takes;
}

/* Is nothing asked that only decisions can answer? */
static bool
asks_only_time(const audit_filter *filter)
{
    return filter->agent == NULL && filter->root == NULL && filter->tool == NULL && filter->decision == NULL &&
           filter->link == NULL;
}

static bool
takes_other(const audit_filter *filter, const audit_line *line)
{
    aip_bytes id = audit_line_text(line, "decision_id");
    bool belongs = id.size > 0 && was_shown(filter, id);
    switch (line->event) {
    case AUDIT_OUTCOME:
        return belongs;
    case AUDIT_CHECKPOINT_EVENT:
    case AUDIT_ROTATION:
        return filter->event != NULL && asks_only_time(filter) && is_in_time(filter, line);
    case AUDIT_COMPLETION:
        return takes_completion(filter, line);
    case AUDIT_DECISION:
    case AUDIT_ALERT:
    case AUDIT_APPROVAL:
    case AUDIT_PIN:
    case AUDIT_RELOAD:
    case AUDIT_HOLD_FREED:
    case AUDIT_OTHER:
        break;
    }
    return belongs || (asks_only_time(filter) && is_in_time(filter, line));
}

bool
audit_filter_takes(audit_filter *filter, const audit_line *line)
{
    if (filter->any) {
        return true;
    }
    bool takes = line->event == AUDIT_DECISION ? takes_decision(filter, line) : takes_other(filter, line);
    return takes && fits(line, "event", filter->event);
}

/* The member as it stands in JSON, without quotes: escapes stay, so a terminal sees only what is printable. */
static void
append_value(text_buffer *text, const audit_line *line, const char *name, int width)
{
    char shown[128] = "-";
    uint32_t node = scan_member(&line->document, 0, name);
    if (node != SCAN_NONE) {
        aip_bytes raw = scan_raw(&line->document, node);
        if (scan_kind_of(&line->document, node) == SCAN_STRING) {
            raw = (aip_bytes){raw.data + 1, raw.size - 2};
        }
        aip_printable(raw, shown, sizeof shown);
    }
    text_append_format(text, "%-*s ", width, shown);
}

void
audit_append_row(text_buffer *text, const audit_line *line)
{
    append_value(text, line, "time", 20);
    switch (line->event) {
    case AUDIT_DECISION:
        append_value(text, line, "decision", 13);
        append_value(text, line, "code", 22);
        append_value(text, line, scan_member(&line->document, 0, "tool") == SCAN_NONE ? "method" : "tool", 24);
        append_value(text, line, "decision_id", 22);
        append_value(text, line, "leaf", 0);
        break;
    case AUDIT_OUTCOME:
        text_append_format(text, "%-13s ", "ended");
        append_value(text, line, "code", 22);
        text_append_format(text, "%-24s ", "");
        append_value(text, line, "decision_id", 22);
        break;
    case AUDIT_CHECKPOINT_EVENT:
    case AUDIT_ROTATION:
        append_value(text, line, "event", 0);
        append_value(text, line, "lines", 0);
        text_append_string(text, "lines");
        break;
    case AUDIT_COMPLETION:
        append_value(text, line, "event", 13);
        append_value(text, line, "status", 22);
        append_value(text, line, "link", 0);
        append_value(text, line, "leaf", 0);
        break;
    case AUDIT_ALERT:
    case AUDIT_APPROVAL:
    case AUDIT_PIN:
    case AUDIT_RELOAD:
    case AUDIT_HOLD_FREED:
        append_value(text, line, "event", 13);
        append_value(text, line, "subject", 22);
        append_value(text, line, "detail", 24);
        append_value(text, line, "by", 0);
        break;
    case AUDIT_OTHER:
        append_value(text, line, "event", 0);
        break;
    }
    while (text->size > 0 && text->data[text->size - 1] == ' ') {
        text->size--;
    }
}
