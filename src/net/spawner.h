/* The process that starts the gateway's children, reaps them, and ends them all when the gateway ends. */
#ifndef NET_SPAWNER_H
#define NET_SPAWNER_H

#include "base/text.h"

typedef struct spawner spawner; /* may be used by several threads at once */

/* Forks a process of its own for this, which has one thread, no secret and no descriptor of ours, and lives as long as
 * this process. So it must be called before the first thread, before keys are read, and before what children must not
 * inherit. A child's parent-death signal thus hangs on no thread of ours; SIGKILL of the gateway ends each child's
 * whole group; and orphans that a child leaves are reaped there, also in a container where the gateway is process 1.
 * Sets SIGPIPE to be ignored. Errors: io, memory. */
AIP_MUST_CHECK aip_status spawner_open(spawner **out, aip_error *err);
/* Kills the groups of all children and waits until they are reaped, which is soon. */
void spawner_close(spawner **s);

typedef struct {
    const char *const *arguments; /* the command first, looked up in the child's PATH; NULL at the end */
    const char *const *pass;      /* names of variables of ours that the child gets as well; NULL: none */
    const char *const *set;       /* `NAME=value`, in place of what it would get; NULL: none */
    const char *directory;        /* to work in; NULL: ours */
} spawner_command;

/* Packs the command with its environment, to be started often. The child gets PATH, HOME, LANG, LC_*, TZ, TMPDIR, USER,
 * LOGNAME, SHELL and TERM of ours, what `pass` names and what `set` says; nothing else.
 * Errors: config.invalid, memory. */
AIP_MUST_CHECK aip_status spawner_pack(const spawner_command *command, text_buffer *out, aip_error *err);

/* What is told through the descriptor that spawner_start gives, one word a message. */
typedef enum {
    SPAWNER_STARTED = 1, /* value: its process id, which is its group's as well */
    SPAWNER_FAILED,      /* value: errno; the last word */
    SPAWNER_ENDED,       /* value: as waitpid gives it; its group is killed; the last word */
} spawner_kind;

typedef struct {
    int32_t kind, value;
} spawner_word;

/* Sends the order to start a child with these ends as its stdin, stdout and stderr; does not wait. *control,
 * close-on-exec and non-blocking, gives words, and its end if the spawner is gone; when it is closed the child's group
 * is killed. Errors: io. */
AIP_MUST_CHECK aip_status spawner_start(const spawner *s, aip_bytes order, const int ends[3], int *control,
                                        aip_error *err);
/* Sends SIGTERM or SIGKILL to the child's group. */
void spawner_signal(int control, int signal_number);

#endif
