/* An allocator that fails when a test says so, and counts what lives: for programs that link it in, but under a
 * sanitizer, which has an allocator of its own. */
#ifndef UNIT_FAILING_MEMORY_H
#define UNIT_FAILING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

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

#endif
