/* Constraints on tool arguments: one row per type, checked when a token is read and held against each call.
 *
 * The claim is {tool: {argument: constraint}}; tool names are exact. The vocabulary is that of the IETF draft
 * draft-niyikiza-oauth-attenuating-agent-tokens: {"type":"exact","value":v}, {"type":"pattern","value":glob},
 * {"type":"range","min":n,"max":n,"min_inclusive":b,"max_inclusive":b} (one bound at least, inclusive by default),
 * {"type":"one_of"|"not_one_of"|"contains"|"subset","values":[…]}, {"type":"wildcard"} and
 * {"type":"all"|"any","constraints":[…]}; of ours {"type":"prefix","value":text} and {"type":"max_length","value":n}
 * (bytes of UTF-8). A tool that an element names is closed: all arguments named there must be present, and no others.
 * A tool that it does not name is not constrained by it. */
#include <stdlib.h>

#include "chain/chain.h"
#include "chain/decimal.h"
#include "chain/equal.h"
#include "chain/glob.h"

static bool
is_listed(const question *q, uint32_t rule, uint32_t given)
{
    uint32_t list = scan_member(q->rule, rule, "values");
    for (uint32_t a = scan_child(q->rule, list); a != SCAN_NONE; a = scan_next(q->rule, a)) {
        if (equal_values(q, a, given)) {
            return true;
        }
    }
    return false;
}

static bool
exact_holds(const question *q, uint32_t rule, uint32_t given)
{
    return equal_values(q, scan_member(q->rule, rule, "value"), given);
}

static bool
one_of_holds(const question *q, uint32_t rule, uint32_t given)
{
    return is_listed(q, rule, given);
}

static bool
not_one_of_holds(const question *q, uint32_t rule, uint32_t given)
{
    return !is_listed(q, rule, given);
}

/* Each listed value stands in the array given. */
static bool
contains_holds(const question *q, uint32_t rule, uint32_t given)
{
    uint32_t list = scan_member(q->rule, rule, "values");
    if (scan_kind_of(q->given, given) != SCAN_ARRAY) {
        return false;
    }
    for (uint32_t a = scan_child(q->rule, list); a != SCAN_NONE; a = scan_next(q->rule, a)) {
        uint32_t b = scan_child(q->given, given);
        while (b != SCAN_NONE && !equal_values(q, a, b)) {
            b = scan_next(q->given, b);
        }
        if (b == SCAN_NONE) {
            return false;
        }
    }
    return true;
}

/* Each item of the array given is a listed value. */
static bool
subset_holds(const question *q, uint32_t rule, uint32_t given)
{
    if (scan_kind_of(q->given, given) != SCAN_ARRAY) {
        return false;
    }
    for (uint32_t b = scan_child(q->given, given); b != SCAN_NONE; b = scan_next(q->given, b)) {
        if (!is_listed(q, rule, b)) {
            return false;
        }
    }
    return true;
}

static bool
bound_holds(const question *q, uint32_t rule, uint32_t given, bool upper)
{
    uint32_t bound = scan_member(q->rule, rule, upper ? "max" : "min");
    if (bound == SCAN_NONE) {
        return true;
    }
    uint32_t inclusive = scan_member(q->rule, rule, upper ? "max_inclusive" : "min_inclusive");
    int order = decimal_compare(scan_raw(q->given, given), scan_raw(q->rule, bound));
    if (order == 0) {
        return inclusive == SCAN_NONE || scan_kind_of(q->rule, inclusive) == SCAN_TRUE;
    }
    return upper ? order < 0 : order > 0;
}

static bool
range_holds(const question *q, uint32_t rule, uint32_t given)
{
    return scan_kind_of(q->given, given) == SCAN_NUMBER && bound_holds(q, rule, given, false) &&
           bound_holds(q, rule, given, true);
}

static bool
wildcard_holds(const question *q, uint32_t rule, uint32_t given)
{
    (void)q, (void)rule, (void)given;
    return true;
}

typedef bool text_test(aip_bytes rule, aip_bytes given);

/* Both are strings and the test says yes of them, unescaped. */
static bool
text_holds(const question *q, uint32_t rule, uint32_t given, text_test *test)
{
    open_text wanted, text;
    bool holds = false;
    if (!equal_open_string(q->rule, scan_member(q->rule, rule, "value"), &wanted)) {
        return false;
    }
    if (equal_open_string(q->given, given, &text)) {
        holds = test(wanted.view, text.view);
        free(text.owned);
    }
    free(wanted.owned);
    return holds;
}

static bool
has_prefix(aip_bytes rule, aip_bytes given)
{
    return aip_bytes_begin_with(given, rule);
}

static bool
pattern_holds(const question *q, uint32_t rule, uint32_t given)
{
    return text_holds(q, rule, given, glob_matches);
}

static bool
prefix_holds(const question *q, uint32_t rule, uint32_t given)
{
    return text_holds(q, rule, given, has_prefix);
}

static bool
max_length_holds(const question *q, uint32_t rule, uint32_t given)
{
    uint64_t most = 0;
    open_text text;
    uint32_t value = scan_member(q->rule, rule, "value");
    if (scan_integer(q->rule, value, UINT32_MAX, &most, NULL) != AIP_OK || !equal_open_string(q->given, given, &text)) {
        return false;
    }
    free(text.owned);
    return text.view.size <= most;
}

static bool holds(const question *q, uint32_t rule, uint32_t given);

/* Do all of the listed constraints, or does at least one, hold? */
static bool
list_holds(const question *q, uint32_t rule, uint32_t given, bool all)
{
    uint32_t list = scan_member(q->rule, rule, "constraints");
    for (uint32_t a = scan_child(q->rule, list); a != SCAN_NONE; a = scan_next(q->rule, a)) {
        if (holds(q, a, given) != all) {
            return !all;
        }
    }
    return all;
}

static bool
all_holds(const question *q, uint32_t rule, uint32_t given)
{
    return list_holds(q, rule, given, true);
}

static bool
any_holds(const question *q, uint32_t rule, uint32_t given)
{
    return list_holds(q, rule, given, false);
}

enum {
    VALUE = 1 << 0,
    TEXT_VALUE = 1 << 1,   /* the same member, as a string … */
    GLOB_VALUE = 1 << 2,   /* … a glob … */
    LENGTH_VALUE = 1 << 3, /* … or a length */
    VALUES = 1 << 4,
    CONSTRAINTS = 1 << 5,
    MIN = 1 << 6,
    MAX = 1 << 7,
    MIN_INCLUSIVE = 1 << 8,
    MAX_INCLUSIVE = 1 << 9,
};

typedef struct {
    const char *type;
    unsigned required, optional; /* members beside type */
    bool (*holds)(const question *q, uint32_t rule, uint32_t given);
} constraint;

static const constraint constraints[] = {
    {"exact", VALUE, 0, exact_holds},
    {"pattern", GLOB_VALUE, 0, pattern_holds},
    {"range", 0, MIN | MAX | MIN_INCLUSIVE | MAX_INCLUSIVE, range_holds},
    {"one_of", VALUES, 0, one_of_holds},
    {"not_one_of", VALUES, 0, not_one_of_holds},
    {"contains", VALUES, 0, contains_holds},
    {"subset", VALUES, 0, subset_holds},
    {"wildcard", 0, 0, wildcard_holds},
    {"all", CONSTRAINTS, 0, all_holds},
    {"any", CONSTRAINTS, 0, any_holds},
    {"prefix", TEXT_VALUE, 0, prefix_holds},
    {"max_length", LENGTH_VALUE, 0, max_length_holds},
};

static const constraint *
find_constraint(const scan_document *document, uint32_t node)
{
    uint32_t type = scan_member(document, node, "type");
    for (size_t i = 0; type != SCAN_NONE && i < sizeof constraints / sizeof constraints[0]; i++) {
        if (scan_string_equals(document, type, aip_bytes_of(constraints[i].type))) {
            return &constraints[i];
        }
    }
    return NULL;
}

static bool
holds(const question *q, uint32_t rule, uint32_t given)
{
    const constraint *row = find_constraint(q->rule, rule);
    return row != NULL && row->holds(q, rule, given);
}

static bool
is_length(const scan_document *document, uint32_t node)
{
    uint64_t length = 0;
    return scan_kind_of(document, node) == SCAN_NUMBER &&
           scan_integer(document, node, UINT32_MAX, &length, NULL) == AIP_OK;
}

static bool
is_glob(const scan_document *document, uint32_t node)
{
    open_text text;
    bool good = equal_open_string(document, node, &text) && glob_is_well_formed(text.view);
    free(text.owned);
    return good;
}

/* Which member the node is, as one that has the right kind; 0 when it is none. */
static unsigned
member_of(const scan_document *document, uint32_t node, unsigned possible)
{
    scan_kind kind = scan_kind_of(document, node);
    const struct {
        const char *name;
        unsigned member;
        bool good;
    } members[] = {
        {"value", VALUE, true},
        {"value", TEXT_VALUE, kind == SCAN_STRING},
        {"value", GLOB_VALUE, (possible & GLOB_VALUE) != 0 && is_glob(document, node)},
        {"value", LENGTH_VALUE, (possible & LENGTH_VALUE) != 0 && is_length(document, node)},
        {"values", VALUES, kind == SCAN_ARRAY},
        {"constraints", CONSTRAINTS, kind == SCAN_ARRAY},
        {"min", MIN, kind == SCAN_NUMBER},
        {"max", MAX, kind == SCAN_NUMBER},
        {"min_inclusive", MIN_INCLUSIVE, kind == SCAN_TRUE || kind == SCAN_FALSE},
        {"max_inclusive", MAX_INCLUSIVE, kind == SCAN_TRUE || kind == SCAN_FALSE},
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if ((members[i].member & possible) != 0 && members[i].good &&
            scan_name_equals(document, node, aip_bytes_of(members[i].name))) {
            return members[i].member;
        }
    }
    return 0;
}

/* Exactly the members of the row. */
static aip_status
check_members(const scan_document *document, uint32_t node, const constraint *row, aip_error *err)
{
    unsigned seen = 0;
    for (uint32_t i = scan_child(document, node); i != SCAN_NONE; i = scan_next(document, i)) {
        if (scan_name_equals(document, i, AIP_BYTES_LITERAL("type"))) {
            continue;
        }
        unsigned member = member_of(document, i, row->required | row->optional);
        if (member == 0) {
            return aip_fail(err, AIP_CONSTRAINT_INVALID, "%s: a member that is unknown or of the wrong kind",
                            row->type);
        }
        seen |= member;
    }
    bool unbounded = (row->optional & MIN) != 0 && (seen & (MIN | MAX)) == 0;
    if ((seen & row->required) != row->required || unbounded) {
        return aip_fail(err, AIP_CONSTRAINT_INVALID, "%s: a member is missing", row->type);
    }
    return AIP_OK;
}

/* `nodes` counts constraints and listed values: what evaluation may have to look at. */
static aip_status
check_constraint(const scan_document *document, uint32_t node, uint32_t depth, uint32_t *nodes, aip_error *err)
{
    if (scan_kind_of(document, node) != SCAN_OBJECT || depth > AIP_CONSTRAINT_DEPTH_MAX) {
        return aip_fail(err, AIP_CONSTRAINT_INVALID, "a constraint is an object, nested at most %d deep",
                        AIP_CONSTRAINT_DEPTH_MAX);
    }
    const constraint *row = find_constraint(document, node);
    if (row == NULL) {
        return aip_fail(err, AIP_CONSTRAINT_UNKNOWN, NULL);
    }
    AIP_TRY(check_members(document, node, row, err));
    uint32_t values = scan_member(document, node, "values"), list = scan_member(document, node, "constraints");
    *nodes += 1 + (values == SCAN_NONE ? 0 : document->nodes[values].children);
    if (*nodes > AIP_CONSTRAINT_NODES_MAX) {
        return aip_fail(err, AIP_CONSTRAINT_INVALID, "more than %d constraints and values", AIP_CONSTRAINT_NODES_MAX);
    }
    for (uint32_t i = list == SCAN_NONE ? list : scan_child(document, list); i != SCAN_NONE;
         i = scan_next(document, i)) {
        AIP_TRY(check_constraint(document, i, depth + 1, nodes, err));
    }
    return AIP_OK;
}

aip_status
constraint_check(const token *t, aip_error *err)
{
    const scan_document *payload = &t->payload;
    uint32_t nodes = 0;
    if ((t->declared & TOKEN_CONSTRAINTS) == 0) {
        return AIP_OK;
    }
    for (uint32_t tool = scan_child(payload, t->constraints); tool != SCAN_NONE; tool = scan_next(payload, tool)) {
        if (scan_kind_of(payload, tool) != SCAN_OBJECT) {
            return aip_fail(err, AIP_CONSTRAINT_INVALID, "constraints is {tool: {argument: constraint}}");
        }
        for (uint32_t i = scan_child(payload, tool); i != SCAN_NONE; i = scan_next(payload, i)) {
            AIP_TRY(check_constraint(payload, i, 1, &nodes, err));
        }
    }
    return AIP_OK;
}

/* The element's entry for the tool, or SCAN_NONE. */
static uint32_t
find_tool(const token *t, aip_bytes tool)
{
    uint32_t node = t->constraints == SCAN_NONE ? SCAN_NONE : scan_child(&t->payload, t->constraints);
    while (node != SCAN_NONE && !scan_name_equals(&t->payload, node, tool)) {
        node = scan_next(&t->payload, node);
    }
    return node;
}

/* Closed: exactly the named arguments, each as constrained. */
static aip_status
check_entry(const question *q, uint32_t object, uint32_t entry, aip_error *err)
{
    if (q->given->nodes[object].children != q->rule->nodes[entry].children) {
        return aip_fail(err, AIP_CONSTRAINT_VIOLATED, "the arguments are not exactly the constrained ones");
    }
    for (uint32_t i = scan_child(q->rule, entry); i != SCAN_NONE; i = scan_next(q->rule, i)) {
        char name[64];
        uint32_t given = equal_find_namesake(q, i, object);
        if (given == SCAN_NONE || !holds(q, i, given)) {
            return aip_fail(err, AIP_CONSTRAINT_VIOLATED, "argument %s",
                            aip_printable(scan_raw_name(q->rule, i), name, sizeof name));
        }
    }
    return AIP_OK;
}

aip_status
chain_check_arguments(const aip_chain *chain, aip_bytes tool, const scan_document *document, uint32_t object,
                      aip_error *err)
{
    for (size_t i = 0; i < chain->count; i++) {
        uint32_t entry = find_tool(&chain->tokens[i], tool);
        const question q = {&chain->tokens[i].payload, document};
        if (entry != SCAN_NONE && scan_kind_of(document, object) != SCAN_OBJECT) {
            return chain_place(err, i, aip_fail(err, AIP_CONSTRAINT_VIOLATED, "the arguments are no object"));
        }
        aip_status status = entry == SCAN_NONE ? AIP_OK : check_entry(&q, object, entry, err);
        if (status != AIP_OK) {
            return chain_place(err, i, status);
        }
    }
    return AIP_OK;
}

static bool
is_constrained(const aip_chain *chain, aip_bytes tool)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (find_tool(&chain->tokens[i], tool) != SCAN_NONE) {
            return true;
        }
    }
    return false;
}

aip_status
aip_grant_check_arguments(const aip_grant *grant, aip_bytes tool, aip_bytes arguments, aip_error *err)
{
    if (!is_constrained(grant->chain, tool)) {
        return AIP_OK;
    }
    const aip_bytes text = arguments.size == 0 ? AIP_BYTES_LITERAL("{}") : arguments;
    const scan_limits limits = {text.size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    scan_node nodes[AIP_JSON_NODES_TOKEN];
    scan_document document, grown = {0};
    aip_status status = scan_into(text, &limits, nodes, AIP_JSON_NODES_TOKEN, &document, err);
    if (status == AIP_JSON_SIZE) { /* rare: more values than the stack holds */
        status = scan_load(text, &limits, &grown, err);
        document = grown;
    }
    if (status == AIP_OK) {
        status = chain_check_arguments(grant->chain, tool, &document, 0, err);
    }
    scan_clear(&grown);
    return status;
}
