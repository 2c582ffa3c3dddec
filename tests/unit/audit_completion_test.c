/* Completion statements: what is read and what is refused, that they grant nothing, and their lines in the log. */
#include "tests/unit/audit_subject.h"

#include "audit/completion_line.h"
#include "audit/line.h"
#include "crypto/hash.h"
#include "proof/receipt.h"

#define LINK "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define DECISION "AAAAAAAAAAAAAAAAAAAAAA"
#define NOW 1800000000

static audit_summary summary;

static completion_statement
statement(void)
{
    return (completion_statement){.issuer = subject_did, .issued_at = NOW, .link = LINK, .status = "done"};
}

static char *
sign(const completion_statement *said)
{
    char *out = NULL;
    CHECK_STATUS(completion_sign(subject_key, said, &out, NULL), AIP_OK);
    return out;
}

/* A statement of these very claims, signed, with no rule kept. */
static char *
sign_claims(const char *type, const char *claims)
{
    char *out = NULL;
    const jws_statement said = {type, NULL, aip_bytes_of(claims)};
    CHECK_STATUS(jws_encode(subject_key, &said, &out, NULL), AIP_OK);
    return out;
}

static aip_status
read_text(const char *text, completion *out)
{
    static unsigned char room[COMPLETION_BYTES_MAX];
    return completion_read(aip_bytes_of(text), room, sizeof room, out, NULL);
}

static void
what_is_signed_is_read_and_verified(void)
{
    static const unsigned char hash[AIP_HASH_BYTES] = {1, 2, 3};
    static const char *const decisions[] = {DECISION, "BBBBBBBBBBBBBBBBBBBBBQ"};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    subject_begin();
    completion c;
    completion_statement said = statement();
    said.result_hash = hash;
    said.has_cost = true;
    said.cost_micro_usd = 250000;
    said.decisions = decisions;
    said.decision_count = 2;
    said.context = "all \"read\"\n";
    STRING_AUTO char *text = sign(&said);
    CHECK_STATUS(read_text(text, &c), AIP_OK);
    CHECK(aip_bytes_equal(c.issuer.text, aip_bytes_of(subject_did)) && c.issued_at == NOW && c.decisions == 2);
    CHECK(aip_bytes_equal(c.status, AIP_BYTES_LITERAL("done")) && aip_bytes_equal(c.link, AIP_BYTES_LITERAL(LINK)));
    CHECK(c.has_result && memcmp(c.result_hash, hash, sizeof hash) == 0 && c.has_cost && c.cost_micro_usd == 250000);
    const completion_check check = {
        .issuer = aip_bytes_of(subject_did), .link = AIP_BYTES_LITERAL(LINK), .now_seconds = NOW};
    CHECK_STATUS(completion_verify(&c, &check, NULL), AIP_OK);
}

static void
statements_that_break_a_rule_are_refused(void)
{
    static const struct {
        const char *claims;
        aip_status wanted;
    } cases[] = {
        {"\"status\":\"done\"", AIP_TOKEN_CLAIM_MISSING},
        {"\"link\":\"" LINK "\"", AIP_TOKEN_CLAIM_MISSING},
        {"\"link\":\"" LINK "\",\"status\":\"great\"", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "\",\"status\":true", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "A\",\"status\":\"done\"", AIP_BASE64URL_INVALID},
        {"\"link\":\"" DECISION "\",\"status\":\"done\"", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"result_hash\":\"AA\"", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"cost_usd\":-1", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"cost_usd\":1e3", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"cost_usd\":\"1\"", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"cost_usd\":0.0000001", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"decisions\":\"" DECISION "\"", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"decisions\":[\"short\"]", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"decisions\":[[]]", AIP_JSON_DEPTH},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"context\":7", AIP_TOKEN_CLAIM_INVALID},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"scope\":[\"tool:*\"]", AIP_TOKEN_CLAIM_UNKNOWN},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"exp\":1", AIP_TOKEN_CLAIM_UNKNOWN},
        {"\"link\":\"" LINK "\",\"status\":\"done\",\"status\":\"failed\"", AIP_JSON_DUPLICATE},
    };
    completion c;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char claims[512];
        snprintf(claims, sizeof claims, "{\"iss\":\"%s\",\"iat\":1,%s}", subject_did, cases[i].claims);
        STRING_AUTO char *text = sign_claims(COMPLETION_TYPE, claims);
        CHECK_STATUS(read_text(text, &c), cases[i].wanted);
    }
    STRING_AUTO char *list = sign_claims(COMPLETION_TYPE, "[]");
    CHECK_STATUS(read_text(list, &c), AIP_TOKEN_MALFORMED);
    STRING_AUTO char *nobody = sign_claims(COMPLETION_TYPE, "{\"iss\":\"bob\",\"iat\":1}");
    CHECK_STATUS(read_text(nobody, &c), AIP_DID_INVALID);
}

static void
more_decisions_or_words_than_there_may_be_are_not_signed(void)
{
    static const char *decisions[COMPLETION_DECISIONS_MAX + 1];
    static char words[AIP_CONTEXT_BYTES_MAX + 2];
    char *out = NULL;
    completion_statement said = statement();
    for (size_t i = 0; i < COMPLETION_DECISIONS_MAX + 1; i++) {
        decisions[i] = DECISION;
    }
    said.decisions = decisions;
    said.decision_count = COMPLETION_DECISIONS_MAX + 1;
    CHECK(completion_sign(subject_key, &said, &out, NULL) != AIP_OK && out == NULL);
    said.decision_count--;
    STRING_AUTO char *most = sign(&said);
    CHECK(most != NULL);
    said.decision_count = 0;
    memset(words, 'x', sizeof words - 1);
    said.context = words;
    CHECK_STATUS(completion_sign(subject_key, &said, &out, NULL), AIP_TOKEN_CLAIM_INVALID);
    words[AIP_CONTEXT_BYTES_MAX] = '\0';
    STRING_AUTO char *longest = sign(&said);
    CHECK(longest != NULL);
    said = statement();
    said.kid = "did:web:other.example#key-1";
    CHECK_STATUS(completion_sign(subject_key, &said, &out, NULL), AIP_TOKEN_HEADER);
    said.kid = NULL;
    said.status = "Done";
    CHECK_STATUS(completion_sign(subject_key, &said, &out, NULL), AIP_TOKEN_CLAIM_INVALID);
}

static void
any_flipped_bit_is_refused(void)
{
    const completion_statement said = statement();
    const completion_check check = {.issuer = aip_bytes_of(subject_did)};
    STRING_AUTO char *text = sign(&said);
    completion c;
    for (size_t i = 0; text[i] != '\0'; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text[i] ^= (char)(1u << bit);
            CHECK(read_text(text, &c) != AIP_OK || completion_verify(&c, &check, NULL) != AIP_OK);
            text[i] ^= (char)(1u << bit);
        }
    }
    CHECK(read_text(text, &c) == AIP_OK && completion_verify(&c, &check, NULL) == AIP_OK);
}

static void
another_agent_link_or_time_is_refused(void)
{
    const completion_statement said = statement();
    STRING_AUTO char *text = sign(&said);
    completion c;
    completion_check check = {.issuer = AIP_BYTES_LITERAL("did:web:other.example")};
    CHECK_STATUS(read_text(text, &c), AIP_OK);
    CHECK_STATUS(completion_verify(&c, &check, NULL), AIP_PROOF_KEY);
    check = (completion_check){.link = AIP_BYTES_LITERAL("BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")};
    CHECK_STATUS(completion_verify(&c, &check, NULL), AIP_PROOF_KEY);
    check = (completion_check){.now_seconds = NOW - AIP_CLOCK_SKEW_SECONDS - 1};
    CHECK_STATUS(completion_verify(&c, &check, NULL), AIP_TOKEN_NOT_YET_VALID);
    check.now_seconds++;
    CHECK_STATUS(completion_verify(&c, &check, NULL), AIP_OK);
}

/* Whoever signs for another is found out by the name, which carries the key. */
static void
a_statement_in_the_name_of_another_is_refused(void)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {5};
    aip_secret_key *other = NULL;
    char *text = NULL;
    completion c;
    const completion_check check = {.now_seconds = NOW};
    const completion_statement said = statement();
    CHECK_STATUS(aip_secret_key_from_seed(seed, &other, NULL), AIP_OK);
    CHECK_STATUS(completion_sign(other, &said, &text, NULL), AIP_OK);
    CHECK_STATUS(read_text(text, &c), AIP_OK);
    CHECK_STATUS(completion_verify(&c, &check, NULL), AIP_TOKEN_SIGNATURE);
    free(text);
    aip_secret_key_free(&other);
}

static void
a_completion_is_no_token_and_no_receipt_and_the_reverse(void)
{
    static const char *const scope[] = {"tool:*"};
    const completion_statement said = statement();
    STRING_AUTO char *text = sign(&said), *token = NULL;
    aip_chain *chain = NULL;
    completion c;
    receipt_seen receipt;
    static unsigned char room[AIP_TOKEN_BYTES_MAX];
    CHECK(aip_chain_parse(aip_bytes_of(text), &chain, NULL) != AIP_OK && chain == NULL);
    CHECK_STATUS(receipt_read(aip_bytes_of(text), room, sizeof room, &receipt, NULL), AIP_TOKEN_HEADER);
    const aip_statement granted = {.subject = "did:web:agent.example",
                                   .scope = scope,
                                   .scope_count = 1,
                                   .has_max_depth = true,
                                   .issued_at = NOW,
                                   .expires_at = NOW + 100};
    CHECK_STATUS(aip_token_issue(subject_key, &granted, &token, NULL), AIP_OK);
    CHECK_STATUS(read_text(token, &c), AIP_TOKEN_HEADER);
    /* All that a token says, under this name: still none. */
    TEXT_AUTO text_buffer claims = {0};
    text_append_format(&claims,
                       "{\"iss\":\"%s\",\"sub\":\"did:web:agent.example\",\"scope\":[\"tool:*\"],\"max_depth\":0,"
                       "\"iat\":1800000000,\"exp\":1800000100}",
                       subject_did);
    STRING_AUTO char *disguised = sign_claims(COMPLETION_TYPE, claims.data);
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(disguised), &chain, NULL), AIP_TOKEN_HEADER);
    STRING_AUTO char *plain = sign_claims("aip+jwt", claims.data);
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(plain), &chain, NULL), AIP_OK);
    aip_chain_free(&chain);
}

/* ---- in the log ---- */

static void
write_log(void)
{
    audit_log *log = NULL;
    const completion_statement said = statement();
    const completion_check check = {.issuer = aip_bytes_of(subject_did), .link = AIP_BYTES_LITERAL(LINK)};
    STRING_AUTO char *text = sign(&said);
    subject_begin();
    audit_options options = subject_options(100);
    CHECK_STATUS(audit_open_with(&options, &log, NULL), AIP_OK);
    subject_append(log, 1, 2);
    CHECK_STATUS(subject_append_completion(log, aip_bytes_of(text), &check, NULL), AIP_OK);
    subject_append(log, 3, 1);
    audit_close(&log);
}

static void
a_completion_is_recorded_and_judged_with_the_log(void)
{
    write_log();
    CHECK_STATUS(subject_verify(true, &summary), AIP_OK);
    CHECK(summary.completions == 1 && summary.completions_unjudged == 0 && summary.lines == 5);
}

static void
only_what_verifies_is_recorded(void)
{
    audit_log *log = NULL;
    const completion_statement said = statement();
    completion_check check = {.issuer = AIP_BYTES_LITERAL("did:web:other.example")};
    STRING_AUTO char *text = sign(&said);
    subject_begin();
    audit_options options = subject_options(0);
    CHECK_STATUS(audit_open_with(&options, &log, NULL), AIP_OK);
    CHECK_STATUS(subject_append_completion(log, aip_bytes_of(text), &check, NULL), AIP_PROOF_KEY);
    check.issuer = aip_bytes_of(subject_did);
    text[strlen(text) - 20] ^= 1;
    CHECK(subject_append_completion(log, aip_bytes_of(text), &check, NULL) != AIP_OK);
    CHECK(subject_append_completion(log, AIP_BYTES_LITERAL("a.b.c"), &check, NULL) != AIP_OK);
    CHECK(subject_append_completion(log, AIP_BYTES_LITERAL(""), &check, NULL) != AIP_OK);
    audit_close(&log);
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
    CHECK(summary.lines == 0);
}

/* Writes line 3 anew, with good numbers and hashes around it. */
static void
forge(const char *from, const char *to)
{
    subject_lines lines;
    TEXT_AUTO text_buffer out = {0};
    unsigned char previous[AIP_HASH_BYTES] = {0};
    write_log();
    subject_cut(&lines);
    for (size_t i = 0; i + 1 < lines.count; i++) { /* without the checkpoint, which would tell */
        TEXT_AUTO text_buffer line = {0};
        aip_bytes text = lines.lines[i];
        const unsigned char *seq = memmem(text.data, text.size, ",\"seq\":", 7);
        const unsigned char *place = i == 2 ? memmem(text.data, text.size, from, strlen(from)) : NULL;
        CHECK(i != 2 || place != NULL);
        const unsigned char *rest = place == NULL ? text.data : place + strlen(from);
        if (place != NULL) {
            text_append(&line, (aip_bytes){text.data, (size_t)(place - text.data)});
            text_append_string(&line, to);
        }
        text_append(&line, (aip_bytes){rest, (size_t)(seq - rest)});
        audit_line_finish(&line, i + 1, previous);
        hash_sha256((aip_bytes){(unsigned char *)line.data, line.size - 1}, previous);
        text_append(&out, text_view(&line));
    }
    subject_save(subject_path, text_view(&out));
    free(lines.text);
}

static void
a_line_that_says_other_than_was_signed_is_found(void)
{
    forge("\"status\":\"done\"", "\"status\":\"failed\"");
    CHECK_STATUS(subject_verify(false, &summary), AIP_AUDIT_COMPLETION);
    CHECK(summary.findings[0].line == 3 && summary.finding_count == 1);
    forge("\"status\":\"done\"", "\"status\":\"done\",\"more\":1");
    CHECK_STATUS(subject_verify(false, &summary), AIP_AUDIT_COMPLETION);
    forge("\"link\":\"A", "\"link\":\"B");
    CHECK_STATUS(subject_verify(false, &summary), AIP_AUDIT_COMPLETION);
    forge("\"jws\":\"", "\"jws\":\"A");
    CHECK_STATUS(subject_verify(false, &summary), AIP_AUDIT_COMPLETION);
    forge("\"status\"", "\"status\"");
    CHECK_STATUS(subject_verify(false, &summary), AIP_OK);
}

static void
a_line_with_the_word_of_another_is_found(void)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {5};
    aip_secret_key *other = NULL;
    char *good = NULL, *bad = NULL;
    const completion_statement said = statement();
    CHECK_STATUS(aip_secret_key_from_seed(seed, &other, NULL), AIP_OK);
    CHECK_STATUS(completion_sign(subject_key, &said, &good, NULL), AIP_OK);
    CHECK_STATUS(completion_sign(other, &said, &bad, NULL), AIP_OK);
    forge(good, bad);
    CHECK_STATUS(subject_verify(false, &summary), AIP_AUDIT_COMPLETION);
    CHECK(strstr(summary.findings[0].detail, "signature") != NULL);
    free(good);
    free(bad);
    aip_secret_key_free(&other);
    subject_end();
}

RUN(TEST(what_is_signed_is_read_and_verified), TEST(statements_that_break_a_rule_are_refused),
    TEST(more_decisions_or_words_than_there_may_be_are_not_signed), TEST(any_flipped_bit_is_refused),
    TEST(another_agent_link_or_time_is_refused), TEST(a_statement_in_the_name_of_another_is_refused),
    TEST(a_completion_is_no_token_and_no_receipt_and_the_reverse),
    TEST(a_completion_is_recorded_and_judged_with_the_log), TEST(only_what_verifies_is_recorded),
    TEST(a_line_that_says_other_than_was_signed_is_found), TEST(a_line_with_the_word_of_another_is_found))
