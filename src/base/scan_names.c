/* The names of one object: few are compared, many stand in a search tree by keyed hash. */
#include "base/scan_inside.h"

aip_bytes
scan_decoded_name(scan_string name, unsigned char buffer[AIP_JSON_NAME_BYTES_MAX])
{
    return name.escaped ? (aip_bytes){buffer, scan_decode(name, buffer)} : name.raw;
}

uint32_t
scan_print_of_escaped(scan_string name)
{
    unsigned char buffer[AIP_JSON_NAME_BYTES_MAX];
    return scan_print_of(scan_decoded_name(name, buffer));
}

static inline scan_string
name_of(const unsigned char *text, const scan_node *node)
{
    return (scan_string){{text + node->name, node->name_end - node->name}, node->name_escaped};
}

static inline bool
has_name(const unsigned char *text, const scan_node *member, aip_bytes name)
{
    if (member->name_escaped) {
        return scan_decodes_to(name_of(text, member), name);
    }
    return member->name_end - member->name == name.size && memcmp(text + member->name, name.data, name.size) == 0;
}

/* *alike: how many others have the print of `node`. */
static bool
repeats_among_few(const unsigned char *text, const scan_node *nodes, uint32_t first, uint32_t node, unsigned *alike)
{
    unsigned char buffer[AIP_JSON_NAME_BYTES_MAX];
    const scan_node *added = &nodes[node];
    aip_bytes name = scan_decoded_name(name_of(text, added), buffer);
    for (uint32_t at = first; at != node; at = nodes[at].next) {
        if (nodes[at].hash == added->hash) {
            if (has_name(text, &nodes[at], name)) {
                return true;
            }
            ++*alike;
        }
    }
    return false;
}

/* Puts the name of `node` into its object's search tree, whose root is the first member, unless it is there. The key
 * makes the tree one of random numbers, which is seldom deep, whatever the names are. */
static bool
repeats_among_many(const unsigned char *text, scan_node *nodes, uint32_t first, uint32_t node)
{
    unsigned char buffer[AIP_JSON_NAME_BYTES_MAX];
    scan_node *added = &nodes[node];
    aip_bytes name = scan_decoded_name(name_of(text, added), buffer);
    added->hash = (uint32_t)name_hash(name_hash_key(), name); /* the pass has seen that there is a key */
    for (uint32_t *link = &first; *link != node;) {
        scan_node *other = &nodes[*link];
        if (other->hash == added->hash && has_name(text, other, name)) {
            return true;
        }
        link = added->hash < other->hash ? &other->lower : &other->higher;
        *link = *link == SCAN_NONE ? node : *link;
    }
    return false;
}

/* Few have become many: those before `node` go into the tree, and from now on each name is asked for. */
static void
plant_tree(const unsigned char *text, scan_node *nodes, uint32_t open, uint32_t node)
{
    nodes[open].tree = true;
    nodes[open].seen = UINT64_MAX;
    for (uint32_t at = open + 1; at != node; at = nodes[at].next) {
        (void)repeats_among_many(text, nodes, open + 1, at);
    }
}

bool
scan_name_repeats(const unsigned char *text, scan_node *nodes, uint32_t open, uint32_t node)
{
    unsigned alike = 0;
    if (!nodes[open].tree && nodes[open].children <= SCAN_FEW) {
        bool found = repeats_among_few(text, nodes, open + 1, node, &alike);
        if (found || alike <= SCAN_ALIKE) {
            return found;
        }
    }
    if (!nodes[open].tree) {
        plant_tree(text, nodes, open, node);
    }
    return repeats_among_many(text, nodes, open + 1, node);
}
