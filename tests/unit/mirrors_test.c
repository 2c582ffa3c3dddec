/* Arguments that stand in headers as well: which declarations count, and when a header says what the body says. */
#include "policy/mirrors.h"

#include "aip/limits.h"
#include "check.h"

static const scan_limits limits = {1u << 20, AIP_JSON_DEPTH_MAX, 65536};

static scan_document
scanned(const char *text)
{
    scan_document document;
    CHECK_STATUS(scan_load(aip_bytes_of(text), &limits, &document, NULL), AIP_OK);
    return document;
}

/* ---- declarations ---- */

/* `Region=a.b,`: header and path of each. */
static const char *
declared(const char *schema)
{
    static char out[4096];
    TEXT_AUTO text_buffer tool = {0}, read = {0};
    text_append_format(&tool, "{\"name\":\"t\",\"inputSchema\":%s}", schema);
    scan_document document = scanned(tool.data);
    CHECK_STATUS(mirrors_read(&document, 0, &read, NULL), AIP_OK);
    scan_clear(&document);
    aip_bytes rest = text_view(&read);
    size_t at = 0;
    mirror each;
    out[0] = '\0';
    while (mirrors_next(&rest, &each)) {
        at +=
            (size_t)snprintf(out + at, sizeof out - at, "%.*s=", (int)each.header.size, (const char *)each.header.data);
        for (size_t i = 0; i < each.depth; i++) {
            at += (size_t)snprintf(out + at, sizeof out - at, "%s%s", i == 0 ? "" : ".", each.path[i]);
        }
        at += (size_t)snprintf(out + at, sizeof out - at, ",");
    }
    return out;
}

#define PROPERTIES(text) "{\"type\":\"object\",\"properties\":{" text "}}"
#define NAMED(name, type, header) "\"" name "\":{\"type\":\"" type "\",\"x-mcp-header\":\"" header "\"}"

/* G-110 */
static void
declarations_are_read_at_any_depth_of_properties(void)
{
    CHECK_TEXT(declared(PROPERTIES(NAMED("a", "string", "Region") "," NAMED("n", "integer", "N") "," NAMED(
                   "b", "boolean", "B") ",\"plain\":{\"type\":\"object\"}")),
               "Region=a,N=n,B=b,");
    CHECK_TEXT(declared(PROPERTIES("\"o\":" PROPERTIES("\"p\":" PROPERTIES(NAMED("q", "string", "Deep"))))),
               "Deep=o.p.q,");
    CHECK_TEXT(declared(PROPERTIES(NAMED("\\u0061\\n", "string", "X"))), "X=a\n,");
    CHECK_TEXT(declared(PROPERTIES(NAMED("a", "string", "!#$%&'*+-.^_`|~9Z"))), "!#$%&'*+-.^_`|~9Z=a,");
}

/* G-110 */
static void
what_servers_check_though_mcp_forbids_it_is_read_too(void)
{
    CHECK_TEXT(declared(PROPERTIES(NAMED("a", "number", "A"))), "A=a,");
}

static void
schemas_without_declarations_have_none(void)
{
    CHECK_TEXT(declared("{}"), "");
    CHECK_TEXT(declared("true"), "");
    CHECK_TEXT(declared(PROPERTIES("\"a\":{\"type\":\"string\"}")), "");
    CHECK_TEXT(declared(PROPERTIES("\"x-mcp-header\":{\"type\":\"string\"}")), ""); /* an argument of that name */
    CHECK_TEXT(declared(PROPERTIES("\"a\":{\"type\":\"string\",\"default\":{\"x-mcp-header\":\"A\"}}")), "");
}

/* G-110 */
static void
one_declaration_that_breaks_a_rule_spoils_all(void)
{
    static const char *const broken[] = {
        NAMED("b", "string", ""),
        NAMED("b", "string", "has space"),
        NAMED("b", "string", "line\\nend"),
        NAMED("b", "string", "nul\\u0000"),
        NAMED("b", "string", "colon:"),
        NAMED("b", "string", "\\u00e4"),
        NAMED("b", "string", "good"), /* `Good` is there */
        NAMED("b", "object", "B"),
        NAMED("b", "array", "B"),
        NAMED("b", "null", "B"),
        "\"b\":{\"x-mcp-header\":\"B\"}",
        "\"b\":{\"type\":[\"string\"],\"x-mcp-header\":\"B\"}",
        "\"b\":{\"type\":\"string\",\"x-mcp-header\":7}",
        "\"b\":{\"type\":\"string\",\"x-mcp-header\":null}",
        NAMED("\\u0000", "string", "B"),
        "\"b\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"x-mcp-header\":\"B\"}}",
        "\"b\":{\"items\":[{\"type\":\"string\",\"x-mcp-header\":\"B\"}]}",
        "\"b\":{\"anyOf\":[{\"type\":\"string\",\"x-mcp-header\":\"B\"}]}",
        "\"b\":{\"then\":{\"properties\":{" NAMED("c", "string", "B") "}}}",
        "\"b\":{\"additionalProperties\":{\"type\":\"string\",\"x-mcp-header\":\"B\"}}",
        "\"b\":{\"$defs\":{\"d\":{\"type\":\"string\",\"x-mcp-header\":\"B\"}}}",
        "\"b\":{\"patternProperties\":{\"d\":{\"type\":\"string\",\"x\\u002dmcp-header\":\"B\"}}}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        char schema[512];
        snprintf(schema, sizeof schema, PROPERTIES(NAMED("a", "string", "Good") ",%s"), broken[i]);
        CHECK_TEXT(declared(schema), "");
    }
    CHECK_TEXT(declared("{\"type\":\"string\",\"x-mcp-header\":\"Root\"}"), "");
}

/* G-110 */
static void
what_is_over_the_bounds_is_not_recognised(void)
{
    TEXT_AUTO text_buffer many = {0}, deep = {0};
    text_append_string(&many, "{\"properties\":{");
    for (int i = 0; i <= MIRRORS_MAX; i++) {
        text_append_format(&many, "%s\"p%d\":{\"type\":\"string\",\"x-mcp-header\":\"H%d\"}", i == 0 ? "" : ",", i, i);
    }
    text_append_string(&many, "}}");
    CHECK_TEXT(declared(many.data), "");
    for (int i = 0; i < MIRROR_DEPTH_MAX; i++) {
        text_append_string(&deep, "{\"properties\":{\"o\":");
    }
    TEXT_AUTO text_buffer deeper = {0};
    text_append_format(&deeper, "{\"properties\":{\"o\":%s", deep.data);
    text_append_string(&deep, "{\"type\":\"string\",\"x-mcp-header\":\"H\"}");
    text_append_string(&deeper, "{\"type\":\"string\",\"x-mcp-header\":\"H\"}}}");
    for (int i = 0; i < MIRROR_DEPTH_MAX; i++) {
        text_append_string(&deep, "}}");
        text_append_string(&deeper, "}}");
    }
    CHECK_TEXT(declared(deep.data), "H=o.o.o.o.o.o.o.o,");
    CHECK_TEXT(declared(deeper.data), "");
}

/* ---- values ---- */

static aip_status
compared(const char *value, const char *header)
{
    scan_document document = scanned(value);
    aip_status status = mirror_check(&document, 0, aip_bytes_of(header), NULL);
    scan_clear(&document);
    return status;
}

/* G-111 */
static void
a_header_says_what_the_body_says(void)
{
    static const char *const same[][2] = {
        {"\"us-west1\"", "us-west1"},
        {"\"us\\u002dwest1\"", "us-west1"},
        {"\"us-west1\"", "=?base64?dXMtd2VzdDE=?="},
        {"\"Hello, \\u4e16\\u754c\"", "=?base64?SGVsbG8sIOS4lueVjA==?="},
        {"\" padded \"", "=?base64?IHBhZGRlZCA=?="},
        {"\"line1\\nline2\"", "=?base64?bGluZTEKbGluZTI=?="},
        {"\"=?base64?literal?=\"", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="},
        {"\"=?base64?\"", "=?base64?"},
        {"\"\"", "=?base64?"
                 "?="},
        {"\"\"", ""},
        {"true", "true"},
        {"false", "=?base64?ZmFsc2U=?="},
        {"42", "42"},
        {"42", "42.0"},
        {"42.0", "42"},
        {"4.2e1", "42"},
        {"-7", "-7"},
        {"1e-7", "1e-7"},
        {"9007199254740993", "9007199254740993"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        CHECK_STATUS(compared(same[i][0], same[i][1]), AIP_OK);
    }
}

/* G-111 */
static void
a_header_that_says_something_else_is_refused(void)
{
    static const char *const other[][2] = {
        {"\"us-west1\"", "us-west2"},
        {"\"us-west1\"", "US-WEST1"},
        {"\"us-west1\"", ""},
        {"\"us-west1\"", "us-west1 "},
        {"\"us-west1\"", "=?base64?dXMtd2VzdDI=?="},
        {"\"us-west1\"", "=?base64?dXMtd2VzdDE?="},  /* no padding */
        {"\"us-west1\"", "=?base64?dXMtd2VzdDF=?="}, /* bits beyond the end */
        {"\"us-west1\"", "=?BASE64?dXMtd2VzdDE=?="},
        {"\"us-west1\"", "=?base64?dXMt d2VzdDE=?="},
        {"\"=?base64?literal?=\"", "=?base64?literal?="},
        {"\"\\u00e4\"", "\xc3\xa4"}, /* as it is, no header may carry it */
        {"true", "True"},
        {"true", "1"},
        {"false", "true"},
        {"42", "43"},
        {"42", "4.2e1"},
        {"42", " 42"},
        {"42", "+42"},
        {"42", "0x2a"},
        {"42", "42."},
        {"42", ".42"},
        {"42", "4.2.0"},
        {"42", "-"},
        {"42", ""},
        {"9007199254740993", "9007199254740992"}, /* one double */
        {"\"42\"", "42.0"},
        {"null", "null "},
        {"[1]", "[1]"},
        {"{}", "{}"},
    };
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        CHECK_STATUS(compared(other[i][0], other[i][1]), AIP_REQUEST_HEADERS);
    }
}

/* G-113 */
static void
what_is_written_is_what_is_read(void)
{
    static const char *const values[][2] = {
        {"\"us-west1\"", "us-west1"},
        {"\"a b\\tc\"", "a b\tc"},
        {"\" a\"", "=?base64?IGE=?="},
        {"\"a\\t\"", "=?base64?YQk=?="},
        {"\"\"", "=?base64?"
                 "?="},
        {"\"\\u00e4\\r\\nX: y\"", "=?base64?w6QNClg6IHk=?="},
        {"\"=?base64?x?=\"", "=?base64?PT9iYXNlNjQ/eD89?="},
        {"true", "true"},
        {"-7", "-7"},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        TEXT_AUTO text_buffer out = {0};
        scan_document document = scanned(values[i][0]);
        CHECK_STATUS(mirror_append(&document, 0, &out, NULL), AIP_OK);
        CHECK_TEXT(out.data, values[i][1]);
        CHECK_STATUS(mirror_check(&document, 0, text_view(&out), NULL), AIP_OK);
        scan_clear(&document);
    }
}

static const char *
found(const char *arguments, const char *first, const char *second)
{
    static char out[64];
    const mirror m = {.path = {first, second}, .depth = second == NULL ? 1 : 2};
    scan_document document = scanned(arguments);
    uint32_t value = mirror_find(&m, &document, 0);
    aip_bytes raw = value == SCAN_NONE ? aip_bytes_of("none") : scan_raw(&document, value);
    snprintf(out, sizeof out, "%.*s%s", (int)raw.size, (const char *)raw.data,
             value != SCAN_NONE && !mirror_is_owed(&document, value) ? " not owed" : "");
    scan_clear(&document);
    return out;
}

/* G-111 */
static void
the_value_is_the_one_at_the_path(void)
{
    CHECK_TEXT(found("{\"a\":1,\"b\":2}", "b", NULL), "2");
    CHECK_TEXT(found("{\"a\":{\"\\u0062\":\"x\"},\"b\":2}", "a", "b"), "\"x\"");
    CHECK_TEXT(found("{\"a\":9007199254740991}", "a", NULL), "9007199254740991");
    CHECK_TEXT(found("{\"a\":null}", "a", NULL), "none");
    CHECK_TEXT(found("{}", "a", NULL), "none");
    CHECK_TEXT(found("{\"a\":[{\"b\":1}]}", "a", "b"), "none");
    CHECK_TEXT(found("{\"a\":\"b\"}", "a", "b"), "none");
    CHECK_TEXT(found("{\"a\":[1]}", "a", NULL), "[1] not owed");
    CHECK_TEXT(found("{\"a\":{}}", "a", NULL), "{} not owed");
    CHECK_TEXT(found("{\"a\":9007199254740992}", "a", NULL), "9007199254740992 not owed");
}

RUN(TEST(declarations_are_read_at_any_depth_of_properties), TEST(what_servers_check_though_mcp_forbids_it_is_read_too),
    TEST(schemas_without_declarations_have_none), TEST(one_declaration_that_breaks_a_rule_spoils_all),
    TEST(what_is_over_the_bounds_is_not_recognised), TEST(a_header_says_what_the_body_says),
    TEST(a_header_that_says_something_else_is_refused), TEST(what_is_written_is_what_is_read),
    TEST(the_value_is_the_one_at_the_path))
