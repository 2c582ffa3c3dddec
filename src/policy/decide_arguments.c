/* A tool call's arguments against what a rule says of them. */
#include "policy/decide_inside.h"

/* The members of what is judged; SCAN_NONE when there are none. */
static uint32_t
arguments_of(const policy_call *call)
{
    return call->message == NULL || call->arguments == SCAN_NONE ||
                   scan_kind_of(call->message, call->arguments) != SCAN_OBJECT
               ? SCAN_NONE
               : call->arguments;
}

bool
decide_has_object(const policy_call *call)
{
    if (call->message == NULL || call->arguments == SCAN_NONE) {
        return true;
    }
    scan_kind kind = scan_kind_of(call->message, call->arguments);
    return kind == SCAN_OBJECT || kind == SCAN_NULL;
}

static bool
note_hit(void *found, unsigned id, size_t from, size_t to)
{
    (void)id, (void)from, (void)to;
    *(bool *)found = true;
    return false;
}

/* The text that the pattern is searched in: the message's own bytes where they are it. */
static aip_status
text_of(decide_state *s, uint32_t node, aip_bytes *out)
{
    const scan_document *message = s->call->message;
    text_buffer *text = &s->scratch->text;
    text->size = 0;
    text->failed = false;
    if (scan_kind_of(message, node) != SCAN_STRING) {
        AIP_TRY(normal_argument(message, node, text, NULL));
        AIP_TRY(text_finish(text, NULL));
    } else if (scan_plain_string(message, node, out, NULL) == AIP_OK) {
        return AIP_OK;
    } else {
        AIP_TRY(scan_unescape(message, node, text->data, text->capacity, &text->size, NULL));
    }
    *out = text_view(text);
    return AIP_OK;
}

static policy_ground
check_one(const policy_argument *argument, uint32_t object, decide_state *s)
{
    bool found = false;
    aip_bytes text;
    uint32_t node = object == SCAN_NONE ? SCAN_NONE : scan_member(s->call->message, object, argument->name);
    if (node == SCAN_NONE) {
        return POLICY_BY_ARGUMENT_MISSING;
    }
    s->failure = s->scratch == NULL ? AIP_INTERNAL : text_of(s, node, &text);
    if (s->failure == AIP_OK) {
        s->failure = pattern_set_scan(argument->pattern, s->scratch->patterns, text, note_hit, &found, NULL);
    }
    if (s->failure != AIP_OK) {
        return POLICY_BY_FAILURE;
    }
    return found ? POLICY_BY_ARGUMENTS : POLICY_BY_ARGUMENT_PATTERN;
}

static bool
is_declared(const policy_rule *rule, const scan_document *message, uint32_t member)
{
    for (size_t i = 0; rule != NULL && i < rule->argument_count; i++) {
        if (scan_name_equals(message, member, aip_bytes_of(rule->arguments[i].name))) {
            return true;
        }
    }
    return false;
}

static policy_ground
check_undeclared(const policy_rule *rule, uint32_t object, const scan_document *message, policy_verdict *v)
{
    uint32_t member = object == SCAN_NONE ? SCAN_NONE : scan_child(message, object);
    for (; member != SCAN_NONE; member = scan_next(message, member)) {
        if (!is_declared(rule, message, member)) {
            v->argument = scan_raw_name(message, member);
            return POLICY_BY_ARGUMENT_UNDECLARED;
        }
    }
    return POLICY_BY_ARGUMENTS;
}

policy_ground
decide_check_arguments(const policy_rule *rule, bool strict_default, decide_state *state, policy_verdict *v)
{
    uint32_t object = arguments_of(state->call);
    policy_ground ground = POLICY_BY_TOOL;
    for (size_t i = 0; rule != NULL && i < rule->argument_count; i++) {
        ground = check_one(&rule->arguments[i], object, state);
        if (ground != POLICY_BY_ARGUMENTS) {
            v->argument = aip_bytes_of(rule->arguments[i].name);
            v->pattern = aip_bytes_of(rule->arguments[i].regex);
            return ground;
        }
    }
    if (rule == NULL ? strict_default : rule->strict) {
        policy_ground strict = check_undeclared(rule, object, state->call->message, v);
        return strict == POLICY_BY_ARGUMENT_UNDECLARED ? strict : ground;
    }
    return ground;
}

/* ---- what acts on whole trees ---- */

static bool
contains(aip_bytes text, const char *word)
{
    return text.size > 0 && memmem(text.data, text.size, word, strlen(word)) != NULL;
}

bool
decide_is_recursive(const policy_call *call, aip_bytes tool)
{
    static const char *const words[] = {"recurs", "search",  "find", "grep",    "tree",   "walk",   "glob",  "copy",
                                        "move",   "rename",  "zip",  "archive", "delete", "remove", "rm",    "exec",
                                        "shell",  "command", "run",  "bash",    "index",  "chmod",  "chown", "sync"};
    uint32_t object = arguments_of(call);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (contains(tool, words[i])) {
            return true;
        }
    }
    uint32_t member = object == SCAN_NONE ? SCAN_NONE : scan_child(call->message, object);
    for (; member != SCAN_NONE; member = scan_next(call->message, member)) {
        if (contains(scan_raw_name(call->message, member), "ecurs") &&
            scan_kind_of(call->message, member) != SCAN_FALSE) {
            return true;
        }
    }
    return false;
}
