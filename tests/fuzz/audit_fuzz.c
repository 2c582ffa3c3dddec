/* Decision logs from arbitrary bytes: every reading ends, a whole log is whole again, and no changed one passes. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "audit/completion_line.h"
#include "audit/project.h"
#include "audit/verify.h"
#include "crypto/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static aip_status
find_key(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    (void)context;
    (void)signed_at;
    return aip_did_find_key(name, kid, out, err);
}

static aip_status
verify(const uint8_t *data, size_t size, bool signatures, bool part, audit_summary *out)
{
    static const aip_key_source keys = {find_key, NULL};
    char name[32];
    const char *path = name;
    int fd = memfd_create("log", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const audit_check check = {
        .paths = &path, .path_count = 1, .trust = {signatures ? &keys : NULL, {NULL, 0}}, .part = part};
    aip_status status = audit_verify(&check, out, NULL);
    close(fd);
    return status;
}

static void
check_findings(const audit_summary *summary, uint64_t newlines)
{
    uint64_t told = summary->finding_count < AUDIT_FINDINGS_MAX ? summary->finding_count : AUDIT_FINDINGS_MAX;
    for (uint64_t i = 0; i < told; i++) {
        require(summary->findings[i].status != AIP_OK && summary->findings[i].line <= newlines + 1);
        require(memchr(summary->findings[i].detail, '\0', sizeof summary->findings[i].detail) != NULL);
    }
}

/* Lines by themselves, so that the grammar is reached without a chain of hashes. */
static void
check_line(aip_bytes text)
{
    static scan_node nodes[AUDIT_LINE_NODES_MAX];
    audit_line line;
    checkpoint_facts facts;
    const checkpoint_trust trust = {NULL, {NULL, 0}};
    if (text.size <= AUDIT_LINE_BYTES_MAX && audit_line_read(text, nodes, &line, NULL) == AIP_OK &&
        checkpoint_read(text, &line, &trust, &facts, NULL) == AIP_OK) {
        require(line.event == AUDIT_CHECKPOINT_EVENT && facts.issued_at >= 0);
    }
    if (text.size <= AUDIT_LINE_BYTES_MAX && audit_line_read(text, nodes, &line, NULL) == AIP_OK) {
        bool judged = false;
        (void)!completion_line_read(text, &line, &judged, NULL);
    }
}

/* Whatever a line says, its projection is whole lines of JSON. */
static void
check_projection(aip_bytes text)
{
    static const scan_limits limits = {1 << 20, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    TEXT_AUTO text_buffer out = {0};
    scan_document document = {0};
    if (audit_project(text, &out, NULL) != AIP_OK) {
        return;
    }
    for (const char *at = out.data, *end; at != NULL && at < out.data + out.size; at = end + 1) {
        end = memchr(at, '\n', (size_t)(out.data + out.size - at));
        require(end != NULL);
        require(scan_load((aip_bytes){(const unsigned char *)at, (size_t)(end - at)}, &limits, &document, NULL) ==
                AIP_OK);
        scan_clear(&document);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static audit_summary summary;
    uint64_t newlines = 0;
    require(crypto_start(NULL) == AIP_OK);
    check_line((aip_bytes){data, size});
    check_projection((aip_bytes){data, size});
    while (size > 0 && data[size - 1] != '\n') { /* a torn end is waited for: that is for tests with a clock */
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        newlines += data[i] == '\n';
    }
    aip_status open = verify(data, size, false, false, &summary);
    require(open == AIP_OK ? summary.lines == newlines && summary.bytes == size : summary.finding_count > 0);
    check_findings(&summary, newlines);
    aip_status judged = verify(data, size, true, false, &summary);
    require(judged != AIP_OK || (open == AIP_OK && summary.checkpoints > 0));
    (void)!verify(data, size, false, true, &summary);
    check_findings(&summary, newlines);
    if (open == AIP_OK && newlines > 1) { /* without its first line it is not a whole log */
        const uint8_t *second = (const uint8_t *)memchr(data, '\n', size) + 1;
        require(verify(second, size - (size_t)(second - data), false, false, &summary) != AIP_OK);
    }
    return 0;
}
