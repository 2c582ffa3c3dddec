/* A person's word where the policy asks for one. */
#include "gateway/stages.h"

aip_status
approve_call(exchange *x, aip_error *err)
{
    if (!x->was_judged || x->judged.decision != POLICY_ASK) {
        return AIP_OK;
    }
    return aip_fail(err, AIP_POLICY_TOOL, NULL);
}
