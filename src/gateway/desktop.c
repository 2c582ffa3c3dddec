/* Desktop notifications: notify-send with fixed arguments, one at a time, never waited for. */
#include "gateway/desktop.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MICROSECONDS = 5000000, TEXT_BYTES = 256 };

static bool
has_display(void)
{
    const char *x11 = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
    return (x11 != NULL && x11[0] != '\0') || (wayland != NULL && wayland[0] != '\0');
}

/* Only absolute folders of PATH: what stands in the working directory is nobody's word. */
void
desktop_open(desktop *d, bool wanted)
{
    const char *path = getenv("PATH");
    *d = (desktop){0};
    if (!wanted || path == NULL || !has_display()) {
        return;
    }
    while (*path != '\0') {
        size_t size = strcspn(path, ":");
        int length = snprintf(d->program, sizeof d->program, "%.*s/notify-send", (int)size, path);
        if (path[0] == '/' && length > 0 && (size_t)length < sizeof d->program && access(d->program, X_OK) == 0) {
            return;
        }
        path += size + (path[size] == ':');
    }
    d->program[0] = '\0';
}

/* Notifications may read what they show as markup. */
static const char *
without_markup(const char *text, char out[TEXT_BYTES])
{
    size_t i = 0;
    for (; text[i] != '\0' && i + 1 < TEXT_BYTES; i++) {
        bool plain = text[i] >= 0x20 && text[i] < 0x7f && strchr("<>&\\", text[i]) == NULL;
        out[i] = plain ? text[i] : '?';
    }
    out[i] = '\0';
    return out;
}

/* It gets no descriptor of ours, and signals as programs expect them. */
static bool
prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *how)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    return posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDWR, 0) == 0 &&
           posix_spawn_file_actions_adddup2(files, 0, 1) == 0 && posix_spawn_file_actions_adddup2(files, 0, 2) == 0 &&
           posix_spawn_file_actions_addclosefrom_np(files, 3) == 0 && posix_spawnattr_setsigmask(how, &none) == 0 &&
           posix_spawnattr_setsigdefault(how, &all) == 0 &&
           posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0;
}

static pid_t
run(const char *program, char *const words[])
{
    pid_t pid = 0;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    if (!prepare(&files, &how) || posix_spawn(&pid, program, &files, &how, words, environ) != 0) {
        pid = 0;
    }
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

void
desktop_tell(desktop *d, const char *title, const char *text, uint64_t now)
{
    char title_room[TEXT_BYTES], text_room[TEXT_BYTES];
    if (d->program[0] == '\0' || desktop_tick(d, now)) {
        return;
    }
    const char *words[] = {"notify-send", "--app-name=aip-gateway",          "--urgency=critical",
                           "--",          without_markup(title, title_room), without_markup(text, text_room),
                           NULL};
    d->running = run(d->program, (char *const *)(uintptr_t)words);
    d->deadline = now + PATIENCE_MICROSECONDS;
}

bool
desktop_tick(desktop *d, uint64_t now)
{
    if (d->running == 0) {
        return false;
    }
    if (now >= d->deadline) {
        kill(d->running, SIGKILL);
    }
    if (waitpid(d->running, NULL, WNOHANG) != 0) {
        d->running = 0;
    }
    return d->running != 0;
}

void
desktop_close(desktop *d)
{
    if (d->running != 0) {
        kill(d->running, SIGKILL);
        (void)waitpid(d->running, NULL, 0);
        d->running = 0;
    }
}
