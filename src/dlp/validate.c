/* Checksums, ranges and entropy of what an expression matched. */
#include "dlp/validate.h"

#include <math.h>

#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"

bool
dlp_validate_any(aip_bytes match)
{
    return match.size > 0;
}

static bool
is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static double
entropy(aip_bytes text)
{
    size_t counts[256] = {0};
    double bits = 0;
    for (size_t i = 0; i < text.size; i++) {
        counts[text.data[i]]++;
    }
    for (size_t i = 0; i < 256; i++) {
        double share = (double)counts[i] / (double)text.size;
        bits -= counts[i] == 0 ? 0 : share * log2(share);
    }
    return bits;
}

/* Keys are random; `sk_live_xxxxxxxxxxxxxxxxxxxxxxxx` in a manual is not. */
bool
dlp_validate_random(aip_bytes match)
{
    size_t tail = match.size > 24 ? match.size / 2 : match.size * 3 / 4;
    return match.size >= 12 && entropy(aip_bytes_from(match, match.size - tail)) >= 2.5;
}

/* The digits of `match` as numbers; 0 when there are more than `most` or something else than blanks and hyphens. */
static size_t
read_digits(aip_bytes match, unsigned char *out, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < match.size; i++) {
        if (is_digit(match.data[i])) {
            if (count == most) {
                return 0;
            }
            out[count++] = (unsigned char)(match.data[i] - '0');
        }
    }
    return count;
}

bool
dlp_validate_luhn(aip_bytes match)
{
    unsigned char digits[24];
    size_t count = read_digits(match, digits, sizeof digits);
    unsigned sum = 0;
    bool varied = false;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = digits[count - 1 - i];
        varied = varied || digit != digits[0];
        digit = i % 2 == 0 ? digit : digit * 2;
        sum += digit > 9 ? digit - 9 : digit;
    }
    return count >= 12 && varied && sum % 10 == 0;
}

/* ISO 13616 registry: lengths where two readers could take text behind an IBAN for a part of it. */
static size_t
iban_length(const unsigned char *country)
{
    static const struct {
        char country[3];
        unsigned char length;
    } rows[] = {{"AT", 20}, {"BE", 16}, {"CH", 21}, {"CZ", 24}, {"DE", 22}, {"DK", 18}, {"ES", 24}, {"FI", 18},
                {"FR", 27}, {"GB", 22}, {"GR", 27}, {"HU", 28}, {"IE", 22}, {"IT", 27}, {"LU", 20}, {"NL", 18},
                {"NO", 15}, {"PL", 28}, {"PT", 25}, {"RO", 24}, {"SE", 24}, {"SK", 24}, {"TR", 26}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (memcmp(rows[i].country, country, 2) == 0) {
            return rows[i].length;
        }
    }
    return 0;
}

static unsigned
mod97_add(unsigned rest, unsigned char c)
{
    if (is_digit(c)) {
        return (rest * 10 + (unsigned)(c - '0')) % 97;
    }
    return (rest * 100 + (unsigned)(c - 'A') + 10) % 97;
}

bool
dlp_validate_mod97(aip_bytes match)
{
    unsigned char text[40];
    size_t count = 0;
    unsigned rest = 0;
    for (size_t i = 0; i < match.size; i++) {
        if (match.data[i] != ' ') {
            if (count == sizeof text) {
                return false;
            }
            text[count++] = match.data[i];
        }
    }
    if (count < 15 || count > 34 || (iban_length(text) != 0 && iban_length(text) != count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        rest = mod97_add(rest, text[(i + 4) % count]);
    }
    return rest == 1;
}

bool
dlp_validate_ssn(aip_bytes match)
{
    const char *text = (const char *)match.data;
    return match.size == 11 && text[0] != '9' && memcmp(text, "000", 3) != 0 && memcmp(text, "666", 3) != 0 &&
           memcmp(text + 4, "00", 2) != 0 && memcmp(text + 7, "0000", 4) != 0;
}

bool
dlp_validate_jwt(aip_bytes match)
{
    unsigned char header[1024];
    size_t size = 0;
    const unsigned char *dot = memchr(match.data, '.', match.size);
    if (dot == NULL) {
        return false;
    }
    size_t length = (size_t)(dot - match.data);
    if (length > sizeof header) {
        return true; /* too long to be judged here: taken for one */
    }
    /* A tail whose unused bits are set is refused by the strict reader and is a JWT to lenient ones. */
    for (size_t cut = 0; cut < 4 && length > cut; cut++) {
        if (base64url_decode((aip_bytes){match.data, length - cut}, header, sizeof header, &size, NULL) == AIP_OK) {
            return size > 0 && header[0] == '{' && memmem(header, size, "\"alg\"", 5) != NULL;
        }
    }
    return false;
}

static bool
is_base64(unsigned char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/';
}

bool
dlp_validate_pem(aip_bytes match)
{
    static const char dashes[] = "KEY-----", block[] = "BLOCK-----";
    const unsigned char *begin = memmem(match.data, match.size, dashes, sizeof dashes - 1);
    size_t letters = 0;
    if (begin == NULL) {
        begin = memmem(match.data, match.size, block, sizeof block - 1);
    }
    if (begin == NULL) {
        return false;
    }
    for (const unsigned char *at = begin + sizeof block; at < match.data + match.size && *at != '-'; at++) {
        letters += is_base64(*at);
    }
    return letters >= 24;
}

/* `https://user:${TOKEN}@host` and the like are how manuals and files leave it out. */
bool
dlp_validate_password(aip_bytes match)
{
    static const char *const fillers[] = {"password", "passwd", "pass", "secret", "xxx", "token", "pwd"};
    const unsigned char *scheme = memmem(match.data, match.size, "://", 3);
    if (scheme == NULL) {
        return false;
    }
    const unsigned char *end = match.data + match.size;
    const unsigned char *colon = memchr(scheme + 3, ':', (size_t)(end - scheme - 3));
    const unsigned char *at = colon == NULL ? NULL : memchr(colon, '@', (size_t)(end - colon));
    if (at == NULL || strchr("$<{*[%", colon[1]) != NULL) {
        return false;
    }
    aip_bytes password = {colon + 1, (size_t)(at - colon) - 1};
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
        if (aip_bytes_equal(password, aip_bytes_of(fillers[i]))) {
            return false;
        }
    }
    return true;
}

/* `git@host` names a machine to which git speaks. */
bool
dlp_validate_email(aip_bytes match)
{
    return match.size > 4 && memcmp(match.data, "git@", 4) != 0;
}

bool
dlp_validate_dni(aip_bytes match)
{
    unsigned long number = 0;
    for (size_t i = 0; i + 1 < match.size; i++) {
        number = is_digit(match.data[i]) ? number * 10 + (unsigned long)(match.data[i] - '0') : number;
    }
    return match.size >= 9 && match.data[match.size - 1] == "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23];
}

static unsigned
cpf_digit(const unsigned char *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += digits[i] * (unsigned)(count + 1 - i);
    }
    return sum * 10 % 11 % 10;
}

bool
dlp_validate_cpf(aip_bytes match)
{
    unsigned char digits[11];
    bool varied = false;
    if (read_digits(match, digits, sizeof digits) != sizeof digits) {
        return false;
    }
    for (size_t i = 1; i < sizeof digits; i++) {
        varied = varied || digits[i] != digits[0];
    }
    return varied && cpf_digit(digits, 9) == digits[9] && cpf_digit(digits, 10) == digits[10];
}

bool
dlp_validate_nir(aip_bytes match)
{
    unsigned char digits[15];
    uint64_t number = 0;
    if (read_digits(match, digits, sizeof digits) != sizeof digits) {
        return false;
    }
    for (size_t i = 0; i < 13; i++) {
        number = number * 10 + digits[i];
    }
    return 97 - number % 97 == digits[13] * 10u + digits[14];
}

bool
dlp_validate_nino(aip_bytes match)
{
    static const char *const unused[] = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"};
    for (size_t i = 0; i < sizeof unused / sizeof unused[0]; i++) {
        if (match.size < 2 || memcmp(match.data, unused[i], 2) == 0) {
            return false;
        }
    }
    return true;
}

bool
dlp_validate_wif(aip_bytes match)
{
    enum { VERSION = 0x80, CHECKSUM = 4, SHORT = 37, LONG = 38 }; /* a compressed key has one byte more */
    unsigned char bytes[64], hash[AIP_HASH_BYTES];
    size_t size = 0;
    if (base58_decode(match, bytes, sizeof bytes, &size, NULL) != AIP_OK || (size != SHORT && size != LONG) ||
        bytes[0] != VERSION) {
        return false;
    }
    hash_sha256((aip_bytes){bytes, size - CHECKSUM}, hash);
    hash_sha256((aip_bytes){hash, sizeof hash}, hash);
    return memcmp(hash, bytes + size - CHECKSUM, CHECKSUM) == 0;
}
