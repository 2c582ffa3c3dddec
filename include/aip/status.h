/* Every way to be refused: names, classes and outward codes, from one table (status.def). */
#ifndef AIP_STATUS_H
#define AIP_STATUS_H

#include <stddef.h>

/* Who has to act, and with it the exit code of a command (spec/errors.md). */
typedef enum {
    AIP_CLASS_OK,          /* exit 0 */
    AIP_CLASS_CREDENTIAL,  /* the credential itself is bad: exit 1, challenge on HTTP */
    AIP_CLASS_FORBIDDEN,   /* the credential is good and does not cover this: exit 1 */
    AIP_CLASS_INPUT,       /* what was sent cannot be read: exit 1 */
    AIP_CLASS_USAGE,       /* the command or configuration is wrong: exit 2 */
    AIP_CLASS_UNAVAILABLE, /* something needed does not answer: exit 3 */
} aip_class;

typedef enum {
#define AIP_STATUS(symbol, name, class, http, rpc, peer, sentence) AIP_##symbol,
#include "aip/status.def"
#undef AIP_STATUS
    AIP_STATUS_COUNT
} aip_status;

typedef struct {
    const char *name; /* stable, `noun.rule`; "ok" for AIP_OK */
    aip_class class;
    int http;             /* HTTP status of a gateway reply */
    int rpc;              /* JSON-RPC error code, before any era-specific mapping */
    const char *peer;     /* the same refusal's name in sunilp/aip, or NULL */
    const char *sentence; /* for people; ends with a full stop */
} aip_status_facts;

/* Facts of any status; a value outside the table gives those of AIP_INTERNAL. Never NULL. */
const aip_status_facts *aip_status_lookup(aip_status status);

/* Exit code of a command that ended with `status`: 0 yes, 1 refused, 2 usage, 3 unavailable. */
int aip_status_exit_code(aip_status status);

#define AIP_MUST_CHECK __attribute__((warn_unused_result))

#endif
