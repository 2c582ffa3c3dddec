/* The identities thread from a shard's side: bounded lines, answers to the mailbox that asked, and nothing lost at the
 * end. No network: names that carry their key, and hosts that nobody admitted. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "gateway/identities.h"
#include "gateway/mail.h"
#include "gateway/own.h"
#include "net/loop.h"

enum { LINE = 1024, LOG_LINE = 64, PATIENCE_MILLISECONDS = 10000 };

static const char self_name[] = "did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd";
static const char web_name[] = "did:web:nobody.example";

typedef struct {
    char folder[64], path[80];
    identities *ids;
    mailroom *room;
    mailbox *box;
} subject;

static desk *door; /* of the subject that is open */

static subject
open_subject(void)
{
    subject s = {.folder = "/tmp/aip-identities.XXXXXX"};
    CHECK(mkdtemp(s.folder) != NULL);
    snprintf(s.path, sizeof s.path, "%s/db", s.folder);
    CHECK_STATUS(net_start_library(NULL), AIP_OK);
    static const aip_trust nobody = {NULL, 0, NULL, 0, NULL};
    const identities_setup setup = {.store_path = s.path, .trust = &nobody};
    CHECK_STATUS(identities_open(&setup, &s.ids, NULL), AIP_OK);
    CHECK_STATUS(mailroom_new(&s.room, NULL), AIP_OK);
    CHECK_STATUS(mailroom_open_box(s.room, &s.box, NULL), AIP_OK);
    door = identities_desk(s.ids);
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

static aip_status
ask(mailbox *box, question_kind kind, const char *name, question **out)
{
    AIP_TRY(question_new(box, kind, aip_bytes_of(name), out, NULL));
    aip_status status = desk_ask(door, *out, NULL);
    if (status != AIP_OK) {
        *out = NULL; /* freed */
    }
    return status;
}

/* The next answer; NULL: none came. */
static question *
wait_for(mailbox *box)
{
    question *q = mailbox_take(box);
    struct pollfd descriptor = {mailbox_descriptor(box), POLLIN, 0};
    while (q == NULL && poll(&descriptor, 1, PATIENCE_MILLISECONDS) == 1) {
        mailbox_clear(box);
        q = mailbox_take(box);
    }
    return q;
}

static aip_status
remembered(subject *s, const char *name, memory_state *state)
{
    aip_public_key key;
    const identity_query query = {{NULL, 0}, DID_USE_DELEGATION, clock_now_seconds()};
    return identity_memory_find_key(identities_memory(s->ids), aip_bytes_of(name), &query, query.time, &key, state,
                                    NULL);
}

static void
a_full_line_refuses_and_what_is_in_it_is_freed_at_the_end(void)
{
    subject s = open_subject();
    question *q = NULL;
    for (size_t i = 0; i < LINE; i++) {
        CHECK_STATUS(ask(s.box, QUESTION_IDENTITY, self_name, &q), AIP_OK);
    }
    CHECK_STATUS(ask(s.box, QUESTION_IDENTITY, self_name, &q), AIP_OVERLOADED);
    CHECK(q == NULL);
    CHECK(mailbox_take(s.box) == NULL);
    close_subject(&s);
}

static void
a_question_that_nobody_answered_is_no_good_answer(void)
{
    subject s = open_subject();
    question *q = NULL;
    CHECK_STATUS(question_new(s.box, QUESTION_NONCE, aip_bytes_of(self_name), &q, NULL), AIP_OK);
    CHECK(q != NULL && q->status != AIP_OK);
    question_free(&q);
    close_subject(&s);
}

static void
who_asks_for_logs_has_a_short_line_of_their_own(void)
{
    subject s = open_subject();
    question *q = NULL;
    for (size_t i = 0; i < LOG_LINE; i++) {
        CHECK_STATUS(ask(s.box, QUESTION_LOG, self_name, &q), AIP_OK);
    }
    CHECK_STATUS(ask(s.box, QUESTION_LOG, self_name, &q), AIP_OVERLOADED);
    CHECK_STATUS(ask(s.box, QUESTION_IDENTITY, self_name, &q), AIP_OK);
    close_subject(&s);
}

static void
a_name_that_is_empty_or_too_long_is_not_asked_for(void)
{
    subject s = open_subject();
    char name[AIP_IDENTIFIER_BYTES_MAX + 2];
    question *q = NULL;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_STATUS(ask(s.box, QUESTION_IDENTITY, name, &q), AIP_DID_INVALID);
    CHECK_STATUS(ask(s.box, QUESTION_IDENTITY, "", &q), AIP_DID_INVALID);
    name[AIP_IDENTIFIER_BYTES_MAX] = '\0';
    CHECK_STATUS(ask(s.box, QUESTION_IDENTITY, name, &q), AIP_OK);
    close_subject(&s);
}

static void
an_answer_stands_in_the_memory_and_comes_to_the_mailbox_that_asked(void)
{
    subject s = open_subject();
    mailbox *other = NULL;
    question *asked = NULL, *also = NULL;
    memory_state state = MEMORY_KNOWN;
    CHECK_STATUS(mailroom_open_box(s.room, &other, NULL), AIP_OK);
    CHECK_STATUS(remembered(&s, self_name, &state), AIP_DID_PENDING);
    CHECK_STATUS(identities_start(s.ids, NULL), AIP_OK);
    CHECK_STATUS(ask(s.box, QUESTION_IDENTITY, self_name, &asked), AIP_OK);
    CHECK_STATUS(ask(other, QUESTION_IDENTITY, self_name, &also), AIP_OK);
    question *came = wait_for(s.box), *beside = wait_for(other);
    CHECK(came == asked && beside == also);
    CHECK_STATUS(remembered(&s, self_name, &state), AIP_OK);
    CHECK(state == MEMORY_KNOWN);
    question_free(&came);
    question_free(&beside);
    close_subject(&s);
}

static void
a_refusal_stands_in_the_memory_too(void)
{
    subject s = open_subject();
    question *q = NULL;
    memory_state state = MEMORY_UNKNOWN;
    CHECK_STATUS(identities_start(s.ids, NULL), AIP_OK);
    CHECK_STATUS(ask(s.box, QUESTION_IDENTITY, web_name, &q), AIP_OK);
    question *came = wait_for(s.box);
    CHECK(came != NULL && came == q);
    CHECK_STATUS(remembered(&s, web_name, &state), AIP_DID_NOT_ADMITTED);
    CHECK(state == MEMORY_REFUSED);
    question_free(&came);
    close_subject(&s);
}

static void
a_log_that_nobody_knows_is_not_found(void)
{
    subject s = open_subject();
    question *q = NULL;
    CHECK_STATUS(identities_start(s.ids, NULL), AIP_OK);
    CHECK_STATUS(ask(s.box, QUESTION_LOG, self_name, &q), AIP_OK);
    question *came = wait_for(s.box);
    CHECK(came != NULL && came == q);
    if (came != NULL) {
        CHECK_STATUS(came->status, AIP_DID_NOT_FOUND);
        CHECK(came->text.size == 0);
    }
    question_free(&came);
    close_subject(&s);
}

static void
a_thousand_questions_of_two_kinds_are_all_answered(void)
{
    subject s = open_subject();
    question *q = NULL;
    size_t came = 0, wanted = 0;
    CHECK_STATUS(identities_start(s.ids, NULL), AIP_OK);
    for (size_t i = 0; i < LINE; i++) {
        wanted += ask(s.box, i % 16 == 0 ? QUESTION_LOG : QUESTION_IDENTITY, self_name, &q) == AIP_OK;
    }
    CHECK(wanted > LINE / 2);
    while (came < wanted && (q = wait_for(s.box)) != NULL) {
        question_free(&q);
        came++;
    }
    CHECK(came == wanted);
    CHECK_STATUS(ask(s.box, QUESTION_LOG, self_name, &q), AIP_OK); /* their places are free again */
    close_subject(&s);
}

static void
a_store_that_is_no_database_does_not_open(void)
{
    identities *ids = NULL;
    const identities_setup none = {.store_path = "/nowhere/at/all"}, folder = {.store_path = "/tmp"};
    CHECK_STATUS(identities_open(&none, &ids, NULL), AIP_STORE_UNAVAILABLE);
    CHECK(ids == NULL);
    CHECK(identities_open(&folder, &ids, NULL) != AIP_OK);
    CHECK(ids == NULL);
}

static void
a_public_url_is_one_of_a_public_host_alone(void)
{
    static const char *const bad[] = {"",
                                      "gw.example",
                                      "http://gw.example",
                                      "https://",
                                      "https://gw",
                                      "https://localhost",
                                      "https://127.0.0.1",
                                      "https://[::1]",
                                      "https://GW.example",
                                      "https://gw.example/path",
                                      "https://gw.example:0",
                                      "https://gw.example:65536",
                                      "https://gw.example:",
                                      "https://gw.example:1:2",
                                      "https://gw.example%3A1",
                                      "https://user@gw.example",
                                      "https://gw.example?x",
                                      "https://gw.example#x",
                                      "https://gw.example ",
                                      "https://gw.example:did"};
    unsigned char seed[AIP_SEED_BYTES] = {1};
    aip_secret_key *key = NULL;
    aip_key_owner owner;
    own_identity own;
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    aip_key_owner_of(aip_secret_key_public(key), &owner);
    own_setup setup = {.owner = &owner, .key = aip_secret_key_public(key), .path = "/mcp"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setup.public_url = bad[i];
        CHECK_STATUS(own_identity_load(&setup, &own, NULL), AIP_CONFIG_INVALID);
        CHECK(own.did[0] == '\0' && own.document.size == 0);
    }
    setup.public_url = "https://gw.example:8443";
    CHECK_STATUS(own_identity_load(&setup, &own, NULL), AIP_OK);
    CHECK(memmem(own.document.data, own.document.size, "\"did:web:gw.example%3A8443\"", 26) != NULL);
    CHECK(memmem(own.document.data, own.document.size, "AIPKeyLog", 9) == NULL);
    own_identity_clear(&own);
    aip_secret_key_free(&key);
}

RUN(TEST(a_full_line_refuses_and_what_is_in_it_is_freed_at_the_end),
    TEST(a_question_that_nobody_answered_is_no_good_answer), TEST(who_asks_for_logs_has_a_short_line_of_their_own),
    TEST(a_name_that_is_empty_or_too_long_is_not_asked_for),
    TEST(an_answer_stands_in_the_memory_and_comes_to_the_mailbox_that_asked), TEST(a_refusal_stands_in_the_memory_too),
    TEST(a_log_that_nobody_knows_is_not_found), TEST(a_thousand_questions_of_two_kinds_are_all_answered),
    TEST(a_store_that_is_no_database_does_not_open), TEST(a_public_url_is_one_of_a_public_host_alone))
