/* Reads structured field values: dictionaries of items and inner lists, with parameters. */
#include "proof/fields.h"

#include "crypto/base64url.h"

#define INTEGER_DIGITS_MAX 15

static aip_status
refuse(aip_error *err, const char *why)
{
    return aip_fail(err, AIP_PROOF_MALFORMED, "%s", why);
}

static bool
starts(aip_bytes rest, unsigned char c)
{
    return rest.size > 0 && rest.data[0] == c;
}

static void
skip(aip_bytes *rest, size_t count)
{
    *rest = aip_bytes_from(*rest, count);
}

static bool
is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_lower(unsigned char c)
{
    return c >= 'a' && c <= 'z';
}

static bool
is_key_character(unsigned char c)
{
    return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}

static bool
is_token_character(unsigned char c)
{
    return is_lower(c | 0x20) || is_digit(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~:/", c) != NULL);
}

static aip_status
read_key(aip_bytes *rest, aip_bytes *out, aip_error *err)
{
    size_t size = 0;
    if (rest->size == 0 || !(is_lower(rest->data[0]) || rest->data[0] == '*')) {
        return refuse(err, "a key is missing");
    }
    while (size < rest->size && is_key_character(rest->data[size])) {
        size++;
    }
    *out = (aip_bytes){rest->data, size};
    skip(rest, size);
    return AIP_OK;
}

static aip_status
read_integer(aip_bytes *rest, field_item *out, aip_error *err)
{
    bool negative = starts(*rest, '-');
    size_t at = negative ? 1 : 0, digits = 0;
    out->kind = FIELD_INTEGER;
    while (at + digits < rest->size && is_digit(rest->data[at + digits])) {
        if (++digits > INTEGER_DIGITS_MAX) {
            return refuse(err, "an integer is too long");
        }
        out->integer = out->integer * 10 + (rest->data[at + digits - 1] - '0');
    }
    if (digits == 0 || (rest->data[at] == '0' && (digits > 1 || negative)) ||
        (at + digits < rest->size && rest->data[at + digits] == '.')) {
        return refuse(err, "a number is no integer in its shortest form");
    }
    out->integer = negative ? -out->integer : out->integer;
    skip(rest, at + digits);
    return AIP_OK;
}

static aip_status
read_string(aip_bytes *rest, field_item *out, aip_error *err)
{
    size_t at = 1;
    out->kind = FIELD_STRING;
    while (at < rest->size && rest->data[at] != '"') {
        unsigned char c = rest->data[at];
        bool escape = c == '\\';
        if (c < 0x20 || c > 0x7e ||
            (escape && (at + 1 >= rest->size || (rest->data[at + 1] != '"' && rest->data[at + 1] != '\\')))) {
            return refuse(err, "a string holds a character that it must not");
        }
        at += escape ? 2 : 1;
    }
    if (at >= rest->size) {
        return refuse(err, "a string does not end");
    }
    out->text = (aip_bytes){rest->data + 1, at - 1};
    skip(rest, at + 1);
    return AIP_OK;
}

static aip_status
read_bytes(aip_bytes *rest, field_item *out, aip_error *err)
{
    const unsigned char *end = memchr(rest->data + 1, ':', rest->size - 1);
    if (end == NULL) {
        return refuse(err, "a byte sequence does not end");
    }
    out->kind = FIELD_BYTES;
    out->text = (aip_bytes){rest->data + 1, (size_t)(end - rest->data - 1)};
    skip(rest, out->text.size + 2);
    return AIP_OK;
}

static aip_status
read_boolean(aip_bytes *rest, field_item *out, aip_error *err)
{
    if (rest->size < 2 || (rest->data[1] != '0' && rest->data[1] != '1')) {
        return refuse(err, "a boolean is ?0 or ?1");
    }
    *out = (field_item){FIELD_BOOLEAN, rest->data[1] - '0', {NULL, 0}};
    skip(rest, 2);
    return AIP_OK;
}

static aip_status
read_item(aip_bytes *rest, field_item *out, aip_error *err)
{
    *out = (field_item){0};
    unsigned char c = rest->size == 0 ? 0 : rest->data[0];
    if (c == '-' || is_digit(c)) {
        return read_integer(rest, out, err);
    }
    if (c == '"') {
        return read_string(rest, out, err);
    }
    if (c == ':') {
        return read_bytes(rest, out, err);
    }
    if (c == '?') {
        return read_boolean(rest, out, err);
    }
    if (!is_lower(c | 0x20) && c != '*') {
        return refuse(err, "a value is missing or of a type that is not read here");
    }
    size_t size = 1;
    while (size < rest->size && is_token_character(rest->data[size])) {
        size++;
    }
    out->kind = FIELD_TOKEN;
    out->text = (aip_bytes){rest->data, size};
    skip(rest, size);
    return AIP_OK;
}

/* `;name` is true, and `;name=?1` its other spelling. */
static aip_status
read_parameter(aip_bytes *rest, field_value *out, aip_error *err)
{
    field_parameter *parameter = &out->parameters[out->parameter_count];
    skip(rest, 1);
    AIP_TRY(read_key(rest, &parameter->name, err));
    parameter->value = (field_item){FIELD_BOOLEAN, 1, {NULL, 0}};
    if (starts(*rest, '=')) {
        skip(rest, 1);
        AIP_TRY(read_item(rest, &parameter->value, err));
        if (parameter->value.kind == FIELD_BOOLEAN && parameter->value.integer == 1) {
            return refuse(err, "a true parameter is written without its value");
        }
    }
    for (size_t i = 0; i < out->parameter_count; i++) {
        if (aip_bytes_equal(out->parameters[i].name, parameter->name)) {
            return refuse(err, "a parameter occurs twice");
        }
    }
    out->parameter_count++;
    return AIP_OK;
}

static aip_status
read_parameters(aip_bytes *rest, field_value *out, aip_error *err)
{
    while (starts(*rest, ';')) {
        if (out->parameter_count == FIELD_PARAMETERS_MAX) {
            return refuse(err, "too many parameters");
        }
        AIP_TRY(read_parameter(rest, out, err));
    }
    return AIP_OK;
}

/* An item with its parameters. */
static aip_status
read_value(aip_bytes *rest, field_value *out, aip_error *err)
{
    const unsigned char *start = rest->data;
    out->parameter_count = 0;
    AIP_TRY(read_item(rest, &out->item, err));
    AIP_TRY(read_parameters(rest, out, err));
    out->text = (aip_bytes){start, (size_t)(rest->data - start)};
    return AIP_OK;
}

static aip_status
read_inner_list(aip_bytes *rest, field_member *out, aip_error *err)
{
    const unsigned char *start = rest->data;
    skip(rest, 1);
    out->item_count = 0;
    while (!starts(*rest, ')')) {
        if (out->item_count == FIELD_ITEMS_MAX) {
            return refuse(err, "too many items in a list");
        }
        if (out->item_count > 0) {
            if (!starts(*rest, ' ')) {
                return refuse(err, "items of a list are separated by one space");
            }
            skip(rest, 1);
        }
        AIP_TRY(read_value(rest, &out->items[out->item_count], err));
        out->item_count++;
    }
    skip(rest, 1);
    out->value.item = (field_item){.kind = FIELD_LIST};
    out->value.parameter_count = 0;
    AIP_TRY(read_parameters(rest, &out->value, err));
    out->value.text = (aip_bytes){start, (size_t)(rest->data - start)};
    return AIP_OK;
}

static aip_status
read_member(aip_bytes *rest, field_member *out, aip_error *err)
{
    AIP_TRY(read_key(rest, &out->name, err));
    out->item_count = 0;
    out->value.parameter_count = 0;
    if (!starts(*rest, '=')) {
        const unsigned char *start = rest->data;
        out->value.item = (field_item){FIELD_BOOLEAN, 1, {NULL, 0}};
        AIP_TRY(read_parameters(rest, &out->value, err));
        out->value.text = (aip_bytes){start, (size_t)(rest->data - start)};
        return AIP_OK;
    }
    skip(rest, 1);
    return starts(*rest, '(') ? read_inner_list(rest, out, err) : read_value(rest, &out->value, err);
}

static void
skip_white(aip_bytes *rest)
{
    while (starts(*rest, ' ') || starts(*rest, '\t')) {
        skip(rest, 1);
    }
}

aip_status
field_next_member(aip_bytes *rest, field_member *out, aip_error *err)
{
    skip_white(rest);
    AIP_TRY(read_member(rest, out, err));
    skip_white(rest);
    if (rest->size == 0) {
        return AIP_OK;
    }
    if (!starts(*rest, ',')) {
        return refuse(err, "members are separated by a comma");
    }
    skip(rest, 1);
    skip_white(rest);
    return rest->size > 0 ? AIP_OK : refuse(err, "a comma at the end");
}

const field_item *
field_parameter_of(const field_value *value, const char *name)
{
    for (size_t i = 0; i < value->parameter_count; i++) {
        if (aip_bytes_equal(value->parameters[i].name, aip_bytes_of(name))) {
            return &value->parameters[i].value;
        }
    }
    return NULL;
}

aip_status
field_decode_bytes(const field_item *item, unsigned char *out, size_t capacity, size_t *size, aip_error *err)
{
    if (item->kind != FIELD_BYTES || base64_decode(item->text, out, capacity, size, NULL) != AIP_OK) {
        return refuse(err, "bytes are not base64 in its one spelling");
    }
    return AIP_OK;
}
