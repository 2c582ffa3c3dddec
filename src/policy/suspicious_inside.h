/* What the two halves of suspicious.h share: orders (suspicious.c) and characters (suspicious_hidden.c). */
#ifndef POLICY_SUSPICIOUS_INSIDE_H
#define POLICY_SUSPICIOUS_INSIDE_H

#include "policy/suspicious.h"

typedef struct {
    suspicious_findings *findings;
    const char *place;
    uint32_t node;
} suspicious_spot;

/* Adds the finding, unless it is there already or there is no room. */
void suspicious_report(const suspicious_spot *spot, const char *name);

/* What `text`, unescaped UTF-8, has in it that people do not see, or not as it is. */
void suspicious_hidden(const suspicious_spot *spot, aip_bytes text);

#endif
