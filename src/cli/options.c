/* Command lines as tables: parsing, the help made from the table, and the one report of a failure. */
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aip/version.h"
#include "base/text.h"
#include "crypto/hash.h"

#define OPTIONS_MAX 64 /* the seen-before set is one word */
#define LIST_MAX 256   /* above every cap in limits.h */
#define SECRET_LINE_MAX 1024

static void
print_help(const option *table, const char *usage)
{
    printf("usage: %s\n", usage);
    for (const option *row = table; row->name != NULL; row++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", row->name, row->argument == NULL ? "" : " ",
                 row->argument == NULL ? "" : row->argument);
        printf("  %-26s %s%s\n", left, row->help, row->kind == OPTION_LIST ? " (repeatable)" : "");
    }
    printf("  %-26s %s\n", "--help", "this text");
}

/* The row that `argument` names; *value is what follows its `=`, or NULL. */
static const option *
find_option(const option *table, const char *argument, const char **value)
{
    const char *equals = strncmp(argument, "--", 2) == 0 ? strchr(argument, '=') : NULL;
    size_t size = equals == NULL ? strlen(argument) : (size_t)(equals - argument);
    *value = equals == NULL ? NULL : equals + 1;
    for (const option *row = table; row->name != NULL; row++) {
        if (strlen(row->name) == size && memcmp(row->name, argument, size) == 0) {
            return row;
        }
    }
    return NULL;
}

aip_status
options_append(option_list *list, const char *value, aip_error *err)
{
    if (list->count >= LIST_MAX) {
        return aip_fail(err, AIP_USAGE, "too many values");
    }
    const char **grown = realloc(list->items, (list->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    grown[list->count++] = value;
    list->items = grown;
    return AIP_OK;
}

static aip_status
store_value(const option *row, const char *value, aip_error *err)
{
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)row->destination = true;
        return AIP_OK;
    case OPTION_TEXT:
        *(const char **)row->destination = value;
        return AIP_OK;
    case OPTION_LIST:
        return options_append(row->destination, value, err);
    case OPTION_UNSIGNED:
        if (text_parse_unsigned(value, INT64_MAX, row->destination, NULL) != AIP_OK) {
            return aip_fail(err, AIP_USAGE, "%s needs a whole number", row->name);
        }
        return AIP_OK;
    }
    return aip_fail(err, AIP_INTERNAL, NULL);
}

/* Takes the option at argv[*i], and the value after it where it needs one. */
static aip_status
take_option(const option *table, char **argv, int *i, uint64_t *seen, aip_error *err)
{
    const char *value;
    const option *row = find_option(table, argv[*i], &value);
    if (row == NULL) {
        return aip_fail(err, AIP_USAGE, "unknown option %.40s", argv[*i]);
    }
    size_t index = (size_t)(row - table);
    if (index >= OPTIONS_MAX) {
        return aip_fail(err, AIP_INTERNAL, "too many options in a table");
    }
    if (row->kind != OPTION_LIST && (*seen >> index & 1) != 0) {
        return aip_fail(err, AIP_USAGE, "%s is given twice", row->name);
    }
    *seen |= (uint64_t)1 << index;
    if (row->kind == OPTION_FLAG) {
        return value == NULL ? store_value(row, NULL, err) : aip_fail(err, AIP_USAGE, "%s takes no value", row->name);
    }
    if (value == NULL) {
        value = argv[++*i];
    }
    return value == NULL ? aip_fail(err, AIP_USAGE, "%s needs a value", row->name) : store_value(row, value, err);
}

aip_status
options_parse(const option *table, const char *usage, int argc, char **argv, const char **positionals,
              size_t positional_max, size_t *positional_count, aip_error *err)
{
    uint64_t seen = 0;
    size_t count = 0;
    bool only_positionals = false;
    for (int i = 1; i < argc; i++) {
        if (!only_positionals && strcmp(argv[i], "--help") == 0) {
            print_help(table, usage);
            exit(0);
        }
        if (!only_positionals && strcmp(argv[i], "--") == 0) {
            only_positionals = true;
            continue;
        }
        if (!only_positionals && argv[i][0] == '-' && argv[i][1] != '\0') {
            AIP_TRY(take_option(table, argv, &i, &seen, err));
            continue;
        }
        if (count >= positional_max) {
            return aip_fail(err, AIP_USAGE, "one argument too many: %.40s", argv[i]);
        }
        positionals[count++] = argv[i];
    }
    if (positional_count != NULL) {
        *positional_count = count;
    }
    return AIP_OK;
}

void
options_release(const option *table)
{
    for (const option *row = table; row->name != NULL; row++) {
        if (row->kind == OPTION_LIST) {
            option_list *list = row->destination;
            free(list->items);
            *list = (option_list){NULL, 0};
        }
    }
}

static void
print_commands(FILE *stream, const char *program, const char *about, const command *commands)
{
    fprintf(stream, "%s: %s\nusage: %s COMMAND [options]\n", program, about, program);
    for (const command *row = commands; row->name != NULL; row++) {
        fprintf(stream, "  %-12s %s\n", row->name, row->summary);
    }
    fprintf(stream, "`%s COMMAND --help` lists the options of a command.\n", program);
}

int
options_run_command(const char *program, const char *about, const command *commands, int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", program, AIP_VERSION);
        return 0;
    }
    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        print_commands(stdout, program, about, commands);
        return 0;
    }
    for (const command *row = commands; argc >= 2 && row->name != NULL; row++) {
        if (strcmp(argv[1], row->name) == 0) {
            return row->run(argc - 1, argv + 1);
        }
    }
    print_commands(stderr, program, about, commands);
    return aip_status_exit_code(AIP_USAGE);
}

aip_status
options_parse_duration(const char *text, int64_t *seconds, aip_error *err)
{
    return text_parse_duration(text, seconds, err);
}

/* Reads up to the first newline; unbuffered, so that no second copy of the secret stays in memory. */
static aip_status
read_line(int descriptor, char *out, size_t capacity, size_t *size, aip_error *err)
{
    for (*size = 0; *size < capacity;) {
        ssize_t got = read(descriptor, out + *size, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return aip_fail(err, AIP_IO, "the passphrase file cannot be read");
        }
        if (got == 0 || out[*size] == '\n') {
            return AIP_OK;
        }
        ++*size;
    }
    return aip_fail(err, AIP_USAGE, "the passphrase is too long");
}

aip_status
options_load_secret_line(const char *path, char **out, aip_error *err)
{
    char line[SECRET_LINE_MAX];
    size_t size = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return aip_fail(err, AIP_IO, "the passphrase file cannot be opened");
    }
    aip_status status = read_line(descriptor, line, sizeof line, &size, err);
    close(descriptor);
    if (status == AIP_OK && (size == 0 || memchr(line, '\0', size) != NULL)) {
        status = aip_fail(err, AIP_USAGE, "the passphrase is empty or holds a NUL");
    }
    if (status == AIP_OK && (*out = strndup(line, size)) == NULL) {
        status = aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    hash_wipe(line, sizeof line);
    return status;
}

static const aip_error *
error_of(aip_status status, const aip_error *err)
{
    static const aip_error nothing = AIP_ERROR_INIT;
    return err == NULL || err->status != status ? &nothing : err;
}

void
options_append_verdict(text_buffer *text, aip_status status, const aip_error *err)
{
    const aip_status_facts *facts = aip_status_lookup(status);
    char at[16] = "null", message[512];
    err = error_of(status, err);
    if (err->at != AIP_NOWHERE) {
        snprintf(at, sizeof at, "%d", err->at);
    }
    snprintf(message, sizeof message, "%s%s%s", facts->sentence, err->detail[0] == '\0' ? "" : " ", err->detail);
    text_append_format(text, "\"valid\":%s,\"code\":\"%s\",\"at\":%s,\"message\":", status == AIP_OK ? "true" : "false",
                       facts->name, at);
    text_append_json(text, aip_bytes_of(message));
}

aip_status
options_print(const text_buffer *text, aip_error *err)
{
    AIP_TRY(text_finish(text, err));
    fwrite(text->data, 1, text->size, stdout);
    putchar('\n');
    return fflush(stdout) == 0 && !ferror(stdout) ? AIP_OK : aip_fail(err, AIP_IO, "standard output cannot be written");
}

static void
print_failure_text(const char *program, aip_status status, const aip_error *err)
{
    const aip_status_facts *facts = aip_status_lookup(status);
    fprintf(stderr, "%s: %s: ", program, facts->name);
    if (err->at != AIP_NOWHERE) {
        fprintf(stderr, "%s %d: ", strncmp(facts->name, "log.", 4) == 0 ? "entry" : "element", err->at);
    }
    fprintf(stderr, "%s%s%s", facts->sentence, err->detail[0] == '\0' ? "" : " ", err->detail);
    if (err->offset != AIP_NOWHERE) {
        fprintf(stderr, " (at %ld)", err->offset);
    }
    fputc('\n', stderr);
}

int
options_report_failure(const char *program, bool json, aip_status status, const aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    if (json) {
        text_append_string(&text, "{");
        options_append_verdict(&text, status, err);
        text_append_string(&text, "}");
    }
    if (!json || options_print(&text, NULL) != AIP_OK) {
        print_failure_text(program, status, error_of(status, err));
    }
    return aip_status_exit_code(status);
}
