/* Protected paths in a JSON value: every string, every member name, and members of one object joined. */
#include <stdlib.h>

#include "base/utf8.h"
#include "policy/path_inside.h"

#define JOINED_BYTES_MAX 4096 /* no kernel takes a longer path */
#define NAME_BYTES_MAX 255
#define STRING_WORK 150 /* about nanoseconds; so the others */
#define OBJECT_WORK 200
#define PAIR_WORK 150
#define JOINED_MAX 64 /* members on either side; an object with more of them counts as touching */

typedef struct {
    char *texts[JOINED_MAX];
    size_t sizes[JOINED_MAX];
    size_t count;
    bool full;
} path_members;

static aip_status
unescape(const scan_document *document, uint32_t node, bool name, char **out, size_t *size, aip_error *err)
{
    size_t room = name ? scan_raw_name(document, node).size : scan_raw(document, node).size;
    *out = malloc(room + 1);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return name ? scan_unescape_name(document, node, *out, room, size, err)
                : scan_unescape(document, node, *out, room, size, err);
}

static aip_status
probe_string(path_probe *probe, const scan_document *document, uint32_t node, bool name, aip_error *err)
{
    char *text STRING_AUTO = NULL;
    size_t size = 0;
    if (!path_spend(&probe->memory, STRING_WORK)) {
        return path_probe_within(probe, err);
    }
    AIP_TRY(unescape(document, node, name, &text, &size, err));
    return path_probe_text(probe, (aip_bytes){(const unsigned char *)text, size}, err);
}

/* Could the text be a directory or a file of its own, rather than prose or the content of a file? */
static bool
is_joinable(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' && i + 1 < size) {
            return false;
        }
    }
    return size > 0 && size <= JOINED_BYTES_MAX;
}

static aip_status
gather(const scan_document *document, uint32_t object, path_members *members, aip_error *err)
{
    for (uint32_t node = scan_child(document, object); node != SCAN_NONE; node = scan_next(document, node)) {
        char *text STRING_AUTO = NULL;
        size_t size = 0;
        if (scan_kind_of(document, node) != SCAN_STRING) {
            continue;
        }
        AIP_TRY(unescape(document, node, false, &text, &size, err));
        if (!is_joinable(text, size)) {
            continue;
        }
        if (members->count == JOINED_MAX) {
            members->full = true;
            return AIP_OK;
        }
        members->sizes[members->count] = size;
        members->texts[members->count++] = text;
        text = NULL;
    }
    return AIP_OK;
}

/* A name of its own, longer than any file system takes, unless decoding shortens it. */
static bool
is_no_name(const path_members *members, size_t index)
{
    const char *text = members->texts[index];
    size_t size = members->sizes[index];
    return size > NAME_BYTES_MAX && memchr(text, '/', size) == NULL && memchr(text, '\\', size) == NULL &&
           memchr(text, '%', size) == NULL && memchr(text, '&', size) == NULL &&
           utf8_ascii_prefix((const unsigned char *)text, size) == size;
}

/* Can the two together name a place that exists? */
static bool
is_pair(const path_members *members, size_t directory, size_t file)
{
    aip_bytes name = {(unsigned char *)members->texts[file], members->sizes[file]};
    return directory != file && !is_no_name(members, file) &&
           (!is_no_name(members, directory) || path_leads_up(name) || memchr(name.data, '%', name.size) != NULL);
}

static aip_status
probe_pair(path_probe *probe, const path_members *members, size_t directory, size_t file, aip_error *err)
{
    TEXT_AUTO text_buffer joined = {0};
    text_append(&joined, (aip_bytes){(unsigned char *)members->texts[directory], members->sizes[directory]});
    text_append_string(&joined, "/");
    text_append(&joined, (aip_bytes){(unsigned char *)members->texts[file], members->sizes[file]});
    AIP_TRY(text_finish(&joined, err));
    return path_probe_text(probe, text_view(&joined), err);
}

static aip_status
probe_pairs(path_probe *probe, const path_members *members, aip_error *err)
{
    if (members->full) {
        probe->entry = 0;
        return AIP_OK;
    }
    probe->whole_only = true;
    for (size_t i = 0; i < members->count; i++) {
        for (size_t j = 0; j < members->count && path_goes_on(probe); j++) {
            size_t work = PAIR_WORK + (members->sizes[i] + members->sizes[j]) / 4;
            if (path_spend(&probe->memory, work) && is_pair(members, i, j)) {
                AIP_TRY(probe_pair(probe, members, i, j, err));
            }
        }
    }
    probe->whole_only = false;
    return AIP_OK;
}

static aip_status
probe_object(path_probe *probe, const scan_document *document, uint32_t object, aip_error *err)
{
    path_members members = {.count = 0};
    aip_status status = gather(document, object, &members, err);
    path_spend(&probe->memory, OBJECT_WORK);
    status = status == AIP_OK && members.count > 1 ? probe_pairs(probe, &members, err) : status;
    for (size_t i = 0; i < members.count; i++) {
        free(members.texts[i]);
    }
    return status;
}

static aip_status
probe_node(path_probe *probe, const scan_document *document, uint32_t node, bool named, aip_error *err)
{
    if (named && document->nodes[node].name_end > document->nodes[node].name) {
        AIP_TRY(probe_string(probe, document, node, true, err));
    }
    if (probe->entry == PATH_NONE && scan_kind_of(document, node) == SCAN_STRING) {
        return probe_string(probe, document, node, false, err);
    }
    if (probe->entry == PATH_NONE && scan_kind_of(document, node) == SCAN_OBJECT) {
        return probe_object(probe, document, node, err);
    }
    return AIP_OK;
}

aip_status
path_guard_check_value(const path_guard *guard, const scan_document *document, uint32_t node, bool recursive,
                       size_t *entry, aip_error *err)
{
    path_probe probe = {.guard = guard, .recursive = recursive, .entry = PATH_NONE};
    aip_status status = AIP_OK;
    *entry = PATH_NONE;
    if (guard->entry_count == 0) {
        return AIP_OK;
    }
    uint32_t end = document->nodes[node].end;
    for (uint32_t i = node; status == AIP_OK && probe.entry == PATH_NONE && i < document->count; i++) {
        if (document->nodes[i].start >= end) {
            break;
        }
        status = probe_node(&probe, document, i, i != node, err);
    }
    status = status == AIP_OK ? path_probe_within(&probe, err) : status;
    path_probe_clear(&probe);
    *entry = probe.entry;
    return status;
}
