/* Identity documents of aip: names from arbitrary bytes. Those of the corpus are signed by a key of a test seed. */
#include <stdlib.h>

#include "base/clock.h"
#include "did/aipdoc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME "aip:web:agents.example.com/team/writer"
#define NOW 1800000000

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void
check_document(aip_bytes text)
{
    IDENTITY_AUTO identity *id = NULL;
    int64_t expires = 0;
    bool current = false;
    if (aipdoc_verify(text, AIP_BYTES_LITERAL(NAME), NOW, &id, &expires, NULL) != AIP_OK) {
        require(id == NULL);
        return;
    }
    for (size_t i = 0; i < id->key_count; i++) {
        current = current || (id->keys[i].from <= NOW && NOW < id->keys[i].until);
    }
    require(expires > NOW && current);
}

/* What is written of a time reads back as that time. */
static void
check_time(aip_bytes text)
{
    char written[21];
    int64_t seconds, again;
    if (clock_read_utc(text, &seconds) && seconds <= INT64_C(253402300799)) {
        clock_format_utc(seconds, written);
        require(clock_read_utc(aip_bytes_of(written), &again) && again == seconds);
    }
}

static void
check_address(aip_bytes text)
{
    STRING_AUTO char *url = NULL;
    if (aipdoc_url(text, &url, NULL) == AIP_OK) {
        require(strncmp(url, "https://", 8) == 0 && strstr(url, "..") == NULL && strpbrk(url, "?#@%\\") == NULL);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aip_bytes text = {data, size};
    check_document(text);
    check_time(text);
    check_address(text);
    return 0;
}
