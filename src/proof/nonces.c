/* Hash tables in stripes, each with lists by time of expiry, so that forgetting costs no more than remembering. */
#include "proof/nonces.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>

#include "crypto/hash.h"

enum {
    STRIPES_MAX = 64,
    STRIPE_ROOM_MIN = 1024, /* smaller ones would differ too much in how full they are */
    SHARE_OF_ONE_KEY = 8,   /* an eighth */
    SPANS = 64,             /* × SPAN_SECONDS: once around takes longer than any nonce is remembered */
    SPAN_SECONDS = 4,
    KEY_ID_BYTES_MAX = AIP_IDENTIFIER_BYTES_MAX + 1 + AIP_FRAGMENT_BYTES_MAX,
};
#define CAPACITY_MAX ((size_t)1 << 30)

/* Entries and shares are named by their index; 0 is none. */
typedef struct {
    uint64_t hash[2];
    uint32_t expires; /* epoch seconds, until 2106 */
    uint32_t share;   /* none: loaded */
    uint32_t next_in_slot, next_in_span;
} entry;

/* How many nonces of one key are remembered. */
typedef struct {
    uint64_t name;
    uint32_t count, next_in_slot;
} share;

/* Which indices are free: those given back, then those never used. */
typedef struct {
    uint32_t returned, fresh;
} free_list;

typedef struct {
    pthread_mutex_t lock;
    entry *entries;
    share *shares;
    uint32_t *entry_slots, *share_slots;
    free_list free_entries, free_shares;
    uint32_t room, share_room, used, slot_mask;
    uint32_t spans[SPANS];
    int64_t swept;     /* spans before this one hold nothing that has expired */
    int64_t forgotten; /* nonces that expire until then may have been forgotten */
} stripe;

/* Of all stripes, in one piece each: many small ones would touch a page each. */
typedef struct {
    entry *entries;
    share *shares;
    uint32_t *entry_slots, *share_slots;
} tables;

struct nonce_memory {
    nonce_keys keys;
    name_key share_key;
    tables all;
    size_t stripe_count; /* a power of two */
    stripe stripes[STRIPES_MAX];
};

/* The one of that number, with its part of all. */
static void
stripe_init(stripe *s, const tables *all, size_t number, size_t room, size_t slots)
{
    pthread_mutex_init(&s->lock, NULL);
    s->room = (uint32_t)room;
    s->share_room = room < SHARE_OF_ONE_KEY ? 1 : (uint32_t)(room / SHARE_OF_ONE_KEY);
    s->slot_mask = (uint32_t)(slots - 1);
    s->free_entries.fresh = s->free_shares.fresh = 1;
    s->entries = all->entries + number * (room + 1);
    s->shares = all->shares + number * (room + 1);
    s->entry_slots = all->entry_slots + number * slots;
    s->share_slots = all->share_slots + number * slots;
}

static aip_status
make_stripes(nonce_memory *memory, size_t count, size_t room, aip_error *err)
{
    tables *all = &memory->all;
    size_t slots = 16;
    while (slots < room) {
        slots *= 2;
    }
    all->entries = calloc(count * (room + 1), sizeof *all->entries);
    all->shares = calloc(count * (room + 1), sizeof *all->shares);
    all->entry_slots = calloc(count * slots, sizeof *all->entry_slots);
    all->share_slots = calloc(count * slots, sizeof *all->share_slots);
    if (all->entries == NULL || all->shares == NULL || all->entry_slots == NULL || all->share_slots == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (; memory->stripe_count < count; memory->stripe_count++) {
        stripe_init(&memory->stripes[memory->stripe_count], all, memory->stripe_count, room, slots);
    }
    return AIP_OK;
}

static size_t
count_stripes(size_t capacity)
{
    size_t count = 1;
    while (count < STRIPES_MAX && capacity / (count * 2) >= STRIPE_ROOM_MIN) {
        count *= 2;
    }
    return count;
}

aip_status
nonce_memory_new(size_t capacity, const nonce_keys *keys, nonce_memory **out, aip_error *err)
{
    nonce_memory *memory = capacity == 0 || capacity > CAPACITY_MAX ? NULL : calloc(1, sizeof *memory);
    *out = NULL;
    if (memory == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (keys != NULL) {
        memory->keys = *keys;
    } else {
        hash_random(&memory->keys, sizeof memory->keys);
    }
    hash_random(&memory->share_key, sizeof memory->share_key);
    size_t stripes = count_stripes(capacity);
    aip_status status = make_stripes(memory, stripes, (capacity + stripes - 1) / stripes, err);
    if (status != AIP_OK) {
        nonce_memory_free(&memory);
        return status;
    }
    *out = memory;
    return AIP_OK;
}

void
nonce_memory_free(nonce_memory **memory)
{
    if (*memory == NULL) {
        return;
    }
    for (size_t i = 0; i < (*memory)->stripe_count; i++) {
        pthread_mutex_destroy(&(*memory)->stripes[i].lock);
    }
    free((*memory)->all.entries);
    free((*memory)->all.shares);
    free((*memory)->all.entry_slots);
    free((*memory)->all.share_slots);
    hash_wipe(*memory, sizeof **memory);
    free(*memory);
    *memory = NULL;
}

/* ---- one stripe, under its lock ---- */

static uint32_t *
entry_slot(const stripe *s, const uint64_t hash[2])
{
    return &s->entry_slots[hash[1] & s->slot_mask];
}

static uint32_t *
share_slot(const stripe *s, uint64_t name)
{
    return &s->share_slots[name & s->slot_mask];
}

static uint32_t
find_entry(const stripe *s, const uint64_t hash[2])
{
    uint32_t i = *entry_slot(s, hash);
    while (i != 0 && (s->entries[i].hash[0] != hash[0] || s->entries[i].hash[1] != hash[1])) {
        i = s->entries[i].next_in_slot;
    }
    return i;
}

static uint32_t
find_share(const stripe *s, uint64_t name)
{
    uint32_t i = *share_slot(s, name);
    while (i != 0 && s->shares[i].name != name) {
        i = s->shares[i].next_in_slot;
    }
    return i;
}

static void
leave_share(stripe *s, uint32_t i)
{
    if (i == 0 || --s->shares[i].count > 0) {
        return;
    }
    uint32_t *link = share_slot(s, s->shares[i].name);
    while (*link != i) {
        link = &s->shares[*link].next_in_slot;
    }
    *link = s->shares[i].next_in_slot;
    s->shares[i].next_in_slot = s->free_shares.returned;
    s->free_shares.returned = i;
}

/* There is always room: no more shares than entries. */
static uint32_t
enter_share(stripe *s, uint64_t name)
{
    uint32_t i = find_share(s, name);
    if (i == 0) {
        i = s->free_shares.returned;
        if (i != 0) {
            s->free_shares.returned = s->shares[i].next_in_slot;
        } else {
            i = s->free_shares.fresh++;
        }
        s->shares[i] = (share){name, 0, *share_slot(s, name)};
        *share_slot(s, name) = i;
    }
    s->shares[i].count++;
    return i;
}

static void
forget(stripe *s, uint32_t i)
{
    entry *e = &s->entries[i];
    uint32_t *link = entry_slot(s, e->hash);
    while (*link != i) {
        link = &s->entries[*link].next_in_slot;
    }
    *link = e->next_in_slot;
    leave_share(s, e->share);
    if (s->forgotten < e->expires) {
        s->forgotten = e->expires;
    }
    e->next_in_slot = s->free_entries.returned;
    s->free_entries.returned = i;
    s->used--;
}

/* What a jump of the clock put in the same list with a time far off stays there. */
static void
sweep_span(stripe *s, uint32_t *list, int64_t now)
{
    while (*list != 0) {
        uint32_t i = *list, *next = &s->entries[i].next_in_span;
        if (s->entries[i].expires < now) {
            *list = *next;
            forget(s, i);
        } else {
            list = next;
        }
    }
}

static void
sweep(stripe *s, int64_t now)
{
    int64_t current = now / SPAN_SECONDS;
    int64_t first = current - s->swept > SPANS ? current - SPANS : s->swept;
    for (int64_t span = first; span < current; span++) {
        sweep_span(s, &s->spans[(uint64_t)span % SPANS], now);
    }
    s->swept = current; /* also backwards: time that comes again is swept again */
}

static void
remember(stripe *s, const uint64_t hash[2], uint32_t expires, uint32_t of_share)
{
    uint32_t i = s->free_entries.returned;
    if (i != 0) {
        s->free_entries.returned = s->entries[i].next_in_slot;
    } else {
        i = s->free_entries.fresh++;
    }
    uint32_t *slot = entry_slot(s, hash), *span = &s->spans[expires / SPAN_SECONDS % SPANS];
    s->entries[i] = (entry){{hash[0], hash[1]}, expires, of_share, *slot, *span};
    *slot = *span = i;
    s->used++;
}

static aip_status
take(stripe *s, const uint64_t hash[2], uint32_t expires, uint64_t share_name, aip_error *err)
{
    if (find_entry(s, hash) != 0) {
        return aip_fail(err, AIP_PROOF_REPLAYED, NULL);
    }
    if (expires <= s->forgotten) {
        return aip_fail(err, AIP_PROOF_EXPIRED, "signatures of that time may have been forgotten");
    }
    if (s->used == s->room) {
        return aip_fail(err, AIP_PROOF_FULL, NULL);
    }
    uint32_t known = find_share(s, share_name);
    if (known != 0 && s->shares[known].count >= s->share_room) {
        return aip_fail(err, AIP_PROOF_FULL, "this key has used up its share");
    }
    remember(s, hash, expires, enter_share(s, share_name));
    return AIP_OK;
}

/* ---- */

static stripe *
stripe_of(nonce_memory *memory, const uint64_t hash[2])
{
    return &memory->stripes[hash[0] & (memory->stripe_count - 1)];
}

/* The nonce's length first, so that no two pairs give the same bytes. */
static aip_status
hash_use(const nonce_memory *memory, const nonce_use *use, uint64_t hash[2], aip_error *err)
{
    unsigned char text[1 + AIP_NONCE_BYTES_MAX + KEY_ID_BYTES_MAX];
    if (use->nonce.size < AIP_NONCE_BYTES_MIN || use->nonce.size > AIP_NONCE_BYTES_MAX) {
        return aip_fail(err, AIP_PROOF_NONCE, NULL);
    }
    if (use->key_id.size == 0 || use->key_id.size > KEY_ID_BYTES_MAX) {
        return aip_fail(err, AIP_PROOF_KEY, NULL);
    }
    text[0] = (unsigned char)use->nonce.size;
    memcpy(text + 1, use->nonce.data, use->nonce.size);
    memcpy(text + 1 + use->nonce.size, use->key_id.data, use->key_id.size);
    const aip_bytes all = {text, 1 + use->nonce.size + use->key_id.size};
    hash[0] = name_hash(&memory->keys.halves[0], all);
    hash[1] = name_hash(&memory->keys.halves[1], all);
    return AIP_OK;
}

static void
write_hash(const uint64_t hash[2], unsigned char out[NONCE_HASH_BYTES])
{
    const uint64_t words[2] = {htole64(hash[0]), htole64(hash[1])};
    memcpy(out, words, sizeof words);
}

static void
read_hash(const unsigned char in[NONCE_HASH_BYTES], uint64_t hash[2])
{
    uint64_t words[2];
    memcpy(words, in, sizeof words);
    hash[0] = le64toh(words[0]);
    hash[1] = le64toh(words[1]);
}

aip_status
nonce_memory_take(nonce_memory *memory, const nonce_use *use, int64_t now, used_nonce *taken, aip_error *err)
{
    uint64_t hash[2];
    AIP_TRY(hash_use(memory, use, hash, err));
    if (now < 0 || use->created < 0 || use->created >= (int64_t)UINT32_MAX - NONCE_REMEMBERED_SECONDS ||
        use->created + NONCE_REMEMBERED_SECONDS < now) {
        return aip_fail(err, AIP_PROOF_EXPIRED, NULL);
    }
    *taken = (used_nonce){.expires = use->created + NONCE_REMEMBERED_SECONDS};
    write_hash(hash, taken->hash);
    stripe *s = stripe_of(memory, hash);
    pthread_mutex_lock(&s->lock);
    sweep(s, now);
    aip_status status = take(s, hash, (uint32_t)taken->expires, name_hash(&memory->share_key, use->key_id), err);
    pthread_mutex_unlock(&s->lock);
    return status;
}

static void
note_forgotten(stripe *s, int64_t until)
{
    if (s->forgotten < until) {
        s->forgotten = until;
    }
}

void
nonce_memory_load(nonce_memory *memory, const used_nonce *kept, int64_t now)
{
    uint64_t hash[2];
    read_hash(kept->hash, hash);
    stripe *s = stripe_of(memory, hash);
    pthread_mutex_lock(&s->lock);
    bool fits = s->used < s->room && kept->expires >= now && kept->expires >= 0 && kept->expires < UINT32_MAX;
    if (!fits) {
        note_forgotten(s, kept->expires);
    } else if (find_entry(s, hash) == 0) {
        remember(s, hash, (uint32_t)kept->expires, 0);
    }
    pthread_mutex_unlock(&s->lock);
}

void
nonce_memory_forgot(nonce_memory *memory, int64_t until)
{
    for (size_t i = 0; i < memory->stripe_count; i++) {
        pthread_mutex_lock(&memory->stripes[i].lock);
        note_forgotten(&memory->stripes[i], until);
        pthread_mutex_unlock(&memory->stripes[i].lock);
    }
}

size_t
nonce_memory_count(nonce_memory *memory)
{
    size_t count = 0;
    for (size_t i = 0; i < memory->stripe_count; i++) {
        pthread_mutex_lock(&memory->stripes[i].lock);
        count += memory->stripes[i].used;
        pthread_mutex_unlock(&memory->stripes[i].lock);
    }
    return count;
}
