/* aip-gateway approvals: what waits for a person's word, and the word. */
#ifndef CLI_GATEWAY_APPROVALS_H
#define CLI_GATEWAY_APPROVALS_H

/* argv[0] is the verb. Returns the exit code. */
int gateway_approvals_main(int argc, char **argv);

#endif
