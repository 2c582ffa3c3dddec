/* Pointers to findings, and their fingerprints. */
#include "dlp/place.h"

#include <stdio.h>

#define CUT "..."

void
dlp_fingerprint(const unsigned char key[HASH_KEY_BYTES], aip_bytes text, char out[DLP_FINGERPRINT_SIZE])
{
    unsigned char hash[16];
    hash_keyed(key, text, hash, sizeof hash);
    for (size_t i = 0; i < DLP_FINGERPRINT_SIZE / 2; i++) {
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
    }
}

/* A pointer as it grows. */
typedef struct {
    char *out;
    size_t size;
    bool cut;
} pointer;

static void
put(pointer *p, const char *text, size_t size)
{
    p->cut = p->cut || p->size + size >= DLP_PLACE_SIZE - sizeof CUT;
    if (!p->cut) {
        memcpy(p->out + p->size, text, size);
        p->size += size;
    }
}

/* `~` and `/` have a meaning of their own in a pointer. A character is never cut in two. */
static void
put_name(pointer *p, aip_bytes name)
{
    for (size_t at = 0, size; at < name.size && !p->cut; at += size) {
        for (size = 1; at + size < name.size && (name.data[at + size] & 0xC0) == 0x80; size++) {
        }
        if (name.data[at] == '~' || name.data[at] == '/') {
            put(p, name.data[at] == '~' ? "~0" : "~1", 2);
        } else {
            put(p, (const char *)name.data + at, size);
        }
    }
}

static bool
has_finding(const dlp_findings *findings, size_t from, size_t to)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].start < to && findings->items[i].end > from) {
            return true;
        }
    }
    return false;
}

static size_t
begin_of(const scan_node *node)
{
    return node->name_end > 0 ? node->name : node->start;
}

static void
put_step(pointer *p, const scan_document *message, const dlp_findings *findings, uint32_t node, size_t index)
{
    const scan_node *n = &message->nodes[node];
    char number[24];
    put(p, "/", 1);
    if (n->name_end == 0) {
        put(p, number, (size_t)snprintf(number, sizeof number, "%zu", index));
    } else if (has_finding(findings, n->name, n->name_end)) {
        put(p, "[REDACTED]", 10);
    } else {
        put_name(p, scan_raw_name(message, node));
    }
}

void
dlp_place(const scan_document *message, const dlp_findings *findings, size_t which, char out[DLP_PLACE_SIZE])
{
    size_t at = findings->items[which].start, index = 0;
    pointer p = {.out = out};
    uint32_t node = scan_child(message, 0);
    while (node != SCAN_NONE && !p.cut) {
        const scan_node *n = &message->nodes[node];
        if (at >= n->end) {
            node = scan_next(message, node);
            index++;
            continue;
        }
        if (at < begin_of(n)) {
            break;
        }
        put_step(&p, message, findings, node, index);
        node = at < n->start ? SCAN_NONE : scan_child(message, node);
        index = 0;
    }
    if (p.cut) {
        memcpy(out + p.size, CUT, sizeof CUT);
    } else {
        out[p.size] = '\0';
    }
}
