/* Values of a policy by type, with the coercions that the peer's reader makes. */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/number.h"
#include "policy/load_inside.h"
#include "token/amount.h"

const json_t *
load_value(const json_t *container, const char *key)
{
    const json_t *value = json_object_get(container, key);
    return json_is_null(value) ? NULL : value;
}

const char *
load_text(const policy_loader *l, load_spot spot)
{
    if (spot.container == NULL) {
        return NULL;
    }
    const json_t *value =
        spot.key == NULL ? json_array_get(spot.container, spot.index) : json_object_get(spot.container, spot.key);
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    const yaml_entry *entry = yaml_find(&l->document, spot.container, spot.key, spot.index);
    return entry == NULL ? NULL : entry->literal;
}

const char *
load_member_text(const policy_loader *l, const json_t *container, const char *key)
{
    return load_text(l, (load_spot){container, key, 0});
}

void *
load_take(policy_loader *l, size_t size)
{
    void *taken = policy_take(l->policy, size);
    l->no_memory |= taken == NULL;
    return taken;
}

const char *
load_copy(policy_loader *l, const char *text)
{
    const char *copy = text == NULL ? NULL : policy_copy(l->policy, aip_bytes_of(text));
    l->no_memory |= text != NULL && copy == NULL;
    return copy;
}

size_t
load_choice(const policy_loader *l, const json_t *container, const char *key, const char *const *choices, size_t absent)
{
    char word[LOAD_WORD_SIZE];
    load_word(load_member_text(l, container, key), word);
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (strcmp(word, choices[i]) == 0) {
            return i;
        }
    }
    return absent;
}

const char *
load_word(const char *text, char out[LOAD_WORD_SIZE])
{
    size_t size = 0;
    out[0] = '\0';
    if (text == NULL) {
        return out;
    }
    text += strspn(text, " \t\r\n");
    size = strlen(text);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL) {
        size--;
    }
    if (size >= LOAD_WORD_SIZE) {
        return out;
    }
    for (size_t i = 0; i < size; i++) {
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    }
    out[size] = '\0';
    return out;
}

bool
load_read_boolean(const json_t *value, bool *out)
{
    static const char *const yes[] = {"y", "Y", "yes", "on"}, *const no[] = {"n", "N", "no", "off"};
    if (json_is_boolean(value)) {
        *out = json_is_true(value);
        return true;
    }
    for (size_t i = 0; json_is_string(value) && i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(json_string_value(value), yes[i]) == 0 || strcmp(json_string_value(value), no[i]) == 0) {
            *out = strcmp(json_string_value(value), yes[i]) == 0;
            return true;
        }
    }
    return false;
}

bool
load_boolean(const json_t *container, const char *key, bool absent)
{
    bool value = absent;
    const json_t *given = load_value(container, key);
    if (given != NULL && !load_read_boolean(given, &value)) {
        return absent;
    }
    return value;
}

/* Digits and decimals of so many microseconds each, which are cut off below one. */
static bool
read_part(const char **text, uint64_t unit, uint64_t *out)
{
    uint64_t whole = 0, part = 0, scale = 1;
    size_t digits = strspn(*text, "0123456789");
    for (size_t i = 0; i < digits && i < 9; i++) {
        whole = whole * 10 + (uint64_t)((*text)[i] - '0');
    }
    bool good = digits > 0 && digits <= 9;
    *text += digits;
    if (**text == '.') {
        ++*text;
        digits = strspn(*text, "0123456789");
        for (size_t i = 0; i < digits && i < 6; i++, scale *= 10) {
            part = part * 10 + (uint64_t)((*text)[i] - '0');
        }
        *text += digits;
    }
    return good && !__builtin_mul_overflow(whole, unit, &whole) &&
           !__builtin_add_overflow(whole, part * unit / scale, out);
}

bool
load_read_duration(const char *text, uint64_t *microseconds)
{
    static const struct {
        const char *name;
        uint64_t microseconds, divisor;
    } units[] = {{"ns", 1, 1000},
                 {"us", 1, 1},
                 {"ms", 1000, 1},
                 {"h", UINT64_C(3600000000), 1},
                 {"m", 60000000, 1},
                 {"s", 1000000, 1},
                 {"d", UINT64_C(86400000000), 1}};
    *microseconds = 0;
    if (strcmp(text, "0") == 0) {
        return true;
    }
    bool any = false;
    while (*text != '\0') {
        size_t unit = 0, skip = strspn(text, "0123456789.");
        while (unit < sizeof units / sizeof units[0] &&
               strncmp(text + skip, units[unit].name, strlen(units[unit].name)) != 0) {
            unit++;
        }
        uint64_t part;
        if (unit == sizeof units / sizeof units[0] || !read_part(&text, units[unit].microseconds, &part) ||
            __builtin_add_overflow(*microseconds, part / units[unit].divisor, microseconds) ||
            strncmp(text, units[unit].name, strlen(units[unit].name)) != 0) {
            return false;
        }
        text += strlen(units[unit].name);
        any = true;
    }
    return any;
}

bool
load_read_size(const char *text, uint64_t *bytes)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {{"", 0}, {"b", 0}, {"kb", 10}, {"k", 10}, {"mb", 20}, {"m", 20}, {"gb", 30}, {"g", 30}};
    char word[LOAD_WORD_SIZE], *end;
    load_word(text, word);
    if (word[0] < '0' || word[0] > '9' || strspn(word, "0123456789") > 9) {
        return false;
    }
    uint64_t number = strtoull(word, &end, 10);
    end += strspn(end, " ");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].name) == 0) {
            *bytes = number << units[i].shift;
            return *bytes > 0;
        }
    }
    return false;
}

bool
load_read_rate(const char *text, uint64_t *count, uint64_t *microseconds)
{
    static const struct {
        const char *names[3];
        uint64_t seconds;
    } periods[] = {{{"second", "sec", "s"}, 1}, {{"minute", "min", "m"}, 60}, {{"hour", "hr", "h"}, 3600}};
    char word[LOAD_WORD_SIZE], number[LOAD_WORD_SIZE], period[LOAD_WORD_SIZE], *slash;
    load_word(text, word);
    slash = strchr(word, '/');
    if (slash == NULL || strchr(slash + 1, '/') != NULL) {
        return false;
    }
    *slash = '\0';
    load_word(slash + 1, period);
    size_t size = strlen(load_word(word, number));
    if (size == 0 || size > 9 || strspn(number, "0123456789") != size) {
        return false;
    }
    *count = strtoull(number, NULL, 10);
    for (size_t i = 0; i < 9; i++) {
        if (strcmp(period, periods[i / 3].names[i % 3]) == 0) {
            *microseconds = periods[i / 3].seconds * 1000000;
            return *count > 0;
        }
    }
    return false;
}

bool
load_read_price(const char *text, uint64_t *micro_usd)
{
    return text != NULL && amount_parse(aip_bytes_of(text), micro_usd, NULL) == AIP_OK &&
           *micro_usd <= POLICY_PRICE_MAX;
}
