/* Rows in stripes: a hash table each, with a list by last use, so that the oldest goes when there is no room. */
#include "gateway/owners.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "crypto/hash.h"

enum { STRIPES = 16, ROOM_MAX = 1 << 24, REFRESH_SHARE = 8 };

typedef char tool_name[AIP_TOOL_BYTES_MAX + 1];

/* Rows are named by their index; 0 is none, and the ends of the list by use. */
typedef struct {
    unsigned char key[AIP_HASH_BYTES], owner[AIP_HASH_BYTES];
    int64_t expires;
    uint32_t next_in_slot, next_of_owner, older, newer;
    uint32_t used_at; /* by the stripe's count of uses, which begins anew some day */
    bool unsaved;
} row;

typedef struct {
    pthread_mutex_t lock;
    row *rows;        /* rows[0] is the list's head: newer = oldest row, older = newest row */
    tool_name *tools; /* of the rows: apart, since most have none */
    uint32_t *slots, *owner_slots;
    uint32_t room, used, slot_mask, returned, unsaved, uses;
} stripe;

struct owners {
    owners_setup setup;
    desk *saver;           /* NULL: nothing is saved */
    atomic_size_t unsaved; /* in all stripes */
    row *rows;             /* of all stripes in one piece each: many small ones would touch a page each */
    tool_name *tools;
    uint32_t *slots;
    stripe stripes[STRIPES];
};

static aip_status
make_stripes(owners *o, size_t room, aip_error *err)
{
    size_t slots = 16;
    while (slots < room) {
        slots *= 2;
    }
    o->rows = calloc(STRIPES * (room + 1), sizeof *o->rows);
    o->tools = calloc(STRIPES * (room + 1), sizeof *o->tools);
    o->slots = calloc(STRIPES * 2 * slots, sizeof *o->slots);
    if (o->rows == NULL || o->tools == NULL || o->slots == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < STRIPES; i++) {
        stripe *s = &o->stripes[i];
        s->room = (uint32_t)room;
        s->slot_mask = (uint32_t)(slots - 1);
        s->rows = o->rows + i * (room + 1);
        s->tools = o->tools + i * (room + 1);
        s->slots = o->slots + i * 2 * slots;
        s->owner_slots = s->slots + slots;
    }
    return AIP_OK;
}

aip_status
owners_new(const owners_setup *setup, owners **out, aip_error *err)
{
    owners *o = setup->capacity == 0 || setup->capacity > ROOM_MAX ? NULL : calloc(1, sizeof *o);
    *out = NULL;
    if (o == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    o->setup = *setup;
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_init(&o->stripes[i].lock, NULL);
    }
    aip_status status = make_stripes(o, (setup->capacity + STRIPES - 1) / STRIPES, err);
    if (status != AIP_OK) {
        owners_free(&o);
        return status;
    }
    *out = o;
    return AIP_OK;
}

void
owners_free(owners **o)
{
    if (*o == NULL) {
        return;
    }
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_destroy(&(*o)->stripes[i].lock);
    }
    free((*o)->rows);
    free((*o)->tools);
    free((*o)->slots);
    free(*o);
    *o = NULL;
}

size_t
owners_count(owners *o)
{
    size_t count = 0;
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_lock(&o->stripes[i].lock);
        count += o->stripes[i].used;
        pthread_mutex_unlock(&o->stripes[i].lock);
    }
    return count;
}

void
owners_set_desk(owners *o, desk *d)
{
    o->saver = d;
}

/* ---- one stripe, under its lock ---- */

static stripe *
lock_stripe(owners *o, const unsigned char key[AIP_HASH_BYTES])
{
    stripe *s = &o->stripes[key[0] % STRIPES];
    pthread_mutex_lock(&s->lock);
    return s;
}

static uint32_t *
slot_of(const stripe *s, const unsigned char key[AIP_HASH_BYTES])
{
    uint32_t hash;
    memcpy(&hash, key + 1, sizeof hash);
    return &s->slots[hash & s->slot_mask];
}

static uint32_t
find(const stripe *s, const unsigned char key[AIP_HASH_BYTES])
{
    uint32_t i = *slot_of(s, key);
    while (i != 0 && memcmp(s->rows[i].key, key, AIP_HASH_BYTES) != 0) {
        i = s->rows[i].next_in_slot;
    }
    return i;
}

static void
unlink_by_use(stripe *s, uint32_t i)
{
    s->rows[s->rows[i].older].newer = s->rows[i].newer;
    s->rows[s->rows[i].newer].older = s->rows[i].older;
}

static void
link_newest(stripe *s, uint32_t i)
{
    s->rows[i].newer = 0;
    s->rows[i].older = s->rows[0].older;
    s->rows[s->rows[0].older].newer = i;
    s->rows[0].older = i;
    s->rows[i].used_at = ++s->uses;
}

static uint32_t *
slot_of_owner(const stripe *s, const unsigned char owner[AIP_HASH_BYTES])
{
    uint32_t hash;
    memcpy(&hash, owner, sizeof hash);
    return &s->owner_slots[hash & s->slot_mask];
}

static void
link_by_owner(stripe *s, uint32_t i)
{
    uint32_t *slot = slot_of_owner(s, s->rows[i].owner);
    s->rows[i].next_of_owner = *slot;
    *slot = i;
}

static void
unlink_by_owner(stripe *s, uint32_t i)
{
    uint32_t *link = slot_of_owner(s, s->rows[i].owner);
    while (*link != i) {
        link = &s->rows[*link].next_of_owner;
    }
    *link = s->rows[i].next_of_owner;
}

static void
set_unsaved(owners *o, stripe *s, uint32_t i, bool unsaved)
{
    if (s->rows[i].unsaved == unsaved) {
        return;
    }
    s->rows[i].unsaved = unsaved;
    s->unsaved += unsaved ? 1u : UINT32_MAX;
    if (unsaved) {
        atomic_fetch_add(&o->unsaved, 1);
    } else {
        atomic_fetch_sub(&o->unsaved, 1);
    }
}

static void
forget(owners *o, stripe *s, uint32_t i)
{
    uint32_t *link = slot_of(s, s->rows[i].key);
    while (*link != i) {
        link = &s->rows[*link].next_in_slot;
    }
    *link = s->rows[i].next_in_slot;
    set_unsaved(o, s, i, false);
    unlink_by_use(s, i);
    unlink_by_owner(s, i);
    s->rows[i].next_in_slot = s->returned;
    s->returned = i;
    s->used--;
}

/* E-35: the owner's oldest row, if it has its share of them already; 0: it has less. */
static uint32_t
over_share(const stripe *s, const unsigned char owner[AIP_HASH_BYTES])
{
    uint32_t oldest = 0, count = 0, share = s->room / AIP_TASK_OWNERS_SHARE;
    for (uint32_t i = *slot_of_owner(s, owner); i != 0; i = s->rows[i].next_of_owner) {
        if (memcmp(s->rows[i].owner, owner, AIP_HASH_BYTES) == 0) {
            bool older = oldest == 0 || s->uses - s->rows[i].used_at > s->uses - s->rows[oldest].used_at;
            oldest = older ? i : oldest;
            count++;
        }
    }
    return count >= share && count > 0 ? oldest : 0;
}

static void
write_row(stripe *s, uint32_t i, const task_owner *from)
{
    memcpy(s->rows[i].owner, from->owner, AIP_HASH_BYTES);
    s->rows[i].expires = from->expires;
    memcpy(s->tools[i], from->tool, strlen(from->tool) + 1);
}

/* The key has no row yet. */
static uint32_t
insert(owners *o, stripe *s, const task_owner *from)
{
    uint32_t own = s->used >= (s->room + 1) / 2 ? over_share(s, from->owner) : 0;
    if (own != 0 || s->used == s->room) {
        forget(o, s, own != 0 ? own : s->rows[0].newer);
    }
    uint32_t i = s->returned;
    if (i != 0) {
        s->returned = s->rows[i].next_in_slot;
    } else {
        i = s->used + 1;
    }
    s->used++;
    write_row(s, i, from);
    memcpy(s->rows[i].key, from->key, AIP_HASH_BYTES);
    s->rows[i].next_in_slot = *slot_of(s, from->key);
    *slot_of(s, from->key) = i;
    link_newest(s, i);
    link_by_owner(s, i);
    return i;
}

/* The live row, which is then the last used, or 0; what has expired is forgotten here. */
static uint32_t
look(owners *o, stripe *s, const unsigned char key[AIP_HASH_BYTES], int64_t now)
{
    uint32_t i = find(s, key);
    if (i != 0 && s->rows[i].expires <= now) {
        forget(o, s, i);
        return 0;
    }
    if (i != 0) {
        unlink_by_use(s, i);
        link_newest(s, i);
    }
    return i;
}

/* Not at each use: rows would be written as often as they are read. */
static bool
renew(owners *o, stripe *s, uint32_t i, int64_t now)
{
    int64_t ttl = o->setup.ttl_seconds, until = now + ttl;
    if (until - s->rows[i].expires <= ttl / REFRESH_SHARE) {
        return false;
    }
    s->rows[i].expires = until;
    set_unsaved(o, s, i, true);
    return true;
}

/* ---- what shards ask ---- */

/* Without a saver all rows are as good as saved. */
static void
ring(const owners *o, bool unsaved)
{
    if (unsaved && o->saver != NULL) {
        desk_ring(o->saver);
    }
}

static void
make_key(const owned_caller *caller, owned_kind kind, const char *id, unsigned char out[AIP_HASH_BYTES])
{
    static const char *const kinds[] = {
        [OWNED_A2A_TASK] = "task", [OWNED_A2A_CONTEXT] = "context", [OWNED_MCP_TASK] = "mcp task"};
    const char *const parts[] = {kinds[kind], caller->upstream, caller->tenant, id};
    hash_stream stream;
    hash_stream_begin(&stream);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        hash_stream_add(&stream, (aip_bytes){(const unsigned char *)parts[i], strlen(parts[i]) + 1});
    }
    hash_stream_end(&stream, out);
}

static bool
is_of(const stripe *s, uint32_t i, const owned_caller *caller)
{
    return i != 0 && hash_equal(s->rows[i].owner, caller->owner, AIP_HASH_BYTES);
}

aip_status
owners_note(owners *o, const owned_caller *caller, owned_kind kind, const char *id, aip_error *err)
{
    task_owner wanted = {.expires = caller->now_seconds + o->setup.ttl_seconds};
    const char *tool = caller->tool == NULL || strlen(caller->tool) > AIP_TOOL_BYTES_MAX ? "" : caller->tool;
    memcpy(wanted.owner, caller->owner, sizeof wanted.owner);
    memcpy(wanted.tool, tool, strlen(tool) + 1);
    make_key(caller, kind, id, wanted.key);
    stripe *s = lock_stripe(o, wanted.key);
    uint32_t i = look(o, s, wanted.key, caller->now_seconds);
    bool fresh = i == 0;
    if (fresh) {
        i = insert(o, s, &wanted);
        set_unsaved(o, s, i, true);
    }
    bool mine = is_of(s, i, caller), unsaved = fresh || (mine && renew(o, s, i, caller->now_seconds));
    pthread_mutex_unlock(&s->lock);
    ring(o, unsaved);
    return mine ? AIP_OK : aip_fail(err, AIP_A2A_TASK, NULL);
}

aip_status
owners_find(owners *o, const owned_caller *caller, owned_kind kind, const char *id, char *tool, aip_error *err)
{
    unsigned char key[AIP_HASH_BYTES];
    make_key(caller, kind, id, key);
    stripe *s = lock_stripe(o, key);
    uint32_t i = look(o, s, key, caller->now_seconds);
    bool mine = is_of(s, i, caller), unsaved = mine && renew(o, s, i, caller->now_seconds);
    if (mine && tool != NULL) {
        memcpy(tool, s->tools[i], strlen(s->tools[i]) + 1);
    }
    pthread_mutex_unlock(&s->lock);
    ring(o, unsaved);
    return mine ? AIP_OK : aip_fail(err, AIP_A2A_TASK, NULL);
}

aip_status
owners_check(owners *o, const owned_caller *caller, owned_kind kind, const char *id, aip_error *err)
{
    return owners_find(o, caller, kind, id, NULL, err);
}

bool
owners_knows(owners *o, const owned_caller *caller, owned_kind kind, const char *id, text_buffer *keys)
{
    unsigned char key[AIP_HASH_BYTES];
    make_key(caller, kind, id, key);
    stripe *s = lock_stripe(o, key);
    bool known = look(o, s, key, caller->now_seconds) != 0;
    pthread_mutex_unlock(&s->lock);
    if (!known) {
        text_append(keys, (aip_bytes){key, sizeof key});
    }
    return known;
}

/* ---- what the thread does ---- */

void
owners_restore(owners *o, const task_owner *from)
{
    stripe *s = lock_stripe(o, from->key);
    uint32_t i = find(s, from->key);
    if (i == 0) {
        (void)insert(o, s, from);
    } else if (memcmp(s->rows[i].owner, from->owner, AIP_HASH_BYTES) != 0) {
        unlink_by_owner(s, i);
        write_row(s, i, from);
        link_by_owner(s, i);
        set_unsaved(o, s, i, false);
    } else if (s->rows[i].expires < from->expires) {
        s->rows[i].expires = from->expires;
    }
    pthread_mutex_unlock(&s->lock);
}

bool
owners_have_unsaved(owners *o)
{
    return atomic_load(&o->unsaved) > 0;
}

/* What is not saved was used a short while ago: so it is sought from that end. */
static size_t
take_of(owners *o, stripe *s, task_owner *out, size_t room)
{
    size_t count = 0;
    pthread_mutex_lock(&s->lock);
    for (uint32_t i = s->rows[0].older; i != 0 && s->unsaved > 0 && count < room; i = s->rows[i].older) {
        if (s->rows[i].unsaved) {
            task_owner *each = &out[count++];
            memcpy(each->key, s->rows[i].key, AIP_HASH_BYTES);
            memcpy(each->owner, s->rows[i].owner, AIP_HASH_BYTES);
            each->expires = s->rows[i].expires;
            memcpy(each->tool, s->tools[i], strlen(s->tools[i]) + 1);
            set_unsaved(o, s, i, false);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return count;
}

size_t
owners_take_unsaved(owners *o, task_owner *out, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < STRIPES && count < room; i++) {
        count += take_of(o, &o->stripes[i], out + count, room - count);
    }
    return count;
}

void
owners_put_back(owners *o, const task_owner *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        stripe *s = lock_stripe(o, rows[i].key);
        uint32_t known = find(s, rows[i].key);
        if (known != 0 && memcmp(s->rows[known].owner, rows[i].owner, AIP_HASH_BYTES) == 0) {
            set_unsaved(o, s, known, true);
        }
        pthread_mutex_unlock(&s->lock);
    }
}
