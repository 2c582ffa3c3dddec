/* A policy under test and one call on it. */
#ifndef TESTS_POLICY_SUBJECT_H
#define TESTS_POLICY_SUBJECT_H

#include "aip/limits.h"
#include "policy/policy.h"
#include "tests/unit/check.h"

#define HEAD "apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata:\n  name: t\nspec:\n"

#define OWN_HEAD "apiVersion: aip-gateway/v1\nkind: AgentPolicy\nmetadata:\n  name: t\nspec:\n"

static const path_setting subject_paths = {.home = "/home/agent", .directory = "/home/agent/work", .as_peer = true};

static inline aip_status
subject_load(const char *text, policy **out, aip_error *err)
{
    const policy_origin origin = {.paths = &subject_paths};
    return policy_load(aip_bytes_of(text), &origin, out, err);
}

typedef struct {
    policy *p;
    policy_scratch *scratch;
    policy_bucket buckets[8], root_buckets[8];
    uint64_t now;
    char arguments[1024]; /* of the last call; the verdict borrows from it */
} subject;

/* The policy of the head and these lines. */
static inline bool
subject_open_under(subject *s, const char *head, const char *lines)
{
    TEXT_AUTO text_buffer text = {0};
    aip_error err = AIP_ERROR_INIT;
    *s = (subject){.now = 1000};
    text_append_string(&text, head);
    text_append_string(&text, lines);
    text_append(&text, AIP_BYTES_LITERAL("\0"));
    if (subject_load(text.data, &s->p, &err) != AIP_OK ||
        policy_scratch_grow(&s->scratch, s->p, sizeof s->arguments, &err) != AIP_OK) {
        printf("  %s: %s\n", aip_status_lookup(err.status)->name, err.detail);
        CHECK(false);
        return false;
    }
    return true;
}

static inline bool
subject_open(subject *s, const char *lines)
{
    return subject_open_under(s, HEAD, lines);
}

static inline void
subject_close(subject *s)
{
    policy_scratch_free(&s->scratch);
    policy_free(&s->p);
}

/* The call as given, with these arguments (NULL: none) and the subject's buckets and time. */
static inline policy_verdict
subject_decide(subject *s, policy_call call, const char *arguments)
{
    static const scan_limits limits = {1024, 16, 256};
    policy_verdict verdict;
    scan_document document = {.text = {NULL, 0}};
    call.parameters = call.arguments = SCAN_NONE;
    call.buckets = s->buckets;
    call.root_buckets = s->root_buckets;
    call.now_microseconds = s->now;
    if (arguments != NULL) {
        snprintf(s->arguments, sizeof s->arguments, "%s", arguments);
        CHECK_STATUS(scan_load(aip_bytes_of(s->arguments), &limits, &document, NULL), AIP_OK);
        call.message = &document;
        call.parameters = call.arguments = 0;
    }
    policy_decide(s->p, s->scratch, &call, &verdict);
    scan_clear(&document);
    return verdict;
}

static inline policy_verdict
subject_ask(subject *s, const char *method, const char *tool, const char *arguments)
{
    return subject_decide(s, (policy_call){.method = aip_bytes_of(method), .tool = aip_bytes_of(tool)}, arguments);
}

#define CHECK_VERDICT(verdict, wanted, why)                                                \
    do {                                                                                   \
        policy_verdict check_verdict = (verdict);                                          \
        CHECK_TEXT(policy_decision_name(check_verdict.decision), wanted);                  \
        CHECK_STATUS(check_verdict.status, why);                                           \
        CHECK((check_verdict.status == AIP_OK) == (check_verdict.decision >= POLICY_ASK)); \
    } while (0)

#define CHECK_CALL(s, tool, arguments, wanted, why) \
    CHECK_VERDICT(subject_ask(s, "tools/call", tool, arguments), wanted, why)

#endif
