/* What is compiled from the same patterns is one thing: for both directions, for several policies, and after a reload
 * that changed something else. */
#include "base/pattern_inside.h"

void
pattern_key_append(text_buffer *key, const pattern_source *source)
{
    const bool facts[] = {source->caseless,    source->dot_all,      source->multi_line, source->literal,
                          source->wants_start, source->single_match, source->costly,     source->bytes};
    text_append(key, (aip_bytes){(const unsigned char *)&source->id, sizeof source->id});
    text_append(key, (aip_bytes){(const unsigned char *)facts, sizeof facts});
    text_append(key, (aip_bytes){(const unsigned char *)source->text, strlen(source->text) + 1});
}

pattern_shared *
pattern_shared_take(pattern_shelf *shelf, aip_bytes key)
{
    pthread_mutex_lock(&shelf->lock);
    pattern_shared *item = shelf->first;
    while (item != NULL && !aip_bytes_equal(text_view(&item->key), key)) {
        item = item->next;
    }
    if (item != NULL) {
        item->users++;
    }
    pthread_mutex_unlock(&shelf->lock);
    return item;
}

void
pattern_shared_put(pattern_shelf *shelf, pattern_shared *item, text_buffer *key)
{
    item->key = *key;
    *key = (text_buffer){0};
    item->users = 1;
    pthread_mutex_lock(&shelf->lock);
    item->next = shelf->first;
    shelf->first = item;
    pthread_mutex_unlock(&shelf->lock);
}

bool
pattern_shared_leave(pattern_shelf *shelf, pattern_shared *item)
{
    pthread_mutex_lock(&shelf->lock);
    bool last = --item->users == 0;
    pattern_shared **link = &shelf->first;
    while (last && *link != item) {
        link = &(*link)->next;
    }
    if (last) {
        *link = item->next;
    }
    pthread_mutex_unlock(&shelf->lock);
    if (last) {
        text_clear(&item->key);
    }
    return last;
}
