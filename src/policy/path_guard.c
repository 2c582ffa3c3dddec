/* Protected paths: the entries of a policy, in every spelling that they are compared in. */
#include <stdlib.h>

#include "base/name_hash.h"
#include "policy/path_inside.h"

static aip_status
make_room(path_guard *guard, aip_error *err)
{
    if (guard->form_count < guard->form_room) {
        return AIP_OK;
    }
    size_t room = 2 * guard->form_room + 8;
    path_entry_form *forms = realloc(guard->forms, room * sizeof *forms);
    if (forms == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    guard->forms = forms;
    guard->form_room = room;
    return AIP_OK;
}

static bool
is_known(const path_guard *guard, aip_bytes text)
{
    for (size_t i = 0; i < guard->form_count; i++) {
        if (aip_bytes_equal(aip_bytes_of(guard->forms[i].text), text)) {
            return true;
        }
    }
    return false;
}

static aip_status
add_form(path_guard *guard, aip_bytes path, size_t entry, aip_error *err)
{
    TEXT_AUTO text_buffer lowered = {0};
    path_lower(path, &lowered);
    text_append(&lowered, (aip_bytes){(const unsigned char *)"", 1});
    AIP_TRY(text_finish(&lowered, err));
    aip_bytes text = {(const unsigned char *)lowered.data, lowered.size - 1};
    path_entry_form form = {.text = lowered.data, .count = path_split(text, NULL, 0), .entry = entry};
    if (form.count > PATH_COMPONENTS_MAX) {
        return aip_fail_at(err, AIP_CONFIG_INVALID, entry, "a protected path of too many components");
    }
    if (is_known(guard, text)) {
        return AIP_OK;
    }
    AIP_TRY(make_room(guard, err));
    form.components = calloc(form.count + 1, sizeof *form.components);
    if (form.components == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    path_split(text, form.components, form.count);
    form.whole = text;
    form.name = form.count == 0 ? text : form.components[form.count - 1];
    guard->forms[guard->form_count++] = form;
    lowered = (text_buffer){0};
    return AIP_OK;
}

/* Where the entry's links lead. */
static aip_status
add_real(path_guard *guard, aip_bytes form, size_t entry, aip_error *err)
{
    TEXT_AUTO text_buffer real = {0};
    path_memory memory = {.nodes = NULL};
    bool other = path_real(&memory, form, &real), failed = memory.names.failed;
    path_memory_clear(&memory);
    AIP_TRY(text_finish(&real, err));
    if (failed) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return other ? add_form(guard, text_view(&real), entry, err) : AIP_OK;
}

/* The entry as it stands, with look-alikes folded, and where its links lead. */
static aip_status
add_entry(path_guard *guard, const char *text, size_t entry, aip_error *err)
{
    TEXT_AUTO text_buffer form = {0}, other = {0};
    path_memory memory = {.nodes = NULL};
    const path_reading reading = {guard, guard->directory, false, &memory};
    if (text == NULL || text[0] == '\0') {
        return aip_fail_at(err, AIP_CONFIG_INVALID, entry, "an empty protected path");
    }
    bool home = text[0] == '~' && (text[1] == '\0' || text[1] == '/');
    if (home ? guard->home == NULL : text[0] != '/' && guard->directory == NULL) {
        return aip_fail_at(err, AIP_CONFIG_INVALID, entry, "a protected path without a directory to stand in");
    }
    path_clean(&reading, aip_bytes_of(text), &form);
    path_memory_clear(&memory);
    AIP_TRY(text_finish(&form, err));
    AIP_TRY(add_form(guard, text_view(&form), entry, err));
    path_fold(text_view(&form), &other);
    AIP_TRY(text_finish(&other, err));
    AIP_TRY(add_form(guard, text_view(&other), entry, err));
    return guard->real ? add_real(guard, text_view(&form), entry, err) : AIP_OK;
}

static aip_status
copy_directory(const char *from, char **to, aip_error *err)
{
    if (from == NULL) {
        return AIP_OK;
    }
    if (from[0] != '/') {
        return aip_fail(err, AIP_CONFIG_INVALID, "a directory of protected paths that is not absolute");
    }
    *to = strdup(from);
    return *to == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

/* Could any one name in the directory touch an entry? */
static bool
stands_near(const path_guard *guard, const char *directory, bool recursive)
{
    TEXT_AUTO text_buffer form = {0}, lowered = {0};
    path_memory memory = {.nodes = NULL}; /* only counts */
    bool near = false;
    if (directory == NULL) {
        return false;
    }
    path_clean(&(path_reading){guard, "/", false, NULL}, aip_bytes_of(directory), &form);
    text_append_string(&form, "/*");
    path_lower(text_view(&form), &lowered);
    for (size_t i = 0; i < guard->form_count && !near; i++) {
        near = path_touches(&guard->forms[i], text_view(&lowered), recursive, &memory);
    }
    return near || form.failed || lowered.failed || memory.spent;
}

static aip_status
begin_forms(path_guard *guard, const char *directory, size_t which, aip_error *err)
{
    TEXT_AUTO text_buffer form = {0};
    path_memory memory = {.nodes = NULL}; /* only counts */
    text_buffer *lowered = &guard->lowered[which];
    if (directory == NULL) {
        return AIP_OK;
    }
    path_clean(&(path_reading){guard, "/", false, NULL}, aip_bytes_of(directory), &form);
    path_lower(text_view(&form), lowered);
    AIP_TRY(text_finish(&form, err));
    AIP_TRY(text_finish(lowered, err));
    for (size_t i = 0; i < guard->form_count; i++) {
        guard->forms[i].begun[which] = path_begin(&guard->forms[i], text_view(lowered), &memory);
        guard->leads[which] = guard->leads[which] || guard->forms[i].begun[which] != 0;
    }
    return memory.spent ? aip_fail(err, AIP_CONFIG_INVALID, "protected paths that take too long to compare") : AIP_OK;
}

static aip_status
fill(path_guard *guard, const char *const *entries, const path_setting *setting, aip_error *err)
{
    AIP_TRY(copy_directory(setting->home, &guard->home, err));
    AIP_TRY(copy_directory(setting->directory == NULL ? "/" : setting->directory, &guard->directory, err));
    AIP_TRY(copy_directory(setting->child_directory, &guard->child_directory, err));
    for (size_t i = 0; i < guard->entry_count; i++) {
        AIP_TRY(add_entry(guard, entries[i], i, err));
    }
    const char *own = guard->directory, *child = guard->child_directory;
    AIP_TRY(begin_forms(guard, own, 0, err));
    AIP_TRY(begin_forms(guard, child, 1, err));
    guard->plain = guard->real || stands_near(guard, own, false) || stands_near(guard, child, false);
    guard->plain_above = stands_near(guard, own, true) || stands_near(guard, child, true);
    return AIP_OK;
}

aip_status
path_guard_new(const char *const *entries, size_t count, const path_setting *setting, path_guard **out, aip_error *err)
{
    path_guard *guard = calloc(1, sizeof *guard);
    *out = NULL;
    if (guard == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (name_hash_key() == NULL) {
        free(guard);
        return aip_fail(err, AIP_INTERNAL, "no randomness");
    }
    guard->real = setting->real;
    guard->as_peer = setting->as_peer;
    guard->peer_count = count - (setting->own_entries < count ? setting->own_entries : count);
    guard->entry_count = count;
    aip_status status = fill(guard, entries, setting, err);
    if (status != AIP_OK) {
        path_guard_free(&guard);
        return status;
    }
    *out = guard;
    return AIP_OK;
}

void
path_guard_free(path_guard **guard)
{
    if (*guard == NULL) {
        return;
    }
    for (size_t i = 0; i < (*guard)->form_count; i++) {
        free((*guard)->forms[i].text);
        free((*guard)->forms[i].components);
    }
    text_clear(&(*guard)->lowered[0]);
    text_clear(&(*guard)->lowered[1]);
    free((*guard)->forms);
    free((*guard)->home);
    free((*guard)->directory);
    free((*guard)->child_directory);
    free(*guard);
    *guard = NULL;
}
