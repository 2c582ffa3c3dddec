/* The demonstration's server: a folder of text files as three MCP tools over HTTP, with no access rules of its own. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BODY_BYTES_MAX (1u << 20)
#define FILE_BYTES_MAX (1u << 20)
#define MATCHES_MAX 50

static int root_folder = -1;

/* ---- files ---- */

/* Opens one component of a path, never through a symbolic link. */
static int
open_component(int folder, const char *name, size_t size, bool last)
{
    char component[NAME_MAX + 1];
    if (size == 0 || size > NAME_MAX || strncmp(name, ".", size) == 0 || strncmp(name, "..", size) == 0) {
        return -1;
    }
    memcpy(component, name, size);
    component[size] = '\0';
    return openat(folder, component, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (last ? 0 : O_DIRECTORY));
}

/* Opens what `path` names below the root folder: walked by component, so that nothing leads out of it. */
static int
open_inside(const char *path)
{
    int folder = dup(root_folder);
    for (bool last = false; !last && folder >= 0;) {
        size_t size = strcspn(path, "/");
        last = path[size] == '\0';
        int next = open_component(folder, path, size, last);
        close(folder);
        folder = next;
        path += size + !last;
    }
    return folder;
}

/* The text of a regular file below the root folder, malloc'd; NULL when there is none. */
static char *
load_text(const char *path)
{
    int file = open_inside(path);
    struct stat facts;
    char *text = NULL;
    if (file >= 0 && fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size <= FILE_BYTES_MAX) {
        text = calloc(1, (size_t)facts.st_size + 1);
    }
    if (text != NULL && read(file, text, (size_t)facts.st_size) != facts.st_size) {
        free(text);
        text = NULL;
    }
    if (file >= 0) {
        close(file);
    }
    return text;
}

/* ---- tools: each takes one text and writes its answer; false = there is no such file ---- */

static int
search_file(const char *name, const char *query, int found, FILE *out)
{
    char *text = load_text(name), *rest = text, *line;
    for (int number = 1; found < MATCHES_MAX && (line = strsep(&rest, "\n")) != NULL; number++) {
        if (strcasestr(line, query) != NULL) {
            fprintf(out, "%s%s:%d: %s", found > 0 ? "\n" : "", name, number, line);
            found++;
        }
    }
    free(text);
    return found;
}

static bool
search(const char *query, FILE *out)
{
    struct dirent **entries = NULL;
    int count = query[0] == '\0' ? 0 : scandirat(root_folder, ".", &entries, NULL, alphasort);
    int found = 0;
    for (int i = 0; i < count; i++) {
        found = search_file(entries[i]->d_name, query, found, out);
        free(entries[i]);
    }
    free(entries);
    if (found == 0) {
        fputs("No line matches.", out);
    }
    return true;
}

static bool
read_file(const char *path, FILE *out)
{
    char *text = load_text(path);
    if (text == NULL) {
        return false;
    }
    fputs(text, out);
    free(text);
    return true;
}

static bool
word_count(const char *path, FILE *out)
{
    char *text = load_text(path), *rest = NULL;
    if (text == NULL) {
        return false;
    }
    size_t words = 0;
    for (char *word = strtok_r(text, " \t\r\n", &rest); word != NULL; word = strtok_r(NULL, " \t\r\n", &rest)) {
        words++;
    }
    fprintf(out, "%zu", words);
    free(text);
    return true;
}

typedef struct {
    const char *name, *description, *argument;
    bool (*run)(const char *argument, FILE *out);
} tool;

static const tool tools[] = {
    {"search", "Lines of all files that contain the query.", "query", search},
    {"read_file", "The text of one file.", "path", read_file},
    {"word_count", "How many words a file has.", "path", word_count},
};
#define TOOL_COUNT (sizeof tools / sizeof tools[0])

/* The tool's result as MCP has it: content blocks, and isError when it could not be done. */
static json_t *
run_tool(const tool *wanted, const char *argument)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    bool done = wanted->run(argument, out);
    if (!done) {
        fputs("There is no such file.", out);
    }
    fclose(out);
    json_t *value = json_stringn(text, size);
    free(text);
    if (value == NULL) { /* bytes that are not UTF-8 */
        done = false;
        value = json_string("The file is not text.");
    }
    return json_pack("{s:[{s:s,s:o}],s:b}", "content", "type", "text", "text", value, "isError", !done);
}

/* ---- methods: each gives a result, or NULL when the parameters are wrong ---- */

static json_t *
initialize(const json_t *params)
{
    const char *wanted = json_string_value(json_object_get(params, "protocolVersion"));
    bool older = wanted != NULL && strcmp(wanted, "2025-06-18") == 0;
    return json_pack("{s:s,s:{s:{}},s:{s:s,s:s}}", "protocolVersion", older ? "2025-06-18" : "2025-11-25",
                     "capabilities", "tools", "serverInfo", "name", "files-mcp", "version", "1");
}

static json_t *
list_tools(const json_t *params)
{
    (void)params;
    json_t *list = json_array();
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        const tool *row = &tools[i];
        json_array_append_new(list, json_pack("{s:s,s:s,s:{s:s,s:{s:{s:s}},s:[s]}}", "name", row->name, "description",
                                              row->description, "inputSchema", "type", "object", "properties",
                                              row->argument, "type", "string", "required", row->argument));
    }
    return json_pack("{s:o}", "tools", list);
}

static json_t *
call_tool(const json_t *params)
{
    const char *name = json_string_value(json_object_get(params, "name"));
    for (size_t i = 0; name != NULL && i < TOOL_COUNT; i++) {
        if (strcmp(tools[i].name, name) == 0) {
            const json_t *arguments = json_object_get(params, "arguments");
            const char *argument = json_string_value(json_object_get(arguments, tools[i].argument));
            return argument != NULL ? run_tool(&tools[i], argument) : NULL;
        }
    }
    return NULL;
}

static const struct {
    const char *name;
    json_t *(*run)(const json_t *params);
} methods[] = {{"initialize", initialize}, {"ping", NULL}, {"tools/list", list_tools}, {"tools/call", call_tool}};

/* The whole reply to a request that has an id. */
static json_t *
answer_request(const json_t *request)
{
    const char *method = json_string_value(json_object_get(request, "method"));
    int code = -32601;
    json_t *result = NULL;
    for (size_t i = 0; method != NULL && i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(methods[i].name, method) == 0) {
            code = -32602;
            result = methods[i].run == NULL ? json_object() : methods[i].run(json_object_get(request, "params"));
        }
    }
    json_t *id = json_object_get(request, "id");
    if (result != NULL) {
        return json_pack("{s:s,s:O,s:o}", "jsonrpc", "2.0", "id", id, "result", result);
    }
    return json_pack("{s:s,s:O,s:{s:i,s:s}}", "jsonrpc", "2.0", "id", id, "error", "code", code, "message",
                     code == -32601 ? "Unknown method." : "Unknown tool or missing argument.");
}

/* ---- HTTP ---- */

/* Two events, the second a moment later, so that a relay which holds events back is seen to do so. */
typedef struct {
    char *events, *rest, *second;
} event_stream;

static ssize_t
next_bytes(void *closure, uint64_t position, char *buffer, size_t capacity)
{
    event_stream *stream = closure;
    (void)position;
    if (*stream->rest == '\0') {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t size = strnlen(stream->rest, capacity);
    if (stream->rest < stream->second) {
        size_t first = (size_t)(stream->second - stream->rest);
        size = first < size ? first : size;
    } else if (stream->rest == stream->second) {
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    }
    memcpy(buffer, stream->rest, size);
    stream->rest += size;
    return (ssize_t)size;
}

static void
free_stream(void *closure)
{
    event_stream *stream = closure;
    free(stream->events);
    free(stream);
}

/* `reply` as server-sent events, after one about progress. */
static struct MHD_Response *
stream_response(const json_t *request, const json_t *reply)
{
    json_t *token = json_object_get(json_object_get(json_object_get(request, "params"), "_meta"), "progressToken");
    json_t *progress =
        json_pack("{s:s,s:s,s:{s:O,s:i,s:i}}", "jsonrpc", "2.0", "method", "notifications/progress", "params",
                  "progressToken", token != NULL ? token : json_object_get(request, "id"), "progress", 1, "total", 2);
    char *first = json_dumps(progress, JSON_COMPACT), *last = json_dumps(reply, JSON_COMPACT);
    event_stream *stream = calloc(1, sizeof *stream);
    struct MHD_Response *response = NULL;
    if (stream != NULL && asprintf(&stream->events, "data: %s\n\ndata: %s\n\n", first, last) >= 0) {
        stream->rest = stream->events;
        stream->second = stream->events + strlen(first) + strlen("data: \n\n");
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, next_bytes, stream, free_stream);
        MHD_add_response_header(response, "Content-Type", "text/event-stream");
    }
    free(first);
    free(last);
    json_decref(progress);
    return response;
}

/* Takes `text`. */
static struct MHD_Response *
text_response(char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Type", "application/json");
    return response;
}

static enum MHD_Result
send_response(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static bool
wants_stream(struct MHD_Connection *connection, const json_t *request)
{
    const json_t *params = json_object_get(request, "params");
    const char *name = json_string_value(json_object_get(params, "name"));
    const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
    return name != NULL && strcmp(name, "search") == 0 && accept != NULL &&
           strstr(accept, "text/event-stream") != NULL &&
           json_is_true(json_object_get(json_object_get(params, "arguments"), "stream"));
}

typedef struct {
    char *body;
    size_t size;
} upload;

static enum MHD_Result
answer_message(struct MHD_Connection *connection, const upload *received)
{
    json_t *request = json_loadb(received->body, received->size, 0, NULL);
    if (!json_is_object(request) || json_object_get(request, "id") == NULL) {
        unsigned status = json_is_object(request) ? 202 : 400;
        json_decref(request);
        return send_response(connection, status, text_response(strdup("")));
    }
    json_t *reply = answer_request(request);
    bool stream = wants_stream(connection, request);
    struct MHD_Response *response =
        stream ? stream_response(request, reply) : text_response(json_dumps(reply, JSON_COMPACT));
    json_decref(reply);
    json_decref(request);
    return send_response(connection, 200, response);
}

static enum MHD_Result
append_body(upload *received, const char *data, size_t *size)
{
    char *larger = received->size + *size > BODY_BYTES_MAX ? NULL : realloc(received->body, received->size + *size);
    if (larger == NULL) {
        return MHD_NO;
    }
    memcpy(larger + received->size, data, *size);
    received->body = larger;
    received->size += *size;
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result
on_request(void *closure, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
           const char *data, size_t *size, void **state)
{
    (void)closure, (void)version;
    if (*state == NULL) {
        *state = calloc(1, sizeof(upload));
        return *state != NULL ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        return append_body(*state, data, size);
    }
    bool found = strcmp(url, "/mcp") == 0;
    if (!found || strcmp(method, "POST") != 0) {
        return send_response(connection, found ? 405 : 404, text_response(strdup("")));
    }
    return answer_message(connection, *state);
}

static void
on_end(void *closure, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
    (void)closure, (void)connection, (void)code;
    upload *received = *state;
    if (received != NULL) {
        free(received->body);
    }
    free(received);
    *state = NULL;
}

/* ---- start and stop ---- */

static struct MHD_Daemon *
listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION;
    return MHD_start_daemon(flags, port, NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR,
                            (struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL,
                            MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
}

static bool
parse_options(int argc, char **argv, uint16_t *port)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0) {
            *port = (uint16_t)strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--root") == 0) {
            root_folder = open(argv[i + 1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
    }
    return argc % 2 == 1 && root_folder >= 0;
}

int
main(int argc, char **argv)
{
    uint16_t port = 0;
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    struct MHD_Daemon *daemon = parse_options(argc, argv, &port) ? listen_on(port) : NULL;
    if (daemon == NULL) {
        fputs("usage: files_mcp --root DIR [--port N]; DIR must exist and the port be free\n", stderr);
        return 2;
    }
    port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    printf("listening on http://127.0.0.1:%u/mcp\n", (unsigned)port);
    fflush(stdout);
    int received;
    sigwait(&stop, &received);
    MHD_stop_daemon(daemon);
    return 0;
}
