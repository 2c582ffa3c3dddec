/* One rule, of whatever kind: what it does, to whom, how often, with which arguments and at what price. */
#include "policy/load_inside.h"

/* ---- rates ---- */

static void
load_rate(policy_loader *l, const json_t *from, const char *key, policy_rate *rate, size_t *buckets)
{
    const char *text = load_member_text(l, from, key);
    if (text == NULL || text[0] == '\0') {
        return;
    }
    if (!load_read_rate(text, &rate->count, &rate->microseconds)) {
        load_complain(l, (load_spot){from, key, 0},
                      "%s is a number above 0, a slash, and second, minute or hour, such as 10/minute", key);
        return;
    }
    rate->bucket = rate->text == NULL ? (uint32_t)(*buckets)++ : rate->bucket;
    rate->text = load_copy(l, text);
}

/* ---- arguments ---- */

static void
load_argument(policy_loader *l, const json_t *map, const char *name, policy_rule *rule)
{
    const load_spot at = {map, name, 0};
    const char *regex = load_text(l, at);
    policy_argument *argument = &rule->arguments[rule->argument_count];
    if (regex == NULL) {
        return;
    }
    argument->name = load_copy(l, name);
    argument->regex = load_copy(l, regex);
    argument->pattern = load_pattern(l, at, "allow_args", regex);
    rule->argument_count++;
    size_t size = strlen(regex);
    if (size == 0 || regex[0] != '^' || regex[size - 1] != '$') {
        load_warn(l, at, "allow_args: a pattern that is not anchored by ^ and $ is searched for anywhere");
    }
}

static void
load_arguments(policy_loader *l, const json_t *from, policy_rule *rule)
{
    json_t *map = (json_t *)(uintptr_t)load_value(from, "allow_args"), *value;
    const char *name;
    rule->arguments = load_take(l, json_object_size(map) * sizeof *rule->arguments);
    if (rule->arguments == NULL) {
        return;
    }
    json_object_foreach(map, name, value)
    {
        load_argument(l, map, name, rule);
    }
}

static void
load_schema_hash(policy_loader *l, const json_t *from, policy_rule *rule)
{
    static const struct {
        const char *prefix;
        size_t digits;
    } kinds[] = {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};
    const char *text = load_member_text(l, from, "schema_hash");
    for (size_t i = 0; text != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t size = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, size) == 0 && strlen(text + size) == kinds[i].digits &&
            strspn(text + size, "0123456789abcdef") == kinds[i].digits) {
            rule->schema_hash = load_copy(l, text);
            return;
        }
    }
    if (text != NULL) {
        load_complain(l, (load_spot){from, "schema_hash", 0},
                      "schema_hash is sha256:, sha384: or sha512: and as many lower-case hexadecimal digits");
    }
}

/* ---- roots ---- */

static void
load_roots(policy_loader *l, const json_t *from, policy_rule *rule)
{
    const json_t *list = load_value(from, "roots");
    rule->root_texts = load_take(l, json_array_size(list) * sizeof *rule->root_texts);
    if (list != NULL && json_is_array(list) && json_array_size(list) == 0) {
        load_complain(l, (load_spot){from, "roots", 0}, "roots: an empty list lets nobody call; use action: block");
    }
    for (size_t i = 0; rule->root_texts != NULL && i < json_array_size(list); i++) {
        const load_spot at = {list, NULL, i};
        const char *text = load_text(l, at);
        aip_error below = AIP_ERROR_INIT;
        if (text == NULL) {
            continue;
        }
        if (strchr(text, '=') != NULL) {
            load_complain(l, at, "roots: a name without a key; keys are pinned where roots are trusted");
        } else if (aip_trust_add(&rule->roots, text, &below) != AIP_OK) {
            load_complain_of(l, at, "roots", &below);
        } else {
            rule->root_texts[rule->roots.count - 1] = load_copy(l, text);
        }
    }
}

/* ---- prices ---- */

static void
read_price(policy_loader *l, load_spot at, uint64_t *out)
{
    const char *text = load_text(l, at);
    if (text != NULL && !load_read_price(text, out)) {
        load_complain(l, at, "an amount in USD has no sign or exponent, at most 6 decimals, and is at most 1000000");
    }
}

static void
load_units(policy_loader *l, const json_t *from, policy_price *price)
{
    json_t *map = (json_t *)(uintptr_t)load_value(from, "arguments"), *value;
    const char *name;
    price->units = load_take(l, json_object_size(map) * sizeof *price->units);
    if (price->units == NULL) {
        return;
    }
    json_object_foreach(map, name, value)
    {
        const load_spot at = {map, name, 0};
        policy_unit_price *unit = &price->units[price->unit_count++];
        unit->argument = load_copy(l, name);
        unit->usd = load_copy(l, load_text(l, at));
        read_price(l, at, &unit->micro_usd);
    }
}

static void
load_price(policy_loader *l, const json_t *from, policy_rule *rule)
{
    const json_t *given = load_value(from, "cost_usd");
    const load_spot at = {from, "cost_usd", 0};
    policy_price *price = given == NULL ? NULL : load_take(l, sizeof *price);
    if (price == NULL) {
        return;
    }
    rule->price = price;
    read_price(l, json_is_object(given) ? (load_spot){given, "flat", 0} : at, &price->flat);
    if (!json_is_object(given)) {
        return;
    }
    read_price(l, (load_spot){given, "response_kib", 0}, &price->response_kib);
    read_price(l, (load_spot){given, "max", 0}, &price->response_max);
    load_units(l, given, price);
    price->trusts_actual = load_boolean(given, "trust_actual", false);
    bool has_response = load_value(given, "response_kib") != NULL;
    if (has_response != (load_value(given, "max") != NULL)) {
        load_complain(l, at,
                      has_response ? "cost_usd: response_kib needs max, the most that a response may cost"
                                   : "cost_usd: max bounds response_kib, which is missing");
    }
}

void
load_rule(policy_loader *l, const json_t *from, policy_rule *rule, policy_target *target)
{
    static const char *const actions[] = {"allow", "block", "ask", NULL};
    rule->action = (policy_action)load_choice(l, from, "action", actions, RULE_ALLOW);
    rule->strict = load_boolean(from, "strict_args", l->policy->strict_default);
    load_rate(l, from, "rate_limit", &target->rate, &l->policy->bucket_count);
    load_schema_hash(l, from, rule);
    load_arguments(l, from, rule);
    if (l->own) {
        load_rate(l, from, "rate_limit_root", &target->root_rate, &l->policy->root_bucket_count);
        rule->proof = load_value(from, "proof") != NULL;
        load_roots(l, from, rule);
        load_price(l, from, rule);
    }
}
