/* Reads receipts and compares them with lines of a log. */
#include "cli/audit_receipts.h"

#include <stdlib.h>

#include "audit/reader.h"

aip_status
receipts_scan(aip_bytes payload, scan_node nodes[RECEIPT_NODES_MAX], scan_document *out, aip_error *err)
{
    static const scan_limits limits = {AIP_TOKEN_BYTES_MAX, 2, RECEIPT_NODES_MAX};
    return scan_into(payload, &limits, nodes, RECEIPT_NODES_MAX, out, err);
}

static aip_bytes
text_of(const scan_document *document, const char *name)
{
    aip_bytes text = {NULL, 0};
    uint32_t node = scan_member(document, 0, name);
    if (node == SCAN_NONE || scan_kind_of(document, node) != SCAN_STRING ||
        scan_plain_string(document, node, &text, NULL) != AIP_OK) {
        return (aip_bytes){NULL, 0};
    }
    return text;
}

aip_status
receipts_read_one(aip_bytes text, const audit_signer *signer, char **payload, size_t *size, aip_error *err)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    receipt_seen read;
    *payload = NULL;
    AIP_TRY(receipt_read(text, room, sizeof room, &read, err));
    if (signer->given) {
        AIP_TRY(receipt_judge(&read, &signer->source, aip_bytes_of(signer->issuer), err));
    }
    *payload = strndup((const char *)read.statement.payload.data, read.statement.payload.size);
    *size = read.statement.payload.size;
    return *payload != NULL ? AIP_OK : aip_fail(err, AIP_NO_MEMORY, NULL);
}

static aip_status
add(held_receipts *list, held_receipt *item, aip_error *err)
{
    scan_node nodes[RECEIPT_NODES_MAX];
    scan_document document;
    AIP_TRY(receipts_scan((aip_bytes){(unsigned char *)item->payload, item->size}, nodes, &document, err));
    memcpy(item->id, text_of(&document, "jti").data, RECEIPT_ID_SIZE);
    if (list->count == RECEIPTS_MAX) {
        return aip_fail(err, AIP_USAGE, "too many receipts at once");
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        held_receipt *grown = realloc(list->items, capacity * sizeof *grown);
        if (grown == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = *item;
    return AIP_OK;
}

static aip_status
load_lines(audit_reader *reader, const char *path, const audit_signer *signer, held_receipts *out, aip_error *err)
{
    reader_piece piece = READER_LINE;
    aip_bytes text;
    for (uint64_t number = 1; piece != READER_TORN; number++) { /* the last line may lack its end */
        AIP_TRY(audit_reader_next(reader, &piece, &text, err));
        if (piece == READER_ENDED) {
            break;
        }
        if (text.size == 0) {
            continue;
        }
        held_receipt item = {.path = path, .line = number};
        aip_status status = receipts_read_one(text, signer, &item.payload, &item.size, err);
        if (status == AIP_OK) {
            status = add(out, &item, err);
        }
        if (status != AIP_OK) {
            free(item.payload);
            err->offset = (long)number;
            return status;
        }
    }
    return AIP_OK;
}

aip_status
receipts_load(const char *path, const audit_signer *signer, held_receipts *out, aip_error *err)
{
    READER_AUTO audit_reader reader = {0};
    AIP_TRY(audit_reader_open(strcmp(path, "-") == 0 ? "/dev/stdin" : path, &reader, err));
    return load_lines(&reader, path, signer, out, err);
}

static int
compare_receipts(const void *a, const void *b)
{
    return strcmp(((const held_receipt *)a)->id, ((const held_receipt *)b)->id);
}

aip_status
receipts_sort(held_receipts *receipts, aip_error *err)
{
    size_t kept = 0;
    if (receipts->count == 0) {
        return AIP_OK;
    }
    qsort(receipts->items, receipts->count, sizeof *receipts->items, compare_receipts);
    for (size_t i = 0; i < receipts->count; i++) {
        held_receipt *item = &receipts->items[i], *last = kept == 0 ? NULL : &receipts->items[kept - 1];
        if (last == NULL || strcmp(last->id, item->id) != 0) {
            receipts->items[kept++] = *item;
        } else if (strcmp(last->payload, item->payload) != 0) {
            /* What was moved down is owned once: the rest is freed by the caller from here on. */
            memmove(&receipts->items[kept], item, (receipts->count - i) * sizeof *item);
            receipts->count -= i - kept;
            return aip_fail(err, AIP_AUDIT_DIFFERS, "two receipts of decision %s say different things", last->id);
        } else {
            free(item->payload);
        }
    }
    receipts->count = kept;
    return AIP_OK;
}

held_receipt *
receipts_find(const held_receipts *receipts, aip_bytes id)
{
    held_receipt wanted = {0};
    if (id.size != RECEIPT_ID_SIZE || receipts->count == 0) {
        return NULL;
    }
    memcpy(wanted.id, id.data, id.size);
    return bsearch(&wanted, receipts->items, receipts->count, sizeof *receipts->items, compare_receipts);
}

void
receipts_clear(held_receipts *receipts)
{
    for (size_t i = 0; i < receipts->count; i++) {
        free(receipts->items[i].payload);
    }
    free(receipts->items);
    *receipts = (held_receipts){NULL, 0, 0};
}

#define CUT_BYTES_MIN 128 /* the log cuts methods there, and tools later */

/* The same value; or the log's is the beginning of a longer one. */
static bool
same_value(aip_bytes said, aip_bytes written)
{
    if (aip_bytes_equal(said, written)) {
        return true;
    }
    aip_bytes begin = {written.data, written.size == 0 ? 0 : written.size - 1}; /* without its closing quote */
    return begin.size > CUT_BYTES_MIN && aip_bytes_begin_with(said, begin);
}

static aip_bytes
raw_of(const scan_document *document, const char *name)
{
    uint32_t node = scan_member(document, 0, name);
    return node == SCAN_NONE ? (aip_bytes){NULL, 0} : scan_raw(document, node);
}

/* A receipt tells only whether the request went on; the log, with which word the policy said so. */
static bool
same_decision(aip_bytes said, aip_bytes written)
{
    static const struct {
        const char *said, *written;
    } words[] = {{"\"ALLOW\"", "\"ALLOW_MONITOR\""}, {"\"BLOCK\"", "\"RATE_LIMITED\""}, {"\"BLOCK\"", "\"ASK\""}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (aip_bytes_equal(said, aip_bytes_of(words[i].said)) &&
            aip_bytes_equal(written, aip_bytes_of(words[i].written))) {
            return true;
        }
    }
    return aip_bytes_equal(said, written);
}

bool
receipts_has_code(const held_receipt *receipt, const audit_line *line)
{
    scan_node nodes[RECEIPT_NODES_MAX];
    scan_document payload;
    return receipts_scan((aip_bytes){(unsigned char *)receipt->payload, receipt->size}, nodes, &payload, NULL) ==
               AIP_OK &&
           aip_bytes_equal(raw_of(&payload, "code"), raw_of(&line->document, "code"));
}

const char *
receipts_compare(const held_receipt *receipt, const audit_line *line)
{
    static const struct {
        const char *claim, *member;
    } pairs[] = {{"root", "root"}, {"sub", "leaf"},    {"method", "method"},
                 {"tool", "tool"}, {"links", "links"}, {"request_digest", "request_digest"}};
    scan_node nodes[RECEIPT_NODES_MAX];
    scan_document payload;
    if (receipts_scan((aip_bytes){(unsigned char *)receipt->payload, receipt->size}, nodes, &payload, NULL) != AIP_OK) {
        return "payload";
    }
    bool verified = scan_member(&line->document, 0, "root") != SCAN_NONE;
    if (!same_decision(raw_of(&payload, "decision"), raw_of(&line->document, "decision"))) {
        return "decision";
    }
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        aip_bytes written = raw_of(&line->document, pairs[i].member), said = raw_of(&payload, pairs[i].claim);
        if (!verified && strcmp(pairs[i].claim, "links") == 0) {
            written = AIP_BYTES_LITERAL("[]"); /* links of a chain that did not verify are recorded, not vouched for */
        }
        if (!same_value(said, written)) {
            return pairs[i].claim;
        }
    }
    return receipts_has_code(receipt, line) ? NULL : "code";
}
