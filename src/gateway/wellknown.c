/* The addresses that are served without a token, as a table. */
#include "gateway/wellknown.h"

#include "gateway/await.h"
#include "gateway/own.h"
#include "gateway/reply.h"

typedef struct {
    const char *path;
    bool prefix;      /* what follows belongs to it as well */
    bool of_identity; /* served only by a gateway that has or keeps identities */
    void (*answer)(exchange *x);
} address;

static void answer_health(exchange *x);
static void answer_document(exchange *x);
static void answer_log(exchange *x);

static const address addresses[] = {
    {"/healthz", false, false, answer_health},
    {WELLKNOWN_DOCUMENT, false, true, answer_document},
    {WELLKNOWN_LOGS, true, true, answer_log},
};

static bool
reads(const exchange *x)
{
    return strcmp(x->http_method, "GET") == 0 || strcmp(x->http_method, "HEAD") == 0;
}

static const address *
find(const exchange *x)
{
    bool keeps = x->settings->identities != NULL || x->settings->own.did[0] != '\0';
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        const address *each = &addresses[i];
        bool same =
            each->prefix ? strncmp(x->path, each->path, strlen(each->path)) == 0 : strcmp(x->path, each->path) == 0;
        if (same && (each->of_identity ? keeps : reads(x))) {
            return each;
        }
    }
    return NULL;
}

bool
wellknown_serves(const exchange *x)
{
    return find(x) != NULL;
}

static void
refuse(exchange *x, aip_status status)
{
    reply_refuse_unjudged(x, status);
    x->phase = EXCHANGE_ANSWERED;
}

static void
serve(exchange *x, const char *type, aip_bytes body)
{
    x->answer.http = 200;
    text_append(&x->answer.body, body);
    if (text_finish(&x->answer.body, NULL) != AIP_OK) {
        refuse(x, AIP_NO_MEMORY);
        return;
    }
    answer_add(&x->answer, "Content-Type", "%s", type);
    answer_add(&x->answer, "Cache-Control", "max-age=%d", AIP_FRESH_SECONDS_MAX);
    x->phase = EXCHANGE_ANSWERED;
}

static void
answer_health(exchange *x)
{
    x->answer.http = 200;
    text_append_string(&x->answer.body, "{\"status\":\"ok\"}");
    answer_add(&x->answer, "Content-Type", "application/json");
    x->phase = EXCHANGE_ANSWERED;
}

static void
answer_document(exchange *x)
{
    const own_identity *own = &x->settings->own;
    if (own->document.size == 0) {
        refuse(x, AIP_REQUEST_NOT_FOUND);
        return;
    }
    serve(x, "application/did+json", text_view(&own->document));
}

/* `<method-specific-id>.jsonl` of the form that can have a log, as a DID in `out`. */
static bool
name_log(const char *file, char out[AIP_DID_TEXT_SIZE])
{
    static const char end[] = WELLKNOWN_LOG_END;
    aip_did did;
    size_t size = strlen(file), id = AIP_DID_SELF_SIZE - strlen("did:aip:");
    if (size != id + sizeof end - 1 || strcmp(file + id, end) != 0) {
        return false;
    }
    snprintf(out, AIP_DID_TEXT_SIZE, "did:aip:%.*s", (int)id, file);
    return aip_did_parse(aip_bytes_of(out), &did, NULL) == AIP_OK && did.form == AIP_DID_SELF;
}

static void
answer_log(exchange *x)
{
    const own_identity *own = &x->settings->own;
    char did[AIP_DID_TEXT_SIZE];
    if (!name_log(x->path + strlen(WELLKNOWN_LOGS), did)) {
        refuse(x, AIP_REQUEST_NOT_FOUND);
        return;
    }
    if (own->log.size > 0 && strcmp(did, own->did) == 0) {
        serve(x, "application/jsonl", text_view(&own->log));
        return;
    }
    aip_status status = x->settings->identities == NULL ? AIP_REQUEST_NOT_FOUND : await_log(x, aip_bytes_of(did), NULL);
    if (status == AIP_DID_PENDING) {
        x->phase = EXCHANGE_LOOKING;
    } else {
        refuse(x, status);
    }
}

void
wellknown_arrived(exchange *x, aip_status status, const text_buffer *log)
{
    if (status == AIP_OK) {
        serve(x, "application/jsonl", text_view(log));
    } else {
        refuse(x, status == AIP_DID_NOT_FOUND ? AIP_REQUEST_NOT_FOUND : status);
    }
}

void
wellknown_answer(exchange *x)
{
    const address *found = find(x);
    if (found == NULL || !reads(x)) {
        refuse(x, found == NULL ? AIP_REQUEST_NOT_FOUND : AIP_REQUEST_HTTP_METHOD);
        return;
    }
    found->answer(x);
}
