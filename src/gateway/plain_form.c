/* Bodies of web forms: each parameter is an argument, as those of a query are (spec/a2a.md, E-87). */
#include <stdlib.h>

#include "gateway/media.h"
#include "gateway/plain.h"

static const char unread[] = "a form that servers could read in two ways";

/* A parameter, decoded. */
typedef struct {
    aip_bytes name, value;
} form_field;

typedef struct {
    char *room; /* of all names and values */
    size_t used;
    form_field fields[AIP_FORM_PARAMETERS_MAX];
    size_t count;
} form_fields;

bool
plain_is_form(const plain_request *request)
{
    return request->body == NULL && media_names(request->type, "application/x-www-form-urlencoded");
}

static bool
decode(aip_bytes raw, form_fields *form, aip_bytes *out)
{
    char *at = form->room + form->used;
    size_t size = 0;
    if (!target_decode_value(raw, at, raw.size, &size)) {
        return false;
    }
    *out = (aip_bytes){(unsigned char *)at, size};
    form->used += size + 1;
    return true;
}

/* A name has no control characters, nor spaces that some readers cut off before it. */
static bool
is_named_plainly(aip_bytes raw, aip_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] < ' ' || name.data[i] == 0x7f) {
            return false;
        }
    }
    return raw.size == 0 || memchr(raw.data, ' ', raw.size) == NULL;
}

static bool
read_field(aip_bytes text, form_fields *form)
{
    const unsigned char *equals = memchr(text.data, '=', text.size);
    aip_bytes name = {text.data, equals == NULL ? text.size : (size_t)(equals - text.data)};
    aip_bytes value = equals == NULL ? (aip_bytes){NULL, 0} : aip_bytes_from(text, name.size + 1);
    if (form->count == AIP_FORM_PARAMETERS_MAX) {
        return false;
    }
    form_field *field = &form->fields[form->count++];
    return decode(name, form, &field->name) && decode(value, form, &field->value) &&
           is_named_plainly(name, field->name);
}

/* Some servers end a parameter at a `;`, too. */
static bool
read_fields(aip_bytes body, form_fields *form)
{
    bool good = body.size == 0 || memchr(body.data, ';', body.size) == NULL;
    while (good && body.size > 0) {
        const unsigned char *end = memchr(body.data, '&', body.size);
        aip_bytes text = {body.data, end == NULL ? body.size : (size_t)(end - body.data)};
        good = text.size == 0 || read_field(text, form);
        body = aip_bytes_from(body, end == NULL ? text.size : text.size + 1);
    }
    return good;
}

static int
compare_names(const void *left, const void *right)
{
    aip_bytes a = ((const form_field *)left)->name, b = ((const form_field *)right)->name;
    int order = a.size == 0 || b.size == 0 ? 0 : memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* E-73: servers take the first of two, the last, or both, or mix query and body. Puts the fields in another order. */
static aip_status
check_names(const plain_request *request, form_fields *form, aip_error *err)
{
    target_parameter parameter;
    qsort(form->fields, form->count, sizeof form->fields[0], compare_names);
    for (size_t i = 1; i < form->count; i++) {
        if (compare_names(&form->fields[i - 1], &form->fields[i]) == 0) {
            return aip_fail(err, AIP_REQUEST_INVALID, "a parameter occurs twice in the form");
        }
    }
    for (aip_bytes query = request->query; query.size > 0;) {
        bool nothing = query.data[0] == '&';
        AIP_TRY(target_next_parameter(&query, &parameter, err));
        form_field wanted = {.name = {(unsigned char *)parameter.name, parameter.name_size}};
        if (!nothing && bsearch(&wanted, form->fields, form->count, sizeof wanted, compare_names) != NULL) {
            return aip_fail(err, AIP_REQUEST_INVALID, "a parameter occurs in the query and in the body");
        }
    }
    return AIP_OK;
}

static aip_status
write_fields(const plain_request *request, form_fields *form, text_buffer *out, aip_error *err)
{
    if (!read_fields(request->other, form)) {
        return aip_fail(err, AIP_REQUEST_INVALID, unread);
    }
    for (size_t i = 0; i < form->count; i++) {
        text_append_string(out, out->size > 1 ? "," : "");
        text_append_json(out, form->fields[i].name);
        text_append_string(out, ":");
        text_append_json(out, form->fields[i].value);
    }
    return check_names(request, form, err);
}

aip_status
plain_write_form(const plain_request *request, text_buffer *out, aip_error *err)
{
    form_fields *form = calloc(1, sizeof *form);
    aip_status status = AIP_OK;
    if (form != NULL) {
        form->room = malloc(request->other.size + 2);
    }
    if (form == NULL || form->room == NULL) {
        status = aip_fail(err, AIP_NO_MEMORY, NULL);
    } else {
        status = write_fields(request, form, out, err);
    }
    if (form != NULL) {
        free(form->room);
    }
    free(form);
    return status;
}
