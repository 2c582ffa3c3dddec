/* One pass over a text by classes of bytes: where numbers, addresses and long runs stand that some detectors consist
 * of, and where something may hide. No more than a filter: what it reports is looked at, what it leaves out is nothing.
 */
#ifndef DLP_SURVEY_H
#define DLP_SURVEY_H

#include "aip/bytes.h"

/* What detectors without a literal are anchored by. */
typedef enum {
    DLP_GATE_NONE,
    DLP_GATE_CARD,        /* four groups of four digits */
    DLP_GATE_AMEX,        /* 15 digits in three groups */
    DLP_GATE_SSN,         /* 3-2-4 digits */
    DLP_GATE_CPF,         /* 3.3.3-2 digits */
    DLP_GATE_NIR,         /* 15 digits in seven groups */
    DLP_GATE_NINO,        /* two capitals, six digits, a capital */
    DLP_GATE_IBAN,        /* two capitals, two digits, eleven of either */
    DLP_GATE_IBAN_SPACED, /* the same in groups of four */
    DLP_GATE_EMAIL,       /* an `@` between what may stand there */
    DLP_GATE_DISCORD,     /* 24.6.27 characters */
    DLP_GATE_WIF,         /* a word of 51 or 52 letters and digits */
    DLP_GATES
} dlp_gate;

/* What may hide something begins here. */
typedef enum {
    DLP_MARK_RUN,      /* digits of an encoding, as dlp_next_run takes them */
    DLP_MARK_PERCENT,  /* `%` and two hexadecimal digits */
    DLP_MARK_INVISIBLE /* a character that no reader sees */
} dlp_mark;

typedef struct {
    void *context;
    void (*gate)(void *context, dlp_gate gate, size_t from, size_t to); /* a match begins in [from, to] */
    void (*mark)(void *context, dlp_mark mark, size_t at);              /* in order of places */
} dlp_watch;

void dlp_survey(aip_bytes text, const dlp_watch *watch);

/* ---- gates.c: the scalar looks at one place ---- */

void dlp_gate_number(aip_bytes text, size_t at, const dlp_watch *watch);  /* a run of digits begins */
void dlp_gate_address(aip_bytes text, size_t at, const dlp_watch *watch); /* an `@` */
void dlp_gate_dots(aip_bytes text, size_t at, const dlp_watch *watch);    /* a dot, and another seven bytes on */
void dlp_gate_word(aip_bytes text, size_t at, const dlp_watch *watch);    /* 51 letters and digits begin */

/* Is there a character at `at` that no reader sees? Its length, or 0. */
size_t dlp_invisible(aip_bytes text, size_t at);

#endif
