/* Which key a name has, from what is remembered of it: identities, refusals, and when each counts. */
#include "did/memory.h"

#include <stdlib.h>

#include "did/memory_table.h"

struct identity_memory {
    memory_table table;
    bool ask_sources;
};

aip_status
identity_memory_new(size_t identities_max, bool ask_sources, identity_memory **out, aip_error *err)
{
    *out = NULL;
    identity_memory *memory = aligned_alloc(_Alignof(identity_memory), sizeof *memory);
    if (memory == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = memory_table_init(&memory->table, identities_max, err);
    if (status != AIP_OK) {
        free(memory);
        return status;
    }
    memory->ask_sources = ask_sources;
    *out = memory;
    return AIP_OK;
}

void
identity_memory_free(identity_memory **memory)
{
    if (*memory != NULL) {
        memory_table_clear(&(*memory)->table);
        free(*memory);
        *memory = NULL;
    }
}

aip_status
identity_memory_put(identity_memory *memory, const identity *id, int64_t fresh_until, aip_error *err)
{
    memory_entry *e = NULL;
    AIP_TRY(memory_entry_new(&memory->table, aip_bytes_of(id->name), id, &e, err));
    e->fresh_until = fresh_until;
    return memory_table_put(&memory->table, e, err);
}

aip_status
identity_memory_put_refusal(identity_memory *memory, aip_bytes name, const aip_error *why, int64_t until,
                            aip_error *err)
{
    memory_entry *e = NULL;
    if (why->status == AIP_OK) {
        return aip_fail(err, AIP_INTERNAL, "a refusal without a reason");
    }
    memory_refusal *refused = malloc(sizeof *refused);
    if (refused == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *refused = (memory_refusal){*why, until};
    aip_status status = memory_entry_new(&memory->table, name, NULL, &e, err);
    if (status != AIP_OK) {
        free(refused);
        return status;
    }
    e->refused = refused;
    return memory_table_put(&memory->table, e, err);
}

void
identity_memory_forget(identity_memory *memory, aip_bytes name)
{
    memory_table_forget(&memory->table, name);
}

/* A fresh answer outweighs a host or machine that failed since, not a judgement of what a host said since. */
static memory_state
state_of(const memory_entry *e, int64_t now_seconds)
{
    if (memory_entry_has_ended(e)) {
        return MEMORY_KNOWN;
    }
    bool fresh = e->known && now_seconds < e->fresh_until;
    if (e->refused != NULL && now_seconds < e->refused->until) {
        bool failed = aip_status_lookup(e->refused->why.status)->class == AIP_CLASS_UNAVAILABLE;
        return fresh && failed ? MEMORY_KNOWN : MEMORY_REFUSED;
    }
    return fresh ? MEMORY_KNOWN : MEMORY_UNKNOWN;
}

typedef struct {
    aip_bytes name;
    const identity_query *query;
    int64_t now_seconds;
    memory_state state;
    bool had_log; /* what is known has expired, and it was a log */
} lookup;

static aip_status
answer(memory_entry *e, lookup *l, aip_public_key *out, aip_error *err)
{
    l->state = e == NULL ? MEMORY_UNKNOWN : state_of(e, l->now_seconds);
    switch (l->state) {
    case MEMORY_KNOWN:
        e->used = true;
        return identity_find_key(memory_entry_identity(e), l->query, out, err);
    case MEMORY_REFUSED:
        e->used = true;
        if (err != NULL) {
            *err = e->refused->why;
        }
        return e->refused->why.status;
    case MEMORY_UNKNOWN:
        break;
    }
    l->had_log = e != NULL && e->known && memory_entry_identity(e)->has_log;
    return aip_fail(err, AIP_DID_PENDING, NULL);
}

static aip_status
look_up(identity_memory *memory, lookup *l, aip_public_key *out, aip_error *err)
{
    memory_stripe *locked;
    memory_entry *e = memory_table_lock(&memory->table, l->name, &locked);
    aip_status status = answer(e, l, out, err);
    memory_table_unlock(locked);
    return status;
}

aip_status
identity_memory_find_key(identity_memory *memory, aip_bytes name, const identity_query *query, int64_t now_seconds,
                         aip_public_key *out, memory_state *state, aip_error *err)
{
    lookup l = {.name = name, .query = query, .now_seconds = now_seconds};
    aip_status status = look_up(memory, &l, out, err);
    if (state != NULL) {
        *state = l.state;
    }
    return status;
}

/* What a name can say for itself when nothing is known of it. */
static aip_status
answer_unknown(const aip_did *name, aip_bytes kid, bool may_have_log, aip_public_key *out, aip_error *err)
{
    switch (name->form) {
    case AIP_DID_SELF:
        return may_have_log ? aip_fail(err, AIP_DID_PENDING, NULL) : aip_did_find_key(name, kid, out, err);
    case AIP_DID_KEY:
    case AIP_NAME_KEY:
        return aip_did_find_key(name, kid, out, err);
    case AIP_DID_HASH:
    case AIP_DID_NSHASH:
        return aip_fail(err, AIP_DID_KEY_MISSING, NULL);
    case AIP_DID_WEB:
    case AIP_NAME_WEB:
        break;
    }
    return aip_fail(err, AIP_DID_PENDING, NULL);
}

static aip_status
find_for_source(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out,
                aip_error *err)
{
    const memory_view *view = context;
    const identity_query query = {kid, view->use == DID_USE_ANY ? DID_USE_DELEGATION : view->use, signed_at};
    lookup l = {.name = name->text, .query = &query, .now_seconds = view->now_seconds};
    aip_status status = look_up(view->memory, &l, out, err);
    if (l.state != MEMORY_UNKNOWN) {
        return status;
    }
    /* A name that was seen to have a log does not speak for itself again. */
    return answer_unknown(name, kid, view->memory->ask_sources || l.had_log, out, err);
}

void
identity_memory_source(memory_view *view, aip_key_source *out)
{
    *out = (aip_key_source){find_for_source, view};
}
