/* A bounded hash table in stripes, with a clock hand in each that finds what goes first. */
#include "did/memory_table.h"

#include <stdlib.h>

#define STRIPE_ENTRIES_MIN 16 /* fewer a stripe would push out by chance, not by age */
#define CAPACITY_MIN 16

aip_status
memory_table_init(memory_table *table, size_t entries_max, aip_error *err)
{
    memset(table, 0, sizeof *table);
    table->key = name_hash_key();
    if (table->key == NULL) {
        return aip_fail(err, AIP_INTERNAL, "the system gives no random bytes");
    }
    table->entries_max = entries_max > 0 ? entries_max : 1;
    table->stripe_count = 1;
    while (table->stripe_count < MEMORY_STRIPES_MAX && table->stripe_count * 2 * STRIPE_ENTRIES_MIN <= entries_max) {
        table->stripe_count *= 2;
    }
    atomic_init(&table->count, 0);
    for (size_t i = 0; i < MEMORY_STRIPES_MAX; i++) {
        pthread_mutex_init(&table->stripes[i].lock, NULL);
    }
    return AIP_OK;
}

static void
free_entry(memory_entry *e)
{
    if (e != NULL) {
        free(e->refused);
        free(e);
    }
}

void
memory_table_clear(memory_table *table)
{
    for (size_t i = 0; i < MEMORY_STRIPES_MAX; i++) {
        memory_stripe *s = &table->stripes[i];
        for (size_t k = 0; k < s->count; k++) {
            free_entry(s->slots[k]);
        }
        free(s->slots);
        free(s->index);
        pthread_mutex_destroy(&s->lock);
    }
}

aip_status
memory_entry_new(const memory_table *table, aip_bytes name, const identity *id, memory_entry **out, aip_error *err)
{
    if (name.size == 0 || name.size > AIP_IDENTIFIER_BYTES_MAX) {
        return aip_fail(err, AIP_DID_INVALID, NULL);
    }
    size_t size = sizeof *id + (id == NULL ? 0 : id->key_count * sizeof id->keys[0]);
    size_t whole = (sizeof(memory_entry) + size + MEMORY_LINE_BYTES - 1) / MEMORY_LINE_BYTES * MEMORY_LINE_BYTES;
    memory_entry *e = aligned_alloc(MEMORY_LINE_BYTES, whole);
    if (e == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    memset(e, 0, whole);
    e->hash = name_hash(table->key, name);
    e->name_size = name.size;
    e->known = id != NULL;
    if (id != NULL) {
        memcpy(memory_entry_identity(e), id, size);
    } else {
        memcpy(memory_entry_identity(e)->name, name.data, name.size);
    }
    *out = e;
    return AIP_OK;
}

/* The index takes the hash's low bits, the stripes the middle ones, the tags the highest. */
static memory_stripe *
stripe_of(memory_table *table, uint64_t hash)
{
    return &table->stripes[(size_t)(hash >> 32) & (table->stripe_count - 1)];
}

#define TAG_MASK ((uintptr_t)MEMORY_LINE_BYTES - 1)

static uintptr_t
tag_of(uint64_t hash)
{
    return (uintptr_t)(hash >> 58);
}

static memory_entry *
entry_at(const memory_stripe *s, size_t place)
{
    return (memory_entry *)(s->index[place] & ~TAG_MASK);
}

static size_t
next_place(const memory_stripe *s, size_t place)
{
    return (place + 1) & (2 * s->capacity - 1);
}

static size_t
first_place(const memory_stripe *s, uint64_t hash)
{
    return (size_t)hash & (2 * s->capacity - 1);
}

/* A did:aip name of a log or none is found in three lines: this fetches the other two at once, on the guess that the
 * entry is the right one. */
static void
prefetch(const memory_entry *e)
{
    const char *id = (const char *)memory_entry_identity(e);
    __builtin_prefetch(id + offsetof(identity, name));
    __builtin_prefetch(id + offsetof(identity, keys));
}

_Static_assert((sizeof(memory_entry) + offsetof(identity, keys)) % MEMORY_LINE_BYTES == 0, "a key begins a line");

static aip_bytes
name_of(const memory_entry *e)
{
    return (aip_bytes){(const unsigned char *)memory_entry_identity(e)->name, e->name_size};
}

static memory_entry *
find(const memory_stripe *s, uint64_t hash, aip_bytes name)
{
    if (s->capacity == 0) {
        return NULL;
    }
    for (size_t place = first_place(s, hash); s->index[place] != 0; place = next_place(s, place)) {
        memory_entry *e = entry_at(s, place);
        if ((s->index[place] & TAG_MASK) != tag_of(hash)) {
            continue;
        }
        prefetch(e);
        if (e->hash == hash && aip_bytes_equal(name_of(e), name)) {
            return e;
        }
    }
    return NULL;
}

static void
link_entry(memory_stripe *s, memory_entry *e)
{
    size_t place = first_place(s, e->hash);
    while (s->index[place] != 0) {
        place = next_place(s, place);
    }
    s->index[place] = (uintptr_t)e | tag_of(e->hash);
}

static size_t
place_of(const memory_stripe *s, const memory_entry *e)
{
    size_t place = first_place(s, e->hash);
    while (entry_at(s, place) != e) {
        place = next_place(s, place);
    }
    return place;
}

/* What stands behind moves up, unless it would come to stand before its first place. */
static void
unlink_entry(memory_stripe *s, const memory_entry *e)
{
    size_t mask = 2 * s->capacity - 1, empty = place_of(s, e);
    for (size_t place = next_place(s, empty); s->index[place] != 0; place = next_place(s, place)) {
        size_t way = (place - first_place(s, entry_at(s, place)->hash)) & mask;
        if (way >= ((place - empty) & mask)) {
            s->index[empty] = s->index[place];
            empty = place;
        }
    }
    s->index[empty] = 0;
}

static aip_status
grow(memory_stripe *s, aip_error *err)
{
    size_t capacity = s->capacity == 0 ? CAPACITY_MIN : 2 * s->capacity;
    memory_entry **slots = realloc(s->slots, capacity * sizeof *slots);
    if (slots == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    s->slots = slots;
    uintptr_t *places = calloc(2 * capacity, sizeof *places);
    if (places == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    free(s->index);
    s->index = places;
    s->capacity = capacity;
    for (size_t i = 0; i < s->count; i++) {
        link_entry(s, s->slots[i]);
    }
    return AIP_OK;
}

static aip_status
insert(memory_stripe *s, memory_entry *e, aip_error *err)
{
    if (s->count == s->capacity) {
        AIP_TRY(grow(s, err));
    }
    e->slot = s->count;
    s->slots[s->count++] = e;
    s->ended += memory_entry_has_ended(e);
    link_entry(s, e);
    return AIP_OK;
}

static void
take_out(memory_stripe *s, memory_entry *e)
{
    unlink_entry(s, e);
    s->ended -= memory_entry_has_ended(e);
    memory_entry *last = s->slots[--s->count];
    s->slots[e->slot] = last;
    last->slot = e->slot;
}

static void
replace(memory_stripe *s, memory_entry *old, memory_entry *e)
{
    unlink_entry(s, old);
    s->ended -= memory_entry_has_ended(old);
    e->slot = old->slot;
    e->used = old->used;
    s->slots[e->slot] = e;
    s->ended += memory_entry_has_ended(e);
    link_entry(s, e);
}

/* The entry of this stripe that goes first, or NULL. Two rounds: the first may only take marks away. */
static memory_entry *
victim_of(memory_stripe *s, bool spare_ended)
{
    if (spare_ended && s->ended == s->count) {
        return NULL;
    }
    for (size_t steps = 2 * s->count; steps > 0; steps--) {
        s->hand = s->hand < s->count ? s->hand : 0;
        memory_entry *e = s->slots[s->hand];
        if (!e->used && !(spare_ended && memory_entry_has_ended(e))) {
            return e;
        }
        e->used = false;
        s->hand++;
    }
    return NULL;
}

static bool
push_out_one(memory_table *table, memory_stripe *from, bool spare_ended)
{
    size_t first = (size_t)(from - table->stripes);
    memory_entry *out = NULL;
    for (size_t i = 0; i < table->stripe_count && out == NULL; i++) {
        memory_stripe *s = &table->stripes[(first + i) & (table->stripe_count - 1)];
        pthread_mutex_lock(&s->lock);
        out = victim_of(s, spare_ended);
        if (out != NULL) {
            take_out(s, out);
        }
        pthread_mutex_unlock(&s->lock);
    }
    free_entry(out);
    return out != NULL;
}

/* Takes a place for one more entry, from a little used one when there is none left. */
static void
reserve(memory_table *table, memory_stripe *wanted)
{
    if (atomic_fetch_add(&table->count, 1) < table->entries_max) {
        return;
    }
    if (push_out_one(table, wanted, true) || push_out_one(table, wanted, false)) {
        atomic_fetch_sub(&table->count, 1);
    }
}

/* Puts `e` over the entry of its name; *left is what the caller frees. False: there is none of that name. */
static bool
put_over(memory_stripe *s, memory_entry *e, memory_entry **left)
{
    memory_entry *old = find(s, e->hash, name_of(e));
    if (old == NULL) {
        return false;
    }
    *left = e;
    if (!e->known) {
        memory_refusal *refused = old->refused;
        old->refused = e->refused;
        e->refused = refused;
    } else if (!memory_entry_has_ended(old) || memory_entry_has_ended(e)) {
        replace(s, old, e);
        *left = old;
    }
    return true;
}

/* Puts `e` in the place that is reserved for it, or gives the place back. */
static aip_status
put_in(memory_table *table, memory_stripe *s, memory_entry *e, aip_error *err)
{
    memory_entry *left = NULL;
    pthread_mutex_lock(&s->lock);
    bool over = put_over(s, e, &left); /* another thread may have been faster */
    aip_status status = over ? AIP_OK : insert(s, e, err);
    pthread_mutex_unlock(&s->lock);
    if (over || status != AIP_OK) {
        atomic_fetch_sub(&table->count, 1);
    }
    free_entry(status == AIP_OK ? left : e);
    return status;
}

aip_status
memory_table_put(memory_table *table, memory_entry *e, aip_error *err)
{
    memory_stripe *s = stripe_of(table, e->hash);
    memory_entry *left = NULL;
    pthread_mutex_lock(&s->lock);
    bool done = put_over(s, e, &left);
    pthread_mutex_unlock(&s->lock);
    if (done) {
        free_entry(left);
        return AIP_OK;
    }
    reserve(table, s);
    return put_in(table, s, e, err);
}

memory_entry *
memory_table_lock(memory_table *table, aip_bytes name, memory_stripe **locked)
{
    uint64_t hash = name_hash(table->key, name);
    *locked = stripe_of(table, hash);
    pthread_mutex_lock(&(*locked)->lock);
    return find(*locked, hash, name);
}

void
memory_table_unlock(memory_stripe *locked)
{
    pthread_mutex_unlock(&locked->lock);
}

void
memory_table_forget(memory_table *table, aip_bytes name)
{
    memory_stripe *s;
    memory_entry *e = memory_table_lock(table, name, &s);
    if (e != NULL) {
        take_out(s, e);
        atomic_fetch_sub(&table->count, 1);
    }
    memory_table_unlock(s);
    free_entry(e);
}
