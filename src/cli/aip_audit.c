/* aip-audit: checks decision logs, shows them and compares them with receipts; offline. */
#include "cli/audit_verbs.h"
#include "crypto/hash.h"

int
main(int argc, char **argv)
{
    static const command commands[] = {
        {"verify", "is the log as it was written?", audit_run_verify},
        {"show", "prints lines of the log", audit_run_show},
        {"reconcile", "compares the log with receipts that others hold", audit_run_reconcile},
        {"receipt", "shows a receipt, and judges it", audit_run_receipt},
        {NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = crypto_start(&err);
    if (status != AIP_OK) {
        return options_report_failure(AUDIT_PROGRAM, false, status, &err);
    }
    return options_run_command(AUDIT_PROGRAM, "decision logs", commands, argc, argv);
}
