/* The verbs of aip-did. */
#ifndef CLI_DID_VERBS_H
#define CLI_DID_VERBS_H

#include "aip/error.h"

#define DID_PROGRAM "aip-did"

int did_run_create(int argc, char **argv);
int did_run_log(int argc, char **argv); /* start, verify */
int did_run_log_start(int argc, char **argv);
int did_run_log_verify(int argc, char **argv);
int did_run_rotate(int argc, char **argv);
int did_run_deactivate(int argc, char **argv);
int did_run_resolve(int argc, char **argv);
int did_run_readmit(int argc, char **argv);
int did_run_document(int argc, char **argv);
int did_run_handshake(int argc, char **argv); /* start, answer */

#endif
