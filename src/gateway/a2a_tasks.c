/* Rows in stripes: a hash table each, with a list by last use, so that the oldest goes when there is no room. */
#include "gateway/a2a_tasks.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/splice.h"
#include "crypto/hash.h"

enum { STRIPES = 16, ROOM_MAX = 1 << 24, REFRESH_SHARE = 8, OWNERS_MIN = 8 };

/* Rows are named by their index; 0 is none, and the ends of the list by use. */
typedef struct {
    a2a_owned owned;
    uint32_t next_in_slot, older, newer;
} row;

typedef struct {
    pthread_mutex_t lock;
    row *rows; /* rows[0] is the list's head: newer = oldest row, older = newest row */
    uint32_t *slots;
    uint32_t room, used, slot_mask, returned;
} stripe;

struct a2a_tasks {
    a2a_tasks_setup setup;
    stripe stripes[STRIPES];
};

static bool
stripe_init(stripe *s, size_t room)
{
    size_t slots = 16;
    while (slots < room) {
        slots *= 2;
    }
    pthread_mutex_init(&s->lock, NULL);
    s->room = (uint32_t)room;
    s->slot_mask = (uint32_t)(slots - 1);
    s->rows = calloc(room + 1, sizeof *s->rows);
    s->slots = calloc(slots, sizeof *s->slots);
    return s->rows != NULL && s->slots != NULL;
}

aip_status
a2a_tasks_new(const a2a_tasks_setup *setup, a2a_tasks **out, aip_error *err)
{
    a2a_tasks *tasks = setup->capacity == 0 || setup->capacity > ROOM_MAX ? NULL : calloc(1, sizeof *tasks);
    *out = NULL;
    if (tasks == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    tasks->setup = *setup;
    bool good = true;
    for (size_t i = 0; i < STRIPES; i++) {
        good = stripe_init(&tasks->stripes[i], (setup->capacity + STRIPES - 1) / STRIPES) && good;
    }
    if (!good) {
        a2a_tasks_free(&tasks);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *out = tasks;
    return AIP_OK;
}

void
a2a_tasks_free(a2a_tasks **tasks)
{
    for (size_t i = 0; *tasks != NULL && i < STRIPES; i++) {
        free((*tasks)->stripes[i].rows);
        free((*tasks)->stripes[i].slots);
        pthread_mutex_destroy(&(*tasks)->stripes[i].lock);
    }
    free(*tasks);
    *tasks = NULL;
}

size_t
a2a_tasks_count(a2a_tasks *tasks)
{
    size_t count = 0;
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_lock(&tasks->stripes[i].lock);
        count += tasks->stripes[i].used;
        pthread_mutex_unlock(&tasks->stripes[i].lock);
    }
    return count;
}

/* ---- one stripe, under its lock ---- */

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
    while (i != 0 && memcmp(s->rows[i].owned.key, key, AIP_HASH_BYTES) != 0) {
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
}

static void
forget(stripe *s, uint32_t i)
{
    uint32_t *link = slot_of(s, s->rows[i].owned.key);
    while (*link != i) {
        link = &s->rows[*link].next_in_slot;
    }
    *link = s->rows[i].next_in_slot;
    unlink_by_use(s, i);
    s->rows[i].next_in_slot = s->returned;
    s->returned = i;
    s->used--;
}

/* E-35: the owner's oldest row, if it has its share of them already; 0: it has less. All are walked, so only where half
 * the room is taken. */
static uint32_t
over_share(const stripe *s, const unsigned char owner[AIP_HASH_BYTES])
{
    uint32_t oldest = 0, count = 0, share = s->room / OWNERS_MIN;
    for (uint32_t i = s->rows[0].newer; i != 0; i = s->rows[i].newer) {
        if (memcmp(s->rows[i].owned.owner, owner, AIP_HASH_BYTES) == 0) {
            oldest = oldest == 0 ? i : oldest;
            count++;
        }
    }
    return count >= share && count > 0 ? oldest : 0;
}

/* The key has no row yet. */
static void
insert(stripe *s, const a2a_owned *owned)
{
    uint32_t own = s->used >= (s->room + 1) / 2 ? over_share(s, owned->owner) : 0;
    if (own != 0 || s->used == s->room) {
        forget(s, own != 0 ? own : s->rows[0].newer);
    }
    uint32_t i = s->returned;
    if (i != 0) {
        s->returned = s->rows[i].next_in_slot;
    } else {
        i = s->used + 1;
    }
    s->used++;
    s->rows[i].owned = *owned;
    s->rows[i].next_in_slot = *slot_of(s, owned->key);
    *slot_of(s, owned->key) = i;
    link_newest(s, i);
}

/* A live row, which is then the last used; what has expired is forgotten here. */
static bool
look(stripe *s, a2a_owned *wanted, int64_t now)
{
    uint32_t i = find(s, wanted->key);
    if (i == 0) {
        return false;
    }
    if (s->rows[i].owned.expires <= now) {
        forget(s, i);
        return false;
    }
    *wanted = s->rows[i].owned;
    unlink_by_use(s, i);
    link_newest(s, i);
    return true;
}

/* ---- rows ---- */

static stripe *
stripe_of(a2a_tasks *tasks, const unsigned char key[AIP_HASH_BYTES])
{
    return &tasks->stripes[key[0] % STRIPES];
}

static void
make_key(const a2a_caller *caller, a2a_kept kind, const char *id, unsigned char out[AIP_HASH_BYTES])
{
    const char *const parts[] = {kind == A2A_KEPT_TASK ? "task" : "context", caller->upstream, caller->tenant, id};
    hash_stream stream;
    hash_stream_begin(&stream);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        hash_stream_add(&stream, (aip_bytes){(const unsigned char *)parts[i], strlen(parts[i]) + 1});
    }
    hash_stream_end(&stream, out);
}

void
a2a_tasks_restore(a2a_tasks *tasks, const a2a_owned *owned)
{
    stripe *s = stripe_of(tasks, owned->key);
    pthread_mutex_lock(&s->lock);
    if (find(s, owned->key) == 0) {
        insert(s, owned);
    }
    pthread_mutex_unlock(&s->lock);
}

/* From memory, then from the store. a2a.task.not_found: nobody owns it. */
static aip_status
load(a2a_tasks *tasks, a2a_owned *wanted, int64_t now, aip_error *err)
{
    stripe *s = stripe_of(tasks, wanted->key);
    pthread_mutex_lock(&s->lock);
    bool found = look(s, wanted, now);
    pthread_mutex_unlock(&s->lock);
    if (found) {
        return AIP_OK;
    }
    if (tasks->setup.store.find == NULL) {
        return aip_fail(err, AIP_A2A_TASK, NULL);
    }
    AIP_TRY(tasks->setup.store.find(tasks->setup.store.context, wanted, err));
    if (wanted->expires <= now) {
        return aip_fail(err, AIP_A2A_TASK, NULL);
    }
    a2a_tasks_restore(tasks, wanted);
    return AIP_OK;
}

/* Not at each use: whoever makes rows durable would write as often as they are read. */
static bool
is_worth_renewing(const a2a_tasks *tasks, int64_t expires, int64_t now)
{
    return now + tasks->setup.ttl_seconds - expires > tasks->setup.ttl_seconds / REFRESH_SHARE;
}

/* Puts the row in, unless another owner was there first; *late tells that it should be saved. */
static bool
claim(a2a_tasks *tasks, const a2a_owned *wanted, int64_t now, bool *late)
{
    stripe *s = stripe_of(tasks, wanted->key);
    a2a_owned there = *wanted;
    *late = true;
    if (!look(s, &there, now)) {
        insert(s, wanted);
        return true;
    }
    if (!hash_equal(there.owner, wanted->owner, AIP_HASH_BYTES)) {
        return false;
    }
    *late = is_worth_renewing(tasks, there.expires, now);
    if (*late) {
        s->rows[find(s, wanted->key)].owned.expires = wanted->expires;
    }
    return true;
}

aip_status
a2a_tasks_note(a2a_tasks *tasks, const a2a_caller *caller, a2a_kept kind, const char *id, aip_error *err)
{
    a2a_owned wanted = {.expires = caller->now_seconds + tasks->setup.ttl_seconds}, known;
    memcpy(wanted.owner, caller->owner, sizeof wanted.owner);
    make_key(caller, kind, id, wanted.key);
    known = wanted;
    aip_status status = load(tasks, &known, caller->now_seconds, err);
    if (status != AIP_OK && status != AIP_A2A_TASK) {
        return status;
    }
    bool late = false;
    stripe *s = stripe_of(tasks, wanted.key);
    pthread_mutex_lock(&s->lock);
    bool mine = claim(tasks, &wanted, caller->now_seconds, &late);
    pthread_mutex_unlock(&s->lock);
    if (!mine) {
        return aip_fail(err, AIP_A2A_TASK, NULL);
    }
    return late && tasks->setup.store.save != NULL ? tasks->setup.store.save(tasks->setup.store.context, &wanted, err)
                                                   : AIP_OK;
}

aip_status
a2a_tasks_check(a2a_tasks *tasks, const a2a_caller *caller, a2a_kept kind, const char *id, aip_error *err)
{
    a2a_owned wanted = {.expires = 0};
    make_key(caller, kind, id, wanted.key);
    AIP_TRY(load(tasks, &wanted, caller->now_seconds, err));
    if (!hash_equal(wanted.owner, caller->owner, AIP_HASH_BYTES)) {
        return aip_fail(err, AIP_A2A_TASK, NULL);
    }
    return is_worth_renewing(tasks, wanted.expires, caller->now_seconds) ? a2a_tasks_note(tasks, caller, kind, id, err)
                                                                         : AIP_OK;
}

/* ---- requests and replies ---- */

/* E-33: a context that nobody has may be begun by a message that names no task. */
static aip_status
judge_context(a2a_tasks *tasks, const a2a_caller *caller, const a2a_facts *facts, aip_error *err)
{
    if (facts->context[0] == '\0') {
        return AIP_OK;
    }
    if (tasks->setup.claims && facts->row->has_message && facts->task[0] == '\0') {
        return a2a_tasks_note(tasks, caller, A2A_KEPT_CONTEXT, facts->context, err);
    }
    return a2a_tasks_check(tasks, caller, A2A_KEPT_CONTEXT, facts->context, err);
}

aip_status
a2a_tasks_judge(a2a_tasks *tasks, const a2a_caller *caller, const a2a_facts *facts, const scan_document *document,
                aip_error *err)
{
    if (facts->task[0] != '\0') {
        AIP_TRY(a2a_tasks_check(tasks, caller, A2A_KEPT_TASK, facts->task, err));
    }
    if (facts->references != SCAN_NONE) {
        uint32_t each = scan_child(document, facts->references);
        for (; each != SCAN_NONE; each = scan_next(document, each)) {
            a2a_id task;
            AIP_TRY(a2a_reference(document, each, task, err));
            AIP_TRY(a2a_tasks_check(tasks, caller, A2A_KEPT_TASK, task, err));
        }
    }
    return judge_context(tasks, caller, facts, err);
}

aip_status
a2a_tasks_learn(a2a_tasks *tasks, const a2a_caller *caller, const a2a_reply_facts *reply, aip_error *err)
{
    if (reply->task[0] != '\0') {
        AIP_TRY(a2a_tasks_note(tasks, caller, A2A_KEPT_TASK, reply->task, err));
    }
    return reply->context[0] == '\0' ? AIP_OK : a2a_tasks_note(tasks, caller, A2A_KEPT_CONTEXT, reply->context, err);
}

static aip_status
may_see(a2a_tasks *tasks, const a2a_caller *caller, const scan_document *reply, uint32_t item, bool *may)
{
    static const char *const names[] = {"id", "contextId", "status", "history", "artifacts", "metadata", NULL};
    a2a_id id;
    size_t size = 0;
    uint32_t node = scan_kind_of(reply, item) == SCAN_OBJECT ? scan_member(reply, item, "id") : SCAN_NONE;
    *may = node != SCAN_NONE && scan_kind_of(reply, node) == SCAN_STRING &&
           scan_unescape(reply, node, id, AIP_A2A_ID_BYTES_MAX, &size, NULL) == AIP_OK &&
           memchr(id, '\0', size) == NULL && a2a_check_names(reply, item, names, NULL) == AIP_OK;
    if (!*may) {
        return AIP_OK;
    }
    id[size] = '\0';
    aip_status status = a2a_tasks_check(tasks, caller, A2A_KEPT_TASK, id, NULL);
    *may = status == AIP_OK;
    return status == AIP_A2A_TASK ? AIP_OK : status;
}

/* The object that holds `tasks`; SCAN_NONE: the reply is an error of the agent's. */
static aip_status
find_list(const a2a_reply *reply, uint32_t *list, aip_error *err)
{
    static const char *const names[] = {"tasks", "nextPageToken", "pageSize", "totalSize", NULL};
    bool rpc = reply->binding == A2A_JSONRPC;
    *list = rpc ? scan_member(reply->document, 0, "result") : 0;
    if (rpc && *list == SCAN_NONE && scan_member(reply->document, 0, "error") != SCAN_NONE) {
        return AIP_OK;
    }
    if (*list == SCAN_NONE || scan_kind_of(reply->document, *list) != SCAN_OBJECT ||
        a2a_check_names(reply->document, *list, names, NULL) != AIP_OK) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "the reply is no list of tasks");
    }
    return AIP_OK;
}

/* E-34: the total of a list that was thinned out is what is left on its page. */
static aip_status
write_count(splice *s, uint32_t list, size_t kept, aip_error *err)
{
    char digits[24];
    if (scan_member(s->document, list, "totalSize") == SCAN_NONE) {
        return AIP_OK;
    }
    (void)snprintf(digits, sizeof digits, "%zu", kept);
    return splice_set_member(s, list, "totalSize", aip_bytes_of(digits), err);
}

aip_status
a2a_tasks_filter(a2a_tasks *tasks, const a2a_caller *caller, const a2a_reply *reply, text_buffer *out, aip_error *err)
{
    const scan_limits limits = {SIZE_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    const scan_document *document = reply->document;
    uint32_t list = SCAN_NONE;
    size_t kept = 0;
    AIP_TRY(find_list(reply, &list, err));
    uint32_t items = list == SCAN_NONE ? SCAN_NONE : scan_member(document, list, "tasks");
    if (items == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, items) != SCAN_ARRAY) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "the reply is no list of tasks");
    }
    SPLICE_AUTO splice s;
    splice_begin(&s, document);
    for (uint32_t each = scan_child(document, items); each != SCAN_NONE; each = scan_next(document, each)) {
        bool may = false;
        AIP_TRY(may_see(tasks, caller, document, each, &may));
        kept += may ? 1u : 0u;
        if (!may) {
            AIP_TRY(splice_remove(&s, items, each, err));
        }
    }
    AIP_TRY(write_count(&s, list, kept, err));
    return splice_changes(&s) ? splice_finish(&s, &limits, out, NULL, err) : AIP_OK;
}
