/* Loading policy files, and the shards' scratch memory for what they say. */
#include <stdatomic.h>
#include <stdlib.h>

#include "aip/limits.h"
#include "gateway/rules_inside.h"

enum { WORKSPACES_MAX = 16 };

struct rules {
    rule_set *sets;
    size_t count;
};

/* ---- loading ---- */

static void
append_problems(text_buffer *out, const char *file, const policy_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const policy_problem *each = &problems->items[i];
        text_append_format(out, "%s:%u:%u: %s\n", file, each->line, each->column, each->sentence);
    }
    if (problems->more) {
        text_append_format(out, "%s: and more\n", file);
    }
}

static void
append_warnings(text_buffer *out, const char *file, const text_buffer *warnings)
{
    aip_bytes rest = text_view(warnings);
    while (rest.size > 0) {
        const unsigned char *end = memchr(rest.data, '\n', rest.size);
        size_t size = end == NULL ? rest.size : (size_t)(end - rest.data);
        text_append_format(out, "%s: warning: %.*s\n", file, (int)size, (const char *)rest.data);
        rest = aip_bytes_from(rest, end == NULL ? size : size + 1);
    }
}

static aip_status
load_policy(const rules_setup *setup, rule_set *set, text_buffer *problems, aip_error *err)
{
    static atomic_uint_least64_t serial;
    char *text STRING_AUTO = NULL;
    TEXT_AUTO text_buffer warnings = {0};
    policy_problems found = {0};
    size_t size = 0;
    const policy_origin origin = {.paths = &setup->paths,
                                  .file = set->file,
                                  .own_files = setup->own_files,
                                  .own_file_count = setup->own_file_count,
                                  .warnings = &warnings,
                                  .keys = setup->keys,
                                  .key_count = setup->key_count};
    set->serial = set->buckets = atomic_fetch_add(&serial, 1) + 1;
    aip_status status = text_load_file(set->file, AIP_CONFIG_BYTES_MAX, &text, &size, err);
    if (status != AIP_OK) {
        text_append_format(problems, "%s: the file cannot be read\n", set->file);
        return status;
    }
    status = policy_load_all((aip_bytes){(const unsigned char *)text, size}, &origin, &found, &set->policy, err);
    append_problems(problems, set->file, &found);
    append_warnings(problems, set->file, &warnings);
    return status;
}

static aip_status
load_set(const rules_setup *setup, size_t i, rule_set *set, text_buffer *problems, aip_error *err)
{
    aip_error why = AIP_ERROR_INIT;
    set->file = strdup(setup->files[i]);
    if (set->file == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    AIP_TRY(load_policy(setup, set, problems, err));
    if (rule_scanners_new(set->policy, &set->scanners, &why) != AIP_OK) {
        text_append_format(problems, "%s: dlp: %s%s%s\n", set->file, aip_status_lookup(why.status)->sentence,
                           why.detail[0] == '\0' ? "" : " ", why.detail);
        return aip_fail(err, why.status, "dlp: %s", why.detail);
    }
    rule_scanners_warn(set, problems);
    return AIP_OK;
}

aip_status
rules_load(const rules_setup *setup, rules **out, text_buffer *problems, aip_error *err)
{
    aip_status status = AIP_OK;
    rules *r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL || (r->sets = calloc(setup->count + 1, sizeof *r->sets)) == NULL) {
        free(r);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < setup->count; i++) {
        if (rules_find(r, setup->files[i]) != NULL) {
            continue;
        }
        aip_error why = AIP_ERROR_INIT;
        aip_status each = load_set(setup, i, &r->sets[r->count++], problems, &why);
        if (each != AIP_OK && status == AIP_OK) {
            status = aip_fail(err, each, "%s", why.detail);
        }
    }
    if (status != AIP_OK) {
        rules_free(&r);
    }
    *out = r;
    return status;
}

void
rules_free(rules **r)
{
    if (*r == NULL) {
        return;
    }
    for (size_t i = 0; i < (*r)->count; i++) {
        rule_scanners_free(&(*r)->sets[i].scanners);
        policy_free(&(*r)->sets[i].policy);
        free((*r)->sets[i].file);
    }
    free((*r)->sets);
    free(*r);
    *r = NULL;
}

const rule_set *
rules_find(const rules *r, const char *file)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->sets[i].file != NULL && strcmp(r->sets[i].file, file) == 0) {
            return &r->sets[i];
        }
    }
    return NULL;
}

void
rules_keep_buckets(rules *r, const rules *before)
{
    for (size_t i = 0; i < rules_count(r); i++) {
        rule_set *set = &r->sets[i];
        const rule_set *old = before == NULL ? NULL : rules_find(before, set->file);
        if (old != NULL && strcmp(policy_file_sha256(old->policy), policy_file_sha256(set->policy)) == 0) {
            set->buckets = old->buckets;
        }
    }
}

size_t
rules_count(const rules *r)
{
    return r == NULL ? 0 : r->count;
}

const rule_set *
rules_at(const rules *r, size_t i)
{
    return &r->sets[i];
}

/* ---- scratch memory ---- */

typedef struct {
    uint64_t serial; /* of the rule set; 0: free */
    const dlp_scanner *scanner;
    dlp_workspace *workspace;
} kept_workspace;

struct rules_tools {
    policy_scratch *scratch;
    uint64_t grown[WORKSPACES_MAX]; /* serials of the rule sets that it is large enough for, … */
    size_t next_grown;
    size_t message_bytes; /* … with messages of so many bytes */
    kept_workspace kept[WORKSPACES_MAX];
    size_t next; /* to give up */
};

aip_status
rules_tools_new(rules_tools **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

void
rules_tools_free(rules_tools **tools)
{
    if (*tools == NULL) {
        return;
    }
    policy_scratch_free(&(*tools)->scratch);
    for (size_t i = 0; i < WORKSPACES_MAX; i++) {
        dlp_workspace_free(&(*tools)->kept[i].workspace);
    }
    free(*tools);
    *tools = NULL;
}

aip_status
rules_policy_scratch(rules_tools *tools, const rule_set *set, size_t message_bytes, policy_scratch **out,
                     aip_error *err)
{
    bool large = message_bytes <= tools->message_bytes, known = false;
    for (size_t i = 0; i < WORKSPACES_MAX; i++) {
        known = known || tools->grown[i] == set->serial;
    }
    if (!large || !known) { /* Hyperscan reads a whole database before it says that nothing has to grow */
        size_t bytes = large ? tools->message_bytes : message_bytes;
        AIP_TRY(policy_scratch_grow(&tools->scratch, set->policy, bytes, err));
        tools->message_bytes = bytes;
    }
    if (!known) {
        tools->grown[tools->next_grown] = set->serial;
        tools->next_grown = (tools->next_grown + 1) % WORKSPACES_MAX;
    }
    *out = tools->scratch;
    return AIP_OK;
}

/* A scanner's address alone does not tell: another one may stand there after a reload. */
aip_status
rules_workspace(rules_tools *tools, const rule_set *set, const dlp_scanner *scanner, dlp_workspace **out,
                aip_error *err)
{
    for (size_t i = 0; i < WORKSPACES_MAX; i++) {
        kept_workspace *each = &tools->kept[i];
        if (each->serial == set->serial && each->scanner == scanner) {
            *out = each->workspace;
            return AIP_OK;
        }
    }
    kept_workspace *room = &tools->kept[tools->next];
    tools->next = (tools->next + 1) % WORKSPACES_MAX;
    dlp_workspace_free(&room->workspace);
    *room = (kept_workspace){0};
    AIP_TRY(dlp_workspace_new(scanner, &room->workspace, err));
    room->serial = set->serial;
    room->scanner = scanner;
    *out = room->workspace;
    return AIP_OK;
}
