/* gateway.yaml when memory ends at any allocation: a refusal, and nothing stays behind. */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "gateway/config.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OTHER_ALLOCATOR
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define OTHER_ALLOCATOR
#endif

static long allowed = -1; /* allocations before they fail; -1: none fails */
static long living;

#ifndef OTHER_ALLOCATOR
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static bool
fails(void)
{
    if (allowed > 0) {
        allowed--;
        return false;
    }
    return allowed == 0;
}

void *
malloc(size_t size)
{
    void *block = fails() ? NULL : __libc_malloc(size);
    living += block != NULL;
    return block;
}

void *
calloc(size_t count, size_t size)
{
    void *block = fails() ? NULL : __libc_calloc(count, size);
    living += block != NULL;
    return block;
}

void *
realloc(void *block, size_t size)
{
    void *grown = fails() ? NULL : __libc_realloc(block, size);
    living += grown != NULL && block == NULL;
    return grown;
}

void
free(void *block)
{
    living -= block != NULL;
    __libc_free(block);
}
#endif

static const char text[] = "listen: {port: 1}\naudiences: [a, b]\ntrust:\n  - root: did:web:a.example\n"
                           "    scope: ['tool:a', 'tool:b']\n    budget_usd: 1.5\n  - \"did:web:*.b.example\"\n"
                           "unknown: {name: g, scope: [\"tool:c\"]}\n"
                           "upstreams:\n  - {name: a, command: [x, w], environment: [B]}\n"
                           "  - {name: b, url: 'http://h/', headers: {K: {file: f}}}\n";

static void
memory_that_ends_anywhere_is_a_refusal_and_leaves_nothing(void)
{
    static config_problems problems;
    gateway_config config;
    aip_status status = AIP_NO_MEMORY;
    long count = 0;
    CHECK_STATUS(config_load(AIP_BYTES_LITERAL(text), &config, &problems, NULL), AIP_OK);
    config_clear(&config); /* what is drawn or made once is there now */
    for (; count < 2000 && status == AIP_NO_MEMORY; count++) {
        long before = living;
        allowed = count;
        status = config_load(AIP_BYTES_LITERAL(text), &config, &problems, NULL);
        allowed = -1;
        config_clear(&config);
        CHECK(living == before);
    }
    CHECK_STATUS(status, AIP_OK);
#ifndef OTHER_ALLOCATOR
    CHECK(count > 100);
#endif
}

RUN(TEST(memory_that_ends_anywhere_is_a_refusal_and_leaves_nothing))
