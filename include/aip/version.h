/* The version that the programs and the gateway name. */
#ifndef AIP_VERSION_H
#define AIP_VERSION_H

#ifndef AIP_VERSION
#define AIP_VERSION "0.1.0"
#endif

#endif
