/* Which lines of a log are shown, and how one is printed. */
#ifndef CLI_AUDIT_SHOW_H
#define CLI_AUDIT_SHOW_H

#include "audit/line.h"
#include "base/text.h"

#define SHOWN_DECISIONS 4096 /* whose outcomes are shown with them: the last ones */
#define DECISION_ID_SIZE 24

typedef struct {
    const char *agent, *root, *tool, *decision, *link, *event;
    int64_t since, until; /* epoch seconds; `until` 0: no end */
    bool any;             /* no filter was given */
    char shown[SHOWN_DECISIONS][DECISION_ID_SIZE];
    size_t shown_count;
} audit_filter;

/* Does the line belong to what was asked for? An outcome belongs to its decision. */
bool audit_filter_takes(audit_filter *filter, const audit_line *line);

/* One row for people: when, what, who, which. */
void audit_append_row(text_buffer *text, const audit_line *line);

#endif
