/* The memory of what upstreams offer: which spelling, which definition, and whether it is still the one first seen. */
#include "policy/catalogue.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/name_hash.h"

typedef struct upstream upstream;
struct upstream {
    upstream *next;
    size_t tools, size;
    unsigned char name[];
};

typedef struct {
    const upstream *of;
    uint64_t hash;
    bool fresh;     /* pinned by what this run saw first */
    bool forgotten; /* as if it had never been seen */
    catalogue_tool tool;
    unsigned char *mirrors; /* owned; NULL: there are none */
    size_t mirrors_size;
    size_t size;
    unsigned char normal[];
} record;

struct catalogue {
    pthread_rwlock_t lock;
    const name_key *key;
    upstream *upstreams;
    record **slots; /* open addressing, at most half full */
    size_t mask, count, upstream_count, bytes;
};

#define SLOTS_AT_FIRST 256

const char *
catalogue_state_name(catalogue_state state)
{
    static const char *const names[] = {
        [CATALOGUE_CHANGED] = "changed",
        [CATALOGUE_FLAGGED] = "flagged",
        [CATALOGUE_NEW] = "new",
        [CATALOGUE_PINNED] = "pinned",
    };
    return names[state];
}

aip_status
catalogue_new(catalogue **out, aip_error *err)
{
    *out = NULL;
    const name_key *key = name_hash_key();
    if (key == NULL) {
        return aip_fail(err, AIP_INTERNAL, "no randomness");
    }
    catalogue *c = calloc(1, sizeof *c);
    if (c == NULL || (c->slots = calloc(SLOTS_AT_FIRST, sizeof(record *))) == NULL ||
        pthread_rwlock_init(&c->lock, NULL) != 0) {
        free(c == NULL ? NULL : c->slots);
        free(c);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    c->key = key;
    c->mask = SLOTS_AT_FIRST - 1;
    *out = c;
    return AIP_OK;
}

void
catalogue_free(catalogue **out)
{
    catalogue *c = *out;
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i <= c->mask; i++) {
        if (c->slots[i] != NULL) {
            free(c->slots[i]->mirrors);
            free(c->slots[i]);
        }
    }
    for (upstream *next, *at = c->upstreams; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    pthread_rwlock_destroy(&c->lock);
    free(c->slots);
    free(c);
    *out = NULL;
}

/* ---- records ---- */

typedef struct {
    aip_bytes upstream, normal;
} tool_key;

static uint64_t
hash_of(const catalogue *c, tool_key key)
{
    uint64_t of = name_hash(c->key, key.upstream);
    return name_hash(c->key, key.normal) + (of << 21 | of >> 43);
}

static bool
is_of(const record *r, tool_key key)
{
    return aip_bytes_equal((aip_bytes){r->normal, r->size}, key.normal) &&
           aip_bytes_equal((aip_bytes){r->of->name, r->of->size}, key.upstream);
}

/* Its slot, or the empty one where it would stand. */
static record **
slot_of(const catalogue *c, tool_key key, uint64_t hash)
{
    size_t at = hash & c->mask;
    while (c->slots[at] != NULL && (c->slots[at]->hash != hash || !is_of(c->slots[at], key))) {
        at = (at + 1) & c->mask;
    }
    return &c->slots[at];
}

static aip_status
grow(catalogue *c, aip_error *err)
{
    size_t room = (c->mask + 1) * 2;
    record **slots = calloc(room, sizeof(record *));
    if (slots == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i <= c->mask; i++) {
        record *r = c->slots[i];
        size_t at = r == NULL ? 0 : r->hash & (room - 1);
        while (r != NULL && slots[at] != NULL) {
            at = (at + 1) & (room - 1);
        }
        if (r != NULL) {
            slots[at] = r;
        }
    }
    free(c->slots);
    c->slots = slots;
    c->mask = room - 1;
    return AIP_OK;
}

static aip_status
find_upstream(catalogue *c, aip_bytes name, upstream **out, aip_error *err)
{
    for (upstream *at = c->upstreams; at != NULL; at = at->next) {
        if (aip_bytes_equal((aip_bytes){at->name, at->size}, name)) {
            *out = at;
            return AIP_OK;
        }
    }
    if (c->upstream_count >= CATALOGUE_UPSTREAMS_MAX) {
        return aip_fail(err, AIP_OVERLOADED, "tools of too many upstreams");
    }
    upstream *added = calloc(1, sizeof *added + name.size);
    if (added == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    added->size = name.size;
    if (name.size > 0) {
        memcpy(added->name, name.data, name.size);
    }
    added->next = c->upstreams;
    c->upstreams = added;
    c->upstream_count++;
    *out = added;
    return AIP_OK;
}

static aip_status
add_record(catalogue *c, tool_key key, uint64_t hash, record **out, aip_error *err)
{
    upstream *of = NULL;
    size_t bytes = sizeof(record) + key.normal.size;
    AIP_TRY(find_upstream(c, key.upstream, &of, err));
    if (of->tools >= CATALOGUE_TOOLS_MAX || c->bytes + bytes > CATALOGUE_BYTES_MAX) {
        return aip_fail(err, AIP_OVERLOADED, "an upstream has more tools than are remembered");
    }
    if (c->count >= c->mask / 2) {
        AIP_TRY(grow(c, err));
    }
    record *added = calloc(1, bytes);
    if (added == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    added->of = of;
    added->hash = hash;
    added->size = key.normal.size;
    memcpy(added->normal, key.normal.data, key.normal.size);
    *slot_of(c, key, hash) = added;
    of->tools++;
    c->count++;
    c->bytes += bytes;
    *out = added;
    return AIP_OK;
}

/* The record, made when there is none; *added tells. The lock is held for writing. */
static aip_status
reach(catalogue *c, tool_key key, record **out, bool *added, aip_error *err)
{
    if (key.upstream.size > CATALOGUE_UPSTREAM_BYTES_MAX || key.normal.size > NORMAL_NAME_BYTES_MAX ||
        key.normal.size == 0) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the name of a tool or upstream is too long or empty");
    }
    uint64_t hash = hash_of(c, key);
    *out = *slot_of(c, key, hash);
    *added = *out == NULL;
    return *added ? add_record(c, key, hash, out, err) : AIP_OK;
}

/* ---- noting ---- */

aip_status
catalogue_load(catalogue *c, const catalogue_pin *pin, aip_error *err)
{
    record *r = NULL;
    bool added;
    pthread_rwlock_wrlock(&c->lock);
    aip_status status = reach(c, (tool_key){pin->upstream, pin->tool}, &r, &added, err);
    if (status == AIP_OK) {
        memcpy(r->tool.pinned, pin->whole, sizeof r->tool.pinned);
        r->tool.approved = pin->approved;
        r->fresh = r->forgotten = false;
    }
    pthread_rwlock_unlock(&c->lock);
    return status;
}

static catalogue_state
state_of(const record *r, bool flagged)
{
    if (memcmp(r->tool.pinned, r->tool.hashes.whole, sizeof r->tool.pinned) != 0) {
        return CATALOGUE_CHANGED;
    }
    if (r->tool.approved) {
        return CATALOGUE_PINNED;
    }
    return flagged ? CATALOGUE_FLAGGED : r->fresh ? CATALOGUE_NEW : CATALOGUE_PINNED;
}

/* In place of those that it had. */
static aip_status
take_mirrors(catalogue *c, record *r, aip_bytes mirrors, aip_error *err)
{
    unsigned char *kept = NULL;
    if (mirrors.size > 0) {
        if (c->bytes - r->mirrors_size + mirrors.size > CATALOGUE_BYTES_MAX) {
            return aip_fail(err, AIP_OVERLOADED, "tools with too many headers");
        }
        kept = malloc(mirrors.size);
        if (kept == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        memcpy(kept, mirrors.data, mirrors.size);
    }
    free(r->mirrors);
    c->bytes = c->bytes - r->mirrors_size + mirrors.size;
    r->mirrors = kept;
    r->mirrors_size = mirrors.size;
    r->tool.mirrored = kept != NULL;
    return AIP_OK;
}

/* Of two definitions at once the one that is known stays. */
static bool
takes(const record *r, const catalogue_entry *entry)
{
    return !r->tool.seen || !entry->ambiguous;
}

static void
take_definition(catalogue_tool *tool, const catalogue_entry *entry)
{
    memcpy(tool->name, entry->name.data, entry->name.size);
    tool->name[entry->name.size] = '\0';
    tool->size = entry->name.size;
    tool->hashes = *entry->hashes;
    tool->seen = true;
}

static bool
is_news(const catalogue_tool *before, const catalogue_tool *after)
{
    bool differs = before->state != after->state ||
                   memcmp(before->hashes.whole, after->hashes.whole, sizeof before->hashes.whole) != 0;
    return before->ambiguous != after->ambiguous || (before->seen ? differs : after->state != CATALOGUE_PINNED);
}

/* Of two in one list that share a normal form the one that is known stays: they do not take turns in being news. */
static void
note_record(record *r, const catalogue_sighting *sighting, bool first, catalogue_outcome *out)
{
    const catalogue_entry *entry = sighting->entry;
    const catalogue_tool before = r->tool;
    catalogue_tool *tool = &r->tool;
    const aip_bytes spelling = {(const unsigned char *)before.name, before.size};
    tool->ambiguous = before.ambiguous || entry->ambiguous || (before.seen && !aip_bytes_equal(spelling, entry->name));
    bool taken = takes(r, entry);
    if (taken) {
        take_definition(tool, entry);
    }
    if (first) {
        memcpy(tool->pinned, tool->hashes.whole, sizeof tool->pinned);
        r->fresh = true;
    }
    if (taken) {
        tool->state = state_of(r, sighting->flagged);
    }
    *out = (catalogue_outcome){tool->state, tool->ambiguous, first, first || is_news(&before, tool)};
}

aip_status
catalogue_note(catalogue *c, const catalogue_sighting *sighting, catalogue_outcome *out, aip_error *err)
{
    const catalogue_entry *entry = sighting->entry;
    record *r = NULL;
    bool first = false;
    *out = (catalogue_outcome){.state = CATALOGUE_CHANGED};
    if (entry->hashes == NULL || entry->name.size > AIP_TOOL_BYTES_MAX) {
        return aip_fail(err, AIP_REQUEST_INVALID, "not a tool");
    }
    pthread_rwlock_wrlock(&c->lock);
    aip_status status = reach(c, (tool_key){sighting->upstream, entry->normal}, &r, &first, err);
    if (status == AIP_OK && takes(r, entry)) {
        status = take_mirrors(c, r, entry->mirrors, err);
        r->forgotten = r->forgotten || (status != AIP_OK && first); /* it stays unknown */
    }
    if (status == AIP_OK) {
        note_record(r, sighting, first || r->forgotten, out);
        r->forgotten = false;
    }
    pthread_rwlock_unlock(&c->lock);
    return status;
}

/* ---- asking ---- */

static record *
find_record(const catalogue *c, aip_bytes upstream_name, aip_bytes tool)
{
    normal_name normal;
    if (normal_name_of(tool, &normal, NULL) != AIP_OK) {
        return NULL;
    }
    tool_key key = {upstream_name, {(const unsigned char *)normal.text, normal.size}};
    return *slot_of(c, key, hash_of(c, key));
}

bool
catalogue_find(catalogue *c, aip_bytes upstream_name, aip_bytes tool, catalogue_tool *out)
{
    pthread_rwlock_rdlock(&c->lock);
    const record *r = find_record(c, upstream_name, tool);
    if (r != NULL) {
        *out = r->tool;
    }
    pthread_rwlock_unlock(&c->lock);
    return r != NULL;
}

aip_status
catalogue_mirrors(catalogue *c, aip_bytes upstream_name, aip_bytes tool, text_buffer *out, aip_error *err)
{
    pthread_rwlock_rdlock(&c->lock);
    const record *r = find_record(c, upstream_name, tool);
    if (r != NULL && r->tool.seen) {
        text_append(out, (aip_bytes){r->mirrors, r->mirrors_size});
    }
    pthread_rwlock_unlock(&c->lock);
    return text_finish(out, err);
}

aip_status
catalogue_check(const catalogue_tool *tool, bool refuse_flagged, aip_error *err)
{
    if (!tool->seen) {
        return aip_fail(err, AIP_POLICY_TOOL, "the server has not listed the tool");
    }
    if (tool->ambiguous) {
        return aip_fail(err, AIP_POLICY_TOOL, "the server lists the tool in two ways");
    }
    if (tool->state == CATALOGUE_CHANGED) {
        return aip_fail(err, AIP_POLICY_SCHEMA, "the tool has changed since it was pinned");
    }
    if (tool->state == CATALOGUE_FLAGGED && refuse_flagged) {
        return aip_fail(err, AIP_POLICY_SCHEMA, "the tool's description is suspicious");
    }
    return AIP_OK;
}

bool
catalogue_approve(catalogue *c, aip_bytes upstream_name, aip_bytes tool, const unsigned char whole[AIP_HASH_BYTES],
                  catalogue_tool *out)
{
    pthread_rwlock_wrlock(&c->lock);
    record *r = find_record(c, upstream_name, tool);
    bool approved = r != NULL && r->tool.seen && memcmp(r->tool.hashes.whole, whole, AIP_HASH_BYTES) == 0;
    if (approved) {
        memcpy(r->tool.pinned, whole, AIP_HASH_BYTES);
        r->tool.approved = true;
        r->tool.ambiguous = false;
        r->tool.state = CATALOGUE_PINNED;
        *out = r->tool;
    }
    pthread_rwlock_unlock(&c->lock);
    return approved;
}

void
catalogue_forget(catalogue *c, aip_bytes upstream_name, aip_bytes tool)
{
    normal_name normal = {.size = 0};
    if (tool.size > 0 && normal_name_of(tool, &normal, NULL) != AIP_OK) {
        return;
    }
    const aip_bytes wanted = {(const unsigned char *)normal.text, normal.size};
    pthread_rwlock_wrlock(&c->lock);
    for (size_t i = 0; i <= c->mask; i++) {
        record *r = c->slots[i];
        if (r != NULL && aip_bytes_equal((aip_bytes){r->of->name, r->of->size}, upstream_name) &&
            (tool.size == 0 || aip_bytes_equal((aip_bytes){r->normal, r->size}, wanted))) {
            r->tool = (catalogue_tool){.seen = false};
            r->forgotten = true;
        }
    }
    pthread_rwlock_unlock(&c->lock);
}
