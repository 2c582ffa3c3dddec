/* What the parts of path.h share: decoding (path_decode.c), one spelling for one place (path_form.c), entries
 * (path_guard.c), comparing (path_match.c), links (path_links.c), one path (path_try.c), and the search
 * through a text (path.c). */
#ifndef POLICY_PATH_INSIDE_H
#define POLICY_PATH_INSIDE_H

#include "base/text.h"
#include "policy/path.h"

#define PATH_COMPONENTS_MAX 60 /* of an entry: its states fit 64 bits */

/* One spelling of one entry: absolute, clean, lower-case. */
typedef struct {
    char *text;
    aip_bytes whole, name; /* views of text: all of it, and its last component */
    aip_bytes *components; /* views of text */
    size_t count;
    size_t entry;
    uint64_t begun[2]; /* how far the guard's directories match it */
} path_entry_form;

struct path_guard {
    char *home, *directory, *child_directory; /* NULL where not given */
    bool real, as_peer;
    text_buffer lowered[2]; /* the directories, clean and in lower case */
    bool leads[2];          /* an entry could be below it, at it or above it */
    /* A name without separators can touch, from one of the directories; or can be above an entry. */
    bool plain, plain_above;
    path_entry_form *forms;
    size_t form_count, form_room;
    size_t entry_count, peer_count; /* the first ones are as_peer */
};

typedef struct path_node path_node;
typedef struct path_seen path_seen;

#define PATH_SEEN_BYTES_MAX 62 /* with its head 64 bytes */

/* What one check knows of the file system, what it has cost so far, and the last of its pieces. Zero-initialise. */
typedef struct {
    path_node *nodes;
    uint32_t *slots;
    size_t count, room;
    text_buffer names;
    path_seen *seen;
    size_t tried;
    text_buffer account, home; /* whose home was asked for last, and the answer */
    unsigned questions;
    size_t work;
    bool spent; /* a limit is reached: the call cannot be judged */
} path_memory;

/* One check under way. The buffers are used again and again. */
typedef struct {
    const path_guard *guard;
    bool recursive;
    bool whole_only; /* the text is one path, not a text with paths in it */
    size_t entry;    /* PATH_NONE until one is touched */
    unsigned lookups;
    text_buffer decoded, previous, plain, form, lowered, real, written;
    path_memory memory;
} path_probe;

/* ---- path_decode.c ---- */

/* Percent escapes once, `%uXXXX` as well. */
void path_decode_once(aip_bytes text, text_buffer *out);
/* Percent escapes, overlong UTF-8 and character references, until none is left. */
void path_decode_all(aip_bytes text, text_buffer *out);
/* NFKC with case folded, invisible code points dropped, look-alikes of `/`, `\` and `.` as these. */
void path_fold(aip_bytes text, text_buffer *out);
/* Each code point in lower case, nothing else. */
void path_lower(aip_bytes text, text_buffer *out);

/* ---- path_links.c ---- */

/* Takes from what one check may cost. False: that is spent; then nothing is true that is said of a path. Y-28 */
bool path_spend(path_memory *memory, size_t work);
bool path_may_ask(path_memory *memory, unsigned questions);
/* The real path of the longest part of `path` that exists, with the rest after it, also where a link leads to what does
 * not exist; false when it is `path` itself. */
bool path_real(path_memory *memory, aip_bytes path, text_buffer *out);
/* Was the same piece tried shortly before? If not, it will have been. */
bool path_is_seen(path_memory *memory, aip_bytes piece, bool backslashes);
void path_memory_clear(path_memory *memory);

/* ---- path_form.c ---- */

typedef struct {
    const path_guard *guard;
    const char *directory; /* absolute, for relative texts */
    bool backslashes;      /* they separate, too */
    path_memory *memory;   /* NULL: none, and questions without limit */
} path_reading;

/* The absolute path that `text` names, cleaned lexically, without a slash at the end; the root is "". */
void path_clean(const path_reading *reading, aip_bytes text, text_buffer *out);

/* ---- path_match.c ---- */

/* Does the clean lower-case path `value`, perhaps with globs, equal the form, or lie beneath it, or (recursive) above
 * it?
 */
bool path_touches(const path_entry_form *form, aip_bytes value, bool recursive, path_memory *memory);
/* The same in two steps: how far the directory matches, and then one name in it, which has no globs. */
uint64_t path_begin(const path_entry_form *form, aip_bytes directory, path_memory *memory);
bool
path_touches_below(const path_entry_form *form, uint64_t begun, aip_bytes rest, bool recursive, path_memory *memory);
bool path_touches_in(const path_entry_form *form, uint64_t begun, aip_bytes name, bool recursive, path_memory *memory);
/* The components of a clean path, at most `room`; returns how many there are. */
size_t path_split(aip_bytes path, aip_bytes *out, size_t room);

/* ---- path_try.c ---- */

/* Has nothing been touched yet, within the limits? */
bool path_goes_on(const path_probe *probe);
/* A name in one of the guard's directories, as path_clean leaves it, without anything that cuts or decodings change? */
bool path_is_word(aip_bytes text);
/* `separated`: could it be anything but a name in the working directory? */
void path_try(path_probe *probe, aip_bytes text, bool backslashes, bool separated);

/* ---- path.c ---- */

AIP_MUST_CHECK aip_status path_probe_text(path_probe *probe, aip_bytes text, aip_error *err);
/* policy.path when the limits ended the search before it found anything: then it says nothing. */
AIP_MUST_CHECK aip_status path_probe_within(const path_probe *probe, aip_error *err);
void path_probe_clear(path_probe *probe);
/* Does `..` stand in the text? Alone it names the directory above, for what acts recursively. */
bool path_leads_up(aip_bytes text);

#endif
