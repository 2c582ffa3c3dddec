/* Markers in place of what was found. */
#include "dlp/redact.h"

void
dlp_write_marker(text_buffer *out, const dlp_finding *finding)
{
    text_append_string(out, "[REDACTED:");
    text_append_string(out, finding->name);
    text_append_string(out, finding->encoded ? ":encoded]" : "]");
}

void
dlp_redact(aip_bytes text, const dlp_findings *findings, text_buffer *out)
{
    size_t at = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const dlp_finding *finding = &findings->items[i];
        if (finding->action == DLP_WARN) {
            continue;
        }
        text_append(out, (aip_bytes){text.data + at, finding->start - at});
        dlp_write_marker(out, finding);
        at = finding->end;
    }
    text_append(out, aip_bytes_from(text, at));
}
