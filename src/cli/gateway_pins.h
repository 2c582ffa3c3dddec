/* aip-gateway pins: definitions of tools as they were pinned, and the operator's word about changed ones. */
#ifndef CLI_GATEWAY_PINS_H
#define CLI_GATEWAY_PINS_H

/* argv[0] is the verb. Returns the exit code. */
int gateway_pins_main(int argc, char **argv);

#endif
