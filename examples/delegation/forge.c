/* What an attacker would write: appends an element to a token, properly signed with the attacker's own key, and checks
 * no rule at all. The demonstration uses it to show that the gateway does not rely on honest delegators. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_BYTES_MAX 16384
#define SCOPES_MAX 8
#define NAME_BYTES_MAX 128
#define BASE64URL sodium_base64_VARIANT_URLSAFE_NO_PADDING

typedef struct {
    const char *key_file, *subject, *budget, *depth, *expires;
    const char *scope[SCOPES_MAX];
    size_t scope_count;
} wish;

_Noreturn static void
give_up(const char *why)
{
    fprintf(stderr, "forge: %s\n", why);
    exit(2);
}

static void
encode(const void *bytes, size_t size, char *out, size_t capacity)
{
    sodium_bin2base64(out, capacity, bytes, size, BASE64URL);
}

/* The attacker's key, and its name. */
static void
load_key(const char *path, unsigned char secret[crypto_sign_SECRETKEYBYTES], char name[NAME_BYTES_MAX])
{
    json_t *file = json_load_file(path, 0, NULL);
    const char *seed_text = json_string_value(json_object_get(file, "seed"));
    const char *did = json_string_value(json_object_get(file, "did"));
    unsigned char seed[crypto_sign_SEEDBYTES], public[crypto_sign_PUBLICKEYBYTES];
    size_t size = 0;
    if (seed_text == NULL || did == NULL || strlen(did) >= NAME_BYTES_MAX ||
        sodium_base642bin(seed, sizeof seed, seed_text, strlen(seed_text), NULL, &size, NULL, BASE64URL) != 0 ||
        size != sizeof seed) {
        give_up("that is no key file");
    }
    crypto_sign_seed_keypair(public, secret, seed);
    sodium_memzero(seed, sizeof seed);
    memcpy(name, did, strlen(did) + 1);
    json_decref(file);
}

/* Times of the parent, so that only what is asked for is out of bounds. */
static void
read_times(const char *parent, long long *issued, long long *expires)
{
    static char payload[TOKEN_BYTES_MAX];
    const char *start = strchr(parent, '.');
    const char *end = start != NULL ? strchr(start + 1, '.') : NULL;
    size_t size = 0;
    if (end == NULL || sodium_base642bin((unsigned char *)payload, sizeof payload, start + 1, (size_t)(end - start - 1),
                                         NULL, &size, NULL, BASE64URL) != 0) {
        give_up("the parent cannot be read");
    }
    json_t *claims = json_loadb(payload, size, 0, NULL);
    *issued = json_integer_value(json_object_get(claims, "iat"));
    *expires = json_integer_value(json_object_get(claims, "exp"));
    json_decref(claims);
}

static void
hash_parent(const char *parent, char out[64])
{
    const char *end = strrchr(parent, '.');
    unsigned char hash[crypto_hash_sha256_BYTES];
    if (end == NULL) {
        give_up("the parent cannot be read");
    }
    crypto_hash_sha256(hash, (const unsigned char *)parent, (unsigned long long)(end - parent));
    encode(hash, sizeof hash, out, 64);
}

/* The claims as JSON text: numbers go in exactly as they were asked for. */
static int
write_claims(const wish *wanted, const char *issuer, const char *parent, char *out, size_t capacity)
{
    long long issued = 0, expires = 0;
    unsigned char random[16];
    char parent_hash[64], id[64], scope[2048] = "";
    read_times(parent, &issued, &expires);
    hash_parent(parent, parent_hash);
    randombytes_buf(random, sizeof random);
    encode(random, sizeof random, id, sizeof id);
    for (size_t i = 0; i < wanted->scope_count; i++) {
        size_t used = strlen(scope);
        snprintf(scope + used, sizeof scope - used, "%s\"%s\"", i > 0 ? "," : "", wanted->scope[i]);
    }
    return snprintf(out, capacity,
                    "{\"iss\":\"%s\",\"sub\":\"%s\",\"scope\":[%s]%s%s%s%s,\"iat\":%lld,\"exp\":%lld,"
                    "\"jti\":\"%s\",\"par_hash\":\"%s\",\"context\":\"trust me\"}",
                    issuer, wanted->subject, scope, wanted->budget ? ",\"budget_usd\":" : "",
                    wanted->budget ? wanted->budget : "", wanted->depth ? ",\"max_depth\":" : "",
                    wanted->depth ? wanted->depth : "", issued, wanted->expires ? atoll(wanted->expires) : expires, id,
                    parent_hash);
}

static void
parse_options(int argc, char **argv, wish *wanted)
{
    const struct {
        const char *name, **value;
    } names[] = {{"--key", &wanted->key_file},
                 {"--to", &wanted->subject},
                 {"--budget-usd", &wanted->budget},
                 {"--max-depth", &wanted->depth},
                 {"--exp", &wanted->expires}};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--scope") == 0 && wanted->scope_count < SCOPES_MAX) {
            wanted->scope[wanted->scope_count++] = argv[i + 1];
        }
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            if (strcmp(argv[i], names[n].name) == 0) {
                *names[n].value = argv[i + 1];
            }
        }
    }
    if (wanted->key_file == NULL || wanted->subject == NULL || wanted->scope_count == 0) {
        give_up("usage: forge --key FILE --to DID --scope S… [--budget-usd X] [--max-depth N] [--exp EPOCH] <TOKEN");
    }
}

int
main(int argc, char **argv)
{
    static const char header[] = "{\"alg\":\"EdDSA\",\"typ\":\"aip+jwt\"}";
    static char token[TOKEN_BYTES_MAX], claims[4096], input[8192], signature_text[128], issuer[NAME_BYTES_MAX];
    unsigned char secret[crypto_sign_SECRETKEYBYTES], signature[crypto_sign_BYTES];
    wish wanted = {0};
    parse_options(argc, argv, &wanted);
    if (sodium_init() < 0 || fgets(token, sizeof token, stdin) == NULL) {
        give_up("no parent token on standard input");
    }
    token[strcspn(token, "\r\n")] = '\0';
    const char *parent = strrchr(token, '~') != NULL ? strrchr(token, '~') + 1 : token;
    load_key(wanted.key_file, secret, issuer);
    int size = write_claims(&wanted, issuer, parent, claims, sizeof claims);
    if (size < 0 || (size_t)size >= sizeof claims) {
        give_up("too many claims");
    }
    encode(header, sizeof header - 1, input, sizeof input);
    strcat(input, ".");
    encode(claims, (size_t)size, input + strlen(input), sizeof input - strlen(input));
    crypto_sign_detached(signature, NULL, (const unsigned char *)input, strlen(input), secret);
    encode(signature, sizeof signature, signature_text, sizeof signature_text);
    printf("%s~%s.%s\n", token, input, signature_text);
    sodium_memzero(secret, sizeof secret);
    return 0;
}
