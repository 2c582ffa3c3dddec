/* A policy's regular expression, made into a set of one; and what compiling it costs, estimated before. */
#include "base/pattern_dialect.h"
#include "policy/load_inside.h"

#define GROWTH 64 /* of the text in our engines' words: `\\s` becomes a class */

/* ---- cost ---- */

/* In microseconds, measured: one class of Unicode in Hyperscan, one of all but some ASCII, one letter in any case; what
 * repeats of differing length cost in squares; anything in PCRE2. */
enum {
    COST_PATTERN = 300,
    COST_UNICODE = 100000,
    COST_WIDE = 800,
    COST_CASELESS = 250,
    COST_CLASS = 12,
    COST_PLAIN = 3,
    COST_EXACT = 4,
    GROUPS_MAX = 1000
};

/* Of what was read so far in one group. */
typedef struct {
    uint64_t cost, atoms, repeated; /* repeated: atoms that stand below a repeat */
} weight;

typedef struct {
    const char *at;
    bool caseless;
    weight groups[GROUPS_MAX + 1], last;
    size_t depth;
} cost_walk;

static weight
plus(weight a, weight b)
{
    return (weight){a.cost + b.cost, a.atoms + b.atoms, a.repeated + b.repeated};
}

static void
take_operand(cost_walk *w, uint64_t cost)
{
    w->groups[w->depth] = plus(w->groups[w->depth], w->last);
    w->last = (weight){cost, 1, 0};
}

/* `{n}`, `{n,}`, `{n,m}`: how often at most, at least once; 0: it is no repeat. */
static uint64_t
read_repeat(const char *text, size_t *size)
{
    uint64_t numbers[2] = {0, 0};
    size_t at = 1, which = 0;
    if (text[1] < '0' || text[1] > '9') {
        return 0;
    }
    for (; (text[at] >= '0' && text[at] <= '9') || (text[at] == ',' && which == 0); at++) {
        if (text[at] == ',') {
            which = 1;
        } else if (numbers[which] < 100000) {
            numbers[which] = numbers[which] * 10 + (uint64_t)(text[at] - '0');
        }
    }
    *size = at + 1;
    uint64_t most = numbers[0] > numbers[1] ? numbers[0] : numbers[1];
    return text[at] != '}' ? 0 : most == 0 ? 1 : most;
}

static void
take_repeat(cost_walk *w, uint64_t times)
{
    w->last.cost = w->last.cost * times + COST_CLASS;
    w->last.atoms *= times;
    w->last.repeated = w->last.atoms;
}

static uint64_t
cost_of_escape(char c)
{
    return c == 'p' || c == 'P' ? COST_UNICODE : c == 'D' || c == 'W' || c == 'S' || c == 'x' ? COST_WIDE : COST_CLASS;
}

static void
take_escape(cost_walk *w)
{
    char c = w->at[1];
    bool property = c == 'p' || c == 'P';
    w->at += c == '\0' ? 1 : 2;
    if (*w->at == '{' && (property || c == 'x')) {
        w->at += strcspn(w->at, "}");
    }
    w->at += *w->at != '\0' && (property || *w->at == '}');
    take_operand(w, cost_of_escape(c));
}

static void
take_class(cost_walk *w)
{
    uint64_t cost = w->caseless ? COST_CASELESS : COST_CLASS;
    const char *at = w->at + 1;
    if (*at == '^') {
        cost = COST_WIDE;
        at++;
    }
    for (at += *at == ']'; *at != '\0' && *at != ']'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            uint64_t escape = cost_of_escape(*++at);
            cost = escape > cost ? escape : cost;
        } else if (*at == '[' && at[1] == ':') {
            const char *end = strstr(at + 2, ":]");
            at = end == NULL ? at : end + 1;
        } else if ((unsigned char)*at >= 0x80) {
            cost = cost < COST_WIDE ? COST_WIDE : cost;
        }
    }
    w->at = at + (*at == ']');
    take_operand(w, cost);
}

static void
open_group(cost_walk *w)
{
    take_operand(w, 0);
    w->at++;
    if (w->at[0] == '?' && w->at[1] != 'P' && w->at[1] != '<') {
        size_t flags = strcspn(w->at, ":)");
        w->caseless |= memchr(w->at, 'i', flags) != NULL;
        w->at += flags;
        if (*w->at == ')') { /* flags for what follows: no group */
            w->at++;
            w->last = (weight){0, 0, 0};
            return;
        }
    }
    if (w->depth < GROUPS_MAX) {
        w->groups[w->depth] = plus(w->groups[w->depth], w->last);
        w->groups[++w->depth] = w->last = (weight){0, 0, 0};
    }
}

static void
close_group(cost_walk *w)
{
    w->at++;
    if (w->depth > 0) {
        weight inner = plus(w->groups[w->depth], w->last);
        w->depth--;
        w->last = inner;
    }
}

static void
take_one(cost_walk *w)
{
    size_t size = 1;
    uint64_t times = *w->at == '{' ? read_repeat(w->at, &size) : strchr("*+?", *w->at) != NULL ? 1 : 0;
    if (times > 0) {
        take_repeat(w, times);
        w->at += size;
    } else if (*w->at == '\\') {
        take_escape(w);
    } else if (*w->at == '[') {
        take_class(w);
    } else if (*w->at == '(') {
        open_group(w);
    } else if (*w->at == ')') {
        close_group(w);
    } else {
        take_operand(w, *w->at == '.' || (unsigned char)*w->at >= 0x80 ? COST_WIDE
                        : w->caseless                                  ? COST_CASELESS
                                                                       : COST_PLAIN);
        w->at++;
    }
}

uint64_t
load_pattern_cost(const char *regex, uint64_t *expanded)
{
    cost_walk w = {.at = regex};
    while (*w.at != '\0') {
        take_one(&w);
    }
    weight all = w.last;
    for (size_t i = 0; i <= w.depth; i++) {
        all = plus(all, w.groups[i]);
    }
    *expanded = all.atoms;
    uint64_t square = all.repeated > 100000 ? LOAD_COST_MAX : all.repeated * all.repeated / 4;
    return all.cost + square + COST_PATTERN;
}

/* ---- compiling ---- */

static aip_status
compile(const char *regex, bool costly, pattern_set **out, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    AIP_TRY(pattern_from_re2(aip_bytes_of(regex), &text, err));
    text_append(&text, AIP_BYTES_LITERAL("\0"));
    AIP_TRY(text_finish(&text, err));
    const pattern_source source = {.text = text.data, .single_match = true, .costly = costly};
    return pattern_set_new(&source, 1, (size_t)PATTERN_DIALECT_BYTES_MAX * GROWTH, out, err);
}

/* What compiling it will cost, on the engine that it goes to. */
static uint64_t
cost_of(const char *regex, bool *costly)
{
    uint64_t atoms = 0, cost = strlen(regex) > PATTERN_DIALECT_BYTES_MAX ? 0 : load_pattern_cost(regex, &atoms);
    *costly = cost > LOAD_PATTERN_COST_MAX;
    return *costly ? COST_PATTERN + atoms * COST_EXACT : cost;
}

void
load_plan(policy_loader *l, load_spot spot, const char *regex)
{
    bool costly, over = l->cost > LOAD_COST_MAX;
    l->cost += regex == NULL ? 0 : cost_of(regex, &costly);
    if (l->cost > LOAD_COST_MAX && !over) {
        load_complain(l, spot, "from here on all patterns together would take too long to compile");
    }
}

pattern_set *
load_pattern(policy_loader *l, load_spot spot, const char *what, const char *regex)
{
    pattern_set *out = NULL;
    aip_error below = AIP_ERROR_INIT;
    bool costly;
    (void)cost_of(regex, &costly);
    if (l->cost <= LOAD_COST_MAX && compile(regex, costly, &out, &below) != AIP_OK) {
        load_complain_of(l, spot, what, &below);
    }
    return out;
}
