/* One request of the conformance driver: access to its members, and the reply that grows. */
#ifndef TESTS_VECTORS_CONFORM_H
#define TESTS_VECTORS_CONFORM_H

#include "aip/error.h"
#include "base/scan.h"
#include "base/text.h"

#define EXCHANGE_OWNED_MAX 300

typedef struct {
    scan_document request;
    text_buffer reply;               /* members after "ok", each beginning with a comma */
    void *owned[EXCHANGE_OWNED_MAX]; /* freed when the reply is written */
    size_t owned_count;
} exchange;

/* A string member, unescaped. Absent or null: an empty view with data NULL when optional, else json.shape. */
aip_status exchange_text(exchange *x, const char *name, bool optional, aip_bytes *out, aip_error *err);
/* The same for what is passed on as a C string: a NUL in it is json.shape. */
aip_status exchange_string(exchange *x, const char *name, bool optional, aip_bytes *out, aip_error *err);
aip_status exchange_refuse_nul(aip_bytes text, aip_error *err);
aip_status exchange_unescape(exchange *x, uint32_t node, aip_bytes *out, aip_error *err);
/* A required string member of hexadecimal digits, decoded. */
aip_status exchange_hex(exchange *x, const char *name, aip_bytes *out, aip_error *err);
/* A whole number; absent or null gives `fallback`, or json.shape when that is negative. */
aip_status exchange_integer(exchange *x, const char *name, int64_t fallback, int64_t *out, aip_error *err);
/* `room` bytes that live as long as the exchange. */
aip_status exchange_room(exchange *x, size_t size, void **out, aip_error *err);
uint32_t exchange_member(const exchange *x, const char *name); /* SCAN_NONE also for null */

void exchange_reply_hex(exchange *x, const char *name, aip_bytes bytes);
void exchange_reply_text(exchange *x, const char *name, aip_bytes text);

aip_status answer_jwt_verify(exchange *x, aip_error *err);
aip_status answer_token_verify(exchange *x, aip_error *err);

aip_status answer_didurl_split(exchange *x, aip_error *err);
aip_status answer_did_resolve(exchange *x, aip_error *err);
aip_status answer_diddoc_identity(exchange *x, aip_error *err);
aip_status answer_aipdoc_verify(exchange *x, aip_error *err);
aip_status answer_time_read(exchange *x, aip_error *err);
aip_status answer_nexus_canonical(exchange *x, aip_error *err);
aip_status answer_nexus_verify(exchange *x, aip_error *err);
aip_status answer_trust_path(exchange *x, aip_error *err);
aip_status answer_pdr_score(exchange *x, aip_error *err);
aip_status answer_didlog_verify(exchange *x, aip_error *err);
aip_status answer_yaml_parse(exchange *x, aip_error *err);
aip_status answer_httpsig_verify(exchange *x, aip_error *err);
aip_status answer_revocation_verify(exchange *x, aip_error *err);
aip_status answer_dlp_scan(exchange *x, aip_error *err);
aip_status answer_policy_load(exchange *x, aip_error *err);
aip_status answer_policy_eval(exchange *x, aip_error *err);
aip_status answer_path_check(exchange *x, aip_error *err);

#endif
