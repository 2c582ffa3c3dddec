/* Judges signed statements of Nexus Guard and OpenA2A, one function a kind. */
#include "did/nexus.h"

#include "aip/limits.h"
#include "base/clock.h"
#include "base/scan.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "did/keyring.h"

#define DEPTH_MAX 16
#define NODES_MAX 8192
#define CHALLENGE_SECONDS_MAX 300
#define ENCODED_MAX 128     /* a signature in hex */
#define NOTE_BYTES_MAX 4096 /* what a vouch says in words */

/* One statement while it is read. */
typedef struct {
    const scan_document *json;
    const nexus_query *query;
    nexus_evidence *out;
    unsigned char signature[AIP_SIGNATURE_BYTES];
    uint32_t envelope;   /* the object that holds key and signature */
    text_buffer message; /* the signed bytes */
    int64_t begins;      /* INT64_MIN: not said */
    aip_error *err;
} statement;

static aip_status
refuse(statement *s, const char *why)
{
    return aip_fail(s->err, AIP_EVIDENCE_INVALID, "%s", why);
}

static bool
has_text(const statement *s, uint32_t node)
{
    return node != SCAN_NONE && scan_kind_of(s->json, node) == SCAN_STRING;
}

/* A string member without escapes. */
static aip_status
read_text(statement *s, uint32_t object, const char *name, aip_bytes *out)
{
    uint32_t node = scan_member(s->json, object, name);
    if (!has_text(s, node) || scan_plain_string(s->json, node, out, NULL) != AIP_OK) {
        return aip_fail(s->err, AIP_EVIDENCE_INVALID, "%s is missing or no plain string", name);
    }
    return AIP_OK;
}

/* A DID of any form: it has no character that the joined texts use as a separator. */
static aip_status
read_did(statement *s, uint32_t object, const char *name, aip_bytes *out)
{
    AIP_TRY(read_text(s, object, name, out));
    return aip_did_is_did(*out) ? AIP_OK : aip_fail(s->err, AIP_EVIDENCE_INVALID, "%s is no DID", name);
}

static aip_status
read_time(statement *s, uint32_t object, const char *name, int64_t *out)
{
    aip_bytes text;
    AIP_TRY(read_text(s, object, name, &text));
    return clock_read_utc(text, out) ? AIP_OK : aip_fail(s->err, AIP_EVIDENCE_INVALID, "%s is no RFC 3339 time", name);
}

/* The bytes of a text in standard base64, by the multibase prefix of its kind: `M` with padding, `m` without; or, `f`,
 * in lower-case hex. */
static aip_status
read_bytes(statement *s, const char *name, char prefix, unsigned char out[], size_t wanted)
{
    unsigned char text[1 + ENCODED_MAX] = {(unsigned char)prefix};
    aip_bytes value;
    size_t size = 0;
    AIP_TRY(read_text(s, s->envelope, name, &value));
    aip_status status = AIP_EVIDENCE_INVALID;
    if (value.size <= ENCODED_MAX) {
        memcpy(text + 1, value.data, value.size);
        status = prefix == 'f' ? hex_decode(value, out, wanted, &size, NULL)
                               : multibase_decode((aip_bytes){text, 1 + value.size}, out, wanted, &size, NULL);
    }
    return status == AIP_OK && size == wanted
               ? AIP_OK
               : aip_fail(s->err, AIP_EVIDENCE_INVALID, "%s is not %zu bytes in its encoding", name, wanted);
}

static aip_status
read_scope(statement *s)
{
    static const char *const scopes[] = {"GENERAL", "CODE_SIGNING", "FINANCIAL", "INFORMATION", "IDENTITY"};
    AIP_TRY(read_text(s, 0, "scope", &s->out->scope));
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        if (aip_bytes_equal(s->out->scope, aip_bytes_of(scopes[i]))) {
            return AIP_OK;
        }
    }
    return refuse(s, "scope is unknown");
}

/* The named members, and only those, as the bytes that were signed. */
static aip_status
sign_members(statement *s, uint32_t object, const char *const *names, bool spaced)
{
    TEXT_AUTO text_buffer chosen = {0};
    const char *before = "{";
    for (; *names != NULL; names++) {
        uint32_t node = scan_member(s->json, object, *names);
        if (node == SCAN_NONE) {
            return aip_fail(s->err, AIP_EVIDENCE_INVALID, "%s is missing", *names);
        }
        text_append_format(&chosen, "%s\"%s\":", before, *names);
        text_append(&chosen, scan_raw(s->json, node));
        before = ",";
    }
    text_append_string(&chosen, "}");
    AIP_TRY(text_finish(&chosen, s->err));
    return nexus_canonical(text_view(&chosen), spaced, &s->message, s->err);
}

static void
join(statement *s, const aip_bytes *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_append_string(&s->message, i == 0 ? "" : "|");
        text_append(&s->message, fields[i]);
    }
}

/* What we gave out, or know it by, is what it is about. */
static aip_status
check_about(statement *s, aip_bytes text, aip_bytes wanted)
{
    return wanted.size > 0 && aip_bytes_equal(text, wanted) ? AIP_OK : refuse(s, "it is not about what was asked");
}

static aip_status
read_vouch(statement *s)
{
    char text[NOTE_BYTES_MAX];
    aip_bytes note = {(const unsigned char *)text, 0};
    uint32_t node = scan_member(s->json, 0, "statement");
    AIP_TRY(read_did(s, 0, "voucher_did", &s->out->signer));
    AIP_TRY(read_did(s, 0, "target_did", &s->out->target));
    AIP_TRY(read_scope(s));
    if (node != SCAN_NONE && scan_kind_of(s->json, node) != SCAN_NULL) {
        if (!has_text(s, node)) {
            return refuse(s, "statement is no string");
        }
        AIP_TRY(scan_unescape(s->json, node, text, sizeof text, &note.size, s->err));
    }
    join(s, (aip_bytes[]){s->out->signer, s->out->target, s->out->scope, note}, 4);
    return AIP_OK;
}

/* Both keys are signed or tied to a name, so both have to be the names' own. */
static aip_status
check_target_key(statement *s)
{
    unsigned char bytes[AIP_KEY_BYTES];
    aip_public_key key;
    aip_did target;
    AIP_TRY(read_bytes(s, "target_pubkey", 'M', bytes, sizeof bytes));
    AIP_TRY(aip_did_parse(s->out->target, &target, s->err));
    AIP_TRY(keyring_accept(bytes, &key, s->err));
    return did_check_key(&target, &key, s->err);
}

static aip_status
read_vouch_sdk(statement *s)
{
    static const char *const members[] = {"created_at", "expires_at",    "level",       "scope", "statement",
                                          "target_did", "target_pubkey", "voucher_did", NULL};
    uint32_t level = scan_member(s->json, 0, "level"), expires = scan_member(s->json, 0, "expires_at");
    aip_bytes created;
    uint64_t value = 0;
    AIP_TRY(sign_members(s, 0, members, false));
    AIP_TRY(read_did(s, 0, "voucher_did", &s->out->signer));
    AIP_TRY(read_did(s, 0, "target_did", &s->out->target));
    AIP_TRY(read_scope(s));
    AIP_TRY(check_target_key(s));
    AIP_TRY(read_text(s, 0, "created_at", &created));
    AIP_TRY(read_time(s, 0, "created_at", &s->begins));
    if (scan_integer(s->json, level, 5, &value, NULL) != AIP_OK || !has_text(s, scan_member(s->json, 0, "statement"))) {
        return refuse(s, "level is not 0 to 5, or statement no string");
    }
    s->out->level = (int)value;
    if (scan_kind_of(s->json, expires) != SCAN_NULL) {
        AIP_TRY(read_time(s, 0, "expires_at", &s->out->expires));
    }
    TEXT_AUTO text_buffer id = {0};
    unsigned char hash[AIP_HASH_BYTES];
    text_append_format(&id, "%.*s:%.*s:%.*s:%.*s", (int)s->out->signer.size, s->out->signer.data,
                       (int)s->out->target.size, s->out->target.data, (int)s->out->scope.size, s->out->scope.data,
                       (int)created.size, created.data);
    AIP_TRY(text_finish(&id, s->err));
    hash_sha256(text_view(&id), hash);
    hex_encode((aip_bytes){hash, 8}, s->out->vouch_id);
    return AIP_OK;
}

static aip_status
read_revocation(statement *s)
{
    aip_bytes id;
    AIP_TRY(read_text(s, 0, "vouch_id", &id));
    AIP_TRY(check_about(s, id, s->query->about));
    s->out->signer = s->query->signer;
    text_append_string(&s->message, "revoke:");
    text_append(&s->message, id);
    return AIP_OK;
}

static aip_status
read_revocation_sdk(statement *s)
{
    static const char *const members[] = {"created_at", "reason", "revoker_did", "vouch_id", NULL};
    aip_bytes id;
    AIP_TRY(sign_members(s, 0, members, false));
    AIP_TRY(read_text(s, 0, "vouch_id", &id));
    AIP_TRY(check_about(s, id, s->query->about));
    AIP_TRY(read_did(s, 0, "revoker_did", &s->out->signer));
    AIP_TRY(read_time(s, 0, "created_at", &s->begins));
    return AIP_OK;
}

static aip_status
read_challenge(statement *s)
{
    unsigned char bytes[32];
    aip_bytes challenge;
    size_t size;
    AIP_TRY(read_did(s, 0, "did", &s->out->signer));
    AIP_TRY(read_text(s, 0, "challenge", &challenge));
    AIP_TRY(check_about(s, challenge, s->query->about));
    if (hex_decode(challenge, bytes, sizeof bytes, &size, NULL) != AIP_OK || size != sizeof bytes) {
        return refuse(s, "a challenge is 32 bytes in hex");
    }
    text_append(&s->message, challenge);
    return AIP_OK;
}

static aip_status
read_challenge_sdk(statement *s)
{
    static const char *const members[] = {"expires_in_seconds", "nonce", "timestamp", "type", NULL};
    uint32_t challenge = scan_member(s->json, 0, "challenge"), response = scan_member(s->json, 0, "response");
    aip_bytes nonce, type;
    uint64_t seconds = 0;
    if (challenge == SCAN_NONE || s->json->nodes[challenge].children != 4) {
        return refuse(s, "the challenge has other members");
    }
    AIP_TRY(sign_members(s, challenge, members, true));
    AIP_TRY(read_text(s, challenge, "type", &type));
    AIP_TRY(read_text(s, challenge, "nonce", &nonce));
    AIP_TRY(check_about(s, nonce, s->query->about));
    AIP_TRY(read_time(s, challenge, "timestamp", &s->begins));
    if (!aip_bytes_equal(type, AIP_BYTES_LITERAL("aip-challenge-v1")) ||
        scan_integer(s->json, scan_member(s->json, challenge, "expires_in_seconds"), CHALLENGE_SECONDS_MAX, &seconds,
                     NULL) != AIP_OK) {
        return refuse(s, "the challenge is of another type, or lasts too long");
    }
    s->out->expires = s->begins + (int64_t)seconds;
    s->envelope = response;
    AIP_TRY(read_did(s, response, "signer_did", &s->out->signer));
    return AIP_OK;
}

static aip_status
read_challenge_opena2a(statement *s)
{
    aip_bytes challenge, nonce, issued, expires;
    AIP_TRY(read_did(s, 0, "agentDid", &s->out->signer));
    AIP_TRY(read_text(s, 0, "challenge", &challenge));
    AIP_TRY(read_text(s, 0, "nonce", &nonce));
    AIP_TRY(check_about(s, challenge, s->query->about));
    AIP_TRY(check_about(s, nonce, s->query->nonce));
    AIP_TRY(read_text(s, 0, "issuedAt", &issued));
    AIP_TRY(read_text(s, 0, "expiresAt", &expires));
    AIP_TRY(read_time(s, 0, "issuedAt", &s->begins));
    AIP_TRY(read_time(s, 0, "expiresAt", &s->out->expires));
    if (s->out->expires <= s->begins || s->out->expires - s->begins > CHALLENGE_SECONDS_MAX) {
        return refuse(s, "the challenge lasts too long");
    }
    join(s, (aip_bytes[]){challenge, s->out->signer, nonce, issued, expires}, 5);
    return AIP_OK;
}

static aip_status
read_skill(statement *s)
{
    char hash[sizeof "sha256:" + 2 * (size_t)AIP_HASH_BYTES] = "sha256:";
    aip_bytes time;
    AIP_TRY(read_did(s, 0, "author_did", &s->out->signer));
    AIP_TRY(read_text(s, 0, "timestamp", &time));
    AIP_TRY(read_time(s, 0, "timestamp", &s->begins));
    if (s->query->file_count != 1 || time.size != sizeof "YYYY-MM-DDTHH:MM:SSZ" - 1) {
        return refuse(s, "such a skill is one file, signed at a time in whole seconds of UTC");
    }
    hex_encode((aip_bytes){s->query->files[0].hash, AIP_HASH_BYTES}, hash + strlen(hash));
    join(s, (aip_bytes[]){s->out->signer, aip_bytes_of(hash), time}, 3);
    return AIP_OK;
}

/* Relative, `/` between its parts, none of them empty, `.` or `..`. */
static bool
is_inside(aip_bytes path)
{
    size_t start = 0;
    for (size_t i = 0; i <= path.size; i++) {
        if (i < path.size && path.data[i] != '/') {
            if (path.data[i] == '\\' || path.data[i] < 0x20) {
                return false;
            }
            continue;
        }
        aip_bytes part = {path.data + start, i - start};
        if (part.size == 0 || aip_bytes_equal(part, AIP_BYTES_LITERAL(".")) ||
            aip_bytes_equal(part, AIP_BYTES_LITERAL(".."))) {
            return false;
        }
        start = i + 1;
    }
    return true;
}

static aip_status
check_file(statement *s, uint32_t node)
{
    char hash[2 * AIP_HASH_BYTES + 1];
    for (size_t i = 0; i < s->query->file_count; i++) {
        const nexus_file *file = &s->query->files[i];
        hex_encode((aip_bytes){file->hash, AIP_HASH_BYTES}, hash);
        if (scan_name_equals(s->json, node, file->path)) {
            return is_inside(file->path) && has_text(s, node) && scan_string_equals(s->json, node, aip_bytes_of(hash))
                       ? AIP_OK
                       : refuse(s, "a file is not the one that was signed");
        }
    }
    return refuse(s, "a file that was signed is missing");
}

static aip_status
check_files(statement *s)
{
    uint32_t files = scan_member(s->json, 0, "files");
    if (files == SCAN_NONE || scan_kind_of(s->json, files) != SCAN_OBJECT ||
        s->json->nodes[files].children != s->query->file_count) {
        return refuse(s, "there are other files than those that were signed");
    }
    for (uint32_t i = scan_child(s->json, files); i != SCAN_NONE; i = scan_next(s->json, i)) {
        AIP_TRY(check_file(s, i));
    }
    return AIP_OK;
}

static aip_status
read_manifest(statement *s)
{
    static const char *const members[] = {"did", "files", "public_key", "timestamp", "version", NULL};
    uint64_t time = 0;
    aip_bytes version;
    if (s->json->nodes[0].children != 6) { /* these and the signature */
        return refuse(s, "the manifest has other members");
    }
    AIP_TRY(sign_members(s, 0, members, false));
    AIP_TRY(read_text(s, 0, "version", &version));
    AIP_TRY(read_did(s, 0, "did", &s->out->signer));
    if (!aip_bytes_equal(version, AIP_BYTES_LITERAL("1.0")) ||
        scan_integer(s->json, scan_member(s->json, 0, "timestamp"), INT64_C(1) << 40, &time, NULL) != AIP_OK) {
        return refuse(s, "version or timestamp is not of its form");
    }
    s->begins = (int64_t)time;
    return check_files(s);
}

/* How each kind spells its signature, the member that may hold the signer's key in base64, and what else is read. */
static const struct {
    const char *name;
    aip_status (*read)(statement *s); /* NULL: never accepted */
    const char *key;                  /* NULL: it has none */
    bool key_required;
    char key_prefix, signature_prefix;
} kinds[NEXUS_KIND_COUNT] = {
    [NEXUS_VOUCH_REST] = {"vouch.rest", read_vouch, NULL, false, 'M', 'M'},
    [NEXUS_VOUCH_CERTIFICATE] = {"vouch.certificate", read_vouch, "voucher_public_key", true, 'M', 'M'},
    [NEXUS_VOUCH_SDK] = {"vouch.sdk", read_vouch_sdk, "voucher_pubkey", true, 'M', 'M'},
    [NEXUS_REVOCATION_REST] = {"revocation.rest", read_revocation, NULL, false, 'M', 'M'},
    [NEXUS_REVOCATION_SDK] = {"revocation.sdk", read_revocation_sdk, "revoker_pubkey", true, 'M', 'M'},
    [NEXUS_CHALLENGE_REST] = {"challenge.rest", read_challenge, "public_key", false, 'M', 'M'},
    [NEXUS_CHALLENGE_SDK] = {"challenge.sdk", read_challenge_sdk, "public_key", true, 'M', 'M'},
    [NEXUS_CHALLENGE_OPENA2A] = {"challenge.opena2a", read_challenge_opena2a, "publicKey", false, 'm', 'm'},
    [NEXUS_SKILL_REST] = {"skill.rest", read_skill, "public_key", false, 'M', 'M'},
    [NEXUS_SKILL_MANIFEST] = {"skill.manifest", read_manifest, "public_key", true, 'M', 'f'},
    [NEXUS_HANDSHAKE_V1] = {"handshake.v1", NULL, NULL, false, 0, 0},
    [NEXUS_ROTATION] = {"rotation", NULL, NULL, false, 0, 0},
    [NEXUS_VC_EXPORT] = {"vc.export", NULL, NULL, false, 0, 0},
};

bool
nexus_kind_of(aip_bytes name, nexus_kind *out)
{
    for (size_t i = 0; i < NEXUS_KIND_COUNT; i++) {
        if (aip_bytes_equal(name, aip_bytes_of(kinds[i].name))) {
            *out = (nexus_kind)i;
            return true;
        }
    }
    return false;
}

/* Whether the statement has a key of its own: *own; it is read then. */
static aip_status
read_own_key(statement *s, nexus_kind kind, unsigned char key[AIP_KEY_BYTES], bool *own)
{
    const char *name = kinds[kind].key;
    *own = name != NULL && (kinds[kind].key_required || scan_member(s->json, s->envelope, name) != SCAN_NONE);
    return *own ? read_bytes(s, name, kinds[kind].key_prefix, key, AIP_KEY_BYTES) : AIP_OK;
}

/* A key that the caller brings counts also for a name that says nothing of its key; any other key has to be in the
 * name, or to hash to it. */
static aip_status
bind_key(statement *s, nexus_kind kind)
{
    unsigned char bytes[AIP_KEY_BYTES];
    const aip_public_key *known = s->query->key;
    aip_did did;
    bool own;
    AIP_TRY(read_own_key(s, kind, bytes, &own));
    if (known != NULL && own && memcmp(bytes, known->bytes, AIP_KEY_BYTES) != 0) {
        return refuse(s, "it carries another key");
    }
    aip_status parsed = aip_did_parse(s->out->signer, &did, known == NULL ? s->err : NULL);
    if (known != NULL) {
        s->out->key = *known;
        return parsed == AIP_OK ? did_check_key(&did, known, s->err) : AIP_OK;
    }
    AIP_TRY(parsed);
    if (!own || did.form == AIP_DID_WEB) {
        return did.form == AIP_DID_WEB ? aip_fail(s->err, AIP_DID_KEY_MISSING, NULL)
                                       : aip_did_key(&did, &s->out->key, s->err);
    }
    AIP_TRY(keyring_accept(bytes, &s->out->key, s->err));
    return did_check_key(&did, &s->out->key, s->err);
}

static aip_status
check_times(statement *s)
{
    int64_t now = s->query->now_seconds;
    return now < s->out->expires && s->begins <= now + AIP_CLOCK_SKEW_SECONDS
               ? AIP_OK
               : aip_fail(s->err, AIP_EVIDENCE_EXPIRED, NULL);
}

static aip_status
judge(statement *s, nexus_kind kind)
{
    TEXT_AUTO text_buffer whole = {0};
    AIP_TRY(kinds[kind].read(s));
    AIP_TRY(text_finish(&s->message, s->err));
    bool revokes = kind == NEXUS_REVOCATION_REST || kind == NEXUS_REVOCATION_SDK;
    if (s->query->signer.size > 0 ? !aip_bytes_equal(s->query->signer, s->out->signer) : revokes) {
        return refuse(s, "somebody else says so, or it is not known who may");
    }
    AIP_TRY(bind_key(s, kind));
    AIP_TRY(read_bytes(s, "signature", kinds[kind].signature_prefix, s->signature, sizeof s->signature));
    if (aip_verify(&s->out->key, text_view(&s->message), s->signature, NULL) != AIP_OK) {
        return aip_fail(s->err, AIP_EVIDENCE_SIGNATURE, NULL);
    }
    text_append(&whole, s->out->signer);
    text_append_string(&whole, "\n");
    text_append(&whole, text_view(&s->message));
    AIP_TRY(text_finish(&whole, s->err));
    hash_sha256(text_view(&whole), s->out->id);
    return check_times(s);
}

aip_status
nexus_verify(nexus_kind kind, aip_bytes object, const nexus_query *query, nexus_evidence *out, aip_error *err)
{
    const scan_limits limits = {AIP_DOCUMENT_BYTES_MAX, DEPTH_MAX, NODES_MAX};
    scan_document json;
    *out = (nexus_evidence){.level = -1, .expires = INT64_MAX};
    if (kinds[kind].read == NULL) {
        return aip_fail(err, AIP_EVIDENCE_UNSUPPORTED, NULL);
    }
    AIP_TRY(scan_load(object, &limits, &json, err));
    statement s = {.json = &json, .query = query, .out = out, .begins = INT64_MIN, .err = err};
    aip_status status = scan_kind_of(&json, 0) == SCAN_OBJECT ? judge(&s, kind) : refuse(&s, "it is no object");
    text_clear(&s.message);
    scan_clear(&json);
    return status;
}
