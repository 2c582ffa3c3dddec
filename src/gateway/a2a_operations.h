/* What an A2A request means: methods of 1.0 and 0.3, JSON-RPC and REST, told by one table (spec/a2a.md). */
#ifndef GATEWAY_A2A_OPERATIONS_H
#define GATEWAY_A2A_OPERATIONS_H

#include "aip/error.h"
#include "aip/limits.h"

typedef enum {
    A2A_SEND_MESSAGE,
    A2A_SEND_STREAMING_MESSAGE,
    A2A_GET_TASK,
    A2A_LIST_TASKS,
    A2A_CANCEL_TASK,
    A2A_SUBSCRIBE_TO_TASK,
    A2A_CREATE_PUSH_CONFIG,
    A2A_GET_PUSH_CONFIG,
    A2A_LIST_PUSH_CONFIGS,
    A2A_DELETE_PUSH_CONFIG,
    A2A_GET_EXTENDED_CARD,
    A2A_OPERATION_COUNT
} a2a_operation;

typedef enum { A2A_0_3, A2A_1_0 } a2a_version;
#define A2A_VERSIONS 2
typedef enum { A2A_JSONRPC, A2A_REST } a2a_binding;

/* Names of the members of `params`, or of a REST body, that name what the operation is about. NULL: it has none. */
typedef struct {
    const char *task, *config, *context;
    const char *push; /* the object with the address to notify; "" = params themselves */
} a2a_members;

/* One operation, in both versions and bindings. */
typedef struct {
    a2a_operation operation;
    const char *name;                  /* what policies and records call it: 1.0's method */
    const char *scope;                 /* what tokens grant, one for both versions */
    const char *methods[A2A_VERSIONS]; /* JSON-RPC; NULL: the version has none */
    const char *http;                  /* HTTP methods, as in `Allow` */
    const char *paths[A2A_VERSIONS];   /* REST, below the tenant or /v1; `*` is one identifier */
    a2a_members members[A2A_VERSIONS];
    bool streams;     /* the reply is an event stream */
    bool has_message; /* params.message, params.configuration */
} a2a_row;

typedef char a2a_id[AIP_A2A_ID_BYTES_MAX + 1]; /* "" = not named */

/* A request's row, and what its path names. */
typedef struct {
    const a2a_row *row;
    a2a_version version; /* of the dialect */
    a2a_binding binding;
    a2a_id tenant, task, config; /* of a REST path, decoded */
} a2a_match;

/* By the method of a JSON-RPC request, byte for byte. Errors: request.method. E-1. */
AIP_MUST_CHECK aip_status a2a_match_method(aip_bytes method, a2a_match *out, aip_error *err);

/* By HTTP method and path as sent, without query, from the slash after the public base on. The path is decoded once.
 * Errors: request.invalid (a path that two readers could split differently: E-3), request.not_found,
 * request.http_method (out->row is set then, for `Allow`). */
AIP_MUST_CHECK aip_status a2a_match_path(const char *http_method, aip_bytes path, a2a_match *out, aip_error *err);

/* A request's version: `header` is the value of A2A-Version and `count` how often it occurs, `query` the target's
 * query. Empty and absent mean 0.3. Errors: a2a.version, request.headers. E-5. */
AIP_MUST_CHECK aip_status a2a_read_version(aip_bytes header, size_t count, aip_bytes query, a2a_version *out,
                                           aip_error *err);

/* The version is the dialect's. Errors: a2a.version. E-6. */
AIP_MUST_CHECK aip_status a2a_check_dialect(const a2a_match *match, a2a_version version, aip_error *err);

const char *a2a_version_text(a2a_version version); /* "0.3", "1.0" */
/* `0.3`, `1.0`, and in a card also with a patch number. */
bool a2a_version_parse(aip_bytes text, bool patch, a2a_version *out);

/* The value of a query's parameter, decoded once with a NUL; "" when it is absent. Errors: request.invalid: it occurs
 * twice or under a name that differs in case or in its encoding, or is too long. */
AIP_MUST_CHECK aip_status a2a_query_value(aip_bytes query, const char *name, a2a_id out, aip_error *err);

/* Extensions that a request asks for. */
typedef struct {
    aip_bytes uris[AIP_A2A_EXTENSIONS_MAX]; /* views of the header */
    size_t count;
} a2a_extensions;

/* From A2A-Extensions, or 0.3's X-A2A-Extensions; both together must say the same. Errors: request.headers. E-7. */
AIP_MUST_CHECK aip_status a2a_read_extensions(aip_bytes header, aip_bytes legacy, a2a_extensions *out, aip_error *err);

#endif
