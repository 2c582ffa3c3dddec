/* aip-did handshake: two parties prove their identities to each other, one line a message on stdin and stdout. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/did_verbs.h"
#include "cli/keys.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "did/handshake.h"

#define LINE_BYTES_MAX 4096 /* the longest message is below 1 KiB */
#define DEFAULT_TTL_SECONDS 60

typedef struct {
    const char *key_file, *passphrase_file, *own, *peer, *ttl;
    lookup_options lookup;
    bool offline, json;
} handshake_options;

/* Who takes part: this side's key, and how the other side's is found. */
typedef struct {
    const handshake_options *options;
    aip_secret_key *key;
    aip_key_owner owner;
    lookup *lookup;
    handshake h;
    char peer[AIP_IDENTIFIER_BYTES_MAX + 1];
} party;

/* Waits for a byte on standard input; `deadline` in epoch seconds, 0: none. */
static aip_status
wait_for_input(int64_t deadline, aip_error *err)
{
    for (;;) {
        int64_t left = deadline - clock_now_seconds();
        if (deadline != 0 && left <= 0) {
            return aip_fail(err, AIP_HANDSHAKE_EXPIRED, "the other party did not answer in time");
        }
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        int ready = poll(&input, 1, deadline == 0 ? -1 : (int)left * 1000);
        if (ready < 0 && errno != EINTR) {
            return aip_fail(err, AIP_IO, "standard input: %s", strerror(errno));
        }
        if (ready > 0) {
            return AIP_OK;
        }
    }
}

/* One line without its end, byte by byte, so that nothing beyond it is taken. */
static aip_status
read_line(int64_t deadline, char line[LINE_BYTES_MAX], aip_bytes *out, aip_error *err)
{
    for (size_t size = 0; size < LINE_BYTES_MAX;) {
        AIP_TRY(wait_for_input(deadline, err));
        ssize_t got = read(STDIN_FILENO, line + size, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return aip_fail(err, AIP_IO, "standard input: %s", strerror(errno));
        }
        if (got == 0) {
            return aip_fail(err, AIP_HANDSHAKE_MALFORMED, "standard input ended");
        }
        if (line[size] == '\n') {
            *out = (aip_bytes){(unsigned char *)line, size};
            return AIP_OK;
        }
        size++;
    }
    return aip_fail(err, AIP_HANDSHAKE_MALFORMED, "the line is too long");
}

static aip_status
check_peer(party *p, const char *name, aip_error *err)
{
    memcpy(p->peer, name, strlen(name) + 1);
    if (p->options->peer != NULL && strcmp(p->options->peer, name) != 0) {
        return aip_fail(err, AIP_HANDSHAKE_PEER, NULL);
    }
    return AIP_OK;
}

/* The key file's identity, unless another name has published the key. */
static const char *
own_name(const party *p)
{
    return p->options->own != NULL ? p->options->own : p->owner.did;
}

/* A default cache is made only for a name whose keys may come from a host. */
static aip_status
open_lookup(party *p, const char *name, aip_error *err)
{
    const handshake_options *o = p->options;
    bool published = strncmp(name, "did:web:", 8) == 0 || o->lookup.sources.count > 0;
    const lookup_manner manner = {
        .program = DID_PROGRAM, .fetches = !o->offline, .remembers = published && !o->offline};
    return p->lookup != NULL ? AIP_OK : lookup_open(&o->lookup, &manner, &p->lookup, err);
}

/* The other party's key of today, by its identifier. */
static aip_status
find_peer_key(party *p, aip_public_key *out, aip_error *err)
{
    LOOKUP_ANSWER_AUTO lookup_answer answer = {.id = NULL};
    AIP_TRY(lookup_resolve(p->lookup, aip_bytes_of(p->peer), NULL, &answer, err));
    return identity_current_key(answer.id, DID_USE_AUTHENTICATION, clock_now_seconds(), out, err);
}

static aip_status
start(party *p, aip_error *err)
{
    TEXT_AUTO text_buffer offer = {0}, confirmation = {0};
    char line[LINE_BYTES_MAX];
    aip_bytes response;
    unsigned char signature[AIP_SIGNATURE_BYTES];
    aip_public_key key;
    int64_t seconds = DEFAULT_TTL_SECONDS;
    if (p->options->ttl != NULL) {
        AIP_TRY(options_parse_duration(p->options->ttl, &seconds, err));
    }
    AIP_TRY(handshake_offer(own_name(p), clock_now_seconds(), seconds, &p->h, &offer, err));
    AIP_TRY(options_print(&offer, err));
    AIP_TRY(read_line(p->h.expires, line, &response, err));
    AIP_TRY(handshake_read_response(&p->h, response, clock_now_seconds(), signature, err));
    AIP_TRY(check_peer(p, p->h.responder, err));
    AIP_TRY(find_peer_key(p, &key, err));
    AIP_TRY(handshake_check_response(&p->h, &key, signature, err));
    AIP_TRY(handshake_confirm(&p->h, p->key, &confirmation, err));
    return options_print(&confirmation, err);
}

static aip_status
answer_offer(party *p, aip_error *err)
{
    TEXT_AUTO text_buffer response = {0};
    char line[LINE_BYTES_MAX];
    aip_bytes message;
    aip_public_key key;
    AIP_TRY(read_line(0, line, &message, err));
    AIP_TRY(handshake_read_offer(message, clock_now_seconds(), &p->h, err));
    AIP_TRY(check_peer(p, p->h.initiator, err));
    AIP_TRY(open_lookup(p, p->peer, err));
    AIP_TRY(handshake_respond(&p->h, own_name(p), p->key, &response, err));
    AIP_TRY(options_print(&response, err));
    AIP_TRY(read_line(p->h.expires, line, &message, err));
    AIP_TRY(find_peer_key(p, &key, err));
    return handshake_check_confirmation(&p->h, message, clock_now_seconds(), &key, err);
}

/* On standard error, since standard output is the other party's. */
static int
report_verdict(const party *p, aip_status status, const aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    if (!p->options->json) {
        if (status != AIP_OK) {
            return options_report_failure(DID_PROGRAM, false, status, err);
        }
        fprintf(stderr, "authenticated: %s\n", p->peer);
        return 0;
    }
    text_append_string(&text, "{");
    options_append_verdict(&text, status, err);
    text_append_string(&text, ",\"peer\":");
    if (status == AIP_OK) {
        text_append_json(&text, aip_bytes_of(p->peer));
    } else {
        text_append_string(&text, "null");
    }
    text_append_string(&text, "}");
    if (text_finish(&text, NULL) == AIP_OK) {
        fprintf(stderr, "%.*s\n", (int)text.size, text.data);
    }
    return aip_status_exit_code(status);
}

static aip_status
prepare(party *p, aip_error *err)
{
    const handshake_options *o = p->options;
    if (o->key_file == NULL) {
        return aip_fail(err, AIP_USAGE, "--key is needed");
    }
    AIP_TRY(keys_load(o->key_file, o->passphrase_file, &p->owner, &p->key, err));
    return o->peer == NULL ? AIP_OK : open_lookup(p, o->peer, err);
}

static int
run_handshake(const option *table, const char *usage, handshake_options *o, int argc, char **argv)
{
    party p = {.options = o};
    bool starting = strcmp(argv[0], "start") == 0;
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, usage, argc, argv, NULL, 0, NULL, &err);
    if (status == AIP_OK && starting && o->peer == NULL) {
        status = aip_fail(&err, AIP_USAGE, "--with is needed: who is meant to answer?");
    }
    if (status == AIP_OK) {
        status = prepare(&p, &err);
    }
    if (status == AIP_OK) {
        status = starting ? start(&p, &err) : answer_offer(&p, &err);
    }
    int exit_code = report_verdict(&p, status, &err);
    lookup_close(&p.lookup);
    aip_secret_key_free(&p.key);
    options_release(table);
    return exit_code;
}

static int
run_start(int argc, char **argv)
{
    handshake_options o = {.key_file = NULL};
    const option table[] = {
        {"--key", OPTION_TEXT, &o.key_file, "FILE", "key file of this side's current key"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "its first line opens a sealed key file"},
        {"--as", OPTION_TEXT, &o.own, "DID", "this side's name, where it is not the key file's: did:web"},
        {"--with", OPTION_TEXT, &o.peer, "DID", "who is meant to answer"},
        {"--ttl", OPTION_TEXT, &o.ttl, "TIME", "how long it may take, at most 5m (60s)"},
        {"--offline", OPTION_FLAG, &o.offline, NULL, "never use the network"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print the verdict as one JSON object on standard error"},
        LOOKUP_ROWS(o.lookup),
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    return run_handshake(table, DID_PROGRAM " handshake start --key FILE --with DID [options]", &o, argc, argv);
}

static int
run_answer(int argc, char **argv)
{
    handshake_options o = {.key_file = NULL};
    const option table[] = {
        {"--key", OPTION_TEXT, &o.key_file, "FILE", "key file of this side's current key"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "its first line opens a sealed key file"},
        {"--as", OPTION_TEXT, &o.own, "DID", "this side's name, where it is not the key file's: did:web"},
        {"--with", OPTION_TEXT, &o.peer, "DID", "the only one who is answered"},
        {"--offline", OPTION_FLAG, &o.offline, NULL, "never use the network"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print the verdict as one JSON object on standard error"},
        LOOKUP_ROWS(o.lookup),
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    return run_handshake(table, DID_PROGRAM " handshake answer --key FILE [--with DID] [options]", &o, argc, argv);
}

int
did_run_handshake(int argc, char **argv)
{
    static const command commands[] = {
        {"start", "offers, and authenticates who answers", run_start},
        {"answer", "answers an offer, and authenticates who made it", run_answer},
        {NULL, NULL, NULL},
    };
    return options_run_command(DID_PROGRAM " handshake", "mutual authentication over any line", commands, argc, argv);
}
