/* aip-gateway budget: what was granted, spent and held, and what crashed gateways left open. */
#ifndef CLI_GATEWAY_BUDGET_H
#define CLI_GATEWAY_BUDGET_H

/* argv[0] is the verb. Returns the exit code. */
int gateway_budget_main(int argc, char **argv);

#endif
