/* Texts against protected paths: what begins with an entry is found, and looser settings never lose a touch. */
#include <stdlib.h>

#include "policy/normal.h"
#include "policy/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_BYTES 2048

static const char *const entries[] = {"/etc/shadow", "~/.ssh", "/srv/**/secret*", "/data/[0-9]?"};

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static size_t
touched(aip_bytes text, const path_setting *setting, bool recursive)
{
    path_guard *guard = NULL;
    size_t entry = PATH_NONE;
    require(path_guard_new(entries, 4, setting, &guard, NULL) == AIP_OK);
    require(path_guard_check(guard, text, recursive, &entry, NULL) == AIP_OK);
    path_guard_free(&guard);
    require(entry == PATH_NONE || entry < 4);
    return entry;
}

static void
check_text(aip_bytes text)
{
    static const path_setting plain = {.home = "/home/agent", .directory = "/home/agent/work"};
    static const path_setting peer = {.home = "/home/agent", .directory = "/home/agent/work", .as_peer = true};
    bool hit = touched(text, &plain, false) != PATH_NONE;
    require(!hit || touched(text, &plain, true) != PATH_NONE);
    require(!hit || touched(text, &peer, false) != PATH_NONE);
    char beneath[TEXT_BYTES + 16] = "/etc/shadow/";
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) { /* nothing that leads up again */
        beneath[12 + size] = (char)text.data[i];
        size += text.data[i] != '.';
    }
    require(touched((aip_bytes){(unsigned char *)beneath, size + 12}, &plain, false) != PATH_NONE);
}

/* A name's normal form is its own. */
static void
check_name(aip_bytes text)
{
    normal_name once, twice;
    if (normal_name_of(text, &once, NULL) == AIP_OK && once.size <= AIP_TOOL_BYTES_MAX) {
        require(normal_name_of(aip_bytes_of(once.text), &twice, NULL) == AIP_OK);
        require(once.size == twice.size && memcmp(once.text, twice.text, once.size) == 0);
    }
}

/* Any value that the scanner takes has a text, the same each time, or is refused. */
static void
check_value(aip_bytes text)
{
    static const scan_limits limits = {TEXT_BYTES, 32, 256};
    static const path_setting plain = {.home = "/home/agent", .directory = "/home/agent/work"};
    TEXT_AUTO text_buffer out = {0}, again = {0};
    scan_document document, written;
    path_guard *guard = NULL;
    size_t entry;
    if (scan_load(text, &limits, &document, NULL) != AIP_OK) {
        return;
    }
    scan_kind kind = scan_kind_of(&document, 0);
    bool container = kind == SCAN_ARRAY || kind == SCAN_OBJECT;
    const scan_limits wide = {TEXT_BYTES * 8, 32, 256};
    if (normal_argument(&document, 0, &out, NULL) == AIP_OK && container) {
        require(scan_load(text_view(&out), &wide, &written, NULL) == AIP_OK);
        require(normal_argument(&written, 0, &again, NULL) == AIP_OK);
        require(aip_bytes_equal(text_view(&out), text_view(&again)));
        scan_clear(&written);
    }
    require(path_guard_new(entries, 4, &plain, &guard, NULL) == AIP_OK);
    aip_status status = path_guard_check_value(guard, &document, 0, true, &entry, NULL);
    require(status == AIP_OK || (status == AIP_POLICY_PATH && entry == PATH_NONE));
    path_guard_free(&guard);
    scan_clear(&document);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aip_bytes text = {data, size > TEXT_BYTES ? TEXT_BYTES : size};
    check_text(text);
    check_name(text);
    check_value(text);
    return 0;
}
