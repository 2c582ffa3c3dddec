/* Groups among `upstreams:` of gateway.yaml: which servers one has, and what else may stand with it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/config_inside.h"

enum { GROUP_MEMBERS_MIN = 2 };

static bool
is_of_good_size(const json_t *list)
{
    size_t count = json_array_size(list); /* 0 of what is no list */
    return count >= GROUP_MEMBERS_MIN && count <= CONFIG_MEMBERS_MAX;
}

void
config_read_group(config_reader *r, const config_spot *spot, config_upstream *out)
{
    if (!is_of_good_size(spot->value)) {
        config_complain(r, config_place(r, spot), "members: a list of %d to %d names of other upstreams belongs here",
                        GROUP_MEMBERS_MIN, CONFIG_MEMBERS_MAX);
        return;
    }
    free(out->members);
    (void)config_read_list(r, spot, CONFIG_MEMBERS_MAX, NULL, &out->members, &out->member_count);
}

static const config_upstream *
find_upstream(const config_reader *r, const char *name)
{
    for (size_t i = 0; i < r->out->upstream_count; i++) {
        const config_upstream *each = &r->out->upstreams[i];
        if (each->name != NULL && strcmp(each->name, name) == 0) {
            return each;
        }
    }
    return NULL;
}

/* U-2 */
static void
check_member(config_reader *r, const config_spot *spot)
{
    const char *name = json_string_value(spot->value);
    const config_upstream *up = name == NULL ? NULL : find_upstream(r, name);
    size_t number = spot->index + 1;
    yaml_place place = config_place(r, spot);
    if (name == NULL) {
        return; /* config_read_list has told */
    }
    if (up == NULL) {
        config_complain(r, place, "members: item %zu: no upstream has this name", number);
    } else if (up->members != NULL) {
        config_complain(r, place, "members: item %zu: is a group itself", number);
    } else if (up->protocol != NULL && strcmp(up->protocol, "mcp") != 0) {
        config_complain(r, place, "members: item %zu: does not speak mcp", number);
    } else if (!isalpha((unsigned char)name[0])) {
        config_complain(r, place, "members: item %zu: the name of a member begins with a letter", number);
    }
}

void
config_check_groups(config_reader *r, const json_t *upstreams)
{
    for (size_t i = 0; i < json_array_size(upstreams); i++) {
        const json_t *list = json_object_get(json_array_get(upstreams, i), "members");
        for (size_t j = 0; is_of_good_size(list) && j < json_array_size(list); j++) {
            const config_spot item = {.container = list, .index = j, .value = json_array_get(list, j)};
            check_member(r, &item);
        }
    }
}
