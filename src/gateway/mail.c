/* Mailboxes and desks: lists under short locks, and an eventfd to wake the other side. */
#include "gateway/mail.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

enum { UNRUNG_MAX = 8 };

struct mailbox {
    int fd;
    pthread_mutex_t lock; /* of the next one */
    question_list answered;
    mailbox *next;
    bool gathers;             /* the shard's, as the next two */
    desk *unrung[UNRUNG_MAX]; /* asked, but not told */
    size_t unrung_count;
};

struct mailroom {
    pthread_mutex_t lock; /* of the next one */
    mailbox *boxes;
};

struct desk {
    int fd;
    const size_t *most;
    pthread_mutex_t lock; /* of the next two */
    question_list asked[QUESTION_KINDS];
    size_t waiting[QUESTION_KINDS]; /* asked and not answered yet */
    size_t open;                    /* all of them */
    uint64_t moved_microseconds;    /* when something was taken, answered, or asked of an idle thread */
};

static void
ring(int fd)
{
    uint64_t one = 1;
    (void)!write(fd, &one, sizeof one); /* fails only when it rings already */
}

static void
hush(int fd)
{
    uint64_t rung;
    (void)!read(fd, &rung, sizeof rung);
}

static aip_status
open_bell(int *out, aip_error *err)
{
    *out = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return *out < 0 ? aip_fail(err, AIP_IO, "eventfd: %s", strerror(errno)) : AIP_OK;
}

/* ---- mailboxes ---- */

aip_status
mailroom_new(mailroom **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    pthread_mutex_init(&(*out)->lock, NULL);
    return AIP_OK;
}

void
mailroom_free(mailroom **room)
{
    if (*room == NULL) {
        return;
    }
    while ((*room)->boxes != NULL) {
        mailbox *box = (*room)->boxes;
        (*room)->boxes = box->next;
        question_list_free(&box->answered);
        pthread_mutex_destroy(&box->lock);
        close(box->fd);
        free(box);
    }
    pthread_mutex_destroy(&(*room)->lock);
    free(*room);
    *room = NULL;
}

aip_status
mailroom_open_box(mailroom *room, mailbox **out, aip_error *err)
{
    *out = NULL;
    mailbox *box = calloc(1, sizeof *box);
    if (box == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = open_bell(&box->fd, err);
    if (status != AIP_OK) {
        free(box);
        return status;
    }
    pthread_mutex_init(&box->lock, NULL);
    pthread_mutex_lock(&room->lock);
    box->next = room->boxes;
    room->boxes = box;
    pthread_mutex_unlock(&room->lock);
    *out = box;
    return AIP_OK;
}

int
mailbox_descriptor(const mailbox *box)
{
    return box->fd;
}

void
mailbox_clear(const mailbox *box)
{
    hush(box->fd);
}

question *
mailbox_take(mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    question *q = question_list_take(&box->answered);
    pthread_mutex_unlock(&box->lock);
    return q;
}

void
mailbox_gather(mailbox *box)
{
    box->gathers = true;
}

void
mailbox_ring_desks(mailbox *box)
{
    for (size_t i = 0; i < box->unrung_count; i++) {
        ring(box->unrung[i]->fd);
    }
    box->unrung_count = 0;
}

/* False: it is to be rung at once. */
static bool
ring_later(mailbox *box, desk *d)
{
    if (box == NULL || !box->gathers) {
        return false;
    }
    for (size_t i = 0; i < box->unrung_count; i++) {
        if (box->unrung[i] == d) {
            return true;
        }
    }
    if (box->unrung_count == UNRUNG_MAX) {
        return false;
    }
    box->unrung[box->unrung_count++] = d;
    return true;
}

question *
mailroom_take(mailroom *room)
{
    question *found = NULL;
    pthread_mutex_lock(&room->lock);
    for (mailbox *box = room->boxes; box != NULL && found == NULL; box = box->next) {
        found = mailbox_take(box);
    }
    pthread_mutex_unlock(&room->lock);
    return found;
}

static void
post(question *q)
{
    mailbox *home = q->home; /* `q` is the shard's, and may be gone, as soon as the lock is */
    pthread_mutex_lock(&home->lock);
    bool first = home->answered.first == NULL;
    question_list_add(&home->answered, q);
    pthread_mutex_unlock(&home->lock);
    if (first) { /* for the others it rings already */
        ring(home->fd);
    }
}

/* ---- desks ---- */

aip_status
desk_new(const size_t most[QUESTION_KINDS], desk **out, aip_error *err)
{
    desk *d = calloc(1, sizeof *d);
    *out = NULL;
    if (d == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = open_bell(&d->fd, err);
    if (status != AIP_OK) {
        free(d);
        return status;
    }
    d->most = most;
    pthread_mutex_init(&d->lock, NULL);
    *out = d;
    return AIP_OK;
}

void
desk_free(desk **d)
{
    if (*d == NULL) {
        return;
    }
    for (int kind = 0; kind < QUESTION_KINDS; kind++) {
        question_list_free(&(*d)->asked[kind]);
    }
    pthread_mutex_destroy(&(*d)->lock);
    close((*d)->fd);
    free(*d);
    *d = NULL;
}

aip_status
desk_ask(desk *d, question *q, aip_error *err)
{
    mailbox *home = q->home; /* `q` may be answered and gone as soon as the lock is */
    pthread_mutex_lock(&d->lock);
    bool taken = d->waiting[q->kind] < d->most[q->kind];
    if (taken) {
        d->waiting[q->kind]++;
        d->moved_microseconds = d->open++ == 0 ? clock_monotonic_microseconds() : d->moved_microseconds;
        question_list_add(&d->asked[q->kind], q);
    }
    pthread_mutex_unlock(&d->lock);
    if (!taken) {
        question_free(&q);
        return aip_fail(err, AIP_OVERLOADED, "too many requests wait for the database");
    }
    if (!ring_later(home, d)) {
        ring(d->fd);
    }
    return AIP_OK;
}

uint64_t
desk_stalled(desk *d, uint64_t now_microseconds)
{
    pthread_mutex_lock(&d->lock);
    bool still = d->open > 0 && now_microseconds > d->moved_microseconds;
    uint64_t since = still ? now_microseconds - d->moved_microseconds : 0;
    pthread_mutex_unlock(&d->lock);
    return since;
}

int
desk_descriptor(const desk *d)
{
    return d->fd;
}

void
desk_clear(const desk *d)
{
    hush(d->fd);
}

void
desk_ring(const desk *d)
{
    ring(d->fd);
}

question *
desk_take(desk *d, question_kind kind)
{
    pthread_mutex_lock(&d->lock);
    question *q = question_list_take(&d->asked[kind]);
    d->moved_microseconds = q == NULL ? d->moved_microseconds : clock_monotonic_microseconds();
    pthread_mutex_unlock(&d->lock);
    return q;
}

bool
desk_has(desk *d, question_kind kind)
{
    pthread_mutex_lock(&d->lock);
    bool any = d->asked[kind].first != NULL;
    pthread_mutex_unlock(&d->lock);
    return any;
}

void
desk_put_back(desk *d, question *q)
{
    pthread_mutex_lock(&d->lock);
    question_list_add(&d->asked[q->kind], q);
    pthread_mutex_unlock(&d->lock);
    ring(d->fd);
}

void
desk_answer(desk *d, question *q)
{
    pthread_mutex_lock(&d->lock);
    d->waiting[q->kind]--;
    d->open--;
    d->moved_microseconds = clock_monotonic_microseconds();
    pthread_mutex_unlock(&d->lock);
    if (q->unheard) {
        question_free(&q); /* a shard that was woken for it would find nothing to do */
    } else {
        post(q);
    }
}
