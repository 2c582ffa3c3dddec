/* The tables of what is open: requests by our id and by client, and what the server asked. */
#include "gateway/multiplex_inside.h"

#include <stdlib.h>

void
multiplex_message_clear(multiplex_message *message)
{
    text_clear(&message->text);
    *message = (multiplex_message){0};
}

aip_status
multiplex_open(const scan_limits *limits, multiplex **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    (*out)->limits = *limits;
    return AIP_OK;
}

open_request *
request_find(const multiplex *m, uint64_t id)
{
    open_request *request = m->buckets[id % MULTIPLEX_BUCKETS];
    while (request != NULL && request->id != id) {
        request = request->next_in_bucket;
    }
    return request;
}

open_request *
request_of_client(const multiplex_client *client, aip_bytes raw)
{
    open_request *request = client->requests;
    while (request != NULL && !aip_bytes_equal(request_raw(request), raw)) {
        request = request->next;
    }
    return request;
}

/* Numbers go round; one that is open is passed over. The cap keeps most of them free. */
static uint32_t
next_id(multiplex *m)
{
    do {
        m->last_id = m->last_id >= MULTIPLEX_ID_MAX ? 1 : m->last_id + 1;
    } while (request_find(m, m->last_id) != NULL);
    return m->last_id;
}

static void
link_request(multiplex *m, open_request *request)
{
    open_request **bucket = &m->buckets[request->id % MULTIPLEX_BUCKETS];
    multiplex_client *client = request->client;
    request->next_in_bucket = *bucket;
    *bucket = request;
    request->next = client->requests;
    if (request->next != NULL) {
        request->next->previous = request;
    }
    client->requests = request;
    client->count++;
    m->counts.requests++;
}

aip_status
request_add(multiplex *m, multiplex_client *client, aip_bytes raw, aip_bytes token, open_request **out, aip_error *err)
{
    *out = NULL;
    if (request_of_client(client, raw) != NULL) {
        return aip_fail(err, AIP_REQUEST_INVALID, "a request with this id is open already");
    }
    if (m->counts.requests >= AIP_MULTIPLEX_REQUESTS_MAX || client->count >= AIP_MULTIPLEX_CLIENT_REQUESTS_MAX) {
        return aip_fail(err, AIP_OVERLOADED, "too many requests wait for this server");
    }
    open_request *request = calloc(1, sizeof *request + raw.size + token.size);
    if (request == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    request->id = next_id(m);
    request->client = client;
    request->raw_size = (uint16_t)raw.size;
    request->token_size = (uint16_t)token.size;
    memcpy(request->bytes, raw.data, raw.size);
    if (token.size > 0) {
        memcpy(request->bytes + raw.size, token.data, token.size);
    }
    link_request(m, request);
    *out = request;
    return AIP_OK;
}

void
request_remove(multiplex *m, open_request *request)
{
    open_request **at = &m->buckets[request->id % MULTIPLEX_BUCKETS];
    while (*at != request) {
        at = &(*at)->next_in_bucket;
    }
    *at = request->next_in_bucket;
    if (request->previous != NULL) {
        request->previous->next = request->next;
    } else {
        request->client->requests = request->next;
    }
    if (request->next != NULL) {
        request->next->previous = request->previous;
    }
    request->client->count--;
    m->counts.requests--;
    free(request);
}

asked_request *
asked_find(const multiplex *m, aip_bytes raw)
{
    asked_request *asked = m->asked;
    while (asked != NULL && !aip_bytes_equal((aip_bytes){asked->bytes, asked->raw_size}, raw)) {
        asked = asked->next;
    }
    return asked;
}

bool
asked_has_token(const multiplex *m, const multiplex_client *client, aip_bytes token)
{
    for (const asked_request *asked = m->asked; token.size > 0 && asked != NULL; asked = asked->next) {
        if (asked->client == client &&
            aip_bytes_equal((aip_bytes){asked->bytes + asked->raw_size, asked->token_size}, token)) {
            return true;
        }
    }
    return false;
}

void
asked_remove(multiplex *m, asked_request *asked)
{
    asked_request **at = &m->asked;
    while (*at != asked) {
        at = &(*at)->next;
    }
    *at = asked->next;
    m->counts.asked--;
    free(asked);
}

aip_status
multiplex_ask(multiplex *m, multiplex_client *to, const scan_document *document, aip_error *err)
{
    aip_bytes raw, token;
    AIP_TRY(raw_read(document, scan_member(document, 0, "id"), &raw, err));
    AIP_TRY(raw_read(document, token_member(document), &token, err));
    if (raw.size == 0 || asked_find(m, raw) != NULL) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the server's request has no id of its own");
    }
    if (m->counts.asked >= AIP_MULTIPLEX_ASKED_MAX) {
        return aip_fail(err, AIP_OVERLOADED, "too many of the server's requests wait for an answer");
    }
    asked_request *asked = malloc(sizeof *asked + raw.size + token.size);
    if (asked == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *asked = (asked_request){.client = to, .next = m->asked, .raw_size = raw.size, .token_size = token.size};
    memcpy(asked->bytes, raw.data, raw.size);
    if (token.size > 0) {
        memcpy(asked->bytes + raw.size, token.data, token.size);
    }
    m->asked = asked;
    m->counts.asked++;
    return AIP_OK;
}

aip_status
multiplex_join(multiplex *m, void *owner, multiplex_client **out, aip_error *err)
{
    *out = NULL;
    if (m->counts.clients >= AIP_MULTIPLEX_CLIENTS_MAX) {
        return aip_fail(err, AIP_OVERLOADED, "too many clients share this server");
    }
    multiplex_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    client->owner = owner;
    client->next = m->clients;
    if (client->next != NULL) {
        client->next->previous = client;
    }
    m->clients = client;
    m->counts.clients++;
    *out = client;
    return AIP_OK;
}

void *
multiplex_owner(const multiplex_client *client)
{
    return client->owner;
}

void
multiplex_forget(multiplex *m, uint32_t id)
{
    open_request *request = request_find(m, id);
    if (request != NULL) {
        request_remove(m, request);
    }
}

aip_status
multiplex_cancel(multiplex *m, uint32_t id, text_buffer *out, aip_error *err)
{
    const open_request *request = request_find(m, id);
    out->size = 0;
    if (request != NULL && !request->is_initialize) {
        text_append_format(out,
                           "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                           "\"params\":{\"requestId\":%u,\"reason\":\"The client is gone or waits no longer.\"}}",
                           id);
    }
    multiplex_forget(m, id);
    return text_finish(out, err);
}

static void
forget_asked(multiplex *m, const multiplex_client *client)
{
    for (asked_request *asked = m->asked, *next = NULL; asked != NULL; asked = next) {
        next = asked->next;
        if (client == NULL || asked->client == client) {
            asked_remove(m, asked);
        }
    }
}

static void
unlink_client(multiplex *m, multiplex_client *client)
{
    if (client->previous != NULL) {
        client->previous->next = client->next;
    } else {
        m->clients = client->next;
    }
    if (client->next != NULL) {
        client->next->previous = client->previous;
    }
    m->counts.clients--;
}

void
multiplex_leave(multiplex *m, multiplex_client **client, void (*send)(void *context, aip_bytes message), void *context)
{
    if (*client == NULL) {
        return;
    }
    while ((*client)->requests != NULL) {
        TEXT_AUTO text_buffer text = {0};
        /* Without memory the server works on for nobody; its answer is dropped. */
        if (multiplex_cancel(m, (*client)->requests->id, &text, NULL) == AIP_OK && text.size > 0) {
            send(context, text_view(&text));
        }
    }
    forget_asked(m, *client);
    unlink_client(m, *client);
    free(*client);
    *client = NULL;
}

void
multiplex_reset(multiplex *m, void (*lost)(void *context, multiplex_client *client, uint32_t id, aip_bytes raw),
                void *context)
{
    forget_asked(m, NULL);
    for (multiplex_client *client = m->clients; client != NULL; client = client->next) {
        while (client->requests != NULL) {
            open_request *request = client->requests;
            lost(context, client, request->id, request_raw(request));
            request_remove(m, request);
        }
    }
}

multiplex_counts
multiplex_count(const multiplex *m)
{
    return m->counts;
}

static void
lose(void *context, multiplex_client *client, uint32_t id, aip_bytes raw)
{
    (void)context;
    (void)client;
    (void)id;
    (void)raw;
}

void
multiplex_close(multiplex **m)
{
    if (*m == NULL) {
        return;
    }
    multiplex_reset(*m, lose, NULL);
    while ((*m)->clients != NULL) {
        multiplex_client *client = (*m)->clients;
        unlink_client(*m, client);
        free(client);
    }
    free(*m);
    *m = NULL;
}
