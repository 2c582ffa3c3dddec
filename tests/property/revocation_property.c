/* Random trees of delegation and random revocations by anyone, judged by the library and by a naive model of R-10 to
 * the same verdict at the same element, whatever else is revoked and in whatever order it came. */
#include <stdio.h>
#include <stdlib.h>

#include "chain/memory.h"
#include "chain/revoked.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "../unit/check.h"

#define NOW 1800000000
#define PARTIES 10
#define NODES 14
#define PATH_MAX_ELEMENTS 7
#define TREES 20
#define FACTS 24
#define STANDS (-1)

static uint64_t state = 0x7eca11;

static size_t
next(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % below);
}

/* One party has three names, two of which carry its first key. */
enum { FORM_SELF, FORM_KEY, FORM_WEB, FORMS };
#define NAMES (PARTIES * FORMS) /* name n is form n % FORMS of party n / FORMS */

typedef struct {
    size_t parent, depth; /* depth: elements above it */
    size_t issuer, subject;
    unsigned char signer[AIP_KEY_BYTES], link_id[AIP_HASH_BYTES];
    char *text;
    chain_verdict verdict;
} node;

typedef struct {
    aip_secret_key *keys[PARTIES][2];
    char names[NAMES][80];
    node nodes[NODES];
    aip_trust trust;
    aip_key_source source;
} tree;

/* ---- the model: what spec/revocation.md says, word by word ---- */

typedef struct {
    revocation_kind kind;
    unsigned char bytes[AIP_HASH_BYTES]; /* link id or key */
    char name[80];                       /* DID */
    char issuer[80];
} fact;

/* Elements from the root to the node. */
typedef struct {
    const tree *tree;
    const node *elements[PATH_MAX_ELEMENTS];
    size_t count;
} path;

static path
path_of(const tree *t, size_t leaf)
{
    path p = {.tree = t, .count = t->nodes[leaf].depth + 1};
    for (size_t i = p.count, n = leaf; i-- > 0; n = t->nodes[n].parent) {
        p.elements[i] = &t->nodes[n];
    }
    return p;
}

static bool
is_name(const path *p, size_t name, const char *text)
{
    return strcmp(p->tree->names[name], text) == 0;
}

static bool
signed_up_to(const path *p, size_t i, const char *issuer)
{
    for (size_t k = 0; k <= i; k++) {
        if (is_name(p, p->elements[k]->issuer, issuer)) {
            return true;
        }
    }
    return false;
}

static bool
name_carries(const tree *t, size_t name, const unsigned char key[AIP_KEY_BYTES])
{
    const aip_public_key *own = aip_secret_key_public(t->keys[name / FORMS][0]);
    return name % FORMS != FORM_WEB && memcmp(own->bytes, key, AIP_KEY_BYTES) == 0;
}

/* */
static bool
link_ends(const path *p, size_t i, const fact *f)
{
    return memcmp(p->elements[i]->link_id, f->bytes, AIP_HASH_BYTES) == 0 &&
           (signed_up_to(p, i, f->issuer) || is_name(p, p->elements[i]->subject, f->issuer));
}

/* */
static bool
did_ends(const path *p, size_t i, const fact *f)
{
    bool own = strcmp(f->name, f->issuer) == 0;
    return (is_name(p, p->elements[i]->subject, f->name) && (signed_up_to(p, i, f->issuer) || own)) ||
           (i == 0 && is_name(p, p->elements[0]->issuer, f->name) && own);
}

/* */
static bool
key_ends(const path *p, size_t i, const fact *f)
{
    bool signer = memcmp(p->elements[i]->signer, f->bytes, AIP_KEY_BYTES) == 0;
    bool carried = name_carries(p->tree, p->elements[i]->subject, f->bytes);
    return (signer && signed_up_to(p, i, f->issuer)) ||
           (carried && (signed_up_to(p, i, f->issuer) || is_name(p, p->elements[i]->subject, f->issuer)));
}

static bool
fact_ends(const path *p, size_t i, const fact *f)
{
    return f->kind == REVOKED_LINK  ? link_ends(p, i, f)
           : f->kind == REVOKED_DID ? did_ends(p, i, f)
                                    : key_ends(p, i, f);
}

static int
model_verdict(const tree *t, size_t leaf, const fact *facts, size_t count)
{
    const path p = path_of(t, leaf);
    for (size_t i = 0; i < p.count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (fact_ends(&p, i, &facts[k])) {
                return (int)i;
            }
        }
    }
    return STANDS;
}

/* the chain holds the target, and the issuer is one who may. */
static bool
model_may(const tree *t, size_t leaf, const fact *f)
{
    const path p = path_of(t, leaf);
    for (size_t i = 0; i < p.count; i++) {
        const node *n = p.elements[i];
        bool link = f->kind == REVOKED_LINK && memcmp(n->link_id, f->bytes, AIP_HASH_BYTES) == 0;
        bool did = f->kind == REVOKED_DID && is_name(&p, n->subject, f->name);
        bool key = f->kind == REVOKED_KEY && name_carries(t, n->subject, f->bytes);
        if ((link || did || key) && (signed_up_to(&p, i, f->issuer) || is_name(&p, n->subject, f->issuer))) {
            return true;
        }
    }
    return false;
}

/* ---- random trees ---- */

/* `#key-2` is the party's second key, all else its first one. */
static aip_status
find_key(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    const tree *t = context;
    (void)signed_at;
    for (size_t n = 0; n < NAMES; n++) {
        if (aip_bytes_equal(name->text, aip_bytes_of(t->names[n]))) {
            bool second = kid.size > 0 && kid.data[kid.size - 1] == '2';
            *out = *aip_secret_key_public(t->keys[n / FORMS][second]);
            return AIP_OK;
        }
    }
    return aip_fail(err, AIP_DID_PENDING, NULL);
}

static void
make_parties(tree *t)
{
    for (size_t i = 0; i < PARTIES; i++) {
        for (size_t k = 0; k < 2; k++) {
            unsigned char seed[AIP_SEED_BYTES] = {(unsigned char)(i + 1), (unsigned char)k, 9};
            CHECK_STATUS(aip_secret_key_from_seed(seed, &t->keys[i][k], NULL), AIP_OK);
        }
        char(*names)[80] = &t->names[i * FORMS];
        aip_did_of_key(aip_secret_key_public(t->keys[i][0]), names[FORM_SELF]);
        snprintf(names[FORM_KEY], 80, "did:key:%.60s", names[FORM_SELF] + sizeof "did:aip:" - 1);
        snprintf(names[FORM_WEB], 80, "did:web:p%zu.example", i);
    }
    t->source = (aip_key_source){find_key, t};
}

static bool
is_on_path(const tree *t, size_t leaf, size_t party)
{
    const path p = path_of(t, leaf);
    bool found = p.elements[0]->issuer / FORMS == party;
    for (size_t i = 0; i < p.count; i++) {
        found = found || p.elements[i]->subject / FORMS == party;
    }
    return found;
}

/* One element more, by the parent's holder with one of its keys. */
static void
sign_node(tree *t, node *n, const char *parent)
{
    static const char *const scope[] = {"tool:search"};
    size_t party = n->issuer / FORMS, second = n->issuer % FORMS == FORM_KEY ? 0 : next(2); /* did:key has one key */
    char kid[96], context[32];
    snprintf(kid, sizeof kid, "%s#key-2", t->names[n->issuer]);
    snprintf(context, sizeof context, "task %zu", n->subject);
    const aip_statement said = {.issuer = t->names[n->issuer],
                                .kid = second ? kid : NULL,
                                .subject = t->names[n->subject],
                                .scope = scope,
                                .scope_count = 1,
                                .has_max_depth = parent == NULL,
                                .max_depth = 15,
                                .issued_at = NOW - 10,
                                .expires_at = NOW + 100,
                                .context = context};
    const aip_secret_key *key = t->keys[party][second];
    CHECK_STATUS(parent == NULL ? aip_token_issue(key, &said, &n->text, NULL)
                                : aip_token_delegate(key, aip_bytes_of(parent), &said, &n->text, NULL),
                 AIP_OK);
    const char *last = strrchr(n->text, '~'), *start = last == NULL ? n->text : last + 1;
    memcpy(n->signer, aip_secret_key_public(key)->bytes, AIP_KEY_BYTES);
    hash_sha256((aip_bytes){(const unsigned char *)start, (size_t)(strrchr(start, '.') - start)}, n->link_id);
}

static void
grow_node(tree *t, size_t index)
{
    node *n = &t->nodes[index];
    n->subject = next(NAMES);
    if (index == 0) {
        n->issuer = (n->subject + FORMS + next(NAMES - 2 * FORMS)) % NAMES;
        n->issuer = n->issuer / FORMS == n->subject / FORMS ? (n->issuer + FORMS) % NAMES : n->issuer;
        sign_node(t, n, NULL);
        return;
    }
    do {
        n->parent = next(2) == 0 ? index - 1 : next(index);
    } while (t->nodes[n->parent].depth + 2 > PATH_MAX_ELEMENTS);
    n->depth = t->nodes[n->parent].depth + 1;
    n->issuer = t->nodes[n->parent].subject;
    while (is_on_path(t, n->parent, n->subject / FORMS)) {
        n->subject = next(NAMES);
    }
    sign_node(t, n, t->nodes[n->parent].text);
}

static void
open_tree(tree *t)
{
    *t = (tree){0};
    make_parties(t);
    for (size_t i = 0; i < NODES; i++) {
        grow_node(t, i);
    }
    CHECK_STATUS(aip_trust_add(&t->trust, t->names[t->nodes[0].issuer], NULL), AIP_OK);
    const aip_check check = {.trust = &t->trust, .now_seconds = NOW, .keys = &t->source};
    for (size_t i = 0; i < NODES; i++) {
        node *n = &t->nodes[i];
        CHECK_STATUS(chain_memory_verify(NULL, aip_bytes_of(n->text), &check, &n->verdict, NULL), AIP_OK);
        CHECK(n->verdict.proof.count == n->depth + 1 &&
              memcmp(n->verdict.proof.keys[n->depth].bytes, n->signer, AIP_KEY_BYTES) == 0);
    }
}

static void
close_tree(tree *t)
{
    for (size_t i = 0; i < NODES; i++) {
        chain_verdict_clear(&t->nodes[i].verdict);
        free(t->nodes[i].text);
    }
    for (size_t i = 0; i < PARTIES; i++) {
        aip_secret_key_free(&t->keys[i][0]);
        aip_secret_key_free(&t->keys[i][1]);
    }
    aip_trust_clear(&t->trust);
}

/* ---- random revocations ---- */

/* A link of the tree, any name or any key, by any name: mostly by or of somebody who occurs in the tree. */
static fact
random_fact(const tree *t)
{
    const path p = path_of(t, next(NODES));
    const node *at = p.elements[next(p.count)], *other = p.elements[next(p.count)];
    size_t near = next(2) ? other->issuer : other->subject;
    size_t target = next(4) == 0 ? next(NAMES) : next(6) == 0 ? p.elements[0]->issuer : at->subject;
    fact f = {.kind = (revocation_kind)next(3)};
    if (f.kind == REVOKED_LINK) {
        memcpy(f.bytes, at->link_id, AIP_HASH_BYTES);
    } else if (f.kind == REVOKED_KEY) {
        memcpy(f.bytes, aip_secret_key_public(t->keys[target / FORMS][next(3) == 0])->bytes, AIP_KEY_BYTES);
    }
    strcpy(f.name, t->names[target]);
    strcpy(f.issuer, t->names[next(4) == 0 ? next(NAMES) : next(4) == 0 ? target : near]);
    return f;
}

/* Of nothing in the tree, by somebody in it; or of something in it, by nobody in it. */
static fact
unrelated_fact(const tree *t)
{
    fact f = random_fact(t);
    if (next(2) == 0) {
        snprintf(f.issuer, sizeof f.issuer, "did:web:stranger%zu.example", next(1000));
    } else {
        for (size_t i = 0; i < sizeof f.bytes; i++) {
            f.bytes[i] = (unsigned char)next(256);
        }
        snprintf(f.name, sizeof f.name, "did:web:stranger%zu.example", next(1000));
    }
    return f;
}

static revoked_fact
said_by(const fact *f)
{
    revoked_fact said = {.kind = f->kind, .issuer = aip_bytes_of(f->issuer)};
    memcpy(said.target_id, f->bytes, AIP_HASH_BYTES);
    if (f->kind == REVOKED_DID) {
        hash_sha256(aip_bytes_of(f->name), said.target_id);
    }
    return said;
}

static void
add(revoked_memory *memory, const fact *f)
{
    const revoked_fact said = said_by(f);
    CHECK_STATUS(revoked_memory_add(memory, &said, NULL), AIP_OK);
}

static revoked_memory *
new_memory(const fact *facts, size_t count)
{
    revoked_memory *memory = NULL;
    CHECK_STATUS(revoked_memory_new(&memory, NULL), AIP_OK);
    for (size_t i = 0; i < count; i++) {
        add(memory, &facts[i]);
    }
    return memory;
}

static int
verdict_of(revoked_memory *memory, const node *n)
{
    aip_error err = AIP_ERROR_INIT;
    const aip_chain *chain = chain_entry_chain(n->verdict.entry);
    aip_status status = revoked_check(memory, chain, n->verdict.proof.keys, n->verdict.proof.count, &err);
    CHECK(status == AIP_OK || (status == AIP_TOKEN_REVOKED && err.at >= 0));
    return status == AIP_OK ? STANDS : err.at;
}

/* A key that the holder proved ends by those whom R-12 names for the last element, under whatever name. */
static void
compare_holder(const tree *t, revoked_memory *memory, size_t leaf, const fact *facts, size_t count)
{
    const node *n = &t->nodes[leaf];
    const path p = path_of(t, leaf);
    const aip_public_key *proven = aip_secret_key_public(t->keys[n->subject / FORMS][next(2)]);
    bool ended = false;
    for (size_t k = 0; k < count; k++) {
        ended = ended || (facts[k].kind == REVOKED_KEY && memcmp(facts[k].bytes, proven->bytes, AIP_KEY_BYTES) == 0 &&
                          (signed_up_to(&p, n->depth, facts[k].issuer) || is_name(&p, n->subject, facts[k].issuer)));
    }
    CHECK_STATUS(revoked_check_holder(memory, chain_entry_chain(n->verdict.entry), proven, NULL),
                 ended ? AIP_TOKEN_REVOKED : AIP_OK);
}

/* What is named as the reason was said, and alone ends the chain at the same element. */
static void
compare_reason(const tree *t, revoked_memory *memory, size_t leaf, const fact *facts, size_t count)
{
    const chain_verdict *v = &t->nodes[leaf].verdict;
    int wanted = model_verdict(t, leaf, facts, count);
    revoked_fact reason;
    bool found = revoked_find(memory, chain_entry_chain(v->entry), v->proof.keys, v->proof.count, &reason);
    bool said = false;
    CHECK(found == (wanted != STANDS));
    for (size_t i = 0; found && i < count; i++) {
        const revoked_fact one = said_by(&facts[i]);
        said = said || (one.kind == reason.kind && aip_bytes_equal(one.issuer, reason.issuer) &&
                        memcmp(one.target_id, reason.target_id, AIP_HASH_BYTES) == 0 &&
                        model_verdict(t, leaf, &facts[i], 1) == wanted);
    }
    CHECK(said == found);
}

static void
every_leaf_ends_where_the_model_says(void)
{
    size_t ended = 0, standing = 0;
    for (size_t k = 0; k < TREES * 4; k++) {
        static tree t;
        fact facts[FACTS];
        if (k % 4 == 0) {
            open_tree(&t);
        }
        revoked_memory *memory = new_memory(NULL, 0);
        for (size_t count = 0; count <= FACTS; count++) {
            for (size_t leaf = 0; leaf < NODES; leaf++) {
                int wanted = model_verdict(&t, leaf, facts, count);
                CHECK(verdict_of(memory, &t.nodes[leaf]) == wanted);
                compare_holder(&t, memory, leaf, facts, count);
                compare_reason(&t, memory, leaf, facts, count);
                *(wanted == STANDS ? &standing : &ended) += 1;
            }
            if (count < FACTS) {
                facts[count] = random_fact(&t);
                add(memory, &facts[count]);
            }
        }
        revoked_memory_free(&memory);
        if (k % 4 == 3) {
            close_tree(&t);
        }
    }
    CHECK(ended > 2000 && standing > 2000); /* of 28,000: the cases are neither all the one nor all the other */
}

/* A single one tells which rule it was; many hide each other behind the first element. */
static void
each_revocation_alone_ends_what_the_model_says(void)
{
    size_t ended[3] = {0}, standing[3] = {0};
    for (size_t k = 0; k < TREES; k++) {
        static tree t;
        open_tree(&t);
        for (size_t i = 0; i < 200; i++) {
            const fact f = random_fact(&t);
            revoked_memory *memory = new_memory(&f, 1);
            for (size_t leaf = 0; leaf < NODES; leaf++) {
                int wanted = model_verdict(&t, leaf, &f, 1);
                CHECK(verdict_of(memory, &t.nodes[leaf]) == wanted);
                (wanted == STANDS ? standing : ended)[f.kind] += 1;
            }
            revoked_memory_free(&memory);
        }
        close_tree(&t);
    }
    for (size_t kind = 0; kind < 3; kind++) {
        CHECK(ended[kind] > 500 && standing[kind] > 500);
    }
}

static void
an_unrelated_revocation_never_changes_a_verdict(void)
{
    for (size_t k = 0; k < TREES; k++) {
        static tree t;
        fact facts[4];
        int before[NODES];
        open_tree(&t);
        for (size_t i = 0; i < 4; i++) {
            facts[i] = random_fact(&t);
        }
        revoked_memory *memory = new_memory(facts, next(5));
        for (size_t leaf = 0; leaf < NODES; leaf++) {
            before[leaf] = verdict_of(memory, &t.nodes[leaf]);
        }
        for (size_t i = 0; i < 300; i++) {
            const fact f = unrelated_fact(&t);
            size_t leaf = next(NODES);
            add(memory, &f);
            CHECK(verdict_of(memory, &t.nodes[leaf]) == before[leaf]);
        }
        for (size_t leaf = 0; leaf < NODES; leaf++) {
            CHECK(verdict_of(memory, &t.nodes[leaf]) == before[leaf]);
        }
        revoked_memory_free(&memory);
        close_tree(&t);
    }
}

static void
shuffle(fact *facts, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = next(i);
        const fact kept = facts[i - 1];
        facts[i - 1] = facts[k];
        facts[k] = kept;
    }
}

/* Also twice or three times: one statement is one statement. */
static void
the_order_of_arrival_does_not_matter(void)
{
    for (size_t k = 0; k < TREES * 4; k++) {
        static tree t;
        fact facts[FACTS];
        open_tree(&t);
        size_t count = 1 + next(8);
        for (size_t i = 0; i < FACTS; i++) {
            facts[i] = i < count ? random_fact(&t) : facts[next(count)];
        }
        revoked_memory *once = new_memory(facts, count);
        shuffle(facts, FACTS);
        revoked_memory *again = new_memory(facts, FACTS);
        CHECK(revoked_count(once) == revoked_count(again) && revoked_count(once) <= count);
        for (size_t leaf = 0; leaf < NODES; leaf++) {
            CHECK(verdict_of(once, &t.nodes[leaf]) == verdict_of(again, &t.nodes[leaf]));
        }
        revoked_memory_free(&once);
        revoked_memory_free(&again);
        close_tree(&t);
    }
}

/* The statement, signed and read again, with the leaf's token as its chain. */
static aip_status
judge_with_chain(const tree *t, size_t leaf, const fact *f)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    char target[80];
    char *text = NULL;
    revocation r;
    strcpy(target, f->name);
    if (f->kind == REVOKED_LINK) {
        base64url_encode((aip_bytes){f->bytes, AIP_HASH_BYTES}, target);
    } else if (f->kind == REVOKED_KEY) {
        multibase_encode_key(f->bytes, target);
    }
    const revocation_statement said = {.issuer = f->issuer,
                                       .kind = f->kind,
                                       .target = target,
                                       .chain = t->nodes[leaf].text,
                                       .issued_at = NOW,
                                       .sequence = next(1000)};
    CHECK_STATUS(revocation_sign(t->keys[0][0], &said, &text, NULL), AIP_OK);
    aip_status status = revocation_parse(aip_bytes_of(text), room, sizeof room, &r, NULL);
    status = status == AIP_OK ? revocation_check_chain(&r, &t->source, NULL) : status;
    free(text);
    return status;
}

static void
a_statement_with_its_chain_is_authorized_as_the_model_says(void)
{
    size_t may = 0, may_not = 0;
    for (size_t k = 0; k < TREES / 4; k++) {
        static tree t;
        open_tree(&t);
        for (size_t i = 0; i < 60; i++) {
            const fact f = next(8) == 0 ? unrelated_fact(&t) : random_fact(&t);
            size_t leaf = next(NODES);
            if (f.kind == REVOKED_KEY && f.name[8] == 's') {
                continue; /* random bytes are no key that could be written */
            }
            bool wanted = model_may(&t, leaf, &f);
            CHECK_STATUS(judge_with_chain(&t, leaf, &f), wanted ? AIP_OK : AIP_REVOCATION_UNAUTHORIZED);
            *(wanted ? &may : &may_not) += 1;
        }
        close_tree(&t);
    }
    CHECK(may > 30 && may_not > 30);
}

RUN(TEST(every_leaf_ends_where_the_model_says), TEST(each_revocation_alone_ends_what_the_model_says),
    TEST(an_unrelated_revocation_never_changes_a_verdict), TEST(the_order_of_arrival_does_not_matter),
    TEST(a_statement_with_its_chain_is_authorized_as_the_model_says))
