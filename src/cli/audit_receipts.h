/* Receipts as commands read them: one compact JWS a line, in memory, found by decision. */
#ifndef CLI_AUDIT_RECEIPTS_H
#define CLI_AUDIT_RECEIPTS_H

#include "audit/line.h"
#include "base/text.h"
#include "cli/audit_verbs.h"
#include "proof/receipt.h"

#define RECEIPT_NODES_MAX 64
#define RECEIPT_ID_SIZE RECEIPT_DECISION_SIZE
#define RECEIPTS_MAX 1000000 /* in memory at once: about 1 GB */

typedef struct {
    char *payload; /* JSON, owned */
    size_t size;
    char id[24]; /* of the decision */
    const char *path;
    uint64_t line;
    bool met;             /* the log has it … */
    const char *claim;    /* … and says otherwise of this; NULL: it agrees */
    const char *log_path; /* where */
    uint64_t log_line;
} held_receipt;

typedef struct {
    held_receipt *items;
    size_t count, capacity;
} held_receipts;

/* Judges one receipt. *payload is malloc'd. Errors: token.*, json.*, did.*, proof.signature, proof.key, memory. */
AIP_MUST_CHECK aip_status receipts_read_one(aip_bytes text, const audit_signer *signer, char **payload, size_t *size,
                                            aip_error *err);
/* Indexes a payload, which was read before. */
AIP_MUST_CHECK aip_status receipts_scan(aip_bytes payload, scan_node nodes[RECEIPT_NODES_MAX], scan_document *out,
                                        aip_error *err);

/* Adds the receipts of a file, `-` = standard input. Errors: those of receipts_read_one, with the line; io. */
AIP_MUST_CHECK aip_status receipts_load(const char *path, const audit_signer *signer, held_receipts *out,
                                        aip_error *err);
/* Sorts by decision; a decision that has two receipts which say different things is audit.differs. */
AIP_MUST_CHECK aip_status receipts_sort(held_receipts *receipts, aip_error *err);
held_receipt *receipts_find(const held_receipts *receipts, aip_bytes id);
void receipts_clear(held_receipts *receipts);
#define RECEIPTS_AUTO __attribute__((cleanup(receipts_clear)))

/* Does the receipt say what the decision's line says? NULL, or the name of the first claim that differs; `code` is
 * compared last, since the code of a receipt is that of the outcome where there is one. */
const char *receipts_compare(const held_receipt *receipt, const audit_line *line);
/* Is the receipt's code that of the line? */
bool receipts_has_code(const held_receipt *receipt, const audit_line *line);

#endif
