/* aip-did: makes identities, rotates and ends them, resolves and authenticates them. */
#include "cli/did_verbs.h"
#include "cli/options.h"
#include "crypto/hash.h"

int
main(int argc, char **argv)
{
    static const command commands[] = {
        {"create", "new identity: writes a key file, prints the DID", did_run_create},
        {"log", "begins or verifies a key log", did_run_log},
        {"rotate", "replaces the key by the one that was committed to", did_run_rotate},
        {"deactivate", "ends an identity for ever", did_run_deactivate},
        {"document", "writes documents to publish", did_run_document},
        {"resolve", "prints the document of a DID", did_run_resolve},
        {"readmit", "lets a key return that had left a document", did_run_readmit},
        {"handshake", "proves two identities to each other", did_run_handshake},
        {NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = crypto_start(&err);
    if (status != AIP_OK) {
        return options_report_failure(DID_PROGRAM, false, status, &err);
    }
    return options_run_command(DID_PROGRAM, "identities", commands, argc, argv);
}
