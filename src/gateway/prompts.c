/* The rules of asking persons. */
#include "gateway/prompts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/hash.h"

enum { WINDOW_MICROSECONDS = 60 * 1000000, SHOWN_MAX = 1000 /* prompts_per_minute is never more */ };

struct prompts {
    prompt *first, *last;
    uint64_t shown[SHOWN_MAX]; /* when the last ones were: a ring */
    size_t shown_count, shown_next;
    uint64_t cool_until;
    prompt_word words[PROMPT_WORDS_MAX];
    size_t word_count;
};

aip_status
prompts_new(prompts **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

static void
drop_word(prompts *ps, size_t i)
{
    free(ps->words[i].shown);
    ps->words[i] = ps->words[--ps->word_count];
}

void
prompts_free(prompts **ps)
{
    if (*ps == NULL) {
        return;
    }
    for (prompt *p = (*ps)->first; p != NULL; p = (*ps)->first) {
        (*ps)->first = p->next;
        prompt_free(&p);
    }
    while ((*ps)->word_count > 0) {
        drop_word(*ps, 0);
    }
    free(*ps);
    *ps = NULL;
}

void
prompt_free(prompt **p)
{
    free(*p);
    *p = NULL;
}

/* ---- asking ---- */

static const prompt_word *
find_word(const prompts *ps, const unsigned char digest[32], uint64_t now)
{
    for (size_t i = 0; i < ps->word_count; i++) {
        if (now < ps->words[i].until && hash_equal(ps->words[i].digest, digest, sizeof ps->words[i].digest)) {
            return &ps->words[i];
        }
    }
    return NULL;
}

static size_t
shown_within_window(const prompts *ps, uint64_t now)
{
    size_t count = 0;
    for (size_t i = 0; i < ps->shown_count; i++) {
        count += now - ps->shown[i] < WINDOW_MICROSECONDS;
    }
    return count;
}

static void
note_shown(prompts *ps, uint64_t now)
{
    ps->shown[ps->shown_next] = now;
    ps->shown_next = (ps->shown_next + 1) % SHOWN_MAX;
    ps->shown_count += ps->shown_count < SHOWN_MAX;
}

/* A word that holds needs nobody to be asked; so it counts also while nobody is. */
static void
settle_at_once(prompts *ps, prompt *p, uint64_t now)
{
    const policy_approval *manner = &p->q->approval;
    const prompt_word *word = find_word(ps, p->q->digest, now);
    if (word != NULL) {
        memcpy(p->by, word->by, sizeof p->by);
        p->state = PROMPT_STANDING;
    } else if (now < ps->cool_until) {
        p->state = PROMPT_COOLING;
    } else if (shown_within_window(ps, now) >= manner->prompts_per_minute) {
        p->state = PROMPT_BURST;
        ps->cool_until = now + (uint64_t)manner->cooldown_seconds * 1000000;
    } else {
        note_shown(ps, now);
    }
}

aip_status
prompts_ask(prompts *ps, question *q, uint64_t now, prompt **out, aip_error *err)
{
    uint64_t number;
    prompt *p = calloc(1, sizeof *p);
    *out = p;
    if (p == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    hash_random(&number, sizeof number);
    snprintf(p->id, sizeof p->id, "%016" PRIx64, number);
    p->q = q;
    p->asked = now;
    p->until = now + (uint64_t)q->approval.timeout_seconds * 1000000;
    settle_at_once(ps, p, now);
    if (ps->last == NULL) {
        ps->first = p;
    } else {
        ps->last->next = p;
    }
    ps->last = p;
    return AIP_OK;
}

/* ---- answers ---- */

static prompt *
find_waiting(const prompts *ps, const char *id)
{
    prompt *p = ps->first;
    while (p != NULL && (p->state != PROMPT_WAITS || strcmp(p->id, id) != 0)) {
        p = p->next;
    }
    return p;
}

const prompt *
prompts_find(const prompts *ps, const char *id)
{
    return find_waiting(ps, id);
}

static void
end(prompt *p, prompt_state state, const char *by)
{
    p->state = state;
    snprintf(p->by, sizeof p->by, "%s", by);
}

static size_t
soonest_word(const prompts *ps)
{
    size_t soonest = 0;
    for (size_t i = 1; i < ps->word_count; i++) {
        soonest = ps->words[i].until < ps->words[soonest].until ? i : soonest;
    }
    return soonest;
}

static aip_status
keep_word(prompts *ps, const prompt *p, uint64_t until, const char *by, aip_error *err)
{
    prompt_word word = {.until = until};
    word.shown = strndup(p->q->text.data == NULL ? "" : p->q->text.data, p->q->text.size);
    if (word.shown == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    memcpy(word.id, p->id, sizeof word.id);
    memcpy(word.digest, p->q->digest, sizeof word.digest);
    snprintf(word.by, sizeof word.by, "%s", by);
    if (ps->word_count == PROMPT_WORDS_MAX) {
        drop_word(ps, soonest_word(ps));
    }
    ps->words[ps->word_count++] = word;
    return AIP_OK;
}

/* The same call may wait several times. */
static void
allow_others(prompts *ps, const prompt *one, const char *by)
{
    for (prompt *p = ps->first; p != NULL; p = p->next) {
        if (p->state == PROMPT_WAITS && hash_equal(p->q->digest, one->q->digest, sizeof one->q->digest)) {
            end(p, PROMPT_STANDING, by);
        }
    }
}

aip_status
prompts_allow(prompts *ps, const char *id, uint32_t minutes, const char *by, uint64_t now, aip_error *err)
{
    if (minutes > PROMPT_MINUTES_MAX) {
        return aip_fail(err, AIP_USAGE, "at most %d minutes", PROMPT_MINUTES_MAX);
    }
    prompts_expire(ps, now);
    prompts_withdraw(ps, NULL);
    prompt *p = find_waiting(ps, id);
    if (p == NULL) {
        return aip_fail(err, AIP_APPROVAL_UNKNOWN, NULL);
    }
    if (minutes > 0) {
        AIP_TRY(keep_word(ps, p, now + (uint64_t)minutes * 60000000, by, err));
    }
    end(p, PROMPT_ALLOWED, by);
    p->minutes = minutes;
    if (minutes > 0) {
        allow_others(ps, p, by);
    }
    return AIP_OK;
}

aip_status
prompts_deny(prompts *ps, const char *id, const char *by, uint64_t now, aip_error *err)
{
    prompts_expire(ps, now);
    prompt *p = find_waiting(ps, id);
    if (p != NULL) {
        end(p, PROMPT_DENIED, by);
        return AIP_OK;
    }
    for (size_t i = 0; i < ps->word_count; i++) {
        if (strcmp(ps->words[i].id, id) == 0) {
            drop_word(ps, i);
            return AIP_OK;
        }
    }
    return aip_fail(err, AIP_APPROVAL_UNKNOWN, NULL);
}

/* ---- ends without an answer ---- */

void
prompts_withdraw(prompts *ps, const unsigned char *call)
{
    for (prompt *p = ps->first; p != NULL; p = p->next) {
        bool taken_back = call != NULL && hash_equal(p->q->call, call, sizeof p->q->call);
        if (p->state == PROMPT_WAITS && (taken_back || atomic_load(&p->q->left))) {
            p->state = PROMPT_WITHDRAWN;
        }
    }
}

void
prompts_withdraw_all(prompts *ps)
{
    for (prompt *p = ps->first; p != NULL; p = p->next) {
        p->state = p->state == PROMPT_WAITS ? PROMPT_WITHDRAWN : p->state;
    }
}

void
prompts_expire(prompts *ps, uint64_t now)
{
    for (prompt *p = ps->first; p != NULL; p = p->next) {
        if (p->state == PROMPT_WAITS && now >= p->until) {
            p->state = PROMPT_TIMED_OUT;
        }
    }
    for (size_t i = ps->word_count; i-- > 0;) {
        if (now >= ps->words[i].until) {
            drop_word(ps, i);
        }
    }
}

prompt *
prompts_take_ended(prompts *ps)
{
    prompt *before = NULL, *p = ps->first;
    while (p != NULL && p->state == PROMPT_WAITS) {
        before = p;
        p = p->next;
    }
    if (p == NULL) {
        return NULL;
    }
    if (before == NULL) {
        ps->first = p->next;
    } else {
        before->next = p->next;
    }
    ps->last = ps->last == p ? before : ps->last;
    p->next = NULL;
    return p;
}

/* ---- looking ---- */

const prompt *
prompts_first(const prompts *ps)
{
    return ps->first;
}

const prompt_word *
prompts_words(const prompts *ps, size_t *count)
{
    *count = ps->word_count;
    return ps->words;
}

size_t
prompts_waiting(const prompts *ps)
{
    size_t count = 0;
    for (const prompt *p = ps->first; p != NULL; p = p->next) {
        count += p->state == PROMPT_WAITS;
    }
    return count;
}

uint64_t
prompts_next_end(const prompts *ps)
{
    uint64_t next = UINT64_MAX;
    for (const prompt *p = ps->first; p != NULL; p = p->next) {
        next = p->state == PROMPT_WAITS && p->until < next ? p->until : next;
    }
    return next;
}
