/* The scanner, with nodes of the caller, new ones and kept ones, beside jansson over the same messages, taken in turn
 * in one run. */
#include "tests/bench/bench.h"

#include <inttypes.h>
#include <string.h>

#include "aip/limits.h"
#include "base/json.h"
#include "base/scan.h"
#include "base/text.h"

#define ROUNDS 31
#define BYTES_A_ROUND ((size_t)4 << 20)
#define BYTES_A_ROUND_JANSSON ((size_t)1 << 20)
#define KIB ((size_t)1024)

static const scan_limits limits = {(size_t)1 << 20, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};

/* A tools/call of some 20 members with nested arguments. */
static void
write_call(text_buffer *out, size_t size)
{
    (void)size;
    text_append_string(
        out, "{\"jsonrpc\":\"2.0\",\"id\":4711,\"method\":\"tools/call\",\"params\":{\"name\":\"create_ticket\","
             "\"arguments\":{\"project\":\"payments\",\"title\":\"Refund of order 2026-118841 was booked twice\","
             "\"body\":\"The customer wrote on Monday that the refund for order 2026-118841 stands twice on the "
             "statement of the card ending in 4242.\\nPlease look at the ledger entries of 14 and 15 November and "
             "take back the second one.\\n\\nThe customer asks for an answer \\\"before the end of the week\\\".\","
             "\"priority\":2,\"urgent\":false,\"assignee\":{\"login\":\"m.weber\",\"team\":\"ledger-operations\","
             "\"mail\":\"m.weber@example.com\"},\"labels\":[\"refund\",\"double booking\",\"customer waits\"],"
             "\"order\":{\"number\":\"2026-118841\",\"amount\":129.95,\"currency\":\"EUR\",\"items\":[17,4,1129],"
             "\"paid\":true,\"coupon\":null},\"watchers\":[\"a.rossi\",\"k.lindgren\"],\"due\":\"2026-11-27\","
             "\"estimate_hours\":1.5,\"parent\":\"PAY-20177\"},\"_meta\":{\"progressToken\":\"pt-4711\","
             "\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"}}}");
}

static void
write_result(text_buffer *out, size_t size, const char *piece)
{
    text_append_string(
        out,
        "{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":{\"isError\":false,\"content\":[{\"type\":\"text\",\"text\":\"");
    while (out->size + strlen(piece) + 5 <= size) {
        text_append_string(out, piece);
    }
    text_append_string(out, "\"}]}}");
}

/* A file as text: line ends, quotes and tabs are escaped. */
static void
write_text(text_buffer *out, size_t size)
{
    write_result(out, size,
                 "static int\\ncompare(const void *a, const void *b)\\n{\\n\\treturn strcmp(*(char *const *)a, *(char "
                 "*const *)b);\\n}\\n\\n/* Prints \\\"name: value\\\" for each row, sorted by name. */\\n");
}

static void
write_russian(text_buffer *out, size_t size)
{
    write_result(out, size, "Клиент просит вернуть деньги за заказ № 2026, который был оплачен дважды.\\n");
}

static void
write_chinese(text_buffer *out, size_t size)
{
    write_result(out, size, "客户要求退还重复支付的订单金额，请在本周五之前答复。\\n");
}

static void
write_french(text_buffer *out, size_t size)
{
    write_result(out, size, "Le client a payé deux fois sa commande et demande à être remboursé avant vendredi.\\n");
}

/* Rows of small members: 8 bytes a value. */
static void
write_rows(text_buffer *out, size_t size)
{
    text_append_string(out, "{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":{\"rows\":[");
    for (unsigned i = 0; out->size + 100 <= size; i++) {
        text_append_format(out, "%s{\"id\":%u,\"x\":%u.%u,\"y\":-%u,\"ok\":%s,\"tag\":\"t%u\",\"at\":[%u,%u]}",
                           i == 0 ? "" : ",", i, i * 7919 % 1000, i % 100, i * 31 % 4096, i % 3 == 0 ? "false" : "true",
                           i % 17, i * 13 % 640, i * 29 % 480);
    }
    text_append_string(out, "]}}");
}

/* Nothing but numbers: 5 bytes a value. */
static void
write_numbers(text_buffer *out, size_t size)
{
    text_append_string(out, "{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":{\"values\":[0");
    for (unsigned i = 1; out->size + 16 <= size; i++) {
        text_append_format(out, ",%u", i * UINT32_C(2654435761) >> (i * 7 % 24 + 8));
    }
    text_append_string(out, "]}}");
}

/* As people write it: a line a member, indented. */
static void
write_indented(text_buffer *out, size_t size)
{
    text_append_string(out, "{\n  \"jsonrpc\": \"2.0\",\n  \"id\": 4711,\n  \"result\": {\n    \"rows\": [");
    for (unsigned i = 0; out->size + 200 <= size; i++) {
        text_append_format(out,
                           "%s\n      {\n        \"id\": %u,\n        \"name\": \"row %u\",\n        \"open\": true,\n"
                           "        \"sum\": %u.5\n      }",
                           i == 0 ? "" : ",", i, i, i * 31 % 4096);
    }
    text_append_string(out, "\n    ]\n  }\n}\n");
}

typedef struct {
    const char *name;
    size_t size;
    void (*write)(text_buffer *out, size_t size);
} message;

/* The thread's own time, as nothing here waits: other work on the machine takes away less of it. */
static uint64_t
cpu_nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static double
megabytes_a_second(size_t bytes, uint64_t start)
{
    return (double)bytes * 1e3 / (double)(cpu_nanoseconds() - start);
}

static double
time_load(aip_bytes text)
{
    size_t bytes = 0;
    scan_document document;
    uint64_t start = cpu_nanoseconds();
    for (; bytes < BYTES_A_ROUND; bytes += text.size) {
        require(scan_load(text, &limits, &document, NULL), "load");
        scan_clear(&document);
    }
    return megabytes_a_second(bytes, start);
}

static double
time_reload(aip_bytes text)
{
    size_t bytes = 0;
    scan_document document = {0};
    uint64_t start = cpu_nanoseconds();
    for (; bytes < BYTES_A_ROUND; bytes += text.size) {
        require(scan_reload(&document, text, &limits, NULL), "reload");
    }
    double speed = megabytes_a_second(bytes, start);
    scan_clear(&document);
    return speed;
}

static double
time_into(aip_bytes text, scan_node *nodes, uint32_t capacity)
{
    size_t bytes = 0;
    scan_document document;
    uint64_t start = cpu_nanoseconds();
    for (; bytes < BYTES_A_ROUND; bytes += text.size) {
        require(scan_into(text, &limits, nodes, capacity, &document, NULL), "into");
    }
    return megabytes_a_second(bytes, start);
}

static double
time_jansson(aip_bytes text)
{
    size_t bytes = 0;
    uint64_t start = cpu_nanoseconds();
    for (; bytes < BYTES_A_ROUND_JANSSON; bytes += text.size) {
        json_t *value = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
        require(value == NULL ? AIP_JSON_SYNTAX : AIP_OK, "jansson");
        json_decref(value);
    }
    return megabytes_a_second(bytes, start);
}

static void
measure(const message *m, scan_node *nodes, uint32_t capacity)
{
    double into[ROUNDS], load[ROUNDS], reload[ROUNDS], jansson[ROUNDS];
    TEXT_AUTO text_buffer text = {0};
    m->write(&text, m->size);
    for (size_t i = 0; i < ROUNDS; i++) {
        into[i] = time_into(text_view(&text), nodes, capacity);
        load[i] = time_load(text_view(&text));
        reload[i] = time_reload(text_view(&text));
        jansson[i] = time_jansson(text_view(&text));
    }
    scan_document document;
    require(scan_into(text_view(&text), &limits, nodes, capacity, &document, NULL), "into");
    double a = median(into, ROUNDS), b = median(load, ROUNDS), c = median(reload, ROUNDS), d = median(jansson, ROUNDS);
    printf("scan %-8s %5zu bytes %5" PRIu32
           " values: into %4.0f MB/s (best %4.0f), load %4.0f, reload %4.0f; jansson %3.0f"
           " (best %3.0f); ratio %.1f\n",
           m->name, text.size, document.count, a, into[ROUNDS - 1], b, c, d, jansson[ROUNDS - 1], c / d);
}

int
main(void)
{
    static const message messages[] = {
        {"call", KIB, write_call},
        {"text", 64 * KIB, write_text},
        {"french", 64 * KIB, write_french},
        {"russian", 64 * KIB, write_russian},
        {"chinese", 64 * KIB, write_chinese},
        {"rows", 64 * KIB, write_rows},
        {"rows", KIB, write_rows},
        {"numbers", 64 * KIB, write_numbers},
        {"indented", 64 * KIB, write_indented},
    };
    const uint32_t capacity = 1u << 16;
    scan_node *nodes = malloc(capacity * sizeof *nodes);
    require(nodes == NULL ? AIP_NO_MEMORY : AIP_OK, "nodes");
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        measure(&messages[i], nodes, capacity);
    }
    free(nodes);
    return 0;
}
