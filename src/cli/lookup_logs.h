/* Key logs that a run was given, where there is no database to keep them in. */
#ifndef CLI_LOOKUP_LOGS_H
#define CLI_LOOKUP_LOGS_H

#include "did/cache.h"

typedef struct lookup_logs lookup_logs;

AIP_MUST_CHECK aip_status lookup_logs_new(lookup_logs **out, aip_error *err);
void lookup_logs_free(lookup_logs **logs);

/* Fills `out` with functions that hold logs, judge rollbacks and forks, and remember nothing else. */
void lookup_logs_cache(lookup_logs *logs, did_cache *out);

#endif
