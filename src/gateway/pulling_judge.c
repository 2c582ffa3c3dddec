/* Judges a page of somebody's list and each statement in it, and resolves the names that this needs. */
#include <stdlib.h>

#include "aip/limits.h"
#include "chain/chain.h"
#include "gateway/keeping.h"
#include "gateway/pulling_inside.h"

enum {
    STATEMENTS_PER_TICK = 16, /* verifications that the thread's other work waits for */
    ATTEMPTS_MAX = 3,         /* the memory is small, and may have forgotten what was resolved */
};

void
pulled_clear(pulled_page *page)
{
    revocation_list_clear(&page->list);
    free(page->statements);
    free(page->room);
    free(page->text);
    *page = (pulled_page){.text = NULL};
}

/* ---- names ---- */

static void
on_name(void *context, aip_status status, const resolution *found, const aip_error *err)
{
    pulled_name *name = context;
    pull_source *s = name->source;
    const pulling_setup *setup = &s->owner->setup;
    setup->remember(setup->context, name->name, status, found, err);
    name->busy = false;
    s->crowded = s->page.waiting = false;
    for (size_t i = 0; s->page.statements != NULL && i < s->page.list.count; i++) {
        pulled_statement *each = &s->page.statements[i];
        if (each->verdict == PULLED_WAITING && aip_bytes_equal(each->said.issuer.text, aip_bytes_of(name->name))) {
            each->verdict = PULLED_OPEN;
        }
    }
}

static pulled_name *
find_name(pull_source *s, aip_bytes wanted, bool *known)
{
    pulled_name *free_one = NULL;
    for (size_t i = 0; i < PULLED_NAMES_MAX; i++) {
        pulled_name *each = &s->names[i];
        *known = each->busy && aip_bytes_equal(aip_bytes_of(each->name), wanted);
        if (*known) {
            return each;
        }
        free_one = each->busy ? free_one : each;
    }
    return free_one;
}

/* False: too many are being resolved. The answer may come before this returns. */
static bool
resolve(pull_source *s, aip_bytes wanted)
{
    bool known = false;
    pulled_name *name = find_name(s, wanted, &known);
    if (name == NULL) {
        s->crowded = true;
        return false;
    }
    if (!known) {
        name->source = s;
        name->busy = true;
        memcpy(name->name, wanted.data, wanted.size); /* parsed names are no longer than their cap */
        name->name[wanted.size] = '\0';
        resolver_ask(s->owner->setup.resolver, aip_bytes_of(name->name), NULL, on_name, name);
    }
    return true;
}

/* ---- the page ---- */

aip_status
pulled_check(pull_source *s, bool *good, aip_error *err)
{
    memory_view view = {s->owner->setup.identities, s->owner->now, DID_USE_ASSERTION};
    aip_key_source keys;
    identity_memory_source(&view, &keys);
    const revocation_list_rule rule = {
        .signer = aip_bytes_of(s->did),
        .keys = &keys,
        .now_seconds = s->owner->now,
        .asked = s->mark.number,
        .highest = s->mark.highest,
        .issued_at = s->mark.issued_at,
    };
    aip_status status = revocation_list_check(&s->page.list, &rule, err);
    *good = status == AIP_OK;
    if (status != AIP_DID_PENDING || s->page.attempts >= ATTEMPTS_MAX) {
        return status;
    }
    s->page.waiting = true; /* before the answer, which ends it */
    s->page.attempts += resolve(s, rule.signer);
    return AIP_OK;
}

/* ---- statements ---- */

/* Each is decoded where it would stand in the payload: none is longer decoded than encoded. */
static aip_status
parse(pull_source *s, size_t i, aip_error *err)
{
    aip_bytes text = s->page.list.statements[i];
    unsigned char *room = s->page.room + (text.data - s->page.list.statement.payload.data);
    return revocation_parse(text, room, text.size, &s->page.statements[i].said, err);
}

/* A publisher whose clock is ahead, within what its page is allowed, has accepted what is as far ahead of that. */
static int64_t
time_of_acceptance(const pull_source *s)
{
    return s->page.list.issued_at > s->owner->now ? s->page.list.issued_at : s->owner->now;
}

static aip_status
judge(pull_source *s, size_t i, aip_error *err)
{
    pulled_statement *each = &s->page.statements[i];
    memory_view view = {s->owner->setup.identities, s->owner->now, DID_USE_DELEGATION};
    aip_key_source keys;
    identity_memory_source(&view, &keys);
    AIP_TRY(parse(s, i, err));
    AIP_TRY(revocation_verify_listed(&each->said, &keys, time_of_acceptance(s), err));
    bool shown = each->said.chain.size == 0 || revocation_check_chain(&each->said, &keys, NULL) == AIP_OK;
    each->judged = shown && keeping_is_judged(s->owner->setup.trust, &each->said);
    return AIP_OK;
}

/* What cannot be told now would be lost for good, once the number has moved on. */
static bool
drops_page(aip_status status)
{
    return aip_status_lookup(status)->class == AIP_CLASS_UNAVAILABLE || resolver_is_own_trouble(status);
}

static aip_status
wait_for_issuer(pull_source *s, pulled_statement *each, aip_error *err)
{
    if (each->attempts >= ATTEMPTS_MAX) {
        return aip_fail(err, AIP_DID_PENDING, NULL);
    }
    each->verdict = PULLED_WAITING; /* before the answer, which opens it again */
    if (resolve(s, each->said.issuer.text)) {
        each->attempts++;
    } else {
        each->verdict = PULLED_OPEN;
    }
    return AIP_OK;
}

static aip_status
decide(pull_source *s, size_t i, aip_error *err)
{
    pulled_statement *each = &s->page.statements[i];
    aip_error why = AIP_ERROR_INIT;
    aip_status status = judge(s, i, &why);
    if (status == AIP_DID_PENDING) {
        return wait_for_issuer(s, each, err);
    }
    if (status != AIP_OK && drops_page(status)) {
        return aip_fail(err, status, "a statement cannot be judged now");
    }
    each->verdict = status == AIP_OK ? PULLED_TAKEN : PULLED_LEFT_OUT;
    each->why = why;
    return AIP_OK;
}

aip_status
pulled_judge(pull_source *s, aip_error *err)
{
    int left = STATEMENTS_PER_TICK;
    for (size_t i = 0; i < s->page.list.count && left > 0 && !s->crowded; i++) {
        if (s->page.statements[i].verdict == PULLED_OPEN) {
            left--;
            AIP_TRY(decide(s, i, err));
        }
    }
    return AIP_OK;
}

static bool
has(const pull_source *s, pulled_verdict verdict)
{
    for (size_t i = 0; i < s->page.list.count; i++) {
        if (s->page.statements[i].verdict == verdict) {
            return true;
        }
    }
    return false;
}

bool
pulled_is_decided(const pull_source *s)
{
    return !has(s, PULLED_OPEN) && !has(s, PULLED_WAITING);
}

bool
pulled_can_go_on(const pull_source *s)
{
    return pulled_is_decided(s) || (!s->crowded && has(s, PULLED_OPEN));
}
