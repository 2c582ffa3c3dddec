/* One regular expression, exactly: PCRE2 in UTF mode with limits on its steps, depth and memory. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/pattern_inside.h"
#include "base/utf8.h"

/* A search that needs more has a pattern that backtracks without end: tens of milliseconds at most. */
#define MATCH_STEPS_MAX 1000000
#define MATCH_DEPTH_MAX 100000
#define MATCH_KIBIBYTES_MAX 16384
#define COMPILED_BYTES_MAX ((size_t)1 << 20) /* bounded repeats multiply what they repeat */
#define GROUP_DEPTH_MAX 100

struct pattern_exact {
    pattern_shared shared;
    atomic_bool fast; /* its machine code was made, if there is any for it */
    pcre2_code *code;
    pcre2_match_context *limits;
};

/* Bytes of UTF-8 at the front. */
static size_t
utf8_prefix(aip_bytes text)
{
    size_t at = 0;
    while (at < text.size) {
        size_t length = utf8_sequence(text.data + at, text.size - at);
        if (length == 0) {
            return at;
        }
        at += length;
        at += length == 1 || at == text.size ? utf8_ascii_prefix(text.data + at, text.size - at) : 0;
    }
    return at;
}

aip_status
pattern_readable(aip_bytes text, aip_bytes *out, unsigned char **owned, aip_error *err)
{
    static const unsigned char nothing[1] = "";
    *owned = NULL;
    *out = text.data == NULL ? (aip_bytes){nothing, 0} : text;
    size_t good = utf8_prefix(*out);
    if (good == out->size) {
        return AIP_OK;
    }
    unsigned char *copy = malloc(text.size);
    if (copy == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    memcpy(copy, text.data, text.size);
    while (good < text.size) {
        copy[good++] = 0;
        good += utf8_prefix(aip_bytes_from(text, good));
    }
    *owned = copy;
    *out = (aip_bytes){copy, text.size};
    return AIP_OK;
}

static uint32_t
compile_options(const pattern_source *source)
{
    uint32_t options = PCRE2_UTF | (source->caseless ? PCRE2_CASELESS : 0);
    if (source->literal) {
        return options | PCRE2_LITERAL;
    }
    return options | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP | (source->dot_all ? PCRE2_DOTALL : 0) |
           (source->multi_line ? PCRE2_MULTILINE : 0);
}

static aip_status
refuse(int code, size_t offset, aip_error *err)
{
    unsigned char message[120] = "";
    if (code == PCRE2_ERROR_HEAP_FAILED) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    pcre2_get_error_message(code, message, sizeof message);
    return aip_fail(err, AIP_PATTERN_INVALID, "%s, before byte %zu", (const char *)message, offset);
}

static aip_status
compile_in(const pattern_source *source, pcre2_compile_context *context, pcre2_code **out, aip_error *err)
{
    int code = 0;
    size_t offset = 0, size = 0;
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context, GROUP_DEPTH_MAX);
    *out = pcre2_compile((PCRE2_SPTR)source->text, PCRE2_ZERO_TERMINATED, compile_options(source), &code, &offset,
                         context);
    if (*out == NULL) {
        return refuse(code, offset, err);
    }
    if (pcre2_pattern_info(*out, PCRE2_INFO_SIZE, &size) != 0 || size > COMPILED_BYTES_MAX) {
        return aip_fail(err, AIP_PATTERN_INVALID, "its compiled form is too large");
    }
    return AIP_OK;
}

static aip_status
compile(const pattern_source *source, pcre2_code **out, aip_error *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = compile_in(source, context, out, err);
    pcre2_compile_context_free(context);
    return status;
}

static pattern_shelf exacts = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
release(pattern_exact *exact)
{
    pcre2_code_free(exact->code);
    pcre2_match_context_free(exact->limits);
    free(exact);
}

static aip_status
build(const pattern_source *source, pattern_exact **out, aip_error *err)
{
    pattern_exact *exact = calloc(1, sizeof *exact);
    if (exact == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = compile(source, &exact->code, err);
    exact->limits = status == AIP_OK ? pcre2_match_context_create(NULL) : NULL;
    if (status == AIP_OK && exact->limits == NULL) {
        status = aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (status != AIP_OK) {
        release(exact);
        return status;
    }
    pcre2_set_match_limit(exact->limits, MATCH_STEPS_MAX);
    pcre2_set_depth_limit(exact->limits, MATCH_DEPTH_MAX);
    pcre2_set_heap_limit(exact->limits, MATCH_KIBIBYTES_MAX);
    *out = exact;
    return AIP_OK;
}

aip_status
pattern_exact_new(const pattern_source *source, size_t bytes_max, pattern_exact **out, aip_error *err)
{
    TEXT_AUTO text_buffer key = {0};
    *out = NULL;
    if (source->text == NULL || strlen(source->text) > bytes_max) {
        return aip_fail(err, AIP_PATTERN_INVALID, "it is longer than %zu bytes", bytes_max);
    }
    pattern_key_append(&key, source);
    AIP_TRY(text_finish(&key, err));
    *out = (pattern_exact *)pattern_shared_take(&exacts, text_view(&key));
    if (*out == NULL) {
        AIP_TRY(build(source, out, err));
        pattern_shared_put(&exacts, &(*out)->shared, &key);
    }
    return AIP_OK;
}

void
pattern_exact_free(pattern_exact **exact)
{
    if (*exact != NULL && pattern_shared_leave(&exacts, &(*exact)->shared)) {
        release(*exact);
    }
    *exact = NULL;
}

static aip_status
judge(int code, aip_error *err)
{
    switch (code) {
    case PCRE2_ERROR_NOMEMORY:
    case PCRE2_ERROR_HEAP_FAILED:
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
        return aip_fail(err, AIP_PATTERN_LIMIT, NULL);
    default:
        return aip_fail(err, AIP_INTERNAL, "a search ended with code %d", code);
    }
}

/* For the first search, before which no other one runs: most patterns of a policy never meet what they look for, and
 * each has some 10 KiB of code. Without code the search is slower and finds the same. */
static void
make_fast(pattern_exact *exact)
{
    static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&making);
    if (!atomic_load(&exact->fast)) {
        (void)pcre2_jit_compile(exact->code, PCRE2_JIT_COMPLETE);
        atomic_store(&exact->fast, true);
    }
    pthread_mutex_unlock(&making);
}

static int
match(const pattern_exact *exact, aip_bytes text, size_t at, pcre2_match_data *data)
{
    int code = pcre2_match(exact->code, text.data, text.size, at, PCRE2_NO_UTF_CHECK, data, exact->limits);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT) { /* the interpreter has more room, and limits of its own */
        code =
            pcre2_match(exact->code, text.data, text.size, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, exact->limits);
    }
    return code;
}

aip_status
pattern_exact_search(const pattern_exact *exact, aip_bytes text, size_t at, bool *found, size_t span[2], aip_error *err)
{
    *found = false;
    while (at < text.size && utf8_continues(text.data[at])) {
        at++;
    }
    if (at > text.size) {
        return AIP_OK;
    }
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (data == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (!atomic_load_explicit(&exact->fast, memory_order_acquire)) {
        make_fast((pattern_exact *)(uintptr_t)exact);
    }
    int code = match(exact, text, at, data);
    if (code >= 0) {
        const size_t *place = pcre2_get_ovector_pointer(data);
        *found = true;
        span[0] = place[0];
        span[1] = place[1];
    }
    pcre2_match_data_free(data);
    return code >= 0 || code == PCRE2_ERROR_NOMATCH ? AIP_OK : judge(code, err);
}

aip_status
pattern_exact_find(const pattern_exact *exact, aip_bytes text, size_t at, bool *found, size_t *from, size_t *to,
                   aip_error *err)
{
    aip_bytes readable;
    unsigned char *owned;
    size_t span[2] = {0, 0};
    AIP_TRY(pattern_readable(text, &readable, &owned, err));
    aip_status status = pattern_exact_search(exact, readable, at, found, span, err);
    free(owned);
    *from = span[0];
    *to = span[1];
    return status;
}
