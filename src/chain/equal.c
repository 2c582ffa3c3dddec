/* Compares JSON values by what they mean: numbers exactly, strings unescaped, members in any order. */
#include "chain/equal.h"

#include <stdlib.h>

#include "aip/limits.h"
#include "chain/decimal.h"

#define RULE_BYTES_MAX AIP_ELEMENT_BYTES_MAX /* no string of a token is longer */

bool
equal_open_string(const scan_document *document, uint32_t node, open_text *out)
{
    *out = (open_text){{NULL, 0}, NULL};
    if (scan_kind_of(document, node) != SCAN_STRING) {
        return false;
    }
    if (scan_plain_string(document, node, &out->view, NULL) == AIP_OK) {
        return true;
    }
    size_t capacity = scan_raw(document, node).size;
    out->owned = malloc(capacity);
    if (out->owned == NULL || scan_unescape(document, node, out->owned, capacity, &out->view.size, NULL) != AIP_OK) {
        free(out->owned);
        out->owned = NULL;
        return false;
    }
    out->view.data = (const unsigned char *)out->owned;
    return true;
}

static bool
is_equal_string(const question *q, uint32_t rule, uint32_t given)
{
    char text[RULE_BYTES_MAX];
    size_t size = 0;
    return scan_unescape(q->rule, rule, text, sizeof text, &size, NULL) == AIP_OK &&
           scan_string_equals(q->given, given, (aip_bytes){(const unsigned char *)text, size});
}

static bool
is_equal_array(const question *q, uint32_t rule, uint32_t given)
{
    uint32_t b = scan_child(q->given, given);
    for (uint32_t a = scan_child(q->rule, rule); a != SCAN_NONE; a = scan_next(q->rule, a)) {
        if (b == SCAN_NONE || !equal_values(q, a, b)) {
            return false;
        }
        b = scan_next(q->given, b);
    }
    return b == SCAN_NONE;
}

uint32_t
equal_find_namesake(const question *q, uint32_t rule, uint32_t given)
{
    char name[AIP_JSON_NAME_BYTES_MAX];
    size_t size = 0;
    if (scan_unescape_name(q->rule, rule, name, sizeof name, &size, NULL) != AIP_OK) {
        return SCAN_NONE;
    }
    uint32_t node = scan_child(q->given, given);
    while (node != SCAN_NONE && !scan_name_equals(q->given, node, (aip_bytes){(const unsigned char *)name, size})) {
        node = scan_next(q->given, node);
    }
    return node;
}

static bool
is_equal_object(const question *q, uint32_t rule, uint32_t given)
{
    if (q->rule->nodes[rule].children != q->given->nodes[given].children) {
        return false;
    }
    for (uint32_t a = scan_child(q->rule, rule); a != SCAN_NONE; a = scan_next(q->rule, a)) {
        uint32_t b = equal_find_namesake(q, a, given);
        if (b == SCAN_NONE || !equal_values(q, a, b)) {
            return false;
        }
    }
    return true;
}

bool
equal_values(const question *q, uint32_t rule, uint32_t given)
{
    scan_kind kind = scan_kind_of(q->rule, rule);
    if (kind != scan_kind_of(q->given, given)) {
        return false;
    }
    switch (kind) {
    case SCAN_NUMBER:
        return decimal_compare(scan_raw(q->rule, rule), scan_raw(q->given, given)) == 0;
    case SCAN_STRING:
        return is_equal_string(q, rule, given);
    case SCAN_ARRAY:
        return is_equal_array(q, rule, given);
    case SCAN_OBJECT:
        return is_equal_object(q, rule, given);
    case SCAN_NULL:
    case SCAN_FALSE:
    case SCAN_TRUE:
        return true;
    }
    return false;
}
