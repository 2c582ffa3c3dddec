/* The stages that the pipeline's tables name, by the file that holds them. */
#ifndef GATEWAY_STAGES_H
#define GATEWAY_STAGES_H

#include "gateway/exchange.h"

/* greet.c: judged from the headers, before a body is read */
AIP_MUST_CHECK aip_status greet_check_origin(const exchange *x, aip_error *err); /* request.origin */
const gateway_route *greet_find_route(const exchange *x); /* that the path leads to; NULL: none */
AIP_MUST_CHECK aip_status greet_address(exchange *x, aip_error *err); /* request.not_found, .http_method, .origin */
/* Could another reader see the message end elsewhere? Then its connection ends with its answer (G-124). */
bool greet_doubts_framing(const exchange *x);
AIP_MUST_CHECK aip_status greet_framing(exchange *x,
                                        aip_error *err); /* request.headers, .media_type, .size, .not_acceptable */
AIP_MUST_CHECK aip_status greet_credential(exchange *x, aip_error *err); /* token.missing, .repeated */
AIP_MUST_CHECK aip_status greet_verify(exchange *x,
                                       aip_error *err); /* aip_chain_parse's, aip_chain_verify's, await_identity's */
AIP_MUST_CHECK aip_status greet_standing(exchange *x, aip_error *err); /* token.revoked */
AIP_MUST_CHECK aip_status greet_lists(exchange *x, aip_error *err);    /* revocation.stale */
AIP_MUST_CHECK aip_status greet_rate(exchange *x, aip_error *err);     /* trust.rate */

/* share.c: how much is under way, and how much failed */
AIP_MUST_CHECK aip_status share_address(exchange *x, aip_error *err); /* caller.busy, .failing */
AIP_MUST_CHECK aip_status share_root(exchange *x, aip_error *err);    /* caller.busy */

/* prove.c: that the token's holder sent this very request */
AIP_MUST_CHECK aip_status prove_holder(exchange *x, aip_error *err); /* proof.*, token.revoked, await_identity's */
AIP_MUST_CHECK aip_status prove_body(exchange *x, aip_error *err);   /* proof.digest, .digest.algorithm */
AIP_MUST_CHECK aip_status prove_once(exchange *x, aip_error *err);   /* proof.replayed, .full, await_nonce's */

/* session.c */
AIP_MUST_CHECK aip_status session_recognise(exchange *x, aip_error *err); /* session.not_found */
void session_issue(exchange *x, aip_bytes upstream_id); /* adds the caller's form of the id to the answer */
void session_seal(exchange *x, aip_bytes id);           /* the same for what a group's members issued together */
/* An event that this caller may go on after, where its server has no sessions to tell whose streams are whose. */
void session_note_event(const exchange *x, aip_bytes id);
/* A session says whose its streams are. Without one only the caller who got an event goes on after it (G-121).
 * session.not_found */
AIP_MUST_CHECK aip_status session_check_event(const exchange *x, aip_bytes id, aip_error *err);
/* The stream of a session that belongs to no call: there is one, the newest (G-115). */
bool session_has_stream(const exchange *x);      /* is this exchange such a stream? */
bool session_may_claim(const exchange *x);       /* a stream that is resumed, too, ends those before where it must */
void session_claim_stream(const exchange *x);    /* those before are to end, at whichever shard */
bool session_stream_replaced(const exchange *x); /* was this one told to? */

/* judge.c: which of the operator's policies holds, and what it says of the call */
AIP_MUST_CHECK aip_status judge_choose(exchange *x, aip_error *err); /* internal */
AIP_MUST_CHECK aip_status judge_policy(exchange *x, aip_error *err); /* policy.*, proof.missing */

/* inspect.c: secrets and personal data, in what goes on and in what comes back */
AIP_MUST_CHECK aip_status inspect_request(exchange *x, aip_error *err); /* dlp.*, pattern.limit */
/* `out` receives the message where it may not go on as it is; else it stays empty. Errors: the same. */
AIP_MUST_CHECK aip_status inspect_reply(exchange *x, const scan_document *message, text_buffer *out, aip_error *err);
/* What an event of a stream says beside its data, which cannot be changed. Errors: the same. */
AIP_MUST_CHECK aip_status inspect_event(exchange *x, aip_bytes event, aip_error *err);

/* The same of a body or event that is no message, and so cannot be changed: what would be redacted refuses. */
AIP_MUST_CHECK aip_status inspect_reply_text(exchange *x, aip_bytes text, aip_error *err);

/* approve.c: a person's word, where the policy asks for one; waits */
AIP_MUST_CHECK aip_status approve_call(exchange *x, aip_error *err); /* approval.* */

/* reach.c: the server behind; once let in, a request counts until reach_leave */
AIP_MUST_CHECK aip_status reach_upstream(exchange *x, aip_error *err); /* upstream.unreachable, gateway.overloaded */
void reach_note(exchange *x, bool answered); /* did the server answer at all? */
void reach_leave(exchange *x);
bool reach_sets(const exchange *x, aip_bytes name); /* is a header of that name among the operator's own? */

/* spend.c: money */
AIP_MUST_CHECK aip_status spend_hold(exchange *x, aip_error *err); /* budget.*, store.*; waits until it is durable */
void spend_release(exchange *x); /* the call certainly never left; nothing, if nothing is held */
void spend_settle(exchange *x);  /* it left, or may have */
/* What the result says that the call cost, where the price trusts that (Y-37). */
void spend_note_actual(exchange *x, const scan_document *message, uint32_t result);

#endif
