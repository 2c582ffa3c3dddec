/* Public cards of agents: one fetch serves all who ask, and a dead agent is not asked again at once. */
#include "gateway/a2a_public.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/a2a_errors.h"
#include "gateway/a2a_exchange.h"
#include "gateway/gateway.h"
#include "gateway/stages.h"

enum {
    ENTRIES_MAX = 256,
    FETCHES_MAX = 4, /* of one card at once */
    FRESH_SECONDS = 300,
    STALE_SECONDS = 86400,      /* an old card serves while a new one is fetched, or cannot be */
    PAUSE_SECONDS = 5,          /* after a failure */
    VERSION_ANY = A2A_VERSIONS, /* the caller names none */
};

/* One card, in the form that one version has. */
typedef struct card_entry {
    char *key; /* where it comes from, and what is made of it; NULL: free */
    unsigned version;
    text_buffer body; /* empty: none yet */
    char etag[A2A_ETAG_SIZE];
    char cache_control[48];
    uint64_t fetched, not_before; /* monotonic seconds */
    unsigned fetching;
} card_entry;

struct a2a_cards {
    pthread_mutex_t lock;
    card_entry entries[ENTRIES_MAX];
};

aip_status
a2a_cards_new(a2a_cards **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    pthread_mutex_init(&(*out)->lock, NULL);
    return AIP_OK;
}

void
a2a_cards_free(a2a_cards **cards)
{
    for (size_t i = 0; *cards != NULL && i < ENTRIES_MAX; i++) {
        text_clear(&(*cards)->entries[i].body);
        free((*cards)->entries[i].key);
    }
    if (*cards != NULL) {
        pthread_mutex_destroy(&(*cards)->lock);
    }
    free(*cards);
    *cards = NULL;
}

/* ---- which agent ---- */

static bool
is_agent(const gateway_route *route)
{
    return route->protocol == &protocol_a2a;
}

/* E-56: the card below a route's path is that route's; the one at the root is that of the only agent. */
static const gateway_route *
find_route(const exchange *x)
{
    const gateway_route *only = NULL;
    size_t agents = 0;
    for (size_t i = 0; i < x->settings->route_count; i++) {
        const gateway_route *each = &x->settings->routes[i];
        size_t size = strlen(each->path);
        size -= size > 0 && each->path[size - 1] == '/' ? 1u : 0u;
        if (!is_agent(each)) {
            continue;
        }
        if (size > 0 && strncmp(x->path, each->path, size) == 0 && strcmp(x->path + size, A2A_CARD_PATH) == 0) {
            return each;
        }
        only = each;
        agents++;
    }
    return agents == 1 && strcmp(x->path, A2A_CARD_PATH) == 0 ? only : NULL;
}

bool
a2a_public_serves(const exchange *x)
{
    return find_route(x) != NULL;
}

aip_status
a2a_public_setup(const exchange *x, bool extended, a2a_card_room *room, aip_error *err)
{
    const gateway_route *route = x->route;
    const signing_identity *self = &x->gateway->self;
    const char *base = x->settings->public_url;
    bool verbatim = route->a2a.card_verbatim;
    if (base == NULL && !verbatim) { /* E-57 */
        return aip_fail(err, AIP_A2A_CARD, "the gateway has no public address (identity.public_url)");
    }
    size_t size = base == NULL ? 0 : strlen(base);
    size -= size > 0 && base[size - 1] == '/' ? 1u : 0u;
    int length = snprintf(room->url, sizeof room->url, "%.*s%s", (int)size, base == NULL ? "" : base, route->path);
    if (length < 0 || (size_t)length >= sizeof room->url) {
        return aip_fail(err, AIP_A2A_CARD, "the public address is too long");
    }
    room->served[0] = (a2a_served){"JSONRPC", room->url};
    room->served[1] = (a2a_served){"HTTP+JSON", room->url};
    room->setup = (a2a_card_setup){.served = room->served,
                                   .served_count = route->a2a.rest_url == NULL ? 1 : 2,
                                   .extension_uri = A2A_EXTENSION_URI,
                                   .did = route->a2a.did,
                                   .key = self->key,
                                   .key_id = self->key_id,
                                   .verbatim = verbatim,
                                   .extended = extended,
                                   .max_age_seconds = FRESH_SECONDS};
    return AIP_OK;
}

/* Errors: a2a.card (the URL is none). */
static aip_status
find_card(const gateway_route *route, text_buffer *out, aip_error *err)
{
    const char *authority = strstr(route->url, "://");
    if (route->a2a.card_url != NULL) {
        text_append_string(out, route->a2a.card_url);
    } else if (authority == NULL) {
        return aip_fail(err, AIP_A2A_CARD, NULL);
    } else {
        size_t size = (size_t)(authority - route->url) + 3 + strcspn(authority + 3, "/?#");
        text_append(out, (aip_bytes){(const unsigned char *)route->url, size});
        text_append_string(out, A2A_CARD_PATH);
    }
    text_append(out, (aip_bytes){(const unsigned char *)"", 1});
    return text_finish(out, err);
}

/* ---- answering ---- */

static void
refuse(exchange *x, const aip_error *why)
{
    const a2a_refusal refusal = {A2A_REST, {NULL, 0}, why, NULL};
    answer_clear(&x->answer);
    x->answer.http = aip_status_lookup(why->status)->http;
    a2a_append_error(&x->answer.body, &refusal);
    answer_add(&x->answer, "Content-Type", "application/json");
    answer_add(&x->answer, "Cache-Control", "no-store");
    if (x->answer.http >= 500) {
        answer_add(&x->answer, "Retry-After", "%d", PAUSE_SECONDS);
    }
    x->phase = EXCHANGE_ANSWERED;
}

static bool
has_it(const exchange *x, const char *etag)
{
    aip_bytes known = exchange_header(x, "If-None-Match", NULL);
    return aip_bytes_equal(known, AIP_BYTES_LITERAL("*")) ||
           (known.size > 0 && memmem(known.data, known.size, etag, strlen(etag)) != NULL);
}

static void
serve(exchange *x, const card_entry *entry)
{
    bool known = has_it(x, entry->etag);
    x->answer.http = known ? 304 : 200;
    answer_add(&x->answer, "ETag", "%s", entry->etag);
    answer_add(&x->answer, "Cache-Control", "%s", entry->cache_control);
    answer_add(&x->answer, "Vary", "A2A-Version");
    answer_add(&x->answer, "Access-Control-Allow-Origin", "*");
    if (!known) {
        answer_add(&x->answer, "Content-Type", "application/json");
        text_append(&x->answer.body, text_view(&entry->body));
    }
    x->phase = EXCHANGE_ANSWERED;
}

/* ---- fetching ---- */

static uint64_t
seconds(void)
{
    return clock_monotonic_microseconds() / 1000000;
}

/* Under the lock. The entry that is longest unused by a fetch goes when there is no room; NULL: all are in use. */
static card_entry *
find_entry(a2a_cards *cards, const char *key, unsigned version)
{
    card_entry *room = NULL;
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        card_entry *each = &cards->entries[i];
        if (each->key != NULL && each->version == version && strcmp(each->key, key) == 0) {
            return each;
        }
        bool idle = each->key == NULL || each->fetching == 0;
        if (idle && (room == NULL || (room->key != NULL && (each->key == NULL || each->fetched < room->fetched)))) {
            room = each;
        }
    }
    if (room == NULL) {
        return NULL;
    }
    text_clear(&room->body);
    free(room->key);
    *room = (card_entry){.key = strdup(key), .version = version};
    return room->key == NULL ? NULL : room;
}

/* Takes the card over; empty: it could not be had. Under the lock. */
static void
keep(card_entry *entry, a2a_card *card)
{
    entry->not_before = seconds() + PAUSE_SECONDS;
    if (card->body.size == 0) {
        return;
    }
    text_clear(&entry->body);
    entry->body = card->body;
    card->body = (text_buffer){0};
    memcpy(entry->etag, card->etag, sizeof entry->etag);
    memcpy(entry->cache_control, card->cache_control, sizeof entry->cache_control);
    entry->fetched = seconds();
}

static aip_status
make(const exchange *x, aip_status fetched, const text_buffer *body, a2a_card *out, aip_error *err)
{
    a2a_card_room room;
    if (fetched != AIP_OK || x->upstream_http != 200 || body->size == 0) {
        return aip_fail(err, fetched == AIP_OK ? AIP_A2A_CARD : fetched, "the agent has not given its card");
    }
    AIP_TRY(a2a_public_setup(x, false, &room, err));
    return a2a_card_make(text_view(body), &room.setup, out, err);
}

static upstream_verdict
on_start(void *context, int http)
{
    exchange *x = context;
    x->upstream_http = http;
    x->moved_microseconds = clock_monotonic_microseconds();
    return http == 200 ? UPSTREAM_TAKEN : UPSTREAM_REFUSED;
}

static void
on_header(void *context, aip_bytes name, aip_bytes value)
{
    (void)context;
    (void)name;
    (void)value;
}

static upstream_verdict
on_data(void *context, aip_bytes bytes)
{
    exchange *x = context;
    a2a_notes *notes = x->notes;
    if (notes->card.size + bytes.size > AIP_A2A_CARD_BYTES_MAX) {
        return UPSTREAM_REFUSED;
    }
    text_append(&notes->card, bytes);
    return UPSTREAM_TAKEN;
}

static void
on_end(void *context, aip_status status, bool sent)
{
    exchange *x = context;
    a2a_notes *notes = x->notes;
    a2a_cards *cards = x->gateway->cards;
    a2a_card card = {.etag = ""};
    aip_error why = AIP_ERROR_INIT;
    (void)sent;
    x->transfer = NULL;
    status = make(x, status, &notes->card, &card, &why);
    pthread_mutex_lock(&cards->lock);
    card_entry *entry = notes->fetching;
    notes->fetching = NULL;
    entry->fetching--;
    keep(entry, &card);
    bool old = entry->body.size > 0 && seconds() - entry->fetched < STALE_SECONDS;
    if (old) {
        serve(x, entry);
    }
    pthread_mutex_unlock(&cards->lock);
    if (!old) {
        refuse(x, &why);
    }
    a2a_card_clear(&card);
    x->wake(x);
}

static aip_status
begin(exchange *x, const char *url, unsigned version, aip_error *err)
{
    static const upstream_events events = {on_header, on_start, on_data, on_end};
    static const char *const fields[] = {"Accept: application/json", "Accept-Encoding: identity", "A2A-Version: 0.3",
                                         "A2A-Version: 1.0"};
    const char *lines[3] = {fields[0], fields[1], version == VERSION_ANY ? NULL : fields[2 + version]};
    const upstream_request request = {.url = url,
                                      .method = "GET",
                                      .fields = lines,
                                      .field_count = version == VERSION_ANY ? 2 : 3,
                                      .way = &x->route->way};
    aip_status status = upstream_begin(x->shard->upstreams, &request, &events, x, &x->transfer);
    return status == AIP_OK ? AIP_OK : aip_fail(err, status, NULL);
}

/* E-58: serves what is fresh; else says what to do. AIP_OK: fetch. */
static aip_status
look(exchange *x, const char *key, unsigned version, aip_error *err)
{
    card_entry *entry = find_entry(x->gateway->cards, key, version);
    uint64_t now = seconds();
    if (entry == NULL) {
        return aip_fail(err, AIP_OVERLOADED, NULL);
    }
    bool usable = entry->body.size > 0 && now - entry->fetched < STALE_SECONDS;
    bool wait = now < entry->not_before || entry->fetching >= FETCHES_MAX || (usable && entry->fetching > 0);
    if (usable && (now - entry->fetched < FRESH_SECONDS || wait)) {
        serve(x, entry);
        return AIP_OK;
    }
    if (wait) {
        return aip_fail(err, now < entry->not_before ? AIP_A2A_CARD : AIP_OVERLOADED, "the agent was asked just now");
    }
    entry->fetching++;
    ((a2a_notes *)x->notes)->fetching = entry;
    return AIP_OK;
}

/* Two agents of one origin have one card, which is shown at the address of each. */
static aip_status
write_key(const char *url, const a2a_card_setup *setup, text_buffer *out, aip_error *err)
{
    text_append_format(out, "%s %s %zu %d %s", url, setup->served[0].url, setup->served_count, setup->verbatim,
                       setup->did == NULL ? "" : setup->did);
    text_append(out, (aip_bytes){(const unsigned char *)"", 1});
    return text_finish(out, err);
}

static aip_status
ask(exchange *x, aip_error *err)
{
    size_t count = 0;
    a2a_version version;
    a2a_card_room room;
    text_buffer url TEXT_AUTO = {0}, key TEXT_AUTO = {0};
    AIP_TRY(greet_check_origin(x, err));
    x->route = find_route(x);
    if (a2a_notes_of(x) == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_bytes header = exchange_header(x, "A2A-Version", &count);
    AIP_TRY(a2a_read_version(header, count, (aip_bytes){NULL, 0}, &version, err));
    AIP_TRY(a2a_public_setup(x, false, &room, err));
    AIP_TRY(find_card(x->route, &url, err));
    AIP_TRY(write_key(url.data, &room.setup, &key, err));
    pthread_mutex_lock(&x->gateway->cards->lock);
    aip_status status = look(x, key.data, count == 0 ? VERSION_ANY : (unsigned)version, err);
    pthread_mutex_unlock(&x->gateway->cards->lock);
    if (status != AIP_OK || x->phase == EXCHANGE_ANSWERED) {
        return status;
    }
    x->phase = EXCHANGE_WAITING;
    x->moved_microseconds = clock_monotonic_microseconds();
    return begin(x, url.data, count == 0 ? VERSION_ANY : (unsigned)version, err);
}

void
a2a_public_answer(exchange *x)
{
    aip_error why = AIP_ERROR_INIT;
    if (ask(x, &why) != AIP_OK) {
        refuse(x, &why);
    }
}

void
a2a_public_forget(exchange *x)
{
    a2a_notes *notes = x->notes;
    if (notes == NULL) {
        return;
    }
    if (notes->fetching != NULL) {
        pthread_mutex_lock(&x->gateway->cards->lock);
        notes->fetching->fetching--;
        if (x->refusal.status == AIP_UPSTREAM_TIMEOUT) {
            notes->fetching->not_before = seconds() + PAUSE_SECONDS;
        }
        pthread_mutex_unlock(&x->gateway->cards->lock);
        notes->fetching = NULL;
    }
    text_clear(&notes->card);
}
