/* The files of one log: PATH, which is written, and PATH.1, PATH.2 … in the order in which they were filled. */
#ifndef AUDIT_SERIES_H
#define AUDIT_SERIES_H

#include "aip/error.h"

typedef struct {
    char **paths; /* oldest first; the last is PATH itself, if it exists */
    size_t count;
    uint32_t highest; /* number of the newest full file; 0: none */
} audit_series;

/* Lists what is there. Errors: io (the folder cannot be read), memory. */
AIP_MUST_CHECK aip_status audit_series_list(const char *path, audit_series *out, aip_error *err);
void audit_series_clear(audit_series *series);
#define SERIES_AUTO __attribute__((cleanup(audit_series_clear)))

/* `path.number`, malloc'd; NULL without memory. */
char *audit_series_name(const char *path, uint32_t number);

/* The folder that a file stands in, opened. -1 with errno. */
int audit_series_open_folder(const char *path);

#endif
