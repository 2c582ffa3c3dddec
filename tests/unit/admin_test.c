/* The operator's socket: what it answers, and to whom it listens. */
#include "gateway/admin.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "gateway/admin_pins.h"
#include "tests/unit/check.h"
#include "tests/unit/store_file.h"

static gateway_route server = {.name = "notes"};
static gateway_settings settings;
static gateway g;
static mailroom *room;
static mailbox *box;
static admin *door;
static char socket_path[96];

static void
begin(void)
{
    const approvals_setup setup = {.audit = NULL};
    file_begin();
    snprintf(socket_path, sizeof socket_path, "%s/admin", file_directory);
    CHECK_STATUS(route_state_new(&server.state, NULL), AIP_OK);
    settings = (gateway_settings){.routes = &server, .route_count = 1};
    atomic_init(&settings.holders, 1); /* which stays, so that nothing is freed */
    g = (gateway){.settings = &settings};
    pthread_mutex_init(&g.lock, NULL);
    CHECK_STATUS(mailroom_new(&room, NULL), AIP_OK);
    CHECK_STATUS(mailroom_open_box(room, &box, NULL), AIP_OK);
    CHECK_STATUS(approvals_open(&setup, &g.approvals, NULL), AIP_OK);
    CHECK_STATUS(approvals_start(g.approvals, NULL), AIP_OK);
}

static void
end(void)
{
    admin_close(&door);
    approvals_close(&g.approvals);
    mailroom_free(&room);
    route_state_drop(&server.state);
    pthread_mutex_destroy(&g.lock);
    unlink(socket_path);
    file_end();
}

static admin_setup
setup_of(void)
{
    return (admin_setup){.path = socket_path, .gateway = &g, .store_path = file_path};
}

static void
open_door(void)
{
    const admin_setup setup = setup_of();
    CHECK_STATUS(admin_open(&setup, &door, NULL), AIP_OK);
    CHECK_STATUS(admin_start(door, NULL), AIP_OK);
}

/* Does the answer to `line` hold `wanted`? */
static bool
answers(const char *line, const char *wanted)
{
    TEXT_AUTO text_buffer out = {0};
    const admin_setup setup = setup_of();
    admin_answer(&setup, aip_bytes_of(line), "alice", &out);
    bool holds = out.size > 0 && memmem(out.data, out.size, wanted, strlen(wanted)) != NULL;
    if (!holds) {
        printf("  %s: %.*s\n", line, (int)out.size, out.data == NULL ? "" : out.data);
    }
    return holds;
}

static void
ask_for(char call)
{
    question *q = NULL;
    CHECK_STATUS(question_new(box, QUESTION_APPROVAL, AIP_BYTES_LITERAL("did:aip:leaf"), &q, NULL), AIP_OK);
    memset(q->digest, call, sizeof q->digest);
    q->approval = (policy_approval){.timeout_seconds = 60, .cooldown_seconds = 300, .prompts_per_minute = 10};
    text_append_string(&q->text, "\"name\":\"tool\"");
    CHECK_STATUS(desk_ask(approvals_desk(g.approvals), q, NULL), AIP_OK);
    for (int tries = 0; tries < 2000 && approvals_waiting(g.approvals) == 0; tries++) {
        usleep(1000);
    }
}

static void
only_id(char out[20])
{
    TEXT_AUTO text_buffer text = {0};
    approvals_append_waiting(g.approvals, &text);
    text_append(&text, (aip_bytes){(const unsigned char *)"", 1});
    const char *at = strstr(text.data, "\"id\":\"");
    snprintf(out, 17, "%s", at == NULL ? "" : at + 6);
}

static void
answered(aip_status wanted, const char *by)
{
    question *q = mailbox_take(box);
    struct pollfd descriptor = {mailbox_descriptor(box), POLLIN, 0};
    while (q == NULL && poll(&descriptor, 1, 10000) == 1) {
        mailbox_clear(box);
        q = mailbox_take(box);
    }
    CHECK(q != NULL && q->status == wanted && strcmp(q->detail, by) == 0);
    question_free(&q);
}

/* ---- what it answers ---- */

static void
what_is_no_request_is_refused_by_name(void)
{
    static const struct {
        const char *line, *code;
    } cases[] = {
        {"", "json.syntax"},
        {"hello", "json.syntax"},
        {"{\"do\":\"status\"}}", "json.trailing"},
        {"{\"do\":\"status\",\"do\":\"reload\"}", "json.duplicate"},
        {"[]", "usage"},
        {"\"status\"", "json.shape"},
        {"{}", "usage"},
        {"{\"do\":5}", "usage"},
        {"{\"do\":\"\"}", "usage"},
        {"{\"do\":\"Status\"}", "usage"},
        {"{\"do\":\"reload\"}", "usage"},
        {"{\"do\":\"approvals.show\"}", "approval.unknown"},
        {"{\"do\":\"approvals.allow\",\"id\":7}", "approval.unknown"},
        {"{\"do\":\"approvals.allow\",\"id\":\"x\",\"minutes\":\"5\"}", "usage"},
        {"{\"do\":\"approvals.allow\",\"id\":\"x\",\"minutes\":-5}", "usage"},
        {"{\"do\":\"approvals.allow\",\"id\":\"x\",\"minutes\":1.5}", "usage"},
        {"{\"do\":\"approvals.allow\",\"id\":\"x\",\"minutes\":null}", "usage"},
        {"{\"do\":\"approvals.allow\",\"id\":\"x\",\"minutes\":4294967296}", "usage"},
        {"{\"do\":\"approvals.deny\",\"id\":\"\"}", "approval.unknown"},
        {"{\"do\":\"pins.list\"}", "io"},
        {"{\"do\":\"pins.approve\",\"upstream\":\"u\",\"tool\":\"t\",\"hash\":\"\"}", "usage"},
        {"{\"do\":\"pins.forget\",\"upstream\":\"u\",\"tool\":\"t\"}", "io"},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "{\"ok\":false,\"code\":\"%s\"", cases[i].code);
        CHECK(answers(cases[i].line, wanted));
    }
    CHECK(access(file_path, F_OK) != 0);
    end();
}

static void
a_prompt_is_listed_shown_and_answered(void)
{
    char id[20], line[128];
    begin();
    CHECK(answers("{\"do\":\"approvals.list\"}", "{\"ok\":true,\"waiting\":[],\"holding\":[]}"));
    ask_for('a');
    only_id(id);
    CHECK(answers("{\"do\":\"status\"}", "\"waiting\":1,\"audit\":\"ok\""));
    CHECK(answers("{\"do\":\"status\"}", "\"upstreams\":{\"notes\":\"ok\"}"));
    snprintf(line, sizeof line, "{\"do\":\"approvals.show\",\"id\":\"%s\"}", id);
    CHECK(answers(line, "\"name\":\"tool\"}}"));
    snprintf(line, sizeof line, "{\"do\":\"approvals.allow\",\"id\":\"%s\",\"minutes\":5}", id);
    CHECK(answers(line, "{\"ok\":true}"));
    answered(AIP_OK, "alice");
    CHECK(answers(line, "approval.unknown"));
    CHECK(answers("{\"do\":\"approvals.list\"}", "\"holding\":[{\"id\":\""));
    CHECK(answers("{\"do\":\"approvals.list\"}", "\"by\":\"alice\",\"name\":\"tool\"}]"));
    snprintf(line, sizeof line, "{\"do\":\"approvals.deny\",\"id\":\"%s\"}", id);
    CHECK(answers(line, "{\"ok\":true}"));
    ask_for('a');
    only_id(id);
    snprintf(line, sizeof line, "{\"do\":\"approvals.deny\",\"id\":\"%s\"}", id);
    CHECK(answers(line, "{\"ok\":true}"));
    answered(AIP_APPROVAL_DENIED, "alice");
    end();
}

static void
a_pin_is_approved_with_the_hash_that_was_seen(void)
{
    store *s = NULL;
    pin_table table;
    pin_verdict verdict;
    pin_sight sight = {.upstream = AIP_BYTES_LITERAL("u"), .tool = AIP_BYTES_LITERAL("t")};
    char line[256], hash[65];
    begin();
    CHECK_STATUS(store_open(file_path, &s, NULL), AIP_OK);
    CHECK_STATUS(pins_open(s, &table, NULL), AIP_OK);
    CHECK_STATUS(pins_note(&table, &sight, 1, 1000, &verdict, NULL), AIP_OK);
    memset(&sight.hashes, 0xab, sizeof sight.hashes);
    CHECK_STATUS(pins_note(&table, &sight, 1, 2000, &verdict, NULL), AIP_OK);
    CHECK(verdict == PIN_CHANGED);
    CHECK(answers("{\"do\":\"pins.list\"}", "\"state\":\"changed\""));
    memset(hash, '1', 64);
    hash[64] = '\0';
    snprintf(line, sizeof line, "{\"do\":\"pins.approve\",\"upstream\":\"u\",\"tool\":\"t\",\"hash\":\"sha256:%s\"}",
             hash);
    CHECK(answers(line, "pin.unknown"));
    for (size_t i = 0; i < 64; i++) {
        hash[i] = i % 2 == 0 ? 'a' : 'b';
    }
    snprintf(line, sizeof line, "{\"do\":\"pins.approve\",\"upstream\":\"u\",\"tool\":\"t\",\"hash\":\"%s\"}", hash);
    CHECK(answers(line, "usage"));
    snprintf(line, sizeof line, "{\"do\":\"pins.approve\",\"upstream\":\"u\",\"tool\":\"t\",\"hash\":\"sha256:%s\"}",
             hash);
    CHECK(answers(line, "{\"ok\":true}"));
    CHECK(answers("{\"do\":\"pins.list\"}", "\"state\":\"approved\",\"pinned\":\"sha256:abab"));
    CHECK(answers("{\"do\":\"pins.list\"}", "\"approved_by\":\"alice\""));
    CHECK(answers("{\"do\":\"pins.forget\",\"upstream\":\"u\"}", "{\"ok\":true,\"count\":1}"));
    CHECK(answers("{\"do\":\"pins.forget\",\"upstream\":\"u\"}", "pin.unknown"));
    store_close(&s);
    end();
}

/* ---- to whom it listens ---- */

static int
connect_here(void)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    struct timeval patience = {10, 0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(where.sun_path, socket_path);
    CHECK(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    CHECK(connect(fd, (const struct sockaddr *)&where, sizeof where) == 0);
    return fd;
}

static void
put(int fd, const char *text)
{
    CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* One line, without its newline; "" when the other end closed. */
static const char *
take(int fd)
{
    static char line[512];
    size_t size = 0;
    while (size + 1 < sizeof line && recv(fd, line + size, 1, 0) == 1 && line[size] != '\n') {
        size++;
    }
    line[size] = '\0';
    return line;
}

static void
the_socket_is_for_its_owner_alone_and_goes_at_the_end(void)
{
    struct stat facts;
    begin();
    mode_t before = umask(0);
    open_door();
    umask(before);
    CHECK(lstat(socket_path, &facts) == 0 && S_ISSOCK(facts.st_mode) && (facts.st_mode & 0777) == 0600);
    admin_close(&door);
    CHECK(lstat(socket_path, &facts) != 0 && errno == ENOENT);
    end();
}

static void
a_path_that_is_taken_or_too_long_is_refused(void)
{
    char long_path[200];
    admin *second = NULL;
    admin_setup setup = setup_of();
    begin();
    setup = setup_of();
    open_door();
    CHECK_STATUS(admin_open(&setup, &second, NULL), AIP_LISTEN);
    CHECK(second == NULL && access(socket_path, F_OK) == 0);
    admin_close(&door);
    FILE *file = fopen(socket_path, "w");
    CHECK(file != NULL);
    fclose(file);
    CHECK_STATUS(admin_open(&setup, &second, NULL), AIP_CONFIG_INVALID);
    CHECK(access(socket_path, F_OK) == 0 && unlink(socket_path) == 0);
    CHECK(symlink("nowhere", socket_path) == 0);
    CHECK_STATUS(admin_open(&setup, &second, NULL), AIP_CONFIG_INVALID);
    CHECK(unlink(socket_path) == 0);
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    CHECK_STATUS(admin_check_path(long_path, NULL), AIP_CONFIG_INVALID);
    CHECK_STATUS(admin_check_path("", NULL), AIP_CONFIG_INVALID);
    CHECK_STATUS(admin_check_path("/run/aip/admin", NULL), AIP_OK);
    end();
}

static void
what_a_killed_gateway_left_is_replaced(void)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    begin();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(where.sun_path, socket_path);
    CHECK(bind(fd, (const struct sockaddr *)&where, sizeof where) == 0 && listen(fd, 1) == 0);
    close(fd);
    open_door();
    fd = connect_here();
    put(fd, "{\"do\":\"status\"}\n");
    CHECK(strstr(take(fd), "\"ok\":true") != NULL);
    close(fd);
    end();
}

static void
requests_come_in_pieces_and_in_rows(void)
{
    begin();
    open_door();
    int fd = connect_here();
    put(fd, "{\"do\":");
    usleep(20000);
    put(fd, "\"approvals.list\"}\n{\"do\":\"x\"}\n{\"do\":\"approvals.list\"}\n");
    CHECK_TEXT(take(fd), "{\"ok\":true,\"waiting\":[],\"holding\":[]}");
    CHECK(strstr(take(fd), "\"code\":\"usage\"") != NULL);
    CHECK_TEXT(take(fd), "{\"ok\":true,\"waiting\":[],\"holding\":[]}");
    close(fd);
    end();
}

static void
a_line_without_end_ends_the_conversation(void)
{
    char piece[4096];
    begin();
    open_door();
    int fd = connect_here();
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 5; i++) {
        CHECK(send(fd, piece, sizeof piece, MSG_NOSIGNAL) > 0);
    }
    CHECK(strstr(take(fd), "json.size") != NULL);
    CHECK_TEXT(take(fd), "");
    close(fd);
    end();
}

static void
more_than_eight_at_once_are_turned_away(void)
{
    int fds[8];
    begin();
    open_door();
    for (int i = 0; i < 8; i++) {
        fds[i] = connect_here();
        put(fds[i], "{\"do\":\"x\"}\n");
        CHECK(strstr(take(fds[i]), "\"ok\":false") != NULL);
    }
    int ninth = connect_here();
    CHECK_TEXT(take(ninth), "");
    close(ninth);
    close(fds[0]);
    usleep(50000);
    ninth = connect_here();
    put(ninth, "{\"do\":\"x\"}\n");
    CHECK(strstr(take(ninth), "\"ok\":false") != NULL);
    close(ninth);
    for (int i = 1; i < 8; i++) {
        close(fds[i]);
    }
    end();
}

RUN(TEST(what_is_no_request_is_refused_by_name), TEST(a_prompt_is_listed_shown_and_answered),
    TEST(a_pin_is_approved_with_the_hash_that_was_seen), TEST(the_socket_is_for_its_owner_alone_and_goes_at_the_end),
    TEST(a_path_that_is_taken_or_too_long_is_refused), TEST(what_a_killed_gateway_left_is_replaced),
    TEST(requests_come_in_pieces_and_in_rows), TEST(a_line_without_end_ends_the_conversation),
    TEST(more_than_eight_at_once_are_turned_away))
