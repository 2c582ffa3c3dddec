/* Reads one line of a key log: the grammar of an entry, and the bytes that are hashed and signed. */
#include "did/log_entry.h"

#include "base/json.h"
#include "base/scan.h"
#include "base/text.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"

#define ENTRY_DEPTH 2                        /* an object, and arrays of strings in it */
#define WHOLE_NUMBER_MAX (UINT64_C(1) << 53) /* beyond it RFC 8785 would write another number */

static aip_status
refuse(const char *why, aip_error *err)
{
    return aip_fail(err, AIP_LOG_MALFORMED, "%s", why);
}

static aip_status
read_bytes(const scan_document *line, uint32_t node, unsigned char *out, size_t size, aip_error *err)
{
    aip_bytes text;
    size_t decoded = 0;
    AIP_TRY(scan_plain_string(line, node, &text, err));
    AIP_TRY(base64url_decode(text, out, size, &decoded, err));
    return decoded == size ? AIP_OK : refuse("a hash or signature of the wrong size", err);
}

/* A hash, or null. */
static aip_status
read_hash(const scan_document *line, uint32_t node, bool *has, unsigned char out[AIP_HASH_BYTES], aip_error *err)
{
    *has = scan_kind_of(line, node) != SCAN_NULL;
    return *has ? read_bytes(line, node, out, AIP_HASH_BYTES, err) : AIP_OK;
}

static aip_status
read_key(const scan_document *line, uint32_t node, unsigned char out[AIP_KEY_BYTES], aip_error *err)
{
    aip_bytes text;
    AIP_TRY(scan_plain_string(line, node, &text, err));
    return multibase_decode_key(text, out, err);
}

static aip_status
read_compromised(const scan_document *line, uint32_t node, log_entry *out, aip_error *err)
{
    if (scan_kind_of(line, node) != SCAN_ARRAY || line->nodes[node].children == 0) {
        return refuse("`compromised` lists keys or is absent", err);
    }
    for (uint32_t at = scan_child(line, node); at != SCAN_NONE; at = scan_next(line, at)) {
        if (out->compromised_count == AIP_LOG_ENTRIES_MAX) {
            return refuse("`compromised` lists more keys than a log holds", err);
        }
        AIP_TRY(read_key(line, at, out->compromised[out->compromised_count++], err));
    }
    return AIP_OK;
}

static aip_status
read_deactivated(const scan_document *line, uint32_t node, log_entry *out, aip_error *err)
{
    out->deactivates = scan_kind_of(line, node) == SCAN_TRUE;
    return out->deactivates ? AIP_OK : refuse("`deactivated` is true or absent", err);
}

static aip_status
read_did(const scan_document *line, uint32_t node, log_entry *out, aip_error *err)
{
    aip_bytes text;
    AIP_TRY(scan_plain_string(line, node, &text, err));
    bool good = aip_did_parse(text, &out->did, NULL) == AIP_OK && out->did.form == AIP_DID_SELF;
    return good ? AIP_OK : refuse("`did` is not of the form did:aip:z6Mk...", err);
}

/* Possession is proven for one key only, so an entry has no more. */
static aip_status
read_keys(const scan_document *line, uint32_t node, log_entry *out, aip_error *err)
{
    if (scan_kind_of(line, node) != SCAN_ARRAY || line->nodes[node].children != 1) {
        return refuse("`keys` lists exactly one key", err);
    }
    return read_key(line, scan_child(line, node), out->key, err);
}

static aip_status
read_next(const scan_document *line, uint32_t node, log_entry *out, aip_error *err)
{
    return read_hash(line, node, &out->has_next, out->next, err);
}

static aip_status
read_prev(const scan_document *line, uint32_t node, log_entry *out, aip_error *err)
{
    return read_hash(line, node, &out->has_prev, out->prev, err);
}

static aip_status
read_signature(const scan_document *line, uint32_t node, log_entry *out, aip_error *err)
{
    return read_bytes(line, node, out->signature, AIP_SIGNATURE_BYTES, err);
}

static aip_status
read_time(const scan_document *line, uint32_t node, log_entry *out, aip_error *err)
{
    uint64_t seconds;
    AIP_TRY(scan_integer(line, node, WHOLE_NUMBER_MAX - 1, &seconds, err));
    out->time = (int64_t)seconds;
    return AIP_OK;
}

static aip_status
read_version(const scan_document *line, uint32_t node, log_entry *out, aip_error *err)
{
    return scan_integer(line, node, WHOLE_NUMBER_MAX - 1, &out->version, err);
}

typedef struct {
    const char *name;
    bool optional;
    aip_status (*read)(const scan_document *line, uint32_t node, log_entry *out, aip_error *err);
} member;

/* I-70 */
static const member members[] = {
    {"compromised", true, read_compromised},
    {"deactivated", true, read_deactivated},
    {"did", false, read_did},
    {"keys", false, read_keys},
    {"next", false, read_next},
    {"prev", false, read_prev},
    {"sig", false, read_signature},
    {"time", false, read_time},
    {"version", false, read_version},
};
#define MEMBERS (sizeof members / sizeof members[0])

static size_t
find_member(aip_bytes name)
{
    size_t i = 0;
    while (i < MEMBERS && !aip_bytes_equal(name, aip_bytes_of(members[i].name))) {
        i++;
    }
    return i;
}

static aip_status
read_members(const scan_document *line, log_entry *out, aip_error *err)
{
    unsigned seen = 0;
    if (scan_kind_of(line, 0) != SCAN_OBJECT) {
        return refuse("a line is one object", err);
    }
    for (uint32_t at = scan_child(line, 0); at != SCAN_NONE; at = scan_next(line, at)) {
        size_t found = find_member(scan_raw_name(line, at));
        if (found == MEMBERS) {
            return refuse("a member that no entry has", err);
        }
        seen |= 1u << found;
        AIP_TRY(members[found].read(line, at, out, err));
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        if (!members[i].optional && (seen & 1u << i) == 0) {
            return aip_fail(err, AIP_LOG_MALFORMED, "`%s` is missing", members[i].name);
        }
    }
    return out->deactivates && out->has_next ? refuse("what ends the identity commits to no key", err) : AIP_OK;
}

/* The members but `sig`, put together from the bytes as received, and then made canonical. */
static aip_status
keep_signed_text(const scan_document *line, log_entry *out, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    const char *before = "{";
    for (uint32_t at = scan_child(line, 0); at != SCAN_NONE; at = scan_next(line, at)) {
        aip_bytes name = scan_raw_name(line, at);
        if (aip_bytes_equal(name, AIP_BYTES_LITERAL("sig"))) {
            continue;
        }
        text_append_format(&text, "%s\"", before);
        text_append(&text, name);
        text_append_string(&text, "\":");
        text_append(&text, scan_raw(line, at));
        before = ",";
    }
    text_append_string(&text, "}");
    AIP_TRY(text_finish(&text, err));
    return json_canonical(text_view(&text), &out->signed_text, &out->signed_size, err);
}

static aip_status
keep_hash(aip_bytes line, log_entry *out, aip_error *err)
{
    STRING_AUTO char *canonical = NULL;
    size_t size;
    AIP_TRY(json_canonical(line, &canonical, &size, err));
    hash_sha256((aip_bytes){(const unsigned char *)canonical, size}, out->hash);
    return AIP_OK;
}

static aip_status
read_line(aip_bytes line, log_entry *out, aip_error *err)
{
    static const scan_limits limits = {AIP_DOCUMENT_BYTES_MAX, ENTRY_DEPTH, AIP_LOG_NODES_MAX};
    scan_node nodes[AIP_LOG_NODES_MAX];
    scan_document document;
    /* JSON allows white space around a value; a log has one spelling of a line's ends. */
    if (line.size < 2 || line.data[0] != '{' || line.data[line.size - 1] != '}' ||
        memchr(line.data, '\r', line.size) != NULL) {
        return refuse("a line is one object and no carriage return", err);
    }
    AIP_TRY(scan_into(line, &limits, nodes, AIP_LOG_NODES_MAX, &document, err));
    AIP_TRY(read_members(&document, out, err));
    AIP_TRY(keep_hash(line, out, err));
    return keep_signed_text(&document, out, err);
}

aip_status
log_entry_read(aip_bytes line, log_entry *out, aip_error *err)
{
    memset(out, 0, sizeof *out);
    aip_status status = read_line(line, out, err);
    if (status == AIP_OK) {
        return AIP_OK;
    }
    log_entry_clear(out);
    /* Which rule of JSON or of an encoding was broken is told, under one status. */
    bool is_input = aip_status_lookup(status)->class == AIP_CLASS_INPUT;
    return is_input ? refuse(aip_status_lookup(status)->name, err) : status;
}

void
log_entry_clear(log_entry *entry)
{
    text_release(&entry->signed_text);
}

void
log_entry_commitment(const unsigned char key[AIP_KEY_BYTES], unsigned char out[AIP_HASH_BYTES])
{
    unsigned char multikey[2 + AIP_KEY_BYTES] = {0xed, 0x01};
    memcpy(multikey + 2, key, AIP_KEY_BYTES);
    hash_sha256((aip_bytes){multikey, sizeof multikey}, out);
}
