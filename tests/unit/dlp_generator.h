/* Seeded texts for tests of data-loss prevention: what is a secret, made after a detector's expression and accepted by
 * its validator, and what only looks like one. */
#ifndef TESTS_DLP_GENERATOR_H
#define TESTS_DLP_GENERATOR_H

#include "dlp_fixture.h"

#include <stdlib.h>

#include "base/pattern.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"

static uint64_t generator_state = 1;

static inline uint32_t
draw(uint32_t below)
{
    generator_state = generator_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return below == 0 ? 0 : (uint32_t)(generator_state >> 33) % below;
}

static inline void
put_byte(text_buffer *out, unsigned char byte)
{
    text_append(out, (aip_bytes){&byte, 1});
}

static inline void
put_drawn(text_buffer *out, const char *alphabet, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_byte(out, (unsigned char)alphabet[draw((uint32_t)strlen(alphabet))]);
    }
}

#define DIGITS "0123456789"
#define HEX_DIGITS "0123456789abcdef"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define BASE58 "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
#define BASE64 CAPITALS SMALL DIGITS "+/"

/* ---- a text that an expression matches ---- */

static const char *generate_branches(const char *at, text_buffer *out);

/* One character of a class; the expressions of the table have no class that is not of ASCII. */
static inline const char *
generate_class(const char *at, text_buffer *out, size_t count)
{
    bool in[128] = {false}, negated = at[1] == '^', any = false;
    const char *c = at + 1 + negated;
    for (; *c != ']' && *c != '\0'; c++) {
        unsigned char first = (unsigned char)*c;
        if (*c == '\\') {
            c++;
            any = any || *c == 'S';
            first = (unsigned char)(*c == 's' || *c == 'S' ? ' ' : *c);
        }
        unsigned char last = c[1] == '-' && c[2] != ']' ? (unsigned char)c[2] : first;
        c += c[1] == '-' && c[2] != ']' ? 2 : 0;
        for (unsigned k = first; k <= last && k < 128; k++) {
            in[k] = true;
        }
    }
    char alphabet[129] = "";
    size_t size = 0;
    for (unsigned k = 0x21; k < 0x7F; k++) {
        bool word = (k >= '0' && k <= '9') || ((k | 0x20) >= 'a' && (k | 0x20) <= 'z') || k == '/' || k == '+';
        if (any ? word : negated ? !in[k] && word : in[k]) {
            alphabet[size++] = (char)k;
        }
    }
    if (size == 0) {
        alphabet[size++] = ' ';
    }
    put_drawn(out, alphabet, count);
    return *c == ']' ? c + 1 : c;
}

static inline const char *
read_quantifier(const char *at, size_t *count)
{
    unsigned low = 1, high = 1;
    int used = 0;
    if (*at == '?') {
        low = 0;
        at++;
    } else if (*at == '+' || *at == '*') {
        low = *at == '+';
        high = 40;
        at++;
    } else if (*at == '{') {
        sscanf(at, "{%u%n", &low, &used);
        at += used;
        high = low;
        if (*at == ',') {
            high = low + 30;
            if (at[1] != '}') {
                sscanf(at + 1, "%u", &high);
            }
        }
        at = strchr(at, '}') + 1;
    }
    if (*at == '?') { /* lazy: long enough for a key's body */
        low = 64;
        high = 200;
        at++;
    }
    *count = low + draw(high - low + 1);
    return at;
}

static inline const char *
skip_group(const char *at)
{
    int depth = 0;
    for (bool in_class = false; *at != '\0'; at++) {
        if (*at == '\\') {
            at++;
        } else if (in_class) {
            in_class = *at != ']';
        } else if (*at == '[') {
            in_class = true;
        } else if (*at == '(') {
            depth++;
        } else if (*at == ')' && --depth == 0) {
            return at + 1;
        }
    }
    return at;
}

static inline const char *
skip_one(const char *at)
{
    if (*at == '[') {
        text_buffer nothing = {0};
        at = generate_class(at, &nothing, 0);
        text_clear(&nothing);
        return at;
    }
    return *at == '(' ? skip_group(at) : *at == '\\' ? at + 2 : at + 1;
}

static inline void
generate_one(const char *at, text_buffer *out, size_t count)
{
    if (*at == '[') {
        generate_class(at, out, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (*at == '(') {
            const char *inside = at + 1;
            if (*inside == '?') {
                inside = strpbrk(inside, ":)") + 1;
            }
            generate_branches(inside, out);
        } else if (*at == '\\') {
            unsigned char byte = (unsigned char)(at[1] == 's' ? ' ' : at[1]);
            if (at[1] != 'b') {
                put_byte(out, byte);
            }
        } else {
            put_byte(out, (unsigned char)*at);
        }
    }
}

/* One of the branches from `at` to the end of their group. */
static inline const char *
generate_branches(const char *at, text_buffer *out)
{
    const char *begins[32];
    size_t count = 0, times;
    begins[count++] = at;
    const char *end = at;
    while (*end != '\0' && *end != ')') {
        if (*end == '|' && count < 32) {
            begins[count++] = end + 1;
        }
        end = skip_one(end);
    }
    for (at = begins[draw((uint32_t)count)]; *at != '\0' && *at != ')' && *at != '|';) {
        const char *one = at;
        if (strncmp(one, "(?i)", 4) == 0) {
            at += 4;
            continue;
        }
        at = read_quantifier(skip_one(one), &times);
        generate_one(one, out, times);
    }
    return end;
}

static inline void
generate_jwt(text_buffer *out)
{
    text_buffer header = {0};
    char encoded[256];
    text_append_string(&header, "{\"alg\":\"EdDSA\",\"kid\":\"");
    put_drawn(&header, SMALL DIGITS, 4 + draw(12));
    text_append_string(&header, "\"}");
    size_t size = base64url_encode(text_view(&header), encoded);
    text_append(out, (aip_bytes){(unsigned char *)encoded, size});
    text_append_string(out, ".eyJ");
    put_drawn(out, CAPITALS SMALL DIGITS "-_", 20 + draw(80));
    text_append_string(out, ".");
    put_drawn(out, CAPITALS SMALL DIGITS "-_", 43);
    text_clear(&header);
}

/* A compressed key: version, 32 bytes, 1, and the beginning of a double SHA-256. */
static inline void
generate_wif(text_buffer *out)
{
    unsigned char key[38] = {0x80}, hash[AIP_HASH_BYTES];
    char *encoded = NULL;
    for (size_t i = 1; i <= 32; i++) {
        key[i] = (unsigned char)draw(256);
    }
    key[33] = 1;
    hash_sha256((aip_bytes){key, 34}, hash);
    hash_sha256((aip_bytes){hash, sizeof hash}, hash);
    memcpy(key + 34, hash, 4);
    CHECK_STATUS(multibase_encode("base58btc", (aip_bytes){key, sizeof key}, &encoded, NULL), AIP_OK);
    text_append_string(out, encoded + 1); /* without multibase's own letter */
    free(encoded);
}

/* A text that is one of the detector's from its first to its last byte; false when none was drawn. */
static inline bool
generate_secret(const dlp_detector *detector, const pattern_exact *exact, text_buffer *out)
{
    for (unsigned tries = 0; tries < 20000; tries++) {
        size_t from = 0, to = 0;
        bool found = false;
        text_clear(out);
        if (strcmp(detector->name, "jwt") == 0) {
            generate_jwt(out);
        } else if (strcmp(detector->name, "bitcoin-wif") == 0) {
            generate_wif(out);
        } else {
            generate_branches(detector->pattern, out);
        }
        aip_status status = pattern_exact_find(exact, text_view(out), 0, &found, &from, &to, NULL);
        if (status == AIP_OK && found && from == 0 && to == out->size && detector->validator(text_view(out))) {
            return true;
        }
    }
    return false;
}

/* ---- what only looks like one ---- */

static inline void
put_base64(text_buffer *out, size_t bytes)
{
    unsigned char raw[3000];
    char text[4100];
    for (size_t i = 0; i < bytes; i++) {
        raw[i] = (unsigned char)draw(256);
    }
    text_append(out, (aip_bytes){(unsigned char *)text, base64_encode((aip_bytes){raw, bytes}, text)});
}

static inline void
put_uuid(text_buffer *out)
{
    static const unsigned char lengths[] = {8, 4, 4, 4, 12};
    for (size_t i = 0; i < 5; i++) {
        text_append_string(out, i == 0 ? "" : "-");
        put_drawn(out, HEX_DIGITS, lengths[i]);
    }
}

/* One digit is another: the checksum does not hold. */
static inline void
put_near_miss(text_buffer *out)
{
    static const char *const names[] = {"credit-card", "amex-card", "iban", "br-cpf", "fr-nir"};
    const dlp_detector *detector = dlp_detector_named(names[draw(5)]);
    text_buffer good = {0};
    pattern_exact *exact = NULL;
    const pattern_source source = {.text = detector->pattern};
    if (pattern_exact_new(&source, 4096, &exact, NULL) == AIP_OK && generate_secret(detector, exact, &good)) {
        char *last = good.data + good.size - 1;
        *last = *last >= '0' && *last < '9' ? (char)(*last + 1) : '0';
        bool differs = !detector->validator(text_view(&good));
        text_append(out, differs ? text_view(&good) : AIP_BYTES_LITERAL("none"));
    }
    pattern_exact_free(&exact);
    text_clear(&good);
}

static inline void
put_source_line(text_buffer *out)
{
    static const char *const lines[] = {
        "for (size_t i = 0; i < count; i++) { sum += values[i] * weights[i]; }",
        "import { createHash } from \"node:crypto\"; // see https://nodejs.org/api/crypto.html#class-hash",
        "const key = process.env.GITHUB_TOKEN ?? \"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\";",
        "    return json.dumps({\"password\": getpass.getpass(), \"user\": args.user}, indent=2)",
        "DATABASE_URL=postgres://app:${DB_PASSWORD}@db:5432/app?sslmode=require",
        "npm install @types/node@18.2.0 @modelcontextprotocol/sdk@1.0.4 --save-exact",
        "git clone git@github.com:example/repository.git && cd repository",
        "#define MASK UINT64_C(0x8080808080808080) /* 0xDEADBEEF is another */",
        "assert digest == \"sha256:\" + hashlib.sha256(data).hexdigest()",
        "<a href=\"https://example.org:8443/a/b?page=2&sort=desc#top\">next</a>",
        "margin: 0 auto; color: #ff8800; background: url(data:image/gif;base64,R0lGODlhAQABAAAAACw=);",
        "SELECT id, name FROM orders WHERE created_at > '2026-11-21 17:45:10' LIMIT 1000;",
    };
    text_append_string(out, lines[draw(sizeof lines / sizeof lines[0])]);
}

static inline void
put_log_line(text_buffer *out)
{
    text_append_format(out, "2026-%02u-%02uT%02u:%02u:%02u.%03uZ INFO [%u] GET /v1/items/%u?limit=%u 200 %u.%03u ms ",
                       1 + draw(12), 1 + draw(28), draw(24), draw(60), draw(60), draw(1000), draw(65536), draw(1000000),
                       draw(100), draw(100), draw(1000));
    text_append_format(out, "10.%u.%u.%u:%u trace=", draw(256), draw(256), draw(256), draw(65536));
    put_drawn(out, HEX_DIGITS, 32);
}

/* A text in which nothing is to be found. */
static inline void
generate_harmless(text_buffer *out)
{
    static const char *const heads[] = {"did:aip:z6Mk",
                                        "did:key:z6Mk",
                                        "link_id: ",
                                        "sha256:",
                                        "commit ",
                                        "\"integrity\": \"sha512-",
                                        "data:image/png;base64,iVBORw0KGgo",
                                        "etag: W/\"",
                                        "order ",
                                        "h1:"};
    unsigned kind = draw(14);
    if (kind < 10) {
        text_append_string(out, heads[kind]);
    }
    switch (kind) {
    case 0:
    case 1:
        put_drawn(out, BASE58, 44);
        break;
    case 2:
        put_drawn(out, CAPITALS SMALL DIGITS "-_", 43);
        break;
    case 3:
        put_drawn(out, HEX_DIGITS, 64);
        break;
    case 4:
        put_drawn(out, HEX_DIGITS, 40);
        break;
    case 5:
        put_base64(out, 64);
        text_append_string(out, "\",");
        break;
    case 6:
        put_base64(out, 300 + draw(2000));
        break;
    case 7:
        put_drawn(out, HEX_DIGITS, 32);
        text_append_string(out, "\"");
        break;
    case 8:
        put_drawn(out, "123456789", 1);
        put_drawn(out, DIGITS, 3 + draw(9));
        break;
    case 9:
        put_base64(out, 32);
        break;
    case 10:
        put_uuid(out);
        break;
    case 11:
        put_near_miss(out);
        break;
    case 12:
        put_source_line(out);
        break;
    default:
        put_log_line(out);
    }
}

#endif
