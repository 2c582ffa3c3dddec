/* What every match of an expression must contain. */
#ifndef DLP_LITERAL_H
#define DLP_LITERAL_H

#include "aip/error.h"

#define DLP_LITERALS_MAX 8
#define DLP_LITERAL_BYTES_MAX 64
#define DLP_LITERAL_BYTES_MIN 3 /* shorter ones are everywhere */

/* Each match contains one of them. None: no such thing is easily told. */
typedef struct {
    char text[DLP_LITERALS_MAX][DLP_LITERAL_BYTES_MAX + 1];
    size_t count;
    bool caseless;
} dlp_literals;

/* `expression` is as pattern_from_re2 writes it. Errs to none only. */
void dlp_literals_of(const char *expression, dlp_literals *out);

#endif
