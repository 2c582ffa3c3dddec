/* Fills errors and looks statuses up in their table. */
#include "aip/error.h"

#include <stdarg.h>
#include <stdio.h>

static const aip_status_facts facts[AIP_STATUS_COUNT] = {
#define AIP_STATUS(symbol, name, class, http, rpc, peer, sentence) \
    [AIP_##symbol] = {name, AIP_CLASS_##class, http, rpc, peer, sentence},
#include "aip/status.def"
#undef AIP_STATUS
};

const aip_status_facts *
aip_status_lookup(aip_status status)
{
    return (unsigned)status < AIP_STATUS_COUNT ? &facts[status] : &facts[AIP_INTERNAL];
}

int
aip_status_exit_code(aip_status status)
{
    static const int exit_codes[] = {
        [AIP_CLASS_OK] = 0,    [AIP_CLASS_CREDENTIAL] = 1, [AIP_CLASS_FORBIDDEN] = 1,
        [AIP_CLASS_INPUT] = 1, [AIP_CLASS_USAGE] = 2,      [AIP_CLASS_UNAVAILABLE] = 3,
    };
    return exit_codes[aip_status_lookup(status)->class];
}

const char *
aip_printable(aip_bytes text, char *out, size_t size)
{
    size_t used = 0;
    for (; used < text.size && used + 1 < size; used++) {
        unsigned char c = text.data[used];
        out[used] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    if (size > 0) {
        out[used] = '\0';
    }
    return out;
}

__attribute__((format(printf, 4, 0))) static aip_status
fill(aip_error *err, aip_status status, long offset, const char *format, va_list arguments)
{
    if (err == NULL) {
        return status;
    }
    *err = (aip_error){.status = status, .at = AIP_NOWHERE, .offset = offset};
    if (format != NULL) {
        char raw[sizeof err->detail];
        vsnprintf(raw, sizeof raw, format, arguments);
        aip_printable(aip_bytes_of(raw), err->detail, sizeof err->detail);
    }
    return status;
}

aip_status
aip_fail(aip_error *err, aip_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    status = fill(err, status, AIP_NOWHERE, format, arguments);
    va_end(arguments);
    return status;
}

aip_status
aip_fail_at(aip_error *err, aip_status status, size_t offset, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    status = fill(err, status, (long)offset, format, arguments);
    va_end(arguments);
    return status;
}
