/* The verbs of aip-audit, and what several of them read. */
#ifndef CLI_AUDIT_VERBS_H
#define CLI_AUDIT_VERBS_H

#include "aip/did.h"
#include "audit/series.h"
#include "cli/options.h"
#include "did/log.h"

#define AUDIT_PROGRAM "aip-audit"
#define AUDIT_FILES_MAX 256

int audit_run_verify(int argc, char **argv);
int audit_run_show(int argc, char **argv);
int audit_run_reconcile(int argc, char **argv);
int audit_run_receipt(int argc, char **argv);

/* Whose signatures count: --did, --key or --log, at most one of them. */
typedef struct {
    const char *did, *key, *log;
} audit_signer_options;

#define AUDIT_SIGNER_ROWS(o)                                                                       \
    {"--did", OPTION_TEXT, &(o).did, "DID", "the gateway, by a name that carries its key"},        \
        {"--key", OPTION_TEXT, &(o).key, "KEY", "the gateway's key, z6Mk..."},                     \
    {                                                                                              \
        "--log", OPTION_TEXT, &(o).log, "FILE", "the gateway's key log, where its key was rotated" \
    }

typedef struct {
    bool given;
    aip_key_source source; /* borrows the rest */
    const char *issuer;    /* the only one that counts; NULL: whoever has the key */
    aip_public_key key;
    char name[AIP_DID_TEXT_SIZE];
    identity *id;
} audit_signer;

/* Errors: usage, did.*, log.*, io, memory. */
AIP_MUST_CHECK aip_status audit_signer_load(const audit_signer_options *options, audit_signer *out, aip_error *err);
void audit_signer_clear(audit_signer *signer);
#define SIGNER_AUTO __attribute__((cleanup(audit_signer_clear)))

/* One named file stands for its whole series; several stand for themselves. Errors: usage (none), io, memory. */
AIP_MUST_CHECK aip_status audit_name_files(const char *const *names, size_t count, audit_series *out, aip_error *err);

#endif
