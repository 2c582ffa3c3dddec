/* Lines of stderr through the scanner that keeps secrets out of the log, across lines. */
#include "gateway/stdio_words.h"

static const rule_set *
rules_of(const gateway_settings *settings, const char *route)
{
    for (size_t i = 0; i < settings->route_count; i++) {
        if (settings->routes[i].rules != NULL && strcmp(settings->routes[i].name, route) == 0) {
            return settings->routes[i].rules;
        }
    }
    return settings->standard;
}

static bool
is_filtered(const rule_set *set)
{
    const policy_dlp *dlp = set == NULL ? NULL : policy_dlp_of(set->policy);
    return dlp != NULL && dlp->enabled && dlp->filter_stderr;
}

/* Takes over the hold on the settings. */
static aip_status
open_stream(stdio_words *w, const gateway_settings *settings, const rule_set *set, aip_error *err)
{
    const dlp_scanner *scanner = rules_audit_scanner(set);
    w->settings = settings;
    w->serial = set->serial;
    AIP_TRY(dlp_workspace_new(scanner, &w->workspace, err));
    return dlp_stream_new(scanner, w->workspace, &w->stream, err);
}

void
stdio_words_clear(stdio_words *w)
{
    dlp_stream_free(&w->stream);
    dlp_workspace_free(&w->workspace);
    settings_drop(&w->settings);
    w->serial = w->since = 0;
}

/* Lines are told whole: a stream gives them back in their order. */
static void
tell_lines(const stdio_words *w, const text_buffer *text)
{
    size_t start = 0;
    for (size_t i = 0; i < text->size; i++) {
        if (text->data[i] == '\n') {
            text->data[i] = '\0';
            w->tell(w->context, text->data + start);
            start = i + 1;
        }
    }
    if (start < text->size) {
        char rest[AIP_CHILD_STDERR_BYTES];
        snprintf(rest, sizeof rest, "%.*s", (int)(text->size - start), text->data + start);
        w->tell(w->context, rest);
    }
}

/* What cannot be looked through is not told. */
static void
pass(stdio_words *w, aip_bytes piece, bool last)
{
    TEXT_AUTO text_buffer out = {0};
    dlp_findings findings = {0};
    aip_status status = dlp_stream_add(w->stream, piece, last, &out, &findings, NULL);
    dlp_findings_clear(&findings);
    if (status != AIP_OK || text_finish(&out, NULL) != AIP_OK) {
        w->tell(w->context, "(left out: it could not be looked through)");
        stdio_words_clear(w);
        return;
    }
    tell_lines(w, &out);
}

/* The stream follows the rules in force; of other ones it is ended first. */
static bool
prepare(stdio_words *w, const char *route)
{
    const gateway_settings *settings = gateway_settings_take(w->gateway);
    const rule_set *set = rules_of(settings, route);
    bool filtered = is_filtered(set);
    if (w->serial != 0 && (!filtered || set->serial != w->serial)) {
        stdio_words_let_go(w, 0, true);
        stdio_words_clear(w);
    }
    if (!filtered || w->serial == set->serial) {
        settings_drop(&settings);
        return filtered;
    }
    if (open_stream(w, settings, set, NULL) != AIP_OK) {
        stdio_words_clear(w);
    }
    return true;
}

void
stdio_words_say(stdio_words *w, const char *route, const char *line, uint64_t now)
{
    TEXT_AUTO text_buffer piece = {0};
    if (w->gateway == NULL || !prepare(w, route)) {
        w->tell(w->context, line);
        return;
    }
    text_append_format(&piece, "%s\n", line);
    if (w->stream == NULL || text_finish(&piece, NULL) != AIP_OK) {
        w->tell(w->context, "(left out: it could not be looked through)");
        return;
    }
    w->since = now;
    pass(w, text_view(&piece), false);
}

void
stdio_words_let_go(stdio_words *w, uint64_t now, bool all)
{
    if (w->since == 0 || (!all && now - w->since < STDIO_WORDS_HELD_MICROSECONDS)) {
        return;
    }
    pass(w, (aip_bytes){NULL, 0}, true);
    stdio_words_clear(w);
}
