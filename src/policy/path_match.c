/* Compares a path with an entry, component by component; either may have globs. */
#include "policy/path_inside.h"

#define GLOB_STEP_WORK 4
#define GLOB_WORK 400
#define WALK_STEP_WORK 12
#define NAME_BYTES_MAX 1020 /* of a component with globs: 255 characters, the most that a file's name has */

/* An item of a name: a byte, or one of these, or ITEM_SET plus where the set begins in the name. */
enum { ITEM_ANY = 256, ITEM_STAR = 257, ITEM_SET = 512 };

typedef struct {
    aip_bytes text;
    uint16_t items[NAME_BYTES_MAX];
    size_t count;
} name_glob;

static bool
has_glob(aip_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '*' || name.data[i] == '?' || name.data[i] == '[' || name.data[i] == '{') {
            return true;
        }
    }
    return false;
}

/* Bytes of the set or choice at `at`, with its brackets; 0 when it does not end. */
static size_t
bracket_size(aip_bytes name, size_t at, unsigned char end)
{
    size_t from = at + 1;
    if (end == ']') {
        from += from < name.size && (name.data[from] == '!' || name.data[from] == '^');
        from += from < name.size && name.data[from] == ']';
    }
    const unsigned char *found = from < name.size ? memchr(name.data + from, end, name.size - from) : NULL;
    return found == NULL ? 0 : (size_t)(found - name.data) - at + 1;
}

static void
read_name(aip_bytes name, name_glob *out)
{
    out->text = name;
    out->count = 0;
    for (size_t at = 0; at < name.size;) {
        unsigned char byte = name.data[at];
        size_t bracket = byte == '[' ? bracket_size(name, at, ']') : byte == '{' ? bracket_size(name, at, '}') : 0;
        uint16_t item = byte == '?' ? ITEM_ANY : byte == '*' ? ITEM_STAR : byte;
        if (bracket > 0) {
            item = byte == '[' ? (uint16_t)(ITEM_SET + at) : ITEM_STAR;
        }
        out->items[out->count++] = item;
        at += bracket > 0 ? bracket : 1;
    }
}

static bool
set_holds(const name_glob *glob, uint16_t item, unsigned char byte)
{
    size_t at = (size_t)(item - ITEM_SET), end = at + bracket_size(glob->text, at, ']') - 1;
    const unsigned char *text = glob->text.data;
    bool inverted = text[at + 1] == '!' || text[at + 1] == '^', holds = false;
    for (size_t i = at + 1 + inverted; i < end; i++) {
        bool range = i + 2 < end && text[i + 1] == '-';
        holds = holds || (byte >= text[i] && byte <= text[range ? i + 2 : i]);
        i += range ? 2 : 0;
    }
    return holds != inverted;
}

/* Can both items be the same character? */
static bool
items_meet(const name_glob *a, uint16_t left, const name_glob *b, uint16_t right)
{
    if (left < ITEM_ANY && right < ITEM_ANY) {
        return left == right;
    }
    if (left >= ITEM_SET && right < ITEM_ANY) {
        return set_holds(a, left, (unsigned char)right);
    }
    if (right >= ITEM_SET && left < ITEM_ANY) {
        return set_holds(b, right, (unsigned char)left);
    }
    return true;
}

static bool
continues(const name_glob *glob, size_t at)
{
    return at < glob->count && (glob->items[at] & ~0x3F) == 0x80;
}

/* One item of `a` more: from the places in `b` where it can begin to those where it can end. */
static void
step(const name_glob *a, uint16_t item, const name_glob *b, bool *now, bool *next)
{
    for (size_t j = 0; j <= b->count; j++) {
        bool star = j < b->count && b->items[j] == ITEM_STAR;
        if (!now[j]) {
            continue;
        }
        next[j] = next[j] || item == ITEM_STAR || star;
        if (j == b->count) {
            continue;
        }
        now[j + 1] = now[j + 1] || item == ITEM_STAR || star;
        if (item != ITEM_STAR && !star && items_meet(a, item, b, b->items[j])) {
            next[j + 1] = true;
            /* One wildcard stands for a whole UTF-8 sequence. */
            now[j + 1] = now[j + 1] || (item >= ITEM_ANY && continues(b, j + 1));
        }
    }
}

/* Is there a name that both globs match? */
static bool
globs_meet(const name_glob *a, const name_glob *b)
{
    bool rows[2][NAME_BYTES_MAX + 1] = {{true}};
    size_t row = 0;
    for (size_t i = 0; i < a->count; i++, row ^= 1) {
        memset(rows[row ^ 1], 0, b->count + 1);
        step(a, a->items[i], b, rows[row], rows[row ^ 1]);
    }
    for (size_t j = 0; j < b->count; j++) {
        rows[row][j + 1] = rows[row][j + 1] || (rows[row][j] && b->items[j] == ITEM_STAR);
    }
    return rows[row][b->count];
}

/* Some systems drop dots and spaces at the end of a name. */
static aip_bytes
trim_name(aip_bytes name)
{
    size_t size = name.size;
    while (size > 0 && (name.data[size - 1] == '.' || name.data[size - 1] == ' ')) {
        size--;
    }
    return (aip_bytes){name.data, size == 0 ? name.size : size};
}

/* Do both begin, or end, with characters that stand for themselves and differ? */
static bool
differ_at_an_end(aip_bytes a, aip_bytes b)
{
    if (a.size == 0 || b.size == 0) {
        return false;
    }
    unsigned char first[] = {a.data[0], b.data[0]}, last[] = {a.data[a.size - 1], b.data[b.size - 1]};
    bool begin = memchr("*?[{", first[0], 4) == NULL && memchr("*?[{", first[1], 4) == NULL;
    bool end = memchr("*?]}", last[0], 4) == NULL && memchr("*?]}", last[1], 4) == NULL;
    return (begin && first[0] != first[1]) || (end && last[0] != last[1]);
}

static bool
names_meet(aip_bytes a, aip_bytes b, path_memory *memory)
{
    name_glob left, right;
    a = trim_name(a);
    b = trim_name(b);
    if (aip_bytes_equal(a, b)) {
        return true;
    }
    if (differ_at_an_end(a, b) || (!has_glob(a) && !has_glob(b))) {
        return false;
    }
    if (a.size > NAME_BYTES_MAX || b.size > NAME_BYTES_MAX) {
        /* No file has so long a name; a glob that is too long to compare could mean one. */
        return (a.size > NAME_BYTES_MAX && has_glob(a)) || (b.size > NAME_BYTES_MAX && has_glob(b));
    }
    if (!path_spend(memory, GLOB_WORK + GLOB_STEP_WORK * (a.size + 1) * (b.size + 1))) {
        return false;
    }
    read_name(a, &left);
    read_name(b, &right);
    return globs_meet(&left, &right) || globs_meet(&right, &left);
}

static aip_bytes
take_component(aip_bytes *path)
{
    aip_bytes rest = aip_bytes_from(*path, 1);
    const unsigned char *end = rest.size == 0 ? NULL : memchr(rest.data, '/', rest.size);
    aip_bytes component = {rest.data, end == NULL ? rest.size : (size_t)(end - rest.data)};
    *path = aip_bytes_from(rest, component.size);
    return component;
}

size_t
path_split(aip_bytes path, aip_bytes *out, size_t room)
{
    size_t count = 0;
    for (; path.size > 0; count++) {
        aip_bytes component = take_component(&path);
        if (count < room) {
            out[count] = component;
        }
    }
    return count;
}

static bool
is_any_depth(aip_bytes component)
{
    return aip_bytes_equal(component, AIP_BYTES_LITERAL("**"));
}

/* States: bit i is set when the first i components of the form are matched. A form's `**` may match none. */
static uint64_t
close_states(const aip_bytes *form, size_t count, uint64_t states)
{
    for (size_t i = 0; i < count && states >> i != 0; i++) {
        if ((states >> i & 1) != 0 && is_any_depth(form[i])) {
            states |= (uint64_t)1 << (i + 1);
        }
    }
    return states;
}

static uint64_t
next_states(const path_entry_form *form, uint64_t states, aip_bytes component, path_memory *memory)
{
    uint64_t next = 0;
    bool any_depth = is_any_depth(component);
    for (size_t i = 0; i < form->count && states >> i != 0; i++) {
        if ((states >> i & 1) == 0) {
            continue;
        }
        if (any_depth) {
            return ~(uint64_t)0 << i; /* it may match all that is left, or nothing */
        }
        if (is_any_depth(form->components[i])) {
            next |= (uint64_t)1 << i; /* and one more when the states are closed */
        } else if (names_meet(form->components[i], component, memory)) {
            next |= (uint64_t)1 << (i + 1);
        }
    }
    return next;
}

/* Nothing but `**`: the tree below a directory that the call names by other means. */
static bool
is_all_depth(aip_bytes path)
{
    while (path.size > 0) {
        if (!is_any_depth(take_component(&path))) {
            return false;
        }
    }
    return true;
}

static uint64_t
walk(const path_entry_form *form, uint64_t states, aip_bytes path, path_memory *memory)
{
    uint64_t full = (uint64_t)1 << form->count;
    while (path.size > 0 && states != 0 && (states & full) == 0 && path_spend(memory, WALK_STEP_WORK)) {
        states = next_states(form, states, take_component(&path), memory);
        states = close_states(form->components, form->count, states);
    }
    return states;
}

static bool
is_touched(const path_entry_form *form, uint64_t states, bool recursive)
{
    return (states >> form->count & 1) != 0 || (recursive && states != 0);
}

bool
path_touches(const path_entry_form *form, aip_bytes value, bool recursive, path_memory *memory)
{
    uint64_t states = close_states(form->components, form->count, 1);
    if (is_all_depth(value)) {
        return recursive || is_touched(form, states, false);
    }
    return is_touched(form, walk(form, states, value, memory), recursive);
}

uint64_t
path_begin(const path_entry_form *form, aip_bytes directory, path_memory *memory)
{
    return walk(form, close_states(form->components, form->count, 1), directory, memory);
}

bool
path_touches_below(const path_entry_form *form, uint64_t begun, aip_bytes rest, bool recursive, path_memory *memory)
{
    return begun != 0 && is_touched(form, walk(form, begun, rest, memory), recursive);
}

bool
path_touches_in(const path_entry_form *form, uint64_t begun, aip_bytes name, bool recursive, path_memory *memory)
{
    if (begun == 0 || is_touched(form, begun, false)) {
        return begun != 0;
    }
    uint64_t states = next_states(form, begun, name, memory);
    return is_touched(form, close_states(form->components, form->count, states), recursive);
}
