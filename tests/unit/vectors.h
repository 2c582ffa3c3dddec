/* The shared vectors, read in place: $AIP_VECTORS or ../shared/vectors. Absent ones make a test say that it skipped. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "crypto/base64url.h"

/* Opens a vector file; NULL, and a line that says so, when it is absent. */
static inline FILE *
vectors_open(const char *name)
{
    char path[1024];
    const char *root = getenv("AIP_VECTORS");
    snprintf(path, sizeof path, "%s/%s", root == NULL ? "../shared/vectors" : root, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("  skipped: %s is absent\n", name);
    }
    return file;
}

/* Calls `judge` for each JSON line; returns how many there were. */
static inline size_t
vectors_each_row(const char *name, void (*judge)(const json_t *row))
{
    FILE *file = vectors_open(name);
    char *line = NULL;
    size_t capacity = 0, rows = 0;
    while (file != NULL && getline(&line, &capacity, file) > 0) {
        json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);
        if (row != NULL) {
            judge(row);
            rows++;
        }
        json_decref(row);
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
    return rows;
}

static inline const char *
vectors_text(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text == NULL ? "" : text;
}

/* Bytes of a hex member; at most `capacity`. */
static inline aip_bytes
vectors_hex(const json_t *row, const char *name, unsigned char *out, size_t capacity)
{
    size_t size = 0;
    if (hex_decode(aip_bytes_of(vectors_text(row, name)), out, capacity, &size, NULL) != AIP_OK) {
        printf("  bad hex in %s\n", name);
    }
    return (aip_bytes){out, size};
}

#endif
