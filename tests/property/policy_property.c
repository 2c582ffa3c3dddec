/* Random policies, tokens and calls from a fixed seed: the two together allow what both allow, as models of each say,
 * and nothing that one of them alone refuses; and whatever narrows one of them never widens what goes through. */
#include <stdlib.h>

#include "aip/chain.h"
#include "base/scan.h"
#include "base/text.h"
#include "policy/policy.h"
#include "../unit/check.h"

#define NOW 1800000000

enum { TOOLS = 3, ELEMENTS_MAX = 3, PAIRS = 150, CALLS = 60, NODES = 64 };

static uint64_t state = 0x9011c7;

static uint64_t
next(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static const char *const tools[TOOLS] = {"alpha", "beta", "gamma"};

/* The same tool to a policy. To a token the first is it, two are other names, and the last is no name at all. */
enum { HIDDEN = 3 };
static const char *const spellings[TOOLS][4] = {{"alpha", "ALPHA", "Alpha", "\xEF\xBD\x81lpha"},
                                                {"beta", "BETA", "betA", "be\xE2\x80\x8Bta"},
                                                {"gamma", "Gamma", "gaMMa", " gamma"}};

/* ---- documents: n is a number from 0 to 9, s a letter from a to e ---- */

/* What is asked of one tool's arguments; -1: nothing. */
typedef struct {
    int n_most, s_most;
} asked;

typedef struct {
    bool listed, denied, ruled, for_others;
    int action; /* allow, block, ask */
    int strict; /* -1: as the default */
    asked arguments;
} tool_policy;

typedef struct {
    bool monitor, strict_default;
    tool_policy of[TOOLS];
} policy_model;

typedef struct {
    bool any;          /* tool:* */
    bool scope[TOOLS]; /* else these */
    asked arguments[TOOLS];
} element;

typedef struct {
    element elements[ELEMENTS_MAX];
    size_t count;
} token_model;

typedef struct {
    size_t tool, spelling;
    int n, s; /* -1: absent */
    bool extra;
} call_model;

static asked
random_asked(void)
{
    return (asked){(int)next(14) - 4 < 0 ? -1 : (int)next(10), next(2) == 0 ? -1 : (int)next(5)};
}

static policy_model
random_policy(void)
{
    policy_model m = {.monitor = next(5) == 0, .strict_default = next(4) == 0};
    for (size_t i = 0; i < TOOLS; i++) {
        tool_policy *t = &m.of[i];
        *t = (tool_policy){.listed = next(2) == 0, .denied = next(6) == 0, .ruled = next(3) > 0, .strict = -1};
        t->action = next(3) > 0 ? 0 : (int)next(3);
        t->for_others = next(6) == 0;
        t->strict = (int)next(3) - 1;
        t->arguments = random_asked();
    }
    return m;
}

static void
write_rule(text_buffer *out, size_t tool, const tool_policy *t)
{
    static const char *const actions[] = {"allow", "block", "ask"};
    text_append_format(out, "    - tool: %s\n      action: %s\n", tools[tool], actions[t->action]);
    if (t->strict >= 0) {
        text_append_format(out, "      strict_args: %s\n", t->strict == 0 ? "false" : "true");
    }
    if (t->for_others) {
        text_append_string(out, "      roots: ['did:web:others.example']\n");
    }
    text_append_string(out, "      allow_args:\n        {");
    if (t->arguments.n_most >= 0) {
        text_append_format(out, "n: '^[0-%d]$', ", t->arguments.n_most);
    }
    if (t->arguments.s_most >= 0) {
        text_append_format(out, "s: '^[a-%c]$'", 'a' + t->arguments.s_most);
    }
    text_append_string(out, "}\n");
}

static void
write_policy(const policy_model *m, text_buffer *out)
{
    text_append_format(out,
                       "apiVersion: aip-gateway/v1\nkind: AgentPolicy\nmetadata: {name: random}\nspec:\n  mode: %s\n"
                       "  strict_args_default: %s\n  tool_rules:\n",
                       m->monitor ? "monitor" : "enforce", m->strict_default ? "true" : "false");
    for (size_t i = 0; i < TOOLS; i++) {
        if (m->of[i].ruled) {
            write_rule(out, i, &m->of[i]);
        }
    }
    text_append_string(out, "    - tool: other\n  allowed_tools: [other");
    for (size_t i = 0; i < TOOLS; i++) {
        text_append_format(out, "%s%s", m->of[i].listed ? ", " : "", m->of[i].listed ? tools[i] : "");
    }
    text_append_string(out, "]\n  denied_tools: [never");
    for (size_t i = 0; i < TOOLS; i++) {
        text_append_format(out, "%s%s", m->of[i].denied ? ", " : "", m->of[i].denied ? tools[i] : "");
    }
    text_append_string(out, "]\n");
}

/* ---- models ---- */

static bool
keeps(const asked *a, const call_model *call)
{
    return (a->n_most < 0 || (call->n >= 0 && call->n <= a->n_most)) &&
           (a->s_most < 0 || (call->s >= 0 && call->s <= a->s_most));
}

/* Does strictness let the call's arguments be? */
static bool
declares(const tool_policy *t, const call_model *call)
{
    return !call->extra && (call->n < 0 || (t->ruled && t->arguments.n_most >= 0)) &&
           (call->s < 0 || (t->ruled && t->arguments.s_most >= 0));
}

static bool
policy_allows(const policy_model *m, const call_model *call)
{
    const tool_policy *t = &m->of[call->tool];
    if (t->ruled && t->action == 1 && !(m->monitor && t->denied)) {
        return false; /* denied comes first, which monitor mode forgives */
    }
    if (m->monitor) {
        return true;
    }
    bool strict = t->ruled && t->strict >= 0 ? t->strict == 1 : m->strict_default;
    return !t->denied && (t->ruled || t->listed) && !(t->ruled && t->for_others) &&
           (!t->ruled || keeps(&t->arguments, call)) && (!strict || declares(t, call));
}

/* An element that names a tool closes it (T-41). */
static bool
closes(const asked *a, const call_model *call)
{
    bool names = a->n_most >= 0 || a->s_most >= 0;
    return names && (call->extra || (call->n >= 0 && a->n_most < 0) || (call->s >= 0 && a->s_most < 0));
}

static bool
token_allows(const token_model *m, size_t tool, bool exact, const call_model *call)
{
    for (size_t i = 0; i < m->count; i++) {
        const element *e = &m->elements[i];
        if (!e->any && !(exact && e->scope[tool])) {
            return false;
        }
        if (exact && (!keeps(&e->arguments[tool], call) || closes(&e->arguments[tool], call))) {
            return false;
        }
    }
    return true;
}

/* ---- tokens ---- */

static void
write_constraints(const element *e, text_buffer *out)
{
    const char *comma = "";
    text_append_string(out, "{");
    for (size_t i = 0; i < TOOLS; i++) {
        const asked *a = &e->arguments[i];
        if (a->n_most < 0 && a->s_most < 0) {
            continue;
        }
        text_append_format(out, "%s\"%s\":{", comma, tools[i]);
        if (a->n_most >= 0) {
            text_append_format(out, "\"n\":{\"type\":\"range\",\"min\":0,\"max\":%d}%s", a->n_most,
                               a->s_most >= 0 ? "," : "");
        }
        if (a->s_most >= 0) {
            text_append_string(out, "\"s\":{\"type\":\"one_of\",\"values\":[\"a\"");
            for (int c = 1; c <= a->s_most; c++) {
                text_append_format(out, ",\"%c\"", 'a' + c);
            }
            text_append_string(out, "]}");
        }
        text_append_string(out, "}");
        comma = ",";
    }
    text_append(out, AIP_BYTES_LITERAL("}\0"));
}

/* Narrower than the parent or the same. */
static element
random_element(const element *parent)
{
    element e = {.any = (parent == NULL || parent->any) && next(2) == 0};
    for (size_t i = 0; i < TOOLS; i++) {
        e.scope[i] = (parent == NULL || parent->any || parent->scope[i]) && next(4) > 0;
        e.arguments[i] = next(2) == 0 ? random_asked() : (asked){-1, -1};
    }
    if (!e.any && !e.scope[0] && !e.scope[1] && !e.scope[2]) {
        return parent == NULL ? (element){.any = true, .arguments = {{-1, -1}, {-1, -1}, {-1, -1}}} : *parent;
    }
    return e;
}

typedef struct {
    aip_secret_key *keys[ELEMENTS_MAX + 1];
    char names[ELEMENTS_MAX + 1][AIP_DID_TEXT_SIZE];
} parties;

static aip_status
append_element(const parties *who, size_t at, const element *e, char **text)
{
    static const char *const scopes[TOOLS] = {"tool:alpha", "tool:beta", "tool:gamma"};
    static const char *const any[] = {"tool:*"};
    const char *scope[TOOLS];
    size_t count = 0;
    TEXT_AUTO text_buffer constraints = {0};
    char *longer = NULL;
    for (size_t i = 0; i < TOOLS; i++) {
        if (e->scope[i]) {
            scope[count++] = scopes[i];
        }
    }
    write_constraints(e, &constraints);
    const aip_statement said = {.subject = who->names[at + 1],
                                .scope = e->any ? any : scope,
                                .scope_count = e->any ? 1 : count,
                                .issued_at = NOW - 10,
                                .expires_at = NOW + 100,
                                .has_max_depth = at == 0,
                                .max_depth = ELEMENTS_MAX,
                                .context = "a random task",
                                .constraints = constraints.data};
    aip_status status = at == 0 ? aip_token_issue(who->keys[0], &said, &longer, NULL)
                                : aip_token_delegate(who->keys[at], aip_bytes_of(*text), &said, &longer, NULL);
    free(*text);
    *text = longer;
    return status;
}

/* ---- both together, in the order of a gateway ---- */

typedef struct {
    const policy *p;
    policy_scratch *scratch;
    const aip_grant *grant;
} judges;

static bool
grant_passes(const aip_grant *grant, aip_bytes tool, const char *arguments)
{
    TEXT_AUTO text_buffer wanted = {0};
    text_append_string(&wanted, "tool:");
    text_append(&wanted, tool);
    return aip_grant_covers(grant, text_view(&wanted), NULL) == AIP_OK &&
           aip_grant_check_arguments(grant, tool, aip_bytes_of(arguments), NULL) == AIP_OK;
}

typedef struct {
    bool policy, token, together;
} outcome;

static outcome
judge(const judges *j, const char *name, const char *arguments)
{
    static const scan_limits limits = {4096, 8, NODES};
    scan_node nodes[NODES];
    scan_document document;
    policy_verdict verdict;
    CHECK_STATUS(scan_into(aip_bytes_of(arguments), &limits, nodes, NODES, &document, NULL), AIP_OK);
    const policy_call call = {.kind = POLICY_TOOL,
                              .method = AIP_BYTES_LITERAL("tools/call"),
                              .tool = aip_bytes_of(name),
                              .message = &document,
                              .root = j->grant->root,
                              .leaf = j->grant->leaf};
    policy_decide(j->p, j->scratch, &call, &verdict);
    outcome out = {.policy = verdict.status == AIP_OK, .token = grant_passes(j->grant, call.tool, arguments)};
    out.together = out.token && out.policy; /* and the token's word on the tool that the policy takes the name for */
    if (out.together && verdict.tool.size > 0 && !aip_bytes_equal(verdict.tool, call.tool)) {
        out.together = grant_passes(j->grant, verdict.tool, arguments);
    }
    return out;
}

static void
write_arguments(const call_model *call, char out[64])
{
    char n[16] = "", s[16] = "";
    if (call->n >= 0) {
        snprintf(n, sizeof n, "\"n\":%d", call->n);
    }
    if (call->s >= 0) {
        snprintf(s, sizeof s, "%s\"s\":\"%c\"", call->n >= 0 ? "," : "", 'a' + call->s);
    }
    bool some = call->n >= 0 || call->s >= 0;
    snprintf(out, 64, "{%s%s%s}", n, s, !call->extra ? "" : some ? ",\"x\":1" : "\"x\":1");
}

static call_model
random_call(void)
{
    return (call_model){.tool = next(TOOLS),
                        .spelling = next(3) == 0 ? next(4) : 0,
                        .n = (int)next(12) - 2 < 0 ? -1 : (int)next(10),
                        .s = next(4) == 0 ? -1 : (int)next(5),
                        .extra = next(6) == 0};
}

static size_t allowed, refused_by_one; /* so that a test in which nothing passes is seen */

static void
check_call(const judges *j, const policy_model *p, const token_model *t)
{
    const call_model call = random_call();
    char arguments[64];
    bool exact = call.spelling == 0;
    write_arguments(&call, arguments);
    const char *name = spellings[call.tool][call.spelling];
    outcome got = judge(j, name, arguments);
    bool token = call.spelling != HIDDEN && token_allows(t, call.tool, exact, &call),
         listed = p->of[call.tool].ruled || p->of[call.tool].listed || p->of[call.tool].denied;
    bool together = policy_allows(p, &call) && token && (exact || !listed || token_allows(t, call.tool, true, &call));
    if (got.policy != policy_allows(p, &call) || got.token != token || got.together != together) {
        printf("  \"%s\" %s: policy %d, token %d, together %d; wanted %d, %d, %d\n", name, arguments, got.policy,
               got.token, got.together, policy_allows(p, &call), token, together);
        CHECK(false);
    }
    CHECK(!got.together || (got.policy && got.token));
    allowed += got.together;
    refused_by_one += got.policy != got.token;
}

static bool
open_policy(const policy_model *m, policy **p, policy_scratch **scratch)
{
    TEXT_AUTO text_buffer text = {0};
    aip_error err = AIP_ERROR_INIT;
    *p = NULL;
    *scratch = NULL;
    write_policy(m, &text);
    if (policy_load(text_view(&text), NULL, p, &err) != AIP_OK ||
        policy_scratch_grow(scratch, *p, 4096, NULL) != AIP_OK) {
        printf("  %s\n%.*s", err.detail, (int)text.size, text.data);
        CHECK(false);
        return false;
    }
    return true;
}

static void
open_parties(parties *who)
{
    for (size_t i = 0; i <= ELEMENTS_MAX; i++) {
        unsigned char seed[AIP_SEED_BYTES] = {(unsigned char)(i + 1)};
        CHECK_STATUS(aip_secret_key_from_seed(seed, &who->keys[i], NULL), AIP_OK);
        aip_did_of_key(aip_secret_key_public(who->keys[i]), who->names[i]);
    }
}

/* A random chain; the grant borrows from it. */
static bool
open_grant(const parties *who, token_model *m, aip_chain **chain, aip_grant *grant)
{
    aip_trust trust = {0};
    char *text = NULL;
    const aip_check check = {.trust = &trust, .now_seconds = NOW};
    m->count = 1 + next(ELEMENTS_MAX);
    for (size_t i = 0; i < m->count; i++) {
        m->elements[i] = random_element(i == 0 ? NULL : &m->elements[i - 1]);
        CHECK_STATUS(append_element(who, i, &m->elements[i], &text), AIP_OK);
    }
    CHECK_STATUS(aip_trust_add(&trust, who->names[0], NULL), AIP_OK);
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(text), chain, NULL), AIP_OK);
    bool good = *chain != NULL && aip_chain_verify(*chain, &check, grant, NULL) == AIP_OK;
    CHECK(good);
    aip_trust_clear(&trust);
    free(text);
    return good;
}

static void
what_one_alone_refuses_the_two_together_refuse(void)
{
    parties who;
    open_parties(&who);
    for (size_t i = 0; i < PAIRS; i++) {
        const policy_model m = random_policy();
        token_model t;
        judges j = {0};
        policy *p;
        aip_chain *chain = NULL;
        aip_grant grant;
        if (open_policy(&m, &p, &j.scratch) && open_grant(&who, &t, &chain, &grant)) {
            j.p = p;
            j.grant = &grant;
            for (size_t k = 0; k < CALLS; k++) {
                check_call(&j, &m, &t);
            }
        }
        aip_chain_free(&chain);
        policy_scratch_free(&j.scratch);
        policy_free(&p);
    }
    for (size_t i = 0; i <= ELEMENTS_MAX; i++) {
        aip_secret_key_free(&who.keys[i]);
    }
    CHECK(allowed > PAIRS && refused_by_one > PAIRS * 5);
}

/* ---- narrowing ---- */

static void
narrow(policy_model *m)
{
    tool_policy *t = &m->of[next(TOOLS)];
    switch (next(6)) {
    case 0:
        t->denied = true;
        break;
    case 1:
        t->arguments.n_most = t->arguments.n_most > 0 ? t->arguments.n_most - 1 : 0;
        break;
    case 2:
        t->strict = t->strict == 0 || !t->ruled ? t->strict : 1;
        break;
    case 3:
        t->listed = t->ruled && t->listed;
        break;
    case 4:
        t->for_others = true;
        break;
    default:
        t->action = 1;
        break;
    }
    m->monitor = false;
}

static void
a_narrower_policy_allows_nothing_more(void)
{
    static const aip_grant nobody = {.root = {NULL, 0}};
    size_t lost = 0;
    for (size_t i = 0; i < PAIRS; i++) {
        policy_model wide = random_policy(), tight;
        wide.monitor = false;
        tight = wide;
        narrow(&tight);
        judges a = {.grant = &nobody}, b = {.grant = &nobody};
        policy *first = NULL, *second = NULL;
        bool good = open_policy(&wide, &first, &a.scratch) && open_policy(&tight, &second, &b.scratch);
        a.p = first;
        b.p = second;
        for (size_t k = 0; good && k < CALLS; k++) {
            const call_model call = random_call();
            policy_verdict before, after;
            policy_call asked_for = {.kind = POLICY_TOOL,
                                     .method = AIP_BYTES_LITERAL("tools/call"),
                                     .tool = aip_bytes_of(spellings[call.tool][call.spelling])};
            char arguments[64];
            scan_node nodes[NODES];
            scan_document document;
            static const scan_limits limits = {4096, 8, NODES};
            write_arguments(&call, arguments);
            CHECK_STATUS(scan_into(aip_bytes_of(arguments), &limits, nodes, NODES, &document, NULL), AIP_OK);
            asked_for.message = &document;
            policy_decide(a.p, a.scratch, &asked_for, &before);
            policy_decide(b.p, b.scratch, &asked_for, &after);
            CHECK(after.status != AIP_OK || before.status == AIP_OK);
            lost += before.status == AIP_OK && after.status != AIP_OK;
        }
        policy_scratch_free(&a.scratch);
        policy_scratch_free(&b.scratch);
        policy_free(&first);
        policy_free(&second);
    }
    CHECK(lost > PAIRS);
}

RUN(TEST(what_one_alone_refuses_the_two_together_refuse), TEST(a_narrower_policy_allows_nothing_more))
