/* Looks identifiers up for commands: options, cache, fetching, and one answer at a time. */
#ifndef CLI_LOOKUP_H
#define CLI_LOOKUP_H

#include "cli/options.h"
#include "did/identity.h"

typedef struct {
    const char *cache, *ca_file, *max_staleness;
    option_list sources, logs, addresses;
    bool trace;
} lookup_options;

/* Their rows of a command's table. */
#define LOOKUP_ROWS(o)                                                                                     \
    {"--log", OPTION_LIST, &(o).logs, "FILE", "key log that counts as seen"},                              \
        {"--cache", OPTION_TEXT, &(o).cache, "DB", "what was seen before, kept (~/.local/state/aip/...)"}, \
        {"--source", OPTION_LIST, &(o).sources, "URL", "https://host that is asked for key logs"},         \
        {"--ca-file", OPTION_TEXT, &(o).ca_file, "PEM", "certificates that replace the system's"},         \
        {"--allow-address", OPTION_LIST, &(o).addresses, "CIDR", "private range that may be reached"},     \
        {"--max-staleness", OPTION_TEXT, &(o).max_staleness, "TIME", "how old an answer may be (0)"},      \
    {                                                                                                      \
        "--trace", OPTION_FLAG, &(o).trace, NULL, "print each step on standard error"                      \
    }

/* How a command means them. */
typedef struct {
    const char *program; /* begins its lines on standard error */
    bool fetches;        /* else no socket is ever opened */
    bool remembers;      /* there will be something to keep: a default cache that is missing is made */
    bool wants_document;
} lookup_manner;

typedef struct lookup lookup;

/* Opens the cache (--cache, else $XDG_STATE_HOME/aip/identities.db or ~/.local/state/aip/identities.db if it exists),
 * and verifies and takes in the logs. What `options` holds is borrowed until lookup_close. Errors: usage,
 * config.invalid, store.*, log.*, io, memory. */
AIP_MUST_CHECK aip_status lookup_open(const lookup_options *options, const lookup_manner *manner, lookup **out,
                                      aip_error *err);
void lookup_close(lookup **l);
#define LOOKUP_AUTO __attribute__((cleanup(lookup_close)))

/* An owned copy of a resolution. */
typedef struct {
    identity *id;
    text_buffer document; /* empty: none was fetched, or not asked for */
} lookup_answer;

void lookup_answer_clear(lookup_answer *answer);
#define LOOKUP_ANSWER_AUTO __attribute__((cleanup(lookup_answer_clear)))

/* Resolves and waits for the answer, which lookup_source knows afterwards. `supplied` is a key for a hash form, or
 * NULL; `out` may be NULL. A deactivated identity is an answer. Errors: the refusals of a resolution. */
AIP_MUST_CHECK aip_status lookup_resolve(lookup *l, aip_bytes name, const aip_public_key *supplied, lookup_answer *out,
                                         aip_error *err);

/* Keys of what was resolved in this run, for verification; every other name is did.pending. Borrowed from `l`. */
const aip_key_source *lookup_source(const lookup *l);

/* Path of the cache that --cache names, or of the default one; false: there is none, since no home is known. */
bool lookup_cache_path(const char *given, char *out, size_t size);

#endif
