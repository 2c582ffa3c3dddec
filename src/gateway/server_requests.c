/* A table of fixed size: eight places for each hash, the oldest of which gives way. */
#include "gateway/server_requests.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 2048, PLACES = 8, KEY_BYTES = 16 };

typedef struct {
    unsigned char key[KEY_BYTES];
    uint64_t at; /* 0: free */
} place;

struct server_requests {
    pthread_mutex_t lock;
    place sets[SETS][PLACES];
};

aip_status
server_requests_new(server_requests **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    pthread_mutex_init(&(*out)->lock, NULL);
    return AIP_OK;
}

void
server_requests_free(server_requests **s)
{
    if (*s != NULL) {
        pthread_mutex_destroy(&(*s)->lock);
        free(*s);
        *s = NULL;
    }
}

/* Each part with its length before it, so that no two requests are spelled alike. */
static void
add_part(hash_stream *stream, aip_bytes part)
{
    uint64_t size = part.size;
    hash_stream_add(stream, (aip_bytes){(const unsigned char *)&size, sizeof size});
    hash_stream_add(stream, part);
}

static void
key_of(const server_request *request, unsigned char out[AIP_HASH_BYTES])
{
    hash_stream stream;
    hash_stream_begin(&stream);
    add_part(&stream, (aip_bytes){request->owner, AIP_HASH_BYTES});
    add_part(&stream, request->upstream);
    add_part(&stream, request->session);
    add_part(&stream, request->id);
    hash_stream_end(&stream, out);
}

static place *
set_of(server_requests *s, const unsigned char key[AIP_HASH_BYTES])
{
    return s->sets[((size_t)key[KEY_BYTES] << 8 | key[KEY_BYTES + 1]) % SETS];
}

void
server_requests_note(server_requests *s, const server_request *request, uint64_t now)
{
    unsigned char key[AIP_HASH_BYTES];
    key_of(request, key);
    pthread_mutex_lock(&s->lock);
    place *set = set_of(s, key), *room = set;
    for (size_t i = 0; i < PLACES; i++) {
        if (memcmp(set[i].key, key, KEY_BYTES) == 0) {
            room = &set[i];
            break;
        }
        room = set[i].at < room->at ? &set[i] : room;
    }
    memcpy(room->key, key, KEY_BYTES);
    room->at = now;
    pthread_mutex_unlock(&s->lock);
}

uint64_t
server_requests_noted(server_requests *s, const server_request *request)
{
    unsigned char key[AIP_HASH_BYTES];
    uint64_t at = 0;
    key_of(request, key);
    pthread_mutex_lock(&s->lock);
    const place *set = set_of(s, key);
    for (size_t i = 0; i < PLACES; i++) {
        at = set[i].at != 0 && memcmp(set[i].key, key, KEY_BYTES) == 0 ? set[i].at : at;
    }
    pthread_mutex_unlock(&s->lock);
    return at;
}

bool
server_requests_take(server_requests *s, const server_request *request, uint64_t now)
{
    unsigned char key[AIP_HASH_BYTES];
    bool found = false;
    key_of(request, key);
    pthread_mutex_lock(&s->lock);
    place *set = set_of(s, key);
    for (size_t i = 0; i < PLACES && !found; i++) {
        if (set[i].at != 0 && memcmp(set[i].key, key, KEY_BYTES) == 0) {
            found = now - set[i].at < SERVER_REQUEST_SECONDS * UINT64_C(1000000);
            set[i] = (place){.at = 0};
        }
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}
