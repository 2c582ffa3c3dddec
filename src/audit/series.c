/* Finds the full files of a log by their numbers. */
#include "audit/series.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

#define NUMBER_MAX 4294967294u

char *
audit_series_name(const char *path, uint32_t number)
{
    char *name;
    return asprintf(&name, "%s.%u", path, (unsigned)number) < 0 ? NULL : name;
}

int
audit_series_open_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    STRING_AUTO char *folder = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (folder == NULL) {
        errno = ENOMEM;
        return -1;
    }
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The number of a full file's name, without leading zeros; 0: it is none of this log. */
static uint32_t
number_of(const char *entry, const char *base)
{
    uint64_t number;
    size_t size = strlen(base);
    if (strncmp(entry, base, size) != 0 || entry[size] != '.' || entry[size + 1] == '0' ||
        text_parse_unsigned(entry + size + 1, NUMBER_MAX, &number, NULL) != AIP_OK) {
        return 0;
    }
    return (uint32_t)number;
}

static int
compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

typedef struct {
    uint32_t *items;
    size_t count;
} numbers;

static aip_status
add_number(numbers *list, uint32_t number, aip_error *err)
{
    uint32_t *grown = realloc(list->items, (list->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    list->items = grown;
    list->items[list->count++] = number;
    return AIP_OK;
}

static aip_status
read_folder(DIR *folder, const char *base, numbers *list, aip_error *err)
{
    struct dirent *entry;
    while ((errno = 0, entry = readdir(folder)) != NULL) {
        uint32_t number = number_of(entry->d_name, base);
        if (number != 0) {
            AIP_TRY(add_number(list, number, err));
        }
    }
    if (errno != 0) {
        return aip_fail(err, AIP_IO, "the folder of the log: %s", strerror(errno));
    }
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, compare_numbers);
    }
    return AIP_OK;
}

static aip_status
list_numbers(const char *path, numbers *list, aip_error *err)
{
    const char *slash = strrchr(path, '/');
    int descriptor = audit_series_open_folder(path);
    DIR *folder = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (folder == NULL) {
        aip_status failed = aip_fail(err, AIP_IO, "the folder of the log: %s", strerror(errno));
        if (descriptor >= 0) {
            close(descriptor);
        }
        return failed;
    }
    aip_status status = read_folder(folder, slash == NULL ? path : slash + 1, list, err);
    closedir(folder);
    return status;
}

static aip_status
name_files(const char *path, const numbers *list, audit_series *out, aip_error *err)
{
    out->paths = calloc(list->count + 1, sizeof *out->paths);
    if (out->paths == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i <= list->count; i++) {
        if (i == list->count && access(path, F_OK) != 0) {
            break;
        }
        char *name = i == list->count ? strdup(path) : audit_series_name(path, list->items[i]);
        if (name == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        out->paths[out->count++] = name;
    }
    out->highest = list->count == 0 ? 0 : list->items[list->count - 1];
    return AIP_OK;
}

aip_status
audit_series_list(const char *path, audit_series *out, aip_error *err)
{
    numbers list = {NULL, 0};
    *out = (audit_series){NULL, 0, 0};
    aip_status status = list_numbers(path, &list, err);
    if (status == AIP_OK) {
        status = name_files(path, &list, out, err);
    }
    free(list.items);
    if (status != AIP_OK) {
        audit_series_clear(out);
    }
    return status;
}

void
audit_series_clear(audit_series *series)
{
    for (size_t i = 0; i < series->count; i++) {
        free(series->paths[i]);
    }
    free(series->paths);
    *series = (audit_series){NULL, 0, 0};
}
