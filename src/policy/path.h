/* Protected paths: does a text of a call name a protected file or directory, however it is spelled? By component, after
 * every decoding (policy-compatibility section 3). */
#ifndef POLICY_PATH_H
#define POLICY_PATH_H

#include "base/scan.h"

#define PATH_NONE SIZE_MAX

typedef struct path_guard path_guard; /* the protected entries, compiled; immutable, shared between threads */

typedef struct {
    const char *home;            /* absolute, of `~` and $HOME; NULL: `~` is an ordinary name */
    const char *directory;       /* absolute, the gateway's working directory, for relative texts */
    const char *child_directory; /* absolute, that of the server behind, when it is another one; or NULL */
    bool real;                   /* the server shares this file system: follow its symbolic links */
    size_t own_entries; /* so many at the end of the entries are not for as_peer: a name alone does not touch them */
    bool as_peer; /* the peer's looser rules as well: an entry anywhere within a text, and equal last components */
} path_setting;

/* `entries[count]` as a policy lists them: absolute, relative or from `~` on; globs `*`, `?`, `[…]` and, as a
 * component,
 * `**`. All are copied. Errors: config.invalid with the entry's index as err->offset (empty, or without an absolute
 * directory to stand in), memory. */
AIP_MUST_CHECK aip_status path_guard_new(const char *const *entries, size_t count, const path_setting *setting,
                                         path_guard **out, aip_error *err);
void path_guard_free(path_guard **guard);

/* *entry becomes the index of an entry that the text touches, or PATH_NONE. `recursive`: the call may act on all below
 * what it names, so that directories above an entry touch it, too. Errors: policy.path (more could be paths than the
 * limits let be looked at), memory (then refuse). */
AIP_MUST_CHECK aip_status path_guard_check(const path_guard *guard, aip_bytes text, bool recursive, size_t *entry,
                                           aip_error *err);

/* The same for every string and every member name within `node`, at any depth; members of one object are joined, too,
 * as directory and file. Give the whole `params`. */
AIP_MUST_CHECK aip_status path_guard_check_value(const path_guard *guard, const scan_document *document, uint32_t node,
                                                 bool recursive, size_t *entry, aip_error *err);

#endif
