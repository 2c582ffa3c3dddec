/* One path that a text could mean: compared as it is written, and as where its links lead. */
#include "base/utf8.h"
#include "policy/path_inside.h"

/* Names without a separator that are looked up in the file system, of one text: a shared directory may hold links. */
#define PLAIN_LOOKUPS_MAX 1024

/* What each costs, about nanoseconds. */
#define PATH_WORK 250        /* one path, … */
#define PATH_BYTE_WORK 6     /* and each of its bytes, … */
#define UNICODE_BYTE_WORK 10 /* where it is not ASCII */
#define FORM_WORK 16         /* each entry that it is compared with */

bool
path_goes_on(const path_probe *probe)
{
    return probe->entry == PATH_NONE && !probe->memory.spent;
}

static bool
spend(path_probe *probe, size_t work)
{
    return path_spend(&probe->memory, work);
}

/* Makes the path ready to be compared with every entry. */
static bool
lower(path_probe *probe, aip_bytes path)
{
    bool ascii = utf8_ascii_prefix(path.data, path.size) == path.size;
    size_t byte_work = ascii ? PATH_BYTE_WORK : UNICODE_BYTE_WORK;
    if (!spend(probe, byte_work * path.size + FORM_WORK * probe->guard->form_count)) {
        return false;
    }
    probe->lowered.size = 0;
    path_lower(path, &probe->lowered);
    return true;
}

/* Which of the guard's directories the path lies below; 2: none. */
static size_t
directory_of(const path_guard *guard, aip_bytes path)
{
    for (size_t i = 0; i < 2; i++) {
        aip_bytes directory = text_view(&guard->lowered[i]);
        if (directory.size > 0 && path.size > directory.size && aip_bytes_begin_with(path, directory) &&
            path.data[directory.size] == '/') {
            return i;
        }
    }
    return 2;
}

static void
compare(path_probe *probe, aip_bytes path)
{
    size_t plain = directory_of(probe->guard, path);
    if (plain < 2 && !probe->guard->leads[plain]) {
        return; /* whatever comes after the directory */
    }
    if (!lower(probe, path)) {
        return;
    }
    aip_bytes value = text_view(&probe->lowered);
    size_t below = directory_of(probe->guard, value);
    aip_bytes rest = aip_bytes_from(value, below < 2 ? probe->guard->lowered[below].size : 0);
    for (size_t i = 0; i < probe->guard->form_count && path_goes_on(probe); i++) {
        const path_entry_form *form = &probe->guard->forms[i];
        bool hit = below < 2 ? path_touches_below(form, form->begun[below], rest, probe->recursive, &probe->memory)
                             : path_touches(form, value, probe->recursive, &probe->memory);
        probe->entry = hit ? form->entry : PATH_NONE;
    }
}

/* A name in one of the guard's directories, as path_clean leaves it, without anything that the cuts would find. */
bool
path_is_word(aip_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = text.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (!letter && (byte < '0' || byte > '9') && byte != '_' && byte != '-') {
            return false;
        }
    }
    return !aip_bytes_equal(text, AIP_BYTES_LITERAL("root")) && !aip_bytes_equal(text, AIP_BYTES_LITERAL("cwd"));
}

static void
compare_word(path_probe *probe, aip_bytes word, size_t directory)
{
    if (!probe->guard->leads[directory] || !lower(probe, word)) {
        return;
    }
    for (size_t i = 0; i < probe->guard->form_count && path_goes_on(probe); i++) {
        const path_entry_form *form = &probe->guard->forms[i];
        bool hit =
            path_touches_in(form, form->begun[directory], text_view(&probe->lowered), probe->recursive, &probe->memory);
        probe->entry = hit ? form->entry : PATH_NONE;
    }
}

/* Where the links lead, of the path as cleaned and as written: `link/..` is elsewhere than it looks. */
static void
compare_real(path_probe *probe, const path_reading *reading, aip_bytes text)
{
    text_buffer *written = &probe->written;
    if (path_real(&probe->memory, text_view(&probe->form), &probe->real)) {
        compare(probe, text_view(&probe->real));
    }
    written->size = 0;
    if (text.size > 0 && text.data[0] != '/') {
        text_append_string(written, reading->directory);
        text_append_string(written, "/");
    }
    text_append(written, text);
    if (path_goes_on(probe) && !aip_bytes_equal(text_view(written), text_view(&probe->form)) &&
        path_real(&probe->memory, text_view(written), &probe->real)) {
        compare(probe, text_view(&probe->real));
    }
}

void
path_try(path_probe *probe, aip_bytes text, bool backslashes, bool separated)
{
    bool word = !separated && path_is_word(text);
    const char *directories[] = {probe->guard->directory, probe->guard->child_directory};
    for (size_t i = 0; i < 2 && path_goes_on(probe); i++) {
        const path_reading reading = {probe->guard, directories[i], backslashes, &probe->memory};
        if (directories[i] == NULL || !spend(probe, PATH_WORK + PATH_BYTE_WORK * text.size)) {
            return;
        }
        path_clean(&reading, text, &probe->form);
        if (word) {
            compare_word(probe, text, i);
        } else {
            compare(probe, text_view(&probe->form));
        }
        unsigned asked = probe->memory.questions;
        if (probe->guard->real && path_goes_on(probe) && (separated || probe->lookups < PLAIN_LOOKUPS_MAX)) {
            compare_real(probe, &reading, text);
            probe->lookups += separated ? 0 : probe->memory.questions - asked;
        }
    }
}
