/* One spelling for one place: absolute, without `.`, `..`, empty components, `~` and what the kernel calls the root. */
#include <pwd.h>
#include <strings.h>

#include "aip/limits.h"
#include "policy/path_inside.h"

#define PASSWD_BYTES 4096
#define PROCESS_BYTES_MAX 64 /* of a process's directory: its numbers have ten digits at most */

static bool
separates(const path_reading *reading, unsigned char byte)
{
    return byte == '/' || (byte == '\\' && reading->backslashes);
}

/* The component at the front. */
static aip_bytes
component_at(const path_reading *reading, aip_bytes rest)
{
    size_t size = 0;
    while (size < rest.size && !separates(reading, rest.data[size])) {
        size++;
    }
    return (aip_bytes){rest.data, size};
}

static bool
is_process(aip_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] < '0' || name.data[i] > '9') {
            return aip_bytes_equal(name, AIP_BYTES_LITERAL("self")) ||
                   aip_bytes_equal(name, AIP_BYTES_LITERAL("thread-self"));
        }
    }
    return name.size > 0;
}

/* Is `path` a process's directory: /proc/1 or /proc/self/task/2? */
static bool
is_process_directory(const path_reading *reading, aip_bytes path)
{
    aip_bytes parts[5] = {{0}};
    size_t count = 0;
    if (path.size > PROCESS_BYTES_MAX) {
        return false;
    }
    while (path.size > 0) {
        aip_bytes rest = aip_bytes_from(path, 1);
        if (count == sizeof parts / sizeof parts[0]) {
            return false;
        }
        parts[count] = component_at(reading, rest);
        path = aip_bytes_from(rest, parts[count++].size);
    }
    return (count == 2 ||
            (count == 4 && aip_bytes_equal(parts[2], AIP_BYTES_LITERAL("task")) && is_process(parts[3]))) &&
           aip_bytes_equal(parts[0], AIP_BYTES_LITERAL("proc")) && is_process(parts[1]);
}

static void
pop(text_buffer *out)
{
    while (out->size > 0 && out->data[--out->size] != '/') {
    }
}

static void
push(const path_reading *reading, aip_bytes component, text_buffer *out)
{
    if (component.size == 0 || aip_bytes_equal(component, AIP_BYTES_LITERAL("."))) {
        return;
    }
    if (aip_bytes_equal(component, AIP_BYTES_LITERAL(".."))) {
        pop(out);
        return;
    }
    bool root = aip_bytes_equal(component, AIP_BYTES_LITERAL("root"));
    bool directory = aip_bytes_equal(component, AIP_BYTES_LITERAL("cwd"));
    if ((root || directory) && is_process_directory(reading, text_view(out))) {
        out->size = 0;
        text_append_string(out, directory ? reading->directory : "");
        return;
    }
    text_append_string(out, "/");
    text_append(out, component);
}

static void
push_all(const path_reading *reading, aip_bytes text, text_buffer *out)
{
    while (text.size > 0) {
        aip_bytes component = component_at(reading, text);
        push(reading, component, out);
        text = aip_bytes_from(text, component.size + (component.size < text.size));
    }
}

/* Takes `word` off the front, when a separator or the end comes after it. */
static bool
take_word(const path_reading *reading, aip_bytes *text, const char *word)
{
    aip_bytes wanted = aip_bytes_of(word);
    if (!aip_bytes_begin_with(*text, wanted)) {
        return false;
    }
    aip_bytes rest = aip_bytes_from(*text, wanted.size);
    if (rest.size > 0 && !separates(reading, rest.data[0])) {
        return false;
    }
    *text = rest;
    return true;
}

/* As the system says, which is asked once for paths of one account in a row; borrowed until the next question. */
static aip_bytes
account_home(const path_reading *reading, const char *account)
{
    char room[PASSWD_BYTES];
    struct passwd entry, *found = NULL;
    path_memory *memory = reading->memory;
    if (memory->account.size > 0 && aip_bytes_equal(text_view(&memory->account), aip_bytes_of(account))) {
        return text_view(&memory->home);
    }
    memory->account.size = memory->home.size = 0;
    if (!path_may_ask(memory, AIP_PATH_ACCOUNT_QUESTIONS)) {
        return (aip_bytes){NULL, 0};
    }
    text_append_string(&memory->account, account);
    if (getpwnam_r(account, &entry, room, sizeof room, &found) == 0 && found != NULL) {
        text_append_string(&memory->home, found->pw_dir);
    }
    memory->names.failed = memory->names.failed || memory->account.failed || memory->home.failed;
    return text_view(&memory->home);
}

/* Another account's home: as the system says where it is shared, else beside ours. */
static void
push_account(const path_reading *reading, aip_bytes name, text_buffer *out)
{
    char account[256] = "";
    memcpy(account, name.data, name.size < sizeof account ? name.size : sizeof account - 1);
    aip_bytes home = reading->guard->real ? account_home(reading, account) : (aip_bytes){NULL, 0};
    if (home.size > 0) {
        push_all(reading, home, out);
    } else if (strcmp(account, "root") == 0) {
        text_append_string(out, "/root");
    } else {
        push_all(reading, aip_bytes_of(reading->guard->home), out);
        pop(out);
        push(reading, name, out);
    }
}

/* `~`, `~name`, $HOME and $PWD at the front. False: none. */
static bool
take_start(const path_reading *reading, aip_bytes *text, text_buffer *out)
{
    const char *home = reading->guard->home;
    if (take_word(reading, text, "$PWD") || take_word(reading, text, "${PWD}") || take_word(reading, text, "~+")) {
        push_all(reading, aip_bytes_of(reading->directory), out);
        return true;
    }
    if (home == NULL || text->size == 0 || (text->data[0] != '~' && text->data[0] != '$')) {
        return false;
    }
    if (take_word(reading, text, "~") || take_word(reading, text, "$HOME") || take_word(reading, text, "${HOME}")) {
        push_all(reading, aip_bytes_of(home), out);
        return true;
    }
    aip_bytes name = component_at(reading, aip_bytes_from(*text, 1));
    if (text->data[0] != '~' || name.size == 0 || memchr(name.data, '.', name.size) == name.data) {
        return false;
    }
    push_account(reading, name, out);
    *text = aip_bytes_from(*text, name.size + 1);
    return true;
}

/* `file:/x`, `file:///x`, `file://host/x`. */
static aip_bytes
without_scheme(const path_reading *reading, aip_bytes text)
{
    static const char scheme[] = "file:";
    if (text.size < sizeof scheme - 1 || strncasecmp((const char *)text.data, scheme, sizeof scheme - 1) != 0) {
        return text;
    }
    text = aip_bytes_from(text, sizeof scheme - 1);
    if (text.size < 2 || !separates(reading, text.data[0]) || !separates(reading, text.data[1])) {
        return text;
    }
    aip_bytes host = component_at(reading, aip_bytes_from(text, 2));
    return aip_bytes_from(text, host.size + 2);
}

void
path_clean(const path_reading *reading, aip_bytes text, text_buffer *out)
{
    out->size = 0;
    text = without_scheme(reading, text);
    if (!take_start(reading, &text, out) && (text.size == 0 || !separates(reading, text.data[0]))) {
        push_all(&(path_reading){reading->guard, reading->directory, false, reading->memory},
                 aip_bytes_of(reading->directory), out);
    }
    push_all(reading, text, out);
}
