/* A compiled policy's memory, its tables of names, and what it tells about itself. */
#include <stdlib.h>

#include "base/name_hash.h"
#include "chain/chain.h"
#include "policy/policy_inside.h"

#define CHUNK_BYTES 16384
#define TEXT_GROWTH 6 /* `<` becomes `\u003c` */

struct policy_chunk {
    policy_chunk *next;
    size_t used, size;
    max_align_t data[];
};

void *
policy_take(policy *p, size_t size)
{
    policy_chunk *chunk = p->chunks;
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        chunk = calloc(1, sizeof *chunk + room);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->size = room;
        chunk->next = p->chunks;
        p->chunks = chunk;
    }
    void *taken = (unsigned char *)chunk->data + chunk->used;
    chunk->used += size;
    return taken;
}

const char *
policy_copy(policy *p, aip_bytes text)
{
    char *copy = policy_take(p, text.size + 1);
    if (copy != NULL && text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return copy;
}

void
policy_drop_rule(policy_rule *rule)
{
    for (size_t i = 0; rule != NULL && i < rule->argument_count; i++) {
        pattern_set_free(&rule->arguments[i].pattern);
    }
    if (rule != NULL) {
        aip_trust_clear(&rule->roots);
    }
}

void
policy_free(policy **out)
{
    policy *p = *out;
    if (p == NULL) {
        return;
    }
    for (size_t kind = 0; kind < POLICY_KINDS; kind++) {
        for (size_t i = 0; i < p->tables[kind].count; i++) {
            policy_drop_rule(p->tables[kind].targets[i].rule);
        }
    }
    path_guard_free(&p->guard);
    for (policy_chunk *next, *chunk = p->chunks; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(p);
    *out = NULL;
}

/* ---- names ---- */

bool
policy_names_reserve(policy *p, policy_names *names, size_t count)
{
    uint32_t slots = 4;
    while (slots < 2 * count) {
        slots *= 2;
    }
    names->slots = policy_take(p, slots * sizeof *names->slots);
    names->mask = slots - 1;
    return names->slots != NULL;
}

/* The slot of the name, or the empty one where it would stand. */
static policy_slot *
slot_of(const policy_names *names, aip_bytes name)
{
    const name_key *key = name_hash_key();
    uint32_t at = (key == NULL ? 0 : (uint32_t)name_hash(key, name)) & names->mask;
    while (names->slots[at].name.data != NULL && !aip_bytes_equal(names->slots[at].name, name)) {
        at = (at + 1) & names->mask;
    }
    return &names->slots[at];
}

const uint32_t *
policy_names_find(const policy_names *names, aip_bytes name)
{
    if (names->count == 0) {
        return NULL;
    }
    const policy_slot *slot = slot_of(names, name);
    return slot->name.data == NULL ? NULL : &slot->value;
}

uint32_t
policy_names_put(policy_names *names, aip_bytes name, uint32_t value)
{
    policy_slot *slot = slot_of(names, name);
    if (slot->name.data == NULL) {
        *slot = (policy_slot){name, value};
        names->count++;
    }
    return slot->value;
}

/* Most names are in normal form already: visible ASCII without capitals. */
static bool
is_plain(aip_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = name.data[i];
        if (c <= ' ' || c >= 0x7F || (c >= 'A' && c <= 'Z')) {
            return false;
        }
    }
    return name.size <= AIP_TOOL_BYTES_MAX;
}

bool
policy_fold(aip_bytes name, normal_name *room, aip_bytes *out)
{
    *out = name;
    room->mixed = false;
    if (is_plain(name)) {
        return true;
    }
    if (normal_name_of(name, room, NULL) != AIP_OK) {
        return false;
    }
    *out = (aip_bytes){(const unsigned char *)room->text, room->size};
    return true;
}

const policy_target *
policy_find(const policy *p, policy_kind kind, aip_bytes name)
{
    const policy_table *table = &p->tables[kind];
    const uint32_t *index = policy_names_find(&table->names, name);
    for (size_t i = 0; index == NULL && i < table->length_count; i++) {
        if (table->lengths[i] <= name.size) {
            index = policy_names_find(&table->prefixes, (aip_bytes){name.data, table->lengths[i]});
        }
    }
    return index == NULL ? NULL : &table->targets[*index];
}

bool
policy_admits_root(const policy_rule *rule, aip_bytes root)
{
    aip_did name;
    return rule == NULL || rule->roots.count == 0 ||
           (root.size > 0 && aip_did_parse(root, &name, NULL) == AIP_OK && trust_lists(&rule->roots, &name));
}

/* By any spelling. */
static const policy_target *
target_of(const policy *p, policy_kind kind, aip_bytes name)
{
    normal_name room;
    aip_bytes folded;
    if (policy_is_address(kind)) {
        return policy_address_is_canonical(kind, name) ? policy_find(p, kind, name) : NULL;
    }
    return policy_fold(name, &room, &folded) ? policy_find(p, kind, folded) : NULL;
}

/* ---- what it says ---- */

size_t
policy_bucket_count(const policy *p)
{
    return p->bucket_count;
}

size_t
policy_root_bucket_count(const policy *p)
{
    return p->root_bucket_count;
}

bool
policy_monitors(const policy *p)
{
    return p->monitor;
}

aip_bytes
policy_schema_hash(const policy *p, aip_bytes tool)
{
    const policy_target *found = target_of(p, POLICY_TOOL, tool);
    return aip_bytes_of(found == NULL || found->rule == NULL ? NULL : found->rule->schema_hash);
}

static bool
shows(const policy *p, policy_kind kind, const policy_target *found)
{
    if (kind != POLICY_TOOL && !p->tables[kind].listed) {
        return kind != POLICY_ROUTE || p->any_method;
    }
    if (found != NULL && found->rule != NULL && found->rule->action == RULE_BLOCK) {
        return false;
    }
    return p->monitor || (found != NULL && !found->denied && (found->allowed || found->rule != NULL));
}

bool
policy_shows_to(const policy *p, policy_kind kind, aip_bytes name, aip_bytes root)
{
    const policy_target *found = target_of(p, kind, name);
    return shows(p, kind, found) && (p->monitor || found == NULL || policy_admits_root(found->rule, root));
}

const policy_dlp *
policy_dlp_of(const policy *p)
{
    return p->dlp;
}

const policy_dlp_tool *
policy_dlp_tool_of(const policy *p, aip_bytes tool)
{
    normal_name room;
    aip_bytes folded;
    size_t count = p->dlp == NULL || !policy_fold(tool, &room, &folded) ? 0 : p->dlp->tool_count;
    for (size_t i = 0; i < count; i++) {
        if (aip_bytes_equal(aip_bytes_of(p->dlp->tools[i].folded), folded)) {
            return &p->dlp->tools[i];
        }
    }
    return NULL;
}

const policy_approval *
policy_approval_of(const policy *p)
{
    return &p->approval;
}

const policy_pins *
policy_pins_of(const policy *p)
{
    return &p->pins;
}

const char *
policy_name(const policy *p)
{
    return p->name;
}

const char *
policy_hash(const policy *p)
{
    return p->hash;
}

const char *
policy_file_sha256(const policy *p)
{
    return p->file_sha256;
}

/* ---- scratch ---- */

static aip_status
grow_for(policy_scratch *scratch, const policy_rule *rule, aip_error *err)
{
    for (size_t i = 0; rule != NULL && i < rule->argument_count; i++) {
        AIP_TRY(pattern_scratch_grow(&scratch->patterns, rule->arguments[i].pattern, err));
    }
    return AIP_OK;
}

static aip_status
grow_patterns(policy_scratch *scratch, const policy *p, aip_error *err)
{
    for (size_t kind = 0; kind < POLICY_KINDS; kind++) {
        for (size_t i = 0; i < p->tables[kind].count; i++) {
            AIP_TRY(grow_for(scratch, p->tables[kind].targets[i].rule, err));
        }
    }
    return AIP_OK;
}

aip_status
policy_scratch_grow(policy_scratch **scratch, const policy *p, size_t message_bytes, aip_error *err)
{
    size_t wanted = message_bytes * TEXT_GROWTH + 64;
    if (message_bytes > (SIZE_MAX - 64) / TEXT_GROWTH ||
        (*scratch == NULL && (*scratch = calloc(1, sizeof **scratch)) == NULL)) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    text_buffer *text = &(*scratch)->text;
    if (text->capacity < wanted) {
        char *room = realloc(text->data, wanted);
        if (room == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        text->data = room;
        text->capacity = wanted;
    }
    return grow_patterns(*scratch, p, err);
}

void
policy_scratch_free(policy_scratch **scratch)
{
    if (*scratch != NULL) {
        pattern_scratch_free(&(*scratch)->patterns);
        text_clear(&(*scratch)->text);
        free(*scratch);
        *scratch = NULL;
    }
}
