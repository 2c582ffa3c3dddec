/* What the readers of gateway.yaml share: values with their places, and the list of problems. */
#ifndef GATEWAY_CONFIG_INSIDE_H
#define GATEWAY_CONFIG_INSIDE_H

#include "gateway/config.h"

typedef struct {
    gateway_config *out;
    config_problems *problems;
    bool no_memory;
} config_reader;

/* A value and where it stands. */
typedef struct {
    const json_t *container;
    const char *key; /* NULL: item `index` of an array */
    size_t index;
    const json_t *value;
} config_spot;

yaml_place config_place(const config_reader *r, const config_spot *spot);
yaml_place config_key_place(const config_reader *r, const config_spot *spot);

void config_complain(config_reader *r, yaml_place place, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The sentence of a refusal of some other part, about this value. */
void config_complain_of(config_reader *r, const config_spot *spot, const aip_error *err);
/* An unknown key, and the known one that it is nearest to; `names[count]` are those that belong there. */
void config_complain_of_key(config_reader *r, const config_spot *spot, const char *const *names, size_t count);

/* Each complains and gives false when the value is another one. */
bool config_read_text(config_reader *r, const config_spot *spot, const char **out);
bool config_read_number(config_reader *r, const config_spot *spot, uint64_t least, uint64_t most, uint64_t *out);
bool config_read_duration(config_reader *r, const config_spot *spot, uint64_t least, uint64_t most, uint64_t *out);
bool config_read_flag(config_reader *r, const config_spot *spot, bool *out);
/* USD, from the literal. */
bool config_read_amount(config_reader *r, const config_spot *spot, uint64_t *micro_usd);
/* A list of texts without one twice, checked by `check` (NULL: not); `*items` is owned by the caller in any case. */
bool config_read_list(config_reader *r, const config_spot *spot, size_t most,
                      aip_status (*check)(const char *text, aip_error *err), const char ***items, size_t *count);

void config_read_trust(config_reader *r, const config_spot *spot);
void config_read_unknown(config_reader *r, const config_spot *spot);
/* `members` of one upstream and, when all are read, what those members are. */
void config_read_group(config_reader *r, const config_spot *spot, config_upstream *out);
void config_check_groups(config_reader *r, const json_t *upstreams);
void config_read_upstreams(config_reader *r, const config_spot *spot, size_t most);
void config_clear_upstreams(gateway_config *config);

#endif
