/* Runs a fuzz target without a fuzzer: replays files, then a bounded number of seeded mutations of them. */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUTS_MAX 4096
#define INPUT_BYTES_MAX ((size_t)1 << 20)
#define MUTATED_BYTES_MAX ((size_t)32768) /* beyond every cap of a token, so that caps are met as well */
#define MUTATIONS_PER_INPUT_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    uint8_t *data;
    size_t size;
} input;

static input inputs[INPUTS_MAX];
static size_t input_count;
static uint64_t random_state;
static char running[512]; /* what a crash is blamed on */

/* splitmix64: the same inputs for the same seed on every machine. */
static uint64_t
next_random(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t
below(size_t bound)
{
    return bound == 0 ? 0 : (size_t)(next_random() % bound);
}

static void
die(const char *what, const char *path)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(2);
}

static void
on_crash(int number)
{
    static const char before[] = "crashed at ";
    ssize_t ignored = write(STDERR_FILENO, before, sizeof before - 1);
    ignored = write(STDERR_FILENO, running, strnlen(running, sizeof running));
    ignored = write(STDERR_FILENO, "\n", 1);
    (void)ignored;
    signal(number, SIG_DFL);
    raise(number);
}

static void
load_file(const char *path)
{
    FILE *stream = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_BYTES_MAX);
    if (stream == NULL || data == NULL || input_count == INPUTS_MAX) {
        die("cannot be read, or too many inputs", path);
    }
    size_t size = fread(data, 1, INPUT_BYTES_MAX, stream);
    fclose(stream);
    uint8_t *fitting = realloc(data, size + 1);
    inputs[input_count++] = (input){fitting == NULL ? data : fitting, size};
}

static void
load_path(const char *path)
{
    struct stat facts;
    if (stat(path, &facts) != 0) {
        die("no such input", path);
    }
    if (!S_ISDIR(facts.st_mode)) {
        load_file(path);
        return;
    }
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, alphasort); /* sorted: a seed means the same everywhere */
    if (count < 0) {
        die("cannot be listed", path);
    }
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.') {
            char child[4096];
            snprintf(child, sizeof child, "%s/%s", path, names[i]->d_name);
            load_path(child);
        }
        free(names[i]);
    }
    free(names);
}

/* In an allocation of its exact size, so that a sanitizer sees a read past the end. */
static void
run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    if (exact == NULL) {
        die("no memory", running);
    }
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static size_t
insert_bytes(uint8_t *data, size_t size, size_t at, const uint8_t *bytes, size_t count)
{
    if (size + count > MUTATED_BYTES_MAX) {
        return size;
    }
    memmove(data + at + count, data + at, size - at);
    memmove(data + at, bytes, count);
    return size + count;
}

static size_t
insert_word(uint8_t *data, size_t size, size_t at)
{
    static const char *const words[] = {
        "\"",       "\\",
        "{",        "}",
        "[",        "]",
        ",",        ":",
        ".",        "~",
        "*",        "-",
        "0",        "1e999",
        "\\u0000",  "\\ud800",
        "null",     "z6Mk",
        "did:aip:", "did:key:",
        "eyJ",      "\xff",
        "\xc0\x80", "\xef\xbb\xbf",
        "%3A",      "9007199254740993",
        "=",        "\n",
        "//",       "..",
    };
    const char *word = words[below(sizeof words / sizeof words[0])];
    return insert_bytes(data, size, at, (const uint8_t *)word, strlen(word));
}

static size_t
repeat_piece(uint8_t *data, size_t size, size_t at)
{
    uint8_t piece[256];
    size_t count = 1 + below(size - at < sizeof piece ? size - at : sizeof piece);
    count = count > size - at ? size - at : count;
    memcpy(piece, data + at, count);
    return insert_bytes(data, size, below(size), piece, count);
}

static size_t
insert_other(uint8_t *data, size_t size, size_t at)
{
    const input *other = &inputs[below(input_count)];
    size_t from = below(other->size);
    return insert_bytes(data, size, at, other->data + from, below(other->size - from));
}

static size_t
mutate_once(uint8_t *data, size_t size)
{
    if (size == 0) {
        return insert_word(data, size, 0);
    }
    size_t at = below(size);
    size_t count = 1 + below(size - at);
    switch (below(8)) {
    case 0:
        data[at] ^= (uint8_t)(1u << below(8));
        return size;
    case 1:
        data[at] = (uint8_t)next_random();
        return size;
    case 2:
        return insert_word(data, size, at);
    case 3: /* a piece is lost */
        memmove(data + at, data + at + count, size - at - count);
        return size - count;
    case 4: /* the end is lost */
        return at;
    case 5:
        return repeat_piece(data, size, at);
    case 6:
        return insert_other(data, size, at);
    default: /* one byte is lost */
        memmove(data + at, data + at + 1, size - at - 1);
        return size - 1;
    }
}

static void
run_mutations(uint64_t count, uint64_t seed)
{
    static uint8_t data[MUTATED_BYTES_MAX];
    for (uint64_t i = 0; i < count && input_count > 0; i++) {
        snprintf(running, sizeof running, "mutation %" PRIu64 " of seed %" PRIu64, i, seed);
        random_state = seed * UINT64_C(0x100000001b3) + i; /* each mutation can be had alone */
        const input *source = &inputs[below(input_count)];
        size_t size = source->size < MUTATED_BYTES_MAX ? source->size : MUTATED_BYTES_MAX;
        memcpy(data, source->data, size);
        for (size_t steps = 1 + below(MUTATIONS_PER_INPUT_MAX); steps > 0; steps--) {
            size = mutate_once(data, size);
        }
        run(data, size);
    }
}

int
main(int argc, char **argv)
{
    uint64_t mutations = 0;
    uint64_t seed = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--random") == 0 && i + 2 < argc) {
            mutations = strtoull(argv[i + 1], NULL, 10);
            seed = strtoull(argv[i + 2], NULL, 10);
            i += 2;
        } else {
            load_path(argv[i]);
        }
    }
    const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        signal(crashes[i], on_crash);
    }
    for (size_t i = 0; i < input_count; i++) {
        snprintf(running, sizeof running, "input %zu", i);
        run(inputs[i].data, inputs[i].size);
    }
    run_mutations(mutations, seed);
    const char *slash = strrchr(argv[0], '/');
    printf("%s: %zu inputs and %" PRIu64 " mutations of seed %" PRIu64 "\n", slash == NULL ? argv[0] : slash + 1,
           input_count, input_count > 0 ? mutations : 0, seed);
    for (size_t i = 0; i < input_count; i++) {
        free(inputs[i].data);
    }
    return 0;
}
