/* Making and freeing exchanges, and reading their headers. */
#include "gateway/exchange.h"

#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "gateway/await.h"
#include "gateway/conclude.h"
#include "gateway/inspect.h"

exchange *
exchange_new(const shard_tools *shard)
{
    exchange *x = calloc(1, sizeof *x);
    unsigned char id[16];
    if (x == NULL) {
        return NULL;
    }
    x->gateway = shard->gateway;
    x->shard = shard;
    x->settings = gateway_settings_take(shard->gateway);
    x->params = x->argument_node = SCAN_NONE;
    x->refusal = (aip_error)AIP_ERROR_INIT;
    x->record.at = AIP_NOWHERE;
    x->record.stage = "";
    x->record.protocol = "";
    x->record.time_seconds = clock_now_seconds();
    hash_stream_begin(&x->stream_hash);
    x->moved_microseconds = clock_monotonic_microseconds();
    hash_random(id, sizeof id);
    base64url_encode((aip_bytes){id, sizeof id}, x->record.decision_id);
    return x;
}

void
answer_clear(gateway_answer *answer)
{
    for (size_t i = 0; i < answer->field_count; i++) {
        free(answer->fields[i].value);
    }
    text_clear(&answer->body);
    *answer = (gateway_answer){0};
}

void
exchange_free(exchange **x)
{
    if (*x == NULL) {
        return;
    }
    await_drop(*x);
    upstream_cancel(&(*x)->transfer);
    conclude(*x); /* if nothing else did */
    answer_clear(&(*x)->answer);
    scan_clear(&(*x)->document);
    text_clear(&(*x)->body);
    text_clear(&(*x)->stream);
    text_clear(&(*x)->splitter.pending);
    text_clear(&(*x)->arrived);
    text_clear(&(*x)->outgoing);
    free((*x)->found);
    text_clear(&(*x)->told_arguments);
    inspect_forget(*x);
    chain_verdict_clear(&(*x)->verdict);
    settings_drop(&(*x)->settings);
    free(*x);
    *x = NULL;
}

aip_bytes
exchange_header(const exchange *x, const char *name, size_t *count)
{
    aip_bytes found = {NULL, 0};
    size_t length = strlen(name), seen = 0;
    for (size_t i = 0; i < x->field_count; i++) {
        const header_field *field = &x->fields[i];
        if (field->name.size == length && strncasecmp((const char *)field->name.data, name, length) == 0) {
            found = seen++ == 0 ? field->value : found;
        }
    }
    if (count != NULL) {
        *count = seen;
    }
    return found;
}

void
answer_add(gateway_answer *answer, const char *name, const char *format, ...)
{
    char *value = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (answer->field_count >= ANSWER_FIELDS_MAX || vasprintf(&value, format, arguments) < 0) {
        answer->http = 500;
        text_clear(&answer->body);
    } else {
        answer->fields[answer->field_count].name = name;
        answer->fields[answer->field_count++].value = value;
    }
    va_end(arguments);
}

bool
exchange_is_field_value(aip_bytes value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}
