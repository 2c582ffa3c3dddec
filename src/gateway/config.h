/* gateway.yaml through one table of keys: every error of a file at once, each with its place and a hint. */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include "aip/chain.h"
#include "base/yaml.h"

enum {
    CONFIG_ROWS_MAX = 128,
    CONFIG_LIST_MAX = 256,
    CONFIG_PROBLEMS_MAX = 50,
    CONFIG_THREADS_MAX = 64,
    CONFIG_UPSTREAMS_MAX = 64,
    CONFIG_HEADERS_MAX = 8, /* that an operator adds for one upstream */
    CONFIG_COMMAND_MAX = 64,
    CONFIG_MEMBERS_MAX = 16, /* of a group */
    CONFIG_BODY_BYTES_CEILING = 1 << 30,
    CONFIG_DURATION_MAX = 315360000, /* ten years, in seconds */
};

typedef enum {
    CONFIG_TEXT,
    CONFIG_LIST,
    CONFIG_NUMBER,
    CONFIG_DURATION,
    CONFIG_FLAG,
    CONFIG_TRUST,
    CONFIG_UNKNOWN,
    CONFIG_UPSTREAMS,
} config_kind;

typedef struct {
    const char *path; /* `listen.port` */
    config_kind kind;
    const char *option; /* of the command line, which goes before the file; NULL: none */
    uint64_t least, most;
    const char *initial;                                   /* the default as text; NULL: none, or what help says */
    bool reload;                                           /* may change while the gateway runs */
    aip_status (*check)(const char *text, aip_error *err); /* of each text; NULL: none */
    const char *help;
} config_row;

extern const config_row config_rows[];
extern const size_t config_row_count;

/* What the file says for one row. All texts are borrowed from the document. */
typedef struct {
    bool given;
    const char *text;   /* TEXT; also NUMBER and DURATION, as written */
    uint64_t number;    /* NUMBER; DURATION in seconds; FLAG: 0 or 1 */
    const char **items; /* LIST; the array is owned */
    size_t count;
} config_value;

/* A header that goes with every request to an upstream. Its value stands in a file. */
typedef struct {
    const char *name, *file;
    const char *prefix; /* before the value; may be "" */
} config_header;

/* An entry of `upstreams`. NULL and 0: not given. */
typedef struct {
    const char *name, *url, *path, *protocol, *policy;
    const char *rest_url, *card_url, *card, *did; /* of an A2A agent */
    const char **notify_hosts;                    /* owned */
    size_t notify_host_count;
    const char **command; /* owned; argv, ended by NULL */
    const char **pass;    /* owned; names of variables that the command gets, ended by NULL */
    const char **members; /* owned; of a group: names of other entries */
    size_t member_count;
    config_header *headers; /* owned */
    size_t header_count;
    const char *ca_file, *cert_file, *key_file, *server_name;
    uint64_t timeout_seconds, connect_seconds, keep_alive_seconds, connections_max, name_bytes;
} config_upstream;

typedef struct {
    yaml_document document;
    config_value values[CONFIG_ROWS_MAX]; /* as config_rows */
    aip_trust trust;                      /* with `unknown` */
    config_upstream *upstreams;           /* owned */
    size_t upstream_count;
} gateway_config;

typedef struct {
    yaml_place place;
    char sentence[240]; /* printable ASCII */
} config_problem;

typedef struct {
    config_problem items[CONFIG_PROBLEMS_MAX];
    size_t count;
    bool more; /* than have room */
} config_problems;

/* Reads the text of a file. What is wrong with it stands in `problems`, by place; `err` is the first of them.
 * config_clear frees `out` also after a failure. Errors: config.invalid, memory. */
AIP_MUST_CHECK aip_status config_load(aip_bytes text, gateway_config *out, config_problems *problems, aip_error *err);
void config_clear(gateway_config *config);

/* What the file says for the row of that path, which there is. */
const config_value *config_value_of(const gateway_config *config, const char *path);

/* Checks a number of the command line, or a default, by its row. usage. */
AIP_MUST_CHECK aip_status config_check_number(const config_row *row, uint64_t number, aip_error *err);

#endif
