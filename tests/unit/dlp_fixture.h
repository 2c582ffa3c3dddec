/* A scanner with its workspace, for tests of data-loss prevention. No text that is looked for is ever printed. */
#ifndef TESTS_DLP_FIXTURE_H
#define TESTS_DLP_FIXTURE_H

#include "check.h"
#include "aip/limits.h"
#include "dlp/detector.h"
#include "dlp/message.h"
#include "dlp/redact.h"
#include "dlp/stream.h"

typedef struct {
    dlp_scanner *scanner;
    dlp_workspace *workspace;
    dlp_findings found;
    text_buffer text;
} dlp_subject;

static const dlp_rules all_detectors = {.builtin = true, .detect_encoding = true};

static inline void
open_subject(dlp_subject *s, const dlp_rules *rules, unsigned direction)
{
    *s = (dlp_subject){0};
    CHECK_STATUS(dlp_scanner_new(rules, direction, &s->scanner, NULL), AIP_OK);
    CHECK_STATUS(dlp_workspace_new(s->scanner, &s->workspace, NULL), AIP_OK);
}

static inline void
close_subject(dlp_subject *s)
{
    dlp_findings_clear(&s->found);
    text_clear(&s->text);
    dlp_workspace_free(&s->workspace);
    dlp_scanner_free(&s->scanner);
}

/* The redacted text, until the next call. */
static inline const char *
redacted(dlp_subject *s, aip_bytes text)
{
    dlp_findings_clear(&s->found);
    text_clear(&s->text);
    CHECK_STATUS(dlp_scan(s->scanner, s->workspace, text, &s->found, NULL), AIP_OK);
    dlp_redact(text, &s->found, &s->text);
    text_append(&s->text, (aip_bytes){(const unsigned char *)"", 1});
    return s->text.data;
}

static inline bool
contains(aip_bytes text, aip_bytes part)
{
    return text.size >= part.size && part.size > 0 && memmem(text.data, text.size, part.data, part.size) != NULL;
}

#endif
