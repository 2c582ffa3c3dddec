/* What upstreams offer: reading and thinning out their lists, and a memory of their tools that notices changes. */
#ifndef POLICY_CATALOGUE_H
#define POLICY_CATALOGUE_H

#include "base/text.h"
#include "crypto/hash.h"
#include "policy/normal.h"

/* ---- lists (catalogue_list.c) ---- */

typedef enum {
    CATALOGUE_TOOLS,
    CATALOGUE_PROMPTS,
    CATALOGUE_RESOURCES,          /* named by `uri` */
    CATALOGUE_RESOURCE_TEMPLATES, /* named by `uriTemplate` */
} catalogue_kind;

/* The list that a method asks for; false: it asks for none. The method as the protocol spells it. */
bool catalogue_kind_of(aip_bytes method, catalogue_kind *kind);

/* `sha256` to `sha512` are of RFC 8785 of {name, description, inputSchema}, what a policy's schema_hash pins; `whole`
 * is SHA-256 of RFC 8785 of all that the entry says. */
typedef struct {
    unsigned char sha256[AIP_HASH_BYTES], sha384[HASH_SHA384_BYTES], sha512[HASH_SHA512_BYTES];
    unsigned char whole[AIP_HASH_BYTES];
} catalogue_hashes;

#define CATALOGUE_HASH_TEXT_SIZE 136

/* The hash as text, `sha256:…`, of the algorithm that `wanted` begins with (policy_schema_hash); SHA-256 when it begins
 * with none. */
aip_bytes catalogue_schema_text(const catalogue_hashes *hashes, aip_bytes wanted, char out[CATALOGUE_HASH_TEXT_SIZE]);

/* An entry of a list; all borrowed for the time of the call. */
typedef struct {
    catalogue_kind kind;
    uint32_t node;
    aip_bytes name;   /* as advertised, unescaped: name, uri or uriTemplate */
    aip_bytes normal; /* NORMALIZE of the name of a tool or prompt; else the name itself */
    bool mixed;       /* normal_name.mixed */
    bool ambiguous;   /* another tool or prompt of the message has the same normal form and is not the same */
    const catalogue_hashes *hashes; /* of tools when they are read; else NULL */
    aip_bytes mirrors;              /* of those: arguments that stand in headers too (policy/mirrors.h) */
} catalogue_entry;

typedef aip_status (*catalogue_sink)(void *context, const catalogue_entry *entry, aip_error *err);

/* Gives each entry of a reply to `sink`, in order, until it fails. Entries that could be called by nobody or read in
 * two ways (no object; no name, one too long or without normal form; members that differ in case only) are left out. A
 * reply that is an error has none. Errors: upstream.invalid (not such a list), json.ambiguous, memory; the sink's. */
AIP_MUST_CHECK aip_status catalogue_read(const scan_document *message, catalogue_kind kind, catalogue_sink sink,
                                         void *context, aip_error *err);

/* Who sees what. */
typedef struct {
    catalogue_kind kind;
    bool modern;  /* the reply is of 2026-07-28 or later */
    bool further; /* the request carried a cursor: the page belongs to others */
    bool (*keep)(void *context, const catalogue_entry *entry); /* hashes are NULL */
    void *context;
} catalogue_view;

/* Writes the reply over `out` without the entries that `keep` is false for, that are ambiguous, or that catalogue_read
 * leaves out, all else byte for byte. A modern one, or one that names its `cacheScope`, is then `private`, and
 * so is every page of a list of several, whose other pages may have lost something. *changed false: nothing was to do,
 * `out` is empty and the received bytes go on. Errors: as catalogue_read; base/splice.h's. */
AIP_MUST_CHECK aip_status catalogue_filter(const scan_document *message, const catalogue_view *view, text_buffer *out,
                                           bool *changed, aip_error *err);

/* ---- memory (catalogue.c) ---- */

typedef enum {
    CATALOGUE_CHANGED, /* not what was pinned: refused until an operator approves it; zero refuses */
    CATALOGUE_FLAGGED, /* its texts are suspicious, and nobody has approved it */
    CATALOGUE_NEW,     /* pinned by what was seen first, since this program started */
    CATALOGUE_PINNED,  /* as it was pinned before, or approved */
} catalogue_state;

const char *catalogue_state_name(catalogue_state state);

#define CATALOGUE_UPSTREAM_BYTES_MAX 256
#define CATALOGUE_UPSTREAMS_MAX 1024
#define CATALOGUE_TOOLS_MAX 10000 /* of one upstream: a list of so many is several megabytes */
#define CATALOGUE_BYTES_MAX ((size_t)64 << 20)

typedef struct catalogue catalogue; /* all functions may be called by any thread */

/* Errors: memory; internal (no randomness). */
AIP_MUST_CHECK aip_status catalogue_new(catalogue **out, aip_error *err);
void catalogue_free(catalogue **c);

/* A tool as it is known; nothing in it is borrowed. */
typedef struct {
    char name[AIP_TOOL_BYTES_MAX + 1]; /* as advertised: what goes on to the upstream; with a NUL after it */
    size_t size;
    bool seen;      /* false: only its pin was loaded, the upstream has not listed it yet; hashes and name are empty */
    bool ambiguous; /* advertised in two spellings, or twice at once and not the same: refuse until approved */
    bool approved;  /* by an operator */
    bool mirrored;  /* some of its arguments stand in headers too: catalogue_mirrors tells which */
    catalogue_state state;
    catalogue_hashes hashes;
    unsigned char pinned[AIP_HASH_BYTES]; /* hashes.whole as it was pinned */
} catalogue_tool;

/* A tool's pin, as it is kept between runs. */
typedef struct {
    aip_bytes upstream, tool; /* in normal form */
    unsigned char whole[AIP_HASH_BYTES];
    bool approved;
} catalogue_pin;

/* Gives a pin from an earlier run, before the upstream is listed. A second one for the tool replaces it.
 * Errors: gateway.overloaded (over the bounds), request.invalid (names too long), memory. */
AIP_MUST_CHECK aip_status catalogue_load(catalogue *c, const catalogue_pin *pin, aip_error *err);

typedef struct {
    catalogue_state state;
    bool ambiguous;
    bool first; /* pinned just now: to be kept */
    bool news;  /* state, definition or ambiguity are not what they were: worth a report */
} catalogue_outcome;

typedef struct {
    aip_bytes upstream;
    const catalogue_entry *entry; /* a tool with hashes, as catalogue_read gives it */
    bool flagged;                 /* its texts are suspicious (policy/suspicious.h) */
} catalogue_sighting;

/* Takes down what an upstream lists, tool by tool. Errors: as catalogue_load; then the tool stays unknown. */
AIP_MUST_CHECK aip_status catalogue_note(catalogue *c, const catalogue_sighting *sighting, catalogue_outcome *out,
                                         aip_error *err);

/* The tool that a caller's spelling means; false: it is not known. Allocates nothing. */
bool catalogue_find(catalogue *c, aip_bytes upstream, aip_bytes tool, catalogue_tool *out);

/* Appends which arguments of the tool stand in headers too, as policy/mirrors.h reads them; nothing, when none do.
 * Errors: memory. */
AIP_MUST_CHECK aip_status catalogue_mirrors(catalogue *c, aip_bytes upstream, aip_bytes tool, text_buffer *out,
                                            aip_error *err);

/* May a call of it go on? `tool` of catalogue_find. Errors: policy.tool (not listed yet, or ambiguous), policy.schema
 * (changed; flagged, with `refuse_flagged`). */
AIP_MUST_CHECK aip_status catalogue_check(const catalogue_tool *tool, bool refuse_flagged, aip_error *err);

/* An operator takes the tool as it is listed now, so long as that is `whole`, which was shown to the operator. The pin
 * and its approval are in *out. False: it is not known, or has changed again. */
bool catalogue_approve(catalogue *c, aip_bytes upstream, aip_bytes tool, const unsigned char whole[AIP_HASH_BYTES],
                       catalogue_tool *out);

/* As if the tool, or with an empty name all of the upstream, had never been listed or pinned: the next definition is
 * pinned. */
void catalogue_forget(catalogue *c, aip_bytes upstream, aip_bytes tool);

#endif
