/* What stands where a class of bytes begins: cheap refusals before an exact pattern is asked. */
#include "dlp/survey.h"

#define LOCAL_PART_MAX 512 /* of an address: so far back it may begin */

static unsigned char
byte_at(aip_bytes text, size_t at)
{
    return at < text.size ? text.data[at] : 0;
}

static bool
is_digit(unsigned char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool
is_capital(unsigned char c)
{
    return (unsigned char)(c - 'A') < 26;
}

static bool
is_alphanumeric(unsigned char c)
{
    return is_digit(c) || (unsigned char)((c | 0x20) - 'a') < 26;
}

/* As \w of PCRE2 without Unicode properties. */
static bool
is_word(unsigned char c)
{
    return is_alphanumeric(c) || c == '_';
}

static bool
is_separator(unsigned char c)
{
    return c == ' ' || c == '-';
}

/* Does the text at `at` fit? 9 a digit, X a capital or digit, L one of A to D, ~ perhaps a blank or hyphen, _ perhaps a
 * blank; any other stands for itself. */
static bool
fits(aip_bytes text, size_t at, const char *form)
{
    for (; *form != '\0'; form++) {
        unsigned char c = byte_at(text, at);
        bool good = true, taken = true;
        switch (*form) {
        case '9':
            good = is_digit(c);
            break;
        case 'X':
            good = is_digit(c) || is_capital(c);
            break;
        case 'L':
            good = c >= 'A' && c <= 'D';
            break;
        case '~':
            taken = is_separator(c);
            break;
        case '_':
            taken = c == ' ';
            break;
        default:
            good = c == (unsigned char)*form;
        }
        if (!good) {
            return false;
        }
        at += taken;
    }
    return true;
}

static void
report(const dlp_watch *watch, dlp_gate gate, size_t at)
{
    watch->gate(watch->context, gate, at, at);
}

/* Numbers that begin a word, by how many digits stand there before anything else. */
static void
look_at_groups(aip_bytes text, size_t at, size_t digits, const dlp_watch *watch)
{
    unsigned char next = byte_at(text, at + digits);
    bool cut = is_separator(next);
    if ((digits == 16 || (cut && (digits == 4 || digits == 8 || digits == 12))) &&
        fits(text, at, "9999~9999~9999~9999")) {
        report(watch, DLP_GATE_CARD, at);
    }
    if ((digits == 15 || (cut && (digits == 4 || digits == 10))) && fits(text, at, "9999~999999~99999")) {
        report(watch, DLP_GATE_AMEX, at);
    }
    if (digits == 3 && next == '-' && fits(text, at, "999-99-9999")) {
        report(watch, DLP_GATE_SSN, at);
    }
    if (digits == 3 && next == '.' && fits(text, at, "999.999.999-99")) {
        report(watch, DLP_GATE_CPF, at);
    }
    if ((text.data[at] == '1' || text.data[at] == '2') && (digits == 15 || next == ' ') &&
        fits(text, at, "9_99_99_99_999_999_99")) {
        report(watch, DLP_GATE_NIR, at);
    }
}

/* Two capitals that begin a word stand before `at`, and `gap` bytes between. */
static bool
follows_capitals(aip_bytes text, size_t at, size_t gap)
{
    return at >= 2 + gap && is_capital(text.data[at - gap - 1]) && is_capital(text.data[at - gap - 2]) &&
           (at == 2 + gap || !is_word(text.data[at - gap - 3]));
}

void
dlp_gate_number(aip_bytes text, size_t at, const dlp_watch *watch)
{
    size_t digits = 1, gap = at > 0 && text.data[at - 1] == ' ' ? 1 : 0;
    while (digits <= 16 && is_digit(byte_at(text, at + digits))) {
        digits++;
    }
    unsigned char next = byte_at(text, at + digits);
    bool grouped = is_separator(next) || next == '.' || digits >= 15;
    if (grouped && (at == 0 || !is_word(text.data[at - 1]))) {
        look_at_groups(text, at, digits, watch);
    }
    if (digits < 2 || !follows_capitals(text, at, gap)) {
        return;
    }
    if (fits(text, at, "99_99_99_L")) {
        report(watch, DLP_GATE_NINO, at - gap - 2);
    }
    if (gap == 0 && fits(text, at, "99XXXXXXXXXXX")) {
        report(watch, DLP_GATE_IBAN, at - 2);
    }
    if (gap == 0 && fits(text, at, "99 XXXX XXXX")) {
        report(watch, DLP_GATE_IBAN_SPACED, at - 2);
    }
}

static bool
in_local_part(unsigned char c)
{
    return is_word(c) || c == '.' || c == '%' || c == '+' || c == '-';
}

static bool
is_letter(unsigned char c)
{
    return is_alphanumeric(c) && !is_digit(c);
}

void
dlp_gate_address(aip_bytes text, size_t at, const dlp_watch *watch)
{
    size_t from = at, to = at + 1;
    while (from > 0 && at - from < LOCAL_PART_MAX && in_local_part(text.data[from - 1])) {
        from--;
    }
    if (from == at) {
        return;
    }
    /* A dot after at least one character, and two letters after it. */
    for (unsigned char c; (c = byte_at(text, to)) == '.' || c == '-' || is_alphanumeric(c); to++) {
        if (c == '.' && to > at + 1 && is_letter(byte_at(text, to + 1)) && is_letter(byte_at(text, to + 2))) {
            watch->gate(watch->context, DLP_GATE_EMAIL, from, to);
            return;
        }
    }
}

static bool
is_token(aip_bytes text, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++) {
        if (!is_word(byte_at(text, i)) && byte_at(text, i) != '-') {
            return false;
        }
    }
    return true;
}

void
dlp_gate_dots(aip_bytes text, size_t at, const dlp_watch *watch)
{
    if (at < 24 || text.data[at - 24] < 'M' || text.data[at - 24] > 'O') {
        return;
    }
    if (is_token(text, at + 1, 6) && is_token(text, at + 8, 27) && is_token(text, at - 24, 24)) {
        report(watch, DLP_GATE_DISCORD, at - 24);
    }
}

void
dlp_gate_word(aip_bytes text, size_t at, const dlp_watch *watch)
{
    unsigned char first = text.data[at];
    size_t end = at + 51 + is_alphanumeric(byte_at(text, at + 51));
    bool alone = (at == 0 || text.data[at - 1] != '_') && !is_word(byte_at(text, end));
    if (alone && (first == '5' || first == 'K' || first == 'L')) {
        report(watch, DLP_GATE_WIF, at);
    }
}
