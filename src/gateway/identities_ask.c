/* The shards' side of the identities thread: asking, and taking what was answered. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/identities_inside.h"

enum {
    WAITING_MAX = 1024, /* requests that wait for an identity */
    NONCES_WAITING_MAX = 8192,
    OPEN_WAITING_MAX = 64, /* anyone may ask for these, so they have small queues of their own */
};

void
identities_ring(int fd)
{
    uint64_t one = 1;
    (void)!write(fd, &one, sizeof one); /* fails only when it rings already */
}

void
identities_hush(int fd)
{
    uint64_t rung;
    (void)!read(fd, &rung, sizeof rung);
}

aip_status
identities_question(mailbox *home, question_kind kind, aip_bytes name, question **out, aip_error *err)
{
    return question_new(home, kind, name, out, err);
}

aip_status
identities_ask(question *q, aip_error *err)
{
    static const size_t most[QUESTION_KINDS] = {
        [QUESTION_IDENTITY] = WAITING_MAX,     [QUESTION_LOG] = OPEN_WAITING_MAX,
        [QUESTION_NONCE] = NONCES_WAITING_MAX, [QUESTION_REVOKE] = OPEN_WAITING_MAX,
        [QUESTION_REVOKED] = OPEN_WAITING_MAX, [QUESTION_JUDGED] = OPEN_WAITING_MAX,
    };
    identities *ids = q->home->owner;
    pthread_mutex_lock(&ids->lock);
    bool taken = ids->waiting[q->kind] < most[q->kind];
    if (taken) {
        ids->waiting[q->kind]++;
        question_list_add(&ids->asked[q->kind], q);
    }
    pthread_mutex_unlock(&ids->lock);
    if (!taken) {
        question_free(&q);
        return aip_fail(err, AIP_OVERLOADED, "too many requests wait for the database");
    }
    identities_ring(ids->wake_fd);
    return AIP_OK;
}

aip_status
identities_mailbox(identities *ids, mailbox **out, aip_error *err)
{
    mailbox *box = calloc(1, sizeof *box);
    *out = NULL;
    if (box == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    box->owner = ids;
    box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (box->fd < 0) {
        free(box);
        return aip_fail(err, AIP_IO, "eventfd: %s", strerror(errno));
    }
    pthread_mutex_lock(&ids->lock);
    box->next = ids->boxes;
    ids->boxes = box;
    pthread_mutex_unlock(&ids->lock);
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
    identities_hush(box->fd);
}

question *
mailbox_take(mailbox *box)
{
    pthread_mutex_lock(&box->owner->lock);
    question *l = question_list_take(&box->answered);
    pthread_mutex_unlock(&box->owner->lock);
    return l;
}

nonce_memory *
identities_nonces(identities *ids)
{
    return ids->kept.nonces;
}

revoked_memory *
identities_revoked(identities *ids)
{
    return ids->kept.revoked;
}

aip_status
identities_check_lists(const identities *ids, aip_error *err)
{
    return pulling_check(ids->pulling, clock_now_seconds(), err);
}

identity_memory *
identities_memory(identities *ids)
{
    return ids->memory;
}
