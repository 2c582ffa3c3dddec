/* Terms of the identities thread that are replaced while it runs: each is let go of once, and never while in use. */
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "gateway/identities.h"
#include "gateway/mail.h"
#include "net/loop.h"

static const aip_trust nobody = {NULL, 0, NULL, 0, NULL};
static const char *const first_hosts[] = {"first.example"};
static atomic_int released;

typedef struct {
    char folder[64], path[80];
    identities *ids;
    mailroom *room;
    mailbox *box;
} subject;

static subject
open_subject(void)
{
    subject s = {.folder = "/tmp/aip-terms.XXXXXX"};
    CHECK(mkdtemp(s.folder) != NULL);
    snprintf(s.path, sizeof s.path, "%s/db", s.folder);
    CHECK_STATUS(net_start_library(NULL), AIP_OK);
    const identities_setup setup = {.store_path = s.path, .trust = &nobody, .hosts = first_hosts, .host_count = 1};
    CHECK_STATUS(identities_open(&setup, &s.ids, NULL), AIP_OK);
    CHECK_STATUS(mailroom_new(&s.room, NULL), AIP_OK);
    CHECK_STATUS(mailroom_open_box(s.room, &s.box, NULL), AIP_OK);
    atomic_store(&released, 0);
    return s;
}

static void
close_subject(subject *s)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[96];
    identities_close(&s->ids);
    mailroom_free(&s->room);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(path, sizeof path, "%s%s", s->path, ends[i]);
        (void)unlink(path);
    }
    CHECK(rmdir(s->folder) == 0);
}

/* Hosts that are poisoned when they are let go of. */
typedef struct {
    char host[32];
    const char *list[1];
} held_hosts;

static void
release(void *held)
{
    held_hosts *hosts = held;
    memset(hosts, 0, sizeof *hosts);
    free(hosts);
    atomic_fetch_add(&released, 1);
}

static aip_status
renew(identities *ids, const char *host)
{
    held_hosts *hosts = calloc(1, sizeof *hosts);
    snprintf(hosts->host, sizeof hosts->host, "%s", host);
    hosts->list[0] = hosts->host;
    const identities_terms terms = {&nobody, hosts->list, 1, hosts, release};
    return identities_renew(ids, &terms, NULL);
}

/* What the memory says of the name when the thread has answered. */
static aip_status
ask(subject *s, const char *name)
{
    question *q = NULL;
    struct pollfd came = {mailbox_descriptor(s->box), POLLIN, 0};
    memory_state state = MEMORY_UNKNOWN;
    aip_public_key key;
    const identity_query query = {{NULL, 0}, DID_USE_DELEGATION, clock_now_seconds()};
    CHECK_STATUS(question_new(s->box, QUESTION_IDENTITY, aip_bytes_of(name), &q, NULL), AIP_OK);
    CHECK_STATUS(desk_ask(identities_desk(s->ids), q, NULL), AIP_OK);
    CHECK(poll(&came, 1, 20000) == 1);
    mailbox_clear(s->box);
    q = mailbox_take(s->box);
    question_free(&q);
    return identity_memory_find_key(identities_memory(s->ids), aip_bytes_of(name), &query, query.time, &key, &state,
                                    NULL);
}

static void
terms_are_let_go_of_once_each(void)
{
    subject s = open_subject();
    CHECK_STATUS(identities_start(s.ids, NULL), AIP_OK);
    for (int i = 0; i < 200; i++) {
        CHECK_STATUS(renew(s.ids, "*.example"), AIP_OK);
        if (i % 50 == 0) {
            (void)ask(&s, "did:web:other.test");
        }
    }
    CHECK(atomic_load(&released) >= 198 && atomic_load(&released) < 200);
    close_subject(&s);
    CHECK(atomic_load(&released) == 200);
}

static void
terms_of_a_thread_that_never_ran_are_let_go_of_too(void)
{
    subject s = open_subject();
    CHECK_STATUS(renew(s.ids, "a.example"), AIP_OK);
    CHECK_STATUS(renew(s.ids, "b.example"), AIP_OK);
    CHECK(atomic_load(&released) == 1);
    close_subject(&s);
    CHECK(atomic_load(&released) == 2);
}

static void
a_host_that_is_no_pattern_changes_nothing(void)
{
    subject s = open_subject();
    CHECK_STATUS(identities_start(s.ids, NULL), AIP_OK);
    CHECK_STATUS(renew(s.ids, "a b"), AIP_CONFIG_INVALID);
    CHECK(atomic_load(&released) == 1);
    close_subject(&s);
    CHECK(atomic_load(&released) == 1);
}

static void
hosts_that_came_are_admitted_and_those_that_left_are_not(void)
{
    subject s = open_subject();
    CHECK_STATUS(identities_start(s.ids, NULL), AIP_OK);
    CHECK_STATUS(ask(&s, "did:web:nobody.invalid"), AIP_DID_NOT_ADMITTED);
    CHECK_STATUS(renew(s.ids, "nobody.invalid"), AIP_OK);
    CHECK(ask(&s, "did:web:nobody.invalid:again") != AIP_DID_NOT_ADMITTED);
    CHECK_STATUS(renew(s.ids, "first.example"), AIP_OK);
    CHECK_STATUS(ask(&s, "did:web:nobody.invalid:third"), AIP_DID_NOT_ADMITTED);
    close_subject(&s);
}

RUN(TEST(terms_are_let_go_of_once_each), TEST(terms_of_a_thread_that_never_ran_are_let_go_of_too),
    TEST(a_host_that_is_no_pattern_changes_nothing), TEST(hosts_that_came_are_admitted_and_those_that_left_are_not))
