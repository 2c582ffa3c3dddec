/* Multibase from one table of bases, keys as base58btc, unsigned varints. */
#include "crypto/multibase.h"

#include <stdlib.h>

#include "aip/limits.h"

/* A number of 2,048 base58 digits has 11,998 bits. */
#define NUMBER_LIMBS 376
#define NUMBER_BYTES (NUMBER_LIMBS * 4)

#define BASE32_LOWER "abcdefghijklmnopqrstuvwxyz234567"
#define BASE32_UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define BASE32HEX_LOWER "0123456789abcdefghijklmnopqrstuv"
#define BASE32HEX_UPPER "0123456789ABCDEFGHIJKLMNOPQRSTUV"
#define BASE58_BITCOIN "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
#define BASE58_FLICKR "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
#define BASE64_STANDARD "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#define BASE64_URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* How a base reads: digits as groups of bits, the whole as one number, or one code point a byte. */
typedef enum { BY_BITS, BY_NUMBER, BY_CODE_POINT } coding;

typedef struct {
    const char *name;     /* in the multibase registry */
    const char *prefix;   /* UTF-8 */
    const char *alphabet; /* digit values are places in it */
    coding coding;
    unsigned bits;  /* BY_BITS: of a digit */
    unsigned group; /* BY_BITS: with padding, digits of a full group; 0 = without */
    bool folds;     /* upper and lower case mean the same */
} base_rule;

static const base_rule bases[] = {
    {"base2", "0", "01", BY_BITS, 1, 0, false},
    {"base8", "7", "01234567", BY_BITS, 3, 0, false},
    {"base10", "9", "0123456789", BY_NUMBER, 0, 0, false},
    {"base16", "f", "0123456789abcdef", BY_BITS, 4, 0, true},
    {"base16upper", "F", "0123456789ABCDEF", BY_BITS, 4, 0, true},
    {"base32", "b", BASE32_LOWER, BY_BITS, 5, 0, true},
    {"base32upper", "B", BASE32_UPPER, BY_BITS, 5, 0, true},
    {"base32pad", "c", BASE32_LOWER, BY_BITS, 5, 8, true},
    {"base32padupper", "C", BASE32_UPPER, BY_BITS, 5, 8, true},
    {"base32hex", "v", BASE32HEX_LOWER, BY_BITS, 5, 0, true},
    {"base32hexupper", "V", BASE32HEX_UPPER, BY_BITS, 5, 0, true},
    {"base32hexpad", "t", BASE32HEX_LOWER, BY_BITS, 5, 8, true},
    {"base32hexpadupper", "T", BASE32HEX_UPPER, BY_BITS, 5, 8, true},
    {"base32z", "h", "ybndrfg8ejkmcpqxot1uwisza345h769", BY_BITS, 5, 0, false},
    {"base36", "k", "0123456789abcdefghijklmnopqrstuvwxyz", BY_NUMBER, 0, 0, true},
    {"base36upper", "K", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", BY_NUMBER, 0, 0, true},
    {"base58btc", "z", BASE58_BITCOIN, BY_NUMBER, 0, 0, false},
    {"base58flickr", "Z", BASE58_FLICKR, BY_NUMBER, 0, 0, false},
    {"base64", "m", BASE64_STANDARD, BY_BITS, 6, 0, false},
    {"base64pad", "M", BASE64_STANDARD, BY_BITS, 6, 4, false},
    {"base64url", "u", BASE64_URL, BY_BITS, 6, 0, false},
    {"base64urlpad", "U", BASE64_URL, BY_BITS, 6, 4, false},
    {"base256emoji", "\xf0\x9f\x9a\x80", NULL, BY_CODE_POINT, 0, 0, false},
};

static const base_rule bitcoin = {"base58btc", "z", BASE58_BITCOIN, BY_NUMBER, 0, 0, false};

/* Code points of base256emoji in the order of their byte values (multiformats registry). */
static const uint32_t emoji[256] = {
    0x1f680, 0x1fa90, 0x2604,  0x1f6f0, 0x1f30c, 0x1f311, 0x1f312, 0x1f313, 0x1f314, 0x1f315, 0x1f316, 0x1f317, 0x1f318,
    0x1f30d, 0x1f30f, 0x1f30e, 0x1f409, 0x2600,  0x1f4bb, 0x1f5a5, 0x1f4be, 0x1f4bf, 0x1f602, 0x2764,  0x1f60d, 0x1f923,
    0x1f60a, 0x1f64f, 0x1f495, 0x1f62d, 0x1f618, 0x1f44d, 0x1f605, 0x1f44f, 0x1f601, 0x1f525, 0x1f970, 0x1f494, 0x1f496,
    0x1f499, 0x1f622, 0x1f914, 0x1f606, 0x1f644, 0x1f4aa, 0x1f609, 0x263a,  0x1f44c, 0x1f917, 0x1f49c, 0x1f614, 0x1f60e,
    0x1f607, 0x1f339, 0x1f926, 0x1f389, 0x1f49e, 0x270c,  0x2728,  0x1f937, 0x1f631, 0x1f60c, 0x1f338, 0x1f64c, 0x1f60b,
    0x1f497, 0x1f49a, 0x1f60f, 0x1f49b, 0x1f642, 0x1f493, 0x1f929, 0x1f604, 0x1f600, 0x1f5a4, 0x1f603, 0x1f4af, 0x1f648,
    0x1f447, 0x1f3b6, 0x1f612, 0x1f92d, 0x2763,  0x1f61c, 0x1f48b, 0x1f440, 0x1f62a, 0x1f611, 0x1f4a5, 0x1f64b, 0x1f61e,
    0x1f629, 0x1f621, 0x1f92a, 0x1f44a, 0x1f973, 0x1f625, 0x1f924, 0x1f449, 0x1f483, 0x1f633, 0x270b,  0x1f61a, 0x1f61d,
    0x1f634, 0x1f31f, 0x1f62c, 0x1f643, 0x1f340, 0x1f337, 0x1f63b, 0x1f613, 0x2b50,  0x2705,  0x1f97a, 0x1f308, 0x1f608,
    0x1f918, 0x1f4a6, 0x2714,  0x1f623, 0x1f3c3, 0x1f490, 0x2639,  0x1f38a, 0x1f498, 0x1f620, 0x261d,  0x1f615, 0x1f33a,
    0x1f382, 0x1f33b, 0x1f610, 0x1f595, 0x1f49d, 0x1f64a, 0x1f639, 0x1f5e3, 0x1f4ab, 0x1f480, 0x1f451, 0x1f3b5, 0x1f91e,
    0x1f61b, 0x1f534, 0x1f624, 0x1f33c, 0x1f62b, 0x26bd,  0x1f919, 0x2615,  0x1f3c6, 0x1f92b, 0x1f448, 0x1f62e, 0x1f646,
    0x1f37b, 0x1f343, 0x1f436, 0x1f481, 0x1f632, 0x1f33f, 0x1f9e1, 0x1f381, 0x26a1,  0x1f31e, 0x1f388, 0x274c,  0x270a,
    0x1f44b, 0x1f630, 0x1f928, 0x1f636, 0x1f91d, 0x1f6b6, 0x1f4b0, 0x1f353, 0x1f4a2, 0x1f91f, 0x1f641, 0x1f6a8, 0x1f4a8,
    0x1f92c, 0x2708,  0x1f380, 0x1f37a, 0x1f913, 0x1f619, 0x1f49f, 0x1f331, 0x1f616, 0x1f476, 0x1f974, 0x25b6,  0x27a1,
    0x2753,  0x1f48e, 0x1f4b8, 0x2b07,  0x1f628, 0x1f31a, 0x1f98b, 0x1f637, 0x1f57a, 0x26a0,  0x1f645, 0x1f61f, 0x1f635,
    0x1f44e, 0x1f932, 0x1f920, 0x1f927, 0x1f4cc, 0x1f535, 0x1f485, 0x1f9d0, 0x1f43e, 0x1f352, 0x1f617, 0x1f911, 0x1f30a,
    0x1f92f, 0x1f437, 0x260e,  0x1f4a7, 0x1f62f, 0x1f486, 0x1f446, 0x1f3a4, 0x1f647, 0x1f351, 0x2744,  0x1f334, 0x1f4a3,
    0x1f438, 0x1f48c, 0x1f4cd, 0x1f940, 0x1f922, 0x1f445, 0x1f4a1, 0x1f4a9, 0x1f450, 0x1f4f8, 0x1f47b, 0x1f910, 0x1f92e,
    0x1f3bc, 0x1f975, 0x1f6a9, 0x1f34e, 0x1f34a, 0x1f47c, 0x1f48d, 0x1f4e3, 0x1f942,
};

typedef struct {
    unsigned char *data;
    size_t capacity, size;
} sink;

static aip_status
refuse(aip_error *err, size_t offset)
{
    return aip_fail_at(err, AIP_MULTIBASE_INVALID, offset, NULL);
}

static int
digit_value(const base_rule *base, unsigned char c)
{
    const char *at = c == '\0' ? NULL : strchr(base->alphabet, c);
    if (at == NULL && base->folds && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) {
        at = strchr(base->alphabet, c ^ 0x20);
    }
    return at == NULL ? -1 : (int)(at - base->alphabet);
}

/* Takes the padding off; only exactly as much as completes the last group is right. */
static bool
strip_padding(const base_rule *base, aip_bytes *text)
{
    size_t padding = 0;
    while (padding < text->size && text->data[text->size - 1 - padding] == '=') {
        padding++;
    }
    bool complete = text->size % base->group == 0 && padding < base->group;
    text->size -= padding;
    return complete;
}

/* Digits most significant first; what is left over must be zero bits, fewer than a digit has. */
static aip_status
decode_bits(const base_rule *base, aip_bytes text, sink *out, aip_error *err)
{
    uint32_t held = 0;
    unsigned held_bits = 0;
    if (base->group != 0 && !strip_padding(base, &text)) {
        return refuse(err, text.size);
    }
    for (size_t i = 0; i < text.size; i++) {
        int digit = digit_value(base, text.data[i]);
        if (digit < 0) {
            return refuse(err, i);
        }
        held = held << base->bits | (uint32_t)digit;
        held_bits += base->bits;
        if (held_bits < 8) {
            continue;
        }
        if (out->size == out->capacity) {
            return refuse(err, i);
        }
        held_bits -= 8;
        out->data[out->size++] = (unsigned char)(held >> held_bits);
        held &= (1u << held_bits) - 1;
    }
    return held != 0 || held_bits >= base->bits ? refuse(err, text.size) : AIP_OK;
}

static size_t
encode_bits(const base_rule *base, aip_bytes bytes, char *out)
{
    uint32_t held = 0;
    unsigned held_bits = 0;
    size_t used = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        held = held << 8 | bytes.data[i];
        for (held_bits += 8; held_bits >= base->bits; held &= (1u << held_bits) - 1) {
            held_bits -= base->bits;
            out[used++] = base->alphabet[held >> held_bits];
        }
    }
    if (held_bits > 0) {
        out[used++] = base->alphabet[held << (base->bits - held_bits)];
    }
    while (base->group != 0 && used % base->group != 0) {
        out[used++] = '=';
    }
    return used;
}

/* limbs = limbs * factor + addend; least significant first. */
static void
multiply_add(uint32_t limbs[NUMBER_LIMBS], size_t *count, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (size_t i = 0; i < *count; i++) {
        carry += (uint64_t)limbs[i] * factor;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0) {
        limbs[(*count)++] = (uint32_t)carry;
    }
}

static aip_status
write_number(const uint32_t *limbs, size_t count, size_t zeros, sink *out, aip_error *err)
{
    size_t bytes = count * 4;
    while (bytes > 0 && (limbs[(bytes - 1) / 4] >> (bytes - 1) % 4 * 8 & 0xff) == 0) {
        bytes--;
    }
    if (zeros > out->capacity || bytes > out->capacity - zeros) {
        return refuse(err, 0);
    }
    if (zeros > 0) {
        memset(out->data, 0, zeros);
    }
    for (size_t i = bytes; i-- > 0;) {
        out->data[zeros + bytes - 1 - i] = (unsigned char)(limbs[i / 4] >> i % 4 * 8);
    }
    out->size = zeros + bytes;
    return AIP_OK;
}

/* Leading zero digits stand for leading zero bytes, one each. */
static aip_status
decode_number(const base_rule *base, aip_bytes text, sink *out, aip_error *err)
{
    uint32_t limbs[NUMBER_LIMBS];
    size_t count = 0, zeros = 0;
    uint32_t radix = (uint32_t)strlen(base->alphabet);
    if (text.size > AIP_BASE58_CHARACTERS_MAX) {
        return refuse(err, AIP_BASE58_CHARACTERS_MAX);
    }
    while (zeros < text.size && text.data[zeros] == (unsigned char)base->alphabet[0]) {
        zeros++;
    }
    for (size_t i = zeros; i < text.size;) {
        uint32_t factor = 1, chunk = 0; /* as many digits as one word holds: a fifth of the long multiplications */
        for (; i < text.size && factor <= UINT32_MAX / radix; i++, factor *= radix) {
            int digit = digit_value(base, text.data[i]);
            if (digit < 0) {
                return refuse(err, i);
            }
            chunk = chunk * radix + (uint32_t)digit;
        }
        multiply_add(limbs, &count, factor, chunk);
    }
    return write_number(limbs, count, zeros, out, err);
}

static uint32_t
divide(uint32_t *limbs, size_t *count, uint32_t divisor)
{
    uint64_t remainder = 0;
    for (size_t i = *count; i-- > 0;) {
        remainder = remainder << 32 | limbs[i];
        limbs[i] = (uint32_t)(remainder / divisor);
        remainder %= divisor;
    }
    while (*count > 0 && limbs[*count - 1] == 0) {
        (*count)--;
    }
    return (uint32_t)remainder;
}

static void
reverse(char *text, size_t size)
{
    for (size_t i = 0; i < size / 2; i++) {
        char c = text[i];
        text[i] = text[size - 1 - i];
        text[size - 1 - i] = c;
    }
}

/* Divides by as many digits at once as fit a limb. At most NUMBER_BYTES bytes; fewer than 3 digits a byte. */
static size_t
encode_number(const base_rule *base, aip_bytes bytes, char *out)
{
    uint32_t limbs[NUMBER_LIMBS] = {0};
    uint32_t radix = (uint32_t)strlen(base->alphabet), chunk = radix;
    size_t zeros = 0, used = 0, count = (bytes.size + 3) / 4, chunk_digits = 1;
    for (; chunk <= UINT32_MAX / radix; chunk_digits++) {
        chunk *= radix;
    }
    while (zeros < bytes.size && bytes.data[zeros] == 0) {
        zeros++;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        limbs[i / 4] |= (uint32_t)bytes.data[bytes.size - 1 - i] << i % 4 * 8;
    }
    while (count > 0) {
        uint32_t rest = divide(limbs, &count, chunk);
        for (size_t i = 0; i < chunk_digits && (count > 0 || rest > 0); i++, rest /= radix) {
            out[used++] = base->alphabet[rest % radix];
        }
    }
    memset(out + used, base->alphabet[0], zeros);
    reverse(out, used + zeros);
    return used + zeros;
}

static size_t
write_utf8(uint32_t code_point, char *out)
{
    if (code_point < 0x10000) {
        out[0] = (char)(0xe0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code_point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code_point >> 18);
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code_point & 0x3f));
    return 4;
}

static size_t
encode_emoji(aip_bytes bytes, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        used += write_utf8(emoji[bytes.data[i]], out + used);
    }
    return used;
}

static aip_status
decode_emoji(aip_bytes text, sink *out, aip_error *err)
{
    for (size_t offset = 0; offset < text.size;) {
        size_t value = 0, length = 0;
        for (; value < 256; value++) {
            char spelled[4];
            length = write_utf8(emoji[value], spelled);
            if (length <= text.size - offset && memcmp(text.data + offset, spelled, length) == 0) {
                break;
            }
        }
        if (value == 256 || out->size == out->capacity) {
            return refuse(err, offset);
        }
        out->data[out->size++] = (unsigned char)value;
        offset += length;
    }
    return AIP_OK;
}

static aip_status
decode_with(const base_rule *base, aip_bytes text, sink *out, aip_error *err)
{
    switch (base->coding) {
    case BY_BITS:
        return decode_bits(base, text, out, err);
    case BY_NUMBER:
        return decode_number(base, text, out, err);
    case BY_CODE_POINT:
        return decode_emoji(text, out, err);
    }
    return refuse(err, 0);
}

aip_status
multibase_decode(aip_bytes text, unsigned char *out, size_t capacity, size_t *size, aip_error *err)
{
    sink decoded = {out, capacity, 0};
    *size = 0;
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        aip_bytes prefix = aip_bytes_of(bases[i].prefix);
        if (aip_bytes_begin_with(text, prefix)) {
            AIP_TRY(decode_with(&bases[i], aip_bytes_from(text, prefix.size), &decoded, err));
            *size = decoded.size;
            return AIP_OK;
        }
    }
    return refuse(err, 0);
}

static size_t
encode_with(const base_rule *base, aip_bytes bytes, char *out)
{
    switch (base->coding) {
    case BY_BITS:
        return encode_bits(base, bytes, out);
    case BY_NUMBER:
        return encode_number(base, bytes, out);
    case BY_CODE_POINT:
        return encode_emoji(bytes, out);
    }
    return 0;
}

static const base_rule *
find_base(const char *name)
{
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        if (strcmp(bases[i].name, name) == 0) {
            return &bases[i];
        }
    }
    return NULL;
}

aip_status
multibase_encode(const char *name, aip_bytes bytes, char **out, aip_error *err)
{
    const base_rule *base = find_base(name);
    *out = NULL;
    if (base == NULL || bytes.size > NUMBER_BYTES) {
        return refuse(err, 0);
    }
    size_t prefix = strlen(base->prefix);
    char *text = malloc(prefix + bytes.size * 8 + sizeof "=======");
    if (text == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    memcpy(text, base->prefix, prefix);
    text[prefix + encode_with(base, bytes, text + prefix)] = '\0';
    *out = text;
    return AIP_OK;
}

aip_status
base58_decode(aip_bytes text, unsigned char *out, size_t capacity, size_t *size, aip_error *err)
{
    sink decoded = {out, capacity, 0};
    *size = 0;
    AIP_TRY(decode_number(&bitcoin, text, &decoded, err));
    *size = decoded.size;
    return AIP_OK;
}

aip_status
multibase_decode_key(aip_bytes text, unsigned char key[AIP_KEY_BYTES], aip_error *err)
{
    unsigned char bytes[2 + AIP_KEY_BYTES];
    char again[MULTIBASE_KEY_TEXT_SIZE + 1];
    size_t size;
    if (text.size != MULTIBASE_KEY_TEXT_SIZE || text.data[0] != 'z') {
        return refuse(err, 0);
    }
    AIP_TRY(base58_decode(aip_bytes_from(text, 1), bytes, sizeof bytes, &size, err));
    if (size != sizeof bytes || bytes[0] != 0xed || bytes[1] != 0x01) {
        return refuse(err, 1);
    }
    multibase_encode_key(bytes + 2, again);
    if (memcmp(again, text.data, MULTIBASE_KEY_TEXT_SIZE) != 0) {
        return refuse(err, 0);
    }
    memcpy(key, bytes + 2, AIP_KEY_BYTES);
    return AIP_OK;
}

void
multibase_encode_key(const unsigned char key[AIP_KEY_BYTES], char out[MULTIBASE_KEY_TEXT_SIZE + 1])
{
    unsigned char bytes[2 + AIP_KEY_BYTES] = {0xed, 0x01};
    memcpy(bytes + 2, key, AIP_KEY_BYTES);
    out[0] = 'z';
    out[1 + encode_number(&bitcoin, (aip_bytes){bytes, sizeof bytes}, out + 1)] = '\0';
}

void
multibase_encode_raw_key(const unsigned char key[AIP_KEY_BYTES], char out[48])
{
    out[0] = 'z';
    out[1 + encode_number(&bitcoin, (aip_bytes){key, AIP_KEY_BYTES}, out + 1)] = '\0';
}

aip_status
varint_decode(aip_bytes bytes, uint64_t *value, size_t *length, aip_error *err)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes.size && i < 9; i++) {
        sum |= (uint64_t)(bytes.data[i] & 0x7f) << (7 * i);
        if (bytes.data[i] < 0x80) {
            if (i > 0 && bytes.data[i] == 0) {
                break; /* a shorter spelling exists */
            }
            *value = sum;
            *length = i + 1;
            return AIP_OK;
        }
    }
    return aip_fail(err, AIP_VARINT_INVALID, NULL);
}
