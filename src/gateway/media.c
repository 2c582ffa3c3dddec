/* Media types, as far as they decide how a body is read. */
#include "gateway/media.h"

#include <ctype.h>
#include <strings.h>

static bool
begins(aip_bytes type, const char *name)
{
    return type.size >= strlen(name) && strncasecmp((const char *)type.data, name, strlen(name)) == 0;
}

bool
media_is(aip_bytes type, const char *name)
{
    char rest[64];
    size_t size = 0;
    if (!begins(type, name)) {
        return false;
    }
    for (size_t i = strlen(name); i < type.size && size < sizeof rest - 1; i++) {
        if (type.data[i] != ' ' && type.data[i] != '\t' && type.data[i] != '"') {
            rest[size++] = (char)tolower(type.data[i]);
        }
    }
    rest[size] = '\0';
    return size == 0 || strcmp(rest, ";") == 0 || strcmp(rest, ";charset=utf-8") == 0 ||
           strcmp(rest, ";charset=utf8") == 0;
}

/* The type without its parameters. */
static aip_bytes
essence(aip_bytes type)
{
    size_t size = 0;
    while (size < type.size && type.data[size] != ';' && type.data[size] != ' ' && type.data[size] != '\t') {
        size++;
    }
    return (aip_bytes){type.data, size};
}

bool
media_names(aip_bytes type, const char *name)
{
    return begins(type, name) && essence(type).size == strlen(name);
}

bool
media_is_utf8(aip_bytes type)
{
    static const char parameter[] = "charset=";
    for (; type.size > 0; type = aip_bytes_from(type, 1)) {
        if (!begins(type, parameter)) {
            continue;
        }
        aip_bytes value = aip_bytes_from(type, sizeof parameter - 1);
        value = aip_bytes_from(value, value.size > 0 && value.data[0] == '"' ? 1 : 0);
        size_t size = begins(value, "utf-8") ? 5 : begins(value, "utf8") ? 4 : 0;
        if (size == 0 || (value.size > size && strchr("\"; \t", value.data[size]) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool
ends(aip_bytes type, const char *end)
{
    size_t size = strlen(end);
    return type.size > size && strncasecmp((const char *)type.data + type.size - size, end, size) == 0;
}

bool
media_is_json(aip_bytes type)
{
    static const char json[] = "application/json";
    aip_bytes name = essence(type);
    return (begins(name, json) && name.size == sizeof json - 1) ||
           (begins(name, "application/") && ends(name, "+json"));
}
