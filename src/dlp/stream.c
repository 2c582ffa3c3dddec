/* A buffer of what was written last, as context, and of what is held back. */
#include "dlp/stream.h"

#include <stdlib.h>

#include "aip/limits.h"
#include "crypto/hash.h"
#include "dlp/decode.h"
#include "dlp/redact.h"

#define CHUNK_BYTES ((size_t)16384)

struct dlp_stream {
    const dlp_scanner *scanner;
    dlp_workspace *workspace;
    size_t hold;    /* bytes at the end that may be part of something */
    size_t base;    /* place in the stream of the buffer's first byte */
    size_t settled; /* bytes of the buffer that were written already */
    size_t size;
    unsigned char buffer[AIP_DLP_STREAM_BYTES_MAX + CHUNK_BYTES];
};

aip_status
dlp_stream_new(const dlp_scanner *scanner, dlp_workspace *workspace, dlp_stream **out, aip_error *err)
{
    size_t reach = dlp_scanner_reach(scanner);
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    (*out)->scanner = scanner;
    (*out)->workspace = workspace;
    (*out)->hold = reach < AIP_DLP_STREAM_BYTES_MAX / 4 ? reach : AIP_DLP_STREAM_BYTES_MAX / 4;
    return AIP_OK;
}

void
dlp_stream_free(dlp_stream **stream)
{
    if (*stream != NULL) {
        hash_wipe(*stream, sizeof **stream);
        free(*stream);
        *stream = NULL;
    }
}

/* A run of an encoding that goes over `end` is decoded as a whole, while there is room. */
static size_t
before_run(const dlp_stream *s, size_t end)
{
    aip_bytes text = {s->buffer, s->size};
    dlp_run run;
    for (size_t at = s->settled; dlp_scanner_decodes(s->scanner) && dlp_next_run(text, &at, &run) && run.start < end;) {
        if (run.end >= end && s->size - run.start < AIP_DLP_STREAM_BYTES_MAX / 2) {
            return run.start;
        }
    }
    return end;
}

/* How far the buffer can be written now. */
static size_t
safe_end(const dlp_stream *s, const dlp_findings *found, bool last)
{
    size_t end = s->size > s->hold ? s->size - s->hold : 0;
    if (last) {
        return s->size;
    }
    end = end < s->settled ? s->settled : before_run(s, end);
    for (size_t i = 0; i < found->count; i++) {
        const dlp_finding *finding = &found->items[i];
        if (finding->start < end && finding->end > end) {
            bool fits = s->size - finding->start < AIP_DLP_STREAM_BYTES_MAX / 2;
            end = fits ? finding->start : finding->end;
        }
    }
    while (end > s->settled && end < s->size && (s->buffer[end] & 0xC0) == 0x80) {
        end--;
    }
    return end < s->settled ? s->settled : end;
}

static aip_status
write_settled(dlp_stream *s, size_t end, const dlp_findings *found, text_buffer *out, dlp_findings *findings,
              aip_error *err)
{
    dlp_findings here = {0};
    aip_status status = AIP_OK;
    findings->unread = findings->unread || found->unread;
    for (size_t i = 0; status == AIP_OK && i < found->count; i++) {
        dlp_finding finding = found->items[i];
        if (finding.end <= s->settled || finding.start >= end) {
            continue;
        }
        finding.start = finding.start < s->settled ? 0 : finding.start - s->settled;
        finding.end = (finding.end > end ? end : finding.end) - s->settled;
        status = dlp_findings_add(&here, &finding, err);
        finding.start += s->base + s->settled;
        finding.end += s->base + s->settled;
        status = status == AIP_OK ? dlp_findings_add(findings, &finding, err) : status;
    }
    if (status == AIP_OK) {
        dlp_redact((aip_bytes){s->buffer + s->settled, end - s->settled}, &here, out);
        status = text_finish(out, err);
    }
    dlp_findings_clear(&here);
    s->settled = end;
    return status;
}

static void
forget(dlp_stream *s)
{
    size_t gone = s->settled > s->hold ? s->settled - s->hold : 0;
    while (gone > 0 && (s->buffer[gone] & 0xC0) == 0x80 && gone < s->size) {
        gone--;
    }
    memmove(s->buffer, s->buffer + gone, s->size - gone);
    s->base += gone;
    s->settled -= gone;
    s->size -= gone;
}

static aip_status
settle(dlp_stream *s, bool last, text_buffer *out, dlp_findings *findings, aip_error *err)
{
    dlp_findings found = {0};
    aip_status status = dlp_scan(s->scanner, s->workspace, (aip_bytes){s->buffer, s->size}, &found, err);
    if (status == AIP_OK) {
        status = write_settled(s, safe_end(s, &found, last), &found, out, findings, err);
    }
    dlp_findings_clear(&found);
    forget(s);
    return status;
}

aip_status
dlp_stream_add(dlp_stream *s, aip_bytes piece, bool last, text_buffer *out, dlp_findings *findings, aip_error *err)
{
    while (piece.size > 0) {
        size_t room = sizeof s->buffer - s->size;
        size_t count = piece.size < CHUNK_BYTES ? piece.size : CHUNK_BYTES;
        count = count < room ? count : room;
        memcpy(s->buffer + s->size, piece.data, count);
        s->size += count;
        piece = aip_bytes_from(piece, count);
        /* Seldom enough that scanning again what is held costs little. */
        if (s->size - s->settled >= s->hold + CHUNK_BYTES * 2 || s->size == sizeof s->buffer) {
            AIP_TRY(settle(s, false, out, findings, err));
        }
    }
    return last ? settle(s, true, out, findings, err) : AIP_OK;
}
