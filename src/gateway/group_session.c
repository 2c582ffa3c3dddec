/* The session of a group: one line for each member, which the id seals as a whole. */
#include "crypto/base64url.h"
#include "gateway/group.h"

enum { NAME_BYTES = 12 };

void
group_session_begin(text_buffer *out)
{
    unsigned char bytes[NAME_BYTES];
    char text[BASE64URL_TEXT_SIZE(NAME_BYTES) + 1];
    hash_random(bytes, sizeof bytes);
    base64url_encode((aip_bytes){bytes, sizeof bytes}, text);
    text_append_format(out, "%s\n", text);
}

/* Versions and ids are visible ASCII (MCP 2025-11-25, transports, Session Management), so a space ends them. */
static bool
is_visible(aip_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < 0x21 || text.data[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

bool
group_session_add(text_buffer *out, const gateway_route *member, const group_session_line *line)
{
    if (!is_visible(line->version) || line->version.size == 0 || !is_visible(line->id)) {
        return false;
    }
    text_append_format(out, "%s ", member->name);
    text_append(out, line->version);
    text_append_string(out, " ");
    text_append(out, line->id);
    text_append_string(out, "\n");
    return true;
}

/* Takes what comes before `end` off the text; without one all of it. */
static aip_bytes
take(aip_bytes *text, unsigned char end)
{
    const unsigned char *at = text->size == 0 ? NULL : memchr(text->data, end, text->size);
    aip_bytes taken = {text->data, at == NULL ? text->size : (size_t)(at - text->data)};
    *text = at == NULL ? (aip_bytes){NULL, 0} : aip_bytes_from(*text, taken.size + 1);
    return taken;
}

aip_bytes
group_session_name(aip_bytes text)
{
    return take(&text, '\n');
}

bool
group_session_find(aip_bytes text, const gateway_route *member, group_session_line *out)
{
    (void)take(&text, '\n');
    while (text.size > 0) {
        aip_bytes line = take(&text, '\n'), name = take(&line, ' ');
        if (aip_bytes_equal(name, aip_bytes_of(member->name))) {
            out->version = take(&line, ' ');
            out->id = line;
            return true;
        }
    }
    return false;
}
