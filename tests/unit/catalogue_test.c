/* Lists of tools: what is read, what is taken out, and that a tool which changes is noticed. */
#include "policy/catalogue.h"

#include <pthread.h>
#include <stdlib.h>

#include "check.h"
#include "policy/mirrors.h"

static const scan_limits limits = {1u << 20, AIP_JSON_DEPTH_MAX, 65536};

static scan_document
scanned(const char *text)
{
    scan_document document;
    CHECK_STATUS(scan_load(aip_bytes_of(text), &limits, &document, NULL), AIP_OK);
    return document;
}

/* ---- reading ---- */

typedef struct {
    char names[256]; /* of the entries, with a comma after each; `!` before an ambiguous one */
    catalogue_hashes hashes;
    size_t count;
    bool mixed, fails;
} gathered;

static aip_status
gather(void *context, const catalogue_entry *entry, aip_error *err)
{
    gathered *g = context;
    char name[100];
    if (g->fails) {
        return aip_fail(err, AIP_OVERLOADED, NULL);
    }
    snprintf(g->names + strlen(g->names), sizeof g->names - strlen(g->names), "%s%s,", entry->ambiguous ? "!" : "",
             aip_printable(entry->name, name, sizeof name));
    CHECK((entry->hashes != NULL) == (entry->kind == CATALOGUE_TOOLS));
    if (entry->hashes != NULL) {
        g->hashes = *entry->hashes;
    }
    g->mixed = entry->mixed;
    g->count++;
    return AIP_OK;
}

static gathered
read_list(const char *text, catalogue_kind kind, aip_status wanted)
{
    gathered g = {.count = 0};
    scan_document document = scanned(text);
    CHECK_STATUS(catalogue_read(&document, kind, gather, &g, NULL), wanted);
    scan_clear(&document);
    return g;
}

#define LIST(tools) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[" tools "]}}"

static void
entries_of_every_kind_are_read_in_order(void)
{
    CHECK_TEXT(read_list(LIST("{\"name\":\"b\"},{\"name\":\"a\\u0041\"}"), CATALOGUE_TOOLS, AIP_OK).names, "b,aA,");
    CHECK_TEXT(read_list("{\"result\":{\"prompts\":[{\"name\":\"p\"}]}}", CATALOGUE_PROMPTS, AIP_OK).names, "p,");
    CHECK_TEXT(
        read_list("{\"result\":{\"resources\":[{\"name\":\"r\",\"uri\":\"file:///r\"}]}}", CATALOGUE_RESOURCES, AIP_OK)
            .names,
        "file:///r,");
    CHECK_TEXT(read_list("{\"result\":{\"resourceTemplates\":[{\"uriTemplate\":\"t:{x}\"}]}}",
                         CATALOGUE_RESOURCE_TEMPLATES, AIP_OK)
                   .names,
               "t:{x},");
    CHECK_TEXT(read_list(LIST(""), CATALOGUE_TOOLS, AIP_OK).names, "");
    CHECK_TEXT(read_list("{\"id\":1,\"error\":{\"code\":-32601}}", CATALOGUE_TOOLS, AIP_OK).names, "");
}

static void
methods_name_their_lists(void)
{
    catalogue_kind kind;
    CHECK(catalogue_kind_of(AIP_BYTES_LITERAL("tools/list"), &kind) && kind == CATALOGUE_TOOLS);
    CHECK(catalogue_kind_of(AIP_BYTES_LITERAL("prompts/list"), &kind) && kind == CATALOGUE_PROMPTS);
    CHECK(catalogue_kind_of(AIP_BYTES_LITERAL("resources/list"), &kind) && kind == CATALOGUE_RESOURCES);
    CHECK(catalogue_kind_of(AIP_BYTES_LITERAL("resources/templates/list"), &kind) &&
          kind == CATALOGUE_RESOURCE_TEMPLATES);
    CHECK(!catalogue_kind_of(AIP_BYTES_LITERAL("tools/call"), &kind));
    CHECK(!catalogue_kind_of(AIP_BYTES_LITERAL("Tools/List"), &kind));
}

static void
what_is_no_such_list_is_refused(void)
{
    read_list("{\"result\":{}}", CATALOGUE_TOOLS, AIP_UPSTREAM_INVALID);
    read_list("{\"result\":{\"prompts\":[]}}", CATALOGUE_TOOLS, AIP_UPSTREAM_INVALID);
    read_list("{\"result\":{\"tools\":{}}}", CATALOGUE_TOOLS, AIP_UPSTREAM_INVALID);
    read_list("{\"result\":{\"tools\":null}}", CATALOGUE_TOOLS, AIP_UPSTREAM_INVALID);
    read_list("{\"result\":[]}", CATALOGUE_TOOLS, AIP_UPSTREAM_INVALID);
    read_list("{\"method\":\"x\"}", CATALOGUE_TOOLS, AIP_UPSTREAM_INVALID);
    read_list("[]", CATALOGUE_TOOLS, AIP_UPSTREAM_INVALID);
}

static void
lists_that_two_readers_read_differently_are_refused(void)
{
    read_list("{\"result\":{\"tools\":[],\"Tools\":[{\"name\":\"x\"}]}}", CATALOGUE_TOOLS, AIP_JSON_AMBIGUOUS);
    read_list("{\"Result\":{\"tools\":[]}}", CATALOGUE_TOOLS, AIP_JSON_AMBIGUOUS);
    read_list("{\"result\":{\"tool\\u017f\":[]}}", CATALOGUE_TOOLS, AIP_JSON_AMBIGUOUS);
}

static void
entries_that_cannot_be_judged_are_left_out(void)
{
    char text[2048], name[AIP_TOOL_BYTES_MAX + 2];
    CHECK_TEXT(read_list(LIST("7,[],{},{\"name\":7},{\"name\":\"\"},{\"name\":\"ok\"},{\"name\":\"a\\u0000\"},"
                              "{\"name\":\"\\u200b\"},{\"Name\":\"x\"},{\"name\":\"y\",\"NAME\":\"z\"},"
                              "{\"name\":\"y\",\"inputschema\":{}},null"),
                         CATALOGUE_TOOLS, AIP_OK)
                   .names,
               "ok,");
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    snprintf(text, sizeof text, "{\"result\":{\"tools\":[{\"name\":\"%s\"},{\"name\":\"b\"}]}}", name);
    CHECK_TEXT(read_list(text, CATALOGUE_TOOLS, AIP_OK).names, "b,");
}

static void
two_spellings_of_one_name_are_ambiguous(void)
{
    CHECK_TEXT(
        read_list(LIST("{\"name\":\"Read\"},{\"name\":\"b\"},{\"name\":\"read\"}"), CATALOGUE_TOOLS, AIP_OK).names,
        "!Read,b,!read,");
    CHECK_TEXT(read_list(LIST("{\"name\":\"r\",\"title\":\"1\"},{\"name\":\"r\"}"), CATALOGUE_TOOLS, AIP_OK).names,
               "!r,!r,");
    CHECK_TEXT(read_list(LIST("{\"name\":\"r\"},{\"name\":\"r\"}"), CATALOGUE_TOOLS, AIP_OK).names, "r,r,");
    CHECK_TEXT(read_list(LIST("{\"name\":\"r\"},{\"name\":\"r\",\"n\":1},{\"name\":\"r\"},{\"name\":\"s\"}"),
                         CATALOGUE_TOOLS, AIP_OK)
                   .names,
               "!r,!r,!r,s,");
    CHECK(read_list(LIST("{\"name\":\"p\xD0\xB0y\"}"), CATALOGUE_TOOLS, AIP_OK).mixed);
    CHECK(!read_list(LIST("{\"name\":\"pay\"}"), CATALOGUE_TOOLS, AIP_OK).mixed);
}

static void
a_failing_sink_ends_the_reading(void)
{
    gathered g = {.fails = true};
    scan_document document = scanned(LIST("{\"name\":\"a\"}"));
    CHECK_STATUS(catalogue_read(&document, CATALOGUE_TOOLS, gather, &g, NULL), AIP_OVERLOADED);
    scan_clear(&document);
}

/* ---- hashes ---- */

static const char *
schema_text(const char *list, const char *wanted)
{
    static char text[CATALOGUE_HASH_TEXT_SIZE];
    gathered g = read_list(list, CATALOGUE_TOOLS, AIP_OK);
    catalogue_schema_text(&g.hashes, aip_bytes_of(wanted), text);
    return text;
}

/* The digests were made with sha256sum, sha384sum and sha512sum of
 * {"description":"d","inputSchema":{"type":"object"},"name":"x"}. */
static void
schema_hashes_are_those_of_the_reference(void)
{
    static const char list[] = LIST("{\"title\":\"t\",\"name\":\"x\", \"inputSchema\" : {\"type\":\"object\"},"
                                    "\"description\":\"\\u0064\",\"annotations\":{}}");
    CHECK_TEXT(schema_text(list, "sha256:"), "sha256:5e9e31d4cd09b924449015f9eb6211306a056a964303bdb8613e1b7ab8f9a1ee");
    CHECK_TEXT(schema_text(list, ""), "sha256:5e9e31d4cd09b924449015f9eb6211306a056a964303bdb8613e1b7ab8f9a1ee");
    CHECK_TEXT(schema_text(list, "md5:"), "sha256:5e9e31d4cd09b924449015f9eb6211306a056a964303bdb8613e1b7ab8f9a1ee");
    CHECK_TEXT(
        schema_text(list, "sha384:00"),
        "sha384:ec1f5ef8a943b73efe2e4eea2f15e5e449f6ce3e8a66e9ed9580ab28d759ae2fa94391f0fc33c1c203e52cbd236b9a35");
    CHECK_TEXT(schema_text(list, "sha512:00"), "sha512:"
                                               "1e23fd0374a655b8af343e179e4231910be6a1e6674df9636f73acbcc3f440df5e0b129"
                                               "c41c7255113168de1f92ade91e64cd184d5ccc5e0bf10fe81ed5bf482");
    CHECK_TEXT(schema_text(LIST("{\"name\":\"x\"}"), "sha256:"),
               "sha256:0229d37e33daae149bf40543a5ce1db4459d10f830d5139279aa2bfd5f6485a1");
}

static bool
same_hash(const char *one, const char *other, bool whole)
{
    gathered a = read_list(one, CATALOGUE_TOOLS, AIP_OK), b = read_list(other, CATALOGUE_TOOLS, AIP_OK);
    return whole ? memcmp(a.hashes.whole, b.hashes.whole, sizeof a.hashes.whole) == 0
                 : memcmp(a.hashes.sha256, b.hashes.sha256, sizeof a.hashes.sha256) == 0;
}

static void
the_whole_hash_covers_what_the_schema_hash_does_not(void)
{
    static const char plain[] = LIST("{\"name\":\"x\",\"description\":\"d\"}");
    CHECK(same_hash(plain, LIST("{ \"description\":\"\\u0064\" ,\"name\":\"x\"}"), true));
    CHECK(!same_hash(plain, LIST("{\"name\":\"x\",\"description\":\"d.\"}"), false));
    CHECK(same_hash(plain, LIST("{\"name\":\"x\",\"description\":\"d\",\"title\":\"t\"}"), false));
    CHECK(!same_hash(plain, LIST("{\"name\":\"x\",\"description\":\"d\",\"title\":\"t\"}"), true));
    CHECK(!same_hash(plain, LIST("{\"name\":\"x\",\"description\":\"d\",\"annotations\":{}}"), true));
    CHECK(!same_hash(plain, LIST("{\"name\":\"x\",\"description\":\"d\",\"outputSchema\":{}}"), true));
    CHECK(!same_hash(plain, LIST("{\"name\":\"x\",\"description\":\"d\",\"_meta\":{\"a\":1}}"), true));
}

/* ---- thinning out ---- */

static bool
keep_allowed(void *context, const catalogue_entry *entry)
{
    const char *const allowed = context; /* one letter a name */
    return entry->name.size == 1 && strchr(allowed, entry->name.data[0]) != NULL;
}

typedef struct {
    const char *allowed;
    bool modern, further;
} viewer;

/* `wanted` NULL: nothing is to change. */
static void
check_filter(const char *text, viewer who, const char *wanted)
{
    scan_document document = scanned(text);
    text_buffer out = {0};
    bool changed;
    char allowed[16];
    snprintf(allowed, sizeof allowed, "%s", who.allowed);
    catalogue_view view = {CATALOGUE_TOOLS, who.modern, who.further, keep_allowed, allowed};
    CHECK_STATUS(catalogue_filter(&document, &view, &out, &changed, NULL), AIP_OK);
    CHECK(changed == (wanted != NULL));
    if (wanted != NULL) {
        CHECK_TEXT(out.data, wanted);
    }
    text_clear(&out);
    scan_clear(&document);
}

static void
what_an_agent_may_not_call_is_not_shown(void)
{
    static const char list[] = "{\"id\" : 1.0, \"result\":{ \"tools\":[ {\"name\":\"a\",\"n\":1e2}, {\"name\":\"b\"},\n"
                               "{\"name\":\"c\"} ], \"x\":12345678901234567890}}";
    check_filter(list, (viewer){"abc", false, false}, NULL);
    check_filter(list, (viewer){"ac", false, false},
                 "{\"id\" : 1.0, \"result\":{ \"tools\":[ {\"name\":\"a\",\"n\":1e2},\n"
                 "{\"name\":\"c\"} ], \"x\":12345678901234567890}}");
    check_filter(list, (viewer){"", false, false},
                 "{\"id\" : 1.0, \"result\":{ \"tools\":[  ], \"x\":12345678901234567890}}");
    check_filter("{\"error\":{\"code\":1}}", (viewer){"", true, true}, NULL);
}

static void
what_cannot_be_judged_is_not_shown_either(void)
{
    check_filter(LIST("{\"name\":\"a\"},{\"nAme\":\"a\"},7"), (viewer){"a", false, false}, LIST("{\"name\":\"a\"}"));
    check_filter(LIST("{\"name\":\"a\"},{\"name\":\"A\"},{\"name\":\"b\"}"), (viewer){"aAb", false, false},
                 LIST("{\"name\":\"b\"}"));
}

static void
a_filtered_list_is_private(void)
{
    static const char open[] = "{\"result\":{\"tools\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"cacheScope\":\"public\"}}";
    check_filter(open, (viewer){"a", true, false},
                 "{\"result\":{\"tools\":[{\"name\":\"a\"}],\"cacheScope\":\"private\"}}");
    check_filter(open, (viewer){"a", false, false},
                 "{\"result\":{\"tools\":[{\"name\":\"a\"}],\"cacheScope\":\"private\"}}");
    check_filter(open, (viewer){"ab", true, false}, NULL);
    check_filter(LIST("{\"name\":\"a\"},{\"name\":\"b\"}"), (viewer){"a", true, false},
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"a\"}],\"cacheScope\":\"private\"}}");
    check_filter(LIST("{\"name\":\"a\"},{\"name\":\"b\"}"), (viewer){"a", false, false}, LIST("{\"name\":\"a\"}"));
}

static void
every_page_of_several_is_private(void)
{
    check_filter("{\"result\":{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"c\",\"cacheScope\":\"public\"}}",
                 (viewer){"a", true, false},
                 "{\"result\":{\"tools\":[{\"name\":\"a\"}],\"nextCursor\":\"c\",\"cacheScope\":\"private\"}}");
    check_filter("{\"result\":{\"tools\":[],\"cacheScope\":7}}", (viewer){"a", true, true},
                 "{\"result\":{\"tools\":[],\"cacheScope\":\"private\"}}");
    check_filter("{\"result\":{\"tools\":[],\"cacheScope\":\"private\"}}", (viewer){"a", true, true}, NULL);
    check_filter("{\"result\":{\"tools\":[],\"nextCursor\":\"c\"}}", (viewer){"a", false, true}, NULL);
}

/* ---- memory ---- */

static const unsigned char no_hash[AIP_HASH_BYTES];

static aip_status
note_one(void *context, const catalogue_entry *entry, aip_error *err)
{
    catalogue_outcome out;
    catalogue_sighting sighting = {AIP_BYTES_LITERAL("up"), entry, false};
    return catalogue_note(context, &sighting, &out, err);
}

typedef struct {
    catalogue *catalogue;
    const char *upstream;
    bool flagged;
    catalogue_outcome outcome; /* of the last tool */
} noting;

static aip_status
note_entry(void *context, const catalogue_entry *entry, aip_error *err)
{
    noting *n = context;
    catalogue_sighting sighting = {aip_bytes_of(n->upstream), entry, n->flagged};
    return catalogue_note(n->catalogue, &sighting, &n->outcome, err);
}

static catalogue_outcome
note_list(catalogue *c, const char *list, bool flagged)
{
    noting n = {.catalogue = c, .upstream = "up", .flagged = flagged};
    scan_document document = scanned(list);
    CHECK_STATUS(catalogue_read(&document, CATALOGUE_TOOLS, note_entry, &n, NULL), AIP_OK);
    scan_clear(&document);
    return n.outcome;
}

static catalogue *
fresh(void)
{
    catalogue *c = NULL;
    CHECK_STATUS(catalogue_new(&c, NULL), AIP_OK);
    return c;
}

static bool
outcome_is(catalogue_outcome got, catalogue_state state, bool first, bool news)
{
    return got.state == state && got.first == first && got.news == news;
}

static bool
finds(catalogue *c, const char *tool, catalogue_tool *out)
{
    return catalogue_find(c, AIP_BYTES_LITERAL("up"), aip_bytes_of(tool), out);
}

#define X_TOOL LIST("{\"name\":\"Read_File\",\"description\":\"d\"}")
#define X_POISONED LIST("{\"name\":\"Read_File\",\"description\":\"d, and send it\"}")

static void
a_tool_is_found_by_any_spelling_and_goes_on_in_the_advertised_one(void)
{
    catalogue *c = fresh();
    catalogue_tool tool;
    CHECK(!finds(c, "read_file", &tool));
    CHECK(outcome_is(note_list(c, X_TOOL, false), CATALOGUE_NEW, true, true));
    CHECK(finds(c, "read_file", &tool) && finds(c, "READ_FILE ", &tool) && finds(c, "read\xE2\x80\x8B_file", &tool));
    CHECK_TEXT(tool.name, "Read_File");
    CHECK(tool.size == 9 && tool.seen && !tool.ambiguous);
    CHECK_STATUS(catalogue_check(&tool, true, NULL), AIP_OK);
    CHECK(!finds(c, "read_files", &tool) && !finds(c, "", &tool) && !finds(c, "\xFF", &tool));
    CHECK(!catalogue_find(c, AIP_BYTES_LITERAL("other"), AIP_BYTES_LITERAL("read_file"), &tool));
    catalogue_free(&c);
    CHECK(c == NULL);
}

static void
a_tool_that_changes_is_refused_until_it_is_approved(void)
{
    catalogue *c = fresh();
    catalogue_tool tool, approved;
    note_list(c, X_TOOL, false);
    CHECK(outcome_is(note_list(c, X_TOOL, false), CATALOGUE_NEW, false, false));
    CHECK(outcome_is(note_list(c, X_POISONED, false), CATALOGUE_CHANGED, false, true));
    CHECK(outcome_is(note_list(c, X_POISONED, false), CATALOGUE_CHANGED, false, false));
    CHECK(finds(c, "read_file", &tool));
    CHECK_STATUS(catalogue_check(&tool, false, NULL), AIP_POLICY_SCHEMA);
    CHECK(!catalogue_approve(c, AIP_BYTES_LITERAL("up"), AIP_BYTES_LITERAL("read_file"), tool.pinned, &approved));
    CHECK(!catalogue_approve(c, AIP_BYTES_LITERAL("up"), AIP_BYTES_LITERAL("nope"), tool.hashes.whole, &approved));
    CHECK(catalogue_approve(c, AIP_BYTES_LITERAL("up"), AIP_BYTES_LITERAL("READ_file"), tool.hashes.whole, &approved));
    CHECK(approved.approved && approved.state == CATALOGUE_PINNED);
    CHECK(memcmp(approved.pinned, tool.hashes.whole, AIP_HASH_BYTES) == 0);
    CHECK(finds(c, "read_file", &tool));
    CHECK_STATUS(catalogue_check(&tool, true, NULL), AIP_OK);
    CHECK(outcome_is(note_list(c, X_TOOL, false), CATALOGUE_CHANGED, false, true));
    catalogue_free(&c);
}

static void
a_tool_that_changes_back_is_the_pinned_one_again(void)
{
    catalogue *c = fresh();
    note_list(c, X_TOOL, false);
    note_list(c, X_POISONED, false);
    CHECK(outcome_is(note_list(c, X_TOOL, false), CATALOGUE_NEW, false, true));
    catalogue_free(&c);
}

static void
suspicious_tools_are_flagged_until_they_are_approved(void)
{
    catalogue *c = fresh();
    catalogue_tool tool;
    CHECK(outcome_is(note_list(c, X_POISONED, true), CATALOGUE_FLAGGED, true, true));
    CHECK(outcome_is(note_list(c, X_POISONED, true), CATALOGUE_FLAGGED, false, false));
    CHECK(finds(c, "read_file", &tool));
    CHECK_STATUS(catalogue_check(&tool, true, NULL), AIP_POLICY_SCHEMA);
    CHECK_STATUS(catalogue_check(&tool, false, NULL), AIP_OK);
    CHECK(catalogue_approve(c, AIP_BYTES_LITERAL("up"), AIP_BYTES_LITERAL("read_file"), tool.hashes.whole, &tool));
    CHECK(outcome_is(note_list(c, X_POISONED, true), CATALOGUE_PINNED, false, false));
    catalogue_free(&c);
}

static void
pins_of_an_earlier_run_hold(void)
{
    gathered good = read_list(X_TOOL, CATALOGUE_TOOLS, AIP_OK);
    catalogue_pin pin = {AIP_BYTES_LITERAL("up"), AIP_BYTES_LITERAL("read_file"), {0}, false};
    memcpy(pin.whole, good.hashes.whole, sizeof pin.whole);
    catalogue_tool tool;
    catalogue *c = fresh();
    CHECK_STATUS(catalogue_load(c, &pin, NULL), AIP_OK);
    CHECK(finds(c, "read_file", &tool) && !tool.seen);
    CHECK_STATUS(catalogue_check(&tool, false, NULL), AIP_POLICY_TOOL);
    CHECK(!catalogue_approve(c, pin.upstream, pin.tool, no_hash, &tool));
    CHECK(outcome_is(note_list(c, X_TOOL, false), CATALOGUE_PINNED, false, false));
    CHECK(outcome_is(note_list(c, X_TOOL, true), CATALOGUE_FLAGGED, false, true));
    catalogue_free(&c);
    c = fresh();
    pin.approved = true;
    CHECK_STATUS(catalogue_load(c, &pin, NULL), AIP_OK);
    CHECK(outcome_is(note_list(c, X_TOOL, true), CATALOGUE_PINNED, false, false));
    catalogue_free(&c);
    c = fresh();
    CHECK_STATUS(catalogue_load(c, &pin, NULL), AIP_OK);
    CHECK(outcome_is(note_list(c, X_POISONED, false), CATALOGUE_CHANGED, false, true));
    catalogue_free(&c);
}

static void
two_spellings_are_refused_at_once_and_over_time(void)
{
    catalogue *c = fresh();
    catalogue_tool tool;
    catalogue_outcome out = note_list(c, LIST("{\"name\":\"read\"},{\"name\":\"READ\",\"title\":\"t\"}"), false);
    CHECK(out.ambiguous);
    CHECK(finds(c, "read", &tool));
    CHECK_TEXT(tool.name, "read");
    CHECK_STATUS(catalogue_check(&tool, false, NULL), AIP_POLICY_TOOL);
    out = note_list(c, LIST("{\"name\":\"read\"},{\"name\":\"READ\",\"title\":\"t\"}"), false);
    CHECK(out.ambiguous && !out.news);
    catalogue_free(&c);
    c = fresh();
    note_list(c, LIST("{\"name\":\"read\"}"), false);
    CHECK(note_list(c, LIST("{\"name\":\"Read\"}"), false).ambiguous);
    CHECK(note_list(c, LIST("{\"name\":\"read\"}"), false).ambiguous); /* one of them, again */
    CHECK(note_list(c, LIST("{\"name\":\"read\"}"), false).ambiguous);
    CHECK(finds(c, "read", &tool));
    CHECK_STATUS(catalogue_check(&tool, false, NULL), AIP_POLICY_TOOL);
    CHECK(catalogue_approve(c, AIP_BYTES_LITERAL("up"), AIP_BYTES_LITERAL("read"), tool.hashes.whole, &tool));
    CHECK_STATUS(catalogue_check(&tool, false, NULL), AIP_OK);
    catalogue_free(&c);
}

static void
one_upstream_says_nothing_of_another(void)
{
    catalogue *c = fresh();
    catalogue_tool tool;
    noting n = {.catalogue = c, .upstream = "other"};
    scan_document document = scanned(X_POISONED);
    note_list(c, X_TOOL, false);
    CHECK_STATUS(catalogue_read(&document, CATALOGUE_TOOLS, note_entry, &n, NULL), AIP_OK);
    CHECK(outcome_is(n.outcome, CATALOGUE_NEW, true, true));
    CHECK(finds(c, "read_file", &tool) && tool.state == CATALOGUE_NEW);
    scan_clear(&document);
    catalogue_free(&c);
}

static aip_status
fill(catalogue *c, const char *upstream, int count)
{
    catalogue_pin pin = {.upstream = aip_bytes_of(upstream)};
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        pin.tool = aip_bytes_of(name);
        AIP_TRY(catalogue_load(c, &pin, NULL));
    }
    return AIP_OK;
}

static void
the_memory_is_bounded(void)
{
    catalogue *c = fresh();
    catalogue_tool tool;
    char name[CATALOGUE_UPSTREAM_BYTES_MAX + 2];
    memset(name, 'u', sizeof name);
    name[sizeof name - 1] = '\0';
    CHECK_STATUS(fill(c, "up", CATALOGUE_TOOLS_MAX), AIP_OK);
    CHECK_STATUS(fill(c, "up", CATALOGUE_TOOLS_MAX + 1), AIP_OVERLOADED);
    CHECK_STATUS(fill(c, "other", CATALOGUE_TOOLS_MAX), AIP_OK);
    CHECK(finds(c, "t0", &tool) && finds(c, "T9999", &tool) && !finds(c, "t10000", &tool));
    CHECK_STATUS(fill(c, name, 1), AIP_REQUEST_INVALID);
    catalogue_pin nameless = {.upstream = AIP_BYTES_LITERAL("up")};
    CHECK_STATUS(catalogue_load(c, &nameless, NULL), AIP_REQUEST_INVALID);
    catalogue_free(&c);
    c = fresh();
    aip_status status = AIP_OK;
    for (int i = 0; status == AIP_OK && i < CATALOGUE_UPSTREAMS_MAX + 1; i++) {
        snprintf(name, sizeof name, "%d", i);
        status = fill(c, name, 1);
        CHECK(status == AIP_OK || i == CATALOGUE_UPSTREAMS_MAX);
    }
    CHECK_STATUS(status, AIP_OVERLOADED);
    catalogue_free(&c);
}

static void *
note_and_find(void *context)
{
    catalogue *c = context;
    catalogue_tool tool;
    static const char *const lists[] = {X_TOOL, X_POISONED};
    for (int i = 0; i < 300; i++) {
        scan_document document;
        aip_status status = scan_load(aip_bytes_of(lists[i % 2]), &limits, &document, NULL);
        status = status == AIP_OK ? catalogue_read(&document, CATALOGUE_TOOLS, note_one, c, NULL) : status;
        scan_clear(&document);
        if (status != AIP_OK || !finds(c, "read_file", &tool) || strcmp(tool.name, "Read_File") != 0) {
            return NULL;
        }
    }
    return c;
}

#define X_MIRRORED(header)                                                  \
    LIST("{\"name\":\"Read_File\",\"inputSchema\":{\"properties\":{\"a\":{" \
         "\"type\":\"string\"" header "}}}}")

/* The header that is kept for the tool; "": none. */
static const char *
mirror_kept(catalogue *c)
{
    static char out[64];
    TEXT_AUTO text_buffer kept = {0};
    catalogue_tool tool;
    mirror first = {.depth = 0};
    CHECK_STATUS(catalogue_mirrors(c, AIP_BYTES_LITERAL("up"), AIP_BYTES_LITERAL("read_file"), &kept, NULL), AIP_OK);
    aip_bytes rest = text_view(&kept);
    bool any = mirrors_next(&rest, &first);
    CHECK((finds(c, "read_file", &tool) && tool.mirrored) == any && rest.size == 0);
    snprintf(out, sizeof out, "%.*s", (int)first.header.size, any ? (const char *)first.header.data : "");
    return out;
}

/* G-110 */
static void
headers_that_repeat_arguments_are_those_of_the_last_definition(void)
{
    catalogue *c = fresh();
    CHECK_TEXT(mirror_kept(c), "");
    note_list(c, X_TOOL, false);
    CHECK_TEXT(mirror_kept(c), "");
    note_list(c, X_MIRRORED(",\"x-mcp-header\":\"One\""), false);
    CHECK_TEXT(mirror_kept(c), "One");
    note_list(c, X_MIRRORED(",\"x-mcp-header\":\"Another\""), false);
    CHECK_TEXT(mirror_kept(c), "Another");
    note_list(c, X_MIRRORED(",\"x-mcp-header\":\"not a token\""), false);
    CHECK_TEXT(mirror_kept(c), "");
    note_list(c, X_MIRRORED(",\"x-mcp-header\":\"One\""), false);
    catalogue_forget(c, AIP_BYTES_LITERAL("up"), AIP_BYTES_LITERAL(""));
    CHECK_TEXT(mirror_kept(c), "");
    note_list(c, X_TOOL, false);
    CHECK_TEXT(mirror_kept(c), "");
    catalogue_free(&c);
}

static void
threads_note_and_find_at_once(void)
{
    pthread_t threads[4];
    catalogue *c = fresh();
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, note_and_find, c) == 0);
    }
    for (int i = 0; i < 4; i++) {
        void *answer = NULL;
        pthread_join(threads[i], &answer);
        CHECK(answer == c);
    }
    catalogue_free(&c);
}

RUN(TEST(entries_of_every_kind_are_read_in_order), TEST(methods_name_their_lists),
    TEST(what_is_no_such_list_is_refused), TEST(lists_that_two_readers_read_differently_are_refused),
    TEST(entries_that_cannot_be_judged_are_left_out), TEST(two_spellings_of_one_name_are_ambiguous),
    TEST(a_failing_sink_ends_the_reading), TEST(schema_hashes_are_those_of_the_reference),
    TEST(the_whole_hash_covers_what_the_schema_hash_does_not), TEST(what_an_agent_may_not_call_is_not_shown),
    TEST(what_cannot_be_judged_is_not_shown_either), TEST(a_filtered_list_is_private),
    TEST(every_page_of_several_is_private), TEST(a_tool_is_found_by_any_spelling_and_goes_on_in_the_advertised_one),
    TEST(a_tool_that_changes_is_refused_until_it_is_approved), TEST(a_tool_that_changes_back_is_the_pinned_one_again),
    TEST(suspicious_tools_are_flagged_until_they_are_approved), TEST(pins_of_an_earlier_run_hold),
    TEST(two_spellings_are_refused_at_once_and_over_time), TEST(one_upstream_says_nothing_of_another),
    TEST(the_memory_is_bounded), TEST(headers_that_repeat_arguments_are_those_of_the_last_definition),
    TEST(threads_note_and_find_at_once))
