/* A failure by value: which rule, where, and a sentence. One way to fail, one guard macro. */
#ifndef AIP_ERROR_H
#define AIP_ERROR_H

#include "aip/bytes.h"
#include "aip/status.h"

#define AIP_NOWHERE (-1)

typedef struct {
    aip_status status;
    int at;           /* index of the token element concerned, or AIP_NOWHERE */
    long offset;      /* byte offset in the input, or line number of a file; or AIP_NOWHERE */
    char detail[192]; /* what exactly, printable ASCII, never a secret, "" = the table's sentence says it all */
} aip_error;

#define AIP_ERROR_INIT                       \
    {                                        \
        AIP_OK, AIP_NOWHERE, AIP_NOWHERE, "" \
    }

/* Fills `err` (may be NULL) with `status`, keeping no earlier place, and returns `status`, so that
 * a refusal is one line. `format` may be NULL. Bytes that are not printable ASCII become '?'. */
AIP_MUST_CHECK aip_status aip_fail(aip_error *err, aip_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As aip_fail, with the byte offset in the input. */
AIP_MUST_CHECK aip_status aip_fail_at(aip_error *err, aip_status status, size_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Copies at most size-1 bytes of `text` into `out`, anything but printable ASCII as '?', with a NUL.
 * The only way that input reaches a sentence. Returns `out`. */
const char *aip_printable(aip_bytes text, char *out, size_t size);

/* Returns from the calling function when `expression` is a failure. */
#define AIP_TRY(expression)                       \
    do {                                          \
        aip_status aip_try_status = (expression); \
        if (aip_try_status != AIP_OK) {           \
            return aip_try_status;                \
        }                                         \
    } while (0)

#endif
