/* Where symbolic links lead, asked of the file system at most once for each place in one check, and so many times. */
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aip/limits.h"
#include "base/name_hash.h"
#include "policy/path_inside.h"

#define LINKS_MAX 40 /* in one path, as Linux has it */
#define QUESTION_WORK 800
#define STEP_WORK 60
#define NODES_AT_FIRST 64

typedef enum { PLACE_ABSENT, PLACE_FILE, PLACE_DIRECTORY, PLACE_LINK } place_kind;

/* A name in a real directory. Node 0 is the root. */
struct path_node {
    uint32_t parent;
    uint32_t name, link; /* where they begin in the memory's names */
    uint16_t name_size, link_size;
    place_kind kind;
};

/* A path on its way. `out` is the real path of `node`. */
typedef struct {
    path_memory *memory;
    text_buffer *out;
    aip_bytes rest;
    uint32_t node;
    unsigned links;
    char (*spliced)[PATH_MAX]; /* two */
} path_walk;

bool
path_spend(path_memory *memory, size_t work)
{
    memory->spent = memory->spent || work > AIP_PATH_WORK_MAX - memory->work;
    memory->work += memory->spent ? 0 : work;
    return !memory->spent;
}

bool
path_may_ask(path_memory *memory, unsigned questions)
{
    if (questions > AIP_PATH_QUESTIONS_MAX - memory->questions || !path_spend(memory, questions * QUESTION_WORK)) {
        memory->spent = true;
        return false;
    }
    memory->questions += questions;
    return true;
}

void
path_memory_clear(path_memory *memory)
{
    free(memory->nodes);
    free(memory->slots);
    free(memory->seen);
    text_clear(&memory->names);
    text_clear(&memory->account);
    text_clear(&memory->home);
    *memory = (path_memory){.nodes = NULL};
}

/* ---- the nodes ---- */

static aip_bytes
name_of(const path_memory *memory, const path_node *node)
{
    return (aip_bytes){(const unsigned char *)memory->names.data + node->name, node->name_size};
}

static size_t
slot_of(const path_memory *memory, uint32_t parent, aip_bytes name)
{
    uint64_t hash = name_hash(name_hash_key(), name) ^ (parent * 0x9E3779B97F4A7C15U);
    return (size_t)((hash ^ hash >> 32) & (memory->room * 2 - 1));
}

/* The slot that names the node, or the empty one where it belongs. */
static uint32_t *
find_slot(const path_memory *memory, uint32_t parent, aip_bytes name)
{
    size_t at = slot_of(memory, parent, name);
    while (memory->slots[at] != 0) {
        const path_node *node = &memory->nodes[memory->slots[at]];
        if (node->parent == parent && aip_bytes_equal(name_of(memory, node), name)) {
            break;
        }
        at = (at + 1) & (memory->room * 2 - 1);
    }
    return &memory->slots[at];
}

/* Room for one node more; twice as many slots as nodes, so that one is always empty. */
static bool
make_room(path_memory *memory)
{
    if (memory->count < memory->room) {
        return true;
    }
    size_t room = memory->room == 0 ? NODES_AT_FIRST : 2 * memory->room;
    path_node *nodes = realloc(memory->nodes, room * sizeof *nodes);
    memory->nodes = nodes == NULL ? memory->nodes : nodes;
    uint32_t *slots = calloc(2 * room, sizeof *slots);
    if (nodes == NULL || slots == NULL) {
        free(slots);
        memory->names.failed = true;
        return false;
    }
    free(memory->slots);
    memory->slots = slots;
    memory->room = room;
    if (memory->count == 0) {
        nodes[memory->count++] = (path_node){.kind = PLACE_DIRECTORY};
    }
    for (uint32_t i = 1; i < memory->count; i++) {
        *find_slot(memory, nodes[i].parent, name_of(memory, &nodes[i])) = i;
    }
    return true;
}

/* Asks what stands at the path in `out`. */
static void
ask(path_memory *memory, text_buffer *out, path_node *node)
{
    struct stat found;
    char link[PATH_MAX];
    text_append(out, (aip_bytes){(const unsigned char *)"", 1});
    node->kind = PLACE_ABSENT;
    if (out->failed || !path_may_ask(memory, 1) || lstat(out->data, &found) != 0) {
        return;
    }
    node->kind = S_ISDIR(found.st_mode) ? PLACE_DIRECTORY : PLACE_FILE;
    if (S_ISLNK(found.st_mode)) {
        ssize_t size = path_may_ask(memory, 1) ? readlink(out->data, link, sizeof link - 1) : -1;
        node->kind = size > 0 ? PLACE_LINK : PLACE_ABSENT;
        node->link = (uint32_t)memory->names.size;
        node->link_size = size > 0 ? (uint16_t)size : 0;
        text_append(&memory->names, (aip_bytes){(unsigned char *)link, node->link_size});
    }
}

/* The node of a name in the directory where the walk stands; 0 when there can be none. */
static uint32_t
look(path_walk *walk, aip_bytes name)
{
    path_memory *memory = walk->memory;
    size_t size = walk->out->size;
    if (name.size > NAME_MAX || size + 1 + name.size >= PATH_MAX || !make_room(memory)) {
        return 0;
    }
    uint32_t *slot = find_slot(memory, walk->node, name);
    if (*slot == 0) {
        path_node node = {.parent = walk->node, .name = (uint32_t)memory->names.size};
        node.name_size = (uint16_t)name.size;
        text_append(&memory->names, name);
        text_append_string(walk->out, "/");
        text_append(walk->out, name);
        ask(memory, walk->out, &node);
        walk->out->size = walk->out->failed ? 0 : size;
        if (memory->names.failed || walk->out->failed) {
            return 0;
        }
        *slot = (uint32_t)memory->count;
        memory->nodes[memory->count++] = node;
    }
    return *slot;
}

/* ---- the walk ---- */

static aip_bytes
next_component(aip_bytes *rest)
{
    aip_bytes text = aip_bytes_from(*rest, rest->data[0] == '/');
    const unsigned char *end = text.size == 0 ? NULL : memchr(text.data, '/', text.size);
    aip_bytes component = {text.data, end == NULL ? text.size : (size_t)(end - text.data)};
    *rest = aip_bytes_from(text, component.size);
    return component;
}

/* Puts what the link says in front of the rest. False: the path becomes too long, or follows too many. */
static bool
follow(path_walk *walk, const path_node *link, aip_bytes rest)
{
    char *room = walk->spliced[walk->links % 2]; /* `rest` lies in the other one */
    const char *target = walk->memory->names.data + link->link;
    if (walk->links++ == LINKS_MAX || link->link_size + rest.size >= PATH_MAX ||
        !path_spend(walk->memory, link->link_size + rest.size)) {
        return false;
    }
    memcpy(room, target, link->link_size);
    memcpy(room + link->link_size, rest.data, rest.size);
    walk->rest = (aip_bytes){(unsigned char *)room, link->link_size + rest.size};
    if (room[0] == '/') {
        walk->node = 0;
        walk->out->size = 0;
    }
    return true;
}

static void
leave(path_walk *walk)
{
    const unsigned char *slash = walk->out->size == 0 ? NULL : memrchr(walk->out->data, '/', walk->out->size);
    walk->out->size = slash == NULL ? 0 : (size_t)(slash - (const unsigned char *)walk->out->data);
    walk->node = walk->memory->nodes[walk->node].parent;
}

/* One component of the rest. False: nothing is there. */
static bool
go(path_walk *walk)
{
    aip_bytes rest = walk->rest, component = next_component(&rest);
    bool here = component.size == 0 || aip_bytes_equal(component, AIP_BYTES_LITERAL("."));
    if (!path_spend(walk->memory, STEP_WORK + component.size) || !make_room(walk->memory) ||
        walk->memory->nodes[walk->node].kind != PLACE_DIRECTORY) {
        return false;
    }
    if (here || aip_bytes_equal(component, AIP_BYTES_LITERAL(".."))) {
        walk->rest = rest;
        if (!here) {
            leave(walk);
        }
        return true;
    }
    uint32_t id = look(walk, component);
    const path_node *node = &walk->memory->nodes[id];
    if (id == 0 || node->kind == PLACE_ABSENT) {
        return false;
    }
    if (node->kind == PLACE_LINK) {
        return follow(walk, node, rest);
    }
    walk->rest = rest;
    walk->node = id;
    text_append_string(walk->out, "/");
    text_append(walk->out, component);
    return true;
}

bool
path_real(path_memory *memory, aip_bytes path, text_buffer *out)
{
    char spliced[2][PATH_MAX];
    path_walk walk = {.memory = memory, .out = out, .rest = path, .spliced = spliced};
    out->size = 0;
    if (path.size == 0 || path.size >= PATH_MAX || memchr(path.data, '\0', path.size) != NULL) {
        return false;
    }
    while (walk.rest.size > 0 && go(&walk)) {
    }
    text_append_string(out, walk.rest.size > 0 && walk.rest.data[0] != '/' ? "/" : "");
    text_append(out, walk.rest);
    return !aip_bytes_equal(text_view(out), path);
}

/* ---- pieces that were tried ---- */

enum { SEEN_SLOTS = 1024, SEEN_AFTER = 64 };

struct path_seen {
    uint8_t size, kind;
    unsigned char bytes[PATH_SEEN_BYTES_MAX];
};

bool
path_is_seen(path_memory *memory, aip_bytes piece, bool backslashes)
{
    if (piece.size > PATH_SEEN_BYTES_MAX || memory->tried++ < SEEN_AFTER) {
        return false;
    }
    if (memory->seen == NULL && (memory->seen = calloc(SEEN_SLOTS, sizeof *memory->seen)) == NULL) {
        return false;
    }
    path_seen *seen = &memory->seen[name_hash(name_hash_key(), piece) % SEEN_SLOTS];
    bool is_seen = seen->kind == 1 + backslashes && aip_bytes_equal((aip_bytes){seen->bytes, seen->size}, piece);
    if (!is_seen) {
        seen->size = (uint8_t)piece.size;
        seen->kind = (uint8_t)(1 + backslashes);
        memcpy(seen->bytes, piece.data, piece.size);
    }
    return is_seen;
}
