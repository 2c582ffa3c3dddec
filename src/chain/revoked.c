/* Open-addressed sets of (target, issuer) in stripes, so that a million cost no more than a look-up. */
#include "chain/revoked.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/name_hash.h"
#include "chain/chain.h"
#include "crypto/hash.h"

enum { STRIPES = 64, SLOTS_MIN = 64 };

/* Hashes under keys that nobody outside knows; zero marks a free slot. That two pairs meet in all 128 bits is no
 * matter of luck that counts, and would refuse. */
typedef struct {
    uint64_t target, issuer;
} fact_slot;

typedef struct {
    pthread_rwlock_t lock;
    fact_slot *slots;
    size_t slot_count, used;
} stripe;

struct revoked_memory {
    name_key target_key, issuer_key;
    atomic_ullong epoch;
    stripe stripes[STRIPES];
};

aip_status
revoked_memory_new(revoked_memory **out, aip_error *err)
{
    revoked_memory *memory = calloc(1, sizeof *memory);
    *out = NULL;
    if (memory == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    hash_random(&memory->target_key, sizeof memory->target_key);
    hash_random(&memory->issuer_key, sizeof memory->issuer_key);
    atomic_init(&memory->epoch, 0);
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_rwlock_init(&memory->stripes[i].lock, NULL);
    }
    *out = memory;
    return AIP_OK;
}

void
revoked_memory_free(revoked_memory **memory)
{
    for (size_t i = 0; *memory != NULL && i < STRIPES; i++) {
        free((*memory)->stripes[i].slots);
        pthread_rwlock_destroy(&(*memory)->stripes[i].lock);
    }
    free(*memory);
    *memory = NULL;
}

static uint64_t
hash_target(const revoked_memory *memory, revocation_kind kind, const unsigned char id[AIP_HASH_BYTES])
{
    unsigned char text[AIP_HASH_BYTES + 1];
    text[0] = (unsigned char)kind;
    memcpy(text + 1, id, AIP_HASH_BYTES);
    return name_hash(&memory->target_key, (aip_bytes){text, sizeof text}) | 1;
}

static uint64_t
hash_issuer(const revoked_memory *memory, aip_bytes issuer)
{
    return name_hash(&memory->issuer_key, issuer) | 1;
}

/* ---- one stripe, under its lock ---- */

static size_t
first_slot(const stripe *s, uint64_t target)
{
    return (size_t)(target >> 8) & (s->slot_count - 1);
}

static void
place(stripe *s, fact_slot fact)
{
    size_t i = first_slot(s, fact.target);
    while (s->slots[i].target != 0) {
        i = (i + 1) & (s->slot_count - 1);
    }
    s->slots[i] = fact;
}

static bool
grow(stripe *s)
{
    stripe larger = *s;
    larger.slot_count = s->slot_count == 0 ? SLOTS_MIN : s->slot_count * 2;
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (larger.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < s->slot_count; i++) {
        if (s->slots[i].target != 0) {
            place(&larger, s->slots[i]);
        }
    }
    free(s->slots);
    s->slots = larger.slots;
    s->slot_count = larger.slot_count;
    return true;
}

/* Walks the issuers that revoked the target; `issuer` 0 asks for any. */
static bool
holds(const stripe *s, uint64_t target, uint64_t issuer)
{
    if (s->used == 0) {
        return false;
    }
    for (size_t i = first_slot(s, target); s->slots[i].target != 0; i = (i + 1) & (s->slot_count - 1)) {
        if (s->slots[i].target == target && (issuer == 0 || s->slots[i].issuer == issuer)) {
            return true;
        }
    }
    return false;
}

/* ---- */

static stripe *
stripe_of(revoked_memory *memory, uint64_t target)
{
    return &memory->stripes[(target >> 1) % STRIPES];
}

aip_status
revoked_memory_add(revoked_memory *memory, const revoked_fact *fact, aip_error *err)
{
    const fact_slot slot = {hash_target(memory, fact->kind, fact->target_id), hash_issuer(memory, fact->issuer)};
    stripe *s = stripe_of(memory, slot.target);
    pthread_rwlock_wrlock(&s->lock);
    bool known = holds(s, slot.target, slot.issuer);
    bool room = known || (s->used + 1) * 2 <= s->slot_count || grow(s);
    if (!known && room) {
        place(s, slot);
        s->used++;
    }
    pthread_rwlock_unlock(&s->lock);
    atomic_fetch_add(&memory->epoch, 1);
    return room ? AIP_OK : aip_fail(err, AIP_NO_MEMORY, NULL);
}

static bool
ask(revoked_memory *memory, uint64_t target, uint64_t issuer)
{
    stripe *s = stripe_of(memory, target);
    pthread_rwlock_rdlock(&s->lock);
    bool found = holds(s, target, issuer);
    pthread_rwlock_unlock(&s->lock);
    return found;
}

/* Who may have ended a target: the signers of the first elements, and one more. */
typedef struct {
    const aip_chain *chain;
    size_t signers;
    aip_bytes own;
} enders;

/* Mostly nobody revoked it, and one look tells. `fact` has kind and target; its issuer is filled in. */
static bool
is_ended(revoked_memory *memory, const enders *may, revoked_fact *fact)
{
    uint64_t target = hash_target(memory, fact->kind, fact->target_id);
    if (!ask(memory, target, 0)) {
        return false;
    }
    for (size_t i = 0; i < may->signers; i++) {
        fact->issuer = may->chain->tokens[i].issuer.text;
        if (ask(memory, target, hash_issuer(memory, fact->issuer))) {
            return true;
        }
    }
    fact->issuer = may->own;
    return ask(memory, target, hash_issuer(memory, fact->issuer));
}

static bool
link_is_ended(revoked_memory *memory, const aip_chain *chain, size_t i, revoked_fact *fact)
{
    const enders may = {chain, i + 1, chain->tokens[i].subject.text};
    fact->kind = REVOKED_LINK;
    memcpy(fact->target_id, chain->tokens[i].link_id, AIP_HASH_BYTES);
    return is_ended(memory, &may, fact);
}

static bool
party_is_ended(revoked_memory *memory, const enders *may, const unsigned char name_id[AIP_HASH_BYTES],
               revoked_fact *fact)
{
    fact->kind = REVOKED_DID;
    memcpy(fact->target_id, name_id, AIP_HASH_BYTES);
    return is_ended(memory, may, fact);
}

static bool
key_is_ended(revoked_memory *memory, const enders *may, const unsigned char key[AIP_KEY_BYTES], revoked_fact *fact)
{
    fact->kind = REVOKED_KEY;
    memcpy(fact->target_id, key, AIP_KEY_BYTES);
    return is_ended(memory, may, fact);
}

/* Was the key asked for already, as that in the holder's name of the element above, and so with the same issuers? */
static bool
was_asked(const aip_chain *chain, size_t i, const aip_public_key *signer)
{
    const aip_did *name = i == 0 ? NULL : &chain->tokens[i - 1].subject;
    return name != NULL && aip_did_has_key(name) && memcmp(name->key, signer->bytes, AIP_KEY_BYTES) == 0;
}

/* Is the chain ended at element i: its link, its holder, the key that signed it, the key in its holder's name? */
static bool
element_is_ended(revoked_memory *memory, const aip_chain *chain, size_t i, const aip_public_key *signer,
                 revoked_fact *fact)
{
    const token *t = &chain->tokens[i];
    const enders above = {chain, i, t->issuer.text}, holder = {chain, i + 1, t->subject.text};
    return link_is_ended(memory, chain, i, fact) || party_is_ended(memory, &holder, t->subject_id, fact) ||
           (signer != NULL && !was_asked(chain, i, signer) && key_is_ended(memory, &above, signer->bytes, fact)) ||
           (aip_did_has_key(&t->subject) && key_is_ended(memory, &holder, t->subject.key, fact));
}

/* The element at which the chain is ended, or CHAIN_NONE; *fact says by what. */
static size_t
find_ended(revoked_memory *memory, const aip_chain *chain, const aip_public_key *keys, size_t key_count,
           revoked_fact *fact)
{
    const enders root = {chain, 0, chain->tokens[0].issuer.text};
    if (memory == NULL || atomic_load(&memory->epoch) == 0) {
        return CHAIN_NONE;
    }
    if (party_is_ended(memory, &root, chain->tokens[0].issuer_id, fact)) {
        return 0;
    }
    for (size_t i = 0; i < chain->count; i++) {
        if (element_is_ended(memory, chain, i, i < key_count ? &keys[i] : NULL, fact)) {
            return i;
        }
    }
    return CHAIN_NONE;
}

aip_status
revoked_check(revoked_memory *memory, const aip_chain *chain, const aip_public_key *keys, size_t key_count,
              aip_error *err)
{
    revoked_fact fact;
    size_t at = find_ended(memory, chain, keys, key_count, &fact);
    return at == CHAIN_NONE ? AIP_OK : chain_place(err, at, aip_fail(err, AIP_TOKEN_REVOKED, NULL));
}

bool
revoked_find(revoked_memory *memory, const aip_chain *chain, const aip_public_key *keys, size_t key_count,
             revoked_fact *out)
{
    return find_ended(memory, chain, keys, key_count, out) != CHAIN_NONE;
}

aip_status
revoked_check_holder(revoked_memory *memory, const aip_chain *chain, const aip_public_key *key, aip_error *err)
{
    size_t last = chain->count - 1;
    const enders may = {chain, chain->count, chain->tokens[last].subject.text};
    revoked_fact fact;
    bool ended = memory != NULL && atomic_load(&memory->epoch) > 0 && key_is_ended(memory, &may, key->bytes, &fact);
    return ended ? chain_place(err, last, aip_fail(err, AIP_TOKEN_REVOKED, NULL)) : AIP_OK;
}

uint64_t
revoked_epoch(revoked_memory *memory)
{
    return atomic_load(&memory->epoch);
}

size_t
revoked_count(revoked_memory *memory)
{
    size_t count = 0;
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_rwlock_rdlock(&memory->stripes[i].lock);
        count += memory->stripes[i].used;
        pthread_rwlock_unlock(&memory->stripes[i].lock);
    }
    return count;
}
