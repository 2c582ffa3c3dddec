/* A hash table of verified chains by their bytes, with the oldest of each root going first. */
#include "chain/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/name_hash.h"
#include "chain/chain.h"

#define HASHED_BYTES 96 /* a text's end: the signature is there, and the whole text is compared besides */

/* An entry is in two orders by last use: of all, and of its root. */
enum { ORDER_ALL, ORDER_ROOT, ORDERS };

typedef struct {
    chain_entry *oldest, *newest;
} use_order;

typedef struct root_share root_share;
struct root_share {
    unsigned char key[AIP_KEY_BYTES];
    size_t bytes;
    use_order order;
    root_share *next_in_slot;
};

struct chain_entry {
    atomic_uint holders; /* the table is one of them */
    uint64_t hash;
    size_t bytes;
    aip_chain *chain;
    chain_proof proof;
    chain_entry *next_in_slot;
    root_share *share;
    struct {
        chain_entry *older, *newer;
    } links[ORDERS];
};

#define ROOT_SLOTS 1024

struct chain_memory {
    chain_memory_limits limits;
    const name_key *key;
    pthread_mutex_t lock;
    chain_entry **slots;
    size_t slot_count; /* a power of two */
    use_order order;
    root_share *roots[ROOT_SLOTS];
    chain_memory_figures figures;
};

enum { BYTES_PER_SLOT = 4096, SLOTS_MIN = 64 };

aip_status
chain_memory_new(const chain_memory_limits *limits, chain_memory **out, aip_error *err)
{
    chain_memory *memory = calloc(1, sizeof *memory);
    *out = NULL;
    if (memory == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    memory->limits = *limits;
    memory->slot_count = SLOTS_MIN;
    while (memory->slot_count < limits->bytes_max / BYTES_PER_SLOT) {
        memory->slot_count *= 2;
    }
    memory->slots = calloc(memory->slot_count, sizeof(chain_entry *));
    memory->key = name_hash_key();
    if (memory->slots == NULL || memory->key == NULL) {
        free(memory->slots);
        free(memory);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    pthread_mutex_init(&memory->lock, NULL);
    *out = memory;
    return AIP_OK;
}

const aip_chain *
chain_entry_chain(const chain_entry *entry)
{
    return entry->chain;
}

static void
release(chain_entry **entry)
{
    chain_entry *held = *entry;
    *entry = NULL;
    if (held != NULL && atomic_fetch_sub(&held->holders, 1) == 1) {
        aip_chain_free(&held->chain);
        free(held);
    }
}

static uint64_t
hash_text(const chain_memory *memory, aip_bytes text)
{
    size_t skipped = text.size > HASHED_BYTES ? text.size - HASHED_BYTES : 0;
    return name_hash(memory->key, aip_bytes_from(text, skipped));
}

/* ---- under the lock ---- */

static chain_entry **
slot_of(chain_memory *memory, uint64_t hash)
{
    return &memory->slots[hash & (memory->slot_count - 1)];
}

static void
leave_order(use_order *order, int which, chain_entry *entry)
{
    chain_entry *older = entry->links[which].older, *newer = entry->links[which].newer;
    *(older == NULL ? &order->oldest : &older->links[which].newer) = newer;
    *(newer == NULL ? &order->newest : &newer->links[which].older) = older;
}

static void
enter_order(use_order *order, int which, chain_entry *entry)
{
    entry->links[which].older = order->newest;
    entry->links[which].newer = NULL;
    *(order->newest == NULL ? &order->oldest : &order->newest->links[which].newer) = entry;
    order->newest = entry;
}

static void
note_use(chain_memory *memory, chain_entry *entry)
{
    leave_order(&memory->order, ORDER_ALL, entry);
    enter_order(&memory->order, ORDER_ALL, entry);
    leave_order(&entry->share->order, ORDER_ROOT, entry);
    enter_order(&entry->share->order, ORDER_ROOT, entry);
}

static chain_entry *
find(chain_memory *memory, uint64_t hash, aip_bytes text)
{
    chain_entry *entry = *slot_of(memory, hash);
    while (entry != NULL && (entry->hash != hash || !aip_bytes_equal(entry->chain->text, text))) {
        entry = entry->next_in_slot;
    }
    return entry;
}

static root_share **
share_slot(chain_memory *memory, const aip_public_key *key)
{
    root_share **slot = &memory->roots[name_hash(memory->key, (aip_bytes){key->bytes, AIP_KEY_BYTES}) % ROOT_SLOTS];
    while (*slot != NULL && memcmp((*slot)->key, key->bytes, AIP_KEY_BYTES) != 0) {
        slot = &(*slot)->next_in_slot;
    }
    return slot;
}

/* The root's share, a new one if need be; NULL: no memory, and then nothing is remembered. */
static root_share *
open_share(chain_memory *memory, const aip_public_key *key)
{
    root_share **slot = share_slot(memory, key);
    if (*slot == NULL) {
        *slot = calloc(1, sizeof **slot);
        if (*slot != NULL) {
            memcpy((*slot)->key, key->bytes, AIP_KEY_BYTES);
        }
    }
    return *slot;
}

static void
close_share_if_empty(chain_memory *memory, const aip_public_key *key)
{
    root_share **slot = share_slot(memory, key), *share = *slot;
    if (share != NULL && share->bytes == 0) {
        *slot = share->next_in_slot;
        free(share);
    }
}

static void
drop(chain_memory *memory, chain_entry *entry)
{
    chain_entry **link = slot_of(memory, entry->hash);
    while (*link != entry) {
        link = &(*link)->next_in_slot;
    }
    *link = entry->next_in_slot;
    leave_order(&memory->order, ORDER_ALL, entry);
    leave_order(&entry->share->order, ORDER_ROOT, entry);
    entry->share->bytes -= entry->bytes;
    memory->figures.entries--;
    memory->figures.bytes -= entry->bytes;
    close_share_if_empty(memory, &entry->proof.keys[0]);
    release(&entry);
}

/* First out of its own root's share, then the oldest of all. */
static bool
make_room(chain_memory *memory, const chain_entry *entry)
{
    if (entry->bytes > memory->limits.bytes_per_root_max || entry->bytes > memory->limits.bytes_max) {
        return false;
    }
    root_share *share = *share_slot(memory, &entry->proof.keys[0]);
    while (share != NULL && share->bytes + entry->bytes > memory->limits.bytes_per_root_max) {
        drop(memory, share->order.oldest);
        share = *share_slot(memory, &entry->proof.keys[0]); /* it goes with its last entry */
    }
    while (memory->order.oldest != NULL && memory->figures.bytes + entry->bytes > memory->limits.bytes_max) {
        drop(memory, memory->order.oldest);
    }
    return true;
}

static void
insert(chain_memory *memory, chain_entry *entry)
{
    if (find(memory, entry->hash, entry->chain->text) != NULL || !make_room(memory, entry)) {
        return; /* another thread was first, or it is too large */
    }
    entry->share = open_share(memory, &entry->proof.keys[0]);
    if (entry->share == NULL) {
        return;
    }
    entry->share->bytes += entry->bytes;
    atomic_fetch_add(&entry->holders, 1);
    entry->next_in_slot = *slot_of(memory, entry->hash);
    *slot_of(memory, entry->hash) = entry;
    enter_order(&memory->order, ORDER_ALL, entry);
    enter_order(&entry->share->order, ORDER_ROOT, entry);
    memory->figures.entries++;
    memory->figures.bytes += entry->bytes;
}

/* ---- */

static chain_entry *
take_whole(chain_memory *memory, uint64_t hash, aip_bytes text)
{
    pthread_mutex_lock(&memory->lock);
    chain_entry *entry = find(memory, hash, text);
    if (entry != NULL) {
        atomic_fetch_add(&entry->holders, 1);
        note_use(memory, entry);
        memory->figures.whole_hits++;
    }
    pthread_mutex_unlock(&memory->lock);
    return entry;
}

/* What is known of the longest remembered chain that this one continues. */
static void
recall_prefix(chain_memory *memory, const aip_chain *chain, chain_proof *known)
{
    known->count = 0;
    pthread_mutex_lock(&memory->lock);
    for (size_t count = chain->count - 1; count > 0 && known->count == 0; count--) {
        aip_bytes last = chain->tokens[count - 1].text;
        aip_bytes prefix = {chain->text.data, (size_t)(last.data + last.size - chain->text.data)};
        const chain_entry *entry = find(memory, hash_text(memory, prefix), prefix);
        if (entry != NULL) {
            *known = entry->proof;
        }
    }
    *(known->count > 0 ? &memory->figures.prefix_hits : &memory->figures.misses) += 1;
    pthread_mutex_unlock(&memory->lock);
}

static aip_status
new_entry(aip_bytes text, chain_entry **out, aip_error *err)
{
    chain_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = aip_chain_parse(text, &entry->chain, err);
    if (status != AIP_OK) {
        free(entry);
        return status;
    }
    atomic_init(&entry->holders, 1);
    entry->bytes = sizeof *entry + entry->chain->bytes;
    *out = entry;
    return AIP_OK;
}

/* Read and verified as far as it is not known; remembered if it is good. */
static aip_status
verify_new(chain_memory *memory, const aip_check *check, chain_verdict *out, aip_error *err)
{
    chain_entry *entry = out->entry;
    chain_proof known = {.count = 0};
    if (memory != NULL) {
        recall_prefix(memory, entry->chain, &known);
    }
    const chain_judgement j = {entry->chain, check, &known};
    AIP_TRY(chain_verify(&j, &out->proof, &out->grant, err));
    if (memory != NULL) {
        entry->proof = out->proof;
        entry->hash = hash_text(memory, entry->chain->text);
        pthread_mutex_lock(&memory->lock);
        insert(memory, entry);
        pthread_mutex_unlock(&memory->lock);
    }
    return AIP_OK;
}

aip_status
chain_memory_verify(chain_memory *memory, aip_bytes text, const aip_check *check, chain_verdict *out, aip_error *err)
{
    if (out->entry == NULL && memory != NULL) {
        out->entry = take_whole(memory, hash_text(memory, text), text);
    }
    if (out->entry == NULL) {
        AIP_TRY(new_entry(text, &out->entry, err));
    }
    if (out->entry->share == NULL) {
        return verify_new(memory, check, out, err);
    }
    const chain_judgement j = {out->entry->chain, check, &out->entry->proof};
    return chain_verify(&j, &out->proof, &out->grant, err);
}

void
chain_verdict_clear(chain_verdict *verdict)
{
    release(&verdict->entry);
}

chain_verdict
chain_verdict_share(const chain_verdict *verdict)
{
    if (verdict->entry != NULL) {
        atomic_fetch_add(&verdict->entry->holders, 1);
    }
    return *verdict;
}

chain_memory_figures
chain_memory_count(chain_memory *memory)
{
    pthread_mutex_lock(&memory->lock);
    chain_memory_figures figures = memory->figures;
    pthread_mutex_unlock(&memory->lock);
    return figures;
}

void
chain_memory_free(chain_memory **memory)
{
    if (*memory == NULL) {
        return;
    }
    while ((*memory)->order.oldest != NULL) {
        drop(*memory, (*memory)->order.oldest);
    }
    pthread_mutex_destroy(&(*memory)->lock);
    free((*memory)->slots);
    free(*memory);
    *memory = NULL;
}
