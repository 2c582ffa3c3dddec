/* The scanner's two builds, its automaton for UTF-8, its two ways to tell names apart, and nodes that are used again.
 */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "base/text.h"
#include "tests/unit/scan_portable.h"

#define L(text) AIP_BYTES_LITERAL(text)

static const scan_limits ordinary = {1u << 20, 16, 1u << 16};

static uint64_t random_state;

/* splitmix64 */
static size_t
below(size_t bound)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ (z >> 31)) % bound);
}

#define PICK(list) list[below(sizeof(list) / sizeof(list)[0])]

static void
write_blanks(text_buffer *out)
{
    static const char *const blanks[] = {"", "", "", " ", "\n", "\n                        ", "\t\r\n  "};
    text_append_string(out, PICK(blanks));
}

static void
write_string(text_buffer *out, const char *tail)
{
    static const char *const pieces[] = {"a",
                                         "name",
                                         "fifteen bytes, ",
                                         "more than sixteen bytes",
                                         "é",
                                         "просит",
                                         "円",
                                         "😀",
                                         "\\n",
                                         "\\\"",
                                         "\\\\",
                                         "\\u0061",
                                         "/",
                                         "x y",
                                         "\\ud83d\\ude00",
                                         "\xED\x9F\xBF",
                                         "日本語"};
    text_append_string(out, "\"");
    for (size_t i = below(6); i > 0; i--) {
        text_append_string(out, PICK(pieces));
    }
    text_append_format(out, "%s\"", tail);
}

/* The running number makes a name its object's own; a few go without. */
static void
write_name(text_buffer *out, size_t index)
{
    char tail[24];
    snprintf(tail, sizeof tail, "%zu", index);
    write_string(out, below(100) == 0 ? "" : tail);
    write_blanks(out);
    text_append_string(out, ":");
}

static void
write_scalar(text_buffer *out)
{
    static const char *const scalars[] = {"null", "true", "false", "0", "-17", "1.25", "1e5", "12345678901234567890"};
    if (below(2) == 0) {
        write_string(out, "");
    } else {
        text_append_string(out, PICK(scalars));
    }
}

static void
write_value(text_buffer *out, size_t depth)
{
    size_t kind = below(4), count = below(10) == 0 ? below(50) : below(5);
    if (depth == 0 || kind == 0) {
        write_scalar(out);
        return;
    }
    bool object = kind > 1;
    text_append_string(out, object ? "{" : "[");
    for (size_t i = 0; i < count; i++) {
        write_blanks(out);
        if (object) {
            write_name(out, i);
        }
        write_blanks(out);
        write_value(out, depth - 1);
        write_blanks(out);
        text_append_string(out, i + 1 < count ? "," : "");
    }
    text_append_string(out, object ? "}" : "]");
}

/* In an allocation of its exact size, at any alignment: a sanitizer sees a read past the end. */
static bool
agree_on(aip_bytes text, size_t shift)
{
    unsigned char *exact = malloc(shift + text.size + (shift + text.size == 0));
    memcpy(exact + shift, text.data, text.size);
    bool same = scanners_agree((aip_bytes){exact + shift, text.size}, &ordinary);
    free(exact);
    return same;
}

static void
spoil(text_buffer *text)
{
    static const unsigned char bytes[] = {'"', '\\', '{', '}', ',', ':', 0x1F, 0x7F, 0x80, 0xC3, 0xE2, 0xED, 0xF0, '0'};
    if (below(8) == 0) {
        text->size = below(text->size);
    } else {
        text->data[below(text->size)] = (char)PICK(bytes);
    }
}

static void
vectors_and_words_say_the_same_of_documents_and_of_spoiled_ones(void)
{
    size_t accepted = 0, refused = 0;
    random_state = 5;
    for (size_t i = 0; i < 5000; i++) {
        TEXT_AUTO text_buffer text = {0};
        write_value(&text, 4);
        for (size_t spoiled = below(3); spoiled > 0 && text.size > 0; spoiled--) {
            spoil(&text);
        }
        scan_document document;
        bool good = scan_load(text_view(&text), &ordinary, &document, NULL) == AIP_OK;
        scan_clear(&document);
        accepted += good;
        refused += !good;
        CHECK(agree_on(text_view(&text), i % 32));
    }
    CHECK(accepted > 1000 && refused > 1000);
}

/* `byte` among 39 others of `fill`. */
static void
check_byte_at(int byte, int place, const char *before, char fill, const char *behind)
{
    TEXT_AUTO text_buffer text = {0};
    char run[40];
    memset(run, fill, sizeof run);
    run[place] = (char)byte;
    text_append_string(&text, before);
    text_append(&text, (aip_bytes){(const unsigned char *)run, sizeof run});
    text_append_string(&text, behind);
    CHECK(agree_on(text_view(&text), (size_t)place % 16));
}

static void
vectors_and_words_say_the_same_of_every_byte_at_every_place(void)
{
    for (int byte = 0; byte < 256; byte++) {
        for (int place = 0; place < 40; place++) {
            check_byte_at(byte, place, "\"", 'a', "\"");
            check_byte_at(byte, place, "[\"\xC3\xA9", 'a', "\"]");
            check_byte_at(byte, place, "[1", ' ', ",2]");
            check_byte_at(byte, place, "[1\n", '\t', "]");
            check_byte_at(byte, place, "[1", '2', "]");
        }
    }
}

/* What RFC 3629 says, one sequence at a time. */
static bool
is_utf8(const unsigned char *text, size_t size)
{
    for (size_t at = 0, length; at < size; at += length) {
        length = utf8_sequence(text + at, size - at);
        if (length == 0) {
            return false;
        }
    }
    return true;
}

/* The sequence behind 0 to 12 bytes of others, so that it lies across the automaton's stretches of eight. */
static void
check_sequence(const unsigned char *sequence, size_t size)
{
    static size_t turn;
    unsigned char text[24] = "\"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9";
    size_t before = 1 + turn++ % 7 * 2;
    memcpy(text + before, sequence, size);
    text[before + size] = '"';
    scan_node node;
    scan_document document;
    aip_error err = AIP_ERROR_INIT;
    aip_status status = scan_into((aip_bytes){text, before + size + 1}, &ordinary, &node, 1, &document, &err);
    bool good = is_utf8(sequence, size);
    CHECK_STATUS(status, good ? AIP_OK : AIP_JSON_UTF8);
    CHECK(good || err.offset >= (long)before);
}

static void
strings_take_exactly_the_utf8_of_rfc_3629(void)
{
    static const unsigned char edges[] = {0x7F, 0x80, 0x8F, 0x90, 0xA0, 0xBF, 0xC3};
    for (unsigned pair = 0x8000; pair <= 0xFFFF; pair++) {
        unsigned char bytes[4] = {(unsigned char)(pair >> 8), (unsigned char)pair};
        if (bytes[1] < 0x20 || bytes[1] == '"' || bytes[1] == '\\') {
            continue;
        }
        check_sequence(bytes, 1);
        check_sequence(bytes, 2);
        for (size_t i = 0; bytes[0] >= 0xE0 && i < sizeof edges * sizeof edges; i++) {
            bytes[2] = edges[i / sizeof edges];
            bytes[3] = edges[i % sizeof edges];
            check_sequence(bytes, 3);
            check_sequence(bytes, 4);
        }
    }
}

static void
a_sequence_that_a_quote_or_the_end_cuts_short_is_refused_where_it_begins(void)
{
    static const char *const cut[] = {"\"1234567\xE2\x82\"", "\"1234567\xF0\x9F\x98\"", "\"1234567\xC3",
                                      "\"1234567\xE2\x82\n\"", "\"1234567\xF0\x9F\\n\""};
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        scan_document document;
        aip_error err = AIP_ERROR_INIT;
        CHECK_STATUS(scan_load(aip_bytes_of(cut[i]), &ordinary, &document, &err), AIP_JSON_UTF8);
        CHECK(err.offset == 8);
    }
}

/* The first `alike` names have one length and the same first, middle and last byte: their prints are equal. */
typedef struct {
    size_t count, alike;
} name_form;

static const name_form name_forms[] = {{70, 0}, {70, 4}, {70, 6}, {70, 70}, {32, 0}, {33, 0}, {5, 5}, {3, 3}, {1, 0}};
#define NAME_FORMS (sizeof name_forms / sizeof name_forms[0])

static const char *
name_at(name_form form, size_t index, char name[48])
{
    if (index < form.alike) {
        snprintf(name, 48, "n%02zu-middle-%02zuz", index, 99 - index);
    } else {
        snprintf(name, 48, "n%c%zu", (char)('A' + index % 26), index);
    }
    return name;
}

/* As it is, or its first letter escaped. */
static void
write_name_at(text_buffer *out, name_form form, size_t index, bool escaped)
{
    char name[48];
    text_append_format(out, "\"%s%s\"", escaped ? "\\u006e" : "n", name_at(form, index, name) + 1);
}

/* Gives the place of the name that occurs twice, if `repeated` is one. */
static long
write_members(text_buffer *out, name_form form, size_t repeated)
{
    long place = AIP_NOWHERE;
    text_append_string(out, "{");
    for (size_t i = 0; i < form.count; i++) {
        write_name_at(out, form, i, i % 3 == 0);
        text_append_format(out, ":{\"value\":%zu},", i);
    }
    if (repeated < form.count) {
        place = (long)out->size + 1;
        write_name_at(out, form, repeated, repeated % 2 == 0);
        text_append_string(out, ":0,");
    }
    text_append_string(out, "\"last\":0}");
    return place;
}

static void
names_are_told_apart_among_few_and_among_many(void)
{
    for (size_t i = 0; i < NAME_FORMS; i++) {
        for (size_t repeated = 0; repeated <= name_forms[i].count; repeated++) {
            TEXT_AUTO text_buffer text = {0};
            scan_document document;
            aip_error err = AIP_ERROR_INIT;
            long place = write_members(&text, name_forms[i], repeated);
            aip_status status = scan_load(text_view(&text), &ordinary, &document, &err);
            scan_clear(&document);
            CHECK_STATUS(status, repeated < name_forms[i].count ? AIP_JSON_DUPLICATE : AIP_OK);
            CHECK(err.offset == place);
        }
    }
}

static void
check_members_of(name_form form)
{
    TEXT_AUTO text_buffer text = {0};
    scan_document document;
    (void)write_members(&text, form, form.count);
    CHECK_STATUS(scan_load(text_view(&text), &ordinary, &document, NULL), AIP_OK);
    for (size_t i = 0; i < form.count; i++) {
        char name[48], wanted[32];
        uint32_t member = scan_member(&document, 0, name_at(form, i, name));
        snprintf(wanted, sizeof wanted, "{\"value\":%zu}", i);
        CHECK(aip_bytes_equal(scan_raw(&document, member), aip_bytes_of(wanted)));
        CHECK(scan_member(&document, member, "value") == member + 1);
        name[0] = 'm';
        CHECK(scan_member(&document, 0, name) == SCAN_NONE);
    }
    CHECK(scan_member(&document, 0, "n99-middle-00z") == SCAN_NONE); /* of the alike names' print */
    CHECK(document.nodes[0].tree == (form.count + 1 > SCAN_FEW || form.alike > SCAN_ALIKE + 1));
    CHECK(scan_member(&document, 0, "last") == document.count - 1 && scan_member(&document, 0, "") == SCAN_NONE);
    scan_clear(&document);
}

static void
members_are_found_among_few_and_among_many(void)
{
    for (size_t i = 0; i < NAME_FORMS; i++) {
        check_members_of(name_forms[i]);
    }
}

static void
nodes_are_used_again_for_the_next_message(void)
{
    scan_document document = {0};
    CHECK_STATUS(scan_reload(&document, L("[1,2,3]"), &ordinary, NULL), AIP_OK);
    const scan_node *nodes = document.nodes;
    uint32_t capacity = document.capacity;
    CHECK(document.count == 4);
    CHECK_STATUS(scan_reload(&document, L("{\"a\":1}"), &ordinary, NULL), AIP_OK);
    CHECK(document.nodes == nodes && document.capacity == capacity && document.count == 2);
    CHECK(aip_bytes_equal(scan_raw(&document, scan_member(&document, 0, "a")), L("1")));
    scan_clear(&document);
    CHECK(document.nodes == NULL && document.capacity == 0);
}

static void
a_refused_message_leaves_nothing_of_itself_or_of_the_one_before(void)
{
    scan_document document = {0};
    CHECK_STATUS(scan_reload(&document, L("{\"a\":1}"), &ordinary, NULL), AIP_OK);
    CHECK_STATUS(scan_reload(&document, L("{\"a\":1,\"a\":2}"), &ordinary, NULL), AIP_JSON_DUPLICATE);
    CHECK(document.count == 0 && document.text.data == NULL && scan_member(&document, 0, "a") == SCAN_NONE);
    CHECK_STATUS(scan_reload(&document, L("[]"), &(scan_limits){1, 1, 1}, NULL), AIP_JSON_SIZE);
    CHECK(document.count == 0 && document.nodes != NULL);
    CHECK_STATUS(scan_reload(&document, L("[7]"), &ordinary, NULL), AIP_OK);
    CHECK(document.count == 2);
    CHECK_STATUS(scan_reload(&document, L("[1,2,3]"), &(scan_limits){100, 9, 3}, NULL), AIP_JSON_SIZE);
    CHECK_STATUS(scan_reload(&document, L("[1,2]"), &(scan_limits){100, 9, 3}, NULL), AIP_OK);
    scan_clear(&document);
}

static void
room_for_a_huge_message_is_given_back(void)
{
    TEXT_AUTO text_buffer text = {0};
    scan_document document = {0};
    text_append_string(&text, "[0");
    for (size_t i = 0; i < 3u * SCAN_KEPT_NODES; i++) {
        text_append_string(&text, ",1");
    }
    text_append_string(&text, "]");
    CHECK_STATUS(scan_reload(&document, text_view(&text), &ordinary, NULL), AIP_OK);
    CHECK(document.count == 3u * SCAN_KEPT_NODES + 2 && document.capacity >= document.count);
    CHECK_STATUS(scan_reload(&document, L("[1]"), &ordinary, NULL), AIP_OK);
    CHECK(document.count == 2 && document.capacity <= SCAN_KEPT_NODES);
    scan_clear(&document);
}

RUN(TEST(vectors_and_words_say_the_same_of_documents_and_of_spoiled_ones),
    TEST(vectors_and_words_say_the_same_of_every_byte_at_every_place), TEST(strings_take_exactly_the_utf8_of_rfc_3629),
    TEST(a_sequence_that_a_quote_or_the_end_cuts_short_is_refused_where_it_begins),
    TEST(names_are_told_apart_among_few_and_among_many), TEST(members_are_found_among_few_and_among_many),
    TEST(nodes_are_used_again_for_the_next_message),
    TEST(a_refused_message_leaves_nothing_of_itself_or_of_the_one_before), TEST(room_for_a_huge_message_is_given_back))
